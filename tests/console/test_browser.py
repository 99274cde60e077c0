"""The console in a real browser: keys, the policy of contents, and what axe-core says of each page.

One service, one browser; a test is skipped where there is no Chromium.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import replace

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Dialog, Page, Route, sync_playwright
from werkzeug.serving import make_server

from riskapi.accounts.log import Decisions
from riskapi.api.parts import Parts
from riskapi.console.access_parts import AccessParts, first_link, open_access_parts
from riskapi.console.application import application
from riskapi.settings import Settings
from riskapi.store.connections import Store
from tests.browser import CHROMIUM, become_admin, give_password, launched
from tests.conftest import BOOTSTRAP_KEY, NOW, Clock
from tests.console.visitor import PASSWORD, made
from tests.signups import home
from tests.threaded import running

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (Debian: apt-get install chromium)")
#: Pages about limits.
LIMITS = ("rules", "text", "suggestions", "versions?since=1&to=1", "versions/1", "proposals", "hits", "attack")
#: Milliseconds that anything on a page may take to be there: a machine with other work is slow.
DEADLINE = 20_000


@pytest.fixture(scope="module")
def access_parts(session_store: Store, session_settings: Settings) -> AccessParts:
    return open_access_parts(replace(session_settings, console_second_factor=False), session_store)


@pytest.fixture(scope="module")
def clock() -> Clock:
    """The clock of the service; the signups are a minute old."""
    return Clock()


@pytest.fixture(scope="module")
def site(session_parts: Parts, session_store: Store, access_parts: AccessParts, clock: Clock) -> Iterator[Flask]:
    session_store.execute("FLUSHALL")
    Decisions(session_store).register_schema()
    parts = replace(session_parts, clock=clock)
    app = application(parts, access_parts.settings, session_store)
    for number in range(5):
        sign_up(app, f"u_{number}", "device-of-a-ring-0001" if number < 3 else f"device-of-ones-own-{number}")
    clock.advance(60)
    yield app
    session_store.execute("FLUSHALL")
    session_parts.publisher.follow()  # back to the policy that others find


def sign_up(site: Flask, user: str, device: str) -> None:
    """A signup that a person has to look at."""
    body = {
        "account": {"user_id": user, "name": f"Name of {user}"},
        "email": {"address": f"{user}@mailinator.com"},
        "device": {"ip_address": home(user), "id": device},
    }
    headers = {"Authorization": f"Bearer {BOOTSTRAP_KEY}"}
    assert site.test_client().post("/v1/signups", json=body, headers=headers).status_code == 200


@pytest.fixture(scope="module")
def url(site: Flask) -> Iterator[str]:
    with running(make_server("127.0.0.1", 0, site, threaded=True)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = launched(playwright)
        yield made
        made.close()


@pytest.fixture(scope="module")
def faults() -> list[str]:
    """What the browser complained about: blocked by the policy of contents, or failed in a script."""
    return []


@pytest.fixture(scope="module")
def page(browser: Browser, url: str, access_parts: AccessParts, faults: list[str]) -> Page:
    """A browser signed in as the first admin, by the link."""
    made = browser.new_page(viewport={"width": 1280, "height": 900})
    made.set_default_timeout(DEADLINE)
    made.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: faults.append(str(error)))
    link = first_link(access_parts, NOW) or ""
    become_admin(made, url + link[link.index("/console") :], "ana")
    return made


def test_no_page_has_faults_that_axe_finds_nor_breaks_the_policy_of_contents(
    page: Page, url: str, faults: list[str]
) -> None:
    page.goto(f"{url}/console/queue")
    case = page.locator("[data-row] a").first.get_attribute("href") or ""
    ring = "/search?q=device-of-a-ring-0001"
    paths = ["/queue", case.removeprefix("/console"), "/limits", ring, "/search", "/account", "/account/authenticator"]
    paths += [f"{ring.replace('?', '/selection?')}&user=u_0&user=u_1", "/admin", "/audit"]
    paths += ["/account/passkeys", "/watch", "/model", "/lists", "/lists?tab=stale", "/keys", "/webhooks"]
    paths += ["/shortcuts", "/queue?tab=limited"]
    paths += [f"/limits/{each}" for each in LIMITS]
    found = []
    wide = [*paths[:4], "/watch"]  # those with something beside each other, which looks another way there
    for width, scheme, shown, looked in (
        (360, "light", paths, paths[:4]),
        (1280, "dark", paths, paths),
        (1600, "light", wide, wide),
    ):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for path in shown:
            page.goto(f"{url}/console{path}")
            # Each look costs a second; colours and frame are the same on all pages.
            broken = Axe().run(page).response["violations"] if path in looked else []
            found += [(path, scheme, each["id"], each["nodes"][0]["html"]) for each in broken]
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, f"{path} is {over} wider than a screen of {width}"
    assert found == [] and faults == []


def test_a_search_leads_from_one_thing_to_the_next_and_many_are_decided(
    page: Page, url: str, faults: list[str]
) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{url}/console/queue")
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/console/search")
    page.locator("#q:focus").wait_for()
    page.keyboard.type("u_0@mailinator.com")
    page.keyboard.press("Enter")
    page.get_by_text("Read as: mailbox.").wait_for()
    page.get_by_role("link", name="devi…").click()
    page.get_by_text("Read as: device.").wait_for()
    assert page.locator("[data-row]").count() == 3
    here = page.url
    page.keyboard.press("x")
    page.keyboard.press("p")
    page.get_by_role("heading", name="Decide 3 accounts").wait_for()
    page.keyboard.press("l")
    page.get_by_role("status").filter(has_text="Limit: 3 accounts").wait_for()
    assert page.url == here and page.locator(".tier-limit").count() == 3
    page.keyboard.press("u")
    page.get_by_role("status").filter(has_text="Undone: 3 accounts").wait_for()
    assert faults == []


def test_a_key_pressed_in_a_row_leaves_that_row_chosen(page: Page, url: str, faults: list[str]) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{url}/console/queue?sort=age")
    rows = page.locator("[data-row] a").evaluate_all("all => all.map(each => each.href)")
    assert len(rows) == 3
    page.keyboard.press("j")
    page.keyboard.press("j")
    for key, said in (("c", "held by you"), ("r", "unclaimed")):
        page.keyboard.press(key)
        page.locator("[data-row=here]", has_text=said).wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(rows[1])
    assert faults == []


def test_what_is_typed_and_ticked_stays_while_other_buttons_of_the_page_are_pressed(
    page: Page, url: str, faults: list[str]
) -> None:
    page.goto(f"{url}/console/queue?size=2")
    page.locator("[data-row] a").first.click()
    page.wait_for_url("**/console/cases/*")
    case = page.url
    page.fill("#note", "They wrote to bought lists")
    page.select_option("#code", index=1)
    page.check("[name=alone]")
    for key in ("v", "c"):
        page.keyboard.press("Escape")
        with page.expect_navigation():
            page.keyboard.press(key)
        assert page.url == case and page.input_value("#note") == "They wrote to bought lists"
        assert page.is_checked("[name=alone]")
        assert page.evaluate("document.getElementById('code').selectedIndex") == 1
    with page.expect_navigation():
        page.get_by_role("button", name="Keep as a note").last.click()  # what is sent is not typed a second time
    assert page.input_value("#note") == "" and page.is_checked("[name=alone]")
    page.keyboard.press("r")
    page.wait_for_url("**/console/queue")
    assert faults == []


def test_a_search_begun_on_a_case_decides_nothing(page: Page, url: str, faults: list[str]) -> None:
    page.goto(f"{url}/console/queue")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/cases/*")
    held: list[Route] = []
    page.route("**/console/search", lambda route: held.append(route))
    with page.expect_request("**/console/search"):
        page.keyboard.press("/")
    page.keyboard.type("al")  # at once: the case is still there
    held[0].continue_()
    page.wait_for_url("**/console/search")
    page.unroute("**/console/search")
    page.locator("#q:focus").wait_for()
    page.goto(f"{url}/console/queue")
    assert page.locator("[data-row]").count() == 3 and faults == []


def test_cases_are_decided_by_keyboard(page: Page, url: str, faults: list[str]) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{url}/console/queue")
    assert page.locator("[data-row]").count() == 3
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/cases/*")
    first = page.url
    for key, said in (("l", "Limit:"), ("a", "Allow:")):
        here = page.url
        page.keyboard.press(f"Control+{key}")  # with a modifier it is the browser's
        page.keyboard.press("n")
        page.keyboard.type("al")  # letters in a field are text
        assert page.input_value("#note") == "al" and page.url == here
        page.keyboard.press("Escape")
        page.keyboard.press(key)
        page.get_by_role("status").filter(has_text=said).wait_for()
        assert page.url != here
    page.keyboard.press("u")
    page.get_by_role("status").filter(has_text="Undone:").wait_for()
    page.keyboard.press("a")
    page.get_by_role("status").filter(has_text="Allow:").wait_for()
    page.keyboard.press("l")
    page.get_by_role("status").filter(has_text="Limit:").wait_for()
    assert re.search("/console/queue$", page.url) and page.locator("[data-row]").count() == 0
    page.goto(first)
    assert "decided by ana" in page.content() and faults == []


def test_an_authenticator_is_set_up_and_signs_in(
    browser: Browser, page: Page, url: str, access_parts: AccessParts, clock: Clock, faults: list[str]
) -> None:
    made(access_parts, "tom", "viewer", clock.now)
    with browser.new_context() as context:
        other = context.new_page()
        other.set_default_timeout(DEADLINE)
        other.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)

        def shown(secret: str) -> str:
            """What the app shows."""
            return pyotp.TOTP(secret).at(int(clock.now))

        give_password(other, url, "tom")
        other.wait_for_url("**/console/queue")
        other.goto(f"{url}/console/account/authenticator")
        assert other.locator(".qr svg").is_visible()
        secret = other.locator("p", has_text="Secret:").locator("code").inner_text().replace(" ", "")
        other.fill("#code", shown(secret))
        other.press("#code", "Enter")
        other.get_by_role("heading", name="Recovery codes").wait_for()
        recovery = other.locator("main li code").first.inner_text()
        for is_app in (True, False):
            other.locator(".person summary").click()
            other.get_by_role("button", name="Sign out").click()
            clock.advance(30)  # a code is good for one sign-in
            give_password(other, url, "tom")
            other.get_by_role("heading", name="Your code").wait_for()
            other.fill("#code", shown(secret) if is_app else recovery)
            other.press("#code", "Enter")
            other.wait_for_url("**/console/queue")
    assert faults == []


def test_a_passkey_is_added_and_signs_in(browser: Browser, page: Page, url: str, faults: list[str]) -> None:
    here = url.replace("127.0.0.1", "localhost")  # an address of numbers has no passkeys
    with browser.new_context() as context:
        other = context.new_page()
        other.set_default_timeout(DEADLINE)
        other.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        device = context.new_cdp_session(other)
        device.send("WebAuthn.enable")
        kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        device.send(
            "WebAuthn.addVirtualAuthenticator",
            {"options": {**kind, "isUserVerified": True, "automaticPresenceSimulation": True}},
        )
        give_password(other, here, "ana")
        other.wait_for_url("**/console/queue")
        other.goto(f"{here}/console/account/passkeys")
        other.fill("#name", "this device")
        other.fill("#present", PASSWORD)
        other.press("#present", "Enter")
        other.get_by_role("status").filter(has_text="The passkey this device is added.").wait_for()
        other.locator(".person summary").click()
        other.get_by_role("button", name="Sign out").click()
        other.get_by_role("button", name="Sign in with a passkey").click()
        other.wait_for_url("**/console/queue")
        other.goto(f"{here}/console/account")
        assert other.locator("td", has_text="passkey").count() == 1
    assert faults == []


def test_a_cap_is_changed_with_its_effect_seen_first_and_the_next_sends_obey(
    page: Page, url: str, site: Flask, faults: list[str]
) -> None:
    def sent(recipients: int) -> int:
        headers = {"Authorization": f"Bearer {BOOTSTRAP_KEY}"}
        asked = {"recipients": recipients}
        answer = site.test_client().post("/v1/accounts/u_4/sends", json=asked, headers=headers)
        return int((answer.json or {})["granted"])

    assert sent(3) == 3
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{url}/console/limits")
    for cap in ("hourly", "daily", "monthly"):
        for tier, count in (("review", "4"), ("limit", "3")):
            page.fill(f'[id="tiers.{tier}.{cap}"]', count)
    page.get_by_role("button", name="Simulate", exact=True).click()
    page.get_by_text("5 recorded signups").wait_for()  # the small script asks again while it runs
    assert page.get_by_text("review: a cap of 50 a day becomes 4").is_visible() and sent(1) == 1
    page.fill("#note", "A wave of trials")
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("status").filter(has_text="Version 2 is in force.").wait_for()
    assert sent(5) == 0 and faults == []


#: Pages on which somebody types for long, and where.
LONG_TYPED = {
    "limits": '[id="tiers.review.daily"]',
    "limits/rules": "form.limits input:not([type=hidden]):not([type=checkbox]):visible",
    "limits/text": "#text",
    "lists": "#rows",
}


@pytest.fixture
def asked(page: Page) -> Iterator[list[str]]:
    """What the browser asked; it is told to go on."""
    found: list[str] = []

    def go_on(dialog: Dialog) -> None:
        found.append(dialog.type)
        dialog.accept()

    page.on("dialog", go_on)
    yield found
    page.remove_listener("dialog", go_on)


@pytest.mark.parametrize("path", LONG_TYPED)
def test_before_what_was_typed_for_long_is_left_the_browser_asks(
    page: Page, url: str, faults: list[str], asked: list[str], path: str
) -> None:
    for typed in ("", "7"):
        page.goto(f"{url}/console/{path}")
        page.locator(LONG_TYPED[path]).first.press_sequentially(typed)
        page.get_by_role("link", name="Queue").first.click()
        page.wait_for_url("**/console/queue")
        assert asked == ["beforeunload"] * len(typed)
    assert faults == []


def test_what_was_sent_is_left_without_a_question(page: Page, url: str, faults: list[str], asked: list[str]) -> None:
    page.goto(f"{url}/console/limits")
    for tier, count in (("review", "2"), ("limit", "1")):
        for cap in ("hourly", "daily", "monthly"):
            page.fill(f'[id="tiers.{tier}.{cap}"]', count)
    page.get_by_role("button", name="Simulate", exact=True).click()  # it is kept as a draft
    page.get_by_text("becomes 2").first.wait_for()
    page.get_by_role("link", name="Queue").first.click()
    page.wait_for_url("**/console/queue")
    assert asked == [] and faults == []


def test_a_ring_of_forty_is_cleared_in_one_decision_and_undone_by_keyboard(
    page: Page, site: Flask, url: str, faults: list[str]
) -> None:
    for number in range(40):
        sign_up(site, f"forty_{number}", "device-of-forty-0001")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{url}/console/queue?size=10")  # others wait too, whatever was tested before
    assert page.locator("[data-row]").count() == 1
    page.keyboard.press("c")
    page.get_by_text("held by you").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/cases/*")
    assert page.locator("svg.graph tspan.tier-review").count() == 40
    for key, field in (("x", "cut-1"), ("q", "question"), ("n", "note")):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.id") == field
        page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("one shop")
    page.keyboard.press("Enter")  # keeps a note, and decides nothing
    page.get_by_role("status").filter(has_text="The note is kept").wait_for()
    page.keyboard.press("l")
    page.get_by_role("status").filter(has_text="Limit: 40 accounts: 40 review → limit.").wait_for()
    page.keyboard.press("u")
    page.get_by_role("status").filter(has_text="Undone: 40 accounts as before.").wait_for()
    page.keyboard.press("?")
    page.wait_for_url("**/console/shortcuts")
    page.keyboard.press("g")
    page.keyboard.press("q")
    page.wait_for_url("**/console/queue")
    page.goto(f"{url}/console/queue?size=10")
    assert page.locator("[data-row]").count() == 1 and faults == []


def test_two_reviewers_race_for_one_claim(
    page: Page, browser: Browser, url: str, access_parts: AccessParts, faults: list[str]
) -> None:
    made(access_parts, "bo", "reviewer", NOW)
    other = browser.new_context().new_page()
    other.set_default_timeout(DEADLINE)
    give_password(other, url, "bo")
    other.wait_for_url("**/console/queue")
    page.goto(f"{url}/console/queue")
    case = page.locator("[data-row] a").first.get_attribute("href") or ""
    for each in (page, other):
        each.goto(url + case)
    for each in (page, other):  # both are on their way before either is answered
        each.evaluate("setTimeout(() => document.querySelector('form[action$=\"/claim\"]').requestSubmit(), 50)")
    found = []
    for each in (page, other):
        each.get_by_text(re.compile("held by you|holds this review")).first.wait_for()
        found.append("held by you" in each.inner_text("main"))
    assert sorted(found) == [False, True]
    loser = (page, other)[found.index(False)]
    assert "Nothing was changed" in loser.inner_text("[role=alert]")
    faults.clear()  # the browser tells of the 409
    other.context.close()


def test_nothing_is_cut_off_or_too_small_on_a_narrow_screen(
    page: Page, site: Flask, url: str, faults: list[str]
) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    for number in range(2):
        sign_up(site, f"u_narrow_{number}", "device-of-a-narrow-one")
    page.goto(f"{url}/console/queue?q=u_narrow_1")
    page.locator("[data-row] a").first.click()
    page.wait_for_url("**/console/cases/*")
    page.fill("#note", "Twelve people of one shop who share one device and one address, as they told us")
    page.get_by_label("Only this account").check()
    page.locator("#note").press("Enter")
    page.get_by_role("status").filter(has_text="The note is kept").wait_for()
    assert page.input_value("#note") == ""  # the page is a new one
    page.get_by_label("Only this account").uncheck()
    page.locator("button[data-key=l]").click()
    page.get_by_role("status").filter(has_text="Limit:").wait_for()
    page.keyboard.press("u")
    page.get_by_role("status").filter(has_text="Undone:").wait_for()
    wider = "(each) => each.scrollWidth - each.clientWidth"
    assert page.locator(".moments li.tier").count() > 1 and page.locator(".moments").evaluate(wider) == 0
    split = "(all) => all.filter((each) => each.getClientRects().length > 1).map((each) => each.innerText)"
    assert page.locator(".inline label").evaluate_all(split) == []
    heights = "(all) => Math.min(...all.map((each) => each.getBoundingClientRect().height))"
    assert page.locator("svg.graph text").evaluate_all(heights) > 12
    page.goto(f"{url}/console/watch")
    assert page.locator("svg.chart text").evaluate_all(heights) > 9
    outside = "(all) => all.filter((each) => each.getBBox().x < each.ownerSVGElement.viewBox.baseVal.x).length"
    assert page.locator("svg.chart text").evaluate_all(outside) == 0
    page.goto(f"{url}/console/limits")
    cut = "(all) => all.filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.value)"
    assert page.locator(".caps input").evaluate_all(cut) == [] and faults == []


@contextlib.contextmanager
def silent(store: Store) -> Iterator[None]:
    """The store hangs."""
    pid = store.execute("INFO", "server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
        store.ping()


def test_a_page_stays_with_what_was_typed_where_the_store_hangs_or_refuses_writes(
    page: Page, site: Flask, url: str, session_store: Store, faults: list[str]
) -> None:
    sign_up(site, "u_stays", "device-of-one-who-stays")
    page.goto(f"{url}/console/queue?q=u_stays")
    page.locator("[data-row] a").first.click()
    page.wait_for_url("**/console/cases/*")
    case = page.url
    page.fill("#note", "Ten lists in a day")
    page.fill("#question", "Which list?")
    failed, text = page.locator("#failed"), page.get_by_text
    with silent(session_store):
        page.keyboard.press("Escape")
        page.locator("h1").first.click()
        page.keyboard.press("l")
        failed.get_by_text("Read only: the store does not answer").wait_for()
        assert "Nothing was done." in failed.inner_text() and "with what you wrote" in failed.inner_text()
        assert page.evaluate("document.activeElement.id") == "failed"
    session_store.execute("CONFIG", "SET", "maxmemory", "1")
    try:
        page.get_by_role("button", name="Ask", exact=True).click()
        failed.get_by_text("Read only: the store takes no writes").wait_for()
    finally:
        session_store.execute("CONFIG", "SET", "maxmemory", "0")
    assert failed.count() == 1 and page.url == case and text("Whom it touches").is_visible()
    assert (page.input_value("#note"), page.input_value("#question")) == ("Ten lists in a day", "Which list?")
    assert Axe().run(page).response["violations"] == []
    page.locator("button[data-key=l]").click()
    page.get_by_role("status").filter(has_text="Limit: 1 account").wait_for()
    page.goto(case)
    assert "other: Ten lists in a day" in page.inner_text("main") and failed.count() == 0
    assert [each for each in faults if "503" not in each] == []
    faults.clear()  # the browser tells of the 503


def test_a_page_that_could_not_be_read_comes_by_itself_and_asks_every_ten_seconds(
    browser: Browser, page: Page, url: str, session_store: Store, faults: list[str]
) -> None:
    with browser.new_context(storage_state=page.context.storage_state()) as context:
        other = context.new_page()
        other.set_default_timeout(DEADLINE)
        other.clock.install(time=0)
        other.clock.pause_at(1000)  # from now on only the test lets time pass
        asked: list[str] = []
        other.on("request", lambda request: asked.append(request.url))
        with silent(session_store):
            other.goto(f"{url}/console/queue?tab=mine")
            other.get_by_role("heading", name="The store does not answer").wait_for()
            asked.clear()
            other.clock.run_for(9_000)
            assert asked == []
            with other.expect_response(lambda answer: answer.status == 503):
                other.clock.run_for(2_000)
            other.clock.resume()
            assert Axe().run(other).response["violations"] == []
        other.clock.fast_forward(10_000)
        other.get_by_role("heading", name="Queue").wait_for()
        assert other.url == f"{url}/console/queue?tab=mine"
    assert faults == []


def test_a_form_answered_with_a_page_shows_it_in_place(page: Page, url: str, faults: list[str]) -> None:
    page.goto(f"{url}/console/lists")
    page.fill("#rows", "kind,value\nasn,64500\nnothing,x")
    page.get_by_role("button", name="Import").click()
    page.get_by_role("button", name="Undo this import").click()
    page.get_by_role("status").filter(has_text="1 removed").wait_for()
    page.goto(f"{url}/console/search?q=mailinator.com")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    assert download.value.suggested_filename == "accounts.csv" and faults == []
