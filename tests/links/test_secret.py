"""A link key that is not the store's stops the start, by name and with the way back."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from riskapi.commands import doctor
from riskapi.commands.link_key import check
from riskapi.errors import ConfigurationError, StoreUnavailable
from riskapi.links import secret as link_key
from riskapi.links.secret import LinkKey
from riskapi.settings import Settings
from riskapi.store.connections import Store, running_store
from riskapi.store.streams import stream
from tests.conftest import Service

SIGNUP = {"account": {"user_id": "u_1"}, "email": {"address": "ana@ruiz.example"}}

OTHER = "another-secret-of-at-least-32-characters"


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a data directory without a key."""
    return replace(settings, data_dir=tmp_path)


def path(settings: Settings) -> Path:
    return settings.data_dir / "link.key"


def test_a_new_store_gets_a_key_that_only_its_owner_reads_and_that_stays(own: Settings, store: Store) -> None:
    made = LinkKey(own, store).secret
    assert len(made) >= 32 and path(own).read_bytes() == made
    assert stat.S_IMODE(path(own).stat().st_mode) == 0o600
    assert LinkKey(own, store).secret == made
    kept = store.execute("GET", "risk:link_key")
    assert made not in kept and len(kept) == 64


def test_a_new_key_is_on_the_disk_before_anything_is_made_with_it(
    own: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, sync = list[tuple[bytes, bool]](), os.fsync

    def synced(number: int) -> None:
        sync(number)
        written.append((Path(f"/proc/self/fd/{number}").read_bytes(), path(own).exists()))

    monkeypatch.setattr(os, "fsync", synced)
    made = LinkKey(own, store).secret
    assert written == [(made, False)]


def as_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "lost": (lambda file: file.unlink(), "is missing"),
    "emptied": (lambda file: file.write_bytes(b""), "is empty"),
    "only white space": (lambda file: file.write_bytes(b" \n"), "is empty"),
    "cut": (lambda file: file.write_bytes(file.read_bytes()[:5]), "is cut short"),
    "cut by a little": (lambda file: file.write_bytes(file.read_bytes()[:-1]), "is not the one"),
    "another": (lambda file: file.write_text(OTHER), "is not the one"),
    "not a file": (as_directory, "cannot be read"),
}


@pytest.mark.parametrize(("spoil", "said"), SPOILT.values(), ids=SPOILT)
def test_a_key_that_is_not_the_store_s_is_refused_by_name_and_never_replaced(
    spoil: Callable[[Path], object], said: str, own: Settings, store: Store
) -> None:
    made = LinkKey(own, store).secret
    spoil(path(own))
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=said) as refused:
            LinkKey(own, store)
        assert str(path(own)) in str(refused.value)
        assert "RISKAPI_LINK_KEY" in str(refused.value) or "cannot be read" in said
        assert made.decode() not in str(refused.value)
    if path(own).is_dir():
        path(own).rmdir()
    path(own).write_bytes(made + b"\n")  # brought back with an editor
    assert LinkKey(own, store).secret == made


@pytest.mark.parametrize("content", [None, b""], ids=["lost", "emptied"])
def test_a_store_of_an_earlier_release_with_accounts_wants_its_key(
    content: bytes | None, own: Settings, store: Store
) -> None:
    store.execute("XADD", stream(5), "*", "type", "decision")
    if content is not None:
        path(own).write_bytes(content)
    with pytest.raises(ConfigurationError, match="though the store holds links"):
        LinkKey(own, store)
    path(own).write_text(OTHER)
    LinkKey(own, store)
    path(own).write_text(OTHER[::-1])
    with pytest.raises(ConfigurationError, match="is not the one"):
        LinkKey(own, store)


def test_an_empty_key_of_a_new_store_is_named(own: Settings, store: Store) -> None:
    path(own).write_bytes(b"")
    with pytest.raises(ConfigurationError, match="the store is new: remove the file"):
        LinkKey(own, store)


def test_a_wrong_setting_is_named(own: Settings, store: Store) -> None:
    LinkKey(replace(own, link_key=SecretStr(OTHER)), store)
    wrong = replace(own, link_key=SecretStr(OTHER[::-1]))
    with pytest.raises(ConfigurationError, match="environment: RISKAPI_LINK_KEY: is not the one") as refused:
        LinkKey(wrong, store)
    assert OTHER[::-1] not in str(refused.value)
    assert not path(own).exists()


def test_hosts_that_share_a_new_store_must_have_the_same_key(own: Settings, store: Store, tmp_path: Path) -> None:
    LinkKey(own, store)
    with pytest.raises(ConfigurationError, match="is missing, though the store holds links"):
        LinkKey(replace(own, data_dir=tmp_path / "another host"), store)


class Away:
    """A store that is away until it is back."""

    def __init__(self, store: Store) -> None:
        self.store, self.away = store, True

    def execute(self, *words: Any) -> Any:
        if self.away:
            raise StoreUnavailable("away")
        return self.store.execute(*words)


def test_a_key_is_used_while_the_store_is_away_and_looked_at_when_it_is_back(own: Settings, store: Store) -> None:
    LinkKey(own, store)
    path(own).write_text(OTHER)
    away: Any = Away(store)
    held = LinkKey(own, away)
    assert held.secret == OTHER.encode()
    with pytest.raises(StoreUnavailable):
        held.confirm()
    away.away = False
    with pytest.raises(ConfigurationError, match="is not the one"):
        held.confirm()


def test_no_key_is_made_while_nobody_can_say_whether_the_store_is_new(own: Settings, store: Store) -> None:
    away: Any = Away(store)
    with pytest.raises(ConfigurationError, match="is missing, and the store does not answer"):
        LinkKey(own, away)
    assert not path(own).exists()


def asked(settings: Settings, *, accept: bool) -> int:
    with running_store(settings, start=True) as store:
        return check(settings, store, accept=accept)


@pytest.mark.parametrize("content", [None, "", OTHER], ids=["lost", "emptied", "another"])
def test_a_key_that_is_lost_for_good_can_be_given_up(
    content: str | None, settings: Settings, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = replace(settings, redis_url=SecretStr(f"unix://{settings.data_dir}/store/valkey.sock"), data_dir=tmp_path)
    LinkKey(mine, store)
    assert asked(mine, accept=False) == 0
    path(mine).unlink()
    if content is not None:
        path(mine).write_text(content)
    assert asked(mine, accept=False) == 1
    assert "keys link-key --accept" in capsys.readouterr().err
    assert any(grade == "FAIL" and "link key" in said for grade, said in doctor._store(mine, None, start=False))
    assert asked(mine, accept=True) == 0
    LinkKey(mine, store)
    assert link_key.fault(mine, store) is None


def test_a_service_whose_key_is_gone_does_not_start(serve: Callable[..., Service]) -> None:
    service = serve()
    assert service.request("POST", "/v1/signups", SIGNUP)[0] == 200
    assert service.stop() == 0
    file = service.data_dir / "link.key"
    made = file.read_bytes()
    file.write_bytes(b"")
    refused = serve(wait=False)
    assert refused.process.wait(60) == 2
    assert f"{file}: link key: is empty, though the store holds links" in refused.errors.read_text()
    assert file.read_bytes() == b""
    found: subprocess.CompletedProcess[str] = service.command("keys", "link-key")
    assert found.returncode == 1 and "is empty" in found.stderr
    file.write_bytes(made)
    assert serve().request("GET", "/v1/accounts/u_1")[0] == 200
