"""Which machine of AWS a resource in a ledger is: service, identifier, region and account.

What belongs here: reading a bill's identifiers. What does not: whether anything is done to it (`actions`), and doing it
(`cloud`).

A machine is named by its ARN, or, for EC2, by its identifier beside the bill's region and account. What a bill says is
matched against strict forms before anything is asked for by that name.

Sources: Service Authorization Reference of Amazon EC2 (`instance`) and Amazon RDS (`db`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from twinledger.reconciliation.ungranted import Ungranted

Service = Literal["ec2", "rds"]

PROVIDERS = frozenset({"", "AWS", "Amazon Web Services"})
"""What bills call AWS; metering names no provider."""

_ACCOUNT = r"[0-9]{12}"
_REGION = r"[a-z]{2,3}(?:-[a-z]+){1,3}-[0-9]{1,2}"
_INSTANCE = r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})"
_DATABASE = r"[A-Za-z][A-Za-z0-9-]{0,62}"
_ARN = re.compile(
    rf"arn:(?P<partition>aws[a-z-]*):(?P<service>ec2|rds):(?P<region>{_REGION}):(?P<account>{_ACCOUNT}):"
    rf"(?:instance/(?P<instance>{_INSTANCE})|db:(?P<database>{_DATABASE}))"
)


@dataclass(frozen=True, slots=True)
class Target:
    """One machine of AWS."""

    service: Service
    id: str
    region: str
    account: str
    partition: str = "aws"

    @property
    def arn(self) -> str:
        """Its Amazon Resource Name."""
        kind = f"instance/{self.id}" if self.service == "ec2" else f"db:{self.id}"
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{kind}"


def target_of(one: Ungranted) -> Target | str:
    """The machine that a resource is, or why it is none that something can be done to."""
    if one.provider not in PROVIDERS:
        return f"it is of {one.provider}: expected a resource of AWS"
    if re.fullmatch(_INSTANCE, one.resource):
        return _instance(one)
    found = _ARN.fullmatch(one.resource)
    if found is None or (found["service"] == "ec2") != bool(found["instance"]):
        return "it is neither an instance of EC2 nor a database of RDS"
    if one.account and one.account != found["account"]:
        return f"its bill is of account {one.account[:20]}, its name of {found['account']}"
    service: Service = "ec2" if found["instance"] else "rds"
    return Target(
        service, found["instance"] or found["database"], found["region"], found["account"], found["partition"]
    )


def _instance(one: Ungranted) -> Target | str:
    region, account = one.region or "", one.account or ""
    if not re.fullmatch(_REGION, region):
        return "the ledger does not say its region"
    if not re.fullmatch(_ACCOUNT, account):
        return "the ledger does not say its account"
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    return Target("ec2", one.resource, region, account, partition)
