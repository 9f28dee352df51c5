"""Grants exchanged for credentials: what STS is asked, what the session permits, and what is refused."""

from __future__ import annotations

import fnmatch
import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from moto.sts.models import sts_backends
from pydantic import SecretStr

from tests.cloud.servers import Aws
from tests.slack.company import FakeDesk, populate
from twinledger.approvals import GrantView, redeem
from twinledger.clock import FixedClock
from twinledger.cloud.broker import StsBroker, open_broker, policy_of
from twinledger.cloud.session_policy import LONGEST_POLICY, session_policy
from twinledger.store import Store
from twinledger.store.models import Grant, Request
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    BrokerRefusedError,
    GrantNotLiveError,
    InvalidConfigError,
    NotBrokeredError,
    PolicyTooLongError,
)
from twinledger.vocabulary.settings import BrokerSettings, Settings

NOW = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)
ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/twinledger-grants"
SETTINGS = BrokerSettings(role_arn=ROLE, external_id=SecretStr("x-1"), region="eu-west-1")
LARGE = {"type": "aws_instance", "size": "m5.large", "count": 2, "quantity": "96"}
GRANT = GrantView(
    id="grant-1", request="req-1", requester="cy", department="shop", product="vm", meter="core-hours",
    quantity=Decimal(96), region="eu-west-1", account=None, resources=(LARGE,), starts_at=NOW,
    ends_at=NOW + timedelta(days=10), revision=1, revoked_at=None, revoked_by=None, revoked_why=None,
    redeemed_at=None, redeemed_by=None,
)  # fmt: skip


@dataclass
class FakeSts:
    """Remembers what it is asked, and answers, or raises."""

    error: Exception | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def assume_role(self, **asked: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as boto3's
        self.asked.append(asked)
        if self.error:
            raise self.error
        given = {"AccessKeyId": "ASIA1", "SecretAccessKey": "s3cret", "SessionToken": "t0ken"}
        return {"Credentials": {**given, "Expiration": NOW + timedelta(seconds=asked["DurationSeconds"])}}


def resources(*named: tuple[str, str]) -> GrantView:
    return replace(GRANT, resources=tuple({"type": kind, "size": size, "count": 1} for kind, size in named))


# --- what STS is asked -----------------------------------------------------------------------


def test_sts_is_asked_for_the_role_bounded_by_the_grant_and_named_by_it() -> None:
    sts = FakeSts()
    given = StsBroker(sts, SETTINGS).credentials(GRANT, "cy", 864_000)

    (asked,) = sts.asked
    assert asked == {
        "RoleArn": ROLE,
        "RoleSessionName": "grant-1",
        "SourceIdentity": "cy",
        "DurationSeconds": 900,
        "Policy": policy_of(GRANT, SETTINGS),
        "Tags": [{"Key": "twinledger:grant", "Value": "grant-1"}, {"Key": "twinledger:department", "Value": "shop"}],
        "ExternalId": "x-1",
    }
    assert given.secret_access_key.get_secret_value() == "s3cret"
    assert "s3cret" not in f"{given}{given!r}"
    assert "t0ken" not in repr(given)


@pytest.mark.parametrize(("left", "lasts"), [(864_000, 3600), (1000, 1000), (900, 900)])
def test_credentials_last_no_longer_than_the_grant(left: int, lasts: int) -> None:
    sts = FakeSts()
    StsBroker(sts, BrokerSettings(role_arn=ROLE, duration_seconds=3600)).credentials(GRANT, "cy", left)
    assert sts.asked[0]["DurationSeconds"] == lasts
    assert "ExternalId" not in sts.asked[0]


def test_a_grant_that_ends_sooner_than_any_credentials_is_not_exchanged() -> None:
    sts = FakeSts()
    with pytest.raises(GrantNotLiveError, match="ends in 899 seconds"):
        StsBroker(sts, SETTINGS).credentials(GRANT, "cy", 899)
    assert sts.asked == []


@pytest.mark.parametrize(
    ("template", "account", "expected"),
    [
        (ROLE, None, ROLE),
        (ROLE, ACCOUNT, ROLE),
        ("arn:aws-cn:iam::{account}:role/team/grants", "999900001111", "arn:aws-cn:iam::999900001111:role/team/grants"),
    ],
)
def test_the_role_is_of_the_account_of_the_grant(template: str, account: str | None, expected: str) -> None:
    sts = FakeSts()
    StsBroker(sts, BrokerSettings(role_arn=template)).credentials(replace(GRANT, account=account), "cy", 900)
    assert sts.asked[0]["RoleArn"] == expected
    partition = expected.split(":")[1]
    assert f'"arn:{partition}:ec2:eu-west-1:{expected.split(":")[4]}:instance/*"' in sts.asked[0]["Policy"]


@pytest.mark.parametrize("account", [None, "*", "99990000111", "sub-7"])
def test_a_grant_of_no_account_of_aws_has_no_role(account: str | None) -> None:
    settings = BrokerSettings(role_arn="arn:aws:iam::{account}:role/grants")
    with pytest.raises(NotBrokeredError, match="account"):
        policy_of(replace(GRANT, account=account), settings)


def test_a_grant_of_another_account_than_the_role_is_refused() -> None:
    with pytest.raises(NotBrokeredError, match=f"'999900001111', expected {ACCOUNT}"):
        policy_of(replace(GRANT, account="999900001111"), SETTINGS)


@pytest.mark.parametrize("arn", ["", "twinledger-grants", "arn:aws:iam::111122223333:user/somebody"])
def test_a_role_that_is_none_is_named(arn: str) -> None:
    with pytest.raises(InvalidConfigError, match="TWINLEDGER_BROKER__ROLE_ARN"):
        StsBroker(FakeSts(), BrokerSettings(role_arn=arn)).credentials(GRANT, "cy", 900)


def test_what_sts_answers_becomes_a_sentence_without_what_was_sent() -> None:
    def answered(code: str) -> ClientError:
        return ClientError({"Error": {"Code": code, "Message": "user x may not assume y"}}, "AssumeRole")

    for error, kind, sentence in (
        (answered("AccessDenied"), BrokerRefusedError, "STS answers AccessDenied; the grant is still good"),
        (answered("PackedPolicyTooLarge"), PolicyTooLongError, "fewer types and sizes"),
        (EndpointConnectionError(endpoint_url="https://sts"), BrokerRefusedError, "EndpointConnectionError"),
    ):
        with pytest.raises(kind, match=sentence) as told:
            StsBroker(FakeSts(error), SETTINGS).credentials(GRANT, "cy", 900)
        assert "may not assume" not in str(told.value)


def test_a_broker_without_a_role_or_with_settings_that_boto3_cannot_use_is_named() -> None:
    with pytest.raises(InvalidConfigError, match="no role is configured"):
        open_broker(BrokerSettings())
    with pytest.raises(InvalidConfigError, match="nobody"):
        open_broker(BrokerSettings(role_arn=ROLE, profile="nobody"))


# --- what the session permits ----------------------------------------------------------------

OPERATORS: dict[str, Callable[[Any, list[str]], bool]] = {
    "StringEquals": lambda found, listed: found in listed,
    "StringNotEquals": lambda found, listed: found not in listed,
    "NumericLessThanEquals": lambda found, listed: found is not None and int(found) <= int(listed[0]),
    "DateGreaterThanEquals": lambda found, listed: found is not None and found >= listed[0],
}


def permits(policy: str, action: str, arn: str, **context: str) -> bool:
    """What IAM makes of one action on one resource: a denial wins, and what is not allowed is denied."""
    keys = {"aws:RequestedRegion": "eu-west-1", "aws:CurrentTime": "2026-10-20T09:00:00Z"}
    keys |= {name.replace("__", "/").replace("_", ":", 1): value for name, value in context.items()}
    allowed = False
    for one in json.loads(policy)["Statement"]:
        actions, arns = (one[name] if isinstance(one[name], list) else [one[name]] for name in ("Action", "Resource"))
        holds = all(
            OPERATORS[operator](keys.get(key), value if isinstance(value, list) else [value])
            for operator, conditions in one.get("Condition", {}).items()
            for key, value in conditions.items()
        )
        concerned = any(fnmatch.fnmatchcase(action, known) for known in actions)
        if concerned and holds and any(fnmatch.fnmatchcase(arn, known) for known in arns):
            if one["Effect"] == "Deny":
                return False
            allowed = True
    return allowed


def here(service: str, resource: str, region: str = "eu-west-1", account: str = ACCOUNT) -> str:
    return f"arn:aws:{service}:{region}:{account}:{resource}"


TAGGED = {"aws_RequestTag__twinledger:grant": "grant-1"}
INSTANCE = here("ec2", "instance/i-1")


def test_instances_of_the_granted_size_with_the_tag_may_be_run_in_the_region_until_the_end() -> None:
    policy = session_policy(resources(("aws_instance", "m5.large"), ("aws_instance", "m5.xlarge")), ACCOUNT)

    def runs(arn: str = INSTANCE, size: str = "m5.large", **context: str) -> bool:
        return permits(policy, "ec2:RunInstances", arn, **{"ec2_InstanceType": size, **TAGGED, **context})

    assert runs()
    assert runs(size="m5.xlarge")
    assert not runs(size="m5.24xlarge")
    assert not runs(**{"aws_RequestTag__twinledger:grant": "grant-2"})
    assert not runs(aws_RequestedRegion="us-east-1")
    assert not runs(here("ec2", "instance/i-1", "us-east-1"))
    assert not runs(here("ec2", "instance/i-1", account="999900001111"))
    assert not runs(aws_CurrentTime="2026-10-30T09:00:00Z")
    assert not permits(policy, "ec2:RunInstances", INSTANCE, ec2_InstanceType="m5.large")


def test_what_an_instance_is_launched_with_is_permitted_with_disks_of_a_bounded_size() -> None:
    policy = session_policy(GRANT, ACCOUNT, launch_disk_gib=50)
    parts = (here("ec2", "subnet/s"), here("ec2", "security-group/g"), here("ec2", "image/ami-1", account=""))
    assert all(permits(policy, "ec2:RunInstances", arn) for arn in parts)
    volume = here("ec2", "volume/vol-1")
    sizes = {size: permits(policy, "ec2:RunInstances", volume, ec2_VolumeSize=size) for size in ("8", "50", "51")}
    assert sizes == {"8": True, "50": True, "51": False}


def test_tags_are_written_while_something_is_created_and_of_this_grant_alone() -> None:
    policy = session_policy(GRANT, ACCOUNT)
    creating = {"ec2_CreateAction": "RunInstances", **TAGGED}
    assert permits(policy, "ec2:CreateTags", INSTANCE, **creating)
    assert not permits(policy, "ec2:CreateTags", INSTANCE, **TAGGED)
    assert not permits(
        policy, "ec2:CreateTags", INSTANCE, **{**creating, "aws_RequestTag__twinledger:grant": "grant-2"}
    )


def test_disks_are_permitted_by_kind_or_by_size() -> None:
    volume, kind = here("ec2", "volume/vol-1"), "ec2_VolumeType"
    by_kind = session_policy(resources(("aws_ebs_volume", "gp3")), ACCOUNT)
    assert permits(by_kind, "ec2:CreateVolume", volume, **{kind: "gp3"}, **TAGGED)
    assert not permits(by_kind, "ec2:CreateVolume", volume, **{kind: "io2"}, **TAGGED)
    by_size = session_policy(resources(("aws_ebs_volume", "90"), ("aws_ebs_volume", "100")), ACCOUNT)
    assert permits(by_size, "ec2:CreateVolume", volume, ec2_VolumeSize="100", **TAGGED)
    assert not permits(by_size, "ec2:CreateVolume", volume, ec2_VolumeSize="101", **TAGGED)
    assert not permits(by_size, "ec2:RunInstances", INSTANCE, ec2_InstanceType="m5.large", **TAGGED)


def test_databases_are_permitted_by_class_beside_their_groups() -> None:
    policy = session_policy(resources(("aws_db_instance", "db.t3.small")), ACCOUNT)
    database = here("rds", "db:shop")
    assert permits(policy, "rds:CreateDBInstance", database, rds_DatabaseClass="db.t3.small", **TAGGED)
    assert not permits(policy, "rds:CreateDBInstance", database, rds_DatabaseClass="db.r5.large", **TAGGED)
    assert not permits(policy, "rds:CreateDBInstance", database, rds_DatabaseClass="db.t3.small")
    assert permits(policy, "rds:CreateDBInstance", here("rds", "subgrp:default"))
    assert permits(policy, "rds:AddTagsToResource", database, **TAGGED)


def test_nothing_but_creating_and_looking_is_permitted() -> None:
    policy = session_policy(resources(("aws_instance", "m5.large"), ("aws_db_instance", "db.t3.small")), ACCOUNT)
    actions = (
        "ec2:TerminateInstances",
        "ec2:ModifyInstanceAttribute",
        "iam:PassRole",
        "rds:DeleteDBInstance",
        "s3:GetObject",
    )
    assert not any(permits(policy, action, INSTANCE, **TAGGED) for action in actions)
    assert permits(policy, "ec2:DescribeInstances", "*")
    assert permits(policy, "rds:DescribeDBInstances", "*")


@pytest.mark.parametrize(
    ("grant", "named"),
    [
        (replace(GRANT, resources=()), "resources is 'any'"),
        (resources(("azurerm_linux_virtual_machine", "Standard_D2s_v5")), "type is 'azurerm_linux_virtual_machine'"),
        (resources(("aws_instance", "m5.large"), ("aws_eks_node_group", "m5.large")), "CreateNodegroup has no"),
        (resources(("aws_instance", "")), "size of aws_instance is ''"),
        (resources(("aws_instance", "*")), r"size of aws_instance is '\*'"),
        (resources(("aws_instance", "${aws:userid}")), "size of aws_instance"),
        (replace(GRANT, region="*"), r"region is '\*'"),
        (replace(GRANT, region="eu-west-1:111122223333"), "region is"),
        (replace(GRANT, region="westeurope"), "region is 'westeurope'"),
    ],
)
def test_what_no_policy_can_be_bounded_to_is_refused(grant: GrantView, named: str) -> None:
    with pytest.raises(NotBrokeredError, match=named):
        session_policy(grant, ACCOUNT)


KINDS = st.sampled_from(["aws_instance", "aws_ebs_volume", "aws_db_instance"])
SIZES = st.from_regex(r"[a-z][a-z0-9.-]{0,40}", fullmatch=True)


@examples(deadline=None, max_examples=40)
@given(st.lists(st.tuples(KINDS, SIZES), min_size=1, max_size=40))
def test_a_policy_fits_into_what_aws_takes_or_is_refused_as_too_long(named: list[tuple[str, str]]) -> None:
    grant = resources(*named)
    try:
        policy = session_policy(grant, ACCOUNT)
    except PolicyTooLongError as error:
        assert "2,048" in str(error)  # noqa: PT017 - either is right
        return
    assert len(policy) <= LONGEST_POLICY
    for kind, size in named:
        if kind == "aws_instance":
            assert permits(policy, "ec2:RunInstances", INSTANCE, ec2_InstanceType=size, **TAGGED)
    assert permits(policy, "ec2:RunInstances", INSTANCE, ec2_InstanceType="p5.48xlarge", **TAGGED) == (
        ("aws_instance", "p5.48xlarge") in named
    )


def test_several_sizes_and_a_disk_fit_into_one_policy() -> None:
    sizes = [("aws_instance", f"m5.{size}xlarge") for size in (2, 4, 8, 12)]
    every = replace(resources(*sizes, ("aws_ebs_volume", "gp3")), id="grant-0123456789abcdef")
    assert len(session_policy(every, ACCOUNT)) <= LONGEST_POLICY
    with pytest.raises(PolicyTooLongError, match="ask for fewer types and sizes"):
        session_policy(resources(*(("aws_instance", f"m5.{number}xlarge") for number in range(100))), ACCOUNT)


# --- against a server of the protocol --------------------------------------------------------


@pytest.fixture
def desk(store: Store, settings: Settings, clock: FixedClock) -> FakeDesk:
    """Cy's grant of the shop for two instances."""
    populate(store)
    with store.transaction() as session:
        session.add(
            Request(
                id="req-1", requester="cy", department="shop", product="vm", meter="core-hours", quantity=Decimal(96),
                region="eu-west-1", days=10, period="2026-10", amount=Decimal(48), currency="USD", justification="test",
                state="approved", revision=2, approvers=["bob"], created_at=NOW, expires_at=NOW, facts={},
            )
        )  # fmt: skip
        session.flush()
        session.add(
            Grant(
                id="grant-1", request="req-1", department="shop", product="vm", meter="core-hours",
                quantity=Decimal(96), region="eu-west-1", resources=[LARGE], starts_at=NOW,
                ends_at=NOW + timedelta(days=10),
            )
        )  # fmt: skip
    return FakeDesk(settings, store, clock)


def test_of_two_that_redeem_at_once_one_gets_credentials_that_sts_knows_and_the_third_is_refused(
    desk: FakeDesk, aws: Aws
) -> None:
    broker = open_broker(SETTINGS.model_copy(update={"endpoint": aws.url}))
    start = threading.Barrier(2)

    def attempt(person: str) -> dict[str, str]:
        start.wait()
        try:
            given = redeem(desk, "grant-1", person, broker)
        except AlreadyDecidedError:
            return {}
        return {
            "aws_access_key_id": given.access_key_id,
            "aws_secret_access_key": given.secret_access_key.get_secret_value(),
            "aws_session_token": given.session_token.get_secret_value(),
        }

    with ThreadPoolExecutor(2) as pool:
        (keys,) = [found for found in pool.map(attempt, ["cy", "bob"]) if found]
    with pytest.raises(AlreadyDecidedError, match="already exchanged"):
        redeem(desk, "grant-1", "cy", broker)

    client = boto3.client("sts", endpoint_url=aws.url, region_name="eu-west-1", **keys)  # type: ignore[call-overload]  # keys by name
    arn = client.get_caller_identity()["Arn"]
    client.close()
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/twinledger-grants/grant-1"
    (known,) = sts_backends[ACCOUNT]["aws"].assumed_roles
    assert (known.external_id, known.policy) == ("x-1", policy_of(GRANT, SETTINGS))
    assert known.expiration - datetime.now(UTC).replace(tzinfo=None) < timedelta(seconds=901)
