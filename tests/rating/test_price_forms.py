"""Rating against the reference, over random catalogs and random usage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.rating.reference import PARENTS, TENANTS, Agreed, Catalog, Published, Row, Terms, Used, reference
from twinledger.books import Books
from twinledger.catalog import CompanyConfig, apply_config, relations
from twinledger.catalog.forms import AgreementConfig, DepartmentConfig, PersonConfig, ProductConfig
from twinledger.clock import FixedClock
from twinledger.engine.duck import DuckEngine
from twinledger.lake import SliceWrite
from twinledger.lake.tables import INTERNAL_CHARGES, USAGE
from twinledger.pools import PoolConfig
from twinledger.rating import RatingResult, rate_period
from twinledger.store import Store, models
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.money import plain
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings

SEPTEMBER, OCTOBER = Period(2026, 9), Period(2026, 10)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
START = datetime(2026, 10, 1, tzinfo=UTC)
RULES = [{"column": "ServiceName", "equals": ["Compute"]}]
METERS = ("flat", "core", "gib")
"""All are of product vm; `flat` has no more than amounts."""

amounts = st.decimals(min_value=0, max_value=5, places=3)
ends = st.lists(st.decimals(min_value="0.5", max_value=40, places=1), min_size=1, max_size=3, unique=True).map(sorted)
instants = st.integers(-15 * 24, 32 * 24).map(lambda hours: START + timedelta(hours=hours))
quantities = st.decimals(min_value=0, max_value=30, places=9) | st.integers(0, 12).map(Decimal)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """An amount or tiers, the first of which may be free; now and then with a minimum."""
    tiered = draw(st.booleans())
    until: list[Decimal] = draw(ends) if tiered else []
    prices = [draw(amounts) for _ in range(len(until) + 1)]
    free = draw(st.booleans())
    if until and free:
        prices[0] = Decimal(0)
    minimum = draw(st.none() | st.decimals(min_value=1, max_value=60, places=2))
    return Terms(tuple(zip([*until, None], prices, strict=True)), minimum)


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    """Each meter has a price since long ago, and changes; departments have agreements one after the other."""
    published = [Published("flat", FIRST, Terms(((None, draw(amounts)),)))]
    published += [Published("flat", at, Terms(((None, draw(amounts)),))) for at in draw(st.sets(instants, max_size=2))]
    agreed = []
    for meter in ("core", "gib"):
        published.append(Published(meter, FIRST, draw(terms())))
        published += [Published(meter, at, draw(terms())) for at in draw(st.sets(instants, max_size=2))]
        for department in draw(st.sets(st.sampled_from(sorted(PARENTS)), max_size=2)):
            edges = sorted(draw(st.sets(instants, min_size=2, max_size=4)))
            spans = list(zip(edges[::2], edges[1::2], strict=False))
            agreed += [Agreed(department, meter, begin, end, draw(terms())) for begin, end in spans]
            if draw(st.booleans()):
                agreed.append(Agreed(department, meter, edges[-1], None, draw(terms())))
    return Catalog(tuple(published), tuple(agreed))


used = st.lists(
    st.builds(
        lambda tenant, meter, resource, at, quantity, corrects: Used(
            tenant, meter, resource, at, -quantity if corrects and at < START else quantity, late=at < START
        ),
        st.sampled_from((*TENANTS, "x")),
        st.sampled_from(METERS),
        st.sampled_from((None, "r1", "r2")),
        instants.filter(lambda at: at < datetime(2026, 11, 1, tzinfo=UTC)),
        quantities,
        st.booleans(),
    ),
    max_size=14,
)
thorough = examples(60)
sparing = examples(6)


def config(catalog: Catalog, *, state: str = "listed", retired_at: datetime | None = None) -> CompanyConfig:
    """A company of one product with that catalog."""
    return CompanyConfig(
        people=(PersonConfig(name="ada", title="Ada"),),
        departments=tuple(
            DepartmentConfig(
                name=name, title=name, parent=parent, cost_centre="1", owner="ada", budget_holder="ada", channel="#x",
                tenants=tuple(tenant for tenant, of in TENANTS.items() if of == name),
            )
            for name, parent in PARENTS.items()
        ),
        pools=(PoolConfig.model_validate({"name": "shared", "title": "S", "owner": "ada", "rules": RULES}),),
        products=(
            ProductConfig.model_validate({
                "name": "vm", "title": "VM", "description": "", "owner": "ada", "pool": "shared", "state": state,
                "retired_at": retired_at,
                "meters": [
                    {"name": meter, "title": meter, "unit": "h", "prices": [
                        {"from": one.start, **written(one.terms)} for one in catalog.published if one.meter == meter
                    ]}
                    for meter in METERS
                ],
            }),
        ),
        agreements=tuple(
            AgreementConfig.model_validate(
                {"department": one.department, "meter": f"vm/{one.meter}", "from": one.start, "to": one.end}
                | written(one.terms)
            )
            for one in catalog.agreed
        ),
    )  # fmt: skip


def written(terms: Terms) -> dict[str, Any]:
    """Terms as they stand in YAML."""
    said: dict[str, Any] = {"currency": "USD", "minimum": terms.minimum and plain(terms.minimum)}
    if len(terms.tiers) == 1:
        return said | {"amount": plain(terms.tiers[0][1])}
    tiers = [{"amount": plain(amount)} | ({} if end is None else {"up_to": plain(end)}) for end, amount in terms.tiers]
    return said | {"tiers": tiers}


def usage_rows(usage: Sequence[Used], period: Period = OCTOBER) -> list[tuple[object, ...]]:
    """Records as the lake has them: one slice, whatever their day."""
    return [
        ("feed", str(period.first_day), "delivery", number, one.tenant, "vm", one.meter, one.resource, one.started_at,
         one.started_at, one.quantity, str(period), one.late, None)
        for number, one in enumerate(usage, start=1)
    ]  # fmt: skip


def record(books: Books, usage: Sequence[Used], period: Period = OCTOBER) -> None:
    """Make records the usage of a period."""
    day = str(period.first_day)
    with books.engine() as engine:
        engine.view_rows("records", USAGE.columns, usage_rows(usage, period))
        files = engine.copy("records", USAGE, books.lake.staging(USAGE))
    said = digest(repr(sorted(map(repr, usage))))
    books.lake.replace_all(USAGE, [SliceWrite({"feed": "feed", "day": day}, files, said)])


def charges(books: Books, period: Period = OCTOBER) -> Counter[Row]:
    """The internal ledger of a period as the reference gives it."""
    with books.engine() as engine:
        engine.view_files("found", INTERNAL_CHARGES, books.lake.files(INTERNAL_CHARGES, {"period": str(period)}))
        return counted(engine.rows("found"))


def counted(rows: Sequence[dict[str, Any]]) -> Counter[Row]:
    """Internal charges as the reference gives them."""
    names = ("department", "tenant", "meter", "resource", "started_at", "quantity", "price", "amount", "kind", "late")
    aware = [row | {"started_at": row["started_at"].replace(tzinfo=UTC)} for row in rows]
    return Counter(tuple(row[name] for name in names) for row in aware)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, DuckEngine]]:
    """A store and an engine without a lake, for many examples."""
    folder = tmp_path_factory.mktemp("rating")
    store = Store(f"sqlite:///{folder / 'store.db'}")
    store.upgrade()
    with DuckEngine("1GiB", 1, str(folder / "spill")) as engine:
        yield store, engine
    store.close()


@thorough
@given(catalog=catalogs(), usage=used)
def test_rating_is_what_going_record_by_record_gives(
    small: tuple[Store, DuckEngine], empty: Callable[[Store], None], catalog: Catalog, usage: list[Used]
) -> None:
    store, engine = small
    empty(store)
    apply_config(store, config(catalog), FixedClock(START))
    with store.reading() as session:
        relations.view(engine, relations.company(session, OCTOBER, Settings()))
    engine.view_rows("usage", USAGE.columns, usage_rows(usage))
    for nothing in ("direct_charges", "allocated_charges"):
        engine.view_rows(nothing, INTERNAL_CHARGES.columns, [])
    for model in ("rating/tiered_charges", "rating/minimum_charges", "rating/internal_charges"):
        engine.view_model(model)
    assert counted(engine.rows("internal_charges")) == reference(catalog, usage, START)


@sparing
@given(catalog=catalogs(), later=st.lists(st.tuples(instants, terms()), min_size=1, max_size=2), usage=used)
def test_rating_again_after_a_change_is_rating_from_scratch(
    books: Books,
    empty: Callable[[Store], None],
    catalog: Catalog,
    later: list[tuple[datetime, Terms]],
    usage: list[Used],
) -> None:
    taken = {one.start for one in catalog.published}
    added = {at: Published("core", at, new) for at, new in later if at not in taken}
    changed = replace(catalog, published=(*catalog.published, *added.values()))
    empty(books.store)
    apply_config(books.store, config(catalog), books.clock)
    record(books, usage)
    rate_period(books, OCTOBER)
    apply_config(books.store, config(changed), books.clock)
    again = rate_period(books, OCTOBER)
    assert charges(books) == reference(changed, usage, START)
    assert not rate_period(books, OCTOBER).changed
    if reference(changed, usage, START) != reference(catalog, usage, START):
        assert again.changed


# --- one change, seen by one period ------------------------------------------------------------

OCTOBER_15 = datetime(2026, 10, 15, tzinfo=UTC)
FLAT = Terms(((None, Decimal(1)),))
CHEAPER = Terms(((None, Decimal("0.5")),))
PLAIN = Catalog(tuple(Published(meter, FIRST, FLAT) for meter in METERS))
IN_SEPTEMBER = [Used("s", "core", "r", datetime(2026, 9, 5, tzinfo=UTC), Decimal(5), late=False)]
IN_OCTOBER = [
    Used("s", "core", "r", datetime(2026, 10, 5, tzinfo=UTC), Decimal(5), late=False),
    Used("d", "core", "r", datetime(2026, 10, 20, tzinfo=UTC), Decimal(5), late=False),
    Used("d", "gib", "r", datetime(2026, 10, 2, tzinfo=UTC), Decimal(5), late=False),
]


@pytest.fixture
def both_months(books: Books) -> Callable[[CompanyConfig], tuple[RatingResult, RatingResult]]:
    """Usage of September and October, rated with plain prices; applies a change and rates both again."""
    apply_config(books.store, config(PLAIN), books.clock)
    record(books, IN_SEPTEMBER, SEPTEMBER)
    record(books, IN_OCTOBER)
    for period in (SEPTEMBER, OCTOBER):
        assert rate_period(books, period).changed

    def change(changed: CompanyConfig) -> tuple[RatingResult, RatingResult]:
        apply_config(books.store, changed, books.clock)
        return rate_period(books, SEPTEMBER), rate_period(books, OCTOBER)

    return change


Change = Callable[[CompanyConfig], tuple[RatingResult, RatingResult]]


def with_price(meter: str, start: datetime, terms: Terms) -> CompanyConfig:
    return config(replace(PLAIN, published=(*PLAIN.published, Published(meter, start, terms))))


def test_a_price_rates_again_only_the_periods_whose_usage_it_meets(books: Books, both_months: Change) -> None:
    september, october = both_months(with_price("core", OCTOBER_15, CHEAPER))
    assert (september.changed, october.changed) == (False, True)
    assert sum(row[7] for row in charges(books).elements()) == Decimal("12.5")


@pytest.mark.parametrize(
    ("meter", "start"),
    [("flat", OCTOBER_15), ("gib", OCTOBER_15), ("core", datetime(2026, 11, 1, tzinfo=UTC))],
    ids=["of a meter that nobody used", "after the meter's last usage", "from the next month on"],
)
def test_a_price_that_meets_no_usage_rates_nothing_again(both_months: Change, meter: str, start: datetime) -> None:
    september, october = both_months(with_price(meter, start, CHEAPER))
    assert (september.changed, october.changed) == (False, False)


def test_an_agreement_rates_again_only_where_its_department_has_usage(both_months: Change) -> None:
    agreed = Agreed("data", "core", FIRST, None, CHEAPER)
    september, october = both_months(config(replace(PLAIN, agreed=(agreed,))))
    assert (september.changed, october.changed) == (False, True)


def test_a_closed_period_is_not_rated_again(books: Books, both_months: Change) -> None:
    with books.store.transaction() as session:
        session.add(models.PeriodState(period="2026-10", state="closed"))
    before = charges(books)
    _, october = both_months(with_price("core", OCTOBER_15, CHEAPER))
    assert (october.changed, charges(books)) == (False, before)


def test_a_draft_is_not_charged_and_needs_no_price(books: Books) -> None:
    apply_config(books.store, config(Catalog(()), state="draft"), books.clock)
    record(books, IN_OCTOBER)
    result = rate_period(books, OCTOBER)
    assert (result.stops, charges(books)) == ((), Counter())


def test_a_listed_draft_is_charged_from_its_price_on(books: Books) -> None:
    apply_config(books.store, config(PLAIN, state="draft"), books.clock)
    record(books, IN_OCTOBER)
    rate_period(books, OCTOBER)
    apply_config(books.store, config(PLAIN), books.clock)
    assert rate_period(books, OCTOBER).changed
    assert charges(books) == reference(PLAIN, IN_OCTOBER, START)


def test_a_retired_product_is_charged_until_its_retirement(books: Books, both_months: Change) -> None:
    september, october = both_months(config(PLAIN, state="retired", retired_at=OCTOBER_15))
    assert (september.changed, october.changed) == (False, True)
    assert {row[4] for row in charges(books)} == {one.started_at for one in IN_OCTOBER if one.started_at < OCTOBER_15}
