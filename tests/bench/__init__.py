"""``make bench``: what a decision costs, as a ratio to a route that does nothing, in one run."""
