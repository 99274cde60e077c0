"""How the form was filled: by hand, by a password manager, by a copying hand, by a script."""

from __future__ import annotations

from random import Random
from typing import Any

Measures = dict[str, Any]

#: Share of pages whose script was blocked or not loaded, so that nothing was measured.
_UNMEASURED = 0.06


def _measured(random: Random, measures: Measures) -> Measures:
    if random.random() < _UNMEASURED:
        return {}
    if random.random() < 0.1:
        measures.pop("keystrokes")
    return measures


def typing(random: Random, characters: int, pace: float = 1.0) -> Measures:
    """Someone who fills the form by hand. ``pace`` above 1 is slower; half of them let the browser fill a part."""
    filled = random.random() < 0.45
    typed = characters * (random.uniform(0.1, 0.6) if filled else 1.0) + random.randint(8, 16)
    seconds = random.lognormvariate(3.1, 0.6) * pace + typed * random.uniform(0.14, 0.32) * pace
    pasted = [
        field for field, share in (("email", 0.06), ("password", 0.12), ("website", 0.15)) if random.random() < share
    ]
    return _measured(random, {
        "form_fill_ms": int(seconds * 1000),
        "pasted_fields": pasted,
        "honeypot_filled": random.random() < 0.001,
        "keystrokes": int(typed * random.uniform(1.0, 1.35)),
        "captcha_passed": random.random() < 0.985,
        "pages_before_signup": min(60, int(random.expovariate(1 / 4.5))),
    })  # fmt: skip


def managing(random: Random) -> Measures:
    """A password manager fills everything at once; a few of them fill the honeypot too."""
    return _measured(random, {
        "form_fill_ms": int(random.lognormvariate(1.9, 0.6) * 1000),
        "pasted_fields": list(random.choice((("email", "name", "password"), ("email", "password"), ("password",), ()))),
        "honeypot_filled": random.random() < 0.012,
        "keystrokes": random.randint(0, 12),
        "captcha_passed": random.random() < 0.98,
        "pages_before_signup": min(60, int(random.expovariate(1 / 3.5))),
    })  # fmt: skip


def copying(random: Random) -> Measures:
    """A worker who copies every field from a sheet, quickly and often."""
    fields = [field for field in ("name", "email", "password", "phone", "organization") if random.random() < 0.8]
    return _measured(random, {
        "form_fill_ms": int(random.lognormvariate(2.9, 0.4) * 1000),
        "pasted_fields": fields,
        "honeypot_filled": False,
        "keystrokes": random.randint(0, 25),
        "captcha_passed": random.random() < 0.97,
        "pages_before_signup": int(random.expovariate(1 / 0.8)),
    })  # fmt: skip


def scripting(random: Random, skill: float) -> Measures:
    """A script. ``skill`` 0 posts the form at once, 1 drives a browser with human-like pauses and keys."""
    human = random.random() < skill
    return _measured(random, {
        "form_fill_ms": int(random.lognormvariate(2.9 if human else 0.3, 0.45) * 1000),
        "pasted_fields": [] if human or random.random() < 0.7 else ["email", "password"],
        "honeypot_filled": random.random() < 0.3 * (1 - skill),
        "keystrokes": random.randint(45, 90) if human else random.choice((0, 0, 1)),
        "captcha_passed": random.random() < 0.75 + 0.2 * skill,
        "pages_before_signup": int(random.expovariate(1 / 1.6)) if human else random.choice((0, 0, 1)),
    })  # fmt: skip
