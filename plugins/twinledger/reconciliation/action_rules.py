"""The form of detection.yaml: what may be done to resources that slipped past, without anybody being asked.

What belongs here: types of its entries, and whether a rule holds. What does not: what is found (`ungranted`), and what
is done (`actions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from twinledger.catalog import read_form
from twinledger.reconciliation.targets import Service
from twinledger.reconciliation.ungranted import Ungranted
from twinledger.vocabulary.fields import Amount, Name

DETECTION = "detection.yaml"

Action = Literal["tag", "stop"]
"""tag: it carries the break's identity from then on; stop: that too, and it is stopped, not removed."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ActionRule(_Strict):
    """All that is given must hold; of a list, any."""

    name: Name
    vendor: Literal["aws"]
    products: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    reasons: tuple[Literal["no grant", "larger", "after"], ...] = ()
    age_days: int = Field(0, ge=0, le=366)
    """Since its break was opened; whole days."""
    above: Annotated[Amount, Field(ge=0)] = Decimal(0)
    """What it came to is more than this, at the internal price, in the reporting currency."""
    then: Action

    def holds(self, one: Ungranted, service: Service | None, age_days: int) -> bool:
        """Whether it is about a resource whose break is so old; without a service, it is no machine that is known."""
        lists: Sequence[tuple[tuple[str, ...], str | None]] = (
            (self.products, one.product), (self.services, service), (self.reasons, one.reason),
        )  # fmt: skip
        listed = all(not expected or found in expected for expected, found in lists)
        return listed and age_days >= self.age_days and one.amount > self.above


class AwsAccess(_Strict):
    """How AWS is reached. Without a role, boto3's own credentials must be of a resource's account."""

    role_arn: str = Field("", max_length=2048)
    """`{account}` in it is the resource's account."""
    profile: str = ""
    endpoint: str = ""


class DetectionFile(_Strict):
    """detection.yaml."""

    most: int = Field(20, ge=1, le=1000)
    """So many actions in one run; the most money first."""
    aws: AwsAccess = AwsAccess()
    rules: tuple[ActionRule, ...] = Field((), max_length=100)

    @model_validator(mode="after")
    def _named_once(self) -> DetectionFile:
        names = [rule.name for rule in self.rules]
        if twice := next((name for name in names if names.count(name) > 1), None):
            message = f"rule {twice!r} stands there twice"
            raise ValueError(message)
        return self


def load_detection(folder: Path) -> DetectionFile:
    """The rules of a configuration folder; without the file there are none.

    Raises:
        InvalidConfigError: it has not its form.
    """
    return read_form(folder / DETECTION, DetectionFile)
