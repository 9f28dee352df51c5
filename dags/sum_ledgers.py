"""sum_ledgers: both ledgers summed by slice, before they are compared.

Sums those slices of one billing period that changed, and keeps the sums in finance's lake: a reconciliation then
reads them and no ledger. Summing hundreds of millions of charges takes minutes, most of them while the month's other
bills are still to come and while usage is being rated.

**Runs** for a period when `external_ledger` or `internal_ledger` says that it was touched, and by hand with a
partition key such as `2026-10`.

**Emits** `ledger_sums` for the period, also where every sum was kept already: `reconcile_ledgers` runs from it.

**Who reads it**: `reconcile_ledgers` alone.

**When it fails**, the sums are as they were and the period is not reconciled: clear the task, or reconcile by hand,
which sums what is missing itself. A currency without a rate is no failure here: the reconciliation names it.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, task

from twinledger.airflow.assets import EXTERNAL_LEDGER, INTERNAL_LEDGER, LEDGER_SUMS
from twinledger.airflow.policy import RETRIES, tell_operators


@dag(
    schedule=PartitionedAssetTimetable(assets=EXTERNAL_LEDGER | INTERNAL_LEDGER),
    doc_md=__doc__,
    tags=["reconciliation"],
    catchup=False,
    max_active_runs=1,  # two at once would sum the same slices
    default_args={"owner": "platform-finance", **RETRIES},
    on_failure_callback=tell_operators,
)
def sum_ledgers() -> None:
    """One task: the key is checked before anything is opened."""

    @task(outlets=[LEDGER_SUMS])
    def sum_changed(*, dag_run: Any = None, outlet_events: Any = None) -> int:  # noqa: ANN401 - Airflow's run and accessor
        """Sum what changed of the run's period; how many sums of slices were computed."""
        from twinledger.airflow.books import open_books
        from twinledger.airflow.periods import period_of
        from twinledger.reconciliation import sum_slices

        period = period_of(dag_run)
        with open_books() as books:
            computed = sum_slices(books, period)
        outlet_events[LEDGER_SUMS].add_partitions(str(period))
        return computed

    sum_changed()


sum_ledgers()
