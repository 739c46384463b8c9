"""The management API, contract section 5."""
