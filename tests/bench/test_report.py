"""What a benchmark found is written as JSON of one form, printed beside its aims, and drawn."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pydantic import ValidationError
from rich.console import Console

from tests.bench.__main__ import write
from tests.bench.figures import (
    Asked,
    Bench,
    Family,
    Grants,
    Growth,
    Memory,
    Ratio,
    Served,
    Size,
    Stage,
    Upstreams,
    Worst,
)  # fmt: skip
from tests.bench.plot import plot
from tests.bench.progress import Steps
from tests.bench.ratio import Plan
from tests.bench.report import report, table
from tests.bench.setting import setting

_SERVED = Served(
    rate=1234, low=1200, high=1300, p50=5.5, p99=9.25, busy={"server": 700, "store": 200, "worker": 30, "client": 40},
    errors=0,
)  # fmt: skip
_PLAN = Plan(rounds=5, seconds=4, connections=8, workers=2)


def bench() -> Bench:
    """Figures that somebody made up."""
    families = [Family(name="risk:a", keys=1, bytes=1200), Family(name="risk:e", keys=5.5, bytes=700)]
    return Bench(
        setting=setting(_PLAN),
        ratios=[
            Ratio(fsync=mode, ratio=0.17, low=0.15, high=0.19, work=0.09, p99_ratio=3.4, signups=_SERVED,
                  after={"worker": 60, "store": 20}, commands=31.5)
            for mode in ("everysec", "always")
        ],
        nothing=_SERVED.model_copy(update={"rate": 7000.0}),
        stages=[Stage(name="parse", busy=112, passed=120)],
        asked=Asked(signups=1000, sent=4, commands=27.5, calls={"zadd": 8.0, "hset": 2.0}, bytes_sent=3100,
                    bytes_received=900, bytes_appended=2600, memory=2100),
        sending=[Grants(name="bare PING", rate=30000, p50=0.1, p99=0.2, trips=1, errors=0)],
        memory=Memory(accounts=10_000, families=families, kinds=[Family(name="device", keys=1, bytes=110)], used=2222,
                      resident=2500),
        growth=Growth(sizes=[Size(accounts=10**power, load_seconds=9, python=700, store=200, commands=40 + power,
                                  used=2222, resident=2500,
                                  families=[Family(name="risk:a", keys=1, bytes=1000 + power), *several])
                             for power, several in ((4, []), (5, [Family(name="risk:r", keys=0.2, bytes=51)]))],
                      left_out={1_000_000: "some 3.0 GB would be needed"}),
        worst=[Worst(shared="a device", accounts=20_000, load_seconds=30, python=900, store=300, alone_python=600,
                     alone_store=200, times=1.51, after=2400, alone_after=150)],
        upstreams=[Upstreams(name="off", rate=900, p50=7, p99=12, to_off=1, dns=0, rdap=0, errors=2)],
    )  # fmt: skip


def test_json_is_read_as_it_was_written_and_says_on_what_it_ran(tmp_path: Path) -> None:
    made = bench()
    path, picture = write(made, tmp_path / "bench")
    assert (path.suffix, picture.suffix, path.stem) == (".json", ".svg", picture.stem)
    assert Bench.model_validate_json(path.read_bytes()) == made
    said = json.loads(path.read_text())
    assert said["form"] == 1
    assert said["setting"]["python"].startswith("3.")
    assert "Valkey" in said["setting"]["store"]
    assert said["setting"]["cores"] >= 1 and said["setting"]["connections"] == 8
    assert set(said["setting"]["packages"]) >= {"granian", "redis", "lightgbm"}


@pytest.mark.parametrize("change", [{"form": 2}, {"ratios": None}, {"more": 1}, {"stages": [{"name": "x"}]}], ids=str)
def test_json_of_another_form_is_refused(change: dict[str, object]) -> None:
    said = {**json.loads(bench().model_dump_json()), **change}
    with pytest.raises(ValidationError):
        Bench.model_validate_json(json.dumps(said))


def test_every_figure_is_printed_beside_its_aim() -> None:
    lines = list(report(bench()))
    for words in (
        ("signups a second, fsync everysec", "0.17", "0.15 to 0.19", "0.20"),
        ("signups a second, fsync always", "0.17", "0.15"),
        ("p99, fsync always", "3.4 times", "3 times"),
        ("commands, with those inside scripts", "27.5", "under 25"),
        ("commands the service sends", "4.0"),
        ("worker's, under load, fsync always", "31.5"),
        ("bytes in the append-only file", "2,600"),
        ("risk:e", "5.50", "700"),
        ("of risk:e, device", "110"),
        ("an account with all its indexes", "2,222", "under 2,000"),
        ("100,000", "700", "200", "900", "45.0", "2,222"),
        ("accounts", "10,000", "100,000"),
        ("risk:a", "1,004", "1,005"),
        ("risk:r", "  0  ", "51"),
        ("tables of keys and expiry", "1,218", "1,166"),
        ("1,000,000 accounts were left out", "3.0 GB"),
        ("shares a device", "1.51", "1.5", "2400", "150"),
        ("put off until after the load", "80"),
        ("answers that were not 200: 2",),
    ):
        assert [line for line in lines if all(word in line for word in words)], words


def test_parts_that_were_left_out_are_not_printed() -> None:
    few = bench().model_copy(update={"memory": None, "growth": None, "worst": None, "upstreams": None})
    text = "\n".join(report(few))
    assert "growth" not in text and "worst" not in text and "upstreams" not in text and "memory" not in text
    ElementTree.fromstring(plot(few))


def test_the_picture_is_svg_that_loads_nothing() -> None:
    picture = plot(bench())
    root = ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(root.findall("{http://www.w3.org/2000/svg}g")) == 5
    assert "<script" not in picture and "href" not in picture.replace('xlink:href="#', "")
    shown = "".join(root.itertext())
    assert "risk:a" in shown and "a device" in shown and "parse" in shown


def test_columns_of_a_table_are_as_wide_as_what_is_in_them() -> None:
    assert list(table("title", ("", "n"), [("a", "1"), ("long name", "1,000")])) == [
        "title",
        "                 n",
        "  a              1",
        "  long name  1,000",
        "",
    ]


def test_without_a_terminal_progress_is_plain_lines() -> None:
    shown = StringIO()
    with Steps(Console(file=shown, force_terminal=False)).step("loading", 1000) as advance:
        for _ in range(100):
            advance(10)
    lines = shown.getvalue().splitlines()
    assert lines[0] == "loading: 1,000"
    assert lines[-1] == "  1,000 of 1,000"
    assert len(lines) == 11
    assert "\x1b" not in shown.getvalue()


def test_at_a_terminal_progress_is_a_bar() -> None:
    shown = StringIO()
    with Steps(Console(file=shown, force_terminal=True, width=100)).step("loading", 10) as advance:
        advance(10)
    assert "10/10" in shown.getvalue()
