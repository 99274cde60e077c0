"""The monitor alone on the empty store, with two feeds on, and the webhooks' view of what it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from riskapi import policy
from riskapi.feedback.platform.monitor import Monitor
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.policy.active import ActiveBasis, Basis
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.store.streams import StreamEntry, stream
from riskapi.webhooks.notices import notice

SHIPPED = policy.load(policy.DEFAULT)
Told = Callable[[], list[tuple[Any, ...]]]


def with_rules(**tables: dict[str, Any]) -> Policy:
    """The shipped policy with some keys of ``[feedback.platform]`` changed: ``with_rules(blocks={"rate": 0.5})``."""
    rules = SHIPPED.feedback.platform
    changed = {name: getattr(rules, name).model_copy(update=more) for name, more in tables.items()}
    feedback = SHIPPED.feedback.model_copy(update={"platform": rules.model_copy(update=changed)})
    return SHIPPED.model_copy(update={"feedback": feedback})


@pytest.fixture
def make_monitor(store: Store, settings: Settings) -> Callable[..., Monitor]:
    """``make_monitor(policy, sender_addresses=…)``: as a process makes it, with Postmark's feed on."""

    def make(used: Policy = SHIPPED, **changes: Any) -> Monitor:
        changes = {"feedback_postmark_auth": SecretStr("riskapi:a password"), **changes}
        return Monitor(replace(settings, **changes), store, ActiveBasis(Basis(used, None, {})), Metrics())

    return make


@pytest.fixture
def monitor(make_monitor: Callable[..., Monitor]) -> Monitor:
    return make_monitor()


@pytest.fixture
def told(store: Store) -> Told:
    """What webhooks were told so far: action, rule, subject."""

    def read() -> list[tuple[Any, ...]]:
        found = []
        for id, fields in store.execute("XRANGE", stream("b"), "-", "+"):
            row = {name.decode(): value.decode() for name, value in fields.items()} if isinstance(fields, dict) else {}
            if not row:
                words = [word.decode() for word in fields]
                row = dict(zip(words[::2], words[1::2], strict=True))
            entry = StreamEntry(stream("b"), id.decode(), row["type"], orjson.loads(row["data"]))
            made = notice(entry)
            assert made is not None and made.type == "threshold.crossed" and made.data["user_id"] is None
            found.append((made.data["action"], made.data["rule"], made.data["subject"]))
        return found

    return read
