"""Delivery status notifications (RFC 3464; RFC 6533 for addresses that are not ASCII): what a part of a mail says."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from riskapi.feedback.mail import addresses
from riskapi.feedback.mail.message import Fields, Part

_TYPES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
#: What gateways make of that part.
_INSTEAD: Final = ("text/plain", "application/")
#: Fields of a recipient (RFC 3464, 2.3); what else stands before them is about the message (2.2).
_RECIPIENT: Final = frozenset({"final-recipient", "original-recipient", "action", "x-actual-recipient"})
_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*:(?!//)[ \t]*(.*)$")
_SAID = re.compile(r"^[ \t>]{0,4}(?:Final|Original)-Recipient[ \t]*:", re.IGNORECASE | re.MULTILINE)
_DONE = re.compile(r"^[ \t>]{0,4}(?:Action|Status|Diagnostic-Code)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_CODE_TYPE = re.compile(r"^\s*[A-Za-z0-9._-]{1,40}\s*;\s*")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
#: Recipients of one notification that are read: twice what every server takes in one mail (RFC 5321, 4.5.3.1.8).
MOST: Final = 200


class Status(NamedTuple):
    """What befell one recipient. ``action`` is the first word of the field, in small letters."""

    recipient: str | None
    action: str
    status: str | None
    diagnostic: str
    remote: str
    at: str


class Notification(NamedTuple):
    """A notification: about whom, by whom, and of which message (the sender's own id of it, RFC 3461, 4.4).

    ``is_cut``: it is about more recipients than are read.
    """

    recipients: tuple[Status, ...]
    reporting: str
    arrived: str
    envelope_ids: tuple[str, ...]
    is_cut: bool = False


def find(mail: Part, text: str) -> Notification | None:
    """The notification of a mail: its own part, or fields in its ``text`` where a gateway took the parts away."""
    for part in mail.walk():
        if part.type in _TYPES:
            return read(part.text)
    for part in mail.walk():
        if (
            part is not mail
            and part.type.startswith(_INSTEAD)
            and part.text.lstrip().lower().startswith("reporting-mta:")
        ):
            return read(part.text)
    if (said := _SAID.search(text)) is not None and _DONE.search(text):
        head = text[: said.start()].rpartition("\n\n")[2]
        return read(head + text[said.start() :])
    return None


def read(text: str) -> Notification:
    """The notification that a text holds; without recipients where it holds none."""
    about: list[tuple[str, str]] = []
    each: list[Fields] = []
    for block in _blocks(text):
        if any(name in _RECIPIENT for name, _ in block):
            for rows in _apart(block):
                if any(name in _RECIPIENT for name, _ in rows):
                    each.append(Fields(tuple(rows)))
                else:
                    about += rows
        else:
            about += block
    of_message = Fields(tuple(about))
    ids = [of_message.get(name) for name in ("original-envelope-id", "x-postfix-queue-id")]
    return Notification(
        tuple(_status(fields) for fields in each[:MOST]),
        host_of(of_message.get("reporting-mta")),
        of_message.get("arrival-date"),
        tuple(found for value in ids if (found := _xtext(value.strip()))),
        len(each) > MOST,
    )


def host_of(value: str) -> str:
    """The host in ``dns; mx.ruiz.example (192.0.2.1)``, in small letters; empty for an address or a bare name."""
    bare = _CODE_TYPE.sub("", value, count=1).strip()
    found = re.match(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,8}", bare)
    return found[0].lower() if found is not None and not found[0].replace(".", "").isdigit() else ""


def _status(fields: Fields) -> Status:
    names = ("original-recipient", "final-recipient", "x-actual-recipient")
    recipient = next((made for name in names if (made := addresses.clean(fields.get(name)))), None)
    code = _STATUS.search(fields.get("status"))
    action = re.match(r"\s*([A-Za-z]+)", fields.get("action"))
    return Status(
        recipient=recipient,
        action=action[1].lower() if action else "",
        status=code[0] if code else None,
        diagnostic=" ".join(_CODE_TYPE.sub("", value, count=1) for value in fields.all("diagnostic-code")),
        remote=host_of(fields.get("remote-mta")),
        at=fields.get("last-attempt-date"),
    )


def _blocks(text: str) -> list[list[tuple[str, str]]]:
    """The groups of fields between empty lines. A line that is not a field goes on with the one before it."""
    blocks: list[list[tuple[str, str]]] = [[]]
    for line in text.split("\n"):
        if not line.strip():
            blocks.append([])
            continue
        found = _FIELD.match(line) if line[0] not in " \t" or not blocks[-1] else None
        found = found or (_FIELD.match(line.strip()) if not blocks[-1] else None)
        if found is not None:
            blocks[-1].append((found[1].lower(), found[2].strip()))
        elif blocks[-1]:
            name, value = blocks[-1].pop()
            blocks[-1].append((name, f"{value} {line.strip()}"[:4000]))
    return [block for block in blocks if block]


def _apart(block: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """A group of fields in which empty lines are missing, cut where the next recipient begins."""
    start = next((name for name, _ in block if name in _RECIPIENT), None)
    groups: list[list[tuple[str, str]]] = [[]]
    for name, value in block:
        if name == start:
            groups.append([])
        groups[-1].append((name, value))
    return [group for group in groups if group]


def _xtext(value: str) -> str:
    """An envelope's id as the sender gave it (RFC 3461, 4)."""
    return re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), value)[:200]
