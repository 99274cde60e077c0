"""The store as the rest of the service sees it: pipelines in one trip, scripts, and a circuit that fails fast."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import redis
from redis.cluster import RedisCluster
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ClusterError,
    InvalidResponse,
    MasterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
    TryAgainError,
)

from riskapi.errors import ConfigurationError, StoreUnavailable, WriteRefused
from riskapi.settings import Settings
from riskapi.store import clients, embedded, redis_socket
from riskapi.store.circuit import Circuit
from riskapi.store.embedded import Embedded
from riskapi.store.pipelines import Pipeline
from riskapi.store.redis_socket import Argument, Command, RedisSocket, in_full
from riskapi.store.scripts import Script, sources

Client = redis.Redis | RedisCluster
#: Every key of ours starts with it, so that a store can be shared.
PREFIX = "risk:"
#: Answers that say the server cannot do its work now, whatever the command:
#: MISCONF and NOREPLICAS refuse writes, BUSY is a script that does not end.
_AWAY_WORDS = ("MISCONF", "NOREPLICAS", "BUSY", "UNKILLABLE", "CLUSTERDOWN", "MASTERDOWN", "LOADING")
#: Those of them by which a server refuses writes and still answers what it is asked.
_REFUSING, _REFUSING_WORDS = (ReadOnlyError, OutOfMemoryError), ("MISCONF", "NOREPLICAS")
#: Commands whose answers are taken as the server tells them: redis-py makes a dict of each of their many rows. Nobody
#: asks them of a cluster.
_AS_TOLD = ("XREADGROUP",)
#: Times the scripts are loaded for one trip: a server can be restarted again just after they were.
_LOADS = 3
_AWAY = (
    NoScriptError,  # after all these times: it does not stay up
    redis.ConnectionError,
    redis.TimeoutError,
    NoPermissionError,  # the rights of our account there were changed
    AskError,  # MOVED and ASK: a node of a cluster that REDIS_URL does not name as one
    InvalidResponse,  # what it says is not its protocol: another server, or one that breaks off
    ReadOnlyError,
    OutOfMemoryError,
    MasterDownError,
    ClusterDownError,
    ClusterError,
    TryAgainError,
    RedisClusterException,
    OSError,
)


class Store:
    """One store. Safe for threads: a pipeline takes a connection of its own for its trip.

    Commands may be executed twice (a connection lost while waiting, scripts lost by a restarted
    server), so every write is made to be idempotent, as our scripts are.
    """

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect, self._lock, self._made = connect, threading.Lock(), False
        self._circuit = Circuit()
        self._idle: deque[RedisSocket] = deque()

    @property
    def client(self) -> Client:
        """The redis-py client, for what needs no speed. Its single commands fail as :meth:`run` does.

        Raises:
            StoreUnavailable: no node of a cluster answered.
        """
        if not self._made:
            self._open()
        return self._client

    @property
    def is_cluster(self) -> bool:
        """Whether keys live on several nodes."""
        if not self._made:
            self._open()
        return self._clustered

    def pipeline(self) -> Pipeline:
        """An empty pipeline; :meth:`run` sends it."""
        return Pipeline()

    def script(self, name: str) -> Script:
        """The script ``store/lua/<name>.lua``. KeyError when there is none."""
        # Through the store at each call, so that what stands before its commands stands before a script's, too.
        return Script(lambda *words: self.execute(*words), sources()[name])

    def execute(self, *args: Argument) -> Any:
        """Run one command; its answer as redis-py gives it, texts as bytes.

        Raises:
            StoreUnavailable: as :meth:`run`.
        """
        return self._run([args])[0]

    def run(self, pipe: Pipeline) -> list[Any]:
        """Send every command in one trip and return their answers in order, as :class:`ReplyReader` finds them too.

        Raises:
            StoreUnavailable: the store did not answer in time or refused the write; it may still have
                executed some of the commands.
            redis.ResponseError: a command is wrong.
        """
        pipe.replies = self._run(pipe.commands) if pipe.commands else []
        return pipe.replies

    def ping(self) -> None:
        """Ask every primary node whether it is there, however recently the store was away.

        Raises:
            StoreUnavailable: one of them did not answer.
        """
        try:
            client = self.client
            if isinstance(client, RedisCluster):
                for node in client.get_primaries():  # type: ignore[no-untyped-call]
                    client.get_redis_connection(node).ping()
            else:
                _answers(self._send([("PING",)]))
        except (*_AWAY, ResponseError) as error:  # MISCONF and BUSY refuse a PING too
            raise self._translate(error) from error
        self._circuit.answered()

    def rewrite_file(self) -> bool:
        """Have the server write its append-only file anew, in the background: the old one has what was deleted since.

        False where it is being written already, maybe from before the deletion. Raises :class:`StoreUnavailable`.
        """
        try:
            self.execute("BGREWRITEAOF")
        except ResponseError:
            return False
        return True

    def primaries(self) -> list[redis.Redis]:
        """A client of each server that takes writes, past the circuit and our errors: to ask about the server itself.

        Raises:
            StoreUnavailable: no node of a cluster answered.
        """
        client = self.client
        if isinstance(client, RedisCluster):
            return [client.get_redis_connection(node) for node in client.get_primaries()]  # type: ignore[no-untyped-call]
        return [redis.Redis(connection_pool=self._pool)]

    def close(self) -> None:
        """Close every connection."""
        while self._idle:
            self._idle.pop().close()
        if self._made:
            self._client.close()

    def _open(self) -> None:
        with self._lock:
            if self._made:
                return
            try:
                self._client = self._connect()
            except _AWAY as error:
                raise self._away(error) from error
            # Asked once: redis-py's clients are typing protocols, of which isinstance takes microseconds.
            self._clustered = isinstance(self._client, RedisCluster)
            if isinstance(self._client, redis.Redis):
                self._pool = self._client.connection_pool
                redis_socket.check(self._pool.make_connection())
                self._shapes: dict[Any, Callable[..., Any]] = dict(self._client.response_callbacks)
                for name in _AS_TOLD:
                    self._shapes.pop(name, None)
            self._guard(self._client)
            self._made = True

    def _guard(self, client: Any) -> None:
        """Make the client's commands heed the circuit and raise our error for a store that is away."""
        command = client.execute_command

        def guarded(*args: Any, **options: Any) -> Any:
            self._circuit.check()
            try:
                answer = command(*args, **options)
            except (*_AWAY, ResponseError) as error:
                raise self._translate(error) from error
            self._circuit.answered()
            return answer

        client.execute_command = guarded

    def _run(self, commands: Sequence[Command]) -> list[Any]:
        self._circuit.check()
        if not self._made:
            self._open()
        send = self._scatter if self._clustered else self._send
        try:
            replies = send(commands)
            if [reply for reply in replies if isinstance(reply, Exception)]:
                replies = self._with_scripts(send, commands, replies)
        except (*_AWAY, ResponseError) as error:
            raise self._translate(error) from error
        self._circuit.answered()
        return replies

    def _with_scripts(
        self, send: Callable[[Sequence[Command]], list[Any]], commands: Sequence[Command], replies: list[Any]
    ) -> list[Any]:
        """The replies once the server has the scripts that it had lost. Raises the first that is an error then."""
        for _ in range(_LOADS):
            if not any(isinstance(reply, NoScriptError) for reply in replies):
                break
            self._load(self._client)
            replies = send(commands)
        return _answers(replies)

    def _send(self, commands: Sequence[Command]) -> list[Any]:
        """One trip to one server."""
        try:
            socket = self._idle.pop()
        except IndexError:
            socket = RedisSocket(self._pool, self._shapes)
        try:
            return socket.trip(commands)
        finally:
            self._idle.append(socket)

    def _scatter(self, commands: Sequence[Command]) -> list[Any]:
        """One trip to every node concerned, at the same time.

        The node is named for redis-py, which otherwise asks the server where the keys of an EVALSHA are.
        """
        client: Any = self._client
        pipe = client.pipeline(transaction=False)
        for command in commands:
            key = command[3] if command[0] == "EVALSHA" else command[1]
            pipe.execute_command(*in_full(command), target_nodes=client.get_node_from_key(key))
        return list(pipe.execute(raise_on_error=False))

    def _load(self, client: Client) -> None:
        """Load every script, past the circuit: this is part of a trip that it let through."""
        commands: list[Command] = [("SCRIPT", "LOAD", source.text) for source in sources().values()]
        if not isinstance(client, RedisCluster):
            _answers(self._send(commands))
            return
        primaries = client.get_primaries()  # type: ignore[no-untyped-call]
        nodes: list[Any] = [client.get_redis_connection(node) for node in primaries]
        for node in nodes:
            for command in commands:
                node.execute_command(*command)

    def _translate(self, error: Exception) -> Exception:
        """Our error where the store is away; the error itself where the command was wrong."""
        if not isinstance(error, _AWAY) and not str(error).startswith(_AWAY_WORDS):
            return error
        return self._away(error)

    def _away(self, error: Exception) -> StoreUnavailable:
        # An error answer may quote the command and so a person's data; its first word is the code.
        is_answer = isinstance(error, ResponseError)
        said = str(error).split(" ", 1)[0] if is_answer else str(error)
        if isinstance(error, _REFUSING) or (is_answer and said in _REFUSING_WORDS):
            self._circuit.answered()  # at once: nobody waits for it, and what is there can be read
            return WriteRefused(f"the store refused a write: {type(error).__name__}: {said}")
        self._circuit.failed()
        return StoreUnavailable(f"the store did not answer: {type(error).__name__}: {said}")


def open_store(settings: Settings) -> Store:
    """The store that ``REDIS_URL`` names, or the embedded one of the data directory, which must be running.

    Connects at first use, so that a service whose store is away comes up and says so.

    Raises:
        ConfigurationError: the URL is not one that can be used.
    """
    given = settings.redis_url
    url = given.get_secret_value() if given else embedded.url(settings.data_dir)
    store = Store(lambda: clients.connect(url, settings.store_timeout_ms / 1000))
    if not clients.is_cluster(url):
        _ = store.client  # a URL that cannot be used is found out now
    return store


@contextlib.contextmanager
def running_store(settings: Settings, *, start: bool = False) -> Iterator[Store]:
    """The store that runs, for a command's time, in which it is not stopped. None is ever made.

    With ``start`` an embedded one whose data is there is started where it does not run, and stopped afterwards.

    Raises:
        ConfigurationError: no store runs in the data directory, or with ``start``, none is there.
        StoreUnavailable: the store does not answer.
    """
    with contextlib.ExitStack() as stack:
        if settings.redis_url is None:
            found = Embedded(settings.data_dir, settings.store_fsync)
            if not found.alive() and not (start and found.has_data()):
                raise ConfigurationError("environment", "RISKAPI_DATA_DIR", _no_store(found, start))
            stack.enter_context(found)
        store = open_store(settings)
        stack.callback(store.close)
        store.ping()
        yield store


def _no_store(looked: Embedded, start: bool) -> str:
    if start:
        return f"there is no store in {looked.directory} to start"
    return (
        f"no store runs in {looked.directory}; run the command with the RISKAPI_DATA_DIR or REDIS_URL of the service, "
        "while it runs"
    )


def _answers(replies: list[Any]) -> list[Any]:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies
