"""Names that strangers' resolvers are never asked about."""

from __future__ import annotations

import pytest

from riskapi.enrichment.special_use_names import is_worth_asking


@pytest.mark.parametrize(
    ("domain", "asked"),
    [
        ("firm.de", True),
        ("mail.firm.co.uk", True),
        ("xn--bcher-kva.de", True),
        ("example.de", True),
        ("myexample.com", True),
        ("local.firm.com", True),
        ("firm.example", False),
        ("a.b.firm.example", False),
        ("example.com", False),
        ("mail.example.org", False),
        ("firm.test", False),
        ("firm.invalid", False),
        ("box.localhost", False),
        ("printer.local", False),
        ("hidden.onion", False),
        ("name.alt", False),
        ("mail.corp.internal", False),
        ("router.home.arpa", False),
        ("localhost", False),
        ("intranet", False),
    ],
)
def test_names_that_are_not_in_dns_are_asked_of_an_own_resolver_only(domain: str, asked: bool) -> None:
    assert is_worth_asking(domain, resolver_is_ours=False) is asked
    assert is_worth_asking(domain, resolver_is_ours=True)
