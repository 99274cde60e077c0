"""The figures of a trial as tables, and whether they are what was promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.report import Report
from training.rings.groups import Group
from training.rings.trial import Tally

#: A ring may get at most this many times what one of its accounts gets alone.
BOUND = 2.0

_RING_HEADS = ("held by", "accounts", "asked", "own caps", "cluster caps", "× one account", "clusters", "largest")
_CROWD_HEADS = (
    "crowd",
    "accounts",
    "asked",
    "own caps",
    "cluster caps",
    "lost",
    "denied by",
    "wrong cluster",
    "verdict",
)
Tallies = Mapping[str, Tally]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a group fared: recipients with caps for accounts alone (``off``) and for clusters too (``live``).

    ``multiple`` is what a ring got of what one account held by the same got alone; ``None`` for crowds. ``holds``
    says whether it is as promised; it always is for one actor with several accounts, which nothing was promised.
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
        if group.kind == "ring":
            one = alone.get(group.what, 0)
            multiple = after.granted / one if one else float("inf")
            holds = multiple <= BOUND
        else:
            holds = group.kind == "firm" or (after.granted == before.granted and not after.wrong)
        verdicts.append(Verdict(group, before, after, multiple, holds))
    return verdicts


def show(verdicts: Sequence[Verdict], days: int, report: Report) -> None:
    """Print both tables and what they come to."""
    rings = [verdict for verdict in verdicts if verdict.group.kind == "ring"]
    crowds = [verdict for verdict in verdicts if verdict.group.kind != "ring"]
    report.table(
        "What rings get",
        (*_RING_HEADS, f"≤ {BOUND:g} ×"),
        [_ring(verdict) for verdict in rings],
        note=f"Recipients granted in {days} days to accounts that each keep to 90 % of their own caps, with caps for "
        "accounts alone and with caps for clusters too. Everything else about them is drawn like people's.",
    )
    report.table(
        "What honest crowds lose",
        _CROWD_HEADS,
        [_crowd(verdict) for verdict in crowds],
        note="Each account asks for 60 % of its own caps. Wrong cluster: accounts found in one of three or more with "
        "somebody else's, must be 0. Families and agencies are one actor with several accounts, for information.",
    )
    failed = [f"{verdict.group.what} ({verdict.group.size})" for verdict in verdicts if not verdict.holds]
    passed = f"PASS: no ring gets more than {BOUND:g} × one account, no crowd loses anything"
    report.line(f"FAIL: {', '.join(failed)}" if failed else passed)


def _ring(verdict: Verdict) -> tuple[str, ...]:
    group, clusters = verdict.group, verdict.live.clusters
    return (
        group.what,
        f"{group.size:,}",
        f"{group.asked:,}",
        f"{verdict.off.granted:,}",
        f"{verdict.live.granted:,}",
        f"{verdict.multiple:.2f}",
        f"{len(clusters)}",
        f"{max(clusters.values(), default=0)}",
        "PASS" if verdict.holds else "FAIL",
    )


def _crowd(verdict: Verdict) -> tuple[str, ...]:
    group = verdict.group
    causes = ", ".join(name for name, _ in verdict.live.denied.most_common(2))
    return (
        group.what,
        f"{group.size:,}",
        f"{group.asked:,}",
        f"{verdict.off.granted:,}",
        f"{verdict.live.granted:,}",
        f"{verdict.off.granted - verdict.live.granted:,}",
        causes or "–",
        f"{verdict.live.wrong:,}",
        "–" if group.kind == "firm" else "PASS" if verdict.holds else "FAIL",
    )
