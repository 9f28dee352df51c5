"""Oracle Cloud's bills: the cost report, and the FOCUS report with the names that FOCUS had before 1.0."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.formats.reading import csv_text, first_match, read
from twinledger.vocabulary.errors import DeliveryRefusedError, InvalidAmountError, SiblingExportError
from twinledger.vocabulary.money import parse_amount

COST = (
    "lineItem/referenceNo,lineItem/tenantId,lineItem/intervalUsageStart,lineItem/intervalUsageEnd,product/service,"
    "product/compartmentId,product/compartmentName,product/region,product/availabilityDomain,product/resourceId,"
    "usage/billedQuantity,usage/billedQuantityOverage,cost/subscriptionId,cost/productSku,product/Description,"
    "cost/unitPrice,cost/unitPriceOverage,cost/myCost,cost/myCostOverage,cost/currencyCode,cost/billingUnitReadable,"
    "cost/skuUnitDescription,cost/overageFlag,lineItem/isCorrection,lineItem/backreferenceNo"
)
TAGS = ",tags/Oracle-Tags.CreatedBy,tags/Finance.Cost-Center,tags/Dev\\lab-4cb4.release"
"""Tags have their own columns, that come and go with their keys."""

FOCUS = (
    "AvailabilityZone,BilledCost,BillingAccountId,BillingAccountName,BillingCurrency,BillingPeriodEnd,"
    "BillingPeriodStart,ChargeCategory,ChargeDescription,ChargeFrequency,ChargePeriodEnd,ChargePeriodStart,"
    "ChargeSubcategory,CommitmentDiscountCategory,CommitmentDiscountId,CommitmentDiscountName,CommitmentDiscountType,"
    "EffectiveCost,InvoiceIssuer,ListCost,ListUnitPrice,PricingCategory,PricingQuantity,PricingUnit,Provider,Publisher,"
    "Region,ResourceId,ResourceName,ResourceType,ServiceCategory,ServiceName,SkuId,SkuPriceId,SubAccountId,"
    "SubAccountName,Tags,UsageQuantity,UsageUnit,oci_ReferenceNumber,oci_CompartmentId,oci_CompartmentName,"
    "oci_OverageFlag,oci_UnitPriceOverage,oci_BilledQuantityOverage,oci_CostOverage,oci_AttributedUsage,"
    "oci_AttributedCost,oci_BackReferenceNumber"
)
NEWER = (
    FOCUS.replace("Provider,Publisher", "ProviderName,PublisherName")
    .replace("InvoiceIssuer", "InvoiceIssuerName")
    .replace("Region,", "RegionId,RegionName,")
    .replace("UsageQuantity,UsageUnit", "ConsumedQuantity,ConsumedUnit")
    .replace("ChargeSubcategory", "ChargeClass")
)

LINE = {
    "lineItem/referenceNo": "7108a1f8",
    "lineItem/tenantId": "ocid1.tenancy.oc1..aaaa",
    "lineItem/intervalUsageStart": "2026-10-13T10:00Z",
    "lineItem/intervalUsageEnd": "2026-10-13T11:00:00Z",
    "product/service": "DATABASE",
    "product/compartmentId": "ocid1.compartment.oc1..bbbb",
    "product/compartmentName": "shop",
    "product/region": "eu-frankfurt-1",
    "product/resourceId": "ocid1.autonomousdatabase.oc1.eu-frankfurt-1.cccc",
    "usage/billedQuantity": "0.083333333333000000",
    "cost/productSku": "B92911",
    "product/Description": "Oracle APEX Application Development",
    "cost/unitPrice": "0.147171330000000000",
    "cost/myCost": "0.012264277499950943",
    "cost/currencyCode": "USD",
    "cost/skuUnitDescription": "Hours",
    "cost/overageFlag": "false",
    "lineItem/isCorrection": "false",
    "lineItem/backreferenceNo": "17053",
}


def written(folder: Path, header: str, *rows: dict[str, str]) -> Path:
    """A file as Oracle names it."""
    path = folder / "0001000000012345-00001.csv"
    path.write_text(csv_text(header.split(","), rows), newline="")
    return path


def test_a_cost_report_is_recognised_and_billed_to_the_eighteenth_decimal(tmp_path: Path) -> None:
    rows = [
        LINE | {"tags/Finance.Cost-Center": "4711", "tags/Dev\\lab-4cb4.release": "1.0"},
        LINE | {"usage/billedQuantity": "6.32000000E-10", "cost/unitPrice": "0.0099147", "cost/myCost": "6.266090E-12"},
        LINE | {"cost/myCost": "2.323760000E-9", "product/resourceId": "oci_vcn"},
    ]
    found = read(written(tmp_path, COST + TAGS, *rows), tmp_path)
    assert found.staged.format.name == "oci_cost"
    assert found.counts == (3, 3, 0, 0)
    assert found.billed == Decimal("0.012264279829977033")
    first = found.charges[0]
    assert json.loads(first["Tags"]) == {"Finance.Cost-Center": "4711", "Dev\\lab-4cb4.release": "1.0"}
    assert [row["Tags"] for row in found.charges[1:]] == [None, None]
    assert (first["ChargePeriodStart"].isoformat(), first["ChargePeriodEnd"].isoformat()) == (
        "2026-10-13T10:00:00",
        "2026-10-13T11:00:00",
    )
    assert (first["ContractedUnitPrice"], first["SubAccountName"]) == (Decimal("0.14717133"), "shop")
    assert (first["ResourceType"], found.charges[2]["ResourceType"]) == ("autonomousdatabase", "DATABASE")


def test_a_correction_is_a_row_of_its_own_in_the_month_that_it_corrects(tmp_path: Path) -> None:
    correction = LINE | {
        "lineItem/intervalUsageStart": "2026-09-30T23:00Z",
        "lineItem/intervalUsageEnd": "2026-10-01T00:00:00Z",
        "lineItem/isCorrection": "true",
        "usage/billedQuantity": "-2",
        "cost/unitPrice": "1.5",
        "cost/myCost": "-3",
    }
    found = read(written(tmp_path, COST, LINE, correction), tmp_path)
    said = [(row["x_period"], row["ChargeClass"], row["BilledCost"]) for row in found.charges]
    assert said == [("2026-10", None, Decimal("0.012264277499950943")), ("2026-09", "Correction", Decimal(-3))]


def test_overage_is_inside_the_cost_and_is_not_added_to_it(tmp_path: Path) -> None:
    over = {"usage/billedQuantityOverage": "5", "cost/unitPriceOverage": "2", "cost/myCostOverage": "10"}
    row = LINE | over | {"usage/billedQuantity": "8", "cost/unitPrice": "2", "cost/myCost": "16"}
    assert read(written(tmp_path, COST, row), tmp_path).billed == Decimal(16)


def test_usage_without_a_price_is_set_aside_and_a_cost_that_is_missing_is_refused(tmp_path: Path) -> None:
    rows = [LINE, LINE | {"cost/unitPrice": "", "cost/myCost": ""}, LINE | {"cost/myCost": ""}]
    found = read(written(tmp_path, COST, *rows), tmp_path)
    assert found.counts == (3, 1, 1, 1)
    assert [(row.row, row.code) for row in found.staged.refused] == [(3, "amount")]


@pytest.mark.parametrize(
    ("form", "name", "part", "sibling"),
    [
        ("oci_cost", "0001000000012345.csv.gz", None, False),
        ("oci_cost", "0001000000012345-00001.csv.gz", "00001", False),
        ("oci_focus", "0001000000012345-00002.csv.gz", "00002", False),
        ("oci_cost", "reports_usage-csv_0001.csv", None, True),
        ("oci_focus", "reports_cost-csv_0000000030000269.csv", None, True),
    ],
)
def test_every_file_adds_rows_and_a_report_of_another_kind_is_refused(
    form: str, name: str, part: str | None, *, sibling: bool
) -> None:
    pattern, said = first_match(form, name)
    assert (said.get("part"), bool(pattern.sibling)) == (part, sibling)
    assert sibling or pattern.covers == "file"


@pytest.mark.parametrize(("form", "header"), [("oci_cost", FOCUS), ("oci_focus", COST)])
def test_a_report_of_the_other_kind_cannot_be_counted_a_second_time(form: str, header: str, tmp_path: Path) -> None:
    row = {"BilledCost": "1"} if header == FOCUS else LINE
    with pytest.raises(SiblingExportError):
        read(written(tmp_path, header, row), tmp_path, form)


CHARGE = {
    "BilledCost": "0.24000000000",
    "BillingAccountId": "20209880",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-10-01T00:00:00.000Z",
    "BillingPeriodEnd": "2026-11-01T00:00:00.000Z",
    "ChargeCategory": "Usage",
    "ChargeDescription": "Standard - E5",
    "ChargeFrequency": "Usage-based",
    "ChargePeriodStart": "2026-10-11T08:00Z",
    "ChargePeriodEnd": "2026-10-11T09:00:00Z",
    "ChargeSubcategory": "On-Demand",
    "EffectiveCost": "0.00000000000",
    "InvoiceIssuer": "Oracle",
    "ListCost": "0.24000000000",
    "ListUnitPrice": "0.03",
    "PricingQuantity": "8",
    "PricingUnit": "OCPU Hours",
    "Provider": "Oracle",
    "Publisher": "Oracle",
    "Region": "us-sanjose-1",
    "ResourceId": "ocid1.instance.oc1.us-sanjose-1.dddd",
    "ResourceType": "instance",
    "ServiceCategory": "Compute",
    "ServiceName": "COMPUTE",
    "SkuId": "B97384",
    "SubAccountId": "ocid1.tenancy.oc1..aaaa",
    "Tags": '{"env": "dev"}',
    "UsageQuantity": "8.000",
    "UsageUnit": "OCPU Per Hour",
    "oci_ReferenceNumber": "r1",
    "oci_CompartmentId": "ocid1.compartment.oc1..bbbb",
}


def test_the_focus_report_with_old_names_is_recognised_and_ends_in_the_new_ones(tmp_path: Path) -> None:
    rows = [
        CHARGE | {"tags/Dev\\lab-4cb4.release": "1.0"},
        CHARGE | {"ChargeCategory": "Adjustment", "ChargeSubcategory": "Refund", "BilledCost": "-1.5E-3"},
        CHARGE | {"ChargeCategory": "Adjustment", "ChargeSubcategory": "Credit", "BilledCost": "-7"},
    ]
    found = read(written(tmp_path, FOCUS + TAGS, *rows), tmp_path)
    assert found.staged.format.name == "oci_focus"
    assert found.counts == (3, 3, 0, 0)
    assert found.billed == Decimal("-6.7615")
    said = [(row["ChargeCategory"], row["ChargeClass"]) for row in found.charges]
    assert said == [("Usage", None), ("Adjustment", "Correction"), ("Credit", None)]
    first = found.charges[0]
    names = ("ProviderName", "PublisherName", "InvoiceIssuerName", "RegionId", "ConsumedUnit", "EffectiveCost")
    assert [first[name] for name in names] == [
        "Oracle",
        "Oracle",
        "Oracle",
        "us-sanjose-1",
        "OCPU Per Hour",
        Decimal("0.24"),
    ]
    assert json.loads(first["Tags"]) == {"env": "dev", "Dev\\lab-4cb4.release": "1.0"}


def test_the_focus_report_is_recognised_with_the_new_names_too(tmp_path: Path) -> None:
    renamed = {
        "Provider": "ProviderName",
        "Publisher": "PublisherName",
        "InvoiceIssuer": "InvoiceIssuerName",
        "Region": "RegionId",
        "UsageQuantity": "ConsumedQuantity",
        "UsageUnit": "ConsumedUnit",
    }
    row = {renamed.get(name, name): cell for name, cell in CHARGE.items() if name != "ChargeSubcategory"}
    found = read(written(tmp_path, NEWER, row | {"ChargeClass": "Correction"}), tmp_path)
    assert found.staged.format.name == "oci_focus"
    (charge,) = found.charges
    assert (charge["RegionId"], charge["ConsumedQuantity"], charge["ChargeClass"]) == (
        "us-sanjose-1",
        Decimal(8),
        "Correction",
    )


@pytest.mark.parametrize(
    "start",
    [
        "2026-10-11T08:00:00.000Z",
        "2026-10-11T08:00:00Z",
        "2026-10-11T08:00Z",
        "2026-10-11T08:00:00+00:00",
        "2026-10-11T10:00:00.5+02:00",
        "2026-10-11 08:00:00",
    ],
)
def test_every_spelling_of_a_time_is_the_same_instant(start: str, tmp_path: Path) -> None:
    (row,) = read(written(tmp_path, FOCUS, CHARGE | {"ChargePeriodStart": start}), tmp_path).charges
    assert row["ChargePeriodStart"].isoformat()[:19] == "2026-10-11T08:00:00"


CELLS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12),
    st.sampled_from(
        ["", "NaN", "-0", "0E-20", "1E400", "1E-19", "0.1234567890123456789", "9" * 25, "12,5", "٣", "NULL"]
    ),
    st.decimals(-(10**12), 10**12, places=18).map(lambda value: f"{value:E}"),
)


def meant(text: str) -> Decimal | None:
    """An amount as the library reads it; None for none."""
    try:
        return None if text == "NULL" else parse_amount(text)
    except InvalidAmountError:
        return None


@pytest.mark.parametrize(
    ("header", "sound", "column"), [(COST + TAGS, LINE, "cost/myCost"), (FOCUS + TAGS, CHARGE, "BilledCost")]
)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_whatever_stands_in_a_cell_a_line_is_refused_or_its_amount_is_right(
    tmp_path_factory: pytest.TempPathFactory, header: str, sound: dict[str, str], column: str, data: st.DataObject
) -> None:
    others = st.sampled_from(header.split(","))
    odd = data.draw(st.lists(st.tuples(CELLS, others, CELLS), min_size=1, max_size=4))
    rows = [sound, *(sound | {other: cell} | {column: cost} for cost, other, cell in odd)]
    folder = tmp_path_factory.mktemp("fuzz")
    try:
        found = read(written(folder, header, *rows), folder)
    except DeliveryRefusedError:
        return
    rows_in, in_ledger, refused, aside = found.counts
    assert rows_in == len(rows) == in_ledger + refused + aside
    billed = {row["x_row"]: row["BilledCost"] for row in found.charges}
    assert billed == {number: meant(rows[number - 1][column]) for number in billed}
