"""The store: connections, the embedded server, and the Lua scripts."""
