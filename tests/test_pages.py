"""Pages for people: links and anchors lead somewhere, README is short, every page and decision is in its contents."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    page for place in (".", "docs", "docs/feedback", "model", "training") for page in (ROOT / place).glob("*.md")
)
#: What is written by hand besides pages; a line of it may break anywhere.
CODE = sorted(
    path
    for place in ("riskapi", "signals", "model", "training", "tests", "docs")
    for kind in ("py", "lua", "toml", "html")
    for path in (ROOT / place).rglob(f"*.{kind}")
)
#: Words a README may have: what somebody reads before they know whether they want it.
MOST_WORDS = 1500


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(path: Path) -> str:
    """The text of a page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def links(path: Path) -> list[str]:
    """Where a page's links lead, those to other sites left out."""
    text = re.sub(r"`[^`]*`", "", prose(path))
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(path: Path) -> set[str]:
    """The anchors GitHub makes of a page's headings.

    Small letters, what is no letter, digit, hyphen, underscore or blank left out, blanks as hyphens; a heading that
    repeats gets a number (https://docs.github.com: "Section links").
    """
    seen: Counter[str] = Counter()
    made = set()
    for heading in re.findall(r"^#{1,6} (.+)$", prose(path), flags=re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        made.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return made


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    for link in links(page):
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.is_relative_to(ROOT) and target.exists(), f"{name_of(page)}: {link}"
        assert not anchor or anchor in anchors(target), f"{name_of(page)}: {link}"


def test_readme_is_read_in_a_few_minutes() -> None:
    assert len((ROOT / "README.md").read_text().split()) < MOST_WORDS


def test_every_manual_is_in_the_contents() -> None:
    listed = links(ROOT / "docs/README.md")
    manuals = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert Counter(link for link in listed if "/" not in link) == Counter(manuals)


def test_every_example_is_shown_by_a_manual() -> None:
    shown = {link for page in PAGES for link in links(page)}
    assert [path.name for path in (ROOT / "docs/examples").iterdir() if f"examples/{path.name}" not in shown] == []


def test_every_decision_is_dated_short_and_in_the_contents() -> None:
    text = (ROOT / "DECISIONS.md").read_text()
    contents, *entries = re.split(r"^### ", text, flags=re.MULTILINE)
    titles = []
    for entry in entries:
        title, _, rest = entry.partition("\n")
        body = re.split(r"^#", rest, flags=re.MULTILINE)[0]
        found = re.match(r"\*(\d{4}-\d\d-\d\d)\.\* ", body)
        assert found, f"{title}: begins with its date"
        assert date(2026, 11, 22) <= date.fromisoformat(found[1]), title
        assert len(body.split()) <= 330, f"{title}: {len(body.split())} words"
        titles.append(title)
    listed = re.findall(r"^- \[(.+)\]\(#", contents, flags=re.MULTILINE)
    assert listed == titles
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=name_of)
def test_files_that_are_named_are_there(page: Path) -> None:
    named = re.findall(r"`((?:riskapi|signals|model|training|tests|docs)/[\w./-]+\.\w+)`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=name_of)
def test_code_that_is_named_by_the_end_of_its_path_is_there(page: Path) -> None:
    named = re.findall(r"`(\w[\w./-]*\.(?:py|lua|toml))`", page.read_text())
    there = [f"/{name_of(path)}" for path in CODE]
    assert [name for name in named if not any(path.endswith(f"/{name}") for path in there)] == []


def test_who_chose_a_figure_is_said_in_two_places() -> None:
    """CONTRIBUTING says it for the code, the policy for whoever reads that alone; elsewhere stand reasons only."""
    told = re.compile(r"chosen by (?:us|the authors)", re.IGNORECASE)
    read = {path: re.sub(r"\s*\n[\s#:*>-]*", " ", path.read_text()) for path in {*PAGES, *CODE}}
    found = {name_of(path): len(told.findall(text)) for path, text in read.items() if path != Path(__file__)}
    assert {name: times for name, times in found.items() if times} == {
        "CONTRIBUTING.md": 1,
        "riskapi/policy/policy.toml": 1,
    }


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_pages_that_code_names_are_there(path: Path) -> None:
    named = re.findall(r"(?<![\w/.-])([\w.-]+(?:/[\w.-]+)*\.md)\b", path.read_text())
    there = [f"/{name_of(page)}" for page in PAGES]
    assert [name for name in named if not any(page.endswith(f"/{name}") for page in there)] == []
