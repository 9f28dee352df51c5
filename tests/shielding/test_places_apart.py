"""Finance and shared data lie apart, with credentials of their own, and nothing shared is made from what was paid."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count
from mypy_boto3_s3 import S3Client

from twinledger.deployment import open_books, prepare
from twinledger.engine.duck import DuckEngine
from twinledger.engine.models import Model, list_models, load_model
from twinledger.lake.tables import EXTERNAL_CHARGES, LISTED_CHARGES, PAID_COLUMNS, TABLES
from twinledger.vocabulary.settings import PREFIX, ROOT, LakeSettings, Settings

IAM = ROOT / "docker" / "iam"
FOR_EVERYONE = ("anomalies/", "budgets/", "metering/", "rating/")
"""Groups of models whose results any department may read."""

PASS_THROUGH = {"charge_pools", "charge_tags"}
"""Relations over charges that those models may read: rating is handed list columns only, see `LISTED_CHARGES`."""


# --- the lake's places -----------------------------------------------------------------------------


@pytest.fixture
def settings_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    lake = LakeSettings(finance=str(tmp_path / "vault"), shared=str(tmp_path / "open"))
    return Settings(home=tmp_path / "home", lake=lake)


def test_each_audience_has_a_folder_that_can_be_set_elsewhere(settings_apart: Settings, tmp_path: Path) -> None:
    prepare(settings_apart)
    with open_books(settings_apart) as books:
        for table in TABLES.values():
            root = tmp_path / ("vault" if table.audience == "finance" else "open")
            assert books.lake.staging(table).is_relative_to(root / table.name.split(".")[1])
        assert (books.lake.root("finance"), books.lake.root("shared")) == (tmp_path / "vault", tmp_path / "open")
    assert not (tmp_path / "home" / "lake").exists()


def test_unless_they_are_set_both_lie_below_the_warehouse(settings: Settings) -> None:
    prepare(settings)
    with open_books(settings) as books:
        for table in TABLES.values():
            assert books.lake.staging(table).is_relative_to(Path(settings.warehouse) / table.name.replace(".", "/"))


def test_every_table_lies_where_its_audience_reads() -> None:
    assert {table.name.split(".")[0]: table.audience for table in TABLES.values()} == {
        "finance": "finance",
        "shared": "everyone",
    }


# --- credentials -----------------------------------------------------------------------------------


def _allowed(audience: str) -> Iterator[tuple[str, str, Any]]:
    """(action, resource, condition) of a policy."""
    for statement in json.loads((IAM / f"{audience}.json").read_text())["Statement"]:
        assert statement["Effect"] == "Allow"
        actions, resources = statement["Action"], statement["Resource"]
        for action in actions if isinstance(actions, list) else [actions]:
            for resource in resources if isinstance(resources, list) else [resources]:
                yield action, resource, statement.get("Condition")


@pytest.mark.parametrize("audience", ["everyone", "finance", "application"])
def test_a_policy_names_its_prefixes_and_no_wildcard_beyond(audience: str) -> None:
    for action, resource, condition in _allowed(audience):
        assert "*" not in action
        if action == "s3:ListBucket":
            assert resource == "arn:aws:s3:::BUCKET"
            prefixes = condition["StringLike"]["s3:prefix"]
            assert all(
                re.fullmatch(r"LAKE/(finance|shared)/\*", one)
                for one in ([prefixes] if isinstance(prefixes, str) else prefixes)
            )
        else:
            assert re.fullmatch(r"arn:aws:s3:::BUCKET/LAKE/(finance|shared)/\*", resource)


def test_everyones_policy_knows_nothing_of_finances_place_and_nobody_but_the_application_writes() -> None:
    assert "finance" not in (IAM / "everyone.json").read_text()
    actions = {
        audience: {action for action, _, _ in _allowed(audience)} for audience in ("everyone", "finance", "application")
    }
    assert actions["everyone"] == actions["finance"] == {"s3:ListBucket", "s3:GetObject"}
    assert actions["application"] == {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"}


@pytest.mark.parametrize(
    ("audience", "readable"),
    [("everyone", {"shared"}), ("finance", {"finance", "shared"}), ("application", {"finance", "shared"})],
)
def test_credentials_of_an_audience_read_its_places_and_no_other(audience: str, readable: set[str]) -> None:
    with mock_aws():
        key, secret = _credentials(audience)
        client = boto3.client("s3", "us-east-1", aws_access_key_id=key, aws_secret_access_key=secret)

        @set_initial_no_auth_action_count(0)
        def read() -> set[str]:
            return {place for place in ("finance", "shared", "other") if _reads(client, f"lake/{place}/x")}

        assert read() == readable


def _credentials(audience: str) -> tuple[str, str]:
    """Keys of a user with the policy, on a bucket with an object in each place."""
    bucket = boto3.client("s3", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    iam = boto3.client("iam", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    bucket.create_bucket(Bucket="nimbus")
    for place in ("finance", "shared", "other"):
        bucket.put_object(Bucket="nimbus", Key=f"lake/{place}/x", Body=b"1")
    iam.create_user(UserName=audience)
    policy = (IAM / f"{audience}.json").read_text().replace("BUCKET", "nimbus").replace("LAKE", "lake")
    iam.put_user_policy(UserName=audience, PolicyName="lake", PolicyDocument=policy)
    made = iam.create_access_key(UserName=audience)["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


def _reads(client: S3Client, key: str) -> bool:
    try:
        client.get_object(Bucket="nimbus", Key=key)
    except ClientError as refused:
        if refused.response["Error"]["Code"] == "AccessDenied":
            return False
        raise
    return True


# --- what shared data are made from ----------------------------------------------------------------


def _models_for_everyone() -> list[Model]:
    return [load_model(name) for name in list_models() if name.startswith(FOR_EVERYONE)]


def _finance_relations() -> set[str]:
    tables = {name.split(".")[1] for name, table in TABLES.items() if table.audience == "finance"}
    models = {load_model(name).relation for name in list_models() if not name.startswith(FOR_EVERYONE)}
    return tables | models | {"contract_cards"}


@pytest.mark.parametrize("model", _models_for_everyone(), ids=lambda model: model.name)
def test_a_model_for_everyone_reads_no_finance_relation_but_the_charges_that_pass_list_prices_on(model: Model) -> None:
    own = set(re.findall(r"(\w+) AS \(", model.query))
    named = set(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", model.query)) - own | set(model.inputs)

    assert named & _finance_relations() <= PASS_THROUGH


@pytest.mark.parametrize("model", _models_for_everyone(), ids=lambda model: model.name)
def test_a_model_for_everyone_names_no_column_of_what_was_paid(model: Model) -> None:
    assert not {column for column in PAID_COLUMNS if re.search(rf"\b{column}\b", model.query, re.IGNORECASE)}


def test_a_model_that_asks_for_what_was_paid_fails_where_shared_data_are_made(tmp_path: Path) -> None:
    with DuckEngine("512MiB", 1, str(tmp_path)) as engine:
        engine.view_files("external_charges", LISTED_CHARGES, [])
        for column in PAID_COLUMNS:
            with pytest.raises(duckdb.BinderException, match=column):
                engine.query(f'SELECT "{column}" FROM external_charges')  # noqa: S608 - a column of ours
        assert engine.query('SELECT "ListCost" FROM external_charges') == []


def test_every_column_of_a_charge_that_a_contract_or_commitment_lowers_is_counted_as_paid() -> None:
    lowered = {name for name in EXTERNAL_CHARGES.names if re.search("Billed|Contracted|Effective", name)}

    assert lowered == PAID_COLUMNS
