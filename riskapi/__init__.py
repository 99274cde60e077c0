"""The service: scores signups, keeps the links between accounts, and turns risk into sending budgets."""
