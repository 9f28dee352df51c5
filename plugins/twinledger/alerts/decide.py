"""What becomes of alerts when rules are evaluated: opened, followed, woken, reopened, resolved.

What belongs here: the life of each alert by itself, and whether it has something new to say. What does not: where and
when that is said (`telling`), and the store (`evaluate`).

Pure: the same signals on the same alerts come to the same. Data that is older than what an alert was last judged on
says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Context, Decimal, localcontext
from typing import Any, Literal

from twinledger.alerts.alert import Alert, Place, Resolution, Signal
from twinledger.alerts.hours import Hours
from twinledger.alerts.routing import Tree
from twinledger.alerts.rules import AlertsFile, Repeat
from twinledger.vocabulary.money import Money, exact_sum

What = Literal["opened", "reopened", "woken", "resolved"]
_HUNDRED = Decimal(100)
_EXACT = Context(prec=120)


@dataclass(frozen=True, slots=True)
class Looked:
    """What an evaluation looked at; what it did not look at is not over.

    Attributes:
        places: of budgets, each with the end of what is final.
        anomalies: the end of what is final in all series; None where they were not looked at.
    """

    places: Mapping[Place, datetime]
    anomalies: bool = True

    def at(self, alert: Alert) -> bool:
        """Whether a rule that still held for this alert would have been found, on data that is not older."""
        if alert.kind == "anomaly":
            return self.anomalies
        known = self.places.get(alert.place)
        return known is not None and known >= alert.data_as_of


@dataclass(frozen=True, slots=True)
class World:
    """What decisions are made in: the rules, the departments, the hours, and the present instant."""

    file: AlertsFile
    tree: Tree
    hours: Hours
    now: datetime

    def is_ended(self, last_day: date | None) -> bool:
        """Whether a span is over for so long that nothing is said of it."""
        return last_day is not None and self.hours.day(self.now) > last_day + timedelta(days=self.file.keep_days)


@dataclass(frozen=True, slots=True)
class Turn:
    """One alert before and after: what happened, and why it speaks; `speaks` is None where it has nothing to say."""

    before: Alert | None
    alert: Alert
    what: What | None = None
    speaks: str | None = None


def turns(world: World, found: Iterable[Signal], known: Iterable[Alert], looked: Looked) -> list[Turn]:
    """What becomes of every alert, in the order of their identities."""
    by_id: dict[str, Signal] = {}
    for signal in sorted(found, key=lambda one: one.impact.copy_abs()):
        by_id[signal.identity] = signal  # of a day and an hour of one series, whichever is more money
    alerts = {alert.id: alert for alert in known}
    followed = [
        _met(world, alerts[one], by_id[one]) if one in by_id else _missed(world, alerts[one], looked)
        for one in sorted(alerts)
    ]
    return followed + list(_opened(world, [(one, by_id[one]) for one in sorted(by_id.keys() - alerts.keys())]))


# --- found -----------------------------------------------------------------------------------


def _opened(world: World, found: Sequence[tuple[str, Signal]]) -> Iterator[Turn]:
    for identity, signal in found:
        if signal.fires and not signal.answer and not world.is_ended(signal.ends_on):
            yield Turn(None, _new(world, identity, signal), "opened", "")


def _new(world: World, identity: str, signal: Signal) -> Alert:
    place = signal.place
    return Alert(
        id=identity,
        rule=signal.rule,
        kind=signal.kind,
        subject=place.subject,
        view=place.view,
        period=place.period,
        ends_on=signal.ends_on,
        state="new",
        resolution=None,
        assignee=None,
        opened_at=world.now,
        new_since=world.now,
        **_figures(world, signal),
    )


def _figures(world: World, signal: Signal) -> dict[str, Any]:
    """What follows the data, whatever the state."""
    return {
        "title": signal.title,
        "department": signal.department,
        "owner": world.tree.owner(signal.department, signal.place.view),
        "actual": signal.actual,
        "expected": signal.expected,
        "impact": signal.impact,
        "currency": signal.currency,
        "since": signal.since,
        "causes": signal.causes,
        "reason": signal.reason,
        "anomaly": signal.anomaly,
        "data_as_of": signal.data_as_of,
    }


def _met(world: World, alert: Alert, signal: Signal) -> Turn:
    """An alert whose rule holds, or is within its hysteresis."""
    if signal.data_as_of < alert.data_as_of or world.is_ended(signal.ends_on):
        return _kept(world, alert)
    now_is = replace(alert, **_figures(world, signal))
    if alert.state == "resolved":
        again = signal.fires and not signal.answer
        return _reopened(world, alert, now_is) if again else Turn(alert, alert)
    if signal.answer:
        return _resolved(world, alert, now_is, signal.answer)
    if alert.state == "snoozed":
        return _slept(world, alert, now_is, fires=signal.fires)
    return _followed(world, alert, now_is, fires=signal.fires)


def _followed(world: World, alert: Alert, now_is: Alert, *, fires: bool) -> Turn:
    """An open alert: it speaks if it was not told yet, or has grown since."""
    if not fires or (alert.told_at is not None and alert.told_at > world.now):  # nobody has read the last word yet
        return Turn(alert, now_is)
    if alert.told_at is None and alert.state == "new":
        return Turn(alert, now_is, speaks=alert.evidence)
    if more := _growth(world, now_is, alert.told_impact):
        return Turn(alert, now_is, speaks=f"{more} more than when it was told last")
    return Turn(alert, now_is)


def _reopened(world: World, alert: Alert, now_is: Alert) -> Turn:
    when = world.hours.day(alert.resolved_at or world.now)
    woken = replace(_woken(world, now_is), resolution=None, resolved_at=None, opened_at=world.now)
    return Turn(alert, woken, "reopened", f"again, after it was {alert.resolution} on {when.isoformat()}")


def _slept(world: World, alert: Alert, now_is: Alert, *, fires: bool) -> Turn:
    """A snoozed alert wakes when its time is over, or when it has grown beyond what was snoozed."""
    if why := _slept_out(world, alert):
        return Turn(alert, replace(_woken(world, now_is), evidence=why), "woken", why if fires else None)
    if fires and (more := _growth(world, now_is, alert.snoozed_impact)):
        return Turn(alert, _woken(world, now_is), "woken", f"{more} more than when it was snoozed")
    return Turn(alert, now_is)


def _slept_out(world: World, alert: Alert) -> str:
    """Why a snooze is over by time alone, or nothing."""
    if alert.snoozed_until is None or alert.snoozed_until > world.now:
        return ""
    return f"still so, after it was snoozed until {world.hours.day(alert.snoozed_until).isoformat()}"


def _woken(world: World, alert: Alert) -> Alert:
    """New again: nobody looks into it, and it was not told yet."""
    return replace(
        alert, state="new", new_since=world.now, escalated=0, told_at=None, told_impact=None, snoozed_until=None,
        snoozed_impact=None, acted_by=None, acted_at=None, acted_on=None, revision=alert.revision + 1,
    )  # fmt: skip


def _growth(world: World, alert: Alert, before: Decimal | None) -> Money | None:
    """How much an impact has grown, where its rule says that this is worth another word."""
    rule = world.file.named(alert.rule)
    if before is None or rule is None or rule.repeat is None:
        return None
    grown = exact_sum((alert.impact, before.copy_negate()))
    if alert.impact < 0 and alert.kind == "anomaly":
        grown = grown.copy_negate()
    base = before if alert.kind == "anomaly" else alert.expected
    return Money(grown, alert.currency) if grown > 0 and _is_beyond(rule.repeat, grown, base) else None


def _is_beyond(repeat: Repeat, grown: Decimal, base: Decimal) -> bool:
    with localcontext(_EXACT):
        share = repeat.percent is None or grown * _HUNDRED > repeat.percent * base.copy_abs()
    return share and (repeat.amount is None or grown > repeat.amount)


# --- not found -------------------------------------------------------------------------------


def _missed(world: World, alert: Alert, looked: Looked) -> Turn:
    """An alert whose rule does not hold any more, or was not looked at."""
    known_then = alert.opened_at <= world.now  # else another evaluation, which knows more, was first
    if alert.state != "resolved" and known_then and looked.at(alert):
        return _resolved(world, alert, alert, "cleared")
    return _kept(world, alert)


def _kept(world: World, alert: Alert) -> Turn:
    """Nothing is known but the time: of a span that ended long ago, and of a snooze."""
    if alert.state != "resolved" and world.is_ended(alert.ends_on):
        return _resolved(world, alert, alert, "ended")
    if alert.state == "snoozed" and (why := _slept_out(world, alert)):
        return Turn(alert, replace(_woken(world, alert), evidence=why), "woken", why)
    return Turn(alert, alert)


def _resolved(world: World, before: Alert, alert: Alert, resolution: Resolution) -> Turn:
    """What the next digest has to say of it stays, unless somebody has answered: then it is known."""
    due = alert.digest_due if resolution == "cleared" else None
    done = replace(
        alert, state="resolved", resolution=resolution, resolved_at=world.now, snoozed_until=None,
        snoozed_impact=None, digest_due=due, revision=alert.revision + 1,
    )  # fmt: skip
    return Turn(before, done, "resolved")
