"""Bounces: what a mail system says it could not deliver, as reports, one for each recipient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from riskapi.feedback.diagnostics import classify
from riskapi.feedback.mail import addresses, autoreply, clues, complaint, delivery_status, freeform
from riskapi.feedback.mail.delivery_status import Notification, Status
from riskapi.feedback.mail.freeform import Words
from riskapi.feedback.mail.message import NotThisKind, Part, open_mail
from riskapi.feedback.reports import BLOCKS, Diagnosis, Received, Report, ReportType

#: Characters of a diagnostic that a report keeps.
_KEPT: Final = 1000
#: Words of ``Action`` (RFC 3464, 2.3.3); OpenSMTPD writes ``error``, some gateways ``failure``.
_FAILED: Final = frozenset({"failed", "failure", "error", "fail"})
_DELAYED: Final = frozenset({"delayed", "delay", "deferred"})


def read(raw: bytes, now: float, header: str) -> Received:
    """The reports of a bounce that arrived at Unix time ``now``; ``header`` names the account in what was sent.

    A vacation reply, a challenge and a read receipt are ignored; a mail that says nothing of the kind is not
    understood. Raises :class:`NotThisKind` for what is not a mail, and for a complaint.
    """
    mail = open_mail(raw)
    if complaint.is_complaint(mail):
        raise NotThisKind("it is a complaint, not a bounce")
    kind = autoreply.kind_of(mail)
    if kind == "receipt":
        return Received(ignored=1)
    words = freeform.words_of(mail)
    told = delivery_status.find(mail, words.text)
    if told is not None and told.recipients:
        return _notified(mail, told, words, now, header)
    if kind is not None:
        return Received(ignored=1)
    reports = tuple(_free(mail, words, now, header))
    return Received(reports) if reports else Received(not_understood=(0,))


def type_of(diagnosis: Diagnosis, *, delayed: bool) -> ReportType:
    """What befell the mail, by what was said. A delay is soft whatever was said, and so is what nobody understands."""
    if delayed:
        return "soft_bounce"
    if diagnosis == "hard":
        return "hard_bounce"
    return "block" if diagnosis in BLOCKS or diagnosis == "policy" else "soft_bounce"


def _notified(mail: Part, told: Notification, words: Words, now: float, header: str) -> Received:
    reports: dict[str, Report] = {}
    ignored, unclear = 0, []
    for place, status in enumerate(told.recipients):
        action = _action(status)
        if action is None:
            unclear.append(place)
        elif action == "ignored":
            ignored += 1
        else:
            if status.recipient is None and len(told.recipients) == 1:
                status = status._replace(recipient=_only_recipient(words))
            made = _report(mail, told, words, status, action, now, header)
            reports.setdefault(made.id, made)
    if told.is_cut:  # nobody who reads the answer should think that all were counted
        unclear.append(len(told.recipients))
    return Received(tuple(reports.values()), ignored=ignored, not_understood=tuple(unclear))


def _only_recipient(words: Words) -> str | None:
    """To whom the returned mail was, where the notification names a login alone; None for several."""
    to = addresses.found(words.returned.text("to"))
    return to[0] if len(to) == 1 else None


def _action(status: Status) -> str | None:
    """``failed``, ``delayed``, ``delivered`` or ``ignored``; by the status code where the action is missing.

    ``relayed`` and ``expanded`` say that somebody else has the mail now (RFC 3464, 2.3.3): nobody knows its end.
    """
    if status.action in _FAILED:
        return "failed"
    if status.action in _DELAYED:
        return "delayed"
    if status.action == "delivered":
        return "delivered"
    if status.action in ("relayed", "expanded"):
        return "ignored"
    return {"5": "failed", "4": "delayed", "2": "delivered"}.get((status.status or "")[:1])


def _report(
    mail: Part, told: Notification, words: Words, status: Status, action: str, now: float, header: str
) -> Report:
    returned = words.returned
    at = clues.instant((status.at, mail.fields.get("date")), now)
    found = clues.of(returned, mail, header, ids=told.envelope_ids)
    host = status.remote or told.reporting
    diagnosis: Diagnosis | None = None
    blocklist = enhanced = None
    diagnostic = status.diagnostic
    if action != "delivered":
        diagnosis, blocklist, enhanced = classify(diagnostic, status.status)
        if diagnosis == "unknown" or not diagnostic:
            others = [each.recipient for each in told.recipients if each.recipient]
            more = f"{diagnostic} {freeform.said_of(status.recipient, words.text, others)}".strip()
            diagnosis, blocklist, enhanced = classify(more, status.status)
            diagnostic = diagnostic or more
        if diagnosis == "unknown" and action == "delayed":
            diagnosis = "soft"
    type: ReportType = (
        "delivered" if action == "delivered" else type_of(diagnosis or "unknown", delayed=action == "delayed")
    )
    message = clues.message_id_of(returned) or clues.fingerprint(returned) or "".join(told.envelope_ids[:1])
    return Report(
        feed="dsn",
        id=clues.report_id(at, message or diagnostic, status.recipient, type, enhanced or status.status),
        type=type,
        at=at,
        recipient=status.recipient,
        clues=found,
        message=None,
        reporter=clues.registrable(host) if host else _reporter(mail, status.recipient),
        diagnostic=diagnostic[:_KEPT] or None,
        enhanced=enhanced,
        diagnosis=diagnosis,
        blocklist=blocklist,
    )


def _free(mail: Part, words: Words, now: float, header: str) -> Iterator[Report]:
    found = clues.of(words.returned, mail, header)
    at = clues.instant((mail.fields.get("date"),), now)
    message = clues.message_id_of(words.returned) or clues.fingerprint(words.returned)
    for bounced in freeform.read(mail, words):
        diagnosis, blocklist, enhanced = classify(bounced.diagnostic)
        if diagnosis == "unknown" and bounced.delayed:
            diagnosis = "soft"
        type = type_of(diagnosis, delayed=bounced.delayed)
        yield Report(
            feed="dsn",
            id=clues.report_id(at, message or bounced.diagnostic, bounced.recipient, type, enhanced),
            type=type,
            at=at,
            recipient=bounced.recipient,
            clues=found,
            reporter=_reporter(mail, bounced.recipient),
            diagnostic=bounced.diagnostic[:_KEPT] or None,
            enhanced=enhanced,
            diagnosis=diagnosis,
            blocklist=blocklist,
        )


def _reporter(mail: Part, recipient: str | None) -> str | None:
    """Who speaks where no host is named: whose mail system it is, else where the recipient is."""
    author = addresses.domain_of(next(iter(addresses.found(mail.fields.get("from"))), ""))
    return clues.registrable(author) or clues.registrable(addresses.domain_of(recipient or ""))
