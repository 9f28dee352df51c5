"""The month that a run of monthly_review is of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from twinledger.airflow.periods import month_of


@dataclass(frozen=True)
class Run:
    """What is read of Airflow's run."""

    run_after: datetime
    partition_key: str | None = None
    conf: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("run", "zone", "month"),
    [
        pytest.param(Run(datetime(2026, 11, 5, 8, tzinfo=UTC)), "UTC", "2026-10", id="the month before"),
        pytest.param(Run(datetime(2027, 1, 5, 8, tzinfo=UTC)), "UTC", "2026-12", id="of the year before"),
        pytest.param(Run(datetime(2026, 11, 30, 20, tzinfo=UTC)), "Asia/Shanghai", "2026-11", id="in its zone"),
        pytest.param(Run(datetime(2026, 11, 5, tzinfo=UTC), "2026-07"), "UTC", "2026-07", id="the partition's"),
        pytest.param(Run(datetime(2026, 11, 5, tzinfo=UTC), conf={"period": "2026-08"}), "UTC", "2026-08", id="said"),
    ],
)
def test_a_run_is_of_the_month_before_unless_it_says_which(run: Run, zone: str, month: str) -> None:
    assert str(month_of(run, zone)) == month
