"""Who may call, how often, and what was answered under a key of the caller."""
