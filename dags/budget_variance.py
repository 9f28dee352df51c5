"""budget_variance: where every budget stands and will end, and who has to know.

Counts what was spent on approved requests, puts actual, commitments and forecast beside the plan of each
budget that the period is in, and evaluates the rules of alerts on that. A department's channel is told of its internal
prices, finance's of lines at effective cost.

**Runs** for a period when `internal_ledger` says that it was touched, and by hand with a partition key.

**Emits** `budget_position` for the period.

**Who reads it**: departments (their channel, the pages of alerts and statements) and finance; `twinledger alerts list`,
`twinledger budget check`.

**When it fails**, no message was queued, or all of them; run it again: what was told is not told twice. Usually a
budget is in a currency that the period has no rate for: the log names it.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, task

from twinledger.airflow.assets import BUDGET_POSITION, INTERNAL_LEDGER, OUTBOX
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

    @task(outlets=[BUDGET_POSITION, OUTBOX])
    def check(*, dag_run: Any = None, outlet_events: Any = None) -> dict[str, int]:  # noqa: ANN401 - Airflow's run and accessor
        """Check the run's period; how many rules hold, and messages of it."""
        from twinledger.airflow.alerts import evaluated
        from twinledger.airflow.books import open_books
        from twinledger.airflow.periods import period_of
        from twinledger.budgets import draw_down

        period = period_of(dag_run)
        with open_books() as books:
            draw_down(books, period)
            counts = evaluated(books, period)
        outlet_events[BUDGET_POSITION].add_partitions(str(period))
        return counts

    check()


budget_variance()
