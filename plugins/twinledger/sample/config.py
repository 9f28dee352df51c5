"""The sample's configuration folder.

What belongs here: pools, contract cards, budgets and rates of Nimbus Retail, and the files that all of
its configuration is written to. What does not: who works there and what is sold (`company`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from twinledger.sample import bills, company, fleet, usage
from twinledger.sample.fleet import Line
from twinledger.vocabulary.periods import Period

_PLAN_SOURCE = "treasury planning rate 2026"
_DAY_SOURCE = "treasury daily fixing"


def _capacity(pool: str) -> list[dict[str, str]]:
    pairs = {(line.sku, meter): factor for line in fleet.LINES if line.pool == pool for meter, factor in line.meters}
    return [{"sku": sku, "meter": f"{pool}/{meter}", "factor": str(factor)} for (sku, meter), factor in pairs.items()]


def _shared(name: str, title: str, rules: list[dict[str, object]]) -> dict[str, object]:
    return {
        "name": name,
        "title": title,
        "owner": "erin",
        "kind": "shared",
        "rules": rules,
        "capacity": _capacity(name),
    }


def pools() -> dict[str, object]:
    """Three pools behind products, and one for what departments own directly."""
    return {
        "pools": [
            _shared("kubernetes", "Shared clusters", [{"column": "SubAccountId", "equals": [fleet.AWS_KUBERNETES]}]),
            _shared("gpu", "GPU fleet", [{"column": "SubAccountId", "equals": [fleet.AWS_GPU, fleet.STRATUS_GPU]}]),
            _shared(
                "object-storage",
                "Object storage",
                [
                    {"column": "ProviderName", "equals": ["Microsoft"]},
                    {"column": "ServiceName", "equals": ["Storage"]},
                ],
            ),
            {
                "name": "direct",
                "title": "Directly owned resources",
                "owner": "dave",
                "kind": "direct",
                "rules": [{"column": "ProviderName", "equals": list(fleet.PROVIDERS.values())}],
            },
        ]
    }


def contracts() -> dict[str, object]:
    """Unit prices agreed with each vendor."""
    return {"contracts": [_card(number, line) for number, line in enumerate(fleet.CARDS, start=1)]}


def _card(number: int, line: Line) -> dict[str, object]:
    return {
        "id": fleet.card_of(line),
        "vendor": fleet.PROVIDERS[line.vendor],
        "sku": line.sku,
        "region": line.region,
        "from": Period(2026, 1).first_day,
        "to": Period(2026, 12).first_day + timedelta(days=30),
        "unit_price": str(line.billed_rate),
        "currency": fleet.CURRENCIES[line.vendor],
        "clause": f"Price list B, item {number}",
    }


def _rates(periods: Sequence[Period]) -> str:
    lines = ["kind,day,currency,quote,rate,origin"]
    for period in periods:
        lines.append(f"period,{period.first_day},EUR,USD,{company.PLANNING_RATE},{_PLAN_SOURCE}")
        for number in range(period.days):
            day = period.first_day + timedelta(days=number)
            late = period == company.LAST_PERIOD and day.day >= company.CHANGE_DAY
            rate = company.BOOKED_RATE if late else company.PLANNING_RATE
            lines.append(f"day,{day},EUR,USD,{rate},{_DAY_SOURCE}")
    return "\n".join(lines) + "\n"


def _budgets(departments: Sequence[dict[str, Any]]) -> dict[str, object]:
    return {
        "budgets": [
            {
                "department": row["department"],
                "period": row["period"],
                "amount": row["plan"],
                "currency": row["currency"],
            }
            for row in departments
        ]
    }


def write_config(folder: Path, periods: Sequence[Period], departments: Sequence[dict[str, Any]]) -> None:
    """Write every configuration file; `departments` are the rows with each department's plan."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = {
        "departments": company.departments(),
        "people": company.people(),
        "sources": {"sources": [*bills.sources(), *usage.sources()]},
        "pools": pools(),
        "catalog": company.catalog(company.LAST_PERIOD),
        "contracts": contracts(),
        "budgets": _budgets(departments),
    }
    for name, document in documents.items():
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8", newline="\n")
    (folder / "rates.csv").write_text(_rates(periods), encoding="utf-8", newline="\n")
