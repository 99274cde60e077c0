"""Signals from how the form was filled, as the signup page measured it."""

from __future__ import annotations

from typing import NamedTuple

from signals.facts import Facts
from signals.registry import signal

NEEDS = ("/behavior/form_fill_ms",)


def _texts(facts: Facts) -> tuple[tuple[tuple[str, ...], str | None], ...]:
    """What was asked for, each with words that occur in the name of its form field, so that a pasted one is told."""
    account = facts.account
    return (
        (("mail",), facts.email.given),
        (("name",), account.name),
        (("org", "compan"), account.organization),
        (("site", "url"), account.website),
        (("phone", "tel"), facts.phone.given if facts.phone else None),
    )


def _pasted(facts: Facts, words: tuple[str, ...]) -> bool:
    pasted = facts.behavior.pasted_fields
    if not pasted:
        return False
    return any(word in name.casefold() for name in pasted for word in words)


class _Typed(NamedTuple):
    """Characters of the given fields that were not pasted, more than none; milliseconds and keys it took."""

    characters: int
    elapsed: int | None
    pressed: int | None


def _typed(facts: Facts) -> _Typed | None:
    """What was typed; ``None`` where all was pasted. Passwords are not seen and not counted."""
    behavior, characters = facts.behavior, 0
    for words, text in _texts(facts):
        if text and not (behavior.pasted_fields and _pasted(facts, words)):
            characters += len(text)
    return _Typed(characters, behavior.form_fill_ms, behavior.keystrokes) if characters else None


@signal(reason="the form was filled in within {value:seconds}", risk=-1)
def behavior_form_fill_ms(facts: Facts) -> int | None:
    """Milliseconds from first focus to submit, 0 or more. Typical: 15,000 to 90,000; scripts under 2,000.

    Password managers and autofill are fast too. Source: keystroke-level model (Card, Moran and Newell, 1980): a
    field of 20 characters takes an average typist about 5.6 s.
    """
    return facts.behavior.form_fill_ms


@signal(of=_typed, reason="on average {value:seconds} passed for each character typed", risk=-1)
def behavior_ms_per_character(typed: _Typed) -> float | None:
    """Fill time over the characters that were not pasted (e-mail, name, organisation, website, phone), in ms.

    Typical: 200 to 2,000, thinking included. Under 50 ms, 240 words a minute, is beyond people. Unknown when all
    was pasted. Source: Dhakal et al., "Observations on Typing from 136 Million Keystrokes", ACM CHI 2018: mean
    interval 239 ms, fastest group about 120 ms.
    """
    return None if typed.elapsed is None else typed.elapsed / typed.characters


@signal(reason="{value} {value:field was|fields were} pasted", risk=0, needs="/behavior/pasted_fields")
def behavior_pasted_count(facts: Facts) -> int | None:
    """Different fields that were filled by pasting, 0 to 50. Typical: 0 or 1; users of mail aliases paste too."""
    pasted = facts.behavior.pasted_fields
    return None if pasted is None else len({name.casefold() for name in pasted})


@signal(reason="the e-mail address was {value:pasted|not pasted}", risk=1, needs="/behavior/pasted_fields")
def behavior_email_pasted(facts: Facts) -> bool | None:
    """Whether a field with ``mail`` in its name was pasted. Weak: people type their own address, but paste aliases."""
    return None if facts.behavior.pasted_fields is None else _pasted(facts, ("mail",))


@signal(reason="the name was {value:pasted|not pasted}", risk=1, needs="/behavior/pasted_fields")
def behavior_name_pasted(facts: Facts) -> bool | None:
    """Whether a field with ``name`` in its name was pasted. Hardly anybody needs to copy their own name."""
    return None if facts.behavior.pasted_fields is None else _pasted(facts, ("name",))


@signal(
    reason="the form field that people cannot see was {value:filled in|left empty}",
    risk=1,
    needs="/behavior/honeypot_filled",
)
def behavior_honeypot_filled(facts: Facts) -> bool | None:
    """Whether the field that people cannot see was filled. Typical: false; some autofill extensions fill it."""
    return facts.behavior.honeypot_filled


@signal(reason="{value} {value:key was|keys were} pressed", risk=0, needs="/behavior/keystrokes")
def behavior_keystrokes(facts: Facts) -> int | None:
    """Keys pressed while the form was open, 0 or more. Typical: 30 to 150; 0 with autofill as well as with scripts."""
    return facts.behavior.keystrokes


@signal(
    of=_typed,
    reason="{value:.1f} keys were pressed for each character of the form, pasted text aside",
    risk=-1,
    needs="/behavior/keystrokes",
)
def behavior_keystroke_ratio(typed: _Typed) -> float | None:
    """Keys pressed over the characters that were not pasted. Typical: 1 to 1.6, corrections and password included.

    0 means that a program set the fields; autofill is one. Touch keyboards report few keys. Unknown when all was
    pasted. Source: Dhakal et al., ACM CHI 2018: 1.17 keystrokes per character.
    """
    return None if typed.pressed is None else typed.pressed / typed.characters


@signal(
    reason="on average {value:seconds} passed for each key pressed",
    risk=0,
    needs=("/behavior/form_fill_ms", "/behavior/keystrokes"),
)
def behavior_ms_per_key(facts: Facts) -> float | None:
    """Fill time over keys pressed, in ms. Typical: 150 to 1,500; unknown without a key press.

    Machines that press keys are too fast, or too even: either way may be learned.
    """
    elapsed, pressed = facts.behavior.form_fill_ms, facts.behavior.keystrokes
    return None if elapsed is None or not pressed else elapsed / pressed


@signal(reason="the captcha was {value:passed|not passed}", risk=-1, needs="/behavior/captcha_passed")
def behavior_captcha_passed(facts: Facts) -> bool | None:
    """Whether the captcha was passed. Solving services pass it for about a dollar a thousand, so it clears nobody.

    Source: Motoyama et al., "Re: CAPTCHAs – Understanding CAPTCHA-Solving Services in an Economic Context",
    USENIX Security 2010.
    """
    return facts.behavior.captcha_passed


@signal(
    reason="{value} {value:page was|pages were} seen before the signup", risk=-1, needs="/behavior/pages_before_signup"
)
def behavior_pages_before_signup(facts: Facts) -> int | None:
    """Pages of the site seen before the form, 0 or more. Typical: 2 to 6; scripts go to the form at once."""
    return facts.behavior.pages_before_signup
