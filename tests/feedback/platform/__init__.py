"""Tests of the monitor over the platform."""
