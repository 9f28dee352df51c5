"""When a run may compare its period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from twinledger.airflow.periods import LONGEST_WAIT, bills_at_rest

NOW = datetime(2026, 11, 6, 5, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """What is read of Airflow's run."""

    run_type: str
    run_after: datetime


@pytest.mark.parametrize(
    ("run", "ingestions", "rests"),
    [
        pytest.param(Run("asset_triggered", NOW), 0, True, id="no ingestion is under way"),
        pytest.param(Run("asset_triggered", NOW - timedelta(minutes=5)), 1, False, id="one is"),
        pytest.param(Run("asset_triggered", NOW - LONGEST_WAIT * 2), 1, True, id="one is, but for too long"),
        pytest.param(Run("manual", NOW), 1, True, id="a run by hand waits for nothing"),
    ],
)
def test_a_run_waits_for_the_bills_that_are_being_ingested(run: Run, ingestions: int, rests: bool) -> None:  # noqa: FBT001 - a case's expectation
    assert bills_at_rest(run, lambda: ingestions, NOW) is rests
