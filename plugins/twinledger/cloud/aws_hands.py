"""Tagging and stopping machines of AWS.

What belongs here: the calls of EC2 and RDS, in a resource's own account and region. What does not: which machine, and
why (`reconciliation`).

docs/policies/detection.json is all that is needed: it tags, and stops what carries the tag. Before anything is done in
an account, the credentials must be of that account. Sources: API references of Amazon EC2 (CreateTags, StopInstances)
and Amazon RDS (AddTagsToResource, StopDBInstance, DescribeDBInstances).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from twinledger.reconciliation import AwsAccess, Target
from twinledger.vocabulary.errors import ActionFailedError, InvalidConfigError

SESSION_NAME = "twinledger-detection"

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?:[0-9]{12}|\{account\}):role/[\w+=,.@/-]+")
_CONFIG = Config(connect_timeout=10, read_timeout=20, retries={"mode": "standard"})
_STOPPED = frozenset({"stopped", "stopping"})
_NOT_RUNNING = "InvalidDBInstanceState"


class AwsHands:
    """Does what is due, with credentials for each account that are asked for once."""

    def __init__(self, access: AwsAccess) -> None:
        """Take how AWS is reached; nothing is asked yet.

        Raises:
            InvalidConfigError: the role is no ARN of one, or boto3 has no such profile.
        """
        if access.role_arn and not _ROLE.fullmatch(access.role_arn):
            problem = "expected the ARN of a role, as in arn:aws:iam::{account}:role/twinledger-detection"
            raise InvalidConfigError("detection.yaml", "aws.role_arn", problem)
        self._access = access
        self._sessions: dict[str, boto3.Session] = {}
        try:
            self._own = boto3.Session(profile_name=access.profile or None)
        except BotoCoreError as problem:
            raise InvalidConfigError("detection.yaml", "aws.profile", str(problem)) from None

    def tag(self, target: Target, key: str, value: str) -> None:
        """Give a machine a tag; one of the same key gets the new value."""
        tags = [{"Key": key, "Value": value}]
        with _failures("tag", target):
            client = self._client(target)
            if target.service == "ec2":
                client.create_tags(Resources=[target.id], Tags=tags)
            else:
                client.add_tags_to_resource(ResourceName=target.arn, Tags=tags)

    def stop(self, target: Target) -> str:
        """Stop a machine; its disks and its data stay. One that is stopped stays so."""
        with _failures("stop", target):
            client = self._client(target)
            if target.service == "ec2":
                answer = client.stop_instances(InstanceIds=[target.id])
                return str(answer["StoppingInstances"][0]["CurrentState"]["Name"])
            return _stop_database(client, target)

    def _client(self, target: Target) -> Any:  # noqa: ANN401 - boto3's clients differ by service
        return self._session(target).client(
            target.service, region_name=target.region, endpoint_url=self._access.endpoint or None, config=_CONFIG
        )

    def _session(self, target: Target) -> boto3.Session:
        """A session that is of the target's account; raises ActionFailedError where it is of another."""
        if target.account not in self._sessions:
            session = self._assumed(target) if self._access.role_arn else self._own
            found = str(self._sts(session, target).get_caller_identity()["Account"])
            if found != target.account:
                raise ActionFailedError("nothing", target.arn, f"the credentials are of account {found}")
            self._sessions[target.account] = session
        return self._sessions[target.account]

    def _assumed(self, target: Target) -> boto3.Session:
        role = self._access.role_arn.replace("{account}", target.account)
        answer = self._sts(self._own, target).assume_role(RoleArn=role, RoleSessionName=SESSION_NAME)
        given = answer["Credentials"]
        return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def _sts(self, session: boto3.Session, target: Target) -> Any:  # noqa: ANN401 - likewise
        endpoint = self._access.endpoint or None
        return session.client("sts", region_name=target.region, endpoint_url=endpoint, config=_CONFIG)


def _stop_database(client: Any, target: Target) -> str:  # noqa: ANN401 - likewise
    try:
        answer = client.stop_db_instance(DBInstanceIdentifier=target.id)
        return str(answer["DBInstance"]["DBInstanceStatus"])
    except ClientError as error:
        if _code(error) != _NOT_RUNNING:
            raise
        (found,) = client.describe_db_instances(DBInstanceIdentifier=target.id)["DBInstances"]
        if found["DBInstanceStatus"] not in _STOPPED:
            raise
        return str(found["DBInstanceStatus"])


@contextmanager
def _failures(action: str, target: Target) -> Iterator[None]:
    """Turns what boto3 raises into the one error; its code alone is told."""
    try:
        yield
    except ClientError as error:
        raise ActionFailedError(action, target.arn, f"AWS answers {_code(error)}") from None
    except BotoCoreError as error:
        raise ActionFailedError(action, target.arn, type(error).__name__) from None


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))
