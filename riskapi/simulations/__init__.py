"""A policy tried on recorded signups before it is published, and thresholds proposed from their labels."""
