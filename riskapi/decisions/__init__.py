"""The line: gather, read, score, decide, record; first for a signup, then whenever something changed."""
