"""Imports on the real store: existing customers come in with age, proofs, plan and volume; nothing is decided."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from riskapi.access.api_keys import ApiKeys
from riskapi.api.flask_app import build
from riskapi.api.routes import MAX_BODY
from riskapi.app import Service
from riskapi.commands.panels import customers
from riskapi.commands.remote import Refused, Remote
from riskapi.decisions import imports
from riskapi.decisions.imports import ImportOutcome
from riskapi.errors import StoreUnavailable
from riskapi.inputs import json_lines
from riskapi.inputs.json_lines import Row
from riskapi.links.kinds import touched_at
from riskapi.store.connections import Store
from riskapi.store.streams import SHARDS, StreamEntry, account_key, stream
from riskapi.times import rfc3339
from riskapi.webhooks.notices import notice
from tests.answers import conforms, is_problem
from tests.commanding import Command, environment, on_terminal
from tests.conftest import BOOTSTRAP_KEY, NOW, ROOT, keyed
from tests.conftest import Service as Served
from tests.grants import ask, view
from tests.members import members
from tests.plans import entities, field, marked, planned, tell, touched
from tests.signups import body, post, together

DAY = 86400.0
PATH, LINES = "/v1/accounts/import", "application/x-ndjson"
PHONE = "+34600123123"


@pytest.fixture
def http(service: Service) -> FlaskClient:
    return keyed(build(service.parts))


def customer(user: str = "u1", age_days: float = 900, **parts: Any) -> dict[str, Any]:
    """A customer of so many days, with some parts replaced."""
    return {
        "account": {"user_id": user, "name": "Ana Ruiz", "organization": "Ruiz Ceramics"},
        "email": {"address": f"{user}@{user.replace('_', '-')}.example"},
        "device": {"ip_address": "203.0.113.9", "id": f"dev-{user}"},
        "created_at": rfc3339(NOW - age_days * DAY),
        **parts,
    }


def rows(*records: Any) -> list[Row]:
    return [Row(number, json.dumps(each).encode()) for number, each in enumerate(records, 1)]


def take(service: Service, *records: Any, now: float = NOW) -> ImportOutcome:
    return service.parts.imports.take(rows(*records), "ana", now)


def entries(service: Service) -> list[tuple[str, dict[str, Any]]]:
    """Everything in the streams, as type and data."""
    found = []
    for number in range(SHARDS):
        for _, fields in service.store.execute("XRANGE", stream(number), "-", "+"):
            found.append((fields[b"type"].decode(), orjson.loads(fields[b"data"])))
    return found


def score(service: Service, kind: str, member: str, user: str = "u1") -> float | None:
    key = entities(service, user)[kind]
    return members(service.store, key).get(member)


class TestRecords:
    """What a record may say, and how it is told what is wrong."""

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"created_at": None}, "/created_at", "value_error"),
            ({"created_at": "(missing)"}, "/created_at", "missing"),
            ({"created_at": "yesterday"}, "/created_at", "value_error"),
            ({"created_at": "2023-04-01"}, "/created_at", "value_error"),
            ({"created_at": "2023-04-01T09:30:00"}, "/created_at", "value_error"),
            ({"created_at": 1680341400}, "/created_at", "value_error"),
            ({"created_at": rfc3339(NOW + 1)}, "/created_at", "in_future"),
            ({"email": {}}, "/email/address", "missing"),
            ({"email": "(missing)"}, "/email", "missing"),
            ({"account": {"user_id": "a b"}}, "/account/user_id", "string_pattern_mismatch"),
            ({"account": {"name": "Ana"}}, "/account/user_id", "missing"),
            ({"verified": ["mail"]}, "/verified/0", "literal_error"),
            ({"verified": "email"}, "/verified", "list_type"),
            ({"verified": ["email"] * 11}, "/verified", "too_long"),
            ({"daily_volume": -1}, "/daily_volume", "greater_than_equal"),
            ({"daily_volume": 1.5}, "/daily_volume", "int_type"),
            ({"daily_volume": "800"}, "/daily_volume", "int_type"),
            ({"daily_volume": 10**40}, "/daily_volume", "less_than_equal"),
            ({"plan": 1}, "/plan", "string_type"),
            ({"plan": "x" * 2049}, "/plan", "string_too_long"),
            ({"tier": "limit"}, "/tier", "extra_forbidden"),
            ({"a/b~": 1}, "/a~1b~0", "extra_forbidden"),
        ],
    )
    def test_records_that_are_wrong_are_told_where(self, change: dict[str, Any], pointer: str, code: str) -> None:
        record = {**customer(), **change}
        (found,) = imports.check(rows({name: each for name, each in record.items() if each != "(missing)"}), NOW)[1]
        assert (found.number, found.pointer, found.code) == (1, pointer, code)
        assert found.detail

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            (b"", "not_json"),
            (b"{", "not_json"),
            (b"\xff\xfe", "not_json"),
            (b'{"a": "\\ud800"}', "not_json"),
            (b"[" * 5000, "not_json"),
            (b"null", "model_type"),
            (b"[]", "model_type"),
            (b'"u1"', "model_type"),
            (b"1e999", "model_type"),
        ],
    )
    def test_records_that_are_none_are_told_so(self, text: bytes, code: str) -> None:
        (found,) = imports.check([Row(7, text)], NOW)[1]
        assert (found.number, found.pointer, found.code) == (7, "", code)

    @pytest.mark.parametrize(
        "change",
        [
            {"created_at": rfc3339(NOW)},
            {"created_at": "0001-01-01T00:00:00Z"},
            {"created_at": "1969-12-31T23:59:59.5+02:00"},
            {"plan": None, "verified": None, "daily_volume": None},
            {"plan": "", "verified": [], "daily_volume": 0},
            {"verified": ["phone", "email", "phone"]},
            {"email": {"address": "no address"}, "phone": {"number": "??"}, "device": {"ip_address": "nonsense"}},
            {"event": {"time": rfc3339(NOW - DAY)}, "behavior": None, "custom_inputs": {"x": 10**30}},
            {"daily_volume": 10**12},
        ],
    )
    def test_records_that_are_unusual_come_in(self, service: Service, change: dict[str, Any]) -> None:
        assert take(service, {**customer(), **change}) == ImportOutcome(1, 0, [])
        seen = view(service, "u1")
        assert (seen["tier"], seen["established"]["by"]) == ("allow", "import")
        assert tell(service, "login")["tier"] in ("allow", "review")  # decided like anybody from now on

    def test_lines_are_numbered_as_an_editor_does(self) -> None:
        text = [b"\xef\xbb\xbf{}\r\n", b"\n", b"  \t \n", b" 1 \n", b"2"]
        assert list(json_lines.lines(text)) == [Row(1, b"{}"), Row(4, b"1"), Row(5, b"2")]


class TestImported:
    """What an imported account is."""

    def test_it_shows_as_what_it_is(self, service: Service, http: FlaskClient) -> None:
        planned(service)
        given = customer(plan=" Pro ", phone={"number": PHONE}, verified=["email"], daily_volume=800)
        assert take(service, given) == ImportOutcome(1, 0, [])
        seen = conforms(http.get("/openapi.json").json, "GET", "/v1/accounts/{user_id}", http.get("/v1/accounts/u1"))  # type: ignore[arg-type]
        assert (seen["tier"], seen["plan"], seen["limits"]["daily"]) == ("allow", "pro", 2000)
        assert seen["established"] == {"since": given["created_at"], "by": "import"}
        assert [(row["from"], row["to"], row["source"], row["actor"]) for row in seen["history"]] == [
            (None, "allow", "import", "ana")
        ]
        answer = seen["assessment"]
        assert answer == seen["latest"]
        assert (answer["decision"], answer["risk_score"], answer["limits"]["daily"]) == ("allow", 2.0, 2000)
        assert answer["disposition"] == {"source": "reviewer", "rule": None}
        assert [row["code"] for row in answer["reasons"]] == ["IMPORTED"]
        assert answer["versions"]["model"] is None
        assert set(seen["readings"].values()) == {None}
        signup = {name: value for name, value in given.items() if name in ("account", "email", "phone", "device")}
        assert seen["signup"] == signup

    def test_nothing_is_decided_opened_or_told(self, service: Service) -> None:
        take(service, customer(email={"address": "u1@mailinator.com"}), customer("u2"))
        assert service.parts.reviews.list("open", 10, None)["reviews"] == []
        assert list(service.decisions.export()) == []
        assert {type for type, _ in entries(service)} == {"import"}
        assert [notice(StreamEntry("s", "1-0", type, data)) for type, data in entries(service)] == [None, None]
        assert not service.store.execute("KEYS", "risk:w:*")

    def test_its_plan_may_be_that_of_the_signup(self, service: Service) -> None:
        planned(service)
        take(service, customer(account={"user_id": "u1", "plan": "huge"}))
        assert view(service, "u1")["limits"]["hourly"] == 5000
        tell(service, "plan_changed", plan="free")
        assert view(service, "u1")["established"]["by"] == "import"

    def test_it_can_send_at_once(self, service: Service) -> None:
        take(service, customer())
        assert ask(service, "u1", 300)["granted"] == 200

    def test_what_is_shared_knows_it_as_a_customer_with_proofs(self, service: Service) -> None:
        take(service, customer(phone={"number": PHONE}, verified=["phone"]))
        assert marked(service) == touched(service)
        created = NOW - 900 * DAY
        assert score(service, "phone", "&u1") == pytest.approx(7e12 + created, abs=0.01)
        touched_at = score(service, "phone", "u1")
        assert touched_at is not None and score(service, "phone", "%u1") == pytest.approx(6e12 + touched_at, abs=0.01)
        assert score(service, "mailbox", "%u1") is None
        readings = tell(service, "login") and view(service, "u1")["readings"]
        assert (readings["events_phone_verified"], readings["events_email_verified"]) == (True, None)

    def test_a_list_finds_it(self, service: Service) -> None:
        take(service, customer(phone={"number": PHONE}))
        draft: dict[str, Any] = {"expires_at": None, "reason": None, "author": "ana", "silences_feedback": False}
        for kind, value in (("phone_prefix", "+3460"), ("email_domain", "u1.example"), ("device", "dev-u1")):
            entry = service.parts.lists.draft("deny", kind, value, **draft, now=NOW)  # type: ignore[arg-type]
            assert service.parts.lists.would_match(entry)["would_match"] == ["u1"]

    def test_the_same_signup_gets_the_answer_of_the_import(self, service: Service) -> None:
        take(service, customer())
        before = dump(service.store)
        signup = {name: value for name, value in customer().items() if name != "created_at"}
        assert post(service, body("u1", **signup)) == view(service, "u1")["assessment"]
        assert dump(service.store) == before


class TestMemory:
    """What others find who come after an import."""

    @pytest.mark.parametrize(
        ("age", "days"),
        [(0, 0), (10, 10), (44, 44), (45, 45), (46, 45), (3000, 45), (739_000, 45)],
    )
    def test_it_touched_when_it_signed_up_or_half_the_retention_ago(
        self, service: Service, age: float, days: float
    ) -> None:
        take(service, customer(age_days=age))
        assert score(service, "mailbox", "u1") == pytest.approx(NOW - days * DAY, abs=0.01)
        assert float(field(service, "at") or 0) == pytest.approx(NOW - age * DAY, abs=0.01)

    @pytest.mark.parametrize(("kept", "days"), [(1, 0.5), (30, 29), (31, 30), (50, 31), (90, 45), (365, 182.5)])
    def test_it_is_remembered_from_over_a_month_ago_where_things_are_kept_for_longer(
        self, service: Service, kept: int, days: float
    ) -> None:
        found = service.active.policy
        found = found.model_copy(update={"retention": found.retention.model_copy(update={"entities_days": kept})})
        assert touched_at(0.0, found, NOW) == NOW - days * DAY

    def test_a_stranger_who_claims_its_number_finds_it_weeks_later(self, service: Service) -> None:
        take(service, customer(age_days=3000, phone={"number": PHONE}, verified=["phone"]))
        for week in range(1, 6):  # which has the entity drop what is too old
            at = NOW + week * 7 * DAY
            post(service, body(f"s{week}", phone={"number": PHONE}, email={"address": f"s{week}@s.example"}), at)
        assert score(service, "phone", "u1") and score(service, "phone", "&u1") and score(service, "phone", "%u1")

    def test_a_thousand_at_once_are_no_rush(self, service: Service) -> None:
        network = {"ip_address": "203.0.113.9"}
        take(service, *(customer(f"c{number}", device=network, phone={"number": PHONE}) for number in range(60)))
        found = post(service, body("new", phone={"number": PHONE}, device=network))
        readings = view(service, "new")["readings"]
        for name in ("ip_24h", "network_24h", "phone_30d", "device_24h"):
            assert readings.get(f"velocity_{name}") in (None, 1), name
        assert found["decision"] == "allow"


class TestGuard:
    """``daily_volume`` and the guard against sudden jumps."""

    def _roomy(self, service: Service) -> None:
        plans = {"big": {"hourly": 10**6, "daily": 10**6, "monthly": 10**7}}
        planned(service, plans)

    @pytest.mark.parametrize(
        ("volume", "wanted", "granted"),
        [
            (800, 800, 800),
            (800, 4000, 4000),  # five times as much is growth
            (800, 4001, 800),
            (20, 1000, 1000),  # what is told is rough: at least what is no jump anyway counts as usual
            (20, 1001, 200),
            (0, 50_000, 50_000),
            (None, 50_000, 50_000),
        ],
    )
    def test_its_usual_volume_is_no_jump_on_the_first_day(
        self, service: Service, volume: int | None, wanted: int, granted: int
    ) -> None:
        self._roomy(service)
        take(service, customer(plan="big", daily_volume=volume))
        found = ask(service, "u1", wanted)
        assert (found["granted"], found["denied_by"]) == (granted, None if granted == wanted else "account_hold")
        assert len(service.parts.reviews.list("open", 10, None)["reviews"]) == (granted != wanted)

    def test_small_days_before_do_not_make_a_usual_volume_a_jump(self, service: Service) -> None:
        self._roomy(service)
        take(service, customer(plan="big", daily_volume=3000))
        for day in range(0, 20, 2):
            assert ask(service, "u1", 10, NOW + day * DAY)["granted"] == 10
        assert ask(service, "u1", 3000, NOW + 22 * DAY)["granted"] == 3000

    def test_after_a_month_what_we_saw_counts(self, service: Service) -> None:
        self._roomy(service)
        take(service, customer(plan="big", daily_volume=3000))
        for day in range(0, 32, 2):
            assert ask(service, "u1", 10, NOW + day * DAY)["granted"] == 10
        assert ask(service, "u1", 3000, NOW + 33 * DAY)["denied_by"] == "account_hold"

    def test_whoever_sends_on_few_days_keeps_it(self, service: Service) -> None:
        self._roomy(service)
        take(service, customer(plan="big", daily_volume=3000))
        for day in (0, 40, 60):
            assert ask(service, "u1", 10, NOW + day * DAY)["granted"] == 10
        assert ask(service, "u1", 3000, NOW + 63 * DAY)["granted"] == 3000


def dump(store: Store) -> dict[str, Any]:
    """Everything in the store, but for the ids that it gives entries itself."""
    reads = {"hash": "HGETALL", "string": "GET"}
    found: dict[str, Any] = {}
    for key in sorted(store.execute("KEYS", "*")):
        sort = store.execute("TYPE", key).decode()
        if sort == "stream":
            found[key] = [fields for _, fields in store.execute("XRANGE", key, "-", "+")]
        elif sort == "zset":
            found[key] = store.execute("ZRANGE", key, 0, -1, "WITHSCORES")
        elif sort == "list":
            found[key] = store.execute("LRANGE", key, 0, -1)
        else:
            found[key] = store.execute(reads[sort], key)
    return found


class TestAgain:
    """What was imported before, half, or by somebody else at the same time."""

    def test_what_is_there_is_left_as_it_is(self, service: Service) -> None:
        post(service, body("u1", email={"address": "u1@mailinator.com"}))
        take(service, customer("u2"))
        before = dump(service.store)
        assert take(service, customer("u1"), customer("u2", plan="pro", daily_volume=5), now=NOW + 60) == ImportOutcome(
            0, 2
        )
        assert dump(service.store) == before
        assert view(service, "u1")["tier"] == "review"

    def test_of_two_with_one_user_id_the_first_counts(self, service: Service) -> None:
        assert take(service, customer(daily_volume=1), customer(daily_volume=2), customer("u2")) == ImportOutcome(2, 1)
        assert field(service, "daily_volume") == "1"

    def test_a_crash_at_any_trip_is_made_good_by_the_next_run(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("riskapi.decisions.answer.secrets.token_hex", lambda _: "0" * 24)
        monkeypatch.setattr("riskapi.decisions.imports._AT_ONCE", 3)
        records = [
            customer(f"u{number}", age_days=number * 20, phone={"number": f"+3460012312{number}"}, verified=["phone"])
            for number in range(8)
        ]

        def empty() -> None:
            service.store.execute("FLUSHALL")
            service.decisions.register_schema()

        empty()
        take(service, *records)
        whole, trips = dump(service.store), 0
        run, done = type(service.store).run, False
        while not done:
            empty()
            left = trips

            def break_off(store: Store, pipe: Any) -> Any:
                nonlocal left
                left -= 1
                if left == -1:
                    pipe.commands = pipe.commands[: len(pipe.commands) // 2]  # half of it is done
                    run(store, pipe)
                    raise StoreUnavailable("away")
                return run(store, pipe)

            monkeypatch.setattr(type(service.store), "run", break_off)
            try:
                take(service, *records)
                done = True
            except StoreUnavailable:
                trips += 1
            monkeypatch.setattr(type(service.store), "run", run)
            found = take(service, *records)
            assert found.imported + found.existing == 8
            assert dump(service.store) == whole
        assert trips == 9

    def test_two_imports_at_once(self, service: Service) -> None:
        records = [customer(f"u{number}") for number in range(40)]
        found = together(4, lambda _: take(service, *records))
        assert sum(each.imported for each in found) == 40
        assert all(each.records == 40 for each in found)
        assert len(entries(service)) == 40
        assert all(marked(service, f"u{number}") == touched(service, f"u{number}") for number in range(40))

    @pytest.mark.parametrize("turn", range(4))
    def test_an_import_and_a_signup_at_once(self, service: Service, turn: int) -> None:
        signup = body("u1", email={"address": "u1@u1.example"}, device={"id": "dev-new"})
        record = customer(phone={"number": PHONE}, device={"id": "dev-old"})
        work: list[Callable[[], Any]] = [lambda: take(service, record), lambda: post(service, signup)]
        found = together(2, lambda number: work[(number + turn) % 2]())
        outcome = found[turn % 2]
        kept = entities(service)
        imported = field(service, "established_by") == "import"
        assert outcome == (ImportOutcome(1, 0) if imported else ImportOutcome(0, 1))
        assert marked(service) == (touched(service) if imported else set())
        stray = [
            key
            for key in service.store.execute("KEYS", "risk:e:*")
            if key.decode() not in kept.values() and members(service.store, key)
        ]
        assert stray == []

    def test_a_signup_that_came_between_the_trips(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        queue = type(service.parts.imports)._queue_account
        answers = []

        def late(self: Any, *args: Any) -> None:
            answers.append(post(service, body("u1", email={"address": "u1@u1.example"}, device={"id": "dev-new"})))
            queue(self, *args)

        monkeypatch.setattr(type(service.parts.imports), "_queue_account", late)
        record = customer(phone={"number": PHONE}, device={"id": "dev-old"})
        assert take(service, record) == ImportOutcome(0, 1)
        assert (marked(service), field(service, "established_by")) == (set(), None)
        assert view(service, "u1")["assessment"]["id"] == answers[0]["id"]
        stray = set(service.store.execute("KEYS", "risk:e:*")) - {key.encode() for key in entities(service).values()}
        assert stray == set()

    def test_a_command_that_is_executed_twice_is_one_import(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = type(service.store).run

        def twice(store: Store, pipe: Any) -> Any:
            run(store, pipe)
            return run(store, pipe)

        monkeypatch.setattr(type(service.store), "run", twice)
        assert take(service, customer()) == ImportOutcome(1, 0)
        assert len(view(service, "u1")["history"]) == len(entries(service)) == 1


def send(http: FlaskClient, content: bytes, media: str = LINES, **more: Any) -> Any:
    return http.post(PATH, data=content, content_type=media, **more)


class TestApi:
    """``POST /v1/accounts/import``."""

    def test_the_api_takes_json_and_json_lines(self, http: FlaskClient) -> None:
        document: Any = http.get("/openapi.json").json
        bad = {**customer("u2"), "created_at": "2999-01-01T00:00:00Z"}
        answer = http.post(PATH, json={"accounts": [customer(), bad, 7, customer()]})
        found = conforms(document, "POST", PATH, answer)
        assert (found["imported"], found["existing"]) == (1, 1)
        assert [(each["index"], each["pointer"], each["code"]) for each in found["rejected"]] == [
            (1, "/created_at", "in_future"),
            (2, "", "model_type"),
        ]
        text = b"\n".join([orjson.dumps(customer()), b"", orjson.dumps(bad), b"{", orjson.dumps(customer("u3"))])
        found = conforms(document, "POST", PATH, send(http, text, f"{LINES}; charset=utf-8"))
        assert (found["imported"], found["existing"]) == (1, 1)
        assert [(each["line"], each["pointer"], each["code"]) for each in found["rejected"]] == [
            (3, "/created_at", "in_future"),
            (4, "", "not_json"),
        ]
        assert http.get("/v1/accounts/u3").json["history"][0]["actor"] == "bootstrap"  # type: ignore[index]
        metrics = http.get("/metrics").data
        assert b'riskapi_imports_total{result="rejected"} 4.0' in metrics

    @pytest.mark.parametrize(
        ("content", "media", "status", "code"),
        [
            (b"", LINES, 422, "invalid"),
            (b"", "application/jsonl", 422, "invalid"),
            (b"\n \n", LINES, 422, "invalid"),
            (b'{"accounts": []}', "application/json", 422, "invalid"),
            (b"{}", "application/json", 422, "invalid"),
            (b"[]", "application/json", 422, "invalid"),
            (b'{"accounts": {}}', "application/json", 422, "invalid"),
            (b'{"accounts": [], "x": 1}', "application/json", 422, "invalid"),
            (b"{", "application/json", 400, "not_json"),
            (b"{}", "text/csv", 415, "unsupported_media_type"),
            (b"{}", "", 415, "unsupported_media_type"),
            (b"x" * (MAX_BODY + 1), LINES, 413, "payload_too_large"),
        ],
    )
    def test_the_api_refuses_what_is_none(
        self, http: FlaskClient, content: bytes, media: str, status: int, code: str
    ) -> None:
        is_problem(send(http, content, media), status, code)

    def test_other_routes_take_json_alone(self, http: FlaskClient) -> None:
        answer = http.post("/v1/signups", data=b"{}", content_type=LINES)
        assert is_problem(answer, 415, "unsupported_media_type")["detail"] == "Send Content-Type: application/json."

    def test_the_api_takes_a_mebibyte(self, http: FlaskClient) -> None:
        line = orjson.dumps(customer()) + b"\n"
        found = send(http, line * (MAX_BODY // len(line)))
        assert (found.status_code, found.json["imported"]) == (200, 1)
        assert send(http, b"\n" * MAX_BODY).status_code == 422
        assert len(send(http, b"1\n" * 20_000).json["rejected"]) == 20_000

    def test_the_api_needs_the_scope_admin(self, service: Service, http: FlaskClient) -> None:
        key = ApiKeys(service.store).create("flow", ["signups", "sends", "reviews", "policy", "lists"])
        is_problem(send(http, b"{}", headers={"Authorization": f"Bearer {key}"}), 403, "forbidden")

    def test_a_repeated_request_gets_its_answer(self, http: FlaskClient) -> None:
        content = orjson.dumps(customer()) + b"\n\xff\xfe\n"
        first, second = (send(http, content, headers={"Idempotency-Key": "k"}) for _ in range(2))
        assert first.json == second.json
        assert (second.headers["Idempotent-Replay"], second.json["imported"]) == ("true", 1)
        other = send(http, content + b"1\n", headers={"Idempotency-Key": "k"})
        is_problem(other, 409, "idempotency_conflict")

    def test_an_account_may_be_called_import(self, http: FlaskClient) -> None:
        assert send(http, orjson.dumps(customer("import"))).json["imported"] == 1
        assert http.get("/v1/accounts/import").json["user_id"] == "import"  # type: ignore[index]

    def test_the_api_says_while_the_store_is_away(
        self, service: Service, http: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: Any) -> Any:
            raise StoreUnavailable("away")

        monkeypatch.setattr(type(service.store), "run", away)
        is_problem(send(http, orjson.dumps(customer())), 503, "unavailable")

    @hypothesis_settings(
        max_examples=60,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        st.lists(
            st.one_of(
                st.binary(max_size=40),
                st.dictionaries(
                    st.sampled_from(["account", "email", "created_at", "plan", "verified", "daily_volume", "phone"]),
                    st.one_of(
                        st.none(),
                        st.text(max_size=5),
                        st.integers(),
                        st.just({"user_id": "u"}),
                        st.just({"address": "a@b.example"}),
                        st.just("2020-01-01T00:00:00Z"),
                        st.lists(st.sampled_from(["email", "phone", 1]), max_size=3),
                    ),
                ).map(lambda found: json.dumps(found).encode()),
            ),
            min_size=1,
            max_size=6,
        )
    )
    def test_every_line_gets_its_answer(self, http: FlaskClient, content: list[bytes]) -> None:
        text = b"\n".join(content)
        found = send(http, text)
        many = len(list(json_lines.lines(text.splitlines())))
        assert found.status_code == (200 if many else 422)
        if many:
            assert found.json["imported"] + found.json["existing"] + len(found.json["rejected"]) == many


def written(path: Path, *records: Any) -> str:
    path.write_bytes(b"".join(each if isinstance(each, bytes) else orjson.dumps(each) + b"\n" for each in records))
    return str(path)


def old(*users: str) -> list[dict[str, Any]]:
    """Customers who were there before today's clock, by which commands go."""
    return [{**customer(user), "created_at": "2023-04-01T09:30:00Z"} for user in users]


class TestCommand:
    """``python -m riskapi import``."""

    def test_imports_names_what_is_wrong_and_goes_on(self, command: Command, store: Store, tmp_path: Path) -> None:
        ahead = {**customer("u8"), "created_at": f"{datetime.now(UTC).year + 2}-01-01T00:00:00Z"}
        file = written(
            tmp_path / "c", *old("u1"), b"\n", b"{\n", {**customer("u9"), "email": {}}, ahead, *old("u2", "u1")
        )
        done = command("import", file)
        assert done.code == 1
        assert done.out.startswith("2 imported, 1 already there, 3 rejected, ")
        said = done.err.splitlines()
        assert said[0].startswith("line 3: the line: ") and said[0].endswith("(not_json)")
        assert said[1:] == [
            "line 4: /email/address: Field required (missing)",
            "line 5: /created_at: lies ahead (in_future)",
        ]
        assert store.execute("HGET", account_key("u1"), "established") == b"1680341400.0"
        again = command("import", written(tmp_path / "d", *old("u1", "u2")))
        assert (again.code, again.out.startswith("0 imported, 2 already there, 0 rejected, ")) == (0, True)

    def test_a_dry_run_checks_every_line_and_writes_nothing(
        self, command: Command, store: Store, tmp_path: Path
    ) -> None:
        done = command("import", "--dry-run", written(tmp_path / "c", *old("u1", "u2"), b"1\n"))
        assert (done.code, done.out.startswith("2 good, nothing is written, 1 rejected, ")) == (1, True)
        assert done.err.startswith("line 3: the line: ")
        assert not store.execute("KEYS", "*")

    def test_a_line_that_is_too_long_stops_nobody(self, command: Command, tmp_path: Path) -> None:
        file = written(tmp_path / "c", *old("u1"), b'{"x": "' + b"x" * 600_000 + b'"}\n', *old("u2"))
        done = command("import", file)
        assert done.out.startswith("2 imported, 0 already there, 1 rejected, ")
        assert done.err == "line 2: the line: has more than 524288 bytes (too_long)\n"

    @pytest.mark.parametrize(
        ("words", "code", "said"),
        [
            (["import"], 2, "Missing argument 'FILE'"),
            (["import", "/nowhere"], 2, "/nowhere: file: cannot be read: No such file or directory"),
            (["import", "/dev/null", "--url", "x"], 2, "command line: --url: 'x' is not a URL such as"),
            (["import", "/dev/null", "--url", "http://h:1:2/", "--key", "k"], 2, "command line: --url: "),
            (
                ["import", "/dev/null", "--url", "http://127.0.0.1:9"],
                2,
                "command line: --key: is missing, and RISKAPI_",
            ),
        ],
    )
    def test_wrong_words_are_told(self, command: Command, words: list[str], code: int, said: str) -> None:
        more = ["--key", "k"] if words[-1] == "x" else []
        done = command(*words, *more)
        assert (done.code, said in done.err) == (code, True), done.err

    def test_the_command_shows_how_far_it_has_come_on_a_terminal(
        self,
        tmp_path: Path,
    ) -> None:
        file = written(tmp_path / "c", *old(*(f"u{number}" for number in range(2_000))), b"{}\n")
        words = ["import", "--dry-run", file]
        done = on_terminal(words, environment(RISKAPI_DATA_DIR=str(tmp_path)), ROOT, pipe=True)
        assert re.search(r"importing .*100%.* 1,500 accounts", done.err), done.err
        assert "line 2001: /account: Field required (missing)" in done.err
        assert done.out.startswith("2,000 good, nothing is written, 1 rejected")

    def test_the_command_reads_standard_input(self, tmp_path: Path) -> None:
        content = b"".join(orjson.dumps(each) + b"\n" for each in old("u1", "u2"))
        done = subprocess.run(
            [sys.executable, "-m", "riskapi", "import", "-", "--dry-run"], input=content, capture_output=True, cwd=ROOT,
            env={"RISKAPI_DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}, check=True,
        )  # fmt: skip
        assert done.stdout.startswith(b"2 good, nothing is written, 0 rejected")
        assert done.stderr == b""


class TestUrl:
    """Sent to a service that runs, or does not."""

    def test_an_import_by_url_goes_to_the_service(
        self, service: Service, serve: Callable[..., Served], tmp_path: Path
    ) -> None:
        served = serve()
        file = written(tmp_path / "c", *old(*(f"u{number}" for number in range(1200))), b"{\n", *old("u1"))
        words = [sys.executable, "-m", "riskapi", "import", file, "--url", served.url, "--key"]
        environment = {"RISKAPI_DATA_DIR": str(tmp_path / "elsewhere"), "PATH": "/usr/bin:/bin"}

        def run(key: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run([*words, key], capture_output=True, text=True, cwd=ROOT, env=environment)

        done = run(BOOTSTRAP_KEY)
        assert (done.returncode, done.stdout.partition(", 1 rejected")[0]) == (1, "1,200 imported, 1 already there")
        assert done.stderr.startswith("line 1201: the line: ")
        assert served.request("GET", "/v1/accounts/u77")[1]["established"]["by"] == "import"
        refused = run("rk_wrong")
        assert (refused.returncode, refused.stdout[:11]) == (1, "0 imported,")
        assert refused.stderr.startswith(f"{served.url}: it answered 401: No API key")

    @pytest.mark.parametrize(
        ("answers", "left"),
        [
            ([503, 200], 0),
            ([429, 502, 409, 200], 0),
            ([OSError("reset"), 200], 0),
            ([503] * 7, 7),
            ([OSError("refused")] * 7, 7),
            ([403], 1),
            ([404], 1),
        ],
    )
    def test_an_import_by_url_asks_again_where_that_may_help(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        answers: list[int | OSError],
        left: int,
    ) -> None:
        keys: list[str] = []
        pauses: list[float] = []
        given_up = False

        def post(self: Remote, content: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
            found = answers[len(keys)]
            keys.append(headers["Idempotency-Key"])
            if isinstance(found, OSError):
                raise found
            return found, b'{"imported": 1, "existing": 0, "rejected": [], "detail": "why"}'

        monkeypatch.setattr(Remote, "_post", post)
        remote = Remote("http://risk.example/base/", "k", pauses.append)
        try:
            assert remote.take([Row(1, b"{}")]) == ImportOutcome(1, 0)
        except Refused as error:
            given_up = True
            assert str(error).startswith("http://risk.example/base/: ")
        assert (given_up, len(keys)) == (bool(left), left or len(answers))
        assert len(set(keys)) == 1
        assert sum(pauses) <= 64
        said = capsys.readouterr().err
        assert said.count("it is asked again for a minute") == (len(keys) > 1), "once, so that nobody waits unknowing"


def test_the_records_that_are_shown_work() -> None:
    record = re.findall(r"(?s)^ {8}({.*?})\n\n", customers.take.__doc__ or "", re.MULTILINE)[0].replace("\n", " ")
    page = (ROOT / "docs/import.md").read_text().split("```json\n")[1].partition("```")[0]
    assert imports.check([Row(1, record.encode()), Row(2, page.encode())], NOW)[1] == []
