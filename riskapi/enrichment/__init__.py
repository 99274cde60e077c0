"""What the worker asks the world after an answer was given: DNS, registries (RDAP) and blocklists.

What asks, and what reads answers, does not know the store. Which subjects wait, what was answered and believed, and how
often somebody may be asked is kept there by ``findings``, ``subjects``, ``lookups``, ``doubts`` and ``pace``. Every
answer is hostile until it was read, has a time it must come in, and becomes ``None`` where nobody gave it.
"""
