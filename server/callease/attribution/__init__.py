"""Visits, their sources, and the resolver that says which lease made the phone ring."""
