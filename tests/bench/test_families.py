"""Every key has a family, and families are those of docs/keys.md."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from riskapi.store.connections import Store
from tests.bench.bodies import bodies
from tests.bench.families import families, family, kind
from tests.bench.setting import ROOT

_DOCUMENTED = set(re.findall(r"`(risk:[a-z_]+)", (ROOT / "docs/keys.md").read_text()))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("risk:a:{3}:u_1", "risk:a"),
        ("risk:e:d:AbC-_09", "risk:e"),
        ("risk:w:{0}", "risk:w"),
        ("risk:cm:{b}:clu_1", "risk:cm"),
        ("risk:policies", "risk:policies"),
        ("risk:as:risk:a", "risk:as"),
    ],
)
def test_family(key: str, expected: str) -> None:
    assert family(key) == expected


@pytest.mark.parametrize(("letter", "expected"), [("m", "mailbox"), ("d", "device"), ("v", "service"), ("h", "holder")])
def test_kind(letter: str, expected: str) -> None:
    assert kind(f"risk:e:{letter}:AbC-_09") == expected


def test_documented_families_are_families() -> None:
    assert {family(name) for name in _DOCUMENTED} == _DOCUMENTED
    assert Path(ROOT / "docs/keys.md").exists()


def test_keys_and_bytes_an_account(make_app: Callable[..., Any], store: Store, settings: Any) -> None:
    from riskapi.app import assemble
    from tests.bench.in_process import sign_up

    service = assemble(settings, store, time.time)
    source = bodies(3, "family")
    for _ in range(20):
        sign_up(service, next(source))
    by_family, by_kind = families(store, 20)
    found = {each.name: each for each in by_family}
    assert found.keys() <= _DOCUMENTED
    assert found["risk:a"].keys == 1.0
    # A mailbox, a device and an address each; what is shared is less than one a head.
    assert {each.name: each.keys for each in by_kind}["device"] == 1.0
    assert sum(each.keys for each in by_kind) == pytest.approx(found["risk:e"].keys)
    assert sum(each.bytes for each in by_kind) == pytest.approx(found["risk:e"].bytes)
    key = next(iter(store.execute("KEYS", "risk:a:*")))
    assert 0.3 < store.execute("MEMORY", "USAGE", key, "SAMPLES", 0) / found["risk:a"].bytes < 3
    assert [each.bytes for each in by_family] == sorted((each.bytes for each in by_family), reverse=True)
    service.close()
