"""provisioning_approval: one request to provision, shown as Airflow's approval tasks, one for each stage.

The store decides; these tasks and Slack's card are views of it. A task waits, and ends with the state that the request
has then, wherever it was decided: on this page, in Slack, on the project's page, or by expiry. A stage that the policy
does not ask for, or that the request never came to, is shown as skipped: the graph says where a request stands.

**Runs** once for each request, started by `deliver_outbox` under the request's identity, with
`{"request": "req-..."}` as its configuration.

**Emits** `outbox` when a stage is answered: what follows from an answer on Airflow's page is sent at once.

**Who answers**: people who may decide the request at that stage; the answer on Airflow's page is a claim like any
other. An answer by somebody else is refused, and the question is put again.

**When a task fails** it is tried again and finds the decision, if there is one: Airflow 3.3.2 can fail a
task that is answered within seconds of its start. It stays failed when the request does not exist.
"""

from __future__ import annotations

from airflow.sdk import TriggerRule, chain, dag

from twinledger.airflow.approval import StageOperator
from twinledger.airflow.assets import OUTBOX
from twinledger.airflow.policy import QUICK_RETRIES, tell_operators
from twinledger.airflow.stage import open_stage

STAGES = {"manager": "manager", "budget_holder": "budget holder", "finance": "finance"}
"""Task -> who is asked."""


@dag(
    schedule=None,
    doc_md=__doc__,
    tags=["approval"],
    catchup=False,
    default_args={"owner": "platform-finance", **QUICK_RETRIES},
    on_failure_callback=tell_operators,
)
def provisioning_approval() -> None:
    """Every stage that there can be, one after another."""
    stages = [
        StageOperator(
            task_id=task,
            role=role,
            request="{{ dag_run.conf['request'] }}",
            open_stage=open_stage,
            outlets=[OUTBOX],
            trigger_rule=TriggerRule.NONE_FAILED,
        )
        for task, role in STAGES.items()
    ]
    chain(*stages)


provisioning_approval()
