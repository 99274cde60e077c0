"""Whether a command that hands mail to riskapi, or asks it before mail goes out, can reach it: by its first answer."""

from __future__ import annotations

from collections.abc import Collection

from riskapi.errors import ConfigurationError


def judge(status: int, *, url: str, settings: str, scope: str, does: str, fine: Collection[int]) -> str | None:
    """Why riskapi at ``url`` cannot be asked now, or None where it can: its answer to a probe had a ``fine`` status.

    A wrong key or address is found now, not with the first mail: raises :class:`ConfigurationError`, which names the
    setting that begins with ``settings``. ``does`` says what a riskapi would do that answers there.
    """
    if status in (401, 403):
        why = "is not a valid key" if status == 401 else f"lacks the scope {scope}"
        raise ConfigurationError("environment", f"{settings}_API_KEY", f"{why}, says {url}")
    if status in (404, 405):
        why = f"{url} is not a riskapi that {does} (it answered {status})"
        raise ConfigurationError("environment", f"{settings}_URL", why)
    return None if status in fine else str(status)
