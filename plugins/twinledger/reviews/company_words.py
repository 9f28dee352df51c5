"""What the company's review says to finance beside what it says to everyone.

What belongs here: titles, columns and texts of both ledgers. What does not: layout. Finance only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from twinledger.reviews.checklist import company_checklist
from twinledger.reviews.company import CompanyReview, HeldLine, OpenBreaks, Reconciled, VendorAnomaly, VendorMoved
from twinledger.reviews.words import EFFECTS, Head, head
from twinledger.statements import number_text
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.money import Money, signed

OWNERS = {
    "own": "by its own tag",
    "alias": "by another name of its tag",
    "inherited": "by the account it is in",
    "last_resort": "by the last resort",
    "unassigned": "nobody's: untagged",
}


@dataclass(frozen=True, slots=True)
class FinanceSection(ForFinance):
    """A part of a review that is for finance: a table, or a sentence; `total` says that the last row is one."""

    title: str
    heads: tuple[Head, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    total: bool = False


def finance_sections(review: CompanyReview) -> tuple[FinanceSection, ...]:
    """All parts that are for finance, in their order."""
    notes = FinanceSection("Not told", note="; ".join(review.notes)) if review.notes else None
    found = (
        *_ledgers(review.reconciled),
        _breaks(review.breaks),
        *_effects(review.effects),
        _savings(review),
        _unused(review),
        _owners(review),
        _anomalies(review.anomalies),
        notes,
    )
    return tuple(one for one in found if one is not None)


def finance_questions(review: CompanyReview) -> FinanceSection:
    """What is asked of finance."""
    rows = tuple((one.id, one.question) for one in company_checklist(review))
    return FinanceSection("Checklist", head("Item", "Question"), rows)


# --- parts -----------------------------------------------------------------------------------


def _share(share: Decimal | None) -> str:
    return "" if share is None else f"{share:,f}\xa0%"


def _ledgers(found: Reconciled | None) -> Sequence[FinanceSection]:
    if found is None:
        return [FinanceSection("Both ledgers", note="The month was never reconciled.")]
    figures = [("Internal ledger", str(found.internal)), ("External ledger", str(found.external)),
               ("Deviation", signed(found.deviation)), ("Held cost", str(found.held.held)),
               ("Held share", _share(found.held.share)),
               ("Claims to vendors, and how many", f"{found.claimed} ({found.claims})")]  # fmt: skip
    held = (*(_held(one) for one in found.pools), _held(found.held, "All pools"))
    heads = head("Pool", numbers=("External cost", "Held", "Share"))
    return [
        FinanceSection("Both ledgers", head("", numbers=("Amount",)), tuple(figures), f"Verdict: {found.verdict}"),
        FinanceSection("Held cost by pool", heads, held, total=True),
    ]


def _held(one: HeldLine, title: str = "") -> tuple[str, ...]:
    return title or one.pool, str(one.external), str(one.held), _share(one.share)


def _breaks(found: OpenBreaks) -> FinanceSection:
    if not found.count:
        return FinanceSection("Open breaks", note="None.")
    heads = head("Rule", "Pool", "Subject", "Owner", "State", numbers=("Amount", "Days"))
    rows = tuple(
        (one.rule.replace("_", " "), one.pool, one.subject, one.assignee or one.owner, one.state, signed(one.money),
         str(one.age_days))
        for one in found.largest
    )  # fmt: skip
    said = f"{found.count} in all, {found.amount} without their signs"
    return FinanceSection("Open breaks, the largest", heads, rows, said)


def _effects(found: Sequence[VendorMoved]) -> Sequence[FinanceSection]:
    """One table a currency of the bills."""
    heads = head("Vendor", "Service", numbers=("Before", "Now", "Change", *(name.capitalize() for name in EFFECTS)))
    return [
        FinanceSection(
            f"Why vendors cost more or less, {currency}",
            heads,
            tuple(_effect(one) for one in found if one.after.currency == currency),
            "Effective cost, in the currency of the bill, the largest changes",
        )
        for currency in sorted({one.after.currency for one in found})
    ]


def _effect(one: VendorMoved) -> tuple[str, ...]:
    amounts: list[Money] = [getattr(one, name) for name in ("change", *EFFECTS)]
    return one.vendor, one.service, str(one.before), str(one.after), *map(signed, amounts)


def _savings(review: CompanyReview) -> FinanceSection | None:
    if not review.savings:
        return None
    rows = tuple((one.provider, str(one.saving)) for one in review.savings)
    return FinanceSection("Savings of commitments", head("Provider", numbers=("Saved",)), rows)


def _unused(review: CompanyReview) -> FinanceSection | None:
    if not review.unused:
        return None
    rows = tuple(
        (one.commitment, one.vendor, one.unit, number_text(one.committed), number_text(one.unused))
        for one in review.unused
    )
    heads = head("Commitment", "Vendor", "Unit", numbers=("Committed", "Unused"))
    return FinanceSection("Commitments that were not used in full", heads, rows)


def _owners(review: CompanyReview) -> FinanceSection | None:
    if not review.owners:
        return None
    rows = tuple((OWNERS.get(one.how, one.how), str(one.list_cost), _share(one.share)) for one in review.owners)
    heads = head("How the owner of a resource is known", numbers=("List cost", "Share"))
    return FinanceSection("Owners of directly owned resources", heads, rows)


def _anomalies(found: Sequence[VendorAnomaly]) -> FinanceSection | None:
    if not found:
        return None
    heads = head("Series", "Shape", "Since", "What explains it", "State", numbers=("Actual", "Expected", "Impact"))
    rows = tuple(
        (one.title, one.shape, f"{one.start:%d %b %Y}", ": ".join(filter(None, (one.reason, ", ".join(one.causes)))),
         f"{one.state}, {one.answer}" if one.answer else one.state, str(one.actual), str(one.expected),
         signed(one.impact))
        for one in found
    )  # fmt: skip
    return FinanceSection("Anomalies in what vendors charge", heads, rows)
