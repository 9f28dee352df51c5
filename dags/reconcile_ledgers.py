"""reconcile_ledgers: how the two ledgers of a period differ, and why.

Splits the deviation of every pool into components that add up to it exactly, writes the matches and the
bridge, opens and resolves breaks, audits contract prices, and queues finance's message.

**Runs** for a period when `sum_ledgers` has summed what changed in either ledger (a restatement touches one of
them only), when something new is stated of it (an invoice, Cost Explorer's total), when people resolved a break
of it or a snooze is over, and by hand with a partition key. It waits while an ingestion of bills is under
way, an hour at most: finance is not told of half of a day's bills. Then it stops here while the other
ledger does not have the period yet, or `rate_usage` is about to write it anew: its event starts the next
run. A run by hand waits for neither.

**Emits** `bridge` for the period, unless nothing changed: then the task is shown as skipped, and nobody is
told again.

**Who reads it**: finance (its Slack channel, the reconciliation page, `twinledger reconcile`). Never anybody
else: the tables are finance's.

**When it fails**, the bridge of the period is as it was and the operators are told: a failed run never reads
as "no breaks". The log names the model or the expectation. A gate that stops is a verdict, no failure.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from twinledger.airflow.assets import BRIDGE, CONTROL_TOTALS, LEDGER_SUMS
from twinledger.airflow.policy import RETRIES, tell_operators


@dag(
    schedule=PartitionedAssetTimetable(assets=LEDGER_SUMS | CONTROL_TOTALS),
    doc_md=__doc__,
    tags=["reconciliation"],
    catchup=False,
    max_active_runs=2,
    default_args={"owner": "platform-finance", **RETRIES},
    on_failure_callback=tell_operators,
)
def reconcile_ledgers() -> None:
    """Wait for the bills, look whether both ledgers have the period, then compare them."""

    @task.sensor(mode="reschedule", poke_interval=15, timeout=7200)
    def bills_are_in(*, dag_run: Any = None, ti: Any = None) -> bool:  # noqa: ANN401 - Airflow's run and task
        """Whether no ingestion of bills is under way, or it has been waited for long enough."""
        from twinledger.airflow.periods import bills_at_rest

        return bills_at_rest(dag_run, lambda: ti.get_dr_count("ingest_bills", states=["running"]), datetime.now(UTC))

    @task.short_circuit
    def both_ledgers_have_it(*, dag_run: Any = None) -> bool:  # noqa: ANN401 - Airflow's run
        """Whether there is anything to compare, and no rating of it under way; a run by hand does not wait for that."""
        from twinledger.airflow.books import open_books
        from twinledger.airflow.periods import missing_ledgers, period_of
        from twinledger.rating import rating_due

        period = period_of(dag_run)
        by_hand = dag_run.run_type == "manual"
        with open_books() as books:
            return not missing_ledgers(books, period) and (by_hand or not rating_due(books, period))

    @task(outlets=[BRIDGE])
    def reconcile(*, dag_run: Any = None, outlet_events: Any = None) -> str:  # noqa: ANN401 - Airflow's run and accessor
        """Reconcile the run's period; the identity of the reconciliation."""
        from twinledger.airflow.books import open_books
        from twinledger.airflow.periods import period_of
        from twinledger.reconciliation import reconcile_period

        period = period_of(dag_run)
        with open_books() as books:
            result = reconcile_period(books, period)
        if not result.changed:
            unchanged = f"{period}: nothing changed"
            raise AirflowSkipException(unchanged)
        outlet_events[BRIDGE].add_partitions(str(period))
        return result.run_id

    bills_are_in() >> both_ledgers_have_it() >> reconcile()


reconcile_ledgers()
