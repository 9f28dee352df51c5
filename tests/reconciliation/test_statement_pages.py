"""The pages of statements: components open to their rows, files are the command's, and finance alone reads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Protocol

import httpx
import pytest
from fastapi import Header

from tests.reconciliation.conftest import Company
from tests.reconciliation.test_statement import OCTOBER, reconciled
from twinledger.books import Books
from twinledger.pools import COMPONENTS
from twinledger.reconciliation import newest_run, pool_statement, render_statement
from twinledger.store import models
from twinledger.web import create_app


class Get(Protocol):
    """A page as somebody sees it: carol of finance, or bob."""

    def __call__(self, path: str, user: str = "carol") -> httpx.Response: ...


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    """Pages only read."""
    return str(request.param)


def _user(x_user: Annotated[str, Header()]) -> str:
    return x_user


@pytest.fixture
def get(company: Company) -> Iterator[Get]:
    for name, roles in (("carol", ["finance"]), ("bob", [])):
        company.add(models.Person(name=name, title=name.title(), airflow_user=name, roles=roles))

    @contextmanager
    def open_books() -> Iterator[Books]:
        yield company.books

    app = create_app(open_books, _user)

    async def asked(path: str, user: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://pages", headers={"x-user": user}) as client:
            return await client.get(path)

    def page(path: str, user: str = "carol") -> httpx.Response:
        return asyncio.run(asked(path, user))

    yield page
    app.state.context.close()


def test_a_page_lists_twelve_components_each_with_a_link_that_opens_its_rows(company: Company, get: Get) -> None:
    reconciled(company)
    page = get("/reconciliation/2026-10/cluster")
    assert page.status_code == 200
    for words in ("BREAKS_OPEN", "-6.00 USD", "+0.01 USD / -0.01 USD", "beyond", *newest_cuts(company)):
        assert words in page.text, words
    for name in COMPONENTS:
        assert f'href="/reconciliation/2026-10/cluster/rows/{name}"' in page.text
    rows = get("/reconciliation/2026-10/cluster/rows/unmetered")
    assert "r2" in rows.text
    assert "-10.00 USD" in rows.text
    assert "Nothing fell into it" in get("/reconciliation/2026-10/cluster/rows/timing").text


def newest_cuts(company: Company) -> tuple[str, str]:
    result = newest_run(company.books, OCTOBER)
    return result.external_cut, result.internal_cut


def test_a_departments_page_opens_to_the_pools_it_comes_from(company: Company, get: Get) -> None:
    reconciled(company)
    page = get("/reconciliation/2026-10/department/shop")
    assert "the platform's own line" in page.text
    rows = get("/reconciliation/2026-10/department/shop/rows/discount_kept")
    assert "cluster" in rows.text
    assert "+4.00 USD" in rows.text


def test_the_page_and_the_command_give_the_same_files(company: Company, get: Get) -> None:
    reconciled(company)
    files = render_statement(company.books, pool_statement(newest_run(company.books, OCTOBER), "cluster"))
    for name in ("manifest.json", "statement.pdf"):
        (expected,) = (one for one in files if one.name == name)
        answer = get(f"/reconciliation/2026-10/cluster/files/{name}")
        assert (answer.content, answer.headers["content-type"]) == (expected.content, expected.media_type)
    assert get("/reconciliation/2026-10/cluster/files/../../x").status_code == 404
    assert get("/reconciliation/2026-10/cluster/files/other.csv").status_code == 404


def test_the_same_cuts_are_the_same_page(company: Company, get: Get) -> None:
    reconciled(company)
    assert get("/reconciliation/2026-10/cluster").text == get("/reconciliation/2026-10/cluster").text


@pytest.mark.parametrize("path", ["", "/rows/idle", "/files/manifest.json"])
@pytest.mark.parametrize("subject", ["cluster", "department/shop"])
def test_finance_alone_reads_a_statement_of_both_ledgers(company: Company, get: Get, subject: str, path: str) -> None:
    reconciled(company)
    answer = get(f"/reconciliation/2026-10/{subject}{path}", "bob")
    assert answer.status_code == 403
    assert "16.00" not in answer.text


@pytest.mark.parametrize(
    "path", ["2026-09/cluster", "2026-10/nowhere", "2026-10/department/nowhere", "2026-10/cluster/rows/tides"]
)
def test_what_there_is_not_is_not_found(company: Company, get: Get, path: str) -> None:
    reconciled(company)
    assert get(f"/reconciliation/{path}").status_code == 404
