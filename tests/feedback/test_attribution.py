"""Whose a report is: the order of trust, what a stranger can write, and return paths with and without a token."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.contract import USER_ID
from riskapi.errors import ConfigurationError
from riskapi.feedback.attribution import Attributed, Attribution, ReportClaims, decide
from riskapi.feedback.message_ids import MessageIds
from riskapi.feedback.reports import Channel, Clues, Report
from riskapi.feedback.return_path import ReturnPath
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from tests.conftest import NOW
from tests.examples import programs

KEY, OTHER = b"0123456789abcdef0123456789abcdef", b"fedcba9876543210fedcba9876543210"
PATTERN = "bounces+{user_id}"
KNOWN = {"u_1", "u_2", "ana@ruiz.example", "t:1"}
UNKNOWN = Attributed(reason="unknown_account")


@pytest.mark.parametrize(
    ("claims", "told", "expected"),
    [
        (ReportClaims(), (), Attributed(reason="no_clue")),
        (ReportClaims(metadata=("u_1",), header=("u_2",)), ("u_2",), Attributed("u_1", "metadata")),
        (ReportClaims(metadata=("u_1", "u_2")), (), Attributed(reason="ambiguous")),
        (ReportClaims(metadata=("u_1", "gone")), (), Attributed("u_1", "metadata")),
        (ReportClaims(metadata=("spring",)), ("u_2",), Attributed("u_2", "message_id")),  # a tag that names nobody
        (ReportClaims(header=("u_1",)), ("u_2",), Attributed("u_2", "message_id")),
        (ReportClaims(), ("u_1", "u_2"), Attributed(reason="ambiguous")),
        (ReportClaims(signed=("u_1",), header=("u_2",)), (), Attributed("u_1", "return_path")),
        (ReportClaims(header=("u_1",), return_path=("u_2",)), (), Attributed("u_1", "header")),
        (ReportClaims(header=("u_1", "u_2")), (), Attributed(reason="ambiguous")),
        (ReportClaims(return_path=("u_1",), feedback_id=("u_2",)), (), Attributed("u_1", "return_path")),
        (ReportClaims(return_path=("bo",), feedback_id=("u_2",)), (), Attributed("u_2", "feedback_id")),
        (ReportClaims(feedback_id=("news",)), (), UNKNOWN),
        # what is ours names somebody who is gone: what others may write must not put another in that place
        (ReportClaims(metadata=("gone",), header=("u_1",)), (), UNKNOWN),
        (ReportClaims(signed=("gone",), header=("u_1",)), (), UNKNOWN),
        (ReportClaims(header=("gone",), return_path=("u_1",), feedback_id=("u_1",)), (), UNKNOWN),
        (ReportClaims(is_stranger=True), (), Attributed(reason="not_believed")),
        (ReportClaims(is_stranger=True), ("u_1",), Attributed("u_1", "message_id")),
    ],
)
def test_the_strongest_evidence_decides(claims: ReportClaims, told: tuple[str, ...], expected: Attributed) -> None:
    assert decide(claims, told, KNOWN) == expected


class TestReturnPath:
    @pytest.mark.parametrize(
        ("address", "expected"),
        [
            ("bounces+u_1@mail.saas.example", "u_1"),
            ("BOUNCES+u_1@mail.saas.example", "u_1"),
            ("bounces+u_1=bo=example.net@mail.saas.example", "u_1"),
            ("bounces+ana=ruiz.example@mail.saas.example", "ana@ruiz.example"),
            ("bounces+ana=ruiz.example=bo=example.net@mail.saas.example", "ana@ruiz.example"),
            ("bounces+t~1@mail.saas.example", "t:1"),
            ("bounces+@mail.saas.example", None),
            ("bounces@mail.saas.example", None),
            ("u_1@mail.saas.example", None),
            ("bounces+u 1@mail.saas.example", None),
            ("bounces+u_1", None),
            ("", None),
            (None, None),
        ],
    )
    def test_a_return_path_is_read_as_it_stands_without_a_key(self, address: str | None, expected: str | None) -> None:
        assert ReturnPath(PATTERN).read(address) == expected

    @given(st.from_regex(USER_ID.removesuffix("$") + r"\Z").filter(lambda id: len(id) < 37 and id.count("@") < 2))
    def test_what_is_made_is_read_again(self, user_id: str) -> None:
        for keys in ((), (KEY,)):
            path = ReturnPath(PATTERN, keys)
            assert path.read(path.make(user_id, "saas.example")) == user_id

    def test_a_token_is_ours_alone(self) -> None:
        path = ReturnPath(PATTERN, (KEY,))
        made = path.make("u_1", "saas.example")
        assert made == "bounces+u_1-acjwvyi4mgzmgha2@saas.example"
        assert path.read(made) == path.read(made.upper().replace("U_1", "u_1")) == "u_1"
        assert path.read(made.replace("@", "=bo=example.net@")) == "u_1"
        for forged in ("bounces+u_1@saas.example", made.replace("u_1", "u_2"), made.replace("-", "-a", 1)):
            assert path.read(forged) is None
        assert ReturnPath(PATTERN, (OTHER,)).read(made) is None
        assert ReturnPath(PATTERN, (OTHER, KEY)).read(made) == "u_1"  # while the key changes

    @pytest.mark.parametrize("user_id", ["u_1", "ana@Ruiz.example", "t:1"])
    @pytest.mark.parametrize("program", programs("return_path"))
    def test_the_examples_make_the_same(self, program: list[str], user_id: str) -> None:
        words = [*program, user_id, "saas.example", KEY.decode()]
        made = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True).stdout.strip()
        assert made == ReturnPath(PATTERN, (KEY,)).make(user_id, "saas.example")

    def test_a_pattern_may_name_the_domain(self) -> None:
        path = ReturnPath("b-{user_id}-x@bounces.saas.example")
        assert path.make("u_1") == "b-u_1-x@bounces.saas.example"
        assert path.read("b-u_1-x@Bounces.saas.example") == "u_1"
        assert path.read("b-u_1-x@evil.example") is None

    def test_an_id_that_makes_no_address_is_refused(self) -> None:
        with pytest.raises(ValueError, match="64"):
            ReturnPath(PATTERN).make("u" * 60)


class TestSettings:
    def test_what_is_set_is_read(self) -> None:
        found = Settings.load(
            {
                "RISKAPI_FEEDBACK_ID_FIELD": "off",
                "RISKAPI_FEEDBACK_RETURN_PATH": "b-{user_id}@bounces.saas.example",
                "RISKAPI_FEEDBACK_RETURN_PATH_KEY": f"{KEY.decode()}, {OTHER.decode()}",
                "RISKAPI_FEEDBACK_REPORT_DAYS": "0",
            }
        )
        assert (found.feedback_id_field, found.feedback_report_days) == (0, 0)
        assert [key.get_secret_value().encode() for key in found.feedback_return_path_key] == [KEY, OTHER]
        assert ReturnPath(found.feedback_return_path).make("u_1") == "b-u_1@bounces.saas.example"

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("ID_FIELD", "5"),
            ("ID_FIELD", "0"),
            ("RETURN_PATH", "bounces"),
            ("RETURN_PATH", "{user_id}"),
            ("RETURN_PATH", "b+{user_id}{user_id}"),
            ("RETURN_PATH", "b={user_id}"),
            ("RETURN_PATH", "b+{user_id}@"),
            ("RETURN_PATH_KEY", "short"),
            ("REPORT_DAYS", "401"),
            ("REPORT_KEY", "short"),
        ],
    )
    def test_what_makes_no_sense_stops_the_start(self, name: str, value: str) -> None:
        with pytest.raises(ConfigurationError, match=f"RISKAPI_FEEDBACK_{name}"):
            Settings.load({f"RISKAPI_FEEDBACK_{name}": value})


class TestOnTheStore:
    @pytest.fixture
    def ids(self, store: Store) -> MessageIds:
        for user in ("u_1", "u_2"):
            store.execute("HSET", account_key(user), "tier", "allow")
        return MessageIds(store)

    def attributed(
        self, store: Store, ids: MessageIds, clues: Clues, channel: Channel, *keys: bytes, field: int = 2
    ) -> Attributed:
        attribution = Attribution(store, ids, ReturnPath(PATTERN, keys), field)
        report = Report(feed="dsn", id="r", type="hard_bounce", at=NOW, clues=clues)
        return attribution.of([report], channel)[0]

    def test_each_clue_alone_names_the_account(self, store: Store, ids: MessageIds) -> None:
        ids.tell("u_1", ["<m.1@saas.example>"])
        rows: list[tuple[Clues, str]] = [
            (Clues(named=("u_1",)), "metadata"),
            (Clues(named=("u_1",), is_header=True), "header"),
            (Clues(message_ids=("m.0@saas.example", "m.1@saas.example")), "message_id"),
            (Clues(return_path="bounces+u_1@saas.example"), "return_path"),
            (Clues(feedback_id="spring:u_1:news:saas"), "feedback_id"),
        ]
        for clues, by in rows:
            assert self.attributed(store, ids, clues, "key") == Attributed("u_1", by)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("value", "field", "user"),
        [
            ("u_1:b:c:saas", 1, "u_1"),
            ("a:b:u_1:saas", 3, "u_1"),
            ("a:b:c:u_1", 4, "u_1"),
            ("a:u_1:c:saas", 1, None),
            ("a:u_1:c:saas", 0, None),
            ("a:u_1:saas", 2, None),
            ("::::", 2, None),
        ],
    )
    def test_the_field_of_feedback_id_is_a_setting(
        self, store: Store, ids: MessageIds, value: str, field: int, user: str | None
    ) -> None:
        clues = Clues(feedback_id=value)
        assert self.attributed(store, ids, clues, "key", field=field).user_id == user

    def test_with_tokens_a_strangers_word_names_nobody(self, store: Store, ids: MessageIds) -> None:
        """Anybody can send a bounce to our address, with whatever header below it."""
        forged = Clues(named=("u_1",), is_header=True, feedback_id="a:u_1:c:d", return_path="bounces+u_1@saas.example")
        assert self.attributed(store, ids, forged, "key", KEY) == Attributed(reason="not_believed")
        assert self.attributed(store, ids, forged, "reporter", KEY) == Attributed("u_1", "header")
        assert self.attributed(store, ids, forged, "provider", KEY) == Attributed("u_1", "header")
        signed = replace(forged, named=("u_2",), return_path=ReturnPath(PATTERN, (KEY,)).make("u_1", "saas.example"))
        assert self.attributed(store, ids, signed, "key", KEY) == Attributed("u_1", "return_path")

    def test_an_id_that_two_accounts_told_names_nobody(self, store: Store, ids: MessageIds) -> None:
        assert ids.tell("u_1", ["m.1", "m.2"]) == 0
        assert ids.tell("u_1", ["m.1"]) == 0
        assert ids.tell("u_2", ["m.1"]) == 1
        assert ids.tell("u_1", ["m.1"]) == 1
        assert ids.accounts(["m.1", "m.2", "m.3"]) == {"m.2": ["u_1"]}

    def test_text_that_can_be_no_account_is_asked_nobody_about(self, store: Store, ids: MessageIds) -> None:
        for text in ("\udcff", "a b", "x" * 300, "*"):
            clues = Clues(named=(text,), is_header=True, message_ids=(text,), feedback_id=f"a:{text}:b:c")
            assert self.attributed(store, ids, clues, "key").user_id is None
