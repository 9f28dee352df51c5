"""Every setting, read once at the edge into one frozen object.

What belongs here: names, types and defaults of settings. What does not: reading them anywhere else,
and the company's own configuration (sources, catalog, pools), which is YAML under `config`.

A setting comes from the environment (`TWINLEDGER_LAKE__MEMORY_LIMIT=4GiB`), else from
`twinledger.yaml` in the working directory, else from its default.
"""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from twinledger.vocabulary.errors import InvalidConfigError, UnknownSettingError

ROOT = Path(__file__).resolve().parents[3]
"""The checkout or image that holds sql/, expectations/ and config/."""

PREFIX = "TWINLEDGER_"


class LakeSettings(BaseModel):
    """Where facts lie and how much memory may be used to write them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    warehouse: str = Field("", description="Folder of the Iceberg tables; default HOME/lake.")
    finance: str = Field("", description="Folder of what only finance may read; default WAREHOUSE/finance.")
    shared: str = Field("", description="Folder of what everybody may read; default WAREHOUSE/shared.")
    memory_limit: str = Field("2GiB", description="Most memory that one query may hold before it spills to disk.")
    threads: int = Field(0, ge=0, description="Threads of one query; 0 is one for each core.")
    spill: str = Field("", description="Folder to spill to; default HOME/spill.")


class SlackSettings(BaseModel):
    """How messages leave. Without a token they stay in the local outbox."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: SecretStr = Field(SecretStr(""), description="Bot token, xoxb-...")
    signing_secret: SecretStr = Field(SecretStr(""), description="Verifies what Slack posts to us.")
    app_token: SecretStr = Field(SecretStr(""), description="App-level token of Socket Mode, xapp-...")
    team_id: str = Field("", description="Workspace, T...: what comes from another one is refused.")
    base_url: str = Field("https://slack.com/api/", description="Another server in tests.")
    finance_channel: str = Field("#finance", description="Where reconciliation messages go.")
    operators_channel: str = Field("#twinledger-operators", description="Where quarantines and failures go.")


class EventSettings(BaseModel):
    """Where buckets say that an object was created. Without a queue only the clock starts ingestion."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queue_url: str = Field("", description="SQS queue of object-created notifications; without one nothing is awaited.")
    region: str = Field("", description="Region of the queue; default as boto3 finds it.")
    endpoint: str = Field("", description="Another server of the queue's protocol.")
    profile: str = Field("", description="Profile of boto3's configuration with the queue's credentials.")


class ControlSettings(BaseModel):
    """How far the ledger may be from what others say an account was charged, in smallest units of its currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    manifest_units: int = Field(0, ge=0, description="Cents (smallest units) that a manifest's total may be off.")
    invoice_units: int = Field(1, ge=0, description="Cents that an invoice may be off: it is rounded once.")
    invoice_detail_units: int = Field(
        100, ge=0, description="Cents that a FOCUS Invoice Detail may be off: each of its lines is rounded."
    )
    cost_explorer_units: int = Field(1, ge=0, description="Cents that Cost Explorer's total may be off.")


class MeteringSettings(BaseModel):
    """Events over HTTP: when a file of them becomes a delivery, and for how long an event is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    close_seconds: int = Field(300, ge=1, description="Seconds after which a file of received events is closed.")
    close_bytes: int = Field(64 << 20, ge=1, description="Bytes after which it is closed.")
    remember_days: int = Field(
        35, ge=1, description="Days for which an event that is sent again is answered as a duplicate."
    )


class GrantSettings(BaseModel):
    """The key that grants are signed with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signing_key: SecretStr = Field(
        SecretStr(""), description="32 random bytes in Base64 that sign grants; without them HOME/grants.key."
    )


class BrokerSettings(BaseModel):
    """The role of AWS that a grant is exchanged for. Without one, no grant is exchanged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role_arn: str = Field("", description="ARN of the role; `{account}` in it is the account of the grant.")
    external_id: SecretStr = Field(SecretStr(""), description="External id that the role's trust policy asks for.")
    duration_seconds: int = Field(900, ge=900, le=3600, description="Seconds that credentials last.")
    launch_disk_gib: int = Field(128, ge=1, description="GiB of the largest disk that an instance is launched with.")
    region: str = Field("", description="Region whose STS is asked; default as boto3 finds it.")
    endpoint: str = Field("", description="Another server of the protocol of STS.")
    profile: str = Field("", description="Profile of boto3's configuration with the broker's own credentials.")


class DetectionSettings(BaseModel):
    """What is looked for past the gate. Without a product, nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    products: str = Field("", description="Products whose resources need a grant, with commas between.")

    @property
    def names(self) -> tuple[str, ...]:
        """The products' names."""
        return tuple(name.strip() for name in self.products.split(",") if name.strip())


class AnomalySettings(BaseModel):
    """From what on a bucket of a daily or hourly series stands out, and when days are final."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least_amount: Decimal = Field(
        Decimal(10), ge=0, description="Money of the reporting currency that a day or hour must be off by."
    )
    least_share: float = Field(0.1, ge=0, description="Share of what was expected that it must be off by.")
    deviations: float = Field(4.0, ge=2, description="Standard deviations of earlier errors that it must be off by.")
    internal_final_days: int = Field(1, ge=1, description="Days after which a day of the internal ledger is final.")
    effective_final_days: int = Field(3, ge=1, description="Days after which a day of vendors' bills is final.")
    countries: str = Field("US,CN", description="Whose holidays count: ISO 3166 codes, by comma.")

    @property
    def calendars(self) -> tuple[str, ...]:
        """The countries' codes."""
        return tuple(code.strip().upper() for code in self.countries.split(",") if code.strip())


class Settings(BaseSettings):
    """All settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        nested_model_default_partial_update=True,
    )

    home: Path = Field(Path(".twinledger"), description="State of this deployment: store, lake, spill, logs.")
    config: Path = Field(ROOT / "config", description="Folder of the company's YAML files.")
    store_url: SecretStr = Field(SecretStr(""), description="SQLAlchemy URL; default SQLite in HOME.")
    timezone: str = Field("UTC", description="Accounting time zone of the company.")
    reporting_currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="Currency of reports and prices.")
    public_url: str = Field("http://127.0.0.1:8080", description="Where people reach Airflow and our pages.")
    lake: LakeSettings = LakeSettings()
    slack: SlackSettings = SlackSettings()
    controls: ControlSettings = ControlSettings()
    events: EventSettings = EventSettings()
    metering: MeteringSettings = MeteringSettings()
    grants: GrantSettings = GrantSettings()
    broker: BrokerSettings = BrokerSettings()
    detection: DetectionSettings = DetectionSettings()
    anomalies: AnomalySettings = AnomalySettings()

    @property
    def database_url(self) -> str:
        """The store's SQLAlchemy URL, with its password: for engines, never for messages."""
        return self.store_url.get_secret_value() or f"sqlite:///{(self.home / 'store.db').resolve()}"

    @property
    def warehouse(self) -> str:
        """The folder of the Iceberg tables."""
        return self.lake.warehouse or str((self.home / "lake").resolve())

    @property
    def lake_roots(self) -> dict[str, str]:
        """Folders for the tables of each audience, where they are not below the warehouse."""
        return {"finance": self.lake.finance, "shared": self.lake.shared}

    @property
    def spill(self) -> str:
        """The folder that large queries spill to."""
        return self.lake.spill or str((self.home / "spill").resolve())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What code hands in comes first, then the environment."""
        del settings_cls, dotenv_settings, file_secret_settings
        return (init_settings, env_settings)


def _unknown_variables() -> set[str]:
    known = {name.upper() for name in Settings.model_fields}
    given = {name.removeprefix(PREFIX) for name in os.environ if name.startswith(PREFIX)}
    return {PREFIX + name for name in given if name.split("__")[0] not in known}


def _with_file(values: dict[str, Any]) -> type[Settings]:
    """Settings whose last source, after the environment, is a file's values."""

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            *sources: PydanticBaseSettingsSource,
            **named: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            before = super().settings_customise_sources(settings_cls, *sources, **named)
            return (*before, InitSettingsSource(settings_cls, init_kwargs=values))

    return FromFile


def load_settings(file: Path | None = None) -> Settings:
    """Read the settings of this process from the environment and the settings file.

    Raises:
        UnknownSettingError: the file or the environment names something that is no setting.
        InvalidConfigError: a value is not of its setting's type.
    """
    path = file or Path("twinledger.yaml")
    if unknown := _unknown_variables():
        raise UnknownSettingError(unknown, Settings.model_fields)
    values: dict[str, Any] = (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}
    try:
        return _with_file(values)()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise UnknownSettingError([place], Settings.model_fields) from None
        raise InvalidConfigError(str(path if path.exists() else "environment"), place, first["msg"]) from None
