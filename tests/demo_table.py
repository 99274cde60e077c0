"""What the demonstration prints: a table of cases for a group, and decisions by group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from riskapi.datasets import installed
from riskapi.inputs.domains import DomainLists
from riskapi.inputs.email import MailReader
from riskapi.inputs.network import NetworkReader
from riskapi.inputs.phone import PhoneReader
from riskapi.settings import Settings
from signals.whereabouts import country_of_person
from tests.signup_cases import Case, Outcome

_COLOURS = {"allow": "green", "review": "yellow", "limit": "red", "refused": "magenta"}


class Reader:
    """Says in a few words what a case sends, read with the service's own readers."""

    def __init__(self, folder: Path) -> None:
        paths = installed.ensure(Settings.load({"RISKAPI_DATA_DIR": str(folder)}))
        self._mail = MailReader(DomainLists.load(None))
        self._networks = NetworkReader(paths.asn, paths.country)
        self._phones = PhoneReader()

    def mail(self, case: Case) -> str:
        given = case.signup.get("email", {}).get("address")
        if given is None:
            return "–"
        mail = self._mail.read(given)
        kinds = {"invalid": not mail.valid, "disposable": mail.disposable, "relay": mail.relay, "free": mail.free}
        kind = next((name for name, so in kinds.items() if so), "own domain")
        near = f", near {mail.near_provider}" if mail.near_provider else ""
        return f"{given} ({kind}{near})" if given else "(empty)"

    def network(self, case: Case) -> str:
        given = case.signup.get("device", {}).get("ip_address")
        if given is None:
            return "–"
        network = self._networks.read(given)
        if network.ip is None:
            return "invalid"
        if network.reserved:
            return network.reserved.replace("_", " ")
        kind = network.anonymizer or network.kind or "other"
        return f"{network.country or '??'} AS{network.asn} {kind.replace('_', ' ')}"

    def phone(self, case: Case) -> str:
        given = case.signup.get("phone", {}).get("number")
        if given is None:
            return "–"
        address = case.signup.get("device", {}).get("ip_address")
        phone = self._phones.read(given, country_of_person(self._networks.read(address)) if address else None)
        return f"{phone.region} {(phone.kind or '').replace('_', ' ')}" if phone.valid else "invalid"


def table_of(group: str, outcomes: list[Outcome], reader: Reader, reasons: int, *, narrow: bool) -> Table:
    """The cases of a group, ``reasons`` for each; ``narrow`` leaves out network and phone."""
    table = Table(title=group, title_justify="left", title_style="bold", box=SIMPLE_HEAD, expand=True)
    table.add_column("Story", ratio=5)
    table.add_column("E-mail", ratio=4, overflow="fold")
    if not narrow:
        table.add_column("Network", ratio=3)
        table.add_column("Phone", ratio=2)
    table.add_column("Decision", no_wrap=True)
    table.add_column("Score", justify="right", no_wrap=True)
    table.add_column("Reasons (log-odds)", ratio=7)
    table.add_column("Links", ratio=2)
    for found in outcomes:
        if found.case.group != group:
            continue
        decision = decision_of(found)
        colour = _COLOURS[decision]
        wrong = "".join(f"\n[bold red]! {escape(failure)}[/]" for failure in found.failures)
        places = () if narrow else (reader.network(found.case), reader.phone(found.case))
        table.add_row(
            escape(found.case.story) + wrong,
            escape(_visible(reader.mail(found.case))),
            *places,
            f"[{colour}]{decision}[/]",
            f"{found.answer['risk_score']:.1f}" if found.status == 200 else str(found.status),
            _reasons(found, reasons),
            _links(found),
        )
    return table


def decision_of(outcome: Outcome) -> str:
    """The tier, or ``refused`` for what was no signup."""
    return str(outcome.answer["decision"]) if outcome.status == 200 else "refused"


def _visible(text: str) -> str:
    """Control characters and half characters would harm a terminal."""
    return "".join(sign if sign.isprintable() else "·" for sign in text)


def _reasons(outcome: Outcome, most: int) -> str:
    if outcome.status != 200:
        rows = outcome.answer.get("errors") or [{"pointer": "", "detail": outcome.answer.get("detail", "")}]
        return "\n".join(escape(f"{row['pointer']} {row['detail']}".strip()) for row in rows[:most])
    loudest = sorted(outcome.reasons, key=_loudness)
    lines = [_reason(row) for row in loudest[:most]]
    warned = (row["warning"] for row in outcome.answer["warnings"])
    return "\n".join(lines + [f"[magenta]{escape(text)}[/]" for text in warned])


def _loudness(row: Mapping[str, Any]) -> tuple[bool, float]:
    """Rules first, then what moved the score most, up or down."""
    return row["contribution"] is not None, -abs(row["contribution"] or 0.0)


def _reason(row: Mapping[str, Any]) -> str:
    if row["contribution"] is None:
        return f"[bold]{escape(row['text'])}[/]"
    return f"{row['contribution']:+.1f} {escape(_visible(row['text']))}"


def _links(outcome: Outcome) -> str:
    linkage = outcome.answer.get("linkage")
    if not linkage or linkage["size"] < 2:
        return ""
    kinds = ", ".join(row["kind"].replace("_", " ") for row in linkage["evidence"][:3])
    abusive = f", {linkage['abusive']} abusive" if linkage["abusive"] else ""
    return f"{linkage['size']}{abusive}: {kinds}"


def summary_of(outcomes: list[Outcome]) -> Table:
    """How many of each group got which decision."""
    table = Table(title="Decisions by group", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("Group")
    for decision, colour in _COLOURS.items():
        table.add_column(decision, justify="right", header_style=colour)
    table.add_column("not as expected", justify="right")
    for group in dict.fromkeys(found.case.group for found in outcomes):
        members = [found for found in outcomes if found.case.group == group]
        counts = Counter(map(decision_of, members))
        wrong = sum(bool(found.failures) for found in members)
        table.add_row(group, *(str(counts[decision] or "") for decision in _COLOURS), str(wrong or ""))
    return table
