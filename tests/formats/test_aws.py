"""AWS bills: every header variant is recognised, and what becomes of a line is right or named."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.formats.aws_lines import CUR_2, LEGACY, UNUSED_PART, USAGE, Line, csv_bytes, folded, write_csv, write_parquet
from tests.formats.reading import Read, read
from twinledger.vocabulary.errors import DeliveryRefusedError, InvalidAmountError
from twinledger.vocabulary.identities import new_identity
from twinledger.vocabulary.money import exact_sum, parse_amount

PLAN = "arn:aws:savingsplans::012345678901:savingsplan/0f3c"
RESERVATION = "arn:aws:ec2:eu-west-1:012345678901:reserved-instances/77aa"

COVERED: Line = {
    **USAGE,
    "lineItem/LineItemType": "SavingsPlanCoveredUsage",
    "savingsPlan/SavingsPlanARN": PLAN,
    "savingsPlan/SavingsPlanEffectiveCost": "0.15",
}
NEGATION: Line = {
    **COVERED,
    "lineItem/LineItemType": "SavingsPlanNegation",
    "lineItem/ResourceId": "",
    "lineItem/UnblendedCost": "-0.2",
    "savingsPlan/SavingsPlanEffectiveCost": "",
}
PLAN_FEE: Line = {
    **USAGE,
    "lineItem/LineItemType": "SavingsPlanRecurringFee",
    "lineItem/ProductCode": "ComputeSavingsPlans",
    "lineItem/UsageType": "ComputeSP:1yrPartialUpfront",
    "lineItem/ResourceId": "",
    "lineItem/UsageAmount": "1",
    "lineItem/UnblendedCost": "0.1",
    "pricing/publicOnDemandCost": "",
    "pricing/publicOnDemandRate": "",
    "savingsPlan/SavingsPlanARN": PLAN,
    "savingsPlan/TotalCommitmentToDate": "0.25",
    "savingsPlan/UsedCommitment": "0.15",
}
DISCOUNTED: Line = {
    **USAGE,
    "lineItem/LineItemType": "DiscountedUsage",
    "lineItem/UnblendedRate": "0",
    "lineItem/UnblendedCost": "0",
    "reservation/ReservationARN": RESERVATION,
    "reservation/EffectiveCost": "0.14",
}
RESERVATION_FEE: Line = {
    **PLAN_FEE,
    "lineItem/LineItemType": "RIFee",
    "lineItem/ProductCode": "AmazonEC2",
    "lineItem/UnblendedCost": "30",
    "savingsPlan/SavingsPlanARN": "",
    "savingsPlan/TotalCommitmentToDate": "",
    "savingsPlan/UsedCommitment": "",
    "reservation/ReservationARN": RESERVATION,
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "4",
    "reservation/UnusedRecurringFee": "6",
    "reservation/UnusedQuantity": "100",
}
TAX: Line = {
    **USAGE,
    "lineItem/LineItemType": "Tax",
    "lineItem/TaxType": "VAT",
    "lineItem/UsageEndDate": "2026-11-01T00:00:00.000Z",
    "lineItem/UnblendedCost": "1.5",
}
CREDIT: Line = {**USAGE, "lineItem/LineItemType": "Credit", "lineItem/UnblendedCost": "-3"}
REFUND: Line = {**USAGE, "lineItem/LineItemType": "Refund", "lineItem/UnblendedCost": "-0.7"}
DISCOUNT: Line = {**USAGE, "lineItem/LineItemType": "EdpDiscount", "lineItem/UnblendedCost": "-0.03"}
POD: Line = {
    **USAGE,
    "lineItem/ResourceId": "arn:aws:eks:eu-west-1:000055556666:pod/shop/web",
    "lineItem/UnblendedCost": "0",
    "splitLineItem/ParentResourceId": "i-0001",
    "splitLineItem/SplitCost": "0.11",
}
EVERY_KIND = (USAGE, COVERED, NEGATION, PLAN_FEE, DISCOUNTED, RESERVATION_FEE, TAX, CREDIT, REFUND, DISCOUNT, POD)
TOTAL = exact_sum(Decimal(line["lineItem/UnblendedCost"]) for line in EVERY_KIND)


def snake(name: str) -> str:
    """A legacy column as Athena names it: lineItem/UsageType is line_item_usage_type."""
    text = "".join("_" + sign.lower() if sign.isupper() else sign for sign in name)
    return "".join(sign if sign.isalnum() else "_" for sign in text).replace("__", "_")


def of_type(found: Read, kind: str) -> list[dict[str, Any]]:
    """The charges of lines of one type; what they are of is in the order of EVERY_KIND."""
    number = next(n for n, line in enumerate(EVERY_KIND, 1) if line["lineItem/LineItemType"] == kind)
    return [row for row in found.charges if row["x_row"] % UNUSED_PART == number]


def check_every_kind(found: Read, form: str) -> None:
    """Each kind of line once: nothing lost, and each what it must be."""
    assert found.staged.format.name == form
    assert found.staged.refused == ()
    assert found.counts == (len(EVERY_KIND), len(EVERY_KIND) - 1, 0, 1)
    assert len({row["x_row"] % UNUSED_PART for row in found.charges}) == len(EVERY_KIND) - 1
    assert found.billed == TOTAL
    categories = [row["ChargeCategory"] for row in found.charges if row["x_row"] < UNUSED_PART]
    usage, purchase = "Usage", "Purchase"
    assert categories == [usage, usage, usage, purchase, usage, purchase, "Tax", "Credit", usage, usage]
    assert all(json.loads(row["Tags"])["user:department"] == "shop" for row in found.charges)
    assert {row["BillingAccountId"] for row in found.charges} == {"012345678901"}
    assert {row["BillingPeriodEnd"] for row in found.charges} == {datetime(2026, 11, 1)}


def test_a_legacy_report_is_recognised_and_read(tmp_path: Path) -> None:
    check_every_kind(read(write_csv(tmp_path / "a.csv", LEGACY, EVERY_KIND), tmp_path), "aws_cur_legacy")


@pytest.mark.parametrize(("start", "end"), [
    ("2026-10-02T05:00:00Z", "2026-10-02T06:00:00Z"),
    ("2026-10-02T05:00:00.000Z", "2026-10-02T06:00:00.000Z"),
    ("2026-10-02 05:00:00", "2026-10-02 06:00:00"),
])  # fmt: skip
def test_timestamps_are_read_in_the_three_shapes_that_aws_writes(tmp_path: Path, start: str, end: str) -> None:
    line = {**USAGE, "lineItem/UsageStartDate": start, "lineItem/UsageEndDate": end}
    (charge,) = read(write_csv(tmp_path / "a.csv.gz", LEGACY, [line]), tmp_path).charges
    assert charge["ChargePeriodStart"] == datetime(2026, 10, 2, 5)
    assert charge["ChargePeriodEnd"] == datetime(2026, 10, 2, 6)


def test_a_legacy_report_with_windows_line_ends_and_the_other_spelling_of_arn_is_the_same(tmp_path: Path) -> None:
    header = [name.replace("SavingsPlanARN", "SavingsPlanArn") for name in LEGACY]
    lines = [{name.replace("ARN", "Arn"): value for name, value in line.items()} for line in EVERY_KIND]
    check_every_kind(read(write_csv(tmp_path / "a.csv", header, lines, newline="\r\n"), tmp_path), "aws_cur_legacy")


@pytest.mark.parametrize(
    "names", [("product/region",), ("product/regionCode",), ("product/region", "product/regionCode")]
)
def test_the_region_is_found_in_whichever_column_a_report_has(tmp_path: Path, names: tuple[str, ...]) -> None:
    header = [name for name in LEGACY if not name.startswith("product/region")] + list(names)
    line = {**USAGE, "product/regionCode": "", **dict.fromkeys(names, "eu-north-1")}
    (charge,) = read(write_csv(tmp_path / "a.csv", header, [line]), tmp_path).charges
    assert charge["RegionId"] == "eu-north-1"


def test_a_report_of_the_least_columns_is_read(tmp_path: Path) -> None:
    header = [name for name in LEGACY if name.startswith(("bill/", "lineItem/")) and "Net" not in name]
    found = read(write_csv(tmp_path / "a.csv", header, [USAGE, TAX]), tmp_path)
    assert (found.counts, found.billed) == ((2, 2, 0, 0), Decimal("1.7"))
    assert found.charges[0]["SkuId"] == "BoxUsage:m5.large"


def test_a_legacy_report_in_parquet_as_athena_reads_it_is_recognised(tmp_path: Path) -> None:
    header = [snake(name) for name in LEGACY]
    assert "line_item_unblended_cost" in header
    assert "resource_tags_user_department" in header
    found = read(write_parquet(tmp_path / "a.snappy.parquet", header, EVERY_KIND), tmp_path)
    check_every_kind(found, "aws_cur_legacy")


def test_a_second_report_in_parquet_with_maps_is_recognised(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "nimbus-00001.snappy.parquet", CUR_2, EVERY_KIND)
    assert str(pq.read_schema(path).field("resource_tags").type).startswith("map<string, string")
    check_every_kind(read(path, tmp_path), "aws_cur_2")


def test_a_second_report_in_csv_with_maps_as_json_is_recognised(tmp_path: Path) -> None:
    check_every_kind(read(write_csv(tmp_path / "nimbus-00001.csv.gz", CUR_2, EVERY_KIND), tmp_path), "aws_cur_2")


def test_a_second_report_of_a_few_chosen_columns_is_still_one(tmp_path: Path) -> None:
    wanted = {"bill_payer_account_id", "bill_billing_period_start_date", "bill_billing_period_end_date", "product"}
    header = [n for n in CUR_2 if n in wanted or (n.startswith("line_item_") and "net" not in n)]
    found = read(write_csv(tmp_path / "a.csv.gz", header, [USAGE, CREDIT]), tmp_path)
    assert (found.staged.format.name, found.counts) == ("aws_cur_2", (2, 2, 0, 0))
    assert found.billed == Decimal("-2.8")


# --- what becomes of a line --------------------------------------------------------------------


@pytest.fixture
def every_kind(tmp_path: Path) -> Read:
    """Each kind of line once, from a second report."""
    return read(write_parquet(tmp_path / "a.parquet", CUR_2, EVERY_KIND), tmp_path)


def test_covered_usage_costs_what_the_plan_makes_of_it_and_its_negation_nothing(every_kind: Read) -> None:
    (covered,), (negation,) = of_type(every_kind, "SavingsPlanCoveredUsage"), of_type(every_kind, "SavingsPlanNegation")
    assert (covered["BilledCost"], covered["EffectiveCost"], covered["ListCost"]) == cents("0.2 0.15 0.24")
    assert (negation["BilledCost"], negation["EffectiveCost"], negation["ListCost"]) == cents("-0.2 0 0")
    assert negation["ConsumedQuantity"] is None
    assert [row["CommitmentDiscountStatus"] for row in (covered, negation)] == ["Used", "Used"]


@pytest.mark.parametrize(
    ("kind", "billed", "unused"), [("SavingsPlanRecurringFee", "0.1", "0.1"), ("RIFee", "30", "10")]
)
def test_a_fee_line_is_a_purchase_and_beside_it_what_was_not_used(
    every_kind: Read, kind: str, billed: str, unused: str
) -> None:
    fee, rest = of_type(every_kind, kind)
    assert (fee["ChargeCategory"], fee["CommitmentDiscountStatus"]) == ("Purchase", None)
    assert (fee["BilledCost"], fee["EffectiveCost"]) == cents(f"{billed} 0")
    assert (rest["ChargeCategory"], rest["CommitmentDiscountStatus"]) == ("Usage", "Unused")
    assert (rest["BilledCost"], rest["EffectiveCost"], rest["ListCost"]) == cents(f"0 {unused} 0")
    assert rest["x_row"] == fee["x_row"] + UNUSED_PART
    assert rest["ConsumedQuantity"] is None


def test_a_fee_line_that_nothing_is_paid_for_is_its_unused_part_alone(tmp_path: Path) -> None:
    (charge,) = read(
        write_csv(tmp_path / "a.csv", LEGACY, [{**PLAN_FEE, "lineItem/UnblendedCost": "0"}]), tmp_path
    ).charges
    assert (charge["ChargeCategory"], charge["CommitmentDiscountStatus"], charge["x_row"]) == ("Usage", "Unused", 1)
    assert (charge["BilledCost"], charge["EffectiveCost"]) == cents("0 0.1")


def test_unused_values_that_are_not_a_number_say_nothing(tmp_path: Path) -> None:
    line = {**RESERVATION_FEE}
    for name in ("UnusedAmortizedUpfrontFeeForBillingPeriod", "UnusedRecurringFee", "UnusedQuantity"):
        line[f"reservation/{name}"] = "NaN"
    for path in (
        write_parquet(tmp_path / "a.parquet", CUR_2, [line]),
        write_csv(tmp_path / "a.csv.gz", CUR_2, [line]),
        write_csv(tmp_path / "b.csv", LEGACY, [line]),
    ):
        found = read(path, tmp_path / path.name.replace(".", "-"))
        assert (found.counts, found.billed) == ((1, 1, 0, 0), Decimal(30))
        assert found.charges[0]["EffectiveCost"] == 0


def test_a_cost_that_is_not_a_number_is_refused_and_never_zero(tmp_path: Path) -> None:
    lines = [USAGE, {**USAGE, "lineItem/UnblendedCost": "NaN"}]
    for path in (write_parquet(tmp_path / "a.parquet", CUR_2, lines), write_csv(tmp_path / "b.csv", LEGACY, lines)):
        found = read(path, tmp_path / path.name.replace(".", "-"))
        assert (found.counts, found.billed) == ((2, 1, 1, 0), Decimal("0.2"))
        assert found.staged.refused[0].code == "amount"


def test_the_net_cost_goes_before_the_gross_where_it_is_given(tmp_path: Path) -> None:
    lines = [{**USAGE, "lineItem/NetUnblendedCost": "0.19"}, {**TAX, "lineItem/NetUnblendedCost": ""}]
    lines.append({**COVERED, "savingsPlan/NetSavingsPlanEffectiveCost": "0.14"})
    found = read(write_csv(tmp_path / "a.csv", LEGACY, lines), tmp_path)
    assert [row["BilledCost"] for row in found.charges] == list(cents("0.19 1.5 0.2"))
    assert found.charges[0]["ContractedCost"] == Decimal("0.2")
    assert found.charges[2]["EffectiveCost"] == Decimal("0.14")


def test_the_net_part_of_what_was_not_used_is_that_of_the_whole_commitment(tmp_path: Path) -> None:
    line = {
        **PLAN_FEE,
        "savingsPlan/AmortizedUpfrontCommitmentForBillingPeriod": "0.15",
        "savingsPlan/RecurringCommitmentForBillingPeriod": "0.1",
        "savingsPlan/NetAmortizedUpfrontCommitmentForBillingPeriod": "0.135",
        "savingsPlan/NetRecurringCommitmentForBillingPeriod": "0.09",
    }
    _, unused = read(write_csv(tmp_path / "a.csv", LEGACY, [line]), tmp_path).charges
    assert unused["EffectiveCost"] == Decimal("0.09")


def test_what_a_pod_has_of_an_instance_is_not_counted_beside_the_instance(tmp_path: Path) -> None:
    fargate = {**POD, "splitLineItem/ParentResourceId": "", "lineItem/UnblendedCost": "0.04"}
    found = read(write_csv(tmp_path / "a.csv.gz", CUR_2, [USAGE, POD, fargate]), tmp_path)
    assert (found.counts, found.billed) == ((3, 2, 0, 1), Decimal("0.24"))


def test_units_of_time_are_written_in_full_and_unit_prices_lead_to_the_cost(tmp_path: Path) -> None:
    units = {
        "GB-Mo": "GB-Months",
        "Hrs": "Hrs",
        "ACU-Hr": "ACU-Hours",
        "Lambda-GB-Second": "Lambda GB-Seconds",
        "": "Units",
    }
    lines = [{**USAGE, "pricing/unit": unit} for unit in units]
    lines.append({**USAGE, "lineItem/UnblendedCost": "0.5"})
    found = read(write_csv(tmp_path / "a.csv", LEGACY, lines), tmp_path)
    assert [row["PricingUnit"] for row in found.charges] == [*units.values(), "Hrs"]
    assert found.charges[0]["ContractedUnitPrice"] == Decimal("0.1")
    assert found.charges[-1]["ContractedUnitPrice"] is None


def test_refunds_are_corrections_and_those_of_a_commitment_lower_what_was_purchased(tmp_path: Path) -> None:
    of_plan = {**REFUND, "savingsPlan/SavingsPlanARN": PLAN, "lineItem/UnblendedCost": "-9"}
    plain, plan = read(write_csv(tmp_path / "a.csv", LEGACY, [REFUND, of_plan]), tmp_path).charges
    assert (plain["ChargeCategory"], plain["ChargeClass"], plain["EffectiveCost"]) == (
        "Usage",
        "Correction",
        Decimal("-0.7"),
    )
    assert (plan["ChargeCategory"], plan["ChargeClass"], plan["EffectiveCost"]) == ("Purchase", "Correction", 0)


def cents(amounts: str) -> tuple[Decimal, ...]:
    """Amounts written one after another."""
    return tuple(Decimal(amount) for amount in amounts.split())


# --- AWS' own FOCUS exports --------------------------------------------------------------------

_FOCUS_HEADER = (
    "AvailabilityZone,BilledCost,BillingAccountId,BillingAccountName,BillingAccountType,BillingCurrency,"
    "BillingPeriodEnd,BillingPeriodStart,CapacityReservationId,CapacityReservationStatus,ChargeCategory,ChargeClass,"
    "ChargeDescription,ChargeFrequency,ChargePeriodEnd,ChargePeriodStart,CommitmentDiscountCategory,"
    "CommitmentDiscountId,CommitmentDiscountName,CommitmentDiscountQuantity,CommitmentDiscountType,"
    "CommitmentDiscountUnit,CommitmentDiscountStatus,ConsumedQuantity,ConsumedUnit,ContractedCost,"
    "ContractedUnitPrice,EffectiveCost,InvoiceId,InvoiceIssuerName,ListCost,ListUnitPrice,PricingCategory,"
    "PricingCurrency,PricingCurrencyContractedUnitPrice,PricingCurrencyEffectiveCost,PricingCurrencyListUnitPrice,"
    "PricingQuantity,PricingUnit,ProviderName,PublisherName,RegionId,RegionName,ResourceId,ResourceName,"
    "ResourceType,ServiceCategory,ServiceName,ServiceSubcategory,SkuId,SkuMeter,SkuPriceId,SkuPriceDetails,"
    "SubAccountId,SubAccountName,SubAccountType,Tags,x_Discounts,x_Operation,x_ServiceCode"
)
FOCUS_1_2 = _FOCUS_HEADER.split(",")
_SINCE_1_2 = {
    "BillingAccountType",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountUnit",
    "InvoiceId",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "ServiceSubcategory",
    "SkuMeter",
    "SkuPriceDetails",
    "SubAccountType",
}
FOCUS_1_0 = [*(name for name in FOCUS_1_2 if name not in _SINCE_1_2), "x_CostCategories", "x_UsageType"]
FOCUS_LINE = {
    "BilledCost": "0.0000000012",
    "BillingAccountId": "012345678901",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-10-01T00:00:00.000Z",
    "BillingPeriodEnd": "2026-11-01T00:00:00.000Z",
    "ChargeCategory": "Usage",
    "ChargePeriodStart": "2026-10-03T00:00:00.000Z",
    "ChargePeriodEnd": "2026-10-03T01:00:00.000Z",
    "ContractedCost": "0.0000000012",
    "EffectiveCost": "0.0000000012",
    "ListCost": "0.0000000015",
    "ProviderName": "AWS",
    "ServiceCategory": "Compute",
    "ServiceName": "Amazon Elastic Compute Cloud",
    "Tags": '{"department": "shop"}',
    "x_Operation": "RunInstances",
    "x_ServiceCode": "AmazonEC2",
}


@pytest.mark.parametrize(("header", "form"), [(FOCUS_1_2, "aws_focus_1_2"), (FOCUS_1_0, "aws_focus_1_0")])
def test_focus_exports_of_aws_are_told_from_those_of_others(tmp_path: Path, header: list[str], form: str) -> None:
    assert len(FOCUS_1_2) == 60
    found = read(write_csv(tmp_path / "focus-00001.csv.gz", header, [FOCUS_LINE]), tmp_path)
    assert (found.staged.format.name, found.counts) == (form, (1, 1, 0, 0))
    assert found.billed == Decimal("0.0000000012")
    assert found.charges[0]["Tags"] == '{"department": "shop"}'
    assert found.staged.format.layout == "aws_manifest"
    assert found.staged.format.provider == "AWS"


def test_a_focus_export_of_aws_in_parquet_is_the_same(tmp_path: Path) -> None:
    columns: dict[str, pa.Array] = {name: pa.array([FOCUS_LINE.get(name)], type=pa.string()) for name in FOCUS_1_2}
    for name in ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"):
        columns[name] = pa.array([float(FOCUS_LINE[name])])
    columns["Tags"] = pa.array([[("department", "shop")]], type=pa.map_(pa.string(), pa.string()))
    columns["x_Discounts"] = pa.array([[("edp", 0.5)]], type=pa.map_(pa.string(), pa.float64()))
    pq.write_table(pa.table(columns), tmp_path / "focus-00001.snappy.parquet")
    found = read(tmp_path / "focus-00001.snappy.parquet", tmp_path)
    assert (found.staged.format.name, found.counts) == ("aws_focus_1_2", (1, 1, 0, 0))
    assert found.billed == Decimal("0.0000000012")
    assert json.loads(found.charges[0]["Tags"]) == {"department": "shop"}


# --- whatever stands in a cell -----------------------------------------------------------------

CELLS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12),
    st.sampled_from(
        ["", "NULL", "NaN", "-0", "1e5", "1E-19", "1,000.5", " 1", "{", '{"a": {}}', "2026-10-01", "9" * 40]
    ),
    st.decimals(min_value=-(10**12), max_value=10**12, places=10).map(str),
)
NAMES = st.one_of(st.sampled_from(LEGACY), st.sampled_from(sorted(USAGE)))
FUZZ = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
COST = ("lineItem/UnblendedCost", "lineItem/NetUnblendedCost")


@pytest.mark.parametrize("header", [LEGACY, CUR_2], ids=["legacy", "second"])
@FUZZ
@given(data=st.data())
def test_whatever_stands_in_a_cell_the_sum_is_right_or_the_row_is_refused_by_name(
    tmp_path: Path, header: list[str], data: st.DataObject
) -> None:
    lines = [dict(line) for line in EVERY_KIND * 2]
    for line, name, cell in data.draw(
        st.lists(st.tuples(st.sampled_from(lines), NAMES, CELLS), min_size=1, max_size=20)
    ):
        line[name] = cell
    path = tmp_path / f"{new_identity('fuzz')}.csv"
    path.write_bytes(csv_bytes(header, lines))
    try:
        found = read(path, tmp_path / path.stem)
    except DeliveryRefusedError:
        return
    charged = {row["x_row"] % UNUSED_PART for row in found.charges}
    refused = {row.row for row in found.staged.refused}
    assert found.counts == (len(lines), len(charged), len(refused), found.staged.aside)
    assert len(charged) + len(refused) + found.staged.aside == len(lines)
    assert all(row.code in {"amount", "date", "account", "currency"} for row in found.staged.refused)
    written = list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert found.billed == exact_sum(cost(written[number - 1]) for number in charged)


def cost(line: Mapping[str, str]) -> Decimal:
    """What a line costs, read with nothing of the formats'."""
    cells = {folded(name): value for name, value in line.items()}
    gross, net = (cells.get(folded(name), "") for name in COST)
    try:
        return parse_amount(net if net not in {"", "NULL"} else gross)
    except InvalidAmountError:
        pytest.fail(f"{line} is in the ledger")


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(csv_bytes(CUR_2, EVERY_KIND * 50))
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DeliveryRefusedError):
        read(tmp_path / "a.csv.gz", tmp_path)
