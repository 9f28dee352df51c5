"""What a task's exception says in Airflow's log."""

from __future__ import annotations

import os
import traceback

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from sqlalchemy import select

from twinledger.airflow.books import open_books
from twinledger.deployment import prepare
from twinledger.store import Store
from twinledger.store.models import AuditEntry
from twinledger.vocabulary.errors import HiddenError, MissingRateError, TotalMismatchError
from twinledger.vocabulary.settings import PREFIX, Settings

SECRET = "271828.18"


@pytest.fixture
def deployment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(f"{PREFIX}HOME", str(settings.home))
    prepare(settings)
    return settings


def _logged(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("error", [TotalMismatchError("aws", SECRET, "1", "2"), ValueError(f"cannot cast {SECRET}")])
def test_an_error_that_may_cite_a_bill_is_in_the_audit_and_not_in_the_log(
    error: Exception, deployment: Settings
) -> None:
    with pytest.raises(HiddenError) as hidden, open_books():
        raise error

    assert SECRET not in _logged(hidden.value)
    store = Store(deployment.database_url)
    with store.reading() as session:
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "task.fail"))
    store.close()
    assert SECRET in entry.facts["error"]
    assert entry.subject in str(hidden.value)


@pytest.mark.parametrize("error", [AirflowSkipException("nothing to do"), MissingRateError("EUR", "USD", "2026-10")])
def test_what_everybody_may_read_is_raised_as_it_is(error: Exception, deployment: Settings) -> None:
    del deployment
    with pytest.raises(type(error), match=str(error)), open_books():
        raise error
