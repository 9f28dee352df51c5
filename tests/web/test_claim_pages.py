"""Claims, suggestions and differences as finance sees them on pages, and nobody else."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

from openpyxl import load_workbook

from tests.web.conftest import Browser
from tests.web.test_views import NOW, RESULT, _html
from twinledger.books import Books
from twinledger.reconciliation import Claim, Matching, ResourceMeter, Suggestion, reconcile_period
from twinledger.vocabulary.periods import Period
from twinledger.web.views import reconciliation_page


def test_the_claim_file_is_for_finance_and_of_a_period_that_was_reconciled(books: Books, browser: Browser) -> None:
    assert browser("").get("/claims/2026-10.xlsx").status_code == 401
    assert browser("bob").get("/claims/2026-10.xlsx").status_code == 403
    assert browser("ada").get("/claims/2026-10.xlsx").status_code == 404
    reconcile_period(books, Period(2026, 10))
    answer = browser("ada").get("/claims/2026-10.xlsx")
    assert answer.status_code == 200
    assert "claims-all-2026-10.xlsx" in answer.headers["content-disposition"]
    assert load_workbook(io.BytesIO(answer.content)).sheetnames[:2] == ["Clauses", "Lines"]
    assert browser("ada").get("/claims/2026-10.xlsx?vendor=Nobody").status_code == 404


def test_the_page_links_the_claim_file_of_each_vendor() -> None:
    html = _html("reconciliation.html", page=reconciliation_page(RESULT, NOW))
    assert 'href="/twinledger/claims/2026-10.xlsx?vendor=Acme%20%3CCloud%3E"' in html
    assert 'href="/twinledger/claims/2026-10.xlsx"' in html


def test_suggestions_differences_and_undercharges_are_shown_as_what_they_are() -> None:
    one, money = Decimal(1), Decimal("-12.5")
    under = Claim("compute", "card-7", "Acme", "m5", 1, one, one, Decimal(3), Decimal(2), "under")
    matching = Matching(
        differences=(
            ResourceMeter("compute", "r<1>", "vm", "core", None, "quantity_differs", Decimal(48), Decimal("23.5"),
                          Decimal("-24.5"), money),
        ),
        suggestions=(Suggestion("compute", "arn/i-1", "i-1", "tail", one, one, money),),
    )  # fmt: skip
    html = _html(
        "reconciliation.html",
        page=reconciliation_page(replace(RESULT, matching=matching, undercharges=(under,)), NOW),
    )
    assert "used for nothing until somebody confirms them" in html
    assert "Billed below what was agreed, and not claimed: 2.00 USD." in html
    assert "<td>quantity differs</td>" in html
    assert "r&lt;1&gt;" in html
    assert '<td class="number">48</td><td class="number">23.5</td>' in html
