"""Grants of recipients: what an account may send now, and what it gets."""
