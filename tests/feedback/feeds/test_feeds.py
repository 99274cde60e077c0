"""What every feed promises: only its provider is believed, each event counts once, and nothing is half acknowledged."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from riskapi.api.routes import MAX_BODY
from riskapi.errors import Problem
from riskapi.feedback.feeds.feed import ProviderFeed
from riskapi.feedback.feeds.mailgun import FORM
from riskapi.feedback.feeds.providers import feeds
from riskapi.feedback.reports import Received
from riskapi.settings import Settings
from riskapi.store.connections import Store
from tests.conftest import NOW, ROOT, Clock
from tests.feedback.feeds.conftest import ProviderClient
from tests.feedback.feeds.mutations import mutated
from tests.feedback.feeds.senders import SENDERS, Sender, Sent

each_sender = pytest.mark.parametrize("sender", SENDERS.values(), ids=SENDERS)
ZERO = {"accepted": 0, "duplicates": 0, "unknown_accounts": 0, "ignored": 0, "not_understood": 0, "actions": []}


def complain(provider: ProviderClient, sender: Sender, *ids: str, user: str | None = "u_1") -> list[Any]:
    """The answers to complaints, in as many requests as the provider sends."""
    bodies = sender.several(*[sender.complaint(id, user) for id in ids])
    return [provider.post(sender.name, sender.sent(body)) for body in bodies]


PAGES = ROOT / "docs/feedback"


def test_every_feed_has_a_page_that_says_what_to_click_and_what_to_paste() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} >= set(SENDERS)
    for name in SENDERS:
        text = (PAGES / f"{name}.md").read_text()
        assert f"/v1/feedback/{name}" in text
        assert f"RISKAPI_FEEDBACK_{name.upper()}_" in text
        assert "account_id" in text


@each_sender
class TestBelieved:
    def test_a_good_signature_is_counted_for_the_account_that_is_named(
        self, provider: ProviderClient, sender: Sender
    ) -> None:
        (answer,) = complain(provider, sender, "evt_1")
        assert (answer.status_code, answer.json) == (200, {**ZERO, "accepted": 1})
        assert provider.counts()["complaints"] == 1
        assert provider.counts("u_2")["complaints"] == 0

    def test_a_feed_needs_no_api_key_and_takes_none_for_a_proof(self, provider: ProviderClient, sender: Sender) -> None:
        unproved = sender.unproved(sender.sent(sender.complaint("evt_1")))
        bearer = replace(unproved, headers={**unproved.headers, "Authorization": "Bearer anything"})
        assert provider.post(sender.name, bearer).status_code == 401

    def test_a_wrong_or_missing_proof_is_401_and_counts_nothing(self, provider: ProviderClient, sender: Sender) -> None:
        sent = sender.sent(sender.complaint("evt_1"))
        for wrong in (sender.spoiled(sent), sender.unproved(sent)):
            answer = provider.post(sender.name, wrong)
            assert answer.status_code == 401
            assert answer.json["code"] == "bad_signature"
        assert provider.counts()["complaints"] == 0
        assert provider.post(sender.name, sent).json["accepted"] == 1  # what was refused used nothing up

    def test_a_feed_without_its_secret_is_off(
        self, store: Store, settings: Settings, clock: Clock, sender: Sender, make_app: Any
    ) -> None:
        assert feeds(settings, store) == {}
        off = ProviderClient(make_app().test_client(), clock)
        answer = off.post(sender.name, sender.sent(sender.complaint("evt_1")))
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")

    def test_other_providers_payloads_are_not_this_feed(self, provider: ProviderClient, sender: Sender) -> None:
        for other in SENDERS.values():
            if other is sender:
                continue
            payload = other.complaint("evt_1")
            answer = provider.post(sender.name, sender.sent(payload))
            if sender.name in ("ses", "mailgun"):  # they wrap what they say, which is then not understood
                assert answer.status_code in (200, 400)
                assert answer.status_code == 400 or answer.json["not_understood"] == 1 or answer.json["ignored"] == 1
            else:
                assert (answer.status_code, answer.json["code"]) == (400, "not_this_feed"), other.name
        assert provider.counts()["complaints"] == 0

    def test_other_providers_requests_are_refused(self, provider: ProviderClient, sender: Sender) -> None:
        for other in SENDERS.values():
            if other is not sender:
                sent = other.sent(other.complaint("evt_1"))
                assert 400 <= provider.post(sender.name, sent).status_code < 500
        assert provider.counts()["complaints"] == 0


@each_sender
class TestOnce:
    def test_a_replay_counts_no_second_time(self, provider: ProviderClient, sender: Sender) -> None:
        sent = sender.sent(sender.complaint("evt_1"))
        assert provider.post(sender.name, sent).json["accepted"] == 1
        again = provider.post(sender.name, sent)
        if sender.once:
            assert (again.status_code, again.json["code"]) == (401, "bad_signature")
        else:
            assert (again.status_code, again.json) == (200, {**ZERO, "duplicates": 1})
        assert provider.counts()["complaints"] == 1

    def test_an_event_that_is_sent_again_days_later_is_a_duplicate(
        self, provider: ProviderClient, sender: Sender
    ) -> None:
        payload = sender.complaint("evt_1")
        provider.post(sender.name, sender.sent(payload))
        later = provider.clock.advance(4 * 86_400)
        assert provider.post(sender.name, sender.sent(payload, later)).json == {**ZERO, "duplicates": 1}
        assert provider.counts()["complaints"] == 1

    def test_order_and_repeats_do_not_matter(self, provider: ProviderClient, sender: Sender) -> None:
        ids = [f"evt_{number}" for number in range(8)] * 3
        random.Random(7).shuffle(ids)
        answers = [answer for at in range(0, len(ids), 5) for answer in complain(provider, sender, *ids[at : at + 5])]
        assert {answer.status_code for answer in answers} == {200}
        assert sum(answer.json["accepted"] for answer in answers) == 8
        assert sum(answer.json["duplicates"] for answer in answers) == 16
        assert provider.counts()["complaints"] == 8

    def test_a_body_that_could_not_be_stored_is_503_and_uses_nothing_up(
        self, provider: ProviderClient, away: ProviderClient, sender: Sender
    ) -> None:
        sent = sender.sent(sender.complaint("evt_1"))
        answer = away.post(sender.name, sent)
        assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert provider.post(sender.name, sent).json == {**ZERO, "accepted": 1}


@each_sender
class TestUnderstood:
    def test_events_of_unknown_types_are_ignored(self, provider: ProviderClient, sender: Sender) -> None:
        answer = provider.post(sender.name, sender.sent(sender.unknown()))
        assert (answer.status_code, answer.json) == (200, {**ZERO, "ignored": 1})

    def test_what_names_no_account_or_one_that_is_not_known_is_counted_as_that(
        self, provider: ProviderClient, sender: Sender
    ) -> None:
        for id, user in (("evt_1", None), ("evt_2", "u_404")):
            (answer,) = complain(provider, sender, id, user=user)
            assert answer.json == {**ZERO, "unknown_accounts": 1}

    def test_half_a_body_is_refused(self, provider: ProviderClient, sender: Sender) -> None:
        sent = sender.sent(sender.complaint("evt_1"))
        half = replace(sent, body=sent.body[: len(sent.body) // 2])
        assert provider.post(sender.name, half).status_code in (400, 401)
        assert provider.post(sender.name, replace(sent, body=b"")).status_code in (400, 401)
        assert provider.post(sender.name, sent).json["accepted"] == 1

    @pytest.mark.parametrize(
        "body",
        [b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe{}", b'{"event": "\xe9"}', b'"\\ud800"', b"null", b"1e999", b"7"],
        ids=["deep array", "deep object", "UTF-16", "Latin-1", "half a surrogate", "null", "infinite", "a number"],
    )
    def test_what_is_no_sound_json_is_refused(self, provider: ProviderClient, sender: Sender, body: bytes) -> None:
        answer = provider.post(sender.name, sender.proved(body))
        assert answer.status_code in (400, 401)

    def test_a_body_over_the_limit_is_refused(self, provider: ProviderClient, sender: Sender) -> None:
        sent = sender.sent(sender.complaint("evt_1"))
        answer = provider.post(sender.name, replace(sent, body=sent.body + b" " * MAX_BODY))
        assert (answer.status_code, answer.json["code"]) == (413, "payload_too_large")

    def test_a_large_body_of_many_parts_is_answered(self, provider: ProviderClient, sender: Sender) -> None:
        payload: Any = [{str(number): [None] * 8} for number in range(15_000)]
        answer = provider.post(sender.name, sender.sent(payload))
        assert answer.status_code in (200, 400)

    def test_a_type_of_body_that_the_provider_does_not_send_is_refused(
        self, provider: ProviderClient, sender: Sender
    ) -> None:
        sent = sender.sent(sender.complaint("evt_1"))
        taken = {"ses": "application/json or text/plain", "mailgun": f"application/json or {FORM}"}
        for media in ("application/xml", "multipart/form-data; boundary=x", "", "message/rfc822"):
            answer = provider.post(sender.name, sent, media)
            assert answer.status_code == 415, media
            assert answer.json["detail"] == f"Send Content-Type: {taken.get(sender.name, 'application/json')}."
        if sender.name != "ses":
            assert provider.post(sender.name, sent, "text/plain").status_code == 415
        if sender.name != "mailgun":
            assert provider.post(sender.name, sent, "application/x-www-form-urlencoded").status_code == 415
        assert provider.post(sender.name, sent, "application/json; charset=utf-8").json["accepted"] == 1

    def test_no_answer_repeats_what_was_sent(self, provider: ProviderClient, sender: Sender) -> None:
        sent = sender.spoiled(sender.sent(sender.complaint("evt_1")))
        assert b"bo@ruiz" not in provider.post(sender.name, sent).data


JSONS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@each_sender
class TestNeverCrashes:
    @effort(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(payload=JSONS)
    def test_no_json_crashes_a_feed(self, providers: dict[str, ProviderFeed], sender: Sender, payload: Any) -> None:
        attempt(providers[sender.name], sender, payload)

    @effort(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(path=st.lists(st.integers(0, 40), min_size=1, max_size=6), other=JSONS)
    def test_no_payload_with_one_value_changed_crashes_a_feed(
        self, providers: dict[str, ProviderFeed], sender: Sender, path: list[int], other: Any
    ) -> None:
        attempt(providers[sender.name], sender, mutated(sender.complaint("evt_1"), path, other))


def attempt(feed: ProviderFeed, sender: Sender, payload: Any) -> None:
    """Whatever is said is read or refused, whoever proves it."""
    sent = sender.sent(payload)
    for posted in (sent.posted(), sender_headers_only(sent).posted()):
        try:
            feed.verify(posted)
            received = feed.read(posted)
        except Problem as problem:
            assert problem.status in (400, 401)
            continue
        assert isinstance(received, Received)
        for report in received.reports:
            assert report.id
            assert 0 < report.at <= NOW


def sender_headers_only(sent: Sent) -> Sent:
    """The same with headers that hold anything but what they should."""
    return replace(sent, headers={name: "\x7f, v1,=,é" for name in sent.headers})
