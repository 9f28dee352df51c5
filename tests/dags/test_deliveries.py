"""From a notification to the sources that are looked at, and the DAGs that do so."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException

from tests.bills.bill_files import line, report, write_assembly
from tests.dags.conftest import Play
from twinledger.airflow.deliveries import created_of, source_of, sources_covering
from twinledger.bills import ledger_totals
from twinledger.books import Books
from twinledger.cloud.notifications import CreatedObject
from twinledger.deployment import open_books, prepare
from twinledger.store.models import Source
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings

OCTOBER = Period(2026, 10)


def add_source(books: Books, name: str, place: str, kind: str = "bill", *, retired: bool = False) -> None:
    row = Source(
        name=name, kind=kind, format="aws_cur_legacy" if kind == "bill" else "csv", place=place, slice="period",
        account="111122223333", currency="USD", options={"retired": True} if retired else {},
    )  # fmt: skip
    with books.store.transaction() as session:
        session.add(row)


def run_of(partition_key: str | None, **conf: str) -> SimpleNamespace:
    return SimpleNamespace(partition_key=partition_key, conf=conf)


def test_only_what_the_watcher_says_names_objects() -> None:
    said = {"from_trigger": True, "payload": {"created": [["bills", "a.csv"], ["bills", "a.csv"]]}}
    assert created_of([said, {}, {"payload": None}, {"from_rest_api": True}]) == {CreatedObject("bills", "a.csv")}


def test_bills_and_usage_whose_place_has_the_object_are_looked_at_and_retired_ones_are_not(books: Books) -> None:
    add_source(books, "aws", "s3://bills/exports/aws")
    add_source(books, "meters", "s3://bills/exports", "usage")
    add_source(books, "old", "s3://bills/exports/aws", retired=True)
    add_source(books, "other", "s3://bills/exports/other")
    assert sources_covering(books, [CreatedObject("bills", "exports/aws/2026/a.csv")]) == ["aws", "meters"]
    assert sources_covering(books, []) == []


def test_a_run_is_of_the_source_that_is_its_key_or_stands_in_its_configuration(books: Books) -> None:
    add_source(books, "aws", "s3://bills")
    assert source_of(books, run_of("aws")) == ("aws", "bill")
    assert source_of(books, run_of(None, source="aws")) == ("aws", "bill")


@pytest.mark.parametrize(("key", "problem"), [(None, "this run is of no source"), ("azure", "no source named 'azure'")])
def test_a_run_of_no_source_fails_without_being_tried_again(books: Books, key: str | None, problem: str) -> None:
    with pytest.raises(AirflowFailException, match=problem):
        source_of(books, run_of(key))


def test_a_run_of_a_source_ingests_it_and_names_its_periods_and_no_source(airflow_home: Path, play: Play) -> None:
    settings = Settings().model_copy(update={"home": airflow_home / "twinledger"})
    prepare(settings)
    with open_books(settings) as books:
        for name in ("aws", "second"):
            folder = airflow_home / name
            write_assembly(folder, [report([line("0.10")])])
            add_source(books, name, str(folder))

    played = play(
        {"dag": "route_deliveries"},
        {"dag": "ingest_delivery", "conf": {"source": "aws"}},
        {"dag": "ingest_delivery", "conf": {"source": "aws"}},
        {"dag": "ingest_delivery"},
    )

    routed, first, again, nothing = (run["tasks"] for run in played["runs"])
    assert routed == {"route": ["skipped"]}
    assert first == {"bills": ["success"], "usage": ["skipped"]}
    assert again == {"bills": ["skipped"], "usage": ["skipped"]}
    assert nothing == {"bills": ["failed"], "usage": ["failed"]}
    assert played["events"] == [["external_ledger", "2026-10"]]
    with open_books(settings) as books:
        assert [total.billed_cost for total in ledger_totals(books, "aws", OCTOBER)] == [Decimal("0.10")]
        with pytest.raises(UnknownNameError):
            ledger_totals(books, "second", OCTOBER)
