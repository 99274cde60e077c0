"""Whether a diagnostic says that a DNS blocklist names our addresses or domains."""

from __future__ import annotations

import re

#: Blocklists as receivers name them in their replies, by their hosts and names (the pages of each list say how).
_NAMES = re.compile(
    r"spamhaus|spamcop|barracudacentral|\bbl\.score|sorbs\.net|uceprotect|invaluement|\bivm(?:uri|sip)|abusix|"
    r"mailspike|psbl\.org|surbl\.org|uribl\.com|dnsbl|rbl\b|blacklist(?:ed)?|blocklist(?:ed)?|block list",
    re.IGNORECASE,
)


def names_blocklist(diagnostic: str | None) -> bool:
    """Whether these words of a receiving server name a blocklist."""
    return diagnostic is not None and _NAMES.search(diagnostic) is not None
