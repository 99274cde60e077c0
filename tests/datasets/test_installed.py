from __future__ import annotations

import concurrent.futures
import shutil
from dataclasses import replace
from pathlib import Path

import maxminddb
import pytest

from riskapi.datasets import installed
from riskapi.errors import ConfigurationError
from riskapi.settings import Settings


@pytest.fixture
def fresh(tmp_path: Path) -> Settings:
    return Settings.load({"RISKAPI_DATA_DIR": str(tmp_path)})


def test_the_packaged_databases_are_unpacked_once_and_know_a_public_address(fresh: Settings) -> None:
    paths = installed.ensure(fresh)
    with maxminddb.open_database(paths.asn) as asn, maxminddb.open_database(paths.country) as country:
        assert asn.get("8.8.8.8") and country.get("8.8.8.8")
    before = paths.asn.stat().st_mtime_ns
    assert installed.ensure(fresh) == paths
    assert paths.asn.stat().st_mtime_ns == before
    assert paths.hosting is None


def test_another_version_of_the_package_replaces_the_old_one(fresh: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    old = installed.ensure(fresh)
    monkeypatch.setattr("riskapi.datasets.packages.metadata.version", lambda name: "99.0")
    new = installed.ensure(fresh)
    assert new.asn.exists() and not old.asn.exists()
    assert sorted(path.name for path in new.asn.parent.iterdir()) == [
        "origin-asn-99.0.mmdb",
        "user-country-99.0.mmdb",
    ]


def test_starters_that_race_all_get_whole_files(fresh: Settings) -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(installed.ensure, [fresh] * 4))
    assert len(set(found)) == 1
    assert len(list(found[0].asn.parent.iterdir())) == 2


def test_a_package_whose_digest_is_wrong_is_refused(fresh: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"sha256": {"origin-asn.mmdb.bz": "0" * 64}}
    monkeypatch.setattr("riskapi.datasets.packages.json.loads", lambda text: wrong)
    with pytest.raises(ConfigurationError, match="digest"):
        installed.ensure(fresh)
    assert list((fresh.data_dir / "ip").iterdir()) == []


def test_the_operators_own_databases_are_used_and_checked(
    fresh: Settings, ip_data: installed.DataPaths, tmp_path: Path
) -> None:
    own = tmp_path / "own.mmdb"
    shutil.copy(ip_data.asn, own)
    assert installed.ensure(replace(fresh, asn_database=own)).asn == own
    own.write_bytes(b"no database")
    with pytest.raises(ConfigurationError, match="RISKAPI_ASN_DATABASE"):
        installed.ensure(replace(fresh, asn_database=own))


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(ConfigurationError, match="RISKAPI_DATA_DIR"):
        installed.ensure(Settings.load({"RISKAPI_DATA_DIR": str(tmp_path / "var")}))
