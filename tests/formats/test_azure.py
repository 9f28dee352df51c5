"""Microsoft Azure's bills: EA, MCA, the actual and the amortised export together, and FOCUS; any cell.

The headers are those of reference/vendor_bill_formats.md, sections 2.1 to 2.4 and appendices A3 and A4.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.formats.reading import Read, csv_text, read
from twinledger.bills.deliveries import Feed, Found, discover
from twinledger.bills.files import open_bills
from twinledger.bills.formats import detect, format_named
from twinledger.bills.staging import Lineage, stage
from twinledger.engine.duck import DuckEngine
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.places import open_folder
from twinledger.vocabulary.errors import DeliveryRefusedError, InvalidAmountError
from twinledger.vocabulary.money import exact_sum, parse_amount


def names(header: str) -> list[str]:
    """The names of a header line."""
    return header.split(",")


EA = names(
    "BillingAccountId,BillingAccountName,BillingPeriodStartDate,BillingPeriodEndDate,BillingProfileId,"
    "BillingProfileName,AccountOwnerId,AccountName,SubscriptionId,SubscriptionName,Date,Product,PartNumber,MeterId,"
    "ServiceFamily,MeterCategory,MeterSubCategory,MeterRegion,MeterName,Quantity,EffectivePrice,Cost,UnitPrice,"
    "BillingCurrency,ResourceLocation,AvailabilityZone,ConsumedService,ResourceId,ResourceName,ServiceInfo1,"
    "ServiceInfo2,AdditionalInfo,Tags,InvoiceSectionId,InvoiceSection,CostCenter,UnitOfMeasure,ResourceGroup,"
    "ReservationId,ReservationName,ProductOrderId,ProductOrderName,OfferId,IsAzureCreditEligible,Term,PublisherName,"
    "PlanName,ChargeType,Frequency,PublisherType,PayGPrice,PricingModel,CostAllocationRuleName,benefitId,benefitName"
)
RENAMED = {
    "Cost": "CostInBillingCurrency",
    "Product": "ProductName",
    "BillingCurrency": "BillingCurrencyCode",
    "InvoiceSection": "InvoiceSectionName",
}
NEWER_EA = [RENAMED.get(name, name) for name in EA]
CAMEL_EA = [name[0].lower() + name[1:] for name in NEWER_EA]
OLD_EA = names(
    "subscriptionGuid,resourceGroup,resourceLocation,usageDateTime,meterCategory,meterSubcategory,meterId,meterName,"
    "meterRegion,quantity,resourceRate,preTaxCost,consumedService,resourceType,resourceId,tags,offerId,"
    "additionalInfo,serviceInfo1,serviceInfo2,serviceName,serviceTier,currency"
)
MCA = names(
    "invoiceId,previousInvoiceId,billingAccountId,billingAccountName,billingProfileId,billingProfileName,"
    "invoiceSectionId,invoiceSectionName,resellerName,resellerMpnId,costCenter,billingPeriodEndDate,"
    "billingPeriodStartDate,servicePeriodEndDate,servicePeriodStartDate,date,serviceFamily,productOrderId,"
    "productOrderName,consumedService,meterId,meterName,meterCategory,meterSubCategory,meterRegion,ProductId,"
    "ProductName,SubscriptionId,subscriptionName,publisherType,publisherId,publisherName,resourceGroupName,"
    "ResourceId,resourceLocation,location,effectivePrice,quantity,unitOfMeasure,chargeType,billingCurrency,"
    "pricingCurrency,costInBillingCurrency,costInPricingCurrency,costInUsd,paygCostInBillingCurrency,paygCostInUsd,"
    "exchangeRatePricingToBilling,exchangeRateDate,isAzureCreditEligible,serviceInfo1,serviceInfo2,additionalInfo,"
    "tags,PayGPrice,frequency,term,reservationId,reservationName,pricingModel,unitPrice,costAllocationRuleName,"
    "benefitId,benefitName,provider"
)
OLD_MCA = [{"SubscriptionId": "subscriptionGuid", "ProductName": "product"}.get(name, name) for name in MCA]
FOCUS_1_2 = names(
    "BilledCost,BillingAccountId,BillingAccountName,BillingAccountType,BillingCurrency,BillingPeriodEnd,"
    "BillingPeriodStart,CapacityReservationId,CapacityReservationStatus,ChargeCategory,ChargeClass,ChargeDescription,"
    "ChargeFrequency,ChargePeriodEnd,ChargePeriodStart,CommitmentDiscountCategory,CommitmentDiscountId,"
    "CommitmentDiscountName,CommitmentDiscountQuantity,CommitmentDiscountStatus,CommitmentDiscountType,"
    "CommitmentDiscountUnit,ConsumedQuantity,ConsumedUnit,ContractedCost,ContractedUnitPrice,EffectiveCost,InvoiceId,"
    "InvoiceIssuerName,ListCost,ListUnitPrice,PricingCategory,PricingCurrency,PricingQuantity,PricingUnit,"
    "ProviderName,PublisherName,RegionId,RegionName,ResourceId,ResourceName,ResourceType,ServiceCategory,ServiceName,"
    "ServiceSubcategory,SkuId,SkuMeter,SkuPriceDetails,SkuPriceId,SubAccountId,SubAccountName,SubAccountType,Tags,"
    "x_AccountId,x_AccountName,x_AccountOwnerId,x_AmortizationClass,x_BilledCostInUsd,x_BilledUnitPrice,"
    "x_BillingAccountId,x_BillingAccountName,x_BillingExchangeRate,x_BillingExchangeRateDate,x_BillingProfileId,"
    "x_BillingProfileName,x_ContractedCostInUsd,x_CostAllocationRuleName,x_CostCenter,x_CustomerId,x_CustomerName,"
    "x_EffectiveCostInUsd,x_EffectiveUnitPrice,x_InvoiceIssuerId,x_InvoiceSectionId,x_InvoiceSectionName,"
    "x_ListCostInUsd,x_PartnerCreditApplied,x_PartnerCreditRate,x_PricingBlockSize,x_PricingSubcategory,"
    "x_PricingUnitDescription,x_PublisherCategory,x_PublisherId,x_ResellerId,x_ResellerName,x_ResourceGroupName,"
    "x_ResourceType,x_ServiceModel,x_ServicePeriodEnd,x_ServicePeriodStart,x_SkuDescription,x_SkuIsCreditEligible,"
    "x_SkuMeterCategory,x_SkuMeterId,x_SkuMeterSubcategory,x_SkuOfferId,x_SkuOrderId,x_SkuOrderName,x_SkuPartNumber,"
    "x_SkuPlanName,x_SkuRegion,x_SkuServiceFamily,x_SkuTerm,x_SkuTier"
)
_ONLY_1_2 = {
    *("CapacityReservationId", "CapacityReservationStatus", "CommitmentDiscountQuantity", "CommitmentDiscountUnit"),
    *("InvoiceId", "PricingCurrency", "ServiceSubcategory", "SkuMeter", "SkuPriceDetails", "x_AmortizationClass"),
    *("x_ServiceModel", "x_SkuPlanName"),
}
FOCUS_1_0 = [
    *(name for name in FOCUS_1_2 if name not in _ONLY_1_2),
    *("x_InvoiceId", "x_PricingCurrency", "x_SkuDetails", "x_SkuMeterName"),
]

EA_LINE = {
    "BillingAccountId": "88210045",
    "BillingPeriodStartDate": "10/01/2026",
    "BillingPeriodEndDate": "10/31/2026",
    "SubscriptionId": "sub-1",
    "Date": "10/05/2026",
    "MeterId": "m-1",
    "MeterCategory": "Virtual Machines",
    "MeterName": "D4s v5",
    "Quantity": "24",
    "EffectivePrice": "0.2",
    "UnitPrice": "0.2",
    "PayGPrice": "0.25",
    "Cost": "4.8",
    "BillingCurrency": "EUR",
    "UnitOfMeasure": "1 Hour",
    "Tags": '"team": "web","env": "prod"',
    "ChargeType": "Usage",
    "Frequency": "UsageBased",
    "PricingModel": "OnDemand",
}
MCA_LINE = {
    "invoiceId": "G012345678",
    "billingAccountId": "24baaca3-1111-5f1c-3c45-0123456789ab:76543210-fedc-ba98-7654-0123456789ab_2019-05-31",
    "billingProfileId": "ABCD-EFGH-IJK-LMN",
    "billingPeriodStartDate": "10/01/2026",
    "billingPeriodEndDate": "10/31/2026",
    "date": "10/05/2026",
    "meterId": "m-1",
    "meterCategory": "Virtual Machines",
    "SubscriptionId": "sub-1",
    "effectivePrice": "0.2",
    "quantity": "10",
    "unitOfMeasure": "1 Hour",
    "chargeType": "Usage",
    "billingCurrency": "EUR",
    "pricingCurrency": "USD",
    "costInBillingCurrency": "1.8",
    "costInPricingCurrency": "2",
    "exchangeRatePricingToBilling": "0.9",
    "pricingModel": "OnDemand",
}
FOCUS_LINE = {
    "BilledCost": "1.8",
    "BillingAccountId": "/providers/microsoft.billing/billingaccounts/88210047",
    "BillingCurrency": "EUR",
    "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "BillingPeriodEnd": "2026-11-01T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargePeriodStart": "2026-10-05T00:00:00Z",
    "ChargePeriodEnd": "2026-10-06T00:00:00Z",
    "EffectiveCost": "1.8",
    "ProviderName": "Microsoft",
    "ServiceName": "Virtual Machines",
    "ServiceCategory": "Compute",
    "Tags": '{"team":"web"}',
    "x_SkuMeterId": "m-1",
}
COSTS = ["4.8", "5.64902E-05", "-0.5", "0", "1e2", "0.000000000000000001", "123456789.123456789"]
TOTAL = exact_sum(map(Decimal, COSTS))


def spelt(line: Mapping[str, str], header: Sequence[str]) -> dict[str, str]:
    """A line's cells under a header that writes the same names in another case, or renames them."""
    by_name = {name.lower(): value for name, value in line.items()}
    by_name |= {RENAMED[name].lower(): line[name] for name in RENAMED.keys() & line.keys()}
    by_name |= {"subscriptionguid": "sub-1"}
    return {name: by_name[name.lower()] for name in header if name.lower() in by_name}


def written(
    folder: Path, header: Sequence[str], rows: Sequence[Mapping[str, str]], name: str = "part_0_0001.csv"
) -> Path:
    """A file as Azure writes it: a byte-order mark, and lines that end in CR LF."""
    path = folder / name
    path.write_bytes(b"\xef\xbb\xbf" + csv_text(header, rows).encode())
    return path


def one(found: Read) -> dict[str, object]:
    (charge,) = found.charges
    return charge


@pytest.mark.parametrize(
    ("header", "form", "line", "cost"),
    [
        (EA, "azure_ea", EA_LINE, "Cost"),
        (NEWER_EA, "azure_ea", EA_LINE, "CostInBillingCurrency"),
        (CAMEL_EA, "azure_ea", EA_LINE, "costInBillingCurrency"),
        (MCA, "azure_mca", MCA_LINE, "costInBillingCurrency"),
        (OLD_MCA, "azure_mca", MCA_LINE, "costInBillingCurrency"),
        (FOCUS_1_2, "azure_focus", FOCUS_LINE, "BilledCost"),
        (FOCUS_1_0, "azure_focus", FOCUS_LINE, "BilledCost"),
    ],
    ids=["ea", "ea-newer", "ea-camel-case", "mca", "mca-older", "focus-1.2", "focus-1.0r2"],
)
def test_every_header_is_recognised_and_every_cost_is_taken_to_the_last_digit(
    header: Sequence[str], form: str, line: Mapping[str, str], cost: str, tmp_path: Path
) -> None:
    rows = [spelt(line, header) | {cost: amount} for amount in COSTS]
    found = read(written(tmp_path, header, rows), tmp_path)
    assert found.staged.format.name == form
    assert found.staged.format.provider == "Microsoft"
    assert found.counts == (len(COSTS), len(COSTS), 0, 0)
    assert found.billed == TOTAL


def test_the_header_of_2019_is_recognised(tmp_path: Path) -> None:
    line = {
        "subscriptionGuid": "sub-1", "usageDateTime": "2019-07-29", "meterCategory": "Storage", "meterId": "m-1",
        "quantity": "0.288", "preTaxCost": "0.00010368", "currency": "USD", "tags": '{"project":"p1"}',
    }  # fmt: skip
    found = read(written(tmp_path, OLD_EA, [line]), tmp_path)
    assert found.staged.format.name == "azure_ea"
    assert (one(found)["BilledCost"], one(found)["x_period"]) == (Decimal("0.00010368"), "2019-07")


@pytest.mark.parametrize(("date", "start", "end"), [
    ("10/5/2026", "10/1/2026", "10/31/2026"),
    ("10/05/2026", "10/01/2026", "10/31/2026"),
    ("2026-10-05", "2026-10-01", "2026-10-31"),
    ("2026-10-05T00:00:00Z", "2026-10-01T00:00:00Z", "2026-10-31T00:00:00Z"),
])  # fmt: skip
def test_dates_are_read_as_azure_writes_them_and_ends_become_exclusive(
    date: str, start: str, end: str, tmp_path: Path
) -> None:
    line = EA_LINE | {"Date": date, "BillingPeriodStartDate": start, "BillingPeriodEndDate": end}
    charge = one(read(written(tmp_path, EA, [line]), tmp_path))
    assert (charge["ChargePeriodStart"], charge["ChargePeriodEnd"]) == (datetime(2026, 10, 5), datetime(2026, 10, 6))
    assert (charge["BillingPeriodStart"], charge["BillingPeriodEnd"]) == (datetime(2026, 10, 1), datetime(2026, 11, 1))


def test_focus_1_0_writes_instants_without_seconds(tmp_path: Path) -> None:
    line = {name: value.replace(":00:00Z", ":00Z") for name, value in FOCUS_LINE.items()}
    charge = one(read(written(tmp_path, FOCUS_1_0, [line]), tmp_path))
    assert (charge["x_period"], charge["ChargePeriodStart"]) == ("2026-10", datetime(2026, 10, 5))


def test_a_focus_export_is_the_same_from_parquet(tmp_path: Path) -> None:
    decimals = {"BilledCost", "EffectiveCost"}
    columns = {
        name: pa.array([Decimal(FOCUS_LINE[name])], pa.decimal128(38, 18)) if name in decimals
        else pa.array([datetime.fromisoformat(FOCUS_LINE[name])], pa.timestamp("us", tz="UTC"))
        if "Period" in name and name in FOCUS_LINE
        else pa.array([FOCUS_LINE.get(name)], pa.string())
        for name in FOCUS_1_2
    }  # fmt: skip
    pq.write_table(pa.table(columns), tmp_path / "part_0_0001.parquet")
    (tmp_path / "text").mkdir()
    from_parquet = one(read(tmp_path / "part_0_0001.parquet", tmp_path))
    from_text = one(read(written(tmp_path / "text", FOCUS_1_2, [FOCUS_LINE]), tmp_path / "text"))
    assert from_parquet == from_text


def test_another_vendors_focus_export_is_not_taken_for_azures() -> None:
    header = [name for name in FOCUS_1_2 if not name.startswith("x_")]
    assert detect("export.csv", header).name == "focus_1_2"


def test_an_invoice_of_mca_and_both_of_its_currencies_are_kept(tmp_path: Path) -> None:
    charge = one(read(written(tmp_path, MCA, [MCA_LINE]), tmp_path))
    assert charge["InvoiceId"] == "G012345678"
    assert (charge["BillingCurrency"], charge["EffectiveCost"]) == ("EUR", Decimal("1.8"))
    assert (charge["PricingCurrency"], charge["PricingCurrencyEffectiveCost"]) == ("USD", Decimal(2))
    assert charge["BillingAccountId"] == "ABCD-EFGH-IJK-LMN"


# --- the actual and the amortised export, one delivery ----------------------------------------

AMOUNTS = st.decimals(-1000, 1000, places=6, allow_nan=False, allow_infinity=False).map(str)
NOT_COVERED = st.sampled_from(
    [
        ("Usage", "OnDemand"), ("Usage", "Spot"), ("Purchase", "OnDemand"), ("Refund", "OnDemand"), ("Tax", ""),
        ("RoundingAdjustment", ""), ("Credit", ""), ("Purchase", ""),
    ]
)  # fmt: skip
COVERED = st.sampled_from(
    [
        ("Usage", "Reservation"), ("Usage", "SavingsPlan"), ("UnusedReservation", "Reservation"),
        ("UnusedSavingsPlan", "SavingsPlan"),
    ]
)  # fmt: skip
BOUGHT = st.sampled_from(
    [("Purchase", "Reservation"), ("Purchase", "SavingsPlan"), ("Refund", "Reservation"), ("Refund", "SavingsPlan")]
)


def line_of(kind: tuple[str, str], cost: str) -> dict[str, str]:
    charge_type, model = kind
    benefit = f"/providers/Microsoft.Capacity/{model}" if model not in {"", "OnDemand", "Spot"} else ""
    return EA_LINE | {"ChargeType": charge_type, "PricingModel": model, "Cost": cost, "benefitId": benefit}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The two exports of one month, as Microsoft makes them of the same charges, each in an order of its own."""
    plain = [line_of(*one) for one in draw(st.lists(st.tuples(NOT_COVERED, AMOUNTS), min_size=1, max_size=5))]
    covered = draw(st.lists(st.tuples(COVERED, AMOUNTS), max_size=5))
    bought = [line_of(*one) for one in draw(st.lists(st.tuples(BOUGHT, AMOUNTS), max_size=4))]
    used = [line_of(kind, "0") for kind, _ in covered if kind[0] == "Usage"]
    actual = draw(st.permutations([*plain, *used, *bought]))
    amortised = draw(st.permutations([*plain, *(line_of(*one) for one in covered)]))
    return list(actual), list(amortised)


def read_pair(folder: Path, actual: Sequence[Mapping[str, str]], amortised: Sequence[Mapping[str, str]]) -> Read:
    with DuckEngine("512MiB", 1, str(folder / "spill")) as engine:
        files = [
            *open_bills(written(folder, EA, actual, "actual.csv"), "actual.csv", folder / "spool", "actual"),
            *open_bills(
                written(folder, EA, amortised, "amortised.csv"), "amortised.csv", folder / "spool", "amortized"
            ),
        ]
        staged = stage(engine, files, format_named("azure_amortised"), Lineage("azure", "d1"), folder / "staged")
        engine.view_files("ledger", EXTERNAL_CHARGES, staged.all_files)
        return Read(staged, sorted(engine.rows("ledger"), key=lambda row: int(row["x_row"])))


def total(rows: Sequence[Mapping[str, str]], column: str = "Cost") -> Decimal:
    return exact_sum(Decimal(row[column]) for row in rows)


@settings(max_examples=25, deadline=None)
@given(pairs())
def test_the_pair_bills_what_the_actual_export_does_and_costs_what_the_amortised_one_does(
    pair: tuple[list[dict[str, str]], list[dict[str, str]]],
) -> None:
    actual, amortised = pair
    with tempfile.TemporaryDirectory() as folder:
        found = read_pair(Path(folder), actual, amortised)
    rows_in, in_ledger, refused, aside = found.counts
    assert (rows_in, refused) == (len(actual) + len(amortised), 0)
    assert in_ledger + aside == rows_in
    assert found.billed == total(actual)
    assert exact_sum(charge["EffectiveCost"] for charge in found.charges) == total(amortised)


def test_exports_in_each_others_place_are_refused_whole(tmp_path: Path) -> None:
    actual = [line_of(("Purchase", "Reservation"), "1200"), line_of(("Usage", "Reservation"), "0")]
    amortised = [line_of(("Usage", "Reservation"), "3"), line_of(("UnusedReservation", "Reservation"), "1")]
    with pytest.raises(DeliveryRefusedError, match=r"dataset: the (actual|amortised) export has"):
        read_pair(tmp_path, amortised, actual[:1])


def test_rows_of_the_pair_that_cannot_be_read_are_refused_and_the_others_stay(tmp_path: Path) -> None:
    actual = [line_of(("Purchase", "Reservation"), "1200"), line_of(("Purchase", "Reservation"), "12OO")]
    amortised = [line_of(("Usage", "Reservation"), "3"), line_of(("Usage", "OnDemand"), "?")]
    found = read_pair(tmp_path, actual, amortised)
    assert found.counts == (4, 2, 2, 0)
    assert sorted(row.reason for row in found.staged.refused) == [
        "CostInBillingCurrency: amount '12OO' is no finite decimal number",
        "CostInBillingCurrency: amount '?' is no finite decimal number",
    ]


def test_a_lone_export_is_never_taken_for_the_pair(tmp_path: Path) -> None:
    found = read(written(tmp_path, EA, [line_of(("UnusedReservation", "Reservation"), "3")]), tmp_path)
    assert (found.staged.format.name, found.counts, found.billed) == ("azure_ea", (1, 1, 0, 0), Decimal(3))


# --- any cell ---------------------------------------------------------------------------------

CELLS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=12),
    st.sampled_from(
        [
            *("NaN", "inf", "-Infinity", "1e999", "1e-40", "9" * 25, "-0", ".5", "5.", "1,000", " 7 ", "0x1F", "1e17"),
            *("infinity", "epoch", "0001-01-01", "294246-12-31", "13/13/2026", "2026-02-30", "10/05/2026 00:00"),
            *("{", '{"a":1}', '"a": "b"', '"a": "b","a": "c"', "100 Hours", "10K", "1/Day", "K", "/", "'", '"'),
        ]
    ),
)
FUZZED = {
    "azure_ea": (EA, EA_LINE, "Cost"),
    "azure_mca": (MCA, MCA_LINE, "costInBillingCurrency"),
    "azure_focus": (FOCUS_1_2, FOCUS_LINE, "BilledCost"),
}


@st.composite
def bills(draw: st.DrawFn) -> tuple[str, list[dict[str, str]]]:
    """A bill of a format in which some cells say anything; the first line is good."""
    form = draw(st.sampled_from(sorted(FUZZED)))
    header, line, _ = FUZZED[form]
    changes = draw(st.lists(st.dictionaries(st.sampled_from(header), CELLS, max_size=4), max_size=6))
    return form, [dict(line), *(dict(line) | change for change in changes)]


def meant(cell: str) -> Decimal | None:
    """What an amount says, or None: read by the exact reader of the library, not by the engine."""
    try:
        return parse_amount(cell)
    except InvalidAmountError:
        return None


@settings(max_examples=30, deadline=None)
@given(bills())
def test_any_text_in_any_cell_is_refused_by_name_or_adds_up(bill: tuple[str, list[dict[str, str]]]) -> None:
    form, rows = bill
    header, _, cost = FUZZED[form]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            found = read(written(folder, header, rows), folder, form)
        except DeliveryRefusedError as refusal:
            assert refusal.code  # noqa: PT017 - a refusal is an answer as good as a ledger, and has a name
            return
    rows_in, in_ledger, refused, aside = found.counts
    assert (rows_in, aside) == (len(rows), 0)
    assert in_ledger + refused == rows_in
    billed = {int(charge["x_row"]): charge["BilledCost"] for charge in found.charges}
    assert billed == {row: meant(rows[row - 1][cost]) for row in billed}
    assert all(row.code and row.reason for row in found.staged.refused)


# --- how exports lie at their place --------------------------------------------------------------

MONTH = "20261001-20261031"


def exported(
    root: Path, folder: str, rows: Sequence[Mapping[str, str]], blob_prefix: str = "", **manifest: object
) -> None:
    """One run of an export: a part, and its manifest when all is there."""
    run = root / folder
    run.mkdir(parents=True)
    part = written(run, EA, rows)
    blob = {"blobName": f"{blob_prefix}{folder}/{part.name}", "byteCount": part.stat().st_size}
    document = {"blobCount": 1, "dataRowCount": len(rows), "blobs": [blob], **manifest}
    (run / "manifest.json").write_text(json.dumps(document), encoding="utf-8")


def found_at(root: Path, form: str, datasets: Mapping[str, str] | None = None) -> list[Found]:
    feed = Feed(format_named(form), "period", datasets or {})
    return discover(feed, open_folder(str(root)), root.parent / "spool")


def test_every_run_of_an_export_is_a_delivery_and_the_newest_comes_last(tmp_path: Path) -> None:
    root = tmp_path / "place"
    for run in ("202610050600", "202610060600"):
        folder = f"exports/nimbus/{MONTH}/{run}/73746dc5-0d5c-4ad3-8a1b-000000000001"
        exported(root, folder, [EA_LINE], exportConfig={"type": "ActualCost"})
    first, last = found_at(root, "azure_ea")
    assert [one.delivered_at.isoformat() for one in (first, last)] == [
        "2026-10-05T06:00:00+00:00",
        "2026-10-06T06:00:00+00:00",
    ]
    assert (last.period, last.rows, last.announced, last.refusal) == ("2026-10", 1, True, None)


def test_an_export_that_overwrites_itself_has_no_folder_for_its_run(tmp_path: Path) -> None:
    root = tmp_path / "place"
    exported(root, f"exports/nimbus/{MONTH}/73746dc5-0d5c-4ad3-8a1b-000000000001", [EA_LINE])
    (found,) = found_at(root, "azure_ea")
    assert (found.period, found.rows, len(found.files)) == ("2026-10", 1, 1)


def test_an_older_manifest_names_blobs_from_the_container_down(tmp_path: Path) -> None:
    root = tmp_path / "place"
    exported(
        root, f"{MONTH}/202610050600/73746dc5", [EA_LINE], blob_prefix="cost/partitioned/",
        manifestVersion="2021-01-01", dataFormat="csv", byteCount=1,
    )  # fmt: skip
    (found,) = found_at(root, "azure_ea")
    assert (found.refusal, found.rows, found.announced) == (None, 1, True)


def test_the_pair_waits_for_the_export_that_is_not_there_yet(tmp_path: Path) -> None:
    root = tmp_path / "place"
    folders = {"actual": "exports/a", "amortized": "exports/b"}
    exported(root, f"exports/a/{MONTH}/202610050600/guid-1", [EA_LINE])
    (alone,) = found_at(root, "azure_amortised", folders)
    assert alone.waits_for == "the amortized export of 2026-10"
    exported(root, f"exports/b/{MONTH}/202610050601/guid-2", [EA_LINE, EA_LINE])
    (both,) = found_at(root, "azure_amortised", folders)
    assert (both.waits_for, both.rows, sorted(both.datasets.values())) == ("", 3, ["actual", "amortized"])
