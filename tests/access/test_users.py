"""Users in the store: names, races, rows that are damaged; tokens that work once; tries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pyotp import TOTP

from riskapi.access import authenticator, passwords
from riskapi.access.audit_log import AuditLog
from riskapi.access.one_time_tokens import OneTimeTokens
from riskapi.access.throttle import NAME, NETWORK, Throttle
from riskapi.access.users import USERS, NameTaken, NotFirst, Users
from riskapi.store.connections import Store
from tests.conftest import NOW
from tests.signups import together


class TestUsers:
    def test_users_have_one_name_each_whatever_its_case(self, store: Store) -> None:
        users = Users(store)
        ana = users.create(" Ana@Riskapi.example ", "reviewer", NOW)
        assert users.find("ANA@riskapi.example") == ana == users.get(ana.id)
        with pytest.raises(NameTaken):
            users.create("ana@riskapi.example", "viewer", NOW)

    @pytest.mark.parametrize("name", ["", "a b", "<b>", "x" * 129, 'a"', "a\tb", "&amp;"])
    def test_users_have_plain_names(self, store: Store, name: str) -> None:
        with pytest.raises(ValueError, match="expected"):
            Users(store).create(name, "viewer", NOW)
        assert Users(store).find(name) is None

    def test_one_of_many_made_at_once_is_the_first(self, store: Store) -> None:
        users = Users(store)
        found = together(4, lambda number: users.create(f"u{number}", "admin", NOW, first=True))
        assert sum(isinstance(each, NotFirst) for each in found) == 3 and len(users.list()) == 1

    def test_users_lose_no_change_that_others_make_at_once(self, store: Store) -> None:
        users = Users(store)
        ana = users.create("ana", "viewer", NOW)
        together(4, lambda _: users.change(ana.id, lambda kept: replace(kept, epoch=kept.epoch + 1)))
        found = users.get(ana.id)
        assert found is not None and found.epoch == 4

    def test_users_that_cannot_be_read_are_nobody(self, store: Store) -> None:
        users = Users(store)
        ana = users.create("ana", "viewer", NOW)
        for row in (b"", b"{", b'{"role": "king"}', b"[]"):
            store.execute("HSET", USERS, ana.id, row)
            assert users.get(ana.id) is None and users.list() == []


def test_a_code_is_taken_once_by_one(store: Store) -> None:
    users, secret = Users(store), authenticator.new_secret()
    made = users.create("ana", "viewer", NOW)
    ana = users.change(made.id, lambda kept: replace(kept, totp=secret, totp_step=0))
    assert ana is not None
    code = TOTP(secret).at(int(NOW))
    found = together(4, lambda _: authenticator.spend(users, ana, code, NOW))
    assert sorted(map(str, found)) == ["None", "None", "None", "totp"]


class TestTokens:
    def test_tokens_work_once_for_their_purpose_and_their_time(self, store: Store) -> None:
        tokens = OneTimeTokens(store)
        token = tokens.make("password", {"id": "x"}, 60, NOW)
        assert tokens.peek("first", token, NOW) is tokens.take("first", token, NOW) is None
        assert tokens.peek("password", token, NOW + 61) is None
        found = together(4, lambda _: tokens.take("password", token, NOW))
        assert sum(each is not None for each in found) == 1


class TestTries:
    def test_tries_end_for_a_name_and_for_a_network(self, store: Store) -> None:
        throttle = Throttle(store)
        for number in range(NAME[0]):
            assert throttle.take("ana", f"192.0.2.{number}", NOW) == 0
        assert throttle.take("ana", "198.51.100.1", NOW) == 90
        assert throttle.take("ana", "198.51.100.1", NOW, known=True) == 0
        for number in range(NETWORK[0]):
            assert throttle.take(f"u{number}", f"2001:db8::{number:x}", NOW) == 0
        assert throttle.take("bo", "2001:db8::ffff", NOW) > 0
        assert throttle.take("bo", "2001:db8:0:1::1", NOW) == 0
        throttle.forget("ana")
        assert throttle.take("ana", "198.51.100.2", NOW) == 0


def test_passwords_are_bounded_and_not_guessable() -> None:
    assert passwords.fault("x" * 129) and passwords.fault("ana.ruiz.2026", "ana.ruiz")
    assert passwords.fault("blue kettle walks north") is None
    kept = passwords.hashed("blue kettle walks north")
    assert passwords.matches("blue kettle walks north", kept) and not passwords.matches("blue", kept)
    assert not passwords.matches("", None) and not passwords.matches("x", "not a hash")


def test_notes_are_read_newest_first(store: Store) -> None:
    audit = AuditLog(store)
    audit.note("ana", "decided", "rev_1", NOW, decision="limit")
    audit.note("bo", "undone", "rev_1", NOW + 1)
    store.execute("XADD", "risk:audit", "*", "data", "{")
    assert [(each.actor, each.details) for each in audit.latest(9)] == [("bo", {}), ("ana", {"decision": "limit"})]
