"""The billing period that a run is of.

What belongs here: the key of a partitioned run, and which ledgers have its period. What does not:
what is computed for it.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from twinledger.books import Books
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES
from twinledger.vocabulary.errors import InvalidPeriodError
from twinledger.vocabulary.periods import Period


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


def missing_ledgers(books: Books, period: Period) -> list[str]:
    """Names of the ledgers that have no slice of the period yet."""
    wanted = {EXTERNAL_CHARGES: f"x_period={period}", INTERNAL_CHARGES: f"period={period}"}
    return [
        table.name
        for table, part in wanted.items()
        if not any(part in name.split("/") for name in books.lake.slices(table))
    ]
