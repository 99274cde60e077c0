"""Signals from the browser or client: is it one that people use, how old is it, and do its settings agree."""

from __future__ import annotations

from collections.abc import Collection

from signals.facts import Facts
from signals.registry import signal
from signals.whereabouts import country_of_person

NEEDS = ("/device/user_agent",)
_PARSED = ("/device/user_agent", "agent")
_DAY = 86_400.0

#: The language that browsers, servers and international teams use everywhere: it disagrees with no country.
_EVERYWHERE = "en"


def _apart(facts: Facts, countries: Collection[str]) -> bool | None:
    """Whether no language of the device is at home in one of ``countries``; unknown where CLDR knows none of them."""
    device = facts.device
    if not device.languages or not device.language_countries or not countries:
        return None
    return _EVERYWHERE not in device.languages and device.language_countries.isdisjoint(countries)


@signal(reason="the browser or client is {value}", risk=None, needs=_PARSED)
def device_agent_family(facts: Facts) -> str | None:
    """Family of the client as ua-parser names it, such as ``Chrome Mobile``. For people and rules."""
    return facts.device.agent_family


@signal(reason="the browser or client runs on {value}", risk=None, needs=_PARSED)
def device_agent_system(facts: Facts) -> str | None:
    """Operating system, such as ``Windows``. For people and rules. Sources: ua-parser; riskapi.inputs.agents."""
    return facts.device.agent_system


@signal(reason="the browser or client is {value:a known one|not a known one}", risk=-1, needs=_PARSED)
def device_agent_is_known(facts: Facts) -> bool | None:
    """Whether the client's family *and* its system are known, and agree. False for invented agents.

    Invented: of two devices at once (an iPhone with Windows), of a product that its system does not have, or without a
    product and its version (RFC 9110, 10.1.5). It is unknown for a browser or system that nobody has heard of, unless
    that is one of a program. Sources: ua-parser, and the systems listed in riskapi.inputs.agents.
    """
    device = facts.device
    if device.user_agent is None:
        return None
    if device.agent_invented:
        return False
    if device.agent_family is not None and device.agent_system is not None:
        return True
    return False if device.automation else None


@signal(reason="the browser's version came out {value:.0f} {value:day|days} before the signup", risk=0)
def device_agent_age_days(facts: Facts) -> float | None:
    """Days between the release of the client's major version and the signup, 0 or more. Typical: 5 to 60.

    People with old machines have old clients, and so have scripts with an agent copied years ago: either way may be
    learned. Source: release calendars of riskapi.inputs.agent_releases, exact to four weeks.
    """
    released = facts.device.agent_released
    return None if released is None else max(0.0, (facts.signup_at - released) / _DAY)


@signal(reason="the browser's version is {value:.0f} {value:day|days} ahead of its release", risk=1)
def device_agent_days_early(facts: Facts) -> float | None:
    """Days by which the client's version is ahead of its release, 0 when it is out. Beta users are up to 40 days ahead.

    More means an invented version. Source: release calendars; Chrome's beta precedes its stable by three to four weeks.
    """
    released = facts.device.agent_released
    return None if released is None else max(0.0, (released - facts.signup_at) / _DAY)


@signal(reason="the browser is {value:on a phone or tablet|not on a phone or tablet}", risk=0, needs=_PARSED)
def device_is_mobile(facts: Facts) -> bool | None:
    """Whether the system is one of phones and tablets. Either is typical; desktop mode hides some tablets."""
    return facts.device.agent_mobile


@signal(reason="the browser {value:says that it is run by a program|does not say that it is run by a program}", risk=1)
def device_is_automated(facts: Facts) -> bool | None:
    """Whether the agent carries the mark of a headless browser, a driver, a crawler or an HTTP library.

    Typical: false for people. Careful scripts hide the mark. Source: agents documented by those projects.
    """
    return None if facts.device.automation is None else bool(facts.device.automation)


@signal(reason="the mark of automation in the user agent is “{value}”", risk=None)
def device_automation(facts: Facts) -> str | None:
    """The mark of automation in the agent, ``""`` when there is none. For people and rules."""
    return facts.device.automation


@signal(reason="the user agent is {value:one that no browser sends|of a form that browsers send}", risk=1)
def device_agent_is_malformed(facts: Facts) -> bool | None:
    """Whether the agent has over 2,048 characters, control characters, or characters that are not valid.

    Typical: false. Browsers send up to about 400 characters, and a header holds no control characters (RFC 9110, 5.5):
    the caller's own code or a script made it up.
    """
    return facts.device.agent_malformed


@signal(reason="the browser asks for {value} {value:language|languages}", risk=0, needs="/device/accept_language")
def device_language_count(facts: Facts) -> int | None:
    """Different languages in Accept-Language, 0 to 20; 0 when a header was sent that names none. Typical: 1 or 2."""
    return None if facts.device.languages is None else len(facts.device.languages)


@signal(
    reason="{value:no|a} language of the browser fits the country of the IP address",
    risk=1,
    needs=("/device/accept_language", "/device/ip_address", "country"),
)
def device_language_mismatch(facts: Facts) -> bool | None:
    """Whether no language asked for is official or widely spoken where the IP is. True or false; a weak signal.

    English agrees with every country. Migrants, minorities and travellers differ: never evidence alone. Unknown
    behind VPNs, Tor, relays and data centres. Source: CLDR territory languages.
    """
    country = country_of_person(facts.network)
    return None if country is None else _apart(facts, (country,))


@signal(reason="the browser's time zone {value:exists|does not exist}", risk=-1, needs="/device/time_zone")
def device_time_zone_is_valid(facts: Facts) -> bool | None:
    """Whether the time zone is a name of the IANA database, or an offset. Browsers send no other (ECMA-402)."""
    return facts.device.time_zone_valid


@signal(
    reason="the browser's time zone is {value:not used|used} in the country of the IP address",
    risk=1,
    needs=("/device/time_zone", "/device/ip_address", "country"),
)
def device_time_zone_mismatch(facts: Facts) -> bool | None:
    """Whether the clock is set to a zone that the IP's country does not keep. True or false; a weak signal.

    Travellers differ, and so do customers of residential proxies. Unknown behind VPNs, Tor, relays and data
    centres, and for zones of no country. Source: IANA ``zone1970.tab`` and ``zone.tab``.
    """
    country, countries = country_of_person(facts.network), facts.device.time_zone_countries
    return None if country is None or not countries else country not in countries


@signal(
    reason="{value:no|a} language of the browser fits its time zone",
    risk=1,
    needs=("/device/accept_language", "/device/time_zone"),
)
def device_language_time_zone_mismatch(facts: Facts) -> bool | None:
    """Whether no language asked for is spoken in a country of the time zone. True or false; a weak signal.

    Independent of the IP address, so it holds behind a VPN too. English agrees with every zone. Sources: CLDR, IANA.
    """
    countries = facts.device.time_zone_countries
    return None if not countries else _apart(facts, countries)


@signal(
    reason="the browser's clock is {value:not set|set} to the time zone of a country", risk=0, needs="/device/time_zone"
)
def device_time_zone_is_utc(facts: Facts) -> bool | None:
    """Whether the zone is valid but of no country: ``UTC``, ``Etc/GMT+3``. Typical of servers and privacy browsers.

    Unknown for ``CET``, ``EST`` and the like, which people in many countries set.
    """
    countries = facts.device.time_zone_countries
    return None if countries is None else not countries


@signal(
    reason="the browser is {value:|not }a phone's or tablet's on a hosting provider's network",
    risk=1,
    needs=(*_PARSED, "/device/ip_address", "kind"),
)
def device_mobile_on_hosting(facts: Facts) -> bool | None:
    """Whether a client that says it is a phone comes from a hosting network that is not a known VPN or relay.

    True or false. Phones are seldom in data centres; emulators and forged agents are. Company VPNs are the exception.
    """
    network, mobile = facts.network, facts.device.agent_mobile
    if network is None or network.kind is None or mobile is None:
        return None
    return mobile and network.kind == "hosting" and network.anonymizer is None
