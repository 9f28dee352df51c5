"""ingest_bills: vendors' bills into the external ledger.

Looks into every bill source for deliveries that it has not seen, and replaces the slices (source,
billing period) that they are of. One mapped task a source, so that one vendor's broken delivery does
not hold up another's.

**Runs** every day at 05:00 UTC, for what events missed, and whenever the asset `bill_delivery` says
that a vendor delivered.

**Emits** `external_ledger`, one event for each billing period that was touched, when every source is done.
`rate_usage` and `sum_ledgers` compute those periods anew, and no others. Where nothing is new,
`publish` is shown as skipped.

**A refused delivery is no failure here**: it is quarantined whole, the last good slice stays, and finance
is told once. See `twinledger quarantine list`.

**When a task fails**, nothing was written, or all of it: run it again. It stays failed when a source's
place cannot be reached or its configuration is wrong; the log names the source and what to correct.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, TriggerRule, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from twinledger.airflow.assets import BILL_DELIVERY, EXTERNAL_LEDGER
from twinledger.airflow.policy import RETRIES, tell_operators


@dag(
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("0 5 * * *", timezone="UTC"), assets=[BILL_DELIVERY]),
    doc_md=__doc__,
    tags=["external ledger"],
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-finance", **RETRIES},
    on_failure_callback=tell_operators,
)
def ingest_bills() -> None:
    """Sources, one task each, then one event for each period."""

    @task
    def sources() -> list[str]:
        """Names of the configured bill sources."""
        from twinledger import catalog
        from twinledger.airflow.books import open_books

        with open_books() as books:
            return [name for name, kind in catalog.sources(books.store) if kind == "bill"]

    @task(map_index_template="{{ source }}")
    def ingest(source: str) -> list[str]:
        """Ingest what is new of one source; the periods that it touched."""
        from airflow.sdk import get_current_context

        from twinledger.airflow.books import open_books
        from twinledger.bills import ingest_source

        get_current_context()["source"] = source  # type: ignore[typeddict-unknown-key]  # names the mapped task
        with open_books() as books:
            return sorted({period for outcome in ingest_source(books, source) for period in outcome.periods})

    @task(outlets=[EXTERNAL_LEDGER], trigger_rule=TriggerRule.ALL_DONE)
    def publish(touched: Iterable[list[str]], *, outlet_events: Any = None) -> list[str]:  # noqa: ANN401 - Airflow's accessor
        """Name the periods that any source touched, each once; also when another source failed."""
        periods = sorted({period for one in touched for period in one})
        if not periods:
            nothing = "nothing new"
            raise AirflowSkipException(nothing)
        outlet_events[EXTERNAL_LEDGER].add_partitions(periods)
        return periods

    touched = ingest.expand(source=sources())
    publish(touched)  # type: ignore[arg-type]  # Airflow hands it the results
    touched >> EmptyOperator(task_id="every_source")  # a run is as good as its leaves: `publish` hides a failed source


ingest_bills()
