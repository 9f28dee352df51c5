"""The page of the held share: what the report says, as money and as a picture.

What belongs here: from the report to values that the template prints. What does not: the report
(`reconciliation.held`), and the chart's geometry (`statements.chart`). For finance only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from twinledger.reconciliation import HeldCause, HeldMonth, HeldPool
from twinledger.slack.cards import spoken
from twinledger.statements import Chart, columns
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.money import Money

OWNED = "by ownership alone"
"""The name of the column of what ownership alone would leave."""

_ROOM_FOR = 8
"""Months that the chart has room for, two columns each."""


@dataclass(frozen=True, slots=True)
class HeldLine(ForFinance):
    """One month, or one pool of a month."""

    name: str
    verdict: str
    external: Money
    owned: Money
    owned_share: str
    held: Money
    share: str
    meters: str


@dataclass(frozen=True, slots=True)
class CauseLine(ForFinance):
    """One cause with its largest parts, as sentences."""

    pool: str
    component: str
    amount: Money
    share: str
    largest: list[str]


@dataclass(frozen=True, slots=True)
class HeldPage(ForFinance):
    """All months, and the last one opened; `months` is empty where none was reconciled."""

    period: str
    sentence: str
    chart: Chart
    months: list[HeldLine]
    pools: list[HeldLine]
    causes: list[CauseLine]


def held_page(months: Sequence[HeldMonth]) -> HeldPage:
    """What the page shows, the last month opened down to its pools and causes."""
    last = months[-1] if months else None
    return HeldPage(
        period=str(last.period) if last else "",
        sentence=_sentence(last) if last else "No period was reconciled yet.",
        chart=held_chart(months[-_ROOM_FOR:]),
        months=[_line(str(one.period), one.verdict, one, one.currency) for one in reversed(months)],
        pools=[_line(one.pool, "", one, last.currency, one.meters) for one in last.pools] if last else [],
        causes=[_cause(one, last) for one in last.causes] if last else [],
    )


def held_chart(months: Sequence[HeldMonth]) -> Chart:
    """Two columns a month, in percent of what vendors charge: by ownership alone, and as it is, by component."""
    pairs = []
    for month in months:
        components = sorted({cause.component for cause in month.causes})
        pairs.append((str(month.period), [(OWNED, month.owned_share or Decimal(0))]))
        pairs.append((str(month.period), [(spoken(name), month.component_share(name)) for name in components]))
    return columns(pairs, _short_percent, beside=2)


def _sentence(month: HeldMonth) -> str:
    """What metering changed, in one sentence."""
    meters = sorted({name for pool in month.pools if pool.owned > pool.held for name in pool.meters})
    charged = f": {len(meters)} meters charge on what no tag or account claims" if meters else ""
    return (
        f"In {month.period} ownership alone would leave {_percent(month.owned_share)} with the platform; "
        f"metered, it is {_percent(month.share)}{charged}."
    )


def _percent(share: Decimal | None) -> str:
    return "-" if share is None else f"{share:.2f} %"


def _short_percent(share: Decimal) -> str:
    """To a tenth: in the picture there is no room for more."""
    return f"{share:.1f}".removesuffix(".0") + " %"


def _line(name: str, verdict: str, one: HeldMonth | HeldPool, currency: str, meters: Sequence[str] = ()) -> HeldLine:
    return HeldLine(
        name=name,
        verdict=verdict,
        external=Money(one.external, currency),
        owned=Money(one.owned, currency),
        owned_share=_percent(one.owned_share),
        held=Money(one.held, currency),
        share=_percent(one.share),
        meters=", ".join(meters),
    )


def _cause(one: HeldCause, month: HeldMonth) -> CauseLine:
    def said(name: str, service: str, amount: Decimal) -> str:
        named = ", ".join(part for part in (name, service) if part)
        return f"{named}: {Money(amount, month.currency)}"

    return CauseLine(
        pool=one.pool,
        component=spoken(one.component),
        amount=Money(one.amount, month.currency),
        share=_percent(month.component_share(one.component)),
        largest=[said(part.name, part.service, part.amount) for part in one.largest],
    )
