"""Evaluating the rules on the books: read, decide, write.

What belongs here: one transaction for alerts, their messages and their audit entries. What does not: any rule
(`signals`), what becomes of alerts (`decide`) and what is told (`telling`).

Two evaluations at once come one after the other: the second finds what the first has told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from twinledger.alerts.alert import ACTOR, Alert, Signal
from twinledger.alerts.decide import Looked, Turn, World, turns
from twinledger.alerts.kept import load, save
from twinledger.alerts.messages import channels_told
from twinledger.alerts.routing import Tree, read_tree
from twinledger.alerts.rules import AlertsFile, load_rules
from twinledger.alerts.signals import known_until, place_of, signals
from twinledger.alerts.telling import Decided, tell
from twinledger.anomalies import Anomaly, anomalies
from twinledger.approvals import Desk
from twinledger.books import Books
from twinledger.budgets import Position, budget_positions
from twinledger.outbox import Message, enqueue
from twinledger.store import audit
from twinledger.vocabulary.money import plain
from twinledger.vocabulary.periods import Period

_EVALUATION_LOCK = 7_746_513_303
"""Any number that nothing else in the database takes as an advisory lock."""


ANSWERS_COUNT = timedelta(days=90)
"""An anomaly of longer ago has ended its alert, whatever was answered."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation has found, written and told; in a dry run, what it would have."""

    signals: tuple[Signal, ...]
    """Rules that hold."""
    decided: Decided
    messages: tuple[Message, ...]
    """New ones, of `decided.messages`."""
    unknown: tuple[tuple[str, str], ...] = ()
    """As `unknown_departments`."""


def evaluate_on(
    desk: Desk,
    positions: Sequence[Position],
    unusual: Sequence[Anomaly],
    *,
    dry_run: bool = False,
    file: AlertsFile | None = None,
) -> Evaluated:
    """Evaluate the rules on positions and anomalies, and tell whom they concern; repeating it tells nobody twice.

    Args:
        desk: the store, the settings and the time; rules are read from its configuration unless `file` is given.
        positions: of budgets, in the reporting currency; alerts of no position among them are left as they are.
        unusual: all anomalies that are open, and those that were answered.
        dry_run: whether nothing is written.
        file: other rules than those of the configuration.

    Raises:
        InvalidConfigError: alerts.yaml has not its form.
    """
    rules, zone = file or load_rules(desk.settings.config), desk.settings.timezone
    with desk.store.reading() as session:
        world = _world(session, desk, rules)
    found = signals(rules, positions, unusual, world.tree, zone)
    looked = Looked({place_of(one): known_until(one, zone) for one in positions})
    fires, unknown = tuple(one for one in found if one.fires), _unknown(world.tree, rules)
    if dry_run:
        with desk.store.reading() as session:
            decided = _decided(session, world, found, looked, held=False)
        return Evaluated(fires, decided, decided.messages, unknown)
    with desk.store.transaction() as session:
        decided = _decided(session, world, found, looked)
        told = _write(session, desk, decided)
    return Evaluated(fires, decided, told, unknown)


def evaluate(
    books: Books, period: Period, *, dry_run: bool = False, report: Callable[[str], None] | None = None
) -> Evaluated:
    """Evaluate the rules on every budget whose span a month is in, and on all anomalies, as `evaluate_on` does.

    Args:
        books: the deployment.
        period: the month.
        dry_run: whether nothing is written.
        report: is told in a sentence how far it is.

    Raises:
        InvalidConfigError: alerts.yaml has not its form.
        MissingRateError: a budget, commitment or charge is in a currency that its month has no rate for.
    """
    positions = budget_positions(books, period, report=report)
    with books.store.reading() as session:
        answered = anomalies(session, state="dismissed")
        unusual = anomalies(session, state="open")
    since = books.clock.now() - ANSWERS_COUNT
    unusual += [one for one in answered if one.known_through >= since]
    return evaluate_on(books, positions, unusual, dry_run=dry_run)


def tend(desk: Desk, file: AlertsFile | None = None) -> Evaluated:
    """What time alone does: digests whose hour has come, steps up the tree, snoozes and spans that are over.

    Budgets and anomalies are not looked at. Repeating it tells nobody twice.

    Args:
        desk: as of `evaluate_on`.
        file: other rules than those of the configuration.

    Raises:
        InvalidConfigError: alerts.yaml has not its form.
    """
    with desk.store.reading() as session:
        world = _world(session, desk, file or load_rules(desk.settings.config))
    with desk.store.transaction() as session:
        decided = _decided(session, world, (), Looked({}, anomalies=False))
        told = _write(session, desk, decided)
    return Evaluated((), decided, told)


def period_of_yesterday(desk: Desk) -> Period:
    """The accounting month whose charges came last."""
    return Period.of(desk.clock.now() - timedelta(days=1), desk.settings.timezone)


def unknown_departments(desk: Desk, file: AlertsFile) -> tuple[tuple[str, str], ...]:
    """(rule, department) of each department that a rule names and departments.yaml does not have: it never holds."""
    with desk.store.reading() as session:
        return _unknown(read_tree(session, desk.settings.slack.finance_channel), file)


def _unknown(tree: Tree, file: AlertsFile) -> tuple[tuple[str, str], ...]:
    return tuple((rule.name, name) for rule in file.rules for name in rule.departments if name not in tree.nodes)


def _world(session: Session, desk: Desk, rules: AlertsFile) -> World:
    tree = read_tree(session, desk.settings.slack.finance_channel)
    return World(rules, tree, rules.hours(desk.settings.timezone), desk.clock.now())


def _decided(session: Session, world: World, found: Sequence[Signal], looked: Looked, *, held: bool = True) -> Decided:
    """What becomes of every alert, and what is told."""
    if held:
        _one_at_a_time(session)
    known = load(session, (*looked.places, *(one.place for one in found)), held=held)
    taken = channels_told(session, world.hours.day(world.hours.speak_at(world.now)))
    return tell(world, turns(world, found, known, looked), taken)


def _write(session: Session, desk: Desk, decided: Decided) -> tuple[Message, ...]:
    """Alerts, messages and audit entries; the messages that are new."""
    save(session, decided.opened, decided.changed)
    told = tuple(one for one in decided.messages if enqueue(session, one, desk.clock))
    _record(session, desk, decided)
    return told


def _one_at_a_time(session: Session) -> None:
    """On SQLite one transaction writes at a time anyway."""
    if session.connection().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_EVALUATION_LOCK)))


def _record(session: Session, desk: Desk, decided: Decided) -> None:
    for turn in decided.turns:
        _append(session, desk, f"alert.{turn.what}", turn.alert, _why(turn))
    for alert in decided.escalated:
        _append(session, desk, "alert.escalated", alert, {"step": alert.escalated})


def _why(turn: Turn) -> dict[str, str]:
    reason = turn.alert.resolution if turn.what == "resolved" else turn.speaks
    return {"reason": reason} if reason else {}


def _append(session: Session, desk: Desk, action: str, alert: Alert, facts: dict[str, str] | dict[str, int]) -> None:
    now_is = {"rule": alert.rule, "impact": plain(alert.impact), "currency": alert.currency}
    audit.append(session, desk.clock, who=ACTOR, action=action, subject=alert.id, facts=now_is | facts)
