"""Names that are messages are told from names, whatever language, script or line of business those are from."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.inputs.email import MailReader
from signals.data.lures import LATIN, OTHER
from signals.data.top_level_domains import COUNTRY, GENERIC, PLAIN_COUNTRY
from signals.facts import Account, Facts
from signals.local_part import fold
from signals.lures import has_lure
from signals.registry import Readings, registered
from signals.web_addresses import host
from signals.writing_systems import seen
from signals.written_links import links
from signals.written_numbers import has_phone_number
from tests.active_readers import shipped
from tests.signals.reading import alone

READER = MailReader(shipped())
SIGNALS = {name: found for name, found in registered().items() if found.family == "account"}
MESSAGES = ("account_name_has_link", "account_name_has_phone", "account_name_has_lure", "account_name_has_line_break")


def read(mail: str = "ana@gmail.com", **account: str) -> Readings:
    facts = Facts(at=0.0, account=Account(**account), email=READER.read(mail))
    return {name: alone(found, facts) for name, found in SIGNALS.items()}


def said(readings: Readings) -> set[str]:
    return {name for name in MESSAGES if readings[name]}


PEOPLE = [
    "Ana Ruiz", "María de los Ángeles O'Higgins-Núñez", "José Mª. Ruiz", "J. R. R. Molenwiek", "J.R.R. Molenwiek",
    "Dr. h.c. mult. Jörg Müßighaupt", "Prof.Dr.Ing. K.-H. Müßighaupt", "St. John Thistlewaite", "Mary St.Clair",
    "Rupert Thistlewaite-Boone III", "Jean-Luc d'Arc", "Łukasz Brzęczyszczykiewicz", "Zdeněk Strč", "Şükrü Düşsever",
    "Jón Þór Birgisson", "Guðrún Ósk Jónsdóttir", "Ólafur Darri", "Bjørn Ærø", "Nguyễn Thị Phương Thảo",
    "Trần Văn Bảy", "Đặng Thái Sơn", "Lê Won Bảo", "Kim You Won", "Won Bin", "김유원", "박 당첨", "山田 太郎",
    "架空 花子", "王小明", "欧阳娜娜", "约翰·史密斯", "陈微", "Иван Валерьевич Бондаренко", "Вам Перевозчиков",
    "Олена Ковальчук", "Ελένη Παπαδοπούλου", "محمد عبد الله", "مبروك الشمري", "علی‌رضا حسینی", "דוד בן־גוריון",
    "अन्विता कल्पनिक", "ஆனந்த் குமார்", "நா. முத்துக்குமார்", "S. Kumar Pr.", "Suresh.TK Nair", "Anil.kr Singh",
    "Md.Al Amin", "Md. Al-Amin", "A.P.J. Abdul Kalam", "Ramesh Kumar B.Com", "Ramesh Kumar, M.Com., LL.B.",
    "Maria.de Souza Lima", "Jan.de Vries", "Priya Sharma 190101120034", "Rahul 2021BCS0123", "19BCE10234 Rahul",
    "สมชาย ใจดี", "გიორგი მაისურაძე", "Արամ Խաչատրյան", "ተስፋዬ ገብረ", "Ng", "Li", "X", "Ana+Luis", "Ana & Luis",
    "Ana Ruiz (she/her)", "Ana @ Ruiz", "ana@gmail.com", "Greta <info.shop@ruiz.example>", "Congratulations Mbeki",
    "Your Majesty Nkosi", "Bonus Prize Gift", "Call Me Maybe", "Claim Jumper", "Free Man", "Lucky Winner", "Click",
    "R2-D2", "1337", "Jean 16", "O'Neil 3rd", "Ana 😀 Ruiz", "Ana 1️⃣", "𝓐𝓷𝓪 𝓡𝓾𝓲𝔃",
]  # fmt: skip

FIRMS = [
    "Ruiz Ceramics", "Node.js", "Node.js Meetup Berlin", "Booking.com", "Booking.com B.V.", "Amazon.com Services LLC",
    "Amazon.com, Inc.", "1-800-Flowers.com, Inc.", "1-800-GOT-JUNK?", "Yahoo! Inc.", "St. Mary's", "Inc.",
    "A.I. Labs", "ASP.NET Consulting", "Experts for ASP.NET", "Learn .NET", "Draw.io Fans", "The Hotels.com Team",
    "Groupe Molenwiek.com SAS", "当当网 dangdang.com", "www.ruiz-ceramics.com", "https://ruiz-ceramics.com/",
    "Ruiz Ceramics, ruiz-ceramics.com", "GmbH & Co.KG/Berlin", "Meyer GmbH & Co.KG", "S.p.A. Molenwiek",
    "Molenwiek S.A./N.V.", "A/B Testing Co.", "and/or Design", "Studio 54", "3M", "7-Eleven", "Forever 21",
    "Company 2000", "Route 66 Diner", "24/7 Locksmith 365", "Class of 2010-2014", "Since 1984 - 2024",
    "ISO 9001 14001 45001 Experts", "802.11 Networks", "Windows 98 2000 2003", "01.01.2020 - 31.12.2020",
    "2021-05-14 12:00", "CNPJ 12.345.678/0001-90", "NIP 123-456-78-90", "BE 0403.170.701", "SIRET 123 456 789 00012",
    "ABN 51 824 753 556", "Room 101-102-103", "Lot 49 50 51 52 53", "Call Centre 2019-2020", "Telegram Messenger Inc",
    "WhatsApp Support Team", "WeChat Pay Partners", "QQ Music 12345", "Online Casino Molenwiek",
    "Casino de Monte-Carlo", "Bitcoin Magazine", "Crypto Labs", "Gift Card Granny", "Prize Bank", "GetYourRefund",
    "Your Account Manager Ltd", "Package Waiting Room", "Invoice Overdue Band", "Verify Inc", "Click Here Digital",
    "Payment Order 500", "Free Cash Flow Analysts", "Call Us Plumbing", "Viagraph", "You Have One Life",
    "澳門博彩股份有限公司", "中国微信科技有限公司", "ООО «Казино Рояль»", "Перевод и выплата, бюро", "شركة الفوز",
    "株式会社当選", "Kazandırmaz Anonim", "Konto Bank", "Bon Prix Gagne", "Vinto & Figli", "Trung Chúc Hotel",
    "Judi Bola Basket",
]  # fmt: skip


@pytest.mark.parametrize("name", PEOPLE)
def test_no_name_of_a_person_counts_by_itself(name: str) -> None:
    assert said(read(name=name)) == set()


@pytest.mark.parametrize("organization", FIRMS)
def test_no_name_of_a_firm_counts_by_itself(organization: str) -> None:
    assert said(read(organization=organization)) == set()


@pytest.mark.parametrize(
    "text",
    [
        "Visit evil.com now",
        "Evil! Please complete it again: evil.com Best regards",
        "see evil.example",
        "Visit me at evil.com",
        "Now EVIL.COM pays",
        "go to evil.com.",
        "win at evil.co.uk today",
        "забери на evil.ru сегодня",
        "заходи на купить-дёшево.рф сейчас",
        "date Dana and Candice www.evil.com",
        "chat https://evil.example",
        "https : // evil.example now",
        "hxxp://evil.com",
        "h**ps://evil.com",
        "evil.com/claim",
        "evil.com:8080 now",
        "bit.ly/x",
        "t.me/prize",
        "wa.me/34600000000",
        "tg://resolve?domain=prize",
        "203.0.113.9/login",
        "http://203.0.113.9",
        "evil(.)com",
        "evil [dot] com",
        "evil{точка}ru",
        "evil .com now",
        "free at ｅｖｉｌ．ｃｏｍ",
        "free at e\u200bvi\u00adl.c\u2060om",
        "free at evil。com",
        "free at еvil.соm",
        "еvil.соm",
        "Telegram @prizes",
        "Telegram: prizes",
        "WhatsApp +34 600",
        "телеграм: prizes",
        "微信：prize123",
        "加V信 prize123",
        "QQ 12345678",
        "واتساب: 0501234",
        "x" * 2000 + " evil.com",
    ],
    ids=lambda text: ascii(text)[:40],
)
def test_a_link_counts_in_either_field(text: str) -> None:
    assert read(name=text)["account_name_has_link"] is True
    assert read(organization=text)["account_name_has_link"] is True


@pytest.mark.parametrize(
    ("field", "text", "mail", "website", "counts"),
    [
        ("organization", "ruiz.example", "ana@gmail.com", None, False),
        ("organization", "www.ruiz.example", "ana@gmail.com", None, False),
        ("organization", "https://ruiz.example/shop", "ana@gmail.com", None, True),
        ("organization", "https://ruiz.example/shop", "ana@ruiz.example", None, False),
        ("organization", "ruiz.example pays you", "ana@gmail.com", None, False),
        ("organization", "ruiz.example pays you at once", "ana@gmail.com", None, True),
        ("organization", "Visit ruiz.example Inc", "ana@gmail.com", None, False),
        ("organization", "Visit ruiz.example, it pays, Inc", "ana@gmail.com", None, True),
        ("name", "ruiz.example pays you", "ana@gmail.com", None, True),
        ("organization", "https://ruiz.example pays you", "ana@gmail.com", None, True),
        ("organization", "Visit ruiz.example now", "ana@gmail.com", "ruiz.example", True),
        ("name", "ruiz.example", "ana@gmail.com", None, False),
        ("name", "www.ruiz.example", "ana@gmail.com", None, True),
        ("name", "www.ruiz.example", "ana@gmail.com", "https://ruiz.example/about", False),
        ("name", "www.ruiz.example", "ana@ruiz.example", None, False),
        ("name", "shop.ruiz.example", "ana@ruiz.example", None, False),
        ("name", "www.evilruiz.example", "ana@ruiz.example", None, True),
        ("name", "Ana Ruiz (ruiz.example)", "ana@gmail.com", None, False),
        ("name", "Ana Ruiz, evil.example", "ana@gmail.com", None, True),
        ("name", "Marketing team at ruiz.example", "ana@ruiz.example", None, False),
        ("name", "Your bill waits for you at ruiz.example", "ana@ruiz.example", None, True),
        ("name", "Ana at ruiz.example or evil.example", "ana@ruiz.example", None, True),
        ("name", "Ana at gmail.com", "ana@gmail.com", None, True),
    ],
)
def test_a_domain_that_says_who_somebody_is_is_no_link(
    field: str, text: str, mail: str, website: str | None, counts: bool
) -> None:
    given = {field: text} | ({"website": website} if website else {})
    assert read(mail, **given)["account_name_has_link"] is counts


@pytest.mark.parametrize(
    ("name", "mail", "website", "value"),
    [
        ("evil.example", "ana@gmail.com", None, True),
        ("EVIL.example.", "ana@gmail.com", "ruiz.example", True),
        ("ruiz.example", "ana@ruiz.example", None, False),
        ("ruiz.example", "ana@gmail.com", "www.ruiz.example", False),
        ("Ana evil.example", "ana@gmail.com", None, False),
        ("Ana", "ana@gmail.com", None, False),
    ],
)
def test_a_name_that_is_only_a_domain_is_noted(name: str, mail: str, website: str | None, value: bool) -> None:
    given = {"name": name} | ({"website": website} if website else {})
    assert read(mail, **given)["account_name_is_domain"] is value


@pytest.mark.parametrize(
    "text",
    [
        "call 1-800-555-0199",
        "Call us now 8005550199",
        "+34 600 123 123",
        "Ana +18005550199",
        "(202) 555-0123",
        "202-555-0123",
        "1 800 5550199",
        "089/23125-301",
        "020 7946 0958",
        "0044 20 7946 0958",
        "01 99 00 12 34",
        "(11) 98765-0001",
        "138 0013 8000",
        "98765 43210",
        "8 0 0 5 5 5 0 1 9 9",
        "８００-５５５-０１９９",
        "①⑧⓪⓪ ⑤⑤⑤ ⓪①⑨⑨",
        "1️⃣8️⃣0️⃣0️⃣ 5️⃣5️⃣5️⃣ 0️⃣1️⃣9️⃣9️⃣",
        "8\u200b0\u200b0-5\u200b55-0\u200b199",
        "+٩٦٦ ٥٠١٢٣٤٥٦٧",
        "WhatsApp 34600123123",
        "☏ Иван - Позвоните нам немедленно:  495-8-375-1234",
        "加微信13800138000",
        "اتصل 0501234567",
        "tel:0301234567",
    ],
)
def test_a_number_to_call_counts_in_either_field(text: str) -> None:
    assert read(name=text)["account_name_has_phone"] is True
    assert read(organization=text)["account_name_has_phone"] is True


LURES = [
    "Evil! Your account has been blocked. Please complete verification again", "Your parcel is on hold",
    "ur wallet was suspended", "Verify your PayPal account", "Complete verification", "You have won",
    "You've just won", "You won a car", "you are the lucky winner", "Congratulations! You are selected",
    "Claim your free bonus", "to get your bonus!!!", "You are eligible for a refund", "free USDT",
    "Double your bitcoin", "Your balance: 1.3426 BTC", "1.34 BTC waiting for you", "withdraw 2 BTC now",
    "Click the link", "click here to start", "Click evil for discount drugs", "Click evil to claim", "cheap pills",
    "viagra", "Recover your lost funds", "Invoice #12 is overdue", "A payment of $823.00 has been approved",
    "You were charged $499", "did not authorize this", "To cancel this, please call", "call now to cancel",
    "Please call us immediately", "call immediately", "free Amazon gift card", "$500 gift card",
    "gift cards worth $100", "100 free spins", "casino bonus", "slot gacor", "meet hot girls", "sexy girls",
    "Lauren wants to meet you", "Your loan is approved", "You are approved for a loan", "¡Ha ganado un coche!",
    "Su cuenta ha sido bloqueada", "Verifique su cuenta", "Reclama tu premio", "Haz clic", "Você ganhou",
    "Sua conta foi suspensa", "Confirme sua conta", "Resgate seu prêmio", "Clique aqui", "Vous avez gagné",
    "Votre colis est en attente", "Vérifiez votre compte", "Réclamez votre cadeau", "Cliquez ici",
    "Sie haben ein Auto gewonnen", "Ihr Konto wurde gesperrt", "Bestätigen Sie Ihr Konto",
    "Sichern Sie sich Ihren Gewinn", "Klicken Sie hier", "Hai vinto un premio", "Il tuo account è stato bloccato",
    "Verifica il tuo conto", "Ritira il tuo premio", "Clicca qui", "Wygrałeś", "Twoje konto zostało zablokowane",
    "Kliknij tutaj", "Odbierz swoją nagrodę", "Ödül kazandınız", "Hesabınız askıya alındı", "Ödülünüzü alın",
    "Buraya tıklayın", "Selamat anda telah menang", "Akun anda telah diblokir", "Klik di sini", "Klaim hadiah",
    "situs judi", "Bạn đã trúng thưởng", "Chúc mừng bạn đã", "Tài khoản của bạn đã bị khoá", "kèo nhà cái",
    "Позвоните нам немедленно", "для получения вашего бонуса", "Вы сегодня выиграли", "Вам одобрена ссуда",
    "Вам перевод", "Ваш счёт временно заблокирован", "Получите свой приз", "Перейдите по ссылке",
    "Подтвердите свой аккаунт", "恭喜您", "您已经中奖", "您的账户已被冻结", "点击链接", "免费领取", "领取红包",
    "代开各类发票", "加我微信", "当選しました", "アカウントが一時停止", "こちらをクリック", "당첨되셨습니다",
    "계정이 정지", "링크를 클릭", "لقد ربحت", "تم إيقاف حسابك", "اضغط هنا", "استلم جائزتك", "आप लॉटरी जीत गए",
    "यहाँ क्लिक करें",
]  # fmt: skip


@pytest.mark.parametrize("text", LURES)
def test_a_lure_counts_in_either_field(text: str) -> None:
    assert read(name=text)["account_name_has_lure"] is True
    assert read(organization=f"« {text.upper()} »")["account_name_has_lure"] is True


def test_every_sentence_of_the_table_has_an_example() -> None:
    said = [fold(seen(text)) for text in LURES]
    unused = [
        pattern
        for pattern in (*(pattern for _, patterns in LATIN for pattern in patterns), *map(fold, OTHER))
        if not any(re.search(pattern, text) for text in said)
    ]
    assert unused == []


@pytest.mark.parametrize(
    "text",
    [
        "Your account\nhas been   blocked",
        "Y\u200bour acc\u00adount was ｂｌｏｃｋｅｄ",
        "your account was bl\u0301ocked",
    ],
)
def test_lures_are_seen_through_disguises(text: str) -> None:
    assert has_lure(seen(text))


@pytest.mark.parametrize(
    ("name", "value"), [("Ana\nRuiz", True), ("Ana\u2028Ruiz", True), ("Ana\tRuiz", True), ("\n Ana Ruiz \r\n", False)]
)
def test_more_than_one_line_is_noted(name: str, value: bool) -> None:
    assert read(name=name)["account_name_has_line_break"] is value


def test_the_length_is_that_of_the_longer() -> None:
    assert read(name=" Ana ", organization="Ruiz Ceramics")["account_name_length"] == 13


@pytest.mark.parametrize("account", [{}, {"name": "", "organization": ""}])
def test_nothing_given_is_unknown(account: dict[str, str]) -> None:
    assert set(read(**account).values()) == {None}


def test_what_is_said_in_one_field_counts_when_the_other_is_missing() -> None:
    assert read(organization="call +1 888 555 0199")["account_name_has_phone"] is True
    assert read(organization="Ruiz")["account_name_is_domain"] is None


def test_messages_only_speak_against_and_the_rest_has_no_direction() -> None:
    assert {name: SIGNALS[name].risk for name in SIGNALS} == {
        **dict.fromkeys(MESSAGES, 1),
        "account_name_is_domain": 0,
        "account_name_length": 0,
    }


def test_endings_of_countries_are_no_general_ones() -> None:
    assert PLAIN_COUNTRY < COUNTRY
    assert GENERIC.isdisjoint(COUNTRY)


@pytest.mark.parametrize(
    ("text", "looks"),
    [("Ana", "Ana"), ("Ａｎａ", "Ana"), ("A\u200bn\u00ada", "Ana"), ("①２", "12"), ("علی‌رضا", "علیرضا"), ("3️⃣", "3")],
    ids=ascii,
)
def test_text_is_read_as_it_looks(text: str, looks: str) -> None:
    assert seen(text) == looks


@pytest.mark.parametrize(
    ("address", "found"),
    [("https://www.Ruiz.example:8080/x", "ruiz.example"), ("ruiz.example.", "ruiz.example"), ("", ""), ("//", "")],
)
def test_the_host_of_a_website(address: str, found: str) -> None:
    assert host(address) == found


@given(st.text(st.characters(codec=None), max_size=80), st.text(max_size=80), st.text(max_size=40))
def test_no_text_makes_a_signal_raise(name: str, organization: str, website: str) -> None:
    facts = Facts(at=0.0, account=Account(name, organization, website), email=READER.read("ana@ruiz.example"))
    for found in SIGNALS.values():
        value = alone(found, facts)
        assert value is None or type(value).__name__ == found.type


@given(st.text("a.b:/@1 -+()com[]w", max_size=200))
def test_what_looks_like_links_and_numbers_is_read_without_error(text: str) -> None:
    found = links(text)
    assert all("." in host for host in found.hosts)
    has_phone_number(text)
