"""The variance of a period: actual and commitments against plan, department by department.

What belongs here: variance = actual + committed - plan. What does not: the forecast of the rest of the period, and
budgets of anything else (`evaluate`), and telling anybody (`alerts`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals import holding, left, moved
from twinledger.books import Books
from twinledger.budgets.drawn import draw_down
from twinledger.catalog import convert, rate_of_period, relations
from twinledger.lake.tables import INTERNAL_CHARGES
from twinledger.store.models import Budget, Department
from twinledger.vocabulary.money import Money, exact_sum
from twinledger.vocabulary.periods import Period


@dataclass(frozen=True, slots=True)
class Variance:
    """A department's position in a period, in the reporting currency; `plan` is 0 where there is no budget.

    `actual` is what its statement adds up to, `committed` what requests reserve that wait or are approved, less
    what was spent on their grants, `variance` how much both together are above the plan. `over` needs a plan.
    """

    department: str
    plan: Money
    actual: Money
    committed: Money
    variance: Money
    over: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """The position of a department that has a plan, and the products that it is charged most for, by name."""

    variance: Variance
    causes: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True)
class _Charged:
    """What the internal ledger says: totals by department, and the largest products of each."""

    totals: Mapping[str, Decimal]
    causes: Mapping[str, list[tuple[str, Decimal]]]


def check_period(books: Books, period: Period) -> list[Variance]:
    """The variance of every department of a period, after commitments were drawn down by what was spent on them.

    Raises:
        MissingRateError: a budget or commitment is in a currency that the period has no rate for.
    """
    draw_down(books, period)
    return positions(books, period)


def positions(books: Books, period: Period) -> list[Variance]:
    """As `check_period`; what was spent on grants is as it was last counted."""
    charged = _charged(books, period)
    with books.store.reading() as session:
        return _variances(session, books, period, charged)


def standings(books: Books, period: Period, until: date | None = None) -> list[Standing]:
    """As `positions`, of departments with a plan, with what they are charged most for.

    Args:
        books: the deployment.
        period: the month.
        until: the last day (UTC) whose charges count; without it, all of the month's do.

    Raises:
        MissingRateError: a budget or commitment is in a currency that the period has no rate for.
    """
    charged = _charged(books, period, until)
    with books.store.reading() as session:
        planned = _plans(session, books, period)
        found = _variances(session, books, period, charged)
    return [Standing(one, tuple(charged.causes.get(one.department, ()))) for one in found if one.department in planned]


def _variances(session: Session, books: Books, period: Period, charged: _Charged) -> list[Variance]:
    plans = _plans(session, books, period)
    committed = _committed(session, books, period)
    departments = session.scalars(select(Department.name))
    names = sorted({*departments, *charged.totals, *plans, *committed})
    return [_variance(books, name, plans, charged.totals, committed) for name in names]


def _charged(books: Books, period: Period, until: date | None = None) -> _Charged:
    files = books.lake.files(INTERNAL_CHARGES, {"period": str(period)})
    where = f"started_at < TIMESTAMP '{until + timedelta(days=1)} 00:00:00'" if until else "TRUE"
    with books.engine() as engine:
        engine.view_files("internal_charges", INTERNAL_CHARGES, files, where)
        relations.view(engine, [relations.parameters(period, books.settings)])
        engine.view_model("rating/statement_lines")
        engine.materialise("statement_lines")
        engine.view_model("budgets/department_totals")
        engine.view_model("budgets/department_causes")
        totals = {row["department"]: row["amount"] for row in engine.rows("department_totals")}
        causes = defaultdict(list)
        for row in engine.rows("department_causes"):
            causes[row["department"]].append((row["product"], row["amount"]))
    return _Charged(totals, causes)


def _plans(session: Session, books: Books, period: Period) -> dict[str, Money]:
    query = select(Budget).where(Budget.period == str(period))
    found = [(budget.department, Money(budget.amount, budget.currency)) for budget in session.scalars(query)]
    found += moved(session, str(period))
    return _summed(session, books, period, found)


def _committed(session: Session, books: Books, period: Period) -> dict[str, Money]:
    held = holding(session, str(period), books.clock.now())
    return _summed(session, books, period, [(one.department, Money(left(one), one.currency)) for one in held])


def _summed(session: Session, books: Books, period: Period, found: Iterable[tuple[str, Money]]) -> dict[str, Money]:
    """By department, in the reporting currency at the period's rate."""
    reporting = books.settings.reporting_currency
    sums: dict[str, Money] = {}
    for department, money in found:
        converted = convert(money, rate_of_period(session, period, money.currency, reporting))
        sums[department] = sums.get(department, Money(Decimal(0), reporting)) + converted
    return sums


def _variance(
    books: Books,
    name: str,
    plans: Mapping[str, Money],
    actuals: Mapping[str, Decimal],
    commitments: Mapping[str, Money],
) -> Variance:
    currency = books.settings.reporting_currency
    nothing = Money(Decimal(0), currency)
    plan, committed = plans.get(name, nothing), commitments.get(name, nothing)
    actual = Money(exact_sum([actuals.get(name, Decimal(0))]), currency)
    variance = actual + committed - plan
    return Variance(name, plan, actual, committed, variance, over=name in plans and nothing < variance)
