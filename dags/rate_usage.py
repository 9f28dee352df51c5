"""rate_usage: usage x price into the internal ledger.

Rates all usage of one billing period with the price in force at its time, and passes directly owned
resources through at list price. The period's slice of the internal ledger is replaced as a whole.

**Runs** for a period when `usage` or `external_ledger` says that it was touched, and by hand with a
partition key such as `2026-10`.

**Emits** `internal_ledger` for the period, unless nothing changed: then the task is shown as skipped, and
nothing downstream runs.

**Who reads it**: every department (`twinledger ledger show`, the statement page), `sum_ledgers` and
`budget_variance`.

**When it fails**, the period is as it was. A missing price or exchange rate is named in the log: add it to
the configuration, apply it, and clear the task. A run without a partition key fails at once.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from twinledger.airflow.assets import EXTERNAL_LEDGER, INTERNAL_LEDGER, USAGE
from twinledger.airflow.policy import RETRIES, tell_operators


@dag(
    schedule=PartitionedAssetTimetable(assets=USAGE | EXTERNAL_LEDGER),
    doc_md=__doc__,
    tags=["internal ledger"],
    catchup=False,
    max_active_runs=2,
    default_args={"owner": "platform-metering", **RETRIES},
    on_failure_callback=tell_operators,
)
def rate_usage() -> None:
    """One task: the key is checked before anything is opened."""

    @task(outlets=[INTERNAL_LEDGER])
    def rate(*, dag_run: Any = None, outlet_events: Any = None) -> str:  # noqa: ANN401 - Airflow's run and accessor
        """Rate the run's period; the digest of what it was rated from."""
        from twinledger.airflow.books import open_books
        from twinledger.airflow.periods import period_of
        from twinledger.rating import rate_period
        from twinledger.vocabulary.errors import GateFailedError

        period = period_of(dag_run)
        with open_books() as books:
            result = rate_period(books, period)
        if result.stops:
            raise GateFailedError("ledger", result.stops)
        if not result.changed:
            unchanged = f"{period}: nothing changed"
            raise AirflowSkipException(unchanged)
        outlet_events[INTERNAL_LEDGER].add_partitions(str(period))
        return result.digest

    rate()


rate_usage()
