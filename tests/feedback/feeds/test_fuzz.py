"""Whole requests to every feed, broken in any way: each is read or refused, and each part is counted as something."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from riskapi.api.routes import MAX_BODY
from riskapi.errors import Problem
from riskapi.feedback.feeds.feed import ProviderFeed
from riskapi.feedback.feeds.sns_certificates import key_of
from riskapi.feedback.reports import Received
from tests.conftest import NOW
from tests.feedback.feeds.conftest import ProviderClient
from tests.feedback.feeds.mutations import CHUNKS, VALUES, cut, mutated, paths
from tests.feedback.feeds.senders import SENDERS, Sender, Sent

each_sender = pytest.mark.parametrize("sender", SENDERS.values(), ids=SENDERS)
#: Few examples: the suite runs this at each change, and each run draws others.
quick = effort(max_examples=40, suppress_health_check=list(HealthCheck))


def asked(feed: ProviderFeed, sent: Sent) -> Received | None:
    """What became of a request; None where it was refused. Nothing else may come of it."""
    posted = sent.posted()
    try:
        feed.verify(posted)
        received = feed.read(posted)
    except Problem as problem:
        assert problem.status in (400, 401, 422, 503) and problem.detail
        return None
    assert len(received.reports) + received.ignored + len(received.not_understood) >= min(1, parts(sent.body))
    for report in received.reports:
        assert report.id and 0 < report.at <= NOW
    return received


def parts(body: bytes) -> int:
    """Events in a body that says a list of them; 1 for anything else."""
    try:
        found = orjson.loads(body)
    except ValueError:
        return 1
    return len(found) if isinstance(found, list) else 1


@each_sender
class TestBrokenRequests:
    @quick
    @given(edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), CHUNKS), min_size=1, max_size=6))
    def test_bytes_changed_on_the_way(
        self, providers: dict[str, ProviderFeed], sender: Sender, edits: list[tuple[float, int, bytes]]
    ) -> None:
        sent = sender.sent(sender.complaint("evt_1"))
        asked(providers[sender.name], replace(sent, body=cut(sent.body, edits)))

    @quick
    @given(edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), CHUNKS), min_size=1, max_size=6))
    def test_bytes_changed_before_they_were_proved(
        self, providers: dict[str, ProviderFeed], sender: Sender, edits: list[tuple[float, int, bytes]]
    ) -> None:
        body = sender.sent(sender.complaint("evt_1")).body
        asked(providers[sender.name], sender.proved(cut(body, edits)))

    def test_each_value_of_the_envelope_is_another(self, providers: dict[str, ProviderFeed], sender: Sender) -> None:
        said = orjson.loads(sender.sent(sender.complaint("evt_1")).body)
        for path in paths(said):
            for other in VALUES:
                asked(providers[sender.name], sender.proved(orjson.dumps(mutated(said, path, other))))

    @quick
    @given(value=st.text(max_size=60) | st.just("x" * 100_000), name=st.integers(0, 10))
    def test_headers_hold_anything(
        self, providers: dict[str, ProviderFeed], sender: Sender, value: str, name: int
    ) -> None:
        sent = sender.sent(sender.complaint("evt_1"))
        if names := list(sent.headers):
            sent = replace(sent, headers={**sent.headers, names[name % len(names)]: value})
        asked(providers[sender.name], sent)

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 2000 + b"]" * 2000,
            b'{"a":' * 1000 + b"1" + b"}" * 1000,
            b"[" + b"{}," * 100_000 + b"{}]",
            b'{"' + b"k" * 1_000_000 + b'": 1}',
            b"[1e400]",
            b'["\\ud800"]',
            b"\xff\xfe[\x00]\x00",
            b"",
        ],
        ids=[
            "deep lists",
            "deep objects",
            "many parts",
            "a long key",
            "a large number",
            "half a pair",
            "utf-16",
            "none",
        ],
    )
    def test_bombs_are_answered_and_nothing_is_made_of_them(
        self, providers: dict[str, ProviderFeed], sender: Sender, body: bytes
    ) -> None:
        received = asked(providers[sender.name], sender.proved(body))
        assert received is None or received.reports == ()


@each_sender
def test_work_is_bounded_by_the_body(provider: ProviderClient, sender: Sender) -> None:
    """A body as large as is taken, of as many recipients as fit, is answered; no report is made of none."""
    payload = sender.complaint("evt_1")
    each = len(orjson.dumps(payload)) + 64
    bodies = sender.several(*[payload] * (MAX_BODY // each // 4))
    answer = provider.post(sender.name, sender.sent(bodies[0]))
    assert answer.status_code == 200
    assert (
        answer.json["accepted"] + answer.json["duplicates"] <= max(1, len(bodies[0])) and answer.json["accepted"] <= 1
    )


CERTIFICATE = SENDERS["ses"].certificate  # type: ignore[attr-defined]


@quick
@given(edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 200), CHUNKS), min_size=1, max_size=4))
def test_a_broken_certificate_has_no_key_or_the_one_it_had(edits: list[tuple[float, int, bytes]]) -> None:
    found = key_of(cut(CERTIFICATE, edits), NOW)
    assert found is None or found.key_size >= 1024
