"""The billing period that a run is of.

What belongs here: the key of a partitioned run, which ledgers have its period, and whether their bills are in.
What does not: what is computed for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from twinledger.books import Books
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES
from twinledger.vocabulary.errors import InvalidPeriodError
from twinledger.vocabulary.periods import Period

LONGEST_WAIT = timedelta(hours=1)
"""For bills that are being ingested: as long as the largest month takes, and no longer."""


def period_of(dag_run: Any) -> Period:  # noqa: ANN401 - Airflow hands tasks one of several run types
    """The run's partition key, else `period` of its configuration.

    A run that was triggered without either fails at once, and is not tried again: Airflow accepts
    such a trigger, and downstream would silently not run.
    """
    key = dag_run.partition_key or (dag_run.conf or {}).get("period") or ""
    try:
        return Period.parse(key)
    except InvalidPeriodError as error:
        message = f"{error}; trigger the DAG with a partition key"
        raise AirflowFailException(message) from None


def month_of(dag_run: Any, zone: str) -> Period:  # noqa: ANN401 - likewise
    """As `period_of`; of a run that the clock started, the month before it in a time zone."""
    if dag_run.partition_key or (dag_run.conf or {}).get("period"):
        return period_of(dag_run)
    return Period.of(dag_run.run_after, zone).shift(-1)


def missing_ledgers(books: Books, period: Period) -> list[str]:
    """Names of the ledgers that have no slice of the period yet."""
    wanted = {EXTERNAL_CHARGES: f"x_period={period}", INTERNAL_CHARGES: f"period={period}"}
    return [
        table.name
        for table, part in wanted.items()
        if not any(part in name.split("/") for name in books.lake.slices(table))
    ]


def bills_at_rest(dag_run: Any, ingestions: Callable[[], int], now: datetime) -> bool:  # noqa: ANN401 - likewise
    """Whether a run may compare its period: no ingestion of bills is under way, or it has waited for long enough.

    A run that stopped instead would never come again where the ingestion touches other periods only. A
    run by hand does not wait.

    Args:
        dag_run: the waiting run; its `run_after` is aware.
        ingestions: counts the runs of `ingest_bills` that are under way.
        now: aware.
    """
    return dag_run.run_type == "manual" or now - dag_run.run_after > LONGEST_WAIT or not ingestions()
