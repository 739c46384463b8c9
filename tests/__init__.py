"""The tests of Callease; they mirror the tree of the server."""
