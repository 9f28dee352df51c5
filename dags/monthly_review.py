"""monthly_review: what each department and the company spent last month, why, and what is asked of its owners.

Makes the review of every department and of the company, and sends each to its channel, the company's to finance. A
review that says nothing new is not sent again; where figures changed since, its message is brought up to date and says
what changed. Owners who have not answered after five working days are reminded, once.

**Runs** every day from the 5th to the 16th, when the month before is being closed, for that month in the company's time
zone; and by hand with a partition key or `{"period": "2026-10"}`.

**Who reads it**: owners of departments, in Slack and on the page; finance. `twinledger review list` says who answered
what. No amount leaves a task.

**When it fails**, no review was sent, or some were: run it again, each is sent once. Usually a budget is in a currency
that the month has no rate for: the log names it.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, task

from twinledger.airflow.assets import OUTBOX
from twinledger.airflow.policy import RETRIES, tell_operators


@dag(
    schedule=CronTriggerTimetable("0 8 5-16 * *", timezone="UTC"),
    doc_md=__doc__,
    tags=["budget"],
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-finance", **RETRIES},
    on_failure_callback=tell_operators,
)
def monthly_review() -> None:
    """Send, then remind."""

    @task
    def send(*, dag_run: Any = None) -> str:  # noqa: ANN401 - Airflow's run
        """Make and send the reviews of the run's month; the month."""
        from twinledger.airflow.books import open_books
        from twinledger.airflow.periods import month_of
        from twinledger.reviews import month_reviews, send_reviews

        with open_books() as books:
            period = month_of(dag_run, books.settings.timezone)
            send_reviews(books, month_reviews(books, period), "monthly_review")
        return str(period)

    @task(outlets=[OUTBOX])
    def remind(period: str) -> list[str]:
        """Remind owners who have not answered; the names of their departments."""
        from twinledger.airflow.books import open_books
        from twinledger.reviews import remind_due
        from twinledger.vocabulary.periods import Period

        with open_books() as books:
            return list(remind_due(books, Period.parse(period)))

    remind(send())  # type: ignore[arg-type]  # Airflow hands it the result


monthly_review()
