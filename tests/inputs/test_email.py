import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from riskapi.datasets.mail_tables import DEFAULT, MailboxProvider
from riskapi.inputs.email import MailReader, near_provider, skeleton, stem
from tests.active_readers import shipped

LISTS = shipped()
READER = MailReader(LISTS)


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
    ("address", "canonical"),
    [
        ("anything@me.anonaddy.me", "*@me.anonaddy.com"),
        ("shop.7+x@Me.AnonAddy.com", "*@me.anonaddy.com"),
        ("x@me.addymail.com", "*@me.anonaddy.com"),
        ("x@me.4wrd.cc", "*@me.anonaddy.com"),
        ("x@me.mailer.me", "*@me.anonaddy.com"),
        ("x@me.addy.io", "*@me.anonaddy.com"),
        ("*@me.anonaddy.com", "*@me.anonaddy.com"),
        ("x@you.anonaddy.me", "*@you.anonaddy.com"),
        ("circus.waltz449@anonaddy.me", "circus.waltz449@anonaddy.me"),
        ("circus.waltz449@anonaddy.com", "circus.waltz449@anonaddy.com"),
        ("me@anonaddy.com", "me@anonaddy.com"),
        ("x@a.me.anonaddy.me", "x@a.me.anonaddy.me"),
        ("x@mail.anonaddy.me", "x@mail.anonaddy.me"),
        ("burger@my-sub.aleeas.com", "*@my-sub.aleeas.com"),
        ("x@my-sub.slmail.me", "*@my-sub.slmail.me"),
        ("x@myname.simplelogin.com", "*@myname.simplelogin.com"),
        ("burger.word@aleeas.com", "burger.word@aleeas.com"),
        ("dir/burger@aleeas.com", "dir@aleeas.com"),
        ("dir+burger@aleeas.com", "dir@aleeas.com"),
        ("dir#a/b@aleeas.com", "dir@aleeas.com"),
        ("/burger@aleeas.com", "/burger@aleeas.com"),
        ("shop@roke.mozmail.com", "*@roke.mozmail.com"),
        ("lnsani122@mozmail.com", "lnsani122@mozmail.com"),
        ("lnsani122@relay.mozmail.com", "lnsani122@relay.mozmail.com"),
        ("cola15@jkuang.33mail.com", "*@jkuang.33mail.com"),
        ("cola15@33mail.com", "cola15@33mail.com"),
        ("brand42.joe@erine.email", "joe@erine.email"),
        ("other.shop.joe@erine.email", "joe@erine.email"),
        ("brand42.jane@erine.email", "jane@erine.email"),
        ("joe@erine.email", "joe@erine.email"),
        ("someword.2.spamcowboy@spamgourmet.com", "spamcowboy@spamgourmet.com"),
        ("prefix.other.20.spamcowboy@spamgourmet.com", "spamcowboy@spamgourmet.com"),
        ("someword.2.cowgirl@spamgourmet.com", "cowgirl@spamgourmet.com"),
        ("x@duck.com", "x@duck.com"),
        ("x@me.ruiz.example", "x@me.ruiz.example"),
        ('"a b"@me.anonaddy.me', "*@me.anonaddy.com"),
    ],
)
def test_what_a_user_of_an_alias_service_makes_up_is_one_mailbox(address: str, canonical: str) -> None:
    assert READER.read(address).canonical == canonical


@pytest.mark.parametrize("service", LISTS.aliases.providers, ids=lambda service: service.name)
def test_alias_services_stay_relays(service: MailboxProvider) -> None:
    for domain in service.domains:
        for address in (f"ana@{domain}", f"ana@me.{domain}"):
            found = READER.read(address)
            assert (found.relay, found.disposable, found.free) == (True, False, False), address


def test_every_provider_has_a_name_of_its_own() -> None:
    names = [rules.name for rules in (DEFAULT, *LISTS.providers.providers, *LISTS.aliases.providers)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("address", "stem"),
    [
        ("name@gmail.com", "name@gmail.com"),
        ("name1@gmail.com", "name@gmail.com"),
        ("name.37@gmail.com", "name@gmail.com"),
        ("n.a.m.e100+x@googlemail.com", "name@gmail.com"),
        ("name_37@outlook.com", "name@outlook.com"),
        ("name-1.2@outlook.com", "name@outlook.com"),
        ("name-shop@yahoo.com", "name@yahoo.com"),
        ("1name@gmail.com", "0name@gmail.com"),
        ("20name7@gmail.com", "0name@gmail.com"),
        ("na12me3x@gmail.com", "na0me0x@gmail.com"),
        ("na٣me@mail.ru", "na0me@mail.ru"),
        ("иванов٣٤@mail.ru", "иванов@mail.ru"),
        ("иванов@mail.ru", "иванов@mail.ru"),
        ("name\uff11\uff12@mail.ru", "name@mail.ru"),
        ("name\u2460@mail.ru", "name@mail.ru"),
        ("name1@mailinator.com", "name@mailinator.com"),
        ("name1@mac.com", "name@icloud.com"),
        ("nam1@gmail.com", None),
        ("a1b2c3@gmail.com", None),
        ("a.b.c1@outlook.com", None),
        ("ab1cd@gmail.com", "ab0cd@gmail.com"),
        ("10203040@qq.com", None),
        ("name1@ruiz.example", None),
        ("name1@mozmail.com", None),
        ("name1@me.anonaddy.me", None),
        ('"name 1"@gmail.com', None),
        ("name..1@gmail.com", None),
    ],
    ids=ascii,
)
def test_the_stem_is_what_numbered_mailboxes_share(address: str, stem: str | None) -> None:
    assert READER.read(address).stem == stem


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("name1@gmail.com", "name1@yahoo.com"),
        ("name1@gmail.com", "names1@gmail.com"),
        ("name1@gmail.com", "name1a@gmail.com"),
        ("name1@gmail.com", "1name@gmail.com"),
        ("name1@gmail.com", "nam1e@gmail.com"),
        ("na.me1@outlook.com", "name1@outlook.com"),
        ("name1@outlook.com", "name1@outlook.es"),
        ("ana.ruiz84@hotmail.com", "ana.rubio84@hotmail.com"),
    ],
)
def test_different_names_have_different_stems(one: str, other: str) -> None:
    assert READER.read(one).stem != READER.read(other).stem


@pytest.mark.parametrize(
    ("address", "tag"),
    [
        ("ana+shop@gmail.com", "shop"),
        ("dir/burger@aleeas.com", "burger"),
        ("dir#a/b@aleeas.com", "a/b"),
        ("a+b@ruiz.example", "b"),
        ("a+b+c@ruiz.example", "b+c"),
        ("shop@me.anonaddy.me", "shop"),
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
        # RFC 5892, appendices A.1 and A.2; the names are examples of UTS #46, 4.
        ("ana@نامه\u200cای.com", "xn--mgba3gch31f060k.com", "نامه\u200cای.com"),
        ("ana@XN--mgba3gch31f060k.com", "xn--mgba3gch31f060k.com", "نامه\u200cای.com"),
        ("ana@post.ශ්\u200dරී.com", "post.xn--10cl1a0b660p.com", "post.ශ්\u200dරී.com"),
        ('"ana ruiz"@ශ්\u200dරී.com', "xn--10cl1a0b660p.com", "ශ්\u200dරී.com"),
    ],
    ids=[
        "german",
        "a-label",
        "chinese",
        "hebrew",
        "arabic",
        "cyrillic upper case",
        "persian with a joiner",
        "a-label with a joiner",
        "sinhala with a joiner",
        "quoted at sinhala",
    ],
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
        "ana@ru\u200ciz.example",
        "ana@ru\u200diz.example",
        "ana@xn--ab-m1t.com",  # a, joiner, b
        "ana@نامه\u200cای.local",
        "ana@نامه\u200cای",
        "a b@نامه\u200cای.com",
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
    assert (found.local, found.tag, found.canonical, found.pattern, found.stem) == (None, None, None, None, None)


def test_the_domain_of_an_invalid_address_is_read_where_it_can_be() -> None:
    found = READER.read("ana..ruiz@mailinator.com")
    assert not found.valid
    assert (found.domain, found.disposable) == ("mailinator.com", True)


@given(st.text(st.characters(codec=None), max_size=80) | st.builds("{}@{}".format, st.text(), st.text()))
def test_no_text_makes_the_reader_raise(address: str) -> None:
    found = READER.read(address)
    assert found.given == address
    assert found.valid == (found.canonical is not None) == (found.pattern is not None)
    assert found.stem is None or found.valid


@given(st.text("abcXYZ019.!#$%&'*+/=?^_`{|}~-\" ()<>,:;\\[]é", max_size=70))
def test_local_parts_are_judged_as_email_validator_does(local: str) -> None:
    try:
        validate_email(f"{local}@ruiz.example", check_deliverability=False, strict=True, allow_quoted_local=True)
        expected = True
    except EmailNotValidError:
        expected = False
    assert READER.read(f"{local}@ruiz.example").valid == (expected or _valid_when_stripped(local))


def _valid_when_stripped(local: str) -> bool:
    """Space before an address is taken off before it is read: forms leave it there. Behind the local part it is not."""
    try:
        validate_email(
            f"{local.lstrip()}@ruiz.example", check_deliverability=False, strict=True, allow_quoted_local=True
        )
    except EmailNotValidError:
        return False
    return local[:1].isspace()


_LABELS = st.from_regex(r"[a-z0-9-]{0,6}|xn--[a-z0-9-]{0,6}|[a-z]{61,65}", fullmatch=True)


@given(
    st.lists(_LABELS, max_size=5).map(".".join)
    | st.builds("{}.{}".format, _LABELS, st.sampled_from(["com", "test", "local", "onion", "arpa", "c1", "-c", "Com"]))
    | st.sampled_from([f"{'.'.join(['a' * 60] * 4)}.{'b' * length}" for length in range(1, 14)])
)
def test_domains_are_judged_as_email_validator_does(domain: str) -> None:
    read = READER.read(f"a@{domain}")
    try:
        found = validate_email(f"a@{domain.lower()}", check_deliverability=False, test_environment=True)
    except (EmailNotValidError, ValueError):
        assert (read.domain, read.domain_unicode) == (None, None)
        return
    assert (read.domain, read.domain_unicode) == (found.ascii_domain, found.domain)


@given(st.text("abż1٣²._-", min_size=1, max_size=12))
def test_a_stem_has_four_letters(local: str) -> None:
    kept = local.rstrip("01٣._+-")
    letters = [c for c in kept if c.isalnum() and not c.isdecimal()]
    assert (stem(f"{local}@gmail.com") is not None) == (len(letters) >= 4)


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
    assert near_provider(LISTS.providers, "mx.gmial.com", "mx.gmial.com", "gmial.com") == "gmail.com"


@pytest.mark.parametrize(
    ("address", "large"),
    [
        ("ana@gmail.com", True),
        ("ana@comcast.net", True),  # worth imitating, without rules of its own
        ("ana@x.gmail.com", False),
        ("me@ana.fastmail.com", False),
        ("ana@duck.com", False),
        ("ana@ruiz.example", False),
    ],
)
def test_a_large_providers_domain_is_known_by_the_table_in_use(address: str, large: bool) -> None:
    assert READER.read(address).large is large
