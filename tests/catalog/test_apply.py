from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from twinledger.catalog import (
    apply_config,
    convert,
    load_config,
    plan_config,
    price_at,
    rate_of_day,
    rate_of_period,
    relations,
)
from twinledger.clock import FixedClock
from twinledger.store import Store, models
from twinledger.vocabulary.errors import MissingPriceError, MissingRateError, PriceEditedError, UnknownNameError
from twinledger.vocabulary.money import Money
from twinledger.vocabulary.periods import Period

FILES = {
    "people.yaml": "people: [{name: ada, title: Ada, roles: [finance]}]",
    "departments.yaml": """
departments:
  - {name: shop, title: Shop, parent: group, cost_centre: "2", owner: ada, budget_holder: ada, channel: "#s",
     tenants: [t1]}
  - {name: group, title: Group, cost_centre: "1", owner: ada, budget_holder: ada, channel: "#g"}
""",
    "sources.yaml": "sources: [{name: feed, kind: usage, format: csv, place: in, slice: day}]",
    "pools.yaml": """
pools:
  - {name: kube, title: K, owner: ada, rules: [{column: ServiceName, equals: [EC2, EKS]}, {column: Tags.c, prefix: k}],
     capacity: [{sku: m5, meter: kube/hours, factor: "0.000000001"}], tolerance: {idle: {below: "1.00"}}}
  - {name: own, title: O, owner: ada, kind: direct, rules: [{column: ServiceName, equals: [S3]}]}
""",
    "catalog.yaml": """
products:
  - name: kube
    title: K
    description: d
    owner: ada
    pool: kube
    state: listed
    meters:
      - {name: hours, title: H, unit: h, prices: [
          {from: 2026-10-16T00:00:00Z, amount: "0.06", currency: USD},
          {from: 2026-01-01T00:00:00Z, amount: "0.05", currency: USD}]}
""",
    "budgets.yaml": "budgets: [{department: shop, period: 2026-10, amount: '100', currency: USD}]",
    "contracts.yaml": """
contracts: [{id: c1, vendor: v, sku: m5, from: 2026-01-01, unit_price: '0.04', currency: USD, clause: c}]
""",
    "rates.csv": """kind,day,currency,quote,rate,origin
period,2026-10-01,EUR,USD,1.08,ecb
day,2026-10-05,EUR,USD,1.10,ecb
""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "config"
    place.mkdir()
    for name, text in FILES.items():
        (place / name).write_text(text)
    return place


def edit(folder: Path, name: str, before: str, after: str) -> None:
    text = (folder / name).read_text()
    assert before in text
    (folder / name).write_text(text.replace(before, after))


def test_a_plan_writes_nothing_and_applying_does_what_it_said(store: Store, folder: Path, clock: FixedClock) -> None:
    planned = plan_config(store, load_config(folder))
    assert planned == plan_config(store, load_config(folder))
    assert apply_config(store, load_config(folder), clock) == planned
    assert {change.action for change in planned} == {"added"}


def test_applying_the_same_again_changes_nothing(store: Store, folder: Path, clock: FixedClock) -> None:
    apply_config(store, load_config(folder), clock)
    with store.transaction() as session:
        deeds = session.scalar(select(func.count()).select_from(models.AuditEntry))
    assert apply_config(store, load_config(folder), clock) == []
    with store.transaction() as session:
        assert session.scalar(select(func.count()).select_from(models.AuditEntry)) == deeds


def test_a_change_names_its_fields_and_no_figure(store: Store, folder: Path, clock: FixedClock) -> None:
    apply_config(store, load_config(folder), clock)
    edit(folder, "contracts.yaml", "0.04", "0.03")
    (change,) = apply_config(store, load_config(folder), clock)
    assert (change.action, change.kind, change.name, change.fields) == (
        "changed",
        "contract card",
        "c1",
        ("unit_price",),
    )


def test_a_published_price_is_never_edited(store: Store, folder: Path, clock: FixedClock) -> None:
    apply_config(store, load_config(folder), clock)
    edit(folder, "catalog.yaml", '"0.05"', '"0.04"')
    edit(folder, "people.yaml", "Ada,", "Ada L,")
    with pytest.raises(
        PriceEditedError, match=r"kube/hours .* published as 0\.05 USD, the configuration has 0\.04 USD"
    ):
        apply_config(store, load_config(folder), clock)
    with store.transaction() as session:
        assert [person.title for person in session.scalars(select(models.Person))] == ["Ada"]


def test_a_published_price_does_not_vanish(store: Store, folder: Path, clock: FixedClock) -> None:
    apply_config(store, load_config(folder), clock)
    edit(folder, "catalog.yaml", '{from: 2026-10-16T00:00:00Z, amount: "0.06", currency: USD},', "")
    with pytest.raises(PriceEditedError, match="the configuration has none"):
        plan_config(store, load_config(folder))


def test_a_driver_and_what_it_counts_are_kept_changed_and_retired(
    store: Store, folder: Path, clock: FixedClock
) -> None:
    net = (
        "  - {name: net, title: N, owner: ada, kind: allocated, rules: [{column: ServiceName, equals: [VPC]}], DRIVER}"
    )
    with (folder / "pools.yaml").open("a") as pools:
        pools.write(net.replace("DRIVER", 'driver: {kind: fixed, shares: {shop: "0.5"}, pools: {kube: "0.5"}}'))
    edit(folder, "departments.yaml", "tenants: [t1]", "tenants: [t1], headcount: 7")
    apply_config(store, load_config(folder), clock)
    assert apply_config(store, load_config(folder), clock) == []
    with store.transaction() as session:
        kept = session.get_one(models.Pool, "net").driver
        assert kept == {"kind": "fixed", "shares": {"shop": "0.5"}, "pools": {"kube": "0.5"}}
        assert session.get_one(models.Department, "shop").headcount == 7
    edit(
        folder,
        "pools.yaml",
        'driver: {kind: fixed, shares: {shop: "0.5"}, pools: {kube: "0.5"}}',
        "driver: {kind: even}",
    )
    edit(folder, "departments.yaml", ", headcount: 7", "")
    changes = apply_config(store, load_config(folder), clock)
    assert [(one.name, one.fields) for one in changes] == [("shop", ("headcount",)), ("net", ("driver",))]
    edit(folder, "pools.yaml", net.replace("DRIVER", "driver: {kind: even}"), "")
    assert [(one.action, one.name) for one in apply_config(store, load_config(folder), clock)] == [("retired", "net")]


def test_what_tags_mean_is_kept_and_read_as_steps(store: Store, folder: Path, clock: FixedClock) -> None:
    entry = "tags: [{key: department, aliases: [dept], values: {shop: [Shop]}, inherit: [{column: SubAccountId}]}]"
    (folder / "tags.yaml").write_text(entry)
    apply_config(store, load_config(folder), clock)
    assert apply_config(store, load_config(folder), clock) == []
    with store.transaction() as session:
        steps, values = relations.tag_steps(session, "department")
    # The rule on Tags.c, which no entry speaks of, is a tag of its own.
    assert [row[:5] for row in steps.rows] == [
        ("c", 1, "own", "Tags", "c"), ("department", 1, "own", "Tags", "department"),
        ("department", 2, "alias", "Tags", "dept"), ("department", 3, "inherited", "SubAccountId", ""),
    ]  # fmt: skip
    assert [row[1:] for row in values.rows] == [
        (1, "Shop", "shop"),
        (2, "Shop", "shop"),
        (3, "Shop", "shop"),
        (3, "t1", "shop"),
    ]
    (folder / "tags.yaml").unlink()
    assert [(one.action, one.kind, one.name) for one in apply_config(store, load_config(folder), clock)] == [
        ("retired", "tag", "department")
    ]


def test_pools_change_places(store: Store, folder: Path, clock: FixedClock) -> None:
    apply_config(store, load_config(folder), clock)
    lines = (folder / "pools.yaml").read_text().strip().splitlines()
    (folder / "pools.yaml").write_text("\n".join([lines[0], lines[3], lines[1], lines[2]]))
    changes = apply_config(store, load_config(folder), clock)
    assert [(change.name, change.fields) for change in changes] == [("own", ("position",)), ("kube", ("position",))]
    with store.transaction() as session:
        assert [row[0] for row in relations.pools(session).rows] == ["own", "kube"]


def test_what_is_gone_is_deleted_or_retired_where_something_refers_to_it(
    store: Store, folder: Path, clock: FixedClock
) -> None:
    apply_config(store, load_config(folder), clock)
    for name in ("catalog.yaml", "pools.yaml", "sources.yaml", "budgets.yaml", "contracts.yaml"):
        (folder / name).unlink()
    changes = apply_config(store, load_config(folder), clock)
    assert {change.action for change in changes} == {"retired"}
    with store.transaction() as session:
        assert [product.state for product in session.scalars(select(models.Product))] == ["retired"]
        assert [(pool.name, pool.rules) for pool in session.scalars(select(models.Pool))] == [("kube", [])]
        assert session.scalars(select(models.Source)).all() == []
        assert relations.pool_rules(session).rows == []
    assert apply_config(store, load_config(folder), clock) == []


def test_the_price_in_force_is_the_latest_that_has_begun(store: Store, folder: Path, clock: FixedClock) -> None:
    apply_config(store, load_config(folder), clock)
    with store.transaction() as session:
        before = price_at(session, "kube", "hours", datetime(2026, 10, 15, 23, 59, 59, tzinfo=UTC))
        after = price_at(session, "kube", "hours", datetime(2026, 10, 16, tzinfo=UTC))
        assert (before.price, after.price) == (Money(Decimal("0.05"), "USD"), Money(Decimal("0.06"), "USD"))
        with pytest.raises(MissingPriceError, match=r"kube/hours is in force at 2025"):
            price_at(session, "kube", "hours", datetime(2025, 1, 1, tzinfo=UTC))
        with pytest.raises(UnknownNameError, match="kube/hours"):
            price_at(session, "kube", "cards", datetime(2026, 1, 1, tzinfo=UTC))


def test_rates_are_named_with_their_day_and_origin(store: Store, folder: Path, clock: FixedClock) -> None:
    apply_config(store, load_config(folder), clock)
    with store.transaction() as session:
        month = rate_of_period(session, Period(2026, 10), "EUR", "USD")
        first, later = (rate_of_day(session, date(2026, 10, day), "EUR", "USD") for day in (4, 9))
        assert (month.rate, first.rate, later.rate, later.day) == (
            Decimal("1.08"),
            Decimal("1.08"),
            Decimal("1.10"),
            date(2026, 10, 5),
        )
        assert convert(Money(Decimal(2), "EUR"), month) == Money(Decimal("2.16"), "USD")
        with pytest.raises(MissingRateError, match="EUR to USD for 2026-09"):
            rate_of_period(session, Period(2026, 9), "EUR", "USD")


def test_relations_say_what_the_files_said(store: Store, folder: Path, clock: FixedClock) -> None:
    apply_config(store, load_config(folder), clock)
    with store.transaction() as session:
        assert relations.pool_rules(session).rows == [
            ("kube", 1, 1, "ServiceName", "equals", "EC2"),
            ("kube", 1, 1, "ServiceName", "equals", "EKS"),
            ("kube", 1, 2, "Tags.c", "prefix", "k"),
            ("own", 2, 1, "ServiceName", "equals", "S3"),
        ]
        assert relations.pool_capacity(session).rows == [("kube", "m5", "kube", "hours", Decimal("0.000000001"))]
        assert [(row[2], row[3], row[4]) for row in relations.prices(session).rows] == [
            (datetime(2026, 1, 1), datetime(2026, 10, 16), Decimal("0.05")),
            (datetime(2026, 10, 16), None, Decimal("0.06")),
        ]
        rates = {(row[0], row[1], row[2]): row[3] for row in relations.rates(session, Period(2026, 10), "USD").rows}
    assert rates["day", date(2026, 10, 4), "EUR"] == Decimal("1.08")
    assert rates["day", date(2026, 10, 31), "EUR"] == Decimal("1.10")
    assert rates["day", date(2026, 10, 31), "USD"] == Decimal(1)
    assert rates["period", date(2026, 10, 1), "EUR"] == Decimal("1.08")
