"""Whatever the order of deliveries, looks, copies, kills and closes: the ledger ends as an obvious model says.

Deliveries are left in any order, each under the instant at which the vendor said it. In between the source is
looked at: once, by two at a time, or by a process that dies before or after one of its commits. Contents are few,
so that vendors go back to what they said before. Months are closed on whatever the ledger has by then.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.bills.bill_files import focus_csv, write_file
from tests.bills.test_invariants import close
from twinledger.bills import ingest_source
from twinledger.bills.deliveries import WHOLE
from twinledger.bills.files import open_bills
from twinledger.bills.formats import format_named
from twinledger.bills.staging import Lineage, stage
from twinledger.books import Books
from twinledger.lake import Lake, SliceWrite
from twinledger.lake.tables import EXTERNAL_CHARGES, FOCUS, Table
from twinledger.store import Store
from twinledger.store.models import Source
from twinledger.vocabulary.identities import digest, new_identity

EXAMPLES = settings(
    max_examples=int(os.environ.get("ARRIVALS", "3")),
    deadline=None,
    # Each example takes a second or so: making a failing one smaller would outlast the test's time.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
YEARS = count(2101)
"""A year for each example: a closed period stays closed."""
FIRST = datetime(2026, 10, 2, tzinfo=UTC)
Row = tuple[Any, ...]


# --- what happens ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Left:
    """One file that the vendor leaves: of which unit, what it says of each month, and when that was said.

    `charges` are (month, cost); `unit` is all, a day or a file; a whole month `covers` its days.
    """

    unit: str
    charges: tuple[tuple[int, int], ...]
    said_at: int
    covers: bool = True

    def of(self, month: int) -> list[int]:
        """The costs of one month."""
        return sorted(cost for charged, cost in self.charges if charged == month)


@dataclass(frozen=True)
class Look:
    """The source is looked at: by so many at a time, or by one that dies at its so-manieth commit."""

    together: int = 1
    dies_at: int = 0


@dataclass(frozen=True)
class Close:
    """The earliest month that is open is closed as it is."""


Step = Left | Look | Close
DAYS = ("01", "02")
MONTHS, COSTS = (10, 11), (1, 2, 3)
CHARGES = st.lists(st.tuples(st.sampled_from(MONTHS), st.sampled_from(COSTS)), max_size=3).map(tuple)
LOOKS = st.sampled_from([Look(), Look(), Look(together=2), *(Look(dies_at=commit) for commit in range(1, 9))])


@st.composite
def scripts(draw: st.DrawFn, units: Sequence[str], *, in_order: bool, closes: bool) -> list[Step]:
    """Two to five files, each looked for at any later time, if at all before the end."""
    number = draw(st.integers(2, 5))
    times = range(number) if in_order else draw(st.permutations(range(number)))
    steps: list[Step] = []
    for said_at in times:
        unit = draw(st.sampled_from(units))
        charges = draw(CHARGES)
        if unit == "final":
            steps.append(Left(WHOLE, tuple((10, cost) for _, cost in charges) or ((10, 1),), said_at))
        elif unit in DAYS:
            steps.append(Left(unit, tuple((10, cost) for _, cost in charges), said_at, covers=False))
        elif unit == WHOLE:
            steps.append(Left(WHOLE, charges or ((10, 1),), said_at))
        else:
            steps.append(Left(unit, charges, said_at, covers=False))
        steps += draw(st.lists(LOOKS, max_size=2))
        if closes and draw(st.booleans()):
            steps.append(Close())
    return steps


# --- what the ledger must be then ----------------------------------------------------------------


def model(left: Sequence[Left], month: int) -> dict[str, list[int]]:
    """The costs of a month by slice: what was said last of each unit, and of the whole month before its days."""
    whole = [one for one in left if one.covers and one.of(month)]
    if whole:
        return {WHOLE: max(whole, key=lambda one: one.said_at).of(month)}
    last: dict[str, Left] = {}
    for one in sorted(left, key=lambda one: one.said_at):
        if not one.covers:
            last[one.unit] = one
    return {unit: one.of(month) for unit, one in last.items() if one.of(month)}


# --- processes that die --------------------------------------------------------------------------


class KilledError(BaseException):
    """Nothing catches this, as nothing catches a kill."""


@dataclass
class Fate:
    """Counts commits; at one of them, before or after it, the process dies."""

    left: int = 0

    def strike(self) -> None:
        """Die if this is the one."""
        self.left -= 1
        if self.left == 0:
            raise KilledError


class MortalLake(Lake):
    """A lake whose writer may die right before or after each commit."""

    def __init__(self, database_url: str, warehouse: str, fate: Fate) -> None:
        super().__init__(database_url, warehouse)
        self.fate = fate

    def replace_all(self, table: Table, writes: Sequence[SliceWrite], gone: Sequence[str] = ()) -> bool:
        self.fate.strike()
        written = super().replace_all(table, writes, gone)
        self.fate.strike()
        return written

    def touch(self, table: Table, partition: Mapping[str, str], digest: str, version: str) -> None:
        self.fate.strike()
        super().touch(table, partition, digest, version)


class MortalStore(Store):
    """A store whose writer may die right before or after each commit."""

    def __init__(self, url: str, fate: Fate) -> None:
        super().__init__(url)
        self.fate = fate

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as session:
            yield session
            self.fate.strike()
        self.fate.strike()


# --- playing a script ----------------------------------------------------------------------------


@dataclass
class Vendor:
    """One source whose files are left and looked for as a script says."""

    books: Books
    mortal: Books
    fate: Fate
    folder: Path
    form: str
    slice: str
    year: int = field(default_factory=lambda: next(YEARS))
    name: str = field(default_factory=lambda: new_identity("source"))
    left: list[Left] = field(default_factory=list)
    closed: dict[int, list[Row]] = field(default_factory=dict)

    def start(self) -> None:
        with self.books.store.transaction() as session:
            # Every example bills the same account: here they are not to be taken for each other's doubles.
            options = {"beside": list(session.scalars(select(Source.name)))}
            place = str(self.folder / self.name)
            session.add(
                Source(name=self.name, kind="bill", format=self.form, place=place, slice=self.slice, options=options)
            )

    def play(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, Left):
                self.leave(step)
            elif isinstance(step, Close):
                self.close()
            else:
                self.look(step)
        self.look(Look())
        before = self.books.lake.states(EXTERNAL_CHARGES)
        assert [one for one in ingest_source(self.books, self.name) if one.state != "unchanged"] == []
        assert self.books.lake.states(EXTERNAL_CHARGES) == before

    def leave(self, step: Left) -> None:
        self.left.append(step)
        path = write_file(self.folder / self.name, self.key(step), SPELT[self.form](self.year, step.charges))
        said = (FIRST + timedelta(hours=step.said_at)).timestamp()
        os.utime(path, (said, said))

    def key(self, step: Left) -> str:
        """A file that adds rows is known by its name; any other delivery comes under a name of its own."""
        number = len(self.left)
        if self.form == "huawei_detail":
            covered = f"{self.year}1001-{self.year}1031" if step.covers else f"{self.year}10{step.unit}"
            return f"{number}/nimbus_PriceFactorBillDetail_{covered}.csv"
        return f"{step.unit}.csv" if self.slice == "file" else f"bill-{number}.csv"

    def look(self, step: Look) -> None:
        if step.dies_at:
            self.fate.left = step.dies_at
            with suppress(KilledError):
                ingest_source(self.mortal, self.name)
            return
        with ThreadPoolExecutor(step.together) as pool:
            looks = [pool.submit(ingest_source, self.books, self.name) for _ in range(step.together)]
            for looked in looks:
                assert {one.state for one in looked.result()} <= {"ingested", "superseded", "unchanged"}

    def close(self) -> None:
        month = next((one for one in MONTHS if one not in self.closed), None)
        if month:
            close(self.books, f"{self.year}-{month}")
            self.closed[month] = self.rows("*", f"{self.year}-{month}")

    def rows(self, columns: str, period: str = "") -> list[Row]:
        """The ledger's rows, of one period or of all, in no order that means anything."""
        partition = {"x_source": self.name} | ({"x_period": period} if period else {})
        with self.books.engine() as engine:
            engine.view_files("ledger", EXTERNAL_CHARGES, self.books.lake.files(EXTERNAL_CHARGES, partition))
            return sorted(engine.query(f"SELECT {columns} FROM ledger"), key=repr)  # noqa: S608 - columns of this test

    # --- what must hold

    def check(self) -> None:
        for month, rows in self.closed.items():
            assert self.rows("*", f"{self.year}-{month}") == rows, "a closed month changed"
        for month in MONTHS:
            expected = model(self.left, month)
            assert self.believed(month) == Counter(cost for costs in expected.values() for cost in costs)
            if month not in self.closed:
                assert self.charges(month) == self.spelt(month, expected)

    def believed(self, month: int) -> Counter[int]:
        """What all charges of a month come to, in whichever month they are booked: reversals cancel."""
        amounts = Counter[int]()
        for cost, start in self.rows('"BilledCost", "BillingPeriodStart"'):
            if (start + timedelta(hours=12)).month == month:
                amounts[abs(int(cost))] += 1 if cost > 0 else -1
        assert min(amounts.values(), default=0) >= 0
        return +amounts

    def charges(self, month: int) -> list[Row]:
        """The charges of an open month, their slice and every column of FOCUS; adjustments of others are apart."""
        rows = self.rows(f"x_restates, x_slice, {FOCUS_COLUMNS}", f"{self.year}-{month}")
        return [row[1:] for row in rows if row[0] is None]

    def spelt(self, month: int, expected: Mapping[str, Sequence[int]]) -> list[Row]:
        """The model's charges as the format spells them."""
        by_cost = self.dictionary(month) if expected else {}
        rows = [(self.named(unit), *by_cost[cost]) for unit, costs in expected.items() for cost in costs]
        return sorted(rows, key=repr)

    def dictionary(self, month: int) -> dict[int, Row]:
        """The FOCUS columns of one charge of each cost, read by themselves."""
        name = "nimbus_PriceFactorBillDetail_21011001.csv"
        folder = self.folder / new_identity("spelt")
        path = write_file(folder, name, SPELT[self.form](self.year, [(month, cost) for cost in COSTS]))
        with self.books.engine() as engine:
            lineage = Lineage(self.name, "delivery", account="nimbus")
            staged = stage(engine, open_bills(path, name, folder), format_named(self.form), lineage, folder / "staged")
            engine.view_files("spelt", EXTERNAL_CHARGES, staged.all_files)
            return {int(row[0]): row[1:] for row in engine.query(f'SELECT "BilledCost", {FOCUS_COLUMNS} FROM spelt')}  # noqa: S608 - columns of this test

    def named(self, unit: str) -> str:
        """A unit as the ledger names it."""
        if unit == WHOLE:
            return unit
        return f"day-{self.year}10{unit}" if self.slice == "day" else f"file-{digest(unit + '.csv')[:16]}"


FOCUS_COLUMNS = ", ".join(f'"{column.name}"' for column in FOCUS)


def focus(year: int, charges: Sequence[tuple[int, int]]) -> bytes:
    """A FOCUS file of charges of some months."""
    return focus_csv([
        {
            "BilledCost": str(cost), "EffectiveCost": str(cost),
            "BillingPeriodStart": f"{year}-{month}-01T00:00:00Z",
            "BillingPeriodEnd": f"{year}-{month + 1}-01T00:00:00Z",
            "ChargePeriodStart": f"{year}-{month}-03T00:00:00Z", "ChargePeriodEnd": f"{year}-{month}-04T00:00:00Z",
        }
        for month, cost in charges
    ])  # fmt: skip


def huawei(year: int, charges: Sequence[tuple[int, int]]) -> bytes:
    """A detail bill of Huawei, with the columns that its format asks for."""
    required = [column.names[0] for column in format_named("huawei_detail").columns.values() if column.required]
    amounts = "官网价", "应付金额"
    lines = []
    for month, cost in charges:
        hour = f"{year}-{month}-02 00:00:00 GMT+08:00", f"{year}-{month}-02 01:00:00 GMT+08:00"
        said = {
            "账期": f"{year}-{month}", "账号": "nimbus-cn", "账单类型": "消费-使用", "使用开始时间": hour[0],
            "使用结束时间": hour[1], "消费时间": "-".join(hour), "产品类型": "弹性云服务器", "计费模式": "按需",
            "区域编码": "cn-north-4", "资源ID": "r-1", "使用量": "1", **{f"{name}(¥)": str(cost) for name in amounts},
        }  # fmt: skip
        lines.append({**{name: "x" for name in required if name not in amounts}, **said})
    header = list(lines[0]) if lines else required
    text = "\r\n".join([",".join(header), *(",".join(line.values()) for line in lines)]) + "\r\n"
    return ("\ufeff" + text).encode()


SPELT: Mapping[str, Callable[[int, Sequence[tuple[int, int]]], bytes]] = {"focus_1_2": focus, "huawei_detail": huawei}


BACK_AND_FORTH: list[Step] = [
    Left(WHOLE, ((10, 1),), 0), Look(), Close(), Left(WHOLE, ((10, 2),), 2), Look(dies_at=3), Close(),
    Left(WHOLE, ((10, 1),), 4), Look(together=2), Left(WHOLE, ((10, 3),), 3),
]  # fmt: skip
"""A vendor goes back to what it said before the close, and what it said in between comes last."""

Played = Callable[..., None]


@pytest.fixture
def played(books: Books, tmp_path: Path) -> Iterator[Played]:
    """Plays a script with a source of its own and checks what the ledger is then."""
    fate = Fate()
    store, lake = MortalStore(books.store.url, fate), MortalLake(books.store.url, books.settings.warehouse, fate)

    def play(form: str, kind: str, steps: Sequence[Step]) -> None:
        vendor = Vendor(books, replace(books, store=store, lake=lake), fate, tmp_path, form, kind)
        vendor.start()
        vendor.play(steps)
        vendor.check()

    yield play
    lake.close()
    store.close()


# Threads share Python's list of warning filters: each would take away what the other one has set.
pytestmark = pytest.mark.filterwarnings("ignore:Delete operation did not match")


ONE_DATABASE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
"""Where the databases differ, bills of whole months show it."""


@EXAMPLES
@given(steps=scripts([WHOLE], in_order=False, closes=False))
def test_cumulative_bills_end_as_what_was_said_last_of_each_month(played: Played, steps: list[Step]) -> None:
    played("focus_1_2", "period", steps)


@ONE_DATABASE
@EXAMPLES
@given(steps=scripts(["a", "b"], in_order=True, closes=False))
def test_files_that_add_rows_end_as_what_each_of_them_says_last(played: Played, steps: list[Step]) -> None:
    played("focus_1_2", "file", steps)


@ONE_DATABASE
@EXAMPLES
@given(steps=scripts([*DAYS, "final"], in_order=False, closes=False))
def test_days_and_a_final_month_end_as_the_month_or_as_each_day_said_last(played: Played, steps: list[Step]) -> None:
    played("huawei_detail", "day", steps)


@EXAMPLES
@example(steps=BACK_AND_FORTH)
@given(steps=scripts([WHOLE], in_order=False, closes=True))
def test_a_closed_month_stays_and_with_its_adjustments_is_what_was_said_last(played: Played, steps: list[Step]) -> None:
    played("focus_1_2", "period", steps)


@ONE_DATABASE
@EXAMPLES
@given(steps=scripts([*DAYS, "final"], in_order=False, closes=True))
def test_days_after_a_close_are_adjusted_to_the_month_or_to_each_day_said_last(
    played: Played, steps: list[Step]
) -> None:
    played("huawei_detail", "day", steps)
