"""What was swapped is used by what runs: without a restart, without losing a request, without forgetting the policy."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from riskapi import app, policy
from riskapi.datasets import manifest
from riskapi.datasets.dataset import Name
from riskapi.datasets.declared import DATA_SETS
from riskapi.datasets.packages import database
from riskapi.datasets.update import updating
from riskapi.errors import ConfigurationError
from riskapi.inputs.readers import ActiveReaders
from riskapi.inputs.refresh import ReaderRefresh, load
from riskapi.policy.versions import Publication
from riskapi.settings import Settings
from riskapi.store.connections import Store
from tests.conftest import NOW, ROOT, Service
from tests.waiting import until

#: Seconds within which swapped data has to be in use, and what a busy machine is given on top.
_WITHIN, _BUSY = 2.0, 8.0


def signup(user: str, domain: str = "fresh.example", ip: str = "8.8.8.8") -> dict[str, Any]:
    return {
        "account": {"user_id": user},
        "email": {"address": f"ana.ruiz@{domain}"},
        "device": {"ip_address": ip},
    }


def swap(data_dir: Path, name: Name, content: bytes) -> None:
    """What ``data update`` does with a file of this content."""
    path = data_dir / f"new-{name}"
    path.write_bytes(content)
    given = {"RISKAPI_DATA_DIR": str(data_dir), f"RISKAPI_DATA_{name.upper()}": str(path)}
    with updating(Settings.load(given), lambda *_: None) as updates:
        assert updates.update(DATA_SETS[name], NOW).changed


def disposable(*domains: str) -> bytes:
    return DATA_SETS["disposable"].packaged.installed() + "".join(f"{domain}\n" for domain in domains).encode()


class Shelved:
    """Readers in use with what refreshes them, and the versions it told."""

    def __init__(self, data_dir: Path) -> None:
        self.settings = Settings.load({"RISKAPI_DATA_DIR": str(data_dir)})
        current = manifest.read(data_dir)
        self.active_readers = ActiveReaders(load(self.settings, current))
        self.told: list[dict[str, str]] = []
        self.reader_refresh = ReaderRefresh(
            self.settings, self.active_readers, current, lambda versions: self.told.append(dict(versions))
        )


@pytest.fixture
def refreshed(tmp_path: Path) -> Shelved:
    return Shelved(tmp_path)


def test_only_what_changed_is_read_again_and_a_request_keeps_what_it_took(refreshed: Shelved, tmp_path: Path) -> None:
    taken = refreshed.active_readers.readers
    refreshed.reader_refresh.follow()
    assert refreshed.active_readers.readers is taken and refreshed.told == []
    swap(tmp_path, "disposable", disposable("fresh.example"))
    refreshed.reader_refresh.follow()
    now = refreshed.active_readers.readers
    assert now.networks is taken.networks and now.mail is not taken.mail
    assert now.mail.read("a@fresh.example").disposable and not taken.mail.read("a@fresh.example").disposable
    assert [told["lists"] for told in refreshed.told] == [now.lists.version] != [taken.lists.version]
    swap(tmp_path, "asn", database("iptoasn-asn").installed())
    refreshed.reader_refresh.follow()
    latest = refreshed.active_readers.readers
    assert latest.mail is now.mail and latest.links is now.links
    assert latest.networks.read("8.8.8.8").organization == "GOOGLE"
    assert now.networks.read("8.8.4.4").organization == "Google LLC", "what a request took is still open"
    refreshed.reader_refresh.follow()
    assert len(refreshed.told) == 2


def test_readers_that_were_replaced_go_at_once_when_nobody_has_them(refreshed: Shelved, tmp_path: Path) -> None:
    old = refreshed.active_readers.readers
    old.networks.read("8.8.8.8"), old.mail.read("a@b.example"), old.links.read(["b.example"])
    gone: list[weakref.ref[Any]] = [weakref.ref(old.networks), weakref.ref(old.mail), weakref.ref(old.links)]
    del old
    swap(tmp_path, "free", DATA_SETS["free"].packaged.installed() + b"fresh.example\n")
    gc.collect()
    gc.disable()  # what was frozen at the start is never collected: it has to go by itself
    try:
        refreshed.reader_refresh.follow()
        assert [ref() is None for ref in gone] == [False, True, True]
        refreshed.active_readers.put(
            replace(refreshed.active_readers.readers, networks=load(refreshed.settings, manifest.Manifest()).networks)
        )
        assert gone[0]() is None
    finally:
        gc.enable()


def test_data_that_cannot_be_used_leaves_the_old_in_use_is_told_once_and_shows(
    refreshed: Shelved, tmp_path: Path
) -> None:
    swap(tmp_path, "disposable", disposable("fresh.example"))
    entry = manifest.read(tmp_path).entry("disposable")
    assert entry is not None
    path = tmp_path / "feeds" / entry.file
    content = path.read_bytes()
    path.write_bytes(b"other.example\n")
    before = refreshed.active_readers.readers
    with pytest.raises(ConfigurationError, match="is not what was fetched"):
        refreshed.reader_refresh.follow()
    refreshed.reader_refresh.follow()
    assert refreshed.active_readers.readers is before and refreshed.told == []
    assert str(path) in str(refreshed.reader_refresh.fault)
    path.write_bytes(content)
    swap(tmp_path, "disposable", disposable("fresh.example", "another.example"))
    refreshed.reader_refresh.follow()
    found = (
        refreshed.reader_refresh.fault,
        refreshed.active_readers.readers.lists.standing("another.example").disposable,
    )
    assert found == (None, True)


@pytest.mark.parametrize("lacking", [MemoryError(), OSError(24, "Too many open files")])
def test_data_for_which_there_is_no_room_now_is_read_at_the_next_look(
    refreshed: Shelved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: Exception
) -> None:
    swap(tmp_path, "disposable", disposable("fresh.example"))

    def fail(*_: Any) -> Any:
        raise lacking

    with monkeypatch.context() as short:
        short.setattr("riskapi.inputs.refresh.load", fail)
        for _ in range(2):
            with pytest.raises(type(lacking)):
                refreshed.reader_refresh.follow()
    assert type(lacking).__name__ in str(refreshed.reader_refresh.fault)
    refreshed.reader_refresh.follow()
    assert refreshed.reader_refresh.fault is None
    assert refreshed.active_readers.readers.lists.standing("fresh.example").disposable


def test_a_manifest_that_is_broken_or_goes_away_is_survived(refreshed: Shelved, tmp_path: Path) -> None:
    swap(tmp_path, "disposable", disposable("fresh.example"))
    refreshed.reader_refresh.follow()
    path = tmp_path / "feeds" / "current.json"
    content = path.read_bytes()
    path.write_bytes(content[:40])
    with pytest.raises(ConfigurationError):
        refreshed.reader_refresh.follow()
    assert refreshed.active_readers.readers.lists.standing("fresh.example").disposable
    path.unlink()
    refreshed.reader_refresh.follow()
    assert (
        refreshed.reader_refresh.fault is None
        and not refreshed.active_readers.readers.lists.standing("fresh.example").disposable
    )


def test_versions_survive_the_next_policy_and_policies_the_next_versions(store: Store, tmp_path: Path) -> None:
    settings = Settings.load({"RISKAPI_DATA_DIR": str(tmp_path)})
    service = app.assemble(settings, store, lambda: NOW)
    shipped = policy.load(policy.DEFAULT).model_dump(mode="json")
    swap(tmp_path, "disposable", disposable("fresh.example"))
    service.reader_refresh.follow()
    lists = service.active_readers.readers.lists.version
    assert lists.startswith("disposable 2026-11-22.")
    first = service.active.basis
    assert first.versions["lists"] == lists and first.versions["policy"] == shipped["version"]
    made = service.parts.publisher.publish(
        shipped, Publication(note="the same", author="ana", at="2026-11-22T10:00:00Z"), lambda _: True
    )
    assert service.active.basis.versions == {**first.versions, "policy": made.version}
    swap(tmp_path, "free", DATA_SETS["free"].packaged.installed() + b"fresh.example\n")
    service.reader_refresh.follow()
    basis = service.active.basis
    assert (basis.versions["policy"], basis.policy.version) == (made.version, made.version)
    assert ", free 2026-11-22." in basis.versions["lists"]
    store.execute("FLUSHALL")
    service.parts.publisher.follow()  # none is published any more: the file's decides again
    assert service.active.basis.versions == {**basis.versions, "policy": shipped["version"]}


def test_a_running_service_and_its_worker_use_new_data_without_a_restart(
    serve: Callable[..., Service], tmp_path: Path
) -> None:
    (tmp_path / "asn.mmdb").write_bytes(database("iptoasn-asn").installed())
    (tmp_path / "list.txt").write_bytes(disposable("fresh.example"))
    sources = {
        "RISKAPI_DATA_ASN": str(tmp_path / "asn.mmdb"),
        "RISKAPI_DATA_DISPOSABLE": str(tmp_path / "list.txt"),
    }
    service = serve(RISKAPI_WORKERS="2", RISKAPI_ENRICHMENT="off", RISKAPI_SERVE_WORKER="on", **sources)
    until(lambda: len(service.logged("worker_started")) == 1)
    before = service.request("POST", "/v1/signups", signup("u_1"))[1]
    assert "disposable" not in str(before["reasons"]), before
    environ = {**os.environ, **sources, "RISKAPI_DATA_DIR": str(service.data_dir)}
    command = [sys.executable, "-m", "riskapi", "data", "update", "--only", "disposable", "asn"]
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.count("swapped") == 2, done
    final = manifest.read(service.data_dir).entry("disposable")
    assert final is not None

    def everywhere() -> bool:
        """Whether two HTTP workers and the worker beside them say so."""
        return sum(final.label in line["versions"]["lists"] for line in service.logged("data")) >= 3

    until(everywhere)
    for number in range(2, 8):
        after = service.request("POST", "/v1/signups", signup(f"u_{number}"))[1]
        assert final.label in after["versions"]["lists"]
        assert "disposable" in str(after["reasons"]) and after["risk_score"] > before["risk_score"], after
    assert service.request("GET", "/readyz")[1]["checks"]["data"] == "ok"
    path = service.data_dir / "feeds" / "current.json"
    content = path.read_bytes()
    manifest.put(path, b"{")
    until(lambda: len(service.logged("data_unusable")) == 3)
    status, ready = service.request("GET", "/readyz")
    assert status == 503 and str(path) in ready["checks"]["data"]
    assert service.request("POST", "/v1/signups", signup("u_9"))[1]["versions"] == after["versions"]
    manifest.put(path, content)
    until(lambda: service.request("GET", "/readyz")[0] == 200)
    assert service.stop() == 0
