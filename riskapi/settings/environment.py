"""One environment variable: where its text comes from, and what it may hold.

Every parser takes the text and raises :class:`ValueError` with what was expected; the text itself is
never repeated, because it may be a secret.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr

from riskapi.errors import ConfigurationError

PREFIX = "RISKAPI_"
#: Bytes. A file that holds a value is a secret or a path: far above any of them, below a log named by mistake.
FILE_LIMIT = 65_536
#: Bytes of a UNIX socket's path: ``sun_path`` of unix(7) has 108, the last a NUL.
SOCKET_PATH = 107
#: Kubernetes hands every pod variables for a Service named ``riskapi``; they are not meant for us.
_KUBERNETES = re.compile(r"RISKAPI_(SERVICE_(HOST|PORT.*)|PORT(_\d+_.*)?)")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
Network = IPv4Network | IPv6Network


class Bind(NamedTuple):
    """Address of the HTTP server."""

    host: str
    port: int

    @property
    def reached(self) -> str:
        """The host a client on this machine uses: loopback for ``0.0.0.0`` and ``::``."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - asked, not bound

    @property
    def url(self) -> str:
        """Base URL a client on this machine uses."""
        host = self.reached
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def bind(text: str) -> Bind:
    """``HOST:PORT``, an IPv6 host in brackets."""
    host, colon, port = text.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not host or not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65_536:
        raise ValueError("expected HOST:PORT with a port of 1 to 65535, such as 127.0.0.1:8000 or [::1]:8000")
    if ":" in host and not (text.startswith("[") and text[: -len(port) - 1].endswith("]")):
        raise ValueError("write an IPv6 address in brackets, such as [::1]:8000")
    return Bind(host, int(port))


def resolver(text: str) -> Bind:
    """``HOST:PORT`` of a DNS server; the port may be left out, which is 53 then (RFC 1035, 4.2)."""
    alone = (text.count(":") != 1 and not text.startswith("[")) or text.endswith("]")
    host = f"[{text}]" if alone and ":" in text and not text.startswith("[") else text
    try:
        found = bind(f"{host}:53" if alone else host)
    except ValueError:
        found = None
    if found is None or not _is_host(found.host):
        raise ValueError("expected HOST or HOST:PORT, such as 127.0.0.1:53 or [::1]:53")
    return found


def listened(text: str) -> Bind | Path:
    """``HOST:PORT``, or ``unix:`` and the absolute path of a socket."""
    if not text.startswith("unix:"):
        return bind(text)
    found = text.removeprefix("unix:")
    if not found.startswith("/") or "\0" in found:
        raise ValueError("expected an absolute path after unix:, such as unix:/run/riskapi/policyd.sock")
    if len(found.encode("utf-8", "surrogateescape")) > SOCKET_PATH:
        raise ValueError(f"the path of a socket can have {SOCKET_PATH} bytes")
    return Path(found)


def web_url(text: str) -> str:
    """``http://`` or ``https://``, a host, and a path if it must be; no trailing slash."""
    try:
        parts = urlsplit(text)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError:
        raise ValueError("not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError("expected a URL such as http://127.0.0.1:8000 or https://risk.example")
    if (
        parts.username is not None
        or parts.query
        or parts.fragment
        or not text.isascii()
        or not text.isprintable()
        or " " in text
    ):
        raise ValueError("expected a URL without user, query, fragment and characters that need quoting")
    return text.rstrip("/")


class Blocklist(NamedTuple):
    """A DNS blocklist (RFC 5782): what it lists, ``domain`` or ``ip``, and the zone it is asked in."""

    kind: str
    zone: str

    @property
    def shown(self) -> str:
        """What may be printed and kept: the zone without a key of the operator's, which is a long first label
        (Spamhaus DQS and Abusix have 26 and 32 characters).
        """
        first, _, rest = self.zone.partition(".")
        return rest if len(first) >= 20 and "." in rest else self.zone


def words(text: str) -> tuple[str, ...]:
    """What stands between the commas, without white space. Nothing but commas is refused: they would mean "none"."""
    found = tuple(word.strip() for word in text.split(",") if word.strip())
    if not found:
        raise ValueError("has nothing between its commas")
    return found


def _is_name(text: str) -> bool:
    """Whether a text is a host name in ASCII (RFC 1123, 2.1; underscores are let through), 253 characters at most."""
    labels = text.rstrip(".").split(".")
    return len(text) <= 253 and all(_LABEL.fullmatch(label) for label in labels)


def _is_host(text: str) -> bool:
    """Whether a text is an IP address or a host name. What ends in a number is half an address, and no name."""
    try:
        ip_address(text)
    except ValueError:
        return _is_name(text) and not text.rstrip(".").rpartition(".")[2].isdigit()
    return True


def blocklists(text: str) -> tuple[Blocklist, ...]:
    """``domain:ZONE`` or ``ip:ZONE``, with commas between them."""
    found = []
    for word in words(text):
        kind, colon, zone = word.partition(":")
        if kind not in ("domain", "ip") or not colon or not _is_name(zone):
            raise ValueError("expected domain:ZONE or ip:ZONE with commas between them, such as ip:zen.example.org")
        found.append(Blocklist(kind, zone.lower().rstrip(".")))
    return tuple(found)


def domains(text: str) -> tuple[str, ...]:
    """Domains in ASCII with commas between them."""
    found = words(text)
    if not all(_is_name(word) and "." in word for word in found):
        raise ValueError("expected domains with commas between them, such as spf.saas.example")
    return tuple(word.lower().rstrip(".") for word in found)


def addresses(text: str) -> tuple[str, ...]:
    """Single IP addresses with commas between them, each as RFC 5952 writes it."""
    try:
        return tuple(str(ip_address(word)) for word in words(text))
    except ValueError:
        raise ValueError("expected addresses with commas between them, such as 192.0.2.1,2001:db8::1") from None


def selectors(text: str) -> tuple[str, ...]:
    """DKIM selectors (RFC 6376, 3.1) with commas between them."""
    found = words(text)
    if not all(_is_name(word) for word in found):
        raise ValueError("expected selectors with commas between them, such as s1,s2")
    return tuple(word.lower() for word in found)


def destinations(text: str) -> tuple[str, ...]:
    """Host names, addresses and networks in CIDR notation, with commas between them."""
    found = words(text)
    for word in found:
        try:
            ip_network(word, strict=False)
        except ValueError:
            if not _is_host(word):
                raise ValueError("expected hosts, addresses or CIDR networks with commas between them") from None
    return tuple(word.lower() for word in found)


def networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks in CIDR notation, with commas between them."""
    try:
        return tuple(ip_network(word) for word in words(text))
    except ValueError:
        raise ValueError(
            "expected addresses or networks without bits beyond their length, with commas between them, such as "
            "127.0.0.1,10.20.0.0/16"
        ) from None


class Source(NamedTuple):
    """Where a data set is taken from: the installed package, a URL or a file.

    ``where`` is the URL or the path; a secret, because a URL may hold a key.
    """

    kind: Literal["installed", "url", "file"]
    where: SecretStr = SecretStr("")

    @property
    def shown(self) -> str:
        """What may be printed and kept: a URL without user, password and query."""
        where = self.where.get_secret_value()
        if self.kind != "url":
            return where or self.kind
        parts = urlsplit(where)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def source(text: str) -> Source:
    """``installed``, a URL that starts with ``https://`` or ``http://``, or a path."""
    if text.lower() == "installed":
        return Source("installed")
    if text.lower() == "package":  # what releases before 2026-12 took
        raise ValueError("packages are moved by their pins in requirements.txt; expected installed, a URL or a path")
    if "://" not in text:
        return Source("file", SecretStr(str(path(text))))
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not text.isascii() or not text.isprintable() or " " in text or "#" in text:
        raise ValueError("expected installed, a path, or a URL such as https://data.example/list.txt")
    return Source("url", SecretStr(text))


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from ``low`` to ``high``, both included."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(text)

    return parse


def rate(text: str) -> float:
    """A number above 0, in requests a second."""
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", text) or float(text) <= 0:
        raise ValueError("expected a number above 0, in requests a second")
    return float(text)


def switch(text: str) -> bool:
    """``on`` or ``off``, and the usual other words for them."""
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError("expected on or off")
    return words[text.lower()]


def line(longest: int) -> Callable[[str], str]:
    """A parser of one line of printable text with at most so many characters."""

    def read(text: str) -> str:
        if not text.isprintable() or len(text) > longest:
            raise ValueError(f"expected one line of at most {longest} characters")
        return text

    return read


def one_of(*words: str) -> Callable[[str], str]:
    """One of the given words, in any case."""

    def parse(text: str) -> str:
        for word in words:
            if text.lower() == word:
                return word
        raise ValueError(f"expected one of {', '.join(words)}")

    return parse


def secret(least: int) -> Callable[[str], SecretStr]:
    """Printable ASCII of at least ``least`` characters, which a header can carry."""

    def parse(text: str) -> SecretStr:
        if len(text) < least:
            raise ValueError(f"expected {least} characters or more")
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("expected printable ASCII characters without spaces")
        return SecretStr(text)

    return parse


def path(text: str) -> Path:
    """A path, made absolute from the working directory."""
    if "\0" in text:
        raise ValueError("a path cannot hold a NUL")
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise ValueError("the path begins with ~ and a user who has no home directory") from None


def existing_file(text: str) -> Path:
    """The path of a file that is there."""
    found = path(text)
    try:
        is_there = found.is_file()
    except OSError as error:  # a directory without rights, or a text too long for a path: the content of a file
        raise ValueError(f"expected the path of a file: {error.strerror}") from None
    if not is_there:
        raise ValueError(f"no such file: {found}")
    return found


def raw(environ: Mapping[str, str], name: str) -> str | None:
    """The text of one setting, from its variable or the file that ``…_FILE`` names; None when not set."""
    value, file = environ.get(name, ""), environ.get(f"{name}_FILE", "")
    if value and file:
        raise ConfigurationError("environment", name, f"is set together with {name}_FILE; set one of them")
    if not file:
        return value.strip() or None
    try:
        with Path(file).open("rb") as source:
            content = source.read(FILE_LIMIT + 1)
        if len(content) > FILE_LIMIT:
            raise ValueError(f"is larger than {FILE_LIMIT} bytes")
        text = content.decode().strip()
    except OSError as error:
        raise ConfigurationError("environment", f"{name}_FILE", f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        why = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise ConfigurationError("environment", f"{name}_FILE", f"{file} {why}") from None
    if not text:
        raise ConfigurationError("environment", f"{name}_FILE", f"{file} is empty")
    return text


def strangers(environ: Mapping[str, str], known: Sequence[str]) -> tuple[str, ...]:
    """Names that start like ours and mean nothing; a near miss of one of ours is refused."""
    accepted = {*known, *(f"{name}_FILE" for name in known)}
    stems = {name.removeprefix(PREFIX): name for name in accepted if name.startswith(PREFIX)}
    unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in accepted)
    unknown = [name for name in unknown if not _KUBERNETES.fullmatch(name)]
    for name in unknown:
        near = difflib.get_close_matches(name.removeprefix(PREFIX), list(stems), n=1, cutoff=0.8)
        if near:
            raise ConfigurationError("environment", name, f"is not a setting; did you mean {stems[near[0]]}?")
    return tuple(unknown)
