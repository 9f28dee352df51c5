"""ingest_metering: metering feeds into usage.

Looks into every metering feed for deliveries that it has not seen, and replaces or extends the days
that they are of. One mapped task a feed.

**Runs** every day at 05:00 UTC, for what events missed, and whenever the asset `usage_delivery` says
that a feed delivered.

**Emits** `usage`, one event for each billing period that was touched, when every feed is done; `rate_usage`
rates those periods. Where nothing is new, `publish` is shown as skipped.

**A refused delivery is no failure here**: it is quarantined, and the operators are told once. Records of
an unknown meter or tenant go to quarantine row by row. See `twinledger quarantine list`.

**When a task fails**, nothing was written, or all of it: run it again. It stays failed when a feed's place
cannot be reached or its configuration is wrong; the log names the feed and what to correct.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, TriggerRule, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from twinledger.airflow.assets import USAGE, USAGE_DELIVERY
from twinledger.airflow.policy import RETRIES, tell_operators


@dag(
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("0 5 * * *", timezone="UTC"), assets=[USAGE_DELIVERY]),
    doc_md=__doc__,
    tags=["internal ledger"],
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-metering", **RETRIES},
    on_failure_callback=tell_operators,
)
def ingest_metering() -> None:
    """Feeds, one task each, then one event for each period."""

    @task
    def feeds() -> list[str]:
        """Names of the configured metering feeds."""
        from twinledger import catalog
        from twinledger.airflow.books import open_books

        with open_books() as books:
            return [name for name, kind in catalog.sources(books.store) if kind == "usage"]

    @task(map_index_template="{{ feed }}")
    def ingest(feed: str) -> list[str]:
        """Ingest what is new of one feed; the periods that it touched."""
        from airflow.sdk import get_current_context

        from twinledger.airflow.books import open_books
        from twinledger.metering import ingest_feed

        get_current_context()["feed"] = feed  # type: ignore[typeddict-unknown-key]  # names the mapped task
        with open_books() as books:
            return sorted({period for outcome in ingest_feed(books, feed) for period in outcome.periods})

    @task(outlets=[USAGE], trigger_rule=TriggerRule.ALL_DONE)
    def publish(touched: Iterable[list[str]], *, outlet_events: Any = None) -> list[str]:  # noqa: ANN401 - Airflow's accessor
        """Name the periods that any feed touched, each once; also when another feed failed."""
        periods = sorted({period for one in touched for period in one})
        if not periods:
            nothing = "nothing new"
            raise AirflowSkipException(nothing)
        outlet_events[USAGE].add_partitions(periods)
        return periods

    touched = ingest.expand(feed=feeds())
    publish(touched)  # type: ignore[arg-type]  # Airflow hands it the results
    touched >> EmptyOperator(task_id="every_feed")  # a run is as good as its leaves: `publish` hides a failed feed


ingest_metering()
