"""Reviews on the page: who sees which figures, and what the forms do."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from tests.reviews.example import COMPANY, REVIEW, SECRET, SHARED, review_as_of
from tests.slack.company import FakeDesk
from tests.web.conftest import Browser
from twinledger.reviews import CompanyReview, Review, department_items, keep, sending_of
from twinledger.vocabulary.errors import WrongAudienceError
from twinledger.web.context import templated
from twinledger.web.readers import Reader
from twinledger.web.review_pages import review_values

FROM_US = {"sec-fetch-site": "same-origin"}
PAGE = "/reviews/2026-10"
SHOP_PAGE = f"{PAGE}/departments/shop"
ADA, EVE = Reader("ada", "Ada", ("finance",)), Reader("eve", "Eve", ())


@pytest.fixture
def sent(desk: FakeDesk) -> None:
    """The shop's review and the company's; Bob owns the shop, Ada is of finance, Cy is anybody else."""
    for review in (review_as_of("shop", "Shop"), COMPANY):
        keep(desk, sending_of(review), "test")


def html(found: Review | CompanyReview, reader: Reader) -> str:
    request = Request({"type": "http", "root_path": "/twinledger"})
    values: dict[str, Any] = {"reader": reader, "notice": "", "items": (), "answers": False, "departments": []}
    return bytes(templated(request, "review.html", values | review_values(found)).body).decode()


def test_the_page_has_every_part_with_titles_as_text() -> None:
    page = html(REVIEW, EVE)
    assert re.findall(r"<h2>([^<]+)</h2>", page) == [
        "Against plan", "Months", "Why it moved since the month before", "Top movers", "Anomalies",
        "Requests of the month", "Requests that wait", "Findings",
    ]  # fmt: skip
    assert "数据科学 &lt;Data Science&gt;" in page
    assert page.count("<rect") > 3


def test_finance_sees_both_ledgers_of_the_company_and_nobody_else_can_be_shown_them() -> None:
    secret = f"{SECRET[:3]},{SECRET[3:]}"
    assert secret in html(COMPANY, ADA)
    assert secret not in html(SHARED, EVE)
    with pytest.raises(WrongAudienceError, match="FinanceSection"):
        html(COMPANY, EVE)


@pytest.mark.usefixtures("sent")
def test_each_reader_gets_the_review_that_is_theirs(browser: Browser) -> None:
    assert browser("").get(PAGE).status_code == 401
    finance, everybody = browser("ada").get(PAGE), browser("cy").get(PAGE)
    assert ("Both ledgers" in finance.text, "Both ledgers" in everybody.text) == (True, False)
    assert "271,828.18" not in everybody.text
    assert browser("cy").get(f"{PAGE}.pdf").headers["content-disposition"].endswith("company-review-2026-10.pdf")
    assert browser("ada").get("/reviews/2026-13").status_code == 404


@pytest.mark.usefixtures("sent")
def test_owners_answer_on_the_page_and_others_only_read(browser: Browser, desk: FakeDesk) -> None:
    bob = browser("bob")
    page = bob.get(SHOP_PAGE)
    blank = bob.post(f"{PAGE}/answers", data=_form(page, "variance", "explained"), headers=FROM_US)
    assert (blank.status_code, "needs some words" in blank.text) == (409, True)

    done = bob.post(f"{PAGE}/answers", data=_form(page, "variance", "explained", "the <b>sale</b>"), headers=FROM_US)
    assert (done.status_code, done.headers["location"]) == (303, f"/twinledger{SHOP_PAGE}")
    with desk.store.reading() as session:
        (found,) = (one for one in department_items(session, "2026-10", "shop") if one.id == "variance")
    assert (found.state, found.said, found.answered_on) == ("explained", "the <b>sale</b>", "page")
    assert "the &lt;b&gt;sale&lt;/b&gt;" in bob.get(SHOP_PAGE).text


@pytest.mark.usefixtures("sent")
def test_a_form_from_elsewhere_or_of_somebody_else_answers_nothing(browser: Browser) -> None:
    page = browser("bob").get(SHOP_PAGE)
    form = _form(page, "variance", "done")
    assert (
        browser("bob").post(f"{PAGE}/answers", data=form, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    )
    refused = browser("cy").post(f"{PAGE}/answers", data=form, headers=FROM_US).text
    assert ("answer it" in refused, 'name="outcome"' in refused) == (True, False)
    assert browser("bob").post(f"{PAGE}/answers", data=form | {"outcome": "eaten"}, headers=FROM_US).status_code == 422


def _form(page: httpx.Response, item: str, outcome: str, text: str = "") -> dict[str, str]:
    found = re.search(rf'name="item" value="{item}">\n<input type="hidden" name="shown" value="([0-9]+)"', page.text)
    assert found, "the page has no form of the item"
    return {"department": "shop", "item": item, "shown": found[1], "outcome": outcome, "text": text}
