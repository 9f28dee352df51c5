from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from twinledger.books import Books
from twinledger.lake.tables import QUARANTINE, USAGE
from twinledger.store import models

Records = list[tuple[str, str, Decimal, str, bool]]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """The folder that the feed delivers into."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def feed(books: Books, inbox: Path) -> Callable[[str], str]:
    """Configures a feed of a format, with tenant `shop` and meters kube/hours and kube/gib."""

    def configure(form: str) -> str:
        with books.store.transaction() as session:
            session.add(models.Person(name="ada", title="Ada", roles=[]))
            answers = {"owner": "ada", "budget_holder": "ada", "cost_centre": "1", "channel": "#shop"}
            session.add(models.Department(name="shop", title="Shop", tenants=["shop"], **answers))
            session.add(models.Pool(name="kube", title="K", owner="ada", kind="shared", position=1,
                                    rules=[], capacity=[], tolerance={}))  # fmt: skip
            session.flush()
            session.add(
                models.Product(name="kube", title="K", description="", owner="ada", pool="kube", state="listed")
            )
            session.flush()
            retired_at = datetime(2026, 10, 10, tzinfo=UTC)
            session.add(models.Product(name="old", title="O", description="", owner="ada", pool="kube", state="retired",
                                       retired_at=retired_at))  # fmt: skip
            session.flush()
            for product, meter in (("kube", "hours"), ("kube", "gib"), ("old", "hours")):
                session.add(models.Meter(product=product, name=meter, title=meter, unit="h"))
            session.add(
                models.Source(name="feed", kind="usage", format=form, place=str(inbox), slice="day", options={})
            )
        return "feed"

    return configure


@pytest.fixture
def usage(books: Books) -> Callable[[], Records]:
    """(day, meter, quantity, period, late) of the usage table, sorted."""

    def records() -> Records:
        with books.engine() as engine:
            engine.view_files("found", USAGE, books.lake.files(USAGE))
            rows = engine.rows("found")
        return sorted((row["day"], row["meter"], row["quantity"], row["period"], row["late"]) for row in rows)

    return records


@pytest.fixture
def refused(books: Books) -> Callable[[], list[tuple[int, str, str]]]:
    """(row, code, reason) of the quarantine, sorted."""

    def rows() -> list[tuple[int, str, str]]:
        with books.engine() as engine:
            engine.view_files("found", QUARANTINE, books.lake.files(QUARANTINE))
            return sorted((row["row"], row["code"], row["reason"]) for row in engine.rows("found"))

    return rows
