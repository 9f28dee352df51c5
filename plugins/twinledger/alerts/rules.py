"""The form of alerts.yaml: which rules there are, what is told at once, and when it is quiet.

What belongs here: types of its entries and what must hold between them. What does not: whether a rule holds
(`signals`), and who is told (`telling`).
"""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from twinledger.alerts.hours import Hours
from twinledger.catalog import read_form
from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.fields import Amount, Name

ALERTS = "alerts.yaml"
_SEXAGESIMAL = 60


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _time(value: object) -> object:
    """20:00 without quotes is a number of minutes to YAML, as it is a number in base 60."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * _SEXAGESIMAL:
        return time(value // _SEXAGESIMAL, value % _SEXAGESIMAL)
    if isinstance(value, time | str):
        return value
    message = "expected a time of the day, as in '08:00'"
    raise ValueError(message)


LocalTime = Annotated[time, BeforeValidator(_time)]
Percent = Annotated[Amount, Field(ge=0, le=100_000)]


class Repeat(_Strict):
    """What must have grown since it was told for an alert to speak again; where both are given, by both."""

    percent: Percent | None = None
    """Of the plan; of an anomaly, of the impact that was told."""
    amount: Annotated[Amount, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _something(self) -> Repeat:
        if not self.percent and self.amount is None:
            message = "expected a percent above 0, or an amount"
            raise ValueError(message)
        return self


class _Rule(_Strict):
    name: Name
    departments: tuple[str, ...] = ()
    """Any of these, or below one; empty is any at all, also none."""
    view: View | None = None
    at_least: Annotated[Amount, Field(ge=0)] = Decimal(0)
    """Of the plan; of an anomaly, of its impact; in the reporting currency."""
    tell: Literal["at once", "digest", "nobody"] = "at once"
    repeat: Repeat | None = None
    escalate_after_hours: int | None = Field(None, ge=1, le=1000)
    """Hours that are not quiet; without, it goes no further up."""


class _BudgetRule(_Rule):
    budgets: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    """Rules above it that say more of the same budget: where one of them holds, this one is silent."""


class UsedRule(_BudgetRule):
    """Spent and committed together are above a share of the plan."""

    kind: Literal["used"]
    above_percent: Percent


class ForecastRule(_BudgetRule):
    """The span is expected to end above its plan; with both given, above both."""

    kind: Literal["forecast"]
    above_percent: Percent = Decimal(0)
    above_amount: Annotated[Amount, Field(ge=0)] = Decimal(0)
    surely: bool = False
    """Only where the lower end of the forecast's interval is above that too."""


class PaceRule(_BudgetRule):
    """The share of the plan that is spent is so many times the share of the span that is gone."""

    kind: Literal["pace"]
    times: Annotated[Amount, Field(gt=0, le=1000)]
    after_day: int = Field(3, ge=1, le=366)


class AnomalyRule(_Rule):
    """A series is not as it was expected, by so much money and by so many percent."""

    kind: Literal["anomaly"]
    series: tuple[str, ...] = ()
    above_percent: Percent = Decimal(0)
    direction: Literal["up", "down", "both"] = "both"


BudgetRule = UsedRule | ForecastRule | PaceRule
Rule = BudgetRule | AnomalyRule


class Quiet(_Strict):
    """When nothing is told: what there is to tell waits for the end of it."""

    start: LocalTime = Field(time(20), alias="from")
    end: LocalTime = Field(time(8), alias="to")
    weekends: bool = True


class Storm(_Strict):
    """From how many new messages of one run on there is one instead."""

    most: int = Field(200, ge=1, le=10_000)
    """In all channels together."""
    most_in_channel: int = Field(10, ge=1, le=1000)


DEFAULT_RULES: tuple[Rule, ...] = (
    UsedRule(
        name="plan-used", kind="used", above_percent=Decimal(100), repeat=Repeat(percent=Decimal(10)),
        escalate_after_hours=24,
    ),
    ForecastRule(
        name="ends-above-plan", kind="forecast", above_percent=Decimal(5), surely=True,
        repeat=Repeat(percent=Decimal(10)), unless=("plan-used",),
    ),
    UsedRule(
        name="plan-nearly-used", kind="used", above_percent=Decimal(80), tell="digest", unless=("plan-used",)
    ),
    PaceRule(
        name="spends-too-fast", kind="pace", times=Decimal("1.5"), after_day=5, at_least=Decimal(100), tell="digest",
        unless=("plan-used", "ends-above-plan"),
    ),
    AnomalyRule(
        name="unusual-cost", kind="anomaly", at_least=Decimal(100), above_percent=Decimal(20), direction="up",
        repeat=Repeat(percent=Decimal(100)), escalate_after_hours=24,
    ),
    AnomalyRule(
        name="unusual-drop", kind="anomaly", at_least=Decimal(500), above_percent=Decimal(30), direction="down",
        tell="digest",
    ),
)  # fmt: skip
"""What holds without alerts.yaml; amounts in the reporting currency."""


class AlertsFile(_Strict):
    """alerts.yaml."""

    quiet: Quiet | None = Quiet()
    digest_at: LocalTime = time(9)
    storm: Storm = Storm()
    hysteresis_percent: Annotated[Amount, Field(ge=0, lt=100)] = Decimal(5)
    """So far below its threshold a rule no longer holds once it did: what is between keeps an alert open."""
    keep_days: int = Field(40, ge=0, le=1000)
    """After its span an alert stays open for so long; then it is over."""
    rules: tuple[Annotated[Rule, Field(discriminator="kind")], ...] = Field(DEFAULT_RULES, max_length=200)

    @model_validator(mode="after")
    def _consistent(self) -> AlertsFile:
        names = [rule.name for rule in self.rules]
        if twice := next((name for name in names if names.count(name) > 1), None):
            message = f"rule {twice!r} stands there twice"
            raise ValueError(message)
        self._check_unless()
        if self.hours("UTC").is_quiet_time(self.digest_at):
            message = f"digest_at {self.digest_at:%H:%M} is within quiet hours: expected a time outside of them"
            raise ValueError(message)
        return self

    def _check_unless(self) -> None:
        """Only rules above: so none waits for another that waits for it."""
        above: list[str] = []
        for rule in self.rules:
            if isinstance(rule, AnomalyRule):
                continue
            if other := next((name for name in rule.unless if name not in above), None):
                message = f"rule {rule.name!r} says unless {other!r}: expected the name of a rule of budgets above it"
                raise ValueError(message)
            above.append(rule.name)

    def hours(self, zone: str) -> Hours:
        """Quiet hours and the digest's hour in a time zone; without quiet hours, never quiet."""
        quiet = self.quiet
        if quiet is None:
            return Hours(zone, time(0), time(0), weekends=False, digest_at=self.digest_at)
        return Hours(zone, quiet.start, quiet.end, quiet.weekends, self.digest_at)

    def named(self, name: str) -> Rule | None:
        """The rule of a name."""
        return next((rule for rule in self.rules if rule.name == name), None)


def load_rules(path: Path) -> AlertsFile:
    """The rules of a file, or of the `alerts.yaml` of a configuration folder; without it, `DEFAULT_RULES`.

    Raises:
        InvalidConfigError: it has not its form: an unknown key, an impossible value.
    """
    return read_form(path / ALERTS if path.is_dir() else path, AlertsFile)
