"""One mail, read with bounds: header fields and MIME parts, whatever was sent.

The package ``email`` reads a mail with 300 levels of nesting in time that grows with lines times levels, and stops at
Python's limit of recursion. A report needs three levels and the first of its parts, so this reads just those. Text
is decoded as far as it can be; nothing here raises but :class:`NotThisKind`.
"""

from __future__ import annotations

import binascii
import codecs
import html
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from functools import cached_property
from typing import Final, NamedTuple

#: Bytes of a mail that is read at all (5 MiB, as the HTTP contract says).
MAX_MAIL: Final = 5 * 1024 * 1024
#: Bounds far above what the mail of receivers has: bytes of a header and fields in it, characters of a
#: field, levels of parts, parts in all, and bytes of one part that are decoded.
_HEADER, _FIELDS, _VALUE = 262_144, 1000, 16_384
_DEPTH, _PARTS, _CONTENT = 4, 60, 262_144
#: Names of fields as mail has them; RFC 5322, 2.2, would let ``{"events"`` be one.
_FIELD = re.compile(rb"([A-Za-z][A-Za-z0-9_.-]{0,75})[ \t]*:")
#: Charsets that are taken: those of text. Others of Python's codecs are compressions, or quadratic (``punycode``).
_CHARSETS = re.compile(
    r"utf-?(8|16|32)|us-?ascii|ascii|iso-?8859|latin|windows-|cp-?\d|koi8|gb|hz|big5|euc|s(hift)?[-_]?jis"
    r"|ms932|iso-?2022|ks_?c|johab|tis-?620|mac|viscii",
    re.IGNORECASE,
)
#: What is declared, and what is meant: each is a part of the larger one (WHATWG Encoding Standard, 4.2).
_MEANT: Final = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "iso-8859-1": "cp1252",
}
_TAGS = re.compile(r"<[^<>]{0,4000}>")
_BREAKS = re.compile(r"<\s*/?\s*(?:br|p|div|tr|li|h\d|table|hr)\b[^<>]{0,4000}>", re.IGNORECASE)
_UNSEEN = re.compile(r"<(style|script|title)\b[^<>]{0,4000}>[^<]{0,100000}</\1\s*>", re.IGNORECASE)


class NotThisKind(Exception):
    """What was given is not a mail of the kind that is read: no mail at all, or one about something else. Says why."""


class Fields(NamedTuple):
    """Header fields in their order, names in small letters, values unfolded and still encoded (RFC 2047)."""

    rows: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> list[str]:
        """Every value of a field, the topmost first."""
        return [value for key, value in self.rows if key == name]

    def get(self, name: str) -> str:
        """The topmost value of a field; empty without one."""
        return next((value for key, value in self.rows if key == name), "")

    def text(self, name: str) -> str:
        """The topmost value as a person reads it, encoded words decoded (RFC 2047)."""
        return decoded(self.get(name))

    def has(self, name: str) -> bool:
        """Whether there is such a field."""
        return any(key == name for key, _ in self.rows)


@dataclass(frozen=True)
class Part:
    """A mail, or a part of one: its header, its type and its content. ``parts`` are those of a multipart."""

    fields: Fields
    body: bytes
    parts: tuple[Part, ...] = ()

    @cached_property
    def type(self) -> str:
        """Media type in small letters; ``text/plain`` where none is given (RFC 2045, 5.2)."""
        found = self.fields.get("content-type").partition(";")[0].strip().lower()
        return found if re.fullmatch(r"[^\s/;]+/[^\s/;]+", found) else "text/plain"

    def parameter(self, name: str) -> str:
        """A parameter of the type, unquoted; empty without one."""
        return _parameters(self.fields.get("content-type")).get(name, "")

    @cached_property
    def content(self) -> bytes:
        """The content without its transfer encoding, cut after 256 KiB."""
        encoding = self.fields.get("content-transfer-encoding").strip().lower()
        if encoding == "base64":
            return _base64(self.body[: _CONTENT * 2])[:_CONTENT]
        if encoding == "quoted-printable":
            return quopri.decodestring(self.body[: _CONTENT * 3])[:_CONTENT]
        return self.body[:_CONTENT]

    @cached_property
    def text(self) -> str:
        """The content as text, of HTML what is seen."""
        found = _decode(self.content, self.parameter("charset"))
        return _seen(found) if self.type == "text/html" else found

    @cached_property
    def inner(self) -> Part:
        """The mail that this part carries, its header above all: the mail may be cut."""
        encoded = self.fields.get("content-transfer-encoding")
        fields, body = _split(lines_of(self.content) if encoded else self.body.lstrip(b"\n"))
        return Part(fields, body)

    def walk(self) -> Iterator[Part]:
        """This part and those below it, in their order. What a returned mail holds is not part of it."""
        yield self
        for part in self.parts:
            yield from part.walk()


def open_mail(raw: bytes) -> Part:
    """The mail. Raises :class:`NotThisKind` for what is too large, or begins with no header field."""
    if len(raw) > MAX_MAIL:
        raise NotThisKind(f"the mail has over {MAX_MAIL} bytes")
    text = lines_of(raw)
    fields, body = _split(text)
    if not fields.rows:
        raise NotThisKind("it does not begin with the header of a mail")
    return _opened(fields, body, _DEPTH, [_PARTS])


def lines_of(raw: bytes) -> bytes:
    """The mail with plain line ends, without NULs, a byte order mark, and the line of an mbox before it."""
    text = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\0", b"").removeprefix(codecs.BOM_UTF8)
    text = text.lstrip(b"\n")
    return text.partition(b"\n")[2] if text.startswith((b"From ", b">From ")) else text


def fields_of(text: str) -> Fields:
    """The header fields that a text begins with."""
    return _split(text.encode("utf-8", "replace").lstrip(b"\n"))[0]


def decoded(value: str) -> str:
    """A header's value as a person reads it, encoded words decoded (RFC 2047); as it is where that fails."""
    if "=?" not in value:
        return value
    try:
        found = decode_header(value[:_VALUE])
    except (HeaderParseError, ValueError):
        return value
    return "".join(text if isinstance(text, str) else _decode(text, charset or "") for text, charset in found)


def _opened(fields: Fields, body: bytes, depth: int, left: list[int]) -> Part:
    left[0] -= 1
    part = Part(fields, body)
    boundary = part.parameter("boundary") if part.type.startswith("multipart/") else ""
    if not boundary or depth == 0:
        return part
    line = re.compile(rb"^--" + re.escape(boundary.encode("utf-8", "replace")) + rb"(--)?[ \t]*$", re.MULTILINE)
    found: list[Part] = []
    for start, end in _places(line, body):
        if left[0] <= 0:
            break
        inner, content = _split(body[start:end])
        found.append(_opened(inner, content, depth - 1, left))
    return Part(fields, body, tuple(found))


def _places(line: re.Pattern[bytes], body: bytes) -> Iterator[tuple[int, int]]:
    """Where the parts lie between their boundaries; the last may lack its end."""
    at: int | None = None
    for count, found in enumerate(line.finditer(body)):
        if at is not None:
            yield at, max(at, found.start() - 1)
        if found[1] or count > _PARTS:
            return
        at = found.end() + 1
    if at is not None:
        yield at, len(body)


def _split(text: bytes) -> tuple[Fields, bytes]:
    """Header and body. A line that is not a field ends the header, as the empty line does."""
    rows: list[tuple[str, list[bytes]]] = []
    at = 0
    while at < len(text) and at < _HEADER:
        end = text.find(b"\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        if not line.strip():
            at = end + 1
            break
        if line[:1] in b" \t" and rows:
            rows[-1][1].append(line)
        elif (found := _FIELD.match(line)) is not None:
            if len(rows) < _FIELDS:
                rows.append((found[1].decode().lower(), [line[found.end() :]]))
        else:
            break
        at = end + 1
    return Fields(tuple((name, _value(lines)) for name, lines in rows)), text[at:]


def _value(lines: list[bytes]) -> str:
    joined = b" ".join(line.strip() for line in lines)[:_VALUE]
    try:
        return joined.decode()
    except UnicodeDecodeError:
        return _decode(joined, "")


def _parameters(value: str) -> dict[str, str]:
    holder = Message()
    try:
        holder["content-type"] = value[:4096].replace("\n", " ")
        found = holder.get_params([], unquote=True)
        return {name.lower(): text.strip() for name, text in reversed(found) if isinstance(text, str)}
    except (ValueError, LookupError, TypeError, IndexError):
        return {}


def _base64(body: bytes) -> bytes:
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
    return binascii.a2b_base64(kept[: len(kept) // 4 * 4])


def _decode(content: bytes, charset: str) -> str:
    """Text in the charset that is declared, else in the one it looks like."""
    declared = charset.strip().strip("\"'").lower()
    names = [_MEANT.get(declared, declared)] if _CHARSETS.match(declared) else []
    if b"\x1b$" in content or b"\x1b(" in content:
        names.append("iso2022_jp_ext")
    for name in [*names, "utf-8"]:
        try:
            return content.decode(name)
        except (ValueError, LookupError):  # UnicodeError, and a name with a NUL
            continue
    try:
        return content.decode(names[0] if names else "cp1252", "replace")
    except (ValueError, LookupError):
        return content.decode("latin-1")


def _seen(text: str) -> str:
    text = _BREAKS.sub("\n", _UNSEEN.sub(" ", text))
    return html.unescape(_TAGS.sub(" ", text))
