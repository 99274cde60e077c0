"""The pages Watch and Model: what was counted, as charts and tables; empty ones teach; nothing in them is a program."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from markupsafe import escape

from riskapi.api.parts import Parts
from riskapi.console.access_parts import AccessParts
from riskapi.console.chart import Series, over_time, side_by_side
from riskapi.console.drift import LITTLE, MUCH, stability
from riskapi.console.pages.watch import RANGES
from riskapi.feedback.event import FeedbackEvent
from riskapi.store import heartbeats
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from riskapi.store.tallies import Happened, Tallies
from riskapi.worker.tallying import Tallying
from tests.conftest import NOW
from tests.console.visitor import Visitor, signed_in
from tests.signups import body


@pytest.fixture
def viewer(session_site: Flask, access_parts: AccessParts) -> Visitor:
    return signed_in(session_site, access_parts, "vic", "viewer", NOW)


def count(store: Store, *happened: Happened, at: float = NOW) -> None:
    pipe = store.pipeline()
    Tallies(store).queue(pipe, happened, at)
    store.run(pipe)


def test_nobody_sees_it_without_signing_in(visitor: Visitor) -> None:
    for path in ("watch", "model"):
        visitor.get(f"/console/{path}")
        assert visitor.path == "/console/sign-in"


def test_with_nothing_counted_it_says_what_fills_it(viewer: Visitor) -> None:
    viewer.get("/console/watch")
    commands = ("make demo-console", "python -m riskapi worker", "POST /v1/signups", "POST /v1/feedback")
    for words in (*commands, "None grew"):
        assert words in viewer.text
    assert "<svg" not in viewer.text
    assert "no worker ever looked" in viewer.text
    viewer.get("/console/model")
    assert "POST /v1/signups" in viewer.text and "shadow" in viewer.text


def test_signups_reviews_mail_clusters_and_thresholds_stand_in_charts_and_tables(
    viewer: Visitor, parts: Parts, store: Store
) -> None:
    for number in range(4):
        shared = {"ip_address": f"81.2.69.{number + 1}", "id": "device-of-a-ring-0001"}
        signup = body(f"u_{number}", email={"address": f"u_{number}@mailinator.com"}, device=shared)
        parts.assessor.signup(signup, NOW)
    store.execute("HSET", account_key("u_1"), "origin", "64496 mailinator.com")
    events = [FeedbackEvent(id=str(number), type="delivered", user_id="u_1") for number in range(98)]
    events += [FeedbackEvent(id=f"b{number}", type="block", user_id="u_1") for number in range(2)]
    events += [FeedbackEvent(id="c", type="complaint", user_id="u_1")]
    parts.feedback.count(events, NOW)
    count(store, Happened("threshold", "complaint_rate", "n", 3))
    Tallying(store).step(NOW)
    parts.monitor.step(NOW)
    viewer.get("/console/watch")
    page = viewer.text
    assert "4 signups" in page and page.count('<svg class="chart"') == 5
    assert "98 recipients reached, 1 complaint" in page and "2.00%" in page and "1.02%" in page
    assert "/console/search?q=AS64496" in page and "/console/search?q=mailinator.com" in page
    assert re.search(r"/console/search\?q=clu_\w+", page)
    assert "complaint rate" in page and "3 times, by 1 rule" in page
    assert "looked 0 min ago" in page
    assert " style=" not in page and "<style" not in page and "<script>" not in page


@pytest.mark.parametrize(
    ("looked", "runs", "said"),
    [
        (-299.0, False, "looked 5 min ago"),
        (-18 * 3600.0, True, "runs, and did not look yet; the look before is 18 h old. It looks once a minute"),
        (-18 * 3600.0, False, "none runs, and none looked for 18 h; python -m riskapi worker starts one"),
        (None, True, "runs, and did not look yet. It looks once a minute"),
        (None, False, "no worker ever looked; python -m riskapi worker starts one"),
    ],
)
def test_it_says_whether_a_worker_runs(
    viewer: Visitor, parts: Parts, store: Store, looked: float | None, runs: bool, said: str
) -> None:
    if looked is not None:
        parts.monitor.step(NOW + looked)
    if runs:
        heartbeats.beat(store, "a-worker", NOW)
    viewer.get("/console/watch")
    assert f"<td>{said}</td>" in viewer.text


@pytest.mark.parametrize("name", RANGES)
def test_the_range_stands_in_the_address(viewer: Visitor, store: Store, name: str) -> None:
    count(store, Happened("signup", "allow", "n", 7), at=NOW - 3 * 86400)
    viewer.get(f"/console/watch?range={name}")
    assert ("7 signups" in viewer.text) == (name != "24h")
    assert re.search(rf'range={name}" aria-current="page"', viewer.text)


def test_another_range_is_the_first_one(viewer: Visitor) -> None:
    viewer.get("/console/watch?range=<script>")
    assert 'range=24h" aria-current' in viewer.text and "<script>" not in viewer.text


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "{{7*7}}", "=cmd|' /C calc'!A0"])
def test_names_that_others_choose_are_text(viewer: Visitor, store: Store, text: str) -> None:
    for group in ("threshold", "shadow", "asn"):
        count(store, Happened(group, text, "n" if group == "threshold" else "same", 20))
    count(store, Happened("mail", "all", "d", 5), Happened("domain", "0123456789ab", "d", 20, f"a.{text}"))
    for path in ("watch", "model"):
        viewer.get(f"/console/{path}")
        assert viewer.page is not None and viewer.page.status_code == 200
        assert "<script>alert" not in viewer.text and str(escape(text)) in viewer.text


def test_a_small_mail_domain_has_no_name(viewer: Visitor, store: Store) -> None:
    count(store, Happened("mail", "all", "d"), Happened("domain", "0123456789ab", "d", 1, "ruiz.example"))
    viewer.get("/console/watch")
    assert "a small domain" in viewer.text and "ruiz.example" not in viewer.text


def test_shares_need_deliveries(viewer: Visitor, store: Store) -> None:
    count(store, Happened("mail", "all", "c", 3))
    viewer.get("/console/watch")
    assert "shares need deliveries" in viewer.text and "100.00%" not in viewer.text


def test_the_model_page_shows_card_drift_and_shadow(viewer: Visitor, store: Store, parts: Parts) -> None:
    for back in range(20):
        score = "0" if back >= 7 else "9"
        count(store, Happened("score", score, "n", 100), at=NOW - back * 86400)
    count(store, Happened("shadow", "rule:burst", "tighter", 12), Happened("shadow", "rule:burst", "same", 3))
    viewer.get("/console/model")
    scorer = parts.publisher.active.basis.scorer
    if scorer is not None:
        assert scorer.version in viewer.text and "Learned from" in viewer.text
    assert "drift much" in viewer.text and "700" in viewer.text
    viewer.get("/console/watch")
    assert "look whether the model still fits" in viewer.text
    viewer.get("/console/model")
    assert re.search(r"rule:burst</th><td class=\"number\">3</td><td class=\"number\">12</td>", viewer.text)


@pytest.mark.parametrize(
    ("before", "late", "low", "high"),
    [
        ([900, 100, 0], [90, 10, 0], None, None),
        ([900, 100, 0], [450, 50, 0], 0.0, LITTLE),
        ([500, 500, 0], [300, 700, 0], LITTLE, MUCH),
        ([900, 100, 0], [100, 900, 0], MUCH, 10.0),
    ],
)
def test_drift(before: list[int], late: list[int], low: float | None, high: float | None) -> None:
    found = stability(before, late)
    assert found is None if low is None or high is None else found is not None and low <= found < high


def test_bars_by_one_scale_or_by_their_own() -> None:
    series = [Series("many", [100, 50, None, 0], "150"), Series("few", [10, 0, 0, 0], "10")]
    one, own = over_time(series, together=True), over_time(series, together=False)
    assert [len(row.bars) for row in one.rows] == [2, 1]
    assert one.rows[1].bars[0].height < own.rows[1].bars[0].height == own.rows[0].bars[0].height
    assert all(bar.y >= 0 and bar.x + bar.width <= one.width for row in one.rows for bar in row.bars)


@pytest.mark.parametrize(("words", "start"), [(["one"], 135), (["one", "hard bounces"], 68), (["x" * 40], 0)])
def test_a_drawing_begins_where_its_longest_word_does(words: list[str], start: int) -> None:
    assert side_by_side([(word, 1.0, "1") for word in words]).start == start
    assert over_time([Series(word, [1], "1") for word in words], together=True).start == start


def test_bars_side_by_side() -> None:
    made = side_by_side([("one", 10.0, "10"), ("a word that is too long", 5.0, "5")])
    assert made.rows[0].bars[0].width == 2 * made.rows[1].bars[0].width
    assert made.rows[1].word.endswith("…")
