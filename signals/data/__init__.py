"""Tables that signals and parsers read: facts with their sources, no code that decides anything."""
