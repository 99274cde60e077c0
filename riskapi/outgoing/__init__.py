"""Where this service may connect to, and the one HTTP client that connects there."""
