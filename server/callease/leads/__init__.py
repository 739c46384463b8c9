"""Contacts and leads: what a call, a call-back or a form is worth to an office."""
