"""Signups to load with: varied enough that nothing is answered from a cache it would not hit in earnest."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

_NAMES = (
    "ana", "bo", "chen", "dara", "eva", "femi", "gita", "hugo", "ines", "jun",
    "kofi", "lena", "mara", "nils", "oya", "pia", "quin", "rosa", "sami", "tara",
)  # fmt: skip
_LAST = (
    "ruiz", "okoye", "chen", "novak", "silva", "kaya", "meyer", "dubois",
    "rossi", "haddad", "kim", "tanaka", "lopez", "weber", "osei",
)  # fmt: skip
_PROVIDERS = (
    "gmail.com", "outlook.com", "yahoo.com", "gmx.de", "icloud.com", "proton.me", "orange.fr", "mail.example",
)  # fmt: skip
_FIRST_BYTES = (24, 62, 67, 78, 81, 88, 91, 98)
_AGENTS = tuple(
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
    for system in ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64")
    for major in range(128, 143)
)
_PLACES = (("es-ES,es;q=0.9", "Europe/Madrid", "+346"), ("de-DE,de;q=0.9,en;q=0.8", "Europe/Berlin", "+4915"),
           ("en-US,en;q=0.9", "America/New_York", "+1212"), ("fr-FR", "Europe/Paris", "+336"))  # fmt: skip


def bodies(seed: int, label: str) -> Iterator[bytes]:
    """Endless signups, each a new account; the same ones for the same seed and label."""
    rng = random.Random(seed)
    number = 0
    while True:
        number += 1
        first, last = rng.choice(_NAMES), rng.choice(_LAST)
        private = rng.random() < 0.3
        domain = f"{last}{rng.randrange(5000)}.example" if private else rng.choice(_PROVIDERS)
        language, zone, prefix = rng.choice(_PLACES)
        ip = ".".join(str(byte) for byte in (rng.choice(_FIRST_BYTES), *(rng.randrange(1, 255) for _ in range(3))))
        body = {
            "account": {"user_id": f"{label}_{number}", "name": f"{first.title()} {last.title()}", "plan": "free"},
            "email": {"address": f"{first}.{last}{rng.randrange(10000)}@{domain}"},
            "phone": {"number": f"{prefix}{rng.randrange(10**7):07d}"} if rng.random() < 0.6 else None,
            "device": {
                "ip_address": ip,
                "id": f"dev-{rng.getrandbits(48):x}",
                "user_agent": rng.choice(_AGENTS),
                "accept_language": language,
                "time_zone": zone,
            },
            "behavior": {
                "form_fill_ms": rng.randrange(8000, 90000),
                "pasted_fields": [],
                "honeypot_filled": False,
                "keystrokes": rng.randrange(30, 140),
                "captcha_passed": True,
                "pages_before_signup": rng.randrange(1, 9),
            },
        }
        yield json.dumps(body).encode()
