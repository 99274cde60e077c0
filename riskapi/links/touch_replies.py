"""Replies of touches: what their script (``store/lua/entity_touch.lua``) says, read as the entities of a signup or
message. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from riskapi.links import kinds
from riskapi.links.kinds import MessageEntities, Sharing, Touch
from riskapi.links.touches import TouchRules, asked_of
from riskapi.policy import Policy
from signals.facts import Entity

#: A phone number, and the block of numbers that it is of.
_PHONE: Final = ("phone", "phone_block")
#: The numbers of a thing, and of one that is only counted.
_NUMBERS, _COUNTED = struct.Struct("<8i"), struct.Struct("<3i")
#: What it says by one number of a thing that nobody else ever touched, as of most.
_ALONE: Final = 1
#: All that it says by one number: that nobody else is told of, or that the thing is the account's own (-1).
_SHORT: Mapping[int, Sequence[Any]] = {-1: (-1,), 0: (0, 0, 0, 0, 0, 0, b"", 0, 0), _ALONE: kinds.ALONE}


def of_touch(
    touch: Touch, told: Sequence[Any], policy: Policy, rules: TouchRules, voucher: str | None = None
) -> dict[str, Entity]:
    """The entities of a signup, by kind, from what is ``told`` of each. ``rules`` are what the policy makes of touches;
    ``voucher`` as in :meth:`riskapi.links.entities.Links.entities`.
    """
    asked, user_id, at = asked_of(touch, rules), touch.user_id, touch.at
    found = {}
    for (kind, place, rule, crowd, family, alone), key in zip(asked.kinds, touch.keys.values(), strict=True):
        said, siblings = told[place], voucher is not None and kind == "referrer"
        if said == _ALONE and alone is not None and not siblings:
            found[kind] = alone
        else:
            found[kind] = kinds.entity(
                kind, key, at, row(said), policy, rule, user_id, crowd=crowd, family=family, siblings=siblings
            )
    if "phone" in found:
        numbers = [told[asked.order.index(kind)] for kind in _PHONE if kind in found]
        found |= _numbers(touch, found, numbers, policy, rules.sharings["phone"])
    if voucher is not None:  # what the referrer holds is theirs, too
        found |= {kind: kinds.granted(each) for kind, each in found.items() if voucher in each.holders}
    return found


def of_message(
    said: MessageEntities, told: Sequence[Any], policy: Policy, sharings: Mapping[str, Sharing | None]
) -> list[Entity]:
    """The entities of a message, in the order of its keys; those of the account's own are left out."""
    rows = zip(said.keys, map(row, told[: len(said.keys)]), strict=True)
    return kinds.overlapping(
        [
            kinds.entity(kind, key, said.at, each, policy, sharings[kind], said.user_id)
            for (kind, key), each in rows
            if each[0] != -1
        ]
    )


def _numbers(
    touch: Touch, found: Mapping[str, Entity], told: Sequence[Any], policy: Policy, rule: Sharing | None
) -> dict[str, Entity]:
    """The number and its block, as the other entities let them be seen: a switchboard's, or without who gave both.

    ``told`` is what the script says of the number, and of the block where there is one.
    """
    if not touch.desk and all([each == _ALONE for each in told]):
        return {}
    whole, key, phone, block = row(told[0]), touch.keys["phone"], found["phone"], found.get("phone_block")
    domain = found.get("mail_domain") if "mail_domain" not in touch.hubs else None
    family = partial(kinds.entity, "phone", key, touch.at, whole, policy, rule, touch.user_id, family=True)
    if touch.desk and kinds.is_in_office(found, touch):
        phone = family()
    if domain is not None and kinds.is_switchboard(phone, domain):
        phone = kinds.without(family(), domain)
    if block is None:
        return {"phone": phone}
    # Whoever gave the very number, on whichever side.
    block = kinds.without(block, kinds.entity("phone", key, touch.at, whole[: kinds.PLAIN], policy, rule))
    if domain is not None and kinds.is_switchboard(block, domain):  # the firm's direct dialling
        block = kinds.without(block, domain)
    return {"phone": phone, "phone_block": block}


def row(told: Any) -> Sequence[Any]:
    """The whole row of what the script says of one entity, in the order its header names the parts, with the others
    between ``limited`` and ``past``.
    """
    if isinstance(told, int):
        return _SHORT[told]
    marks: Sequence[Any] = ()
    if isinstance(told, list):
        told, *marks = told
    if len(told) == _COUNTED.size:
        accounts, abusive, limited = _COUNTED.unpack(told)
        return accounts, 0, 0, 0, abusive, limited, b"", 0, 0
    accounts, hour, day, month, abusive, limited, past, earlier = _NUMBERS.unpack_from(told)
    return [accounts, hour, day, month, abusive, limited, told[_NUMBERS.size :], past, earlier, *marks]
