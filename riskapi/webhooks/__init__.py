"""The operator's own systems are told of changes."""
