"""API keys as a command makes, lists and revokes them."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from riskapi.access.api_keys import ApiKeys, id_of
from riskapi.access.audit_log import AuditLog
from riskapi.commands import output
from riskapi.commands.audit import COMMAND_LINE
from riskapi.store.connections import Store


def create(store: Store, name: str, scopes: Sequence[str], rate_limit: float | None) -> int:
    """Make a key and print it; 2 for scopes that do not exist."""
    try:
        key = ApiKeys(store).create(name, scopes, rate_limit)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    AuditLog(store).note(
        COMMAND_LINE, "key made", id_of(key), time.time(), name=name, scopes=" ".join(sorted(set(scopes)))
    )
    print(f"{name}: {', '.join(sorted(set(scopes)))}; shown this once:", file=sys.stderr)
    print(key)
    return 0


def show(store: Store) -> int:
    """List the keys."""
    rows = []
    for key in ApiKeys(store).list():
        limit = f"{key['rate_limit']:g}/s" if key["rate_limit"] else "-"
        rows.append((key["id"], key["created_at"], limit, ",".join(key["scopes"]), key["name"]))
    output.show(("id", "made", "limit", "scopes", "name"), rows)
    return 0


def revoke(store: Store, key_id: str) -> int:
    """Make a key invalid; 1 when there is none."""
    if ApiKeys(store).revoke(key_id):
        AuditLog(store).note(COMMAND_LINE, "key revoked", key_id, time.time())
        print(f"{key_id}: revoked", file=sys.stderr)
        return 0
    print(f"{key_id}: no such key", file=sys.stderr)
    return 1
