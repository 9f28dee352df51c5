"""Writing the sample company: the same every time, as large as asked for, in the vendors' own forms."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyarrow import parquet

from tests.sample.conftest import READ
from twinledger.catalog import load_config
from twinledger.lake.tables import FOCUS
from twinledger.sample import write_bill, write_sample

if TYPE_CHECKING:
    from tests.sample.conftest import Company

# A fact of these does not change when the company grows.
_STEADY = ("unmetered_cluster", "tax", "overcharged_rate")


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_writes_the_same_bytes_into_any_folder(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_sample(tmp_path / name, seed=11, months=1, scale=0.1)

    assert _digests(tmp_path / "one") == _digests(tmp_path / "two")


def test_writing_over_an_earlier_sample_leaves_nothing_of_it(tmp_path: Path) -> None:
    write_sample(tmp_path / "twice", seed=3, months=2, scale=0.1, names=READ)
    write_sample(tmp_path / "twice", seed=11, months=1, scale=0.1, names=READ[:2])
    write_sample(tmp_path / "once", seed=11, months=1, scale=0.1, names=READ[:2])

    assert _digests(tmp_path / "twice") == _digests(tmp_path / "once")


def test_another_seed_is_another_company(tmp_path: Path) -> None:
    one = write_sample(tmp_path / "one", seed=1, months=1, scale=0.1, names=READ)
    two = write_sample(tmp_path / "two", seed=2, months=1, scale=0.1, names=READ)

    assert [row["billed_cost"] for row in one.ledger] != [row["billed_cost"] for row in two.ledger]


def test_a_larger_company_has_more_rows_and_the_same_planted_machines(tmp_path: Path) -> None:
    small = write_sample(tmp_path / "small", seed=1, months=1, scale=0.1, names=READ)
    large = write_sample(tmp_path / "large", seed=1, months=1, scale=2, names=READ)

    def steady(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [fact for fact in facts if fact["fact"] in _STEADY]

    assert sum(row["rows"] for row in large.ledger) > 5 * sum(row["rows"] for row in small.ledger)
    assert steady(large.facts) == steady(small.facts)
    restated = [
        next(fact["amount"] for fact in one.facts if fact["fact"] == "restated_month") for one in (small, large)
    ]
    assert restated[0] == restated[1]


def test_scale_one_is_about_thirty_thousand_bill_lines_in_three_months(tmp_path: Path) -> None:
    told: list[str] = []

    planted = write_sample(tmp_path, seed=1, months=3, scale=1, report=told.append)

    rows = sum(row["rows"] for row in planted.ledger if not row["superseded"])
    assert 26_000 < rows < 35_000
    assert told[-1].endswith(f"bill lines and {len(planted.facts)} planted facts in {tmp_path}")


@pytest.mark.parametrize(("months", "scale"), [(0, 1), (13, 1), (3, 0), (3, -1), (3, float("nan"))])
def test_nonsense_is_refused_before_anything_is_written(tmp_path: Path, months: int, scale: float) -> None:
    with pytest.raises(ValueError, match="expected 1 to 12 months and a scale above 0"):
        write_sample(tmp_path / "none", seed=1, months=months, scale=scale)

    assert not (tmp_path / "none").exists()


def test_names_of_no_bill_are_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no bill gcp: expected some of aws, .*stratus"):
        write_sample(tmp_path / "none", seed=1, months=1, scale=1, names=("aws", "gcp"))

    assert not (tmp_path / "none").exists()


def test_a_part_of_the_bills_has_the_same_rows_as_in_the_whole(tmp_path: Path) -> None:
    whole = write_sample(tmp_path / "whole", seed=5, months=1, scale=0.05)
    part = write_sample(tmp_path / "part", seed=5, months=1, scale=0.05, names=("stratus", "azure"))

    def bills(folder: Path) -> dict[str, str]:
        return {name: digest for name, digest in _digests(folder / "bills").items() if name.split("/")[0] in kept}

    kept = {"azure", "stratus"}
    assert bills(tmp_path / "part") == bills(tmp_path / "whole") == _digests(tmp_path / "part" / "bills")
    assert part.ledger == [row for row in whole.ledger if row["source"] in kept]
    config = load_config(tmp_path / "part" / "config")
    assert [source.name for source in config.sources] == ["azure", "stratus", "gpu", "storage"]


@pytest.mark.parametrize("rows", [3_000, 20_000])
def test_one_bill_is_written_about_as_long_as_asked_for(tmp_path: Path, rows: int) -> None:
    planted = write_bill(tmp_path, "stratus", rows=rows, seed=3)

    (total,) = planted.ledger
    assert abs(total["rows"] - rows) < rows / 10
    (path,) = (tmp_path / "bills").rglob("*.parquet")
    assert parquet.read_metadata(path).num_rows == total["rows"]
    assert [source.name for source in load_config(tmp_path / "config").sources] == ["stratus"]
    assert json.loads((tmp_path / "expected.json").read_text())["ledger"] == planted.ledger


def test_gzip_headers_carry_no_time(nimbus: Company) -> None:
    for path in nimbus.folder.rglob("*.csv.gz"):
        assert path.read_bytes()[4:8] == b"\0\0\0\0"


def test_the_aws_report_lies_as_aws_leaves_it(nimbus: Company) -> None:
    root = nimbus.folder / "bills" / "aws"
    month = root / "cur" / "nimbus-daily" / "20260901-20261001"
    current = json.loads((month / "nimbus-daily-Manifest.json").read_text())

    assert sorted(path.name for path in month.iterdir() if path.is_dir()) == ["20261002T060000Z", "20261005T060000Z"]
    assert current["assemblyId"] == "20261005T060000Z"
    assert len(current["reportKeys"]) > 1
    assert all((root / key).is_file() for key in current["reportKeys"])
    assert current["billingPeriod"] == {"start": "20260901T000000.000Z", "end": "20261001T000000.000Z"}
    assert {"category": "lineItem", "name": "UnblendedCost"} in current["columns"]


def test_the_azure_export_has_its_marks_and_native_tags(nimbus: Company) -> None:
    (path,) = (nimbus.folder / "bills" / "azure").rglob("20261001-20261031/*/*/*.csv")
    content = path.read_bytes()
    (blob,) = json.loads((path.parent / "manifest.json").read_text())["blobs"]

    assert content.startswith(b"\xef\xbb\xbfInvoiceSectionName,")
    assert content.count(b"\n") == content.count(b"\r\n") == blob["dataRowCount"] + 1
    assert blob["byteCount"] == len(content)
    assert b'"""platform"": ""object-storage"""' in content


def test_the_configuration_is_one_that_the_catalog_accepts(nimbus: Company) -> None:
    config = load_config(nimbus.folder / "config")

    assert {source.name for source in config.sources} >= {"aws", "azure", "stratus", "kubernetes", "storage"}
    assert all(Path(source.place).is_dir() for source in config.sources)
    assert {person.name for person in config.people} >= {"alice", "bob", "carol"}
    assert any("finance" in person.roles for person in config.people)
    assert {source.format for source in config.sources if source.kind == "usage"} == {
        "parquet",
        "csv",
        "jsonl",
        "cloudevents",
    }


def test_the_stratus_export_has_every_column_of_focus_1_2(nimbus: Company) -> None:
    (path,) = (nimbus.folder / "bills" / "stratus").rglob("2026-10/*.parquet")

    written = parquet.read_schema(path).names
    assert written == [
        column.name for column in FOCUS if column.name not in {"ServiceProviderName", "HostProviderName"}
    ]
    assert len(written) == 57
