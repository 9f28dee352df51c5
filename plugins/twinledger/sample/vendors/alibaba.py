"""Alibaba Cloud: what the company runs there, and its bills, of both subscriptions and split.

What belongs here: lines, bills and their folders. What does not: how a row is spelt, which is SQL.

What is bought in advance has no effective cost in these bills: Alibaba spreads it in another one
(costDetailBillV2), so what its savings plan covers is billed and effective 0.
"""

from __future__ import annotations

from decimal import Decimal

from twinledger.sample.bills import Bill, daily, monthly
from twinledger.sample.fleet import Line, once, steady
from twinledger.sample.layouts import Text, named_files

PROVIDER = "Alibaba Cloud"
ITEMS_ACCOUNT = "1690417720000010"
CONSUME_ACCOUNT = "1690417720000020"
SPLIT_ACCOUNT = "1690417720000030"
SITE = "2688801000001"
PLAN = "spn-bp1k7nimbus0417"

_BOM = Text(encoding="utf-8-sig")

_SERVERS = Line(
    name="ecs",
    service="云服务器 ECS",
    sku="云服务器配置",
    sku_id="ecs/InstanceType",
    region="cn-hangzhou",
    account="1690417720000011",
    prefix="i-bp1shop",
    resources=4,
    list_rate=Decimal("0.98"),
    billed_rate=Decimal("0.833"),
    unit="Hours",
)
_BUCKETS = Line(
    name="oss",
    service="对象存储 OSS",
    sku="存储容量",
    sku_id="oss/Storage",
    region="cn-hangzhou",
    account="1690417720000012",
    prefix="cn-hangzhou;nimbus-media-",
    resources=3,
    list_rate=Decimal("0.004"),
    billed_rate=Decimal("0.0034"),
    unit="GB",
    partial=20,
    quantum=Decimal("0.01"),
    span=200_000,
)
_REFUND = once(
    _SERVERS, name="refund", kind="refund", list_rate=Decimal("-63.20"), billed_rate=Decimal("-63.20"), unit=""
)
_ADJUSTMENT = once(
    _BUCKETS, name="adjustment", kind="adjustment", prefix="", list_rate=Decimal("-8.88"), billed_rate=Decimal("-8.88")
)

_NEW_SERVERS = steady(
    _SERVERS, name="ecsnew", region="cn-beijing", account="1690417720000021", prefix="i-2zeshop", resources=3
)
_MODELS = Line(
    name="models",
    service="大模型服务平台百炼",
    sku="推理时长",
    sku_id="sfm_inference/Seconds",
    region="cn-beijing",
    account="1690417720000022",
    prefix="llm-nimbus-",
    resources=4,
    list_rate=Decimal("1.6"),
    billed_rate=Decimal("1.28"),
    unit="Seconds",
    partial=20,
    quantum=Decimal(1),
    span=600,
)
_COVERED = steady(
    _NEW_SERVERS,
    name="covered",
    kind="covered",
    prefix="i-2zeplan",
    resources=2,
    billed_rate=Decimal(0),
    effective_rate=Decimal(0),
    commitment=PLAN,
)
_PURCHASE = once(
    _NEW_SERVERS,
    name="plan",
    kind="purchase",
    service="节省计划",
    sku="计算型节省计划",
    sku_id="savingplan/Upfront",
    prefix="spn-bp1k7nimbus",
    list_rate=Decimal("4320.00"),
    billed_rate=Decimal("4104.00"),
    unit="Years",
    last_month_only=True,
)
_CANCELLED = once(
    _NEW_SERVERS,
    name="cancelled",
    kind="refund",
    list_rate=Decimal("-120.50"),
    billed_rate=Decimal("-120.50"),
)
_ROUNDED = once(
    _MODELS, name="rounded", kind="adjustment", prefix="", list_rate=Decimal("-0.37"), billed_rate=Decimal("-0.37")
)
_RESTATED = steady(_NEW_SERVERS, name="late", prefix="i-2zelate", resources=1, early_rate=Decimal("0.98"))

_SPLIT_BUCKETS = steady(_BUCKETS, name="split", prefix="nimbus-split-", account="1690417720000031", partial=20)
_DOMAINS = Line(
    name="cdn",
    service="内容分发网络 CDN",
    sku="流量",
    sku_id="cdn/Traffic",
    region="cn-hangzhou",
    account="1690417720000032",
    prefix="img-",
    resources=3,
    list_rate=Decimal("0.24"),
    billed_rate=Decimal("0.192"),
    unit="GB",
    partial=20,
    quantum=Decimal("0.001"),
    span=90_000,
)

BILLS = (
    Bill(
        name="alibaba-items",
        provider=PROVIDER,
        format="alibaba_billing_item",
        account=ITEMS_ACCOUNT,
        currency="CNY",
        model="alibaba",
        view="alibaba_items",
        lines=(_SERVERS, _BUCKETS, _REFUND, _ADJUSTMENT),
        plan=daily("day"),
        layout=named_files("bill/{account}_BillingItemDetail_{stamp}.csv"),
        slice="day",
    ),
    Bill(
        name="alibaba",
        provider=PROVIDER,
        format="alibaba_consume_v2",
        account=CONSUME_ACCOUNT,
        currency="CNY",
        model="alibaba",
        view="alibaba_consume",
        lines=(_NEW_SERVERS, _MODELS, _COVERED, _PURCHASE, _CANCELLED, _ROUNDED, _RESTATED),
        plan=daily("month_to_date"),
        layout=named_files(
            f"{{delivered:%Y%m%d%H%M%S}}/{{account}}_{SITE}_consumeDetailBillV2_{{stamp}}.zip",
            member=f"{{account}}_{SITE}_consumeDetailBillV2_{{stamp}}_{{part}}.csv",
            text=_BOM,
        ),
        restates=True,
        least_parts=2,
    ),
    Bill(
        name="alibaba-split",
        provider=PROVIDER,
        format="alibaba_split",
        account=SPLIT_ACCOUNT,
        currency="CNY",
        model="alibaba",
        view="alibaba_splits",
        lines=(_SPLIT_BUCKETS, _DOMAINS),
        plan=monthly(),
        layout=named_files("split/{account}_SplitItemDetailDaily_{month}.csv", text=_BOM),
    ),
)
