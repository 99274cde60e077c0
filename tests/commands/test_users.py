"""``python -m riskapi users``: add, list, disable, reset."""

from __future__ import annotations

from riskapi.access.users import Users
from riskapi.store.connections import Store
from tests.commanding import Command


def test_users_are_added_listed_shut_out_and_reset(command: Command, store: Store) -> None:
    added = command("users", "add", "Ana", "--role", "admin")
    assert added.code == 0 and "/console/welcome/" in added.out
    assert command("users", "add", "ana").code == 1
    assert command("users", "add", "a b").code == 2
    assert command("users", "list").out.split()[:2] == ["ana", "admin"]
    assert command("users", "disable", "ANA").code == 0 and "shut out" in command("users", "list").out
    again = command("users", "reset", "ana")
    assert again.code == 0 and again.out != added.out
    found = Users(store).find("ana")
    assert found is not None and not found.disabled and found.epoch == 2
    assert command("users", "disable", "bo").code == command("users", "reset", "bo").code == 1
