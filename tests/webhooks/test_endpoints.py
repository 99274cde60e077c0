"""Endpoints of webhooks: which URLs are taken, secrets, races, and the API on the real store."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from riskapi.errors import Problem
from riskapi.store.connections import Store
from riskapi.webhooks.deliveries import Deliveries, DeliveryOutcome
from riskapi.webhooks.endpoints import (
    EVENT_TYPES,
    MOST,
    Destination,
    EventType,
    NewWebhook,
    Webhooks,
    destination,
    guards,
)
from tests.conftest import NOW, keyed
from tests.signups import together

PUBLIC = "93.184.215.14"
URL = "https://hooks.ruiz.example/riskapi"


async def public(host: str) -> list[str]:
    """A resolver for which every name is somewhere on the Internet."""
    return [PUBLIC]


@pytest.fixture
def webhooks(store: Store) -> Webhooks:
    return Webhooks(store, guards((), public))


def create(webhooks: Webhooks, url: str = URL, events: Sequence[EventType] = ("tier.changed",)) -> NewWebhook:
    return webhooks.create(url, events, "ana", NOW)


class TestUrls:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("https://ruiz.example", Destination("https", "ruiz.example", 443, "/")),
            ("https://ruiz.example/a/b?c=d%20e&f", Destination("https", "ruiz.example", 443, "/a/b?c=d%20e&f")),
            ("https://ruiz.example?c", Destination("https", "ruiz.example", 443, "/?c")),
            ("HTTPS://RUIZ.example:8443/A", Destination("https", "ruiz.example", 8443, "/A")),
            ("http://[2001:db8::1]:80/", Destination("http", "2001:db8::1", 80, "/")),
            ("https://xn--bcher-kva.example./", Destination("https", "xn--bcher-kva.example.", 443, "/")),
        ],
    )
    def test_urls_are_taken_apart_once(self, url: str, expected: Destination) -> None:
        assert destination(url) == expected

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "ruiz.example",
            "//ruiz.example/",
            "https:ruiz.example",
            "https:///path",
            "https://",
            "https://:443/",
            "https://user:password@ruiz.example/",
            "https://ruiz.example@127.0.0.1/",
            "https://@ruiz.example/",
            "https://ruiz.example/#part",
            "https://ruiz.example#@127.0.0.1/",
            "https://ruiz.example\\@127.0.0.1/",
            "https://ruiz.example/ x",
            "https://ruiz.example/\r\nX: y",
            "https://ruiz.example\x00.evil.example/",
            "https://bücher.example/",
            "https://ruiz.example:0/",
            "https://ruiz.example:65536/",
            "https://ruiz.example:port/",
            "https://ruiz.example:-1/",
            "https://[::1/",
            "https://[hooks]/",
            "https://ru%69z.example/",
            "https://-ruiz.example/",
            "ftp://ruiz.example/",
            "file:///etc/passwd",
            "gopher://127.0.0.1:6379/",
            "https://ruiz.example/" + "a" * 2048,
        ],
    )
    def test_urls_that_are_none_are_refused_with_their_place(self, webhooks: Webhooks, url: str) -> None:
        with pytest.raises(Problem) as caught:
            create(webhooks, url)
        assert (caught.value.code, caught.value.errors[0]["pointer"]) == ("invalid", "/url")
        assert "password@" not in str(caught.value.errors)

    @pytest.mark.parametrize(
        ("url", "addresses"),
        [
            (URL, ["10.0.0.1"]),
            (URL, [PUBLIC, "10.0.0.1"]),
            (URL, ["169.254.169.254"]),
            (URL, ["::1"]),
            (URL, ["::ffff:127.0.0.1"]),
            ("http://hooks.ruiz.example/", [PUBLIC]),
        ],
    )
    def test_urls_of_the_inside_or_without_tls_are_refused(self, store: Store, url: str, addresses: list[str]) -> None:
        async def look_up(host: str) -> list[str]:
            return addresses

        with pytest.raises(Problem) as caught:
            create(Webhooks(store, guards((), look_up)), url)
        assert (caught.value.code, caught.value.status) == ("destination_refused", 422)
        assert caught.value.errors[0]["pointer"] == "/url"
        assert Webhooks(store, guards(())).list() == {"webhooks": []}

    @pytest.mark.parametrize(
        "url", ["https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f.1/", "https://[::]/"]
    )
    def test_urls_of_loopback_are_refused_however_they_are_written(self, store: Store, url: str) -> None:
        with pytest.raises(Problem) as caught:
            create(Webhooks(store, guards(())), url)
        assert caught.value.code == "destination_refused"

    @pytest.mark.parametrize(
        ("internal", "url", "address"),
        [
            (("hooks.internal",), "http://hooks.internal/", "10.0.0.1"),
            (("hooks.internal",), "https://hooks.internal/", "10.0.0.1"),
            (("10.0.0.0/8",), "http://hooks.internal/", "10.0.0.1"),
            (("10.0.0.1",), "https://10.0.0.1/", "10.0.0.1"),
        ],
    )
    def test_the_operator_names_are_taken_without_tls_too(
        self, store: Store, internal: tuple[str, ...], url: str, address: str
    ) -> None:
        async def look_up(host: str) -> list[str]:
            return [address]

        assert create(Webhooks(store, guards(internal, look_up)), url)["url"] == url

    def test_whose_name_does_not_resolve_yet_are_taken_and_looked_at_when_something_is_sent(self, store: Store) -> None:
        async def nowhere(host: str) -> list[str]:
            raise OSError("no such name")

        assert create(Webhooks(store, guards((), nowhere)))["enabled"]
        with pytest.raises(Problem, match="plain HTTP"):
            Webhooks(store, guards((), nowhere)).create("http://hooks.example/", ["tier.changed"], "ana", NOW)

    def test_whose_name_takes_too_long_keep_nobody_waiting(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        import asyncio

        async def never(host: str) -> list[str]:
            await asyncio.sleep(60)
            raise AssertionError("it was waited for")

        monkeypatch.setattr("riskapi.webhooks.endpoints._PATIENCE", 0.05)
        create(Webhooks(store, guards((), never)))


class TestSecrets:
    def test_secrets_are_as_the_specification_wants_them_and_shown_once(self, webhooks: Webhooks) -> None:
        made = create(webhooks)
        assert made["secret"].startswith("whsec_")
        assert 24 <= len(base64.b64decode(made["secret"].removeprefix("whsec_"), validate=True)) <= 64
        assert "secret" not in webhooks.get(made["id"])
        assert made["secret"] not in str(webhooks.list())
        assert create(webhooks)["secret"] != made["secret"]

    def test_secrets_rotate_with_a_day_of_both(self, webhooks: Webhooks) -> None:
        made = create(webhooks)
        again = webhooks.rotate(made["id"], NOW)
        (found,) = webhooks.endpoints()
        assert again["previous_secret_until"] == "2026-11-23T10:00:00.000Z"
        assert found.signing(NOW + 86399) == [again["secret"], made["secret"]]
        assert found.signing(NOW + 86400) == [again["secret"]]

    def test_secrets_of_racing_rotations_are_all_different_and_one_stands(self, webhooks: Webhooks) -> None:
        made = create(webhooks)
        shown = [found["secret"] for found in together(8, lambda _: webhooks.rotate(made["id"], NOW))]
        (found,) = webhooks.endpoints()
        assert len(set(shown)) == 8
        assert set(found.secrets) <= set(shown)


class TestEndpoints:
    def test_endpoints_are_listed_oldest_first_with_what_they_want(self, webhooks: Webhooks) -> None:
        first = webhooks.create(URL, ["tier.changed", "tier.changed", "review.opened"], "ana", NOW)
        second = webhooks.create(URL, EVENT_TYPES, "bob", NOW + 1)
        rows = webhooks.list()["webhooks"]
        assert [row["id"] for row in rows] == [first["id"], second["id"]]
        assert (rows[0]["events"], rows[0]["created_by"]) == (["tier.changed", "review.opened"], "ana")
        assert rows[0]["created_at"] == "2026-11-22T10:00:00.000Z"

    def test_endpoints_are_not_more_than_can_be_read_each_time(self, webhooks: Webhooks) -> None:
        found = together(16, lambda _: [_tried(webhooks) for _ in range(4)])
        assert sum(each for row in found for each in row) == MOST == len(webhooks.endpoints())

    def test_endpoints_that_are_gone_are_not_found(self, webhooks: Webhooks) -> None:
        id = create(webhooks)["id"]
        assert webhooks.delete(id)["id"] == id
        for ask in (webhooks.get, webhooks.delete, webhooks.enable, lambda id: webhooks.rotate(id, NOW)):
            with pytest.raises(Problem, match="No webhook"):
                ask(id)
        webhooks.disable(id, "gone")
        assert webhooks.endpoints() == []

    def test_endpoints_deleted_while_others_rotate_stay_deleted(self, webhooks: Webhooks) -> None:
        for _ in range(10):
            id = create(webhooks)["id"]
            ways = [partial(webhooks.delete, id), *[partial(webhooks.rotate, id, NOW)] * 3]
            together(4, lambda number, ways=ways: ways[number]())  # type: ignore[misc]
        assert webhooks.endpoints() == []

    def test_endpoints_are_disabled_and_enabled_while_their_secret_changes(self, webhooks: Webhooks) -> None:
        made = create(webhooks)
        together(
            6, lambda number: webhooks.rotate(made["id"], NOW) if number % 2 else webhooks.disable(made["id"], "gone")
        )
        (found,) = webhooks.endpoints()
        assert (found.disabled, len(found.secrets)) == ("gone", 2)
        assert webhooks.get(made["id"])["enabled"] is False
        assert webhooks.enable(made["id"])["enabled"] is True

    def test_endpoints_are_checked_again_before_they_are_enabled(self, store: Store, webhooks: Webhooks) -> None:
        made = create(webhooks)
        webhooks.disable(made["id"], "gone")

        async def inside(host: str) -> list[str]:
            return ["10.0.0.1"]

        with pytest.raises(Problem, match="not public"):
            Webhooks(store, guards((), inside)).enable(made["id"])


def _tried(webhooks: Webhooks) -> bool:
    try:
        create(webhooks)
    except Problem as problem:
        assert problem.code == "invalid"
        return False
    return True


class TestApi:
    @pytest.fixture
    def client(self, make_app: Any) -> Any:
        return keyed(make_app(webhook_internal=("127.0.0.0/8",)))

    def test_the_life_of_a_webhook(self, client: Any, store: Store) -> None:
        answer = client.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/x", "events": ["tier.changed"]})
        assert answer.status_code == 201
        made = answer.json
        base = f"/v1/webhooks/{made['id']}"
        assert client.get("/v1/webhooks").json["webhooks"] == [client.get(base).json]
        rotated = client.post(f"{base}/rotate")
        assert (rotated.status_code, rotated.json["secret"] == made["secret"]) == (200, False)
        sent = client.post(f"{base}/test")
        assert (sent.status_code, sent.json["type"], sent.json["status"]) == (202, "test", "pending")
        listed = client.get(f"{base}/deliveries").json
        assert (listed["deliveries"], listed["next_cursor"]) == ([sent.json], None)
        queue = Deliveries(store)
        queue.finish(queue.take(made["id"], NOW, 30, 1)[0], DeliveryOutcome(410, "status", gone=True), NOW)
        assert client.get(f"{base}/deliveries?status=dead").json["deliveries"][0]["last_status"] == 410
        assert client.post(f"{base}/redeliver").json == {"redelivered": 1}
        again = client.post(f"{base}/deliveries/{sent.json['id']}/redeliver")
        assert (again.status_code, again.json["status"]) == (202, "pending")
        assert client.post(f"{base}/enable").json["enabled"] is True
        assert client.delete(base).json["id"] == made["id"]
        assert client.get(base).status_code == 404
        assert store.execute("KEYS", "risk:h[qrx]:*") == []

    @pytest.mark.parametrize("path", ["test", "redeliver", "deliveries/{delivery}/redeliver", "replay"])
    def test_a_disabled_webhook_is_sent_nothing_and_the_api_says_so(self, client: Any, store: Store, path: str) -> None:
        """202 would say that it is on its way, and it would wait for somebody to enable the webhook."""
        made = client.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/x", "events": ["tier.changed"]}).json
        base = f"/v1/webhooks/{made['id']}"
        sent = client.post(f"{base}/test").json["id"]
        queue = Deliveries(store)
        [taken] = queue.take(made["id"], NOW, 30, 1)
        queue.finish(taken, DeliveryOutcome(410, "status", gone=True), NOW)
        Webhooks(store, {}).disable(made["id"], "gone")
        body = {"since": "2026-11-22T08:00:00Z"} if path == "replay" else None
        answer = client.post(f"{base}/{path.format(delivery=sent)}", json=body)
        assert (answer.status_code, answer.json["code"]) == (409, "webhook_disabled")
        assert "Enable it first" in answer.json["detail"]
        assert client.get(f"{base}/deliveries?status=dead").json["deliveries"][0]["id"] == sent
        client.post(f"{base}/enable")
        assert client.post(f"{base}/{path.format(delivery=sent)}", json=body).status_code == 202

    def test_the_api_needs_the_scope_admin(self, client: Any, store: Store) -> None:
        from riskapi.access.api_keys import ApiKeys

        key = ApiKeys(store).create("a sender", ["sends", "policy", "reviews"])
        assert client.get("/v1/webhooks", headers={"Authorization": f"Bearer {key}"}).status_code == 403

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"url": URL}, "/events"),
            ({"url": URL, "events": []}, "/events"),
            ({"url": URL, "events": ["tier.changes"]}, "/events/0"),
            ({"url": URL, "events": ["test"]}, "/events/0"),
            ({"events": ["tier.changed"]}, "/url"),
            ({"url": 7, "events": ["tier.changed"]}, "/url"),
            ({"url": "https://127.0.0.1:1/#x", "events": ["tier.changed"]}, "/url"),
            ({"url": "https://10.0.0.1/", "events": ["tier.changed"]}, "/url"),
        ],
    )
    def test_the_api_points_at_what_is_wrong(self, client: Any, body: dict[str, Any], pointer: str) -> None:
        answer = client.post("/v1/webhooks", json=body)
        assert answer.status_code == 422
        assert answer.json["errors"][0]["pointer"] == pointer

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("get", ""),
            ("delete", ""),
            ("post", "/rotate"),
            ("post", "/enable"),
            ("post", "/test"),
            ("get", "/deliveries"),
            ("post", "/redeliver"),
            ("post", "/deliveries/msg_1/redeliver"),
        ],
    )
    def test_the_api_knows_no_strangers(self, client: Any, method: str, path: str) -> None:
        assert getattr(client, method)(f"/v1/webhooks/whk_none{path}").status_code == 404

    def test_a_key_used_twice_registers_once(self, client: Any) -> None:
        body = {"url": "http://127.0.0.1:9/x", "events": ["tier.changed"]}
        first, second = (client.post("/v1/webhooks", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2))
        assert first.json == second.json
        assert len(client.get("/v1/webhooks").json["webhooks"]) == 1


class TestRepeats:
    def test_repeats_of_a_rotation_under_one_key_are_one_rotation(self, client: Any) -> None:
        """Whoever lost the answer asks again, and has the secret before it still count."""
        made = client.post("/v1/webhooks", json={"url": "https://hooks.invalid/", "events": ["tier.changed"]}).json
        path = f"/v1/webhooks/{made['id']}/rotate"
        first, again = (client.post(path, headers={"Idempotency-Key": "k"}) for _ in range(2))
        assert first.json["secret"] == again.json["secret"] != made["secret"]
        assert again.headers["Idempotent-Replay"] == "true"
