"""Attribution: whose account a report is about. In the order of trust, the first that names an account decides:

1. **metadata**: metadata and tags of a proved webhook, which the caller's own code gave the provider;
2. **message_id**: an id of the message that the caller told at send time;
3. **return_path** with a token that only we can make;
4. **header**: the account's header in the returned message, which the account's own user may have written;
5. **return_path** without a token, where none is asked for;
6. **feedback_id**: the configured field of Feedback-ID.

Where one of the first three names an account that is not there, or two that are, none of the others is asked: they can
be written by others, to have somebody else pay. Where tokens are asked for, raw mail that came through a mail server is
a stranger's word: 4 and 6 count only in what an allowed reporter signed, or a proved webhook returned.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

from riskapi.contract import USER_ID
from riskapi.feedback.message_ids import MessageIds
from riskapi.feedback.reports import Channel, Clues, Report, Unattributed
from riskapi.feedback.return_path import ReturnPath
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from signals.records import record

#: What named an account.
Evidence = Literal["metadata", "message_id", "return_path", "header", "feedback_id"]
#: Fields of Feedback-ID: three of the sender's choice, and who the sender is
#: (https://support.google.com/a/answer/6254652).
_FIELDS: Final = 4
_USER_ID: Final = re.compile(USER_ID.removesuffix("$") + r"\Z")


@record
class ReportClaims:
    """What a report says of its account, by what it says it with. ``signed`` is a return
    path with our token; ``is_stranger``: something names an account that only a stranger's word stands for.
    """

    metadata: tuple[str, ...] = ()
    signed: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    return_path: tuple[str, ...] = ()
    feedback_id: tuple[str, ...] = ()
    is_stranger: bool = False


@record
class Attributed:
    """Whose a report is and what said so, or why nobody can tell."""

    user_id: str | None = None
    by: Evidence | None = None
    reason: Unattributed | None = None


class Attribution:
    """Tells whose reports are. Safe to share between threads."""

    def __init__(self, store: Store, message_ids: MessageIds, return_path: ReturnPath, feedback_id_field: int) -> None:
        """``feedback_id_field`` is the field that names the account, 1 to 4, or 0 for none."""
        self._store, self._message_ids, self._return_path = store, message_ids, return_path
        self._field = feedback_id_field

    @property
    def needs_proof(self) -> bool:
        """Whether raw mail from a mail server names nobody by what anybody can write."""
        return self._return_path.is_signed

    def of(self, reports: Sequence[Report], channel: Channel) -> list[Attributed]:
        """Whose each report is, by how they came. Message ids are asked for where metadata does not say it.

        Raises :class:`StoreUnavailable`.
        """
        claims = [self.claims(report.clues, channel) for report in reports]
        known = self._existing(name for each in claims for name in _names(each))
        open_ = [
            report.clues.message_ids if len(_there(each.metadata, known)) != 1 else ()
            for report, each in zip(reports, claims, strict=True)
        ]
        told = self._message_ids.accounts(dict.fromkeys(id for ids in open_ for id in ids))
        known |= self._existing(name for names in told.values() for name in names if name not in known)
        return [
            decide(each, tuple(dict.fromkeys(name for id in ids for name in told.get(id, ()))), known)
            for each, ids in zip(claims, open_, strict=True)
        ]

    def claims(self, clues: Clues, channel: Channel) -> ReportClaims:
        """What clues say, without what this channel does not prove. Pure."""
        header = clues.named if clues.is_header else ()
        path = self._return_path.read(clues.return_path)
        feedback_id = self._of_feedback_id(clues.feedback_id)
        found = ReportClaims(metadata=() if clues.is_header else clues.named)
        paths = () if path is None else (path,)
        if not self.needs_proof:
            return replace(found, header=header, return_path=paths, feedback_id=feedback_id)
        if channel == "key":
            return replace(
                found,
                signed=paths,
                is_stranger=bool(header or feedback_id) or self._return_path.names(clues.return_path),
            )
        return replace(found, signed=paths, header=header, feedback_id=feedback_id)

    def _of_feedback_id(self, value: str | None) -> tuple[str, ...]:
        fields = [field.strip() for field in (value or "").split(":")]
        said = fields[self._field - 1] if self._field and len(fields) == _FIELDS else ""
        return (said,) if said else ()

    def _existing(self, user_ids: Iterable[str]) -> frozenset[str]:
        """Those that are accounts, in one trip."""
        named = [name for name in dict.fromkeys(user_ids) if _USER_ID.match(name)]
        if not named:
            return frozenset()
        pipe = self._store.pipeline()
        known = [pipe.ask("EXISTS", account_key(user_id), read=bool) for user_id in named]
        self._store.run(pipe)
        return frozenset(user_id for user_id, found in zip(named, known, strict=True) if found())


def decide(claims: ReportClaims, told: Sequence[str], known: Collection[str]) -> Attributed:
    """The account that the strongest evidence names. ``told`` are the accounts of the message's ids, ``known`` those
    that exist. Pure.
    """
    ours: Mapping[Evidence, Sequence[str]] = {
        "metadata": claims.metadata,
        "message_id": told,
        "return_path": claims.signed,
    }
    for by, names in ours.items():
        there = _there(names, known)
        if there:
            return Attributed(there[0], by) if len(there) == 1 else Attributed(reason="ambiguous")
    if any(ours.values()):
        return Attributed(reason="unknown_account")
    others: Mapping[Evidence, Sequence[str]] = {
        "header": claims.header,
        "return_path": claims.return_path,
        "feedback_id": claims.feedback_id,
    }
    for by, names in others.items():
        there = _there(names, known)
        if there:
            return Attributed(there[0], by) if len(there) == 1 else Attributed(reason="ambiguous")
        if names and by == "header":
            break
    if claims.is_stranger:
        return Attributed(reason="not_believed")
    return Attributed(reason="unknown_account" if any(others.values()) else "no_clue")


def _names(claims: ReportClaims) -> Sequence[str]:
    return (*claims.metadata, *claims.signed, *claims.header, *claims.return_path, *claims.feedback_id)


def _there(names: Iterable[str], known: Collection[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name in known]
