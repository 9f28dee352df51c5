"""One department's October beside its September: every kind of line and every cause of a change."""

from __future__ import annotations

from decimal import Decimal

from twinledger.statements import Document, DocumentLine, MonthTotal
from twinledger.statements.moves import Side, split
from twinledger.vocabulary.money import Money, exact_sum
from twinledger.vocabulary.periods import Period

SEPTEMBER, OCTOBER = Period(2026, 9), Period(2026, 10)


def usd(amount: str | int | Decimal) -> Money:
    return Money(Decimal(amount), "USD")


def side(quantity: str, unit: str, price: str | None, amount: str) -> Side:
    return Side(Decimal(quantity), unit, Decimal(price) if price else None, usd(amount))


def line(name: str, title: str, kind: str, before: Side | None, after: Side | None) -> DocumentLine:
    """A line as the document has it, of product/meter."""
    product, meter = name.split("/")
    product_title, meter_title = title.split("/")
    move = split(before, after)
    shown = after or before
    assert shown
    return DocumentLine(
        product, product_title, meter, meter_title, kind,
        after.quantity if after else Decimal(0), shown.unit, after.price if after else None,
        after.amount if after else usd("0"), before.amount if before else usd("0"),
        move.price, move.quantity, move.cause,
    )  # fmt: skip


LINES = (
    line("direct/RDS", "Own resources/RDS", "direct", side("3", "various", None, "150.00"), None),
    line("gpu/card-hours", "GPU cards/Large cards", "usage", side("1000", "card-hour", "2.95", "2950.00"),
         side("1210.5", "card-hour", None, "3691.23")),
    line("kubernetes/core-hours", "容器平台/Cores <requested>", "usage",
         side("90123.25", "core-hour", "0.0312", "2811.85"), side("88123.25", "core-hour", "0.0312", "2749.45")),
    line("network/gib", "Shared network/Traffic", "allocated", side("1", "share", None, "98.50"),
         side("1", "share", None, "99.50")),
    line("object-storage/gib-months", "=Object storage/Data stored", "usage", None,
         side("10", "GiB-month", "0.019872", "0.20")),
    line("support/seats", "Support desk/Seats", "minimum", side("0", "seat", None, "100.00"),
         side("0", "seat", None, "100.00")),
)  # fmt: skip


def _month(period: Period, **products: str) -> MonthTotal:
    named = tuple((title.replace("_", " "), usd(amount)) for title, amount in sorted(products.items()))
    return MonthTotal(period, usd(exact_sum(money.amount for _, money in named)), named)


DOCUMENT = Document(
    department="data-science",
    title="数据科学 <Data Science>",
    cost_centre="CC-320",
    period=OCTOBER,
    closed=True,
    lines=LINES,
    total=usd(exact_sum(one.amount.amount for one in LINES)),
    before=usd(exact_sum(one.before.amount for one in LINES)),
    history=(
        _month(Period(2026, 8), GPU_cards="1900.00", Own_resources="150.00"),
        _month(SEPTEMBER, GPU_cards="2950.00", 容器平台="2811.85", Own_resources="150.00", Shared_network="198.50"),
        _month(OCTOBER, GPU_cards="3691.23", 容器平台="2749.45", Shared_network="99.50", Support_desk="100.20"),
    ),
)
EMPTY = Document("shop", "Shop", "", OCTOBER, False, (), usd("0"), usd("0"), ())
