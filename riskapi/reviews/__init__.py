"""Decisions that wait for a person, and what a person decides."""
