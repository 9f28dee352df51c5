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

from twinledger.sample import company
from twinledger.sample.bills import Delivery
from twinledger.sample.fleet import USAGE, Line
from twinledger.sample.vendors import BILLS_BY_NAME, LINES, aws
from twinledger.vocabulary.money import plain, round_to, smallest_unit
from twinledger.vocabulary.periods import Period

Sums = Sequence[dict[str, Any]]
Fact = dict[str, Any]

_EXACT = Context(prec=120)
_ZERO = Decimal(0)
_UNIT = smallest_unit(company.REPORTING)
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Handed:
    """A delivery and the sums of its charges."""

    delivery: Delivery
    billed: Sums

    @property
    def place(self) -> tuple[str, Period]:
        """The source and the period that it is of."""
        return self.delivery.bill.name, self.delivery.period


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


def build(used: Sequence[tuple[Period, Sums]], handed: Sequence[Handed]) -> Planted:
    """Work out everything from the sums of what was metered in each period, and of what was delivered."""
    with localcontext(_EXACT):
        months = [Month(period, _kept(handed, period), sums) for period, sums in used]
        statements = [line for month in months for line in _statements(month)]
        departments = list(_departments(statements))
        pools = [row for month in months for row in _pools(month, statements)]
        totals = list(ledger(handed))
        machines = _machine_facts() if any(one.delivery.bill.name == aws.LEGACY for one in handed) else ()
        facts = [*machines, *_moving_facts(pools), *_restated(handed), *_over_budget(departments)]
        return Planted(facts, totals, pools, [_told(one) for one in statements], [_told(one) for one in departments])


def _kept(handed: Sequence[Handed], period: Period) -> list[dict[str, Any]]:
    """The sums that stay in the ledger."""
    kept = (one for one in handed if one.delivery.period == period and not one.delivery.superseded)
    return [row for one in kept for row in one.billed]


def _billed(handed: Sequence[Handed]) -> Decimal:
    return sum((row["billed"] for one in handed for row in one.billed), _ZERO)


def _told(row: Fact) -> Fact:
    """A row with its decimals as text."""
    return {key: plain(value) if isinstance(value, Decimal) else value for key, value in row.items()}


# --- rates and prices ------------------------------------------------------------------------


def _currency(line: Line) -> str:
    return BILLS_BY_NAME[line.bill].currency


def _period_rate(line: Line) -> Decimal:
    return company.period_rate(_currency(line))


def _booked_rate(line: Line, period: Period, *, second_half: bool) -> Decimal:
    return company.booked_rate(_currency(line), company.day_of(period, company.CHANGE_DAY if second_half else 1))


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
        line = LINES[row["line"]]
        if line.pool == "direct" and line.kind in USAGE:
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
    if line.kind not in USAGE:
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
        line = LINES[row["line"]]
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


def ledger(handed: Sequence[Handed]) -> Iterator[Fact]:
    """Rows and totals of what stays in the ledger, by source and period, and of each superseded delivery."""
    for place in dict.fromkeys(one.place for one in handed):
        own = [one for one in handed if one.place == place]
        kept = [one for one in own if not one.delivery.superseded]
        for several in (*([one] for one in own if one.delivery.superseded), kept):
            last = several[-1].delivery
            yield {
                "source": last.bill.name,
                "period": str(last.period),
                "rows": sum(one.delivery.rows for one in several),
                "billed_cost": plain(_billed(several)),
                "currency": last.bill.currency,
                "delivered": last.stamp,
                "superseded": last.superseded,
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
    cluster = aws.UNMETERED
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
    yield _fact("tax", last, -aws.TAX.billed_rate, "VAT", pool=aws.TAX.pool, component="non_usage", rows=1)
    yield _overcharge()


def _overcharge() -> Fact:
    line, last = aws.OVERCHARGED, company.LAST_PERIOD
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
    return _fact("overcharged_rate", last, amount * len(lines), aws.P4D.card, **more, lines=lines)


def _moving_facts(pools: Sequence[Fact]) -> Iterator[Fact]:
    """Facts whose amount grows with the company: the price of a card, the rate of the euro, charges beside usage."""
    names = {
        "pricing": ("price_change", "gpu/card-hours"),
        "currency": ("booked_rate", "EUR"),
        "non_usage": ("other_charges", "purchases, taxes, refunds and credits"),
    }
    for row in pools:
        if row["component"] in names and (row["component"], row["pool"]) != ("non_usage", aws.TAX.pool):
            name, subject = names[row["component"]]
            period, amount = Period.parse(row["period"]), Decimal(row["amount"])
            yield _fact(name, period, amount, subject, pool=row["pool"], component=row["component"])


def _restated(handed: Sequence[Handed]) -> Iterator[Fact]:
    """Months whose first total was another one: new less old, in the reporting currency."""
    for early in handed:
        if early.delivery.preliminary:
            kept = [one for one in handed if one.place == early.place and not one.delivery.superseded]
            old, new = _billed([early]), _billed(kept)
            bill = early.delivery.bill
            amount = (new - old) * company.period_rate(bill.currency)
            more = {"rule": "restated", "source": bill.name, "old": plain(old), "new": plain(new)}
            yield _fact("restated_month", early.delivery.period, amount, bill.name, **more)


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
