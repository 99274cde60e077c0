"""Finds accounts by anything they have: what somebody typed, what it may mean, who has it, and what else they share."""
