"""Whose a directly owned resource is, from tags as people write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from twinledger.books import Books
from twinledger.catalog import relations, view
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.pools import DEFAULT, InheritConfig, LastResortConfig, TagConfig, steps, tag_problems
from twinledger.pools.explain import ChargeName, explain_charge
from twinledger.pools.hygiene import tag_hygiene
from twinledger.pools.overview import pools_overview
from twinledger.store import Store, models
from twinledger.vocabulary.errors import MissingRateError
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
Do = Callable[..., Any]
ALL = [{"column": "ProviderName", "equals": ["v", "w"]}]
TENANTS = {"sub-data": "data"}
DEPARTMENTS = ("data", "infra", "shop")


@pytest.fixture
def tags(books: Books) -> Do:
    """Departments data (tenant sub-data), infra and shop; what tags mean."""

    def write(*configured: TagConfig) -> None:
        with books.store.transaction() as session:
            for name in DEPARTMENTS:
                tenants = [tenant for tenant, owner in TENANTS.items() if owner == name]
                session.add(models.Department(name=name, title=name, cost_centre="1", owner="ada", budget_holder="ada",
                                              channel="#c", tenants=tenants))  # fmt: skip
            for one in configured:
                said = one.model_dump(mode="json", exclude_none=True)
                session.add(models.TagKey(**{"spellings" if name == "values" else name: v for name, v in said.items()}))

    return write


DEPARTMENT = TagConfig(
    key="department",
    aliases=("dept", "Department"),
    values={"shop": ("Shop", "store")},
    inherit=(
        InheritConfig(tag="group", values={"g-1": "infra"}),
        InheritConfig(column="SubAccountId"),
        InheritConfig(column="BillingAccountId", values={"acc": "infra"}),
    ),
    last_resort=(LastResortConfig(pool="own", department="shop"), LastResortConfig(provider="w", department="data")),
)


def ways(books: Books) -> dict[str, int]:
    return {one.how: one.charges for one in tag_hygiene(books, OCTOBER).ways if one.charges}


def test_owners_are_found_by_tag_alias_inheritance_and_last_resort(books: Books, pools: Do, bill: Do, tags: Do) -> None:
    tags(DEPARTMENT)
    pools(("own", "direct", [{"column": "ServiceName", "equals": ["RDS"]}]), ("rest", "direct", ALL))
    bill([
        {"Tags": '{"department": "data"}', "ListCost": Decimal(1)},
        {"Tags": '{"department": "Shop"}', "ListCost": Decimal(2)},
        {"Tags": '{"department": "nobody", "dept": "store"}', "ListCost": Decimal(4)},
        {"Tags": '{"group": "g-1", "Department": "nobody"}', "ListCost": Decimal(8)},
        {"SubAccountId": "sub-data", "ListCost": Decimal(16)},
        {"BillingAccountId": "acc", "ListCost": Decimal(32)},
        {"ListCost": Decimal(64)},
        {"ServiceName": "Other", "ProviderName": "w", "ListCost": Decimal(128)},
        {"ServiceName": "Other", "ListCost": Decimal(256)},
    ])  # fmt: skip
    found = tag_hygiene(books, OCTOBER)
    assert [(one.how, one.charges, one.list_cost) for one in found.ways] == [
        ("own", 2, Decimal(3)),
        ("alias", 1, Decimal(4)),
        ("inherited", 3, Decimal(56)),
        ("last_resort", 2, Decimal(192)),
        ("unassigned", 1, Decimal(256)),
    ]
    assert [one.charges_percent for one in found.ways] == [
        Decimal(share) for share in ("22.2", "11.1", "33.3", "22.2", "11.1")
    ]
    assert [(one.tag, one.written, one.charges) for one in found.unknown] == [
        ("Department", "nobody", 1), ("department", "nobody", 1),
    ]  # fmt: skip


def test_without_an_entry_tags_are_read_as_they_always_were(books: Books, pools: Do, bill: Do, tags: Do) -> None:
    tags()
    pools(("own", "direct", ALL))
    bill([{"Tags": '{"user:department": "data"}'}, {"Tags": '{"department": "x"}', "SubAccountId": "sub-data"}, {}])
    assert ways(books) == {"alias": 1, "inherited": 1, "unassigned": 1}


def test_a_rule_on_a_tag_reads_aliases_spellings_and_accounts(books: Books, pools: Do, bill: Do, tags: Do) -> None:
    team = TagConfig(
        key="team", aliases=("Team",), values={"red": ("RED",)},
        inherit=(InheritConfig(column="SubAccountId", values={"s1": "red"}),),
    )  # fmt: skip
    tags(team)
    pools(("reds", "shared", [{"column": "Tags.team", "equals": ["red"]}]))
    bill([{"Tags": '{"Team": "RED"}'}, {"SubAccountId": "s1"}, {"SubAccountId": "s1", "Tags": '{"team": "blue"}'}, {}])
    assert {one.pool: one.charges for one in pools_overview(books, OCTOBER)} == {"reds": 2, "unassigned": 2}
    found = [explain_charge(books, ChargeName(row, source="bill"))[0].tried[0].rules[0] for row in (1, 2, 3, 4)]
    assert [(rule.found, rule.holds) for rule in found] == [
        ("red", True),
        ("red", True),
        ("blue", False),
        (None, False),
    ]


def test_nothing_billed_is_nothing_to_be_ashamed_of(books: Books, pools: Do, tags: Do) -> None:
    tags()
    pools(("own", "direct", ALL))
    found = tag_hygiene(books, OCTOBER)
    assert ({one.charges_percent for one in found.ways}, found.unknown) == ({None}, ())


def test_a_charge_in_a_currency_without_rate_is_refused(books: Books, pools: Do, bill: Do, tags: Do) -> None:
    tags()
    pools(("own", "direct", ALL))
    bill([{"BillingCurrency": "GBP"}])
    with pytest.raises(MissingRateError, match="GBP to USD"):
        tag_hygiene(books, OCTOBER)


words = st.sampled_from(("data", "shop", "Shop", "store", "nobody", "g-1", ""))
charges = st.fixed_dictionaries({
    "Tags": st.none() | st.dictionaries(st.sampled_from(("department", "dept", "Department", "group")), words).map(
        lambda said: "{" + ", ".join(f'"{key}": "{value}"' for key, value in said.items()) + "}"
    ),
    "SubAccountId": st.sampled_from((None, "sub-data", "other")),
    "BillingAccountId": st.sampled_from(("acc", "1")),
    "ProviderName": st.sampled_from(("v", "w")),
    "ServiceName": st.sampled_from(("RDS", "Other")),
})  # fmt: skip


def owner(charge: dict[str, Any]) -> tuple[str, str]:
    """The slow way: one place after the other, as tags.yaml reads."""
    written = json.loads(charge["Tags"] or "{}")
    meant = {"Shop": "shop", "store": "shop"}
    for key in ("department", "dept", "Department"):
        said = meant.get(written.get(key, ""), written.get(key, ""))
        if said in DEPARTMENTS:
            return said, "own" if key == "department" else "alias"
    group = {"g-1": "infra", **meant}.get(written.get("group", ""), written.get("group", ""))
    account = TENANTS.get(charge["SubAccountId"] or "") or {"acc": "infra"}.get(charge["BillingAccountId"])
    for said in (group, account):
        if said in DEPARTMENTS:
            return str(said), "inherited"
    last = "shop" if charge["ServiceName"] == "RDS" else "data" if charge["ProviderName"] == "w" else ""
    return (last, "last_resort") if last else ("unassigned", "unassigned")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(charges, min_size=1, max_size=8))
def test_every_charge_has_the_owner_that_trying_place_after_place_finds(
    books: Books, pools: Do, bill: Do, tags: Do, empty: Callable[[Store], None], charges: list[dict[str, Any]]
) -> None:
    empty(books.store)
    tags(DEPARTMENT)
    pools(("own", "direct", [{"column": "ServiceName", "equals": ["RDS"]}]), ("rest", "direct", ALL))
    bill([{**charge, "ResourceId": str(number)} for number, charge in enumerate(charges)])
    with books.engine() as engine, books.store.reading() as session:
        view(
            engine, [*relations.company(session, OCTOBER, books.settings), *relations.tag_steps(session, "department")]
        )
        engine.view_files("external_charges", EXTERNAL_CHARGES, books.lake.files(EXTERNAL_CHARGES))
        for model in ("pools/charge_tags", "pools/charge_pools"):
            engine.view_model(model)
        for model in ("rating/passed_charges", "rating/tag_owners", "rating/owned_charges"):
            engine.view_model(model)
        found = {row["resource"]: (row["department"], row["how"]) for row in engine.rows("owned_charges")}
    assert found == {str(number): owner(charge) for number, charge in enumerate(charges)}


def test_the_order_of_places_is_that_of_the_file() -> None:
    tried = [(one.number, one.how, one.place, one.name) for one in steps(DEPARTMENT, TENANTS)]
    assert tried == [
        (1, "own", "Tags", "department"), (2, "alias", "Tags", "dept"), (3, "alias", "Tags", "Department"),
        (4, "inherited", "Tags", "group"), (5, "inherited", "SubAccountId", ""),
        (6, "inherited", "BillingAccountId", ""),
    ]  # fmt: skip
    assert [one.values for one in steps(DEFAULT, TENANTS)] == [{}, {}, TENANTS]


def test_what_tags_refer_to_must_be_there() -> None:
    assert list(tag_problems([DEPARTMENT, TagConfig(key="team"), TagConfig(key="team")], ("data", "shop"), ("x",))) == [
        ("tags[0] (department).last_resort[0].pool", "no pool named 'own' in pools.yaml"),
        ("tags[0] (department)", "no department named 'infra' in departments.yaml"),
        ("tags[2] (team)", "another entry has the same key"),
    ]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"key": 'a"b'}, "pattern"),
        ({"key": "a", "aliases": ["b", "b"]}, "a key stands there twice"),
        ({"key": "a", "values": {"x": ["y"], "z": ["y"]}}, "'y' stands for two values"),
        ({"key": "a", "inherit": [{"values": {}}]}, "either tag or column"),
        ({"key": "a", "inherit": [{"column": "RegionId"}]}, "BillingAccountId"),
        ({"key": "department", "last_resort": [{"department": "x"}]}, "either pool or provider"),
        ({"key": "team", "last_resort": [{"pool": "p", "department": "x"}]}, "only department has an owner"),
    ],
)
def test_an_entry_that_says_two_things_is_refused(form: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TagConfig.model_validate(form)
