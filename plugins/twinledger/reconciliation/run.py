"""One reconciliation of one period, from both ledgers to a message.

What belongs here: the order of its steps, and what they leave in the store. What does not: any rule,
which are the other modules'.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from twinledger import signing
from twinledger.books import Books
from twinledger.outbox import Message, enqueue
from twinledger.pools import UNASSIGNED
from twinledger.reconciliation.breaks import (
    Change,
    Finding,
    ambiguity_findings,
    claim_findings,
    component_findings,
    open_states,
    settled_states,
)
from twinledger.reconciliation.controlled import RULE, control_findings
from twinledger.reconciliation.covered import RULE as COVERAGE
from twinledger.reconciliation.covered import coverage_findings
from twinledger.reconciliation.evidence import Evidence, make_evidence, read_tables, written_from
from twinledger.reconciliation.inputs import Inputs, gather
from twinledger.reconciliation.message import message_facts
from twinledger.reconciliation.owners import owned, priorities
from twinledger.reconciliation.restated import restated_findings
from twinledger.reconciliation.result import PoolRoll, Reconciliation, RollForward, verdict
from twinledger.reconciliation.roll import brought_up
from twinledger.reconciliation.signatures import record_signatures, stop_signatures
from twinledger.reconciliation.summary import Summary, read_summary, summary_json
from twinledger.reconciliation.ungranted import RULE as UNGRANTED
from twinledger.reconciliation.ungranted import grants_moved, ungranted_findings
from twinledger.reconciliation.updates import ACTOR, stirred, update_breaks
from twinledger.store import audit, models
from twinledger.vocabulary.errors import ConcurrentChangeError, UnknownNameError
from twinledger.vocabulary.identities import digest, short
from twinledger.vocabulary.money import plain
from twinledger.vocabulary.periods import Period

WITHOUT_EVIDENCE = frozenset({RULE, COVERAGE, UNGRANTED})
"""Rules that need no bridge: looked for also while something is missing."""
_ATTEMPTS = 5


class _Last(NamedTuple):
    """The period's newest run."""

    run: models.ReconciliationRun
    summary: Summary


def reconcile_period(books: Books, period: Period) -> Reconciliation:
    """Compare both ledgers of a period, and tell finance when what is found has changed.

    With the inputs of the last run nothing is written and nothing is told, unless people resolved breaks since, or
    a snooze is over: then what they say is looked at. Amounts are in the reporting currency.

    Raises:
        MissingRateError: a currency without a rate; nothing is written.
        GateFailedError: the bridge is not what it must be; nothing is written.
        ConcurrentChangeError: other processes kept reconciling the same period.
    """
    for _ in range(_ATTEMPTS):
        inputs = gather(books, period)
        last = _last_run(books, period)
        same = last and last.run.digest == inputs.digest and _is_written(books, inputs)
        if last and same and not (_stirred(books, period) or grants_moved(books, last.run.ran_at)):
            return _stored(books, period, last)
        with stop_signatures(books, period):
            rolls = last.summary.rolls if last else ()
            evidence = Evidence() if inputs.missing else make_evidence(books, inputs, rolls)
        findings = [*([] if inputs.missing else _findings(inputs, evidence)), *control_findings(books, inputs)]
        findings += coverage_findings(books, inputs)
        findings += ungranted_findings(books, inputs)
        try:
            number = last.summary.number + 1 if last else 1
            return _record(books, inputs, evidence, owned(findings, inputs.owners), number)
        except IntegrityError:
            continue  # another process recorded the run of this number: look again
    raise ConcurrentChangeError(f"reconciliation of {period}", "at rest", "being run by others")


def read_reconciliation(books: Books, period: Period) -> Reconciliation | None:
    """What the last run of a period found, for pages and reports; None where it was never run."""
    last = _last_run(books, period)
    return _stored(books, period, last) if last else None


def known_reconciliation(books: Books, period: Period) -> Reconciliation:
    """As `read_reconciliation`, of a period that somebody asked for.

    Raises:
        UnknownNameError: the period was never reconciled; names those that were.
    """
    result = read_reconciliation(books, period)
    if result is None:
        with books.store.reading() as session:
            known = session.scalars(select(models.ReconciliationRun.period).distinct()).all()
        raise UnknownNameError("reconciliation", str(period), known)
    return result


def _findings(inputs: Inputs, evidence: Evidence) -> list[Finding]:
    period = str(inputs.period)
    owners = {name: pool.owner for name, pool in inputs.pools.items()}
    return [
        *component_findings(
            period, evidence.bridge, evidence.limits(inputs), owners, evidence.limits(replace(inputs, ages={}))
        ),
        *claim_findings(period, evidence.claims, inputs.currency, owners),
        *ambiguity_findings(period, evidence.matching.ambiguities, inputs.currency, owners),
        *restated_findings(period, inputs.history, inputs.period_rates(), inputs.currency),
    ]


def _stirred(books: Books, period: Period) -> bool:
    with books.store.reading() as session:
        return stirred(session, str(period), books.clock.now())


def _is_written(books: Books, inputs: Inputs) -> bool:
    return bool(inputs.missing) or written_from(books, inputs.period) == {inputs.digest}


def _last_run(books: Books, period: Period) -> _Last | None:
    query = (
        select(models.ReconciliationRun)
        .where(models.ReconciliationRun.period == str(period))
        .order_by(models.ReconciliationRun.ran_at.desc())
        .limit(20)
    )
    with books.store.reading() as session:
        # Runs within one tick of the clock are told apart by their number.
        runs = [_Last(run, read_summary(run.summary)) for run in session.scalars(query)]
    return max(runs, key=lambda last: last.summary.number, default=None)


def _record(
    books: Books, inputs: Inputs, evidence: Evidence, findings: Sequence[Finding], number: int
) -> Reconciliation:
    """Leave the run, its breaks, message and audit entry in the store: all of them or none."""
    now = books.clock.now()
    period = str(inputs.period)
    run_id = f"run-{period}-{short(digest(period, str(number)))}"
    with books.store.transaction() as session:
        run = models.ReconciliationRun(
            id=run_id,
            period=period,
            digest=inputs.digest,
            external_cut=inputs.external.cut,
            internal_cut=inputs.internal.cut,
            verdict="incomplete",
            ran_at=now,
            summary={},
        )
        session.add(run)
        session.flush()  # the run's number is taken from here on
        signing.lock(session, period)
        # Without evidence nothing is known of the other breaks: they stay as they are.
        change = update_breaks(session, period, findings, run_id, now, only=WITHOUT_EVIDENCE if inputs.missing else ())
        result = _result(run_id, now, inputs, evidence, change)
        run.verdict = result.verdict
        run.summary = summary_json(_summary(number, result))
        record_signatures(session, books, inputs, result)
        _tell(session, books, result)
        for event in change.events:
            facts = {"run": run_id, **event.facts}
            audit.append(session, books.clock, who=ACTOR, action=event.action, subject=event.break_id, facts=facts)
        facts = {"run": run_id, "verdict": result.verdict, "opened": change.opened, "resolved": change.resolved}
        audit.append(session, books.clock, who=ACTOR, action="period.reconcile", subject=period, facts=facts)
    return result


def _result(run_id: str, now: datetime, inputs: Inputs, evidence: Evidence, change: Change) -> Reconciliation:
    warnings = (*inputs.warnings, *evidence.warnings)
    tolerated = evidence.limits(inputs)
    return Reconciliation(
        run_id=run_id,
        period=inputs.period,
        verdict=verdict(bool(inputs.missing), bool(change.open), bool(warnings), inputs.pending),
        currency=inputs.currency,
        ran_at=now,
        bridge=evidence.bridge,
        totals=evidence.totals,
        matches=evidence.matches,
        meters=evidence.meters,
        claims=evidence.claims,
        claim_lines=evidence.claim_lines,
        ownership=evidence.ownership,
        breaks=change.open,
        missing=inputs.missing,
        warnings=warnings,
        tolerances=tuple(f"{pool} {component}: {limit}" for (pool, component), limit in tolerated.items()),
        roll_forward=change.roll_forward,
        docs=evidence.docs,
        changed=True,
        external_cut=inputs.external.cut,
        internal_cut=inputs.internal.cut,
        charged=evidence.charged,
        services=evidence.services,
        checks=evidence.checks,
        tolerated=evidence.tolerated(inputs),
        rolls=change.rolls,
        pending=inputs.pending,
        matching=evidence.matching,
        undercharges=evidence.undercharges,
        commitments=evidence.commitments,
        settled=change.settled,
    )


def _summary(number: int, result: Reconciliation) -> Summary:
    return Summary(
        number=number,
        evidence=_evidence_digest(result),
        totals=result.totals,
        meters=result.meters,
        claims=result.claims,
        claim_lines=result.claim_lines,
        ownership=result.ownership,
        missing=result.missing,
        warnings=result.warnings,
        tolerances=result.tolerances,
        roll_forward=result.roll_forward,
        docs=result.docs,
        charged=result.charged,
        services=result.services,
        checks=result.checks,
        tolerated=result.tolerated,
        rolls=result.rolls,
        pending=result.pending,
        matching=result.matching,
        undercharges=result.undercharges,
        commitments=result.commitments,
    )


def _evidence_digest(result: Reconciliation) -> str:
    """Of all that the message says of the ledgers, and of nothing that differs from run to run."""
    return digest(
        result.verdict,
        *(f"{row.pool} {row.component} {plain(row.amount)}" for row in result.bridge),
        *(f"{one.id} {plain(one.amount)} {one.state}" for one in result.breaks),
        *(f"{one.pool} {one.card} {one.line_count} {plain(one.amount)}" for one in result.claims),
        *result.missing,
        *result.warnings,
    )


def _tell(session: Session, books: Books, result: Reconciliation) -> None:
    message = Message(
        kind="reconciliation",
        subject=str(result.period),
        channel=books.settings.slack.finance_channel,
        audience="finance",
        facts=message_facts(result, priorities(session)),
        evidence=_evidence_digest(result),
    )
    enqueue(session, message, books.clock)


def _stored(books: Books, period: Period, last: _Last) -> Reconciliation:
    """The last run as it was, with the breaks as they are now."""
    summary, run = last.summary, last.run
    pending = summary.pending or run.verdict == "pending"
    tables = Evidence() if summary.missing else read_tables(books, period)
    with books.store.reading() as session:
        rows = session.scalars(select(models.Break).where(models.Break.period == str(period))).all()
    breaks = open_states(rows, books.clock.now())
    resolved = {one.id: one for one in rows if one.counted is not None and one.state == "resolved"}
    since = {one.id: (str(one.resolution), one.counted or Decimal(0)) for one in resolved.values()}
    return Reconciliation(
        run_id=run.id,
        period=period,
        verdict=verdict(bool(summary.missing), bool(breaks), bool(summary.warnings), pending),
        currency=books.settings.reporting_currency,
        ran_at=run.ran_at,
        bridge=tables.bridge,
        totals=summary.totals,
        matches=tables.matches,
        meters=summary.meters,
        claims=summary.claims,
        claim_lines=summary.claim_lines,
        ownership=summary.ownership,
        breaks=breaks,
        missing=summary.missing,
        warnings=summary.warnings,
        tolerances=summary.tolerances,
        roll_forward=brought_up(summary.roll_forward, since),
        docs=summary.docs,
        changed=False,
        external_cut=run.external_cut,
        internal_cut=run.internal_cut,
        charged=summary.charged,
        services=summary.services,
        checks=summary.checks,
        tolerated=summary.tolerated,
        rolls=tuple(PoolRoll(one.pool, _of_pool(one, resolved.values(), since)) for one in summary.rolls),
        pending=pending,
        matching=summary.matching,
        undercharges=summary.undercharges,
        commitments=summary.commitments,
        settled=settled_states(rows, books.clock.now()),
    )


def _of_pool(roll: PoolRoll, resolved: Iterable[models.Break], since: Mapping[str, tuple[str, Decimal]]) -> RollForward:
    mine = [one.id for one in resolved if (one.pool or UNASSIGNED) == roll.pool]
    return brought_up(roll.roll_forward, {one: since[one] for one in mine})
