"""The command `callease`."""
