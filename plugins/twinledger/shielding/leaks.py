"""The leak scan: figures that were found, beside the secrets of the books.

What belongs here: gathering figures and pairs from records, and asking the books which are secret. What
does not: reading places (`readers`, `databases`), and the comparison, which is sql/shielding.

Figures go to a Parquet file and are joined there with the secrets by the engine: neither side is held
in memory. See docs/decisions/0018-what-a-leak-is.md.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from itertools import combinations, groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, NamedTuple, Self

import pyarrow as pa
from pyarrow import parquet
from sqlalchemy import select

from twinledger.books import Books
from twinledger.catalog import relations
from twinledger.engine import Engine
from twinledger.lake import partition_of
from twinledger.lake.tables import BRIDGE, EXTERNAL_CHARGES, INTERNAL_CHARGES, MATCHES, MONEY, TEXT, Column, Table
from twinledger.shielding.figures import figures_in, meanings
from twinledger.shielding.readers import Record, Unread
from twinledger.store.models import Rate
from twinledger.vocabulary.periods import Period

MOST_CHANCE = 1e-4
"""A figure is a finding when fewer than one number in ten thousand of its length would be a secret of that kind."""

MOST_CHANCE_OF_A_PAIR = 1e-2
"""A pair is a finding when fewer than one scan in a hundred would hold a quotient as near to any discount by chance."""

FIGURES = Table(
    "shielding.figures",
    "finance",
    (
        Column("place", TEXT), Column("spot", TEXT), Column("text", TEXT), Column("figure", MONEY),
        Column("digits", "BIGINT"), Column("magnitude", "BIGINT"), Column("times", "BIGINT"),
    ),
    (),
)  # fmt: skip
"""One figure that was found: `digits` that it is written with, `magnitude` the power of ten it begins at."""

PERIOD_RATES = (Column("period", TEXT), Column("currency", TEXT), Column("rate", MONEY))
"""Reporting units for one unit of a currency, of every period that there is a rate for."""

_SCHEMA = pa.schema(
    [
        ("place", pa.string()), ("spot", pa.string()), ("text", pa.string()), ("figure", pa.decimal128(38, 18)),
        ("digits", pa.int64()), ("magnitude", pa.int64()), ("times", pa.int64()),
    ]
)  # fmt: skip
_KEPT = 50_000
_MOST_OF_A_RECORD = 24
_LEAST_QUOTIENT, _MOST_QUOTIENT = Decimal("0.02"), Decimal("0.995")
_MODELS = (
    "shielding/charge_figures",
    "shielding/secret_figures",
    "shielding/written_figures",
    "shielding/list_matches",
    "shielding/charged_matches",
    "shielding/leaks",
    "shielding/discounts",
)
_EXACT = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Leak:
    """One figure, or pair of figures, that tells what was paid. For finance only: it names the secret.

    `chance` is how often a number as long would be a secret of that kind by accident.
    """

    place: str
    spot: str
    text: str
    kind: str
    subject: str
    measure: str
    times: int
    chance: float


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan found, what it looked at, and what it could not read."""

    leaks: tuple[Leak, ...]
    unread: tuple[Unread, ...]
    places: int
    figures: int
    secrets: int


class Discount(NamedTuple):
    """A quotient of what is paid to the list price, and whose."""

    quotient: Decimal
    kind: str
    subject: str
    measure: str


class _Pair(NamedTuple):
    place: str
    spot: str
    smaller: Decimal
    larger: Decimal
    discount: Discount
    chance: float


@dataclass
class _Spool:
    """Figures on their way to a Parquet file; the same one of a column is counted, not repeated."""

    path: Path
    kept: dict[tuple[str, str, Decimal], list[Any]] = field(default_factory=dict)
    figures: int = 0

    def __enter__(self) -> Self:
        self._writer = parquet.ParquetWriter(self.path, _SCHEMA)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
        self._writer.close()

    def add(self, place: str, spot: str, column: str, text: str, figure: Decimal) -> None:
        self.figures += 1
        key = (place, column or spot, figure)
        if key in self.kept:
            self.kept[key][-1] += 1
            return
        where = f"{spot} {column}".strip()
        self.kept[key] = [place, where, text[:60], figure, len(figure.as_tuple().digits), figure.adjusted(), 1]
        if len(self.kept) >= _KEPT:
            self.flush()

    def flush(self) -> None:
        if self.kept:
            columns = [
                pa.array(values, type=kind)
                for values, kind in zip(zip(*self.kept.values(), strict=True), _SCHEMA.types, strict=True)
            ]
            self._writer.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA))
            self.kept.clear()


def scan(
    books: Books, found: Iterable[tuple[str, Record] | Unread], say: Callable[[str], None] = lambda _: None
) -> ScanResult:
    """Look at records for figures that only finance may know, and for pairs whose quotient is a discount.

    Args:
        books: whose secrets are looked for; the reader must be able to read what finance reads.
        found: what was read, of the audience `everyone`.
        say: is told each place when it is begun.
    """
    with TemporaryDirectory(prefix="twinledger-scan-") as folder, books.engine() as engine:
        _view_secrets(books, engine)
        gathered = _gather(found, _discounts(engine), Path(folder, "figures.parquet"), say)
        engine.view_files("figures", FIGURES, [gathered.file] if gathered.figures else [])
        leaks = [_leak(row) for row in engine.rows("leaks") if row["chance"] <= MOST_CHANCE]
        leaks += [_ratio(pair) for pair in _without_known_pairs(engine, gathered.telling())]
        secrets = int(engine.query("SELECT COUNT(*) FROM secret_figures WHERE NOT is_list")[0][0])
    ordered = sorted(leaks, key=lambda one: (one.place, one.chance, one.spot, one.text))
    return ScanResult(tuple(ordered), tuple(gathered.unread), gathered.places, gathered.figures, secrets)


@dataclass
class _Gathered:
    """What was read: the figures are in the file."""

    file: str
    pairs: list[_Pair] = field(default_factory=list)
    paired: int = 0
    """Records with pairs of figures: each is one more chance of a quotient that says nothing."""
    unread: list[Unread] = field(default_factory=list)
    places: int = 0
    figures: int = 0

    def add_pairs(self, place: str, spot: str, figures: list[Decimal], discounts: list[Discount]) -> None:
        """Look at one record's figures, two by two."""
        distinct = list(dict.fromkeys(figures))
        if 2 <= len(distinct) <= _MOST_OF_A_RECORD and discounts:  # noqa: PLR2004 - a pair
            self.paired += 1
            self.pairs += _pairs(place, spot, distinct, discounts)

    def telling(self) -> list[_Pair]:
        """The pairs that are no accident in so many records."""
        return [pair for pair in self.pairs if pair.chance * max(self.paired, 1) <= MOST_CHANCE_OF_A_PAIR]


def _gather(
    found: Iterable[tuple[str, Record] | Unread], discounts: list[Discount], file: Path, say: Callable[[str], None]
) -> _Gathered:
    gathered = _Gathered(str(file))
    with _Spool(file) as spool:
        for place, records in groupby(_read(found, gathered.unread), key=lambda one: one[0]):
            gathered.places += 1
            say(place)
            for _, record in records:
                written = list(_figures(record))
                for column, text, figure in written:
                    spool.add(place, record.spot, column, text, figure)
                gathered.add_pairs(place, record.spot, [figure for _, _, figure in written], discounts)
        gathered.figures = spool.figures
    return gathered


def _read(found: Iterable[tuple[str, Record] | Unread], unread: list[Unread]) -> Iterator[tuple[str, Record]]:
    for one in found:
        if isinstance(one, Unread):
            unread.append(one)
        else:
            yield one


def _figures(record: Record) -> Iterator[tuple[str, str, Decimal]]:
    """(column, as written, value) of every number of a record, in each way that it may be read."""
    for column, cell in record.cells:
        if isinstance(cell, bool) or cell is None:
            continue
        if isinstance(cell, Decimal | int):
            found = meanings(Decimal(cell))
        else:
            found = figures_in(cell if isinstance(cell, str) else repr(cell))
        for text, figure in found:
            yield column, text, figure


# --- what is secret ----------------------------------------------------------------------------


def view_charges(books: Books, engine: Engine, files: Sequence[str], period: Period) -> None:
    """Charges with their pools, the catalog as of a period, and every period's rates, on an engine."""
    quote = books.settings.reporting_currency
    with books.store.reading() as session:
        relations.view(engine, relations.company(session, period, books.settings))
        rates = session.scalars(select(Rate).where(Rate.kind == "period", Rate.quote == quote)).all()
    periods = {partition_of(name)["x_period"] for name in books.lake.slices(EXTERNAL_CHARGES)}
    known = [(str(Period(rate.day.year, rate.day.month)), rate.currency, rate.rate) for rate in rates]
    rows = [*known, *((one, quote, Decimal(1)) for one in sorted(periods))]
    engine.view_rows("period_rates", PERIOD_RATES, rows)
    engine.view_files("external_charges", EXTERNAL_CHARGES, files)
    for model in ("pools/charge_tags", "pools/charge_pools", "rating/tag_owners"):
        engine.view_model(model)


def _view_secrets(books: Books, engine: Engine) -> None:
    now = books.clock.now()
    view_charges(books, engine, books.lake.files(EXTERNAL_CHARGES), Period(now.year, now.month))
    for table in (BRIDGE, MATCHES, INTERNAL_CHARGES):
        engine.view_files(table.name.split(".")[1], table, books.lake.files(table))
    engine.view_rows("figures", FIGURES.columns, [])
    for model in _MODELS:
        engine.view_model(model)


def _discounts(engine: Engine) -> list[Discount]:
    """Quotients of what is paid to list prices, in order; one for each that differs in six digits."""
    found: dict[Decimal, Discount] = {}
    with localcontext(_EXACT):
        for row in engine.rows("discounts"):
            quotient = row["part"] / row["whole"]
            if _LEAST_QUOTIENT < quotient < _MOST_QUOTIENT:
                found.setdefault(round(quotient, 6), Discount(quotient, row["kind"], row["subject"], row["measure"]))
    return sorted(found.values())


# --- pairs -------------------------------------------------------------------------------------


def _pairs(place: str, spot: str, distinct: list[Decimal], discounts: list[Discount]) -> Iterator[_Pair]:
    """Pairs of a record whose quotient is a discount, as exactly as they are written."""
    with localcontext(_EXACT):
        for pair in combinations(distinct, 2):
            smaller, larger = sorted(pair)
            if not larger * _LEAST_QUOTIENT < smaller < larger * _MOST_QUOTIENT:
                continue
            quotient = smaller / larger
            slack = (_half(smaller) + quotient * _half(larger)) / larger
            low = bisect_left(discounts, quotient - slack, key=lambda one: one.quotient)
            high = bisect_right(discounts, quotient + slack, key=lambda one: one.quotient)
            if low < high and quotient not in distinct:
                tries = len(distinct) * (len(distinct) - 1) / 2
                yield _Pair(place, spot, smaller, larger, discounts[low], float(2 * slack) * len(discounts) * tries)


def _half(figure: Decimal) -> Decimal:
    """Half a unit of a figure's last digit, cents at most: what rounding may have taken."""
    return Decimal("0.5").scaleb(min(int(figure.as_tuple().exponent), -2))


def _without_known_pairs(engine: Engine, pairs: list[_Pair]) -> Iterator[_Pair]:
    """Without pairs of list figures, and of what departments are charged: these stand to each other as they like."""
    figures = dict.fromkeys(figure for pair in pairs for figure in (pair.smaller, pair.larger))
    rows = [("", "", "", figure, len(figure.as_tuple().digits), figure.adjusted(), 1) for figure in figures]
    engine.view_rows("figures", FIGURES.columns, rows)
    listed, charged = ({row["figure"] for row in engine.rows(f"{known}_matches")} for known in ("list", "charged"))
    yield from (pair for pair in pairs if not any({pair.smaller, pair.larger} <= known for known in (listed, charged)))


def _ratio(pair: _Pair) -> Leak:
    text = f"{pair.smaller} / {pair.larger}"
    discount = pair.discount
    return Leak(
        pair.place, pair.spot, text, f"ratio: {discount.kind}", discount.subject, discount.measure, 1, pair.chance
    )


def _leak(row: dict[str, Any]) -> Leak:
    measure = f"{row['measure']} in {row['unit']}"
    return Leak(
        row["place"], row["spot"], row["text"], row["kind"], row["subject"], measure, row["times"], row["chance"]
    )
