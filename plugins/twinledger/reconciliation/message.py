"""What finance is told of a reconciliation, as the facts of one outbox message.

What belongs here: which facts. What does not: words and layout, which are the card's (`slack`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from twinledger.reconciliation.result import BreakState, Reconciliation
from twinledger.vocabulary.money import exact_sum, plain


def message_facts(result: Reconciliation) -> dict[str, Any]:
    """The facts as JSON; an amount is its digits and its currency. For the audience `finance` only."""

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
        "breaks": [_break_facts(one) for one in result.breaks],
        "claims": sum(one.line_count for one in result.claims),
        "claimed": money(exact_sum(-one.amount for one in result.claims)),
        "data_as_of": result.ran_at.isoformat(),
        "docs": result.docs,
    }


def _break_facts(one: BreakState) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "pool": one.pool,
        "subject": one.subject,
        "amount": {"amount": plain(one.amount), "currency": one.currency},
        "tolerance": {"amount": plain(one.tolerance), "currency": one.currency},
        "owner": one.owner,
        "opened_at": one.opened_at.isoformat(),
        "state": one.state,
    }
