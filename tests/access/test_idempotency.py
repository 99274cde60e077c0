"""Idempotency-Key: one answer for one key and body, also when fifty come at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from riskapi.access.idempotency import ATTEMPT, REMEMBERED, Attempt, Idempotency, Remembered
from riskapi.errors import Problem
from riskapi.store.connections import Store
from tests.conftest import NOW

ANSWER = Remembered(200, "application/json", b'{"done":1}', {"ETag": '"7"'})


@pytest.fixture
def memory(store: Store) -> Idempotency:
    return Idempotency(store, pause=lambda seconds: None)


def test_the_first_request_may_answer_and_the_second_gets_that_answer(memory: Idempotency) -> None:
    attempt = memory.begin("key", "/path", "k", b"body", NOW)
    assert isinstance(attempt, Attempt)
    memory.finish(attempt, ANSWER)
    assert memory.begin("key", "/path", "k", b"body", NOW) == ANSWER


def test_an_answer_of_a_release_that_remembered_no_headers_is_given_without(store: Store, memory: Idempotency) -> None:
    attempt = memory.begin("key", "/path", "k", b"body", NOW)
    assert isinstance(attempt, Attempt)
    memory.finish(attempt, ANSWER)
    store.execute("HDEL", attempt.key, "headers")
    assert memory.begin("key", "/path", "k", b"body", NOW) == Remembered(ANSWER.status, ANSWER.media, ANSWER.body)


def test_an_answer_is_remembered_for_a_day_by_the_clock_of_those_who_ask(memory: Idempotency) -> None:
    """Where callers set the clock a day is over in a minute of the store's."""
    attempt = memory.begin("key", "/path", "k", b"body", NOW)
    assert isinstance(attempt, Attempt)
    with pytest.raises(Problem):  # it is being answered
        memory.begin("key", "/path", "k", b"body", NOW + REMEMBERED)
    memory.finish(attempt, ANSWER)
    assert memory.begin("key", "/path", "k", b"body", NOW + REMEMBERED - 1) == ANSWER
    assert isinstance(memory.begin("key", "/path", "k", b"other", NOW + REMEMBERED), Attempt)


def test_another_body_is_a_conflict(memory: Idempotency) -> None:
    memory.begin("key", "/path", "k", b"body", NOW)
    with pytest.raises(Problem) as caught:
        memory.begin("key", "/path", "k", b"other", NOW)
    assert caught.value.code == "idempotency_conflict"


@pytest.mark.parametrize(
    ("principal", "path", "key"),
    [("other", "/path", "k"), ("key", "/other", "k"), ("key", "/path", "other"), ("key/", "path", "k")],
    ids=["principal", "path", "key", "shifted"],
)
def test_principals_paths_and_keys_do_not_share_answers(
    memory: Idempotency, principal: str, path: str, key: str
) -> None:
    memory.begin("key", "/path", "k", b"body", NOW)
    assert isinstance(memory.begin(principal, path, key, b"other", NOW), Attempt)


def test_a_request_still_being_answered_is_waited_for_then_refused(store: Store) -> None:
    waited: list[float] = []
    memory = Idempotency(store, pause=waited.append)
    memory.begin("key", "/path", "k", b"body", NOW)
    with pytest.raises(Problem) as caught:
        memory.begin("key", "/path", "k", b"body", NOW)
    assert caught.value.code == "idempotency_in_progress"
    assert caught.value.headers == {"Retry-After": "1"}
    assert 0.9 < sum(waited) < 1.2


def test_an_abandoned_attempt_may_be_repeated(memory: Idempotency) -> None:
    attempt = memory.begin("key", "/path", "k", b"body", NOW)
    assert isinstance(attempt, Attempt)
    memory.abandon(attempt)
    assert isinstance(memory.begin("key", "/path", "k", b"body", NOW), Attempt)


def test_an_attempt_that_lost_the_key_changes_nothing(memory: Idempotency) -> None:
    first = memory.begin("key", "/path", "k", b"body", NOW)
    assert isinstance(first, Attempt)
    late = Attempt(first.key, "somebody else")
    memory.finish(late, Remembered(200, "application/json", b"wrong"))
    memory.abandon(late)
    memory.finish(first, ANSWER)
    memory.abandon(first)
    assert memory.begin("key", "/path", "k", b"body", NOW) == ANSWER


def test_attempts_and_answers_expire(memory: Idempotency, store: Store) -> None:
    attempt = memory.begin("key", "/path", "k", b"body", NOW)
    assert isinstance(attempt, Attempt)
    assert 0 < store.execute("TTL", attempt.key) <= ATTEMPT
    memory.finish(attempt, ANSWER)
    assert ATTEMPT < store.execute("TTL", attempt.key) <= REMEMBERED


def test_of_fifty_at_once_one_answers_and_all_get_its_answer(store: Store) -> None:
    ready = threading.Barrier(50)
    done = threading.Event()

    def pause(seconds: float) -> None:
        done.wait(5)

    memory = Idempotency(store, pause=pause)
    answered = []

    def ask(number: int) -> bytes:
        ready.wait()
        found = memory.begin("key", "/path", "k", b"body", NOW)
        if isinstance(found, Remembered):
            return found.body
        answered.append(number)
        body = str(number).encode()
        memory.finish(found, Remembered(200, "application/json", body))
        done.set()
        return body

    with ThreadPoolExecutor(50) as pool:
        bodies = set(pool.map(ask, range(50)))
    assert len(answered) == 1
    assert bodies == {str(answered[0]).encode()}
