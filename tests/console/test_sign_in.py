"""Who comes in: links, passwords, codes, tries, sessions, roles, forms."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from pyotp import TOTP

from riskapi.access.throttle import NAME
from riskapi.access.users import ROLES
from riskapi.console.access_parts import AccessParts, first_link, password_link
from riskapi.console.headers import headers
from riskapi.console.page import ROOT, Page
from riskapi.console.page_list import PAGES
from riskapi.errors import StoreUnavailable
from tests.conftest import Clock
from tests.console.visitor import PASSWORD, SECRET, Visitor, code, made, signed_in

#: Values for what stands in braces in the paths of pages.
NAMES = {
    "{review_id}": "rev_0" + "0" * 20,
    "{person}": "0" * 16,
    "{token}": "t" * 43,
    "{draft_id}": "drf_" + "0" * 24,
    "{suggestion_id}": "sug_" + "0" * 24,
    "{proposal_id}": "prp_" + "0" * 24,
    "{version}": "1",
}


def path_of(link: str) -> str:
    return link[link.index("/console") :]


def address(page_path: str) -> str:
    for name, value in NAMES.items():
        page_path = page_path.replace(name, value)
    return ROOT + page_path


class TestTheFirstAdmin:
    def test_the_first_admin_is_made_by_a_link_that_works_once(
        self, visitor: Visitor, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        link = first_link(access_parts, clock.now)
        assert link is not None
        path = path_of(link)
        visitor.get(path)
        visitor.post(path, name=" Ana ", password=PASSWORD, again=PASSWORD)
        assert visitor.path == "/console/queue", visitor.text
        assert "ana (admin)" in visitor.text
        assert first_link(access_parts, clock.now) is None
        other = Visitor(site.test_client())
        assert "This link was used" in other.get(path).text and other.path == "/console/sign-in"

    def test_the_first_admin_is_one_when_two_links_are_out(
        self, visitor: Visitor, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        paths = [path_of(first_link(access_parts, clock.now) or "") for _ in range(2)]
        other = Visitor(site.test_client())
        for who, path in ((visitor, paths[0]), (other, paths[1])):
            who.get(path)
        visitor.post(paths[0], name="ana", password=PASSWORD, again=PASSWORD)
        other.post(paths[1], name="bo", password=PASSWORD, again=PASSWORD)
        assert [person.name for person in access_parts.users.list()] == ["ana"]
        assert other.path == "/console/sign-in"

    def test_the_first_admin_needs_a_good_password_given_twice(
        self, visitor: Visitor, access_parts: AccessParts, clock: Clock
    ) -> None:
        path = path_of(first_link(access_parts, clock.now) or "")
        visitor.get(path)
        for password, again, said in (
            ("short", "short", "12 characters or more"),
            ("password1234", "password1234", "easily guessed"),
            (PASSWORD, PASSWORD + ".", "differ"),
        ):
            assert said in visitor.post(path, name="ana", password=password, again=again).text
        assert not access_parts.users.any()

    def test_the_link_of_the_first_admin_ends_after_a_day(
        self, visitor: Visitor, access_parts: AccessParts, clock: Clock
    ) -> None:
        path = path_of(first_link(access_parts, clock.now) or "")
        clock.advance(24 * 3600 + 1)
        visitor.get(path)
        assert visitor.path == "/console/sign-in"


class TestSigningIn:
    def test_signing_in_tells_nobody_which_of_the_two_was_wrong(
        self, visitor: Visitor, access_parts: AccessParts, clock: Clock
    ) -> None:
        made(access_parts, "ana", "reviewer", clock.now)
        wrong, unknown = visitor.sign_in("ana", "wrong " * 3), visitor.sign_in("bo")
        assert wrong.status_code == unknown.status_code == 403
        assert (
            "The name or the password is wrong." in wrong.text and "The name or the password is wrong." in unknown.text
        )

    def test_signing_in_goes_on_to_the_page_that_was_asked_for(
        self, visitor: Visitor, access_parts: AccessParts, clock: Clock
    ) -> None:
        made(access_parts, "ana", "reviewer", clock.now)
        assert visitor.get("/console/queue?sort=age").request.path == "/console/sign-in"
        visitor.post("/console/sign-in", name="ANA", password=PASSWORD)
        assert visitor.path == "/console/queue" and visitor.page is not None
        assert visitor.page.request.args["sort"] == "age"

    @pytest.mark.parametrize(
        "asked",
        ["/console/cases/%0D%0AX-Other%3A%201", "/console/cases/%E2%82%AC%25", "/console/search?text=a%0Ab+%C3%A9"],
    )
    def test_signing_in_goes_on_to_whatever_address_was_asked_for(
        self, visitor: Visitor, access_parts: AccessParts, clock: Clock, asked: str
    ) -> None:
        made(access_parts, "ana", "reviewer", clock.now)
        visitor.get(asked)
        form = {"csrf": visitor.token(), "name": "ana", "password": PASSWORD}
        answer = visitor.client.post("/console/sign-in", data=form)
        assert (answer.status_code, answer.headers["Location"]) == (303, asked)

    def test_signing_in_asks_for_a_code_and_takes_it_once(
        self, visitor: Visitor, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        made(access_parts, "ana", "reviewer", clock.now, totp=True)
        visitor.sign_in("ana")
        assert "Your code" in visitor.text and visitor.client.get("/console/queue").status_code == 303
        fields = {"csrf": visitor.token(), "token": visitor.hidden("token"), "code": "000000"}
        assert "This code is wrong" in visitor.client.post("/console/sign-in/code", data=fields).text
        fields["code"] = code(clock.now)
        visitor.page = visitor.client.post("/console/sign-in/code", data=fields, follow_redirects=True)
        assert visitor.path == "/console/queue"
        again = Visitor(site.test_client())
        again.sign_in("ana")
        fields = {"csrf": again.token(), "token": again.hidden("token"), "code": code(clock.now)}
        assert "used already" in again.client.post("/console/sign-in/code", data=fields).text

    def test_signing_in_takes_each_recovery_code_once(
        self, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        ana = signed_in(site, access_parts, "ana", "reviewer", clock.now)
        ana.get("/console/account/authenticator")
        secret = "".join(re.findall(r"Secret: <code>([A-Z2-7 ]+)</code>", ana.text)[0].split())
        fields = {"csrf": ana.token(), "token": ana.hidden("token"), "code": TOTP(secret).at(int(clock.now))}
        codes = re.findall(
            r"<code>([0-9a-f]{16})</code>", ana.client.post("/console/account/authenticator", data=fields).text
        )
        assert len(codes) == 10
        for tries, ended in ((1, 303), (2, 403)):
            other = Visitor(site.test_client())
            other.sign_in("ana")
            fields = {"csrf": other.token(), "token": other.hidden("token"), "code": codes[0]}
            assert other.client.post("/console/sign-in/code", data=fields).status_code == ended, tries

    def test_signing_in_cannot_be_kept_from_a_person_by_a_stranger(
        self, visitor: Visitor, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        made(access_parts, "ana", "reviewer", clock.now)
        visitor.sign_in("ana")
        visitor.post("/console/sign-out")
        stranger = Visitor(site.test_client())
        found = [stranger.sign_in("ana", "x").status_code for _ in range(NAME[0] + 1)]
        assert found[-1] == 429 and stranger.page is not None and int(stranger.page.headers["Retry-After"]) > 0
        assert stranger.sign_in("ana").status_code == 429  # the right password is not looked at either
        visitor.sign_in("ana")
        assert visitor.path == "/console/queue"

    def test_signing_in_needs_the_second_factor_where_it_is_asked_for(
        self, make_site: Callable[..., Flask], access_parts: AccessParts, clock: Clock
    ) -> None:
        strict = make_site(console_second_factor=True)
        visitor = signed_in(strict, access_parts, "ana", "admin", clock.now)
        assert visitor.path == "/console/account/authenticator"
        assert visitor.get("/console/admin").request.path == "/console/account/authenticator"
        assert SECRET not in visitor.text


class TestSessions:
    def test_sessions_end_when_unused_and_after_their_longest(
        self, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        ana = signed_in(site, access_parts, "ana", "viewer", clock.now)
        begun = clock.now
        while clock.advance(50 * 60) - begun < 11.9 * 3600:
            assert ana.get("/console/queue").request.path == "/console/queue"
        clock.now = begun + 12 * 3600 + 1
        assert ana.get("/console/queue").request.path == "/console/sign-in"
        ana.sign_in("ana")
        clock.advance(61 * 60)
        assert ana.get("/console/queue").request.path == "/console/sign-in"

    def test_sessions_are_listed_and_ended_by_their_owner(
        self, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        ana = signed_in(site, access_parts, "ana", "viewer", clock.now)
        other = Visitor(site.test_client())
        other.sign_in("ana")
        ana.get("/console/account")
        assert "this one" in ana.text
        ana.post("/console/account/sessions", session=ana.hidden("session"))
        assert other.get("/console/queue").request.path == "/console/sign-in"
        assert ana.get("/console/queue").request.path == "/console/queue"

    def test_sessions_of_others_stay(self, site: Flask, access_parts: AccessParts, clock: Clock) -> None:
        ana, bo = (signed_in(site, access_parts, name, "viewer", clock.now) for name in ("ana", "bo"))
        person = access_parts.users.find("ana")
        assert person is not None
        bo.get("/console/account")
        bo.post("/console/account/sessions", session=access_parts.sessions.list(person, clock.now)[0].id)
        assert ana.get("/console/queue").request.path == "/console/queue"

    def test_sessions_end_with_a_new_password_a_new_role_and_being_shut_out(
        self, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        admin = signed_in(site, access_parts, "kim", "admin", clock.now)
        ana = signed_in(site, access_parts, "ana", "viewer", clock.now)
        person = access_parts.users.find("ana")
        assert person is not None
        for what in ({"do": "role", "role": "growth"}, {"do": "disable"}):
            assert ana.sign_in("ana").request.path == "/console/queue"
            admin.get("/console/admin")
            admin.post(f"/console/admin/{person.id}", **what)
            assert ana.get("/console/queue").request.path == "/console/sign-in", what
        assert ana.sign_in("ana").status_code == 403
        admin.post(f"/console/admin/{person.id}", do="reset")
        link = re.findall(r"/console/welcome/[\w-]+", admin.text)[0]
        ana.get(link)
        ana.post(link, password=PASSWORD + " again", again=PASSWORD + " again")
        assert ana.path == "/console/queue"

    def test_users_change_their_password_with_the_present_one(
        self, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        ana = signed_in(site, access_parts, "ana", "viewer", clock.now)
        other = Visitor(site.test_client())
        other.sign_in("ana")
        ana.get("/console/account")
        new = {"password": "green ladder sings low", "again": "green ladder sings low"}
        assert "present password is wrong" in ana.post("/console/account/password", present="no", **new).text
        ana.post("/console/account/password", present=PASSWORD, **new)
        assert ana.path == "/console/account"
        assert other.get("/console/queue").request.path == "/console/sign-in"


@pytest.mark.parametrize("role", [None, *ROLES])
def test_each_page_is_for_its_role_only(site: Flask, access_parts: AccessParts, clock: Clock, role: str | None) -> None:
    visitor = Visitor(site.test_client())
    if role is not None:
        visitor = signed_in(site, access_parts, "ana", role, clock.now)  # type: ignore[arg-type]
    person = access_parts.users.find("ana")
    visitor.get("/console/sign-in" if role is None else "/console/account")
    token = visitor.token()
    # The last two end what the others need.
    ends = ("/sign-out", "/account/sessions")
    for page in sorted(PAGES, key=lambda page: page.path in ends):
        if page.role is None or page.path == "/account/sessions":
            continue
        answer = visitor.client.open(address(page.path), method=page.method, data={"csrf": token})
        allowed = person is not None and person.may(page.role)
        if role is None:
            assert answer.status_code == 303 and answer.location == "/console/sign-in", page.name
        else:
            assert (answer.status_code == 403 and "This needs the role" in answer.text) != allowed, page.name
        assert answer.status_code < 500, page.name


@pytest.mark.parametrize("page", [page for page in PAGES if page.method == "POST"], ids=lambda page: page.name)
def test_each_form_needs_its_token(visitor: Visitor, page: Page) -> None:
    for token in ("", "x", "IjAi.aaaa.bbbb"):
        answer = visitor.client.post(address(page.path), data={"csrf": token})
        assert answer.status_code == 422 and "out of date" in answer.text


class TestAnswers:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/console", 308),
            ("POST", "/console", 405),
            ("GET", "/console/", 303),
            ("HEAD", "/console/sign-in", 200),
            ("GET", "/console/queue", 303),
            ("GET", "/console/nothing", 404),
            ("PUT", "/console/queue", 405),
            ("OPTIONS", "/console/nothing", 405),
            ("POST", "/console/queue", 422),
            ("GET", "/console/static/console.css", 200),
            ("GET", "/console/static/mark.svg", 200),
            ("DELETE", "/console/static/console.css", 405),
            ("GET", "/console/static/x.js", 404),
            ("GET", "/console//", 404),
        ],
    )
    def test_answers_of_every_kind_carry_the_request_id_and_what_keeps_browsers_strict(
        self, visitor: Visitor, method: str, path: str, status: int
    ) -> None:
        answer = visitor.client.open(path, method=method, headers={"X-Request-Id": "mine"})
        found, strict = answer.headers, headers(is_secure=False)
        assert (answer.status_code, found["X-Request-Id"]) == (status, "mine")
        assert {name: len(found.getlist(name)) for name in strict} == dict.fromkeys(strict, 1)
        assert (found["Cache-Control"] == "no-store") == (not path.startswith("/console/static/") or status != 200)

    def test_answers_of_the_api_carry_none_of_it(self, visitor: Visitor) -> None:
        assert "Content-Security-Policy" not in visitor.client.get("/v1/reviews").headers
        assert "Content-Security-Policy" not in visitor.client.get("/consolex").headers

    def test_answers_carry_what_keeps_browsers_strict(self, visitor: Visitor) -> None:
        found = visitor.get("/console/sign-in").headers
        assert "default-src 'none'" in found["Content-Security-Policy"]
        assert "unsafe" not in found["Content-Security-Policy"]
        assert found["Cache-Control"] == "no-store" and found["X-Frame-Options"] == "DENY"
        cookie = found["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie

    def test_answers_keep_the_cookie_to_https_where_people_come_by_it(self, make_site: Callable[..., Flask]) -> None:
        secure = make_site(console_url="https://risk.example")
        found = secure.test_client().get("/console/sign-in").headers
        assert found["Set-Cookie"].startswith("__Host-console=") and "Secure" in found["Set-Cookie"]
        assert "max-age=31536000" in found["Strict-Transport-Security"]

    def test_answers_have_no_script_or_style_in_the_page(
        self, site: Flask, access_parts: AccessParts, clock: Clock
    ) -> None:
        ana = signed_in(site, access_parts, "ana", "admin", clock.now)
        for page in PAGES:
            if page.method == "GET" and page.role is not None and "{" not in page.path:
                text = ana.get(f"{ROOT}{page.path}").text
                assert not re.search(r"<script(?! src=)|<style| style=| on\w+=", text), page.path

    def test_answers_are_pages_where_nothing_is(self, site: Flask, access_parts: AccessParts, clock: Clock) -> None:
        ana = signed_in(site, access_parts, "ana", "admin", clock.now)
        for path in (
            "/console/nothing",
            "/console/cases/rev_0" + "0" * 20,
            "/console/cases/%00",
            "/console/static/x.js",
        ):
            assert ana.client.get(path).status_code == 404, path
        assert ana.client.get("/console").status_code == 308

    def test_answers_that_are_no_page_carry_the_id_of_the_request(self, visitor: Visitor) -> None:
        for path, status in {
            "/console": 308,
            "/console/sign-in": 200,
            "/console/static/console.css": 200,
            "/console/static/x.js": 404,
        }.items():
            answer = visitor.client.get(path, headers={"X-Request-Id": "mine"})
            assert (answer.status_code, answer.headers.get("X-Request-Id")) == (status, "mine"), path

    def test_answers_say_what_failed_and_what_works_while_the_store_is_away(
        self, site: Flask, access_parts: AccessParts, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> object:
            raise StoreUnavailable("away")

        ana = signed_in(site, access_parts, "ana", "admin", clock.now)
        monkeypatch.setattr(access_parts.store, "run", refuse)
        monkeypatch.setattr(access_parts.store, "execute", refuse)
        answer = ana.client.get("/console/queue")
        assert answer.status_code == 503 and "The store does not answer" in answer.text
        assert "Nothing can be read or changed here. Load the page again in a moment." in answer.text
        assert "Signups and sends are answered meanwhile" in answer.text

    def test_answers_refuse_large_forms(self, visitor: Visitor) -> None:
        assert visitor.client.post("/console/sign-in", data={"name": "x" * 70_000}).status_code == 413

    def test_answers_to_the_api_know_no_cookie(self, visitor: Visitor) -> None:
        visitor.get("/console/sign-in")
        assert "Set-Cookie" not in visitor.client.get("/v1/reviews").headers


def test_what_admins_do_is_noted(site: Flask, access_parts: AccessParts, clock: Clock) -> None:
    admin = signed_in(site, access_parts, "kim", "admin", clock.now)
    admin.get("/console/admin")
    admin.post("/console/admin", name="bo", role="reviewer")
    assert "Give this link to bo" in admin.text
    assert "Somebody has this name" in admin.post("/console/admin", name="BO", role="reviewer").text
    assert "The name: expected" in admin.post("/console/admin", name="a b", role="reviewer").text
    kim = access_parts.users.find("kim")
    assert kim is not None
    assert admin.post(f"/console/admin/{kim.id}", do="disable").status_code == 403
    assert [note.action for note in access_parts.audit.latest(2)] == ["user added", "signed in"]
    assert "user added" in admin.get("/console/audit").text


def test_a_link_is_worth_nothing_once_another_was_made(
    visitor: Visitor, access_parts: AccessParts, clock: Clock
) -> None:
    person = made(access_parts, "ana", "viewer", clock.now)
    old = path_of(password_link(access_parts, person, clock.now))
    access_parts.users.change(person.id, lambda kept: kept.anew())
    visitor.get(old)
    visitor.post(old, password=PASSWORD, again=PASSWORD)
    assert visitor.path == "/console/sign-in"
