from __future__ import annotations

from pathlib import Path

import pytest

from twinledger.vocabulary.errors import InvalidConfigError, UnknownSettingError
from twinledger.vocabulary.settings import Settings, load_settings


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "twinledger.yaml"


def test_without_file_and_environment_everything_has_a_default(file: Path) -> None:
    assert load_settings(file).reporting_currency == "USD"


def test_the_environment_comes_before_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("timezone: Europe/Berlin\nlake: {memory_limit: 1GiB, threads: 1}\n")
    monkeypatch.setenv("TWINLEDGER_LAKE__MEMORY_LIMIT", "4GiB")
    loaded = load_settings(file)
    assert (loaded.timezone, loaded.lake.memory_limit, loaded.lake.threads) == ("Europe/Berlin", "4GiB", 1)


def test_an_unknown_key_is_refused_by_name(file: Path) -> None:
    file.write_text("timezon: UTC\n")
    with pytest.raises(UnknownSettingError, match="timezon"):
        load_settings(file)


def test_an_unknown_variable_is_refused_by_name(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLEDGER_HOUSE", "here")
    with pytest.raises(UnknownSettingError, match="TWINLEDGER_HOUSE"):
        load_settings(file)


def test_a_value_of_the_wrong_form_is_refused_with_its_place(file: Path) -> None:
    file.write_text("lake: {threads: -1}\n")
    with pytest.raises(InvalidConfigError, match=r"lake\.threads"):
        load_settings(file)


def test_secrets_do_not_show() -> None:
    settings = Settings.model_validate(
        {"store_url": "postgresql://me:hunter2@db/x", "slack": {"token": "xoxb-hunter2"}}
    )
    assert "hunter2" not in repr(settings) + str(settings)
    assert settings.database_url == "postgresql://me:hunter2@db/x"
