"""Addresses in the mail of machines: in fields with a type before them, in sentences, and cut out by somebody."""

from __future__ import annotations

import re
from typing import Final

#: An address as text has it. A domain needs a dot or is in brackets; what others than ASCII write counts (RFC 6531).
_IN_TEXT = re.compile(
    r"(?<![\w.!#$%&'*+/=?^`{|}~-])([\w.!#$%&'*+/=?^`{|}~-]{1,128})@((?:[^\W_](?:[\w-]{0,62}[^\W_])?\.){1,8}[^\W\d_][\w-]{1,62}|\[[\d.:A-Fa-f]{3,45}\])"
)
_TYPE = re.compile(r"^\s*[A-Za-z0-9-]{1,20}\s*;")
#: RFC 6533, 3: ``\x{5B57}`` in an address of type ``utf-8``.
_UNITEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
#: RFC 3461, 4: the two characters that xtext must hide. Others are left, for ``+2B`` may be a tag.
_XTEXT: Final = {"+2B": "+", "+3D": "="}


def clean(text: str) -> str | None:
    """The address in a field's value, its domain in small letters; None for what holds none.

    Takes ``rfc822;bo@ruiz.example``, ``utf-8;…`` with its escapes, angle brackets, comments and quotes.
    """
    bare = _TYPE.sub("", text[:2000], count=1)
    bare = _UNITEXT.sub(_character, bare)
    for hidden, plain in _XTEXT.items():
        bare = bare.replace(hidden, plain)
    return next(iter(found(bare)), None)


def found(text: str) -> list[str]:
    """The addresses in a text in their order, each once, domains in small letters."""
    made = {
        f"{local.lstrip('.')}@{domain.lower()}": None for local, domain in _IN_TEXT.findall(text) if local.strip(".=")
    }
    return list(made)


def domain_of(address: str) -> str:
    """The domain of an address, in small letters; empty without one."""
    return address.rpartition("@")[2].strip("<> ").lower()


def _character(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else ""
