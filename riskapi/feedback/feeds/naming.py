"""Under which names a provider's payload tells whose account it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from riskapi.contract import USER_ID
from riskapi.errors import Problem
from riskapi.feedback.feeds.payload import bare_id, mapping, parsed, sequence, text
from riskapi.feedback.reports import Clues
from signals.records import record

_USER_ID: Final = re.compile(USER_ID)
Headers = Sequence[tuple[str, str]]


@record
class Naming:
    """``key`` is the key of metadata and tags that names the account, ``header`` the header of the sent mail."""

    key: str = "account_id"
    header: str = "X-Account-Id"

    def clues(
        self,
        *,
        metadata: Iterable[Any] = (),
        tags: Iterable[Any] = (),
        bare: Iterable[Any] = (),
        headers: Headers = (),
        message_ids: Iterable[Any] = (),
        return_path: str | None = None,
    ) -> Clues:
        """What tells whose account it is.

        ``metadata`` are objects, ``tags`` texts such as ``account_id:u_1`` or ``account_id=u_1``, ``headers`` those of
        the sent mail. ``bare`` are values without a key, which name an account unless they are a plain number: that may
        as well count something. Only the first of these that names any account is believed: what stands in a header,
        the account's own user may have written.
        """
        levels = (
            [value for each in metadata for value in _flat(mapping(each).get(self.key))],
            list(self._tagged(tags)),
            [value for name, value in headers if name.lower() == self.header.lower()],
            [value for value in bare if not str(value).strip().isdigit()],
        )
        place, named = next(((place, found) for place, found in enumerate(map(_ids, levels)) if found), (0, ()))
        feedback_id = next((text(value) for name, value in headers if name.lower() == "feedback-id"), None)
        ids = dict.fromkeys(found for each in message_ids if (found := bare_id(each)) is not None)
        return Clues(
            named=named,
            feedback_id=feedback_id,
            return_path=return_path,
            message_ids=tuple(ids),
            is_header=levels[place] is levels[2],
        )

    def _tagged(self, tags: Iterable[Any]) -> Iterator[str]:
        for tag in tags:
            if not isinstance(tag, str):
                continue
            for separator in ":=":
                name, found, value = tag.partition(separator)
                if found and name.strip() == self.key:
                    yield value


def pairs(value: Any) -> Headers:
    """Names and values of ``[{"name": …, "value": …}]``, as providers list headers and tags; the rest is left out."""
    found = []
    for each in sequence(value):
        name, inner = text(mapping(each).get("name")), text(mapping(each).get("value"))
        if name is not None and inner is not None:
            found.append((name, inner))
    return found


def json_metadata(value: Any) -> Mapping[str, Any]:
    """Metadata that the provider hands on as a text of JSON; empty for another text."""
    if not isinstance(value, str):
        return mapping(value)
    try:
        return mapping(parsed(value))
    except Problem:
        return {}


def _flat(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _ids(values: Iterable[Any]) -> tuple[str, ...]:
    """Those that can be a user_id, each once."""
    found = (text(value) for value in values)
    return tuple(dict.fromkeys(each for each in found if each is not None and _USER_ID.fullmatch(each)))
