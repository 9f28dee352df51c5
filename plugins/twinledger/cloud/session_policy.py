"""What a grant permits, as a session policy of AWS.

What belongs here: from a grant's resources to statements of IAM. What does not: asking for credentials (`broker`).

Everything is denied outside of the grant's region and from its end on; what is allowed to be created carries the tag
`twinledger:grant`. AWS has no condition for how many: counts are the gate's and the daily detection's. Where AWS has
none for a size either (nodes of EKS), or the grant names none, nothing is exchanged: it would permit any.

Sources: Service Authorization Reference of Amazon EC2, Amazon RDS and Amazon EKS; IAM User Guide, "Grammar of the IAM
JSON policy language"; API reference of STS, AssumeRole (`Policy`: at most 2,048 characters).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from twinledger.approvals import GrantView
from twinledger.vocabulary.canonical import canonical_json
from twinledger.vocabulary.errors import NotBrokeredError, PolicyTooLongError

Statement = dict[str, Any]

GRANT_TAG = "twinledger:grant"
DEPARTMENT_TAG = "twinledger:department"
LONGEST_POLICY = 2048

_REGION = re.compile(r"[a-z]{2,3}(-[a-z]+){1,3}-[0-9]{1,2}")
_SIZE = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_RUNS_WITH = ("key-pair", "network-interface", "security-group", "subnet")
"""What an instance is launched with, in its own account, beside the image and its disks."""

_CREATES_WITH = ("og", "pg", "subgrp")
"""What a database is created with."""


@dataclass(frozen=True, slots=True)
class _Where:
    """The one account and region that a grant's statements are of."""

    grant: str
    region: str
    account: str
    partition: str
    launch_disk_gib: int

    def arn(self, service: str, resource: str, account: str | None = None) -> str:
        owner = self.account if account is None else account
        return f"arn:{self.partition}:{service}:{self.region}:{owner}:{resource}"

    def created(self, action: str, resource: str, equals: Mapping[str, object] | None = None) -> Statement:
        """An allowance to create what carries the grant's tag, where condition keys have these values."""
        conditions = {**(equals or {}), f"aws:RequestTag/{GRANT_TAG}": self.grant}
        arn = self.arn(action.partition(":")[0], resource)
        return {"Effect": "Allow", "Action": action, "Resource": arn, "Condition": {"StringEquals": conditions}}


def session_policy(grant: GrantView, account: str, partition: str = "aws", launch_disk_gib: int = 128) -> str:
    """The policy's text, in canonical JSON.

    Args:
        grant: what is to be permitted.
        account: the twelve digits of the account in which it is.
        partition: aws, aws-cn or aws-us-gov.
        launch_disk_gib: the largest disk that an instance is launched with.

    Raises:
        NotBrokeredError: a region, a type or a size that no statement can be bounded to.
        PolicyTooLongError: more types and sizes than a session policy has room for.
    """
    if not _REGION.fullmatch(grant.region):
        raise NotBrokeredError(grant.id, "region", grant.region, "a region of AWS, as in eu-west-1")
    where = _Where(grant.id, grant.region, account, partition, launch_disk_gib)
    sizes = _sizes(grant)
    statements = [one for kind, named in sizes.items() for one in _STATEMENTS[kind](where, named)]
    statements += _tagging(where, sizes)
    statements.append({"Effect": "Allow", "Action": sorted({_READS[kind] for kind in sizes}), "Resource": "*"})
    text = canonical_json({"Version": "2012-10-17", "Statement": [*_bounds(grant), *statements]})
    if len(text) > LONGEST_POLICY:
        raise PolicyTooLongError(grant.id, f"{len(text):,} characters", f"at most {LONGEST_POLICY:,}")
    return text


def _bounds(grant: GrantView) -> Iterator[Statement]:
    """What is denied whatever else is allowed: other regions, and everything from the grant's end on."""
    until = f"{grant.ends_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    for condition in (
        {"StringNotEquals": {"aws:RequestedRegion": grant.region}},
        {"DateGreaterThanEquals": {"aws:CurrentTime": until}},
    ):
        yield {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}


def _sizes(grant: GrantView) -> dict[str, list[str]]:
    """The sizes of each kind of resource that the grant names; raises NotBrokeredError."""
    if not grant.resources:
        raise NotBrokeredError(grant.id, "resources", "any", "types and sizes by name")
    found: dict[str, set[str]] = defaultdict(set)
    for one in grant.resources:
        name, size = str(one.get("type", "")), str(one.get("size", ""))
        kind = _KINDS.get(name)
        if name in _UNBOUNDED:
            raise NotBrokeredError(grant.id, "type", name, _UNBOUNDED[name])
        if kind is None:
            raise NotBrokeredError(grant.id, "type", name, f"one of {', '.join(sorted(_KINDS))}")
        if not _SIZE.fullmatch(size):
            raise NotBrokeredError(
                grant.id, f"size of {name}", size, "a size of AWS, as in m5.large, db.t3.small or gp3"
            )
        found[kind].add(size)
    return {kind: sorted(sizes) for kind, sizes in sorted(found.items())}


def _instances(where: _Where, sizes: Sequence[str]) -> Iterator[Statement]:
    yield where.created("ec2:RunInstances", "instance/*", {"ec2:InstanceType": sizes})
    image = where.arn("ec2", "image/*", account="")
    parts = [image, *(where.arn("ec2", f"{one}/*") for one in _RUNS_WITH)]
    yield {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": parts}
    yield {
        "Effect": "Allow",
        "Action": "ec2:RunInstances",
        "Resource": where.arn("ec2", "volume/*"),
        "Condition": {"NumericLessThanEquals": {"ec2:VolumeSize": str(where.launch_disk_gib)}},
    }


def _disks(where: _Where, sizes: Sequence[str]) -> Iterator[Statement]:
    """A size that is a number is GiB of one disk; any other is a kind of disk, of any size."""
    numbers, kinds = [one for one in sizes if one.isdigit()], [one for one in sizes if not one.isdigit()]
    if kinds:
        yield where.created("ec2:CreateVolume", "volume/*", {"ec2:VolumeType": kinds})
    if numbers:
        bounded = where.created("ec2:CreateVolume", "volume/*")
        bounded["Condition"]["NumericLessThanEquals"] = {"ec2:VolumeSize": max(numbers, key=int)}
        yield bounded


def _databases(where: _Where, sizes: Sequence[str]) -> Iterator[Statement]:
    yield where.created("rds:CreateDBInstance", "db:*", {"rds:DatabaseClass": sizes})
    parts = [where.arn("rds", f"{one}:*") for one in _CREATES_WITH]
    yield {"Effect": "Allow", "Action": "rds:CreateDBInstance", "Resource": parts}
    yield where.created("rds:AddTagsToResource", "db:*")


def _tagging(where: _Where, kinds: Iterable[str]) -> Iterator[Statement]:
    """EC2 asks for a permission of its own to write tags: while something is created, and never afterwards."""
    if actions := [_CREATED_BY[kind] for kind in kinds if kind in _CREATED_BY]:
        yield where.created("ec2:CreateTags", "*/*", {"ec2:CreateAction": actions})


_CREATED_BY = {"disk": "CreateVolume", "instance": "RunInstances"}
_STATEMENTS = {"instance": _instances, "disk": _disks, "database": _databases}
_READS = {"instance": "ec2:Describe*", "disk": "ec2:Describe*", "database": "rds:Describe*"}
_KINDS = {"aws_instance": "instance", "aws_ebs_volume": "disk", "aws_db_instance": "database"}
"""Types of Terraform -> what they are of."""

_UNBOUNDED = {
    "aws_eks_node_group": "a type whose sizes can be bounded: eks:CreateNodegroup has no condition key for them",
}
"""Types of Terraform that the AWS of a grant has, and why no statement can be bounded to them."""
