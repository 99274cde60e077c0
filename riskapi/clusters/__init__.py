"""Accounts that belong together and share a budget: what binds them, and who only claims it."""
