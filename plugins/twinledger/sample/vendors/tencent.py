"""Tencent Cloud: what the company runs there, and its bills.

What belongs here: lines, bills and their folders. What does not: how a row is spelt, which is SQL. Source of
the layouts: reference/vendor_bill_formats.md, section 5.1.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from twinledger.sample.bills import Bill, daily, monthly
from twinledger.sample.fleet import Line, once, steady
from twinledger.sample.layouts import Text, named_files

DETAIL_ACCOUNT = "100010445724"
FOCUS_ACCOUNT = "100020556835"

_MACHINES = Line(
    name="cvm",
    service="云服务器 CVM",
    sku="CPU",
    sku_id="CPU-标准型S5",
    region="ap-guangzhou",
    account="100010445731",
    prefix="ins-",
    resources=6,
    list_rate=Decimal("1.1200"),
    billed_rate=Decimal("0.8960"),
    unit="小时",
)
_BUCKETS = Line(
    name="cos",
    service="对象存储 COS",
    sku="标准存储容量",
    sku_id="标准存储容量-日结",
    region="ap-guangzhou",
    account="100010445732",
    prefix="nimbus-archive-",
    resources=3,
    list_rate=Decimal("0.0040"),
    billed_rate=Decimal("0.0034"),
    unit="天",
    full=Decimal(4000),
    partial=20,
    quantum=Decimal("0.001"),
    span=9_000_000,
)
_RESERVED = once(
    _MACHINES,
    name="reserved",
    kind="purchase",
    sku="预留实例",
    sku_id="预留实例-标准型S5-零预付",
    prefix="",
    list_rate=Decimal("1290.24"),
    billed_rate=Decimal("1161.2160"),
    commitment="ri-7d1f02c8",
    unit="月",
)
_COVERED = steady(
    _MACHINES,
    name="covered",
    kind="covered",
    prefix="ins-ri-",
    resources=2,
    billed_rate=Decimal(0),
    commitment="ri-7d1f02c8",
)

_DETAIL_LINES = (
    _MACHINES,
    _BUCKETS,
    _COVERED,
    _RESERVED,
    once(
        _MACHINES,
        name="renewal",
        kind="purchase",
        prefix="ins-year-",
        list_rate=Decimal("420.00"),
        billed_rate=Decimal("357.00"),
        unit="月",
    ),
    once(
        _MACHINES,
        name="refund",
        kind="refund",
        prefix="ins-gone-",
        list_rate=Decimal("-118.50"),
        billed_rate=Decimal("-118.50"),
        unit="月",
    ),
    once(
        _BUCKETS,
        name="adjustment",
        kind="adjustment",
        prefix="",
        list_rate=Decimal("-36.80"),
        billed_rate=Decimal("-36.80"),
        last_month_only=True,
    ),
)

_CACHES = Line(
    name="redis",
    service="云数据库 Redis",
    sku="内存",
    sku_id="内存-标准架构",
    region="ap-shanghai",
    account="100020556841",
    prefix="crs-",
    resources=5,
    list_rate=Decimal("0.5300"),
    billed_rate=Decimal("0.4505"),
    unit="小时",
)
_BALANCERS = Line(
    name="clb",
    service="负载均衡 CLB",
    sku="实例",
    sku_id="公网应用型实例",
    region="ap-shanghai",
    account="100020556841",
    prefix="lb-",
    resources=4,
    list_rate=Decimal("0.0200"),
    billed_rate=Decimal("0.0180"),
    unit="小时",
)

_FOCUS_LINES = (
    _CACHES,
    _BALANCERS,
    steady(
        _CACHES,
        name="covered",
        kind="covered",
        prefix="crs-ri-",
        resources=1,
        billed_rate=Decimal(0),
        commitment="ri-5b0e91aa",
    ),
    once(
        _CACHES,
        name="reserved",
        kind="purchase",
        prefix="",
        list_rate=Decimal("305.00"),
        billed_rate=Decimal("274.50"),
        commitment="ri-5b0e91aa",
        unit="月",
    ),
    once(
        _CACHES,
        name="refund",
        kind="refund",
        prefix="crs-gone-",
        list_rate=Decimal("-64.25"),
        billed_rate=Decimal("-64.25"),
        unit="月",
    ),
)

BILLS: tuple[Bill, ...] = (
    Bill(
        name="tencent",
        provider="Tencent Cloud",
        format="tencent_detail",
        account=DETAIL_ACCOUNT,
        currency="CNY",
        model="tencent",
        view="tencent_detail",
        lines=_DETAIL_LINES,
        plan=daily("month_to_date", after=timedelta(days=1, hours=6)),
        layout=named_files(
            "bills/{account}-{stamp}-按计费周期-明细账单.zip",
            member="{account}-{stamp}-按计费周期-明细账单-{part}.csv",
            text=Text("utf-8-sig", "\r\n"),
        ),
        least_parts=2,
    ),
    Bill(
        name="tencent-focus",
        provider="Tencent Cloud",
        format="tencent_focus",
        account=FOCUS_ACCOUNT,
        currency="CNY",
        model="tencent",
        view="tencent_focus",
        lines=_FOCUS_LINES,
        plan=monthly(timedelta(days=4, hours=2)),
        layout=named_files(
            "focus/{account}-{stamp}-by_used_time-FOCUS-Bill Details.zip",
            member="{account}-{stamp}-by_used_time-FOCUS-Bill Details.csv",
        ),
    ),
)
