"""Cases as the tests of the console make and find them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.console.visitor import Visitor
from tests.signups import home

#: A device that all of a ring have.
DEVICE = "device-of-a-ring-0001"
Api = Callable[..., Any]


def sign_up(api: Api, user: str, device: str | None = None, **more: Any) -> str:
    """A signup that a person has to look at; its review."""
    body = {
        "account": {"user_id": user, "name": f"Name of {user}", **more.get("account", {})},
        "email": {"address": f"{user}.box@mailinator.com"},
        "device": {"ip_address": home(user), **({"id": device} if device else {})},
        "phone": {"number": "+34600123123"} if "phone" in more else {},
        "custom_inputs": more.get("custom_inputs", {}),
    }
    found = api("POST", "/v1/signups", body)
    assert found["review_id"], found["decision"]
    return str(found["review_id"])


def tier(api: Api, user: str) -> str:
    """The tier an account is in."""
    return str(api("GET", f"/v1/accounts/{user}")["tier"])


def rows(visitor: Visitor, query: str = "") -> list[str]:
    """The ids of the cases in the queue, in order."""
    return re.findall(r'<a href="/console/cases/(rev_\w+)"', visitor.get(f"/console/queue{query}").text)
