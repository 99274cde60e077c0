"""Signups as the tests post them, and a way to post many at once."""

from __future__ import annotations

import json
import re
import threading
import zlib
from collections.abc import Callable
from typing import Any

import orjson

from riskapi.app import Service
from riskapi.inputs.signup import Signup
from tests.conftest import NOW

#: The customer that most tests are about, and where she is.
ANA, ANAS_MAIL, ANAS_HOME = "u_1", "ana@ruiz.example", "203.0.113.9"


def body(user: str = ANA, **parts: Any) -> Signup:
    """The signup of an unremarkable customer, with some parts replaced. Two of them share nothing."""
    found: dict[str, Any] = {
        "account": {"user_id": user, "name": "Ana Ruiz", "organization": "Ruiz Ceramics"},
        "email": {"address": mailbox(user)},
        "device": {"ip_address": home(user), "user_agent": "Mozilla/5.0", "accept_language": "es-ES"},
    }
    return Signup.model_validate_json(json.dumps({**found, **parts}))


def mailbox(user: str) -> str:
    """The address of a customer, at a domain of its own."""
    name = re.sub("[^a-z0-9]", "-", user.lower()).strip("-")
    return ANAS_MAIL if user == ANA else f"ana@{name}-ceramics.example"


def home(user: str) -> str:
    """The address of a customer at home, in a network of its own (documentation addresses, RFC 5737 and 3849)."""
    first, second = divmod(zlib.crc32(user.encode()), 2**16)
    return ANAS_HOME if user == ANA else f"2001:db8:{first:x}:{second:x}::1"


def post(service: Service, signup: Signup, now: float = NOW) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads(service.parts.assessor.signup(signup, now).body)
    return answer


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run ``work(0 … count-1)`` at once and return what each returned or raised."""
    gate, found = threading.Barrier(count), [None] * count

    def run(number: int) -> None:
        gate.wait()
        try:
            found[number] = work(number)
        except Exception as error:
            found[number] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
