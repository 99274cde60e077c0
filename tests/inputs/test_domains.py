from pathlib import Path

import pytest

from riskapi.errors import ConfigurationError
from riskapi.inputs.domains import DomainLists, DomainStanding


@pytest.mark.parametrize(
    "domain",
    ["mailinator.com", "yopmail.com", "guerrillamail.com", "maildrop.cc", "mail.mailinator.com", "a.b.mailinator.com"],
)
def test_throwaway_domains_and_what_lies_below_them_are_disposable(lists: DomainLists, domain: str) -> None:
    found = lists.standing(domain)
    assert (found.disposable, found.relay, found.free) == (True, False, False)


@pytest.mark.parametrize(
    "domain",
    [
        "mozmail.com",
        "relay.firefox.com",
        "duck.com",
        "privaterelay.appleid.com",
        "simplelogin.com",
        "ana.simplelogin.com",
        "aleeas.com",
        "slmail.me",
        "slmails.com",
        "passmail.net",
        "anonaddy.com",
        "ana.anonaddy.com",
        "anonaddy.me",
        "addy.io",
        "opayq.com",
        "33mail.com",
        "emailalias.io",
    ],
)
def test_relays_are_neither_disposable_nor_free(lists: DomainLists, domain: str) -> None:
    found = lists.standing(domain)
    assert (found.disposable, found.relay, found.free) == (False, True, False)


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com",
        "outlook.com",
        "yahoo.co.jp",
        "proton.me",
        "qq.com",
        "163.com",
        "21cn.com",
        "docomo.ne.jp",
        "naver.com",
        "mail.ru",
        "gmx.de",
        "wp.pl",
        "uol.com.br",
        "rediffmail.com",
        "laposte.net",
        "tuta.com",
        "ana.fastmail.com",
    ],
)
def test_consumer_providers_of_many_countries_are_free(lists: DomainLists, domain: str) -> None:
    found = lists.standing(domain)
    assert (found.disposable, found.relay, found.free) == (False, False, True)


@pytest.mark.parametrize("domain", ["ruiz.example", "ibm.com", "google.com", "mit.edu", "firefox.com", "appleid.com"])
def test_other_domains_are_private(lists: DomainLists, domain: str) -> None:
    assert lists.standing(domain)[2:] == (False, False, False)


@pytest.mark.parametrize(
    ("domain", "registrable", "suffix"),
    [
        ("ruiz.example", "ruiz.example", "example"),
        ("mail.ruiz.co.uk", "ruiz.co.uk", "co.uk"),
        ("ana.github.io", "ana.github.io", "github.io"),
        ("github.io", None, "github.io"),
        ("co.uk", None, "co.uk"),
        ("a.city.kawasaki.jp", "city.kawasaki.jp", "kawasaki.jp"),
        ("www.xn--mgba3a4f16a.xn--mgba3a4f16a", "xn--mgba3a4f16a.xn--mgba3a4f16a", "xn--mgba3a4f16a"),
    ],
)
def test_registrable_domain_follows_the_public_suffix_list(
    lists: DomainLists, domain: str, registrable: str | None, suffix: str
) -> None:
    found = lists.standing(domain)
    assert (found.registrable, found.suffix) == (registrable, suffix)


def test_a_neighbour_under_a_shared_suffix_is_not_listed_with_a_disposable_one(lists: DomainLists) -> None:
    listed = next(domain for domain in sorted(lists.disposable) if domain.endswith(".dynv6.net"))
    assert lists.standing(listed).disposable
    assert not lists.standing("ruiz.dynv6.net").disposable


def test_the_three_standings_never_overlap(lists: DomainLists) -> None:
    for domain in sorted(lists.disposable | lists.relay | lists.free):
        found: DomainStanding = lists.standing(domain)
        assert found.disposable + found.relay + found.free == 1, domain


def test_the_version_names_list_and_snapshot(lists: DomainLists) -> None:
    assert "disposable 0." in lists.version
    assert "suffix 20" in lists.version


def test_an_operators_files_add_and_take_away(tmp_path: Path) -> None:
    folder = tmp_path / "domains"
    folder.mkdir()
    (folder / "disposable.txt").write_text(
        "# ours\nthrowaway.example  # seen in May\nMÜLL.example\n!mailinator.com\n\n"
    )
    (folder / "free.txt").write_text("isp.example\n")
    found = DomainLists.load(tmp_path)
    assert found.standing("throwaway.example").disposable
    assert found.standing("xn--mll-hoa.example").disposable
    assert not found.standing("mailinator.com").disposable
    assert found.standing("isp.example").free
    assert found.version != DomainLists.load().version
    assert found.version.startswith(DomainLists.load().version + "+")


@pytest.mark.parametrize(
    ("content", "key"),
    [(b"nodots\n", "line 1"), (b"ok.example\n\xff\xfe\n", "line 2"), (b"a..b.example\n", "line 1"), (b"!\n", "line 1")],
    ids=["no dot", "not utf-8", "empty label", "nothing taken away"],
)
def test_a_line_that_is_no_domain_is_refused_with_file_and_line(tmp_path: Path, content: bytes, key: str) -> None:
    (tmp_path / "domains").mkdir()
    path = tmp_path / "domains" / "relay.txt"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        DomainLists.load(tmp_path)
    assert (caught.value.where, caught.value.key) == (str(path), key)
