"""Replaying rules over days that are past, in memory: what would have been told.

What belongs here: a company's alerts without a store, and walking it through days. What does not: any rule, and what
is decided: that is the same code that evaluations run.

The store is neither read for alerts nor written. Amounts of a day are as they are known now: what came late counts on
the day that it is of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from twinledger.alerts.alert import Alert, Signal
from twinledger.alerts.decide import Looked, World, turns
from twinledger.alerts.messages import CARD, DIGEST
from twinledger.alerts.routing import Tree, read_tree
from twinledger.alerts.rules import AlertsFile
from twinledger.alerts.signals import known_until, place_of, signals
from twinledger.alerts.telling import Decided, tell
from twinledger.anomalies import Anomaly, anomalies
from twinledger.books import Books
from twinledger.budgets import Position, budget_positions
from twinledger.outbox import Message
from twinledger.vocabulary.periods import Period

MORNING = time(6)
"""When a replayed day is evaluated, in the company's time zone: the day before is the last one that is known."""


STAYS_OPEN = timedelta(days=8)
"""From the beginning of an anomaly's last day on: a week after that day."""


@dataclass(slots=True)
class Rehearsal:
    """A company's alerts in memory.

    Attributes:
        file: the rules.
        tree: the departments.
        zone: the company's accounting time zone.
        alerts: as they are now, by identity.
        digests: (channel, local day) that has its digest.
    """

    file: AlertsFile
    tree: Tree
    zone: str
    alerts: dict[str, Alert] = field(default_factory=dict)
    digests: set[tuple[str, date]] = field(default_factory=set)

    def step(self, now: datetime, positions: Sequence[Position], unusual: Sequence[Anomaly]) -> Decided:
        """Evaluate the rules at an instant, as `evaluate` does on a store."""
        found = signals(self.file, positions, unusual, self.tree, self.zone)
        return self._become(now, found, Looked({place_of(one): known_until(one, self.zone) for one in positions}))

    def tend(self, now: datetime) -> Decided:
        """What time alone does at an instant, as `tend` on a store."""
        return self._become(now, (), Looked({}, anomalies=False))

    def _become(self, now: datetime, found: Sequence[Signal], looked: Looked) -> Decided:
        hours = self.file.hours(self.zone)
        world, day = World(self.file, self.tree, hours, now), hours.day(hours.speak_at(now))
        taken = {channel for channel, told in self.digests if told == day}
        decided = tell(world, turns(world, found, self.alerts.values(), looked), taken)
        self.alerts |= {alert.id: alert for alert in (*decided.opened, *decided.changed)}
        self.digests |= {(one.channel, day) for one in decided.messages if one.kind == DIGEST}
        return decided


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that would have been sent; `when` in the company's time zone."""

    when: datetime
    channel: str
    what: str
    """alert | again | escalated | digest | storm"""
    about: tuple[str, ...]
    """Titles and rules, the first of them in a digest."""
    count: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """A day that was replayed."""

    day: date
    sent: tuple[Sent, ...]
    opened: int
    resolved: int


Positions = Callable[[date], Sequence[Position]]
"""Where budgets stood when this day was the last one known."""

Anomalies = Callable[[date], Sequence[Anomaly]]
"""What was open when this day was the last one known."""


def replay(
    rehearsal: Rehearsal, first: date, last: date, positions: Positions, unusual: Anomalies
) -> Iterator[Replayed]:
    """Each day from the first to the last, evaluated in its morning; at the digest's hour time does its own."""
    zone = ZoneInfo(rehearsal.zone)
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        known = day - timedelta(days=1)
        morning, later = (datetime.combine(day, at, zone).astimezone(UTC) for at in (MORNING, rehearsal.file.digest_at))
        decided = rehearsal.step(morning, positions(known), unusual(known))
        tended = rehearsal.tend(max(morning, later))
        messages = (one for one in (*decided.messages, *tended.messages) if not one.facts.get("quiet"))
        resolved = sum(turn.what == "resolved" for turn in (*decided.turns, *tended.turns))
        yield Replayed(day, tuple(_sent(rehearsal, one) for one in messages), len(decided.opened), resolved)


def replayed(books: Books, file: AlertsFile, first: date, last: date) -> Iterator[Replayed]:
    """Replay days over the ledgers as they are: each knows them up to the day before.

    Raises:
        MissingRateError: a budget, commitment or charge is in a currency that its month has no rate for.
    """
    zone = books.settings.timezone
    with books.store.reading() as session:
        rehearsal = Rehearsal(file, read_tree(session, books.settings.slack.finance_channel), zone)
        unusual = anomalies(session)
    yield from replay(
        rehearsal,
        first,
        last,
        lambda day: budget_positions(books, Period(day.year, day.month), known_through=day),
        lambda day: open_on(unusual, day, zone),
    )


def summed(days: Iterable[Replayed]) -> dict[str, int]:
    """What a replay comes to, by name."""
    found = list(days)
    sent = Counter(one.what for day in found for one in day.sent)
    return {
        "alerts": sum(day.opened for day in found),
        "resolved": sum(day.resolved for day in found),
        "messages": sum(sent.values()),
        "repeats": sent["again"],
        "escalations": sent["escalated"],
        "digests": sent["digest"],
        "storms": sent["storm"],
    }


def open_on(found: Iterable[Anomaly], day: date, zone: str) -> list[Anomaly]:
    """What was open when a day was the last one known, as if nobody had answered; with the amounts of now."""
    end = datetime.combine(day + timedelta(days=1), time(0), ZoneInfo(zone)).astimezone(UTC)
    return [
        replace(one, state="open", answer="", known_through=end)
        for one in found
        if one.start < end and end - one.end <= STAYS_OPEN
    ]


def _sent(rehearsal: Rehearsal, message: Message) -> Sent:
    facts, at = message.facts, message.not_before
    when = (at or datetime.now(UTC)).astimezone(ZoneInfo(rehearsal.zone))
    if message.kind == CARD:
        what = "escalated" if facts["escalated"] else "again" if rehearsal.alerts[message.subject].told > 1 else "alert"
        return Sent(when, message.channel, what, (f"{facts['title']} {facts['period']}: {facts['rule']}",), 1)
    lines = tuple(f"{line['title']} {line['period']}: {line['rule']}" for line in facts["lines"])
    return Sent(when, message.channel, "storm" if facts["storm"] else "digest", lines, facts["count"])
