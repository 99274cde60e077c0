"""Many entries at once: rows read, put, found there already, rejected, and all of it taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from riskapi.app import Service
from riskapi.errors import Problem
from riskapi.inputs.json_lines import Row
from riskapi.lists import batches as list_batches
from riskapi.lists.batches import Batches
from riskapi.lists.entry_rows import rows
from riskapi.lists.lists import Lists
from riskapi.lists.puts import KEPT, batch_key
from riskapi.store.connections import Store
from tests.answers import is_problem
from tests.commanding import Command
from tests.conftest import NOW
from tests.lists.kept import Put, table, told
from tests.signups import together

BULK, BATCH = "/v1/lists/{list}/bulk", "/v1/lists/batches/{batch_id}"
CSV = """kind,value,expires_at,reason,silences_feedback
ip,203.0.113.9,,scan,
email_domain,spam.example,2027-01-01T00:00:00Z,"says ""free"", twice",no
phone,+34600123123,,,
"""


@pytest.fixture
def batches(service: Service) -> Batches:
    return service.parts.list_batches


def lines(*given: Mapping[str, Any]) -> Iterable[Row]:
    return [Row(number, orjson.dumps(each)) for number, each in enumerate(given, 1)]


def state(store: Store) -> dict[bytes, Any]:
    """All that the lists are: the table, the indexes, and each entry but for the name of its last write."""
    found: dict[bytes, Any] = {}
    for key in store.execute("KEYS", "risk:l[eilx]:*"):
        if key.startswith(b"risk:le:"):
            fields = store.execute("HGETALL", key)
            if b"removed" not in fields:
                found[key] = {name: value for name, value in fields.items() if name != b"token"}
        elif key.startswith(b"risk:l:"):
            found[key] = store.execute("HGETALL", key)
        else:
            found[key] = store.execute("ZRANGE", key, 0, -1, "WITHSCORES")
    return found


def user(name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "user", "value": name, **more}


def take(batches: Batches, *given: Mapping[str, Any], now: float = NOW, **more: Any) -> list_batches.BatchOutcome:
    return batches.take("deny", lines(*given), author="kim", now=now, **more)


class TestTake:
    """Rows become entries."""

    def test_rows_are_put_replaced_left_and_rejected(self, batches: Batches, entries: Lists, put: Put) -> None:
        put("deny", "user", "u_2", reason="old")
        put("deny", "user", "u_3", reason="same")
        put("deny", "user", "u_4", reason="for good")
        taken = take(
            batches,
            user("u_1"),
            user("u_2", reason="new"),
            user("u_3", reason="same"),
            user("u_4", expires_at="2027-01-01T00:00:00Z"),
            {"kind": "ip", "value": "x"},
            user("u_1"),
            user("u_5", list="allow"),
            user("u_6", list="deny"),
            user("u_7", more=1),
        )
        assert (taken.put, taken.replaced, taken.unchanged) == (2, 1, 1)
        assert [(each.number, each.pointer, each.code) for each in taken.rejected] == [
            (4, "/expires_at", "entry_permanent"),
            (5, "/value", "value_error"),
            (6, "/value", "duplicate"),
            (7, "/list", "other_list"),
            (9, "/more", "extra_forbidden"),
        ]
        there = {entry["value"]: entry["reason"] for entry in entries.page("deny", None, 50, None, NOW)["entries"]}
        assert there == {"u_1": None, "u_2": "new", "u_3": "same", "u_4": "for good", "u_6": None}

    def test_the_same_rows_again_change_nothing(self, batches: Batches, store: Store) -> None:
        given = [user("u_1", reason="a"), user("u_2", expires_at="2027-01-01T00:00:00Z")]
        first = take(batches, *given)
        before, told_before = state(store), len(told(store))
        again = take(batches, *given, now=NOW + 60)
        assert (again.put, again.replaced, again.unchanged) == (0, 0, 2)
        assert (state(store), len(told(store))) == (before, told_before)
        assert again.id is not None
        batches.undo(again.id, "lee", NOW + 61)
        assert state(store) == before, "what it found there is none of it"
        assert first.id is not None
        assert batches.undo(first.id, "lee", NOW + 62)["removed"] == 2

    def test_a_permanent_entry_gets_an_end_where_that_is_meant(self, batches: Batches, put: Put) -> None:
        ends = "2027-01-01T00:00:00Z"
        for name in ("u_1", "u_2"):
            put("deny", "user", name)
        assert take(batches, user("u_1", expires_at=ends, replace=True)).replaced == 1
        assert take(batches, user("u_2", expires_at=ends), replace=True).replaced == 1

    def test_a_dry_run_puts_nothing(self, batches: Batches, store: Store) -> None:
        taken = take(batches, user("u_1"), user(""), dry_run=True)
        assert (taken.id, taken.put, len(taken.rejected)) == (None, 1, 1)
        assert not store.execute("KEYS", "risk:l[^i]*")

    def test_a_batch_goes_on_and_stays_on_its_list(self, batches: Batches) -> None:
        made = take(batches, user("u_1")).id
        assert take(batches, user("u_2"), batch_id=made).id == made
        assert made is not None
        assert batches.get(made)["put"] == 2
        for name, batch in (("allow", made), ("deny", "lsb_" + "0" * 20)):
            with pytest.raises(Problem) as problem:
                batches.take(name, lines(user("u_3")), author="kim", now=NOW, batch_id=batch)  # type: ignore[arg-type]
            assert problem.value.code == "not_found"

    def test_more_rows_or_values_than_there_may_be_are_refused(
        self, batches: Batches, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(list_batches, "MOST_ROWS", 3)
        with pytest.raises(Problem, match="has more than 3 rows"):
            take(batches, *(user(f"u_{number}") for number in range(4)))
        assert not store.execute("KEYS", "risk:l[^i]*")
        monkeypatch.setattr(list_batches, "MOST", 8)
        made = take(batches, user("u_1"), user("u_2")).id
        with pytest.raises(Problem, match="can have 8 values"):
            take(batches, user("u_3"), user("u_4"), batch_id=made)

    def test_nothing_is_kept_of_values_in_the_stream_and_a_batch_expires(self, batches: Batches, store: Store) -> None:
        made = take(batches, user("u_secret")).id
        assert "u_secret" not in str(told(store)) and made is not None
        assert 0 < store.execute("TTL", batch_key(made)) <= KEPT


class TestUndo:
    """A batch is taken back as one step."""

    def test_everything_is_as_it_was(self, batches: Batches, put: Put, store: Store, entries: Lists) -> None:
        put("deny", "user", "u_1", expires_at=NOW + 86_400.0, reason="a", author="ana")
        put("deny", "user", "u_2", reason="b")
        put("allow", "user", "u_3", silences_feedback=True)
        put("deny", "mailbox", "ana@ruiz.example", hashed=True)
        before = state(store)
        taken = take(
            batches, user("u_1", reason="c"), user("u_2", reason="d"), user("u_3"), user("u_4"),
            {"kind": "mailbox", "value": "ana@ruiz.example", "hashed": True, "reason": "e"}, now=NOW + 60,
        )  # fmt: skip
        assert (taken.put, taken.replaced) == (2, 3)
        assert taken.id is not None
        done = batches.undo(taken.id, "lee", NOW + 120)
        assert (done["removed"], done["restored"], done["left"]) == (2, 3, 0)
        assert done["undone_at"] == "2026-11-22T10:02:00.000Z"
        assert state(store) == before
        assert batches.undo(taken.id, "lee", NOW + 180) == done, "again"
        with pytest.raises(Problem) as problem:
            take(batches, user("u_5"), batch_id=taken.id)
        assert problem.value.code == "batch_undone"
        assert state(store) == before

    def test_what_was_written_or_removed_since_stays(self, batches: Batches, put: Put, entries: Lists) -> None:
        put("deny", "user", "u_1", reason="old")
        taken = take(batches, user("u_1", reason="batch"), user("u_2"), user("u_3"))
        put("deny", "user", "u_1", NOW + 1, reason="a person's")
        gone = next(row for row in entries.page("deny", None, 9, None, NOW)["entries"] if row["value"] == "u_2")
        entries.remove("deny", str(gone["id"]), "lee", NOW + 1)
        again = put("deny", "user", "u_2", NOW + 2)
        assert taken.id is not None
        done = batches.undo(taken.id, "lee", NOW + 3)
        assert (done["removed"], done["restored"], done["left"]) == (1, 0, 2)
        left = {row["value"]: (row["id"], row["reason"]) for row in entries.page("deny", None, 9, None, NOW)["entries"]}
        assert left["u_1"][1] == "a person's" and left["u_2"] == (again.id, None) and len(left) == 2

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["the first first", "the last first"])
    def test_batches_over_each_other_come_off_in_any_order(
        self, order: tuple[int, int], batches: Batches, put: Put, store: Store
    ) -> None:
        put("deny", "user", "u_1", reason="a person's")
        before = state(store)
        made = [
            take(batches, user("u_1", reason=f"batch {n}"), user("u_2", reason=str(n)), now=NOW + n).id for n in (1, 2)
        ]
        for number in order:
            batches.undo(str(made[number]), "lee", NOW + 9)
        assert state(store) == before

    def test_what_was_cut_off_is_finished_by_asking_again(
        self, batches: Batches, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        taken = take(batches, *(user(f"u_{number}") for number in range(700)))
        assert taken.id is not None
        through, calls = batches._undo_some, [0]

        def cut(*given: Any) -> None:
            calls[0] += 1
            if calls[0] == 2:
                raise ConnectionError
            through(*given)

        monkeypatch.setattr(batches, "_undo_some", cut)
        with pytest.raises(ConnectionError):
            batches.undo(taken.id, "lee", NOW)
        assert 0 < len(table(store)) < 700
        assert batches.undo(taken.id, "lee", NOW)["removed"] == 700
        assert not table(store)

    def test_racing_puts_and_undo_leave_nothing_half_done(self, batches: Batches, store: Store) -> None:
        made = str(take(batches, user("u_0")).id)

        def work(number: int) -> None:
            if number == 3:
                batches.undo(made, "lee", NOW)
                return
            try:
                take(batches, *(user(f"u_{number}_{each}") for each in range(40)), batch_id=made)
            except Problem as problem:
                assert problem.code == "batch_undone"

        together(6, work)
        batches.undo(made, "lee", NOW)
        assert not table(store)

    def test_an_unknown_batch_is_not_found(self, batches: Batches) -> None:
        for ask_it in (batches.get, lambda batch_id: batches.undo(batch_id, "lee", NOW)):
            with pytest.raises(Problem) as problem:
                ask_it("lsb_nothing")
            assert problem.value.code == "not_found"


#: Files, as what, and the values of the rows, or why it is no file of entries.
FILES: dict[str, tuple[bytes, Any, list[str] | str]] = {
    "CSV": (CSV.encode(), "csv", ["203.0.113.9", "spam.example", "+34600123123"]),
    "with a byte order mark, from a spreadsheet": (
        b"\xef\xbb\xbfkind;value;hashed\r\nuser;u_1;yes\r\n\r\nuser;u_2;\r\n",
        "csv",
        ["u_1", "u_2"],
    ),
    "with tabs": (b"kind\tvalue\nuser\tu_1\n", "csv", ["u_1"]),
    "no rows": (b"kind,value\n", "csv", []),
    "no columns": (b"user,u_1\n", "csv", "the first line names the columns"),
    "nothing": (b"", "csv", "the first line names the columns"),
    "a column we do not know": (b"kind,value,colour\n", "csv", "the first line names the columns"),
    "a column twice": (b"kind,value,value\n", "csv", "the first line names the columns"),
    "not UTF-8": (b"kind,value\nuser,\xff\n", "csv", "line 2 is not UTF-8"),
    "an open quote": (b'kind,value\nuser,"u_1\n', "csv", "line 2: unexpected end of data"),
    "JSON lines": (b'{"kind": "user", "value": "u_1"}\n\n{"kind": "user", "value": "u_2"}', "jsonl", ["u_1", "u_2"]),
}


@pytest.mark.parametrize(("content", "form", "expected"), FILES.values(), ids=FILES)
def test_files_are_read(content: bytes, form: Any, expected: list[str] | str) -> None:
    if isinstance(expected, str):
        with pytest.raises(Problem, match=expected):
            list(rows(content, form))
    else:
        assert [orjson.loads(row.text)["value"] for row in rows(content, form)] == expected


@pytest.mark.parametrize(
    ("row", "pointer"),
    [("user,u_1,maybe", "/hashed"), ("user,u_1,no,x", "/too many cells"), ("user", "/value"), ("colour,red,", "/kind")],
)
def test_a_bad_row_is_named_with_its_line(row: str, pointer: str, batches: Batches) -> None:
    found = batches.take("deny", rows(f"kind,value,hashed\n{row}\nuser,u_9,\n".encode(), "csv"), author="kim", now=NOW)
    assert [(each.number, each.pointer) for each in found.rejected] == [(2, pointer)]
    assert found.put == 1


class TestHttp:
    """As callers use it."""

    def test_csv_goes_in_comes_out_and_is_undone(self, client: FlaskClient, ask: Callable[..., Any]) -> None:
        status, done = ask("POST", BULK, "/v1/lists/deny/bulk", data=CSV, content_type="text/csv; charset=utf-8")
        assert (status, done["put"], done["rejected"]) == (200, 3, [])
        out = client.get("/v1/lists/deny/export.csv")
        assert (out.status_code, out.content_type) == (200, "text/csv")
        assert b'"says ""free"", twice"' in out.data
        again = ask("POST", BULK, "/v1/lists/deny/bulk", data=out.data, content_type="text/csv")[1]
        assert (again["put"], again["replaced"], again["unchanged"]) == (0, 0, 3)
        for row in client.get("/v1/lists/deny/export.jsonl?kind=ip").data.splitlines():
            assert orjson.loads(row)["value"] == "203.0.113.9"
        batch = f"/v1/lists/batches/{done['batch_id']}"
        assert ask("GET", BATCH, batch)[1]["undone_at"] is None
        status, undone = ask("DELETE", BATCH, batch)
        assert (status, undone["removed"], undone["author"]) == (200, 3, "bootstrap")
        assert client.get("/v1/lists/deny/export.jsonl").data == b""

    @pytest.mark.parametrize(
        "media", ["application/x-ndjson", "application/jsonl; charset=utf-8", "application/ndjson"]
    )
    def test_json_lines_and_json(self, ask: Callable[..., Any], media: str) -> None:
        content = b'{"kind": "user", "value": "u_1"}\nx\n{"kind": "user", "value": "*"}\n'
        status, done = ask("POST", BULK, "/v1/lists/deny/bulk", data=content, content_type=media)
        assert (status, done["put"], [each["line"] for each in done["rejected"]]) == (200, 1, [2, 3])
        more = {"entries": [user("u_2"), 7], "batch_id": done["batch_id"]}
        status, done = ask("POST", BULK, "/v1/lists/deny/bulk", json=more)
        assert (status, done["put"], done["rejected_count"]) == (200, 1, 1)
        assert ask("DELETE", BATCH, f"/v1/lists/batches/{done['batch_id']}")[1]["removed"] == 2

    def test_the_same_key_puts_once(self, ask: Callable[..., Any]) -> None:
        given = {"data": CSV, "content_type": "text/csv", "headers": {"Idempotency-Key": "k"}}
        first = ask("POST", BULK, "/v1/lists/deny/bulk", **given)[1]
        assert ask("POST", BULK, "/v1/lists/deny/bulk", **given)[1] == first

    def test_an_export_comes_in_pages(self, client: FlaskClient, ask: Callable[..., Any]) -> None:
        more = {"entries": [user(f"u_{number}") for number in range(12)]}
        ask("POST", BULK, "/v1/lists/deny/bulk", json=more)
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = client.get(f"/v1/lists/deny/export.jsonl?limit=5{cursor and f'&cursor={cursor}'}")
            found += [orjson.loads(row)["value"] for row in page.data.splitlines()]
            cursor = page.headers.get("X-Next-Cursor")
        assert len(found) == len(set(found)) == 12

    @pytest.mark.parametrize("path", ["/v1/lists/grey/bulk", "/v1/lists/deny/bulks"])
    def test_what_is_no_list_is_not_found(self, client: FlaskClient, path: str) -> None:
        assert client.post(path, json={"entries": [user("u_1")]}).status_code in (404, 405)

    def test_an_unknown_batch_and_a_file_that_is_none_are_refused(self, client: FlaskClient) -> None:
        is_problem(client.delete("/v1/lists/batches/lsb_0"), 404, "not_found")
        is_problem(client.post("/v1/lists/deny/bulk", data="x", content_type="text/csv"), 422, "invalid")


class TestCommand:
    """``python -m riskapi lists``."""

    def test_a_file_goes_in_is_found_comes_out_and_is_undone(self, command: Command, tmp_path: Any) -> None:
        file = tmp_path / "bans.csv"
        file.write_text(CSV + "ip,nonsense,,,\n")
        tried = command("lists", "import", "deny", str(file), "--dry-run")
        assert (tried.code, tried.out) == (1, "3 good, nothing is put, 1 rejected\n")
        done = command("lists", "import", "deny", str(file))
        assert (done.code, done.out) == (1, "3 put, 0 replaced, 0 unchanged, 1 rejected\n")
        assert done.err.startswith("line 5: /value: not an IP address")
        batch = done.err.split()[-1]
        found = command("lists", "find", "203.0.113.9")
        assert (found.code, orjson.loads(found.out)["author"]) == (0, "ana")
        assert command("lists", "find", "203.0.113.10", "--kind", "ip").code == 1
        out = command("lists", "export", "--format", "jsonl")
        assert (len(out.out.splitlines()), out.err) == (3, "3 entries\n")
        again = tmp_path / "again.jsonl"
        again.write_text(out.out)
        assert command("lists", "import", "deny", str(again)).out == "0 put, 0 replaced, 3 unchanged, 0 rejected\n"
        assert command("lists", "undo", batch).out == "3 removed, 0 as they were, 0 left\n"
        assert command("lists", "undo", "lsb_0").code == 1
        assert command("lists", "export").out == "list,kind,value,expires_at,reason,silences_feedback,hashed\r\n"

    def test_a_long_file_is_one_batch(self, command: Command, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("riskapi.commands.lists.MOST_ROWS", 4)
        file = tmp_path / "bans.csv"
        file.write_text("kind,value\n" + "".join(f"user,u_{number}\n" for number in range(10)))
        done = command("lists", "import", "deny", str(file))
        assert done.out == "10 put, 0 replaced, 0 unchanged, 0 rejected\n"
        assert command("lists", "undo", done.err.split()[-1]).out == "10 removed, 0 as they were, 0 left\n"

    @pytest.mark.parametrize(("name", "content"), [("/nowhere", None), ("bans.csv", "user,u_1\n")])
    def test_a_file_that_is_none_is_refused(
        self, name: str, content: str | None, command: Command, tmp_path: Any
    ) -> None:
        file = tmp_path / name
        if content is not None:
            file.write_text(content)
        done = command("lists", "import", "deny", str(file))
        assert (done.code, done.out) == (2 if content is None else 1, "")
        said = "file: cannot be read" if content is None else "the file: the first line names the columns"
        assert said in done.err
