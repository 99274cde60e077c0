"""One row that cannot be read is set aside, counted and named; it stops nothing. What a newer release wrote is kept."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from riskapi.access.api_keys import ApiKeys
from riskapi.app import Service
from riskapi.commands import doctor
from riskapi.inputs.signup import Signup
from riskapi.outgoing.destinations import DestinationGuard
from riskapi.settings import Settings
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.journal_lines import encode
from riskapi.webhooks.endpoints import TABLE, Webhooks, guards
from tests.bench.bodies import bodies
from tests.conftest import NOW, keyed
from tests.signups import body, post

KEYS = {"user": "u1", "mail": "u1@mail.example"}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What another test met is nothing to this one, and what this one met is nothing to the next."""
    for tally in (damaged._met, damaged._told):
        tally.clear()
    yield
    for tally in (damaged._met, damaged._told):
        tally.clear()


def key_of(store: Store, pattern: str) -> bytes:
    (found,) = store.execute("KEYS", pattern)
    return bytes(found)


#: How a row can be damaged.
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda row: row[: len(row) // 2],
    "empty": lambda row: b"",
    "no text": lambda row: b"\xff\xfe" + row,
    "null": lambda row: b"null",
    "a list": lambda row: b"[]",
    "other types": lambda row: orjson.dumps(dict.fromkeys(orjson.loads(row), 1.5)),
    "less": lambda row: b"{}",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
class TestTables:
    """Tables that everybody reads."""

    def test_a_webhook(self, store: Store, damage: Callable[[bytes], bytes]) -> None:
        webhooks = Webhooks(store, guards(["hooks.example"]))
        made = [webhooks.create("https://hooks.example/1", ["tier.changed"], "ana", NOW + n)["id"] for n in range(3)]
        row = store.execute("HGET", TABLE, made[1])
        store.execute("HSET", TABLE, made[1], damage(row))
        assert [each.id for each in webhooks.endpoints()] == [made[0], made[2]]
        damaged.publish(store)
        assert damaged.published(store) == [f"webhook:{made[1]}"]
        store.execute("HSET", TABLE, made[1], row)
        assert len(webhooks.endpoints()) == 3
        damaged.publish(store)
        assert damaged.published(store) == []

    def test_an_api_key(self, store: Store, damage: Callable[[bytes], bytes]) -> None:
        keys = ApiKeys(store, fresh=0.0)
        good, bad = keys.create("good", ["signups"]), keys.create("bad", ["sends"])
        name = next(name for name, row in store.execute("HGETALL", "risk:keys").items() if b'"bad"' in row)
        store.execute("HSET", "risk:keys", name, damage(store.execute("HGET", "risk:keys", name)))
        found = keys.find(good)
        assert found is not None and found.name == "good"
        assert keys.find(bad) is None
        assert [each["name"] for each in keys.list()] == ["good"]
        assert keys.revoke(name.decode()[:16])

    def test_a_version_of_the_policy(
        self, service: Service, store: Store, damage: Callable[[bytes], bytes], make_app: Any
    ) -> None:
        client = keyed(make_app())
        for _ in range(2):
            live = client.get("/v1/policy")
            change = {"policy": live.get_json()["policy"], "note": "the same"}
            assert client.put("/v1/policy", json=change, headers={"If-Match": live.headers["ETag"]}).status_code == 200
        first = sorted(name for name in store.execute("HKEYS", "risk:policies") if name.isdigit())[0]
        store.execute("HSET", "risk:policies", first, damage(store.execute("HGET", "risk:policies", first)))
        assert len(client.get("/v1/policy/versions").get_json()["versions"]) == 2
        assert client.get("/v1/policy").status_code == 200


@pytest.fixture
def client(make_app: Callable[..., Any]) -> Any:
    return keyed(make_app(model_mode="off"))


#: What is damaged of an account's: a pattern of keys, and the field of a hash (None: the first row of a list).
OF_AN_ACCOUNT: dict[str, tuple[str, str | None]] = {
    **{
        name: ("risk:a:*:u1", name)
        for name in ("entities", "signup", "decision", "assessment", "tier_history", "wave", "caps", "proved")
    },
    "history": ("risk:ah:*:u1", None),
    "labels": ("risk:al:*:u1", None),
}


@pytest.mark.parametrize("damage", [b"", b"{", b"null", b"[]", b"{}", b"\xff"])
@pytest.mark.parametrize(("pattern", "field"), OF_AN_ACCOUNT.values(), ids=OF_AN_ACCOUNT)
def test_a_damaged_account_is_never_a_500_and_stops_no_other(
    service: Service, store: Store, client: Any, pattern: str, field: str | None, damage: bytes
) -> None:
    post(service, body("u1"))
    post(service, body("u2"))
    service.parts.labels.add("u1", "abuse", "manual_review", None, "kim", NOW)  # a move, which the history tells of
    client.post("/v1/accounts/u1/labels", json={"label": "legitimate", "source": "external"})
    if field is None:
        store.execute("LSET", key_of(store, pattern), 0, damage)
    else:
        store.execute("HSET", key_of(store, pattern), field, damage)
    answers = [
        client.get("/v1/accounts/u1"),
        client.post("/v1/accounts/u1/sends", json={"recipients": 1}),
        client.post("/v1/accounts/u1/labels", json={"label": "abuse", "source": "external"}),
        client.post("/v1/accounts/u1/events", json={"type": "login", "device": {"ip_address": "192.0.2.1"}}),
        client.post("/v1/accounts/u1/events", json={"type": "email_changed", "email": {"address": "n@mail.example"}}),
        client.put("/v1/accounts/u1/caps", json={"hourly": 1, "daily": 2, "monthly": 3, "reason": "x"}),
        client.post("/v1/signups", json=orjson.loads(body("u1").model_dump_json(exclude_none=True))),
        client.post("/v1/feedback", json={"events": [{"id": "e", "type": "delivered", "user_id": "u1"}]}),
    ]
    assert [each.status_code for each in answers if each.status_code == 500] == []
    assert client.get("/v1/accounts/u2").status_code == 200
    assert client.get("/v1/reviews").status_code == 200


def test_what_a_newer_release_wrote_is_kept(store: Store) -> None:
    webhooks = Webhooks(store, guards(["hooks.example"]))
    made = webhooks.create("https://hooks.example/1", ["tier.changed"], "ana", NOW)["id"]
    row = orjson.loads(store.execute("HGET", TABLE, made))
    store.execute("HSET", TABLE, made, orjson.dumps({**row, "colour": "blue", "events": ["tier.changed", "new.event"]}))
    assert [each.id for each in webhooks.endpoints()] == [made]
    webhooks.rotate(made, NOW)
    after = orjson.loads(store.execute("HGET", TABLE, made))
    assert (after["colour"], len(after["secrets"])) == ("blue", 2)
    assert damaged.published(store) == []
    webhooks.delete(made)


def test_a_signup_of_a_newer_release_is_read_without_what_is_new() -> None:
    stored = {"account": {"user_id": "u", "colour": "blue"}, "email": {"address": "a@mail.example"}, "mood": {"x": 1}}
    assert Signup.stored(orjson.dumps(stored)).account.user_id == "u"
    with pytest.raises(ValueError, match="user_id"):
        Signup.stored(b'{"account": {"colour": 1}, "email": {"address": "a@mail.example"}}')


def test_what_was_set_aside_is_told_and_makes_nobody_unready(
    service: Service, store: Store, settings: Settings, client: Any
) -> None:
    store.execute("HSET", TABLE, "whk_bad", "{")
    rejected = Path(settings.data_dir) / "journal" / "sends" / "rejected"
    rejected.write_bytes(b"x\n")
    try:
        Webhooks(store, dict[str, DestinationGuard]()).endpoints()
        service.recover(NOW)
        answer = client.get("/readyz")
        assert answer.status_code == 200
        checks = answer.get_json()["checks"]
        assert checks["rows"] == "1 webhook cannot be read"
        assert checks["journal"].startswith("1 entries were set aside")
        shown = service.parts.metrics.render().decode()
        assert 'riskapi_rows_damaged{kind="webhook"} 1.0' in shown
        assert "riskapi_journal_rejected 1.0" in shown
        said = [text for grade, text in doctor.findings(settings) if grade == "warn"]
        assert "webhook whk_bad cannot be read and was set aside" in said
        assert any("1 cannot be read or recorded" in text for text in said)
        assert any("more have room" in text for _, text in doctor.findings(settings))
    finally:
        rejected.unlink()


def test_one_cut_line_in_the_journal_of_sends_stops_no_send(service: Service, settings: Settings) -> None:
    post(service, body("u1"))
    folder = Path(settings.data_dir) / "journal" / "sends"
    for line in (b'{"user_id": "u1", "gran\n', encode("r", {"user_id": "u1"}), encode("r", {"granted": "x"}), b"1ab\n"):
        (folder / "1-a.journal").write_bytes(line)
        answer = service.parts.grants.send("u1", 1, _message(), NOW)
        assert answer.body["granted"] == 1
    service.parts.grants.record()
    (folder / "rejected").unlink()


def _message() -> Any:
    from riskapi.sending.grants import Message

    return Message()


def test_the_journal_holds_as_many_signups_as_its_policy_says(
    service: Service, outage: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With signups that say everything: 30,000 in 64 MiB was promised."""
    sizes: list[int] = []
    outage(True)
    monkeypatch.setattr(service.journal, "append", lambda name, entry: sizes.append(len(encode(name, entry))))
    for text in itertools.islice(bodies(7, "u"), 100):
        service.parts.assessor.signup(Signup.model_validate_json(text), NOW)
    assert len(sizes) == 100
    assert service.active.policy.outage.journal_bytes / (sum(sizes) / len(sizes)) > 30_000
