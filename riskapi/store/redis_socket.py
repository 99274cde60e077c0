"""One connection that sends a batch of commands at once and reads every answer.

redis-py makes, checks and re-makes the connection (addresses, TLS, AUTH, who is master); the batch
itself is packed and parsed by hiredis directly. Measured with 15 EVALSHA over a unix socket, that is
38 µs of our processor time a trip, against 54 µs with redis-py's reading and 110 µs with its pipeline.

The kernel keeps the time-out (SO_RCVTIMEO and SO_SNDTIMEO, socket(7)): Python keeps one by asking poll(2) before each
call, which doubles the system calls of a trip and the times a thread lets go of the interpreter.

This is the one place that reaches into redis-py, made for 8.1.0: ``_sock`` of a connection, the socket that answers are
read from, and ``parse_error`` of its ``_parser``, which knows the exception of an error answer. Neither has a public
name. Where one is gone, :func:`check` says so when the store is opened, and nothing starts.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import hiredis
import redis
from redis.exceptions import InvalidResponse, ReadOnlyError

from riskapi.errors import ConfigurationError
from signals.records import record

Argument = str | bytes | int | float
#: What this was made for; ``tests/test_private_interfaces.py`` holds it to requirements.txt.
MADE_FOR: Final = "redis 8.1.0"
#: Bytes taken from the socket at once; redis-py's own default is 32 KiB.
_READ = 65_536
#: ``struct timeval``: seconds and microseconds.
_TIMEVAL = struct.Struct("@ll")


@record
class Framed:
    """Arguments as the protocol has them (RESP bulk strings, https://valkey.io/topics/protocol/), at the end of a
    command.

    For those that many commands have alike: hiredis takes 1,100 instructions for each argument that it writes. They are
    ASCII without line ends.
    """

    count: int
    text: str

    def arguments(self) -> list[str]:
        """The arguments one by one."""
        return self.text.split("\r\n")[1::2]


Command = tuple[Argument | Framed, ...]


def in_full(command: Command) -> tuple[Argument, ...]:
    """A command with all its arguments one by one."""
    return tuple(part for each in command for part in (each.arguments() if isinstance(each, Framed) else (each,)))


class RedisSocket:
    """A connection of a pool, and the parser of what is read from it. For one thread at a time."""

    __slots__ = ("_connection", "_reader", "_shapes")

    def __init__(self, pool: Any, shapes: Mapping[Any, Callable[..., Any]]) -> None:
        """``shapes`` are redis-py's callbacks that give the answer of a command its Python form."""
        self._connection, self._shapes = pool.make_connection(), shapes
        self._reader: hiredis.Reader | None = None

    def trip(self, commands: Sequence[Command]) -> list[Any]:
        """The answers of ``commands``, errors among them.

        A connection that turns out to be closed (the server restarted, or is not the master any more) is
        opened again and everything sent again, once.

        Raises:
            redis.RedisError, OSError: the server did not answer; the connection is closed.
        """
        packed = b"".join([_packed(command) for command in commands])
        try:
            reused = self._reader is not None
            try:
                return self._exchange(packed, commands)
            except (redis.ConnectionError, ConnectionError, ReadOnlyError):
                self.close()
                if not reused:
                    raise
                return self._exchange(packed, commands)
        except BaseException:  # an answer may still be on its way; nobody else must read it
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next trip opens it again."""
        self._reader = None
        self._connection.disconnect()

    def _exchange(self, packed: bytes, commands: Sequence[Command]) -> list[Any]:
        connection, reader = self._connection, self._reader
        if reader is None:
            connection.connect()  # and asks the sentinels, where there are some, who is master
            _leave_time_out_to_kernel(connection._sock)
            reader = self._reader = hiredis.Reader(protocolError=InvalidResponse, replyError=_error(connection))
        try:
            return self._answers(connection._sock, reader, packed, commands)
        except BlockingIOError:  # how the kernel says that the time is over
            raise TimeoutError("timed out") from None

    def _answers(
        self, connected: socket.socket, reader: hiredis.Reader, packed: bytes, commands: Sequence[Command]
    ) -> list[Any]:
        connected.sendall(packed)
        gets, shapes, answers = reader.gets, self._shapes, []
        for command in commands:
            answer = gets()
            while answer is False:
                received = connected.recv(_READ)
                if not received:
                    raise redis.ConnectionError("the server closed the connection")
                reader.feed(received)
                answer = gets()
            # Any error is an answer that has no shape. Some of redis-py's are not a ResponseError: LOADING, NOAUTH.
            if isinstance(answer, Exception):
                if isinstance(answer, ReadOnlyError):
                    raise answer  # the server is a replica now
            elif command[0] in shapes:
                answer = shapes[command[0]](answer)
            answers.append(answer)
        return answers


def _packed(command: Command) -> bytes:
    last = command[-1]
    framed = last if isinstance(last, Framed) else None
    packed: bytes = hiredis.pack_command(command if framed is None else command[:-1])  # type: ignore[arg-type]
    if framed is None:
        return packed
    # What hiredis wrote, with the whole number of arguments at its head.
    begun = packed.partition(b"\r\n")[2]
    return b"*%d\r\n%b%b" % (len(command) - 1 + framed.count, begun, framed.text.encode())


def _leave_time_out_to_kernel(connected: socket.socket) -> None:
    """Have the kernel keep the time-out of a socket. TLS has one of its own, above the socket, and keeps it."""
    seconds = connected.gettimeout()
    if type(connected) is not socket.socket or not seconds:
        return
    limit = _TIMEVAL.pack(int(seconds), int(seconds % 1 * 1e6))
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    connected.settimeout(None)


def check(connection: Any) -> None:
    """Raise :class:`ConfigurationError` where a connection of redis-py is not as this file needs it."""
    if not hasattr(connection, "_sock"):
        raise ConfigurationError("requirements", "redis", f"is not as {MADE_FOR} is: a connection has no _sock")
    if not callable(getattr(getattr(connection, "_parser", None), "parse_error", None)):
        raise ConfigurationError("requirements", "redis", f"is not as {MADE_FOR} is: a parser has no parse_error")


def _error(connection: Any) -> Callable[[str], Exception]:
    """From the text of an error answer to redis-py's exception for it."""
    parse: Callable[[str], Exception] = connection._parser.parse_error
    return parse
