"""The policy server on a real port, with a real HTTP server in the place of riskapi."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from riskapi.policyd.grant_client import KEPT, GrantClient
from riskapi.policyd.listener import Listener
from riskapi.policyd.protocol import LONGEST
from riskapi.policyd.responder import Responder
from riskapi.policyd.senders import Senders
from riskapi.settings.environment import Bind, networks
from tests.conftest import NOW
from tests.grants_stand_in import KEY, UNKNOWN, Answer, Grants, denied, granted, grants, never
from tests.logged import Lines
from tests.policyd.smtpd import FREE, WAIT, Postfix
from tests.waiting import until

CANNOT = f"{WAIT} the sending limit cannot be checked now, try again later"
NOBODY = f"{WAIT} no account is known for this sender"
FEWER = f"{WAIT} the hourly sending limit does not allow this many recipients, send to fewer"
NEVER = "554 5.5.3 this account can never send to so many recipients at once, send to fewer"
ONE_HOUR = f"{WAIT} the hourly sending limit is reached, try again after 2026-11-22T10:01:30Z"


@pytest.fixture
def riskapi() -> Iterator[Grants]:
    with grants() as found:
        yield found


Start = Callable[..., Callable[[], Postfix]]


@pytest.fixture
def start(riskapi: Grants) -> Iterator[Start]:
    """``start(away="dunno", …)`` runs a policy server; what it returns connects to it."""
    with contextlib.ExitStack() as stack:

        def run(
            patience: float = 5.0,
            url: str = "",
            senders: Path | None = None,
            most: int = 20,
            **choices: Any,
        ) -> Callable[[], Postfix]:
            grants = GrantClient(url or riskapi.url, KEY, patience)
            stack.callback(grants.close)
            responder = Responder(
                senders=Senders(senders, networks("192.0.2.0/24")), grants=grants, clock=lambda: NOW, **choices
            )
            listener = Listener(Bind("127.0.0.1", 0), responder.answer, most)
            stack.enter_context(listener.running())

            def connect() -> Postfix:
                postfix = Postfix(listener.server_address)
                stack.callback(postfix.close)
                return postfix

            return connect

        yield run


def test_a_question_becomes_one_for_all_or_none_of_the_recipients(start: Start, riskapi: Grants) -> None:
    postfix = start()()
    assert postfix.ask("DATA", recipient_count=7, sasl_username="u:1@x") == FREE
    asked = riskapi.questions[0]
    assert asked.path == "/v1/accounts/u%3A1%40x/sends"
    assert asked.body == {"recipients": 7, "partial": False, "any_case": True}
    assert asked.authorization == f"Bearer {KEY}"
    assert 0 < len(asked.key) < 256


def test_a_question_asked_again_has_the_same_key_and_the_next_message_another(start: Start, riskapi: Grants) -> None:
    connect = start()
    postfix = connect()
    for stage in ("DATA", "DATA", "END-OF-MESSAGE"):
        postfix.ask(stage, recipient_count=2)
    connect().ask("DATA", recipient_count=2)
    postfix.ask("DATA", recipient_count=2, instance="1.2.4")
    keys = [asked.key for asked in riskapi.questions]
    assert len(keys) == 5 and len(set(keys)) == 2


def test_questions_go_over_one_connection_that_is_kept(start: Start, riskapi: Grants) -> None:
    connect = start()
    for _ in range(3):
        postfix = connect()
        for instance in range(3):
            assert postfix.ask(instance=instance) == FREE
    assert len(riskapi.questions) == 9
    assert len({asked.connection for asked in riskapi.questions}) == 1


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(start: Start, riskapi: Grants) -> None:
    riskapi.closes = True
    postfix = start()()
    assert [postfix.ask(instance=instance) for instance in range(4)] == [FREE] * 4
    assert len(riskapi.questions) == 4


def test_many_postfix_processes_ask_at_the_same_time(start: Start, riskapi: Grants) -> None:
    connect = start(most=40)
    riskapi.answering.clear()
    said: list[str | None] = []
    threads = [threading.Thread(target=lambda: said.append(connect().ask())) for _ in range(30)]
    for thread in threads:
        thread.start()
    until(lambda: len(riskapi.questions) == 30)
    riskapi.answering.set()
    for thread in threads:
        thread.join()
    assert said == [FREE] * 30
    riskapi.questions.clear()
    postfix = connect()
    for _ in range(KEPT + 2):
        assert postfix.ask() == FREE


ANSWERS: dict[str, tuple[Answer, str]] = {
    "granted": (granted(1), FREE),
    "denied": (denied(), ONE_HOUR),
    "granted in part": ((200, {"granted": 0, "denied_by": "cluster_hourly", "retry_after": 90}), ONE_HOUR),
    "more than fit now": (never(1), FEWER),
    "more than ever fit": (never(0), NEVER),
    "more than ever fit, says no number": (never("0"), FEWER),
    "more than can be asked for": ((422, {"code": "invalid", "errors": [{"pointer": "/recipients"}]}), NEVER),
    "another mistake": ((422, {"code": "invalid", "errors": [{"pointer": "/partial"}]}), CANNOT),
    "mistakes of no form": ((422, {"errors": [None, {}, 7]}), CANNOT),
    "no list of mistakes": ((422, {"errors": {"pointer": "/recipients"}}), CANNOT),
    "unknown account": (UNKNOWN, FREE),
    "404 of something else": ((404, {"detail": "nginx"}), CANNOT),
    "404 in HTML": ((404, b"<html>"), CANNOT),
    "wrong key": ((401, {"code": "unauthorized"}), CANNOT),
    "key without the scope": ((403, {"code": "forbidden"}), CANNOT),
    "too often": ((429, {"code": "rate_limited"}), CANNOT),
    "in hand elsewhere": ((409, {"code": "idempotency_in_progress"}), CANNOT),
    "store away": ((503, {"code": "unavailable"}), CANNOT),
    "moved": ((302, {}), CANNOT),
    "nothing": ((200, b""), CANNOT),
    "no JSON": ((200, b"{"), CANNOT),
    "a list": ((200, []), CANNOT),
    "no grant": ((200, {}), CANNOT),
    "granted text": ((200, {"granted": "1"}), CANNOT),
    "granted true": ((200, {"granted": True}), CANNOT),
    "granted a fraction": ((200, {"granted": 1.0}), CANNOT),
    "granted less than nothing": ((200, {"granted": -1}), CANNOT),
    "endless": ((200, b'{"granted": 1, "x": "' + b"x" * 100_000 + b'"}'), CANNOT),
    "dropped": ((200, None), CANNOT),
    "injected": (denied("x\n\naction=DUNNO\n\nhourly", 90), ONE_HOUR),
    "wait for text": (denied("paused", "soon"), f"{WAIT} sending is held for this account"),
    "wait for true": (denied("paused", True), f"{WAIT} sending is held for this account"),
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_what_riskapi_says_is_what_postfix_hears(answer: Answer, expected: str, start: Start, riskapi: Grants) -> None:
    riskapi.answer = lambda asked: answer if asked.body["recipients"] == 1 else granted(2)
    postfix = start()()
    assert postfix.ask() == expected
    assert postfix.ask("DATA", recipient_count=2) == FREE, "one bad answer is the end of nothing"


CHOICES: dict[str, tuple[Answer, dict[str, str], str]] = {
    "away, let go": ((503, {}), {"away": "dunno"}, FREE),
    "away, deferred": ((503, {}), {"away": "defer"}, CANNOT),
    "strangers, let go": (UNKNOWN, {"strangers": "dunno", "away": "defer"}, FREE),
    "strangers, deferred": (UNKNOWN, {"strangers": "defer", "away": "dunno"}, NOBODY),
    "denied, whatever the settings": (denied(), {"strangers": "dunno", "away": "dunno"}, ONE_HOUR),
}


@pytest.mark.parametrize(("answer", "choices", "expected"), CHOICES.values(), ids=CHOICES)
def test_the_settings_choose(
    answer: Answer, choices: dict[str, str], expected: str, start: Start, riskapi: Grants
) -> None:
    riskapi.answer = lambda asked: answer
    assert start(**choices)().ask() == expected


NOT_ASKED: dict[str, tuple[str, dict[str, object], dict[str, str], str]] = {
    "a stage before anybody": ("MAIL", {}, {"strangers": "defer"}, FREE),
    "no login": ("RCPT", {"sasl_username": "", "sender": "x@elsewhere.example"}, {"strangers": "defer"}, FREE),
    "a bounce": ("DATA", {"sasl_username": "", "sender": "", "recipient_count": 1}, {"strangers": "defer"}, FREE),
    "a login no account can have": ("RCPT", {"sasl_username": "ana ruiz/../x"}, {"strangers": "defer"}, NOBODY),
    "such a login, strangers let go": ("RCPT", {"sasl_username": "añä"}, {}, FREE),
}


@pytest.mark.parametrize(("stage", "attributes", "choices", "expected"), NOT_ASKED.values(), ids=NOT_ASKED)
def test_what_counts_for_no_account_is_not_asked(
    stage: str, attributes: dict[str, object], choices: dict[str, str], expected: str, start: Start, riskapi: Grants
) -> None:
    assert start(**choices)().ask(stage, **attributes) == expected
    assert riskapi.questions == []


def test_a_mapped_sender_is_asked_about(start: Start, riskapi: Grants, tmp_path: Path) -> None:
    (tmp_path / "senders").write_text("@ruiz.example u_ruiz\n")
    postfix = start(senders=tmp_path / "senders", strangers="defer")()
    asked = {"sasl_username": "", "sender": "ana@Ruiz.example"}
    assert postfix.ask(**asked, client_address="192.0.2.7") == FREE
    assert riskapi.questions.pop().path == "/v1/accounts/u_ruiz/sends"
    assert postfix.ask(**asked, client_address="198.51.100.7") == FREE
    assert riskapi.questions == [], "whoever writes her address"


def test_a_riskapi_that_hangs_is_not_waited_for(start: Start, riskapi: Grants) -> None:
    riskapi.answering.clear()
    assert start(patience=0.1)().ask() == CANNOT
    assert len(riskapi.questions) == 1


def test_a_riskapi_that_is_not_there_and_one_that_comes_back(start: Start, free_port: int, riskapi: Grants) -> None:
    assert start(url=f"http://127.0.0.1:{free_port}")().ask() == CANNOT
    postfix = start()()
    riskapi.answer = lambda asked: (200, None)
    assert postfix.ask() == CANNOT
    riskapi.answer = lambda asked: granted(1)
    assert postfix.ask() == FREE


BUSTED = {
    "no equals sign": b"EHLO mail.example\r\n",
    "binary": bytes(range(256)) * 4 + b"\n\n",
    "no request": b"\n",
    "another request": b"request=junk\n\n",
    "endless": b"x" * (LONGEST + 2),
    "endless lines": b"x=y\n" * LONGEST,
}


@pytest.mark.parametrize("content", BUSTED.values(), ids=BUSTED)
def test_nonsense_ends_its_connection_without_an_answer_and_no_other(
    content: bytes,
    start: Start,
    lines: Lines,
) -> None:
    connect = start()
    other, postfix = connect(), connect()
    with contextlib.suppress(ConnectionError):
        postfix.send(content)
    assert postfix.answer() is None
    assert other.ask() == connect().ask() == FREE
    assert [line["event"] for line in lines()] == ["policyd_malformed"]


def test_a_peer_that_goes_away_in_the_middle_harms_nobody(start: Start, lines: Lines, riskapi: Grants) -> None:
    connect = start()
    for content in (b"request=smtpd_acc", b"request=smtpd_access_policy\n", b""):
        postfix = connect()
        postfix.send(content)
        postfix.close()
    riskapi.answering.clear()
    asking = connect()
    asking.send(b"request=smtpd_access_policy\nprotocol_state=RCPT\nsasl_username=u_1\n\n")
    until(lambda: riskapi.questions)
    asking.close()
    riskapi.answering.set()
    assert connect().ask() == FREE
    until(lambda: len(lines()) == 2)
    assert {line["why"] for line in lines()} == {"cut_off"}


def test_one_connection_too_many_is_closed_and_room_made_by_those_that_end(start: Start) -> None:
    connect = start(most=2)
    first, second = connect(), connect()
    assert first.ask() == second.ask() == FREE
    assert connect().ask() is None
    first.close()
    until(lambda: connect().ask() == FREE)
    assert second.ask() == FREE


def test_at_the_end_what_was_asked_is_answered_and_connections_are_closed(riskapi: Grants) -> None:
    responder = Responder(senders=Senders(None), grants=GrantClient(riskapi.url, KEY), clock=lambda: NOW)
    listener = Listener(Bind("127.0.0.1", 0), responder.answer)
    riskapi.answering.clear()
    with listener.running():
        idle, asking = Postfix(listener.server_address), Postfix(listener.server_address)
        assert idle.ask("MAIL") == FREE
        asking.send(b"request=smtpd_access_policy\nprotocol_state=RCPT\nsasl_username=u_1\n\n")
        until(lambda: riskapi.questions)
        later = threading.Timer(0.2, riskapi.answering.set)
        later.start()
    assert asking.answer() == FREE
    assert asking.answer() is None and idle.answer() is None
    with pytest.raises(ConnectionRefusedError):
        Postfix(listener.server_address)
    idle.close()
    asking.close()
    responder.grants.close()


def test_a_unix_socket_is_listened_on_and_taken_away_at_the_end(riskapi: Grants, tmp_path: Path) -> None:
    path = tmp_path / "policyd.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()  # as a process that was killed leaves it
    responder = Responder(senders=Senders(None), grants=GrantClient(riskapi.url, KEY))
    with Listener(path, responder.answer).running():
        postfix = Postfix(str(path))
        assert postfix.ask() == FREE
        with pytest.raises(OSError, match="in use"):
            Listener(path, responder.answer)
        assert postfix.ask() == FREE
    postfix.close()
    responder.grants.close()
    assert not path.exists()
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        Listener(path, responder.answer)
    assert path.read_text() == "mine"


def test_the_log_says_what_happened_and_to_nobody(start: Start, riskapi: Grants, lines: Lines) -> None:
    riskapi.answer = lambda asked: denied("cluster_daily")
    postfix = start(strangers="defer")()
    postfix.ask(sasl_username="u_7a31c9", sender="ana@ruiz.example", recipient="bo@customer.example")
    riskapi.answer = lambda asked: (401, {})
    postfix.ask("DATA", sasl_username="u_7a31c9", sender="ana@ruiz.example", recipient_count=3)
    found = [{name: value for name, value in line.items() if name not in ("time", "level")} for line in lines()]
    assert found == [
        {"event": "policyd_denied", "answer": "defer", "stage": "RCPT", "recipients": 1, "limit": "daily"},
        {"event": "policyd_cannot_ask", "cause": "401"},
        {"event": "policyd_away", "answer": "defer", "stage": "DATA", "recipients": 3, "limit": None},
    ]
