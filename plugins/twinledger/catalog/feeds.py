"""What a metering feed is asked for, where it is asked and does not deliver by itself: one query a meter.

What belongs here: the form of a query in sources.yaml. What does not: asking (`cloud`) and what an answer's
samples come to (`metering`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from twinledger.vocabulary.fields import Factor

_HOUR = 3600
METER = r"^[a-z][a-z0-9_-]*/[a-z][a-z0-9_-]*$"


class AllocationMeters(BaseModel):
    """Which meter, as product/meter, each measure of OpenCost's allocations is of; one without is left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu: str | None = Field(None, pattern=METER)
    """In core-hours."""
    ram: str | None = Field(None, pattern=METER)
    """In GiB-hours."""
    gpu: str | None = Field(None, pattern=METER)
    """In card-hours."""
    pv: str | None = Field(None, pattern=METER)
    """Volumes, in GiB-hours."""


class CoverageOptions(BaseModel):
    """From when on an hour without a record of a tenant and meter is missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    expected_days: int = Field(7, ge=1, le=60)
    """Who was metered within so many days before an hour is expected to be in it."""
    delay_hours: int = Field(48, ge=1, le=24 * 31)
    """So many hours after it, an hour is to have come."""


class MeterQuery(BaseModel):
    """PromQL for one meter, and how its samples become a quantity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    meter: str = Field(pattern=METER)
    """product/meter of the catalog."""
    query: str = Field(min_length=1)
    kind: Literal["gauge", "counter", "cards", "busy_cards"]
    """gauge: value x hours; counter: what it has grown by, also over a reset; cards: hours for which a GPU card is
    held, by any metric of DCGM; busy_cards: those weighted with a metric of DCGM that says how busy it is."""
    per_unit: Factor = Decimal(1)
    """How much of that is one unit of the meter: 1073741824 for bytes and GiB-hours, 3600 for seconds and hours."""
    tenant: str = Field(min_length=1)
    """The label that names the tenant."""
    resource: str = ""
    """The label that names the resource; none where a meter has none."""
    step_seconds: int = Field(60, ge=1, le=_HOUR)
    bridge_steps: int = Field(5, ge=0)
    """So many steps in a row without a sample are bridged; longer gaps are reported, and nothing is charged there."""

    @model_validator(mode="after")
    def _hours_are_whole(self) -> Self:
        if _HOUR % self.step_seconds:
            message = f"meter {self.meter}: step_seconds must divide an hour, {self.step_seconds} does not"
            raise ValueError(message)
        if self.bridge_steps * self.step_seconds > _HOUR:
            message = f"meter {self.meter}: no more than an hour is bridged, {self.bridge_steps} steps are longer"
            raise ValueError(message)
        return self
