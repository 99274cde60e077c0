"""The words Postfix and a policy server exchange: SMTPD_POLICY_README (https://www.postfix.org/SMTPD_POLICY_README.html).

A request is lines of ``name=value`` and an empty line; the answer is ``action=…`` and an empty line. "In case of
trouble the policy server must not send a reply": a request that makes no sense ends the connection instead. Postfix
then asks once more, and after that does what its ``smtpd_policy_service_default_action`` says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BufferedIOBase

#: Bytes one request may have, all lines together. Postfix 3.9 sends some 30 attributes, the longest of them
#: addresses and certificate names of at most its ``line_length_limit``, 2048.
LONGEST = 65_536
#: Characters of text in an answer: Postfix puts a code and an address before it, and a reply line has 512
#: (RFC 5321, 4.5.3.1.5).
LONGEST_TEXT = 200
#: Stages (``protocol_state``) at which a whole message is about to be taken; ``DATA`` stands for BDAT too.
MESSAGE = ("DATA", "END-OF-MESSAGE")
RECIPIENT = "RCPT"
#: Digits of a recipient count; Postfix counts in an int of 32 bits.
_COUNT = re.compile(r"[0-9]{1,10}")


class MalformedRequest(Exception):
    """What came is not a request. ``code`` is a constant that is safe to log."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question of Postfix. What it left out is the empty string.

    ``recipients``: how many people the answer is about; 1 at RCPT, 0 at a stage where nobody is about to get mail.
    ``instance`` names the message delivery: another attempt to deliver the same message has another one. ``client`` is
    the address of who hands it in.
    """

    stage: str
    recipients: int
    instance: str = ""
    login: str = ""
    sender: str = ""
    recipient: str = ""
    client: str = ""


def read(stream: BufferedIOBase) -> Request | None:
    """The next request; None when the peer has ended. Raises :class:`MalformedRequest`, and what the stream raises."""
    attributes: dict[str, str] = {}
    left = LONGEST
    while line := stream.readline(left + 1):
        left -= len(line)
        if left < 0:
            raise MalformedRequest("too_long")
        if not line.endswith(b"\n"):
            break
        content = line.rstrip(b"\r\n")
        if not content:
            return parse(attributes)
        name, equals, value = content.partition(b"=")
        if not equals or not name or b"\0" in content:
            raise MalformedRequest("not_name_value")
        attributes[_text(name)] = _text(value)
    if line or attributes:
        raise MalformedRequest("cut_off")
    return None


def parse(attributes: dict[str, str]) -> Request:
    """The request that these attributes make; those that mean nothing here are passed over, as the protocol asks."""
    if attributes.get("request") != "smtpd_access_policy":
        raise MalformedRequest("not_an_access_request")
    stage = attributes.get("protocol_state", "")
    return Request(
        stage=stage,
        recipients=_recipients(stage, attributes.get("recipient_count", "")),
        instance=attributes.get("instance", ""),
        login=attributes.get("sasl_username", ""),
        sender=attributes.get("sender", ""),
        recipient=attributes.get("recipient", ""),
        client=attributes.get("client_address", ""),
    )


def reply(action: str, text: str = "") -> bytes:
    """The answer: an action of access(5) and a text, in which nothing can end the line."""
    clean = "".join(letter if " " <= letter <= "~" else "?" for letter in text)[:LONGEST_TEXT]
    return f"action={action} {clean}".rstrip().encode("ascii") + b"\n\n"


def _recipients(stage: str, count: str) -> int:
    if stage == RECIPIENT:
        return 1
    if stage not in MESSAGE:
        return 0
    if count and not _COUNT.fullmatch(count):
        raise MalformedRequest("not_a_count")
    # Zero is "not available" (before Postfix 2.3): a message that is taken goes to one at the least.
    return max(1, int(count or 0))


def _text(content: bytes) -> str:
    """Any bytes as text: names and addresses may be in any character set."""
    return content.decode("utf-8", "surrogateescape")
