"""Settings of attribution: where a mail says whose it is, and how long what was reported is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from riskapi.settings import environment
from riskapi.settings.setting import declare

#: What stands for the account in a return path.
USER: Final = "{user_id}"
#: Characters of a local part without quotes (RFC 5322, 3.2.3), without those that stand for others.
_AROUND: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/?^_`{|}.-]{0,32}")


def return_path(text: str) -> str:
    """A local part with ``{user_id}`` in it, and a domain after it or none."""
    local, at, domain = text.partition("@")
    before, user, after = local.partition(USER)
    if not user or USER in after or not before or not all(_AROUND.fullmatch(each) for each in (before, after)):
        raise ValueError("expected an address with {user_id} after other characters, such as bounces+{user_id}")
    if at and not environment.domains(domain):
        raise ValueError("expected a domain after the @, or nothing")
    return text


def keys(text: str) -> tuple[SecretStr, ...]:
    """Secrets of 32 characters or more with commas between them."""
    return tuple(environment.secret(32)(word) for word in environment.words(text))


def field(text: str) -> int:
    """A field of Feedback-ID, or 0 for ``off``."""
    if text == "off":
        return 0
    if text not in ("1", "2", "3", "4"):
        raise ValueError("expected 1, 2, 3, 4 or off")
    return int(text)


@dataclass(frozen=True, kw_only=True)
class AttributionSettings:
    """Part of :class:`riskapi.settings.Settings`."""

    feedback_id_field: int = declare(
        field,
        "Which of the four fields of `Feedback-ID` names the account, counted from 1; `off` for none.",
        default=lambda: 2,
        shown="2",
    )
    feedback_return_path: str = declare(
        return_path,
        "Envelope sender that names the account: a local part with `{user_id}` in it, at any domain or one.",
        default=lambda: f"bounces+{USER}",
        shown="bounces+{user_id}",
    )
    feedback_return_path_key: tuple[SecretStr, ...] = declare(
        keys,
        "Secret of 32 characters or more that the token in the envelope sender is made with; several with commas "
        "between them. With it, raw mail names an account only by that token, by a message id that was told, or in "
        "what an allowed reporter signed.",
        default=lambda: (),
        shown="–",
    )
    feedback_report_days: int = declare(
        environment.whole(0, 400),
        "Days for which reports of bounces, complaints and blocks are kept as they came, encrypted; 0 keeps none.",
        default=lambda: 30,
        shown="30",
    )
    feedback_report_key: SecretStr | None = declare(
        environment.secret(32),
        "Secret that kept reports are encrypted with; the link key where it is not set. With another one, those kept "
        "before cannot be read.",
        default=lambda: None,
        shown="the link key",
    )
