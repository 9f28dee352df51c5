"""Volcengine: what the company runs there, and its bill detail, split bill and cost bill.

What belongs here: lines, bills and their folders. What does not: how a row is spelt, which is SQL.
Source of the layouts: reference/vendor_bill_formats.md, section 7.1. How the vendor calls its files between
account and date is not documented: they are called as it calls the bills.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from twinledger.sample.bills import Bill, daily
from twinledger.sample.fleet import Line, once, steady
from twinledger.sample.layouts import Text, named_files

DETAIL = "2100381001"
SPLIT = "2100382001"
AMORTISED = "2100383001"
_PLAN = "sp-7c41e0"
_REGION = "cn-beijing"


def _servers(account: str) -> Line:
    return Line(
        name="ecs",
        service="云服务器",
        sku="计算资源-ecs.g3i.xlarge",
        sku_id="ecs.g3i.xlarge",
        region=_REGION,
        account=account,
        prefix=f"i-vc{account[-4:]}",
        resources=6,
        list_rate=Decimal("0.92"),
        billed_rate=Decimal("0.7452"),
        unit="小时",
    )


def _tokens(account: str) -> Line:
    return Line(
        name="ark",
        service="火山方舟",
        sku="推理服务-输入",
        sku_id="doubao-pro-32k",
        region=_REGION,
        account=account,
        prefix=f"ep-vc{account[-4:]}",
        resources=4,
        list_rate=Decimal("0.0008"),
        billed_rate=Decimal("0.00064"),
        unit="千tokens",
        partial=20,
        span=9_000_000,
    )


def _buckets(account: str) -> Line:
    return Line(
        name="tos",
        service="对象存储",
        sku="标准存储-容量",
        sku_id="tos-standard",
        region=_REGION,
        account=account,
        prefix=f"bucket-vc{account[-4:]}",
        resources=3,
        list_rate=Decimal("0.0033"),
        billed_rate=Decimal("0.0033"),
        unit="GB·天",
        partial=20,
        span=3_000_000,
    )


def _billed(payer: str) -> tuple[Line, ...]:
    """Lines of a bill that shows an order when it is paid, and 0 for what an order covers."""
    owner = f"{payer[:-1]}2"
    servers = _servers(owner)
    order = once(
        servers, name="order", kind="purchase", service="云数据库", sku="包年包月-rds.mysql.2c8g", sku_id="rds.2c8g"
    )
    return (
        servers,
        _tokens(owner),
        _buckets(owner),
        steady(servers, name="coupon", prefix=f"i-vcc{owner[-4:]}", resources=2, billed_rate=Decimal("0.64")),
        steady(
            servers, name="covered", kind="covered", prefix=f"i-vcp{owner[-4:]}", resources=3,
            billed_rate=Decimal(0), commitment=_PLAN,
        ),
        once(
            order, name="plan", prefix=_PLAN, service="节省计划", sku="通用型节省计划", sku_id="sp-general-1y",
            list_rate=Decimal(1600), billed_rate=Decimal(1250), unit="个", commitment=_PLAN,
        ),
        once(order, prefix=f"mysql-vc{owner[-4:]}", list_rate=Decimal(432), billed_rate=Decimal("367.2"), unit="月"),
        once(
            order, name="refund", kind="refund", prefix=f"mysql-vc{owner[-4:]}", list_rate=Decimal(-216),
            billed_rate=Decimal("-183.6"), unit="月",
        ),
        once(
            order, name="goodwill", kind="adjustment", prefix="", list_rate=Decimal("-8.88"),
            billed_rate=Decimal("-8.88"), unit="次", last_month_only=True,
        ),
    )  # fmt: skip


def _spread(payer: str) -> tuple[Line, ...]:
    """Lines of a bill that shows an order day by day, and never whole."""
    owner = f"{payer[:-1]}2"
    servers = _servers(owner)
    share = steady(servers, full=Decimal(1), unit="Days")
    return (
        servers,
        _tokens(owner),
        _buckets(owner),
        steady(
            share, name="order", service="云数据库", sku="包年包月-rds.mysql.2c8g", sku_id="rds.2c8g", resources=2,
            prefix=f"mysql-vc{owner[-4:]}", list_rate=Decimal("14.2"), billed_rate=Decimal("12.07"),
        ),
        steady(
            share, name="plan", service="节省计划", sku="通用型节省计划", sku_id="sp-general-1y", resources=1,
            prefix=_PLAN, list_rate=Decimal("52.6"), billed_rate=Decimal("41.09589"),
        ),
        steady(
            servers, name="covered", kind="covered", prefix=f"i-vcp{owner[-4:]}", resources=3,
            list_rate=Decimal("0.92"), billed_rate=Decimal(0), commitment=_PLAN,
        ),
        once(
            share, name="refund", kind="refund", service="云数据库", sku="包年包月-rds.mysql.2c8g", sku_id="rds.2c8g",
            prefix=f"mysql-vc{owner[-4:]}", list_rate=Decimal("-7.1"), billed_rate=Decimal("-6.035"),
        ),
    )  # fmt: skip


def _bill(name: str, payer: str, lines: tuple[Line, ...], kind: str, final: timedelta, text: Text) -> Bill:
    """A bill whose zips are of some days of the last month and then of each whole month."""
    file = f"{{account}}_{kind}_{{stamp}}"
    return Bill(
        name=name,
        provider="Volcengine",
        format=name.replace("-", "_") if "-" in name else "volcengine_detail",
        account=payer,
        currency="CNY",
        model="volcengine",
        view=name.replace("-", "_"),
        lines=lines,
        slice="day",
        plan=daily("day", after=final),
        layout=named_files(f"{file}.zip", member=f"{file}_{{part}}.csv", text=text),
        least_parts=2,
    )


BILLS: tuple[Bill, ...] = (
    _bill(
        "volcengine", DETAIL, _billed(DETAIL), "计费项账单明细", timedelta(days=3, hours=3), Text("utf-8-sig", "\r\n")
    ),
    _bill("volcengine-split", SPLIT, _billed(SPLIT), "分账账单明细", timedelta(days=4, hours=3), Text()),
    _bill("volcengine-amortised", AMORTISED, _spread(AMORTISED), "成本账单明细", timedelta(days=4, hours=3), Text()),
)
