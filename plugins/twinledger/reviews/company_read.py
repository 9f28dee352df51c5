"""Reading what finance reviews of a month from the rooms that know it.

What belongs here: reading, choosing and adding up. What does not: the values (`company`), and any analysis of our own.
Finance only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from twinledger.anomalies import Anomaly
from twinledger.books import Books
from twinledger.budgets import Effects, external_effects
from twinledger.lake.tables import EXTERNAL_CHARGES

# Not at the door of pools, through which catalog comes in: these two build on catalog.
from twinledger.pools.hygiene import tag_hygiene
from twinledger.pools.savings import commitment_savings
from twinledger.reconciliation import BreakLine, Reconciliation, Wanted, break_lines, held_month, read_reconciliation
from twinledger.reviews.company import (
    CompanyReview,
    HeldLine,
    OpenBreaks,
    OwnerKnown,
    Reconciled,
    Saving,
    UnusedCommitment,
    VendorAnomaly,
    VendorMoved,
)
from twinledger.reviews.noticed import of_month
from twinledger.reviews.review import Review
from twinledger.vocabulary.errors import MissingRateError
from twinledger.vocabulary.money import Money, exact_sum, round_to, smallest_unit
from twinledger.vocabulary.periods import Period

_SHOWN = 10
_AMOUNTS = ("before", "after", "price", "volume", "mix", "new", "gone")


def company_review(books: Books, shared: Review, anomalies: Sequence[Anomaly] = ()) -> CompanyReview:
    """The review of the whole company for finance, around the one that everyone may read."""
    period, currency = shared.period, books.settings.reporting_currency
    result = read_reconciliation(books, period)
    lines = break_lines(books, Wanted(period=str(period)))
    savings, owners, notes = _from_bills(books, period)
    return CompanyReview(
        shared=shared,
        reconciled=_reconciled(result) if result else None,
        breaks=open_breaks(lines, currency),
        effects=vendor_effects(external_effects(books, period.shift(-1), period)),
        savings=savings,
        unused=_unused(result),
        owners=owners,
        anomalies=vendor_anomalies(anomalies, period, books.settings.timezone),
        notes=notes,
    )


def open_breaks(lines: Sequence[BreakLine], currency: str) -> OpenBreaks:
    """Count, sum and the largest of open breaks; those in other currencies are counted and not summed."""
    sizes = (abs(one.money.amount) for one in lines if one.money.currency == currency)
    return OpenBreaks(len(lines), Money(exact_sum(sizes), currency), tuple(lines[:_SHOWN]))


def vendor_effects(found: Iterable[Effects]) -> tuple[VendorMoved, ...]:
    """The services that changed most, each with all its units added up, in each currency of the bills."""
    sums: dict[tuple[str, str, str], VendorMoved] = {}
    for one in found:
        amounts = {name: getattr(one, name) for name in _AMOUNTS}
        key = (one.scope, one.product, one.after.currency)
        held = sums.get(key)
        sums[key] = (
            replace(held, **{name: getattr(held, name) + amounts[name] for name in _AMOUNTS})
            if held
            else VendorMoved(one.scope, one.product, **amounts)
        )
    moved = (one for one in sums.values() if one.change.amount)
    return tuple(sorted(moved, key=lambda one: (-abs(one.change.amount), one.vendor, one.service))[:_SHOWN])


def vendor_anomalies(found: Iterable[Anomaly], period: Period, zone: str) -> tuple[VendorAnomaly, ...]:
    """Those in what vendors charged, that touch a period: the largest impact first."""
    mine = (one for one in found if one.view == "effective" and of_month(one, period, zone))
    return tuple(
        VendorAnomaly(
            id=one.id,
            title=one.title,
            shape=one.shape,
            start=one.start,
            actual=one.actual,
            expected=one.expected,
            causes=tuple(cause.name for cause in one.causes),
            reason=one.reason,
            state=one.state,
            answer=one.answer,
        )
        for one in sorted(mine, key=lambda one: (-abs(one.impact.amount), one.id))
    )


# --- reading ---------------------------------------------------------------------------------


def _reconciled(result: Reconciliation) -> Reconciled:
    held, currency = held_month(result), result.currency
    claims = [one for one in result.claims if one.direction == "over"]
    pools = (
        HeldLine(one.pool, Money(one.external, currency), Money(one.held, currency), one.share) for one in held.pools
    )
    return Reconciled(
        verdict=result.verdict,
        internal=Money(result.internal_amount, currency),
        external=Money(result.external_amount, currency),
        deviation=Money(result.deviation, currency),
        held=HeldLine("all", Money(held.external, currency), Money(held.held, currency), held.share),
        pools=tuple(sorted(pools, key=lambda one: (-abs(one.held.amount), one.pool))),
        claims=len(claims),
        claimed=Money(exact_sum(-one.amount for one in claims), currency),
    )


def _unused(result: Reconciliation | None) -> tuple[UnusedCommitment, ...]:
    return tuple(
        UnusedCommitment(one.id, one.vendor, one.committed, one.unused, one.unit)
        for one in (result.commitments if result else ())
        if one.unused > 0
    )


def _from_bills(books: Books, period: Period) -> tuple[tuple[Saving, ...], tuple[OwnerKnown, ...], tuple[str, ...]]:
    """What bills tell of commitments and owners; without a rate for a currency, why they do not."""
    if not books.lake.files(EXTERNAL_CHARGES, {"x_period": str(period)}):
        return (), (), ("no vendor's bill of the month is there",)
    try:
        return _savings(books, period), _owners(books, period), ()
    except MissingRateError as error:
        return (), (), (f"savings and owners of resources are not told: {error}",)


def _savings(books: Books, period: Period) -> tuple[Saving, ...]:
    found = commitment_savings(books, period)
    smallest = smallest_unit(found.currency)
    providers = sorted({one.provider for one in found.commitments})
    sums = ((name, exact_sum(one.saving for one in found.commitments if one.provider == name)) for name in providers)
    return tuple(Saving(name, Money(round_to(amount, smallest), found.currency)) for name, amount in sums)


def _owners(books: Books, period: Period) -> tuple[OwnerKnown, ...]:
    found = tag_hygiene(books, period)
    return tuple(
        OwnerKnown(one.how, Money(one.list_cost, found.currency), one.list_cost_percent)
        for one in found.ways
        if one.charges
    )
