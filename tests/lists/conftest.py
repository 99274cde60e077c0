"""What tests of lists may ask for."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.app import Service
from riskapi.lists.entries import StoredEntry
from riskapi.lists.lists import Lists
from tests.conftest import NOW
from tests.lists.kept import Put


@pytest.fixture
def entries(service: Service) -> Lists:
    return service.parts.lists


@pytest.fixture
def put(entries: Lists) -> Put:
    """``put("deny", "ip", "203.0.113.9")`` puts something on a list."""

    def make(name: Any, kind: Any, value: str, now: float = NOW, **more: Any) -> StoredEntry:
        given = {"expires_at": None, "reason": None, "author": "kim", "silences_feedback": False, **more}
        return entries.put(entries.draft(name, kind, value, now=now, **given), now, replace=True).entry

    return make
