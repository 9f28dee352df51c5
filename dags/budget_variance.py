"""budget_variance: actual and committed against plan, by department.

Compares what each department was charged in a period, and what approved and pending requests reserve,
with its plan, and queues a message to the channel of each department that is over.

**Runs** for a period when `internal_ledger` says that it was touched, and by hand with a partition key.

**Emits** `budget_position` for the period.

**Who reads it**: departments (their channel, the statement page) and finance. Internal prices only.

**When it fails**, no message was queued, or all of them; run it again: a message whose evidence did not
change is not sent twice.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, task

from twinledger.airflow.assets import BUDGET_POSITION, INTERNAL_LEDGER
from twinledger.airflow.policy import RETRIES, tell_operators


@dag(
    schedule=PartitionedAssetTimetable(assets=INTERNAL_LEDGER),
    doc_md=__doc__,
    tags=["budget"],
    catchup=False,
    max_active_runs=2,
    default_args={"owner": "platform-finance", **RETRIES},
    on_failure_callback=tell_operators,
)
def budget_variance() -> None:
    """One task a period."""

    @task(outlets=[BUDGET_POSITION])
    def check(*, dag_run: Any = None, outlet_events: Any = None) -> list[str]:  # noqa: ANN401 - Airflow's run and accessor
        """Check the run's period; names of the departments that are over."""
        from twinledger.airflow.books import open_books
        from twinledger.airflow.periods import period_of
        from twinledger.budgets import check_period

        period = period_of(dag_run)
        with open_books() as books:
            over = [variance.department for variance in check_period(books, period) if variance.over]
        outlet_events[BUDGET_POSITION].add_partitions(str(period))
        return sorted(over)

    check()


budget_variance()
