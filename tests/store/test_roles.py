"""PostgreSQL's roles: what a department's login can read, and that it can read nothing else in any way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from tests.bills.bill_files import focus_csv, write_file
from tests.conftest import FakeGate, Postgres
from twinledger import bills, rating
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.engine.duck import DuckEngine
from twinledger.lake import Lake
from twinledger.places import open_folder
from twinledger.store import Store, audit, chain, models, roles
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings

SECRET = "271828.182845"
NOW = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)


@dataclass
class Server:
    """A database with finance's figures in it, and its logins."""

    postgres: Postgres
    database: str

    def url(self, login: str = "postgres") -> str:
        return self.postgres.url(self.database).replace("postgres@", f"{login}@", 1)

    def login(self, name: str, role: str = "") -> str:
        """The URL of a login in a role, made when it is not there."""
        self.postgres.run(f"DROP ROLE IF EXISTS {name}")
        self.postgres.run(f"CREATE ROLE {name} LOGIN" + (f" IN ROLE {role}" if role else ""))
        return self.url(name)


def _finance_rows(session: Session) -> None:
    amount = Decimal(SECRET)
    session.add(
        models.ContractCard(
            id="card", vendor="v", sku="s", effective_from=date(2026, 1, 1), unit_price=amount, currency="USD",
            clause=SECRET,
        )
    )  # fmt: skip
    session.add(
        models.ReconciliationRun(
            id="run", period="2026-10", digest="d", external_cut="", internal_cut="", verdict="breaks", ran_at=NOW,
            summary={"external": SECRET},
        )
    )  # fmt: skip
    clock = FixedClock(NOW)
    audit.append(session, clock, who="carol", action="closed", subject="2026-10", facts={"amount": SECRET})
    session.add(models.PeriodState(period="2026-10", state="open", facts={"external": SECRET}))
    for number, audience in enumerate(("finance", "everyone")):
        facts = {"amount": SECRET if audience == "finance" else "12.50"}
        session.add(
            models.OutboxItem(
                key=f"{number}-x", kind="budget", audience=audience, channel="#x", subject="s", facts=facts,
                state="pending", attempts=0, not_before=NOW, created_at=NOW,
            )
        )  # fmt: skip
    session.add(models.Budget(department="shop", period="2026-10", amount=Decimal(100), currency="USD"))


@pytest.fixture
def server(postgres: Postgres) -> Iterator[Server]:
    made = Server(postgres, postgres.create())
    store = Store(made.url())
    store.upgrade()
    lake = Lake(made.url(), "/nowhere")
    lake._catalog.create_tables()  # noqa: SLF001 - the lake's catalog as it is beside the store, without its files
    lake.close()
    with store.transaction() as session:
        session.add(
            models.Department(
                name="shop", title="Shop", cost_centre="1", owner="o", budget_holder="o", channel="#s", tenants=[]
            )
        )
        session.flush()
        _finance_rows(session)
    store.close()
    yield made
    postgres.drop(made.database)


def refusal(url: str, statement: str) -> str:
    """What the server says where it refuses a statement; the test fails where it answers."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection, pytest.raises(DBAPIError) as refused:
            connection.exec_driver_sql(statement).all()
        return str(refused.value.orig)
    finally:
        engine.dispose()


def answer(url: str, statement: str) -> list[tuple[object, ...]]:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]
    finally:
        engine.dispose()


# --- every table is sorted -----------------------------------------------------------------------


def test_every_table_of_the_store_is_for_everyone_or_for_finance() -> None:
    tables = {*models.Base.metadata.tables, "alembic_version"}

    assert tables == roles.EVERYONE_TABLES | roles.FINANCE_TABLES, "sort the table in twinledger/store/roles.py"
    assert not roles.EVERYONE_TABLES & roles.FINANCE_TABLES


def test_after_an_upgrade_grants_are_as_the_tables_are_sorted(server: Server) -> None:
    asked = (
        "SELECT relname, has_table_privilege('{}', oid, 'SELECT') FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )

    def readable(role: str) -> set[str]:
        return {str(name) for name, may in answer(server.url(), asked.format(role)) if may}

    assert readable(roles.EVERYONE_ROLE) == roles.EVERYONE_TABLES
    catalog = {"iceberg_tables", "iceberg_namespace_properties"}
    assert readable(roles.FINANCE_ROLE) == roles.EVERYONE_TABLES | roles.FINANCE_TABLES | catalog
    assert readable(roles.APPLICATION_ROLE) == readable(roles.FINANCE_ROLE)


# --- a department ---------------------------------------------------------------------------------


def test_a_department_reads_what_is_for_everyone(server: Server) -> None:
    url = server.login("tl_department", roles.EVERYONE_ROLE)

    for table in roles.EVERYONE_TABLES:
        answer(url, f"TABLE {table}")
    assert answer(url, "SELECT department, amount FROM budgets") == [("shop", Decimal(100))]
    assert answer(url, "SELECT facts ->> 'amount' FROM everyone_outbox") == [("12.50",)]
    assert answer(url, "SELECT * FROM everyone_periods") == [("2026-10", "open", None)]


def test_a_department_reads_no_table_of_finance_in_any_way(server: Server) -> None:
    url = server.login("tl_department", roles.EVERYONE_ROLE)
    engine = create_engine(server.url())
    tables = set(inspect(engine).get_table_names()) - roles.EVERYONE_TABLES
    engine.dispose()
    ways = (
        "SELECT * FROM {}", "SELECT COUNT(*) FROM {}", "TABLE {}", "COPY {} TO STDOUT", "DELETE FROM {} RETURNING *",
        "SELECT table_to_xml('{}', true, true, '')", "SELECT query_to_xml('SELECT * FROM {}', true, true, '')",
        "EXPLAIN ANALYZE SELECT * FROM {}", "CREATE TABLE mine AS TABLE {}", "LOCK TABLE {}", "TRUNCATE {}",
        "UPDATE budgets SET amount = 1 WHERE EXISTS (SELECT FROM {}) RETURNING *",
    )  # fmt: skip

    assert tables >= {"contract_cards", "outbox", "iceberg_tables"}
    for table in tables:
        for way in ways:
            said = refusal(url, way.format(table))
            # A server may be built without XML: then these functions read nothing at all.
            assert "permission denied" in said or "unsupported XML" in said, (table, way)
            assert SECRET not in said


@pytest.mark.parametrize(
    "statement",
    [
        # Errors of a cast cite the value: the view's own condition must come first.
        "SELECT * FROM everyone_outbox WHERE CAST(facts ->> 'amount' AS INTEGER) = 1",
        "SELECT CAST(facts ->> 'amount' AS INTEGER) FROM everyone_outbox",
        "INSERT INTO outbox (key) VALUES ('0-x')",
        "INSERT INTO contract_cards (id) VALUES ('card')",
        "CREATE FUNCTION peek(text) RETURNS boolean LANGUAGE sql COST 0.0001 AS 'SELECT $1::integer > 0'",
        "CREATE FUNCTION pg_temp.peek(text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE TEMPORARY TABLE mine (a INTEGER)",
        "CREATE VIEW mine AS SELECT * FROM contract_cards",
        "SET ROLE twinledger_finance",
        "SET SESSION AUTHORIZATION postgres",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT pg_ls_dir('.')",
        "SELECT lo_import('/etc/passwd')",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "ALTER VIEW everyone_outbox SET (security_barrier = false)",
        "GRANT SELECT ON contract_cards TO tl_department",
        "SELECT * FROM pg_authid",
        "SELECT * FROM pg_statistic",
    ],
)
def test_a_department_gets_no_figure_out_of_an_error_or_a_function(server: Server, statement: str) -> None:
    said = refusal(server.login("tl_department", roles.EVERYONE_ROLE), statement)

    assert "271828" not in said


def test_the_statistics_of_finance_columns_are_hidden_from_a_department(server: Server) -> None:
    answer_of = create_engine(server.url(), isolation_level="AUTOCOMMIT")
    with answer_of.connect() as connection:
        connection.execute(text("ANALYZE"))
    answer_of.dispose()
    url = server.login("tl_department", roles.EVERYONE_ROLE)

    seen = answer(url, "SELECT tablename, most_common_vals::text, histogram_bounds::text FROM pg_stats")

    assert {str(row[0]) for row in seen if str(row[0]) in roles.FINANCE_TABLES} == set()
    assert SECRET not in str(answer(url, "SELECT query FROM pg_stat_activity")) + str(seen)


def test_a_login_in_no_role_cannot_even_connect(server: Server) -> None:
    url = server.login("tl_nobody")

    with pytest.raises(OperationalError, match="permission denied"):
        answer(url, "SELECT 1")


def test_what_is_made_later_is_hidden_from_departments_until_it_is_sorted(server: Server) -> None:
    owner = create_engine(server.url())
    with owner.begin() as connection:
        connection.execute(text("CREATE TABLE later (amount NUMERIC)"))
        connection.execute(text("CREATE FUNCTION secret() RETURNS NUMERIC LANGUAGE sql AS 'SELECT 1.5'"))
    owner.dispose()

    assert "permission denied" in refusal(server.login("tl_department", roles.EVERYONE_ROLE), "SELECT * FROM later")
    assert "permission denied" in refusal(server.url("tl_department"), "SELECT secret()")
    assert answer(server.login("tl_finance", roles.FINANCE_ROLE), "SELECT * FROM later") == []


def test_finance_reads_everything_and_changes_nothing(server: Server) -> None:
    url = server.login("tl_finance", roles.FINANCE_ROLE)

    assert answer(url, "SELECT unit_price FROM contract_cards") == [(Decimal(SECRET),)]
    assert "permission denied" in refusal(url, "DELETE FROM contract_cards RETURNING id")


# --- the application ------------------------------------------------------------------------------


def test_the_application_does_its_work(server: Server, tmp_path: Path) -> None:
    url = server.login("tl_application", roles.APPLICATION_ROLE)
    owner = Lake(server.url(), str(tmp_path / "lake"))
    owner.ensure()
    owner.close()
    write_file(tmp_path / "bills", "bill.csv", focus_csv([{"BilledCost": "2.50"}]))
    settings = Settings(home=tmp_path / "home", reporting_currency="EUR")
    store, lake = Store(url), Lake(url, str(tmp_path / "lake"))
    books = Books(
        settings, store, lake, lambda: DuckEngine("512MiB", 1, str(tmp_path / "spill")), FakeGate({}, []), open_folder,
        FixedClock(datetime(2026, 11, 5, tzinfo=UTC)),
    )  # fmt: skip
    with store.transaction() as session:
        options = {"settle_seconds": 0}
        place = str(tmp_path / "bills")
        session.add(
            models.Source(name="acme", kind="bill", format="focus_1_2", place=place, slice="period", options=options)
        )

    (outcome,) = bills.ingest_source(books, "acme")
    rated = rating.rate_period(books, Period(2026, 10))

    assert (outcome.state, outcome.rows_ledger) == ("ingested", 1)
    assert rated.stops == ()
    with store.reading() as session:
        assert session.scalar(select(models.Delivery.state)) == "ingested"
    lake.close()
    store.close()


def test_the_application_neither_changes_tables_nor_edits_the_audit(server: Server) -> None:
    url = server.login("tl_application", roles.APPLICATION_ROLE)

    for statement in (
        "UPDATE audit SET who = 'x' RETURNING sequence", "DELETE FROM audit RETURNING sequence", "TRUNCATE audit",
        "INSERT INTO audit SELECT * FROM audit ON CONFLICT (sequence) DO UPDATE SET who = 'x' RETURNING sequence",
    ):  # fmt: skip
        assert "permission denied" in refusal(url, statement)
    for statement in (
        "DROP TRIGGER audit_no_change ON audit", "ALTER TABLE audit DISABLE TRIGGER audit_no_change",
        "SET session_replication_role = replica", "DROP FUNCTION refuse_change_of_audit CASCADE",
        "DROP TABLE audit", "ALTER TABLE audit ADD x INTEGER", "TRUNCATE outbox", "CREATE TABLE x ()",
    ):  # fmt: skip
        assert refusal(url, statement)


def test_the_application_adds_to_the_audit(server: Server) -> None:
    store = Store(server.login("tl_application", roles.APPLICATION_ROLE))
    with store.transaction() as session:
        audit.append(session, FixedClock(NOW), who="carol", action="opened", subject="2026-10", facts={})
    with store.reading() as session:
        assert chain.verify(session).entries == 2
    store.close()


def test_the_owner_of_the_tables_is_refused_too_as_long_as_the_trigger_is_there(server: Server) -> None:
    for statement in ("UPDATE audit SET who = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        assert "only appended" in refusal(server.url(), statement)


# --- making the roles -----------------------------------------------------------------------------


def test_granting_again_and_in_another_database_changes_nothing(server: Server) -> None:
    asked = "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    before = answer(server.url(), asked)
    store = Store(server.url())

    with store.engine.begin() as connection:
        assert roles.grant(connection)
    store.close()

    assert answer(server.url(), asked) == before


def test_where_the_migrating_login_may_make_no_roles_the_sql_is_there_for_an_administrator(postgres: Postgres) -> None:
    made = Server(postgres, postgres.create())
    url = made.login("tl_owner")
    postgres.run(f"ALTER DATABASE {made.database} OWNER TO tl_owner")
    store = Store(url)
    store.upgrade()

    with store.engine.connect() as connection:
        assert not roles.grant(connection)
        printed = list(roles.statements(connection))
    assert "everyone_outbox" not in inspect(store.engine).get_view_names()
    store.close()

    administrator = create_engine(made.url())
    with administrator.begin() as connection:
        for statement in printed:
            connection.exec_driver_sql(statement)
    administrator.dispose()
    department = made.login("tl_department", roles.EVERYONE_ROLE)
    assert answer(department, "SELECT * FROM everyone_outbox") == []
    assert "permission denied" in refusal(department, "SELECT * FROM outbox")
    postgres.drop(made.database)
    postgres.run("DROP ROLE tl_owner")


def test_a_database_with_an_awkward_name_is_quoted(postgres: Postgres) -> None:
    postgres.run('CREATE DATABASE "odd""; name"')
    store = Store(f"postgresql+psycopg://postgres@/odd%22%3B%20name?host={postgres.folder}")
    store.upgrade()

    with store.engine.connect() as connection:
        assert 'GRANT CONNECT ON DATABASE "odd""; name"' in "\n".join(roles.statements(connection))
    store.close()
    postgres.drop('"odd""; name"')


def test_sqlite_has_no_roles(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    store.upgrade()
    with store.engine.connect() as connection:
        assert not roles.grant(connection)
    store.close()


def test_a_refused_grant_leaves_the_upgrade_as_it_is(server: Server) -> None:
    """A login may make roles and not own the tables: then nothing is granted, and nothing fails."""
    url = server.login("tl_maker")
    server.postgres.run("ALTER ROLE tl_maker CREATEROLE")
    server.postgres.run(f"GRANT CONNECT ON DATABASE {server.database} TO tl_maker")
    store = Store(url)
    with store.engine.connect() as connection:
        assert not roles.grant(connection)
        assert connection.execute(text("SELECT 1")).scalar() == 1
    store.close()
    server.postgres.run(f"REVOKE CONNECT ON DATABASE {server.database} FROM tl_maker")
