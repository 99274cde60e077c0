"""How a request is broken: bytes cut and put in, and one value of a payload that is another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from hypothesis import strategies as st

#: What is put in: marks of JSON, forms and signatures, broken UTF-8, and much of one thing.
CHUNKS: Final = st.sampled_from(
    (
        b"",
        b"\x00",
        b"\xff",
        b"\xc3",
        b'"',
        b"\\",
        b"\\u0000",
        b"\\ud800",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"null",
        b"-1",
        b"1e999",
        b"&",
        b"=",
        b"%00",
        b"\r\n",
        b"x" * 5000,
        b"[" * 1100,
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
    )
)
#: Values of every type, and some at its ends.
VALUES: Final[Sequence[Any]] = (
    *(None, True, 0, -1, 2**63, 1.5),
    *("", "x", "\x00", "é" * 300, "9" * 400),
    *([], [[]], [None], {}, {"a": {}}),
)


def paths(value: Any, so_far: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """The way to each value in a payload, for :func:`mutated`."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    for at, each in enumerate(inner):
        yield (*so_far, at)
        yield from paths(each, (*so_far, at))


def cut(body: bytes, edits: Sequence[tuple[float, int, bytes]]) -> bytes:
    """The body with each edit made: at a place between 0 and 1, so many bytes are taken out, and some are put in."""
    for place, gone, put in edits:
        at = int(place * len(body))
        body = body[:at] + put + body[at + gone :]
    return body


def mutated(value: Any, path: Sequence[int], other: Any) -> Any:
    """A payload in which one value, at the end of a way through it, is another."""
    if not path or not isinstance(value, list | dict) or not value:
        return other
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    at = keys[path[0] % len(keys)]
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[at] = mutated(value[at], path[1:], other)
    return changed
