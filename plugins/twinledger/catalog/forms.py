"""The form of each configuration file: what may stand in it.

What belongs here: types of the entries. What does not: what must hold between files (`config`).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from twinledger.catalog.aliases import AliasConfig
from twinledger.catalog.contracts import CURRENCY, CommitmentConfig, ContractConfig, tier_problem
from twinledger.catalog.feeds import AllocationMeters, CoverageOptions, MeterQuery
from twinledger.pools import PoolConfig, TagConfig
from twinledger.vocabulary.fields import (
    ExchangeRate,
    Instant,
    Minimum,
    Name,
    TierEnd,
    UnitPrice,
)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class DepartmentConfig(_Strict):
    """Who pays."""

    name: Name
    title: str
    parent: str | None = None
    cost_centre: str
    owner: str
    budget_holder: str
    channel: str
    tenants: tuple[str, ...] = ()
    headcount: int | None = Field(None, ge=0)


class PersonConfig(_Strict):
    """Somebody who may ask or decide."""

    name: Name
    title: str
    slack_user: str | None = None
    airflow_user: str | None = None
    roles: tuple[str, ...] = ()


class CostExplorerOptions(_Strict):
    """What AWS Cost Explorer is asked for, and with which profile of boto3's configuration."""

    metric: Literal["UnblendedCost", "NetUnblendedCost"] = "UnblendedCost"
    profile: str | None = None


class SourceOptions(_Strict):
    """What a source's entry may say besides: how its place is reached, and how its deliveries are taken."""

    endpoint: str | None = None
    region: str | None = None
    addressing_style: Literal["path", "virtual", "auto"] | None = None
    profile: str | None = None
    account: str | None = None  # of Azure's storage
    columns: dict[str, str] | None = None  # of a usage feed: ours -> the file's
    complete: Literal["manifest", "stable", "total"] | None = None
    settle_seconds: int | None = Field(None, ge=0, le=3600)
    final_day: int | None = Field(None, ge=1, le=28)
    datasets: dict[str, str] | None = None  # export -> folder below the place
    beside: tuple[str, ...] | None = None  # sources that bill other charges of the same account
    cost_explorer: CostExplorerOptions | None = None  # where AWS is asked for the account's total
    meters: tuple[MeterQuery, ...] | None = None  # of a usage feed that is asked: what for
    allocation: AllocationMeters | None = None  # of a usage feed of OpenCost
    window_days: int | None = Field(None, ge=1, le=90)  # so many days back it is asked for
    settle_hours: int | None = Field(None, ge=1, le=48)  # after a day's end, before it is asked for
    late_days: int | None = Field(None, ge=0, le=366)  # of a usage feed: after a month's end, for usage of that month
    coverage: CoverageOptions | None = None  # of a usage feed: what is expected of it
    bearer_file: str | None = None  # a file with the token that it is asked with


class SourceConfig(_Strict):
    """One feed: a vendor's bill export, or metering. A bill's `slice` is its format's where it is not given."""

    name: Name
    kind: Literal["bill", "usage"]
    format: str = Field(min_length=1)
    place: str = Field(min_length=1)
    slice: Literal["", "period", "day", "file"] = ""
    account: str | None = None
    currency: str | None = Field(None, pattern=CURRENCY)
    options: SourceOptions = Field(default_factory=SourceOptions)

    @model_validator(mode="after")
    def _usage_comes_by_the_day(self) -> SourceConfig:
        if self.kind == "usage" and self.slice != "day":
            message = f"source {self.name}: usage is kept by the day, expected slice: day"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _what_it_is_asked_for(self) -> SourceConfig:
        needed = {"prometheus": "meters", "dcgm": "meters", "opencost": "allocation"}.get(self.format)
        if self.kind == "usage" and needed and not getattr(self.options, needed):
            message = f"source {self.name}: format {self.format} needs options.{needed}"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _whose_total_is_asked_for(self) -> SourceConfig:
        if self.options.cost_explorer is not None and not self.account:
            message = f"source {self.name}: options.cost_explorer needs the source's account, the payer's"
            raise ValueError(message)
        return self


class TierConfig(_Strict):
    """The price of each unit up to one, that one included; the last tier has no end."""

    up_to: TierEnd | None = None
    amount: UnitPrice


class PriceConfig(_Strict):
    """What units of a meter cost from an instant on: one amount, or tiers of a department's quantity in a period.

    An allowance is a first tier at 0. `minimum` is what a department that used the meter pays at least in a period.
    """

    effective_from: Instant = Field(alias="from")
    amount: UnitPrice | None = None
    tiers: tuple[TierConfig, ...] = ()
    minimum: Minimum | None = None
    currency: str = Field(pattern=CURRENCY)

    @model_validator(mode="after")
    def _amount_or_tiers(self) -> PriceConfig:
        if (self.amount is None) != bool(self.tiers):
            message = "expected either an amount or tiers"
            raise ValueError(message)
        if self.tiers and (problem := tier_problem([tier.up_to for tier in self.tiers])):
            raise ValueError(problem)
        return self

    @property
    def list_amount(self) -> Decimal:
        """The price of a unit without tier: of tiers, the first one that costs something."""
        if self.amount is not None:
            return self.amount
        return next((tier.amount for tier in self.tiers if tier.amount), Decimal(0))


class AgreementConfig(PriceConfig):
    """The price of a meter for one department and those below it, instead of the published one.

    `to` is the first instant at which it no longer holds; without one it holds on.
    """

    department: str
    meter: str = Field(pattern=r"^[^/]+/[^/]+$")
    effective_to: Instant | None = Field(None, alias="to")

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> AgreementConfig:
        if self.effective_to is not None and self.effective_to <= self.effective_from:
            message = "expected `to` after `from`"
            raise ValueError(message)
        return self


class MeterConfig(_Strict):
    """What a product is charged by."""

    name: Name
    title: str
    unit: str = Field(min_length=1)
    prices: tuple[PriceConfig, ...] = ()

    @model_validator(mode="after")
    def _one_price_an_instant(self) -> MeterConfig:
        starts: list[datetime] = [price.effective_from for price in self.prices]
        if len(set(starts)) < len(starts):
            message = f"meter {self.name} has two prices from the same instant"
            raise ValueError(message)
        return self


class ProductConfig(_Strict):
    """What a platform team publishes."""

    name: Name
    title: str
    description: str
    owner: str
    pool: str
    state: Literal["draft", "listed", "retired"]
    retired_at: Instant | None = None
    meters: tuple[MeterConfig, ...] = ()

    @model_validator(mode="after")
    def _retired_at_an_instant(self) -> ProductConfig:
        if (self.state == "retired") != (self.retired_at is not None):
            message = (
                f"product {self.name}: expected retired_at, the first instant without it, with state: retired only"
            )
            raise ValueError(message)
        return self


class RateConfig(_Strict):
    """One unit of `currency` is `rate` units of `quote`, on a day or for the period that starts on it."""

    kind: Literal["period", "day"]
    day: date
    currency: str = Field(pattern=CURRENCY)
    quote: str = Field(pattern=CURRENCY)
    rate: ExchangeRate
    origin: str = Field(min_length=1)

    @model_validator(mode="after")
    def _means_something(self) -> RateConfig:
        if self.kind == "period" and self.day.day != 1:
            message = f"a period's rate stands on the first day of the month, not on {self.day}"
            raise ValueError(message)
        if self.currency == self.quote and self.rate != Decimal(1):
            message = f"{self.currency} in {self.quote} is 1, not {self.rate}"
            raise ValueError(message)
        return self


class DepartmentsFile(_Strict):
    """departments.yaml."""

    departments: tuple[DepartmentConfig, ...] = ()


class PeopleFile(_Strict):
    """people.yaml."""

    people: tuple[PersonConfig, ...] = ()


class SourcesFile(_Strict):
    """sources.yaml."""

    sources: tuple[SourceConfig, ...] = ()


class TagsFile(_Strict):
    """tags.yaml."""

    tags: tuple[TagConfig, ...] = ()


class PoolsFile(_Strict):
    """pools.yaml."""

    pools: tuple[PoolConfig, ...] = ()


class CatalogFile(_Strict):
    """catalog.yaml."""

    products: tuple[ProductConfig, ...] = ()


class AgreementsFile(_Strict):
    """agreements.yaml."""

    agreements: tuple[AgreementConfig, ...] = ()


class ContractsFile(_Strict):
    """contracts.yaml."""

    contracts: tuple[ContractConfig, ...] = ()
    commitments: tuple[CommitmentConfig, ...] = ()


class AliasesFile(_Strict):
    """aliases.yaml."""

    aliases: tuple[AliasConfig, ...] = ()
