"""Phone lines and networks of real people, read right through ``POST /v1/signups`` with the shipped policy and model.

The kinds are those of public bug reports, which are named beside them; the people are invented.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import BOOTSTRAP_KEY, NOW

KEY = {"Authorization": f"Bearer {BOOTSTRAP_KEY}"}
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/157.0.0.0 Safari/537.36"
)
BEHAVIOR = {
    "form_fill_ms": 41_200, "pasted_fields": [], "honeypot_filled": False, "keystrokes": 96, "captcha_passed": True,
    "pages_before_signup": 4,
}  # fmt: skip
#: Homes of different people, by the country of the network.
HOMES = {
    "DE": ("5.56.176.77", "5.56.192.77"),
    "MX": ("2.59.194.77", "9.161.144.77"),
    "AR": ("8.243.13.77", "8.243.14.77"),
    "US": ("73.1.1.1", "73.99.1.1"),
    "CZ": ("5.230.190.77", "46.13.10.12"),
}

Post = Callable[..., dict[str, Any]]


@pytest.fixture
def sign_up(make_app: Callable[..., Any]) -> Post:
    """``sign_up(ip, number, at=…)`` posts somebody else each time; gives the answer, with ``readings``."""
    client = make_app(replay=True).test_client()
    people = 0

    def post(ip: str, number: str | None = None, at: float = NOW, **parts: Any) -> dict[str, Any]:
        nonlocal people
        people += 1
        user = f"u_{people}"
        body = {
            "account": {"user_id": user},
            "email": {"address": f"kerr{people}@kerr-{people}.example"},
            "device": {"ip_address": ip, "user_agent": CHROME},
            "phone": {"number": number},
            "behavior": {**BEHAVIOR, "form_fill_ms": 30_000 + 1_777 * people},
            "event": {"time": datetime.fromtimestamp(at, UTC).isoformat()},
            **parts,
        }
        clock = {"X-Replay-Time": datetime.fromtimestamp(at, UTC).isoformat()}
        answer = client.post("/v1/signups", json=body, headers={**KEY, **clock})
        assert answer.status_code == 200, answer.text
        account = client.get(f"/v1/accounts/{user}", headers={**KEY, **clock}).get_json()
        found: dict[str, Any] = {**answer.get_json(), "readings": account["readings"]}
        return found

    return post


def evidence(answer: dict[str, Any], kind: str) -> tuple[int, str] | None:
    """How many accounts share a thing of a kind, and how strong that is; None for no such evidence."""
    return next(
        ((row["accounts"], row["strength"]) for row in answer["linkage"]["evidence"] if row["kind"] == kind), None
    )


@pytest.mark.parametrize(
    ("country", "one", "other", "shared"),
    [
        # B01: chatwoot/chatwoot#14277, nyaruka/phonenumbers#176
        ("MX", "+5215512349876", "+525512349876", (2, "strong")),
        ("MX", "044 55 1234 9876", "55 1234 9876", (2, "strong")),
        ("MX", "01 55 1234 9876", "+52 1 55 1234 9876", (2, "strong")),
        # B02: signalapp/Signal-Android#10506, floere/phony#310
        ("AR", "+54 9 11 2345 6781", "+54 11 2345 6781", (2, "strong")),
        ("AR", "011 15 2345-6781", "11 2345 6781", (2, "strong")),
        # B04: giggsey/libphonenumber-for-php#337
        ("US", "+1 650-253-0923 ext. 4101", "+1 650-253-0923 x4188", None),
        ("US", "+1 650-253-0923 ext. 4101", "+1 650-253-0923", None),
        ("US", "+1 650-253-0923 ext. 4101", "(650) 253-0923 #4101", (2, "strong")),
        ("US", "+1 650-253-0923", "(650) 253-0923", (2, "strong")),
        # B09: iziz/libPhoneNumber-iOS#5, catamphetamine/libphonenumber-js#376
        ("DE", "393479876541", "+393479876541", (2, "strong")),
        ("DE", "447911123456", "0044 7911 123456", (2, "strong")),
    ],
)
def test_who_gives_one_line_is_linked_and_who_does_not_is_not(
    sign_up: Post, country: str, one: str, other: str, shared: tuple[int, str] | None
) -> None:
    first, second = (sign_up(ip, number) for ip, number in zip(HOMES[country], (one, other), strict=True))
    assert first["readings"]["phone_is_valid"] is second["readings"]["phone_is_valid"] is True
    assert (first["warnings"], second["warnings"]) == ([], [])
    assert evidence(second, "phone") == shared


@pytest.mark.parametrize(
    "ip",
    ["185.220.101.4", "45.83.220.68", "172.224.226.1", "95.216.1.1", "10.0.0.1"],
    ids=["Tor", "VPN", "relay", "hosting", "inside"],
)
def test_a_country_that_is_not_the_person_s_reads_no_number(sign_up: Post, ip: str) -> None:
    """B07, zhukov/webogram#914: 07402 is an area code in Germany, where that exit is, and a mobile in Britain."""
    answer = sign_up(ip, "07402 684257")
    assert {answer["readings"][name] for name in ("phone_is_valid", "phone_is_possible", "phone_region")} == {None}
    assert [row["code"] for row in answer["warnings"]] == ["INPUT_AMBIGUOUS"]
    assert {"signal": "phone_is_valid", "cause": "no_data"} in answer["degraded"]
    assert sign_up(ip, "+447402684257")["readings"]["phone_region"] == "GB"


@pytest.mark.parametrize(
    ("neighbours", "gap", "decision"),
    [
        (0, timedelta(minutes=1), "allow"),
        (1, timedelta(minutes=1), "allow"),  # B10
        (2, timedelta(minutes=1), "allow"),
        (5, timedelta(minutes=1), "review"),
        (5, timedelta(hours=1), "allow"),
        (20, timedelta(hours=1), "review"),
        (20, timedelta(days=1), "allow"),
    ],
)
def test_neighbouring_numbers_count_when_they_are_many_and_quick(
    sign_up: Post, neighbours: int, gap: timedelta, decision: str
) -> None:
    for place in range(neighbours, -1, -1):
        number, at = f"+420 601 555 {11 + 4 * place:03}", NOW - place * gap.total_seconds()
        mail = {"address": f"petra.novak{chr(97 + place)}@gmail.com"}
        answer = sign_up(f"{46 + place}.13.10.12", number, at, email=mail)
    assert answer["decision"] == decision
    if decision == "allow":
        assert answer["risk_score"] < 5 and answer["linkage"]["size"] == 1


@pytest.mark.parametrize(
    ("ip", "inside", "other"),
    [
        ("2002:5b6:dc4d::1", "5.182.220.77", "2002:5b7:c44d::1"),  # C01: falling-sky/source#75
        ("64:ff9b::1fc1:304d", "31.193.48.77", "64:ff9b::5b7:c44d"),  # C02: leev/ngx_http_geoip2_module#78
        ("64:ff9b:1::1fc1:304d", "31.193.48.77", "64:ff9b:1::5b7:c44d"),
        ("2001:0:4136:e378:8000:63bf:a249:23b2", "93.182.220.77", "2001:0:4136:e378:8000:63bf:fa48:3bb2"),  # Teredo
        ("::ffff:5.182.220.77", "5.182.220.77", "::ffff:5.183.196.77"),
    ],
)
def test_an_address_inside_another_is_the_one_that_counts(sign_up: Post, ip: str, inside: str, other: str) -> None:
    plain, wrapped = sign_up(inside), sign_up(ip)
    names = ("network_asn", "network_country", "network_kind", "network_provider", "network_is_ipv6")
    assert [wrapped["readings"][name] for name in names] == [plain["readings"][name] for name in names]
    assert wrapped["readings"]["network_asn"] is not None and wrapped["readings"]["network_is_hosting"] is not True
    assert evidence(wrapped, "ip") == (2, "weak")
    stranger = sign_up(other)
    assert evidence(stranger, "ip") is evidence(stranger, "network") is None


@pytest.mark.parametrize(
    ("ip", "kind"),
    [
        ("64.111.45.1", "consumer"),  # C07, AS54723 Midwest Data Center: Umkus/ip-index#56
        ("130.89.0.1", "education"),  # C08, SURF: mthcht/awesome-lists#54
        ("145.97.0.1", "education"),  # SURF
        ("198.124.0.1", "education"),  # ESnet
        ("95.216.1.1", "hosting"),  # Hetzner
        ("51.15.1.1", "hosting"),  # Scaleway
    ],
)
def test_a_network_is_what_it_does_and_not_what_it_is_called(sign_up: Post, ip: str, kind: str) -> None:
    readings = sign_up(ip)["readings"]
    assert (readings["network_kind"], readings["network_is_hosting"]) == (kind, kind == "hosting")
