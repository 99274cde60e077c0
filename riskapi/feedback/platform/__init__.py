"""The platform is watched: who blocks it, which blocklist has its senders, and whether its feeds are still heard."""
