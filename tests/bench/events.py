"""`make bench-events`: seconds from a vendor's notification to the ledger.

    make bench-events                       five bills, one after the other
    make bench-events ARGS="--bills 20"     more

What belongs here: the real Airflow with its triggerer, a queue and a bucket on loopback, and how long one bill after
the other takes from its notification. What does not: what becomes of duplicate, late and unreadable notifications,
which tests/dags/test_events says.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from tests.bills.bill_files import line, report, write_assembly
from tests.cloud.servers import Aws, running_aws, use_made_up_credentials
from tests.cloud.test_notifications import s3_event
from twinledger.airflow.local import Components, LocalAirflow
from twinledger.airflow.rest import AirflowApi
from twinledger.bills import ledger_totals
from twinledger.books import Books
from twinledger.deployment import open_books, prepare
from twinledger.store.models import Source
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import ROOT, Settings

PERIOD = Period(2026, 10)
LONGEST_S = 300.0
LOOKS_S = 0.2


@dataclass
class Running:
    """An Airflow that waits for notifications of a bucket."""

    folder: Path
    aws: Aws
    queue: str
    books: Books
    api: AirflowApi

    def bill(self, number: int) -> tuple[float, float]:
        """Deliver a bill; the seconds from its notification to the start of its ingestion, and to the ledger."""
        cost = Decimal(f"{number}.25")
        key = _deliver(self.aws, self.folder, f"a{number}", str(cost))
        sqs = self.aws.sqs()
        sent = time.monotonic()
        sqs.send_message(QueueUrl=self.queue, MessageBody=json.dumps(s3_event(key)))
        sqs.close()
        _until(lambda: _ingestions(self.api) >= number, "the ingestion begins")
        began = time.monotonic() - sent
        _until(lambda: _billed(self.books) == cost, "the ledger has it")
        ended = time.monotonic() - sent
        _until(lambda: _resting(self.api), "Airflow has nothing to do")
        return began, ended


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """All of it on loopback; ended at the end of the block."""
    with pytest.MonkeyPatch.context() as patch, running_aws() as aws:
        use_made_up_credentials(patch, folder)
        settings = _deployment(folder, aws)
        s3, sqs = aws.s3(), aws.sqs()
        s3.create_bucket(Bucket="bills")
        queue = sqs.create_queue(QueueName="deliveries")["QueueUrl"]
        s3.close()
        sqs.close()
        described = _airflow(folder, settings, aws, queue)
        with Components(described) as components, open_books(settings) as books, described.api() as api:
            components.migrate()
            components.start("triggerer")
            components.wait(len(list((ROOT / "dags").glob("*.py"))), LONGEST_S, lambda _: None)
            _until(lambda: _resting(api), "Airflow has nothing to do")
            yield Running(folder, aws, queue, books, api)


def main() -> None:
    """Print the seconds of one bill after the other, and their medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bills", type=int, default=5, help="bills, one after the other")
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache" / "bench-events", help="emptied first")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.folder, ignore_errors=True)
    arguments.folder.mkdir(parents=True)
    found = []
    with running(arguments.folder) as airflow:
        for number in range(1, arguments.bills + 1):
            found.append(airflow.bill(number))
            print(
                "bill {}: its ingestion began after {:.1f} s, the ledger had it after {:.1f} s".format(
                    number, *found[-1]
                )
            )
    began, ended = (statistics.median(times) for times in zip(*found, strict=True))
    print(f"median: began after {began:.1f} s, in the ledger after {ended:.1f} s")
    shutil.rmtree(arguments.folder)


def _deployment(folder: Path, aws: Aws) -> Settings:
    settings = Settings(home=folder / "twinledger")
    prepare(settings)
    with open_books(settings) as books, books.store.transaction() as session:
        session.add(
            Source(
                name="aws", kind="bill", format="aws_cur_legacy", account="111122223333", currency="USD",
                slice="period", place="s3://bills/exports/aws", options={"endpoint": aws.url},
            )
        )  # fmt: skip
    return settings


def _airflow(folder: Path, settings: Settings, aws: Aws, queue: str) -> LocalAirflow:
    variables = {
        "TWINLEDGER_HOME": str(settings.home),
        "TWINLEDGER_EVENTS__QUEUE_URL": queue,
        "TWINLEDGER_EVENTS__ENDPOINT": aws.url,
    }
    return LocalAirflow.new(folder / "airflow", {"admin": "admin"}, variables)


def _deliver(aws: Aws, folder: Path, assembly: str, cost: str) -> str:
    """Put a bill of the month into the bucket; the key of its manifest, which comes last."""
    month = write_assembly(folder / "bills" / assembly, [report([line(cost)])], assembly)
    s3, key = aws.s3(), ""
    for path in sorted(month.rglob("*"), key=lambda path: path.name.endswith("Manifest.json")):
        if path.is_file():
            key = f"exports/aws/{path.relative_to(folder / 'bills' / assembly).as_posix()}"
            s3.upload_file(str(path), "bills", key)
    s3.close()
    return key


def _billed(books: Books) -> Decimal | None:
    try:
        return sum((total.billed_cost for total in ledger_totals(books, "aws", PERIOD)), Decimal(0))
    except UnknownNameError:
        return None


def _ingestions(api: AirflowApi) -> int:
    return sum(run.dag == "ingest_delivery" and run.state != "queued" for run in api.runs())


def _resting(api: AirflowApi) -> bool:
    return not any(run.state in ("queued", "running") for run in api.runs())


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"not within {LONGEST_S:.0f} s: {what}")
        time.sleep(LOOKS_S)


if __name__ == "__main__":
    main()
