"""Agreement: the ledger's total of each account beside what others say, as pure functions.

What belongs here: which sums are held against each other, and what follows. What does not: reading
the ledger (`ledger`) or the store (`totals`), and breaks, which are reconciliation's.

An account is compared as the sum of all its sources. A manifest speaks of its own source only. Where
invoices carry the numbers that the ledger has as InvoiceId, each is compared as well: FOCUS requires
that SUM(BilledCost) of an InvoiceId is the invoice's payable amount.

    stated    ledger                              state
    no        yes                                 pending: somebody is still to say it
    yes       no                                  pending: the account's bill is still to come
    yes       yes, period not over                pending, but for a manifest: both still grow
    yes       yes, some invoice not stated        pending, each stated invoice is compared
    yes       yes, within tolerance               agrees
    yes       yes, beyond it                      differs
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from twinledger.controls.totals import ORIGINS, Origin, Total, document_source
from twinledger.vocabulary.money import exact_sum, smallest_unit

State = Literal["agrees", "differs", "pending"]
INVOICES: frozenset[Origin] = frozenset({"invoice", "invoice-detail"})
_ZERO = Decimal(0)
_NAMED = 3
"""Missing invoices that a note names; it counts the others."""


@dataclass(frozen=True, slots=True)
class LedgerTotal:
    """BilledCost of one account in the ledger, by source and invoice; `invoice` is empty where it has none."""

    provider: str
    issuer: str
    account: str
    currency: str
    source: str
    invoice: str
    billed_cost: Decimal


@dataclass(frozen=True, slots=True)
class SubAccountTotal:
    """BilledCost of one sub account in the ledger."""

    provider: str
    account: str
    currency: str
    sub_account: str
    billed_cost: Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """What agreement is judged by.

    `units` is how many smallest units of its currency each document of an origin may be off, `over`
    whether the period has ended, `asked` the accounts that the provider is asked about.
    """

    units: Mapping[str, int]
    over: bool
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Comparison:
    """The ledger beside one origin: of an account, or of one of its documents where `document` is given."""

    provider: str
    account: str
    currency: str
    origin: Origin
    document: str
    ledger: Decimal | None
    stated: Decimal | None
    tolerance: Decimal
    state: State
    note: str = ""

    @property
    def difference(self) -> Decimal | None:
        """Ledger less stated, in the billing currency: above zero, the ledger has too much."""
        if self.ledger is None or self.stated is None:
            return None
        return exact_sum((self.ledger, -self.stated))

    @property
    def subject(self) -> str:
        """What is compared, the same in every run."""
        return " ".join(filter(None, (self.provider, self.account, self.currency, self.origin, self.document)))


def agree(
    ledger: Iterable[LedgerTotal], sub_accounts: Iterable[SubAccountTotal], stated: Iterable[Total], terms: Terms
) -> tuple[Comparison, ...]:
    """Every comparison of a period, by account; the same whatever order the totals come in."""
    booked: dict[tuple[str, str], list[LedgerTotal]] = defaultdict(list)
    for row in ledger:
        booked[row.provider, row.account].append(row)
    names = _Names(booked)
    said: dict[tuple[str, str], list[Total]] = defaultdict(list)
    for total in stated:
        said[names.provider(total), total.account].append(total)
    parts = tuple(sub_accounts)
    found: list[Comparison] = []
    for key in sorted(booked.keys() | said.keys()):
        account = _Account(*key, tuple(booked.get(key, ())), tuple(said.get(key, ())), terms)
        found += account.comparisons([part for part in parts if (part.provider, part.account) == key])
    return tuple(found)


def differences(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Those that somebody has to look into, each amount once.

    An invoice is one of its own only where the account's sum does not differ itself; a part of Cost
    Explorer's total never is: it says where to look.
    """
    whole = {_place(one) for one in comparisons if not one.document and one.state == "differs"}
    return tuple(
        one
        for one in comparisons
        if one.state == "differs" and (not one.document or (one.origin in INVOICES and _place(one) not in whole))
    )


def _place(one: Comparison) -> tuple[str, ...]:
    return (one.provider, one.account, one.currency, one.origin)


class _Names:
    """Whose account it is: documents name the provider, or who issues its invoices, in any case."""

    def __init__(self, booked: Mapping[tuple[str, str], Sequence[LedgerTotal]]) -> None:
        self._known: dict[tuple[str, str], str] = {}
        for (provider, account), rows in sorted(booked.items()):
            for row in rows:
                self._known.setdefault((row.issuer.casefold(), account), provider)
        for provider, account in booked:
            self._known[provider.casefold(), account] = provider

    def provider(self, total: Total) -> str:
        """The ledger's name of the provider, else the document's own."""
        return self._known.get((total.provider.casefold(), total.account), total.provider)


@dataclass(frozen=True, slots=True)
class _Account:
    """All that is known of one account in one period."""

    provider: str
    account: str
    booked: tuple[LedgerTotal, ...]
    said: tuple[Total, ...]
    terms: Terms

    def comparisons(self, parts: Sequence[SubAccountTotal]) -> list[Comparison]:
        """Origin by origin, then its documents."""
        found: list[Comparison] = []
        for origin in ORIGINS:
            totals = [one for one in self.said if one.origin == origin]
            if totals and (rows := self._rows_of(origin, totals)):
                found += self._compared(origin, totals, rows)
                found += self._parts(totals, parts) if origin == "cost-explorer" else []
            elif totals:
                note = "the ledger has no charge of this account"
                found += [self._row(origin, code, None, _sum(totals, code), note=note) for code in _codes(totals)]
            elif self._is_awaited(origin):
                found += [self._row(origin, code, _billed(self.booked, code), None) for code in _billed_in(self.booked)]
        return found

    def _is_awaited(self, origin: Origin) -> bool:
        """Every account is invoiced, in one way or another; the provider is asked of some."""
        if origin == "invoice":
            return not any(one.origin in INVOICES for one in self.said)
        return origin == "cost-explorer" and self.account in self.terms.asked

    def _compared(self, origin: Origin, totals: Sequence[Total], rows: Sequence[LedgerTotal]) -> list[Comparison]:
        missing = self._missing(origin, totals)
        found: list[Comparison] = []
        for code in sorted({*_codes(totals), *_billed_in(rows)}):
            mine = [one for one in totals if one.currency == code]
            one = self._row(origin, code, _billed(rows, code), _sum(mine, code), documents=len(mine))
            if missing and one.state != "agrees" and (notes := missing.get(code)):
                one = replace(one, state="pending", note=notes)
            found.append(one)
            if missing is not None:
                found += [self._invoice(total, rows) for total in sorted(mine, key=lambda total: total.key)]
        return found

    def _rows_of(self, origin: Origin, totals: Sequence[Total]) -> tuple[LedgerTotal, ...]:
        if origin != "manifest":
            return self.booked
        sources = {document_source(one.document) for one in totals}
        return tuple(row for row in self.booked if row.source in sources)

    def _missing(self, origin: Origin, totals: Sequence[Total]) -> dict[str, str] | None:
        """What of the ledger is on no stated invoice, by currency; None where invoices cannot be told apart."""
        numbers = {(one.currency, one.document) for one in totals}
        by_invoice: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for row in self.booked:
            by_invoice[row.currency, row.invoice] = exact_sum((by_invoice[row.currency, row.invoice], row.billed_cost))
        if origin not in INVOICES or not numbers & by_invoice.keys():
            return None
        lacking: dict[str, list[str]] = defaultdict(list)
        for (code, number), amount in sorted(by_invoice.items()):
            if amount and (code, number) not in numbers:
                lacking[code].append(number)
        return {code: _note(names) for code, names in lacking.items()}

    def _invoice(self, total: Total, rows: Iterable[LedgerTotal]) -> Comparison:
        mine = [row for row in rows if (row.currency, row.invoice) == (total.currency, total.document)]
        billed = exact_sum(row.billed_cost for row in mine) if mine else None
        note = "" if mine else "the ledger has no charge of this invoice"
        return self._row(total.origin, total.currency, billed, total.amount, total.document, note)

    def _parts(self, totals: Sequence[Total], parts: Sequence[SubAccountTotal]) -> list[Comparison]:
        """Sub accounts, to say where the account's difference lies."""
        booked = {(part.currency, part.sub_account): part.billed_cost for part in parts}
        stated = {(one.currency, one.document): one.amount for one in totals}
        return [
            self._row("cost-explorer", code, booked.get((code, name)), stated.get((code, name), _ZERO), name)
            for code, name in sorted(booked.keys() | stated.keys())
            if name
        ]

    def _row(
        self,
        origin: Origin,
        currency: str,
        ledger: Decimal | None,
        stated: Decimal | None,
        document: str = "",
        note: str = "",
        documents: int = 1,
    ) -> Comparison:
        units = self.terms.units.get(origin, 0) * max(1, documents)
        tolerance = smallest_unit(currency) * units
        row = Comparison(
            self.provider, self.account, currency, origin, document, ledger, stated, tolerance, "pending", note
        )
        difference = row.difference
        if difference is None:
            return row if note else replace(row, note="not stated yet")
        if abs(difference) <= tolerance:
            return replace(row, state="agrees")
        if not self.terms.over and origin != "manifest":
            return replace(row, note="the period is not over")
        return replace(row, state="differs")


def _codes(totals: Iterable[Total]) -> list[str]:
    return sorted({one.currency for one in totals})


def _billed_in(rows: Iterable[LedgerTotal]) -> list[str]:
    return sorted({row.currency for row in rows})


def _sum(totals: Iterable[Total], currency: str) -> Decimal:
    return exact_sum(one.amount for one in totals if one.currency == currency)


def _billed(rows: Iterable[LedgerTotal], currency: str) -> Decimal:
    return exact_sum(row.billed_cost for row in rows if row.currency == currency)


def _note(numbers: Collection[str]) -> str:
    """Which invoices are still to be stated."""
    named = sorted(number for number in numbers if number)
    said = [f"invoice {', '.join(named[:_NAMED])} is not stated yet"] if named else []
    if more := len(named) - _NAMED:
        said += [f"nor {more} more"] if more > 0 else []
    return ", ".join([*said, *(["some charges are on no invoice yet"] if "" in numbers else [])])
