"""One address is one, however it is spelled: the same signup again is a replay, and no conflict."""

from __future__ import annotations

import json
import unicodedata
from itertools import permutations

import pytest

from riskapi.app import Service
from riskapi.errors import Problem, StoreUnavailable
from riskapi.inputs.json_lines import Row
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from tests.conftest import NOW
from tests.signups import body

#: Spellings of one address each.
SAME = [
    ("ana@bücher.example", "ana@xn--bcher-kva.example", "Ana@BÜCHER.Example", "ana@XN--BCHER-KVA.example"),
    tuple(unicodedata.normalize(form, "josé@café.example") for form in ("NFC", "NFD")),
    ("JOSÉ@ruiz.example", unicodedata.normalize("NFD", "José@ruiz.example"), " josé@RUIZ.example "),
    ("J\u030cana@ruiz.example", "ǰana@ruiz.example", "j\u030cana@ruiz.example"),
    ('"ana"@ruiz.example', "ana@ruiz.example"),
    ("ana@نامه\u200cای.example", "ana@xn--mgba3gch31f060k.example"),
]
#: And of two.
OTHER = [
    ("ana@bücher.example", "ana@bucher.example"),
    ("ana@straße.example", "ana@strasse.example"),
    ("josé@ruiz.example", "jose@ruiz.example"),
    ("ana.ruiz@gmail.com", "anaruiz@gmail.com"),  # one mailbox, and not what was typed
    ("ana+a@ruiz.example", "ana+b@ruiz.example"),
    ("no address", "none either"),
    ("ana\ufffd@ruiz.example", "bo\ufffd@ruiz.example"),
]


def replayed(service: Service, address: str, user_id: str = "u_1") -> bool:
    return service.parts.assessor.signup(body(user_id, email={"address": address}), NOW).replay


def mac(service: Service, text: str) -> str:
    return service.parts.assessor._links.mac("address", text)


@pytest.mark.parametrize(("first", "again"), [pair for same in SAME for pair in permutations(same, 2)])
def test_another_spelling_of_the_address_is_a_replay(service: Service, first: str, again: str) -> None:
    assert not replayed(service, first)
    assert replayed(service, again)
    assert replayed(service, first)


@pytest.mark.parametrize(("first", "other"), OTHER)
def test_another_address_is_a_conflict(service: Service, first: str, other: str) -> None:
    assert not replayed(service, first)
    with pytest.raises(Problem, match="another e-mail address"):
        replayed(service, other)


@pytest.mark.parametrize("address", sorted({each for same in SAME for each in same}))
def test_what_earlier_releases_kept_of_an_address_still_stands_for_it(
    service: Service, store: Store, address: str
) -> None:
    replayed(service, address)
    before = mac(service, address.strip().lower())
    store.execute("HSET", account_key("u_1"), "mail", before)
    assert replayed(service, address)


def test_what_they_kept_of_one_form_of_a_domain_stands_for_the_other(service: Service, store: Store) -> None:
    for kept, given in permutations(SAME[0][:2]):
        user_id = f"u_{len(kept)}"
        replayed(service, kept, user_id)
        store.execute("HSET", account_key(user_id), "mail", mac(service, kept))
        assert replayed(service, given, user_id)


def test_an_imported_customer_has_the_address_in_any_spelling(service: Service) -> None:
    customer = {"account": {"user_id": "u_1"}, "email": {"address": "ana@bücher.example"}}
    row = json.dumps({**customer, "created_at": "2024-01-01T00:00:00Z"}).encode()
    assert service.parts.imports.take([Row(1, row)], "admin", NOW).imported == 1
    assert replayed(service, "Ana@xn--bcher-kva.example")


def test_the_same_while_the_store_is_away(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object, **named: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "run", away)
        patch.setattr(Store, "execute", away)
        assert not replayed(service, "ana@bücher.example")
        assert replayed(service, "ana@xn--bcher-kva.example")
        with pytest.raises(Problem, match="another e-mail address"):
            replayed(service, "ana@bucher.example")
    assert service.parts.assessor.replay_journal(NOW + 60) == 1
    assert replayed(service, "ANA@bücher.example")
