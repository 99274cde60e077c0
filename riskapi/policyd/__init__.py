"""Holds mail back where it leaves: a policy server that Postfix asks before it takes a message."""
