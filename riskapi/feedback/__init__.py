"""What became of the mail that accounts sent."""
