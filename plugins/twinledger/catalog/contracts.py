"""What was agreed with vendors, as contracts.yaml has it: unit prices, discounts, tiers and commitments.

What belongs here: the form of a contract card and of a commitment. What does not: comparing bills with them, which is
SQL under `sql/reconciliation`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from twinledger.vocabulary.fields import Amount, Share, TierEnd

CURRENCY = r"^[A-Z]{3}$"

Column = Literal["BillingAccountId", "RegionId", "ServiceCategory", "ServiceName", "SkuId", "SkuMeter", "SubAccountId"]
"""FOCUS columns that a rule of a card may look at. SkuMeter is the SKU as capacity maps name it: SkuId where a
vendor names no meter."""


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        message = f"{value} is below zero"
        raise ValueError(message)
    return value


def _below_one(value: Decimal) -> Decimal:
    if value >= 1:
        message = f"{value} is no discount: expected a share below 1, as '0.15' for 15 %"
        raise ValueError(message)
    return value


AgreedPrice = Annotated[Amount, AfterValidator(_not_negative)]
Discount = Annotated[Share, AfterValidator(_below_one)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ContractRuleConfig(_Strict):
    """One condition on a charge, in the form of a pool's rules."""

    column: Column
    equals: tuple[str, ...] | None = None
    prefix: str | None = None

    @model_validator(mode="after")
    def _one_operator(self) -> Self:
        if (self.equals is None) == (self.prefix is None):
            message = "expected either equals or prefix"
            raise ValueError(message)
        if not (self.prefix or (self.equals and all(self.equals))):
            message = "expected at least one text to compare with; an empty one holds for nothing or everything"
            raise ValueError(message)
        return self


class ContractTierConfig(_Strict):
    """The unit price of each unit of the month up to one, that one included; the last tier has no end."""

    up_to: TierEnd | None = None
    unit_price: AgreedPrice


class _Agreed(_Strict):
    """What cards and commitments share: what they are about, since when, and where it is written."""

    id: str = Field(min_length=1)
    vendor: str
    sku: str | None = None
    rules: tuple[ContractRuleConfig, ...] = ()
    region: str | None = None
    effective_from: date = Field(alias="from")
    currency: str | None = Field(None, pattern=CURRENCY)
    clause: str


class ContractConfig(_Agreed):
    """A unit price, a discount off list, or tiers of unit prices, agreed with a vendor for a SKU or by rules."""

    effective_to: date | None = Field(None, alias="to")
    unit_price: AgreedPrice | None = None
    discount: Discount | None = None
    tiers: tuple[ContractTierConfig, ...] = ()

    @model_validator(mode="after")
    def _one_subject_and_one_price(self) -> Self:
        if (self.sku is None) != bool(self.rules):
            message = "expected either a sku or rules"
            raise ValueError(message)
        _check_end(self.effective_from, self.effective_to)
        if [self.unit_price is None, self.discount is None, not self.tiers].count(False) != 1:
            message = "expected one of unit_price, discount and tiers"
            raise ValueError(message)
        if (self.discount is None) != (self.currency is not None):
            message = "expected a currency with prices, and none with a discount, which is off the vendor's list"
            raise ValueError(message)
        if self.tiers and (problem := tier_problem([tier.up_to for tier in self.tiers])):
            raise ValueError(problem)
        return self


class CommitmentConfig(_Agreed):
    """Spend or quantity that was promised to a vendor, for each month or for the whole term.

    `commitment` is the vendor's identity of it where bills say how it is used (CommitmentDiscountId); else the
    charges that count for it are those of a SKU or by rules.
    """

    commitment: str | None = Field(None, min_length=1)
    kind: Literal["spend", "quantity"]
    amount: Amount
    per: Literal["month", "term"]
    unit: str | None = None
    effective_to: date = Field(alias="to")

    @model_validator(mode="after")
    def _about_one_thing(self) -> Self:
        if [self.commitment is None, self.sku is None, not self.rules].count(False) != 1:
            message = "expected one of commitment, sku and rules"
            raise ValueError(message)
        if (self.kind == "spend") != (self.currency is not None) or (self.kind == "quantity") != bool(self.unit):
            message = "expected a currency with spend, and a unit with quantity"
            raise ValueError(message)
        _check_end(self.effective_from, self.effective_to)
        if self.amount <= 0:
            message = f"{self.amount} is not above zero"
            raise ValueError(message)
        return self


def _check_end(since: date, until: date | None) -> None:
    if until is not None and until <= since:
        message = "expected `to`, the first day that it no longer holds, after `from`"
        raise ValueError(message)


def tier_problem(ends: Sequence[Decimal | None]) -> str:
    """What is wrong with the ends of tiers, or nothing."""
    if len(ends) == 1 or ends[-1] is not None:
        return "expected two tiers or more, the last one without up_to; a single one is an amount"
    known = [end for end in ends[:-1] if end is not None]
    if len(known) < len(ends[:-1]) or known != sorted(set(known)):
        return "expected every tier but the last to have an up_to, each above the one before"
    return ""


def contract_problems(cards: Sequence[ContractConfig]) -> Iterator[tuple[str, str]]:
    """Cards of the same SKU and region at the same time, as (place, sentence)."""
    for index, one in enumerate(cards):
        for other in cards[:index]:
            same = (one.vendor, one.sku, one.region) == (other.vendor, other.sku, other.region) and one.sku
            if same and _overlap(one, other):
                problem = f"{other.id!r} agrees on the same SKU and region at the same time; end that one with `to`"
                yield f"contracts[{index}]", problem


def _overlap(one: ContractConfig, other: ContractConfig) -> bool:
    begins_before = other.effective_to is None or one.effective_from < other.effective_to
    return begins_before and (one.effective_to is None or other.effective_from < one.effective_to)
