"""What came by mail or webhook: counted for its account, kept where there is none, attributed later exactly once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from riskapi.access.api_keys import ApiKeys
from riskapi.api.flask_app import build
from riskapi.app import Service, assemble
from riskapi.commands import doctor
from riskapi.feedback import raw_reports, unattributed
from riskapi.feedback.mail.dkim import KeyUnavailable, Lookup, Signed, signed_by
from riskapi.feedback.reports import Clues, Received, Report
from riskapi.feedback.return_path import ReturnPath
from riskapi.feedback.sealing import Seal
from riskapi.settings import Settings
from riskapi.store.connections import Store
from tests.conftest import BOOTSTRAP_KEY, NOW, Clock
from tests.feedback.mail.signing import ALLOWED, lookup, signed
from tests.racing import raised
from tests.signups import together
from tests.working import Work

KEY = {"Authorization": f"Bearer {BOOTSTRAP_KEY}"}
TOKEN = "0123456789abcdef0123456789abcdef"
DAY = 86400

BOUNCE = """Return-Path: <>
From: MAILER-DAEMON@mx.example.net
To: {to}
Subject: Undelivered Mail Returned to Sender
Date: Sun, 22 Nov 2026 09:05:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b
Content-Type: text/rfc822-headers

Message-ID: <{message}@mail.saas.example>
{headers}

--b--
"""


def bounce(message: str = "m.1", headers: str = "X-Other: x", **more: str) -> bytes:
    said = {"to": "bounces@saas.example", "recipient": "bo@example.net", "action": "failed", "status": "5.1.1"} | more
    return BOUNCE.format(message=message, headers=headers, **said).encode()


class Site:
    """The service on an empty store, with a few accounts."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self.service, self.clock = service, clock
        self.http = build(service.parts).test_client()

    def post(self, path: str, raw: bytes, media: str = "message/rfc822", **headers: str) -> TestResponse:
        return self.http.post(path, data=raw, content_type=media, headers=headers or KEY)

    def bounced(self, raw: bytes) -> tuple[int, int, int, int]:
        """Accepted, duplicates, unknown accounts, not understood."""
        answer = self.post("/v1/feedback/dsn", raw).json
        assert answer is not None
        return tuple(answer[name] for name in ("accepted", "duplicates", "unknown_accounts", "not_understood"))

    def read(self, path: str, **query: str) -> Any:
        answer = self.http.get(path, query_string=query, headers=KEY)
        assert answer.status_code == 200, answer.text
        return answer.json

    def unattributed(self, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.read("/v1/feedback/unattributed", **query)["unattributed"]
        return found

    def tell(self, user: str, *ids: str) -> Any:
        granted = self.http.post(f"/v1/accounts/{user}/sends", json={"recipients": 1}, headers=KEY).json
        assert granted is not None
        path = f"/v1/reservations/{granted['reservation_id']}/messages"
        answer = self.http.post(path, json={"message_ids": list(ids)}, headers=KEY)
        assert answer.status_code == 200, answer.text
        return answer.json

    def counted(self, user: str, type: str = "hard_bounces") -> int:
        found: int = self.read(f"/v1/accounts/{user}")["feedback"][type]
        return found


DNS: dict[str, Lookup] = {}


@pytest.fixture(scope="module")
def make_site(
    session_store: Store, session_settings: Settings, ip_data: object
) -> Iterator[Callable[..., Callable[[], Site]]]:
    def believed(raw: bytes, now: float) -> Signed | None:
        return signed_by(raw, ALLOWED, DNS["lookup"], now)

    def make(**settings: Any) -> Callable[[], Site]:
        session_store.execute("FLUSHALL")
        clock = Clock()
        service = assemble(replace(session_settings, **settings), session_store, clock)
        service = replace(service, parts=replace(service.parts, signed=believed))

        def begin() -> Site:
            clock.now, DNS["lookup"] = NOW, lookup()
            service.recover(NOW)
            site = Site(service, clock)
            for user in ("u_1", "u_2", "u_1001"):
                body = {"account": {"user_id": user}, "email": {"address": f"{user}@ruiz.example"}}
                assert site.http.post("/v1/signups", json=body, headers=KEY).status_code == 200
            return site

        return begin

    yield make


@pytest.fixture(scope="module")
def begin(make_site: Callable[..., Callable[[], Site]]) -> Callable[[], Site]:
    return make_site()


@pytest.fixture(scope="module")
def begin_proved(make_site: Callable[..., Callable[[], Site]]) -> Callable[[], Site]:
    keys = Settings.load({"RISKAPI_FEEDBACK_RETURN_PATH_KEY": TOKEN}).feedback_return_path_key
    return make_site(feedback_return_path_key=keys)


@pytest.fixture
def site(begin: Callable[[], Site], store: Store) -> Site:
    return begin()


@pytest.fixture
def proved(begin_proved: Callable[[], Site], store: Store) -> Site:
    """The same where the return path needs a token."""
    return begin_proved()


class TestAttribution:
    @pytest.mark.parametrize(
        ("headers", "to"),
        [
            ("X-Account-Id: u_1", "bounces@saas.example"),
            ("Feedback-ID: spring:u_1:news:saas", "bounces@saas.example"),
            ("X-Other: x", "bounces+u_1@saas.example"),
            ("X-Other: x", "bounces+u_1=bo=example.net@saas.example"),
        ],
    )
    def test_a_bounce_is_counted_by_each_clue(self, site: Site, headers: str, to: str) -> None:
        assert site.bounced(bounce(headers=headers, to=to)) == (1, 0, 0, 0)
        assert site.counted("u_1") == 1 and not site.unattributed()

    def test_a_message_id_told_before_counts(self, site: Site) -> None:
        assert site.tell("u_1", "<m.1@mail.saas.example>", "m.1@mail.saas.example")["recorded"] == 1
        assert site.bounced(bounce(headers="X-Account-Id: u_2")) == (1, 0, 0, 0)  # which the user may have written
        assert (site.counted("u_1"), site.counted("u_2")) == (1, 0)

    def test_with_tokens_a_forged_bounce_harms_nobody(self, proved: Site) -> None:
        forged = bounce(headers="X-Account-Id: u_1\nFeedback-ID: a:u_1:b:c", to="bounces+u_1@saas.example")
        assert proved.bounced(forged) == (0, 0, 1, 0)
        assert proved.unattributed()[0]["reason"] == "not_believed"
        mine = ReturnPath("bounces+{user_id}", (TOKEN.encode(),)).make("u_1", "saas.example")
        assert proved.bounced(bounce("m.3", to=mine.replace("u_1", "u_2"))) == (0, 0, 1, 0)
        assert proved.bounced(bounce("m.4", to="bounces+u_2@saas.example")) == (0, 0, 1, 0)
        assert {each["reason"] for each in proved.unattributed()} == {"not_believed"} and proved.counted("u_2") == 0
        assert proved.bounced(bounce("m.2", to=mine)) == (1, 0, 0, 0)
        assert proved.counted("u_1") == 1

    def test_with_tokens_a_complaint_needs_its_reporters_signature(self, proved: Site) -> None:
        """A mail server hands over whatever was sent to the address of the loop."""
        told = proved.post("/v1/feedback/arf", signed(domain=b"evil.example")).json
        assert told is not None and (told["accepted"], told["unknown_accounts"]) == (0, 1)
        assert proved.unattributed()[0]["reason"] == "not_believed"
        told = proved.post("/v1/feedback/arf", signed()).json
        assert told is not None and told["accepted"] == 1

    def test_with_tokens_silent_dns_has_a_complaint_sent_again(self, proved: Site) -> None:
        def silent(name: str) -> str | None:
            raise KeyUnavailable("DNS does not say")

        DNS["lookup"] = silent
        assert proved.post("/v1/feedback/arf", signed()).status_code == 503


class TestUnattributed:
    def test_each_is_kept_once_with_its_reason(self, site: Site) -> None:
        assert site.bounced(bounce("m.1")) == (0, 0, 1, 0)
        assert site.bounced(bounce("m.1")) == (0, 0, 1, 0)
        site.clock.advance(1)
        assert site.bounced(bounce("m.2", headers="X-Account-Id: gone")) == (0, 0, 1, 0)
        site.clock.advance(1)
        assert site.bounced(bounce("m.3", headers="X-Account-Id: u_1\nX-Account-Id: u_2")) == (0, 0, 1, 0)
        site.clock.advance(1)
        assert site.bounced(b"From: bo@example.net\nSubject: Hello\n\nHow are you?\n") == (0, 0, 0, 1)
        page = site.read("/v1/feedback/unattributed")
        reasons = ["not_understood", "ambiguous", "unknown_account", "no_clue"]
        assert [each["reason"] for each in page["unattributed"]] == reasons
        assert sorted((each["feed"], each["reason"], each["count"]) for each in page["counts"]) == [
            ("dsn", reason, 1) for reason in sorted(reasons)
        ]
        row = page["unattributed"][2]
        assert (row["type"], row["diagnosis"], row["claimed"]) == ("hard_bounce", "hard", ["gone"])
        assert row["message_ids"] == ["m.2@mail.saas.example"] and row["received_at"] == "2026-11-22T10:00:01.000Z"
        metrics = site.http.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).text
        assert 'riskapi_feedback_unattributed_total{feed="dsn",reason="ambiguous"} 1.0' in metrics

    def test_unattributed_reports_in_pages_and_by_filters(self, site: Site) -> None:
        for number in range(7):
            site.clock.advance(1)
            site.bounced(bounce(f"m.{number}", headers="X-Account-Id: gone" if number % 2 else "X-Other: x"))
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = site.read("/v1/feedback/unattributed", limit="3", **cursor)
            seen += [each["message_ids"][0] for each in page["unattributed"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == [f"m.{number}@mail.saas.example" for number in reversed(range(7))]
        assert len(site.unattributed(reason="unknown_account")) == 3
        assert not site.unattributed(feed="arf") and len(site.unattributed(feed="dsn")) == 7
        for query in ({"reason": "x"}, {"feed": "x"}, {"cursor": "x"}, {"limit": "0"}):
            assert site.http.get("/v1/feedback/unattributed", query_string=query, headers=KEY).status_code == 422

    def test_the_newest_are_kept_and_deliveries_push_out_nothing_else(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, store: Store
    ) -> None:
        monkeypatch.setattr(unattributed, "MOST", 2)
        site.bounced(bounce("m.0"))
        for number in range(1, 4):
            site.clock.advance(1)
            site.bounced(bounce(f"m.{number}", action="delivered", status="2.0.0"))
        found = [(each["type"], each["message_ids"][0][:3]) for each in site.unattributed()]
        assert found == [("delivered", "m.3"), ("delivered", "m.2"), ("hard_bounce", "m.0")]
        assert len(store.execute("KEYS", "risk:fu:*")) == 3

    def test_what_strangers_send_pushes_out_nothing_else(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, store: Store
    ) -> None:
        monkeypatch.setattr(unattributed, "MOST", 2)
        reported(site, {"id": "e1"})
        site.bounced(bounce("m.0"))
        for number in range(4):
            site.clock.advance(1)
            site.bounced(f"From: bo@example.net\nSubject: Hello {number}\n\nHow are you?\n".encode())
        reasons = ["not_understood", "not_understood", "no_clue", "unknown_account"]
        assert sorted(each["reason"] for each in site.unattributed()) == sorted(reasons)

    def test_an_unattributed_report_is_gone_after_a_month(self, site: Site, store: Store) -> None:
        site.bounced(bounce("m.1"))
        for key in store.execute("KEYS", "risk:f*"):
            if not key.startswith(b"risk:fh:"):  # how often the feed is heard, without what it said
                assert 0 < store.execute("TTL", key) <= 31 * DAY, key
        site.clock.advance(31 * DAY + 1)
        site.bounced(bounce("m.2", headers="X-Account-Id: gone"))
        page = site.read("/v1/feedback/unattributed")
        assert [each["reason"] for each in page["counts"]] == ["unknown_account"]
        assert [each["message_ids"][0] for each in page["unattributed"]] == ["m.2@mail.saas.example"]

    def test_nothing_is_readable_in_the_store(self, site: Site, store: Store) -> None:
        site.bounced(bounce("m.1", headers="X-Account-Id: gone"))
        for key in store.execute("KEYS", "risk:f*"):
            type = store.execute("TYPE", key)
            held = {b"hash": "HGETALL", b"set": "SMEMBERS"}.get(type)
            text = repr(store.execute(held, key) if held else store.execute("ZRANGE", key, 0, -1))
            assert "example" not in text and "gone" not in text, key

    def test_doctor_tells_how_many_and_why(self, site: Site, store: Store) -> None:
        assert [grade for grade, _ in doctor._feedback(store, NOW)] == ["ok"]
        site.bounced(bounce("m.1"))
        assert [(grade, "1 dsn no_clue" in text) for grade, text in doctor._feedback(store, NOW)] == [("warn", True)]


class TestLate:
    def test_an_event_is_attributed_when_its_message_is_told(self, site: Site) -> None:
        assert site.bounced(bounce("m.1")) == (0, 0, 1, 0)
        assert site.tell("u_1", "m.1@mail.saas.example")["attributed"] == 1
        assert site.counted("u_1") == 1 and not site.unattributed()
        [row] = site.read("/v1/feedback/reports", user_id="u_1")["reports"]
        assert site.read(f"/v1/feedback/reports/{row['id']}")["user_ids"] == ["u_1"]
        assert site.tell("u_1", "m.1@mail.saas.example")["attributed"] == 0
        assert site.bounced(bounce("m.1")) == (0, 1, 0, 0)  # the provider sends it again
        assert site.counted("u_1") == 1

    def test_what_two_accounts_are_named_for_stays(self, site: Site) -> None:
        site.bounced(bounce("m.1", headers="X-Account-Id: u_1\nX-Account-Id: u_2"))
        assert site.tell("u_1", "m.1@mail.saas.example")["attributed"] == 0

    def test_an_id_of_two_accounts_is_told_as_ambiguous(self, site: Site) -> None:
        site.tell("u_1", "m.1")
        assert site.tell("u_2", "m.1", "m.2")["ambiguous"] == 1

    def test_a_message_told_and_reported_at_once_counts_once(self, site: Site) -> None:
        for message in (f"m.{number}" for number in range(10)):

            def work(part: int, message: str = message) -> Any:
                if part:
                    return site.tell("u_1", f"{message}@mail.saas.example")
                return site.bounced(bounce(message, action="delayed", status="4.4.1"))

            assert not raised(together(2, work))
        assert site.counted("u_1", "soft_bounces") == 10
        assert not site.unattributed()

    def test_a_message_told_between_the_question_and_the_keeping_counts(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = site.service.parts.intake.unattributed
        keep = found.keep

        def late(*given: Any) -> Any:
            monkeypatch.undo()
            assert site.tell("u_1", "m.1@mail.saas.example")["attributed"] == 0
            return keep(*given)

        monkeypatch.setattr(found, "keep", late)
        assert site.bounced(bounce("m.1")) == (1, 0, 0, 0)
        assert site.counted("u_1") == 1 and not site.unattributed()

    @pytest.mark.parametrize(
        ("ids", "status"), [([], 422), (["<>"], 422), ([" "], 422), (["x" * 301], 422), ([1], 422), (["a"] * 1001, 422)]
    )
    def test_what_is_no_id_is_refused(self, site: Site, ids: list[Any], status: int) -> None:
        path = "/v1/reservations/rsv_unknown/messages"
        assert site.http.post(path, json={"message_ids": ids}, headers=KEY).status_code == status
        assert site.http.post(path, json={"message_ids": ["m"]}, headers=KEY).status_code == 404


def reported(site: Site, *events: dict[str, Any]) -> Any:
    """What ``POST /v1/feedback`` answers to events: accepted, duplicates, unknown accounts, actions."""
    given = [{"type": "complaint", "user_id": "soon", "recipient": "bo@example.net", **event} for event in events]
    answer = site.http.post("/v1/feedback", json={"events": given}, headers=KEY)
    assert answer.status_code == 200, answer.text
    return tuple(answer.json[name] for name in ("accepted", "duplicates", "unknown_accounts", "actions"))  # type: ignore[index]


def come(site: Site, user: str = "soon") -> None:
    body = {"account": {"user_id": user}, "email": {"address": f"{user}@ruiz.example"}}
    assert site.http.post("/v1/signups", json=body, headers=KEY).status_code == 200


class TestEventsOfAnAccountThatIsNotKnownYet:
    def test_events_are_kept_encrypted_and_shown_by_reason(self, site: Site, store: Store) -> None:
        event = {"id": "e1", "source": "fbl:yahoo", "diagnostic": "550 secret"}
        assert reported(site, event) == (0, 0, 1, []) == reported(site, event)
        [row] = site.unattributed(feed="json", reason="unknown_account")
        assert (row["type"], row["claimed"], row["source"]) == ("complaint", ["soon"], "fbl:yahoo")
        assert row["happened_at"] == row["received_at"] and row["raw_report_id"] is None
        for key in store.execute("KEYS", "risk:fu:*"):
            assert b"bo@" not in b"".join(store.execute("HVALS", key))
        for key in store.execute("KEYS", "risk:fu*"):
            assert 0 < store.execute("TTL", key) <= 31 * DAY, key

    def test_events_are_counted_once_when_it_signs_up(self, site: Site) -> None:
        work = Work(site.service, site.clock)
        work.do()
        event = {"id": "e1", "source": "mta", "time": "2026-11-20T09:00:00Z"}
        assert reported(site, event, event, {"id": "e2", "type": "delivered"}) == (0, 0, 3, [])
        come(site)
        work.do()
        assert (site.counted("soon", "complaints"), site.counted("soon", "delivered")) == (1, 1)
        assert not site.unattributed() and site.read("/v1/accounts/soon")["tier"] == "review"
        assert reported(site, event) == (0, 1, 0, [])
        work.do()
        assert site.counted("soon", "complaints") == 1
        assert site.service.store.execute("KEYS", "risk:fua:*") == []

    def test_events_are_counted_when_it_is_imported(self, site: Site) -> None:
        work = Work(site.service, site.clock)
        reported(site, {"id": "e1"})
        body = {"accounts": [{"account": {"user_id": "soon"}, "email": {"address": "soon@ruiz.example"}}]}
        body["accounts"][0]["created_at"] = "2026-01-01T00:00:00Z"  # type: ignore[assignment]
        assert site.http.post("/v1/accounts/import", json=body, headers=KEY).status_code == 200
        work.do()
        assert site.counted("soon", "complaints") == 1 and not site.unattributed()

    def test_events_sent_again_before_the_worker_looks_count_once(self, site: Site) -> None:
        work = Work(site.service, site.clock)
        reported(site, {"id": "e1"})
        come(site)
        assert reported(site, {"id": "e1"})[:3] == (1, 0, 0)
        work.do()
        assert site.counted("soon", "complaints") == 1 and not site.unattributed()

    def test_events_count_for_an_account_that_comes_between_the_question_and_the_keeping(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = site.service.parts.intake.unattributed
        keep = found.keep

        def late(*given: Any) -> Any:
            come(site)
            Work(site.service, site.clock).do()
            return keep(*given)

        monkeypatch.setattr(found, "keep", late)
        assert reported(site, {"id": "e1"})[:3] == (1, 0, 0)
        assert site.counted("soon", "complaints") == 1 and not site.unattributed()

    def test_events_that_are_kept_are_the_newest(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, store: Store
    ) -> None:
        monkeypatch.setattr(unattributed, "MOST", 3)
        reported(site, *({"id": f"e{number}"} for number in range(9)))
        assert len(site.unattributed()) == 3 == len(store.execute("KEYS", "risk:fu:*"))

    def test_events_named_by_metadata_of_a_webhook_wait_too_and_by_a_header_do_not(self, site: Site) -> None:
        intake, work = site.service.parts.intake, Work(site.service, site.clock)
        for number, is_header in enumerate((False, True)):
            clues = Clues(named=("soon",), is_header=is_header)
            report = Report("postmark", f"e{number}", "hard_bounce", NOW, "bo@example.net", clues)
            intake.take_reports("postmark", Received((report,)), b"%d" % number, NOW)
        come(site)
        work.do()
        assert site.counted("soon") == 1
        assert [row["type"] for row in site.unattributed()] == ["hard_bounce"]


class TestRawReports:
    def test_a_report_is_kept_as_it_came(self, site: Site) -> None:
        raw = bounce(headers="X-Account-Id: u_1")
        site.bounced(raw)
        row = site.read("/v1/feedback/reports", user_id="u_1")["reports"][0]
        found = site.read(f"/v1/feedback/reports/{row['id']}")
        assert (found["raw"].encode(), found["user_ids"], found["feed"]) == (raw, ["u_1"], "dsn")
        assert (found["received_at"], found["expires_at"]) == ("2026-11-22T10:00:00.000Z", "2026-12-22T10:00:00.000Z")
        site.bounced(bounce("m.2"))
        assert site.read(f"/v1/feedback/reports/{site.unattributed()[0]['raw_report_id']}")["user_ids"] == []

    def test_only_a_key_with_the_scope_reads_it(self, site: Site, store: Store) -> None:
        site.bounced(bounce(headers="X-Account-Id: u_1"))
        row = site.read("/v1/feedback/reports", user_id="u_1")["reports"][0]
        for scope, status in (("feedback", 403), ("reviews", 403), ("privacy", 200)):
            headers = {"Authorization": f"Bearer {ApiKeys(store).create(scope, [scope])}"}
            assert site.http.get(f"/v1/feedback/reports/{row['id']}", headers=headers).status_code == status
        assert site.http.get(f"/v1/feedback/reports/{row['id']}").status_code == 401
        missing = f"/v1/feedback/reports/rpt_{'0' * 24}"
        assert site.http.get(missing, headers=KEY).status_code == 404

    def test_bytes_that_are_no_text_come_in_base64_and_a_large_one_is_cut(self, site: Site) -> None:
        raw = bounce(headers="X-Account-Id: u_1").replace(b"Subject:", b"Subject: \xff\xfe") + b"x" * 300_000
        site.bounced(raw)
        row = site.read("/v1/feedback/reports", user_id="u_1")["reports"][0]
        found = site.read(f"/v1/feedback/reports/{row['id']}")
        assert found["encoding"] == "base64" and found["truncated"] and len(found["raw"]) > 300_000

    def test_what_cannot_be_compressed_takes_no_more_room(self, site: Site, store: Store) -> None:
        site.bounced(bounce(headers="X-Account-Id: u_1") + random.Random(1).randbytes(500_000))
        (key,) = store.execute("KEYS", "risk:fr:*")
        assert store.execute("HSTRLEN", key, "raw") < raw_reports.SEALED + 100
        row = site.read("/v1/feedback/reports", user_id="u_1")["reports"][0]
        assert site.read(f"/v1/feedback/reports/{row['id']}")["truncated"]

    def test_what_only_tells_of_deliveries_is_not_kept(self, site: Site, store: Store) -> None:
        site.bounced(bounce(headers="X-Account-Id: u_1", action="delivered", status="2.0.0"))
        assert store.execute("KEYS", "risk:fr*") == []

    def test_erasing_an_account_erases_its_reports(self, site: Site, store: Store) -> None:
        site.bounced(bounce(headers="X-Account-Id: u_1"))
        site.bounced(bounce("m.2", headers="X-Account-Id: u_2"))
        kept = site.service.parts.intake.kept
        assert (kept.erase("u_1"), kept.erase("u_1")) == (1, 0)
        assert site.read("/v1/feedback/reports", user_id="u_1") == {"reports": [], "kept": 0}
        assert len(store.execute("KEYS", "risk:fr:*")) == 1

    def test_the_newest_are_kept(self, site: Site, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(raw_reports, "MOST", 2)
        for number in range(4):
            site.clock.advance(1)
            site.bounced(bounce(f"m.{number}", headers="X-Account-Id: u_1"))
        assert site.read("/v1/feedback/reports", user_id="u_1")["kept"] == 2
        assert len(store.execute("KEYS", "risk:fr:*")) == 2

    def test_another_secret_reads_nothing(self, site: Site, store: Store) -> None:
        site.bounced(bounce("m.1"))
        other = Seal(b"another secret of 32 characters..")
        row = unattributed.Unattributed(store, other).page(10, None, NOW)["unattributed"][0]
        assert row["type"] is None and row["claimed"] == []
        kept = raw_reports.RawReports(store, other, 30)
        with pytest.raises(Exception, match="another secret"):
            kept.get(row["raw_report_id"] or "")

    def test_no_days_keep_nothing(self, store: Store) -> None:
        kept = raw_reports.RawReports(store, Seal(b"x" * 32), 0)
        assert kept.keep("dsn", b"x", ["u_1"], NOW) is None and store.execute("KEYS", "risk:fr*") == []
