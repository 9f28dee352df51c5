"""Control totals as a reconciliation sees them: disagreements are breaks.

What belongs here: the findings of rule `control_total`, and which periods have totals that no run has
seen. What does not: what agrees with what, which `controls` knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext

from sqlalchemy import func, select

from twinledger.books import Books
from twinledger.controls import (
    Comparison,
    adjustment_files,
    agree,
    differences,
    last_recorded,
    ledger_sums,
    view_billed,
)
from twinledger.lake.tables import BILLED_SLICES
from twinledger.reconciliation.breaks import NOBODY, Finding
from twinledger.reconciliation.covered import uncovered_periods
from twinledger.reconciliation.inputs import BILLED_KEPT, Inputs
from twinledger.reconciliation.sums import relation_of, view_kept
from twinledger.reconciliation.updates import stirred_periods
from twinledger.store import models
from twinledger.vocabulary.errors import MissingRateError
from twinledger.vocabulary.money import SCALE

RULE = "control_total"
_UNIT = Decimal(1).scaleb(-SCALE)


def control_findings(books: Books, inputs: Inputs) -> list[Finding]:
    """One break for each disagreement of the period, in the reporting currency at the period's rate.

    Raises:
        MissingRateError: a disagreement in a currency without a rate for the period.
    """
    if not inputs.totals:
        return []
    with books.engine() as engine:
        view_kept(books, engine, inputs, BILLED_KEPT, {})
        # Adjustments are slices of other periods, and few.
        view_billed(engine, adjustment_files(books, inputs.period), "adjusted_slices")
        engine.union("billed_sums", [relation_of(BILLED_SLICES), "adjusted_slices"])
        sums = ledger_sums(engine, inputs.period)
    compared = agree(sums.accounts, sums.sub_accounts, inputs.totals, inputs.terms)
    return findings_of(str(inputs.period), differences(compared), inputs.period_rates(), inputs.currency)


def findings_of(
    period: str, differing: Iterable[Comparison], rates: Mapping[str, Decimal], currency: str
) -> list[Finding]:
    """Differences as findings: ledger less stated.

    Args:
        period: the period of the breaks.
        differing: comparisons that differ, in the billing currency of their account.
        rates: reporting units for one unit of each currency, for the period.
        currency: the reporting currency.

    Raises:
        MissingRateError: a currency without a rate for the period.
    """
    found = []
    for one in differing:
        if one.currency not in rates:
            raise MissingRateError(one.currency, currency, period)
        rate = rates[one.currency]
        amount = _converted(one.difference or Decimal(0), rate)
        tolerance = _converted(one.tolerance, rate)
        of = (one.provider, one.account)
        found.append(Finding(RULE, "", period, one.subject, amount, currency, tolerance, NOBODY, *of))
    return found


def _converted(amount: Decimal, rate: Decimal) -> Decimal:
    with localcontext(prec=120):
        return (amount * rate).quantize(_UNIT)


def periods_to_check(books: Books) -> list[str]:
    """Periods of which something was stated, is missing, or was resolved by people since they were last reconciled.

    The oldest first.
    """
    query = select(models.ReconciliationRun.period, func.max(models.ReconciliationRun.ran_at))
    with books.store.reading() as session:
        stirred = stirred_periods(session, books.clock.now())
        ran = dict(session.execute(query.group_by(models.ReconciliationRun.period)).all())
        stated = last_recorded(session)
    behind = {period for period, at in stated.items() if period not in ran or ran[period] < at}
    return sorted(behind.union(uncovered_periods(books), stirred))
