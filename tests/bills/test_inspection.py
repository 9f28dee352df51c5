"""Inspection of a file that nobody configured: what its name says counts as what a source's entry would."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import FakeGate
from twinledger.bills.inspection import inspect_file
from twinledger.engine.duck import DuckEngine

HEADER = (
    "账期,账号ID,账号,产品Code,产品,产品明细,消费类型,账单类型,"
    "实例ID,计费项,计费项Code,用量,用量单位,官网价,优惠金额,优惠券抵扣,应付金额,币种"
)
LINE = ",,nimbus,ecs,云服务器,云服务器,后付费,按量付费,i-1,系统盘,disk,10,GB,4.00,1.00,0,3.00,CNY"


def test_account_and_month_come_from_the_name_where_the_lines_do_not_say_them(tmp_path: Path) -> None:
    path = tmp_path / "1234567890_BillingItemDetail_202610.csv"
    path.write_text(f"{HEADER}\n{LINE}\n", encoding="utf-8")

    found = inspect_file(
        lambda: DuckEngine("512MiB", 1, str(tmp_path / "spill")), FakeGate({}, []), path, tmp_path / "work"
    )

    (total,) = found.totals
    assert found.format == "alibaba_billing_item"
    assert (total.account, total.period, total.currency) == ("1234567890", "2026-10", "CNY")
