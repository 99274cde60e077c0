"""Whose account a message counts for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from riskapi.errors import ConfigurationError
from riskapi.policyd.senders import LARGEST, LOOK, Senders, load
from riskapi.settings.environment import networks
from tests.conftest import Clock
from tests.logged import Lines

MAP = """# who sends for whom
relay           u_relay
ana@ruiz.example  u_ana      # her own address
@ruiz.example   u_ruiz
Billing         u_billing

@Shop.Example   u_shop
Bo@shop.example u_bo
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "senders"
    path.write_text(MAP)
    return path


FOUND = {
    "a login is a user id": ("u_1", "x@elsewhere.example", "u_1"),
    "a mapped login": ("relay", "x@elsewhere.example", "u_relay"),
    "a mapped login in other capitals": ("RELAY", "", "u_relay"),
    "a login that is mapped in capitals": ("billing", "", "u_billing"),
    "a login that is an address": ("Ana@ruiz.example", "", "u_ana"),
    "a login in a domain": ("carl@ruiz.example", "", "u_ruiz"),
    "a login in no mapped domain": ("carl@other.example", "", "carl@other.example"),
    "a login is believed before the envelope": ("u_1", "ana@ruiz.example", "u_1"),
    "a sender": ("", "ana@ruiz.example", "u_ana"),
    "a sender in capitals": ("", "ANA@RUIZ.EXAMPLE", "u_ana"),
    "a sender in a domain": ("", "carl@SHOP.example", "u_shop"),
    "an address before its domain": ("", "bo@shop.example", "u_bo"),
    "no part of a domain": ("", "carl@mail.shop.example", None),
    "no end of a domain": ("", "carl@myshop.example", None),
    "an address with two signs": ("", '"a@b"@shop.example', "u_shop"),
    "a sender without a domain": ("", "root", None),
    "a bounce": ("", "", None),
    "nobody": ("", "x@elsewhere.example", None),
    "an empty domain": ("", "x@", None),
}


@pytest.mark.parametrize(("login", "sender", "expected"), FOUND.values(), ids=FOUND)
def test_the_account_of_a_message(login: str, sender: str, expected: str | None, path: Path) -> None:
    assert Senders(path, networks("127.0.0.1")).account(login, sender, "127.0.0.1") == expected


def test_without_a_map_the_login_is_the_account() -> None:
    assert Senders(None).account("u_1", "ana@ruiz.example", "") == "u_1"
    assert Senders(None, networks("0.0.0.0/0")).account("", "ana@ruiz.example", "192.0.2.1") is None


#: Clients without a login that say they send for Ana, and whether they are believed from 127.0.0.1 and 2001:db8:7::/48.
CLIENTS = {
    "the relay": ("127.0.0.1", True),
    "a host beside it": ("127.0.0.2", False),
    "anybody": ("198.51.100.7", False),
    "a network of ours": ("2001:db8:7::25", True),
    "the network beside it": ("2001:db8:8::25", False),
    "the relay as IPv6 shows it": ("::ffff:127.0.0.1", True),
    "nobody knows where from": ("unknown", False),
    "no address": ("", False),
}


@pytest.mark.parametrize(("client", "believed"), CLIENTS.values(), ids=CLIENTS)
def test_a_sender_without_a_login_is_believed_from_networks_that_are_named(
    client: str, believed: bool, path: Path
) -> None:
    named = networks("127.0.0.1, 2001:db8:7::/48")
    assert Senders(path, named).account("", "ana@ruiz.example", client) == ("u_ana" if believed else None)
    assert Senders(path).account("", "ana@ruiz.example", client) is None


BUSTED = {
    "one word": (b"relay u_1\nrelay\n", "line 2: expected a login"),
    "three words": (b"a b c\n", "line 1: expected a login"),
    "no user id": ("relay ü\n".encode(), "line 1: the user id must be"),
    "long user id": (b"relay " + b"u" * 129, "line 1: the user id must be"),
    "only an at sign": (b"\n# x\n@ u_1\n", "line 3: @ must be followed"),
    "two accounts for one": (b"@a.example u_1\n@A.example u_2\n", "line 2: is mapped to another"),
    "two accounts for one login": (b"relay u_1\nRelay u_2\n", "line 2: is mapped to another"),
    "not UTF-8": (b"a u_1\nb u_2\n\xff u_3\n", "line 3: is not UTF-8"),
    "not text": (b"a\0 u_1\n", "file: is not text"),
    "huge": (b"#" * (LARGEST + 1), "file: is larger"),
}


@pytest.mark.parametrize(("content", "why"), BUSTED.values(), ids=BUSTED)
def test_a_busted_map_is_refused_with_its_line(content: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "senders"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        Senders(path)
    assert str(refused.value).startswith(f"{path}: {why}")


def test_a_map_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="file: cannot be read"):
        load(tmp_path)


def test_the_same_line_twice_and_an_empty_map_are_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "senders"
    path.write_text("a u_1\na u_1\n")
    assert load(path) == {"a": "u_1"}
    path.write_text("")
    assert load(path) == {}


def test_a_changed_map_is_read_again_and_a_busted_one_is_not_believed(
    path: Path,
    clock: Clock,
    lines: Lines,
) -> None:
    senders = Senders(path, monotonic=clock)

    def carl() -> str | None:
        return senders.account("carl@ruiz.example", "", "")

    path.write_text("@ruiz.example u_other\n")
    assert carl() == "u_ruiz"  # looked at once a second at most
    clock.advance(LOOK)
    assert carl() == "u_other"
    clock.advance(LOOK)
    assert carl() == "u_other"  # nothing changed: not read again
    path.write_text("@ruiz.example u_third\ncarl\n")
    clock.advance(LOOK)
    assert carl() == "u_other"
    path.unlink()
    clock.advance(LOOK)
    assert carl() == "u_other"
    replacement = path.with_suffix(".new")
    replacement.write_text("@ruiz.example u_fourth\n")
    os.replace(replacement, path)
    clock.advance(LOOK)
    assert carl() == "u_fourth"
    assert [(line["event"], line.get("line")) for line in lines()] == [
        ("policyd_map_read", None),
        ("policyd_map_kept", "line 2"),
        ("policyd_map_kept", "file"),
        ("policyd_map_read", None),
    ]
    assert "ruiz" not in str(lines())
