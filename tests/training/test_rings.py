from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel
from rich.console import Console

from riskapi.api.bodies import DecideBody, LabelBody
from riskapi.api.sends import SendBody
from riskapi.datasets.installed import DataPaths
from riskapi.decisions.events import Event
from riskapi.inputs.signup import Signup
from tests.rings_stand_in import Standin
from training.__main__ import main
from training.report import Report
from training.rings import PLAN, Crowded, Dodged, Figures, Framed, Plan, Trial, name_losers, product, show, trial
from training.rings.applicants import Applicants
from training.rings.claims import FRAMINGS, sat_upon
from training.rings.colleagues import alike
from training.rings.crowds import CROWDS
from training.rings.figures import times
from training.rings.households import labels, library
from training.rings.product import Product
from training.rings.rings import OPEN, RINGS
from training.rings.timetable import Process, Timetable
from training.server import ServiceError
from training.simulator import DAY, Networks
from training.simulator.countries import COUNTRIES
from training.simulator.signups import Draft

START = 1_787_529_600.0
POLICY = Path(__file__).resolve().parents[2] / "riskapi" / "policy" / "policy.toml"
QUIET = Console(quiet=True)
SMALL = Plan(
    scenarios=(
        *(replace(one, attacks=[replace(each, size=2) for each in one.attacks]).play for one in FRAMINGS),
        library,
        labels,
        alike,
        sat_upon,
    ),
    rings=[replace(ring, size=6) for ring in (*RINGS, *OPEN)],
    crowds=[replace(crowd, size=min(crowd.size, 6)) for crowd in CROWDS],
    others=0.2,
)


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> type[Standin]:
    """The service that a trial starts, with nothing asked of it yet; change its rules before the trial runs."""

    class Ours(Standin):
        asked: ClassVar[list[tuple[float, str, Any]]] = []

    monkeypatch.setattr(trial, "Service", Ours)
    return Ours


def run(networks: Networks, seed: int = 1, plan: Plan = SMALL, parts: Sequence[Any] = trial.PARTS) -> Figures:
    return Trial(networks, (Path("asn"), None), POLICY, START, 3, seed).run(QUIET, parts, plan)


class TestFigures:
    @pytest.mark.parametrize(
        ("row", "holds"),
        [
            (Framed("a", 4), True),
            (Framed("a", 4, (), 2.0), True),
            (Framed("a", 4, (), 2.01), False),
            (Framed("a", 4, ["u_1: limit for allow"], 1.0), False),
            (Framed("a", 0), False),  # nothing was measured
            (Dodged("a", 100, 2.0, 2.0), True),
            (Dodged("a", 100, 2.01, 1.0), False),
            (Dodged("a", 100, 1.0, 2.01), False),
            (Dodged("a", 100, times(5, 0), 1.0), False),
            (Dodged("a", 100, 90.0, 90.0, judged=False), True),
            (Crowded("a", 30), True),
            (Crowded("a", 30, stopped=["u_1"]), True),  # for what it is, not for the crowd
            (Crowded("a", 30, stopped=["u_1"], blamed=["u_1"]), False),
            (Crowded("a", 30, short=["u_1"]), False),
            (Crowded("a", 0), False),
            (Crowded("a", 4, ["u_1"], ["u_1"], ["u_1"], judged=False), True),
        ],
    )
    def test_what_is_as_promised(self, row: Framed | Dodged | Crowded, holds: bool) -> None:
        assert row.holds is holds
        figures = Figures(
            [row] if isinstance(row, Framed) else [],
            [row] if isinstance(row, Dodged) else [],
            [row] if isinstance(row, Crowded) else [],
        )
        assert figures.failed == ([] if holds else ["a"])

    def test_every_row_has_a_name_of_its_own(self, networks: Networks, standin: type[Standin]) -> None:
        figures = run(networks)
        assert len(figures.framing) == 10 and len([row for row in figures.dodging if row.judged]) == 10
        rows: list[Framed | Dodged | Crowded] = [*figures.framing, *figures.dodging, *figures.crowds]
        names = [row.name for row in rows]
        assert len(names) == len(set(names)) == 10 + len(PLAN.rings) + len(PLAN.crowds)


class TestTable:
    FIGURES = Figures(
        [Framed("a customer's number typed", 4, (), 1.5)],
        [Dodged("one link domain", 260, 1.5, 1.75), Dodged("nothing shared", 20, 6.0, 20.0, judged=False)],
        [Crowded("office", 300, ["u_1", "u_2", "u_3"]), Crowded("family", 4, (), (), ["u_4"], judged=False)],
    )

    def text(self, tmp_path: Path, figures: Figures) -> list[str]:
        with (tmp_path / "out").open("w") as file:
            report = Report(Console(file=file, width=80), "simulated")
            show(figures, 3, report)
            name_losers(figures, report)
        return (tmp_path / "out").read_text().splitlines()

    def cells(self, lines: Sequence[str], name: str) -> list[str]:
        row = next(line for line in lines if line.startswith(f"│ {name} "))
        return [cell.strip() for cell in row.strip("│").split("│")]

    def test_what_is_printed(self, tmp_path: Path) -> None:
        lines = self.text(tmp_path, self.FIGURES)
        assert self.cells(lines, "a customer's number typed")[1:] == ["0", "4", "1.50", "PASS"]
        assert self.cells(lines, "one link domain")[1:] == ["260", "1.50", "1.75", "PASS"]
        assert self.cells(lines, "nothing shared")[1:] == ["20", "6.00", "20.0"]
        assert self.cells(lines, "office")[1:] == ["300", "1.0 %", "0.0 %", "0.0 %", "PASS"]
        assert self.cells(lines, "family")[1:] == ["4", "0.0 %", "0.0 %", "25.0 %"]
        assert "PASS: no customer loses anything by what others do, no ring gets more than 2 × one account, no crowd " \
            "costs anybody anything (simulated)" in lines  # fmt: skip
        assert "office, not allowed: u_1; u_2; u_3 (simulated)" in lines
        assert all("simulated" in line for line in lines if line.startswith(("Framing", "Dodging", "Crowds", "What")))

    def test_of_one_part_only_what_it_measured_is_claimed(self, tmp_path: Path) -> None:
        lines = self.text(tmp_path, Figures(framing=self.FIGURES.framing))
        assert "PASS: no customer loses anything by what others do (simulated)" in lines

    def test_what_failed_is_named(self, tmp_path: Path) -> None:
        bad = Figures(
            [replace(self.FIGURES.framing[0], lost=["u_9: limit for allow, 0 recipients for 500"])],
            [replace(self.FIGURES.dodging[0], days=259.0), self.FIGURES.dodging[1]],
            [replace(self.FIGURES.crowds[0], short=["u_3"]), self.FIGURES.crowds[1]],
        )
        lines = self.text(tmp_path, bad)
        assert "FAIL: a customer's number typed; one link domain; office (simulated)" in lines
        assert self.cells(lines, "a customer's number typed")[1:] == ["1", "4", "1.50", "FAIL"]
        assert self.cells(lines, "one link domain")[1:] == ["260", "1.50", "259.0", "FAIL"]
        assert self.cells(lines, "office")[1:] == ["300", "1.0 %", "0.0 %", "0.3 %", "FAIL"]
        assert "a customer's number typed: u_9: limit for allow, 0 recipients for 500 (simulated)" in lines

    def test_it_fits_a_narrow_terminal(self, networks: Networks, standin: type[Standin], tmp_path: Path) -> None:
        figures = run(networks)
        worst = Figures(
            [replace(row, multiple=100.0) for row in figures.framing],
            [replace(row, size=520, hour=1000.0, days=1000.0) for row in figures.dodging],
            [replace(row, stopped=["u"] * row.size, blamed=["u"] * row.size, short=["u"] * row.size)
             for row in figures.crowds],
        )  # fmt: skip
        lines = self.text(tmp_path, worst)
        assert not any("…" in line for line in lines if line.startswith("│") and "name1" not in line)
        assert sum("1000.0" in line for line in lines) == len(figures.dodging)


class TestTrial:
    def test_the_table_fails_where_accounts_are_counted_one_by_one(
        self, networks: Networks, standin: type[Standin]
    ) -> None:
        figures = run(networks)
        rings = {row.name: row for row in figures.dodging}
        # Five of the six of that ring are decoys; of the aged ring one gets no more than the others here.
        assert {name: row.days for name, row in rings.items() if name != "one link domain that decoys made common"} == {
            ring.name: 6 for ring in SMALL.rings if ring.name != "one link domain that decoys made common"
        }
        assert not any(row.holds for row in figures.dodging if row.judged and "decoys" not in row.name)
        assert [row.lost for row in figures.framing] == [[]] * 10
        assert [row.multiple for row in figures.framing] == [4, 4, 2, 4, 4, 2, None, None, None, 4]
        assert all(row.holds for row in figures.crowds)

    def test_the_table_passes_where_a_ring_has_one_budget(self, networks: Networks, standin: type[Standin]) -> None:
        standin.purse = staticmethod(lambda user_id: user_id.rpartition("-")[0] if user_id[0] == "r" else user_id)
        figures = run(networks, parts=["dodging"])
        assert figures.failed == [] and not figures.framing and not figures.crowds
        assert {round(row.days, 2) for row in figures.dodging if "decoys" not in row.name} == {1.0}

    def test_a_customer_who_is_put_below_the_twin_has_lost(self, networks: Networks, standin: type[Standin]) -> None:
        standin.tier = staticmethod(lambda user_id: "limit" if user_id == "f07-001" else "allow")
        figures = run(networks, parts=["framing"])
        assert [len(row.lost) for row in figures.framing] == [0, 0, 0, 0, 0, 0, 1, 0, 0, 0]
        assert figures.framing[6].lost[0].startswith("f07-001: limit for allow")

    def test_a_customer_who_is_granted_less_than_the_twin_has_lost(
        self, networks: Networks, standin: type[Standin]
    ) -> None:
        colleagues = {f"f09-{number:03d}" for number in range(13, 93, 2)}
        standin.purse = staticmethod(lambda user_id: "firm" if user_id in colleagues else user_id)
        (row,) = [row for row in run(networks, parts=["framing"]).framing if row.lost]
        assert row.name == "one template; one firm's site"
        assert len(row.lost) == len(colleagues) - 1  # who asks first gets it all
        assert set(row.lost) == {f"{name}: allow for allow, 0 recipients for 500" for name in colleagues - {"f09-013"}}

    def test_customers_who_are_let_in_otherwise_than_their_twins_are_left_out(
        self, networks: Networks, standin: type[Standin]
    ) -> None:
        standin.tier = staticmethod(lambda user_id: "review" if user_id in ("f01-001", "f01-004") else "allow")
        figures = run(networks, parts=["framing"])
        assert figures.framing[0].customers == 1 and not figures.framing[0].lost

    def test_a_service_that_lets_nobody_in_passes_nothing(self, networks: Networks, standin: type[Standin]) -> None:
        standin.tier = staticmethod(lambda user_id: "review")
        figures = run(networks, parts=["framing"])
        assert [row.customers for row in figures.framing] == [0] * 10 and len(figures.failed) == 10

    def test_crowds_fail_where_all_of_them_have_one_budget(self, networks: Networks, standin: type[Standin]) -> None:
        standin.purse = staticmethod(lambda user_id: "everybody")
        figures = run(networks, parts=["crowds"])
        assert {row.name for row in figures.crowds if row.judged} <= set(figures.failed)

    def test_a_crowd_is_compared_with_the_same_people_apart(
        self, networks: Networks, standin: type[Standin], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        alone: list[type[Standin]] = []

        class Apart(standin):  # type: ignore[misc, valid-type]
            tier = staticmethod(lambda user_id: "review" if user_id == "c01-001" else "allow")

        class Together(standin):  # type: ignore[misc, valid-type]
            tier = staticmethod(lambda user_id: "review" if user_id in ("c01-001", "c01-002") else "allow")
            purse = staticmethod(lambda user_id: user_id[:3])

        def start(*arguments: Any) -> Standin:
            alone.append(Apart if alone else Together)
            return alone[-1](*arguments)

        monkeypatch.setattr(trial, "Service", start)
        monkeypatch.setattr(trial, "_AT_ONCE", 1)
        office = run(networks, parts=["crowds"]).crowds[0]
        assert [name.partition(":")[0] for name in office.stopped] == ["c01-001", "c01-002"]
        assert office.blamed == ["c01-002: review by model at 1 (NETWORK_IS_HOSTING)"]
        assert len(office.short) > 1

    def test_the_same_seed_asks_the_same(self, networks: Networks, standin: type[Standin]) -> None:
        def asked(seed: int) -> list[str]:
            standin.asked.clear()
            run(networks, seed)
            return sorted(json.dumps(each) for each in standin.asked)

        first = asked(1)
        assert first == asked(1) and first != asked(2)

    def test_what_is_asked_is_what_the_contract_accepts(self, networks: Networks, standin: type[Standin]) -> None:
        run(networks)
        bodies: dict[str, type[BaseModel]] = {
            "sends": SendBody,
            "events": Event,
            "labels": LabelBody,
            "decide": DecideBody,
            "signups": Signup,
        }
        met = Counter(path.rpartition("/")[2] for _, path, body in standin.asked if body is not None)
        assert set(met) == set(bodies)
        for _, path, body in standin.asked:
            if body is not None:
                bodies[path.rpartition("/")[2]].model_validate_json(json.dumps(body))

    def test_of_several_parts_the_one_that_failed_is_told_of(self, networks: Networks, standin: type[Standin]) -> None:
        def fail(user_id: str) -> str:
            if user_id[0] == "f":
                raise ServiceError("no answer")
            return "allow"

        standin.tier = staticmethod(fail)
        with pytest.raises(ServiceError, match="no answer"):
            run(networks)


class Busy(Standin):
    """A service whose worker has more to do: ``after`` are decisions of others that come with each login; with a -1 the
    account that logs in is decided once for this and for another cause.
    """

    after: ClassVar[list[int]] = []

    def __init__(self) -> None:
        super().__init__(Path(), None, {})
        self._others = self._lost = 0

    def counted(self, metric: str) -> dict[str, float]:
        found = super().counted(metric)
        logins = sum(found.values()) - self._lost
        return {'{cause="event",result="same"}': logins, '{cause="linkage",result="moved"}': float(self._others)}

    def post(self, path: str, body: dict[str, Any], at: float) -> dict[str, Any]:
        if path.endswith("/events") and self.after:
            more = self.after.pop(0)
            self._others += max(more, 0)
            self._lost += more < 0
        return super().post(path, body, at)


class TestWorker:
    @pytest.mark.parametrize(
        ("after", "rounds", "steps"),
        [
            ([], 4, 1),  # two rounds in which nobody else is decided, time goes on, and again
            ([0, 0, 0, 0], 4, 1),
            ([500, 3], 6, 1),  # time stands still until the backlog is done
            ([0, 0, 2], 7, 2),  # what came due when time went on brings about more
            ([0, 0, 0, 1], 8, 2),
            ([0, 1] * 6, 16, 1),
            ([-1], 5, 1),
            ([0, 0, 0, -1], 8, 2),
        ],
    )
    def test_it_is_waited_for_until_it_decides_nobody_any_more(
        self, after: list[int], rounds: int, steps: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[tuple[float, str, Any]] = []
        monkeypatch.setattr(Busy, "asked", asked)
        monkeypatch.setattr(product, "_WAIT", 0.05)
        waiting = Product(Busy(), START)  # type: ignore[arg-type]
        monkeypatch.setattr(Busy, "after", [*after])
        asked.clear()
        done = waiting.await_worker(START + DAY)
        logins = [at for at, path, _ in asked if path.endswith("/events")]
        assert len(logins) == rounds and logins[-1] == done
        assert len(set(logins)) == steps + 1 and logins == sorted(logins)

    def test_one_that_is_never_done_is_a_defect(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(product, "_MOST", 20)
        waiting = Product(Busy(), START)  # type: ignore[arg-type]
        monkeypatch.setattr(Busy, "after", [1] * 21)
        with pytest.raises(ServiceError, match="not done after 20 rounds"):
            waiting.await_worker(START + DAY)

    def test_one_that_does_nothing_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        waiting = Product(Busy(), START)  # type: ignore[arg-type]
        monkeypatch.setattr(product, "_WAIT", 0.0)
        monkeypatch.setattr(product, "_PATIENCE", 0.0)
        monkeypatch.setattr(Busy, "counted", lambda self, metric: {})
        with pytest.raises(ServiceError, match="did nothing"):
            waiting.await_worker(START + DAY)

    def test_a_trial_without_one_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(product, "_WARM", 0.0)
        monkeypatch.setattr(Busy, "counted", lambda self, metric: {'{cause="event",result="same"}': 1.0})
        with pytest.raises(ServiceError, match="needs a worker"):
            Product(Busy(), START)  # type: ignore[arg-type]


class TestTimetable:
    def test_whoever_is_due_first_goes_on_first_and_may_start_others(self) -> None:
        timetable, seen, told = Timetable(), list[str](), list[float]()

        def process(name: str, *times: float) -> Process:
            for at in times:
                yield at
                seen.append(f"{name}{at:g}")
                if (name, at) == ("a", 3):
                    timetable.add(process("c", 3, 5))

        timetable.add(process("a", 1, 3, 4))
        timetable.add(process("b", 2, 3, 6))
        timetable.add(process("none"))
        timetable.run(told.append)
        assert seen == ["a1", "b2", "a3", "b3", "c3", "a4", "c5", "b6"]
        assert told == sorted(told) and len(told) == len(seen)

    def test_time_does_not_go_back(self) -> None:
        timetable, told = Timetable(), list[float]()

        def process() -> Process:
            yield 5
            yield 2

        timetable.add(process())
        timetable.run(told.append)
        assert told == [5, 5]


class TestCommand:
    @pytest.mark.parametrize(("lost", "code"), [([], 0), (["u_1: limit for allow"], 1)])
    def test_it_ends_with_1_when_something_is_not_as_promised(
        self,
        lost: list[str],
        code: int,
        ip_data: DataPaths,
        networks: Networks,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        found = Figures(framing=[Framed("a customer's number typed", 4, lost, 1.0)])
        parts: list[object] = []

        def ran(self: Trial, console: Console, given: object) -> Figures:
            parts.append(given)
            return found

        def loaded(*databases: Path | None) -> Networks:
            """What is there already: to read it takes four seconds."""
            assert databases[0] == ip_data.asn
            return networks

        monkeypatch.setattr(Trial, "run", ran)
        monkeypatch.setattr(Networks, "load", loaded)
        databases = ["--asn-database", str(ip_data.asn)]
        report = tmp_path / "report.txt"
        assert main(["rings", *databases, "--part", "framing", "--names", "--report", str(report)]) == code
        assert parts == [["framing"]]
        printed = capsys.readouterr().out
        for text in (printed, report.read_text()):
            assert ("FAIL: a customer's number typed" in text) is bool(lost) is ("u_1: limit for allow" in text)

    def test_a_policy_that_is_not_there_is_told_of(
        self, ip_data: DataPaths, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        databases = ["--asn-database", str(ip_data.asn)]
        assert main(["rings", *databases, "--policy", str(tmp_path / "none.toml")]) == 1
        assert "cannot read the policy" in capsys.readouterr().err

    def test_a_part_that_is_none_is_refused(self) -> None:
        with pytest.raises(SystemExit):
            main(["rings", "--part", "everything"])


@pytest.mark.slow
def test_the_real_service_is_measured_and_a_ring_that_shares_nothing_fails(
    networks: Networks, ip_data: DataPaths
) -> None:
    """What holds of any service that lets people in; the figures themselves are the table's business."""
    rings = {ring.name: ring for ring in (*RINGS, *OPEN)}
    plan = Plan(
        scenarios=[replace(FRAMINGS[0], attacks=[replace(FRAMINGS[0].attacks[0], size=2)]).play],
        rings=[
            replace(rings["nothing shared, one in 10 minutes"], size=4, gap=60.0, judged=True),
            replace(rings["one device in 10 seconds"], size=4),
        ],
        crowds=[replace(CROWDS[0], size=5, days=2)],
        others=0.5,
    )
    figures = Trial(networks, (ip_data.asn, ip_data.country), POLICY, START, 1, 1).run(QUIET, plan=plan)
    (typed,), (office,), (strangers, device) = figures.framing, figures.crowds, figures.dodging
    assert 1 <= typed.customers <= 2 and typed.multiple is not None and 0 < typed.multiple <= 4
    assert 3 <= strangers.days <= 4 and strangers.name in figures.failed
    assert 0 < device.hour <= device.days <= 2
    assert office.size == 5


class TestPeople:
    def test_strangers_share_no_mailbox_and_no_firm(self, networks: Networks) -> None:
        applicants, random = Applicants(networks), Random(1)
        people = [applicants.person(random, START, COUNTRIES[0]) for _ in range(1500)]
        assert len({mailbox(draft) for draft in people}) == len(people)
        assert len({applicants.domain(random, COUNTRIES[0]) for _ in range(1500)}) == 1500

    @pytest.mark.parametrize("number", range(20))
    def test_a_twin_is_alike_but_for_what_links(self, networks: Networks, number: int) -> None:
        applicants, random = Applicants(networks), Random(number)
        draft = applicants.person(random, START)
        applicants.phone(random, draft)
        if number % 2:
            applicants.employ(random, draft, applicants.domain(random, draft.country))
        twin = applicants.twin(random, draft, 7200)
        assert mailbox(twin) != mailbox(draft) and twin.ip != draft.ip and twin.phone != draft.phone
        assert twin.device != draft.device or draft.device is None
        assert (twin.address.partition("@")[2] == draft.address.partition("@")[2]) is not bool(number % 2)
        kept = ("name", "browser", "behavior", "languages", "zone", "country", "plan")
        assert {name: getattr(twin, name) for name in kept} == {name: getattr(draft, name) for name in kept}
        assert twin.at == draft.at + 7200

    @pytest.mark.parametrize(
        ("ring", "shared"),
        [
            ("one address, one domain, one agent", {"ip", "line", "domain", "agent"}),
            ("name1, name2 … at Gmail, no keys", {"name", "keys"}),
            ("one /64, one a second", {"line"}),
            ("one /24 of a host, one a second", {"line"}),
            ("20 devices, one domain, one number block", {"domain", "block"}),
            ("one link domain", {"links"}),
            ("one device in 10 seconds", {"device"}),
            ("one link domain that decoys made common", {"links"}),
            ("one user's alias sub-domain", {"domain"}),
            ("one device, a month old, one clean", {"device"}),
            ("one /64, one in 10 seconds", {"line"}),
            ("one /64, one a minute", {"line"}),
            ("one domain, one an hour", {"domain"}),
            ("nothing shared, one in 10 minutes", set()),
        ],
    )
    def test_a_ring_has_in_common_what_it_is_named_after(self, networks: Networks, ring: str, shared: set[str]) -> None:
        kind = next(each for each in (*RINGS, *OPEN) if each.name == ring)
        found = kind.make(Applicants(networks), Random(1), [START + number * kind.gap for number in range(20)])
        assert common([member.draft for member in found], [member.links for member in found]) == shared
        assert len({mailbox(member.draft) for member in found}) == 20

    def test_every_ring_is_named_above(self) -> None:
        rings = [mark for mark in self.test_a_ring_has_in_common_what_it_is_named_after.pytestmark]  # type: ignore[attr-defined]
        assert {case[0] for case in rings[0].args[1]} == {ring.name for ring in (*RINGS, *OPEN)}

    def test_five_accounts_of_that_ring_use_one_device(self, networks: Networks) -> None:
        kind = next(each for each in RINGS if each.name.startswith("20 devices"))
        found = kind.make(Applicants(networks), Random(1), [START] * kind.size)
        assert Counter(Counter(member.draft.device for member in found).values()) == {5: 20}

    def test_decoys_are_more_than_a_link_domain_may_have(self, networks: Networks) -> None:
        kind = next(each for each in RINGS if "decoys" in each.name)
        found = kind.make(Applicants(networks), Random(1), [START] * kind.size)
        assert [member.decoy for member in found] == [True] * 201 + [False] * 20
        (alone,) = kind.make(Applicants(networks), Random(1), [START])
        assert not alone.decoy

    @pytest.mark.parametrize(
        ("crowd", "shared"),
        [
            ("office", {"ip", "line"}),
            ("mobile carrier", set()),
            ("campus", {"ip", "line"}),
            ("conference in two hours", {"ip", "line"}),
            ("classroom on one image", {"ip", "line", "agent"}),
            ("firm behind one switchboard", {"ip", "line", "domain", "phone", "block"}),
            ("colleagues, one firm's site", {"ip", "line", "domain"}),
            ("customers on one template", set()),
            ("family on one machine", {"ip", "line", "device"}),
            ("agency with 8 clients", {"ip", "line", "device"}),
        ],
    )
    def test_a_crowd_has_in_common_what_it_is_named_after_and_apart_nothing_but_the_agent(
        self, networks: Networks, crowd: str, shared: set[str]
    ) -> None:
        kind = next(each for each in CROWDS if each.name == crowd)
        times = [START + number * 60 for number in range(12)]
        together, apart = (
            [person.draft for person in kind.make(Applicants(networks), Random(1), times, side)]
            for side in (True, False)
        )
        assert common(together) == shared
        assert common(apart) == shared & {"agent"}
        assert len({draft.ip for draft in apart}) == 12
        kept = ("name", "behavior", "browser", "at")
        assert [[getattr(draft, name) for name in kept] for draft in together] == [
            [getattr(draft, name) for name in kept] for draft in apart
        ]

    def test_an_agency_names_itself_as_who_brought_its_clients(
        self, networks: Networks, standin: type[Standin]
    ) -> None:
        run(networks, parts=["crowds"])
        place = next(number for number, crowd in enumerate(CROWDS, 1) if crowd.name == "agency with 8 clients")
        named = {
            body["account"].get("referrer_id")
            for _, path, body in standin.asked
            if path == "/v1/signups" and body["account"]["user_id"].startswith(f"c{place:02d}-")
        }
        assert named == {None, f"c{place:02d}-000"}


def mailbox(draft: Draft) -> str:
    local, _, domain = draft.address.partition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def common(drafts: Sequence[Draft], links: Sequence[tuple[str, ...]] = ()) -> set[str]:
    """What all of them have, of what people do not have in common by chance."""
    free = {domain for country in COUNTRIES for domain in country.mail}

    def line(ip: str) -> str:
        return str(ip_network(f"{ip}/{64 if ':' in ip else 24}", strict=False))

    values: dict[str, Callable[[Draft], object]] = {
        "ip": lambda draft: draft.ip,
        "line": lambda draft: line(draft.ip or ""),
        "domain": lambda draft: domain if (domain := draft.address.partition("@")[2]) not in free else None,
        "name": lambda draft: draft.address.partition("@")[0].rstrip("0123456789"),
        "agent": lambda draft: draft.browser,
        "device": lambda draft: draft.device,
        "phone": lambda draft: draft.phone,
        "block": lambda draft: draft.phone and draft.phone[:-2],
        "keys": lambda draft: draft.behavior.get("keystrokes") == 0 or None,
    }
    found = {
        kind
        for kind, value in values.items()
        if len(seen := {value(draft) for draft in drafts}) == 1 and None not in seen
    }
    return found | ({"links"} if links and links[0] and len(set(links)) == 1 else set())
