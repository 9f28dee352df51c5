"""What planted.json and expected.json say, worked out again from the written files alone."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sample.conftest import Charge, Company, Usage

Key = tuple[str, ...]
Totals = dict[Key, Decimal]
_CENT = Decimal("0.01")


def _add(rows: list[tuple[Key, Decimal]]) -> Totals:
    totals: Totals = defaultdict(Decimal)
    for key, amount in rows:
        totals[key] += amount
    return dict(totals)


def _pool(charge: Charge, pools: list[dict[str, Any]]) -> dict[str, Any]:
    values = {"SubAccountId": charge.account, "ProviderName": charge.provider, "ServiceName": charge.service}
    for pool in pools:
        if all(values[rule["column"]] in rule["equals"] for rule in pool["rules"]):
            return pool
    raise AssertionError(charge)


class _Books:
    """Both ledgers and the bridge in plain Python, over the files and the configuration."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.pools = company.config("pools")["pools"]
        self.departments = {
            tenant: one["name"] for one in company.config("departments")["departments"] for tenant in one["tenants"]
        }
        with (company.folder / "config" / "rates.csv").open(newline="") as file:
            self.rates = {
                (row["kind"], row["currency"], row["day"]): Decimal(row["rate"]) for row in csv.DictReader(file)
            }
        self.prices = {
            f"{product['name']}/{meter['name']}": meter["prices"]
            for product in company.config("catalog")["products"]
            for meter in product["meters"]
        }
        self.metered = _add([((one.day[:7], one.product, one.resource), self._worth(one)) for one in company.usage])

    def rate(self, kind: str, charge: Charge) -> Decimal:
        if charge.currency == "USD":
            return Decimal(1)
        return self.rates[kind, charge.currency, charge.day if kind == "day" else charge.day[:8] + "01"]

    def price(self, meter: str, day: str) -> Decimal:
        instant = datetime.fromisoformat(day).replace(tzinfo=UTC)
        return Decimal(str([one["amount"] for one in self.prices[meter] if one["from"] <= instant][-1]))

    def _worth(self, record: Usage) -> Decimal:
        return record.quantity * self.price(f"{record.product}/{record.meter}", record.day)

    def capacity(self, pool: dict[str, Any], charge: Charge) -> Decimal | None:
        maps = [one for one in pool.get("capacity", ()) if one["sku"] == charge.sku]
        if not maps:
            return None
        return sum(
            (charge.quantity * Decimal(one["factor"]) * self.price(one["meter"], charge.day) for one in maps),
            Decimal(0),
        )

    def statements(self) -> Totals:
        """By period, pool, department, product and meter, unrounded."""
        used = [
            ((one.day[:7], one.product, self.departments[one.tenant], one.product, one.meter), self._worth(one))
            for one in self.company.usage
        ]
        direct = [
            (
                (one.period, "direct", self.departments[one.tenant], "direct", one.service),
                one.listed * self.rate("period", one),
            )
            for one in self.company.final()
            if _pool(one, self.pools)["name"] == "direct"
        ]
        return _add([*used, *direct])

    def bridge(self) -> Totals:
        """By period, pool and component, without rounding; components of 0 are left out."""
        found: list[tuple[Key, Decimal]] = []
        by_resource: dict[Key, Decimal] = defaultdict(Decimal)
        for one in self.company.final():
            pool = _pool(one, self.pools)
            place = (one.period, str(pool["name"]))
            rate = self.rate("period", one)
            found.append(((*place, "currency"), -one.effective * (self.rate("day", one) - rate)))
            value = self.capacity(pool, one)
            if one.line_type in {"Tax", "SavingsPlanRecurringFee"}:
                found.append(((*place, "non_usage"), -one.effective * rate))
            elif pool["kind"] == "direct":
                found.append(((*place, "discount_kept"), (one.listed - one.effective) * rate))
            elif value is None:
                found.append(((*place, "unexplained"), -one.effective * rate))
            else:
                found.append(((*place, "discount_kept"), (one.listed - one.effective) * rate))
                found.append(((*place, "pricing"), value - one.listed * rate))
                by_resource[*place, one.resource] += value
        for (period, pool_name, resource), value in by_resource.items():
            metered = self.metered.get((period, pool_name, resource))
            name = "unmetered" if metered is None else "idle"
            found.append(((period, pool_name, name), (metered or Decimal(0)) - value))
        unbilled = set(self.metered) - set(by_resource)
        found += [((period, pool, "unbilled"), self.metered[period, pool, name]) for period, pool, name in unbilled]
        return {key: amount for key, amount in _add(found).items() if amount}


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)


def test_rows_and_billed_totals_of_every_delivery_are_as_listed(nimbus: Company) -> None:
    totals = _add([((one.source, one.period, one.delivered), one.billed) for one in nimbus.charges])
    rows = _add([((one.source, one.period, one.delivered), Decimal(1)) for one in nimbus.charges])
    written = sorted((source, period, int(rows[key]), totals[key]) for key in rows for source, period, _ in [key])

    listed = sorted(
        (one["source"], one["period"], one["rows"], Decimal(one["billed_cost"])) for one in nimbus.expected["ledger"]
    )
    assert written == listed
    assert len(written) == 7


def test_every_cost_is_rate_times_quantity_to_the_last_decimal(nimbus: Company) -> None:
    rated = [one for one in nimbus.charges if one.rate]

    assert len(rated) > 1000
    assert all(one.billed == one.rate * one.quantity for one in rated)
    assert all(one.listed == one.list_rate * one.quantity for one in rated)


def test_what_the_files_say_is_the_bridge_that_is_expected(nimbus: Company) -> None:
    expected = {
        (one["period"], one["pool"], one["component"]): Decimal(one["amount"])
        for one in nimbus.expected["pools"]
        if one["component"] != "rounding"
    }

    assert _Books(nimbus).bridge() == expected


def test_beside_what_was_planted_only_discounts_and_rounding_remain(nimbus: Company) -> None:
    planted = {
        (one["period"], one["pool"], one["component"]): Decimal(one["amount"])
        for one in nimbus.facts
        if "component" in one
    }
    expected = {
        (one["period"], one["pool"], one["component"]): Decimal(one["amount"])
        for one in nimbus.expected["pools"]
        if one["component"] not in {"discount_kept", "rounding"}
    }

    assert planted == expected
    assert {component for _, _, component in planted} == {"unmetered", "non_usage", "pricing", "currency"}


def test_statements_and_department_totals_are_as_listed(nimbus: Company) -> None:
    statements = _Books(nimbus).statements()
    listed = {
        (one["period"], one["pool"], one["department"], one["product"], one["meter"]): one
        for one in nimbus.expected["statements"]
    }

    assert {key: Decimal(one["amount_exact"]) for key, one in listed.items()} == statements
    assert all(Decimal(one["amount"]) == _cents(statements[key]) for key, one in listed.items())
    actual = _add([((key[2], key[0]), _cents(amount)) for key, amount in statements.items()])
    assert actual == {
        (one["department"], one["period"]): Decimal(one["actual"]) for one in nimbus.expected["departments"]
    }


def test_rounding_is_what_statements_and_charges_differ_by(nimbus: Company) -> None:
    statements = _Books(nimbus).statements()
    rounding = _add([((key[0], key[1]), _cents(amount) - amount) for key, amount in statements.items()])

    assert {key: amount for key, amount in rounding.items() if amount} == {
        (one["period"], one["pool"]): Decimal(one["amount"])
        for one in nimbus.expected["pools"]
        if one["component"] == "rounding"
    }


def test_the_unmetered_cluster_is_billed_and_in_no_feed(nimbus: Company) -> None:
    resources = set(nimbus.fact("unmetered_cluster")["resources"])

    assert resources <= {one.resource for one in nimbus.final() if one.period == "2026-10"}
    assert not resources & {one.resource for one in nimbus.usage}


def test_the_overcharge_is_every_line_above_its_contract_card_and_no_other(nimbus: Company) -> None:
    cards = {
        (one["vendor"], one["sku"], one["region"]): Decimal(one["unit_price"])
        for one in nimbus.config("contracts")["contracts"]
    }
    audited = [one for one in nimbus.final() if (one.provider, one.sku, one.region) in cards and one.resource]
    above = [
        (one.resource, one.day, one.quantity, one.rate, cards[one.provider, one.sku, one.region])
        for one in audited
        if one.rate > cards[one.provider, one.sku, one.region]
    ]
    fact = nimbus.fact("overcharged_rate")

    assert len(audited) > 500
    assert sorted(above) == [
        (one["resource"], one["day"], Decimal(one["quantity"]), Decimal(one["billed"]), Decimal(one["agreed"]))
        for one in fact["lines"]
    ]
    assert sum((agreed - billed) * quantity for _, _, quantity, billed, agreed in above) == Decimal(fact["amount"])


def test_the_restated_month_differs_by_the_listed_amount_and_in_nothing_else(nimbus: Company) -> None:
    month = [one for one in nimbus.charges if (one.source, one.period) == ("aws", "2026-09")]
    first, last = sorted({one.delivered for one in month})
    before, after = ([one for one in month if one.delivered == name] for name in (first, last))
    fact = nimbus.fact("restated_month")

    assert [(one.resource, one.day, one.quantity) for one in before] == [
        (one.resource, one.day, one.quantity) for one in after
    ]
    assert sum(one.billed for one in before) == Decimal(fact["old"])
    assert sum(one.billed for one in after) == Decimal(fact["new"])
    assert Decimal(fact["new"]) - Decimal(fact["old"]) == Decimal(fact["amount"]) < 0


def test_one_department_is_over_its_budget_and_the_others_are_not(nimbus: Company) -> None:
    plans = {(one["department"], one["period"]): Decimal(one["amount"]) for one in nimbus.config("budgets")["budgets"]}
    actuals = {(one["department"], one["period"]): Decimal(one["actual"]) for one in nimbus.expected["departments"]}
    fact = nimbus.fact("over_budget")

    over = {key: actuals[key] - plans[key] for key in actuals if actuals[key] > plans[key]}
    assert over == {("data-science", "2026-10"): Decimal(fact["amount"])}
    assert len(plans) == len(actuals) == 10
