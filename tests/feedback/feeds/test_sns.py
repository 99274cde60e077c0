"""Amazon SNS: what is signed, by whose certificate, from which address, and whose subscriptions are confirmed."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from riskapi.errors import Problem
from riskapi.feedback.feeds import amazon
from riskapi.feedback.feeds.naming import Naming
from riskapi.feedback.feeds.ses import Ses
from riskapi.feedback.feeds.sns_certificates import KEPT, LEFT_ALONE, MOST_FETCHES, CertificateFile, FetchedCertificates
from riskapi.feedback.feeds.sns_urls import confirms, is_amazons, is_certificate
from riskapi.outgoing.destinations import DestinationGuard
from tests.conftest import NOW, ROOT
from tests.feedback.feeds import senders
from tests.feedback.feeds.conftest import ProviderClient
from tests.feedback.feeds.senders import CERTIFICATE, CONFIRMATION, SENDERS, TOPIC, Sent
from tests.threaded import running

AMAZON: Any = SENDERS["ses"]
SENDGRID: Any = SENDERS["sendgrid"]
ADDRESS = f"{CERTIFICATE}.pem"

LOOK_ALIKES = {
    "plain HTTP": "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    "another domain": "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0.pem",
    "a domain that ends alike": "https://sns.eu-west-1.evilamazonaws.com/SimpleNotificationService-0.pem",
    "a user": "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0.pem",
    "a user of Amazon's host": "https://a:b@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    "a port": "https://sns.eu-west-1.amazonaws.com:444/SimpleNotificationService-0.pem",
    "storage": "https://sns.s3.amazonaws.com/SimpleNotificationService-0.pem",
    "somebody's storage": "https://sns.evil.s3.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    "a backslash": "https://evil.example\\@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    "a final dot": "https://sns.eu-west-1.amazonaws.com./SimpleNotificationService-0.pem",
    "other letters": "https://sns.eu-west-1.аmazonaws.com/SimpleNotificationService-0.pem",
    "capitals": "https://SNS.EU-WEST-1.AMAZONAWS.COM/SimpleNotificationService-0.pem",
    "a line break": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem\n",
    "a break inside": "https://sns.eu-west-1.amazonaws.com\n.evil.example/SimpleNotificationService-0.pem",
    "a fragment": "https://evil.example/#.sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    "a letter for a dot": "https://sns.eu-west-1.amazonawsxcom/SimpleNotificationService-0.pem",
    "no region": "https://sns.amazonaws.com/SimpleNotificationService-0.pem",
    "an address": "https://192.0.2.1/SimpleNotificationService-0.pem",
    "nothing": "",
}
OTHER_PATHS = {
    "another path": "https://sns.eu-west-1.amazonaws.com/evil.pem",
    "a way up": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0/../evil.pem",
    "a query": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem?x=.pem",
    "a redirecting path": "https://sns.eu-west-1.amazonaws.com//evil.example/SimpleNotificationService-0.pem",
}
ADDRESSES = LOOK_ALIKES | OTHER_PATHS


def ses(fetch: Callable[[str], bytes], certificates: Any = None) -> Ses:
    return Ses((TOPIC,), certificates or FetchedCertificates(fetch), Naming(), fetch)


def verified(sent: Sent, fetch: Callable[[str], bytes], now: float = NOW) -> None:
    ses(fetch).verify(sent.posted(now))


def refusal(sent: Sent, fetch: Callable[[str], bytes], now: float = NOW) -> str:
    with pytest.raises(Problem) as refused:
        verified(sent, fetch, now)
    return refused.value.code


def complaint() -> Sent:
    sent: Sent = AMAZON.sent(AMAZON.complaint("m_1"))
    return sent


def changed(sent: Sent, **fields: Any) -> Sent:
    """The message with other fields, under the same signature."""
    return replace(sent, body=orjson.dumps({**orjson.loads(sent.body), **fields}))


class Fetcher:
    """Answers as Amazon does, and remembers what it was asked."""

    def __init__(self, answer: bytes | Problem = b"") -> None:
        self.asked: list[str] = []
        self.answer = answer or AMAZON.certificate

    def __call__(self, address: str) -> bytes:
        self.asked.append(address)
        if isinstance(self.answer, Problem):
            raise self.answer
        return self.answer


class TestSignature:
    @pytest.mark.parametrize("version", ["1", "2"])
    def test_both_versions_are_believed(self, version: str) -> None:
        verified(AMAZON.sent(AMAZON.complaint("m_1"), version=version), Fetcher())

    def test_a_signature_of_one_version_is_none_of_the_other(self) -> None:
        assert refusal(changed(complaint(), SignatureVersion="1"), Fetcher()) == "bad_signature"

    @pytest.mark.parametrize("version", ["", "3", "0", None, 2.5])
    def test_a_signature_of_another_version_is_refused(self, version: Any) -> None:
        assert refusal(changed(complaint(), SignatureVersion=version), Fetcher()) == "bad_signature"

    @pytest.mark.parametrize("field", ["Message", "MessageId", "Timestamp", "Type"])
    def test_a_signature_covers_what_is_said(self, field: str) -> None:
        other = "UnsubscribeConfirmation" if field == "Type" else "another"
        assert refusal(changed(complaint(), **{field: other}), Fetcher()) == "bad_signature"

    def test_a_signature_covers_the_subject_where_there_is_one(self) -> None:
        fields = {"Type": "Notification", "Message": "{}", "Subject": "Amazon SES Email Event Notification"}
        verified(AMAZON.message(fields), Fetcher())
        assert refusal(changed(AMAZON.message(fields), Subject="another"), Fetcher()) == "bad_signature"

    def test_a_signature_of_another_topic_is_refused_before_anything_is_fetched(self) -> None:
        fetcher = Fetcher()
        other = AMAZON.message({"Type": "Notification", "Message": "{}", "TopicArn": f"{TOPIC}-2"})
        assert refusal(other, fetcher) == "bad_signature"
        assert fetcher.asked == []

    def test_raw_delivery_is_not_signed_and_the_answer_says_so(self, provider: ProviderClient) -> None:
        raw = Sent(orjson.dumps(AMAZON.complaint("m_1")), {"x-amz-sns-rawdelivery": "true"}, "text/plain")
        answer = provider.post("ses", raw)
        assert answer.status_code == 401
        assert "raw message delivery" in answer.json["detail"]


class TestCertificate:
    @pytest.mark.parametrize(
        "address", [*LOOK_ALIKES.values(), *OTHER_PATHS.values()], ids=[*LOOK_ALIKES, *OTHER_PATHS]
    )
    def test_a_certificate_is_fetched_from_amazon_only(self, address: str) -> None:
        fetcher = Fetcher()
        message = AMAZON.message({"Type": "Notification", "Message": "{}", "SigningCertURL": address})
        assert refusal(message, fetcher) == "bad_signature"
        assert fetcher.asked == []
        assert not is_certificate(address)

    @pytest.mark.parametrize("address", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
    def test_a_certificate_of_a_file_is_not_believed_for_a_message_that_names_another_host(
        self, provider: ProviderClient, address: str
    ) -> None:
        message = AMAZON.message({"Type": "Notification", "Message": "{}", "SigningCertURL": address})
        assert provider.post("ses", message).status_code == 401

    @pytest.mark.parametrize(
        "address",
        [
            ADDRESS,
            "https://sns.us-gov-west-1.amazonaws.com/SimpleNotificationService-0a1B.pem",
            "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0a1B.pem",
        ],
    )
    def test_a_certificate_of_every_region_is_fetched(self, address: str) -> None:
        fetcher = Fetcher()
        verified(AMAZON.message({"Type": "Notification", "Message": "{}", "SigningCertURL": address}), fetcher)
        assert fetcher.asked == [address]

    def test_a_certificate_that_is_wrong_is_refused(self) -> None:
        other = senders.certificate(senders.rsa_key(), "sns.amazonaws.com", AMAZON.authority)
        over = senders.certificate(AMAZON.key, "sns.amazonaws.com", AMAZON.authority, NOW - 10 * 86_400, days=9)
        early = senders.certificate(AMAZON.key, "sns.amazonaws.com", AMAZON.authority, NOW + 86_400)
        elliptic = SENDGRID.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        for wrong in (other, over, early, elliptic, b"<!doctype html>", AMAZON.certificate[:200], b"\x00" * 9):
            assert refusal(complaint(), Fetcher(wrong)) == "bad_signature"

    def test_a_certificate_is_kept_for_a_day_and_then_fetched_anew(self) -> None:
        fetcher = Fetcher()
        feed = ses(fetcher)
        for now in (NOW, NOW + KEPT - 1, NOW + KEPT + 1):
            feed.verify(complaint().posted(now))
        assert len(fetcher.asked) == 2

    def test_a_certificate_that_cannot_be_fetched_is_503(self) -> None:
        assert refusal(complaint(), Fetcher(Problem("unavailable", "away"))) == "unavailable"

    def test_a_certificate_that_is_none_is_not_asked_for_again_at_once(self) -> None:
        fetcher = Fetcher(b"no certificate")
        feed = ses(fetcher)
        for now in (NOW, NOW + 1, NOW + LEFT_ALONE + 1):
            with pytest.raises(Problem):
                feed.verify(complaint().posted(now))
        assert len(fetcher.asked) == 2

    def test_strangers_cannot_have_amazon_asked_as_often_as_they_like(self) -> None:
        fetcher, codes = Fetcher(), []
        feed = ses(fetcher)
        for number in range(MOST_FETCHES + 3):
            address = f"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-{number}.pem"
            forged = AMAZON.message({"Type": "Notification", "Message": "{}", "SigningCertURL": address}, key=OTHER)
            with pytest.raises(Problem) as refused:
                feed.verify(forged.posted())
            codes.append(refused.value.code)
        assert codes == ["bad_signature"] * MOST_FETCHES + ["unavailable"] * 3
        assert len(fetcher.asked) == MOST_FETCHES

    def test_a_certificate_that_is_being_fetched_holds_nobody_else(self) -> None:
        asked, released = threading.Event(), threading.Event()

        def slowly(address: str) -> bytes:
            asked.set()
            assert released.wait(30)
            found: bytes = AMAZON.certificate
            return found

        feed = ses(slowly)
        first = threading.Thread(target=lambda: feed.verify(complaint().posted()))
        first.start()
        assert asked.wait(30)
        with pytest.raises(Problem) as refused:
            feed.verify(complaint().posted())
        assert refused.value.code == "unavailable"
        released.set()
        first.join(30)
        feed.verify(complaint().posted())

    def test_a_certificate_of_a_file_may_be_one_of_several(self) -> None:
        keys = [x509.load_pem_x509_certificate(AMAZON.certificate).public_key()]
        both = CertificateFile([OTHER.public_key(), *(key for key in keys if isinstance(key, rsa.RSAPublicKey))])
        ses(Fetcher(), both).verify(complaint().posted())


OTHER = senders.rsa_key()
LOCALHOST = ROOT / "tests/tls/localhost.pem"


class Loopback(ThreadingHTTPServer):
    """An HTTPS server on loopback that remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(LOCALHOST)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Loopback

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response({"/moved": 302, "/missing": 404}.get(self.path, 200))
        if self.path == "/moved":
            self.send_header("Location", "/pem")
        self.end_headers()
        self.wfile.write(self.path.encode() * (20_000 if self.path == "/large" else 1))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    with running(Loopback()) as server:
        yield server


def subscription(url: str = CONFIRMATION, **fields: Any) -> Sent:
    found: Sent = AMAZON.message(
        {
            "Type": "SubscriptionConfirmation",
            "Token": "2336412f37",
            "Message": "You have chosen to subscribe. To confirm the subscription, visit the SubscribeURL.",
            "SubscribeURL": url,
            **fields,
        }
    )
    return found


class TestSubscription:
    def test_a_subscription_to_our_topic_is_confirmed_at_amazon(self) -> None:
        fetcher = Fetcher()
        feed = ses(fetcher, CertificateFile([AMAZON.key.public_key()]))
        posted = subscription().posted()
        feed.verify(posted)
        assert feed.read(posted).ignored == 1
        assert fetcher.asked == []  # nothing is asked before it is verified and taken
        feed.finish(posted)
        assert fetcher.asked == [CONFIRMATION]

    def test_a_subscription_at_another_server_is_refused_and_nobody_asks_it(
        self, provider: ProviderClient, loopback: Loopback
    ) -> None:
        query = f"/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
        host = loopback.url.removeprefix("https://")
        for url in (
            loopback.url + query,
            f"https://sns.eu-west-1.amazonaws.com@{host}{query}",
            f"https://{host}/#https://sns.eu-west-1.amazonaws.com{query}",
            f"https://sns.eu-west-1.amazonaws.com:443{query}",
        ):
            answer = provider.post("ses", subscription(url))
            assert (answer.status_code, answer.json["code"]) == (400, "not_this_feed"), url
        assert loopback.asked == []

    @pytest.mark.parametrize(
        "url",
        [
            CONFIRMATION.replace("ConfirmSubscription", "Unsubscribe"),
            CONFIRMATION.replace("ses-feedback", "another"),
            CONFIRMATION.replace("eu-west-1.amazonaws", "us-east-1.amazonaws"),
            f"{CONFIRMATION}&TopicArn=another",
            CONFIRMATION.replace("/?", "/x?"),
        ],
    )
    def test_a_subscription_that_would_do_something_else_is_refused(self, url: str) -> None:
        assert not confirms(url, TOPIC)

    def test_a_subscription_that_is_forged_or_to_another_topic_is_refused(self, provider: ProviderClient) -> None:
        forged = changed(subscription(), Token="another")
        other = subscription(TopicArn=f"{TOPIC}-2")
        for sent in (forged, other, AMAZON.spoiled(subscription()), AMAZON.unproved(subscription())):
            assert provider.post("ses", sent).status_code == 401

    def test_a_subscription_that_could_not_be_confirmed_is_sent_again(self) -> None:
        feed = ses(Fetcher(Problem("unavailable", "away")), CertificateFile([AMAZON.key.public_key()]))
        with pytest.raises(Problem) as refused:
            feed.finish(subscription().posted())
        assert refused.value.status == 503

    def test_a_subscription_that_ended_is_taken_and_asks_nobody(self, provider: ProviderClient) -> None:
        answer = provider.post("ses", subscription(Type="UnsubscribeConfirmation"))
        assert (answer.status_code, answer.json["ignored"]) == (200, 1)


class TestAsking:
    def test_a_request_goes_to_amazon_only_whoever_asks(self, loopback: Loopback) -> None:
        with pytest.raises(ValueError, match="not an address of Amazon"):
            amazon.fetch(loopback.url)
        assert loopback.asked == []

    @pytest.mark.parametrize("address", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
    def test_a_request_never_goes_to_what_looks_alike(self, address: str) -> None:
        assert not is_amazons(address)

    def test_a_request_goes_to_public_addresses_only_whatever_dns_says(self) -> None:
        async def inside(host: str) -> list[str]:
            return ["127.0.0.1"]

        with pytest.raises(Problem, match="unavailable") as refused:
            amazon.fetch(ADDRESS, DestinationGuard((), inside))
        assert "special-purpose" in refused.value.detail

    def test_a_short_answer_with_200_of_a_server_with_the_right_certificate_is_taken(self, loopback: Loopback) -> None:
        guard, trusted = DestinationGuard(("localhost",)), ssl.create_default_context(cafile=str(LOCALHOST))
        assert asyncio.run(amazon.get(f"{loopback.url}/pem", guard, trusted)) == b"/pem"
        for path in ("/moved", "/missing", "/large"):
            with pytest.raises(Problem, match="unavailable"):
                asyncio.run(amazon.get(loopback.url + path, guard, trusted))
        with pytest.raises(Problem, match="unavailable"):
            asyncio.run(amazon.get(f"{loopback.url}/pem", guard, None))
        assert loopback.asked == ["/pem", "/moved", "/missing", "/large"]
