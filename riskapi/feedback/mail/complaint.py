"""Complaints: reports of abuse in ARF (RFC 5965), and the forms of loops that leave parts of it out.

Microsoft's loop (JMRP) says ``Feedback-Type: abuse`` and little else; since June 2026 it gives the header of the mail
without its body and without the sender. Yahoo's (CFL) is for a domain that signs with DKIM. Recipients are often
redacted (RFC 6590). So it is the header of the mail that tells whose it is.
"""

from __future__ import annotations

import re
from typing import Final

from riskapi.feedback.mail import addresses, clues, freeform
from riskapi.feedback.mail.delivery_status import host_of
from riskapi.feedback.mail.message import Fields, NotThisKind, Part, fields_of, open_mail
from riskapi.feedback.reports import Received, Report, ReportType

#: What counts. RFC 5965, 7.3, has abuse, fraud, virus, other and not-spam; RFC 6430 adds not-spam's meaning, and
#: opt-out stood in drafts of RFC 5965 and is what some loops send for "unsubscribe".
TYPES: Final[dict[str, ReportType]] = {
    "abuse": "complaint",
    "fraud": "complaint",
    "virus": "complaint",
    "not-spam": "not_spam",
    "opt-out": "unsubscribe",
    "opt-out-list": "unsubscribe",
}
#: Reports that one mail may stand for (``Incidents``, RFC 5965, 3.2); what it says above is not believed.
MOST_INCIDENTS: Final = 100
#: JMRP's older form is not ARF: the mail as an attachment, with this in its header.
_JMRP: Final = "x-hmxmroriginalrecipient"
_HIDDEN = re.compile(r"redacted|removed|hidden|^x+@|undisclosed", re.IGNORECASE)


def is_complaint(mail: Part) -> bool:
    """Whether a mail is a report of abuse, whatever it says in it."""
    if mail.parameter("report-type").lower() == "feedback-report" or _report_part(mail) is not None:
        return True
    return any(part.type == "message/rfc822" and part.inner.fields.has(_JMRP) for part in mail.walk())


def read(raw: bytes, now: float, header: str, reporter: str | None = None) -> Received:
    """The reports of a complaint that arrived at Unix time ``now``; ``header`` names the account in what was sent.

    ``reporter`` is the domain that was proved to speak; without it, the one that says to. A feedback type that does
    not count is ignored. Raises :class:`NotThisKind` for what is not a mail, or not a report of abuse.
    """
    mail = open_mail(raw)
    if not is_complaint(mail):
        raise NotThisKind("it is not a report of abuse (RFC 5965)")
    returned = freeform.words_of(mail).returned
    part = _report_part(mail)
    said = fields_of(part.text) if part is not None else Fields()
    if not said.rows and returned.has(_JMRP):
        said = Fields((("feedback-type", "abuse"),))
    kind = _kind(said)
    if not kind:
        return Received(not_understood=(0,))
    if kind not in TYPES:
        return Received(ignored=1)
    return Received(tuple(_reports(mail, said, returned, TYPES[kind], now, header, reporter)))


def _reports(
    mail: Part, said: Fields, returned: Fields, type: ReportType, now: float, header: str, reporter: str | None
) -> list[Report]:
    at = clues.instant((said.get("arrival-date"), said.get("received-date"), mail.fields.get("date")), now)
    recipients = _recipients(said, returned)
    found = clues.of(returned, mail, header, sender=said.get("original-mail-from"), ids=_ids(said))
    message = clues.message_id_of(returned) or clues.fingerprint(returned)
    place = [said.get(name) for name in ("source-ip", "arrival-date", "original-rcpt-to", "original-envelope-id")]
    speaks = reporter or clues.registrable(
        addresses.domain_of(next(iter(addresses.found(mail.fields.get("from"))), ""))
    )
    recipient = None if not recipients or _HIDDEN.search(recipients[0]) else recipients[0]
    times = _incidents(said)
    return [
        Report(
            feed="arf",
            id=clues.report_id(at, message or mail.text[:4000], type, speaks, *place, *recipients, str(number)),
            type=type,
            at=at,
            recipient=recipient,
            clues=found,
            reporter=speaks or host_of(said.get("reporting-mta")) or None,
            diagnostic=said.get("user-agent")[:200] or None,
        )
        for number in range(times)
    ]


def _report_part(mail: Part) -> Part | None:
    """The part with the report; where a gateway changed its type, the one that begins as a report does."""
    parts = list(mail.walk())
    declared = next((part for part in parts if part.type == "message/feedback-report"), None)
    return declared or next((part for part in parts[1:] if _is_report(part)), None)


def _is_report(part: Part) -> bool:
    if not part.type.startswith(("text/plain", "application/")):
        return False
    fields = fields_of(part.text[:2000])
    return fields.has("feedback-type") and fields.has("user-agent")  # both are required (RFC 5965, 3.1)


def _kind(said: Fields) -> str:
    """The feedback type in small letters, without quotes, comments and parameters around it."""
    found = re.search(r"[a-z][a-z0-9-]*", said.get("feedback-type").lower())
    return found[0] if found is not None else ""


def _recipients(said: Fields, returned: Fields) -> list[str]:
    """Whom it was sent to, as the report says it, else as the returned header does; redacted ones among them."""
    values = [*said.all("original-rcpt-to"), *said.all("removal-recipient"), *returned.all(_JMRP)]
    values += returned.all("x-original-to") + returned.all("delivered-to") + [returned.text("to")]
    return list(dict.fromkeys(made for value in values for made in addresses.found(value)))[:5]


def _ids(said: Fields) -> list[str]:
    return [value.strip("<> ") for name in ("original-envelope-id", "original-message-id") for value in said.all(name)]


def _incidents(said: Fields) -> int:
    found = re.fullmatch(r"\s*(\d{1,9})\s*", said.get("incidents") or "1")
    return max(1, min(int(found[1]), MOST_INCIDENTS)) if found is not None else 1
