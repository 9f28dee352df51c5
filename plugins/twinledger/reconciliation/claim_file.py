"""The claim file for a vendor: a workbook of the clauses with their totals, the lines, and what is shown beside them.

What belongs here: its sheets and columns. What does not: what is claimed (`claims`), and how cells and workbooks are
written (`documents`), which also keeps a spreadsheet from running what somebody wrote into a bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from twinledger.documents import File, Value
from twinledger.reconciliation.claims import ContractClaims

_CLAUSES = ("vendor", "card", "clause", "lines", "quantity", "billed", "agreed", "claimed")
_LINES = (
    "clause", "card", "source", "delivery", "bill_line", "day", "sku", "region", "resource", "billing_currency",
    "quantity", "billed", "agreed", "claimed",
)  # fmt: skip
_UNDER = ("vendor", "card", "sku", "pool", "lines", "quantity", "billed", "agreed", "undercharged")
_COMMITMENTS = (
    "vendor", "commitment", "clause", "kind", "per", "unit", "committed", "used", "unused", "coverage_percent", "ends",
    "days_left",
)  # fmt: skip
_MONEY_COLUMNS = ("billed", "agreed", "claimed", "undercharged", "committed", "used", "unused")


def claim_file(claims: ContractClaims, today: date) -> File:
    """One workbook; equal claims on the same day give equal bytes. Amounts are in the reporting currency.

    The last row of the clauses is their total. Undercharges and commitments are on sheets of their own: they are no
    part of the claim, and a vendor need not see them: `claims` of one vendor has that vendor's alone.
    """
    from twinledger.documents.workbook import (  # noqa: PLC0415 - openpyxl takes a second to import
        MEDIA_TYPE,
        MONEY,
        QUANTITY,
        new_workbook,
        put_table,
        workbook_bytes,
    )

    formats = {**dict.fromkeys(_MONEY_COLUMNS, MONEY), "quantity": QUANTITY, "coverage_percent": "0.00"}
    of = claims.vendor or "all vendors"
    heading = f"Claims to {of}, {claims.period}, in {claims.currency}"
    book, sheet = new_workbook(heading, "Clauses")
    put_table(sheet, heading, _CLAUSES, _clause_rows(claims), formats)
    beyond = f" ({claims.left_out} smaller ones are not listed)" if claims.left_out else ""
    put_table(book.create_sheet("Lines"), f"{heading}: lines{beyond}", _LINES, _line_rows(claims), formats)
    title = f"Billed below what was agreed, {claims.period}: not claimed"
    put_table(book.create_sheet("Undercharges"), title, _UNDER, _under_rows(claims), formats)
    title = f"Commitments, {claims.period}"
    put_table(book.create_sheet("Commitments"), title, _COMMITMENTS, _commitment_rows(claims, today), formats)
    name = f"claims-{_slug(claims.vendor) or 'all'}-{claims.period}.xlsx"
    return File(name, MEDIA_TYPE, workbook_bytes(book, claims.period.end()))


def _slug(vendor: str) -> str:
    return "-".join("".join(c if c.isalnum() and c.isascii() else " " for c in vendor.lower()).split())


def _clause_rows(claims: ContractClaims) -> Sequence[Sequence[Value]]:
    rows: list[list[Value]] = [
        [one.vendor, one.card, one.clause, one.lines, one.quantity, one.billed, one.agreed, one.claimed]
        for one in claims.clauses
    ]
    return [*rows, ["total", "", "", sum(one.lines for one in claims.clauses), None, None, None, claims.claimed]]


def _line_rows(claims: ContractClaims) -> Sequence[Sequence[Value]]:
    return [
        [
            one.clause, one.card, one.source, one.delivery, one.line, one.started_at.date().isoformat(), one.sku,
            one.region or "", one.resource or "", one.billing_currency, one.quantity, one.billed_amount,
            one.agreed_amount, -one.amount,
        ]
        for one in claims.lines
    ]  # fmt: skip


def _under_rows(claims: ContractClaims) -> Sequence[Sequence[Value]]:
    return [
        [
            one.vendor, one.card, one.sku, one.pool, one.line_count, one.quantity, one.billed_amount,
            one.agreed_amount, one.amount,
        ]
        for one in claims.undercharges
    ]  # fmt: skip


def _commitment_rows(claims: ContractClaims, today: date) -> Sequence[Sequence[Value]]:
    return [
        [
            one.vendor, one.id, one.clause, one.kind, one.per, one.unit, one.committed, one.used, one.unused,
            one.coverage, one.valid_to.isoformat() if one.valid_to else "", one.days_left(today),
        ]
        for one in claims.commitments
    ]  # fmt: skip
