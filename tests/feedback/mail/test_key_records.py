"""Keys of reporters from a real DNS server: asked once in five minutes, and silence is no answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from riskapi.feedback.mail.allowed_reporters import AllowedReporters
from riskapi.feedback.mail.dkim import KeyUnavailable
from riskapi.feedback.mail.key_records import KeyRecords
from riskapi.settings.environment import Bind
from tests.conftest import NOW, Clock
from tests.feedback.mail.signing import RECORD, signed
from tests.upstreams.dns_server import DnsServer

NAME = "s1._domainkey.arf.example"


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer() as server:
        server.set(NAME, {"TXT": [RECORD]})
        yield server


def test_a_key_is_asked_for_once_in_five_minutes(dns: DnsServer) -> None:
    clock = Clock()
    records = KeyRecords(Bind(*dns.address), clock)
    assert records(f"{NAME}.") == records(NAME.upper()) == RECORD
    assert dns.count(NAME, "TXT") == 1
    clock.advance(301)
    assert records(NAME) == RECORD
    assert dns.count(NAME, "TXT") == 2
    assert records("s2._domainkey.arf.example") is None


def test_a_server_that_fails_is_no_answer_and_is_asked_again(dns: DnsServer) -> None:
    records = KeyRecords(Bind(*dns.address))
    dns.behave(NAME, "servfail")
    with pytest.raises(KeyUnavailable):
        records(NAME)
    dns.behave(NAME, "good")
    assert records(NAME) == RECORD


def test_the_proof_asks_the_resolver_of_the_settings(dns: DnsServer) -> None:
    reporters = AllowedReporters(["arf.example"], Bind(*dns.address))
    found = reporters(signed(), NOW)
    assert found is not None and found.reporter == "arf.example"
    assert AllowedReporters([], Bind(*dns.address))(signed(), NOW) is None  # not among those shipped
