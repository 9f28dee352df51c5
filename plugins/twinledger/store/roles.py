"""Who may read which table of the store, and PostgreSQL's roles for it.

What belongs here: every table sorted by audience, in this one place, and the GRANTs that follow. What
does not: people and their roles in the company, which are rows (`people.yaml`).

Three group roles without login; administrators make login roles and put them into one:

    twinledger_finance      reads every table
    twinledger_everyone     reads what no figure of a vendor's is in, and views of the rest
    twinledger_application  reads and writes rows; cannot change a table; adds to the audit, never edits it

A table that is in none of the sets is granted to the application and finance alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

FINANCE_ROLE = "twinledger_finance"
EVERYONE_ROLE = "twinledger_everyone"
APPLICATION_ROLE = "twinledger_application"
ROLES = (FINANCE_ROLE, EVERYONE_ROLE, APPLICATION_ROLE)

EVERYONE_TABLES = frozenset(
    {
        "absences", "alembic_version", "budget_movements", "budgets", "catalog_plans", "commitments", "departments",
        "grant_draws", "grants", "interactions", "meters", "metric_values", "people", "policy_rules", "prices",
        "products", "rates", "requests", "tag_keys",
    }
)  # fmt: skip
"""Who consumes, who pays, at which published price; what was asked for and decided."""

FINANCE_TABLES = frozenset(
    {
        "agreements", "alert_notes", "alerts", "anomalies", "anomaly_answers", "audit", "break_comments",
        "break_owners", "break_priorities", "breaks",
        "budget_lines", "commitment_cards", "contract_cards", "control_totals", "deliveries", "delivery_slices",
        "outbox", "periods", "pools", "received_events", "reconciliation_runs", "reporters", "resource_aliases",
        "review_items", "reviews", "signatures", "sources",
    }
)  # fmt: skip
"""What vendors billed or agreed to and whatever may cite it, and what is between the platform and one department."""

EVERYONE_VIEWS: Mapping[str, tuple[str, str]] = {
    "everyone_anomalies": ("anomalies", "SELECT * FROM anomalies WHERE view = 'internal'"),
    "everyone_anomaly_answers": ("anomaly_answers", "SELECT * FROM anomaly_answers WHERE view = 'internal'"),
    "everyone_budget_lines": (
        "budget_lines",
        "SELECT name, period, title, department, scope, amount, currency FROM budget_lines WHERE view = 'internal'",
    ),
    "everyone_outbox": (
        "outbox",
        "SELECT id, kind, channel, subject, facts, state, created_at, sent_at FROM outbox WHERE audience = 'everyone'",
    ),
    "everyone_periods": ("periods", "SELECT period, state, decided_at FROM periods"),
}
"""View -> the table of finance's that it shows a part of, and its query."""

_APPENDED = frozenset({"alert_notes", "audit", "break_comments"})
_STORE = frozenset({"contract_cards", "reconciliation_runs", "outbox"})


def is_store(tables: frozenset[str] | set[str]) -> bool:
    """Whether a database with these tables is a store of ours."""
    return tables >= _STORE


def queries_for_everyone(table: str) -> str | None:
    """What everybody may read of a table of the store: nothing, or its query."""
    if table in EVERYONE_TABLES:
        return f"SELECT * FROM {table}"  # noqa: S608 - a name of this module
    return next((query for name, (of, query) in EVERYONE_VIEWS.items() if table in (name, of)), None)


def may_make_roles(connection: Connection) -> bool:
    """Whether this login may create roles; on SQLite there are none."""
    if connection.dialect.name != "postgresql":
        return False
    allowed = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    return bool(connection.execute(text(allowed)).scalar())


def grant(connection: Connection) -> bool:
    """Make roles, views and grants for the tables that there are; whether they were made. Safe to repeat.

    Nothing happens on SQLite, or where the login may not: `twinledger shield grants` prints what an
    administrator runs instead.
    """
    if not may_make_roles(connection):
        return False
    try:
        with connection.begin_nested():
            for statement in statements(connection):
                connection.exec_driver_sql(statement)
    except DBAPIError:
        return False
    return True


def statements(connection: Connection) -> Iterator[str]:
    """The SQL that `grant` runs, in order, for this database's tables. Names are quoted as its dialect does."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    tables = set(inspect(connection).get_table_names())
    database = quote(str(connection.execute(text("SELECT current_database()")).scalar()))
    finance, everyone, application = (quote(role) for role in ROLES)
    for role in ROLES:
        yield _created(role, quote(role))
    yield f"REVOKE ALL ON DATABASE {database} FROM PUBLIC"
    yield "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
        yield f"REVOKE ALL ON ALL {kind} IN SCHEMA public FROM PUBLIC, {everyone}"
        yield f"ALTER DEFAULT PRIVILEGES REVOKE ALL ON {kind} FROM PUBLIC"
    yield f"GRANT CONNECT ON DATABASE {database} TO {finance}, {everyone}, {application}"
    yield f"GRANT USAGE ON SCHEMA public TO {finance}, {everyone}, {application}"
    yield from _to_finance_and_application(finance, application)
    for table in sorted(tables & _APPENDED):
        yield f"REVOKE UPDATE, DELETE ON {quote(table)} FROM {application}"
    for table in sorted(tables & EVERYONE_TABLES):
        yield f"GRANT SELECT ON {quote(table)} TO {everyone}"
    for name, (of, query) in sorted(EVERYONE_VIEWS.items()):
        if of in tables:
            yield f"CREATE OR REPLACE VIEW {quote(name)} WITH (security_barrier = true) AS {query}"
            yield f"REVOKE ALL ON {quote(name)} FROM PUBLIC"
            yield f"GRANT SELECT ON {quote(name)} TO {everyone}"


def _to_finance_and_application(finance: str, application: str) -> Iterator[str]:
    """Present tables, and those that this login makes later: the lake's catalog, and newer revisions'."""
    rows = "SELECT, INSERT, UPDATE, DELETE"
    yield f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {finance}"
    yield f"GRANT {rows} ON ALL TABLES IN SCHEMA public TO {application}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {application}"
    yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {finance}"
    yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rows} ON TABLES TO {application}"
    yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {application}"


def _created(role: str, quoted: str) -> str:
    """Roles are the whole server's: another database, or another process, may have made them."""
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') "
        f"THEN CREATE ROLE {quoted} NOLOGIN; END IF; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
