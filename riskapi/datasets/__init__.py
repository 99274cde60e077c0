"""The data sets that inputs are looked up in: where they come from, what must be true of them, and which are in use."""
