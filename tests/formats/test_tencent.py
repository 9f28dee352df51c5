"""Tencent Cloud: bill details (L3) and FOCUS, with the headers that the vendor writes."""

from __future__ import annotations

import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.formats.reading import csv_text, delivered, first_match, names, read, refused_or_right, spellings
from twinledger.vocabulary.errors import UnknownColumnsError

CHINESE = names(
    "支付者UIN,使用者UIN,操作者UIN,产品名称,计费模式,项目名称,地域,可用区,国内国际,资源ID,实例名称,子产品名称,交易类型,订单ID,交易ID,扣费时间,"
    "开始使用时间,结束使用时间,组件类型,组件名称,组件刊例价,组件单价,组件价格单位,组件用量,组件用量单位,使用时长,时长单位,组件原价,折扣率,"
    "优惠后总价,代金券支出(元),赠送账户支出(元),现金账户支出(元),标签键:department,标签键:tenant"
)
ENGLISH = names(
    "Payer Account ID,Owner Account ID,Operator Account ID,ProductName,Product Code,BillingMode,ProjectName,"
    "Region,Region Code,Availability Zone,InstanceID,InstanceName,Instance Type,SubproductName,TransactionType,"
    "Order ID,TransactionID,TransactionTime,Usage Start Time,Usage End Time,Bill Month,ComponentType,"
    "ComponentName,Component List Price,Component Contracted Price,Component Price Measurement Unit,"
    "Component Usage,Component Usage Unit,Usage Duration,Duration Unit,OriginalCost,RI Deduction (Duration),"
    "RI Deduction (Cost),SP Deduction,SP Deduction Rate,SP Deduction(Cost),Discount Multiplier,"
    "Blended Discount Multiplier,Currency,Total Amount After Discount (Excluding Tax),Voucher Deduction,"
    "Amount Before Tax,TaxRate,TaxAmount,Total Cost (Including Tax),tag_key:department"
)
FOCUS = names(
    "AvailabilityZone,BilledCost,BillingAccountId,BillingAccountName,BillingCurrency,BillingPeriodEnd,BillingPeriodStart,"
    "CapacityReservationId,CapacityReservationStatus,ChargeCategory,ChargeClass,ChargeDescription,ChargeFrequency,"
    "ChargePeriodEnd,ChargePeriodStart,CommitmentDiscountCategory,CommitmentDiscountId,CommitmentDiscountName,"
    "CommitmentDiscountStatus,CommitmentDiscountType,ConsumedQuantity,ConsumedUnit,ContractedCost,ContractedUnitPrice,"
    "EffectiveCost,InvoiceIssuerName,ListCost,ListUnitPrice,PricingCategory,PricingQuantity,PricingUnit,ProviderName,"
    "PublisherName,RegionId,RegionName,ResourceId,ResourceName,ResourceType,ServiceCategory,ServiceName,"
    "ServiceSubcategory,SkuId,SkuPriceId,SubAccountId,SubAccountName,Tags,x_ComponentName,x_ComponentType,x_ExportTime,"
    "x_OwnerAccountID"
)

HOUR = {
    "支付者UIN": "100010445724\t",
    "使用者UIN": "100010445725\t",
    "产品名称": "云服务器 CVM",
    "计费模式": "按量计费",
    "项目名称": "默认项目",
    "地域": "华南地区(广州)",
    "可用区": "广州三区",
    "国内国际": "国内",
    "资源ID": "ins-0001\t",
    "实例名称": "web",
    "子产品名称": "云服务器CVM-标准型S5",
    "交易类型": "按量计费小时结",
    "订单ID": "-",
    "交易ID": "20261002000000000001\t",
    "扣费时间": "2026-10-02 01:10:00",
    "开始使用时间": "2026-10-02 00:00:00",
    "结束使用时间": "2026-10-02 00:59:59",
    "组件类型": "CPU",
    "组件名称": "CPU-标准型S5",
    "组件刊例价": "0.11",
    "组件单价": "0.088",
    "组件价格单位": "元/核/小时",
    "组件用量": "4",
    "组件用量单位": "核",
    "使用时长": "1",
    "时长单位": "小时",
    "组件原价": "0.44",
    "折扣率": "0.8",
    "优惠后总价": "0.35200000",
    "代金券支出(元)": "0.1",
    "赠送账户支出(元)": "0",
    "现金账户支出(元)": "0.252",
    "标签键:department": "storefront\t",
    "标签键:tenant": "-",
}
ORDER = HOUR | {
    "交易类型": "包年包月新购",
    "订单ID": "20261003000001",
    "扣费时间": "2026-10-03 09:30:12",
    "开始使用时间": "2026-10-03 09:30:12",
    "结束使用时间": "2026-11-03 09:30:12",
    "组件用量": "4",
    "组件价格单位": "元/核/月",
    "使用时长": "1",
    "时长单位": "月",
    "组件刊例价": "35",
    "组件单价": "28",
    "组件原价": "140",
    "优惠后总价": "112",
}
REFUND = ORDER | {
    "交易类型": "包年包月退款",
    "组件刊例价": "-",
    "组件单价": "-",
    "组件原价": "-",
    "折扣率": "-",
    "优惠后总价": "-56.5",
}
ABROAD = {
    "Payer Account ID": "200020001001",
    "Owner Account ID": "200020001002",
    "ProductName": "Cloud Virtual Machine",
    "Region": "Asia Pacific (Singapore)",
    "Region Code": "ap-singapore",
    "InstanceID": "ins-0002",
    "SubproductName": "CVM Standard S5",
    "TransactionType": "Hourly settlement",
    "TransactionTime": "2026-10-02 01:10:00",
    "Usage Start Time": "2026-10-02 00:00:00",
    "Usage End Time": "2026-10-02 00:59:59",
    "Bill Month": "2026-10",
    "ComponentType": "CPU",
    "ComponentName": "CPU - Standard S5",
    "Component List Price": "0.02",
    "Component Contracted Price": "0.02",
    "Component Price Measurement Unit": "USD/core/hour",
    "Component Usage": "4",
    "Component Usage Unit": "core",
    "Usage Duration": "1",
    "Duration Unit": "hour",
    "OriginalCost": "0.08",
    "Currency": "USD",
    "Total Amount After Discount (Excluding Tax)": "0.08",
    "Voucher Deduction": "0",
    "Amount Before Tax": "0.08",
    "TaxRate": "0.09",
    "TaxAmount": "0.0072",
    "Total Cost (Including Tax)": "0.0872",
    "tag_key:department": "storefront",
}
FOCUS_HOUR = {
    "BilledCost": "0.352",
    "BillingAccountId": "100010445724",
    "BillingCurrency": "CNY",
    "BillingPeriodStart": "2026-09-30T16:00:00Z",
    "BillingPeriodEnd": "2026-10-31T15:59:59Z",
    "ChargeCategory": "Usage",
    "ChargeDescription": "https://cloud.tencent.com/document/product/213",
    "ChargeFrequency": "Usage-Based",
    "ChargePeriodStart": "2026-10-01T16:00:00Z",
    "ChargePeriodEnd": "2026-10-01T16:59:59Z",
    "ConsumedQuantity": "4",
    "ConsumedUnit": "核",
    "ContractedCost": "0.352",
    "ContractedUnitPrice": "0.088",
    "InvoiceIssuerName": "Tencent Cloud",
    "ListCost": "0.44",
    "ListUnitPrice": "0.11",
    "PricingCategory": "Standard",
    "PricingQuantity": "4",
    "PricingUnit": "核*小时",
    "ProviderName": "Tencent Cloud",
    "PublisherName": "Tencent Cloud",
    "RegionId": "ap-guangzhou",
    "RegionName": "华南地区(广州)",
    "ResourceId": "ins-0001",
    "ServiceName": "云服务器 CVM",
    "SubAccountId": "100010445725",
    "Tags": '{"department": "storefront"}',
    "x_ComponentName": "CPU-标准型S5",
    "x_ComponentType": "CPU",
    "x_ExportTime": "2026-10-03T02:00:00Z",
    "x_OwnerAccountID": "100010445725",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_bill_details_are_recognised_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(csv_text(CHINESE, [HOUR, ORDER, REFUND]), encoding=encoding, newline="")
    found = read(path, tmp_path)
    assert found.staged.format.name == "tencent_detail"
    assert found.counts == (3, 3, 0, 0)
    assert found.billed == Decimal("55.852")
    assert {row["x_period"] for row in found.charges} == {"2026-10"}
    assert {row["BillingCurrency"] for row in found.charges} == {"CNY"}
    assert {row["BillingAccountId"] for row in found.charges} == {"100010445724"}
    assert [row["Tags"] for row in found.charges] == ['{"tencent:project": "默认项目", "department": "storefront"}'] * 3


def test_columns_are_found_in_any_order_and_with_tabs_behind_their_names(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    rows = [{name + "\t": value for name, value in row.items()} for row in (HOUR, ORDER)]
    path.write_text(csv_text([name + "\t" for name in reversed(CHINESE)], rows), encoding="utf-8", newline="")
    found = read(path, tmp_path)
    assert (found.staged.format.name, found.counts, found.billed) == (
        "tencent_detail",
        (2, 2, 0, 0),
        Decimal("112.352"),
    )
    assert found.charges[0]["Tags"] == '{"tencent:project": "默认项目", "department": "storefront"}'


def test_an_archive_of_several_files_is_one_bill(tmp_path: Path) -> None:
    path = tmp_path / "100010445724-202610-by_used_time-bill_details.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("100010445724-202610-bill_details_1.csv", csv_text(CHINESE, [HOUR, HOUR]))
        archive.writestr("100010445724-202610-bill_details_2.csv", csv_text(CHINESE, [REFUND]))
    found = read(path, tmp_path)
    assert (found.counts, found.billed) == ((3, 3, 0, 0), Decimal("-55.796"))
    assert [row["x_row"] for row in found.charges] == [1, 2, 3]


def test_the_english_header_has_tax_in_what_is_billed(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(csv_text(ENGLISH, [ABROAD]), encoding="utf-8", newline="")
    (charge,) = (found := read(path, tmp_path)).charges
    assert (found.staged.format.name, found.counts) == ("tencent_detail", (1, 1, 0, 0))
    assert (charge["BilledCost"], charge["ContractedCost"]) == (Decimal("0.0872"), Decimal("0.08"))
    assert (charge["BillingCurrency"], charge["RegionId"]) == ("USD", "ap-singapore")
    assert charge["Tags"] == '{"department": "storefront"}'


def test_hours_of_beijing_become_instants_with_an_exclusive_end(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(csv_text(CHINESE, [HOUR]), encoding="utf-8", newline="")
    (charge,) = read(path, tmp_path).charges
    assert charge["ChargePeriodStart"] == datetime(2026, 10, 1, 16)
    assert charge["ChargePeriodEnd"] == datetime(2026, 10, 1, 17)
    assert charge["BillingPeriodStart"] == datetime(2026, 9, 30, 16)
    assert charge["BillingPeriodEnd"] == datetime(2026, 10, 31, 16)


def test_a_line_is_of_the_month_that_its_file_is_named_after_or_of_its_use(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    late = HOUR | {
        "扣费时间": "2026-11-01 00:20:00",
        "开始使用时间": "2026-10-31 23:00:00",
        "结束使用时间": "2026-10-31 23:59:59",
    }
    path.write_text(csv_text(CHINESE, [late]), encoding="utf-8", newline="")
    assert [row["x_period"] for row in read(path, tmp_path / "named", period="2026-11").charges] == ["2026-11"]
    assert [row["x_period"] for row in read(path, tmp_path / "unnamed").charges] == ["2026-10"]


def test_focus_is_recognised_and_its_periods_end_where_the_next_begin(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(
        csv_text(FOCUS, [FOCUS_HOUR, FOCUS_HOUR | {"BilledCost": "1.00000001"}]), encoding="utf-8", newline=""
    )
    found = read(path, tmp_path)
    assert (found.staged.format.name, found.counts, found.billed) == (
        "tencent_focus",
        (2, 2, 0, 0),
        Decimal("1.35200001"),
    )
    charge = found.charges[0]
    assert (charge["BillingPeriodEnd"], charge["ChargePeriodEnd"]) == (
        datetime(2026, 10, 31, 16),
        datetime(2026, 10, 1, 17),
    )
    assert (charge["EffectiveCost"], charge["ServiceCategory"]) == (Decimal("0.352"), "Compute")
    assert (charge["SkuId"], charge["Tags"]) == ("CPU-标准型S5", '{"department": "storefront"}')


def test_a_header_without_the_total_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(csv_text([name for name in CHINESE if name != "优惠后总价"], [{}]), encoding="utf-8", newline="")
    with pytest.raises(UnknownColumnsError, match="优惠后总价"):
        read(path, tmp_path)


@pytest.mark.parametrize(
    ("form", "name", "covers"),
    [
        ("tencent_detail", "100010445724-20241208-by_used_time-bill_details.zip", "month_to_date"),
        ("tencent_detail", "100010445724-202411-by_used_time-bill_details.zip", "month"),
        ("tencent_detail", "200020475883-20210810-bill_details.zip", "month_to_date"),
        ("tencent_detail", "100010445724-20241208-按扣费周期-明细账单.zip", "month_to_date"),
        ("tencent_detail", "100010445724-202411-按计费周期-明细账单.zip", "month"),
        ("tencent_detail", "100010445724-202411-bill_pack.zip", "sibling"),
        ("tencent_detail", "100010445724-202411-by_used_time-FOCUS-Bill Details.zip", "sibling"),
        ("tencent_detail", "FOCUS-bill_details-200020002001-20251209.CSV", "sibling"),
        ("tencent_detail", "100010445724-202411-分账账单.zip", "sibling"),
        ("tencent_detail", "100010445724-202411-按扣费周期-资源账单.zip", "sibling"),
        ("tencent_focus", "100010445724-20260902-by_used_time-FOCUS-Bill Details.zip", "month_to_date"),
        ("tencent_focus", "100010445724-202608-by_used_time-FOCUS-Bill Details.zip", "month"),
        ("tencent_focus", "100010445724-20260902-FOCUS-Cost Allocation Bill-Component-detail.zip", "sibling"),
        ("tencent_focus", "FOCUS-bill_details-200020002001-20251209.CSV", "month_to_date"),
        ("tencent_focus", "FOCUS-bill_details-200020002001-202512.CSV", "month"),
        ("tencent_focus", "100010445724-202411-by_used_time-bill_details.zip", "sibling"),
    ],
)
def test_what_a_file_is_follows_from_its_name(form: str, name: str, covers: str) -> None:
    pattern, _ = first_match(form, name)
    assert ("sibling" if pattern.sibling else pattern.covers) == covers


def test_the_names_of_files_say_account_and_day() -> None:
    _, said = first_match("tencent_detail", "100010445724-20241208-by_used_time-bill_details.zip")
    assert (said["account"], said["day"]) == ("100010445724", "20241208")
    _, said = first_match("tencent_focus", "FOCUS-bill_details-200020002001-202512.CSV")
    assert (said["account"], said["month"]) == ("200020002001", "202512")


def test_the_month_so_far_is_replaced_by_the_next_day_and_the_month(tmp_path: Path) -> None:
    names_of_files = [
        "100010445724-20261028-by_used_time-bill_details.zip",
        "100010445724-20261029-by_used_time-bill_details.zip",
        "100010445724-202610-by_used_time-bill_details.zip",
        "100010445724-202610-bill_pack.zip",
    ]
    found = delivered(tmp_path, "tencent_detail", names_of_files)
    assert [(one.as_of, one.period, one.account, one.final) for one in found if not one.sibling] == [
        ("20261028", "2026-10", "100010445724", False),
        ("20261029", "2026-10", "100010445724", False),
        ("", "2026-10", "100010445724", True),
    ]
    assert [one.key for one in found if one.sibling] == ["100010445724-202610-bill_pack.zip"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cost=spellings(),
    column=st.sampled_from(CHINESE),
    text=st.text(max_size=20),
    others=st.lists(spellings(), min_size=1, max_size=3),
)
def test_any_text_in_any_cell_of_bill_details_is_refused_or_right(
    tmp_path_factory: pytest.TempPathFactory,
    cost: tuple[str, Decimal | None],
    column: str,
    text: str,
    others: list[tuple[str, Decimal | None]],
) -> None:
    rows = [ORDER | {column: text, "优惠后总价": cost[0]}, *(HOUR | {"优惠后总价": spelt} for spelt, _ in others)]
    values = [cost[1], *(value for _, value in others)]
    refused_or_right(tmp_path_factory.mktemp("fuzz"), "tencent_detail", csv_text(CHINESE, rows), values)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cost=spellings(), column=st.sampled_from(FOCUS), text=st.text(max_size=20))
def test_any_text_in_any_cell_of_focus_is_refused_or_right(
    tmp_path_factory: pytest.TempPathFactory, cost: tuple[str, Decimal | None], column: str, text: str
) -> None:
    rows = [FOCUS_HOUR | {column: text, "BilledCost": cost[0]}, FOCUS_HOUR]
    refused_or_right(
        tmp_path_factory.mktemp("fuzz"), "tencent_focus", csv_text(FOCUS, rows), [cost[1], Decimal("0.352")]
    )
