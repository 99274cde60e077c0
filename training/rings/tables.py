"""The figures of a trial as tables, and whether they are what was promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.report import Report
from training.rings.groups import Group
from training.rings.trial import Tally

#: A ring may get at most this many times what one of its accounts gets alone.
BOUND = 2.0

_RING_HEADS = ("held by", "size", "own caps", "cluster caps", "× alone", "linked")
_CROWD_HEADS = ("crowd", "size", "own caps", "cluster caps", "lost", "wrong")
Tallies = Mapping[str, Tally]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a group fared: recipients with caps for accounts alone (``off``) and for clusters too (``live``).

    ``multiple`` is what a ring got of what one account held by the same got alone (an evasion: any account alone);
    ``None`` for crowds. ``holds`` says whether it is as promised; of evasions and firms nothing was promised.
    """

    group: Group
    off: Tally
    live: Tally
    multiple: float | None
    holds: bool


def judge(groups: Sequence[Group], off: Tallies, live: Tallies) -> list[Verdict]:
    """A verdict on each group, in the same order."""
    alone = {group.what: live[group.name].granted for group in groups if group.kind == "ring" and group.size == 1}
    verdicts = []
    for group in groups:
        before, after = off[group.name], live[group.name]
        multiple: float | None = None
        if group.kind in ("ring", "evasion"):
            one = alone.get(group.what, max(alone.values(), default=0))
            multiple = after.granted / one if one else float("inf")
        holds = (
            group.kind in ("evasion", "firm")
            or (multiple is not None and multiple <= BOUND)
            or (group.kind == "crowd" and after.granted == before.granted and not after.wrong)
        )
        verdicts.append(Verdict(group, before, after, multiple, holds))
    return verdicts


def show(verdicts: Sequence[Verdict], days: int, report: Report) -> None:
    """Print the tables, narrow enough for any terminal, and what they come to."""

    def of(kind: str) -> list[Verdict]:
        return [verdict for verdict in verdicts if verdict.group.kind == kind]

    report.table(
        "What rings get",
        (*_RING_HEADS, f"≤ {BOUND:g} ×"),
        [(*_ring(verdict), _word(verdict)) for verdict in of("ring")],
        note=f"Recipients granted in {days} days to accounts that each keep to 90 % of their own caps, with caps for "
        "accounts alone and with caps for clusters too; × what such an account gets alone. Linked: clusters / accounts "
        "in the largest. Everything else about the accounts is drawn like people's.",
    )
    report.table(
        "What gets round clusters, for information", _RING_HEADS, [_ring(verdict) for verdict in of("evasion")]
    )
    report.table(
        "What honest crowds lose",
        (*_CROWD_HEADS, "none"),
        [(*_crowd(verdict), _word(verdict)) for verdict in of("crowd")],
        note="Each account asks for 60 % of its own caps. Wrong: accounts found in a cluster of three or more with "
        "somebody else's.",
    )
    report.table(
        "What honest actors with several accounts lose, for information",
        _CROWD_HEADS,
        [_crowd(verdict) for verdict in of("firm")],
    )
    failed = [f"{verdict.group.what} ({verdict.group.size})" for verdict in verdicts if not verdict.holds]
    passed = f"PASS: no ring gets more than {BOUND:g} × one account, no crowd loses anything"
    report.line(f"FAIL: {', '.join(failed)}" if failed else passed)


def _word(verdict: Verdict) -> str:
    return "PASS" if verdict.holds else "FAIL"


def _ring(verdict: Verdict) -> tuple[str, ...]:
    group, clusters = verdict.group, verdict.live.clusters
    return (
        group.what,
        f"{group.size:,}",
        f"{verdict.off.granted:,}",
        f"{verdict.live.granted:,}",
        f"{verdict.multiple:.2f}",
        f"{len(clusters)} / {max(clusters.values(), default=0)}",
    )


def _crowd(verdict: Verdict) -> tuple[str, ...]:
    group = verdict.group
    return (
        group.what,
        f"{group.size:,}",
        f"{verdict.off.granted:,}",
        f"{verdict.live.granted:,}",
        f"{verdict.off.granted - verdict.live.granted:,}",
        f"{verdict.live.wrong:,}",
    )
