"""Claims to vendors: the lines that were billed above contract cards, by clause, and how commitments are used.

What belongs here: reading them for a report or a file. What does not: comparing bills with cards, which is SQL under
`sql/reconciliation`, and what a file looks like (`claim_file`). Finance only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from twinledger.books import Books
from twinledger.catalog import company, view
from twinledger.engine import Engine
from twinledger.lake.tables import AUDITED_CHARGES, EXTERNAL_CHARGES, TEXT, Column
from twinledger.reconciliation.audited import CommitmentUse
from twinledger.reconciliation.evidence import listed
from twinledger.reconciliation.result import Claim, Reconciliation
from twinledger.reconciliation.run import known_reconciliation
from twinledger.reconciliation.summary import read_summary
from twinledger.store import models
from twinledger.vocabulary.errors import StaleRunError, UnknownNameError
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period

MOST_LINES = 100_000
"""Lines that a claim file has, the largest; totals are of all."""


@dataclass(frozen=True, slots=True)
class ClaimedLine:
    """One bill line of a card that was billed above what was agreed, with the clause that it is claimed by."""

    pool: str
    card: str
    vendor: str
    sku: str
    region: str | None
    resource: str | None
    billing_currency: str
    source: str
    delivery: str
    line: int
    started_at: datetime
    quantity: Decimal
    billed_amount: Decimal
    agreed_amount: Decimal
    amount: Decimal
    clause: str


@dataclass(frozen=True, slots=True)
class ClauseTotal:
    """What is claimed by one clause of one card; `claimed` is above zero."""

    vendor: str
    card: str
    clause: str
    lines: int
    quantity: Decimal
    billed: Decimal
    agreed: Decimal
    claimed: Decimal


@dataclass(frozen=True, slots=True)
class ContractClaims:
    """The contract audit of one period, for one vendor or all. Amounts are in `currency`, the reporting currency."""

    period: Period
    run_id: str
    vendor: str
    """Nothing is all vendors."""
    currency: str
    clauses: tuple[ClauseTotal, ...]
    lines: tuple[ClaimedLine, ...]
    left_out: int
    """Lines beyond MOST_LINES."""
    undercharges: tuple[Claim, ...]
    commitments: tuple[CommitmentUse, ...]
    remarks: tuple[str, ...]

    @property
    def claimed(self) -> Decimal:
        """What is claimed in all."""
        return exact_sum(one.claimed for one in self.clauses)


def contract_claims(books: Books, period: Period, vendor: str = "") -> ContractClaims:
    """The contract audit as the last reconciliation of a period found it.

    Raises:
        UnknownNameError: the period was never reconciled, or no card, commitment or bill is of that vendor.
        StaleRunError: bills or contract cards have changed since.
    """
    result = known_reconciliation(books, period)
    clauses_of, vendors = _cards(books)
    with books.engine() as engine:
        lines, totals = _audited(books, engine, period, vendor)
        billed = _billed_commitments(books, engine, period)
    if totals != result.claims:
        raise StaleRunError(str(period), result.run_id)
    uses, remarks = _used(books, result, billed)
    if vendor and vendor not in vendors | {one.vendor for one in uses}:
        raise UnknownNameError("vendor with a contract", vendor, vendors)
    claims = [one for one in result.claims if vendor in ("", one.vendor)]
    return ContractClaims(
        period=period,
        run_id=result.run_id,
        vendor=vendor,
        currency=result.currency,
        clauses=tuple(_by_clause(claims, clauses_of)),
        lines=lines,
        left_out=sum(one.line_count for one in claims) - len(lines),
        undercharges=tuple(one for one in result.undercharges if vendor in ("", one.vendor)),
        commitments=tuple(one for one in uses if vendor in ("", one.vendor)),
        remarks=remarks,
    )


def _cards(books: Books) -> tuple[dict[str, str], set[str]]:
    """The clause of each card, and every vendor that something was agreed with."""
    with books.store.reading() as session:
        cards = session.scalars(select(models.ContractCard)).all()
        commitments = session.scalars(select(models.CommitmentCard.vendor)).all()
    return {one.id: one.clause for one in cards}, {*commitments, *(one.vendor for one in cards)}


def _audited(
    books: Books, engine: Engine, period: Period, vendor: str
) -> tuple[tuple[ClaimedLine, ...], tuple[Claim, ...]]:
    """The lines of a vendor, and the claims of all vendors, from the sums that the last run kept."""
    with books.store.reading() as session:
        view(engine, company(session, period, books.settings))
    engine.view_files("audited_charges", AUDITED_CHARGES, books.lake.files(AUDITED_CHARGES, {"x_period": str(period)}))
    engine.view_rows("asked_vendor", (Column("vendor", TEXT),), [(vendor,)])
    for model in ("contract_audit", "claim_sums", "vendor_claims"):
        engine.view_model(f"reconciliation/{model}")
    engine.materialise("contract_audit")
    totals = sorted(listed(engine, "claim_sums", Claim), key=lambda one: (one.pool, one.card))
    return listed(engine, "vendor_claims", ClaimedLine), tuple(one for one in totals if one.direction == "over")


def _by_clause(claims: Iterable[Claim], clauses: dict[str, str]) -> Iterator[ClauseTotal]:
    """One total a card: what is claimed of it in all pools."""
    by_card: dict[tuple[str, str], list[Claim]] = {}
    for one in claims:
        by_card.setdefault((one.vendor, one.card), []).append(one)
    for (vendor, card), own in sorted(by_card.items()):
        yield ClauseTotal(
            vendor=vendor,
            card=card,
            clause=clauses.get(card, ""),
            lines=sum(one.line_count for one in own),
            quantity=exact_sum(one.quantity for one in own),
            billed=exact_sum(one.billed_amount for one in own),
            agreed=exact_sum(one.agreed_amount for one in own),
            claimed=exact_sum(-one.amount for one in own),
        )


# --- commitments -------------------------------------------------------------------------------


def _billed_commitments(books: Books, engine: Engine, period: Period) -> dict[tuple[str, str], CommitmentUse]:
    """What the period's bills tell of commitments, in the billing currency, by provider and identity."""
    engine.view_files(
        "external_charges", EXTERNAL_CHARGES, books.lake.files(EXTERNAL_CHARGES, {"x_period": str(period)})
    )
    engine.view_model("commitments/commitment_coverage")
    return {
        (row["provider"], row["commitment"]): CommitmentUse(
            id=row["commitment"], vendor=row["provider"], kind=row["type"] or "commitment", per="bill",
            unit=row["currency"], valid_from=period.first_day, valid_to=None, clause="",
            committed=exact_sum((row["used"], row["unused"])), eligible=row["eligible_list"],
            spent=row["used"], covered=row["covered_list"],
        )
        for row in engine.rows("commitment_coverage")
    }  # fmt: skip


def _used(
    books: Books, result: Reconciliation, billed: dict[tuple[str, str], CommitmentUse]
) -> tuple[list[CommitmentUse], tuple[str, ...]]:
    """Every commitment: of cards by rules, of cards that bills tell of, of bills alone; and what was not counted."""
    uses, remarks, left = [], [], dict(billed)
    for one in result.commitments:
        told, missing = _since_its_term_began(books, one, result.period) if one.per == "term" else (one, ())
        uses.append(told)
        remarks += [f"commitment {one.id}: {month} was never reconciled and is not counted" for month in missing]
    with books.store.reading() as session:
        cards = session.scalars(select(models.CommitmentCard).where(models.CommitmentCard.commitment.is_not(None)))
        for card in sorted(cards, key=lambda card: card.id):
            found = left.pop((card.vendor, card.commitment or ""), None)
            if found is not None:
                since, until = card.effective_from, card.effective_to
                uses.append(replace(found, id=card.id, clause=card.clause, valid_from=since, valid_to=until))
            elif card.effective_from < result.period.shift(1).first_day and card.effective_to > result.period.first_day:
                remarks.append(f"commitment {card.id}: no bill of {result.period} names {card.commitment}")
    return [*uses, *(left[name] for name in sorted(left))], tuple(remarks)


def _since_its_term_began(books: Books, one: CommitmentUse, period: Period) -> tuple[CommitmentUse, Sequence[str]]:
    """A commitment for its whole term: what the last run of each month since it began counted for it."""
    months = []
    month = Period(one.valid_from.year, one.valid_from.month)
    while month < period:
        months.append(str(month))
        month = month.shift(1)
    with books.store.reading() as session:
        query = select(models.ReconciliationRun).where(models.ReconciliationRun.period.in_(months))
        runs = [(run.period, read_summary(run.summary)) for run in session.scalars(query)]
    newest = dict(sorted(runs, key=lambda run: run[1].number))
    counted = [use.eligible for summary in newest.values() for use in summary.commitments if use.id == one.id]
    missing = [name for name in months if name not in newest]
    return replace(one, eligible=exact_sum([one.eligible, *counted])), missing
