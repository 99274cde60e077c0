"""Signals from the phone number: is it one, of what kind, and does it agree with the place."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from signals.facts import Facts
from signals.registry import signal
from signals.whereabouts import country_of_person

NEEDS = ("/phone/number",)

#: libphonenumber types that are a line of a person rather than a service.
_PERSONAL = frozenset({"mobile", "fixed_line", "fixed_line_or_mobile", "personal_number"})
#: Calling code of each region. The library's own look-up by region first loads all that it knows of the region;
#: ``001`` are codes of no region.
_CODES = {
    region: code for code, regions in COUNTRY_CODE_TO_REGION_CODE.items() for region in regions if region != "001"
}


def _elsewhere(region: str, countries: Iterable[str]) -> bool | None:
    """Whether no country shares the calling code of ``region``: +1, +7 and +44 serve several (ITU-T E.164)."""
    code = _CODES.get(region)
    if code is None:
        return None
    elsewhere = None
    for country in countries:
        found = _CODES.get(country)
        if found == code:
            return False
        if found is not None:
            elsewhere = True
    return elsewhere


@signal(reason="the phone number is {value:valid|not valid}", risk=-1)
def phone_is_valid(facts: Facts) -> bool | None:
    """Whether the number is assigned to a region and kind by libphonenumber's metadata. True or false; unknown for a
    national number of a country that is not known.

    Typical: true for most numbers, even from a form that checks nothing. Source: ITU-T E.164 numbering plans
    as collected in libphonenumber.
    """
    return facts.phone.valid if facts.phone else None


@signal(reason="the phone number {value:has|does not have} a length used in its country", risk=-1)
def phone_is_possible(facts: Facts) -> bool | None:
    """Whether the number at least has a length its country uses. False for keyboard mashing.

    True or false; unknown when no country could be read from it. Source: libphonenumber ``is_possible_number``.
    """
    return facts.phone.possible if facts.phone else None


@signal(reason="the phone number is of the kind {value}", risk=None)
def phone_kind(facts: Facts) -> str | None:
    """Type of the number in libphonenumber: ``mobile``, ``fixed_line``, ``voip``, … For people and rules."""
    return facts.phone.kind if facts.phone else None


@signal(reason="the phone number belongs to {value}", risk=None)
def phone_region(facts: Facts) -> str | None:
    """Region of the number, ISO 3166 alpha-2, ``001`` for non-geographic ones. For people and rules; never evidence."""
    return facts.phone.region if facts.phone else None


@signal(reason="the phone number is {value:|not }a mobile line", risk=0)
def phone_is_mobile(facts: Facts) -> bool | None:
    """Whether the number is, or in North America may be, a mobile line. Typical: true for most people."""
    kind = facts.phone.kind if facts.phone else None
    return None if kind is None else kind in ("mobile", "fixed_line_or_mobile")


@signal(reason="the phone number is {value:|not }an Internet telephony number", risk=1)
def phone_is_voip(facts: Facts) -> bool | None:
    """Whether the numbering plan sets the number aside for VoIP. Such numbers can be bought in bulk and without a
    contract.

    True or false. Misses VoIP numbers in geographic ranges. Source: libphonenumber; Thomas et al., "Dialing Back
    Abuse on Phone Verified Accounts", ACM CCS 2014, which names VoIP services a main source of numbers.
    """
    kind = facts.phone.kind if facts.phone else None
    return None if kind is None else kind == "voip"


@signal(reason="the phone number is {value:|not }a service line, such as a toll-free one", risk=1)
def phone_is_service(facts: Facts) -> bool | None:
    """Whether the number is not a line of a person: toll-free, premium-rate, shared-cost, pager, voicemail or UAN."""
    kind = facts.phone.kind if facts.phone else None
    return None if kind is None else kind not in _PERSONAL and kind != "voip"


@signal(
    reason="the phone number's calling code is {value:not used|used} in the country of the IP address",
    risk=1,
    needs=("/phone/number", "/device/ip_address", "country"),
)
def phone_region_mismatch(facts: Facts) -> bool | None:
    """Whether phone and IP address are of countries with different calling codes. True or false; a weak signal.

    Travellers and migrants differ too. Unknown behind VPNs, Tor, relays and data centres, where the IP's country is
    not the person's. Countries that share a calling code (ITU-T E.164: +1, +7, +44, …) agree.
    """
    country = country_of_person(facts.network)
    if facts.phone is None or facts.phone.region is None or country is None:
        return None
    return _elsewhere(facts.phone.region, (country,))


@signal(
    reason="the phone number's calling code is {value:not used|used} in the browser's time zone",
    risk=1,
    needs=("/phone/number", "/device/time_zone"),
)
def phone_time_zone_mismatch(facts: Facts) -> bool | None:
    """Whether no country of the device's time zone has the phone's calling code. True or false; a weak signal.

    Holds behind a VPN as well. Source: IANA ``zone1970.tab``, ITU-T E.164.
    """
    countries = facts.device.time_zone_countries
    if facts.phone is None or facts.phone.region is None or not countries:
        return None
    return _elsewhere(facts.phone.region, countries)


@signal(reason="the phone number has {value} different {value:digit|digits}", risk=-1)
def phone_distinct_digits(facts: Facts) -> int | None:
    """Different digits in the national number, 1 to 10. Typical: 5 to 8; ten random digits have 6.5 on average.

    Made-up numbers repeat a digit (``5555555``). Source: expectation of the occupancy problem, 10 × (1 − 0.9^10).
    """
    national = facts.phone.national if facts.phone else None
    return len(set(national)) if national else None


@signal(reason="the longest run of equal or consecutive digits in the phone number is {value} long", risk=1)
def phone_longest_run(facts: Facts) -> int | None:
    """Longest run of equal, ascending or descending digits in the national number, in digits. Typical: 2 or 3.

    ``1234567`` and ``0000000`` are what people type into a field they do not want to fill.
    """
    national = facts.phone.national if facts.phone else None
    if not national:
        return None
    steps = [right - left for left, right in pairwise(national.encode())]
    best = run = 1
    for index, step in enumerate(steps):
        run = run + 1 if index and step == steps[index - 1] and step in (-1, 0, 1) else 1 + (step in (-1, 0, 1))
        best = max(best, run)
    return best
