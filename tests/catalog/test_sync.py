from __future__ import annotations

from decimal import Decimal

import pytest

from twinledger.catalog import CompanyConfig, apply_plan, decide_plan, lapse_plan, look_at_plan, propose
from twinledger.catalog.forms import DepartmentConfig, PersonConfig, ProductConfig
from twinledger.clock import FixedClock
from twinledger.pools import PoolConfig
from twinledger.store import Store, models
from twinledger.vocabulary.errors import AlreadyDecidedError, NotAllowedStateError, NotEntitledError

FIRST = {"from": "2026-01-01T00:00:00Z", "amount": "1", "currency": "USD"}
LATER = {"from": "2026-10-16T00:00:00Z", "amount": "2", "currency": "USD"}


def config(*prices: dict[str, str], title: str = "VM") -> CompanyConfig:
    people = (PersonConfig(name="ada", title="Ada", roles=("finance",)), PersonConfig(name="bob", title="Bob"))
    department = DepartmentConfig(
        name="shop", title="Shop", cost_centre="1", owner="bob", budget_holder="bob", channel="#s", tenants=("s",)
    )
    rules = [{"column": "ServiceName", "equals": ["EC2"]}]
    pool = PoolConfig.model_validate({"name": "vm", "title": "V", "owner": "ada", "rules": rules})
    meters = [{"name": "hours", "title": "H", "unit": "h", "prices": list(prices)}]
    product = {"name": "vm", "title": title, "description": "", "owner": "ada", "pool": "vm", "state": "listed"}
    products = (ProductConfig.model_validate(product | {"meters": meters}),)
    return CompanyConfig(people=people, departments=(department,), pools=(pool,), products=products)


@pytest.fixture
def published(store: Store, clock: FixedClock) -> Store:
    """A store with the first price."""
    found = propose(store, clock, config(FIRST), "test")
    apply_plan(store, clock, config(FIRST), found.id)
    return store


def test_what_only_adds_is_approved_by_rule_and_applied(store: Store, clock: FixedClock) -> None:
    found = propose(store, clock, config(FIRST, LATER), "test")
    assert (found.state, found.decided_by) == ("approved", "rule")
    assert apply_plan(store, clock, config(FIRST, LATER), found.id) == list(found.changes)
    assert look_at_plan(store, found.id).state == "applied"
    assert propose(store, clock, config(FIRST, LATER), "test").state == "unchanged"


@pytest.mark.parametrize("changed", [config(FIRST, LATER), config(FIRST, title="Machine")], ids=["price", "title"])
def test_what_moves_something_published_waits_for_finance(
    published: Store, clock: FixedClock, changed: CompanyConfig
) -> None:
    found = propose(published, clock, changed, "test")
    assert (found.state, propose(published, clock, changed, "test")) == ("pending", found)
    with pytest.raises(NotAllowedStateError, match="is pending"):
        apply_plan(published, clock, changed, found.id)
    with pytest.raises(NotEntitledError):
        decide_plan(published, clock, found.id, "bob", "approve", "airflow")
    assert decide_plan(published, clock, found.id, "ada", "approve", "airflow").state == "approved"
    with pytest.raises(AlreadyDecidedError):
        decide_plan(published, clock, found.id, "ada", "refuse", "airflow")
    assert apply_plan(published, clock, changed, found.id) == list(found.changes)
    assert apply_plan(published, clock, changed, found.id) == [], "a process that died after applying it"


def test_what_was_agreed_to_is_applied_and_nothing_else(published: Store, clock: FixedClock) -> None:
    found = propose(published, clock, config(FIRST, LATER), "test")
    decide_plan(published, clock, found.id, "ada", "approve", "airflow")
    with pytest.raises(NotAllowedStateError, match="of another configuration"):
        apply_plan(published, clock, config(FIRST, LATER | {"amount": "3"}), found.id)
    with published.reading() as session:
        assert [price.amount for price in session.query(models.Price)] == [Decimal(1)]


def test_a_refused_plan_is_not_asked_again_and_a_lapsed_one_is(published: Store, clock: FixedClock) -> None:
    found = propose(published, clock, config(FIRST, LATER), "test")
    assert lapse_plan(published, clock, found.id).state == "lapsed"
    assert propose(published, clock, config(FIRST, LATER), "test").state == "pending"
    decide_plan(published, clock, found.id, "ada", "refuse", "airflow")
    assert lapse_plan(published, clock, found.id).state == "refused"
    assert propose(published, clock, config(FIRST, LATER), "test").state == "refused"
