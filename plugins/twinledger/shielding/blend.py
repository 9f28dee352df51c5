"""A cost-recovery price, blended over contracts so that none of them can be read from it.

What belongs here: the price and the rules that refuse it. What does not: publishing it, which the
catalog does after somebody has put it there, and what contracts cost, which is sql/shielding/contract_costs.

A price is what the usage of a meter cost, over what was metered. Everybody may see it, multiply it with
any quantity that they can see, and divide it by list prices: see docs/decisions/0019-blended-prices.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from itertools import groupby
from typing import Any

from twinledger.books import Books
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES
from twinledger.shielding.leaks import view_charges
from twinledger.vocabulary.errors import BlendRefusedError, UnknownNameError
from twinledger.vocabulary.money import Money, allocate, exact_sum, round_to, smallest_unit
from twinledger.vocabulary.periods import Period

FEWEST_CONTRACTS = 3
DIGITS = 4
"""Significant digits of a price: what is finer would tell more of the cost than of the price."""

_EXACT = Context(prec=60)
_UNIT = Decimal(1).scaleb(-9)


@dataclass(frozen=True, slots=True)
class ContractCost:
    """What a meter's usage cost with one vendor that invoices, in the reporting currency."""

    contract: str
    list_cost: Decimal
    effective_cost: Decimal


@dataclass(frozen=True, slots=True)
class BlendedPrice:
    """A price that may be published: one unit of a meter in the reporting currency. It holds no cost."""

    product: str
    meter: str
    price: Money
    contracts: int


def blend(meter: str, costs: Sequence[ContractCost], quantities: Mapping[str, Decimal], currency: str) -> Decimal:
    """The cost-recovery price of a meter, to four significant digits.

    Contracts without a discount hide nobody: what they cost is known from their list prices. So they are
    not counted, and what they cost is taken off before shares are.

    Args:
        meter: its name, for sentences.
        costs: one for each vendor that invoices.
        quantities: metered units by department.
        currency: of the costs and the price.

    Raises:
        BlendRefusedError: the price would give a discount away, or there is nothing to divide. Its sentence holds
            neither the price nor a cost.
    """
    hidden = [one for one in costs if one.effective_cost > 0 and one.effective_cost != one.list_cost]
    if len(hidden) < FEWEST_CONTRACTS:
        raise BlendRefusedError(
            meter, f"it is blended over {len(hidden)} contracts with a discount, expected at least 3"
        )
    amount = exact_sum(one.effective_cost for one in hidden)
    if any(one.effective_cost * 2 > amount for one in hidden):
        raise BlendRefusedError(meter, "one contract has more than half of the amount")
    metered = exact_sum(quantities.values())
    if metered <= 0 or min(quantities.values()) < 0:
        raise BlendRefusedError(meter, "nothing of it was metered")
    with localcontext(_EXACT):
        exact = exact_sum(one.effective_cost for one in costs) / metered
        if exact <= 0:
            raise BlendRefusedError(meter, "its usage cost nothing")
        price = exact.quantize(Decimal(1).scaleb(exact.adjusted() - DIGITS + 1), ROUND_HALF_UP)
    _check_departments(meter, price, hidden, quantities, currency)
    return price


def _check_departments(
    meter: str, price: Decimal, hidden: Sequence[ContractCost], quantities: Mapping[str, Decimal], currency: str
) -> None:
    """Divided by a contract's list cost, which can be worked out, such a total is the contract's discount."""
    unit = smallest_unit(currency)
    costs = {round_to(one.effective_cost, unit) for one in hidden}
    totals = {name: round_to(price * quantity, unit) for name, quantity in quantities.items()}
    for department, total in totals.items():
        if total in costs:
            raise BlendRefusedError(meter, f"the total of {department} would be what one contract costs")


def propose(books: Books, pool: str, period: Period, meter: str) -> BlendedPrice:
    """The cost-recovery price of a meter (product/name) from a pool's bills and the usage of a period.

    Raises:
        UnknownNameError: no charge of the pool is capacity of the meter in that period.
        BlendRefusedError: the price would give a discount away.
    """
    product, _, name = meter.partition("/")
    files = books.lake.files(INTERNAL_CHARGES, {"period": str(period)})
    with books.engine() as engine:
        view_charges(books, engine, books.lake.files(EXTERNAL_CHARGES, {"x_period": str(period)}), period)
        engine.view_model("shielding/contract_costs")
        found = [row for row in engine.rows("contract_costs") if (row["pool"], row["period"]) == (pool, str(period))]
        engine.view_files("internal_charges", INTERNAL_CHARGES, files)
        used = engine.query(
            "SELECT department, SUM(quantity) FROM internal_charges "
            "WHERE product = ? AND meter = ? AND kind = 'usage' GROUP BY department",
            [product, name],
        )
    costs = _costs(found, (product, name))
    if not costs:
        known = sorted({f"{row['product']}/{row['meter']}" for row in found})
        raise UnknownNameError(f"meter that pool {pool} has capacity of in {period}", meter, known)
    currency = books.settings.reporting_currency
    price = blend(meter, costs, dict(used), currency)
    return BlendedPrice(product, name, Money(price, currency), len(costs))


def _costs(rows: Sequence[Mapping[str, Any]], meter: tuple[str, str]) -> list[ContractCost]:
    """One meter's part of what each contract's SKUs cost: by what their capacity is worth, exactly divided."""
    listed: dict[str, Decimal] = defaultdict(Decimal)
    effective: dict[str, Decimal] = defaultdict(Decimal)
    ordered = sorted(rows, key=lambda row: (row["contract"], row["sku"], row["product"], row["meter"]))
    for (contract, _), group in groupby(ordered, key=lambda row: (row["contract"], row["sku"])):
        meters = list(group)
        mine = [index for index, row in enumerate(meters) if (row["product"], row["meter"]) == meter]
        worths = [row["worth"] for row in meters]
        if not mine or not any(worths):
            continue
        for sums, name in ((listed, "list_cost"), (effective, "effective_cost")):
            sums[contract] = exact_sum((sums[contract], allocate(meters[0][name], worths, _UNIT)[mine[0]]))
    return [ContractCost(contract, listed[contract], effective[contract]) for contract in listed]
