"""provisioning_approval: one request to provision, shown as Airflow's approval task.

The store decides; this task and Slack's card are views of it. The task waits, and ends with the state the
request ended in, wherever it was decided: on this page, in Slack, on the command line, or by expiry.

**Runs** once for each request, started by `deliver_outbox` under the request's identity, with
`{"request": "req-..."}` as its configuration.

**Who answers**: people who may decide the request; the answer on Airflow's page is a claim like any other.
An answer by somebody else is refused, and the question is put again.

**When the task fails** it is tried again and finds the decision, if there is one: Airflow 3.3.2 can fail a
task that is answered within seconds of its start. It stays failed when the request does not exist.
"""

from __future__ import annotations

from airflow.sdk import dag

from twinledger.airflow.approval import StageOperator
from twinledger.airflow.policy import QUICK_RETRIES, tell_operators
from twinledger.airflow.stage import open_stage


@dag(
    schedule=None,
    doc_md=__doc__,
    tags=["approval"],
    catchup=False,
    default_args={"owner": "platform-finance", **QUICK_RETRIES},
    on_failure_callback=tell_operators,
)
def provisioning_approval() -> None:
    """One stage."""
    StageOperator(task_id="decide", request="{{ dag_run.conf['request'] }}", open_stage=open_stage)


provisioning_approval()
