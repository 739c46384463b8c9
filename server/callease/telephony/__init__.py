"""Calls: events from providers, where a call goes, what it came to."""
