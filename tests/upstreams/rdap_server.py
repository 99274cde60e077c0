"""An RDAP server over HTTP/1.1 with the objects it is given, or as bad as it is told to be."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from tests.upstreams import rdap_objects
from tests.upstreams.rdap_objects import Json
from tests.upstreams.running import Behavior, Running

_JSON = "application/rdap+json"
_REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests"}
#: What is before a path that redirects to the path itself, for a loop of two.
_AGAIN = "/again"
#: Where machines in clouds learn their own secrets; nobody may be led there.
_INSIDE = "http://169.254.169.254/latest/meta-data/"
_SHAPES = {"arin": rdap_objects.arin, "ripe": rdap_objects.ripe}
#: Objects that are no answer to what was asked, or fields of types they cannot have.
_WRONG: dict[str, Any] = {
    "entity": {"objectClassName": "entity", "handle": "X-1", "roles": ["registrant"]},
    "list": ["domain", "ip network"],
    "null": None,
    "text": "registered",
    "types": {
        "objectClassName": "domain",
        "ldhName": 7,
        "startAddress": [],
        "endAddress": {},
        "name": {"name": "x"},
        "country": ["DE"],
        "events": "2020-01-02",
        "entities": [
            None,
            7,
            {"roles": "registrant", "vcardArray": {"fn": 1}},
            {"roles": [[]], "vcardArray": ["vcard"]},
        ],
        "nameservers": {"ldhName": None},
        "cidr0_cidrs": 24,
    },
}


class RdapServer(Running[str]):
    """Objects are added with :meth:`domain` and :meth:`network`; whatever else is asked for is answered with 404.

    Modes, for :meth:`behave`:

    - ``good``; ``slow`` answers after ``seconds``; ``dead`` accepts and never answers
    - ``dripping``: a byte every ``seconds``, of the ``headers`` or the ``body`` (``where``)
    - ``error``: ``status``; ``busy``: 429 with ``Retry-After: after``
    - ``not_json``; ``wrong_class``, ``what``: an ``entity``, a ``list``, ``null``, ``text``, or wrong ``types``
    - ``lying``: the object of somebody else; ``huge``: valid, of ``size`` bytes, told in advance or not (``declared``)
    - ``nested``: ``depth`` brackets; ``closing``: the connection closes in the middle of the body
    - ``looping``: redirects to itself, or by way of ``another`` back; ``inward``: redirects to the address ``to``
    """

    MODES: Mapping[str, Mapping[str, Any]] = {
        "good": {},
        "slow": {"seconds": 3.0},
        "dead": {},
        "dripping": {"where": "headers", "seconds": 0.05},
        "error": {"status": 500},
        "busy": {"after": 1},
        "not_json": {},
        "wrong_class": {"what": "entity"},
        "lying": {},
        "huge": {"size": 20_000_000, "declared": True},
        "nested": {"depth": 100_000},
        "looping": {"another": False},
        "inward": {"to": _INSIDE},
        "closing": {},
    }

    def __init__(self) -> None:
        super().__init__()
        self._domains: dict[str, dict[str, Any]] = {}
        self._networks: dict[rdap_objects.Network, dict[str, Any]] = {}

    @property
    def base(self) -> str:
        """URL that look-ups stand below; known once the server runs."""
        return f"http://{self.bind}"

    def domain(
        self,
        name: str,
        registered: str | None = "2020-01-02T00:00:00Z",
        registrar: str | None = "Example Registrar, Inc.",
        nameservers: Sequence[str] = ("ns1.dns.example", "ns2.dns.example"),
        **more: Any,
    ) -> None:
        """Register a domain, or with ``*.example`` all there are below an ending.

        ``more`` are fields of the answer that stand in place of the usual ones.
        """
        told = {"registered": registered, "registrar": registrar, "nameservers": nameservers}
        self._domains[name.rstrip(".").lower()] = {"told": told, "more": more}

    def network(
        self,
        cidr: str,
        name: str = "EXAMPLE-NET",
        organization: str | None = "Example Networks",
        country: str | None = "DE",
        abuse: str | None = "abuse@network.example",
        registered: str | None = "2012-03-04T05:06:07Z",
        registry: Literal["arin", "ripe"] = "ripe",
        **more: Any,
    ) -> None:
        """Assign a network. ``more`` are fields of the answer that stand in place of the usual ones."""
        told = {
            "name": name,
            "organization": organization,
            "country": country,
            "abuse": abuse,
            "registered": registered,
        }
        self._networks[ip_network(cidr)] = {"told": told, "more": more, "shape": _SHAPES[registry]}

    def behave(self, prefix: str, mode: str, *, times: int | None = None, **how: Any) -> None:
        """Answer paths that begin so in another way, ``times`` times if given. What is said of longer prefixes wins."""
        self._tell(prefix, mode, times, how)

    def count(self, path: str | None = None) -> int:
        """Requests so far for exactly this path; all of them without."""
        return sum(path in (None, each) for each in self.asked)

    def wait_until_asked(self, path: str, timeout: float, *, times: int = 1) -> None:
        """Wait for requests for exactly this path. TimeoutError when they do not come within ``timeout`` seconds."""
        self._wait(path.__eq__, times, timeout, path)

    async def _listen(self, stack: contextlib.AsyncExitStack) -> int:
        return await self._accept(stack, self._connection)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one connection, one after the other; they have no bodies."""
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target, _ = head.split("\r\n", 1)[0].split(" ", 2)
            path = unquote(urlsplit(target).path)
            self._note(path)
            asked = path.removeprefix(_AGAIN)
            behavior = self._behavior(asked[:end] for end in range(len(asked), 0, -1))
            if behavior.mode == "dead":
                await reader.read()  # until the client gives up
                return
            if behavior.mode == "slow":
                await asyncio.sleep(behavior.options["seconds"])
            await self._send(writer, method, path, behavior)
            if behavior.mode == "closing" or "\r\nconnection: close" in head.lower() or not _declared(behavior):
                return

    async def _send(self, writer: asyncio.StreamWriter, method: str, path: str, behavior: Behavior) -> None:
        status, more, body = self._made(path, behavior)
        length = f"Content-Length: {len(body)}\r\n" if _declared(behavior) else "Connection: close\r\n"
        lines = "".join(f"{name}: {value}\r\n" for name, value in more.items())
        reason = _REASONS.get(status, "Internal Server Error")
        kind = "Access-Control-Allow-Origin: *\r\nContent-Type: " + (_JSON if body[:1] != b"<" else "text/html")
        head = f"HTTP/1.1 {status} {reason}\r\n{kind}\r\n{length}{lines}\r\n".encode()
        if method == "HEAD":
            body = b""
        if behavior.mode == "closing":
            body = body[: len(body) // 2]
        if behavior.mode != "dripping":
            writer.write(head + body)
            await writer.drain()
            return
        whole, dripped = (head, body) if behavior.options["where"] == "body" else (b"", head + body)
        writer.write(whole)
        for start in range(len(dripped)):
            writer.write(dripped[start : start + 1])
            await writer.drain()
            await asyncio.sleep(behavior.options["seconds"])

    def _made(self, path: str, behavior: Behavior) -> tuple[int, dict[str, str], bytes]:
        """Status, further headers and body."""
        options, found = behavior.options, self._found(path)
        match behavior.mode:
            case "error":
                return _failed(options["status"], "Internal Error")
            case "busy":
                status, _, body = _failed(429, "Too Many Requests")
                return status, {"Retry-After": str(options["after"])}, body
            case "not_json":
                return 200, {}, b"<html><body>It works!</body></html>"
            case "wrong_class":
                return 200, {}, json.dumps(_WRONG[options["what"]]).encode()
            case "nested":
                return 200, {}, b"[" * options["depth"] + b"]" * options["depth"]
            case "looping":
                to = path.removeprefix(_AGAIN) if not options["another"] or path.startswith(_AGAIN) else _AGAIN + path
                return 302, {"Location": self.base + to}, b""
            case "inward":
                return 302, {"Location": options["to"]}, b""
            case "lying":
                found = self._somebody(path)
            case "huge":
                remark = {"title": "Remark", "description": ["x" * options["size"]]}
                found = {**(found or self._somebody(path)), "remarks": [remark]}
        return _failed(404, "Not Found") if found is None else (200, {}, json.dumps(found).encode())

    def _found(self, path: str) -> Json | None:
        """The object of a path."""
        match path.split("/", 2)[1:]:
            case ["rdap", "dns.json"]:
                endings = sorted({name.rpartition(".")[2] for name in self._domains} | {"example"})
                return rdap_objects.bootstrap(self.base, endings, "Domain Name System registrations")
            case ["rdap", "ipv4.json" | "ipv6.json" as name]:
                whole = "0.0.0.0/0" if name == "ipv4.json" else "::/0"
                return rdap_objects.bootstrap(self.base, [whole], f"{name[:4]} address allocations")
            case ["domain", name]:
                shown = name.rstrip(".").lower()
                kept = self._domains.get(shown) or self._domains.get(f"*.{shown.partition('.')[2]}")
                return kept and {**rdap_objects.domain(self.base, shown, **kept["told"]), **kept["more"]}
            case ["ip", text]:
                return self._holder(text)
        return None

    def _holder(self, text: str) -> Json | None:
        """The smallest network that an address or a network is in."""
        try:
            wanted = ip_network(text)
        except ValueError:
            return None
        around = [each for each in self._networks if each.version == wanted.version and wanted.subnet_of(each)]  # type: ignore[arg-type]
        if not around:
            return None
        network = max(around, key=lambda each: each.prefixlen)
        kept = self._networks[network]
        return {**kept["shape"](self.base, network, **kept["told"]), **kept["more"]}

    def _somebody(self, path: str) -> Json:
        """An object of the class that a path asks for, and of somebody else."""
        told: dict[str, Any] = {"registered": "1999-09-09T09:09:09Z"}
        if path.startswith("/ip/"):
            network = ip_network("2001:db8:ffff::/48" if ":" in path else "100.64.0.0/10")
            told |= {
                "name": "OTHER-NET",
                "organization": "Somebody Else",
                "country": "FR",
                "abuse": "abuse@else.example",
            }
            return rdap_objects.ripe(self.base, network, **told)
        return rdap_objects.domain(self.base, "else.example", registrar="Somebody Else", nameservers=(), **told)


def _failed(status: int, title: str) -> tuple[int, dict[str, str], bytes]:
    return status, {}, json.dumps(rdap_objects.failure(status, title)).encode()


def _declared(behavior: Behavior) -> bool:
    return bool(behavior.options.get("declared", True))
