"""Grants by commands: looked at, verified elsewhere, revoked, and what a session would permit."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests import commands
from tests.slack.company import populate
from twinledger.approvals import Credentials, ensure_signing_key
from twinledger.cli import grants
from twinledger.store import Store
from twinledger.store.models import Grant, Request
from twinledger.vocabulary.settings import PREFIX, load_settings

NOW = datetime.now(UTC).replace(microsecond=0)
LARGE = {"type": "aws_instance", "size": "m5.large", "count": 2, "quantity": "96"}


run = partial(commands.run, "grant")
said = partial(commands.said, "grant")


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_template: Path) -> Path:
    """A store with Cy's grant of the shop, and one that is over."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    (home / "store.db").write_bytes(sqlite_template.read_bytes())
    monkeypatch.setenv("TWINLEDGER_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    ensure_signing_key(settings)
    store = Store(settings.database_url)
    populate(store)
    for number, ends_at in enumerate((NOW + timedelta(days=9), NOW - timedelta(days=1)), 1):
        with store.transaction() as session:
            session.add(
                Request(
                    id=f"req-{number}", requester="cy", department="shop", product="vm", meter="core-hours",
                    quantity=Decimal(96), region="eu-west-1", days=10, period="2026-10", amount=Decimal(48),
                    currency="USD", justification="test", state="approved", revision=2, approvers=["bob"],
                    created_at=NOW, expires_at=NOW, facts={},
                )
            )  # fmt: skip
            session.flush()
            session.add(
                Grant(
                    id=f"grant-{number}", request=f"req-{number}", department="shop", product="vm", meter="core-hours",
                    quantity=Decimal(96), region="eu-west-1", resources=[LARGE], starts_at=NOW - timedelta(days=1),
                    ends_at=ends_at,
                )
            )  # fmt: skip
    store.close()
    return tmp_path


@pytest.mark.usefixtures("deployment")
def test_live_grants_are_listed_and_all_of_them_when_asked() -> None:
    assert [one["id"] for one in said("list", "--department", "shop")] == ["grant-1"]
    assert {one["id"]: one["state"] for one in said("list", "--all")} == {"grant-1": "live", "grant-2": "over"}
    assert "1 grants" in run("list").stdout
    shown = run("show", "grant-1").stdout
    assert "2 x aws_instance m5.large, 96 a day" in shown
    unknown = run("show", "grant-3")
    assert (unknown.exit_code, "no grant 'grant-3'" in unknown.stderr) == (2, True)


def test_a_signed_grant_is_verified_where_there_is_no_store(deployment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {}
    for number in (1, 2):
        files[number] = deployment / f"grant-{number}.json"
        files[number].write_text(run("show", f"grant-{number}", "--signed").stdout)
    public = run("key").stdout.strip()
    assert said("verify", str(files[1]))["genuine"] is True
    monkeypatch.setenv("TWINLEDGER_HOME", str(deployment / "elsewhere"))

    verified = run("verify", str(files[1]), "--key", public)
    assert (verified.exit_code, "grant-1 is genuine" in verified.stdout) == (0, True)
    over = run("verify", str(files[2]), "--key", public)
    assert (over.exit_code, "permits nothing now" in over.stderr) == (1, True)
    files[1].write_text(files[1].read_text().replace("m5.large", "m5.metal"))
    forged = run("verify", str(files[1]), "--key", public)
    assert (forged.exit_code, "is not genuine" in forged.stderr) == (1, True)
    files[1].write_bytes(b"\xff" * 100_000)
    assert run("verify", str(files[1]), "--key", public).exit_code == 2
    assert run("verify", str(files[2])).exit_code == 2, "this deployment has no key of its own"


@pytest.mark.usefixtures("deployment")
def test_a_grant_is_revoked_by_who_may() -> None:
    refused = run("revoke", "grant-1", "--by", "cy", "--why", "no need")
    assert (refused.exit_code, "may not decide grant-1" in refused.stderr) == (2, True)
    assert run("revoke", "grant-1", "--by", "bob", "--why", "no need").exit_code == 0
    shown = said("show", "grant-1")
    assert (shown["state"], shown["revoked_by"], shown["revoked_why"]) == ("revoked", "bob", "no need")
    assert said("list") == []


def test_the_session_policy_is_shown_and_nothing_is_exchanged(
    deployment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deployment.is_dir()
    unset = run("redeem", "grant-1", "--by", "cy")
    assert (unset.exit_code, "no role is configured" in unset.stderr) == (2, True)
    monkeypatch.setenv("TWINLEDGER_BROKER__ROLE_ARN", "arn:aws:iam::111122223333:role/grants")
    shown = run("redeem", "grant-1", "--show-policy")
    assert shown.exit_code == 0, shown.output
    assert "m5.large" in json.dumps(json.loads(shown.stdout))
    assert said("show", "grant-1")["redeemed_at"] is None
    assert run("redeem", "grant-1").exit_code == 2


def test_credentials_are_printed_for_a_shell_and_for_the_configuration_of_aws() -> None:
    given = Credentials("ASIA1", SecretStr("s'3cret"), SecretStr("t0ken"), NOW)
    assert "export AWS_SECRET_ACCESS_KEY='s'\"'\"'3cret'\n" in grants.for_shell(given)
    assert json.loads(grants.for_process(given)) == {
        "Version": 1, "AccessKeyId": "ASIA1", "SecretAccessKey": "s'3cret", "SessionToken": "t0ken",
        "Expiration": NOW.isoformat(),
    }  # fmt: skip


@pytest.mark.usefixtures("deployment")
def test_without_a_product_under_control_nothing_is_ungranted_and_that_is_said() -> None:
    found = run("ungranted", "2026-10")
    assert (found.exit_code, "TWINLEDGER_DETECTION__PRODUCTS" in found.stderr) == (0, True)
    assert said("ungranted", "2026-10") == []
    assert run("ungranted", "October").exit_code == 2
