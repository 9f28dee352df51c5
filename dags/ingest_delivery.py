"""ingest_delivery: one source, looked at as soon as something lies at its place.

Does for the source of the run's key what `ingest_bills` or `ingest_metering` do for every source.

**Runs** when `source_delivery` names a source, and by hand with a source's name as partition key.

**Emits** `external_ledger` or `usage`, one event for each billing period that was touched. The task of the
other kind is shown as skipped; so are both where nothing is new.

**A refused delivery is no failure here**: it is quarantined, the last good slice stays, and finance or the
operators are told once. See `twinledger quarantine list`.

**When a task fails**, nothing was written, or all of it: run it again, or leave it to the daily run. It stays
failed when the source's place cannot be reached or its configuration is wrong, and at once when there is no
such source; the log says what to correct.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from twinledger.airflow.assets import EXTERNAL_LEDGER, SOURCE_DELIVERY, USAGE
from twinledger.airflow.policy import RETRIES, tell_operators


@dag(
    schedule=PartitionedAssetTimetable(assets=SOURCE_DELIVERY),
    doc_md=__doc__,
    tags=["deliveries"],
    catchup=False,
    max_active_runs=2,
    default_args={"owner": "platform-finance", **RETRIES},
    on_failure_callback=tell_operators,
)
def ingest_delivery() -> None:
    """A task for each kind of source, because an outlet that a task says nothing of would inherit the source as key."""

    @task(outlets=[EXTERNAL_LEDGER])
    def bills(*, dag_run: Any = None, outlet_events: Any = None) -> list[str]:  # noqa: ANN401 - Airflow's run and accessor
        """Ingest what is new of a bill source; the periods that it touched."""
        from twinledger.airflow.books import open_books
        from twinledger.airflow.deliveries import source_of
        from twinledger.bills import ingest_source

        with open_books() as books:
            name, kind = source_of(books, dag_run)
            found = ingest_source(books, name) if kind == "bill" else []
        return _published([outcome.periods for outcome in found], outlet_events[EXTERNAL_LEDGER])

    @task(outlets=[USAGE])
    def usage(*, dag_run: Any = None, outlet_events: Any = None) -> list[str]:  # noqa: ANN401 - Airflow's run and accessor
        """Ingest what is new of a metering feed; the periods that it touched."""
        from twinledger.airflow.books import open_books
        from twinledger.airflow.deliveries import source_of
        from twinledger.metering import ingest_feed

        with open_books() as books:
            name, kind = source_of(books, dag_run)
            found = ingest_feed(books, name) if kind == "usage" else []
        return _published([outcome.periods for outcome in found], outlet_events[USAGE])

    bills()
    usage()


def _published(touched: list[tuple[str, ...]], events: Any) -> list[str]:  # noqa: ANN401 - Airflow's accessor
    """Name the periods, each once."""
    periods = sorted({period for one in touched for period in one})
    if not periods:
        nothing = "nothing new"
        raise AirflowSkipException(nothing)
    events.add_partitions(periods)
    return periods


ingest_delivery()
