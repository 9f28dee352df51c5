"""What was planted, and everything else that a reconciliation of the sample must find.

What belongs here: amounts worked out from the fleet's own prices and the sums of what was generated,
in exact decimals. What does not: the product's SQL; agreeing with it is what tests are for.

All amounts are in the reporting currency unless a `currency` says otherwise. Sums of billed rows are
by line, tenant and half of the month; sums of used rows also by meter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from decimal import ROUND_DOWN, Context, Decimal, localcontext
from typing import Any

from twinledger.sample import company, fleet
from twinledger.sample.bills import Delivery
from twinledger.sample.fleet import Line
from twinledger.vocabulary.money import plain, round_to, smallest_unit
from twinledger.vocabulary.periods import Period

Sums = Sequence[dict[str, Any]]
Fact = dict[str, Any]

_EXACT = Context(prec=120)
_ZERO = Decimal(0)
_UNIT = smallest_unit(company.REPORTING)
_LINES = {line.name: line for line in fleet.LINES}
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Month:
    """Sums over one period: `billed` over its bills as they are in the end, `used` over its metering."""

    period: Period
    billed: Sums
    used: Sums


@dataclass(frozen=True)
class Planted:
    """What was planted (`facts`) and what both ledgers must hold (the rest), as written to disk."""

    facts: list[Fact] = field(default_factory=list)
    ledger: list[Fact] = field(default_factory=list)  # source and period: rows, billed cost
    pools: list[Fact] = field(default_factory=list)  # pool and period: components that are not 0
    statements: list[Fact] = field(default_factory=list)  # period, pool, department, product, meter
    departments: list[Fact] = field(default_factory=list)  # department and period: actual and plan

    def expected(self) -> dict[str, list[Fact]]:
        """All but the planted facts, by name."""
        everything = asdict(self)
        del everything["facts"]
        return everything


def build(months: Sequence[Month], deliveries: Sequence[Delivery]) -> Planted:
    """Work out everything from the months' sums and what was delivered."""
    with localcontext(_EXACT):
        statements = [line for month in months for line in _statements(month)]
        departments = list(_departments(statements))
        pools = [row for month in months for row in _pools(month, statements)]
        ledger = list(_ledger(months, deliveries))
        facts = [*_machine_facts(), *_moving_facts(pools), *_restated(ledger), *_over_budget(departments)]
        return Planted(facts, ledger, pools, [_told(one) for one in statements], [_told(one) for one in departments])


def _told(row: Fact) -> Fact:
    """A row with its decimals as text."""
    return {key: plain(value) if isinstance(value, Decimal) else value for key, value in row.items()}


# --- rates and prices ------------------------------------------------------------------------


def _currency(line: Line) -> str:
    return fleet.CURRENCIES[line.vendor]


def _period_rate(line: Line) -> Decimal:
    return Decimal(1) if _currency(line) == company.REPORTING else company.PLANNING_RATE


def _booked_rate(line: Line, period: Period, *, second_half: bool) -> Decimal:
    if _currency(line) != company.REPORTING and second_half and period == company.LAST_PERIOD:
        return company.BOOKED_RATE
    return _period_rate(line)


def _price(product: str, meter: str, period: Period, *, second_half: bool) -> Decimal:
    if (product, meter) == ("gpu", "card-hours") and second_half and period == company.LAST_PERIOD:
        return company.CARD_PRICE_AFTER
    return company.PRICES[product, meter]


def _value(line: Line, quantity: Decimal, period: Period, *, second_half: bool) -> Decimal:
    """Capacity of one line at internal prices."""
    prices = (factor * _price(line.pool, meter, period, second_half=second_half) for meter, factor in line.meters)
    return sum((quantity * price for price in prices), _ZERO)


# --- the internal ledger ---------------------------------------------------------------------


def _statements(month: Month) -> list[Fact]:
    exact: dict[tuple[str, str, str, str], Decimal] = defaultdict(Decimal)
    for row in month.used:
        price = _price(row["product"], row["meter"], month.period, second_half=row["is_second_half"])
        exact[row["product"], row["department"], row["product"], row["meter"]] += row["quantity"] * price
    for row in month.billed:
        line = _LINES[row["line"]]
        if line.pool == "direct":
            exact["direct", row["department"], "direct", line.service] += row["listed"] * _period_rate(line)
    return [
        {
            "period": str(month.period),
            "pool": pool,
            "department": department,
            "product": product,
            "meter": meter,
            "amount_exact": amount,
            "amount": round_to(amount, _UNIT),
        }
        for (pool, department, product, meter), amount in sorted(exact.items())
    ]


def _departments(statements: Sequence[Fact]) -> Iterator[Fact]:
    """Actuals, and a plan that every department keeps but one in the last month."""
    for period, department in sorted({(one["period"], one["department"]) for one in statements}):
        own = [one for one in statements if (one["period"], one["department"]) == (period, department)]
        actual = sum((one["amount"] for one in own), _ZERO)
        over = (department, period) == (company.OVER_BUDGET, str(company.LAST_PERIOD))
        share = Decimal("0.8") if over else Decimal("1.15")
        plan = (actual * share / _HUNDRED).quantize(Decimal(1), ROUND_DOWN) * _HUNDRED + (0 if over else _HUNDRED)
        yield {
            "department": department,
            "period": period,
            "actual_exact": sum((one["amount_exact"] for one in own), _ZERO),
            "actual": actual,
            "plan": plan,
            "currency": company.REPORTING,
        }


# --- the bridge ------------------------------------------------------------------------------


def _charge_components(row: Fact, line: Line, period: Period) -> Iterator[tuple[str, Decimal]]:
    """What the charges of one sum contribute to the bridge of their pool."""
    half: bool = row["is_second_half"]
    rate = _period_rate(line)
    yield "currency", -row["effective"] * (_booked_rate(line, period, second_half=half) - rate)
    if line.kind in {"tax", "fee"}:
        yield "non_usage", -row["effective"] * rate
    elif line.pool == "direct":
        yield "discount_kept", (row["listed"] - row["effective"]) * rate
    elif line.meters:
        value = _value(line, row["quantity"], period, second_half=half)
        yield "discount_kept", (row["listed"] - row["effective"]) * rate
        yield "pricing", value - row["listed"] * rate
        yield "unmetered", _ZERO if line.feed else -value
    else:
        yield "unexplained", -row["effective"] * rate


def _pools(month: Month, statements: Sequence[Fact]) -> list[Fact]:
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in month.billed:
        line = _LINES[row["line"]]
        for component, amount in _charge_components(row, line, month.period):
            found[line.pool, component] += amount
    for one in statements:
        if one["period"] == str(month.period):
            found[one["pool"], "rounding"] += one["amount"] - one["amount_exact"]
    return [
        {
            "pool": pool,
            "period": str(month.period),
            "component": component,
            "amount": plain(amount),
            "currency": company.REPORTING,
        }
        for (pool, component), amount in sorted(found.items())
        if amount
    ]


def _ledger(months: Sequence[Month], deliveries: Sequence[Delivery]) -> Iterator[Fact]:
    """Rows and totals of each delivery; only the last of a period stays in the ledger."""
    totals: dict[tuple[str, Period], Decimal] = defaultdict(Decimal)
    for month in months:
        for row in month.billed:
            totals[_LINES[row["line"]].vendor, month.period] += row["billed"]
    for delivery in deliveries:
        total = totals[delivery.vendor, delivery.period]
        if delivery.preliminary:
            total += _later_saving(delivery.period)
        yield {
            "source": delivery.vendor,
            "period": str(delivery.period),
            "rows": delivery.rows,
            "billed_cost": plain(total),
            "currency": fleet.CURRENCIES[delivery.vendor],
            "superseded": delivery.preliminary,
        }


# --- the facts -------------------------------------------------------------------------------


def _resource(line: Line, number: int) -> str:
    return f"{line.prefix}{number:08d}"


def _fact(name: str, period: Period, amount: Decimal, subject: str, **more: object) -> Fact:
    common = {"fact": name, "period": str(period), "amount": plain(amount), "currency": company.REPORTING}
    return {**common, "subject": subject, **more}


def _machine_facts() -> Iterator[Fact]:
    """Facts of machines that run around the clock: closed formulas, the same at every scale."""
    last = company.LAST_PERIOD
    cluster = fleet.UNMETERED
    names = [_resource(cluster, number) for number in range(cluster.resources)]
    quantity = Decimal(cluster.resources * 24 * last.days)
    value = _value(cluster, quantity, last, second_half=False)
    yield _fact(
        "unmetered_cluster",
        last,
        -value,
        "legacy-batch",
        pool=cluster.pool,
        component="unmetered",
        resources=names,
        rows=cluster.resources * last.days,
    )
    yield _fact("tax", last, -fleet.TAX.billed_rate, "VAT", pool=fleet.TAX.pool, component="non_usage", rows=1)
    yield _overcharge()


def _overcharge() -> Fact:
    line, last = fleet.OVERCHARGED, company.LAST_PERIOD
    billed, agreed = line.wrong_rate or _ZERO, line.billed_rate
    first_day, last_day = (company.day_of(last, day) for day in line.wrong_days)
    amount = (agreed - billed) * 24
    lines = [
        {
            "resource": _resource(line, 0),
            "day": (first_day + timedelta(days=number)).isoformat(),
            "quantity": "24",
            "billed": plain(billed),
            "agreed": plain(agreed),
            "amount": plain(amount),
        }
        for number in range((last_day - first_day).days + 1)
    ]
    more = {"pool": line.pool, "rule": "overcharge", "vendor": "AWS", "sku": line.sku, "resource": _resource(line, 0)}
    return _fact("overcharged_rate", last, amount * len(lines), fleet.card_of(fleet.P4D), **more, lines=lines)


def _moving_facts(pools: Sequence[Fact]) -> Iterator[Fact]:
    """Facts whose amount grows with the company: the price of a card, the rate of the euro."""
    names = {"pricing": ("price_change", "gpu/card-hours"), "currency": ("booked_rate", "EUR")}
    for row in pools:
        if row["component"] in names:
            name, subject = names[row["component"]]
            period, amount = Period.parse(row["period"]), Decimal(row["amount"])
            yield _fact(name, period, amount, subject, pool=row["pool"], component=row["component"])


def _later_saving(period: Period) -> Decimal:
    """What AWS billed too much at first for the nodes whose private price came late."""
    line = fleet.RESTATED
    early = line.early_rate or _ZERO
    return (early - line.billed_rate) * line.resources * 24 * period.days


def _restated(ledger: Sequence[Fact]) -> Iterator[Fact]:
    for old in ledger:
        if old["superseded"]:
            new = next(
                one
                for one in ledger
                if (one["source"], one["period"]) == (old["source"], old["period"]) and not one["superseded"]
            )
            difference = Decimal(new["billed_cost"]) - Decimal(old["billed_cost"])
            more = {"rule": "restated", "source": old["source"], "old": old["billed_cost"], "new": new["billed_cost"]}
            yield _fact("restated_month", Period.parse(old["period"]), difference, str(old["source"]), **more)


def _over_budget(departments: Sequence[Fact]) -> Iterator[Fact]:
    for row in departments:
        if row["actual"] > row["plan"]:
            yield _fact(
                "over_budget",
                Period.parse(row["period"]),
                row["actual"] - row["plan"],
                row["department"],
                department=row["department"],
                actual=plain(row["actual"]),
                plan=plain(row["plan"]),
            )
