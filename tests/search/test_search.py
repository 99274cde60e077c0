"""Search: how a text is read, who is found by it, what else they share, and what that costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from riskapi.accounts.log import Decisions
from riskapi.api.parts import Parts
from riskapi.search.results import SearchAnswer
from riskapi.store.connections import Store
from tests.conftest import NOW
from tests.signups import body, home

DEVICE = "device-of-a-ring-0001"
TLS = "t13d1516h2_8daaf6152771_b186095e22b6"
Find = Callable[..., SearchAnswer]


@pytest.fixture
def find(parts: Parts, store: Store) -> Find:
    """``find(text, kind)``: what a search answers, on a store that knows the names of readings."""
    Decisions(store).register_schema()
    return lambda text, kind=None, **more: parts.search.find(text, kind, NOW, **more)


@pytest.fixture
def sign_up(parts: Parts, find: Find) -> Callable[..., None]:
    """``sign_up("u_2", device={…})``: an account, at a device and an address of its own unless told otherwise."""

    def post(user: str, at: float = NOW, **more: Any) -> None:
        parts.assessor.signup(body(user, **more), at)

    return post


def ring(sign_up: Callable[..., None], count: int = 3) -> list[str]:
    """Accounts with one device, and what each has alone."""
    for number in range(count):
        user = f"ring{number}"
        sign_up(
            user,
            NOW - count + number,
            account={"user_id": user, "name": f"Ring Number{'x' * number}"},
            email={"address": f"{user}@mailinator.com"},
            device={"ip_address": home(user), "id": DEVICE, "user_agent": "Mozilla/5.0", "tls_fingerprint": TLS},
        )
    return [f"ring{number}" for number in reversed(range(count))]


def names(found: SearchAnswer) -> list[str]:
    return [row["user_id"] for row in found["accounts"]]


#: Text → what it is read as while nobody has any of it, and what else it can be.
READ: list[tuple[str, tuple[str, str] | None, set[str]]] = [
    ("ana@ruiz.example", ("mailbox", "ana@ruiz.example"), {"mail_domain", "pattern", "user"}),
    (" Ana.Ruiz+news@GMAIL.com ", ("mailbox", "ana.ruiz+news@gmail.com"), {"mail_domain", "pattern"}),
    ("mailto:ana@ruiz.example", ("mailbox", "ana@ruiz.example"), set()),
    ("ana@bücher.example", ("mailbox", "ana@xn--bcher-kva.example"), {"mail_domain"}),
    ("ruiz.example", ("mail_domain", "ruiz.example"), {"link_domain", "user"}),
    ("@mail.ruiz.example", ("mail_domain", "ruiz.example"), {"link_domain"}),
    ("bücher.example", ("mail_domain", "xn--bcher-kva.example"), {"link_domain"}),
    ("https://shop.ruiz.example/a?b=c", ("link_domain", "ruiz.example"), {"mail_domain"}),
    ("https://youtube.com/x", ("link_domain", "youtube.com"), set()),
    ("+34 600 123 123", ("phone", "+34600123123"), {"phone_block"}),
    ("tel:+34600123123", ("phone", "+34600123123"), {"phone_block"}),
    ("0034600123123", ("phone", "+34600123123"), {"phone_block", "device", "user"}),
    ("(+34) 600-123-123", ("phone", "+34600123123"), {"phone_block"}),
    ("+1 23", None, set()),
    ("+99 999 999 999", ("phone", "+99 999 999 999"), set()),
    ("203.0.113.9", ("ip", "203.0.113.9"), {"network", "user"}),
    ("2001:db8::1", ("ip", "2001:db8::1"), {"network", "user"}),
    ("[2001:DB8:0:0:0:0:0:1]", ("ip", "2001:db8::1"), {"network"}),
    ("10.0.0.1", ("ip", "10.0.0.1"), set()),
    ("203.0.113.0/24", ("network", "203.0.113.0/24"), set()),
    ("203.0.113.77/28", ("network", "203.0.113.64/28"), set()),
    ("203.0.112.0/20", ("network", "203.0.112.0/20"), set()),
    ("11.0.0.0/8", ("network", "11.0.0.0/8"), set()),
    ("2001:db8::/48", ("network", "2001:db8::/48"), set()),
    ("2001:db8::/64", ("network", "2001:db8::/64"), set()),
    ("AS64500", ("asn", "64500"), {"user", "device"}),
    ("asn 64500", ("asn", "64500"), set()),
    ("64500", ("asn", "64500"), {"user", "device", "payment"}),
    ("AS0", ("user", "AS0"), {"device"}),
    ("clu_0123456789abcdef01234567", ("cluster", "clu_0123456789abcdef01234567"), {"user", "device"}),
    ("dev-7f", ("user", "dev-7f"), {"device", "payment", "referrer", "content", "fingerprint"}),
    (f"{TLS}|Chrome|130|Windows", ("fingerprint", f"{TLS}|Chrome|130|Windows"), {"device"}),
    ("undefined", ("name", "undefined"), {"user"}),
    ("Ana  Ruiz", ("name", "Ana Ruiz"), set()),
    ("Zoë O'Brien-Müller", ("name", "Zoë O'Brien-Müller"), set()),
    ("J. R. Ruiz", ("name", "J. R. Ruiz"), set()),
    ("李小龙", ("name", "李小龙"), set()),
    ("", None, set()),
    ("   ", None, set()),
    ("\x00\x01", None, set()),
    ("a1" * 1024, ("device", "a1" * 1024), {"payment"}),
    ("a1" * 1025, None, set()),
]


class TestATextIsRead:
    @pytest.mark.parametrize(("text", "meant", "others"), READ, ids=[row[0][:30] or "blank" for row in READ])
    def test_a_text_is_read_as_what_it_can_be(
        self, find: Find, text: str, meant: tuple[str, str] | None, others: set[str]
    ) -> None:
        found = find(text)
        read_as = found["read_as"]
        assert (None if read_as is None else (read_as["kind"], read_as["value"])) == meant
        assert others <= {each["kind"] for each in found["others"]}
        assert found["total"] == 0 and found["accounts"] == []

    def test_a_text_is_read_as_was_asked_where_it_can_be_that(self, find: Find) -> None:
        found = find("dev-7f", "device")
        assert found["read_as"] == {"kind": "device", "value": "dev-7f", "accounts": 0, "note": None}
        assert find("dev-7f", "ip")["read_as"]["kind"] == "user"  # type: ignore[index]

    def test_a_text_is_read_as_what_somebody_has(self, find: Find, sign_up: Callable[..., None]) -> None:
        sign_up("u_2", device={"ip_address": home("u_2"), "id": "dev-7f"})
        assert find("dev-7f")["read_as"]["kind"] == "device"  # type: ignore[index]
        sign_up("dev-7f")
        assert find("dev-7f")["read_as"]["kind"] == "user"  # type: ignore[index]
        assert {each["kind"]: each["accounts"] for each in find("dev-7f")["others"]}["device"] == 1

    def test_a_text_is_read_and_notes_say_what_to_know(self, find: Find) -> None:
        notes = {
            "10.0.0.1": "inside networks",
            "10.0.0.0/8": "inside networks",
            "11.0.0.0/8": "Too wide",
            "0.0.0.0/4": "Too wide",  # its first address is from inside, most are not
            "203.0.113.64/28": "newest accounts of 203.0.113.0/24",
            "2001:db8::1": "/64",
            "a.n.a+x@gmail.com": "ana@gmail.com",
            "mail.ruiz.example": "registrable part, ruiz.example",
            "+99 999 999 999": "No number",
        }
        for text, note in notes.items():
            assert note in (find(text)["read_as"]["note"] or ""), text  # type: ignore[index]


class TestAccountsAreFound:
    def test_accounts_are_found_by_all_they_have(self, find: Find, sign_up: Callable[..., None]) -> None:
        sign_up("other")
        sign_up(
            "u_2",
            account={"user_id": "u_2", "name": "Zoë Müller", "organization": "Müller Ceramics", "referrer_id": "ref-1"},
            email={"address": "zoe.muller+tag@gmail.com"},
            phone={"number": "+34600123123"},
            device={
                "ip_address": "203.0.113.70", "id": "dev-7f", "user_agent": "Mozilla/5.0", "tls_fingerprint": TLS,
            },
            payment={"fingerprint": "card-0001"},
        )  # fmt: skip
        texts = [
            f"{TLS}|||", "ZoeMuller@gmail.com", "+34 600 123 123", "dev-7f", "card-0001", "203.0.113.70",
            "203.0.113.0/24", "203.0.113.64/28", "203.0.112.0/20", "ref-1", "U_2",
            "zoe muller", "Müller  Zoë", "ceramics muller",
        ]  # fmt: skip
        for text in texts:
            assert names(find(text)) == ["u_2"], text
        assert names(find("203.0.113.0/28")) == []
        assert "u_2" in names(find("gmail.com")) and names(find("zoe ruiz")) == []
        found = find("dev-7f")
        thing = found["thing"] or ""
        assert thing.startswith("d:")
        again = find(thing)
        assert names(again) == ["u_2"] and again["read_as"]["value"] == "dev-7f"  # type: ignore[index]
        row = found["accounts"][0]
        assert (row["name"], row["email"], row["tier"]) == ("Zoë Müller", "zoe.muller+tag@gmail.com", row["tier"])
        assert row["created_at"] == found["first_seen"] == found["last_seen"]

    def test_accounts_are_found_by_a_name_in_their_address_when_they_are_old(
        self, find: Find, sign_up: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sign_up("u_2", account={"user_id": "u_2", "name": "Zoë Müller"}, email={"address": "zoe.muller7@gmail.com"})
        sign_up("u_3", account={"user_id": "u_3", "name": "Zoë Müller"})
        monkeypatch.setattr(Decisions, "newest", lambda self, most: ([], False))
        assert names(find("Zoë Müller")) == ["u_2"]
        assert not find("Zoë Müller")["complete"]

    def test_accounts_are_found_by_their_cluster(self, find: Find, sign_up: Callable[..., None]) -> None:
        members = ring(sign_up)
        cluster = find("ring0")["accounts"][0]["cluster_id"]
        assert cluster is not None and sorted(names(find(cluster))) == sorted(members)

    def test_accounts_are_found_with_what_became_of_them_and_what_lists_say(
        self, find: Find, sign_up: Callable[..., None], parts: Parts
    ) -> None:
        ring(sign_up)
        parts.labels.add("ring0", "abuse", "manual_review", None, "ana", NOW)
        draft = parts.lists.draft(
            "deny", "device", DEVICE, expires_at=None, reason="a ring", author="ana", silences_feedback=False, now=NOW,
            hashed=True,
        )  # fmt: skip
        parts.lists.put(draft, NOW)
        found = find(DEVICE)
        assert (found["total"], found["abusive"], found["limited"]) == (3, 1, 1)
        assert [(each["list"], each["reason"]) for each in found["lists"]] == [("deny", "a ring")]
        assert find(found["thing"] or "")["lists"] == found["lists"]

    def test_accounts_are_found_in_pages_newest_first(self, find: Find, sign_up: Callable[..., None]) -> None:
        members = ring(sign_up, 5)
        first = find(DEVICE, most=2)
        second = find(DEVICE, most=2, cursor=first["next_cursor"])
        third = find(DEVICE, most=2, cursor=second["next_cursor"])
        assert [*names(first), *names(second), *names(third)] == members and third["next_cursor"] is None


class TestWhatTheyShare:
    def test_what_accounts_share_leads_on_to_others(self, find: Find, sign_up: Callable[..., None]) -> None:
        ring(sign_up)
        sign_up("friend", device={"ip_address": home("ring0"), "id": "another-device-0002"})
        found = find(DEVICE)
        shared = {each["kind"]: each for each in found["shared"]}
        assert "device" not in shared  # what was searched for
        assert (shared["mail_domain"]["value"], shared["mail_domain"]["here"]) == ("mailinator.com", 3)
        assert (shared["ip"]["value"], shared["ip"]["here"], shared["ip"]["accounts"]) == (
            f"{home('ring0').partition('::')[0]}::",
            1,
            2,
        )
        assert "friend" in names(find(shared["ip"]["thing"]))
        assert {each["kind"] for each in find("friend")["shared"]} >= {"ip", "network"}

    def test_accounts_that_share_nothing_are_shown_nothing(self, find: Find, sign_up: Callable[..., None]) -> None:
        sign_up("u_2", device={})
        assert [each["kind"] for each in find("u_2")["shared"]] == []


@pytest.fixture
def asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The number of commands of each trip to the store from here on."""
    found: list[int] = []
    run, execute = store.run, store.execute

    def counted_run(pipe: Any, **more: Any) -> Any:
        found.append(len(pipe))
        return run(pipe, **more)

    def counted_execute(*args: Any, **more: Any) -> Any:
        found.append(1)
        return execute(*args, **more)

    monkeypatch.setattr(store, "run", counted_run)
    monkeypatch.setattr(store, "execute", counted_execute)
    yield found


def test_a_crowd_costs_no_more_than_a_page(
    find: Find, sign_up: Callable[..., None], store: Store, asked: list[int]
) -> None:
    for number in range(60):
        user = f"crowd{number}"
        sign_up(user, NOW - number, device={"ip_address": "203.0.113.9", "id": f"own-device-{number:04}"})
    small = find("203.0.113.9")
    del asked[:]
    assert len(find("203.0.113.9")["accounts"]) == 50
    before = list(asked)
    crowd: list[str | float] = []
    for number in range(5000):
        crowd += (NOW - 3600 - number, f"ghost{number}", 1e12 + NOW, f"~ghost{number}")
    store.execute("ZADD", f"risk:e:{small['thing']}", *crowd)
    del asked[:]
    found = find("203.0.113.9")
    assert (found["total"], found["complete"], len(found["accounts"])) == (5060, False, 50)
    assert found["limited"] == 5000 + (small["limited"] or 0)
    assert asked == before and len(asked) <= 9 and sum(asked) < 500


class TestByHttp:
    def test_the_same_is_answered(self, make_http: Callable[..., FlaskClient], sign_up: Callable[..., None]) -> None:
        ring(sign_up)
        found = make_http().get("/v1/search", query_string={"q": DEVICE, "limit": 2})
        assert found.status_code == 200 and found.json is not None
        assert found.json["read_as"]["kind"] == "device" and found.json["total"] == 3
        rest = make_http().get("/v1/search", query_string={"q": DEVICE, "cursor": found.json["next_cursor"]})
        assert rest.json is not None and len(rest.json["accounts"]) == 1

    @pytest.mark.parametrize("query", ["", "q=", "q=a&kind=tld", "q=a&limit=51", "q=a&cursor=x", "q=a&more=1"])
    def test_what_cannot_be_asked_is_refused(self, make_http: Callable[..., FlaskClient], query: str) -> None:
        assert make_http().get(f"/v1/search?{query}").status_code == 422
