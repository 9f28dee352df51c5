"""Machines of AWS are tagged and stopped as AWS' protocols say, in the right account alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID

from tests.cloud.servers import Aws
from tests.reconciliation.test_actions import break_of, ungranted
from tests.slack.company import FakeDesk
from twinledger.clock import FixedClock
from twinledger.cloud.aws_hands import AwsHands
from twinledger.reconciliation import AwsAccess, DetectionFile, Target, act
from twinledger.reconciliation.actions import proposals_for
from twinledger.store import Store
from twinledger.store.chain import Wanted, entries
from twinledger.store.models import Break
from twinledger.vocabulary.errors import ActionFailedError, InvalidConfigError
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings

TAG = ("twinledger:ungranted", "b" * 64)


def client(aws: Aws, service: Any) -> Any:  # noqa: ANN401 - boto3's clients differ by service
    return boto3.client(service, region_name="eu-west-1", endpoint_url=aws.url)


@pytest.fixture
def machine(aws: Aws) -> Target:
    """A running instance."""
    ec2 = client(aws, "ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, InstanceType="m5.large", MinCount=1, MaxCount=1)
    return Target("ec2", made["Instances"][0]["InstanceId"], "eu-west-1", DEFAULT_ACCOUNT_ID)


@pytest.fixture
def database(aws: Aws) -> Target:
    """A running database."""
    client(aws, "rds").create_db_instance(
        DBInstanceIdentifier="forgotten", DBInstanceClass="db.t3.small", Engine="postgres", AllocatedStorage=20,
        MasterUsername="u", MasterUserPassword="a-password",
    )  # fmt: skip
    return Target("rds", "forgotten", "eu-west-1", DEFAULT_ACCOUNT_ID)


def test_an_instance_is_tagged_and_stopped_and_again_without_harm(aws: Aws, machine: Target) -> None:
    hands = AwsHands(AwsAccess(endpoint=aws.url))
    for _ in range(2):
        hands.tag(machine, *TAG)
        assert hands.stop(machine) in ("stopping", "stopped")
    (found,) = client(aws, "ec2").describe_instances(InstanceIds=[machine.id])["Reservations"][0]["Instances"]
    assert (found["State"]["Name"], found["Tags"]) == ("stopped", [{"Key": TAG[0], "Value": TAG[1]}])


def test_a_database_is_tagged_and_stopped_and_again_without_harm(aws: Aws, database: Target) -> None:
    hands = AwsHands(AwsAccess(endpoint=aws.url))
    for _ in range(2):
        hands.tag(database, *TAG)
        assert hands.stop(database) == "stopped"
    rds = client(aws, "rds")
    assert rds.list_tags_for_resource(ResourceName=database.arn)["TagList"] == [{"Key": TAG[0], "Value": TAG[1]}]
    (found,) = rds.describe_db_instances(DBInstanceIdentifier="forgotten")["DBInstances"]
    assert found["DBInstanceStatus"] == "stopped"


@pytest.mark.parametrize("backend", ["sqlite"])
def test_what_a_rule_says_is_done_in_aws_and_is_in_the_audit_trail_with_the_break(
    aws: Aws, machine: Target, store: Store, settings: Settings, clock: FixedClock
) -> None:
    found = ungranted(machine.arn, 4)
    identity = break_of(machine.arn)
    with store.transaction() as session:
        session.add(
            Break(
                id=identity, rule="ungranted", pool="cluster", period="2026-10", subject=found.subject,
                amount=found.amount, currency="USD", tolerance=Decimal(0), owner="sue", state="new",
                opened_at=clock.now(), run="run-1", revision=1,
            )
        )  # fmt: skip
    desk = FakeDesk(settings, store, clock)
    file = DetectionFile.model_validate({"rules": [{"name": "stop-all", "vendor": "aws", "then": "stop"}]})
    hands = AwsHands(AwsAccess(endpoint=aws.url))
    for expected in (["done"], []):
        due = proposals_for(desk, Period(2026, 10), file, [found])
        assert [one.state for one in act(desk, hands, due, file.most)] == expected

    (seen,) = client(aws, "ec2").describe_instances(InstanceIds=[machine.id])["Reservations"][0]["Instances"]
    assert (seen["State"]["Name"], seen["Tags"][0]["Value"]) == ("stopped", identity)
    with store.reading() as session:
        (entry,) = entries(session, Wanted(subject=identity))
    assert (entry.action, entry.facts["resource"], entry.facts["amount"]) == ("detection.stop", machine.arn, "4.00")


def test_the_role_of_the_resources_account_is_assumed_and_no_other_account_is_touched(aws: Aws) -> None:
    other = "444455556666"
    target = Target("ec2", "i-0123456789abcdef0", "eu-west-1", other)
    with pytest.raises(ActionFailedError, match=f"the credentials are of account {DEFAULT_ACCOUNT_ID}"):
        AwsHands(AwsAccess(endpoint=aws.url)).stop(target)
    assumed = AwsHands(AwsAccess(endpoint=aws.url, role_arn="arn:aws:iam::{account}:role/twinledger-detection"))
    with pytest.raises(ActionFailedError, match=r"AWS answers InvalidInstanceID\.NotFound"):
        assumed.stop(target)


def test_an_aws_that_does_not_answer_is_a_failure_and_a_wrong_role_is_refused_at_once() -> None:
    unreachable = AwsHands(AwsAccess(endpoint="http://127.0.0.1:1"))
    unreachable_target = Target("rds", "x", "eu-west-1", DEFAULT_ACCOUNT_ID)
    with pytest.raises(ActionFailedError, match=r"stop of arn:aws:rds.* was not done"):
        unreachable.stop(unreachable_target)
    with pytest.raises(InvalidConfigError, match="expected the ARN of a role"):
        AwsHands(AwsAccess(role_arn="twinledger-detection"))
