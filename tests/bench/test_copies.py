"""An account that was loaded is an account as any other: shown, asked for again, shared with, decided again, small."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace

import orjson
import pytest
from flask.testing import FlaskClient

from riskapi.accounts.accounts import Accounts
from riskapi.api.flask_app import build
from riskapi.app import Service, assemble
from riskapi.datasets.installed import DataPaths
from riskapi.decisions.record import told_decision
from riskapi.errors import Problem
from riskapi.inputs.signup import Signup
from riskapi.links.entities import Links
from riskapi.links.keys import entities_of
from riskapi.settings import Settings
from riskapi.store.connections import Store
from tests.bench.bodies import bodies
from tests.bench.copies import Copies
from tests.bench.families import families
from tests.bench.in_process import sign_up
from tests.conftest import keyed
from tests.members import members
from tests.streams import told
from tests.working import Work

_MODELS, _COUNT = 80, 150


@pytest.fixture
def service(store: Store, settings: Settings, ip_data: DataPaths) -> Iterator[Service]:
    service = assemble(replace(settings, enrichment=False), store)
    service.recover(time.time())
    yield service
    service.close()


@pytest.fixture
def loaded(service: Service) -> list[Signup]:
    """Signups that were loaded as accounts."""
    now = time.time()
    copies = Copies(service, bodies(7, "copy_"), now, models=_MODELS)
    assert sum(copies.write(_COUNT, now)) == _COUNT
    source = itertools.islice(bodies(7, "copy_"), _MODELS, _MODELS + _COUNT)
    return [Signup.model_validate_json(body) for body in source]


@pytest.fixture
def api(service: Service) -> FlaskClient:
    return keyed(build(service.parts))


def test_it_is_shown(loaded: list[Signup], api: FlaskClient) -> None:
    for signup in loaded[:: _COUNT // 10]:
        user_id = signup.account.user_id
        answer = api.get(f"/v1/accounts/{user_id}")
        assert answer.status_code == 200
        told = answer.get_json()
        assert told["user_id"] == user_id
        assert told["assessment"]["user_id"] == user_id
        assert [entry["to"] for entry in told["history"]] == [told["tier"]]
        assert told["history"][0]["at"] == told["assessment"]["created_at"]


def test_the_same_signup_again_gets_the_answer_that_was_kept(
    loaded: list[Signup], service: Service, store: Store
) -> None:
    signup = loaded[3]
    before = store.execute("DBSIZE")
    answer = service.parts.assessor.signup(signup, time.time())
    assert answer.replay
    kept = Accounts(service.store).load(signup.account.user_id)
    assert orjson.loads(answer.body) == kept.first_answer
    assert store.execute("DBSIZE") == before
    other = signup.model_copy(update={"email": signup.email.model_copy(update={"address": "else@mail.example"})})
    with pytest.raises(Problem, match="another e-mail address"):
        service.parts.assessor.signup(other, time.time())


def test_it_is_in_all_that_its_signup_shares(loaded: list[Signup], service: Service, store: Store) -> None:
    links = Links(store, service.link_key.secret, service.active_readers)
    for signup in loaded[:20]:
        user_id = signup.account.user_id
        account = Accounts(service.store).load(user_id)
        parsed = service.parts.assessor.gatherer.parse(signup, account.signed_up_at)
        touch = links.touched(user_id, parsed.facts)
        assert entities_of(account.fields["entities"]) == dict(touch.keys)
        for key in touch.keys.values():
            assert members(store, key)[user_id] == account.signed_up_at


def test_who_shares_its_device_is_linked_to_it(loaded: list[Signup], service: Service) -> None:
    device = loaded[_COUNT - 1].device
    assert device is not None
    told = orjson.loads(next(bodies(8, "newcomer")))
    told["device"]["id"] = device.id
    answer = service.parts.assessor.signup(Signup.model_validate(told), time.time())
    evidence = {each["kind"]: each for each in orjson.loads(answer.body)["linkage"]["evidence"]}
    assert evidence["device"]["user_ids"] == [loaded[_COUNT - 1].account.user_id]


def test_it_is_decided_again(loaded: list[Signup], service: Service, api: FlaskClient) -> None:
    user_id = loaded[5].account.user_id
    before = Accounts(service.store).load(user_id)
    denied = api.post("/v1/lists/deny", json={"kind": "user", "value": user_id, "reason": "a test"})
    assert denied.status_code == 201
    Work(service, time.time).do()
    after = Accounts(service.store).load(user_id)
    assert (after.tier, after.decision["kind"], after.decision["user_id"]) == ("limit", "again", user_id)
    assert after.first_answer == before.first_answer
    assert [entry["to"] for entry in after.history] == [before.tier, "limit"]


def test_an_event_of_each_is_in_the_stream(loaded: list[Signup], store: Store) -> None:
    told: dict[str, dict[str, object]] = {}
    for number in range(8):
        for _, fields in store.execute("XRANGE", f"risk:d:{{{number}}}", "-", "+"):
            entry = dict(zip(fields[::2], fields[1::2], strict=True)) if isinstance(fields, list) else fields
            if entry[b"type"] == b"decision":
                event = orjson.loads(entry[b"data"])
                told[event["user_id"]] = event
    for signup in loaded:
        assert told_decision(told[signup.account.user_id])["kind"] == "signup"


def said(store: Store) -> int:
    """Bytes that the streams say of decisions."""
    return sum(len(orjson.dumps(each)) for each in told(store, "decision"))


def test_it_takes_as_many_keys_and_bytes_as_one_that_came_through_the_line(
    service: Service, store: Store, loaded: list[Signup]
) -> None:
    copied, _ = families(store, _MODELS + _COUNT)
    copied_events = said(store)
    store.execute("FLUSHALL")
    service.recover(time.time())
    source = bodies(9, "line")
    for _ in range(_MODELS + _COUNT):
        sign_up(service, next(source))
    lined, _ = families(store, _MODELS + _COUNT)
    ours, theirs = ({each.name: each for each in found} for found in (copied, lined))
    assert ours["risk:d"].keys == theirs["risk:d"].keys
    assert copied_events == pytest.approx(said(store), rel=0.15)  # the store takes 4 kB for a stream at a time
    for name in ("risk:a", "risk:e"):  # the agenda has those that came of late
        assert ours[name].keys == pytest.approx(theirs[name].keys, rel=0.15), name
        assert ours[name].bytes == pytest.approx(theirs[name].bytes, rel=0.15), name


def test_its_signup_is_kept_as_posted(loaded: list[Signup], service: Service) -> None:
    account = Accounts(service.store).load(loaded[0].account.user_id)
    assert Signup.stored(account.signup) == loaded[0]
