from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from twinledger.store import MIGRATIONS, Store
from twinledger.store.models import Base, Break, Budget, DeliverySlice, Rate

UPGRADE = "import sys; from twinledger.store import Store; Store(sys.argv[1]).upgrade()"


def test_the_revisions_build_exactly_the_models(bare_store: Store) -> None:
    bare_store.upgrade()
    with bare_store.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True, "target_metadata": Base.metadata}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_twice_changes_nothing(bare_store: Store) -> None:
    bare_store.upgrade()
    with bare_store.transaction() as session:
        session.add(
            Rate(kind="day", day=date(2026, 10, 1), currency="EUR", quote="USD", rate=Decimal("1.1"), origin="ECB")
        )
    bare_store.upgrade()
    with bare_store.reading() as session:
        assert session.get(Rate, ("day", date(2026, 10, 1), "EUR", "USD")) is not None


def test_processes_that_upgrade_at_once_all_succeed(bare_store: Store) -> None:
    command = [sys.executable, "-c", UPGRADE, bare_store.url]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    errors = [process.communicate(timeout=120)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], errors
    assert "requests" in inspect(bare_store.engine).get_table_names()


def test_an_upgrade_that_fails_leaves_nothing(bare_store: Store) -> None:
    with bare_store.engine.begin() as connection:
        connection.execute(text("CREATE TABLE sources (somebody_elses INTEGER)"))
    with pytest.raises(Exception, match="sources"):
        bare_store.upgrade()
    assert inspect(bare_store.engine).get_table_names() == ["sources"]


def test_references_are_kept_after_an_upgrade(bare_store: Store) -> None:
    bare_store.upgrade()
    budget = Budget(department="nowhere", period="2026-10", amount=Decimal(1), currency="USD")
    with pytest.raises(Exception, match=r"(?i)foreign key"), bare_store.transaction() as session:
        session.add(budget)


def test_slices_of_the_first_schema_become_whole_periods(bare_store: Store) -> None:
    at = datetime(2026, 11, 5, 6, tzinfo=UTC)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with bare_store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO sources (name, kind, format, place, slice, options) "
                "VALUES ('aws', 'bill', 'aws_cur_legacy', '/bills', 'period', '{}')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO deliveries (id, source, digest, key, delivered_at, received_at, state, files, rows_in, "
                "rows_ledger, rows_quarantined) VALUES ('d1', 'aws', 'x', 'k', :at, :at, 'ingested', '[]', 2, 2, 0)"
            ),
            {"at": at},
        )
        connection.execute(
            text(
                "INSERT INTO delivery_slices (delivery, slice, source, current, rows, totals, committed_at) "
                """VALUES ('d1', '2026-10', 'aws', TRUE, 2, '[{"currency": "USD", "billed_cost": "3"}]', :at)"""
            ),
            {"at": at},
        )
    bare_store.upgrade()
    with bare_store.reading() as session:
        found = session.get(DeliverySlice, ("d1", "2026-10", "all"))
    assert found is not None
    assert (found.current, found.committed_at) == (True, at)
    assert found.totals == [{"currency": "USD", "billed_cost": "3"}]


def test_breaks_of_before_they_had_a_life_keep_their_identity_and_are_counted_as_open(bare_store: Store) -> None:
    at = datetime(2026, 11, 5, 6, tzinfo=UTC)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with bare_store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        for identity, state in (("b1", "acknowledged"), ("b2", "resolved")):
            connection.execute(
                text(
                    "INSERT INTO breaks (id, rule, pool, period, subject, amount, currency, tolerance, owner, state, "
                    "opened_at, run, revision) VALUES (:id, 'idle', 'p', '2026-10', 'p', '-2.5', 'USD', '0', 'o', "
                    ":state, :at, 'run-1', 1)"
                ),
                {"id": identity, "state": state, "at": at},
            )
    bare_store.upgrade()
    with bare_store.reading() as session:
        still, gone = session.get_one(Break, "b1"), session.get_one(Break, "b2")
    assert (still.state, still.counted, still.found, still.resolution) == ("acknowledged", Decimal("-2.5"), True, None)
    assert (gone.state, gone.counted, gone.found, gone.resolution) == ("resolved", None, False, "cleared")
