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

from twinledger.sample import company, usage
from twinledger.sample.bills import Bill
from twinledger.sample.fleet import Line
from twinledger.sample.resources import resources
from twinledger.sample.vendors import BILLS, BILLS_BY_NAME, LINES, aws, azure, stratus
from twinledger.vocabulary.periods import Period

_PLAN_SOURCE = "treasury planning rate 2026"
_DAY_SOURCE = "treasury daily fixing"


def _capacity(pool: str) -> list[dict[str, str]]:
    pairs = {(line.sku, meter): factor for line in LINES.values() if line.pool == pool for meter, factor in line.meters}
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
            _shared("kubernetes", "Shared clusters", [{"column": "SubAccountId", "equals": [aws.KUBERNETES]}]),
            _shared("gpu", "GPU fleet", [{"column": "SubAccountId", "equals": [aws.GPU, stratus.GPU]}]),
            _shared(
                "object-storage",
                "Object storage",
                [
                    {"column": "ProviderName", "equals": ["Microsoft"]},
                    {"column": "SubAccountId", "equals": [azure.STORAGE]},
                    {"column": "ServiceName", "equals": ["Storage"]},
                ],
            ),
            {
                "name": "direct",
                "title": "Directly owned resources",
                "owner": "dave",
                "kind": "direct",
                "rules": [{"column": "ProviderName", "equals": list(dict.fromkeys(bill.provider for bill in BILLS))}],
            },
        ]
    }


def contracts() -> dict[str, object]:
    """Unit prices agreed with each vendor."""
    lines = sorted((line for line in LINES.values() if line.card), key=lambda line: line.card[-2:])
    return {"contracts": [_card(line) for line in lines]}


def _card(line: Line) -> dict[str, object]:
    bill = BILLS_BY_NAME[line.bill]
    return {
        "id": line.card,
        "vendor": bill.provider,
        "sku": line.sku,
        "region": line.region,
        "from": Period(2026, 1).first_day,
        "to": Period(2026, 12).first_day + timedelta(days=30),
        "unit_price": str(line.billed_rate),
        "currency": bill.currency,
        "clause": f"Price list B, item {int(line.card[-2:])}",
    }


def _rates(periods: Sequence[Period]) -> str:
    """A rate for each month and each day, and for the day before: a month of UTC+8 begins on it."""
    lines = ["kind,day,currency,quote,rate,origin"]
    for currency, planned in company.PLANNING_RATES.items():
        pair = f"{currency},{company.REPORTING}"
        lines += [f"period,{period.first_day},{pair},{planned},{_PLAN_SOURCE}" for period in periods]
        first, last = periods[0].first_day, periods[-1].shift(1).first_day
        for number in range(-1, (last - first).days):
            day = first + timedelta(days=number)
            lines.append(f"day,{day},{pair},{company.booked_rate(currency, day)},{_DAY_SOURCE}")
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


def write_config(
    folder: Path,
    bills: Sequence[Bill],
    periods: Sequence[Period],
    departments: Sequence[dict[str, Any]],
    *,
    metered: bool = True,
) -> None:
    """Write every configuration file.

    Args:
        folder: where to write; made when it is not there.
        bills: the bills that are sources.
        periods: the months that have rates.
        departments: rows with each department's plan.
        metered: whether the metering of what the bills have is a source as well.
    """
    feeds = usage.sources(bills) if metered else []
    folder.mkdir(parents=True, exist_ok=True)
    documents = {
        "departments": company.departments(),
        "people": company.people(),
        "sources": {"sources": [*(bill.source() for bill in bills), *feeds]},
        "pools": pools(),
        "catalog": company.catalog(company.LAST_PERIOD),
        "contracts": contracts(),
        "budgets": _budgets(departments),
        "resources": resources(),
        "alerts": {"quiet": None},  # the default rules, at any hour: whoever looks at the sample does so now
    }
    for name, document in documents.items():
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8", newline="\n")
    (folder / "rates.csv").write_text(_rates(periods), encoding="utf-8", newline="\n")
