"""What an account bears because of what the mail of others met ends with what binds it to them, and only that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from riskapi.accounts.linked_restrictions import MOST, LinkedRestriction, packed, restrictions_of
from riskapi.app import Service
from riskapi.budgets.keys import cluster_key
from riskapi.feedback.event import FeedbackEvent
from riskapi.links.bonds import entity_of
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from riskapi.times import rfc3339
from riskapi.webhooks.notices import notice
from tests import streams
from tests.agendas import due_at
from tests.conftest import NOW, Clock
from tests.grants import ask, under, view
from tests.holders import again, happens, joined
from tests.restrictions import (
    BOUND,
    CARD,
    DAY,
    DEVICE,
    FREE,
    HOUR,
    NUMBER,
    changes,
    cut,
    linked,
    met,
    review_of,
    ring,
    settled,
    sharing,
    state,
    trapped,
    trigger,
    triggers,
    waiting,
)
from tests.reviewing import decide, undo
from tests.signups import together
from tests.working import SETTLED, Work

ACTIONS = [*BOUND]
#: What it makes of one that only a wave or a claim binds.
CLAIMED = ("review", False)


def wave(service: Service) -> None:
    """Fourteen at one address within seconds; these two came before that was a burst."""
    for at in range(14):
        user = {1: "mate", 2: "bad"}.get(at, f"w{at}")
        parts = {"id": f"dev-{at}", "ip_address": "198.51.100.77"}
        joined(service, user, NOW + at, email={"address": f"{user}@{user}.example"}, device=parts)


def let_go(service: Service, clock: Clock) -> None:
    """What they share is found to be a hub."""
    pipe, [edge] = service.store.pipeline(), service.parts.clusters.edges("mate")
    service.parts.assessor.gatherer._links.find_hub(entity_of(edge), clock(), service.active.policy, hub=True)
    service.parts.clusters.splits.queue_let_go(pipe, entity_of(edge), service.active.policy, clock())
    service.store.run(pipe)


def erased(service: Service, clock: Clock) -> None:
    service.parts.erasures.erase("bad", 0, clock())
    fields = service.store.execute("HGETALL", account_key("mate"))
    assert all(b"bad" not in value for value in fields.values()), "and nothing is left of it"


#: How something binds `mate` to `bad`, how that ends, and whether it was no more than a claim.
ENDS: dict[str, tuple[Callable[[Service], None], Callable[[Service, Clock], Any], bool]] = {
    "cut": (lambda s: sharing(s, device=DEVICE), lambda s, clock: cut(s, "mate", clock()), False),
    "the other is cut": (lambda s: sharing(s, device=DEVICE), lambda s, clock: cut(s, "bad", clock()), False),
    "the thing is cut": (lambda s: sharing(s, device=DEVICE), lambda s, clock: cut(s, None, clock()), False),
    "decayed": (lambda s: sharing(s, payment=CARD), lambda s, clock: clock.advance(300 * DAY), False),
    "a hub": (lambda s: sharing(s, device=DEVICE), let_go, False),
    "the other is erased": (lambda s: sharing(s, device=DEVICE), erased, False),
    "proved": (
        lambda s: sharing(s, phone=NUMBER),
        lambda s, clock: happens(s, "mate", "phone_verified", clock()),
        True,
    ),
    "the other proves it": (
        lambda s: sharing(s, phone=NUMBER),
        lambda s, clock: happens(s, "bad", "phone_verified", clock()),
        True,
    ),
    "the wave is over": (wave, lambda s, clock: clock.advance(80 * HOUR), True),
}


#: What one of two limited accounts use is no hub.
CASES = [(action, how) for how in ENDS for action in ACTIONS if (action, how) != ("limit", "a hub")]


@pytest.mark.parametrize(("action", "how"), CASES)
def test_it_ends_with_what_binds(service: Service, clock: Clock, action: str, how: str) -> None:
    begin, end, claims = ENDS[how]
    triggers(service, trigger(action))
    begin(service)
    clock.advance(60)
    work = Work(service, clock)
    work.do()
    assert service.parts.clusters.of("mate") == service.parts.clusters.of("bad") != ""
    assert (state(service, clock()), waiting(service)) == (FREE, [])
    met(service, "bad", clock())
    work.do()
    touched = CLAIMED if claims and action != "warn" else BOUND[action]
    assert (state(service, clock()), waiting(service)) == (touched, [f"SPAM_TRAP_{action.upper()}"])
    end(service, clock)
    work.do()
    assert (state(service, clock()), waiting(service)) == (FREE, []), "though nobody asked, and nothing happened to it"
    rows = changes(service, clock())
    if touched == BOUND["pause"]:
        assert rows == [("allow", "allow", "feedback", "linkage", each) for each in ("begun", "ended")]
    elif touched != FREE:
        there, back = rows
        assert there == ("allow", touched[0], "feedback", "linkage", None)
        assert (back[0], back[1], back[3]) == (touched[0], "allow", "linkage") and back[2] != "feedback"
    if how != "the other is erased":
        assert state(service, clock(), "bad") == BOUND[action], "what its own mail met stays"


@pytest.mark.parametrize("who", ["mate", "bad", None], ids=["account", "other", "thing"])
@pytest.mark.parametrize("action", ACTIONS)
def test_taking_a_link_away_and_putting_it_back_leaves_all_as_it_was(
    service: Service, clock: Clock, action: str, who: str | None
) -> None:
    work = linked(service, clock, trigger(action), trigger("tighten", "hard_bounce"), others=["third"])
    met(service, "bad", clock())
    met(service, "third", clock(), "hard_bounce")
    work.do()
    users = ("bad", "mate", "third")
    before = [(state(service, clock(), user), waiting(service, user)) for user in users]
    for _ in range(2):
        cut_id = cut(service, who, clock())
        work.do()
        assert (state(service, clock()) == FREE) == (who != "bad")
        service.parts.cuts.undo(cut_id, "kim", clock())
        work.do()
        assert [(state(service, clock(), user), waiting(service, user)) for user in users] == before


@pytest.mark.parametrize("first", ["others", "itself"])
@pytest.mark.parametrize("action", ["tighten", "limit", "pause"])
def test_what_it_met_itself_stays(service: Service, clock: Clock, action: str, first: str) -> None:
    work = linked(service, clock, trigger(action))
    for user in ("bad", "mate") if first == "others" else ("mate", "bad"):
        met(service, user, clock())
        work.do()
    assert state(service, clock()) == BOUND[action], "and it is not done twice"
    clock.advance(10 * DAY)  # the days of the trigger are over, and what it met counts no more
    cut(service, "mate", clock())
    work.do()
    assert (state(service, clock()), waiting(service)) == (BOUND[action], [f"SPAM_TRAP_{action.upper()}"])


@pytest.mark.parametrize("first", ["others", "itself"])
def test_what_it_met_itself_stays_and_what_others_added_goes(service: Service, clock: Clock, first: str) -> None:
    work = linked(service, clock, trigger("tighten"), trigger("tighten", "hard_bounce"))
    events = [("bad", "spam_trap"), ("mate", "hard_bounce")]
    for user, of in events if first == "others" else reversed(events):
        met(service, user, clock(), of)
        work.do()
    assert state(service, clock()) == ("limit", False)
    cut_id = cut(service, "mate", clock())
    work.do()
    assert (state(service, clock()), waiting(service)) == (("review", False), ["HARD_BOUNCE_TIGHTEN"])
    service.parts.cuts.undo(cut_id, "kim", clock())
    work.do()
    assert state(service, clock()) == ("limit", False)


def test_of_two_pauses_its_own_goes_on(service: Service, clock: Clock) -> None:
    work = ring(service, clock, trigger("pause"), trigger("pause", "hard_bounce", hours=24))
    met(service, "mate", clock(), "hard_bounce")
    assert view(service, "mate", clock())["pause"]["reason"] == "spam_trap_pause", "the longer one"
    cut_id = cut(service, "mate", clock())
    work.do()
    assert view(service, "mate", clock())["pause"]["reason"] == "hard_bounce_pause"
    service.parts.cuts.undo(cut_id, "kim", clock())
    work.do()
    assert view(service, "mate", clock())["pause"]["reason"] == "spam_trap_pause"
    cut(service, "mate", clock())
    clock.advance(25 * HOUR)
    work.do()
    assert state(service, clock()) == FREE


@pytest.mark.parametrize("action", ["tighten", "limit", "pause"])
def test_what_a_person_allowed_is_allowed_whatever_binds(service: Service, clock: Clock, action: str) -> None:
    work = ring(service, clock, trigger(action))
    review = review_of(service)
    decide(service, review, "allow", None, now=clock())
    clock.advance(60)
    work.do()
    assert state(service, clock()) == FREE
    cut_id = cut(service, "mate", clock())
    work.do()
    service.parts.cuts.undo(cut_id, "kim", clock())
    work.do()
    assert state(service, clock()) == FREE
    undo(service, review, now=clock())
    work.do()
    assert state(service, clock()) == BOUND[action], "a decision that is undone leaves it as it was"


@pytest.mark.parametrize("action", ["tighten", "pause"])
def test_a_decision_that_is_undone_after_the_link_has_ended_brings_nothing_back(
    service: Service, clock: Clock, action: str
) -> None:
    work = ring(service, clock, trigger(action))
    review = review_of(service)
    decide(service, review, "allow", None, now=clock())
    cut(service, "mate", clock())
    work.do()
    undo(service, review, now=clock())
    work.do()
    assert state(service, clock()) == FREE


@pytest.mark.parametrize("how", ["review", "review with a label", "label"])
def test_what_a_person_limited_stays_limited(service: Service, clock: Clock, how: str) -> None:
    work = ring(service, clock, trigger("limit"))
    if how == "label":
        service.parts.labels.add("mate", "abuse", "manual_review", None, "kim", clock())
    else:
        decide(service, review_of(service), "limit", "abuse" if how.endswith("label") else None, now=clock())
    clock.advance(60)
    cut(service, "mate", clock())
    work.do()
    assert state(service, clock()) == ("limit", False)


def test_a_decision_that_kept_the_tier_is_undone_too(service: Service, clock: Clock) -> None:
    work = ring(service, clock, trigger("limit"))
    review = review_of(service)
    decide(service, review, "limit", None, now=clock())
    clock.advance(60)
    undo(service, review, now=clock())
    work.do()
    assert state(service, clock()) == ("limit", False), "others bring it still"
    cut(service, "mate", clock())
    work.do()
    assert state(service, clock()) == FREE


@pytest.mark.parametrize(
    ("more", "left"),
    [({"payment": CARD}, "pause"), ({"phone": NUMBER}, "claim")],
    ids=["a card too", "a number that was typed"],
)
def test_what_another_link_still_gives_stays(service: Service, clock: Clock, more: dict[str, Any], left: str) -> None:
    work = ring(service, clock, trigger("pause"), device=DEVICE, **more)
    assert state(service, clock()) == ("allow", True)
    clusters = service.parts.clusters
    [device] = [edge for edge in clusters.edges("mate") if clusters.kind_of(edge) == "device"]
    service.parts.cuts.cut(clusters.of("mate"), None, device, "a library", "kim", clock())
    work.do()
    assert clusters.of("mate") == clusters.of("bad") != ""
    assert state(service, clock()) == (("allow", True) if left == "pause" else CLAIMED)
    cut(service, "mate", clock())
    work.do()
    assert state(service, clock()) == FREE


def test_it_stays_while_anybody_is_bound_whose_mail_met_it_later_too(service: Service, clock: Clock) -> None:
    triggers(service, trigger("limit"))
    sharing(service, "worse", device=DEVICE)
    clock.advance(60)
    work = Work(service, clock)
    for user in ("bad", "worse"):
        met(service, user, clock())
        work.do()
    cut(service, "bad", clock())
    work.do()
    assert state(service, clock()) == ("limit", False)
    cut(service, "worse", clock())
    work.do()
    assert state(service, clock()) == FREE


def test_a_total_that_came_together_ends_for_all_of_it(service: Service, clock: Clock) -> None:
    """Two voices, one about each: neither alone would have moved anybody."""
    triggers(service, trigger("limit", least=2))
    sharing(service, device=DEVICE)
    clock.advance(60)
    work = Work(service, clock)
    for user in ("bad", "mate"):
        met(service, user, clock(), id=user)
    work.do()
    users = ("bad", "mate")
    assert [state(service, clock(), user) for user in users] == [("limit", False)] * 2
    cut(service, "mate", clock())
    work.do()
    assert [state(service, clock(), user) for user in users] == [FREE] * 2


def test_what_no_longer_binds_counts_for_nobody_else(service: Service, clock: Clock) -> None:
    """What bound them is over, and nobody was looked at since."""
    triggers(service, trigger("limit"))
    sharing(service, payment=CARD)
    Work(service, clock).do()
    clock.advance(300 * DAY)
    assert service.parts.clusters.of("mate") == service.parts.clusters.of("bad") != ""
    met(service, "bad", clock())
    assert service.parts.consequences.others.of(["bad"], clock()) == []
    assert state(service, clock()) == FREE


def test_what_is_seen_through_a_third_counts_beside_what_is_claimed_directly(service: Service, clock: Clock) -> None:
    """`mate` has the number of `bad`, which anybody can type, and a device of one who has its card."""
    triggers(service, trigger("limit"))
    joined(service, "bad", NOW, payment=CARD, phone=NUMBER)
    joined(service, "third", NOW + 1, payment=CARD, device=DEVICE)
    joined(service, "mate", NOW + 2, device=DEVICE, phone=NUMBER)
    trapped(service, clock, settled(service, clock))
    assert state(service, clock()) == ("limit", False)
    again(service, "mate", clock())
    assert state(service, clock()) == ("limit", False)


def test_what_is_seen_later_counts_at_once_where_it_was_claimed_before(service: Service, clock: Clock) -> None:
    """`mate` bears something because of a number; then a third binds it to `bad` by what is seen."""
    triggers(service, trigger("limit"))
    joined(service, "bad", NOW, payment=CARD, phone=NUMBER)
    joined(service, "mate", NOW + 1, device=DEVICE, phone=NUMBER)
    trapped(service, clock, settled(service, clock))
    assert state(service, clock()) == ("review", False)
    joined(service, "third", clock(), payment=CARD, device=DEVICE)
    service.parts.consequences.others.of(["bad"], clock())
    assert state(service, clock()) == ("limit", False)


def test_a_link_further_away_that_ends_is_looked_at_when_it_does(service: Service, clock: Clock) -> None:
    """`mate` is bound to `bad` through a third, and what binds those two ends first."""
    triggers(service, trigger("limit"))
    joined(service, "bad", NOW, payment=CARD)
    joined(service, "third", NOW, payment=CARD, device=DEVICE)
    joined(service, "mate", NOW, device=DEVICE)
    trapped(service, clock, settled(service, clock))
    clusters, ends = service.parts.clusters, clock() + 10 * DAY
    [card] = clusters.edges("bad")
    assert card not in clusters.edges("mate")
    service.store.execute("HSET", cluster_key(clusters.of("mate")), f"e:{card}", ends)
    found = service.rescorer.again("mate", "schedule", ends - 60)
    assert (found.tier, found.due) == ("limit", ends)
    assert service.rescorer.again("mate", "schedule", ends).tier == "allow"
    assert clusters.of("mate") == clusters.of("third") != ""


def test_where_policy_keeps_what_others_brought_it_stays(service: Service, clock: Clock) -> None:
    triggers(service, trigger("limit"))
    under(service, rescoring={"undo": ("list",)})
    sharing(service, device=DEVICE)
    clock.advance(60)
    work = Work(service, clock)
    met(service, "bad", clock())
    work.do()
    cut(service, "mate", clock())
    work.do()
    assert state(service, clock()) == ("limit", False)


@pytest.mark.parametrize("action", ["tighten", "limit", "pause"])
def test_a_link_that_ends_between_the_look_and_the_write_brings_nothing(
    service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """The split is handled before the consequence is written, so nothing else would look at the account again."""
    work = linked(service, clock, trigger(action))
    met(service, "bad", clock())
    restrictor, cuts = service.parts.consequences.others._restrictor, list[str]()
    add = restrictor.add

    def adds(user_id: str, *args: Any, **more: Any) -> Any:
        if not cuts:
            cuts.append(cut(service, "mate", clock()))
            work.do()
        return add(user_id, *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(restrictor, "add", adds)
        service.parts.consequences.others.of(["bad"], clock())
    assert cuts and state(service, clock()) == BOUND[action]
    work.do()
    assert (state(service, clock()), waiting(service)) == (FREE, [])


@pytest.mark.parametrize("after", ["add", "review"])
@pytest.mark.parametrize("ends", [False, True])
def test_whoever_is_killed_with_it_has_it_done_by_the_worker(
    service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch, after: str, ends: bool
) -> None:
    """The process ends as soon as it is written what the account bears, or its review; the link may end then, too."""

    class Killed(BaseException): ...

    work = linked(service, clock, trigger("limit"))
    service.parts.feedback.count(
        [FeedbackEvent(id="e1", type="spam_trap", user_id="bad", recipient="a@a.example")], clock()
    )
    owner, name = (
        (service.parts.consequences.others._restrictor, "add") if after == "add" else (service.holds, "review")
    )
    does = getattr(owner, name)

    def killed(*args: Any, **more: Any) -> Any:
        does(*args, **more)
        if "mate" in args:
            raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(owner, name, killed)
        service.parts.consequences.others.of(["bad"], clock())
    if ends:
        cut(service, "mate", clock())
    work.do()
    assert (state(service, clock()), waiting(service)) == (
        (FREE, []) if ends else (BOUND["limit"], ["SPAM_TRAP_LIMIT"])
    )
    told = [row for row in streams.told(service.store, "feedback") if row.get("action") and row["user_id"] == "mate"]
    assert len(told) == (not ends)
    assert len(changes(service, clock())) == 1 + ends


@pytest.mark.parametrize("action", ["tighten", "pause"])
def test_twenty_at_once_write_it_once(service: Service, clock: Clock, action: str) -> None:
    triggers(service, trigger(action))
    sharing(service, device=DEVICE)
    met(service, "bad", NOW + 60)
    found = together(20, lambda _: service.parts.consequences.others.of(["bad"], NOW + 60))
    assert all(isinstance(each, list) for each in found)
    assert state(service, NOW + 61) == BOUND[action] and len(changes(service, NOW + 61)) == 1


def test_the_own_mail_and_that_of_others_at_once_move_it_one_tier(service: Service, clock: Clock) -> None:
    triggers(service, trigger("tighten"))
    sharing(service, device=DEVICE)
    for user in ("bad", "mate"):
        service.parts.feedback.count(
            [FeedbackEvent(id=user, type="spam_trap", user_id=user, recipient="a@a.example")], NOW + 60
        )
    consequences, others = service.parts.consequences, service.parts.consequences.others
    together(16, lambda number: (consequences.of("mate", NOW + 60), others.of("bad", NOW + 60))[number % 2])
    assert state(service, NOW + 61) == ("review", False)


def test_done_again_it_changes_nothing(service: Service, clock: Clock) -> None:
    work = ring(service, clock, trigger("limit"))
    before = changes(service, clock()), waiting(service)
    for _ in range(2):
        service.parts.consequences.others.of(["bad"], clock())
        service.rescorer.again("mate", "linkage", clock())
        work.do()
    assert (changes(service, clock()), waiting(service)) == before
    cut(service, "mate", clock())
    work.do()
    before = changes(service, clock()), waiting(service)
    service.rescorer.again("mate", "linkage", clock())
    assert (changes(service, clock()), waiting(service)) == before


def test_it_is_told_to_webhooks(service: Service, clock: Clock) -> None:
    work = ring(service, clock, trigger("pause"))
    cut(service, "mate", clock())
    work.do()
    made = [found for entry in streams.entries(service.store) if (found := notice(entry)) is not None]
    about = [each for each in made if each.data.get("user_id") == "mate"]
    assert [each.type for each in about if each.type.startswith("account.")] == ["account.paused", "account.resumed"]
    resumed = next(each for each in made if each.type == "account.resumed")
    assert dict(resumed.data) == {
        "user_id": "mate", "source": "feedback", "reason": "spam_trap_pause", "cause": "linkage",
        "at": rfc3339(clock() + SETTLED),
    }  # fmt: skip


def test_a_review_that_somebody_holds_stays_with_them(service: Service, clock: Clock) -> None:
    work = ring(service, clock, trigger("limit"))
    review = review_of(service)
    service.parts.reviews.claim(review, "ana", clock())
    cut(service, "mate", clock())
    work.do()
    assert service.parts.reviews.get(review)["status"] == "claimed" and state(service, clock()) == FREE


def test_whom_nothing_was_brought_to_is_not_looked_at_for_a_link_that_ends(
    service: Service, store: Store, clock: Clock
) -> None:
    """Others pay nothing for it."""
    sharing(service, payment=CARD)
    work = Work(service, clock)
    work.do()
    clock.advance(300 * DAY)
    work.do()
    due = due_at(store, "mate")
    ask(service, "mate", 1, clock())
    work.do()
    assert service.parts.clusters.of("mate") == "" and due_at(store, "mate") == due


def test_what_a_second_brings_is_in_force_at_once(service: Service, clock: Clock) -> None:
    triggers(service, trigger("tighten"), trigger("pause", "hard_bounce"))
    sharing(service, "third", device=DEVICE)
    clock.advance(60)
    for user, of, then in (("bad", "spam_trap", ("review", False)), ("third", "hard_bounce", ("review", True))):
        met(service, user, clock(), of)
        service.parts.consequences.others.of([user], clock())
        assert state(service, clock()) == then, "and grants know of it, before any worker looks"


def test_the_review_that_its_own_mail_opened_stays_when_a_wave_is_over(service: Service, clock: Clock) -> None:
    """Both are about one trigger on one day, and share the review."""
    triggers(service, trigger("tighten"))
    wave(service)
    clock.advance(60)
    work = Work(service, clock)
    work.do()
    for user in ("mate", "bad"):
        met(service, user, clock())
        work.do()
    assert waiting(service) == ["SPAM_TRAP_TIGHTEN"]
    clock.advance(80 * HOUR)
    work.do()
    assert (state(service, clock()), waiting(service)) == (BOUND["tighten"], ["SPAM_TRAP_TIGHTEN"])


def test_a_review_that_was_held_when_the_link_ended_is_withdrawn_once_it_is_let_go(
    service: Service, clock: Clock
) -> None:
    work = ring(service, clock, trigger("limit"))
    review = review_of(service)
    service.parts.reviews.claim(review, "ana", clock())
    cut(service, "mate", clock())
    work.do()
    service.parts.reviews.release(review, "ana", clock())
    service.rescorer.again("mate", "schedule", clock())
    assert service.parts.reviews.get(review)["status"] == "decided" and waiting(service) == []


@pytest.mark.parametrize("ends", [False, True])
def test_what_was_brought_since_a_decision_is_kept_beside_what_its_undoing_gives_back(
    service: Service, clock: Clock, ends: bool
) -> None:
    work = ring(service, clock, trigger("limit"), trigger("tighten", "hard_bounce"))
    review = review_of(service)
    decide(service, review, "allow", None, now=clock())
    clock.advance(60)
    met(service, "bad", clock(), "hard_bounce")
    work.do()
    assert state(service, clock()) == ("review", False)
    undo(service, review, now=clock())
    work.do()
    service.rescorer.again("mate", "schedule", clock())
    assert state(service, clock()) == ("limit", False)
    if ends:
        cut(service, "mate", clock())
        work.do()
        assert (state(service, clock()), waiting(service)) == (FREE, [])


@pytest.mark.parametrize("later", ["allow", "limit"])
@pytest.mark.parametrize("first", ["earlier", "later"])
def test_of_two_decisions_that_are_undone_in_any_order_nothing_is_lost(
    service: Service, clock: Clock, first: str, later: str
) -> None:
    work = ring(service, clock, trigger("limit"), trigger("tighten", "hard_bounce"))
    reviews = [review_of(service)]
    decide(service, reviews[0], "allow", None, now=clock())
    clock.advance(60)
    met(service, "bad", clock(), "hard_bounce")
    work.do()
    reviews.append(review_of(service))
    decide(service, reviews[1], later, None, now=clock())
    clock.advance(60)
    for review in reviews if first == "earlier" else reversed(reviews):
        undo(service, review, now=clock())
        work.do()
    service.rescorer.again("mate", "schedule", clock())
    assert state(service, clock()) == ("limit", False)
    cut(service, "mate", clock())
    work.do()
    assert state(service, clock()) == FREE


def test_a_pause_that_is_over_brings_nothing_when_less_is_left_of_the_link(service: Service, clock: Clock) -> None:
    work = ring(service, clock, trigger("pause", hours=1), device=DEVICE, phone=NUMBER)
    assert state(service, clock()) == ("allow", True)
    clock.advance(2 * HOUR)
    work.do()
    clusters = service.parts.clusters
    [device] = [edge for edge in clusters.edges("mate") if clusters.kind_of(edge) == "device"]
    service.parts.cuts.cut(clusters.of("mate"), None, device, "a library", "kim", clock())
    work.do()
    assert clusters.of("mate") == clusters.of("bad") != ""
    assert state(service, clock()) == FREE


@pytest.mark.parametrize("kept", [b"{", b'[{"trigger": "x"}]', b'[{"by": ["x"]}]', b"[]", b"7"])
def test_what_cannot_be_read_loosens_nobody(service: Service, store: Store, clock: Clock, kept: bytes) -> None:
    work = ring(service, clock, trigger("limit"), trigger("pause", "hard_bounce"))
    met(service, "bad", clock(), "hard_bounce")
    work.do()
    assert state(service, clock()) == ("limit", True)
    store.execute("HSET", account_key("mate"), "restrictions", kept)
    service.rescorer.again("mate", "linkage", clock() + 9)
    assert state(service, clock()) == ("limit", True)


def test_strangers_of_a_wave_bring_a_look_to_whoever_met_something_too(service: Service, clock: Clock) -> None:
    """The total is that of strangers but for one event, which alone would have moved nobody."""
    triggers(service, trigger("pause", least=3))
    wave(service)
    clock.advance(60)
    for number, user in enumerate(("bad", "bad", "mate")):
        met(service, user, clock(), id=f"e{number}")
    service.parts.consequences.others.of(["mate"], clock())
    assert state(service, clock()) == CLAIMED


@pytest.mark.parametrize("action", ACTIONS)
def test_its_page_and_an_export_say_what_others_brought_and_name_nobody(
    service: Service, clock: Clock, action: str
) -> None:
    work = ring(service, clock, trigger(action, hours=24))
    told = {
        "trigger": f"spam_trap_{action}",
        "action": "look" if action == "warn" else action,
        "since": rfc3339(clock()),
        "expires_at": rfc3339(clock() + DAY),
        "accounts": 1,
        "in_force": True,
    }
    assert view(service, "mate", clock())["linked_restrictions"] == [told]
    assert service.parts.exports.of("mate", clock())["account"]["linked_restrictions"] == [told]  # type: ignore[index]
    assert view(service, "bad", clock())["linked_restrictions"] == []
    cut(service, "mate", clock())
    work.do()
    assert view(service, "mate", clock())["linked_restrictions"] == [{**told, "in_force": False}]
    service.parts.erasures.erase("mate", 0, clock())
    assert not service.store.execute("EXISTS", account_key("mate"))


def test_what_comes_to_what_cannot_be_read_keeps_the_tier(service: Service, store: Store, clock: Clock) -> None:
    work = ring(service, clock, trigger("limit"), trigger("tighten", "hard_bounce"))
    store.execute("HSET", account_key("mate"), "restrictions", "{")
    met(service, "bad", clock(), "hard_bounce")
    work.do()
    service.rescorer.again("mate", "linkage", clock() + 9)
    assert state(service, clock()) == ("limit", False)
    assert [each["trigger"] for each in view(service, "mate", clock())["linked_restrictions"]] == [
        "hard_bounce_tighten"
    ]


def test_what_comes_to_what_cannot_be_read_keeps_its_pause(service: Service, store: Store, clock: Clock) -> None:
    work = ring(service, clock, trigger("pause"), trigger("tighten", "hard_bounce"))
    store.execute("HSET", account_key("mate"), "restrictions", "{")
    met(service, "bad", clock(), "hard_bounce")
    work.do()
    cut(service, "mate", clock())
    work.do()
    assert state(service, clock()) == ("allow", True)
    decide(service, review_of(service), "allow", None, now=clock())
    work.do()
    assert state(service, clock()) == FREE


def test_a_policy_that_keeps_what_others_brought_brings_nothing_back(service: Service, clock: Clock) -> None:
    work = ring(service, clock, trigger("limit"))
    cut(service, "mate", clock())
    work.do()
    under(service, rescoring={"undo": ("list",)})
    service.rescorer.again("mate", "schedule", clock())
    assert state(service, clock()) == FREE


def made(number: int, action: Any = "tighten", trigger: str = "often") -> LinkedRestriction:
    return LinkedRestriction(trigger, action, False, "allow", ("x",), NOW + number, f"t{number}")


@pytest.mark.parametrize(
    ("others", "left"),
    [
        ([made(number, "look") for number in range(MOST)], MOST - 1),
        ([made(number) for number in range(MOST)], MOST - 1),
        ([made(number, trigger=str(number)) for number in range(MOST - 1)] + [made(MOST, trigger="3")], MOST - 1),
    ],
    ids=["looks", "one trigger again and again", "one that did it twice"],
)
def test_of_too_many_those_are_left_out_that_matter_least(others: list[LinkedRestriction], left: int) -> None:
    first = made(-1, "limit", "once")
    found = restrictions_of(packed([first, *others]), "mate")
    assert found[0] == first and len(found) == MOST == left + 1
    assert found[-1] == others[-1], "and the last is among them"


def test_who_was_allowed_is_shown_so_before_anybody_looks(service: Service, clock: Clock) -> None:
    ring(service, clock, trigger("pause"))
    review = review_of(service)
    shown = [view(service, "mate", clock())["linked_restrictions"][0]["in_force"]]
    decide(service, review, "allow", None, now=clock())
    shown.append(view(service, "mate", clock())["linked_restrictions"][0]["in_force"])
    undo(service, review, now=clock())
    shown.append(view(service, "mate", clock())["linked_restrictions"][0]["in_force"])
    assert shown == [True, False, True]


def test_who_joined_more_to_what_was_ended_by_a_person_ends_it_no_less(service: Service, clock: Clock) -> None:
    """More accounts are noted with a trigger that did it already."""
    triggers(service, trigger("pause"))
    sharing(service, "worse", device=DEVICE)
    clock.advance(60)
    work = Work(service, clock)
    met(service, "bad", clock())
    work.do()
    decide(service, review_of(service), "allow", None, now=clock())
    met(service, "worse", clock())
    work.do()
    service.rescorer.again("mate", "schedule", clock())
    assert state(service, clock()) == FREE
    assert view(service, "mate", clock())["linked_restrictions"][0]["accounts"] == 2


def test_a_decision_that_left_the_tier_goes_before_a_link_that_is_more_again(service: Service, clock: Clock) -> None:
    """Only a claim was left of it when the reviewer said `review`, which it was in."""
    work = ring(service, clock, trigger("limit"), device=DEVICE, phone=NUMBER)
    clusters = service.parts.clusters
    [device] = [edge for edge in clusters.edges("mate") if clusters.kind_of(edge) == "device"]
    cut_id = service.parts.cuts.cut(clusters.of("mate"), None, device, "a library", "kim", clock())["cut_id"]
    work.do()
    assert state(service, clock()) == CLAIMED
    review = review_of(service)
    decide(service, review, "review", None, now=clock())
    clock.advance(60)
    service.parts.cuts.undo(cut_id, "kim", clock())
    work.do()
    assert state(service, clock()) == CLAIMED
    undo(service, review, now=clock())
    work.do()
    assert state(service, clock()) == BOUND["limit"]


@pytest.mark.parametrize("action", ["tighten", "pause"])
def test_a_decision_that_is_undone_brings_it_back_where_policy_keeps_it(
    service: Service, clock: Clock, action: str
) -> None:
    work = ring(service, clock, trigger(action))
    under(service, rescoring={"undo": ("list",)})
    review = review_of(service)
    decide(service, review, "allow", None, now=clock())
    clock.advance(60)
    service.rescorer.again("mate", "schedule", clock())
    assert state(service, clock()) == FREE
    undo(service, review, now=clock())
    work.do()
    service.rescorer.again("mate", "schedule", clock())
    assert state(service, clock()) == BOUND[action]


def test_the_other_review_of_an_allowed_account_stays_as_it_is(service: Service, clock: Clock) -> None:
    work = ring(service, clock, trigger("limit"), trigger("tighten", "hard_bounce"))
    met(service, "bad", clock(), "hard_bounce")
    work.do()
    review = review_of(service)
    left = [code for code in waiting(service) if code != service.parts.reviews.get(review)["reasons"][0]["code"]]
    for row in service.parts.reviews.list("open", 50, None)["reviews"]:
        if row["id"] != review:  # held, so that the decision does not close it
            service.parts.reviews.claim(row["id"], "ana", clock())
    decide(service, review, "allow", None, now=clock())
    for row in service.parts.reviews.list("claimed", 50, None)["reviews"]:
        service.parts.reviews.release(row["id"], "ana", clock())
    clock.advance(60)
    work.do()
    service.rescorer.again("mate", "schedule", clock())
    assert waiting(service) == left != []
    cut(service, "mate", clock())
    work.do()
    assert waiting(service) == []


@pytest.mark.parametrize("action", ["tighten", "limit", "pause"])
def test_who_comes_to_be_an_established_customer_is_only_looked_at(service: Service, clock: Clock, action: str) -> None:
    """It does not matter which came first. What its own mail met stays."""
    work = ring(service, clock, trigger(action), trigger("tighten", "hard_bounce"))
    happens(service, "mate", "payment_verified", clock())
    work.do()
    assert (state(service, clock()), waiting(service)) == (FREE, [f"SPAM_TRAP_{action.upper()}"])
    met(service, "mate", clock(), "hard_bounce")
    work.do()
    assert state(service, clock()) == ("review", False)
