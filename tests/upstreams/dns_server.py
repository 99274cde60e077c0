"""An authoritative DNS server over UDP and TCP that behaves as a resolver would, or as badly as it is told to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset

from tests.upstreams.running import Behavior, Running

#: Type → texts as in a zone file; names need no final dot, TXT no quotes.
Records = Mapping[str, Sequence[str]]
_Sets = dict[dns.rdatatype.RdataType, dns.rdataset.Rdataset]
_CNAME, _SOA = dns.rdatatype.CNAME, dns.rdatatype.SOA
_TTL = 300
#: CNAMEs followed for one question.
_CHAIN = 16
#: What a question without EDNS has room for over UDP (RFC 1035, 4.2.1), and all there is room for over TCP (4.2.2).
_PLAIN, _MOST = 512, 65_535
#: One record of a type that there are very many of in mode ``huge``, and about how many bytes it takes.
_MANY = {"MX": ("{n} mx{n}.{name}", 22), "NS": ("ns{n}.{name}", 20), "AAAA": ("2001:db8::{n:x}", 28)}


class DnsServer(Running[tuple[str, str]]):
    """``DnsServer({"nullmx.example": {"MX": ["0 ."]}})`` serves a zone, with an SOA and an NS it need not be told of.

    A zone begins at each name that no other name given stands above; ``*.name`` stands for names that are not given
    (RFC 4592). Names in no zone are answered with ``elsewhere``.

    Modes, for :meth:`behave`:

    - ``good``; ``slow`` answers after ``seconds``; ``dead`` never answers; ``servfail``, ``refused``
    - ``truncated``: TC and nothing else over UDP, the answer over TCP
    - ``lying``, with ``what``: another ``id``, another ``question``, an ``answer`` about another name, or ``garbage``
    - ``missing``: NXDOMAIN; ``empty``: the name is there and has no records; ``everywhere``: one ``address`` for every
      A, and nothing of any other type
    - ``looping``: a CNAME to a name with a CNAME back; ``huge``: an answer of about ``size`` bytes, over TCP therefore
    """

    MODES: Mapping[str, Mapping[str, Any]] = {
        "good": {},
        "slow": {"seconds": 3.0},
        "dead": {},
        "servfail": {},
        "refused": {},
        "truncated": {},
        "lying": {"what": "id"},
        "looping": {},
        "missing": {},
        "empty": {},
        "everywhere": {"address": "198.51.100.1"},
        "huge": {"size": 60_000},
    }

    def __init__(
        self, records: Mapping[str, Records] | None = None, *, elsewhere: Literal["NXDOMAIN", "REFUSED"] = "NXDOMAIN"
    ) -> None:
        super().__init__()
        self._elsewhere = dns.rcode.from_text(elsewhere)
        self._records: dict[dns.name.Name, _Sets] = {}
        for name, found in (records or {}).items():
            self.set(name, found)

    def set(self, name: str, records: Records | None) -> None:
        """Give a name other records; ``None`` takes the name away."""
        key = dns.name.from_text(name)
        made = None if records is None else {_type(kind): _set(kind, texts) for kind, texts in records.items()}
        with self._changed:
            changed = dict(self._records)
            if made is None:
                changed.pop(key, None)
            else:
                changed[key] = made
            self._records = changed

    def behave(self, name: str, mode: str, *, rdtype: str | None = None, times: int | None = None, **how: Any) -> None:
        """Answer about a name and all below it in another way; ``.`` for all names. What is said of longer names wins.

        With ``rdtype`` for questions of this type only, with ``times`` for so many questions only.
        """
        self._tell((dns.name.from_text(name), rdtype), mode, times, how)

    def mode(self, name: str) -> str:
        """How it was told to answer about a name and all below it."""
        return self._told((dns.name.from_text(name), None))

    def count(self, name: str | None = None, rdtype: str | None = None) -> int:
        """Questions so far about exactly this name and type; about all of them without."""
        return sum(_fits(asked, name, rdtype) for asked in self.asked)

    def wait_until_asked(self, name: str, timeout: float, rdtype: str | None = None, *, times: int = 1) -> None:
        """Wait for questions about exactly this name. TimeoutError when they do not come within ``timeout`` seconds."""
        self._wait(lambda asked: _fits(asked, name, rdtype), times, timeout, f"{name} {rdtype or ''}".rstrip())

    async def _listen(self, stack: contextlib.AsyncExitStack) -> int:
        return await self._accept(stack, self._stream, datagrams=lambda: _Datagrams(self))

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            answer = await self.reply(wire, udp=False)
            if answer is not None:
                writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()

    async def reply(self, wire: bytes, *, udp: bool) -> bytes | None:
        """The bytes to send for the bytes of a question; ``None`` for none."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        if len(query.question) != 1 or query.flags & dns.flags.QR:
            return None
        asked = query.question[0]
        kind = dns.rdatatype.to_text(asked.rdtype)
        self._note((asked.name.to_text(omit_final_dot=True).lower(), kind))
        behavior = self._behavior((above, each) for above in _upwards(asked.name) for each in (kind, None))
        if behavior.mode == "dead":
            return None
        if behavior.mode == "slow":
            await asyncio.sleep(behavior.options["seconds"])
        if behavior.mode == "lying" and behavior.options["what"] == "garbage":
            return wire[:2] + b"\xff" * 60
        return self._wire(query, self._made(query, kind, behavior), behavior, udp)

    def _wire(self, query: dns.message.Message, made: dns.message.Message, behavior: Behavior, udp: bool) -> bytes:
        room = max(query.payload, _PLAIN) if udp and query.edns >= 0 else _PLAIN if udp else _MOST
        if not (udp and behavior.mode == "truncated"):
            with contextlib.suppress(dns.exception.TooBig):
                return made.to_wire(max_size=room)
        cut = _begun(query)
        cut.flags |= dns.flags.TC
        return cut.to_wire(max_size=_MOST)

    def _made(self, query: dns.message.Message, kind: str, behavior: Behavior) -> dns.message.Message:
        """The answer to a question."""
        name, made = query.question[0].name, _begun(query)
        match behavior.mode, behavior.options.get("what"):
            case "servfail" | "refused" as failure, _:
                made.set_rcode(dns.rcode.from_text(failure))
            case "missing", _:
                made.set_rcode(dns.rcode.NXDOMAIN)
            case "everywhere", _ if kind == "A":
                made.answer.append(_rrset(name, "A", [behavior.options["address"]]))
            case "empty" | "everywhere", _:
                made.authority.append(_soa({}, dns.name.root))
            case "looping", _:
                other = dns.name.from_text("loop", origin=name)
                made.answer += [_rrset(name, "CNAME", [other.to_text()]), _rrset(other, "CNAME", [name.to_text()])]
            case "huge", _ if kind == "TXT" or kind in _MANY:
                made.answer.append(_rrset(name, kind, _huge(name, kind, behavior.options["size"])))
            case "lying", "question":
                other = dns.name.from_text("other.example")
                made.question = [dns.rrset.RRset(other, query.question[0].rdclass, query.question[0].rdtype)]
            case "lying", "answer":
                self._fill(made)
                for found in made.answer:
                    found.name = dns.name.from_text("other.example")
            case "lying", _:
                self._fill(made)
                made.id ^= 0x5555
            case _:
                self._fill(made)
        return made

    def _fill(self, made: dns.message.Message) -> None:
        """Put in what the zones say: the whole chain of CNAMEs as a resolver does, an SOA where there is nothing."""
        records, (name, kind) = self._records, (made.question[0].name, made.question[0].rdtype)
        for _ in range(_CHAIN):
            apex = _apex(records, name)
            if apex is None:
                made.set_rcode(self._elsewhere)
                if self._elsewhere == dns.rcode.NXDOMAIN:
                    made.authority.append(_soa(records, dns.name.root))
                return
            found = _at(records, name, apex)
            if found is not None and found.get(kind):
                made.answer.append(_named(name, found[kind]))
                return
            if found is None or not found.get(_CNAME):
                made.authority.append(_soa(records, apex))
                if found is None:
                    made.set_rcode(dns.rcode.NXDOMAIN)
                return
            chained = _named(name, found[_CNAME])
            if any(each.name == name for each in made.answer):
                return
            made.answer.append(chained)
            name = chained[0].target


class _Datagrams(asyncio.DatagramProtocol):
    """The UDP side: every question is a task of its own, so that none waits for another."""

    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        task = asyncio.ensure_future(self._answer(data, address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, data: bytes, address: Any) -> None:
        answer = await self._server.reply(data, udp=True)
        if answer is not None:
            self._transport.sendto(answer, address)


def _begun(query: dns.message.Message) -> dns.message.Message:
    made = dns.message.make_response(query, recursion_available=True)
    made.flags |= dns.flags.AA
    return made


def _fits(asked: tuple[str, str], name: str | None, rdtype: str | None) -> bool:
    same = name is None or asked[0] == name.rstrip(".").lower()
    return same and rdtype in (None, asked[1])


def _upwards(name: dns.name.Name) -> Iterator[dns.name.Name]:
    """A name and every name above it, the root last."""
    while True:
        yield name
        if name == dns.name.root:
            return
        name = name.parent()


def _apex(records: Mapping[dns.name.Name, _Sets], name: dns.name.Name) -> dns.name.Name | None:
    """Where the zone of a name begins: at the topmost name that has records, or a wildcard below it."""
    stars = {key.parent() for key in records if key.is_wild()}
    zones = (each for each in _upwards(name) if each != dns.name.root or name == each)  # the root is nobody's zone
    found = [each for each in zones if each in records or each in stars]
    return found[-1] if found else None


def _at(records: Mapping[dns.name.Name, _Sets], name: dns.name.Name, apex: dns.name.Name) -> _Sets | None:
    """The records of a name; empty when there are only names below it (RFC 8020), ``None`` when it does not exist."""
    if name == apex:
        implied = {_SOA: _soa(records, apex).to_rdataset(), dns.rdatatype.NS: _set("NS", [_server_of(apex)])}
        return {**implied, **records.get(name, {})}
    for above in _upwards(name):
        if any(key.is_subdomain(above) for key in records):
            return records.get(name, {}) if above == name else records.get(dns.name.from_text("*", origin=above))
    return None


def _server_of(apex: dns.name.Name) -> str:
    return dns.name.from_text("ns1", origin=apex).to_text()


def _soa(records: Mapping[dns.name.Name, _Sets], apex: dns.name.Name) -> dns.rrset.RRset:
    found = records.get(apex, {}).get(_SOA)
    if found is not None:
        return _named(apex, found)
    server, mailbox = (dns.name.from_text(label, origin=apex) for label in ("ns1", "hostmaster"))
    return _rrset(apex, "SOA", [f"{server} {mailbox} 1 3600 600 86400 60"])


def _named(name: dns.name.Name, found: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, _TTL, list(found))


def _type(kind: str) -> dns.rdatatype.RdataType:
    return dns.rdatatype.from_text(kind)


def _set(kind: str, texts: Sequence[str]) -> dns.rdataset.Rdataset:
    written = [_quoted(text) if kind == "TXT" else text for text in texts]
    if not written:
        return dns.rdataset.Rdataset(dns.rdataclass.IN, _type(kind), ttl=_TTL)
    return dns.rdataset.from_text_list("IN", kind, _TTL, written, origin=dns.name.root, relativize=False)


def _rrset(name: dns.name.Name, kind: str, texts: Sequence[str]) -> dns.rrset.RRset:
    return _named(name, _set(kind, texts))


def _quoted(text: str) -> str:
    """A TXT record as strings of 255 bytes at most (RFC 1035, 3.3), unless it is in quotes already."""
    if text.startswith('"'):
        return text
    parts = [text[start : start + 255] for start in range(0, len(text), 255)] or [""]
    return " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in parts)


def _huge(name: dns.name.Name, kind: str, size: int) -> list[str]:
    if kind == "TXT":
        return ["x" * size]
    text, each = _MANY[kind]
    return [text.format(n=number, name=name) for number in range(1, size // each)]
