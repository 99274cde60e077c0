"""The processes of ``serve``, and what they say of themselves."""
