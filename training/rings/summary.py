"""The summary of a trial: its figures as one table of three parts, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence

from training.report import Report
from training.rings.figures import BOUND, Crowded, Dodged, Figures, Framed

#: Most names listed for one row.
_NAMED = 12


def show(figures: Figures, days: int, report: Report) -> None:
    """Print the parts that were measured, narrow enough for any terminal, and what they come to."""
    if figures.framing:
        _framing(figures.framing, report)
    if figures.dodging:
        _dodging(figures.dodging, days, report)
    if figures.crowds:
        _crowds(figures.crowds, report)
    failed = figures.failed
    held = {
        "no customer loses anything by what others do": figures.framing,
        f"no ring gets more than {BOUND:g} × one account": figures.dodging,
        "no crowd costs anybody anything": figures.crowds,
    }
    passed = ", ".join(text for text, measured in held.items() if measured)
    report.line(f"FAIL: {'; '.join(failed)}" if failed else f"PASS: {passed}")


def name_losers(figures: Figures, report: Report) -> None:
    """Print who lost what: for whoever wants to know why."""
    for framed in figures.framing:
        _names(framed.name, framed.lost, report)
    for crowd in figures.crowds:
        _names(f"{crowd.name}, not allowed", crowd.stopped, report)
        _names(f"{crowd.name}, allowed apart", crowd.blamed, report)
        _names(f"{crowd.name}, granted short", crowd.short, report)


def _names(what: str, names: Sequence[str], report: Report) -> None:
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        report.line(f"{what}: {'; '.join(names[:_NAMED])}{more}")


def _framing(rows: Sequence[Framed], report: Report) -> None:
    report.table(
        "Framing: what customers lose by what strangers do",
        ("scenario", "lost", "of", "attacker", f"0, ≤ {BOUND:g} ×"),
        [(row.name, f"{len(row.lost)}", f"{row.customers}", _times(row.multiple), _word(row.holds)) for row in rows],
        note="Customers who lost budget or tier against a twin with the same history whom nobody attacked. Attacker: "
        "recipients granted to all accounts of one attacker within a day, × what one of them gets alone.",
    )


def _dodging(rows: Sequence[Dodged], days: int, report: Report) -> None:
    heads = ("ring", "size", "first hour", f"{days} days")
    figures = [(row.name, f"{row.size}", _times(row.hour), _times(row.days)) for row in rows]
    report.table(
        "Dodging: what rings get",
        (*heads, f"≤ {BOUND:g} ×"),
        [(*cells, _word(row.holds)) for row, cells in zip(rows, figures, strict=True) if row.judged],
        note="Recipients granted to all accounts together, × what the best of five such accounts gets alone. Each asks "
        "for all there is as soon as it has signed up, and again whenever there is more.",
    )
    still = [cells for row, cells in zip(rows, figures, strict=True) if not row.judged]
    if still:
        report.table("What still works, for information", heads, still)


def _crowds(rows: Sequence[Crowded], report: Report) -> None:
    heads = ("crowd", "size", "not allowed", "by crowd", "short")
    figures = [
        (row.name, f"{row.size}", *(_share(names, row.size) for names in (row.stopped, row.blamed, row.short)))
        for row in rows
    ]
    report.table(
        "Crowds: what honest people lose",
        (*heads, "0, 0"),
        [(*cells, _word(row.holds)) for row, cells in zip(rows, figures, strict=True) if row.judged],
        note="Shares of the accounts. Not allowed: ever in another tier than allow. By crowd: of these, allowed where "
        "the same people sign up apart. Short: granted less than the 60 % of its own caps that each asks for in a day.",
    )
    others = [cells for row, cells in zip(rows, figures, strict=True) if not row.judged]
    if others:
        report.table("Honest actors with several accounts, for information", heads, others)


def _share(names: Sequence[str], of: int) -> str:
    return f"{100 * len(names) / of:.1f} %" if of else "–"


def _times(multiple: float | None) -> str:
    return "–" if multiple is None else f"{multiple:.1f}" if multiple >= 10 else f"{multiple:.2f}"


def _word(holds: bool) -> str:
    return "PASS" if holds else "FAIL"
