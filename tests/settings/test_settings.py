from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from riskapi.errors import ConfigurationError
from riskapi.settings import Settings, settings_table
from riskapi.settings.environment import FILE_LIMIT, Bind, Blocklist, Source
from riskapi.settings.http_server import cores

SECRET = "0123456789abcdef0123456789abcdef"


def test_an_empty_environment_gives_the_defaults_of_the_contract() -> None:
    settings = Settings.load({"PATH": "/bin"})
    assert settings.bind == ("127.0.0.1", 8000)
    assert settings.data_dir == Path("var").absolute()
    assert settings.workers == cores() >= 1
    assert settings.redis_url is None and settings.bootstrap_key is None and settings.api_rate_limit is None
    assert settings.replay is False and settings.store_production is False
    assert settings.store_fsync == "always"
    assert settings.unknown == ()


GOOD: dict[str, tuple[str, str, Any]] = {
    "bind": ("RISKAPI_BIND", "0.0.0.0:80", Bind("0.0.0.0", 80)),
    "bind to IPv6": ("RISKAPI_BIND", "[::1]:8000", Bind("::1", 8000)),
    "bind to a name": ("RISKAPI_BIND", "localhost:8000", Bind("localhost", 8000)),
    "workers": ("RISKAPI_WORKERS", " 3\n", 3),
    "rate": ("RISKAPI_API_RATE_LIMIT", "2.5", 2.5),
    "replay": ("RISKAPI_REPLAY", "Yes", True),
    "replay off": ("RISKAPI_REPLAY", "0", False),
    "data": ("RISKAPI_DATA_DIR", "/srv/risk", Path("/srv/risk")),
    "fsync": ("RISKAPI_STORE_FSYNC", "EVERYSEC", "everysec"),
    "model mode": ("RISKAPI_MODEL_MODE", "off", "off"),
    "policyd on a socket": ("RISKAPI_POLICYD_BIND", "unix:/run/policyd.sock", Path("/run/policyd.sock")),
    "policyd on a port": ("RISKAPI_POLICYD_BIND", "[::1]:10040", Bind("::1", 10040)),
    "policyd asks elsewhere": ("RISKAPI_POLICYD_URL", "https://risk.example/v/", "https://risk.example/v"),
    "policyd lets go": ("RISKAPI_POLICYD_AWAY", "DUNNO", "dunno"),
    "no worker in serve": ("RISKAPI_SERVE_WORKER", "off", False),
    "nobody is asked": ("RISKAPI_ENRICHMENT", "no", False),
    "a resolver": ("RISKAPI_DNS_RESOLVER", "[::1]:5353", Bind("::1", 5353)),
    "a resolver at the usual port": ("RISKAPI_DNS_RESOLVER", "192.0.2.53", Bind("192.0.2.53", 53)),
    "an IPv6 resolver at the usual port": ("RISKAPI_DNS_RESOLVER", "2001:db8::53", Bind("2001:db8::53", 53)),
    "an IPv6 resolver in brackets": ("RISKAPI_DNS_RESOLVER", "[2001:db8::53]", Bind("2001:db8::53", 53)),
    "blocklists": (
        "RISKAPI_DNS_BLOCKLISTS",
        "ip:Zen.Example.org., domain:dbl.example.org",
        (Blocklist("ip", "zen.example.org"), Blocklist("domain", "dbl.example.org")),
    ),
    "a registry": ("RISKAPI_RDAP_BASE", "http://127.0.0.1:8080/rdap/", "http://127.0.0.1:8080/rdap"),
    "a slow pace": ("RISKAPI_RDAP_RATE", "0.5", 0.5),
    "includes": (
        "RISKAPI_SENDER_SPF_INCLUDES",
        "SPF.saas.example,_spf2.saas.example",
        ("spf.saas.example", "_spf2.saas.example"),
    ),
    "own addresses": ("RISKAPI_SENDER_ADDRESSES", "192.0.2.1, 2001:DB8:0::1", ("192.0.2.1", "2001:db8::1")),
    "own domains": (
        "RISKAPI_SENDER_DOMAINS",
        "Saas.example, mail.saas.example.",
        ("saas.example", "mail.saas.example"),
    ),
    "selectors": ("RISKAPI_SENDER_DKIM_SELECTORS", "s1, s2.mail", ("s1", "s2.mail")),
    "a resolver by name": ("RISKAPI_DNS_RESOLVER", "dns-1:5353", Bind("dns-1", 5353)),
    "a destination whose name ends in a digit": ("RISKAPI_WEBHOOK_INTERNAL", "hooks1", ("hooks1",)),
    "destinations": (
        "RISKAPI_WEBHOOK_INTERNAL",
        "10.0.0.0/8, hooks.internal,::1",
        ("10.0.0.0/8", "hooks.internal", "::1"),
    ),
    "data as installed": ("RISKAPI_DATA_ASN", "Installed", Source("installed")),
    "data from a file": ("RISKAPI_DATA_FREE", "/srv/free.txt", Source("file", SecretStr("/srv/free.txt"))),
    "data from a URL": (
        "RISKAPI_DATA_FREE",
        "https://a:b@c.example/x?k=1",
        Source("url", SecretStr("https://a:b@c.example/x?k=1")),
    ),
    "console at a host": ("RISKAPI_CONSOLE_URL", "https://risk.example/", "https://risk.example"),
    "empty is not set": ("RISKAPI_WORKERS", "", cores()),
    "blank is not set": ("RISKAPI_MODEL_MODE", "  ", None),
}


@pytest.mark.parametrize(("name", "text", "expected"), GOOD.values(), ids=GOOD)
def test_a_setting_is_read(name: str, text: str, expected: object) -> None:
    assert getattr(Settings.load({name: text}), name.removeprefix("RISKAPI_").lower()) == expected


BUSTED = {
    "bind without port": ("RISKAPI_BIND", "127.0.0.1"),
    "bind without host": ("RISKAPI_BIND", ":8000"),
    "bind to port 0": ("RISKAPI_BIND", "127.0.0.1:0"),
    "bind to port 65536": ("RISKAPI_BIND", "127.0.0.1:65536"),
    "bind with Arabic digits": ("RISKAPI_BIND", "127.0.0.1:٨٠"),
    "bind to bare IPv6": ("RISKAPI_BIND", "::1:8000"),
    "resolver without host": ("RISKAPI_DNS_RESOLVER", ":53"),
    "resolver with two ports": ("RISKAPI_DNS_RESOLVER", "[::1]:53:53"),
    "resolver that is two words": ("RISKAPI_DNS_RESOLVER", "x y"),
    "resolver that is half an address": ("RISKAPI_DNS_RESOLVER", "192.0.2"),
    "resolver that is a URL": ("RISKAPI_DNS_RESOLVER", "https://dns.example/dns-query"),
    "blocklist without kind": ("RISKAPI_DNS_BLOCKLISTS", "zen.example.org"),
    "blocklist of names": ("RISKAPI_DNS_BLOCKLISTS", "name:zen.example.org"),
    "blocklist that is no zone": ("RISKAPI_DNS_BLOCKLISTS", "ip:zen_.-.org"),
    "registry without scheme": ("RISKAPI_RDAP_BASE", "rdap.example"),
    "no pace": ("RISKAPI_DNS_RATE", "0"),
    "include that is a label": ("RISKAPI_SENDER_SPF_INCLUDES", "spf"),
    "sending from a network": ("RISKAPI_SENDER_ADDRESSES", "192.0.2.0/24"),
    "sending from a name": ("RISKAPI_SENDER_ADDRESSES", "192.0.2.1,mail.saas.example"),
    "sending from half an address": ("RISKAPI_SENDER_ADDRESSES", "192.0.2"),
    "sending as a label": ("RISKAPI_SENDER_DOMAINS", "saas"),
    "sending as an address": ("RISKAPI_SENDER_DOMAINS", "ana@saas.example"),
    "selector with a space": ("RISKAPI_SENDER_DKIM_SELECTORS", "s 1"),
    "destination that is a URL": ("RISKAPI_WEBHOOK_INTERNAL", "http://hooks.internal"),
    "destination that is half an address": ("RISKAPI_WEBHOOK_INTERNAL", "10.0.0"),
    "no workers": ("RISKAPI_WORKERS", "0"),
    "half a worker": ("RISKAPI_WORKERS", "1.5"),
    "very many workers": ("RISKAPI_WORKERS", "9" * 400),
    "negative workers": ("RISKAPI_WORKERS", "-1"),
    "rate of zero": ("RISKAPI_API_RATE_LIMIT", "0"),
    "rate that is no number": ("RISKAPI_API_RATE_LIMIT", "nan"),
    "endless rate": ("RISKAPI_API_RATE_LIMIT", "inf"),
    "replay maybe": ("RISKAPI_REPLAY", "maybe"),
    "short bootstrap key": ("RISKAPI_BOOTSTRAP_KEY", SECRET[1:]),
    "bootstrap key no header can carry": ("RISKAPI_BOOTSTRAP_KEY", SECRET + "é"),
    "bootstrap key of two words": ("RISKAPI_BOOTSTRAP_KEY", SECRET + " and more"),
    "no such policy": ("RISKAPI_POLICY_FILE", "/nowhere/policy.toml"),
    "path with NUL": ("RISKAPI_DATA_DIR", "var\0"),
    "store that is HTTP": ("REDIS_URL", "http://localhost"),
    "store without a host": ("REDIS_URL", "redis://"),
    "socket without a path": ("REDIS_URL", "unix://"),
    "store whose password has a slash": ("REDIS_URL", f"redis://:{SECRET}/x@store.example:6379/0"),
    "store whose password has a hash": ("REDIS_URL", f"redis://ana:{SECRET}#x@store.example"),
    "store at no port": ("REDIS_URL", "redis+cluster://one.example:7000,two.example:port"),
    "store at a port alone": ("REDIS_URL", "redis://:6379"),
    "store that is no URL": ("REDIS_URL", "redis://[::1"),
    "fsync never": ("RISKAPI_STORE_FSYNC", "no"),
    "model mode on": ("RISKAPI_MODEL_MODE", "on"),
    "policyd on a relative socket": ("RISKAPI_POLICYD_BIND", "unix:policyd.sock"),
    "policyd on a socket with a long path": ("RISKAPI_POLICYD_BIND", "unix:/" + "x" * 107),
    "policyd on no port": ("RISKAPI_POLICYD_BIND", "127.0.0.1"),
    "policyd asks FTP": ("RISKAPI_POLICYD_URL", "ftp://risk.example"),
    "policyd asks no host": ("RISKAPI_POLICYD_URL", "http:///v1"),
    "policyd asks with a password": ("RISKAPI_POLICYD_URL", f"http://u:{SECRET}@risk.example"),
    "policyd asks a port that is none": ("RISKAPI_POLICYD_URL", "http://risk.example:http"),
    "policyd asks a host that is none": ("RISKAPI_POLICYD_URL", "http://risk..example"),
    "policyd asks two lines": ("RISKAPI_POLICYD_URL", "http://risk.example/a\r\nb"),
    "policyd with a short key": ("RISKAPI_POLICYD_API_KEY", SECRET[1:]),
    "policyd without its map": ("RISKAPI_POLICYD_MAP_FILE", "/nowhere/senders"),
    "policyd rejects": ("RISKAPI_POLICYD_AWAY", "reject"),
    "policyd rejects strangers": ("RISKAPI_POLICYD_STRANGERS", "reject"),
    "data from a package, as it was": ("RISKAPI_DATA_ASN", "Package"),
    "data from FTP": ("RISKAPI_DATA_ASN", "ftp://data.example/asn.mmdb"),
    "data from no host": ("RISKAPI_DATA_ASN", "https:///asn.mmdb"),
    "data from a port that is none": ("RISKAPI_DATA_ASN", "https://data.example:x/asn.mmdb"),
    "data from two lines": ("RISKAPI_DATA_ASN", f"https://data.example/{SECRET}\r\na"),
    "data from a path with NUL": ("RISKAPI_DATA_ASN", "asn\0.mmdb"),
    "policy instead of its path": ("RISKAPI_POLICY_FILE", f"version = 1  # {SECRET}\n" * 200),
    "map instead of its path": ("RISKAPI_POLICYD_MAP_FILE", f"{SECRET} u_1\n" * 200),
    "certificate instead of its path": ("RISKAPI_FEEDBACK_SES_CERTIFICATE_FILE", f"{SECRET}\n" * 200),
    "home of nobody": ("RISKAPI_DATA_DIR", "~nobody-of-this-name/var"),
    "console below a path": ("RISKAPI_CONSOLE_URL", "https://risk.example/console"),
    "nothing but commas": ("RISKAPI_CONSOLE_OIDC_DOMAINS", ", ,"),
    "no keys but commas": ("RISKAPI_FEEDBACK_RETURN_PATH_KEY", ","),
    "no reporters but commas": ("RISKAPI_FEEDBACK_REPORTERS", ","),
    "timeout of 1 ms": ("RISKAPI_STORE_TIMEOUT_MS", "1"),
}


@pytest.mark.parametrize(("name", "text"), BUSTED.values(), ids=BUSTED)
def test_a_wrong_value_is_refused_by_name_with_a_reason_and_not_repeated(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.load({name: text})
    assert refused.value.where == "environment"
    assert refused.value.key == name
    assert refused.value.reason
    assert SECRET not in str(refused.value)


def test_every_setting_is_read_from_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{SECRET}\n")
    settings = Settings.load({"RISKAPI_BOOTSTRAP_KEY_FILE": str(file)})
    assert settings.bootstrap_key is not None
    assert settings.bootstrap_key.get_secret_value() == SECRET
    file.write_text("redis://:secret@store.example\n")
    settings = Settings.load({"REDIS_URL_FILE": str(file)})
    assert settings.redis_url is not None
    assert ":secret@" not in repr(settings)


BUSTED_FILES = {
    "missing": None,
    "empty": b"",
    "not text": b"\xff\xfe" * 20,
    "huge": b"x" * (FILE_LIMIT + 1),
    "wrong": b"short",
}


@pytest.mark.parametrize("content", BUSTED_FILES.values(), ids=BUSTED_FILES)
def test_a_wrong_file_is_refused(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="RISKAPI_BOOTSTRAP_KEY"):
        Settings.load({"RISKAPI_BOOTSTRAP_KEY_FILE": str(file)})


def test_a_value_and_a_file_for_it_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="set together with RISKAPI_WORKERS_FILE"):
        Settings.load({"RISKAPI_WORKERS": "1", "RISKAPI_WORKERS_FILE": str(tmp_path)})


def test_replay_is_refused_on_a_production_store() -> None:
    with pytest.raises(ConfigurationError, match="RISKAPI_REPLAY"):
        Settings.load({"RISKAPI_REPLAY": "on", "RISKAPI_STORE_PRODUCTION": "on"})


@pytest.mark.parametrize(
    ("name", "meant"),
    [("RISKAPI_WORKER", "WORKERS"), ("RISKAPI_DATADIR", "DATA_DIR"), ("RISKAPI_BOOTSTRAPKEY", "BOOTSTRAP_KEY")],
)
def test_a_misspelt_setting_is_refused_with_what_was_meant(name: str, meant: str) -> None:
    with pytest.raises(ConfigurationError, match=f"did you mean RISKAPI_{meant}"):
        Settings.load({name: "1"})


def test_names_that_mean_nothing_are_listed_and_those_of_kubernetes_passed_over() -> None:
    settings = Settings.load(
        {"RISKAPI_CONSOLE_COLOURS": "9", "RISKAPI_SERVICE_HOST": "10.0.0.1", "RISKAPI_PORT_8000_TCP_ADDR": "10.0.0.1"}
    )
    assert settings.unknown == ("RISKAPI_CONSOLE_COLOURS",)


def test_the_table_names_every_setting_once_with_a_meaning() -> None:
    names = [name for name, _, _ in settings_table()]
    assert len(names) == len(set(names))
    assert {"RISKAPI_BIND", "REDIS_URL", "RISKAPI_REPLAY", "RISKAPI_STORE_PRODUCTION"} <= set(names)
    assert all(default and meaning.endswith(".") for _, default, meaning in settings_table())


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        (Bind("0.0.0.0", 80), "http://127.0.0.1:80"),
        (Bind("::", 8000), "http://[::1]:8000"),
        (Bind("localhost", 1), "http://localhost:1"),
    ],
)
def test_the_url_shown_can_be_opened_from_this_machine(bind: Bind, url: str) -> None:
    assert bind.url == url
