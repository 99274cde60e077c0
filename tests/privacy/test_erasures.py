"""An account is erased: what goes at once, what stays as evidence and until when, and who is killed in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from riskapi import app
from riskapi.api.flask_app import build
from riskapi.errors import StoreUnavailable
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.store.embedded import Embedded
from riskapi.store.streams import account_key
from riskapi.worker.worker import Worker
from tests.conftest import BOOTSTRAP_KEY, NOW, Clock, keyed
from tests.grants import under
from tests.privacy.life import FRIEND, HERS, MAIL, USER, live, signup, traces
from tests.reviewing import decide, undo
from tests.signups import body, post, together
from tests.waiting import until
from tests.working import Work

DAY = 86400.0
#: Families of keys in which her id may be when nothing is kept as evidence any more, and why (docs/privacy.md).
STAYS = {
    "audit": "a chain cannot forget; ids alone",
    "l": "an entry of a list that people made, in plain",
    "le": "an entry of a list that people made",
    "v": "a reservation, for its few days",
    "e": "content and link domains of mail that binds nobody, as HMACs, until they are forgotten",
    "d": "entries about clusters name ids",
}


@pytest.fixture
def client(service: app.Service) -> Any:
    """An HTTP client of the service of the test, which decides by rules alone."""
    return keyed(build(service.parts))


def erase(client: Any, days: int | None = None, user: str = USER) -> Any:
    body = {"user_id": user} if days is None else {"user_id": user, "keep_evidence_days": days}
    answer = client.post("/v1/privacy/erase", json=body)
    assert answer.status_code == 200, answer.json
    return answer.json


def families(found: dict[str, list[str]]) -> set[str]:
    return {key.split(":")[1] for key in found}


class TestAtOnce:
    def test_nothing_that_she_or_others_wrote_is_left_but_in_lists(self, client: Any, store: Store) -> None:
        live(client)
        assert families(traces(store, *HERS)) >= {"a", "al", "d", "r", "le"}
        answer = erase(client)
        assert answer["erased"]["account"] is True and answer["erased"]["reviews"] >= 1
        assert answer["evidence_until"] == "2027-02-20T10:00:00.000Z"
        assert families(traces(store, *HERS)) == {"l", "le"}
        assert {(each["list"], each["kind"]) for each in answer["kept_elsewhere"]} == {
            ("watch", "user"),
            ("watch", "email"),
        }

    def test_her_id_is_left_only_beside_what_she_shared(self, client: Any, store: Store) -> None:
        live(client)
        erase(client)
        assert families(traces(store, USER)) == {*STAYS, "b", "cm", "eq", "er"} - {"d"}

    def test_without_evidence_her_id_is_left_only_where_it_is_said(
        self, client: Any, service: app.Service, store: Store
    ) -> None:
        live(client)
        service.parts.clock.advance(0.8)  # type: ignore[attr-defined]
        assert erase(client, 0)["evidence_until"] is None
        assert service.parts.erasures.finish(NOW + 61) == 1
        assert families(traces(store, USER)) == set(STAYS)
        assert families(traces(store, *HERS)) == {"l", "le"}

    @pytest.mark.parametrize(
        ("method", "path", "sent"),
        [
            ("GET", f"/v1/accounts/{USER}", None),
            ("POST", f"/v1/accounts/{USER}/sends", {"recipients": 1}),
            ("POST", f"/v1/accounts/{USER}/events", {"type": "login"}),
            ("POST", f"/v1/accounts/{USER}/labels", {"label": "abuse", "source": "external"}),
            ("PUT", f"/v1/accounts/{USER}/caps", {"hourly": 1, "daily": 1, "monthly": 1, "reason": "r"}),
        ],
    )
    def test_she_is_unknown(self, client: Any, method: str, path: str, sent: Any) -> None:
        live(client)
        erase(client)
        answer = client.open(path, method=method, json=sent)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")

    def test_others_keep_all_that_is_theirs(self, client: Any, store: Store) -> None:
        live(client)
        client.post(f"/v1/accounts/{FRIEND}/labels", json={"label": "legitimate", "source": "external"})
        before = store.execute("DUMP", account_key(FRIEND))
        told = client.get(f"/v1/accounts/{FRIEND}").json
        erase(client, 0)
        assert store.execute("DUMP", account_key(FRIEND)) == before
        after = client.get(f"/v1/accounts/{FRIEND}").json
        same = ("tier", "labels", "history", "assessment", "feedback", "signup", "limits")
        assert {name: after[name] for name in same[:-1]} == {name: told[name] for name in same[:-1]}

    def test_of_whom_nothing_is_held_nothing_is_erased(self, client: Any, store: Store) -> None:
        answer = client.post("/v1/privacy/erase", json={"user_id": "nobody"})
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
        assert families(traces(store, "nobody")) == set()

    @pytest.mark.parametrize("before", [False, True], ids=["unknown to the store", "known to it"])
    def test_who_waits_to_be_recorded_is_not_erased_before(
        self, client: Any, service: app.Service, store: Store, monkeypatch: pytest.MonkeyPatch, before: bool
    ) -> None:
        def away(*_: Any) -> Any:
            raise StoreUnavailable("away")

        if before:
            client.post("/v1/signups", json=signup())
        with monkeypatch.context() as patch:
            patch.setattr(store, "run", away)
            patch.setattr(store, "execute", away)
            assert client.post("/v1/signups", json=signup()).json["disposition"]["source"] == "outage"
        for path in ("export", "erase"):
            answer = client.post(f"/v1/privacy/{path}", json={"user_id": USER})
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        service.parts.assessor.replay_journal(NOW + 1)
        assert client.post("/v1/privacy/export", json={"user_id": USER}).status_code == 200
        erase(client, 0)
        service.parts.assessor.replay_journal(NOW + 2)
        assert client.get(f"/v1/accounts/{USER}").status_code == 404

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *(("keep_evidence_days", value) for value in (-1, 3651, 1.5, "90", None, True)),
            *(("user_id", value) for value in ("", "a b", "x" * 129, None, 7)),
            ("more", 1),
        ],
    )
    def test_what_is_no_request_changes_nothing(self, client: Any, store: Store, field: str, value: Any) -> None:
        post_body = {"user_id": USER, field: value}
        client.post("/v1/signups", json=signup())
        answer = client.post("/v1/privacy/erase", json=post_body)
        assert answer.status_code == 422 and answer.json["errors"][0]["pointer"] == f"/{field}"
        assert client.get(f"/v1/accounts/{USER}").status_code == 200

    def test_it_takes_a_key_for_privacy_and_is_noted(self, client: Any, service: app.Service) -> None:
        client.post("/v1/signups", json=signup())
        others = {"Authorization": f"Bearer {service.parts.keys.create('flow', ['signups', 'reviews', 'admin'])}"}
        for path in ("erase", "export"):
            answer = client.post(f"/v1/privacy/{path}", json={"user_id": USER}, headers=others)
            assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
        erase(client)
        noted = [note for note in service.parts.audit.latest(10) if note.action == "account erased"]
        assert [note.subject for note in noted] == [USER]

    def test_a_damaged_account_is_erased_too(self, client: Any, store: Store) -> None:
        client.post("/v1/signups", json=signup())
        store.execute("HSET", account_key(USER), "assessment", b"\x00 no record", "entities", b"?", "label", b"\xff")
        assert erase(client, 0)["erased"]["account"] is True
        assert store.execute("EXISTS", account_key(USER)) == 0


class TestEvidence:
    """A friend shares her device, and a newcomer comes to it after she is gone."""

    NEW = "u_new"

    def newcomer(self, client: Any) -> Any:
        answer = client.post("/v1/signups", json=signup(self.NEW, "nell@nells-wool.example"))
        assert answer.status_code == 200
        return answer.json

    def spend(self, client: Any, user: str, recipients: int) -> int:
        asked = {"recipients": recipients, "partial": True}
        return int(client.post(f"/v1/accounts/{user}/sends", json=asked).json["granted"])

    @pytest.mark.parametrize("label", ["abuse", "legitimate", None])
    def test_a_newcomer_is_decided_as_if_she_were_still_there(
        self, client: Any, store: Store, label: str | None
    ) -> None:
        answers = []
        for erased in (False, True):
            store.execute("FLUSHALL")
            client.post("/v1/signups", json=signup(phone={"number": "+34600123123"}))
            if label:
                her = f"/v1/accounts/{USER}"
                client.post(f"{her}/labels", json={"label": label, "source": "manual_review"})
            if erased:
                erase(client)
            found = self.newcomer(client)
            kept = ("decision", "disposition", "reasons", "limits")
            answers.append([found[name] for name in kept] + [found["linkage"]["size"], found["linkage"]["abusive"]])
        assert answers[0] == answers[1]
        assert answers[1][-2:] == [2, int(label == "abuse")]

    def test_what_she_sent_counts_against_the_cap_of_the_cluster(self, client: Any) -> None:
        client.post("/v1/signups", json=signup())
        client.post("/v1/signups", json=signup(FRIEND, "fay@fays-glass.example"))
        hers = self.spend(client, USER, 10_000)
        erase(client)
        rest = self.spend(client, FRIEND, 10_000)
        assert hers > 0 and rest < hers  # together one and a half caps
        assert self.spend(client, FRIEND, 1) == 0

    @pytest.mark.parametrize("strangers", [False, True], ids=["signed up again", "a stranger"])
    def test_who_has_her_id_next_is_granted_what_she_left(
        self, client: Any, service: app.Service, strangers: bool
    ) -> None:
        client.post("/v1/signups", json=signup())
        for label in ("abuse", "legitimate"):  # each is a revision of the account that its budget is told of
            client.post(f"/v1/accounts/{USER}/labels", json={"label": label, "source": "manual_review"})
        self.spend(client, USER, 1)
        erase(client)
        if strangers:
            under(service, sends={"strangers": "limit"})
        else:
            client.post("/v1/signups", json=signup(mail="zoe@zoes-new-kiln.example"))
        for _ in range(2):
            told = client.post(f"/v1/accounts/{USER}/sends", json={"recipients": 1, "partial": True}).json
            assert (told["granted"], told["largest"] is None) == (1, False)  # those of an outage tell no largest
        if not strangers:  # a revision still counts for the next grant
            abuse = {"label": "abuse", "source": "manual_review"}
            assert client.post(f"/v1/accounts/{USER}/labels", json=abuse).json["tier"] == "limit"
            told = client.post(f"/v1/accounts/{USER}/sends", json={"recipients": 1, "partial": True}).json
            assert told["tier"] == "limit"

    def test_when_its_day_comes_she_leaves_and_the_others_are_decided_again(
        self, client: Any, service: app.Service, clock: Clock
    ) -> None:
        client.post("/v1/signups", json=signup())
        client.post(f"/v1/accounts/{USER}/labels", json={"label": "abuse", "source": "manual_review"})
        client.post("/v1/signups", json=signup(FRIEND, "fay@fays-glass.example"))
        friend = f"/v1/accounts/{FRIEND}"
        assert client.get(friend).json["tier"] != "allow"
        erase(client, 2)
        service.parts.erasures.finish(clock.advance(61))
        Work(service, clock).do()
        assert client.get(friend).json["linkage"]["size"] == 2 and client.get(friend).json["tier"] != "allow"
        assert service.parts.erasures.finish(clock.advance(2 * DAY - 62)) == 0
        assert service.parts.erasures.finish(clock.advance(2)) == 1
        Work(service, clock).do()
        assert client.get(friend).json["linkage"]["size"] == 1
        assert client.get(friend).json["tier"] == "allow"
        assert service.parts.erasures.finish(clock.advance(1000 * DAY)) == 0

    @pytest.mark.parametrize(
        ("first", "then", "until"),
        [(90, 30, "2026-12-22T10:00:00.000Z"), (30, 90, "2026-12-22T10:00:00.000Z"), (90, 0, None), (0, 90, None)],
    )
    def test_evidence_asked_for_again_goes_sooner_and_never_later(
        self, client: Any, first: int, then: int, until: str | None
    ) -> None:
        client.post("/v1/signups", json=signup())
        erase(client, first)
        assert erase(client, then)["evidence_until"] == until

    def test_who_signs_up_again_is_left_alone(self, client: Any, service: app.Service, clock: Clock) -> None:
        client.post("/v1/signups", json=signup())
        erase(client, 1)
        clock.advance(10)
        again = client.post("/v1/signups", json=signup(mail="zoe@zoes-new-kiln.example"))
        assert (again.status_code, again.headers.get("Idempotent-Replay")) == (200, None)
        told = client.get(f"/v1/accounts/{USER}").json
        assert service.parts.erasures.finish(clock.advance(61)) == 1
        assert service.parts.erasures.finish(clock.advance(2 * DAY)) == 0
        assert client.get(f"/v1/accounts/{USER}").json["history"] == told["history"]
        export = client.post("/v1/privacy/export", json={"user_id": USER}).json
        assert len(export["decisions"]) == 1 and export["evidence"] is None

    def test_a_decision_about_others_in_her_review_can_still_be_undone(
        self, client: Any, service: app.Service, store: Store
    ) -> None:
        ring: dict[str, Any] = {"phone": {"number": "+34600123123"}}
        client.post("/v1/signups", json=signup(FRIEND, "fay@fays-glass.example", **ring))
        answer = client.post("/v1/signups", json=signup(email={"address": "zoe@mailinator.com"}, **ring)).json
        escalated = {"reviewer": "kim", "reason": "zoe-question"}
        client.post(f"/v1/reviews/{answer['review_id']}/escalate", json=escalated)
        decide(service, answer["review_id"], apply_to="cluster", reason="a ring")
        assert client.get(f"/v1/accounts/{FRIEND}").json["tier"] == "limit"
        erase(client)
        assert traces(store, "Zoe Quill", "zoe-question", "zoe-campaign") == {}
        undo(service, answer["review_id"])
        assert client.get(f"/v1/accounts/{FRIEND}").json["tier"] != "limit"


class TestKilled:
    """Whoever erases is killed at any step: a worker does the rest."""

    def failing(self, service: app.Service, monkeypatch: pytest.MonkeyPatch, after: int | None) -> list[str]:
        """Let the store take so many steps and no more; the steps that were taken."""
        taken: list[str] = []
        execute, run = service.store.execute, service.store.run

        def step(real: Callable[..., Any]) -> Callable[..., Any]:
            def made(*words: Any, **named: Any) -> Any:
                if after is not None and len(taken) >= after:
                    raise StoreUnavailable("killed")
                taken.append(str(words[0]))
                return real(*words, **named)

            return made

        monkeypatch.setattr(service.store, "execute", step(execute))
        monkeypatch.setattr(service.store, "run", step(run))
        return taken

    def test_an_erasure_killed_at_every_step(self, client: Any, service: app.Service, store: Store) -> None:
        def told(after: int | None) -> int:
            store.execute("FLUSHALL")
            client.post("/v1/signups", json=signup(FRIEND, "fay@fays-glass.example"))
            client.post("/v1/signups", json=signup(email={"address": "zoe@mailinator.com"}))
            with pytest.MonkeyPatch.context() as patch:
                taken = self.failing(service, patch, after)
                answer = client.post("/v1/privacy/erase", json={"user_id": USER, "keep_evidence_days": 0})
            assert answer.status_code == (200 if after is None else 503)
            return len(taken)

        count = told(None)
        assert count > 10
        for after in range(count):
            told(after)
            if service.parts.erasures.finish(NOW + 61) == 0:  # nothing had begun: whoever asks again has it done
                erase(client, 0)
                service.parts.erasures.finish(NOW + 61)
            assert families(traces(store, USER)) <= set(STAYS), after


class TestRaces:
    def test_what_happens_meanwhile_leaves_nothing_behind(
        self, client: Any, service: app.Service, store: Store
    ) -> None:
        sent = {"recipients": 1, "partial": True, "message": {"link_domains": ["zoes-shop.example"]}}
        calls: list[tuple[str, dict[str, Any]]] = [
            (f"/v1/accounts/{USER}/events", {"type": "login", "device": {"ip_address": "192.0.2.33"}}),
            (f"/v1/accounts/{USER}/events", {"type": "email_changed", "email": {"address": MAIL}}),
            (f"/v1/accounts/{USER}/sends", sent),
            (f"/v1/accounts/{USER}/labels", {"label": "abuse", "source": "external"}),
            ("/v1/feedback", {"events": [{"id": "f_1", "type": "complaint", "user_id": USER}]}),
        ]
        for _ in range(5):
            store.execute("FLUSHALL")
            client.post("/v1/signups", json=signup())
            ours = [("/v1/privacy/erase", {"user_id": USER, "keep_evidence_days": 0}), *calls]
            app_of = client.application

            def ask(number: int, ours: Any = ours, app_of: Any = app_of) -> int:
                mine = app_of.test_client()
                path, sent = ours[number]
                return int(mine.post(path, json=sent, headers={"Authorization": f"Bearer {BOOTSTRAP_KEY}"}).status_code)

            assert set(together(len(ours), ask)) <= {200, 202, 404}
            service.parts.erasures.finish(NOW + 61)
            assert families(traces(store, USER)) <= set(STAYS)

    def test_two_who_erase_at_once_agree_on_the_earlier_day(self, client: Any, service: app.Service) -> None:
        for _ in range(10):
            service.store.execute("FLUSHALL")
            client.post("/v1/signups", json=signup())
            days = (30, 5, 90, 60)
            found = together(4, lambda number, days=days: service.parts.erasures.erase(USER, days[number], NOW))  # type: ignore[misc]
            assert not [each for each in found if isinstance(each, Exception)]
            assert erase(client, 90)["evidence_until"] == "2026-11-27T10:00:00.000Z"

    def test_who_signs_up_meanwhile_is_there_whole_or_not_at_all(self, client: Any, service: app.Service) -> None:
        for _ in range(20):
            service.store.execute("FLUSHALL")
            post(service, body(USER))

            def act(number: int) -> Any:
                return post(service, body(USER)) if number else service.parts.erasures.erase(USER, 0, NOW)

            together(2, act)
            service.parts.erasures.finish(NOW + 61)
            told = client.post("/v1/privacy/export", json={"user_id": USER})
            if told.status_code == 200:
                assert told.json["account"] is not None and len(told.json["decisions"]) == 1


def test_the_file_of_the_embedded_store_is_written_anew_without_it(
    client: Any, service: app.Service, embedded_store: Embedded, settings: Settings
) -> None:
    live(client)
    files = embedded_store.directory / "appendonlydir"

    def written() -> bool:
        try:
            return any(b"zoe-note" in each.read_bytes() for each in files.iterdir())
        except FileNotFoundError:  # one was replaced just now
            return True

    assert written()
    erase(client)
    assert service.parts.erasures.clean_disk(NOW) == 0  # a worker has not looked again yet
    service.parts.erasures.finish(NOW + 61)
    until(lambda: service.parts.erasures.clean_disk(NOW))  # it may be written anew already, from before that
    until(lambda: not written())
    assert service.parts.erasures.clean_disk(NOW) == 0


def test_a_worker_does_what_is_due(service: app.Service, settings: Settings, client: Any) -> None:
    client.post("/v1/signups", json=signup())
    erase(client, 0)
    worker = Worker(service, replace(settings, enrichment=False))
    service.parts.clock.advance(61)  # type: ignore[attr-defined]
    assert worker.chores.all(service.parts.clock())["erasures"] == 1
    assert "erased_files" in worker.chores.all(service.parts.clock())
