"""Passkeys: added, named, removed, and signed in by; answers that prove nothing are refused with a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from riskapi.access.passkeys import Site, site_of
from riskapi.access.throttle import NAME
from riskapi.access.users import Person
from riskapi.console.access_parts import AccessParts
from tests.conftest import Clock
from tests.console.device import Device
from tests.console.visitor import PASSWORD, Visitor, made, signed_in


def person(access_parts: AccessParts, name: str = "ana") -> Person:
    found = access_parts.users.find(name)
    assert found is not None
    return found


def put(visitor: Visitor, path: str, **fields: str) -> Any:
    """Post a form whose own field is called ``token`` too."""
    visitor.page = visitor.client.post(path, data={"csrf": visitor.token(), **fields}, follow_redirects=True)
    return visitor.page


def add(visitor: Visitor, access_parts: AccessParts, name: str = "ana", called: str = "blue key") -> Device:
    device = Device(person(access_parts, name).id)
    visitor.get("/console/account/passkeys")
    visitor.post("/console/account/passkeys", name=called, present=PASSWORD)
    token = visitor.hidden("token")
    put(visitor, "/console/account/passkeys/answer", token=token, answer=device.made(token))
    return device


def begun(site: Flask) -> tuple[Visitor, str]:
    """A browser that was asked for a passkey, and the challenge."""
    visitor = Visitor(site.test_client())
    visitor.get("/console/sign-in")
    visitor.post("/console/sign-in/passkey")
    return visitor, visitor.hidden("token")


@pytest.fixture
def ana(site: Flask, access_parts: AccessParts, clock: Clock) -> Visitor:
    return signed_in(site, access_parts, "ana", "reviewer", clock.now)


class TestOwn:
    def test_a_passkey_is_added_named_and_removed(self, ana: Visitor, access_parts: AccessParts) -> None:
        add(ana, access_parts)
        assert "The passkey blue key is added." in ana.text
        (kept,) = person(access_parts).passkeys
        ana.post("/console/account/passkeys/change", id=kept.id, do="name", name=" <b>red ")
        assert person(access_parts).passkeys[0].name == "<b>red" and "<b>red" not in ana.text
        assert ana.post("/console/account/passkeys/change", id=kept.id, do="name", name=" ").status_code == 422
        ana.post("/console/account/passkeys/change", id=kept.id, do="remove")
        assert person(access_parts).passkeys == () and "You have none yet" in ana.text
        actions = [note.action for note in access_parts.audit.latest(9)]
        assert actions == ["passkey removed", "passkey added", "signed in"]

    def test_a_passkey_needs_the_password(self, ana: Visitor, access_parts: AccessParts) -> None:
        ana.get("/console/account/passkeys")
        ana.post("/console/account/passkeys", name="x", present="wrong")
        assert "present password is wrong" in ana.text and not ana.hidden("answer")

    def test_a_passkey_is_taken_from_nobody_else_nor_twice(
        self, ana: Visitor, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        bo = signed_in(site, access_parts, "bo", "viewer", clock.now)
        device = Device("x")
        ana.get("/console/account/passkeys")
        ana.post("/console/account/passkeys", name="x", present=PASSWORD)
        token = ana.hidden("token")
        bo.get("/console/account/passkeys")
        assert put(bo, "/console/account/passkeys/answer", token=token, answer=device.made(token)).status_code == 422
        assert put(ana, "/console/account/passkeys/answer", token=token, answer=device.made(token)).status_code == 422
        assert person(access_parts).passkeys == person(access_parts, "bo").passkeys == ()

    @pytest.mark.parametrize(
        "answer",
        [
            lambda device, token: device.made("another challenge"),
            lambda device, token: device.made(token, client={"origin": "https://evil.example"}),
            lambda device, token: device.made(token, client={"type": "webauthn.get"}),
            lambda device, token: device.made(token, site="evil.example"),
            lambda device, token: device.made(token, flags=0x01),  # nobody was verified
            lambda device, token: device.made(token, attested=b"\xff\x00garbage"),
            lambda device, token: device.made(token, attested=b"\x81" * 5000),
            lambda device, token: "",
            lambda device, token: "[]",
            lambda device, token: "{" * 5000,
            lambda device, token: json.dumps({"id": 1, "rawId": None, "response": "x"}),
            lambda device, token: "\ud800",
        ],
    )
    def test_a_passkey_is_not_made_of_an_answer_that_proves_nothing(
        self, ana: Visitor, access_parts: AccessParts, answer: Callable[[Device, str], str]
    ) -> None:
        ana.get("/console/account/passkeys")
        ana.post("/console/account/passkeys", name="x", present=PASSWORD)
        token = ana.hidden("token")
        given = answer(Device("x"), token).encode("utf-8", "surrogatepass")
        data = {"csrf": ana.token().encode(), "token": token.encode(), "answer": given}
        found = ana.client.post("/console/account/passkeys/answer", data=data)
        assert found.status_code == 422 and "was not taken" in found.text
        assert person(access_parts).passkeys == ()


class TestSigningIn:
    def test_signing_in_needs_nothing_else(
        self, make_site: Callable[..., Flask], access_parts: AccessParts, clock: Clock
    ) -> None:
        strict = make_site(console_second_factor=True)
        ana = signed_in(strict, access_parts, "ana", "reviewer", clock.now)
        assert ana.path == "/console/account/authenticator"
        device = add(ana, access_parts)
        assert ana.get("/console/queue").request.path == "/console/queue"  # it is both factors
        other, token = begun(strict)
        put(other, "/console/sign-in/passkey/answer", token=token, answer=device.answer(token))
        assert other.path == "/console/queue" and person(access_parts).passkeys[0].count == 1
        assert "<td>passkey</td>" in other.get("/console/account").text
        assert access_parts.audit.latest(1)[0].details == {"how": "passkey"}

    def test_signing_in_by_password_alone_is_not_enough_for_who_has_one(
        self, make_site: Callable[..., Flask], access_parts: AccessParts, clock: Clock
    ) -> None:
        strict = make_site(console_second_factor=True)
        add(signed_in(strict, access_parts, "ana", "reviewer", clock.now), access_parts)
        other = Visitor(strict.test_client())
        assert other.sign_in("ana").status_code == 403 and "Use your passkey" in other.text

    @pytest.mark.parametrize(
        "answer",
        [
            lambda device, token: device.answer("another challenge"),
            lambda device, token: device.answer(token, client={"origin": "https://evil.example"}),
            lambda device, token: device.answer(token, client={"origin": "http://localhost:8001"}),
            lambda device, token: device.answer(token, client={"type": "webauthn.create"}),
            lambda device, token: device.answer(token, site="evil.example"),
            lambda device, token: device.answer(token, flags=0x01),
            lambda device, token: device.answer(token, flags=0x04),
            lambda device, token: device.answer(token, count=0),
            lambda device, token: device.answer(token, count=5),
            lambda device, token: device.answer(token, user="0" * 16),
            lambda device, token: device.answer(token, user=""),
            lambda device, token: device.answer(token, user="é"),
            lambda device, token: device.answer(token, id=b"another"),
            lambda device, token: device.answer(token, data=b"\xff" * 20),
            lambda device, token: device.answer(token, data=b""),
            lambda device, token: device.answer(token, signature=b"\x30\x00"),
            lambda device, token: Device(device.user, id=device.id, count=9).answer(token),
            lambda device, token: "",
            lambda device, token: "null",
            lambda device, token: json.dumps({"response": {"userHandle": 1}}),
            lambda device, token: json.dumps({"response": {"userHandle": "*"}}),
        ],
    )
    def test_signing_in_is_refused_by_an_answer_that_proves_nothing(
        self, ana: Visitor, site: Flask, access_parts: AccessParts, answer: Callable[[Device, str], str]
    ) -> None:
        device = add(ana, access_parts)
        access_parts.users.change(
            person(access_parts).id, lambda kept: replace(kept, passkeys=(replace(kept.passkeys[0], count=5),))
        )
        device.count = 5
        visitor, token = begun(site)
        put(visitor, "/console/sign-in/passkey/answer", token=token, answer=answer(device, token))
        assert visitor.page is not None and visitor.page.status_code == 403 and "was not taken" in visitor.text
        assert visitor.get("/console/queue").request.path == "/console/sign-in"

    def test_signing_in_takes_an_answer_once(self, ana: Visitor, site: Flask, access_parts: AccessParts) -> None:
        device = add(ana, access_parts)
        visitor, token = begun(site)
        answer = device.answer(token)
        put(visitor, "/console/sign-in/passkey/answer", token=token, answer=answer)
        again, _ = begun(site)
        put(again, "/console/sign-in/passkey/answer", token=token, answer=answer)
        assert again.path == "/console/sign-in" and "took too long" in again.text

    def test_signing_in_is_not_for_another_users_passkey_nor_for_who_is_shut_out(
        self, ana: Visitor, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        device = add(ana, access_parts)
        made(access_parts, "bo", "admin", clock.now)
        visitor, token = begun(site)
        answer = device.answer(token, user=person(access_parts, "bo").id)
        assert put(visitor, "/console/sign-in/passkey/answer", token=token, answer=answer).status_code == 403
        access_parts.users.change(person(access_parts).id, Person.shut_out)
        visitor, token = begun(site)
        found = put(visitor, "/console/sign-in/passkey/answer", token=token, answer=device.answer(token))
        assert found.status_code == 403

    def test_signing_in_waits_after_too_many_tries(self, site: Flask) -> None:
        for _ in range(NAME[0]):
            _, token = begun(site)
            assert token
        visitor, token = begun(site)
        assert not token and visitor.page is not None and visitor.page.status_code == 429


@pytest.mark.parametrize(
    ("url", "host", "expected"),
    [
        ("https://risk.example", "x", Site("risk.example", "https://risk.example")),
        ("https://risk.example:8443", "x", Site("risk.example", "https://risk.example:8443")),
        ("https://risk.example:443", "x", Site("risk.example", "https://risk.example")),
        ("http://risk.example", "x", None),
        ("https://192.0.2.1", "x", None),
        ("https://[2001:db8::1]", "x", None),
        (None, "localhost:8000", Site("localhost", "http://localhost:8000")),
        (None, "localhost", Site("localhost", "http://localhost")),
        (None, "127.0.0.1:8000", None),
        (None, "evil.example", None),
        (None, "localhost:junk", None),
        (None, "", None),
    ],
)
def test_a_site_is_what_the_operator_set_or_localhost(url: str | None, host: str, expected: Site | None) -> None:
    assert site_of(url, host) == expected
