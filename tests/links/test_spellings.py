"""Accounts found in whatever capitals, and what can ever be granted to them at once."""

from __future__ import annotations

from typing import Any, get_args

import orjson
import pytest

from riskapi.accounts.accounts import Accounts
from riskapi.app import Service
from riskapi.contract import Tier
from riskapi.errors import Problem
from riskapi.inputs.json_lines import Row
from riskapi.links import spellings
from riskapi.policy.tables import Caps
from riskapi.store.connections import Store
from tests.conftest import NOW
from tests.grants import ask, opened, under

#: Accounts there are, the login, and whose it is. In every row another account is there too.
MEANT: dict[str, tuple[tuple[str, ...], str, str]] = {
    "as it is written": (("u_1",), "u_1", "u_1"),
    "a login in capitals": (("u_1",), "U_1", "u_1"),
    "an account in capitals": (("Ana",), "ana", "Ana"),
    "both in other capitals": (("Ana",), "aNA", "Ana"),
    "an address": (("Ana@Ruiz.example",), "ana@ruiz.EXAMPLE", "Ana@Ruiz.example"),
    "two accounts, one written so": (("ana", "ANA"), "ANA", "ANA"),
    "two accounts, small letters first": (("ANA", "ana"), "Ana", "ana"),
    "two accounts, none in small letters": (("Ana", "ANA"), "ana", "ANA"),
    "nobody": ((), "Ana", "ana"),
    "nobody with an account like it": (("ana",), "ana2", "ana2"),
}


@pytest.mark.parametrize(("there", "login", "expected"), MEANT.values(), ids=MEANT)
def test_the_account_that_is_meant(there: tuple[str, ...], login: str, expected: str, service: Service) -> None:
    for name in (*there, "other"):
        opened(service, name)
    assert Accounts(service.store).meant(login) == expected


def test_an_imported_account_is_found_too(service: Service) -> None:
    customer = {
        "account": {"user_id": "Ana"},
        "email": {"address": "ana@ruiz.example"},
        "created_at": "2025-01-01T00:00:00Z",
    }
    assert service.parts.imports.take([Row(1, orjson.dumps(customer))], "ops", NOW).imported == 1
    assert Accounts(service.store).meant("ANA") == "Ana"


def test_what_was_forgotten_is_nobodys_and_deciding_again_remembers(service: Service, store: Store) -> None:
    opened(service, "Ana")
    store.execute("DEL", spellings.spellings_key("ana"))
    assert Accounts(store).meant("ana") == "ana"
    service.rescorer.again("Ana", "schedule", NOW)
    assert Accounts(store).meant("ana") == "Ana"
    days = service.active.policy.retention.accounts_days
    assert 0 < store.execute("TTL", spellings.spellings_key("ana")) <= days * 86400


def test_in_whatever_capitals_it_is_one_budget(service: Service) -> None:
    opened(service, "u_1")
    cap = service.active.policy.tiers.allow.hourly
    granted = [ask(service, name, cap, any_case=True)["granted"] for name in ("u_1", "U_1", "u_1", "U_1")]
    assert granted == [cap, 0, 0, 0]
    with pytest.raises(Problem) as problem:
        ask(service, "U_1", 1)
    assert problem.value.code == "not_found", "only who asks for it"


def test_strangers_have_one_budget_too(service: Service) -> None:
    under(service, sends={"strangers": "limit"})
    cap = service.active.policy.tiers.limit.hourly
    assert [ask(service, name, cap, any_case=True)["granted"] for name in ("Ana", "ANA", "ana")] == [cap, 0, 0]


def test_the_largest_grant_is_that_of_the_last_step_in_the_best_tier(service: Service) -> None:
    policy = service.active.policy
    opened(service, "u_1")
    caps = [each for tier in get_args(Tier) for each in (policy.caps(tier), *policy.steps(tier))]
    largest = max(min(each.hourly, each.daily, each.monthly) for each in caps)
    assert largest > policy.tiers.allow.hourly
    assert ask(service, "u_1", 1)["largest"] == largest


@pytest.mark.parametrize(
    ("expires_at", "expected"), [(None, 7), (NOW + 60, None)], ids=["own caps for good", "own caps for a while"]
)
def test_own_caps_count(expires_at: float | None, expected: int | None, service: Service) -> None:
    opened(service, "u_1")
    before = ask(service, "u_1", 1)["largest"]
    _cap(service, "u_1", 7, expires_at)
    assert ask(service, "u_1", 1)["largest"] == (expected or before)


def _cap(service: Service, user: str, hourly: int, expires_at: float | None) -> Any:
    caps = Caps(hourly=hourly, daily=100, monthly=1000)
    return service.parts.account_caps.put(user, caps, "agreed", expires_at, "ops", NOW)
