"""The variance of a period: actual and commitments against plan, department by department.

What belongs here: variance = actual + committed - plan, and telling a department that it is over. What
does not: the forecast of the rest of the period (`outlook`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals import holding, left, moved
from twinledger.books import Books
from twinledger.budgets.drawn import draw_down
from twinledger.catalog import convert, rate_of_period, relations
from twinledger.lake.tables import INTERNAL_CHARGES
from twinledger.outbox import Message, enqueue
from twinledger.store.models import Budget, Department, Product
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.money import Money, exact_sum, plain
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
class _Charged:
    """What the internal ledger says: totals by department, and the largest products of each."""

    totals: Mapping[str, Decimal]
    causes: Mapping[str, list[tuple[str, Decimal]]]


def check_period(books: Books, period: Period) -> list[Variance]:
    """The variance of every department of a period; those over their plan are told so, once for each position.

    Raises:
        MissingRateError: a budget or commitment is in a currency that the period has no rate for.
    """
    draw_down(books, period)
    charged = _charged(books, period)
    with books.store.transaction() as session:
        variances = _variances(session, books, period, charged)
        departments = {one.name: one for one in session.scalars(select(Department))}
        titles = {one.name: one.title for one in session.scalars(select(Product))}
        for variance in variances:
            department = departments.get(variance.department)
            if department is not None and variance.over:
                facts = _facts(period, department, variance, charged, titles)
                _tell(session, books, department, facts)
    return variances


def positions(books: Books, period: Period) -> list[Variance]:
    """As `check_period`, and nobody is told; what was spent on grants is as it was last counted."""
    charged = _charged(books, period)
    with books.store.reading() as session:
        return _variances(session, books, period, charged)


def _variances(session: Session, books: Books, period: Period, charged: _Charged) -> list[Variance]:
    plans = _plans(session, books, period)
    committed = _committed(session, books, period)
    departments = session.scalars(select(Department.name))
    names = sorted({*departments, *charged.totals, *plans, *committed})
    return [_variance(books, name, plans, charged.totals, committed) for name in names]


def _charged(books: Books, period: Period) -> _Charged:
    files = books.lake.files(INTERNAL_CHARGES, {"period": str(period)})
    with books.engine() as engine:
        engine.view_files("internal_charges", INTERNAL_CHARGES, files)
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


# --- telling ---------------------------------------------------------------------------------


def _money(money: Money) -> dict[str, str]:
    return {"amount": plain(money.amount), "currency": money.currency}


def _facts(
    period: Period,
    department: Department,
    variance: Variance,
    charged: _Charged,
    titles: Mapping[str, str],
) -> dict[str, Any]:
    currency = variance.actual.currency
    causes = charged.causes.get(variance.department, [])
    return {
        "department": department.name,
        "title": department.title,
        "period": str(period),
        "plan": _money(variance.plan),
        "actual": _money(variance.actual),
        "committed": _money(variance.committed),
        "variance": _money(variance.variance),
        "over": variance.over,
        "causes": [
            {"title": titles.get(product, product), "amount": _money(Money(amount, currency))}
            for product, amount in causes
        ],
        "owner": department.owner,
    }


def _tell(session: Session, books: Books, department: Department, facts: dict[str, Any]) -> None:
    """The evidence is the position itself: a run at another time that finds the same says nothing new."""
    subject = f"{department.name} {facts['period']}"
    position = [facts[name]["amount"] for name in ("plan", "actual", "committed")]
    evidence = digest("over-budget", department.name, facts["period"], *position)
    said = {**facts, "data_as_of": books.clock.now().isoformat()}
    enqueue(session, Message("budget", subject, department.channel, "everyone", said, evidence), books.clock)
