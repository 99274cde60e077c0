"""Pages say what the code does: signals, settings, error codes, metrics, keys, commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from riskapi.commands.docs import pages
from riskapi.commands.program import program
from riskapi.errors import CODES
from riskapi.settings import settings_table
from riskapi.store.connections import Store
from signals import registered

ROOT = Path(__file__).resolve().parents[2]
KEYS = (ROOT / "docs/keys.md").read_text()


PAGES = pages(typer.main.get_group(program))


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_current(name: str) -> None:
    assert (ROOT / name).read_text() == PAGES[name](), "run make docs"


def test_every_signal_setting_code_and_command_is_documented() -> None:
    catalogue, settings, errors, manual = (
        (ROOT / f"docs/{name}.md").read_text() for name in ("signals", "settings", "errors", "commands")
    )
    assert [name for name in registered() if f"`{name}`" not in catalogue] == []
    assert [name for name, _, _ in settings_table() if f"`{name}`" not in settings] == []
    assert [code for code in CODES if f"`{code}`" not in errors] == []
    commands = typer.main.get_group(program).commands
    assert len(commands) == 16
    assert [name for name in commands if f"riskapi {name}" not in manual] == []


def test_every_key_in_the_source_is_documented() -> None:
    for path in (ROOT / "riskapi").rglob("*.py"):
        for stem in re.findall(r"[\"'](risk:[a-z]+)", path.read_text()):
            assert f"`{stem}" in KEYS, f"{path.name}: {stem}"


def test_every_key_a_day_of_work_leaves_is_documented_and_expires_unless_written_so(client: Any, store: Store) -> None:
    signup = {
        "account": {"user_id": "u_1"},
        "email": {"address": "a@mailinator.com"},
        "device": {"ip_address": "81.0.0.1"},
    }
    review = client.post("/v1/signups", json=signup).json["review_id"]
    client.post(
        "/v1/accounts/u_1/labels", json={"label": "abuse", "source": "external"}, headers={"Idempotency-Key": "k"}
    )
    login = {"type": "login", "device": {"ip_address": "81.0.0.1"}}
    assert client.post("/v1/accounts/u_1/events", json=login).status_code == 202
    complaint = {"id": "e_1", "type": "complaint", "user_id": "u_1"}
    assert client.post("/v1/feedback", json={"events": [complaint]}).json["accepted"] == 1
    entry = {"kind": "ip", "value": "81.0.0.1", "expires_at": "2999-01-01T00:00:00Z"}
    assert client.post("/v1/lists/watch", json=entry).status_code == 201
    client.post("/v1/policy/rollback", json={"version": 1})
    if review:
        client.post(f"/v1/reviews/{review}/claim", json={"reviewer": "kim"})
    rows = {
        row.split("`")[1].split(":")[1].split("<")[0]: row for row in KEYS.splitlines() if row.startswith("| `risk:")
    }
    for key in store.execute("KEYS", "risk:*"):
        kind = key.decode().split(":")[1]
        assert kind in rows, key
        assert (store.execute("TTL", key) < 0) == (rows[kind].rsplit("|", 2)[1].strip().startswith("never")), key
