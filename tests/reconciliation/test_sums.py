"""Sums kept by slice: what a run reads, and that no figure depends on what was kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.reconciliation.company import START, Charge, Internal
from tests.reconciliation.conftest import Company, rate, source
from twinledger.books import Books
from twinledger.controls import Total, record
from twinledger.engine import Engine
from twinledger.engine.duck import DuckEngine
from twinledger.lake import SliceWrite
from twinledger.lake.tables import CHARGE_DAYS, CHARGE_SUMS, EXTERNAL_CHARGES, INTERNAL_CHARGES, INTERNAL_SUMS, Table
from twinledger.reconciliation import known_reconciliation, reconcile_period, sum_slices
from twinledger.reconciliation.controlled import RULE
from twinledger.reconciliation.inputs import BRIDGE_MODELS, gather, view_ledgers
from twinledger.reconciliation.sums import view_sums
from twinledger.store import models
from twinledger.vocabulary.errors import GateFailedError, MissingRateError
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
KEPT = (CHARGE_DAYS, CHARGE_SUMS, INTERNAL_SUMS)

BOUGHT = Charge(1, resource="r1", sku_meter="m1", consumed=Decimal(10), listed=Decimal(10), effective=Decimal(8))
USED = Internal("cluster", Decimal(10), resource="r1")

Bridge = dict[tuple[str, str], tuple[Decimal, int]]


class Watched(DuckEngine):
    """The engine, and what files of the ledgers it was given."""

    given: list[tuple[str, str]]

    def view_files(self, name: str, table: Table, files: Sequence[str], where: str = "TRUE") -> None:
        self.given += [(table.name, file) for file in files]
        super().view_files(name, table, files, where)


def watched(books: Books, folder: Path) -> tuple[Books, list[tuple[str, str]]]:
    """Books whose engines write down the files that they are given."""
    given: list[tuple[str, str]] = []

    def opened() -> Watched:
        engine = Watched("512MiB", 1, str(folder / "spill"))
        engine.given = given
        return engine

    return replace(books, engine=opened), given


def read_of(given: list[tuple[str, str]], table: Table) -> set[str]:
    return {file for name, file in given if name == table.name}


def bridge_of(engine: Engine) -> Bridge:
    for model in BRIDGE_MODELS:
        engine.view_model(model)
    return {(row["pool"], row["component"]): (row["amount"], row["rows"]) for row in engine.rows("bridge")}


def from_nothing(books: Books) -> Bridge:
    """The bridge of both ledgers' rows, with nothing of what is kept."""
    with books.engine() as engine:
        view_ledgers(engine, gather(books, OCTOBER))
        return bridge_of(engine)


def reconciled(books: Books) -> Bridge:
    found = reconcile_period(books, OCTOBER)
    return {(row.pool, row.component): (row.amount, row.rows) for row in found.bridge}


def control_breaks(books: Books) -> list[Decimal]:
    return [one.amount for one in known_reconciliation(books, OCTOBER).breaks if one.rule == RULE]


def two_sources(company: Company) -> None:
    company.add(source("azure"))
    company.bill([BOUGHT])
    company.bill([replace(BOUGHT, resource="r2", source="azure")], source="azure")
    company.rate([USED])


def test_a_run_after_one_slice_changed_reads_that_slices_files_and_no_others(company: Company, tmp_path: Path) -> None:
    two_sources(company)
    stated = Total("invoice", "Vendor", "1", "2026-10", "USD", "inv-1", Decimal(16))
    with company.books.store.transaction() as session:
        record(session, company.clock, [stated], "test")
    books, given = watched(company.books, tmp_path)
    reconcile_period(books, OCTOBER)
    assert read_of(given, EXTERNAL_CHARGES) == set(books.lake.files(EXTERNAL_CHARGES))
    assert control_breaks(books) == []
    given.clear()
    company.bill([replace(BOUGHT, resource="r2", source="azure", effective=Decimal(7))], source="azure")
    assert reconciled(books) == from_nothing(company.books)
    assert read_of(given, EXTERNAL_CHARGES) == set(books.lake.files(EXTERNAL_CHARGES, {"x_source": "azure"}))
    assert control_breaks(books) == [Decimal(-1)]
    assert read_of(given, INTERNAL_CHARGES) == set()
    given.clear()
    company.rate([USED, replace(USED, resource="r2")])
    assert reconciled(books) == from_nothing(company.books)
    assert read_of(given, EXTERNAL_CHARGES) == set()
    assert read_of(given, INTERNAL_CHARGES) == set(books.lake.files(INTERNAL_CHARGES))


def test_what_was_summed_ahead_is_compared_without_reading_a_ledger(company: Company, tmp_path: Path) -> None:
    two_sources(company)
    stated = Total("invoice", "Vendor", "1", "2026-10", "USD", "inv-1", Decimal(16))
    with company.books.store.transaction() as session:
        record(session, company.clock, [stated], "test")
    books, given = watched(company.books, tmp_path)
    assert sum_slices(books, OCTOBER) > 0
    assert sum_slices(books, OCTOBER) == 0
    given.clear()
    assert reconciled(books) == from_nothing(company.books)
    assert read_of(given, EXTERNAL_CHARGES) == read_of(given, INTERNAL_CHARGES) == set()
    assert control_breaks(books) == []


def test_what_lacks_a_rate_is_left_to_the_reconciliation(company: Company) -> None:
    company.bill([replace(BOUGHT, currency="JPY")])
    company.rate([USED])
    sum_slices(company.books, OCTOBER)
    assert company.books.lake.slices(CHARGE_SUMS) == {}
    with pytest.raises(MissingRateError, match="JPY"):
        reconcile_period(company.books, OCTOBER)


def test_a_rate_of_a_day_without_charges_has_nothing_summed_again(company: Company, tmp_path: Path) -> None:
    company.add(source("azure"), rate("period", date(2026, 10, 1), "1.25"), rate("day", date(2026, 10, 1), "1.5"))
    company.bill([BOUGHT])
    company.bill([replace(BOUGHT, source="azure", currency="EUR")], source="azure")
    company.rate([USED])
    books, given = watched(company.books, tmp_path)
    reconcile_period(books, OCTOBER)
    given.clear()
    company.add(rate("day", date(2026, 10, 2), "1.6"))
    assert reconcile_period(books, OCTOBER).changed
    assert read_of(given, EXTERNAL_CHARGES) == set()
    with company.books.store.transaction() as session:
        session.query(models.Rate).filter(models.Rate.day == date(2026, 10, 1), models.Rate.kind == "day").delete()
    company.add(rate("day", date(2026, 10, 1), "1.7"))
    assert reconciled(books) == from_nothing(company.books)
    assert read_of(given, EXTERNAL_CHARGES) == set(books.lake.files(EXTERNAL_CHARGES, {"x_source": "azure"}))


def test_sums_of_a_slice_that_is_gone_are_gone(company: Company) -> None:
    two_sources(company)
    day = {"x_source": "gcp", "x_period": "2026-10", "x_slice": "2026-10-01"}
    lake = company.books.lake
    lake.replace_all(EXTERNAL_CHARGES, [SliceWrite(day, [], "a day")])
    reconcile_period(company.books, OCTOBER)
    name = "x_period=2026-10/x_slice=2026-10-01/x_source=gcp"
    assert name in lake.slices(CHARGE_SUMS)
    lake.replace_all(EXTERNAL_CHARGES, [SliceWrite({**day, "x_slice": "all"}, [], "the month", covers=True)])
    assert reconciled(company.books) == from_nothing(company.books)
    for table in (CHARGE_DAYS, CHARGE_SUMS):
        assert set(lake.slices(table)) == set(lake.slices(EXTERNAL_CHARGES))


def test_a_slice_without_charges_is_summed_once(company: Company) -> None:
    two_sources(company)
    company.bill([], source="azure")
    reconcile_period(company.books, OCTOBER)
    cuts = [company.books.lake.cut(table) for table in KEPT]
    company.tolerate("cluster", "idle", below="1")
    assert reconcile_period(company.books, OCTOBER).changed
    assert [company.books.lake.cut(table) for table in KEPT] == cuts


def test_a_run_that_another_one_overtakes_sees_its_own_slices(company: Company) -> None:
    two_sources(company)
    before, inputs = from_nothing(company.books), gather(company.books, OCTOBER)
    company.bill([replace(BOUGHT, effective=Decimal(3))])
    after = reconciled(company.books)
    with company.books.engine() as engine:
        view_sums(company.books, engine, inputs)
        assert bridge_of(engine) == before
    assert before != after == from_nothing(company.books)
    company.tolerate("cluster", "idle", below="1")
    assert reconciled(company.books) == after


def test_a_closed_period_is_summed_and_reconciled_as_it_stays(company: Company) -> None:
    two_sources(company)
    lake = company.books.lake
    for table, column in ((INTERNAL_CHARGES, "period"), (EXTERNAL_CHARGES, "x_period")):
        lake.freeze(table, column, "2026-10", lake.slices(table))
    assert reconciled(company.books) == from_nothing(company.books)


# --- any sequence ----------------------------------------------------------------------------

amounts = st.integers(-5, 50).map(Decimal)
billed = st.lists(
    st.builds(
        Charge,
        row=st.just(1),
        service=st.sampled_from(("Compute", "Network", "Storage", "Support", "Unknown")),
        resource=st.sampled_from((None, "r1", "r2")),
        sku_meter=st.sampled_from((None, "m1", "m2")),
        category=st.sampled_from(("Usage", "Usage", "Tax")),
        currency=st.sampled_from(("USD", "EUR")),
        effective=amounts,
        listed=amounts,
        consumed=st.decimals(min_value=0, max_value=9, places=11),
        started_at=st.integers(-2, 33).map(lambda day: START + timedelta(days=day)),
        team=st.sampled_from(("", "red")),
    ),
    max_size=3,
)
used = st.lists(
    st.builds(
        Internal,
        pool=st.sampled_from(("cluster", "team")),
        amount=amounts,
        resource=st.sampled_from((None, "r1", "r2")),
        department=st.sampled_from(("shop", "data")),
        late=st.booleans(),
    ),
    max_size=3,
)
Step = Callable[[Company], None]


def bill(charges: list[Charge], name: str) -> Step:
    return lambda company: company.bill([replace(one, source=name) for one in charges], source=name)


def adjust(charges: list[Charge]) -> Step:
    restating = [replace(one, restates="2026-09/d1#1") for one in charges]
    return lambda company: company.adjust(restating, "2026-09", "2026-10")


def meter(internal: list[Internal]) -> Step:
    return lambda company: company.rate(internal)


def reprice(amount: Decimal, at: datetime) -> Step:
    price = {"product": "vm", "meter": "core", "amount": amount, "currency": "USD", "effective_from": at}

    def step(company: Company) -> None:
        with company.books.store.transaction() as session:
            session.merge(models.Price(**price, recorded_at=at))

    return step


def exchange(day: date, amount: str) -> Step:
    def step(company: Company) -> None:
        with company.books.store.transaction() as session:
            session.query(models.Rate).filter(models.Rate.kind == "day", models.Rate.day == day).delete()
            session.add(rate("day", day, amount))

    return step


def map_capacity(sku: str, factor: str) -> Step:
    def step(company: Company) -> None:
        with company.books.store.transaction() as session:
            session.get_one(models.Pool, "cluster").capacity = [{"sku": sku, "meter": "vm/core", "factor": factor}]

    return step


def rule(team: str) -> Step:
    def step(company: Company) -> None:
        with company.books.store.transaction() as session:
            session.get_one(models.Pool, "team").rules = [{"column": "Tags.team", "equals": [team]}]

    return step


def die(company: Company) -> None:
    """Between the sums and the bridge: the gate stands there."""
    company.gate.stops = ("killed",)
    with pytest.raises(GateFailedError):
        reconcile_period(company.books, OCTOBER)
    company.gate.stops = ()


steps = st.one_of(
    st.builds(bill, billed, st.sampled_from(("aws", "azure"))),
    st.builds(adjust, billed),
    st.builds(meter, used),
    st.builds(reprice, st.sampled_from((Decimal("0.25"), Decimal(3))), st.just(datetime(2026, 10, 9, tzinfo=UTC))),
    st.builds(exchange, st.sampled_from((date(2026, 10, 1), date(2026, 10, 20))), st.sampled_from(("1.1", "1.3"))),
    st.builds(map_capacity, st.sampled_from(("m1", "m2")), st.sampled_from(("2", "0.333333333"))),
    st.builds(rule, st.sampled_from(("red", "blue"))),
)


@examples(3)
@given(sequence=st.lists(st.tuples(st.lists(steps, min_size=1, max_size=2), st.booleans()), min_size=2, max_size=4))
def test_whatever_changed_and_died_the_bridge_of_kept_sums_is_that_of_the_rows(
    company: Company, sequence: list[tuple[list[Step], bool]]
) -> None:
    with company.books.store.transaction() as session:
        for one in (source("azure"), rate("period", date(2026, 10, 1), "1.25"), rate("day", date(2026, 9, 1), "1.2")):
            session.merge(one)
    bill([BOUGHT], "aws")(company)
    bill([BOUGHT], "azure")(company)
    meter([USED])(company)
    for changes, dies in sequence:
        for change in changes:
            change(company)
        if dies and reconcile_is_due(company.books):
            die(company)
        assert reconciled(company.books) == from_nothing(company.books)


def reconcile_is_due(books: Books) -> bool:
    with books.store.reading() as session:
        known = {one.digest for one in session.query(models.ReconciliationRun)}
    return gather(books, OCTOBER).digest not in known
