"""What the worker asks the world after an answer was given: DNS, registries (RDAP) and blocklists.

Pure network I/O and parsing: nothing here knows the store. Every answer is hostile until it was read, has a time it
must come in, and becomes ``None`` where nobody gave it.
"""
