"""The service: scores signups, keeps the links between accounts, and turns risk into sending budgets."""

#: The release, as in pyproject.toml.
RELEASE = "0.1.0"
