"""Huawei Cloud: what the company runs there, and its bills.

What belongs here: lines, bills and their folders. What does not: how a row is spelt, which is SQL. Source of
the layouts: reference/vendor_bill_formats.md, section 6.1.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from twinledger.sample.bills import Bill, Delivery, Layout, daily, monthly
from twinledger.sample.fleet import Line, once, steady
from twinledger.sample.layouts import Text, named_files
from twinledger.sample.studio import Studio

DETAIL_ACCOUNT = "nimbus-retail"
CYCLE_ACCOUNT = "nimbus-labs"

_TEXT = Text("utf-8-sig", "\r\n")
_DAY = named_files("{delivered:%Y%m%d}/{account}_PriceFactorBillDetail_{stamp}_{part}.csv", text=_TEXT)
_MONTH = named_files("{delivered:%Y%m%d}/{account}_PriceFactorBillDetail_{first}-{last}_{part}.csv", text=_TEXT)


def _write_detail(studio: Studio, root: Path, delivery: Delivery, number: int) -> Path:
    """A day's file has one date in its name, the month's has the first and the last."""
    named = _DAY if delivery.covers == "day" else _MONTH
    return named.write(studio, root, delivery, number)


_MACHINES = Line(
    name="ecs",
    service="弹性云服务器",
    sku="duration",
    sku_id="s6.xlarge.2.linux",
    region="cn-north-4",
    account="nimbus-apps",
    prefix="ecs-",
    resources=6,
    list_rate=Decimal("0.9800"),
    billed_rate=Decimal("0.8330"),
    unit="小时",
)
_DISKS = Line(
    name="evs",
    service="云硬盘",
    sku="duration",
    sku_id="SSD",
    region="cn-north-4",
    account="nimbus-data",
    prefix="evs-",
    resources=4,
    list_rate=Decimal("0.1400"),
    billed_rate=Decimal("0.1190"),
    unit="小时",
)
_ORDER = once(_MACHINES, kind="purchase", unit="月")

_DETAIL_LINES = (
    _MACHINES,
    _DISKS,
    steady(
        _MACHINES,
        name="covered",
        kind="covered",
        prefix="ecs-plan-",
        resources=2,
        billed_rate=Decimal(0),
        commitment="sp-2f6c11d0",
    ),
    replace(
        _ORDER,
        name="plan",
        prefix="",
        list_rate=Decimal("999.60"),
        billed_rate=Decimal("999.60"),
        commitment="sp-2f6c11d0",
    ),
    replace(
        _ORDER,
        name="renewal",
        prefix="ecs-month-",
        list_rate=Decimal("380.00"),
        billed_rate=Decimal("323.00"),
    ),
    replace(
        _ORDER,
        name="refund",
        kind="refund",
        prefix="ecs-gone-",
        list_rate=Decimal("-95.00"),
        billed_rate=Decimal("-80.75"),
    ),
    once(
        _DISKS,
        name="credit",
        kind="credit",
        prefix="",
        list_rate=Decimal("-12.40"),
        billed_rate=Decimal("-12.40"),
        last_month_only=True,
    ),
    once(
        _MACHINES,
        name="rounding",
        kind="adjustment",
        prefix="",
        list_rate=Decimal("0.0137"),
        billed_rate=Decimal("0.0137"),
    ),
)

_STORES = once(
    _MACHINES,
    name="obs",
    kind="usage",
    service="对象存储服务",
    sku="存储空间",
    sku_id="obs.standard",
    region="cn-east-3",
    account="nimbus-labs",
    prefix="labs-",
    resources=12,
    scales=True,
    list_rate=Decimal("41.3000"),
    billed_rate=Decimal("35.1050"),
)
_DATABASES = replace(
    _STORES,
    name="rds",
    service="云数据库 RDS",
    sku="实例",
    sku_id="rds.mysql.n1.large.4",
    prefix="rds-",
    resources=5,
    scales=False,
    list_rate=Decimal("612.0000"),
    billed_rate=Decimal("550.8000"),
)

_CYCLE_LINES = (
    _STORES,
    _DATABASES,
    replace(
        _DATABASES,
        name="order",
        kind="purchase",
        prefix="rds-year-",
        resources=1,
        list_rate=Decimal("4800.00"),
        billed_rate=Decimal("4320.00"),
        last_month_only=True,
    ),
    replace(
        _DATABASES,
        name="refund",
        kind="refund",
        prefix="rds-gone-",
        resources=1,
        list_rate=Decimal("-150.00"),
        billed_rate=Decimal("-135.00"),
    ),
)

BILLS: tuple[Bill, ...] = (
    Bill(
        name="huawei",
        provider="Huawei Cloud",
        format="huawei_detail",
        account=DETAIL_ACCOUNT,
        currency="CNY",
        model="huawei",
        view="huawei_detail",
        lines=_DETAIL_LINES,
        plan=daily("day", after=timedelta(days=2, hours=4)),
        layout=Layout(write=_write_detail),
        slice="day",
        least_parts=2,
    ),
    Bill(
        name="huawei-cycle",
        provider="Huawei Cloud",
        format="huawei_by_cycle",
        account=CYCLE_ACCOUNT,
        currency="CNY",
        model="huawei",
        view="huawei_by_cycle",
        lines=_CYCLE_LINES,
        plan=monthly(timedelta(days=2, hours=4)),
        layout=named_files("{delivered:%Y%m%d}/{account}_InstanceBillMonth_{month}.csv"),
    ),
)
