"""Where this service may connect to."""
