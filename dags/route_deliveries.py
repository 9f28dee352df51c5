"""route_deliveries: from a bucket's notification to the sources that are looked at.

Finds the sources whose place an object was created in. Nothing else is done with a notification: it is
a hint to look, so that one that comes twice, late or out of order changes nothing, and one that never comes
is made up for by the daily run.

**Runs** when the asset `object_created` says that messages came by the queue (`TWINLEDGER_EVENTS__QUEUE_URL`).
Without a configured queue it never does.

**Emits** `source_delivery`, one event for each source, with its name as key. Where an object is of no
source, the task is shown as skipped.

**Who reads it**: `ingest_delivery`.

**When it fails**, run it again, or leave it: the daily run finds the delivery.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowSkipException

from twinledger.airflow.assets import OBJECT_CREATED, SOURCE_DELIVERY
from twinledger.airflow.policy import QUICK_RETRIES, tell_operators


@dag(
    schedule=[OBJECT_CREATED],
    doc_md=__doc__,
    tags=["deliveries"],
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-finance", **QUICK_RETRIES},
    on_failure_callback=tell_operators,
)
def route_deliveries() -> None:
    """One task; what is notified while it runs is for the next run."""

    @task(outlets=[SOURCE_DELIVERY])
    def route(*, triggering_asset_events: Any = None, outlet_events: Any = None) -> list[str]:  # noqa: ANN401 - Airflow's accessors
        """Names of the sources whose place an object was created in."""
        from twinledger.airflow.books import open_books
        from twinledger.airflow.deliveries import created_of, sources_covering

        events = (triggering_asset_events or {}).get(OBJECT_CREATED, ())
        with open_books() as books:
            names = sources_covering(books, created_of(event.extra for event in events))
        if not names:
            nowhere = "no source's place has these objects"
            raise AirflowSkipException(nowhere)
        outlet_events[SOURCE_DELIVERY].add_partitions(names)
        return names

    route()


route_deliveries()
