"""The store as one server and as a cluster, for what has to do the same on both."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from riskapi.settings import Settings
from riskapi.store.connections import Store, open_store
from tests import store_servers


@pytest.fixture(scope="module")
def cluster_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store of three nodes that the tests of a file share."""
    with store_servers.cluster(tmp_path_factory.mktemp("cluster")) as ports:
        settings = Settings.load({"REDIS_URL": store_servers.url(ports), "RISKAPI_STORE_TIMEOUT_MS": "10000"})
        with contextlib.closing(open_store(settings)) as store:
            yield store


@pytest.fixture(params=["one server", "three nodes"])
def either(request: pytest.FixtureRequest) -> Store:
    """The store, empty: of one server, and of three nodes."""
    if request.param == "one server":
        alone: Store = request.getfixturevalue("store")
        return alone
    found: Store = request.getfixturevalue("cluster_of_module")
    for node in found.primaries():
        node.flushall()
    assert found.is_cluster
    return found
