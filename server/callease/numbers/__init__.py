"""Numbers, who owns them, and the lease engine."""
