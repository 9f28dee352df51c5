"""Huawei Cloud: detail bill by usage type and resource bill by cycle, with the headers that the vendor writes."""

from __future__ import annotations

import json
import random
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.formats.reading import csv_text, delivered, first_match, names, read, refused_or_right, spellings
from twinledger.vocabulary.errors import UnknownColumnsError

DETAIL = names(
    "账期,企业项目ID,企业项目,账号,产品类型编码,产品类型,产品编码,产品,产品ID,计费模式,消费时间,使用开始时间,使用结束时间,订单号/交易号,交易时间,"
    "账单类型,资源ID,资源名称,资源标签,SKU编码,规格,区域编码,区域,可用区,使用量类型编码,单价(¥),单价单位,使用量,使用量单位,套餐内使用量,"
    "预留实例内使用量,官网价(¥),优惠金额(¥),应付金额(¥),现金支付(¥),信用额度支付(¥),代金券抵扣(¥),现金券抵扣(¥),储值卡抵扣(¥),欠费金额(¥),"
    "已核销金额(¥),优惠类型,优惠信息,订单类型,订单数量,订单周期数,订单周期单位,RI购买小时数,退订原因,退订手续费(¥),原订单号,是否竞价实例"
)
BY_CYCLE = names(
    "账期,企业项目,企业项目ID,账号,产品类型编码,产品类型,产品编码,产品ID,产品,计费模式,账单类型,资源ID,资源名称,资源标签,SKU编码,规格,区域编码,区域,"
    "可用区,官网价(¥),优惠金额(¥),应付金额(¥),现金支付(¥),信用额度支付(¥),代金券抵扣(¥),现金券抵扣(¥),储值卡抵扣(¥),欠费金额(¥),已核销金额(¥),原订单号"
)

HOUR = {
    "账期": "2026-10",
    "企业项目ID": "0",
    "企业项目": "default",
    "账号": "nimbus",
    "产品类型编码": "hws.service.type.ec2",
    "产品类型": "弹性云服务器",
    "产品编码": "hws.resource.type.vm",
    "产品": "云主机",
    "产品ID": "00301-215174-0--0",
    "计费模式": "按需",
    "消费时间": "2026-10-02 22:00:00 GMT+08:00-2026-10-02 23:00:00 GMT+08:00",
    "使用开始时间": "2026-10-02 22:00:00 GMT+08:00",
    "使用结束时间": "2026-10-02 23:00:00 GMT+08:00",
    "订单号/交易号": "450b5ab2-5a4e-4c16-a8ea-bcd564d1773f",
    "交易时间": "2026-10-02 23:41:33 GMT+08:00",
    "账单类型": "消费-使用",
    "资源ID": "0a1b2c3d",
    "资源名称": "web",
    "资源标签": "department:storefront;tenant:shop-web;",
    "SKU编码": "s6.large.2.linux",
    "规格": "s6.large.2",
    "区域编码": "cn-north-4",
    "区域": "华北-北京四",
    "可用区": "--",
    "使用量类型编码": "duration",
    "单价(¥)": "0.5",
    "单价单位": "元/小时",
    "使用量": "1",
    "使用量单位": "小时",
    "套餐内使用量": "--",
    "预留实例内使用量": "0",
    "官网价(¥)": "0.5",
    "优惠金额(¥)": "0.1",
    "应付金额(¥)": "0.40000000",
    "现金支付(¥)": "0.3",
    "代金券抵扣(¥)": "0.1",
    "优惠类型": "--",
    "是否竞价实例": "N",
}
ORDER = HOUR | {
    "计费模式": "包年/包月-月",
    "账单类型": "消费-新购",
    "消费时间": "2026-10-03 09:30:12 GMT+08:00",
    "使用开始时间": "2026-10-03 09:30:12 GMT+08:00",
    "使用结束时间": "2026-11-03 23:59:59 GMT+08:00",
    "使用量": "--",
    "使用量单位": "--",
    "单价(¥)": "260",
    "单价单位": "元/月",
    "官网价(¥)": "260",
    "应付金额(¥)": "221",
    "订单数量": "1",
    "订单周期数": "1",
    "订单周期单位": "月",
    "是否竞价实例": "--",
}
REFUND = ORDER | {"账单类型": "退款-退订", "官网价(¥)": "-130", "应付金额(¥)": "-110.5", "原订单号": "CS26100300"}
MONTH = {name: HOUR[name] for name in BY_CYCLE if name in HOUR}


def as_csv(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding, newline="")
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_detail_bill_is_recognised_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    found = read(as_csv(tmp_path / "bill.csv", csv_text(DETAIL, [HOUR, ORDER, REFUND]), encoding), tmp_path)
    assert (found.staged.format.name, found.counts, found.billed) == ("huawei_detail", (3, 3, 0, 0), Decimal("110.9"))
    assert {(row["x_period"], row["BillingCurrency"], row["SubAccountId"]) for row in found.charges} == {
        ("2026-10", "CNY", "nimbus")
    }
    assert json.loads(found.charges[0]["Tags"]) == {
        "huawei:enterprise-project": "default", "department": "storefront", "tenant": "shop-web",
    }  # fmt: skip


def test_columns_of_the_detail_bill_are_found_in_any_order(tmp_path: Path) -> None:
    header = random.Random(7).sample(DETAIL, len(DETAIL))  # noqa: S311 - any order will do
    found = read(as_csv(tmp_path / "bill.csv", csv_text(header, [HOUR, REFUND])), tmp_path)
    assert (found.staged.format.name, found.counts, found.billed) == ("huawei_detail", (2, 2, 0, 0), Decimal("-110.1"))


def test_one_cell_with_from_and_until_is_a_span(tmp_path: Path) -> None:
    row = HOUR | {"使用开始时间": "--", "使用结束时间": "--"}
    (charge,) = read(as_csv(tmp_path / "bill.csv", csv_text(DETAIL, [row])), tmp_path).charges
    assert charge["ChargePeriodStart"] == datetime(2026, 10, 2, 14)
    assert charge["ChargePeriodEnd"] == datetime(2026, 10, 2, 15)
    assert charge["BillingPeriodStart"] == datetime(2026, 9, 30, 16)
    assert charge["BillingPeriodEnd"] == datetime(2026, 10, 31, 16)


def test_the_configured_account_pays_and_the_named_one_uses(tmp_path: Path) -> None:
    path = as_csv(tmp_path / "bill.csv", csv_text(DETAIL, [HOUR]))
    (charge,) = read(path, tmp_path, account="master").charges
    assert (charge["BillingAccountId"], charge["SubAccountId"]) == ("master", "nimbus")


def test_the_bill_by_cycle_is_recognised_and_its_lines_are_of_the_month(tmp_path: Path) -> None:
    rows = [MONTH, MONTH | {"账单类型": "退款-变更", "应付金额(¥)": "-1,234.56789012"}]
    found = read(as_csv(tmp_path / "bill.csv", csv_text(BY_CYCLE, rows)), tmp_path)
    assert (found.staged.format.name, found.counts) == ("huawei_by_cycle", (2, 2, 0, 0))
    assert found.billed == Decimal("-1234.16789012")
    assert {(row["ChargePeriodStart"], row["ChargePeriodEnd"]) for row in found.charges} == {
        (datetime(2026, 9, 30, 16), datetime(2026, 10, 31, 16))
    }


def test_a_detail_bill_without_the_amount_payable_is_refused_with_its_name(tmp_path: Path) -> None:
    path = as_csv(tmp_path / "bill.csv", csv_text([name for name in DETAIL if name != "应付金额(¥)"], [{}]))
    with pytest.raises(UnknownColumnsError, match="应付金额"):
        read(path, tmp_path)


@pytest.mark.parametrize(
    ("form", "name", "covers"),
    [
        ("huawei_detail", "nimbus_PriceFactorBillDetail_20210402.csv", "day"),
        ("huawei_detail", "Danale_PriceFactorBillDetail_20210401_1.csv", "day"),
        ("huawei_detail", "hw_12_ab_PriceFactorBillDetail_20210301-20210331.csv", "month"),
        ("huawei_detail", "nimbus_PriceFactorBillDetail_20210301-20210331_2.csv", "month"),
        ("huawei_detail", "nimbus_InstanceBillMonth_202103.csv", "sibling"),
        ("huawei_detail", "nimbus_ItemProductBillOverview_202103.csv", "sibling"),
        ("huawei_detail", "Spendings(ByResource-Period)_20210402.zip", "sibling"),
        ("huawei_detail", "Resource_Expenditures(Pay-per-Use)_20210402.zip", "day"),
        ("huawei_by_cycle", "nimbus_InstanceBillMonth_202103.csv", "month_to_date"),
        ("huawei_by_cycle", "nimbus_InstanceBillMonth_202103_1.csv", "month_to_date"),
        ("huawei_by_cycle", "Spendings(ByResource-Period)_20210402.zip", "month_to_date"),
        ("huawei_by_cycle", "nimbus_PriceFactorBillDetail_20210301-20210331.csv", "sibling"),
        ("huawei_by_cycle", "Spendings(ByTransaction-Period)_20210402.zip", "sibling"),
    ],
)
def test_what_a_file_is_follows_from_its_name(form: str, name: str, covers: str) -> None:
    pattern, _ = first_match(form, name)
    assert ("sibling" if pattern.sibling else pattern.covers) == covers


def test_the_names_of_files_say_account_days_and_part() -> None:
    _, said = first_match("huawei_detail", "hw_12_ab_PriceFactorBillDetail_20210301-20210331_2.csv")
    assert said == {"account": "hw_12_ab", "first": "20210301", "last": "20210331", "part": "2"}
    _, said = first_match("huawei_by_cycle", "nimbus_InstanceBillMonth_202103.csv")
    assert said == {"account": "nimbus", "month": "202103"}


def test_days_add_up_until_the_month_takes_their_place(tmp_path: Path) -> None:
    names_of_files = [
        "20261028/nimbus_PriceFactorBillDetail_20261027_1.csv",
        "20261028/nimbus_PriceFactorBillDetail_20261027_2.csv",
        "20261029/nimbus_PriceFactorBillDetail_20261028.csv",
        "20261029/nimbus_InstanceBillMonth_202610.csv",
        "20261103/nimbus_PriceFactorBillDetail_20261001-20261031.csv",
    ]
    found = delivered(tmp_path, "huawei_detail", names_of_files)
    assert [(len(one.files), one.slice, one.period, one.final) for one in found if not one.sibling] == [
        (2, "day-20261027", "", False),
        (1, "day-20261028", "", False),
        (1, "all", "2026-10", True),
    ]
    assert [one.key for one in found if one.sibling] == ["20261029/nimbus_InstanceBillMonth_202610.csv"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cost=spellings(), column=st.sampled_from(DETAIL), text=st.text(max_size=20))
def test_any_text_in_any_cell_of_the_detail_bill_is_refused_or_right(
    tmp_path_factory: pytest.TempPathFactory, cost: tuple[str, Decimal | None], column: str, text: str
) -> None:
    rows = [ORDER | {column: text, "应付金额(¥)": cost[0]}, HOUR]
    folder = tmp_path_factory.mktemp("fuzz")
    refused_or_right(folder, "huawei_detail", csv_text(DETAIL, rows), [cost[1], Decimal("0.4")])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cost=spellings(), column=st.sampled_from(BY_CYCLE), text=st.text(max_size=20))
def test_any_text_in_any_cell_of_the_bill_by_cycle_is_refused_or_right(
    tmp_path_factory: pytest.TempPathFactory, cost: tuple[str, Decimal | None], column: str, text: str
) -> None:
    rows = [MONTH | {column: text, "应付金额(¥)": cost[0]}, MONTH]
    folder = tmp_path_factory.mktemp("fuzz")
    refused_or_right(folder, "huawei_by_cycle", csv_text(BY_CYCLE, rows), [cost[1], Decimal("0.4")])
