"""Passkeys: key pairs on devices of users, by which they sign in (W3C Web Authentication, level 3).

The device asks for a finger, a face or its own code each time (user verification), so a passkey is two factors. What
comes from the browser is believed in no point: every answer is checked by the ``webauthn`` package, and whatever it
trips over is an answer that is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from riskapi.access.users import Passkey, Person

if TYPE_CHECKING:
    from riskapi.access.users import Users

#: Passkeys of one user, and characters of the name of one.
MOST, LONGEST = 10, 40
#: Characters of an answer of a browser: attestations with certificates have some 10,000.
_ANSWER = 50_000
#: Milliseconds that a device has, as long as a step of signing in (:data:`riskapi.access.one_time_tokens.STEP`).
_PATIENCE = 300_000
_VERIFIED = UserVerificationRequirement.REQUIRED


class PasskeyRefused(Exception):
    """An answer that proves nothing. The message says why, for the log of people who look into it."""


@dataclass(frozen=True, slots=True)
class Site:
    """For which site passkeys are: ``id`` is its host name, ``origin`` what browsers call it."""

    id: str
    origin: str


def site_of(url: str | None, host: str) -> Site | None:
    """The site of an address that the operator set; without one, ``localhost`` as the browser calls it (``host``).

    None where browsers take no passkeys: an IP address is not a name (level 3, 5.1.2), and of other hosts nobody
    vouched that they are ours.
    """
    found = urlsplit(url or f"http://{host}")
    try:
        name, port = found.hostname or "", found.port
    except ValueError:
        return None
    if url is None and name != "localhost":
        return None
    if not name or _is_address(name) or (found.scheme != "https" and name != "localhost"):
        return None
    is_usual = port in (None, 443 if found.scheme == "https" else 80)
    return Site(name, f"{found.scheme}://{name}" + ("" if is_usual else f":{port}"))


def offer(site: Site, person: Person, challenge: str) -> str:
    """What a browser makes a passkey from, as JSON."""
    options = webauthn.generate_registration_options(
        rp_id=site.id,
        rp_name="riskapi",
        user_name=person.name,
        user_id=person.id.encode(),
        challenge=challenge.encode(),
        timeout=_PATIENCE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.id)) for each in person.passkeys],
    )
    return webauthn.options_to_json(options)


def question(site: Site, challenge: str) -> str:
    """What a browser asks its passkeys, as JSON: any user's, so that nobody has to type a name."""
    options = webauthn.generate_authentication_options(
        rp_id=site.id, challenge=challenge.encode(), timeout=_PATIENCE, user_verification=_VERIFIED
    )
    return webauthn.options_to_json(options)


def made(site: Site, challenge: str, answer: str, name: str, now: float) -> Passkey:
    """The passkey that a browser made. Raises :class:`PasskeyRefused`."""
    try:
        found = webauthn.verify_registration_response(
            credential=_read(answer),
            expected_challenge=challenge.encode(),
            expected_rp_id=site.id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except Exception as error:  # the package meets what a stranger wrote, and says so in many ways
        raise PasskeyRefused(type(error).__name__) from error
    return Passkey(
        id=bytes_to_base64url(found.credential_id),
        key=bytes_to_base64url(found.credential_public_key),
        count=found.sign_count,
        name=name.strip()[:LONGEST] or "Passkey",
        made=now,
    )


def spend(users: Users, site: Site, challenge: str, answer: str) -> Person:
    """Whom a passkey proves; its count is kept.

    Raises :class:`PasskeyRefused`, for a count that did not grow too: then there are two of a device that is one
    (level 3, 6.1.1). Raises ``StoreUnavailable``.
    """
    given = _read(answer)
    try:
        user_id = base64url_to_bytes(given["response"]["userHandle"]).decode("ascii")
    except Exception as error:
        raise PasskeyRefused("the answer names no user") from error
    refused: PasskeyRefused | None = None

    def used(kept: Person) -> Person | None:
        nonlocal refused
        try:
            passkey = next((each for each in kept.passkeys if each.id == given.get("id")), None)
            if passkey is None or kept.disabled:
                raise PasskeyRefused("the user has no such passkey")
            changed = replace(passkey, count=_proved(site, challenge, given, passkey))
        except PasskeyRefused as error:
            refused = error
            return None
        return replace(kept, passkeys=tuple(changed if each is passkey else each for each in kept.passkeys))

    person = users.change(user_id, used)
    if person is None:
        raise refused or PasskeyRefused("there is no such user")
    return person


def _proved(site: Site, challenge: str, given: dict[str, Any], passkey: Passkey) -> int:
    """The count that the device says, where its answer proves the passkey."""
    try:
        found = webauthn.verify_authentication_response(
            credential=given,
            expected_challenge=challenge.encode(),
            expected_rp_id=site.id,
            expected_origin=site.origin,
            credential_public_key=base64url_to_bytes(passkey.key),
            credential_current_sign_count=passkey.count,
            require_user_verification=True,
        )
    except Exception as error:
        raise PasskeyRefused(type(error).__name__) from error
    return found.new_sign_count


def _read(answer: str) -> dict[str, Any]:
    try:
        found = orjson.loads(answer[:_ANSWER])
    except ValueError:
        raise PasskeyRefused("the answer is not JSON") from None
    if not isinstance(found, dict):
        raise PasskeyRefused("the answer is not an object")
    return found


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
