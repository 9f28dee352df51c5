"""A notification starts ingestion: the real Airflow with its triggerer, and AWS' queue and bucket on loopback."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from mypy_boto3_sqs import SQSClient

from tests.bills.bill_files import line, report, write_assembly
from tests.cloud.servers import Aws, running_aws, use_made_up_credentials
from tests.cloud.test_notifications import bridge_event, in_sns, s3_event
from twinledger.airflow.local import Components, LocalAirflow
from twinledger.airflow.rest import AirflowApi, Run
from twinledger.bills import ledger_totals
from twinledger.deployment import open_books, prepare
from twinledger.store.models import Source
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import PREFIX, ROOT, Settings

OCTOBER = Period(2026, 10)
DAILY = ("ingest_bills", "ingest_metering")
WITHIN_S = 300.0
QUIET_S = 4.0


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Aws]:
    """AWS on loopback, with credentials that the components inherit."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    use_made_up_credentials(monkeypatch, tmp_path)
    with running_aws() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, aws: Aws) -> Settings:
    """Two sources in one bucket."""
    chosen = Settings(home=tmp_path / "twinledger")
    prepare(chosen)
    with open_books(chosen) as books, books.store.transaction() as session:
        for name in ("aws", "other"):
            session.add(
                Source(
                    name=name, kind="bill", format="aws_cur_legacy", account="111122223333", currency="USD",
                    slice="period", place=f"s3://bills/exports/{name}", options={"endpoint": aws.url},
                )
            )  # fmt: skip
    return chosen


@pytest.fixture
def queue(aws: Aws) -> Iterator[tuple[SQSClient, str]]:
    """The queue that the bucket notifies."""
    s3, sqs = aws.s3(), aws.sqs()
    s3.create_bucket(Bucket="bills")
    s3.close()
    yield sqs, sqs.create_queue(QueueName="deliveries")["QueueUrl"]
    sqs.close()


@pytest.fixture
def airflow(tmp_path: Path, settings: Settings, aws: Aws, queue: tuple[SQSClient, str]) -> Iterator[LocalAirflow]:
    """Airflow's components and its triggerer."""
    variables = {
        "TWINLEDGER_HOME": str(settings.home),
        "TWINLEDGER_LAKE__MEMORY_LIMIT": "512MiB",
        "TWINLEDGER_EVENTS__QUEUE_URL": queue[1],
        "TWINLEDGER_EVENTS__ENDPOINT": aws.url,
    }
    described = LocalAirflow.new(tmp_path / "airflow", {"admin": "admin"}, variables)
    with Components(described) as components:
        components.migrate()
        components.start("triggerer")
        components.wait(len(list((ROOT / "dags").glob("*.py"))), WITHIN_S, lambda _: None)
        yield described


def deliver(aws: Aws, folder: Path, assembly: str, cost: str) -> list[str]:
    """Put a bill of one assembly into the bucket; its keys, the manifest of the month last."""
    month = write_assembly(folder / assembly, [report([line(cost)])], assembly)
    s3 = aws.s3()
    keys = []
    for path in sorted(month.rglob("*"), key=lambda path: path.name.endswith("Manifest.json")):
        if path.is_file():
            keys.append(f"exports/aws/{path.relative_to(folder / assembly).as_posix()}")
            s3.upload_file(str(path), "bills", keys[-1])
    s3.close()
    return keys


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.5)


def billed(settings: Settings, source: str) -> Decimal | None:
    """What the ledger has of a source."""
    with open_books(settings) as books:
        try:
            return sum((total.billed_cost for total in ledger_totals(books, source, OCTOBER)), Decimal(0))
        except UnknownNameError:
            return None


def until_quiet(api: AirflowApi, queue: tuple[SQSClient, str]) -> list[Run]:
    """Wait until no message is left and no run works; every run there was."""
    since = time.monotonic()

    def is_quiet() -> bool:
        nonlocal since
        sqs, url = queue
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        waiting = sum(int(count) for name, count in counts.items() if name.startswith("ApproximateNumber"))
        if waiting or any(run.state in ("queued", "running") for run in api.runs() if run.dag != "deliver_outbox"):
            since = time.monotonic()
        return time.monotonic() - since > QUIET_S

    until(is_quiet, "all messages are deleted and all runs have ended")
    return api.runs()


@pytest.mark.timeout(900)
def test_a_notification_has_its_source_ingested_and_late_double_and_unreadable_ones_change_nothing(
    tmp_path: Path, aws: Aws, settings: Settings, queue: tuple[SQSClient, str], airflow: LocalAirflow
) -> None:
    sqs, url = queue

    def send(*bodies: object) -> None:
        for body in bodies:
            sqs.send_message(QueueUrl=url, MessageBody=body if isinstance(body, str) else json.dumps(body))

    with airflow.api() as api:
        until_quiet(api, queue)  # the daily run may have been due when Airflow came up
        first = deliver(aws, tmp_path / "bills", "a1", "0.10")
        send({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "bills"}, s3_event(first[-1]))
        until(lambda: billed(settings, "aws") == Decimal("0.10"), "the first bill")

        second = deliver(aws, tmp_path / "bills", "a2", "0.25")
        send(in_sns(s3_event(second[-1])))
        until(lambda: billed(settings, "aws") == Decimal("0.25"), "the second bill")

        late = [s3_event(key) for key in reversed(first)]
        send(*late, "poison", bridge_event(second[-1]), *late, s3_event("nobody/looks.here"))
        runs = until_quiet(api, queue)

    assert billed(settings, "aws") == Decimal("0.25"), "the newest bill stays"
    looked = [run for run in runs if run.dag == "ingest_delivery"]
    assert {run.partition_key for run in looked} == {"aws"}, "no other source was looked at"
    assert not [run for run in runs if run.dag in DAILY and run.id.startswith("asset")], "nor every source"
    assert {run.state for run in runs if run.dag in ("route_deliveries", "ingest_delivery")} == {"success"}
    assert "2026-10" in {run.partition_key for run in runs if run.dag == "rate_usage"}, "the period went on from there"
    assert {run.partition_key for run in runs} <= {None, "aws", "2026-10"}, "no source was taken for a period"
