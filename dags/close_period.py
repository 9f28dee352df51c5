"""close_period: an accounting period, closed for good once finance agrees.

The first task asks on the period's present figures; the second one waits for an answer. Agreeing freezes
both ledgers of the period: from then on no delivery, rating or process changes them, and what vendors
change is posted as adjustments in the open period. Each department with charges is told of its statement.
The statements of the period's pools are signed before (`twinledger signoff`): without, nothing is asked.

**Runs** on the 16th for the month before, when the last of the vendors is final, and by hand with
`{"period": "2026-10"}`. Periods are closed in their order.

**Who answers**: somebody of finance, here or by `twinledger period approve`. When the figures change before
the answer, the answer is refused and the period is open again: run this again.

**When a task fails**, the period is as it was: the first one says what stands against it (not over, an
earlier period still open, statements that are not signed); the second is tried again and finds the decision, if
there is one.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import CronPartitionTimetable, dag, task

from twinledger.airflow.approval import StageOperator
from twinledger.airflow.closing import open_closing
from twinledger.airflow.policy import QUICK_RETRIES, tell_operators


@dag(
    schedule=CronPartitionTimetable("0 8 16 * *", timezone="UTC", run_offset=-1, key_format="%Y-%m"),
    doc_md=__doc__,
    tags=["external ledger", "approval"],
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-finance", **QUICK_RETRIES},
    on_failure_callback=tell_operators,
)
def close_period() -> None:
    """Ask, then wait."""

    @task
    def ask(*, dag_run: Any = None) -> str:  # noqa: ANN401 - Airflow's run
        """Ask finance on the figures of now; the period."""
        from twinledger.airflow.books import open_books
        from twinledger.airflow.periods import period_of
        from twinledger.closing import ask

        period = period_of(dag_run)
        with open_books() as books:
            return ask(books, period, "close_period").period

    agree = StageOperator(task_id="agree", request="{{ ti.xcom_pull(task_ids='ask') }}", open_stage=open_closing)
    ask() >> agree


close_period()
