"""Stratus Cloud, a made-up vendor whose bills are FOCUS 1.2 as it is written.

What belongs here: lines, bills and their folders. What does not: how a row is spelt, which is SQL.
"""

from __future__ import annotations

from decimal import Decimal

from twinledger.sample.bills import Bill, monthly
from twinledger.sample.fleet import Line
from twinledger.sample.layouts import named_files

ACCOUNT = "STR-77310"
GPU = "nimbus-gpu"
DIRECT = "nimbus-apps"

_CARDS = Line(
    name="sgpu",
    service="Stratus Accelerated Compute",
    sku="Accelerated 8x A100",
    sku_id="STR-ACC-8A100",
    region="nordic-1",
    account=GPU,
    pool="gpu",
    prefix="srn:stratus:compute:nordic-1:gpu-",
    resources=2,
    list_rate=Decimal("23.60"),
    billed_rate=Decimal("17.70"),
    unit="Hours",
    hours=1,
    full=Decimal(1),
    span=1000,
    meters=(("card-hours", Decimal(8)),),
    feed="gpu",
    card="STRATUS-2026-06",
)
_CACHES = Line(
    name="scache",
    service="Stratus Cache",
    sku="Cache Node Medium",
    sku_id="STR-CACHE-M",
    region="nordic-1",
    account=DIRECT,
    pool="direct",
    prefix="srn:stratus:cache:nordic-1:cache-",
    resources=10,
    list_rate=Decimal("0.168"),
    billed_rate=Decimal("0.1428"),
    unit="Hours",
)

BILLS = (
    Bill(
        name="stratus",
        provider="Stratus Cloud",
        format="focus_1_2",
        account=ACCOUNT,
        currency="USD",
        model="stratus",
        view="stratus_focus",
        lines=(_CARDS, _CACHES),
        plan=monthly(),
        layout=named_files("focus/{period}/part-{part:05d}.parquet"),
        last_months=None,
        first_number=15,
    ),
)
