"""Rows: what the script of touches (``store/lua/entity_touch.lua``) replies, read as the entities of a signup or
message. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from riskapi.links import kinds
from riskapi.links.kinds import Said, Sharing, Touch
from riskapi.links.touches import in_order
from riskapi.policy import Policy
from signals.facts import Entity

#: The numbers of a thing, and of one that is only counted.
_NUMBERS, _COUNTED = struct.Struct("<8i"), struct.Struct("<3i")
#: What it says by one number: that nobody else is told of, or that the thing is the account's own (-1).
_SHORT: Mapping[int, Sequence[Any]] = {-1: (-1,), 0: (0, 0, 0, 0, 0, 0, b"", 0, 0), 1: kinds.ALONE}


def of_touch(
    touch: Touch,
    replies: Sequence[Any],
    policy: Policy,
    sharings: Mapping[str, Sharing | None],
    voucher: str | None = None,
) -> dict[str, Entity]:
    """The entities of a signup, by kind. ``sharings`` is what the policy says of each kind; ``voucher`` as in
    :meth:`riskapi.links.entities.Links.entities`.
    """
    rows = dict(zip(in_order(touch), _rows(replies), strict=True))
    user_id, at, crowds, families = touch.user_id, touch.at, touch.hubs, touch.shared
    found = {}
    for kind, key in touch.keys.items():
        siblings = voucher is not None and kind == "referrer"
        found[kind] = kinds.entity(
            kind, key, at, rows[kind], policy, sharings[kind], user_id,
            crowd=kind in crowds, family=kind in families, siblings=siblings,
        )  # fmt: skip
    if "phone" in found:
        found |= _numbers(touch, found, rows, policy, sharings["phone"])
    if voucher is not None:  # what the referrer holds is theirs, too
        found |= {kind: kinds.granted(each) for kind, each in found.items() if voucher in each.holders}
    return found


def of_message(
    said: Said, replies: Sequence[Any], policy: Policy, sharings: Mapping[str, Sharing | None]
) -> list[Entity]:
    """The entities of a message, in the order of its keys; those of the account's own are left out."""
    rows = zip(said.keys, _rows(replies)[: len(said.keys)], strict=True)
    return kinds.overlapping(
        [
            kinds.entity(kind, key, said.at, row, policy, sharings[kind], said.user_id)
            for (kind, key), row in rows
            if row[0] != -1
        ]
    )


def _numbers(
    touch: Touch, found: Mapping[str, Entity], rows: Mapping[str, Sequence[Any]], policy: Policy, rule: Sharing | None
) -> dict[str, Entity]:
    """The number and its block, as the other entities let them be seen: a switchboard's, or without who gave both."""
    row, phone, block = rows["phone"], found["phone"], found.get("phone_block")
    if row == kinds.ALONE and (block is None or rows["phone_block"] == kinds.ALONE) and not touch.desk:
        return {}
    domain = found.get("mail_domain") if "mail_domain" not in touch.hubs else None
    family = partial(kinds.entity, "phone", phone.key, touch.at, row, policy, rule, touch.user_id, family=True)
    if touch.desk and kinds.is_in_office(found, touch):
        phone = family()
    if domain is not None and kinds.is_switchboard(phone, domain):
        phone = kinds.without(family(), domain)
    if block is None:
        return {"phone": phone}
    # Whoever gave the very number, on whichever side.
    block = kinds.without(block, kinds.entity("phone", phone.key, touch.at, row[: kinds.PLAIN], policy, rule))
    if domain is not None and kinds.is_switchboard(block, domain):  # the firm's direct dialling
        block = kinds.without(block, domain)
    return {"phone": phone, "phone_block": block}


def _rows(replies: Sequence[Any]) -> list[Any]:
    """One row an entity: they come together from one node, and one a reply from a cluster."""
    return [row(told) for reply in replies for told in reply]


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
