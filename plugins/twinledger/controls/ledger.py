"""What the external ledger says of each account, and its agreement with what others say.

What belongs here: asking the lake and the store. What does not: what agrees, which is `agreement`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from twinledger.books import Books
from twinledger.controls.agreement import Comparison, LedgerTotal, SubAccountTotal, Terms, agree
from twinledger.controls.provider import asked_sources
from twinledger.controls.totals import recorded
from twinledger.engine import Engine
from twinledger.lake import partition_of
from twinledger.lake.tables import EXTERNAL_CHARGES, TEXT, Column
from twinledger.store.models import ControlTotal
from twinledger.vocabulary.periods import Period

CONTROL_MODELS = ("controls/ledger_totals", "controls/sub_account_totals")
"""What agreement is made of, over `billed_sums`."""


class LedgerSums(NamedTuple):
    """The ledger's side of a period, by source and invoice, and by sub account."""

    accounts: tuple[LedgerTotal, ...]
    sub_accounts: tuple[SubAccountTotal, ...]


def adjustment_slices(books: Books, period: Period) -> dict[str, str]:
    """Slices of other periods that hold adjustments of a closed one, with what they were written from."""
    wanted = f"x_slice=restates-{period}"
    slices = books.lake.slices(EXTERNAL_CHARGES)
    return {name: state for name, state in sorted(slices.items()) if wanted in name.split("/")}


def view_billed(engine: Engine, files: Sequence[str], name: str) -> None:
    """The sums of data files of the external ledger as a relation; see sql/controls/billed_slices."""
    engine.view_files("external_charges", EXTERNAL_CHARGES, files)
    engine.view_model("controls/billed_slices", name)


def ledger_sums(engine: Engine, period: Period) -> LedgerSums:
    """The sums of a period over the relation `billed_sums`: its own slices, and those of its adjustments."""
    engine.view_rows("parameters", (Column("period", TEXT),), [(str(period),)])
    for model in CONTROL_MODELS:
        engine.view_model(model)
    accounts = [LedgerTotal(*(row[name] for name in LedgerTotal.__slots__)) for row in engine.rows("ledger_totals")]
    parts = [
        SubAccountTotal(*(row[name] for name in SubAccountTotal.__slots__)) for row in engine.rows("sub_account_totals")
    ]
    return LedgerSums(tuple(accounts), tuple(parts))


def adjustment_files(books: Books, period: Period) -> list[str]:
    """The data files of a period's adjustments that are booked in other periods, as they are now."""
    found = (books.lake.files(EXTERNAL_CHARGES, partition_of(name)) for name in adjustment_slices(books, period))
    return sorted({file for files in found for file in files})


def terms(books: Books, session: Session, period: Period) -> Terms:
    """Tolerances from the settings, whether the period has ended, and whom the provider is asked about."""
    controls = books.settings.controls
    units = {
        "manifest": controls.manifest_units,
        "invoice": controls.invoice_units,
        "invoice-detail": controls.invoice_detail_units,
        "cost-explorer": controls.cost_explorer_units,
    }
    over = books.clock.now() >= period.end(books.settings.timezone)
    return Terms(units, over, frozenset(one.account for one in asked_sources(session)))


def agreement(books: Books, period: Period) -> tuple[Comparison, ...]:
    """The ledger of a period beside every control total of it, as both are now. Finance only.

    Amounts are in the billing currency of each account.
    """
    with books.store.reading() as session:
        stated, judged = recorded(session, str(period)), terms(books, session, period)
    files = {*books.lake.files(EXTERNAL_CHARGES, {"x_period": str(period)}), *adjustment_files(books, period)}
    with books.engine() as engine:
        view_billed(engine, sorted(files), "billed_sums")
        sums = ledger_sums(engine, period)
    return agree(sums.accounts, sums.sub_accounts, stated, judged)


def newest_period(books: Books) -> str:
    """The newest period that the ledger or a control total speaks of; empty where there is none."""
    names = (part for name in books.lake.slices(EXTERNAL_CHARGES) for part in name.split("/"))
    periods = {part.removeprefix("x_period=") for part in names if part.startswith("x_period=")}
    with books.store.reading() as session:
        periods |= set(session.scalars(select(ControlTotal.period).distinct()))
    return max(periods, default="")


def last_recorded(session: Session) -> dict[str, datetime]:
    """When something was last recorded of each period."""
    query = select(ControlTotal.period, func.max(ControlTotal.recorded_at)).group_by(ControlTotal.period)
    return dict(session.execute(query).all())
