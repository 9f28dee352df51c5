"""find_anomalies: what costs more, or less, than it ever did.

Looks at the last weeks of both ledgers, day by day and hour by hour, on days that are final alone, and keeps what it
finds with its money, its causes and what usually explains it. Then the rules of alerts are evaluated: channels are told
of what is new, and nobody twice.

**Runs** every day at 6 UTC, and by hand. What a late delivery changes is found the next day.

**Emits** nothing but messages.

**Who reads it**: departments, of internal charges, and finance, of what vendors charged; `twinledger anomaly list`,
`twinledger alerts list`.

**When it fails**, what was found before stays as it was: run it again, nobody is told twice. Usually an amount is in a
currency that its month has no rate for: the log names it.
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag, task

from twinledger.airflow.assets import OUTBOX
from twinledger.airflow.policy import RETRIES, tell_operators


@dag(
    schedule=CronTriggerTimetable("0 6 * * *", timezone="UTC"),
    doc_md=__doc__,
    tags=["budget"],
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-finance", **RETRIES},
    on_failure_callback=tell_operators,
)
def find_anomalies() -> None:
    """Find, then tell."""

    @task
    def find() -> int:
        """Look at both ledgers; how many anomalies there are."""
        from twinledger.airflow.books import open_books
        from twinledger.anomalies import find_anomalies

        with open_books() as books:
            return len(find_anomalies(books))

    @task(outlets=[OUTBOX])
    def tell() -> dict[str, int]:
        """Evaluate the rules on the month of yesterday; how many of them hold, and messages."""
        from twinledger.airflow.alerts import evaluated
        from twinledger.airflow.books import open_books
        from twinledger.alerts import period_of_yesterday

        with open_books() as books:
            return evaluated(books, period_of_yesterday(books))

    find() >> tell()


find_anomalies()
