"""Lines of AWS bills, and files as AWS writes them: both reports, in CSV and in Parquet."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from twinledger.bills.files import open_bills
from twinledger.bills.formats import detect
from twinledger.engine.duck import DuckEngine
from twinledger.lake.tables import TEXT, Column

UNUSED_PART = 1_000_000_000_000
"""By how much the row number of a fee line's unused part is above the line's own."""

# The header of a legacy report with reservations and Savings Plans, as of 2023.
_LEGACY_HEADER = (
    "identity/LineItemId,identity/TimeInterval,bill/InvoiceId,bill/InvoicingEntity,bill/BillingEntity,bill/BillType,"
    "bill/PayerAccountId,bill/BillingPeriodStartDate,bill/BillingPeriodEndDate,lineItem/UsageAccountId,"
    "lineItem/LineItemType,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/ProductCode,lineItem/UsageType,"
    "lineItem/Operation,lineItem/AvailabilityZone,lineItem/ResourceId,lineItem/UsageAmount,"
    "lineItem/NormalizationFactor,lineItem/NormalizedUsageAmount,lineItem/CurrencyCode,lineItem/UnblendedRate,"
    "lineItem/UnblendedCost,lineItem/NetUnblendedCost,lineItem/BlendedRate,lineItem/BlendedCost,"
    "lineItem/LineItemDescription,lineItem/TaxType,lineItem/LegalEntity,product/ProductName,product/instanceType,"
    "product/location,product/productFamily,product/region,product/regionCode,product/servicecode,product/sku,"
    "product/usagetype,pricing/RateCode,pricing/RateId,pricing/currency,pricing/publicOnDemandCost,"
    "pricing/publicOnDemandRate,pricing/term,pricing/unit,reservation/AmortizedUpfrontCostForUsage,"
    "reservation/AmortizedUpfrontFeeForBillingPeriod,reservation/EffectiveCost,reservation/NetEffectiveCost,"
    "reservation/RecurringFeeForUsage,reservation/ReservationARN,reservation/SubscriptionId,"
    "reservation/TotalReservedUnits,reservation/UnusedAmortizedUpfrontFeeForBillingPeriod,"
    "reservation/NetUnusedAmortizedUpfrontFeeForBillingPeriod,reservation/UnusedQuantity,"
    "reservation/UnusedRecurringFee,reservation/NetUnusedRecurringFee,reservation/UpfrontValue,"
    "savingsPlan/TotalCommitmentToDate,savingsPlan/SavingsPlanARN,savingsPlan/SavingsPlanRate,"
    "savingsPlan/UsedCommitment,savingsPlan/SavingsPlanEffectiveCost,savingsPlan/NetSavingsPlanEffectiveCost,"
    "savingsPlan/AmortizedUpfrontCommitmentForBillingPeriod,savingsPlan/RecurringCommitmentForBillingPeriod,"
    "savingsPlan/NetAmortizedUpfrontCommitmentForBillingPeriod,"
    "savingsPlan/NetRecurringCommitmentForBillingPeriod,splitLineItem/ParentResourceId,splitLineItem/SplitCost,"
    "resourceTags/aws:createdBy,resourceTags/user:department"
)
LEGACY = _LEGACY_HEADER.split(",")

# Every column of the second report that Data Exports offer, with split cost allocation.
_CUR_2_HEADER = (
    "bill_bill_type,bill_billing_entity,bill_billing_period_end_date,bill_billing_period_start_date,bill_invoice_id,"
    "bill_invoicing_entity,bill_payer_account_id,bill_payer_account_name,cost_category,discount,"
    "discount_bundled_discount,discount_total_discount,identity_line_item_id,identity_time_interval,"
    "line_item_availability_zone,line_item_blended_cost,line_item_blended_rate,line_item_currency_code,"
    "line_item_legal_entity,line_item_line_item_description,line_item_line_item_type,line_item_net_unblended_cost,"
    "line_item_net_unblended_rate,line_item_normalization_factor,line_item_normalized_usage_amount,"
    "line_item_operation,line_item_product_code,line_item_resource_id,line_item_tax_type,line_item_unblended_cost,"
    "line_item_unblended_rate,line_item_usage_account_id,line_item_usage_account_name,line_item_usage_amount,"
    "line_item_usage_end_date,line_item_usage_start_date,line_item_usage_type,pricing_currency,"
    "pricing_lease_contract_length,pricing_offering_class,pricing_public_on_demand_cost,"
    "pricing_public_on_demand_rate,pricing_purchase_option,pricing_rate_code,pricing_rate_id,pricing_term,"
    "pricing_unit,product,product_comment,product_fee_code,product_fee_description,product_from_location,"
    "product_from_location_type,product_from_region_code,product_instance_family,product_instance_type,"
    "product_instancesku,product_location,product_location_type,product_operation,product_pricing_unit,"
    "product_product_family,product_region_code,product_servicecode,product_sku,product_to_location,"
    "product_to_location_type,product_to_region_code,product_usagetype,"
    "reservation_amortized_upfront_cost_for_usage,reservation_amortized_upfront_fee_for_billing_period,"
    "reservation_availability_zone,reservation_effective_cost,reservation_end_time,"
    "reservation_modification_status,reservation_net_amortized_upfront_cost_for_usage,"
    "reservation_net_amortized_upfront_fee_for_billing_period,reservation_net_effective_cost,"
    "reservation_net_recurring_fee_for_usage,reservation_net_unused_amortized_upfront_fee_for_billing_period,"
    "reservation_net_unused_recurring_fee,reservation_net_upfront_value,"
    "reservation_normalized_units_per_reservation,reservation_number_of_reservations,"
    "reservation_recurring_fee_for_usage,reservation_reservation_a_r_n,reservation_start_time,"
    "reservation_subscription_id,reservation_total_reserved_normalized_units,reservation_total_reserved_units,"
    "reservation_units_per_reservation,reservation_unused_amortized_upfront_fee_for_billing_period,"
    "reservation_unused_normalized_unit_quantity,reservation_unused_quantity,reservation_unused_recurring_fee,"
    "reservation_upfront_value,resource_tags,savings_plan_amortized_upfront_commitment_for_billing_period,"
    "savings_plan_end_time,savings_plan_instance_type_family,"
    "savings_plan_net_amortized_upfront_commitment_for_billing_period,"
    "savings_plan_net_recurring_commitment_for_billing_period,savings_plan_net_savings_plan_effective_cost,"
    "savings_plan_offering_type,savings_plan_payment_option,savings_plan_purchase_term,"
    "savings_plan_recurring_commitment_for_billing_period,savings_plan_region,savings_plan_savings_plan_a_r_n,"
    "savings_plan_savings_plan_effective_cost,savings_plan_savings_plan_rate,savings_plan_start_time,"
    "savings_plan_total_commitment_to_date,savings_plan_used_commitment,split_line_item_parent_resource_id,"
    "split_line_item_split_cost,tags"
)
CUR_2 = _CUR_2_HEADER.split(",")

_MAPS = ("cost_category", "product", "resource_tags", "tags")
_RATES = ("line_item_unblended_rate", "line_item_blended_rate", "pricing_public_on_demand_rate")

Line = Mapping[str, str]
"""What a line says, by the legacy report's names; what is not named is empty."""

USAGE: Line = {
    "bill/InvoicingEntity": "Amazon Web Services, Inc.",
    "bill/BillingEntity": "AWS",
    "bill/BillType": "Anniversary",
    "bill/PayerAccountId": "012345678901",
    "bill/BillingPeriodStartDate": "2026-10-01T00:00:00.000Z",
    "bill/BillingPeriodEndDate": "2026-11-01T00:00:00.000Z",
    "lineItem/UsageAccountId": "000055556666",
    "lineItem/LineItemType": "Usage",
    "lineItem/UsageStartDate": "2026-10-02T05:00:00.000Z",
    "lineItem/UsageEndDate": "2026-10-02T06:00:00.000Z",
    "lineItem/ProductCode": "AmazonEC2",
    "lineItem/UsageType": "BoxUsage:m5.large",
    "lineItem/ResourceId": "i-0001",
    "lineItem/UsageAmount": "2.0",
    "lineItem/CurrencyCode": "USD",
    "lineItem/UnblendedRate": "0.1",
    "lineItem/UnblendedCost": "0.2",
    "product/instanceType": "m5.large",
    "product/productFamily": "Compute Instance",
    "product/regionCode": "eu-west-1",
    "product/sku": "SKU1",
    "pricing/RateCode": "SKU1.TERM.RATE",
    "pricing/publicOnDemandCost": "0.24",
    "pricing/publicOnDemandRate": "0.12",
    "pricing/unit": "Hrs",
    "resourceTags/user:department": "shop",
}


def folded(name: str) -> str:
    """A column's name, the same in both reports."""
    return "".join(sign for sign in name.lower() if sign.isalnum())


def csv_bytes(header: Sequence[str], lines: Sequence[Line], newline: str = "\n") -> bytes:
    """Lines under a header; resource tags as JSON where the header has the map."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=newline)
    writer.writerow(header)
    for line in lines:
        cells = {folded(name): value for name, value in line.items()} | {"resourcetags": json.dumps(_tags(line))}
        writer.writerow([cells.get(folded(name), "") for name in header])
    return text.getvalue().encode()


def _tags(line: Line) -> dict[str, str]:
    prefix = "resourceTags/"
    return {n.removeprefix(prefix).replace(":", "_"): v for n, v in line.items() if n.startswith(prefix) and v}


def write_csv(path: Path, header: Sequence[str], lines: Sequence[Line], newline: str = "\n") -> Path:
    """A CSV file, gzipped by its suffix."""
    content = csv_bytes(header, lines, newline)
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


def write_parquet(path: Path, header: Sequence[str], lines: Sequence[Line]) -> Path:
    """A Parquet file with the types that AWS gives: doubles, timestamps, maps, and rates as text."""
    columns = {}
    for name in header:
        cells = [{folded(key): value for key, value in line.items()}.get(folded(name)) or None for line in lines]
        columns[name] = _column(name, cells, lines)
    pq.write_table(pa.table(columns), path)
    return path


def _column(name: str, cells: Sequence[str | None], lines: Sequence[Line]) -> pa.Array:
    if name in _MAPS:
        maps = [list(_tags(line).items()) if name == "resource_tags" else [] for line in lines]
        return pa.array(maps, type=pa.map_(pa.string(), pa.string()))
    if name.endswith(("start_date", "end_date")):
        instants = [datetime.fromisoformat(cell.replace("Z", "")) if cell else None for cell in cells]
        return pa.array(instants, type=pa.timestamp("ms"))
    if name not in _RATES and any(name.endswith(end) for end in _NUMBERS):
        return pa.array([float(cell) if cell else None for cell in cells], type=pa.float64())
    return pa.array(cells, type=pa.string())


_NUMBERS = ("_cost", "_fee", "_amount", "_period", "_commitment", "_date", "_for_usage", "_quantity", "_units")


@contextmanager
def charges(folder: Path, path: Path) -> Iterator[DuckEngine]:
    """An engine that has what a CSV file becomes as `external_charges`, of however many months."""
    with DuckEngine("512MiB", 1, str(folder / "spill")) as engine:
        (file,) = open_bills(path, path.name, folder / "spool")
        form = detect(file.name, file.header)
        names = ("source", "delivery", "slice", "account", "currency", "period")
        engine.view_rows(
            "parameters", [Column(name, TEXT) for name in names], [("aws", "aws-1", "all", None, None, None)]
        )
        engine.view_csv("bill", [str(file.path)], form.bind(file.header), file.header)
        engine.view_model(form.model)
        engine.union("bill_charges", [form.model.rpartition("/")[2]])
        engine.view_model("focus/charges")
        engine.union("external_charges", ["charges"])
        engine.materialise("external_charges")
        yield engine
