"""The official FOCUS validator on the ledger of every format: what fails is what the guide lists, rule by rule.

What belongs here: the validator, and the guide's table of rules that cannot hold. What does not: any one
format's mapping, which is tested beside its model.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import FakeGate
from twinledger.bills import export_slice, ingest_source
from twinledger.bills.formats import format_names
from twinledger.bills.inspection import inspect_file
from twinledger.books import Books
from twinledger.catalog import apply_config, load_config
from twinledger.engine.duck import DuckEngine
from twinledger.sample import write_bill
from twinledger.sample.company import LAST_PERIOD
from twinledger.sample.vendors import BILLS
from twinledger.vocabulary.settings import ROOT

SHARED = ROOT.parent / "shared"
VALIDATOR = SHARED / "tools" / "focus-validate"
REAL = {
    "aws_cur_legacy": (
        "aws_cur_legacy/export.csv",
        "aws_cur_legacy/restated/2023-06-01.csv",
        "aws_cur_legacy/restated/2023-06-01-not-final.csv",
    ),
    "azure_ea": ("azure_ea/export.csv", "azure_ea/camel_case.csv"),
    "focus_1_0": ("focus_1_0/focus_sample.csv",),
    "google_detailed": ("gcp_export/202011.csv",),
    "oci_cost": ("oci_cost/report.csv",),
}
SAMPLE = {bill.format: bill.name for bill in BILLS}
GUIDE = ROOT / "docs" / "guides" / "focus-conformance.md"
RUNS = Path(__file__).with_name("validations.py")
OPTIONS = (
    "--validate-version", "1.2", "--focus-dataset", "CostAndUsage", "--applicability-criteria", "ALL",
    "--block-download",
)  # fmt: skip

Validate = Callable[[Path], set[str]]


def listed() -> dict[str, set[str]]:
    """The rules that cannot hold in each format's ledger, as the guide has them."""
    _, _, rest = GUIDE.read_text(encoding="utf-8").partition("<!-- CANNOT HOLD -->\n")
    table, _, _ = rest.partition("<!-- /CANNOT HOLD -->")
    rules: defaultdict[str, set[str]] = defaultdict(set)
    for line in table.splitlines()[2:]:
        names, formats, reason = (cell.strip() for cell in line.strip("|").split("|"))
        assert reason, f"no reason for {names}"
        for form in re.findall(r"`([^`]+)`", formats):
            rules[form] |= set(re.findall(r"`([^`]+)`", names))
    return rules


def tool() -> ModuleType:
    """The script beside the checkout: how the validator is installed and called, and which of its rules are faulty."""
    loader = SourceFileLoader("focus_validate", str(VALIDATOR))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def validate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Validate]:
    """The rules that a file fails by the official validator, which installs itself when it is first asked."""
    if not VALIDATOR.is_file():
        pytest.skip("no FOCUS validator: ../shared/tools is not beside the checkout")
    # Tests run in several processes and must not install it twice at a time.
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    validator = tool()
    with (shared / "focus-validator.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        site = validator.install()
    with subprocess.Popen(
        [validator.CACHE / "bin" / "python", RUNS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=site
    ) as process:
        asked, answers = process.stdin, process.stdout
        assert asked is not None
        assert answers is not None

        def run(file: Path) -> set[str]:
            asked.write(json.dumps(["--data-file", str(file), *OPTIONS]) + "\n")
            asked.flush()
            printed, said = json.loads(answers.readline() or '["", "it ended"]')
            assert re.search(r"^Total: ", printed, re.MULTILINE), f"the validator cannot run: {printed}\n{said}"
            return set(validator.root_failures(printed)) - set(validator.FAULTY)

        yield run
        asked.close()


def of_the_sample(form: str, books: Books, folder: Path) -> Iterator[Path]:
    """The ledger of the sample company's bill in a format, ingested as any bill is."""
    if name := SAMPLE.get(form):
        write_bill(folder / "sample", name, 60, seed=7)
        apply_config(books.store, load_config(folder / "sample" / "config"), books.clock)
        assert {outcome.state for outcome in ingest_source(books, name)} == {"ingested"}
        file = folder / "sample.parquet"
        export_slice(books, name, LAST_PERIOD, file)
        yield file


def of_real_exports(form: str, folder: Path) -> Iterator[Path]:
    """The ledger of each real export in a format."""
    for number, name in enumerate(REAL.get(form, ())):
        file = folder / f"real-{number}.parquet"
        source = SHARED / "data" / "real_bills" / name
        inspect_file(
            lambda: DuckEngine("512MiB", 1, str(folder / "spill")), FakeGate({}, []), source,
            folder / f"work-{number}", parquet=file,
        )  # fmt: skip
        yield file


@pytest.mark.timeout(900)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # rows are not in the store
@pytest.mark.parametrize("form", sorted(SAMPLE.keys() | REAL.keys()))
def test_the_ledger_of_a_format_fails_the_rules_that_the_guide_lists_and_no_other(
    form: str, books: Books, tmp_path: Path, validate: Validate
) -> None:
    files = [*of_the_sample(form, books, tmp_path), *of_real_exports(form, tmp_path)]
    failed = {file.stem: validate(file) for file in files}

    assert failed
    assert set().union(*failed.values()) == listed()[form], f"{form}: {failed}"


def test_every_real_export_is_validated() -> None:
    exports = SHARED / "data" / "real_bills"
    if not exports.is_dir():
        pytest.skip("no real bills: ../shared/data is not beside the checkout")
    assert {str(path.relative_to(exports)) for path in exports.rglob("*.csv")} == {
        name for names in REAL.values() for name in names
    }


def test_the_guide_lists_rules_of_formats_that_are_validated() -> None:
    assert listed().keys() <= SAMPLE.keys() | REAL.keys()


def test_a_format_that_is_not_validated_shares_its_query_with_one_that_is() -> None:
    from twinledger.engine.models import load_model  # noqa: PLC0415 - of this test alone

    validated = {load_model(f"focus/{form}").query for form in SAMPLE.keys() | REAL.keys()}
    assert {form for form in format_names() if load_model(f"focus/{form}").query not in validated} == set()
