"""Tests of the watch over the platform."""
