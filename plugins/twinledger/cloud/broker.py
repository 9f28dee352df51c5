"""The broker: a grant for short-lived credentials of AWS.

What belongs here: asking STS to assume the one role that is configured, bounded by the grant. What does not: what the
grant permits (`session_policy`), and that it is exchanged once (`approvals`).

The role's own policy is the most that any grant can permit: a session has what both the role and the session policy
allow. docs/policies/ has the policies of the role and of the broker's own principal. Source: API reference of STS,
AssumeRole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import SecretStr

from twinledger.approvals import Credentials, GrantView
from twinledger.cloud.session_policy import DEPARTMENT_TAG, GRANT_TAG, session_policy
from twinledger.vocabulary.errors import (
    BrokerRefusedError,
    GrantNotLiveError,
    InvalidConfigError,
    NotBrokeredError,
    PolicyTooLongError,
)
from twinledger.vocabulary.settings import BrokerSettings

SHORTEST_SECONDS = 900
"""Fewer than STS gives; a grant that ends sooner is not exchanged."""

_ROLE = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>[0-9]{12}|\{account\}):role/[\w+=,.@/-]+")
_ACCOUNT = re.compile(r"[0-9]{12}")
_UNNAMEABLE = re.compile(r"[^\w+=,.@-]", re.ASCII)
_TOO_LONG = "PackedPolicyTooLarge"


class StsClient(Protocol):
    """The one operation that is used of boto3's client."""

    def assume_role(self, **asked: Any) -> Mapping[str, Any]:  # noqa: ANN401 - boto3's own shapes
        """Credentials of a role."""
        ...


@dataclass(frozen=True, slots=True)
class Role:
    """The role of one account that a grant is exchanged for."""

    arn: str
    account: str
    partition: str

    @classmethod
    def of(cls, template: str, grant: GrantView) -> Role:
        """The role for a grant; `{account}` in the template is the grant's account.

        Raises:
            InvalidConfigError: the template is no ARN of a role.
            NotBrokeredError: the grant is of another account than the role, or of none where one is needed.
        """
        found = _ROLE.fullmatch(template)
        if found is None:
            expected = "expected the ARN of a role, as in arn:aws:iam::{account}:role/twinledger-grants"
            raise InvalidConfigError("TWINLEDGER_BROKER__ROLE_ARN", "value", f"{expected}, found {template[:80]!r}")
        account = grant.account or found["account"]
        if not _ACCOUNT.fullmatch(account) or found["account"] not in ("{account}", account):
            expected = "the twelve digits of an account of AWS"
            if found["account"] != "{account}":
                expected = f"{found['account']}, the account of the role"
            raise NotBrokeredError(grant.id, "account", grant.account or "any", expected)
        return cls(template.replace("{account}", account), account, found["partition"])


class StsBroker:
    """Exchanges grants by STS AssumeRole."""

    def __init__(self, client: StsClient, settings: BrokerSettings) -> None:
        """Take the client of STS and the settings; nothing is asked yet."""
        self._client = client
        self._settings = settings

    def credentials(self, grant: GrantView, session_name: str, seconds: int) -> Credentials:
        """Credentials that permit what the grant does, for no longer than it lives.

        The session is named by the grant; `session_name`, who asks, is its source identity.

        Raises:
            InvalidConfigError: the setting of the role is no ARN.
            NotBrokeredError: AWS cannot be told to permit just this.
            PolicyTooLongError: the grant has more types and sizes than a session policy has room for.
            GrantNotLiveError: it ends before the shortest credentials would.
            BrokerRefusedError: STS does not answer, or refuses.
        """
        role = Role.of(self._settings.role_arn, grant)
        policy = policy_of(grant, self._settings)
        if seconds < SHORTEST_SECONDS:
            raise GrantNotLiveError(grant.id, f"it ends in {seconds} seconds, credentials last {SHORTEST_SECONDS}")
        tags = {GRANT_TAG: grant.id, DEPARTMENT_TAG: grant.department}
        asked: dict[str, Any] = {
            "RoleArn": role.arn,
            "RoleSessionName": _named(grant.id),
            "SourceIdentity": _named(session_name),
            "DurationSeconds": min(seconds, self._settings.duration_seconds),
            "Policy": policy,
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }
        if external := self._settings.external_id.get_secret_value():
            asked["ExternalId"] = external
        return _credentials(self._answer(grant, asked))

    def _answer(self, grant: GrantView, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return self._client.assume_role(**asked)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            if code == _TOO_LONG:
                raise PolicyTooLongError(grant.id, "more than that once packed", "less") from None
            raise BrokerRefusedError(grant.id, f"STS answers {code}") from None
        except BotoCoreError as error:
            raise BrokerRefusedError(grant.id, type(error).__name__) from None


def policy_of(grant: GrantView, settings: BrokerSettings) -> str:
    """The session policy that a grant is exchanged with; raises as `StsBroker.credentials`, and asks nothing."""
    role = Role.of(settings.role_arn, grant)
    return session_policy(grant, role.account, role.partition, settings.launch_disk_gib)


def _credentials(answer: Mapping[str, Any]) -> Credentials:
    given = answer["Credentials"]
    return Credentials(
        access_key_id=given["AccessKeyId"],
        secret_access_key=SecretStr(given["SecretAccessKey"]),
        session_token=SecretStr(given["SessionToken"]),
        expires_at=given["Expiration"],
    )


def _named(text: str) -> str:
    """A name as STS takes it: 2 to 64 of its characters."""
    return _UNNAMEABLE.sub("-", text)[:64].ljust(2, "-")


def open_broker(settings: BrokerSettings) -> StsBroker:
    """The configured broker, with the credentials that boto3 finds; nothing is asked yet.

    Raises:
        InvalidConfigError: no role is configured, or boto3 cannot make a client of the settings.
    """
    if not settings.role_arn:
        problem = "no role is configured: grants are not exchanged here; docs/guides/grants.md says how to set one up"
        raise InvalidConfigError("TWINLEDGER_BROKER__ROLE_ARN", "value", problem)
    try:
        session = boto3.Session(profile_name=settings.profile or None, region_name=settings.region or None)
        config = Config(connect_timeout=10, read_timeout=20, retries={"mode": "standard"})
        client = session.client("sts", endpoint_url=settings.endpoint or None, config=config)
    except (BotoCoreError, ValueError) as problem:
        raise InvalidConfigError("TWINLEDGER_BROKER__*", "value", str(problem)) from None
    return StsBroker(client, settings)
