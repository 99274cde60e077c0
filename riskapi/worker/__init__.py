"""What is done after the answer."""
