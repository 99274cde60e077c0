"""``python -m riskapi policy``, and the other commands that ask which policy is in force."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from riskapi import policy
from riskapi.app import assemble
from riskapi.policy.versions import Policies
from riskapi.settings import Settings
from riskapi.store.connections import Store
from tests.commanding import Command
from tests.publications import WHY, anything, store_version
from tests.signups import body, post

SHIPPED = policy.load(policy.DEFAULT).model_dump(mode="json")
FIRST = SHIPPED["version"]
DAILY = SHIPPED["tiers"]["review"]["daily"]


def reviewing(daily: int) -> dict[str, Any]:
    tiers = {**SHIPPED["tiers"], "review": {**SHIPPED["tiers"]["review"], "daily": daily}}
    return {**SHIPPED, "tiers": tiers}


def test_a_policy_is_shown_edited_published_listed_compared_and_brought_back(command: Command, tmp_path: Path) -> None:
    shown = command("policy", "show")
    assert (shown.code, json.loads(shown.out)) == (0, SHIPPED)
    assert shown.err == f"*{FIRST}\t-\tfile\t-\n"
    file = tmp_path / "new.json"
    file.write_text(json.dumps(reviewing(DAILY + 5)))
    publish = ("policy", "publish", str(file), "--note", "more", "--from", str(FIRST))
    assert command(*publish).out == f"version {FIRST + 1} is in force\n"
    late = command(*publish)
    assert (late.code, late.err.partition(". ")[0]) == (1, f"Version {FIRST + 1} of the policy is in force now")
    assert f"`python -m riskapi policy changes {FIRST + 1} --since {FIRST}`" in late.err
    assert f"`--from {FIRST + 1}`" in late.err
    toml = command("policy", "publish", str(policy.DEFAULT), "--note", "as shipped")
    assert toml.out == f"version {FIRST + 2} is in force\n"
    assert command("policy", "rollback", str(FIRST + 1)).out == f"version {FIRST + 3} is in force\n"

    assert json.loads(command("policy", "show", "--version", str(FIRST)).out) == SHIPPED
    rows = [line.split("\t") for line in command("policy", "versions").out.splitlines()]
    assert [(row[0], row[3]) for row in rows] == [
        (f"*{FIRST + 3}", f"Back to version {FIRST + 1}"),
        (f" {FIRST + 2}", "as shipped"),
        (f" {FIRST + 1}", "more"),
        (f" {FIRST}", "-"),
    ]
    assert command("policy", "changes", str(FIRST + 3)).out == f"tiers.review.daily: {DAILY} -> {DAILY + 5}\n"
    assert command("policy", "changes", str(FIRST + 3), "--since", str(FIRST + 1)).out == ""


def test_what_was_shown_is_published_while_its_version_is_in_force(command: Command, tmp_path: Path) -> None:
    mine, theirs, older = (tmp_path / name for name in ("mine.json", "theirs.json", "older.json"))
    shown = json.loads(command("policy", "show").out)
    for file, daily in ((mine, DAILY + 1), (theirs, DAILY + 2)):
        file.write_text(json.dumps({**shown, "tiers": reviewing(daily)["tiers"]}))
    assert command("policy", "publish", str(theirs), "--note", "theirs", "--author", "bo").code == 0
    refused = command("policy", "publish", str(mine), "--note", "mine")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith(f"Version {FIRST + 1} of the policy is in force now. {mine} is from version {FIRST}:")
    older.write_text(command("policy", "show", "--version", str(FIRST)).out)
    assert command("policy", "publish", str(older), "--note", "an older one is old, too").code == 1
    assert command("policy", "publish", str(mine), "--note", "both", "--from", str(FIRST + 1)).code == 0
    assert command("policy", "publish", str(policy.DEFAULT), "--note", "the file of a repository").code == 0
    authors = [line.split("\t")[2] for line in command("policy", "versions").out.splitlines()]
    assert authors == ["ana", "ana", "bo", "file"]


#: What the environment says, and who that is; None where somebody has to say who they are.
AUTHORS: dict[str, tuple[dict[str, str], list[str], str | None]] = {
    "a login": ({"LOGNAME": "ana"}, [], "ana"),
    "by sudo": ({"SUDO_USER": "ana", "LOGNAME": "root", "USER": "root"}, [], "ana"),
    "by doas": ({"DOAS_USER": "ana", "LOGNAME": "root"}, [], "ana"),
    "another shell": ({"USER": "ana"}, [], "ana"),
    "root": ({"LOGNAME": "root", "USER": "root"}, [], None),
    "root by sudo of root": ({"SUDO_USER": "root", "LOGNAME": "root"}, [], None),
    "the user of the image": ({"USER": "riskapi"}, [], None),
    "nobody": ({}, [], None),
    "blank": ({"LOGNAME": " "}, [], None),
    "a line break": ({"LOGNAME": "a\nb", "USER": "ana"}, [], "ana"),
    "root who says so": ({"LOGNAME": "root"}, ["--author", "ana"], "ana"),
    "somebody else": ({"LOGNAME": "bo"}, ["--author", "Ana Ruiz"], "Ana Ruiz"),
}


@pytest.mark.parametrize(("environment", "words", "expected"), AUTHORS.values(), ids=AUTHORS)
def test_an_author_is_a_person(
    environment: dict[str, str],
    words: list[str],
    expected: str | None,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SUDO_USER", "DOAS_USER", "LOGNAME", "USER", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = command("policy", "publish", str(policy.DEFAULT), "--note", "x", *words)
    row = command("policy", "versions").out.splitlines()[0].split("\t")
    if expected is None:
        assert (done.code, row[2]) == (2, "file")
        assert done.err.startswith("command line: --author: is missing, and the login is not a person's")
    else:
        assert (done.code, row[2]) == (0, expected), done.err


def test_a_name_that_is_none_is_refused(command: Command) -> None:
    for name in ("", " ", "a\nb", "x" * 129):
        assert command("policy", "rollback", "1", "--author", name).code == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"{", "file: not JSON: "),
        (b"\xff", "file: not JSON: "),
        (b"[" * 100_000, "file: not JSON: "),
        (b"[]", "file: not a policy: "),
        (b"{}", "tiers: is missing"),
        (orjson.dumps(reviewing(10**6)), "tiers.review.daily: 1000000 is above"),
        (None, "file: cannot be read: No such file"),
    ],
    ids=["cut", "not UTF-8", "deep", "a list", "empty", "broken", "none"],
)
def test_a_file_that_is_no_policy_is_refused(command: Command, tmp_path: Path, given: bytes | None, said: str) -> None:
    file = tmp_path / "new.json"
    if given is not None:
        file.write_bytes(given)
    done = command("policy", "publish", str(file), "--note", "x")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"{file}: {said}")
    assert command("policy", "versions").out == f"*{FIRST}\t-\tfile\t-\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("rollback", "99"), 1, "There is no version 99 of the policy."),
        (("show", "--version", "99"), 1, "There is no version 99 of the policy."),
        (("changes", str(FIRST)), 1, f"There is no version before {FIRST}, the first one."),
        (("publish", str(policy.DEFAULT)), 2, "Missing option '--note'"),
        (("publish", str(policy.DEFAULT), "--note", " "), 2, "expected 1 to 2000 characters"),
        (("rollback", "1", "--note", "x" * 2001), 2, "expected 1 to 2000 characters"),
        (("rollback", "x"), 2, "should be a valid integer"),
    ],
)
def test_what_cannot_be_done_is_said(command: Command, words: tuple[str, ...], code: int, said: str) -> None:
    done = command("policy", *words)
    assert (done.code, said in done.err) == (code, True), done.err


def test_a_version_that_cannot_be_used_is_found_and_another_can_be_published(command: Command, store: Store) -> None:
    store_version(store, 9, {key: value for key, value in SHIPPED.items() if key != "reviews"})
    found = command("doctor")
    assert (found.code, "FAIL" in found.out) == (1, True)
    assert "store, policy version 9: reviews: is missing" in found.out
    assert command("policy", "publish", str(policy.DEFAULT), "--note", "mend").out == "version 10 is in force\n"
    assert "ok    policy 10 decides, published " in command("doctor").out


def test_replay_and_doctor_go_by_the_policy_in_force(
    command: Command, store: Store, settings: Settings, tmp_path: Path
) -> None:
    assert f"ok    policy {FIRST} decides, the file's: none was published" in command("doctor").out
    Policies(store, policy.load(policy.DEFAULT)).publish(
        policy.check(reviewing(DAILY + 5), where="test"), WHY, anything
    )
    service = assemble(Settings.load({"RISKAPI_DATA_DIR": str(settings.data_dir), "RISKAPI_MODEL_MODE": "off"}), store)
    service.decisions.register_schema()
    post(service, body())
    recorded = tmp_path / "decisions.jsonl"
    recorded.write_text(command("export", "decisions").out)
    assert "1 the same, 0 different, 0 of another" in command("replay", str(recorded)).err
    of_file = command("replay", "--policy", str(policy.DEFAULT), str(recorded))
    assert "0 the same, 0 different, 1 of another" in of_file.err
    assert re.search(rf"policy {FIRST + 1} decides, published \S+ by ana: the file is ignored", command("doctor").out)


def test_a_policy_is_tried_suggested_and_compared(
    command: Command, tmp_path: Path, store: Store, settings: Settings, ip_data: Any
) -> None:
    now = time.time()
    service = assemble(replace(settings, model_mode="off"), store, lambda: now)
    service.recover(now)
    for user, mail in (("u_1", "ana@ruiz.example"), ("d_1", "x@mailinator.com")):
        post(service, body(user, email={"address": mail}), now - 3600)
    service.close()
    file = tmp_path / "new.json"
    when = {"email_is_disposable": {"eq": True}}
    strict = {"name": "strict", "mode": "live", "tier": "limit", "text": "x", "when": when}
    file.write_text(json.dumps({**SHIPPED, "rules": [*SHIPPED["rules"], strict]}))

    tried = command("policy", "simulate", str(file))
    assert tried.code == 0, tried.err
    assert "2 recorded signups of 1 day" in tried.err and "compared with version" in tried.err
    rows = [line.split("\t") for line in tried.out.splitlines()]
    assert ["The rule strict is new: live, it asks for limit"] in rows
    assert ["review to limit", "1", "0", "d_1"] in rows
    assert ["rule:strict", "1", "0"] in rows
    found = json.loads(command("policy", "simulate", str(file), "--json").out)
    assert found["moved_accounts"] == 1
    later = command("policy", "simulate", str(file), "--since", "2999-01-01")
    assert (later.code, later.err) == (1, "does not lie in the past\n")

    wanted = command("policy", "suggest", "--reviews-per-day", "40")
    assert wanted.code == 0 and "The model is off" in wanted.err
    figures = [line.split("\t")[0] for line in wanted.out.splitlines()]
    assert figures[:3] == ["review from", "limit from", "reviews a day"]

    command("policy", "publish", str(file), "--note", "stricter")
    compared = command("policy", "compare", str(FIRST + 1))
    assert compared.out == "The rule strict is new: live, it asks for limit\trules.strict\n"
    assert command("policy", "compare", str(FIRST), "--since", str(FIRST)).err.endswith("nothing is different\n")


def test_what_loosens_waits_for_somebody_else(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "new.json"
    careful = {**SHIPPED, "publishing": {"loosening_needs_second": True, "proposal_hours": 1}}
    file.write_text(json.dumps(careful))
    assert command("policy", "publish", str(file), "--note", "four eyes").out == f"version {FIRST + 1} is in force\n"
    file.write_text(json.dumps({**careful, **{"tiers": reviewing(DAILY + 5)["tiers"]}, "version": FIRST + 1}))
    waits = command("policy", "publish", str(file), "--note", "more")
    id = waits.out.split()[0]
    assert waits.code == 0 and f"review: a cap of {DAILY} a day becomes {DAILY + 5}" in waits.out
    own = command("policy", "approve", id)
    assert (own.code, own.err) == (1, "A second person has to approve it, not the one who proposed it.\n")
    assert command("policy", "approve", id, "--author", "sam").out == f"version {FIRST + 2} is in force\n"
