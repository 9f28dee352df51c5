"""Alibaba Cloud's bills, of both subscriptions: every header, every kind of charge, any cell.

The headers are those of reference/vendor_bill_formats.md, sections 4.1 and 4.2 and appendix A6.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.formats.reading import Read, csv_text, read
from twinledger.bills.formats import FilePattern, format_named
from twinledger.vocabulary.errors import DeliveryRefusedError, EmptyFileError


def columns(header: str) -> list[str]:
    return header.split(",")


BILLING_ITEM = columns(
    "账期,日期,财务单元,账号ID,账号,Owner账号ID,Owner账号,产品Code,产品,产品明细Code,产品明细,业务类型,消费类型,服务时长,时长单位,"
    "账单类型,计费方式,实例ID,实例昵称,资源组,实例标签,实例配置,实例规格,公网IP,私网IP,地域,可用区,计费项,单价,单价单位,用量,"
    "用量单位,资源包抵扣,抵扣量（含RI）,官网价,优惠金额,优惠券抵扣,应付金额,现金支付,代金券抵扣,储值卡支付金额,欠费金额,币种,"
    "节省计划抵扣金额,信用额度退款抵扣,计费项Code"
)
NOTED = [{"账期": "账期(YYYY-MM)", "消费类型": "消费类型(后付费/预付费)"}.get(name, name) for name in BILLING_ITEM]
OF_ITEMS = {"计费项", "计费项Code", "单价", "单价单位", "用量", "用量单位"}
INSTANCE = [name for name in BILLING_ITEM if name not in OF_ITEMS]
SPLIT = [*BILLING_ITEM, "分拆项ID", "分拆项名称"]
ENGLISH = columns(
    "BillingCycle,CostUnit,AccountID,AccountName,OwnerID,OwnerAccountName,SubscriptionType,ProductCode,ProductName,"
    "ProductType,ProductDetail,PaymentTime,UsageStartTime,UsageEndTime,ServicePeriod,RecordID,RelatedRecordID,Item,"
    "BillingType,InstanceID,NickName,ResourceGroup,Tag,InstanceConfig,InstanceSpec,InternetIP,IntranetIP,Region,Zone,"
    "PretaxGrossAmount,InvoiceDiscount,DeductedByCoupons,PretaxAmount,DeductedByCashCoupons,DeductedByPrepaidCard,"
    "PaymentAmount,OutstandingAmount,Currency"
)
CONSUME_V2 = columns(
    "标识信息/账单明细ID,标识信息/订单号,身份信息/客户名称,身份信息/资源购买账号ID,身份信息/资源购买账号,身份信息/资源归属账号ID,"
    "身份信息/资源归属账号,账单信息/服务主体,账单信息/账单月份,账单信息/账单日期,账单信息/费用类型,账单信息/交易类型,账单信息/消费时间,"
    "账单信息/服务开始时间,账单信息/服务结束时间,产品信息/产品Code,产品信息/产品名称,产品信息/商品Code,产品信息/商品名称,产品信息/计费项Code,"
    "产品信息/计费项名称,产品信息/选型配置,产品信息/规格,资源信息/资源ID,资源信息/实例ID（出账粒度）,资源信息/资源名称,资源信息/地域Code,"
    "资源信息/地域,资源信息/可用区,时长信息/抵扣前时长,时长信息/抵扣时长,时长信息/时长,时长信息/时长单位,时长信息/时长详情,"
    "用量信息/抵扣前用量,用量信息/抵扣用量,用量信息/用量,用量信息/用量单位,用量信息/用量详情,定价信息/官网目录价,定价信息/价格单位,"
    "定价信息/目录价用量阶梯,定价信息/用量阶梯累计规则,定价信息/目录价转换信息,定价信息/目录价因子,定价信息/定价币种,费用信息/目录总价,"
    "费用信息/计费公式,费用信息/计费辅助信息,费用信息/计费过程,费用信息/计费规则说明,订阅抵扣信息/订阅抵扣目录总价,"
    "订阅抵扣信息/订阅抵扣后金额,订阅抵扣信息/订阅抵扣金额,订阅抵扣信息/订阅抵扣详情,优惠信息/优惠金额,优惠信息/优惠后金额,"
    "优惠信息/优惠详情,优惠券抵扣信息/优惠券抵扣金额,优惠券抵扣信息/优惠券抵扣详情,应付信息/应付金额（含税）"
)
CHOSEN_V2 = ["账单信息/账单月份", "应付信息/应付金额（含税）"]
SPLIT_V2 = [*CONSUME_V2, "分拆信息/分拆项ID", "分拆信息/分拆项名称"]
ENGLISH_V2 = columns(
    "IdentityDetails/ResourcePurchaseAccountId,IdentityDetails/ResourceOwnerAccountId,BillingDetails/BillingMonth,"
    "BillingDetails/BillingDate,BillingDetails/LineItemType,ProductDetails/ProductCode,ProductDetails/ProductName,"
    "ProductDetails/CommodityCode,ProductDetails/BillingItemCode,ResourceDetails/ResourceId,ResourceDetails/InstanceId,"
    "ResourceDetails/RegionCode,ResourceDetails/Zone,ResourceDetails/ResourceTag,UsageDetails/Usage,"
    "UsageDetails/UsageUnit,PricingDetails/Currency,FeeDetails/GrossAmount,DiscountDetails/DiscountAmount,"
    "PayableDetails/TaxExclusivePayableAmount"
)

FIRST = {
    "账期": "2026-10",
    "账期(YYYY-MM)": "2026-10",
    "日期": "2026-10-03",
    "账号ID": "1690000000000001\t",
    "账号": "nimbus",
    "Owner账号ID": "1690000000000002",
    "Owner账号": "nimbus-shop",
    "产品Code": "oss",
    "产品": "对象存储OSS",
    "产品明细Code": "oss",
    "产品明细": "对象存储",
    "消费类型": "后付费",
    "消费类型(后付费/预付费)": "后付费",
    "账单类型": "云资源按量账单",
    "实例ID": "cn-hangzhou;standard",
    "实例标签": "key:team value:web; key:acs:rm:rgId value:rg-1",
    "地域": "华东1（杭州）",
    "计费项": "存储容量",
    "计费项Code": "Storage",
    "单价": "0.12",
    "单价单位": "元/GB",
    "用量": "100",
    "用量单位": "GB",
    "官网价": "12",
    "优惠金额": "2",
    "优惠券抵扣": "1",
    "应付金额": "9",
    "现金支付": "4",
    "代金券抵扣": "5",
    "币种": "CNY",
    "分拆项ID": "bucket-1",
    "分拆项名称": "Pictures",
}
SECOND = {
    "标识信息/账单明细ID": "1",
    "身份信息/资源购买账号ID": "1690000000000001",
    "身份信息/资源归属账号ID": "1690000000000002",
    "账单信息/服务主体": "阿里云计算有限公司",
    "账单信息/账单月份": "202610",
    "账单信息/账单日期": "20261003",
    "账单信息/费用类型": "云资源按量费用",
    "账单信息/交易类型": "后付费",
    "账单信息/消费时间": "2026-10-03 11:00:00",
    "账单信息/服务开始时间": "2026-10-03 10:00:00",
    "账单信息/服务结束时间": "2026-10-03 11:00:00",
    "产品信息/产品Code": "sfm",
    "产品信息/产品名称": "大模型服务平台百炼",
    "产品信息/商品Code": "sfm_video",
    "产品信息/商品名称": "视频生成",
    "产品信息/计费项Code": "seconds",
    "产品信息/计费项名称": "视频时长",
    "产品信息/选型配置": '{\\"model\\":\\"i2v, 1080P\\"}',
    "资源信息/实例ID（出账粒度）": "llm-1;i2v",
    "资源信息/地域Code": "cn-beijing",
    "资源信息/地域": "华北2（北京）",
    "用量信息/抵扣前用量": "5",
    "用量信息/用量": "5",
    "用量信息/用量单位": "秒",
    "用量信息/用量详情": '{\\"a\\":\\"b \\\\\\"c\\\\\\"\\"}',
    "定价信息/官网目录价": "1.6",
    "定价信息/价格单位": "元/秒",
    "定价信息/定价币种": "CNY",
    "费用信息/目录总价": "8",
    "费用信息/计费过程": '{"broken": ',
    "优惠信息/优惠金额": "1.6",
    "优惠信息/优惠后金额": "6.4",
    "应付信息/应付金额（含税）": "6.4",
    "分拆信息/分拆项ID": "bucket-1",
}
ABROAD = {
    "IdentityDetails/ResourcePurchaseAccountId": "5000000000000001",
    "BillingDetails/BillingMonth": "202610",
    "BillingDetails/BillingDate": "20261003",
    "BillingDetails/LineItemType": "PayAsYouGo",
    "ProductDetails/ProductCode": "ecs",
    "ProductDetails/ProductName": "Elastic Compute Service",
    "ResourceDetails/ResourceTag": "team:web;env:prod",
    "UsageDetails/Usage": "24",
    "UsageDetails/UsageUnit": "Hours",
    "PricingDetails/Currency": "USD",
    "FeeDetails/GrossAmount": "2.4",
    "DiscountDetails/DiscountAmount": "0.4",
    "PayableDetails/TaxExclusivePayableAmount": "2.0",
}
OLD_ENGLISH = {
    "BillingCycle": "2026-10",
    "AccountID": "1690000000000001",
    "SubscriptionType": "PayAsYouGo",
    "ProductCode": "ecs",
    "ProductName": "Elastic Compute Service",
    "Item": "PayAsYouGoBill",
    "UsageStartTime": "2026-10-03 00:00:00",
    "UsageEndTime": "2026-10-03 23:59:59",
    "Tag": "team:web;env:prod",
    "Region": "China (Hong Kong)",
    "PretaxGrossAmount": "3",
    "InvoiceDiscount": "0.5",
    "PretaxAmount": "2.5",
    "DeductedByCashCoupons": "2.5",
    "Currency": "CNY",
}
VARIANTS = [
    ("alibaba_billing_item", BILLING_ITEM, FIRST, "应付金额"),
    ("alibaba_billing_item", NOTED, FIRST, "应付金额"),
    ("alibaba_instance", INSTANCE, FIRST, "应付金额"),
    ("alibaba_instance", ENGLISH, OLD_ENGLISH, "PretaxAmount"),
    ("alibaba_split", SPLIT, FIRST, "应付金额"),
    ("alibaba_consume_v2", CONSUME_V2, SECOND, "应付信息/应付金额（含税）"),
    ("alibaba_consume_v2", ENGLISH_V2, ABROAD, "PayableDetails/TaxExclusivePayableAmount"),
    ("alibaba_split_v2", SPLIT_V2, SECOND, "应付信息/应付金额（含税）"),
]
Header = Sequence[str]
Row = Mapping[str, str]


def bill(header: Header, rows: Sequence[Row]) -> bytes:
    """A CSV as Alibaba writes it, with a byte order mark; values of columns that the header has not are left out."""
    return csv_text(header, [{name: row[name] for name in header if name in row} for row in rows]).encode("utf-8-sig")


def inspect(folder: Path, content: bytes, name: str = "bill.csv", account: str | None = None) -> Read:
    path = folder / name
    path.write_bytes(content)
    return read(path, folder, account=account)


# --- headers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "header", "row", "payable"), VARIANTS)
def test_a_bill_is_recognised_and_adds_up_to_the_last_digit(
    tmp_path: Path, form: str, header: Header, row: Row, payable: str
) -> None:
    amounts = ["0.123456789012345678", "-7.1", "1,234.50", "0"]
    found = inspect(tmp_path, bill(header, [{**row, payable: amount} for amount in amounts]))
    assert found.staged.format.name == form
    assert found.counts == (4, 4, 0, 0)
    assert found.billed == Decimal("1227.523456789012345678")


def test_columns_that_the_user_did_not_choose_are_not_needed(tmp_path: Path) -> None:
    found = inspect(tmp_path, bill(CHOSEN_V2, [SECOND]), account="1690000000000001")
    (charge,) = found.charges
    assert found.staged.format.name == "alibaba_consume_v2"
    assert (charge["BilledCost"], charge["BillingCurrency"]) == (Decimal("6.4"), "CNY")
    assert charge["ServiceName"] == "Alibaba Cloud"
    assert (charge["ChargePeriodStart"], charge["ChargePeriodEnd"]) == (
        charge["BillingPeriodStart"],
        charge["BillingPeriodEnd"],
    )


def test_json_with_backslashes_in_cells_does_not_move_the_columns(tmp_path: Path) -> None:
    content = bill(CONSUME_V2, [SECOND, SECOND])
    assert b'\\""model\\""' in content
    found = inspect(tmp_path, content)
    assert [charge["BilledCost"] for charge in found.charges] == [Decimal("6.4"), Decimal("6.4")]
    assert {charge["RegionId"] for charge in found.charges} == {"cn-beijing"}


def test_an_empty_placeholder_beside_a_part_in_an_archive_is_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bill.zip", "w") as archive:
        archive.writestr("bill_1.csv", bill(CONSUME_V2, [SECOND]))
        archive.writestr("bill_2.csv", b"")
    assert read(tmp_path / "bill.zip", tmp_path).counts == (1, 1, 0, 0)


def test_an_empty_placeholder_alone_is_refused_as_empty(tmp_path: Path) -> None:
    with pytest.raises(EmptyFileError):
        inspect(tmp_path, b"")


# --- what a line says ----------------------------------------------------------------------------


def test_months_and_days_are_those_of_beijing(tmp_path: Path) -> None:
    (charge,) = inspect(tmp_path, bill(BILLING_ITEM, [FIRST])).charges
    assert charge["x_period"] == "2026-10"
    assert charge["BillingPeriodStart"] == datetime(2026, 9, 30, 16)
    assert charge["BillingPeriodEnd"] == datetime(2026, 10, 31, 16)
    assert charge["ChargePeriodStart"] == datetime(2026, 10, 2, 16)
    assert charge["ChargePeriodEnd"] == datetime(2026, 10, 3, 16)


def test_a_coupon_lowers_what_is_payable_and_a_voucher_only_pays_it(tmp_path: Path) -> None:
    (charge,) = inspect(tmp_path, bill(BILLING_ITEM, [FIRST])).charges
    costs = ("ListCost", "ContractedCost", "BilledCost", "EffectiveCost")
    assert [charge[cost] for cost in costs] == [Decimal(12), Decimal(10), Decimal(9), Decimal(9)]


def test_what_is_paid_abroad_is_without_tax_and_in_dollars(tmp_path: Path) -> None:
    (charge,) = inspect(tmp_path, bill(ENGLISH_V2, [ABROAD])).charges
    assert (charge["BilledCost"], charge["BillingCurrency"]) == (Decimal(2), "USD")
    assert charge["Tags"] == '{"team": "web", "env": "prod"}'


def test_a_split_item_is_the_resource(tmp_path: Path) -> None:
    (charge,) = inspect(tmp_path, bill(SPLIT, [FIRST])).charges
    assert (charge["ResourceId"], charge["ResourceName"]) == ("bucket-1", "Pictures")


# --- names of files ------------------------------------------------------------------------------

UID, SITE = "1690000000000001", "2688801000001"
NAMES = [
    ("alibaba_billing_item", f"{UID}_BillingItemDetail_20261003", "day", "20261003"),
    ("alibaba_billing_item", f"{UID}_BillingItemDetail_20261003.zip", "day", "20261003"),
    ("alibaba_billing_item", f"{UID}_BillingItemDetail_202610.csv", "month", "202610"),
    ("alibaba_billing_item", f"{UID}_BillingItemDetailMonthly_202610", "sibling", None),
    ("alibaba_billing_item", f"{UID}_{SITE}_BillingItemDetail_202610.zip", "sibling", None),
    ("alibaba_billing_item", f"{UID}_InstanceDetail_20261003", "sibling", None),
    ("alibaba_billing_item", f"{UID}_InstanceDetailMonthly_202610.zip", "sibling", None),
    ("alibaba_billing_item", f"{UID}_SplitItemDetailDaily_202610", "sibling", None),
    ("alibaba_billing_item", f"{UID}_{SITE}_consumeDetailBillV2_20261003.csv", "sibling", None),
    ("alibaba_billing_item", f"{UID}_MonthBill_202610.pdf", "sibling", None),
    ("alibaba_instance", f"{UID}_InstanceDetail_20261003.csv", "day", "20261003"),
    ("alibaba_instance", f"{UID}_InstanceDetail_202610", "month", "202610"),
    ("alibaba_instance", f"{UID}_InstanceDetailMonthly_202610", "sibling", None),
    ("alibaba_bill_monthly", f"{UID}_BillingItemDetailMonthly_202610", "month_to_date", "202610"),
    ("alibaba_bill_monthly", f"{UID}_{SITE}_BillingItemDetail_202610.zip", "month_to_date", "202610"),
    ("alibaba_bill_monthly", f"{UID}_BillingItemDetail_20261003", "sibling", None),
    ("alibaba_bill_monthly", f"{UID}_InstanceDetailMonthly_202610", "sibling", None),
    ("alibaba_bill_instances", f"{UID}_InstanceDetailMonthly_202610.csv", "month_to_date", "202610"),
    ("alibaba_bill_instances", f"{UID}_InstanceDetail_202610", "sibling", None),
    ("alibaba_bill_instances", f"{UID}_BillingItemDetailMonthly_202610", "sibling", None),
    ("alibaba_instance", f"{UID}_BillingItemDetail_20261003", "sibling", None),
    ("alibaba_split", f"{UID}_SplitItemDetailDaily_202610.csv", "month_to_date", "202610"),
    ("alibaba_split", f"{UID}_BillingItemDetailMonthly_202610", "sibling", None),
    ("alibaba_consume_v2", f"{UID}_{SITE}_consumeDetailBillV2_20261003.zip", "month_to_date", "20261003"),
    ("alibaba_consume_v2", f"{UID}_{SITE}_consumeDetailBillV2_202610_2.csv", "month", "202610"),
    ("alibaba_consume_v2", f"{UID}-20261104093000_consumedetailbillv2_1.csv", "month_to_date", None),
    ("alibaba_consume_v2", f"{UID}_{SITE}_splitDetailBillV2_20261003.csv", "sibling", None),
    ("alibaba_consume_v2", f"{UID}_{SITE}_costDetailBillV2_20261003.csv", "sibling", None),
    ("alibaba_consume_v2", f"{UID}-20261104093000_consumedetailbillv2daysummary.csv", "sibling", None),
    ("alibaba_consume_v2", f"{UID}_BillingItemDetail_20261003", "sibling", None),
    ("alibaba_split_v2", f"{UID}_{SITE}_splitDetailBillV2_20261003", "month_to_date", "20261003"),
    ("alibaba_split_v2", f"{UID}_{SITE}_consumeDetailBillV2_20261003.zip", "sibling", None),
]


@pytest.mark.parametrize(("form", "name", "covers", "stamp"), NAMES)
def test_a_name_says_what_a_file_covers(form: str, name: str, covers: str, stamp: str | None) -> None:
    pattern = first_match(form, name)
    assert pattern is not None
    if covers == "sibling":
        assert pattern.sibling
        return
    match = pattern.pattern.fullmatch(name)
    assert match is not None
    groups = match.groupdict()
    assert (pattern.sibling, pattern.covers, groups["account"]) == ("", covers, UID)
    assert (groups.get("day") or groups.get("month")) == stamp


def first_match(form: str, name: str) -> FilePattern | None:
    return next((one for one in format_named(form).files if one.pattern.fullmatch(name)), None)


def test_the_parts_of_a_delivery_differ_in_their_part_alone() -> None:
    (first, second) = (f"{UID}_{SITE}_consumeDetailBillV2_202610{part}.csv" for part in ("", "_2"))
    pattern = first_match("alibaba_consume_v2", second)
    assert pattern is not None
    match = pattern.pattern.fullmatch(second)
    assert match is not None
    start, end = match.span("part")
    assert second[:start] + second[end:] == first


@pytest.mark.parametrize("form", sorted({form for form, *_ in NAMES}))
def test_a_name_of_anything_else_is_no_bill(form: str) -> None:
    assert first_match(form, "notes.csv") is None
    assert first_match(form, f"{UID}_BillingItemDetail_2026") is None


# --- any cell ------------------------------------------------------------------------------------

CELLS = st.one_of(
    st.text(max_size=12),
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9).map(str),
    st.sampled_from(
        ["-", "", "NULL", "1,000.50", "1,0", "1e400", "1e3", "NaN", "inf", "-0", "+1", "¥5.5", "0x10", "1_000"]
    ),
    st.sampled_from(["2026-13", "202602", "2026-10-32 25:00:00", "9999-12-31 23:59:59", "0001-01-01", "退款", "税"]),
    st.sampled_from(["key:a value:b; key:a value:c", "a:b;c", '{"a":1', '{\\"k\\":\\"v\\"}', "'", '"', "\\"]),
    st.sampled_from(["99999999999999999999.5", "9" * 40, "12.3456789012345678901"]),
)


def amount(written: str) -> Decimal:
    """What a person reads in a cell."""
    text = written.strip(" \t\r\n\"'\xa0")
    return Decimal(text.replace(",", "").replace("¥", "").replace("￥", "").replace("$", "").replace("€", ""))


@pytest.mark.parametrize(("form", "header", "row", "payable"), [VARIANTS[place] for place in (0, 3, 5, 6)])
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_any_cell_becomes_a_named_refusal_or_the_right_amount(
    data: st.DataObject, form: str, header: Header, row: Row, payable: str
) -> None:
    rows = [dict(row)]
    for _ in range(data.draw(st.integers(1, 40))):  # many a file: a file costs most
        column = data.draw(st.sampled_from([payable, *header]))
        rows.append({**row, column: data.draw(CELLS)})
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = inspect(Path(folder), bill(header, rows))
        except DeliveryRefusedError:
            return
    assert found.staged.format.name == form
    refused = {one.row for one in found.staged.refused}
    charged = {int(charge["x_row"]): charge["BilledCost"] for charge in found.charges}
    assert refused | set(charged) == set(range(1, len(rows) + 1))
    assert not refused & set(charged)
    assert charged == {number: amount(rows[number - 1][payable]) for number in charged}
