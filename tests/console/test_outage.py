"""The console while the store is away or refuses writes: what can be read, what people are told, what they wrote."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from riskapi.access.audit_log import AuditLog
from riskapi.console import outage
from riskapi.console.access_parts import AccessParts
from riskapi.console.page import ROOT
from riskapi.console.page_list import PAGES
from riskapi.errors import StoreUnavailable, WriteRefused
from riskapi.store.connections import Store
from tests.conftest import Clock
from tests.console.casework import Api, sign_up, tier
from tests.console.visitor import Visitor, signed_in

#: A server that refuses writes: why, in the words of the page; how it is made to, and how it is made to take them.
REFUSALS = {
    "full": ("its memory is full", ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]),
    "alone": (
        "it has fewer replicas than it must have",
        ["CONFIG", "SET", "min-replicas-to-write", "1"],
        ["CONFIG", "SET", "min-replicas-to-write", "0"],
    ),
    "a replica": ("it is a replica", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]),
}


@contextlib.contextmanager
def refusing(store: Store, how: str) -> Iterator[str]:
    """The store refuses writes; why."""
    said, begin, end = REFUSALS[how]
    store.execute(*begin)
    try:
        yield said
    finally:
        store.execute(*end)


@pytest.fixture
def away(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Take the store away."""

    def refuse(*_: object) -> object:
        raise StoreUnavailable("away")

    def take() -> None:
        monkeypatch.setattr(store, "_run", refuse)

    return take


@pytest.mark.parametrize("how", REFUSALS)
class TestWhileWritesAreRefused:
    """Memory or disk are full, or it is a replica: all that is there can be read."""

    def test_every_page_can_be_read_and_says_so(
        self, site: Flask, access_parts: AccessParts, api: Api, clock: Clock, store: Store, how: str
    ) -> None:
        review = sign_up(api, "u_1")
        kim = signed_in(site, access_parts, "kim", "admin", clock.now)
        assert "Read only" not in kim.get("/console/queue").text
        clock.advance(600)  # that the session was used is to be noted again
        with refusing(store, how) as said:
            for page in PAGES:
                if page.method == "GET" and page.role is not None and "{" not in page.path:
                    with pytest.raises(WriteRefused):  # others try to write all the time
                        store.execute("SET", "k", "1")
                    found = kim.get(f"{ROOT}{page.path}")
                    if page.path == "/account/authenticator":  # it makes a secret, to be kept until it is proved
                        assert found.status_code == 503 and "This page cannot be shown without a write." in found.text
                    else:
                        assert found.status_code == 200, page.path
                    assert f"the store takes no writes, because {said}." in found.text, page.path
            assert kim.get(f"/console/cases/{review}").status_code == 200
        assert "Read only" not in kim.get("/console/queue").text

    def test_a_button_says_that_nothing_was_done_and_gives_back_what_was_written(
        self, ana: Visitor, api: Api, store: Store, how: str
    ) -> None:
        review = sign_up(api, "u_1")
        case = f"/console/cases/{review}"
        ana.get(case)
        form = {"do": "limit", "code": "spam", "note": "<b>Ten</b> lists", "csrf": ana.token()}
        noted = AuditLog(store).latest(1)
        with refusing(store, how):
            answer = ana.client.post(f"{case}/decide", data=form, headers={"Referer": f"http://localhost{case}?a=1"})
            assert answer.status_code == 503 and "Nothing was done." in answer.text
            assert "&lt;b&gt;Ten&lt;/b&gt; lists</textarea>" in answer.text
            assert f'href="{case}?a=1"' in answer.text and answer.headers["X-Request-Id"] in answer.text
            assert 'aria-label="Pages"' in answer.text  # other pages can be read
            assert ana.client.post(f"{case}/skip", data=form).status_code == 303  # this the browser keeps
        assert tier(api, "u_1") == "review" and AuditLog(store).latest(1) == noted
        assert ana.client.post(f"{case}/decide", data=form).status_code == 303 and tier(api, "u_1") == "limit"

    def test_another_process_that_just_started_knows_who_is_signed_in(
        self, make_site: Callable[..., Flask], ana: Visitor, store: Store, how: str
    ) -> None:
        other = make_site().test_client()
        cookie = ana.client.get_cookie("console")
        assert cookie is not None
        other.set_cookie("console", cookie.value)
        with refusing(store, how):
            assert "ana (reviewer)" in other.get("/console/queue").text

    def test_nobody_signs_in(self, visitor: Visitor, site: Flask, store: Store, how: str) -> None:
        visitor.get("/console/sign-in")
        with refusing(store, how):
            answer = visitor.post("/console/sign-in", name="ana", password="blue kettle walks north")
        assert answer.status_code == 503 and "the store takes no writes" in answer.text
        assert "kettle" not in answer.text


class TestWhileTheStoreIsAway:
    """It does not answer: nobody can be told who they are."""

    def test_a_page_says_what_works_and_asks_again_no_oftener_than_every_ten_seconds(
        self, make_site: Callable[..., Flask], access_parts: AccessParts, clock: Clock, away: Callable[[], None]
    ) -> None:
        kim = signed_in(make_site(console_notice="Sample data"), access_parts, "kim", "admin", clock.now)
        away()
        answer = kim.client.get("/console/queue?tab=mine&q=a")
        assert answer.status_code == 503 and answer.headers["Retry-After"] == "10"
        assert 'data-retry="10"' in answer.text and 'href="/console/queue?tab=mine&amp;q=a"' in answer.text
        assert "Signups and sends are answered meanwhile" in answer.text
        assert "Nothing that was acknowledged is lost" in answer.text and "Sample data" in answer.text
        assert f"<code>{answer.headers['X-Request-Id']}</code>" in answer.text

    def test_what_was_sent_before_anything_began_was_not_done(
        self, ana: Visitor, api: Api, away: Callable[[], None]
    ) -> None:
        review = sign_up(api, "u_1")
        ana.get(f"/console/cases/{review}")
        away()
        answer = ana.post(f"/console/cases/{review}/ask", question="Which list?", days="3")
        assert answer.status_code == 503 and "data-retry" not in answer.text
        assert "Nothing was done. Do it again once the store answers." in answer.text
        assert "Which list?</textarea>" in answer.text and 'href="/console/"' in answer.text

    def test_a_large_form_is_told_too(self, ana: Visitor, away: Callable[[], None]) -> None:
        ana.get("/console/queue")
        away()
        assert ana.post("/console/sign-in", note="x" * 70_000).status_code == 503

    def test_a_process_that_just_started_says_so_too(
        self, make_site: Callable[..., Flask], away: Callable[[], None]
    ) -> None:
        new = make_site().test_client()
        away()
        for method in ("GET", "POST"):
            answer = new.open("/console/queue", method=method, data={"note": "kept"} if method == "POST" else None)
            assert answer.status_code == 503 and "the store does not answer" in answer.text.lower()


def test_a_form_of_the_script_is_told_where_to_go(ana: Visitor, api: Api) -> None:
    review = sign_up(api, "u_1")
    ana.get(f"/console/cases/{review}")
    form = {"note": "Ten lists", "csrf": ana.token()}
    path = f"/console/cases/{review}/note"
    answer = ana.client.post(path, data=form, headers={"X-Console-To": ""})
    assert (answer.status_code, answer.headers["X-Console-To"]) == (204, f"/console/cases/{review}")
    assert "The note is kept with the case." in ana.get(f"/console/cases/{review}").text
    assert ana.client.post(path, data={"note": "x"}, headers={"X-Console-To": ""}).status_code == 422


@pytest.mark.parametrize(
    ("referrer", "leads"),
    [
        (None, "/console/"),
        ("", "/console/"),
        ("http://localhost/console/queue?tab=mine", "/console/queue?tab=mine"),
        ("http://localhost/consolex", "/console/"),
        ("https://evil.example//console/queue", "/console/"),
        ("javascript:alert(1)", "/console/"),
        ("http://[/console/x", "/console/"),
    ],
)
def test_the_way_back_is_within_the_console(referrer: str | None, leads: str) -> None:
    assert outage.way_back(referrer, ROOT) == leads


@pytest.mark.parametrize("code", ["", "OOM", "MISCONF", "READONLY", "NOREPLICAS", "ODD"])
def test_why_writes_are_refused_is_said_in_words(code: str) -> None:
    assert (outage.refusal(code) is None) == (code == "")
    assert code != "ODD" or outage.refusal(code) == "it says ODD"
