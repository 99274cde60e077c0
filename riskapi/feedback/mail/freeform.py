"""Bounces that are not delivery status notifications: a text that a person is meant to read.

``flufl.bounce`` knows the forms of many old programs; the rest is told by the words they share. What was said of a
recipient stands beside the address, or is the only thing that was said.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from email.message import Message
from typing import Final, NamedTuple

from flufl.bounce import all_failures

from riskapi.feedback.diagnostics import classify
from riskapi.feedback.mail import addresses, wording
from riskapi.feedback.mail.autoreply import is_daemon
from riskapi.feedback.mail.message import Fields, Part
from riskapi.feedback.reports import BLOCKS

#: Characters of a text that are read, lines about one recipient, and recipients.
_TEXT, _LINES, _MOST = 65_536, 12, 100
#: Lines with an address that are looked at.
_PLACES: Final = 5
#: Lines at the head of a text in which a bounce names itself.
_HEAD: Final = 1500
_RETURNED: Final = frozenset(
    {
        "message/rfc822",
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global",
        "message/global-headers",
        "text/rfc822",
    }
)
#: Addresses of machines, and of those who help: no recipients of ours.
_HELPERS = re.compile(
    r"^(?:mailer-?daemon|mail-daemon|postmaster|mdaemon|abuse\w*|hostmaster|delist|no-?reply\w*|support|root)@",
    re.IGNORECASE,
)
#: Lines that say who the recipient is, in front of the address.
_LABEL = re.compile(
    r"(?:recipients?|address(?:es)?|addressee|to|user|empf[äa]nger|destinataires?|destinatari[oa]s?|получатель|адрес"
    r"|收件人(?:地址)?|收信人|宛先|받는 ?사람|수신인?)\s*(?:address)?\s*[:：]?\s*$",
    re.IGNORECASE,
)
#: The subject of an answer, and of a mail that is passed on.
_ANSWER = re.compile(r"\s*(?:re|aw|sv|antw|odp|fwd?|wg|tr|rv)\s*:", re.IGNORECASE)
#: A server's reply with its status code (RFC 2034, 4), which says enough in any language.
_REPLY = re.compile(r"\b[45]\d\d[ -][45]\.\d{1,3}\.\d{1,3}\b")
_LOG = logging.getLogger("flufl.bounce")


class Bounced(NamedTuple):
    """What is said of one recipient, who may be unknown. ``delayed`` is a mail that may still arrive."""

    recipient: str | None
    diagnostic: str
    delayed: bool


class Words(NamedTuple):
    """What a mail system wrote, and the header of the mail that it gives back."""

    text: str
    returned: Fields


def words_of(mail: Part) -> Words:
    """The text of a bounce without the mail it returns, and that mail's header."""
    texts: list[Part] = []
    returned = Fields()
    for part in mail.walk():
        if part.type in _RETURNED:
            returned = returned if returned.rows else part.inner.fields
        elif part.type.startswith("text/") and part.body.strip():
            texts.append(part)
        elif part.type == "application/octet-stream" and not returned.rows and part.inner.fields.has("message-id"):
            returned = part.inner.fields
    plain = [part for part in texts if part.type != "text/html"] or texts
    joined = "\n".join(part.text for part in plain)[:_TEXT]
    text, header = wording.parted(joined)
    return Words(text, returned if returned.rows else header)


def read(mail: Part, words: Words) -> list[Bounced]:
    """What a mail without a delivery status notification says of each recipient; nothing if it is not a bounce."""
    named = [found for value in mail.fields.all("x-failed-recipients") for found in addresses.found(value)]
    delayed, failed = _flufl(mail, words)
    if _is_from_person(mail) or not (named or delayed or failed or _is_bounce(mail, words.text)):
        return []
    known = list(dict.fromkeys([*named, *failed, *delayed])) or list(_guessed(mail, words))
    # flufl.bounce takes a filter's refusal for a warning
    late = not failed and ((bool(delayed) and not _is_refused(words.text)) or _is_delay(mail, words.text))
    if known:
        return [Bounced(address, said_of(address, words.text, known), late) for address in known[:_MOST]]
    if classify(words.text)[0] != "unknown":
        return [Bounced(None, " ".join(words.text.split())[:1000], late)]
    return []


def _is_from_person(mail: Part) -> bool:
    """Whether somebody answers a bounce, or passes one on."""
    return _ANSWER.match(mail.fields.text("subject")) is not None and not (_is_empty_sender(mail) or is_daemon(mail))


def _is_bounce(mail: Part, text: str) -> bool:
    words, subject = wording.of("bounce"), mail.fields.text("subject")
    if words.search(subject):
        return True
    if not (_is_empty_sender(mail) or is_daemon(mail)):
        return False
    head = text[:_HEAD]
    return bool(words.search(head) or wording.of("delay").search(subject) or _REPLY.search(head))


def _is_empty_sender(mail: Part) -> bool:
    """Whether it came with the null reverse-path, as bounces must (RFC 5321, 4.5.5)."""
    return mail.fields.get("return-path").replace(" ", "") == "<>"


def _is_delay(mail: Part, text: str) -> bool:
    about = f"{mail.fields.text('subject')}\n{text[:_HEAD]}"
    return wording.of("delay").search(about) is not None and wording.of("final").search(about) is None


def _is_refused(text: str) -> bool:
    return classify(text)[0] in BLOCKS


def _flufl(mail: Part, words: Words) -> tuple[list[str], list[str]]:
    """Recipients that ``flufl.bounce`` finds, delayed and failed. It gets one text, because it goes through all there
    is.
    """
    made = Message()
    for name in ("from", "subject", "x-failed-recipients"):
        if value := mail.fields.text(name):
            made[name] = " ".join(value.split())[:1000]
    made["content-type"] = "text/plain"
    made.set_payload(words.text[: _TEXT // 4] + "\n--- Original message follows.\n")
    _LOG.disabled = True  # it logs every try, and with an error the text
    try:
        delayed, failed = all_failures(made)
    except Exception:  # its patterns meet what nobody tested them with
        return [], []
    return _texts(delayed), _texts(failed)


def _texts(found: frozenset[bytes]) -> list[str]:
    return sorted({made for each in found if (made := addresses.clean(each.decode("utf-8", "replace"))) is not None})


def _guessed(mail: Part, words: Words) -> Iterator[str]:
    """Addresses in the text that can be recipients: those the mail was to, else those that stand apart."""
    ours = set(
        addresses.found(
            " ".join(
                [
                    mail.fields.get("from"),
                    mail.fields.get("to"),
                    words.returned.get("from"),
                    words.returned.get("return-path"),
                ]
            )
        )
    )
    seen = [each for each in addresses.found(words.text) if each not in ours and not _HELPERS.match(each)]
    written = " ".join(words.returned.text(name) for name in ("to", "cc", "x-receiver", "delivered-to"))
    to = {each.lower() for each in addresses.found(written)}
    if both := [each for each in seen if each.lower() in to]:
        yield from both
    elif apart := [each for each in seen if _stands_apart(each, words.text)]:
        yield from apart
    elif seen or len(to) == 1:
        yield from seen[:1] or [each for each in addresses.found(written) if each not in ours][:1]


def _stands_apart(address: str, text: str) -> bool:
    """Whether a line begins with the address, or names the recipient before it."""
    for found in re.finditer(re.escape(address), text, re.IGNORECASE):
        before = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        if not before.strip(" \t<>*-\"'(:•") or _LABEL.search(before.rstrip(" <(\"'")):
            return True
    return False


def said_of(address: str | None, text: str, others: list[str] | None = None) -> str:
    """The words about one recipient: beside the address, else between it and the next, else all there are.

    ``others`` are all the recipients that are known, this one among them; None where it is the only one.
    """
    others = [address] if others is None and address is not None else others or []
    lines = text.split("\n")
    places = [at for at, line in enumerate(lines) if address and address.lower() in line.lower()][:_PLACES]
    if not places:
        return " ".join(text.split())[:2000] if len(others) < 2 else ""
    said = [each for at in places for each in _beside(address or "", at, others, lines)]
    said += [" ".join(text.split())] if len(others) == 1 else []
    read = [(each, classify(each)) for each in said]
    clear = [each for each, (diagnosis, _, _) in read if diagnosis != "unknown"]
    coded = [each for each, (diagnosis, _, code) in read if diagnosis != "unknown" and code]
    listed = [each for each, (_, blocklist, _) in read if blocklist]
    return next(iter(listed or coded or clear or said))[:2000]


def _beside(address: str, at: int, others: list[str], lines: list[str]) -> tuple[str, str]:
    """The paragraph that a line with an address begins, and all that follows up to the next recipient."""
    near, rest, open_end = [lines[at]], [lines[at]], True
    for line in lines[at + 1 : at + 40]:
        if any(other in line for other in others if other != address):
            break
        if open_end and (line.strip() or not "".join(near[1:]).strip()) and len(near) <= _LINES:
            near.append(line)
        else:
            open_end = False
        rest.append(line)
    return " ".join(" ".join(near).split()), " ".join(" ".join(rest).split())
