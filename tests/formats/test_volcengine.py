"""Volcengine: bill detail, split bill and cost bill, with the console's header and the API's names."""

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

CONSOLE = names(
    "账务账期,业务账期,账务日期,Payer账号ID,Owner账号ID,产品,商品,计费模式,账单类型,配置名称,计费单元,单价,单价单位,优惠类型,优惠内容,用量,"
    "原价,折后价,代金券抵扣,应付金额,消费开始时间(UTC+8),消费结束时间(UTC+8),交易时间(UTC+8)"
)
DETAIL = names(
    "BillCategory,BillDetailId,BillID,BillPeriod,BillingFunction,BillingMethodCode,BillingMode,BusiPeriod,"
    "BusinessMode,ChargeItemCode,ConfigName,ConfigurationCode,Count,CountryRegion,CouponAmount,"
    "CreditCarriedAmount,Currency,CurrencySettlement,DeductionCount,DeductionUseDuration,DiscountBillAmount,"
    "DiscountBizBillingFunction,DiscountBizMeasureInterval,DiscountBizUnitPrice,DiscountBizUnitPriceInterval,"
    "DiscountInfo,EffectiveFactor,Element,ElementCode,ExchangeRate,ExpandField,ExpenseBeginTime,ExpenseDate,"
    "ExpenseEndTime,Factor,FactorCode,Formula,InstanceName,InstanceNo,MainContractNumber,MarketPrice,"
    "MeasureInterval,OriginalBillAmount,OriginalOrderNo,OwnerCustomerName,OwnerID,OwnerUserName,PaidAmount,"
    "PayableAmount,PayerCustomerName,PayerID,PayerUserName,PickupVoucherCountUnit,PickupVoucherDeductCount,"
    "PickupVoucherID,PointDeductAmount,PosttaxAmount,PreTaxPayableAmount,PreferentialBillAmount,PretaxAmount,"
    "PretaxRealValue,Price,PriceFactor,PriceInterval,PriceUnit,Product,ProductZh,Project,ProjectDisplayName,"
    "ProjectRemark,RealValue,Region,RegionCode,ReservationInstance,ResourceID,RoundAmount,"
    "SavingPlanDeductionDiscountAmount,SavingPlanDeductionDiscountTotalAmount,SavingPlanDeductionSpID,"
    "SavingPlanOriginalAmount,SellerCustomerName,SellerID,SellerUserName,SellingMode,SettlePayableAmount,"
    "SettlePosttaxAmount,SettlePreTaxPayableAmount,SettlePretaxAmount,SettlePretaxRealValue,SettleRealValue,"
    "SettleTax,SettlementType,SolutionZh,SubjectName,Tag,TagRemark,Tax,TaxRate,TradeTime,Unit,UnpaidAmount,"
    "UseDuration,UseDurationUnit,Zone,ZoneCode"
)
SPLIT = names(
    "BillCategory,BillDetailId,BillID,BillPeriod,BillingFunction,BillingMethodCode,BillingMode,BusiPeriod,"
    "BusinessMode,ChargeItemCode,ConfigName,ConfigurationCode,CostUnit,Count,CountryRegion,"
    "CouponDeductionAmount,CreditCarriedAmount,Currency,CurrencySettlement,DeductionCount,DiscountBillAmount,"
    "DiscountBizBillingFunction,DiscountBizMeasureInterval,DiscountBizUnitPrice,DiscountBizUnitPriceInterval,"
    "DiscountInfo,EffectiveFactor,Element,ElementCode,ExchangeRate,ExpandField,ExpenseDate,ExpenseTime,Factor,"
    "FactorCode,InstanceName,InstanceNo,MainContractNumber,MarketPrice,MeasureInterval,OriginalBillAmount,"
    "OriginalOrderNo,OwnerCustomerName,OwnerID,OwnerUserName,PaidAmount,PayableAmount,PayerCustomerName,"
    "PayerID,PayerUserName,PointDeductAmount,PosttaxAmount,PreTaxPayableAmount,PreferentialBillAmount,"
    "PretaxAmount,PretaxRealValue,Price,PriceInterval,PriceUnit,Product,ProductZh,Project,ProjectDisplayName,"
    "ProjectRemark,RealValue,Region,RegionCode,ReservationInstance,ResourceID,RoundAmount,"
    "SavingPlanDeductionDiscountAmount,SavingPlanDeductionDiscountTotalAmount,SavingPlanDeductionSpID,"
    "SavingPlanOriginalAmount,SellerCustomerName,SellerID,SellerUserName,SellingMode,SettlePayableAmount,"
    "SettlePosttaxAmount,SettlePreTaxPayableAmount,SettlePretaxAmount,SettlePretaxRealValue,SettleRealValue,"
    "SettleTax,SettlementType,SolutionZh,SplitBillDetailId,SplitItemAmount,SplitItemID,SplitItemName,"
    "SplitItemRatio,SubjectName,Tag,TagRemark,Tax,TaxRate,TradeTime,Unit,UnpaidAmount,UseDuration,"
    "UseDurationUnit,Zone,ZoneCode"
)
AMORTISED = names(
    "AmortizedBeginTime,AmortizedDay,AmortizedEndTime,AmortizedMonth,AmortizedType,BillCategory,BillID,"
    "BillPeriod,BillingFunction,BillingMethodCode,BillingMode,BusiPeriod,BusinessMode,ChargeItemCode,"
    "ConfigName,ConfigurationCode,CostID,Count,CountryArea,CountryRegion,CouponAmount,Currency,"
    "CurrencySettlement,DailyAmortizedCouponAmount,DailyAmortizedDiscountBillAmount,"
    "DailyAmortizedOriginalBillAmount,DailyAmortizedPaidAmount,DailyAmortizedPayableAmount,"
    "DailyAmortizedPointDeductAmount,DailyAmortizedPosttaxAmount,DailyAmortizedPreTaxPayableAmount,"
    "DailyAmortizedPreTaxRealValue,DailyAmortizedPreferentialBillAmount,DailyAmortizedPretaxAmount,"
    "DailyAmortizedRealValue,DailyAmortizedRoundAmount,DailyAmortizedSavingPlanOriginalAmount,"
    "DailyAmortizedSettlePayableAmount,DailyAmortizedSettlePosttaxAmount,"
    "DailyAmortizedSettlePreTaxPayableAmount,DailyAmortizedSettlePreTaxRealValue,"
    "DailyAmortizedSettlePretaxAmount,DailyAmortizedSettleRealValue,DailyAmortizedSettleTaxAmount,"
    "DailyAmortizedTaxAmount,DeductionUseDuration,DiscountBillAmount,DiscountBizBillingFunction,"
    "DiscountBizMeasureInterval,DiscountBizUnitPrice,DiscountBizUnitPriceInterval,DiscountInfo,"
    "EffectiveFactor,Element,ExchangeRate,ExpandField,ExpenseBeginTime,ExpenseEndTime,Factor,InstanceName,"
    "InstanceNo,MainContractNumber,MarketPrice,MeasureInterval,OriginalBillAmount,OriginalOrderNo,"
    "OwnerCustomerName,OwnerID,OwnerUserName,PaidAmount,PayableAmount,PayerCustomerName,PayerID,PayerUserName,"
    "PointDeductAmount,PosttaxAmount,PreTaxPayableAmount,PreTaxRealValue,PreferentialBillAmount,PretaxAmount,"
    "Price,PriceInterval,PriceUnit,Product,ProductZh,Project,ProjectDisplayName,ProjectRemark,RealValue,"
    "Region,ResourceID,RoundAmount,SavingPlanDeductionDiscountAmount,SavingPlanDeductionSpID,"
    "SavingPlanOriginalAmount,SellerCustomerName,SellerID,SellerUserName,SettlePayableAmount,"
    "SettlePosttaxAmount,SettlePreTaxPayableAmount,SettlePreTaxRealValue,SettlePretaxAmount,SettleRealValue,"
    "SettleTaxAmount,SplitItemID,SplitItemName,SubjectName,Tag,TagRemark,Tax,TaxAmount,TaxRate,TradeTime,Unit,"
    "UseDuration,UseDurationUnit,Zone"
)
AMORTISED_DAILY = names(
    "AmortizedBeginTime,AmortizedDay,AmortizedEndTime,AmortizedMonth,AmortizedType,BillCategory,BillID,"
    "BillPeriod,BillingFunction,BillingMethodCode,BillingMode,BusiPeriod,BusinessMode,ChargeItemCode,"
    "ConfigName,ConfigurationCode,Count,CountryRegion,CouponAmount,Currency,CurrencySettlement,"
    "DailyAmortizedCouponAmount,DailyAmortizedDiscountBillAmount,DailyAmortizedOriginalBillAmount,"
    "DailyAmortizedPaidAmount,DailyAmortizedPayableAmount,DailyAmortizedPointDeductAmount,"
    "DailyAmortizedPosttaxAmount,DailyAmortizedPreTaxPayableAmount,DailyAmortizedPreTaxRealValue,"
    "DailyAmortizedPreferentialBillAmount,DailyAmortizedPretaxAmount,DailyAmortizedRealValue,"
    "DailyAmortizedRoundAmount,DailyAmortizedSavingPlanOriginalAmount,DailyAmortizedSettlePayableAmount,"
    "DailyAmortizedSettlePosttaxAmount,DailyAmortizedSettlePreTaxPayableAmount,"
    "DailyAmortizedSettlePreTaxRealValue,DailyAmortizedSettlePretaxAmount,DailyAmortizedSettleRealValue,"
    "DailyAmortizedSettleTaxAmount,DailyAmortizedTaxAmount,DeductionUseDuration,DiscountBillAmount,"
    "DiscountBizBillingFunction,EffectiveFactor,Element,ElementCode,ExpandField,ExpenseTime,Factor,FactorCode,"
    "InstanceName,InstanceNo,MainContractNumber,NowAmortizedCouponAmount,NowAmortizedDiscountBillAmount,"
    "NowAmortizedOriginalBillAmount,NowAmortizedPaidAmount,NowAmortizedPayableAmount,"
    "NowAmortizedPointDeductAmount,NowAmortizedPosttaxAmount,NowAmortizedPreTaxPayableAmount,"
    "NowAmortizedPreTaxRealValue,NowAmortizedPreferentialBillAmount,NowAmortizedPretaxAmount,"
    "NowAmortizedRealValue,NowAmortizedRoundAmount,NowAmortizedSavingPlanOriginalAmount,"
    "NowAmortizedSettlePayableAmount,NowAmortizedSettlePosttaxAmount,NowAmortizedSettlePreTaxPayableAmount,"
    "NowAmortizedSettlePreTaxRealValue,NowAmortizedSettlePretaxAmount,NowAmortizedSettleRealValue,"
    "NowAmortizedSettleTaxAmount,NowAmortizedTaxAmount,OriginalBillAmount,OriginalOrderNo,OwnerCustomerName,"
    "OwnerID,OwnerUserName,PaidAmount,PayableAmount,PayerCustomerName,PayerID,PayerUserName,PointDeductAmount,"
    "PosttaxAmount,PreTaxPayableAmount,PreTaxRealValue,PreferentialBillAmount,PretaxAmount,Price,PriceUnit,"
    "Product,ProductZh,Project,ProjectDisplayName,RealValue,Region,RegionCode,ResourceID,RoundAmount,"
    "SavingPlanOriginalAmount,SellerCustomerName,SellerID,SellerUserName,SettlePayableAmount,"
    "SettlePosttaxAmount,SettlePreTaxPayableAmount,SettlePreTaxRealValue,SettlePretaxAmount,SettleRealValue,"
    "SettleTaxAmount,SplitItemID,SplitItemName,SubjectName,Tag,Tax,TaxRate,Unit,UseDuration,UseDurationUnit,"
    "Zone,ZoneCode"
)

USE = {
    "账务账期": "2026-10",
    "业务账期": "2026-10",
    "账务日期": "2026-10-02",
    "Payer账号ID": "2100000001",
    "Owner账号ID": "2100000002",
    "产品": "云服务器",
    "商品": "ECS",
    "计费模式": "按量计费",
    "账单类型": "消费-使用",
    "配置名称": "计算",
    "计费单元": "ecs.g3i.large",
    "单价": "0.42",
    "单价单位": "元/小时",
    "优惠类型": "-",
    "优惠内容": "-",
    "用量": "24",
    "原价": "10.08",
    "折后价": "9.072",
    "代金券抵扣": "1.072",
    "应付金额": "8.00000000",
    "消费开始时间(UTC+8)": "2026-10-02 00:00:00",
    "消费结束时间(UTC+8)": "2026-10-03 00:00:00",
    "交易时间(UTC+8)": "2026-10-03 01:12:00",
}
ORDER = USE | {"计费模式": "包年包月", "账单类型": "消费-新购", "代金券抵扣": "0", "应付金额": "9.072"}
REFUND = ORDER | {"账单类型": "退款-退订", "原价": "-5", "折后价": "-4.5", "应付金额": "-4.5"}

API_USE = {
    "BillPeriod": "2026-10",
    "ExpenseDate": "2026-10-02",
    "PayerID": "2100000001",
    "OwnerID": "2100000002",
    "Product": "ECS",
    "ProductZh": "云服务器",
    "BillingMode": "按量计费",
    "BillCategory": "消费-使用",
    "ConfigurationCode": "ecs.g3i",
    "ElementCode": "compute",
    "Element": "计算",
    "Price": "0.042",
    "Count": "1",
    "Unit": "小时",
    "OriginalBillAmount": "0.042",
    "PreferentialBillAmount": "0.036120",
    "RoundAmount": "-0.00412",
    "DiscountBillAmount": "0.01",
    "PayableAmount": "0.01",
    "Currency": "CNY",
    "InstanceNo": "i-1",
    "InstanceName": "web",
    "RegionCode": "cn-beijing",
    "Region": "华北2（北京）",
    "Tag": '{"department":["storefront"],"tenant":["shop-web"]}',
    "SubjectName": "北京火山引擎科技有限公司",
}
SPLIT_USE = API_USE | {"SplitItemID": "ns-1", "SplitItemName": "shop", "CouponDeductionAmount": "0"}
SHARE = API_USE | {
    "AmortizedMonth": "2026-10",
    "AmortizedDay": "2026-10-02",
    "AmortizedBeginTime": "2026-08-01 00:00:00",
    "AmortizedEndTime": "2027-08-01 00:00:00",
    "BillPeriod": "2026-08",
    "BillCategory": "消费-新购",
    "OriginalBillAmount": "3650",
    "PayableAmount": "2920",
    "DailyAmortizedOriginalBillAmount": "10",
    "DailyAmortizedDiscountBillAmount": "8",
    "DailyAmortizedPayableAmount": "8",
}
COST = {"volcengine_split": "PayableAmount", "volcengine_amortised": "DailyAmortizedPayableAmount"}


def as_csv(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding, newline="")
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_consoles_header_is_recognised_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    found = read(as_csv(tmp_path / "bill.csv", csv_text(CONSOLE, [USE, ORDER, REFUND]), encoding), tmp_path)
    assert (found.staged.format.name, found.counts) == ("volcengine_detail", (3, 3, 0, 0))
    assert found.billed == Decimal("12.572")
    assert {(row["x_period"], row["BillingCurrency"], row["BillingAccountId"]) for row in found.charges} == {
        ("2026-10", "CNY", "2100000001")
    }


def test_the_first_column_may_say_how_a_month_is_written(tmp_path: Path) -> None:
    header = ["账务账期(YYYY-MM)", *CONSOLE[1:]]
    path = as_csv(
        tmp_path / "bill.csv",
        csv_text(header, [{**{k: v for k, v in USE.items() if k in header}, header[0]: "2026-10"}]),
    )
    assert [row["x_period"] for row in read(path, tmp_path).charges] == ["2026-10"]


@pytest.mark.parametrize(
    ("header", "row", "form", "billed"),
    [
        (DETAIL, API_USE, "volcengine_detail", "0.01"),
        (SPLIT, SPLIT_USE, "volcengine_split", "0.01"),
        (AMORTISED, SHARE, "volcengine_amortised", "8"),
        (AMORTISED_DAILY, SHARE, "volcengine_amortised", "8"),
    ],
    ids=["detail", "split", "amortised", "amortised by day"],
)
def test_the_names_of_the_api_are_recognised(
    tmp_path: Path, header: list[str], row: dict[str, str], form: str, billed: str
) -> None:
    known = {name: text for name, text in row.items() if name in header}
    found = read(as_csv(tmp_path / "bill.csv", csv_text(header, [known, known])), tmp_path)
    assert (found.staged.format.name, found.counts) == (form, (2, 2, 0, 0))
    assert found.billed == 2 * Decimal(billed)
    assert found.charges[0]["Tags"] == '{"department":"storefront","tenant":"shop-web"}'


def test_original_less_what_was_saved_and_rounded_is_contracted_and_less_coupon_is_billed(tmp_path: Path) -> None:
    (charge,) = read(as_csv(tmp_path / "bill.csv", csv_text(CONSOLE, [USE])), tmp_path).charges
    costs = [charge[name] for name in ("ListCost", "ContractedCost", "BilledCost", "EffectiveCost")]
    assert costs == [Decimal("10.08"), Decimal("9.072"), Decimal(8), Decimal(8)]
    assert (charge["ListUnitPrice"], charge["ContractedUnitPrice"]) == (Decimal("0.42"), Decimal("0.378"))
    assert charge["ChargePeriodStart"] == datetime(2026, 10, 1, 16)
    assert charge["BillingPeriodStart"] == datetime(2026, 9, 30, 16)


def test_an_order_that_is_spread_over_two_months_is_in_each_with_its_share_alone(tmp_path: Path) -> None:
    next_month = SHARE | {"AmortizedMonth": "2026-11", "AmortizedDay": "2026-11-01"}
    rows = [{name: text for name, text in row.items() if name in AMORTISED} for row in (SHARE, next_month)]
    charges = read(as_csv(tmp_path / "bill.csv", csv_text(AMORTISED, rows)), tmp_path).charges
    assert [(row["x_period"], row["BilledCost"], row["EffectiveCost"], row["ChargeCategory"]) for row in charges] == [
        ("2026-10", 8, 8, "Usage"),
        ("2026-11", 8, 8, "Usage"),
    ]


def test_all_parts_of_a_zip_are_read(tmp_path: Path) -> None:
    path = tmp_path / "2100000001_计费项账单明细_202610.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, rows in enumerate(([USE, ORDER], [REFUND])):
            archive.writestr(f"账单_{number}.csv", csv_text(CONSOLE, rows))
    found = read(path, tmp_path)
    assert (found.counts, found.billed) == ((3, 3, 0, 0), Decimal("12.572"))


def test_a_bill_of_the_international_site_has_amounts_before_tax(tmp_path: Path) -> None:
    header = [name for name in DETAIL if name != "PayableAmount"]
    row = {name: text for name, text in API_USE.items() if name in header} | {
        "PretaxAmount": "0.009",
        "Currency": "USD",
    }
    (charge,) = read(as_csv(tmp_path / "bill.csv", csv_text(header, [row])), tmp_path).charges
    assert (charge["BilledCost"], charge["BillingCurrency"]) == (Decimal("0.009"), "USD")


def test_a_bill_without_any_amount_payable_is_refused(tmp_path: Path) -> None:
    header = [name for name in CONSOLE if name != "应付金额"]
    with pytest.raises(UnknownColumnsError, match="应付金额"):
        read(as_csv(tmp_path / "bill.csv", csv_text(header, [{}])), tmp_path)


@pytest.mark.parametrize(
    ("form", "name", "covers"),
    [
        ("volcengine_detail", "2100000001_计费项账单明细_20261002.zip", "day"),
        ("volcengine_detail", "2100000001_bill_detail_202610.zip", "month"),
        ("volcengine_detail", "2100000001_bill_detail_202610_2.zip", "month"),
        ("volcengine_detail", "2100000001_分账账单明细_20261002.zip", "sibling"),
        ("volcengine_detail", "2100000001_成本账单明细_202610.zip", "sibling"),
        ("volcengine_detail", "2100000001_SplitBillDetail_202610.zip", "sibling"),
        ("volcengine_split", "2100000001_分账账单明细_20261002.zip", "day"),
        ("volcengine_split", "2100000001_SplitBillDetail_202610.zip", "month"),
        ("volcengine_split", "2100000001_计费项账单明细_202610.zip", "sibling"),
        ("volcengine_split", "2100000001_成本账单明细_202610.zip", "sibling"),
        ("volcengine_amortised", "2100000001_成本账单明细_20261002.zip", "day"),
        ("volcengine_amortised", "2100000001_AmortizedCostBillDetail_202610.zip", "month"),
        ("volcengine_amortised", "2100000001_计费项账单明细_202610.zip", "sibling"),
        ("volcengine_amortised", "2100000001_分账账单明细_20261002.zip", "sibling"),
    ],
)
def test_what_a_file_is_follows_from_its_name(form: str, name: str, covers: str) -> None:
    pattern, said = first_match(form, name)
    assert ("sibling" if pattern.sibling else pattern.covers) == covers
    assert pattern.sibling or said["account"] == "2100000001"


def test_days_add_up_until_the_month_takes_their_place(tmp_path: Path) -> None:
    files = [
        "2100000001_计费项账单明细_20261028.zip",
        "2100000001_计费项账单明细_20261029.zip",
        "2100000001_分账账单明细_20261029.zip",
        "2100000001_计费项账单明细_202610.zip",
    ]
    found = delivered(tmp_path, "volcengine_detail", files)
    assert [(one.slice, one.period, one.final) for one in found if not one.sibling] == [
        ("day-20261028", "", False),
        ("day-20261029", "", False),
        ("all", "2026-10", True),
    ]
    assert [one.key for one in found if one.sibling] == [files[2]]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cost=spellings(), column=st.sampled_from(CONSOLE), text=st.text(max_size=20))
def test_any_text_in_any_cell_of_the_detail_is_refused_or_right(
    tmp_path_factory: pytest.TempPathFactory, cost: tuple[str, Decimal | None], column: str, text: str
) -> None:
    rows = [ORDER | {column: text, "应付金额": cost[0]}, USE]
    folder = tmp_path_factory.mktemp("fuzz")
    refused_or_right(folder, "volcengine_detail", csv_text(CONSOLE, rows), [cost[1], Decimal(8)])


@pytest.mark.parametrize(
    ("form", "row"), [("volcengine_split", SPLIT_USE), ("volcengine_amortised", SHARE)], ids=["split", "amortised"]
)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), cost=spellings(), text=st.text(max_size=20))
def test_any_text_in_any_cell_of_the_other_bills_is_refused_or_right(
    tmp_path_factory: pytest.TempPathFactory, form: str, row: dict[str, str], data: st.DataObject,
    cost: tuple[str, Decimal | None], text: str,
) -> None:  # fmt: skip
    header = SPLIT if form == "volcengine_split" else AMORTISED
    known = {name: value for name, value in row.items() if name in header}
    column = data.draw(st.sampled_from(list(known)))
    rows = [known | {column: text, COST[form]: cost[0]}, known]
    folder = tmp_path_factory.mktemp("fuzz")
    refused_or_right(folder, form, csv_text(header, rows), [cost[1], Decimal(known[COST[form]])])
