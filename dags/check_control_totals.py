"""check_control_totals: what others say an account was charged, beside the external ledger.

Asks AWS Cost Explorer for the totals of every source that has `options.cost_explorer`, one mapped task a
source, and names the periods of which anything was stated since they were last reconciled: by Cost
Explorer, a manifest, or an invoice that finance imported (`twinledger controls import FILE`); and those of which
people resolved a break since, or a snoozed one is to wake.

**Runs** every day at 06:30 UTC, after the bills, and by hand.

**Emits** `control_totals`, one event for each of those periods: `reconcile_ledgers` compares them, opens
breaks of rule `control_total` and resolves those that agree again. Where nothing is new, `publish` is shown
as skipped.

**Who reads it**: finance (`twinledger controls show`, the reconciliation's message). No amount leaves a task.

**When a task fails**, nothing of that source was recorded: the log names Cost Explorer's answer. Usually its
credentials lack `ce:GetCostAndUsage` (docs/policies/cost-explorer.json). The other sources are compared all
the same.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import CronTriggerTimetable, TriggerRule, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from twinledger.airflow.assets import CONTROL_TOTALS
from twinledger.airflow.policy import RETRIES, tell_operators


@dag(
    schedule=CronTriggerTimetable("30 6 * * *", timezone="UTC"),
    doc_md=__doc__,
    tags=["reconciliation"],
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-finance", **RETRIES},
    on_failure_callback=tell_operators,
)
def check_control_totals() -> None:
    """Ask, source by source, then one event for each period."""

    @task
    def asked() -> list[str]:
        """Names of the sources whose provider is asked."""
        from twinledger.airflow.books import open_books
        from twinledger.controls import asked_sources

        with open_books() as books, books.store.reading() as session:
            return [source.name for source in asked_sources(session)]

    @task(map_index_template="{{ source }}")
    def fetch(source: str) -> list[str]:
        """Record what Cost Explorer says of a source's account; the periods that it says anything new of."""
        from airflow.sdk import get_current_context

        from twinledger.airflow.books import open_books
        from twinledger.cloud.cost_explorer import open_cost_explorer
        from twinledger.controls import asked_source, record_provider_totals

        get_current_context()["source"] = source  # type: ignore[typeddict-unknown-key]  # names the mapped task
        with open_books() as books:
            chosen = asked_source(books, source)
            provider = open_cost_explorer(chosen.metric, chosen.profile)
            return list(record_provider_totals(books, chosen, provider, "check_control_totals").periods)

    @task(outlets=[CONTROL_TOTALS], trigger_rule=TriggerRule.ALL_DONE)
    def publish(*, outlet_events: Any = None) -> list[str]:  # noqa: ANN401 - Airflow's accessor
        """Name the periods that are to be compared, each once; also when a provider did not answer."""
        from twinledger.airflow.books import open_books
        from twinledger.reconciliation import periods_to_check

        with open_books() as books:
            periods = periods_to_check(books)
        if not periods:
            nothing = "nothing new"
            raise AirflowSkipException(nothing)
        outlet_events[CONTROL_TOTALS].add_partitions(periods)
        return periods

    fetched = fetch.expand(source=asked())
    fetched >> publish()
    fetched >> EmptyOperator(task_id="every_source", trigger_rule=TriggerRule.NONE_FAILED)  # `publish` hides a failure


check_control_totals()
