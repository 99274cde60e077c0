"""The store as one server and as a cluster, for what has to do the same on both."""

from __future__ import annotations

import pytest

from riskapi.store.connections import Store


@pytest.fixture(params=["one server", "three nodes"])
def either(request: pytest.FixtureRequest) -> Store:
    """The store, empty: of one server, and of three nodes."""
    if request.param == "one server":
        alone: Store = request.getfixturevalue("store")
        return alone
    found: Store = request.getfixturevalue("three_nodes")
    assert found.is_cluster
    return found
