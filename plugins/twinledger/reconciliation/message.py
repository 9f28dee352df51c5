"""What finance is told of a reconciliation, as the facts of one outbox message.

What belongs here: which facts. What does not: words and layout, which are the card's (`slack`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.clock import Clock
from twinledger.outbox import Message, enqueue
from twinledger.reconciliation.owners import DEFAULT_PRIORITIES, priority
from twinledger.reconciliation.result import BreakState, Reconciliation
from twinledger.store import models
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.money import exact_sum, plain

KIND = "reconciliation"
_CAUSES = 3


def message_facts(
    result: Reconciliation, classes: Sequence[tuple[str, Decimal]] = DEFAULT_PRIORITIES
) -> dict[str, Any]:
    """The facts as JSON; an amount is its digits and its currency. For the audience `finance` only.

    `classes` are the priorities by money, as `owners.priorities` gives them.
    """

    def money(amount: Decimal) -> dict[str, str]:
        return {"amount": plain(amount), "currency": result.currency}

    components = sorted({row.component for row in result.bridge})
    return {
        "run": result.run_id,
        "period": str(result.period),
        "verdict": result.verdict,
        "internal": money(result.internal_amount),
        "external": money(result.external_amount),
        "deviation": money(result.deviation),
        "components": [
            {"name": name, "amount": money(result.component_amount((name,))), "pool": ""} for name in components
        ],
        "breaks": [_break_facts(result, one, classes) for one in result.breaks],
        "claims": sum(one.line_count for one in result.claims),
        "claimed": money(exact_sum(-one.amount for one in result.claims)),
        "data_as_of": result.ran_at.isoformat(),
        "docs": result.docs,
        "checks": [{"table": one.table, "docs": one.docs} for one in result.checks],
    }


def tell_again(session: Session, clock: Clock, period: str, evidence: str) -> None:
    """Queue the newest message of a period anew: it shows each break as it is when it is sent.

    Nobody is called by it, and nothing is queued where none was told. `evidence` says what changed, so that a
    repetition is not told twice.
    """
    query = select(models.OutboxItem).where(models.OutboxItem.kind == KIND, models.OutboxItem.subject == period)
    last = session.scalar(query.order_by(models.OutboxItem.id.desc()).limit(1))
    if last is not None:
        facts = {**last.facts, "quiet": True}
        message = Message(KIND, period, last.channel, "finance", facts, evidence=digest(last.key, evidence))
        enqueue(session, message, clock)


def _break_facts(result: Reconciliation, one: BreakState, classes: Sequence[tuple[str, Decimal]]) -> dict[str, Any]:
    causes = [
        {"name": name, "amount": {"amount": plain(amount), "currency": one.currency}}
        for name, amount in _causes(result, one)
    ]
    return {
        "id": one.id,
        "priority": priority(one.amount, classes),
        "causes": causes,
        "rule": one.rule,
        "pool": one.pool,
        "subject": one.subject,
        "amount": {"amount": plain(one.amount), "currency": one.currency},
        "tolerance": {"amount": plain(one.tolerance), "currency": one.currency},
        "owner": one.owner,
        "opened_at": one.opened_at.isoformat(),
        "state": one.state,
    }


def _causes(result: Reconciliation, one: BreakState) -> list[tuple[str, Decimal]]:
    """The three largest causes that the run has summed already: resources, services, lines of a contract.

    The break's own page ranks more of them, by other sides too: that reads the ledgers.
    """
    if one.rule == "overcharge":
        lines = (line for line in result.claim_lines if (line.pool, line.card) == (one.pool, one.subject))
        return _largest((f"{line.resource or line.sku}{f', {line.region}' if line.region else ''}", line.amount)
                        for line in lines)  # fmt: skip
    services = [part for part in result.services if (part.pool, part.component) == (one.pool, one.rule)]
    if services:
        return _largest((part.service or "no service", part.amount) for part in services)
    matches = (match for match in result.matches if (match.pool, match.component) == (one.pool, one.rule))
    return _largest(
        (f"{match.resource or 'no resource'}{f', {match.service}' if match.service else ''}", match.amount)
        for match in matches
    )


def _largest(parts: Iterable[tuple[str, Decimal]]) -> list[tuple[str, Decimal]]:
    sums: dict[str, list[Decimal]] = {}
    for name, amount in parts:
        sums.setdefault(name, []).append(amount)
    ranked = sorted(
        ((name, exact_sum(amounts)) for name, amounts in sums.items()), key=lambda one: (-abs(one[1]), one[0])
    )
    return ranked[:_CAUSES]
