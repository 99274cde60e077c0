"""What proves a provider, beyond what every feed promises: rotation, clocks, replayed tokens, keys in addresses."""

from __future__ import annotations

import base64
import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from riskapi.errors import Problem
from riskapi.feedback.feeds.basic import BasicAuth
from riskapi.feedback.feeds.mailgun import OLDEST, Mailgun
from riskapi.feedback.feeds.naming import Naming
from riskapi.feedback.feeds.resend import TOLERANCE, Resend
from riskapi.feedback.feeds.sendgrid import SendGrid
from riskapi.feedback.feeds.tokens import Tokens
from riskapi.store.connections import Store
from tests.conftest import NOW
from tests.feedback.feeds import senders
from tests.feedback.feeds.conftest import ProviderClient
from tests.feedback.feeds.senders import SENDERS, Sent

MAILGUN: Any = SENDERS["mailgun"]
RESEND: Any = SENDERS["resend"]
SENDGRID: Any = SENDERS["sendgrid"]


def refused(feed: Any, sent: Sent, now: float = NOW) -> bool:
    try:
        feed.verify(sent.posted(now))
    except Problem as problem:
        assert problem.code == "bad_signature"
        return True
    return False


class TestBasicAuth:
    def header(self, text: bytes) -> Sent:
        return Sent(b"", {"Authorization": f"Basic {base64.b64encode(text).decode()}"})

    def check(self, sent: Sent, *, in_address: bool = False) -> bool:
        auth = BasicAuth(SecretStr("risk:pä:ss"), in_address=in_address)
        try:
            auth.check(sent.posted())
        except Problem as problem:
            assert problem.headers["WWW-Authenticate"].startswith("Basic ")
            return False
        return True

    def test_basic_auth_takes_user_and_password_in_utf_8(self) -> None:
        assert self.check(self.header("risk:pä:ss".encode()))
        scheme = {"Authorization": f"bAsIc {base64.b64encode('risk:pä:ss'.encode()).decode()}"}
        assert self.check(Sent(b"", scheme))

    @pytest.mark.parametrize(
        "shown", [b"", b"risk", b"risk:", b"risk:pass", b":", b"risk:p\xe4:ss", b"RISK:p\xc3\xa4:ss"]
    )
    def test_basic_auth_refuses_others(self, shown: bytes) -> None:
        assert not self.check(self.header(shown))

    @pytest.mark.parametrize("header", ["", "Basic", "Basic ====", "Basic é", "Bearer cmlzazpww6Q6c3M="])
    def test_basic_auth_refuses_what_is_none(self, header: str) -> None:
        assert not self.check(Sent(b"", {"Authorization": header}))

    def test_basic_auth_takes_the_password_in_the_address_where_the_provider_has_no_other_way(self) -> None:
        keyed = Sent(b"", query={"key": "pä:ss"})
        assert self.check(keyed, in_address=True)
        assert not self.check(keyed)
        for key in ("", "pass", "risk:pä:ss"):
            assert not self.check(Sent(b"", query={"key": key}), in_address=True)

    @pytest.mark.parametrize("name", ["brevo", "mailjet"])
    def test_basic_auth_by_address_over_http(self, provider: ProviderClient, name: str) -> None:
        sender = SENDERS[name]
        sent = replace(
            sender.sent(sender.complaint("evt_1")), headers={}, query={"key": senders.BASIC.partition(":")[2]}
        )
        assert provider.post(name, sent).json["accepted"] == 1
        assert provider.post(name, replace(sent, query={"key": "wrong"})).status_code == 401


class TestSendGrid:
    def test_believes_each_of_several_keys(self) -> None:
        other = type(SENDGRID)()
        both = SendGrid([other.key.public_key(), SENDGRID.key.public_key()], Naming())
        for sender in (SENDGRID, other):
            assert not refused(both, sender.sent(sender.complaint("evt_1")))
        assert refused(SendGrid([other.key.public_key()], Naming()), SENDGRID.sent([]))

    def test_sendgrid_signs_timestamp_and_body(self) -> None:
        feed, sent = SendGrid([SENDGRID.key.public_key()], Naming()), SENDGRID.sent(SENDGRID.complaint("evt_1"))
        assert refused(feed, replace(sent, body=sent.body + b" "))
        name = "X-Twilio-Email-Event-Webhook-Timestamp"
        assert refused(feed, replace(sent, headers={**sent.headers, name: "1"}))

    def test_age_is_no_reason_to_refuse(self, provider: ProviderClient) -> None:
        sent = SENDGRID.sent(SENDGRID.complaint("evt_1"))
        provider.clock.advance(3 * 86_400)
        assert provider.post("sendgrid", sent).json["accepted"] == 1


class TestMailgun:
    def feed(self, store: Store, *keys: str) -> Mailgun:
        return Mailgun([SecretStr(key) for key in keys or (MAILGUN.key,)], store, Naming())

    def test_believes_each_of_several_keys(self, store: Store) -> None:
        sent = MAILGUN.sent(MAILGUN.complaint("evt_1"))
        assert not refused(self.feed(store, "another", MAILGUN.key), sent)
        assert refused(self.feed(store, "another"), sent)

    def test_a_token_signs_one_body_only(self, provider: ProviderClient) -> None:
        """The signature is over timestamp and token: whoever saw one could otherwise sign what they like."""
        genuine = MAILGUN.sent(MAILGUN.complaint("evt_1"), token="t" * 50)
        forged = MAILGUN.sent(MAILGUN.complaint("evt_2", user="u_2"), token="t" * 50)
        assert provider.post("mailgun", genuine).json["accepted"] == 1
        assert provider.post("mailgun", forged).status_code == 401
        assert provider.counts("u_2")["complaints"] == 0

    def test_another_body_is_refused_also_before_the_first_was_stored(self, store: Store) -> None:
        feed = self.feed(store)
        assert not refused(feed, MAILGUN.sent(MAILGUN.complaint("evt_1"), token="t" * 50))
        assert refused(feed, MAILGUN.sent(MAILGUN.complaint("evt_2"), token="t" * 50))

    def test_the_same_body_may_come_again_until_it_was_stored(self, store: Store) -> None:
        feed, sent = self.feed(store), MAILGUN.sent(MAILGUN.complaint("evt_1"))
        for _ in range(3):
            assert not refused(feed, sent, NOW + 8 * 3600)
        feed.finish(sent.posted())
        assert refused(feed, sent)

    def test_a_signature_is_believed_for_no_longer_than_its_token_is_remembered(self, store: Store) -> None:
        feed = self.feed(store)
        assert not refused(feed, MAILGUN.sent(MAILGUN.complaint("evt_1")), NOW + OLDEST)
        late = MAILGUN.sent(MAILGUN.complaint("evt_2"))
        assert refused(feed, late, NOW + OLDEST + 1)
        ahead = MAILGUN.sent(MAILGUN.complaint("evt_3"), NOW + 2 * 86_400)
        assert refused(feed, ahead)
        first = MAILGUN.sent(MAILGUN.complaint("evt_4"), NOW + 86_400)
        assert not refused(feed, first)
        keys = store.execute("KEYS", "risk:ft:*")
        assert min(store.execute("TTL", key) for key in keys) >= OLDEST + 86_400 - 60

    @pytest.mark.parametrize("timestamp", ["", "soon", "-1", "9" * 20, "١٢٣"])
    def test_a_timestamp_that_is_none_is_refused(self, store: Store, timestamp: str) -> None:
        found = hmac.new(MAILGUN.key.encode(), f"{timestamp}t".encode(), hashlib.sha256).hexdigest()
        signature = {"timestamp": timestamp, "token": "t", "signature": found}
        body = orjson.dumps({"signature": signature, "event-data": MAILGUN.complaint("evt_1")})
        assert refused(self.feed(store), Sent(body))

    def test_of_bodies_that_race_for_a_token_one_wins(self, store: Store) -> None:
        """Whichever it is, it may go on and come again; the others are refused."""
        tokens = Tokens(store, 60)

        def take(number: int) -> bool:
            try:
                tokens.take("t", b"body %d" % (number % 4))
            except Problem:
                return False
            return True

        for _ in range(20):
            store.execute("FLUSHALL")
            with ThreadPoolExecutor(8) as pool:
                won = list(pool.map(take, range(32)))
            winners = {number % 4 for number in range(32) if won[number]}
            assert len(winners) == 1
            assert all(won[number] for number in range(32) if number % 4 in winners)

    def test_a_race_of_the_same_request_counts_once(self, provider: ProviderClient) -> None:
        sent = MAILGUN.sent(MAILGUN.complaint("evt_1"))
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: provider.http.application.test_client(), range(8)))
            found = list(pool.map(lambda http: ProviderClient(http, provider.clock).post("mailgun", sent), answers))
        assert {answer.status_code for answer in found} <= {200, 401}
        assert sum(answer.json.get("accepted", 0) for answer in found) == 1
        assert provider.counts()["complaints"] == 1

    def test_legacy_forms_are_read(self, provider: ProviderClient) -> None:
        fields = [
            ("event", "bounced"),
            ("recipient", "bo@ruiz.example"),
            ("domain", "saas.example"),
            ("code", "550"),
            ("error", "5.1.1 no such user"),
            ("Message-Id", "<m_1@saas.example>"),
            ("account_id", "u_1"),
            ("token", "a variable of the user's"),
        ]
        sent = MAILGUN.form(fields)
        assert provider.post("mailgun", sent).json["accepted"] == 1
        assert provider.counts()["hard_bounces"] == 1
        assert provider.post("mailgun", sent).status_code == 401  # its token is used up
        wrong = replace(sent, body=sent.body.replace(b"signature=", b"signature=0"))
        assert provider.post("mailgun", wrong).status_code == 401
        dropped = MAILGUN.form([("event", "dropped"), ("code", "605"), ("recipient", "bo@ruiz.example")])
        assert provider.post("mailgun", dropped).json["ignored"] == 1
        for body in (b"a=1&" * 600, b"\xff=\xff", b"a=b", b""):
            assert provider.post("mailgun", replace(sent, body=body)).status_code == 400


class TestResend:
    def feed(self, *more: str) -> Resend:
        return Resend([*map(SecretStr, more), SecretStr(RESEND.secret)], Naming())

    def test_resend_takes_the_headers_of_standard_webhooks_too(self, provider: ProviderClient) -> None:
        other = type(RESEND)()
        other.prefix = "webhook"
        assert provider.post("resend", other.sent(other.complaint("m_1"))).json["accepted"] == 1

    def test_one_of_several_signatures_has_to_be_right(self) -> None:
        sent = RESEND.sent(RESEND.complaint("m_1"))
        right = sent.headers["svix-signature"]
        for given in (f"v1,{'A' * 43}= {right}", f"{right} v1a,xyz", f"v2,x  {right}"):
            assert not refused(self.feed(), replace(sent, headers={**sent.headers, "svix-signature": given}))
        for given in (right.replace("v1,", "v2,"), right.removeprefix("v1,"), "v1,", ",", f"v1,{right}"):
            assert refused(self.feed(), replace(sent, headers={**sent.headers, "svix-signature": given}))

    def test_believes_each_of_several_secrets(self) -> None:
        assert not refused(self.feed("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"), RESEND.sent(RESEND.complaint("m_1")))

    @pytest.mark.parametrize("off", [-TOLERANCE - 1, -TOLERANCE, 0, TOLERANCE, TOLERANCE + 1])
    def test_resend_takes_five_minutes_by_the_clock_it_is_given(self, off: int) -> None:
        sent = RESEND.sent(RESEND.complaint("m_1"), NOW + off)
        assert refused(self.feed(), sent) == (abs(off) > TOLERANCE)

    @pytest.mark.parametrize("timestamp", ["", "soon", "-5", "1e9", "9" * 30, "¹"])
    def test_a_timestamp_that_is_none_is_refused(self, timestamp: str) -> None:
        sent = RESEND.sent(RESEND.complaint("m_1"))
        assert refused(self.feed(), replace(sent, headers={**sent.headers, "svix-timestamp": timestamp}))

    def test_resend_signs_the_id_so_that_nobody_makes_it_another_event(self) -> None:
        sent = RESEND.sent(RESEND.complaint("m_1"))
        assert refused(self.feed(), replace(sent, headers={**sent.headers, "svix-id": "msg_2"}))
