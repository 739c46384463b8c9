"""Callease: self-hosted call tracking for property portals."""

__version__ = "1.1.0"
