"""What was decided about each account, what it turned out to be, and when it is looked at again."""
