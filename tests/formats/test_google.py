"""Google Cloud's bills: the billing export nested in Parquet and flattened to CSV, and Google's FOCUS export."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation, localcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.formats.reading import csv_text, first_match, read
from twinledger.bills.formats import detect
from twinledger.vocabulary.errors import DeliveryRefusedError, TotalMismatchError, UnknownColumnsError
from twinledger.vocabulary.money import exact_sum

FLAT = (
    "billing_account_id,service.id,service.description,sku.id,sku.description,usage_start_time,usage_end_time,"
    "project.id,project.name,project.labels,project.ancestry_numbers,labels,system_labels,location.location,"
    "location.country,location.region,location.zone,export_time,cost,currency,currency_conversion_rate,usage.amount,"
    "usage.unit,usage.amount_in_pricing_units,usage.pricing_unit,credits,invoice.month,cost_type,partition_date"
)
"""The standard export as notebooks flatten it."""

DETAILED = (
    "billing_account_id,service_id,service_description,sku_id,sku_description,usage_start_time,usage_end_time,"
    "project_id,project_number,project_name,project_labels,labels,system_labels,location_location,location_country,"
    "location_region,location_zone,resource_name,resource_global_name,tags,price_effective_price,"
    "price_tier_start_amount,price_unit,price_pricing_unit_quantity,price_list_price,subscription_instance_id,"
    "transaction_type,seller_name,export_time,cost,currency,currency_conversion_rate,usage_amount,usage_unit,"
    "usage_amount_in_pricing_units,usage_pricing_unit,credits,invoice_month,cost_type,adjustment_info_id,"
    "adjustment_info_description,adjustment_info_mode,adjustment_info_type,cost_at_list,consumption_model_id,"
    "consumption_model_description"
)
"""The detailed export with every column, flattened with underscores."""

FOCUS = (
    "AvailabilityZone,BilledCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargeCategory,"
    "ChargeClass,ChargeDescription,ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,ConsumedUnit,ContractedCost,"
    "ContractedUnitPrice,ListCost,ListUnitPrice,PricingCategory,PricingQuantity,PricingUnit,ProviderName,"
    "PublisherName,RegionId,RegionName,ResourceId,ResourceName,ServiceName,SkuId,SkuPriceId,SubAccountId,"
    "SubAccountName,x_Credits,x_CostType,x_CurrencyConversionRate,x_ExportTime,x_Location,x_Project,x_ServiceId,"
    "x_SystemLabels,x_Labels,x_ProjectLabels,x_Tags,EffectiveCost,PricingCurrency,PricingCurrencyContractedUnitPrice,"
    "PricingCurrencyEffectiveCost,PricingCurrencyListUnitPrice,BillingAccountType,x_SubscriptionInstanceId,"
    "x_PriceEffectivePriceDefault,x_PriceListPriceConsumptionModel,x_CostAtEffectivePriceDefault,"
    "x_CostAtListConsumptionModel,x_ConsumptionModelId,x_ConsumptionModelDescription"
)

OLD_VIEW = (
    "AvailabilityZone,BilledCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargeCategory,"
    "ChargeClass,ChargeDescription,ChargePeriodStart,ChargePeriodEnd,CommitmentDiscountCategory,CommitmentDiscountId,"
    "CommitmentDiscountName,ConsumedQuantity,ConsumedUnit,ContractedCost,ContractedUnitPrice,EffectiveCost,ListCost,"
    "ListUnitPrice,PricingCategory,PricingQuantity,PricingUnit,ProviderName,PublisherName,RegionId,RegionName,"
    "ResourceId,ResourceName,ResourceType,ServiceCategory,ServiceName,SkuId,SkuPriceId,SubAccountId,Tags,x_Credits,"
    "x_CostType,x_CurrencyConversionRate,x_ExportTime,x_Location,x_Project,x_ServiceId"
)
"""The FOCUS view of 2024."""

LINE = {
    "billing_account_id": "0000AA-0000BB-0000CC",
    "service.id": "6F81-5844-456A",
    "service.description": "Compute Engine",
    "sku.id": "F449-33EC-A5EF",
    "sku.description": "E2 Instance Ram running in Americas",
    "usage_start_time": "2026-10-05 17:00:00+00:00",
    "usage_end_time": "2026-10-05 18:00:00+00:00",
    "project.id": "shop",
    "labels": "[{'key': 'team', 'value': 'web'}]",
    "location.region": "us-central1",
    "cost": "0.011694",
    "currency": "USD",
    "usage.amount": "15461937639360.0",
    "usage.unit": "byte-seconds",
    "usage.amount_in_pricing_units": "4.000014325231314",
    "usage.pricing_unit": "gibibyte hour",
    "credits": "[]",
    "invoice.month": "202610",
    "cost_type": "regular",
}


def line(**cells: str) -> dict[str, str]:
    """A line of the flattened export; `service__id` names service.id."""
    return LINE | {name.replace("__", "."): cell for name, cell in cells.items()}


def underscored(cells: Mapping[str, str]) -> dict[str, str]:
    return {name.replace(".", "_"): cell for name, cell in cells.items()}


def test_a_flattened_export_is_recognised_and_netted_to_the_last_digit(tmp_path: Path) -> None:
    promotion = "[{'name': \"Bob's trial\", 'amount': -5e-06, 'full_name': None, 'id': 'x', 'type': 'PROMOTION'}]"
    rows = [
        line(),
        line(cost="5e-06", credits=promotion),
        line(cost="0.1", credits='[{"name":"SUD","amount":-0.030000000000000001,"type":"SUSTAINED_USAGE_DISCOUNT"}]'),
        line(cost="2.5", cost_type="tax", service__id="", service__description="", sku__id="T", sku__description="Tax"),
        line(cost="-0.01", cost_type="rounding_error"),
    ]
    (tmp_path / "202610.csv").write_text(csv_text(FLAT.split(","), rows))
    found = read(tmp_path / "202610.csv", tmp_path)
    assert found.staged.format.name == "google_detailed"
    assert found.counts == (5, 5, 0, 0)
    assert found.billed == Decimal("2.571693999999999999")
    assert [row["ChargeCategory"] for row in found.charges] == ["Usage", "Usage", "Usage", "Tax", "Adjustment"]
    assert {row["x_period"] for row in found.charges} == {"2026-10"}
    assert found.charges[0]["Tags"] == '{"team": "web"}'


def test_the_detailed_export_with_underscores_is_the_same_bill(tmp_path: Path) -> None:
    cells = underscored(line(cost="8", credits='[{"amount": -2, "type": "DISCOUNT"}]')) | {
        "resource_name": "web-1",
        "resource_global_name": "//compute.googleapis.com/projects/1/zones/us-central1-a/instances/77",
        "price_list_price": "2.5",
        "price_effective_price": "2",
        "usage_amount_in_pricing_units": "4",
        "cost_at_list": "10",
        "seller_name": "Google",
        "tags": '[{"key":"env","value":"prod","inherited":true,"namespace":"org/1"}]',
    }
    (tmp_path / "bill.csv").write_text(csv_text(DETAILED.split(","), [cells]))
    found = read(tmp_path / "bill.csv", tmp_path)
    (row,) = found.charges
    assert found.staged.format.name == "google_detailed"
    costs = [row[name] for name in ("ListCost", "ContractedCost", "BilledCost", "EffectiveCost")]
    assert costs == [Decimal(10), Decimal(8), Decimal(6), Decimal(6)]
    assert (row["ListUnitPrice"], row["ContractedUnitPrice"]) == (Decimal("2.5"), Decimal(2))
    assert (row["ResourceType"], row["ResourceName"]) == ("compute.googleapis.com/instances", "web-1")
    assert json.loads(row["Tags"]) == {"team": "web", "env": "prod"}


def nested(cost: float, credited: list[float], **cells: object) -> dict[str, object]:
    """A row as BigQuery exports it to Parquet."""
    return {
        "billing_account_id": "0000AA-0000BB-0000CC",
        "service": {"id": "6F81-5844-456A", "description": "Compute Engine"},
        "sku": {"id": "F449-33EC-A5EF", "description": "E2 Instance Ram running in Americas"},
        "usage_start_time": datetime(2026, 10, 31, 23, tzinfo=UTC),
        "usage_end_time": datetime(2026, 11, 1, tzinfo=UTC),
        "project": {"id": "shop", "name": "Shop", "labels": [{"key": "owner", "value": "ann"}]},
        "labels": [{"key": "team", "value": "web"}, {"key": "owner", "value": "bob"}],
        "location": {"location": "us-central1", "region": "us-central1", "zone": None},
        "cost": cost,
        "currency": "USD",
        "usage": {"amount": 3600.0, "unit": "seconds", "amount_in_pricing_units": 1.0, "pricing_unit": "hour"},
        "credits": [{"name": "c", "amount": amount, "type": "PROMOTION"} for amount in credited],
        "invoice": {"month": "202610", "publisher_type": None},
        "cost_type": "regular",
        "price": {"list_price": Decimal("0.1"), "effective_price": Decimal("0.1")},
    } | cells


def test_nested_parquet_is_recognised_and_keeps_the_digits_of_its_floats(tmp_path: Path) -> None:
    rows = [nested(0.1, [-0.03, -1e-06]), nested(5e-06, [-5e-06]), nested(0.7, [])]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows-000000000000.parquet")
    found = read(tmp_path / "rows-000000000000.parquet", tmp_path)
    assert found.staged.format.name == "google_detailed"
    assert found.counts == (3, 3, 0, 0)
    assert [row["BilledCost"] for row in found.charges] == [Decimal("0.069999"), Decimal(0), Decimal("0.7")]
    first = found.charges[0]
    assert (first["ServiceName"], first["SubAccountId"], first["SkuId"]) == ("Compute Engine", "shop", "F449-33EC-A5EF")
    assert json.loads(first["Tags"]) == {"team": "web", "owner": "bob"}
    assert first["ListUnitPrice"] == Decimal("0.1")
    assert first["ChargePeriodStart"] == datetime(2026, 10, 31, 23)


def test_a_late_row_belongs_to_its_invoice_month_and_not_to_its_usage(tmp_path: Path) -> None:
    late = nested(1.0, [], usage_start_time=datetime(2026, 9, 30, 8, tzinfo=UTC))
    pq.write_table(pa.Table.from_pylist([late]), tmp_path / "bill.parquet")
    (row,) = read(tmp_path / "bill.parquet", tmp_path).charges
    assert (row["x_period"], row["BillingPeriodStart"].isoformat()) == ("2026-10", "2026-10-01T07:00:00")


def test_an_export_without_its_credits_is_not_taken_for_the_bill(tmp_path: Path) -> None:
    header = [name for name in FLAT.split(",") if name != "credits"]
    (tmp_path / "bill.csv").write_text(csv_text(header, [{name: LINE.get(name, "") for name in header}]))
    with pytest.raises(UnknownColumnsError, match="credits"):
        read(tmp_path / "bill.csv", tmp_path)


@pytest.mark.parametrize(
    ("name", "covers", "part", "sibling"),
    [
        ("gcp_billing_export_resource_v1_0000AA-000000000003.parquet", "file", "000000000003", False),
        ("2026-11-03_late.csv.gz", "file", None, False),
        ("rows_000000000000.snappy.parquet", "file", "000000000000", False),
        ("cloud_pricing_export-000000000000.parquet", "month_to_date", None, True),
        ("gcp_billing_export_focus_0000AA-000000000000.parquet", "month_to_date", None, True),
    ],
)
def test_files_of_an_export_add_rows_and_its_siblings_are_refused(
    name: str, covers: str, part: str | None, *, sibling: bool
) -> None:
    pattern, said = first_match("google_detailed", name)
    assert (pattern.covers, said.get("part"), bool(pattern.sibling)) == (covers, part, sibling)


FOCUS_LINE = {
    "BilledCost": "6",
    "EffectiveCost": "6",
    "ContractedCost": "8",
    "ListCost": "10",
    "BillingAccountId": "0000AA-0000BB-0000CC",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-10-01 07:00:00 UTC",
    "BillingPeriodEnd": "2026-11-01 07:00:00 UTC",
    "ChargeCategory": "Usage",
    "ChargeDescription": "E2 Instance Ram running in Americas",
    "ChargePeriodStart": "2026-10-05 17:00:00 UTC",
    "ChargePeriodEnd": "2026-10-05 18:00:00 UTC",
    "ProviderName": "Google Cloud",
    "ServiceName": "Compute Engine",
    "x_Credits": '[{"Name":"SUD","Amount":"-2","Type":"SUSTAINED_USAGE_DISCOUNT"}]',
    "x_CostType": "regular",
    "x_ServiceId": "6F81-5844-456A",
    "x_Labels": '[{"Key":"team","Value":"web"}]',
}


def test_googles_focus_export_is_recognised_and_its_credits_are_not_taken_off_again(tmp_path: Path) -> None:
    rows = [FOCUS_LINE, FOCUS_LINE | {"ChargeCategory": "Tax", "BilledCost": "0.123456789", "ServiceName": ""}]
    (tmp_path / "bill.csv").write_text(csv_text(FOCUS.split(","), rows))
    found = read(tmp_path / "bill.csv", tmp_path)
    assert found.staged.format.name == "google_focus"
    assert found.counts == (2, 2, 0, 0)
    assert found.billed == Decimal("6.123456789")
    assert found.charges[0]["Tags"] == '{"team": "web"}'
    assert [row["ServiceCategory"] for row in found.charges] == ["Compute", "Other"]


def test_googles_focus_export_is_the_same_from_parquet(tmp_path: Path) -> None:
    row: dict[str, object] = dict(FOCUS_LINE) | {
        "BilledCost": 0.3,
        "EffectiveCost": 0.3,
        "ContractedCost": float("nan"),
        "ListCost": 0.5,
        "x_Credits": [{"Name": "SUD", "Amount": Decimal(-2), "FullName": None, "Id": "", "Type": "DISCOUNT"}],
        "x_Labels": [{"Key": "team", "Value": "web"}],
        "x_Tags": [{"Key": "env", "Value": "prod", "x_Inherited": False, "x_Namespace": "org/1"}],
        "x_Project": {"Id": "shop", "Number": "1", "Ancestors": [{"ResourceName": "a", "DisplayName": "b"}]},
    }
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "bill.parquet")
    found = read(tmp_path / "bill.parquet", tmp_path)
    (charge,) = found.charges
    assert found.staged.format.name == "google_focus"
    assert (charge["BilledCost"], charge["ContractedCost"], charge["ListCost"]) == (
        Decimal("0.3"),
        Decimal("0.3"),
        Decimal("0.5"),
    )
    assert json.loads(charge["Tags"]) == {"team": "web", "env": "prod"}


def test_the_focus_view_of_2024_is_recognised_and_refused_with_what_to_take_instead(tmp_path: Path) -> None:
    rows = [{name: FOCUS_LINE.get(name, "") for name in OLD_VIEW.split(",")} | {"ChargeCategory": "usage"}]
    (tmp_path / "bill.csv").write_text(csv_text(OLD_VIEW.split(","), rows))
    assert detect("bill.csv", OLD_VIEW.split(",")).name == "google_focus"
    with pytest.raises(TotalMismatchError, match="FOCUS view of 2024 bills before credits"):
        read(tmp_path / "bill.csv", tmp_path)


CELLS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12),
    st.sampled_from(
        ["", "NaN", "-0", "1e400", "1e-19", "0.1234567890123456789", "9" * 25, "12,5", "٣", "NULL", "None"]
    ),
    st.decimals(-(10**12), 10**12, places=12).map(str),
)
AMOUNTS = st.one_of(CELLS, st.floats(-1e6, 1e6, allow_nan=False).map(repr))
CREDIT_LISTS = st.one_of(
    AMOUNTS,
    st.lists(st.fixed_dictionaries({"name": st.text("a'\"\\", max_size=4), "amount": st.floats(-1e6, 1e6)}), max_size=3)
    .flatmap(lambda listed: st.sampled_from([repr(listed), json.dumps(listed)])),
)  # fmt: skip


def exact(text: str) -> Decimal | None:
    """What the ledger can hold of an amount; None for what is none."""
    with suppress(InvalidOperation, ValueError), localcontext(prec=200):
        value = Decimal(text)
        if value.is_finite() and text.isascii() and "_" not in text and value == round(value, 18) < 10**20:
            return value
    return None


def meant(cost: str, listed: str) -> Decimal | None:
    """Cost plus credits, read with nothing of ours; None for a line that must be refused."""
    if listed in {"", "NULL"}:
        return exact(cost)
    document: object = None
    with suppress(ValueError, RecursionError):
        document = json.loads(listed, parse_float=Decimal)
    if document is None:
        with suppress(ValueError, SyntaxError, MemoryError):
            document = ast.literal_eval(listed)
    if not isinstance(document, list):
        return None
    amounts = [exact(cost), *(exact(str(credit["amount"])) for credit in document)]
    return None if None in amounts else exact_sum(amount for amount in amounts if amount is not None)


@given(
    cells=st.lists(st.tuples(AMOUNTS, CREDIT_LISTS, CELLS, st.sampled_from(FLAT.split(","))), min_size=1, max_size=4),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_cell_a_line_is_refused_or_its_amount_is_right(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    rows = [line(cost=cost, credits=listed) for cost, listed, _, _ in cells]
    for row, (_, _, odd, column) in zip(rows, cells, strict=True):
        if column not in {"cost", "credits"}:
            row[column] = odd
    (folder / "bill.csv").write_text(csv_text(FLAT.split(","), [line(cost="1"), *rows]), newline="")
    wanted = [Decimal(1), *(meant(row["cost"], row["credits"]) for row in rows)]
    try:
        found = read(folder / "bill.csv", folder, "google_detailed")
    except DeliveryRefusedError:
        return
    rows_in, in_ledger, refused, aside = found.counts
    assert (rows_in, aside) == (len(wanted), 0)
    assert in_ledger + refused == rows_in
    assert {row["x_row"]: row["BilledCost"] for row in found.charges} == {
        row["x_row"]: wanted[row["x_row"] - 1] for row in found.charges
    }


@given(odd=st.lists(st.tuples(AMOUNTS, st.sampled_from(FOCUS.split(",")), CELLS), min_size=1, max_size=4))
@settings(max_examples=15, deadline=None)
def test_a_focus_line_with_anything_in_a_cell_is_refused_or_its_amount_is_right(
    tmp_path_factory: pytest.TempPathFactory, odd: list[tuple[str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    rows = [FOCUS_LINE, *(FOCUS_LINE | {column: cell} | {"BilledCost": cost} for cost, column, cell in odd)]
    (folder / "bill.csv").write_text(csv_text(FOCUS.split(","), rows), newline="")
    try:
        found = read(folder / "bill.csv", folder, "google_focus")
    except DeliveryRefusedError:
        return
    rows_in, in_ledger, refused, aside = found.counts
    assert rows_in == len(rows) == in_ledger + refused + aside
    billed = {row["x_row"]: row["BilledCost"] for row in found.charges}
    assert billed == {number: exact(rows[number - 1]["BilledCost"]) for number in billed}


@given(amounts=st.lists(st.tuples(st.floats(), st.lists(st.floats(-1e9, 1e9), max_size=3)), min_size=1, max_size=4))
@settings(max_examples=15, deadline=None)
def test_any_floats_in_nested_parquet_are_summed_exactly_or_refused(
    tmp_path_factory: pytest.TempPathFactory, amounts: list[tuple[float, list[float]]]
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    rows = [nested(1.0, [0.5]), *(nested(cost, credited) for cost, credited in amounts)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "bill.parquet")
    found = read(folder / "bill.parquet", folder)
    assert found.counts[0] == len(rows) == len(found.charges) + len(found.staged.refused)
    for row in found.charges[1:]:
        cost, credited = amounts[row["x_row"] - 2]
        assert row["BilledCost"] == exact_sum(Decimal(repr(part)) for part in (cost, *credited))
