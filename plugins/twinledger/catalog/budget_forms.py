"""The form of budgets.yaml: plans of departments, and lines of what else is planned for.

What belongs here: what one entry may say, and what it is of. What does not: the spreadsheet (`budget_sheet`), and what
was spent (`budgets`).

An entry without a name is the plan of a department; a quarter or year of it is divided over its months. An entry with
a name is a line: all that it names must hold of a charge, any of a list does, and its quarter or year stays one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from twinledger.catalog.contracts import CURRENCY
from twinledger.pools import TAG_KEY
from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.fields import Amount, Name, PeriodField, SpanField
from twinledger.vocabulary.money import allocate, smallest_unit
from twinledger.vocabulary.periods import span_name

INTERNAL = ("product",)
"""What internal charges know beside their department."""

EFFECTIVE = ("account", "region", "service")
"""What vendors' charges know beside their tags; a department is what their tag `department` says."""

MOST_VALUES = 500


def _several(value: object) -> object:
    """One value stands for a list of it."""
    return (value,) if isinstance(value, str) else value


_Value = Annotated[str, Field(min_length=1, max_length=500)]
Values = Annotated[tuple[_Value, ...], BeforeValidator(_several), Field(max_length=MOST_VALUES)]
_Key = Annotated[str, Field(pattern=f"^{TAG_KEY}$", max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BudgetConfig(_Strict):
    """The plan of a department for a period."""

    department: str
    period: PeriodField
    amount: Amount
    currency: str = Field(pattern=CURRENCY)


class BudgetLine(_Strict):
    """One entry as finance writes it, for a month, a quarter or a year.

    `view` is in whose amounts it is: internal charges, or what vendors really charged, which is finance's. Without it,
    a line that names an account, a region, a service or a tag is finance's.
    """

    name: Name | None = None
    title: str = Field("", max_length=200)
    view: View | None = None
    department: str = ""
    product: Values = ()
    group: str = ""
    account: Values = ()
    region: Values = ()
    service: Values = ()
    tag: dict[_Key, Values] = Field(default_factory=dict)
    period: SpanField
    amount: Amount
    currency: str = Field(pattern=CURRENCY)

    @model_validator(mode="after")
    def _is_a_plan_or_a_line(self) -> BudgetLine:
        if self.name is None and (problem := self._plan_problem()):
            raise ValueError(problem)
        if self.product and self.group:
            message = "expected either product or group"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _in_one_view(self) -> BudgetLine:
        vendors, ours = self._named(EFFECTIVE, "tag"), self._named(INTERNAL, "group")
        if vendors and (ours or self.view == "internal"):
            other = " and ".join(ours) or "view: internal"
            message = f"{' and '.join(vendors)} beside {other}: internal charges know no {' or '.join(vendors)}"
            raise ValueError(message)
        if ours and self.view == "effective":
            message = f"{' and '.join(ours)} with view: effective: vendors' charges know no product"
            raise ValueError(message)
        return self

    def _plan_problem(self) -> str:
        if not self.department:
            return "expected a department, or the name of a line"
        more = self._named(("title", "view", *INTERNAL, "group"), *EFFECTIVE, "tag")
        return f"the plan of a department has no {' or '.join(more)}: give the line a name" if more else ""

    def _named(self, several: Collection[str], *more: str) -> list[str]:
        return [one for one in (*several, *more) if getattr(self, one)]

    @property
    def span(self) -> str:
        """2026-10, 2026-Q4 or 2026."""
        return span_name(self.period)

    @property
    def in_view(self) -> View:
        """In whose amounts it is."""
        return self.view or ("effective" if self._named(EFFECTIVE, "tag") else "internal")

    def months(self) -> list[BudgetConfig]:
        """What a plan is of each month: equal parts in the currency's smallest unit, which add up to it exactly."""
        parts = allocate(self.amount, [Decimal(1)] * len(self.period), smallest_unit(self.currency))
        return [
            BudgetConfig(department=self.department, period=month, amount=part, currency=self.currency)
            for month, part in zip(self.period, parts, strict=True)
        ]

    def scope(self, groups: Mapping[str, Collection[str]]) -> dict[str, Any]:
        """What must hold beside the department, as the store keeps it: {"product": [...], "tag": {"env": [...]}}."""
        named = {one: sorted(set(getattr(self, one))) for one in (*INTERNAL, *EFFECTIVE) if getattr(self, one)}
        if self.group:
            named["product"] = sorted(groups[self.group])
        tags = {key: sorted(set(values)) for key, values in sorted(self.tag.items())}
        return named | ({"tag": tags} if tags else {})


class BudgetsFile(_Strict):
    """budgets.yaml; `groups` are names for several products."""

    groups: dict[Name, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(default_factory=dict)
    budgets: tuple[BudgetLine, ...] = ()


def line_problems(
    groups: Mapping[str, Collection[str]],
    lines: Collection[BudgetLine],
    departments: Collection[str],
    products: Collection[str],
) -> Iterator[tuple[str, str]]:
    """(place, problem) of each group and line that names what there is not."""
    for name, members in groups.items():
        for product in sorted(set(members) - set(products)):
            yield f"groups.{name}", _unknown("product", product, products)
    for line in lines:
        place = f"budgets, {line.name} {line.span}"
        if line.name in departments:
            yield place, f"{line.name!r} is the name of a department, whose plan is called so: expected another name"
        if line.department and line.department not in departments:
            yield f"{place}.department", _unknown("department", line.department, departments)
        if line.group and line.group not in groups:
            yield f"{place}.group", _unknown("group", line.group, groups)
        for product in sorted(set(line.product) - set(products)):
            yield f"{place}.product", _unknown("product", product, products)


def _unknown(kind: str, name: str, known: Collection[str]) -> str:
    return str(UnknownNameError(kind, name, known))
