"""A customer who leaves traces everywhere, and a look at where they are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from riskapi.accounts.packing import unpack
from riskapi.store.connections import Store
from riskapi.store.replies import scored
from tests.members import members

#: Whose life it is: a name with capitals, so that its spelling is remembered too; and what is hers alone.
USER, MAIL, PHONE, HOME = "u_Zoe.7", "zoe.q@zoes-kiln.example", "+34600123123", "203.0.113.77"
#: Texts that nobody but she, or somebody who writes about her, has.
HERS = (MAIL, PHONE, HOME, "Zoe Quill", "zoe-note", "zoe-label", "zoe-reason", "zoe-campaign", "zoe-question")
#: Who shares a device with her.
FRIEND = "u_friend"
DEVICE = "dev-shared-77"


def signup(user: str = USER, mail: str = MAIL, **parts: Any) -> dict[str, Any]:
    """The body of a signup from her machine."""
    found = {
        "account": {"user_id": user, "name": "Zoe Quill" if user == USER else "Fay Friend"},
        "email": {"address": mail},
        "device": {"ip_address": HOME if user == USER else "198.51.100.7", "id": DEVICE, "user_agent": "Mozilla/5.0"},
        "custom_inputs": {"campaign": "zoe-campaign" if user == USER else "autumn"},
    }
    return {**found, **parts}


def live(client: Any) -> str:
    """Have her do all that an account can do, and others do what they can do about it; the id of her review."""

    def did(path: str, body: dict[str, Any], method: str = "POST") -> Any:
        answer = client.open(path, method=method, json=body)
        assert answer.status_code < 300, (path, answer.json)
        return answer.json

    did("/v1/signups", signup(FRIEND, "fay@fays-glass.example"))
    # A disposable address opens a review; she changes it to her own afterwards.
    throwaway = signup(email={"address": "zoe.q@mailinator.com"}, phone={"number": PHONE})
    review = str(did("/v1/signups", throwaway)["review_id"])
    her = f"/v1/accounts/{USER}"
    did(f"{her}/events", {"type": "email_changed", "email": {"address": MAIL}})
    did(f"{her}/events", {"type": "phone_verified"})
    did(f"{her}/events", {"type": "login", "device": {"ip_address": "192.0.2.33"}})
    did(f"{her}/events", {"type": "profile_changed", "custom_inputs": {"note": "zoe-note"}})
    links = {"from_domain": "zoes-kiln.example", "link_domains": ["zoes-shop.example"], "fingerprint": "zoe-content"}
    did(f"{her}/sends", {"recipients": 3, "partial": True, "message": links})
    did(f"/v1/accounts/{FRIEND}/sends", {"recipients": 1, "partial": True})
    did(f"{her}/labels", {"label": "legitimate", "source": "external", "note": "zoe-label"})
    told = [
        {"id": f"f_{type}", "type": type, "user_id": USER, "recipient": "r@rx.example", "diagnostic": "zoe-note"}
        for type in ("delivered", "complaint", "hard_bounce")
    ]
    did("/v1/feedback", {"events": told})
    did("/v1/lists/watch", {"kind": "email", "value": MAIL, "reason": "a good customer"})
    did("/v1/lists/watch", {"kind": "user", "value": USER})
    did(f"{her}/caps", {"hourly": 10, "daily": 20, "monthly": 30, "reason": "zoe-reason"}, "PUT")
    did(f"/v1/reviews/{review}/claim", {"reviewer": "kim"})
    did(f"/v1/reviews/{review}/escalate", {"reviewer": "kim", "reason": "zoe-question"})
    return review


def traces(store: Store, *texts: str) -> dict[str, list[str]]:
    """Which of these texts stand in which key of the store: in its name, or anywhere in what it holds."""
    found: dict[str, list[str]] = {}
    for key in store.execute("KEYS", "*"):
        held = [key, *_held(store, key)]
        seen = [text for text in texts if any(text.encode() in each for each in held)]
        if seen:
            found[key.decode("utf-8", "replace")] = seen
    return found


def _held(store: Store, key: bytes) -> Iterator[bytes]:
    """Everything that a key holds, as it is and unpacked."""
    for value in _values(store, key):
        yield value
        with contextlib.suppress(Exception):
            yield unpack(value)


def _values(store: Store, key: bytes) -> Iterator[bytes]:
    if key.startswith(b"risk:e:"):
        yield from (member.encode() for member in members(store, key))
        return
    readers: dict[bytes, Callable[[], Iterator[bytes]]] = {
        b"string": lambda: iter([store.execute("GET", key)]),
        b"hash": lambda: (each for pair in store.execute("HGETALL", key).items() for each in pair),
        b"list": lambda: iter(store.execute("LRANGE", key, 0, -1)),
        b"set": lambda: iter(store.execute("SMEMBERS", key)),
        b"zset": lambda: (name.encode() for name, _ in scored(store.execute("ZRANGE", key, 0, -1, "WITHSCORES"))),
        b"stream": lambda: (
            each for _, row in store.execute("XRANGE", key, "-", "+") for pair in row.items() for each in pair
        ),
    }
    yield from readers[store.execute("TYPE", key)]()
