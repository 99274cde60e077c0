"""The log of what people and rules did: its chain, its pages, and what becomes of old notes."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable

import orjson
import pytest

from riskapi.access.audit_chain import verify
from riskapi.access.audit_log import CHAIN, STREAM, AuditLog, Wanted
from riskapi.store.connections import Store
from tests.conftest import NOW

Rows = list[tuple[bytes, dict[bytes, bytes]]]


@pytest.fixture
def audit(store: Store) -> AuditLog:
    return AuditLog(store)


def fill(audit: AuditLog, count: int, actor: str = "ana") -> None:
    for number in range(count):
        audit.note(actor, "decided", f"rev_{number}", NOW + number, decision="limit")


class TestChain:
    def test_the_chain_holds_over_what_was_written(self, store: Store, audit: AuditLog) -> None:
        fill(audit, 5)
        audit.note("zoë", "dećided", "", NOW, note="ß" * 300)
        found = verify(store)
        assert (found.fault, found.checked, found.number) == (None, 6, 6)

    def test_a_hash_is_sha256_whatever_the_length(self, store: Store, audit: AuditLog) -> None:
        for length in range(200):
            audit.note("a", "b", "c" * length, 1.0)
        found = verify(store)
        assert (found.fault, found.checked) == (None, 200)
        data = orjson.dumps({"actor": "a", "action": "b", "subject": "", "at": 1.0, "details": {}})
        text = hashlib.sha256(data).hexdigest()
        first = store.execute("XRANGE", STREAM, "-", "+", "COUNT", 1)[0][1]
        assert first[b"hash"].decode() == hashlib.sha256(f"{'0' * 64} 1 {text}".encode()).hexdigest()

    @pytest.mark.parametrize(
        ("said", "spoil"),
        [
            ("number 3, is not what was written", lambda store, rows: _change(store, rows, 2, data=b'{"actor":"bo"}')),
            ("number 3, is not what was written", lambda store, rows: _change(store, rows, 2, hash=b"0" * 64)),
            ("is number 7; after number 2 comes 3", lambda store, rows: _change(store, rows, 2, number=b"7")),
            ("after number 2, is not part of the chain", lambda store, rows: _change(store, rows, 2, hash=None)),
            ("is number 4; after number 2 comes 3", lambda store, rows: store.execute("XDEL", STREAM, rows[2][0])),
            ("is number 2; after number 0 comes 1", lambda store, rows: store.execute("XDEL", STREAM, rows[0][0])),
            ("after number 5 the log ends", lambda store, rows: store.execute("XDEL", STREAM, rows[5][0])),
            ("after number 0 the log ends", lambda store, rows: store.execute("DEL", STREAM)),
            ("after number 6 the log ends", lambda store, rows: store.execute("HSET", CHAIN, "number", "9")),
            ("after number 0 the log ends", lambda store, rows: store.execute("HSET", CHAIN, "number", "0")),
        ],
    )
    def test_the_chain_breaks_where_something_was_changed(
        self,
        store: Store,
        audit: AuditLog,
        said: str,
        spoil: Callable[[Store, Rows], None],
    ) -> None:
        fill(audit, 6)
        spoil(store, store.execute("XRANGE", STREAM, "-", "+"))
        assert said in (verify(store).fault or "it holds")

    def test_the_chain_begins_after_notes_of_a_release_that_had_none(self, store: Store, audit: AuditLog) -> None:
        for number in range(3):
            row = {"actor": "ana", "action": "old", "subject": f"rev_{number}", "at": 1.0, "details": {}}
            store.execute("XADD", STREAM, "MAXLEN", "~", 100, "*", "data", orjson.dumps(row))
        fill(audit, 2)
        found = verify(store)
        assert (found.fault, found.checked, found.unchained) == (None, 2, 3)
        notes = audit.latest(9)
        assert [note.action for note in notes] == ["decided"] * 2 + ["old"] * 3
        assert notes[0].number == 2 and notes[4].number is None

    def test_the_chain_goes_on_from_what_was_dropped(self, store: Store) -> None:
        audit = AuditLog(store, most=50)
        fill(audit, 160)
        found = verify(store)
        assert (found.fault, found.start, found.checked, found.number) == (None, 100, 60, 160)
        store.execute("XTRIM", STREAM, "MAXLEN", 40)
        assert "after number 100 comes 101" in (verify(store).fault or "")

    def test_a_chain_made_anew_shows_to_whoever_wrote_a_hash_down(self, store: Store, audit: AuditLog) -> None:
        fill(audit, 3)
        written = verify(store).hash
        fill(audit, 3)
        assert verify(store, holds=written).held is True
        store.execute("DEL", STREAM, CHAIN)
        fill(audit, 6, "bo")
        found = verify(store, holds=written)
        assert found.fault is None and found.held is False

    def test_the_chain_holds_when_many_write_at_once(self, store: Store) -> None:
        audit = AuditLog(store, most=50)
        begin = threading.Barrier(8)

        def write(number: int) -> None:
            begin.wait(60)
            fill(audit, 25, f"user {number}")

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(30)
        found = verify(store)
        assert (found.fault, found.number) == (None, 200)

    def test_a_note_is_in_the_chain_once_when_its_command_is_sent_again(self, store: Store) -> None:
        data = orjson.dumps({"actor": "a", "action": "b", "subject": "c", "at": 1.0, "details": {}})
        row: list[str | bytes | int] = [data, "0" * 64, 1, 50, "0" * 12]
        script = store.script("audit_note")
        assert [script.call([STREAM, CHAIN], row) for _ in range(2)] == [1, 1]
        assert store.execute("XLEN", STREAM) == 1

    def test_the_check_tells_how_far_it_has_come(self, store: Store, audit: AuditLog) -> None:
        fill(audit, 3)
        told: list[tuple[int, int]] = []
        verify(store, lambda done, of: told.append((done, of)))
        assert told == [(3, 3)]


class TestPage:
    def test_a_page_is_what_was_asked_for_and_goes_on(self, audit: AuditLog) -> None:
        fill(audit, 7)
        fill(audit, 3, "bo")
        first = audit.page(Wanted(actor="ana"), 5)
        assert [note.subject for note in first.notes] == [f"rev_{number}" for number in (6, 5, 4, 3, 2)]
        rest = audit.page(Wanted(actor="ana"), 5, first.after)
        assert [note.subject for note in rest.notes] == ["rev_1", "rev_0"] and rest.after is None

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            (Wanted(), 6),
            (Wanted(action="decided"), 5),
            (Wanted(action="signed in", actor="bo"), 1),
            (Wanted(action="signed in", actor="ana"), 0),
            (Wanted(subject="rev_3"), 1),
            (Wanted(since=NOW + 3), 2),
            (Wanted(until=NOW + 3), 4),
            (Wanted(since=NOW + 1, until=NOW + 3), 2),
            (Wanted(since=NOW + 99), 0),
        ],
    )
    def test_a_page_keeps_to_its_filters(self, audit: AuditLog, wanted: Wanted, found: int) -> None:
        audit.note("bo", "signed in", "0123", NOW, how="totp")
        fill(audit, 5)
        assert len(audit.page(wanted, 50).notes) == found

    def test_a_page_keeps_order_when_a_clock_goes_back(self, audit: AuditLog, store: Store) -> None:
        for at in (NOW, NOW - 50, NOW - 50, NOW + 1):
            audit.note("ana", "decided", "x", at)
        assert [note.number for note in audit.latest(9)] == [4, 3, 2, 1]
        assert verify(store).fault is None

    def test_a_page_ends_a_look_that_finds_nothing(
        self, store: Store, audit: AuditLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("riskapi.access.audit_log._LOOKED", 20)
        fill(audit, 45)
        pages, after = 0, None
        while pages == 0 or after is not None:
            found = audit.page(Wanted(subject="rev_0"), 5, after)
            pages, after = pages + 1, found.after
        assert pages == 3 and [note.subject for note in found.notes] == ["rev_0"]


def _change(store: Store, rows: Rows, at: int, **changed: bytes | None) -> None:
    """Write the rows anew, with one of them changed: what somebody can do who has the store."""
    store.execute("DEL", STREAM)
    for number, (place, fields) in enumerate(rows):
        kept = {**fields, **({name.encode(): value for name, value in changed.items()} if number == at else {})}
        words = [word for name, value in kept.items() if value is not None for word in (name, value)]
        store.execute("XADD", STREAM, place, *words)


def test_notes_are_short_whatever_callers_name_themselves(audit: AuditLog) -> None:
    audit.note("a" * 900, "b" * 900, "c" * 900, NOW, reason="d" * 900)
    note = audit.latest(1)[0]
    assert [len(text) for text in (note.actor, note.action, note.subject, note.details["reason"])] == [200] * 4
    assert re.fullmatch("[0-9a-f]{64}", note.hash or "")
