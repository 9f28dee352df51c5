"""deliver_outbox: what is queued leaves.

Delivers every message that is due: cards and alerts to Slack, or to nowhere but the outbox itself where no
token is set, and wake-ups to Airflow's approval tasks. In order within a channel, each once. Before that, it carries
out what people answered in Slack and a process left behind that died after the acknowledgement.

**Runs** every minute, and at once when the asset `outbox` says that something waits. What a decision in Slack or on a
page leads to, Airflow's api-server sends at once: of that, this delivers what was left.

**Who reads it**: everybody who is told anything; `twinledger outbox list` and the outbox page show the
queue, with the error of what could not be delivered.

**When it fails**, nothing is lost: an item is marked only after it was delivered. Slack or Airflow being
away is no failure; the item waits, longer each time. The log names the kind of item that surprised us.
"""

from __future__ import annotations

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from twinledger.airflow.assets import OUTBOX
from twinledger.airflow.policy import QUICK_RETRIES, tell_operators


@dag(
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("* * * * *", timezone="UTC"), assets=[OUTBOX]),
    doc_md=__doc__,
    tags=["messages"],
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-finance", **QUICK_RETRIES},
    on_failure_callback=tell_operators,
)
def deliver_outbox() -> None:
    """One task."""

    @task
    def deliver() -> dict[str, int]:
        """Drain the outbox; how many answers were left, and items sent, to be tried again, and given up."""
        from twinledger.airflow.books import open_books
        from twinledger.airflow.senders import open_senders, slack_of
        from twinledger.airflow.wake import drain_until_woken
        from twinledger.slack.answers import carry_out_left

        with open_books() as books, open_senders(books) as sender:
            answers = carry_out_left(books, slack_of(books))
            result = drain_until_woken(books.store, sender, books.clock)
        return {"answers": answers, "sent": result.sent, "retried": result.retried, "failed": result.failed}

    deliver()


deliver_outbox()
