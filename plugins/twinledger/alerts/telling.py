"""What is told of alerts, where and when: at once, in the digest, as one storm, or one step up the tree.

What belongs here: which messages an evaluation sends. What does not: whether an alert has something to say (`decide`),
and what a message says (`messages`).

Whatever is due, a channel has one digest a day: a storm is the digest of its day. What finds that taken waits for the
next one, and is told by then.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import takewhile

from twinledger.alerts.alert import Alert
from twinledger.alerts.decide import Turn, World
from twinledger.alerts.messages import card_for, card_shown, digest_of
from twinledger.outbox import Message


@dataclass(frozen=True, slots=True)
class Decided:
    """What one evaluation comes to."""

    opened: tuple[Alert, ...]
    changed: tuple[Alert, ...]
    messages: tuple[Message, ...]
    turns: tuple[Turn, ...]
    """Of what was opened, woken, reopened or resolved."""
    escalated: tuple[Alert, ...] = ()
    storms: tuple[str, ...] = ()
    """Places that got one message instead of many."""


@dataclass(slots=True)
class _Desk:
    """An evaluation's messages while they are put together."""

    world: World
    taken: set[str]
    """Channels that have their digest of the day."""
    alerts: dict[str, Alert]
    at: datetime
    messages: list[Message] = field(default_factory=list)
    storms: list[str] = field(default_factory=list)
    spoke: set[tuple[str, str]] = field(default_factory=set)
    """(alert, channel)."""

    def tell(self, alert: Alert, channel: str) -> None:
        """A message of its own."""
        told = self._told(alert, self.at)
        self.alerts[alert.id] = replace(told, places=tuple(sorted({*told.places, channel})))
        self.messages.append(card_for(self.alerts[alert.id], channel, f"told {told.told}", self.at))
        self.spoke.add((alert.id, channel))

    def tell_together(self, alerts: Sequence[Alert], channel: str, at: datetime, *, storm: bool) -> None:
        """One message for all."""
        for alert in alerts:
            self.alerts[alert.id] = self._told(alert, at)
        self.digest([self.alerts[alert.id] for alert in alerts], channel, at, storm=storm)

    def digest(self, alerts: Sequence[Alert], channel: str, at: datetime, *, storm: bool) -> None:
        """Takes the channel's digest of the day."""
        self.messages.append(digest_of(alerts, channel, self.world.hours.day(at), at, storm=storm))
        self.taken.add(channel)
        if storm:
            self.storms.append(channel)

    def step_up(self, one: str) -> Alert:
        """An alert that is told one step further up."""
        alert = self.alerts[one]
        self.alerts[one] = replace(alert, escalated=alert.escalated + 1, revision=alert.revision + 1)
        return self.alerts[one]

    def send_up(self, alert: Alert, channel: str) -> None:
        """A message of its own, one step up."""
        self.alerts[alert.id] = replace(alert, places=tuple(sorted({*alert.places, channel})))
        evidence = f"step {alert.escalated} of {alert.new_since.isoformat()}"
        self.messages.append(card_for(self.alerts[alert.id], channel, evidence, self.at, escalated=True))
        self.spoke.add((alert.id, channel))

    def waiting(self, alert: Alert) -> Alert:
        """For the next digest, since it first had something to say there."""
        return replace(alert, digest_due=alert.digest_due or self.world.now)

    def _told(self, alert: Alert, at: datetime) -> Alert:
        return replace(
            alert, told=alert.told + 1, told_at=at, told_impact=alert.impact, digest_due=None,
            revision=alert.revision + 1,
        )  # fmt: skip


def tell(world: World, turned: Iterable[Turn], taken: Collection[str]) -> Decided:
    """The messages of an evaluation, and every alert with what was told of it.

    Args:
        world: rules, departments, hours and the present instant.
        turned: what became of every alert that is known or new.
        taken: channels that have the digest of the day on which this evaluation's messages are read.
    """
    all_turns = sorted(turned, key=lambda turn: turn.alert.id)
    desk = _Desk(world, set(taken), {turn.alert.id: turn.alert for turn in all_turns}, world.hours.speak_at(world.now))
    _tell_at_once(desk, all_turns)
    _tell_digests(desk)
    _escalate(desk)
    _show(desk, all_turns)
    before = {turn.alert.id: turn.before for turn in all_turns}
    return Decided(
        opened=tuple(alert for one, alert in desk.alerts.items() if before[one] is None),
        changed=tuple(alert for one, alert in desk.alerts.items() if before[one] not in (None, alert)),
        messages=tuple(desk.messages),
        turns=tuple(replace(turn, alert=desk.alerts[turn.alert.id]) for turn in all_turns if turn.what),
        escalated=tuple(alert for one, alert in desk.alerts.items() if alert.escalated > _escalated(before[one])),
        storms=tuple(desk.storms),
    )


def _escalated(before: Alert | None) -> int:
    return before.escalated if before else 0


def _tell_at_once(desk: _Desk, turned: Sequence[Turn]) -> None:
    """Each by itself, unless they are too many; what the digest has to say waits for it."""
    at_once: dict[str, list[Alert]] = defaultdict(list)
    for turn in turned:
        rule = desk.world.file.named(turn.alert.rule)
        if turn.speaks is None or rule is None or rule.tell == "nobody":
            continue
        alert = replace(turn.alert, evidence=turn.speaks)
        if rule.tell == "digest":
            desk.alerts[alert.id] = desk.waiting(alert)
        elif not turn.alert.digest_due:
            desk.alerts[alert.id] = alert
            at_once[_channel(desk, alert)].append(alert)
    limits = desk.world.file.storm
    is_storm = sum(map(len, at_once.values())) > limits.most
    for channel, alerts in sorted(at_once.items()):
        if is_storm or len(alerts) > limits.most_in_channel:
            _tell_storm(desk, channel, alerts)
        else:
            for alert in alerts:
                desk.tell(alert, channel)


def _tell_storm(desk: _Desk, channel: str, alerts: Sequence[Alert]) -> None:
    """One message; where the day's is sent already, the most money by itself, and the rest with the next one."""
    if channel not in desk.taken:
        due = [one for one in desk.alerts.values() if one.digest_due and _channel(desk, one) == channel]
        desk.tell_together([*alerts, *due], channel, desk.at, storm=True)
        return
    ranked = sorted(alerts, key=lambda one: (-one.impact.copy_abs(), one.id))
    first = desk.world.file.storm.most_in_channel
    for alert in ranked[:first]:
        desk.tell(alert, channel)
    for alert in ranked[first:]:
        desk.alerts[alert.id] = desk.waiting(alert)


def _tell_digests(desk: _Desk) -> None:
    """All that waits in a channel, once the digest's hour has passed over any of it."""
    due: dict[str, list[Alert]] = defaultdict(list)
    late: set[str] = set()
    hours, now = desk.world.hours, desk.world.now
    for alert in desk.alerts.values():
        if alert.digest_due is not None:
            due[_channel(desk, alert)].append(alert)
            if alert.digest_due <= hours.last_digest(now):
                late.add(_channel(desk, alert))
    for channel, alerts in sorted(due.items()):
        if channel in late and channel not in desk.taken:
            desk.tell_together(alerts, channel, hours.digest_from(now), storm=False)


def _escalate(desk: _Desk) -> None:
    """What was told and nobody acknowledges goes up the tree, as many steps as its time is worth.

    What is too much for one place comes there as one message; where that has its digest of the day, it waits.
    """
    going = {one.id: _steps_due(desk.world, one) for one in desk.alerts.values()}
    counts = Counter(channel for channels in going.values() for channel in channels)
    full = {channel for channel, count in counts.items() if count > desk.world.file.storm.most_in_channel}
    waiting = full & desk.taken
    together: dict[str, list[Alert]] = defaultdict(list)
    for one, channels in sorted(going.items()):
        for channel in takewhile(lambda place: place not in waiting, channels):
            alert = desk.step_up(one)
            if channel in full:
                together[channel].append(alert)
            else:
                desk.send_up(alert, channel)
    for channel, alerts in sorted(together.items()):
        desk.digest(alerts, channel, desk.at, storm=True)


def _steps_due(world: World, alert: Alert) -> Sequence[str]:
    rule = world.file.named(alert.rule)
    hours = rule.escalate_after_hours if rule else None
    if hours is None or alert.state != "new" or alert.told_at is None or alert.told_at > world.now:
        return ()
    due = world.hours.awake(alert.new_since, world.now) // timedelta(hours=hours)
    if due <= alert.escalated:
        return ()
    return world.tree.steps(alert.department, alert.view)[alert.escalated : due]


def _show(desk: _Desk, turned: Sequence[Turn]) -> None:
    """Messages that show what is not so any more, brought up to date; nobody is called by them."""
    for turn in turned:
        alert = desk.alerts[turn.alert.id]
        if turn.what and turn.before is not None:
            shown = card_shown(alert, desk.at)
            desk.messages += [one for one in shown if (alert.id, one.channel) not in desk.spoke]


def _channel(desk: _Desk, alert: Alert) -> str:
    return desk.world.tree.channel(alert.department, alert.view)
