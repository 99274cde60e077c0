from __future__ import annotations

import contextlib
import hashlib
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hiredis
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from riskapi.errors import ConfigurationError, StoreUnavailable, WriteRefused
from riskapi.settings import Settings
from riskapi.store import clients, scripts, server_binary
from riskapi.store.circuit import Circuit
from riskapi.store.connections import Store, open_store, running_store
from riskapi.store.embedded import Embedded
from riskapi.store.pipelines import Pipeline
from riskapi.store.redis_socket import Framed, _packed, in_full
from riskapi.store.scripts import Script, ScriptText
from tests.ports import free_ports
from tests.store_servers import await_true, server
from tests.store_servers import url as cluster_url


def opened(url: str, **more: str) -> Store:
    return open_store(Settings.load({"REDIS_URL": url, **more}))


# One trip


def test_a_trip_answers_in_order_and_as_redis_py_does(store: Store) -> None:
    pipe = store.pipeline()
    pipe.execute_command("SET", "k", "1").execute_command("HSET", "h", "a", 1, "b", 2.5)
    pipe.execute_command("HGETALL", "h").execute_command("HMGET", "h", "a", "z").execute_command("GET", "none")
    pipe.execute_command("EXISTS", "k").execute_command("GET", b"k")
    assert len(pipe) == 7
    assert store.run(pipe) == [True, 2, {b"a": b"1", b"b": b"2.5"}, [b"1", None], None, 1, b"1"]


def test_an_empty_trip_asks_nobody() -> None:
    store = opened("redis://127.0.0.1:1")
    assert store.run(store.pipeline()) == []


def test_each_command_says_how_its_reply_is_read(store: Store) -> None:
    pipe = store.pipeline()
    pipe.execute_command("SET", "risk:reply", "7")
    number = pipe.ask("GET", "risk:reply", read=int)
    said = pipe.ask("ECHO", b"all of it", read=len)
    with pytest.raises(RuntimeError, match="has not been run"):
        number()
    replies = store.run(pipe)
    assert (number(), said()) == (7, 9)
    assert replies[1:] == [b"7", b"all of it"], "whoever reads by position still can"


def test_a_script_says_how_its_reply_is_read(store: Store) -> None:
    pipe = store.pipeline()
    first = store.script("budget_revise").ask(pipe, ["risk:b:{b}:who"], [3, 60], read=bool)
    again = store.script("budget_revise").ask(pipe, ["risk:b:{b}:who"], [3, 60], read=bool)
    store.run(pipe)
    assert (first(), again()) == (True, False)


def test_a_wrong_command_is_an_error_and_the_connection_stays_usable(store: Store) -> None:
    pipe = store.pipeline()
    pipe.execute_command("SET", "k", "1").execute_command("HGET", "k", "f").execute_command("SET", "l", "2")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        store.run(pipe)
    assert store.execute("GET", "l") == b"2"


@pytest.mark.parametrize("before", [("HMGET", "table"), ("HMGET", "table", "ü", 7)], ids=["alone", "behind others"])
def test_framed_arguments_are_as_those_given_one_by_one(store: Store, before: tuple[Any, ...]) -> None:
    names = ["a", "", "ten letters", *(f"n{number}" for number in range(20))]
    framed = Framed(len(names), "".join(f"${len(name)}\r\n{name}\r\n" for name in names))
    store.execute("HSET", "table", *[part for name in [*names, "ü", "7"] for part in (name, f"of {name}")])
    pipe = store.pipeline()
    ours, plain = pipe.ask(*before, framed, read=list), pipe.ask(*before, *names, read=list)
    store.run(pipe)
    assert ours() == plain()
    assert None not in ours()
    assert framed.arguments() == names
    assert in_full((*before, framed)) == (*before, *names)


@given(
    st.lists(st.text() | st.binary() | st.integers() | st.floats(), min_size=1, max_size=120),
    st.lists(st.text(st.characters(max_codepoint=127, exclude_characters="\r\n"))),
)
def test_framed_arguments_are_packed_as_hiredis_packs_them(before: list[Any], names: list[str]) -> None:
    framed = Framed(len(names), "".join(f"${len(name)}\r\n{name}\r\n" for name in names))
    command = (*before, framed)
    assert in_full(command) == (*before, *names)
    assert _packed(command) == hiredis.pack_command(in_full(command))  # type: ignore[arg-type]


def test_large_answers_come_whole(store: Store) -> None:
    value = b"x" * 3_000_000
    store.execute("SET", "large", value)
    assert store.execute("GET", "large") == value


def test_threads_do_not_read_each_others_answers(store: Store) -> None:
    wrong: list[int] = []

    def work(number: int) -> None:
        for step in range(100):
            pipe = store.pipeline().execute_command("ECHO", f"{number}:{step}").execute_command("ECHO", number)
            if store.run(pipe) != [f"{number}:{step}".encode(), str(number).encode()]:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# Scripts


def test_every_packaged_script_loads(store: Store) -> None:
    assert scripts.sources()
    for source in scripts.sources().values():
        assert store.client.script_load(source.text) in (source.sha1, source.sha1.encode())


def counting(store: Store, monkeypatch: pytest.MonkeyPatch) -> Script:
    """A script of the tests' own, as if it were packaged."""
    text = b"return redis.call('HINCRBY', KEYS[1], ARGV[1], 1)"
    source = ScriptText("count", text, hashlib.sha1(text).hexdigest())
    monkeypatch.setattr("riskapi.store.connections.sources", lambda: {"count": source})
    return store.script("count")


def test_scripts_a_server_has_lost_are_loaded_and_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    script = counting(store, monkeypatch)
    store.execute("SCRIPT", "FLUSH")
    assert script.call(["k"], ["f"]) == 1
    store.execute("SCRIPT", "FLUSH")
    pipe = store.pipeline()
    script.queue(pipe, ["k"], ["f"])
    pipe.execute_command("GET", "nothing")
    script.queue(pipe, [b"k"], [b"g"])
    assert store.run(pipe) == [2, None, 1]


def test_a_server_restarted_again_while_its_scripts_were_loaded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    script, load = counting(store, monkeypatch), store._load
    lost = iter([True, True, False])

    def loses(client: Any) -> None:
        load(client)
        if next(lost):
            store._send([("SCRIPT", "FLUSH")])

    store.execute("SCRIPT", "FLUSH")
    monkeypatch.setattr(store, "_load", loses)
    assert script.call(["k"], ["f"]) == 1


def test_a_server_that_never_keeps_its_scripts_is_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    script = counting(store, monkeypatch)
    store.execute("SCRIPT", "FLUSH")
    monkeypatch.setattr(store, "_load", lambda client: None)
    with pytest.raises(StoreUnavailable):
        script.call(["k"], ["f"])
    store._circuit.answered()


def test_an_unknown_script_is_a_mistake_of_ours(store: Store) -> None:
    with pytest.raises(KeyError):
        store.script("no_such")


# Away


def test_a_circuit_lets_one_probe_through_after_its_time() -> None:
    now = [100.0]
    circuit = Circuit(1.0, lambda: now[0])
    circuit.check()
    circuit.failed()
    with pytest.raises(StoreUnavailable):
        circuit.check()
    now[0] += 1.0
    circuit.check()
    with pytest.raises(StoreUnavailable):
        circuit.check()
    circuit.answered()
    circuit.check()


def test_a_store_that_is_away_fails_at_once_and_then_without_asking() -> None:
    store = opened("redis://127.0.0.1:1")
    with pytest.raises(StoreUnavailable, match="Connection refused"):
        store.execute("GET", "k")
    with pytest.raises(StoreUnavailable, match="a moment ago"):
        store.execute("GET", "k")
    with pytest.raises(StoreUnavailable, match="a moment ago"):
        store.client.get("k")
    with pytest.raises(StoreUnavailable, match="Connection refused"):
        store.ping()


def test_a_store_that_does_not_answer_is_away_after_the_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = opened(f"redis://127.0.0.1:{silent.getsockname()[1]}", RISKAPI_STORE_TIMEOUT_MS="50")
        with pytest.raises(StoreUnavailable, match="out"):
            store.execute("GET", "k")


def test_a_store_that_reads_nothing_is_away_after_the_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = opened(f"redis://127.0.0.1:{silent.getsockname()[1]}", RISKAPI_STORE_TIMEOUT_MS="50")
        with pytest.raises(StoreUnavailable, match="timed out"):
            store.execute("SET", "k", bytes(1 << 26))  # more than the kernel holds for a socket


def test_the_time_out_of_a_trip_is_kept_by_the_kernel(store: Store) -> None:
    store.ping()
    connected = store._idle[-1]._connection._sock
    assert connected.gettimeout() is None, "else Python asks poll(2) before each call"
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        seconds, micros = struct.unpack("@ll", connected.getsockopt(socket.SOL_SOCKET, option, 16))
        assert seconds + micros / 1e6 == pytest.approx(store._pool.connection_kwargs["socket_timeout"], abs=0.01)


def test_a_restarted_store_is_found_again_without_an_error(tmp_path: Path) -> None:
    with Embedded(tmp_path):
        store = open_store(Settings.load({"RISKAPI_DATA_DIR": str(tmp_path)}))
        store.execute("SET", "k", "1")
    with Embedded(tmp_path):
        assert store.execute("GET", "k") == b"1"
        store.ping()


@pytest.mark.parametrize("command", ["run", "client"])
def test_a_store_that_refuses_writes_is_away(tmp_path: Path, command: str) -> None:
    with Embedded(tmp_path, "everysec"):
        store = open_store(Settings.load({"RISKAPI_DATA_DIR": str(tmp_path)}))
        store.execute("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(StoreUnavailable, match="OutOfMemoryError"):
            store.execute("SET", "someone@example.com", "1") if command == "run" else store.client.set("k", "1")


@pytest.mark.parametrize("command", ["run", "client"])
def test_a_store_that_refuses_writes_is_read_all_the_same(tmp_path: Path, command: str) -> None:
    with Embedded(tmp_path, "everysec"):
        store = open_store(Settings.load({"RISKAPI_DATA_DIR": str(tmp_path)}))
        store.execute("SET", "k", "1")
        store.execute("CONFIG", "SET", "maxmemory", "1")
        for _ in range(3):
            with pytest.raises(WriteRefused, match="OutOfMemoryError"):
                store.execute("SET", "k", "2") if command == "run" else store.client.set("k", "2")
            assert store.execute("GET", "k") == b"1" == store.client.get("k")


@pytest.mark.parametrize(
    ("error", "refuses"),
    [
        (redis.exceptions.OutOfMemoryError("command not allowed"), True),
        (redis.exceptions.ReadOnlyError("You can't write against a read only replica."), True),
        (redis.ResponseError("MISCONF Errors writing to the AOF file"), True),
        (redis.ResponseError("NOREPLICAS Not enough good replicas to write."), True),
        (redis.ResponseError("BUSY Valkey is busy running a script."), False),
        (redis.exceptions.BusyLoadingError("Valkey is loading the dataset in memory"), False),
        (redis.exceptions.MasterDownError("Link with MASTER is down"), False),
        (redis.ConnectionError("MISCONF"), False),
        (redis.TimeoutError("Timeout reading from socket"), False),
    ],
)
def test_only_a_server_that_answers_is_asked_again_at_once(store: Store, error: Exception, refuses: bool) -> None:
    assert isinstance(store._away(error), WriteRefused) == refuses
    try:
        if refuses:
            store.execute("PING")
        else:
            with pytest.raises(StoreUnavailable):
                store.execute("PING")
    finally:
        store._circuit.answered()


#: Answers that are an error where a reply was expected, and whether the connection is opened anew after it.
REFUSALS = {
    "loading": b"-LOADING Valkey is loading the dataset in memory\r\n",
    "out of memory": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    "misconfigured": b"-MISCONF Errors writing to the AOF file: No space left on device\r\n",
    "busy": b"-BUSY Valkey is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n",
    "no replicas": b"-NOREPLICAS Not enough good replicas to write.\r\n",
    "a replica": b"-READONLY You can't write against a read only replica.\r\n",
    "a replica without its master": b"-MASTERDOWN Link with MASTER is down\r\n",
    "a cluster that is down": b"-CLUSTERDOWN The cluster is down\r\n",
    "a slot on its way": b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
    "a node of a cluster": b"-MOVED 866 127.0.0.1:7001\r\n",
    "no password": b"-NOAUTH Authentication required.\r\n",
    "no right": b"-NOPERM User default has no permissions to run the 'hgetall' command\r\n",
    "too many clients": b"-ERR max number of clients reached\r\n",
    "another protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
}


@contextlib.contextmanager
def refusing(refusal: bytes, place: int) -> Iterator[int]:
    """A server that says +OK to what opens a connection, and then a refusal at one place of each trip of three."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=answer, args=(connection,), daemon=True).start()

        def answer(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                while data := connection.recv(65_536):
                    ours = data.count(b"HGETALL")
                    answers = [refusal if at == place else b"*0\r\n" for at in range(ours)]
                    connection.sendall(b"".join(answers) if ours else b"+OK\r\n" * max(data.count(b"*"), 1))

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_an_error_where_a_reply_is_expected_is_an_error_of_the_store(refusal: bytes, place: int) -> None:
    """HGETALL is among the commands whose reply redis-py gives a form, which an error has not."""
    with refusing(refusal, place) as port:
        store = opened(f"redis://127.0.0.1:{port}?protocol=2", RISKAPI_STORE_TIMEOUT_MS="2000")
        pipe = store.pipeline()
        for key in "abc":
            pipe.execute_command("HGETALL", key)
        with pytest.raises(StoreUnavailable):
            store.run(pipe)
        store.close()


def test_a_store_that_loads_its_data_is_away_until_it_has(tmp_path: Path) -> None:
    """Killed with data, and started again: as an operator's supervisor does."""
    (port,) = free_ports(1)
    url = f"redis://127.0.0.1:{port}"
    with server(tmp_path, port) as process:
        store = opened(url)
        store.run(_many(store, 3000))
        store.execute("SAVE")
        process.kill()
        process.wait()
    slow = ["--key-load-delay", "300", "--loading-process-events-interval-bytes", "1024"]
    command = [str(server_binary.find()), "--port", str(port), "--dir", str(tmp_path), "--save", "", *slow]
    with (tmp_path / "log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            said: set[str] = set()
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                store._circuit.answered()  # ask each time
                try:
                    assert store.execute("HGETALL", "k7") == {b"a": b"7"}
                    break
                except StoreUnavailable as error:
                    said.add(str(error))
            else:
                pytest.fail("it never came back")
            assert any("BusyLoading" in each for each in said), said
        finally:
            process.kill()
            store.close()


def _many(store: Store, count: int) -> Pipeline:
    pipe = store.pipeline()
    for number in range(count):
        pipe.execute_command("HSET", f"k{number}", "a", number)
    return pipe


def test_a_store_that_a_script_keeps_busy_is_away(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with server(tmp_path, port, "--busy-reply-threshold", "10"):
        store = opened(f"redis://127.0.0.1:{port}")
        client = redis.Redis(port=port)

        def run() -> None:
            with contextlib.suppress(redis.RedisError):  # it is killed
                client.eval("while true do end", 0)

        endless = threading.Thread(target=run)
        endless.start()
        try:
            await_true(lambda: _refused(store))
        finally:
            redis.Redis(port=port).script_kill()
            endless.join(20)
            store.close()


def _refused(store: Store) -> bool:
    """Whether the store answers a command whose reply has a form with an error, and we say that it is away."""
    store._circuit.answered()
    try:
        store.execute("HGETALL", "k")
    except StoreUnavailable as error:
        return "BUSY" in str(error)
    return False


def test_an_error_names_no_person(store: Store) -> None:
    error = store._away(redis.ResponseError("MISCONF while running SET someone@example.com"))
    assert "example.com" not in str(error)
    store.ping()


# Addresses

BUSTED = {
    "a database that is no number": "redis://localhost/x",
    "an option there is not": "redis://localhost/0?no_such_option=1",
    "a port that is no number": "redis://localhost:port/0",
    "sentinels without a service": "redis+sentinel://h1:26379,h2:26379/0",
    "sentinels with an empty one": "redis+sentinel://h1:26379,,h2/0?service=m",
    "sentinels with an option there is not": "redis+sentinel://h1?service=m&master=x",
    "a database of a name": "redis+sentinel://h1/mymaster?service=m",
    "a cluster with a database": "redis+cluster://h1:7000/3",
    "a cluster with a port of text": "redis+cluster://h1:x",
}


@pytest.mark.parametrize("url", BUSTED.values(), ids=BUSTED)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        clients.connect(url, 0.1)


def test_a_password_and_a_database_of_the_url_are_used(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    folder = tmp_path / "s"
    folder.mkdir()
    with subprocess.Popen(
        [str(server_binary.find()), "--port", str(port), "--dir", str(folder), "--save", "", "--requirepass", "p@ss"],
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            store = opened(f"redis://:p%40ss@127.0.0.1:{port}/3")
            await_true(lambda: store.execute("PING"))
            store.execute("SET", "k", "1")
            assert redis.Redis(port=port, db=3, password="p@ss").get("k") == b"1"
            with pytest.raises(StoreUnavailable, match="AuthenticationError"):
                opened(f"redis://:wrong@127.0.0.1:{port}/3").execute("GET", "k")
        finally:
            process.kill()


def test_a_socket_is_used(embedded_store: Embedded, store: Store) -> None:
    with running_store(Settings.load({"REDIS_URL": f"unix://{embedded_store.socket}"})) as found:
        assert found.execute("ECHO", "x") == b"x"


def test_a_cluster_answers_in_order_and_gets_its_scripts(cluster: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(cluster_url(cluster))
    assert store.is_cluster
    store.ping()
    script = counting(store, monkeypatch)
    for port in cluster:
        redis.Redis(port=port).script_flush()
    pipe = store.pipeline()
    for number in range(30):
        script.queue(pipe, [f"k{number}"], ["f"])
    pipe.execute_command("HSET", "h", "a", 1).execute_command("HGETALL", "h").execute_command("HGET", "h", "a")
    answers = store.run(pipe)
    assert answers[:30] == [1] * 30
    assert answers[31:] == [{b"a": b"1"}, b"1"]
    assert [len(redis.Redis(port=port).keys("*")) > 0 for port in cluster] == [True] * 3
    assert script.call(["k7"], ["f"]) == 2


def test_a_cluster_that_is_away_comes_up_as_unavailable_and_is_found_later(cluster: list[int]) -> None:
    nowhere = opened("redis+cluster://127.0.0.1:1")
    with pytest.raises(StoreUnavailable):
        nowhere.execute("GET", "k")
    with pytest.raises(StoreUnavailable):
        nowhere.ping()


def test_sentinel_names_the_master_and_a_failover_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, sentinel = free_ports(3)
    conf = tmp_path / "sentinel" / "sentinel.conf"
    conf.parent.mkdir()
    conf.write_text(
        f"port {sentinel}\ndir {conf.parent}\nsentinel monitor main 127.0.0.1 {first} 1\n"
        "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n"
    )
    with (
        server(tmp_path / "first", first) as master,
        server(tmp_path / "second", second, "--replicaof", f"127.0.0.1 {first}"),
        server(conf.parent, sentinel, str(conf), "--sentinel"),
    ):
        store = opened(f"redis+sentinel://127.0.0.1:{sentinel}/0?service=main")
        script = counting(store, monkeypatch)
        watcher: Any = redis.Redis(port=sentinel, decode_responses=True)
        await_true(lambda: watcher.sentinel_master("main")["num-slaves"] == 1)
        await_true(lambda: redis.Redis(port=second).info("replication")["master_link_status"] == "up")
        assert script.call(["k"], ["f"]) == 1
        await_true(lambda: redis.Redis(port=second).hget("k", "f") == b"1")
        master.kill()
        await_true(lambda: script.call(["k"], ["f"]) == 2)
        assert store.client.info("server")["tcp_port"] == second
