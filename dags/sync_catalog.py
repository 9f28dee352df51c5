"""sync_catalog: the company's YAML into the store, with the plan shown first.

Compares the configuration folder with the store. What only adds something that nobody is charged for yet is
applied at once. Where something that is there changes or is retired, or a published price moves, finance is
asked first, with every change in words: from when, the old and the new price, and how many usage records of
which open periods would be rated again.

**Runs** every hour, and by hand. A run that waits for an answer holds the next ones back.

**Who answers**: somebody of finance, here. Refused, the same plan is not asked again until the files say
something else; unanswered for three days, it is. `twinledger catalog apply` applies without asking.

**Emits** `usage` for each open period that has usage to be rated again: `rate_usage` runs for it.

**When a task fails**, nothing was changed: `plan` names the file and the place that is wrong, or the published
price that was edited; `apply` that the files changed after they were agreed to: the next run asks anew.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from twinledger.airflow.approval import StageOperator
from twinledger.airflow.assets import USAGE
from twinledger.airflow.catalog import open_plans
from twinledger.airflow.policy import QUICK_RETRIES, tell_operators


@dag(
    schedule=CronTriggerTimetable("40 * * * *", timezone="UTC"),
    doc_md=__doc__,
    tags=["internal ledger", "approval"],
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-metering", **QUICK_RETRIES},
    on_failure_callback=tell_operators,
)
def sync_catalog() -> None:
    """Plan, wait where somebody is to agree, apply, and have rated again what it concerns."""

    @task
    def plan() -> dict[str, Any]:
        """What would change, in the log; the plan's identity, and the open periods whose usage it concerns."""
        import logging

        from twinledger.airflow.books import open_books
        from twinledger.airflow.catalog import plan_lines
        from twinledger.catalog import load_config, propose
        from twinledger.rating import rated_again

        with open_books() as books:
            config = load_config(books.settings.config)
            found = propose(books.store, books.clock, config, "sync_catalog")
            if found.state in ("unchanged", "refused"):
                nothing = "nothing changed" if found.state == "unchanged" else f"{found.id} was refused"
                raise AirflowSkipException(nothing)
            again = rated_again(books, found.changes)
            for line in plan_lines(found.changes, again):
                logging.getLogger(__name__).info("%s", line)
            concerned = {one.period for periods in again for one in periods}
        return {"plan": found.id, "periods": sorted(concerned)}

    agree = StageOperator(task_id="agree", request="{{ ti.xcom_pull(task_ids='plan')['plan'] }}", open_stage=open_plans)

    @task
    def apply(agreed: Any) -> None:  # noqa: ANN401 - the operator's result, a reference to it while this is parsed
        """Apply what was agreed to, and nothing else."""
        from twinledger.airflow.books import open_books
        from twinledger.catalog import apply_plan, load_config

        if agreed["state"] not in ("approved", "applied"):
            unanswered = f"{agreed['request']} is {agreed['state']}"
            raise AirflowSkipException(unanswered)
        with open_books() as books:
            apply_plan(books.store, books.clock, load_config(books.settings.config), agreed["request"])

    @task(outlets=[USAGE])
    def publish(planned: Any, *, outlet_events: Any = None) -> None:  # noqa: ANN401 - likewise; Airflow's accessor
        """One event for each period; skipped where there is none."""
        if not planned["periods"]:
            unconcerned = "no open period is concerned"
            raise AirflowSkipException(unconcerned)
        outlet_events[USAGE].add_partitions(planned["periods"])

    planned = plan()
    planned >> agree
    apply(agree.output) >> publish(planned)


sync_catalog()
