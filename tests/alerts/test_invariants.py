"""What holds of alerts whatever happens: random days, deeds, nights, repetitions and restarts."""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.alerts.made import TREE, ZONE, anomaly, position, rules
from twinledger.alerts.alert import Alert
from twinledger.alerts.replay import Rehearsal
from twinledger.alerts.telling import Decided
from twinledger.budgets import Position

FILE = rules(
    {"name": "used", "kind": "used", "above_percent": "100", "repeat": {"percent": "10"}, "escalate_after_hours": 12},
    {"name": "nearly", "kind": "used", "above_percent": "80", "tell": "digest", "unless": ["used"]},
    {"name": "unusual", "kind": "anomaly", "at_least": "50", "repeat": {"percent": "100"}},
    storm={"most": 6, "most_in_channel": 2},
)
HOURS = FILE.hours(ZONE)
STARTS = [datetime(2026, 10, day, 22, tzinfo=UTC) for day in (1, 5, 9)]
BUDGETS = ("shop-1", "shop-2", "shop-3", "web", "group", "company")
SHARES = st.integers(0, 20).map(lambda number: 700 + 40 * number)


class Days(RuleBasedStateMachine):
    """A company that goes through days: what was told is kept, and checked after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 10, 5, 4, tzinfo=UTC)
        self.company = Rehearsal(FILE, TREE, ZONE)
        self.spent = dict.fromkeys(BUDGETS, 700)
        self.unusual: dict[int, int] = {}
        self.told: dict[str, list[Alert]] = defaultdict(list)
        """The alert as it was each time that it spoke."""
        self.anew: set[str] = set()
        """What was opened, reopened or woken since it spoke last: that is evidence by itself."""
        self.digests: list[tuple[str, date]] = []

    def _positions(self) -> list[Position]:
        departments = {"web": "web", "group": "group", "company": ""}
        known = self.now.date() - timedelta(days=1)
        return [
            position(
                spent, budget=name, title=name, department=departments.get(name, "shop"), known_through=known,
                view="effective" if name == "company" else "internal", last_day=date(2027, 12, 31),
            )
            for name, spent in self.spent.items()
        ]  # fmt: skip

    def _evaluate(self) -> Decided:
        known = self.now
        found = [anomaly(impact, start=STARTS[one], known_through=known) for one, impact in self.unusual.items()]
        return self._watched(lambda: self.company.step(self.now, self._positions(), found))

    def _watched(self, become: Callable[[], Decided]) -> Decided:
        before = {one.id: one.told for one in self.company.alerts.values()}
        decided = become()
        self.anew |= {turn.alert.id for turn in decided.turns if turn.what != "resolved"}
        for alert in self.company.alerts.values():
            if alert.told > before.get(alert.id, 0):
                self._has_spoken(alert)
        self.digests += [(one.channel, HOURS.day(one.not_before or self.now)) for one in decided.messages
                         if one.kind == "alert_digest"]  # fmt: skip
        for message in decided.messages:
            at = message.not_before or self.now
            local = at.astimezone(ZoneInfo(ZONE))
            assert 8 <= local.hour < 20, "told at night"
            assert local.isoweekday() <= 5, "told at a weekend"
            assert message.audience == "everyone" or message.channel == "#finance"
        return decided

    def _has_spoken(self, alert: Alert) -> None:
        """Only what is new again, or has grown beyond its rule's repeat."""
        if alert.id not in self.anew:
            last, repeat = self.told[alert.id][-1], FILE.named(alert.rule)
            assert repeat is not None
            assert repeat.repeat is not None, "told twice by a rule that repeats nothing"
            base = abs(last.impact) if alert.kind == "anomaly" else alert.expected / 10
            assert abs(alert.impact - last.impact) > base, f"told twice for {last.impact} and {alert.impact}"
        self.anew.discard(alert.id)
        self.told[alert.id].append(alert)

    @rule(spent=st.dictionaries(st.sampled_from(BUDGETS), SHARES), hours=st.sampled_from([1, 3, 24, 24, 49]))
    def go_on(self, spent: dict[str, int], hours: int) -> None:
        self.spent |= spent
        self.now += timedelta(hours=hours)
        self._evaluate()
        self._see_every_breach()
        self._see_what_waits()

    @rule(one=st.integers(0, 2), impact=st.integers(0, 12))
    def stand_out(self, one: int, impact: int) -> None:
        self.unusual[one] = impact * 20

    @rule(one=st.integers(0, 2))
    def be_as_usual(self, one: int) -> None:
        self.unusual.pop(one, None)

    @rule(hours=st.sampled_from([0, 1, 5]))
    def tend(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self._watched(lambda: self.company.tend(self.now))
        assert self.company.tend(self.now).messages == ()

    @rule()
    def evaluate_twice(self) -> None:
        self._evaluate()
        again = self._evaluate()
        assert (again.opened, again.changed, again.messages) == ((), (), ())

    def _see_every_breach(self) -> None:
        """Whatever is over its threshold is recorded, and told within its rule's delay unless somebody saw to it."""
        alerts = {(one.rule, one.subject): one for one in self.company.alerts.values()}
        for name, spent in self.spent.items():
            for rule_name, threshold in (("used", 1000), ("nearly", 800)):
                if rule_name == "nearly" and spent > 1000:  # what says more is told instead
                    assert (rule_name, name) not in alerts or alerts[rule_name, name].state == "resolved"
                elif spent > threshold:
                    alert = alerts[rule_name, name]
                    assert alert.state != "resolved"
                    assert alert.told_at or alert.digest_due or alert.state in ("acknowledged", "snoozed")
        for start in (STARTS[one] for one, impact in self.unusual.items() if impact >= 50):
            day = (start + timedelta(hours=2)).date()
            assert any(one.since == day and one.state != "resolved" for one in self.company.alerts.values())

    def _see_what_waits(self) -> None:
        """What is not told yet waits for the digest's hour, or for the next day where its channel has had one."""
        today, last = HOURS.day(HOURS.speak_at(self.now)), HOURS.last_digest(self.now)
        for alert in self.company.alerts.values():
            if alert.digest_due and alert.digest_due <= last:
                assert (TREE.channel(alert.department, alert.view), today) in self.digests

    @rule()
    def restart(self) -> None:
        self.company = pickle.loads(pickle.dumps(self.company))  # noqa: S301 - what was just written

    @rule(deed=st.sampled_from(["acknowledged", "snoozed"]), number=st.integers(0, 20))
    def act(self, deed: str, number: int) -> None:
        alerts = [one for one in self.company.alerts.values() if one.state != "resolved"]
        if not alerts:
            return
        alert = alerts[number % len(alerts)]
        told_impact = alert.impact if alert.told_impact is None else alert.told_impact
        changes: dict[str, Any] = {"state": deed, "digest_due": None, "told_impact": told_impact, "acted_by": "bob"}
        if deed == "snoozed":
            changes |= {"snoozed_until": self.now + timedelta(days=2), "snoozed_impact": alert.impact}
        self.company.alerts[alert.id] = replace(alert, **changes)

    @invariant()
    def a_channel_has_one_digest_a_day(self) -> None:
        assert len(self.digests) == len(set(self.digests))

    @initialize()
    def begin(self) -> None:
        self._evaluate()


Days.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
test_whatever_happens = Days.TestCase


def test_amounts_that_drift_by_less_than_the_repeat_are_told_once_in_a_year() -> None:
    company = Rehearsal(FILE, TREE, ZONE)
    now, told = datetime(2026, 1, 2, 5, tzinfo=UTC), 0
    for day in range(365):
        at = now + timedelta(days=day)
        known = at.date() - timedelta(days=1)
        drift = position(1001 + day % 90, known_through=known, last_day=date(2027, 1, 1))
        messages = company.step(at, [drift], []).messages
        told += sum(one.kind == "alert" and not one.facts["escalated"] for one in messages)
    assert told == 1
