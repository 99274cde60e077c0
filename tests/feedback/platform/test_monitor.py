"""The monitor on the real store: told once when it begins and once when it ends, whoever looks and however often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from riskapi.commands import doctor
from riskapi.feedback.platform import alarms
from riskapi.feedback.platform.feed_activity import HOURS, SOURCES
from riskapi.feedback.platform.monitor import Monitor, said
from riskapi.feedback.platform.receivers import KEPT, Receivers
from riskapi.store.connections import Store
from tests.conftest import NOW
from tests.feedback.platform.conftest import Told, with_rules
from tests.feedback.receiving import receive
from tests.signups import together

HOUR, DAY = 3600, 86_400


def mail(domain: str, delivered: int, blocked: int) -> list[tuple[str, str | None]]:
    address: str | None = f"a@{domain}"
    return [("delivered", address)] * delivered + [("block", address)] * blocked


class TestReceivers:
    def test_counts_of_an_hour_are_read_in_the_window(self, store: Store) -> None:
        receivers = Receivers(store)
        receive(
            store, [*mail("gmail.com", 20, 5), ("hard_bounce", "x@GMAIL.com."), ("soft_bounce", "x@gmail.com")], NOW
        )
        receive(store, mail("gmail.com", 10, 0), NOW - 23 * HOUR)
        receive(store, mail("gmail.com", 1000, 0), NOW - 24 * HOUR)
        found = receivers.read(NOW, 24)
        assert found.domains == {"gmail.com": (36, 5)} and found.delivered == 30

    def test_a_small_domain_is_counted_and_not_named(self, store: Store) -> None:
        receive(store, [*mail("ruiz.example", 9, 0), *mail("gmail.com", 10, 0)], NOW)
        found = Receivers(store).read(NOW, 1)
        assert found.domains == {"gmail.com": (10, 0)} and found.other == (9, 0)
        (key,) = store.execute("KEYS", "risk:fd:*")
        assert b"ruiz" not in b"".join(store.execute("HVALS", key)) and 0 < store.execute("TTL", key) <= 74 * HOUR

    def test_an_hour_holds_the_largest_domains_however_many_there_are(self, store: Store) -> None:
        receivers = Receivers(store)
        receive(store, mail("gmail.com", 500, 50), NOW)
        for start in range(0, 1500, 250):
            names = range(start, start + 250)
            receive(store, [("block", f"a@d{number}.example") for number in names], NOW)
            receive(store, mail("gmail.com", 10, 0), NOW)
        (key,) = store.execute("KEYS", "risk:fd:*")
        assert store.execute("HLEN", key) <= 6 * KEPT + 2 * 250 + 5
        found = receivers.read(NOW, 1)
        assert found.domains["gmail.com"] == (610, 50) and found.other == (1500, 1500)

    def test_what_is_no_address_is_not_counted(self, store: Store) -> None:
        odd: list[tuple[str, str | None]] = [
            ("block", None), ("block", "@"), ("block", "a@localhost"), ("block", "a@b..c"),
            ("block", "a@\ud800.example"), ("block", "a@" + "x" * 300 + ".example"), ("complaint", "a@gmail.com"),
        ]  # fmt: skip
        receive(store, odd, NOW)
        assert store.execute("KEYS", "*") == []


class TestAlarms:
    def test_begin_and_end_of_an_alarm_are_told_once_each(self, monitor: Monitor, told: Told) -> None:
        receive(monitor._store, mail("gmail.com", 100, 100), NOW)
        assert [monitor.step(NOW + minute * 60) for minute in range(3)] == [1, 0, 0]
        assert told() == [("crossed", "blocks", "gmail.com")]
        receive(monitor._store, mail("gmail.com", 5000, 0), NOW + HOUR)
        assert [monitor.step(NOW + HOUR + minute * 60) for minute in range(3)] == [1, 0, 0]
        assert told()[1:] == [("ended", "blocks", "gmail.com")]
        receive(monitor._store, mail("gmail.com", 0, 9000), NOW + 2 * HOUR)
        monitor.step(NOW + 2 * HOUR)
        assert told()[2:] == [("crossed", "blocks", "gmail.com")]

    def test_between_the_levels_an_alarm_stays_as_it_is(self, monitor: Monitor, told: Told) -> None:
        receive(monitor._store, mail("gmail.com", 70, 30), NOW)
        monitor.step(NOW)
        receive(monitor._store, mail("gmail.com", 180, 0), NOW)  # 10.7 %: no crossing by itself
        assert monitor.step(NOW + 60) == 0 and len(told()) == 1

    def test_of_many_who_look_at_once_one_tells(
        self, make_monitor: Callable[..., Monitor], store: Store, told: Told
    ) -> None:
        watches = [make_monitor() for _ in range(8)]
        receive(store, mail("gmail.com", 100, 100), NOW)
        assert sorted(together(8, lambda number: watches[number].step(NOW))) == [0] * 7 + [1]
        receive(store, mail("gmail.com", 5000, 0), NOW + 60)
        assert sorted(together(8, lambda number: watches[number].step(NOW + 60))) == [0] * 7 + [1]
        assert told() == [("crossed", "blocks", "gmail.com"), ("ended", "blocks", "gmail.com")]

    def test_an_alarm_survives_a_restart(self, make_monitor: Callable[..., Monitor], store: Store, told: Told) -> None:
        receive(store, mail("gmail.com", 100, 100), NOW)
        make_monitor().step(NOW)
        assert make_monitor().step(NOW + 60) == 0
        (alarm,) = alarms.read(store).live()
        assert (alarm.rule, alarm.subject, alarm.since, alarm.value) == ("blocks", "gmail.com", NOW, 0.5)
        assert len(told()) == 1

    def test_who_judged_by_older_counts_ends_nothing(self, monitor: Monitor, told: Told) -> None:
        receive(monitor._store, mail("gmail.com", 100, 100), NOW + HOUR)
        monitor.step(NOW + HOUR)
        assert monitor.step(NOW) == 0 and len(told()) == 1

    def test_a_shadow_is_shown_and_told_to_nobody(
        self, make_monitor: Callable[..., Monitor], store: Store, told: Told
    ) -> None:
        receive(store, mail("gmail.com", 100, 100), NOW)
        shadow = make_monitor(with_rules(blocks={"mode": "shadow"}))
        assert shadow.step(NOW) == 0 and told() == [] and said(alarms.read(store)) == ""
        assert [row["mode"] for row in shadow.view(NOW)["alarms"]] == ["shadow"]
        assert make_monitor().step(NOW + 60) == 1 and told() == [("crossed", "blocks", "gmail.com")]
        assert shadow.step(NOW + 120) == 1 and told()[1:] == [("ended", "blocks", "gmail.com")]
        assert make_monitor(with_rules(blocks={"mode": "off"})).step(NOW + 180) == 0
        assert alarms.read(store).alarms == {}


class TestFeeds:
    def usual(self, monitor: Monitor, feed: str = "postmark", days: int = 8, start: float = NOW) -> float:
        """A feed that is heard every half hour for days; when it was heard last."""
        now = start
        for number in range(days * 48):
            now = start + number * 1800
            monitor.hearing.heard(feed, now, 3, 0)
            if number % 12 == 0:
                monitor.step(now)
        return now

    def stepped(self, monitor: Monitor, start: float, hours: float, every: float = 600.0) -> None:
        for number in range(int(hours * HOUR / every) + 1):
            monitor.step(start + number * every)

    def test_silence_is_told_once_and_its_end_once(self, monitor: Monitor, told: Told, store: Store) -> None:
        last = self.usual(monitor)
        self.stepped(monitor, last, 12)
        assert told() == [("crossed", "feed_silence", "postmark")]
        (row,) = (row for row in monitor.view(last + 12 * HOUR)["feeds"] if row["feed"] == "postmark")
        assert (row["state"], row["alarm_after"], row["longest_pause"]) == ("heard", 2 * HOUR, 1800)
        monitor.hearing.heard("postmark", last + 12 * HOUR, 1, 0)
        monitor.step(last + 12 * HOUR + 60)
        assert told()[1:] == [("ended", "feed_silence", "postmark")]

    def test_an_outage_is_no_rhythm(self, monitor: Monitor, told: Told) -> None:
        last = self.usual(monitor)
        monitor.hearing.heard("postmark", last + 2 * DAY, 1, 0)
        (row,) = (row for row in monitor.view(last + 2 * DAY)["feeds"] if row["feed"] == "postmark")
        assert row["alarm_after"] == 4 * HOUR  # twice what was an alarm, and not four days

    def test_a_watch_that_had_a_break_waits_before_it_says_that_nobody_spoke(
        self, monitor: Monitor, told: Told
    ) -> None:
        last = self.usual(monitor)
        monitor.step(last + DAY)  # nobody watched for a day
        assert told() == []
        self.stepped(monitor, last + DAY, 2)
        assert told() == []
        self.stepped(monitor, last + DAY + 2 * HOUR, 1)
        assert told() == [("crossed", "feed_silence", "postmark")]

    def test_a_feed_that_was_given_up_is_forgotten(self, monitor: Monitor, told: Told, store: Store) -> None:
        last = self.usual(monitor)
        self.stepped(monitor, last, 12)
        monitor.step(last + 31 * DAY)
        assert told() == [("crossed", "feed_silence", "postmark"), ("ended", "feed_silence", "postmark")]
        assert store.execute("KEYS", "risk:fh:*") == []

    def refused(self, monitor: Monitor, now: float, count: int) -> None:
        for _ in range(count):
            monitor.hearing._refused("postmark", now)

    def test_a_secret_that_changed_is_told_before_the_silence(self, monitor: Monitor, told: Told) -> None:
        last = self.usual(monitor)
        for number in range(1, 30):
            self.refused(monitor, last + number * 300, 3)
            monitor.step(last + number * 300)
        assert told()[0] == ("crossed", "feed_signatures", "postmark")
        monitor.hearing.heard("postmark", last + 9000, 1, 0)
        monitor.step(last + 9060)
        assert ("ended", "feed_signatures", "postmark") in told()

    def test_strangers_neither_raise_an_alarm_nor_hide_one(self, monitor: Monitor, told: Told) -> None:
        last = self.usual(monitor)
        for number in range(1, 25):  # half a day of noise beside the usual good ones
            self.refused(monitor, last + number * 1800 - 900, 60)
            monitor.step(last + number * 1800 - 800)
            monitor.hearing.heard("postmark", last + number * 1800, 3, 0)
        assert told() == []
        last += 24 * 1800
        for number in range(1, 25):  # and the noise goes on while the provider fails
            self.refused(monitor, last + number * 600, 60)
            monitor.step(last + number * 600)
        assert {rule for _, rule, _ in told()} == {"feed_signatures", "feed_silence"}

    def test_a_flood_costs_the_store_little(self, monitor: Monitor, store: Store) -> None:
        calls: list[Any] = []
        monitor.hearing._note = lambda rows: calls.extend(rows)  # type: ignore[method-assign]
        self.refused(monitor, NOW, 5000)
        assert len(calls) == 50
        monitor.hearing._refused("postmark", NOW + 1)
        assert calls[-1]["bad"] == 4951

    def test_sources_of_json_are_feeds_of_their_own_up_to_a_number(self, monitor: Monitor, store: Store) -> None:
        for number in range(100):
            monitor.hearing.heard_events({f"mta{number}": 2}, 0, NOW)
        monitor.hearing.heard_events({"Ana Ruiz <ana@ruiz.example>": 1, None: 1}, 3, NOW)
        monitor.hearing.heard("postmark", NOW, 1, 0)
        found = monitor.hearing.read()
        assert len(found) == SOURCES + 2 and "postmark" in found and not any("ruiz" in name for name in found)
        assert found["json"].counts["x"] == {int(NOW // HOUR): 3}

    def test_what_a_feed_leaves_is_bounded_and_expires(self, monitor: Monitor, store: Store) -> None:
        for number in range(30 * 24):
            monitor.hearing.heard("postmark", NOW + number * HOUR, 1, 1)
        assert store.execute("HLEN", "risk:fh:{b}:postmark") < HOURS * 4 + 30 * 4 + 10
        assert all(store.execute("TTL", key) > 0 for key in store.execute("KEYS", "risk:fh:*"))


def test_everybody_shows_the_same(monitor: Monitor, store: Store) -> None:
    receive(store, [*mail("gmail.com", 100, 100), *mail("ruiz.example", 300, 0)], NOW)
    monitor.step(NOW)
    assert said(alarms.read(store)) == "blocks"
    found = list(doctor.platform_findings(store, NOW))
    assert found == [
        (
            "warn",
            "a receiving domain blocks much of the mail: gmail.com, since 2026-11-22T10:00:00.000Z (GET /v1/platform)",
        )
    ]
    view = monitor.view(NOW)
    assert view["alarms"][0]["value"] == 0.5 and view["receivers"][1]["share"] == 0.5
    shown = monitor._metrics.render().decode()
    assert 'riskapi_platform_alarms{rule="blocks"} 1.0' in shown
    assert 'riskapi_platform_block_share{receiver="google"} 0.5' in shown
    assert 'riskapi_platform_block_share{receiver="other"} 0.0' in shown and "ruiz" not in shown
    assert "not watched" in next(doctor.platform_findings(store, NOW + DAY))[1]
