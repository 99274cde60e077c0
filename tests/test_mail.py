import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from riskapi.domains import DomainLists
from riskapi.mail import MailReader, near_provider, skeleton

READER = MailReader(DomainLists.load())


@pytest.mark.parametrize(
    ("address", "canonical"),
    [
        ("Ana.Ruiz+shop@GMail.com", "anaruiz@gmail.com"),
        ("a.n.a.ruiz@googlemail.com", "anaruiz@gmail.com"),
        ("ana.ruiz+x@outlook.com", "ana.ruiz@outlook.com"),
        ("ana+x@hotmail.co.uk", "ana@hotmail.co.uk"),
        ("ana@live.com", "ana@live.com"),
        ("ana+x@me.com", "ana@icloud.com"),
        ("ana@mac.com", "ana@icloud.com"),
        ("ana.r@icloud.com", "ana.r@icloud.com"),
        ("a.na_ru-iz+x@pm.me", "anaruiz@proton.me"),
        ("anaruiz@protonmail.com", "anaruiz@proton.me"),
        ("shop@ana.fastmail.com", "ana@fastmail.com"),
        ("ana+shop@fastmail.fm", "ana@fastmail.fm"),
        ("ana.ruiz@ya.ru", "ana-ruiz@yandex.ru"),
        ("ana-ruiz+x@yandex.kz", "ana-ruiz@yandex.ru"),
        ("nick-shop@yahoo.com", "nick-@yahoo.com"),
        ("nick-bank@yahoo.com", "nick-@yahoo.com"),
        ("nick@yahoo.com", "nick@yahoo.com"),
        ("ana+x@zohomail.eu", "ana@zohomail.eu"),
        ("ana+x@gmx.de", "ana+x@gmx.de"),
        ("ana-maria@web.de", "ana-maria@web.de"),
        ("ana+x@ruiz.example", "ana@ruiz.example"),
        ("ana.ruiz@ruiz.example", "ana.ruiz@ruiz.example"),
        ("+x@gmail.com", "+x@gmail.com"),
        ("\uff41\uff4e\uff41@ruiz.example", "ana@ruiz.example"),
        ("ana+@ruiz.example", "ana@ruiz.example"),
        ('"Ana Ruiz"@example.org', '"ana ruiz"@example.org'),
        ('"ana+shop ruiz"@gmail.com', '"ana+shop ruiz"@gmail.com'),
        ('"ana@ruiz"@example.org', '"ana@ruiz"@example.org'),
        ('"Ana.Ruiz+shop"@gmail.com', "anaruiz@gmail.com"),
    ],
)
def test_written_addresses_lead_to_one_mailbox(address: str, canonical: str) -> None:
    assert READER.read(address).canonical == canonical


@pytest.mark.parametrize(
    ("address", "tag"),
    [
        ("ana+shop@gmail.com", "shop"),
        ("ana@gmail.com", None),
        ("ana+@gmail.com", None),
        ("nick-shop@yahoo.com", "shop"),
        ("ana-maria@gmail.com", None),
        ("shop@ana.fastmail.com", "shop"),
    ],
)
def test_the_tag_is_told_apart(address: str, tag: str | None) -> None:
    assert READER.read(address).tag == tag


@pytest.mark.parametrize(
    ("address", "pattern"),
    [
        ("mark1984@gmail.com", "aaaa0000@gmail.com"),
        ("jane2231+x@gmail.com", "aaaa0000@gmail.com"),
        ("ana.ruiz@ruiz.example", "aaa.aaaa@ruiz.example"),
        ("иван7@ruiz.example", "aaaa0@ruiz.example"),
    ],
)
def test_the_pattern_is_the_shape_without_the_tag(address: str, pattern: str) -> None:
    assert READER.read(address).pattern == pattern


def test_the_skeleton_keeps_lengths_and_separators() -> None:
    assert skeleton("a_b-c.99") == "a_a-a.00"


def test_a_plain_address_is_read_in_full() -> None:
    found = READER.read(" Ana@Mail.Ruiz.co.uk ")
    assert found.given == " Ana@Mail.Ruiz.co.uk "
    assert found.valid
    assert (found.local, found.domain, found.registrable, found.suffix) == (
        "ana",
        "mail.ruiz.co.uk",
        "ruiz.co.uk",
        "co.uk",
    )
    assert found.private


@pytest.mark.parametrize(
    ("address", "domain", "shown"),
    [
        ("ana@bücher.example", "xn--bcher-kva.example", "bücher.example"),
        ("ana@xn--bcher-kva.example", "xn--bcher-kva.example", "bücher.example"),
        ("用户@例子.example", "xn--fsqu00a.example", "例子.example"),
        ("משתמש@דוגמה.example", "xn--6dbbec0c.example", "דוגמה.example"),
        ("مستخدم@مثال.example", "xn--mgbh0fb.example", "مثال.example"),
        ("почта@ПРИМЕР.example", "xn--e1afmkfd.example", "пример.example"),
    ],
    ids=["german", "a-label", "chinese", "hebrew", "arabic", "cyrillic upper case"],
)
def test_internationalized_addresses_are_valid(address: str, domain: str, shown: str | None) -> None:
    found = READER.read(address)
    assert found.valid
    assert (found.domain, found.domain_unicode) == (domain, shown)


@pytest.mark.parametrize("domain", ["example.com", "ruiz.example", "mail.test"])
def test_reserved_example_and_test_names_are_valid(domain: str) -> None:
    assert READER.read(f"ana@{domain}").valid


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "ana",
        "ana@",
        "@ruiz.example",
        "ana@@ruiz.example",
        "a@b@ruiz.example",
        "ana@ruiz",
        "ana@localhost",
        "ana@printer.local",
        "ana..ruiz@ruiz.example",
        ".ana@ruiz.example",
        "ana@-ruiz.example",
        "ana@ruiz..example",
        "ana@[192.0.2.1]",
        "Ana <ana@ruiz.example>",
        '""@ruiz.example',
        '"ana@ruiz.example',
        '"ana"ruiz@ruiz.example',
        '"ana\n"@ruiz.example',
        '"ana\\\n"@ruiz.example',
        '"Ana" <ana@ruiz.example>',
        '"' + "a " * 33 + '"@ruiz.example',
        "ana@ruiz.example\x00",
        "a\x00na@ruiz.example",
        "ana\ud800@ruiz.example",
        "ana@rui\udfffz.example",
        "\u202eana@ruiz.example",
        "ana@ruiz\u200f.example",
        "ana @ruiz.example",
        "a" * 65 + "@ruiz.example",
        "ana@" + "a" * 64 + ".example",
        "ana@" + ".".join(["a" * 60] * 5) + ".example",
        "ana@xn--a.example",
        "x" * 1_000_000,
        "@" * 1_000_000,
        "ana@" + "é" * 300 + ".example",
        "ana@ruiz.123",
    ],
    ids=lambda address: ascii(address)[:40],
)
def test_busted_addresses_are_invalid_and_never_raise(address: str) -> None:
    found = READER.read(address)
    assert not found.valid
    assert (found.local, found.tag, found.canonical, found.pattern) == (None, None, None, None)


def test_the_domain_of_an_invalid_address_is_read_where_it_can_be() -> None:
    found = READER.read("ana..ruiz@mailinator.com")
    assert not found.valid
    assert (found.domain, found.disposable) == ("mailinator.com", True)


@given(st.text(st.characters(codec=None), max_size=80) | st.builds("{}@{}".format, st.text(), st.text()))
def test_no_text_makes_the_reader_raise(address: str) -> None:
    found = READER.read(address)
    assert found.given == address
    assert found.valid == (found.canonical is not None) == (found.pattern is not None)


@given(st.text("abcXYZ019.!#$%&'*+/=?^_`{|}~-\" ()<>,:;\\[]é", max_size=70))
def test_local_parts_are_judged_as_email_validator_does(local: str) -> None:
    try:
        validate_email(f"{local}@ruiz.example", check_deliverability=False, strict=True, allow_quoted_local=True)
        expected = True
    except EmailNotValidError:
        expected = False
    assert READER.read(f"{local}@ruiz.example").valid == (expected or _valid_when_stripped(local))


def _valid_when_stripped(local: str) -> bool:
    """Space around an address is taken off before it is read: forms leave it there."""
    try:
        validate_email(
            f"{local.strip()}@ruiz.example", check_deliverability=False, strict=True, allow_quoted_local=True
        )
    except EmailNotValidError:
        return False
    return local[:1].isspace()


@pytest.mark.parametrize(
    ("domain", "provider"),
    [
        ("gmial.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("gmai1.com", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gmail.cm", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("yahooo.com", "yahoo.com"),
        ("outlok.com", "outlook.com"),
        ("mail.gmial.com", "gmail.com"),
        ("gmаil.com", "gmail.com"),
        ("уаһоо.com", "yahoo.com"),
        ("gmáil.com", "gmail.com"),
    ],
    ids=ascii,
)
def test_one_slip_from_a_large_provider_is_a_near_miss(domain: str, provider: str) -> None:
    assert READER.read(f"ana@{domain}").near_provider == provider


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com",
        "mail.com",
        "ymail.com",
        "email.com",
        "gmx.com",
        "cloud.com",
        "yahoo.fr",
        "yahoo.es",
        "hotmail.dk",
        "yandex.by",
        "fastmail.fm",
        "ruiz.example",
        "yaho.com",
        "mailinator.com",
        "gmail.ruiz.example",
        "protonvpn.com",
        "bücher.example",
    ],
)
def test_real_domains_are_no_near_miss(domain: str) -> None:
    assert READER.read(f"ana@{domain}").near_provider is None


def test_a_near_miss_is_read_on_the_registrable_domain() -> None:
    assert near_provider("mx.gmial.com", "mx.gmial.com", "gmial.com") == "gmail.com"
