"""Signing on the page: who sees it, what its forms do, and what is refused."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.slack.company import FakeDesk
from tests.web.conftest import Browser
from twinledger.outbox import entries
from twinledger.signing import REPLY, Offer, SignatureView, Step, record, signature, take
from twinledger.store.models import Person

FROM_US = {"sec-fetch-site": "same-origin"}
PAGE = "/signoff/2026-10"


@pytest.fixture(autouse=True)
def prepared(desk: FakeDesk) -> None:
    """Fay of finance has prepared one of two statements; Ada is of finance too, Bob is not."""
    with desk.store.transaction() as session:
        session.add(Person(name="fay", title="Fay", slack_user="U0FAY", airflow_user="fay", roles=["finance"]))
        record(session, desk, "2026-10", {"compute": {"deviation": "98765.43"}, "network": {}}, "l1")
    seen = look(desk)
    step = Step("2026-10", "compute", "prepare", "fay", "page", "<script>alert(1)</script>")
    take(desk, step, seen.revision, Offer("d" * 64, seen.figures, ()))


def look(desk: FakeDesk, pool: str = "compute") -> SignatureView:
    with desk.store.reading() as session:
        return signature(session, "2026-10", pool)


def form(page: httpx.Response, event: str, comment: str = "", pool: str = "compute") -> dict[str, str]:
    found = re.search(rf'name="pool" value="{pool}">\n<input type="hidden" name="shown" value="([0-9a-f]+)"', page.text)
    assert found, "the page has no form of the pool"
    return {"pool": pool, "shown": found[1], "event": event, "comment": comment}


def test_finance_alone_sees_what_is_to_be_signed(browser: Browser) -> None:
    assert browser("").get(PAGE).status_code == 401
    assert browser("bob").get(PAGE).status_code == 403
    assert "98,765.43 USD" in browser("ada").get(PAGE).text
    assert "nothing to sign" in browser("ada").get("/signoff/2026-09").text
    assert browser("ada").get("/signoff/2026-13").status_code == 404


def test_each_reader_is_offered_what_the_state_allows_and_comments_are_text(browser: Browser) -> None:
    reviewer, preparer = browser("ada").get(PAGE).text, browser("fay").get(PAGE).text
    assert re.findall(r'name="event" value="(\w+)"', reviewer) == ["sign", "refuse", "prepare"]
    assert re.findall(r'name="event" value="(\w+)"', preparer) == ["withdraw", "prepare"]
    assert "<script>" not in reviewer


def test_a_refusal_needs_a_reason_which_who_prepared_reads(browser: Browser, desk: FakeDesk) -> None:
    ada = browser("ada")
    page = ada.get(PAGE)
    blank = ada.post(PAGE, data=form(page, "refuse", "  "), headers=FROM_US)
    assert (blank.status_code, look(desk).state) == (400, "prepared")
    assert "A reason is required" in blank.text

    done = ada.post(PAGE, data=form(page, "refuse", "one line is missing"), headers=FROM_US)
    assert (done.status_code, look(desk).state, look(desk).comment) == (303, "refused", "one line is missing")
    (told,) = [one for one in entries(desk.store) if one.kind == REPLY]
    assert (told.channel, told.facts["state"], told.facts["comment"]) == ("U0FAY", "refused", "one line is missing")


def test_what_forbids_to_sign_is_said_on_the_page(browser: Browser, desk: FakeDesk) -> None:
    ada = browser("ada")
    refused = ada.post(PAGE, data=form(ada.get(PAGE), "sign"), headers=FROM_US)
    assert (refused.status_code, look(desk).state) == (409, "prepared")
    assert "cannot be signed: neither ledger has anything of compute" in refused.text


def test_a_form_from_elsewhere_or_of_other_figures_signs_nothing(browser: Browser, desk: FakeDesk) -> None:
    ada = browser("ada")
    answer = form(ada.get(PAGE), "refuse", "no")
    assert ada.post(PAGE, data=answer, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    old = ada.post(PAGE, data=answer | {"shown": "0" * 64}, headers=FROM_US)
    assert old.status_code == 409
    assert "has changed since it was shown" in old.text
    assert ada.post(PAGE, data=answer | {"event": "bless"}, headers=FROM_US).status_code == 422
    assert look(desk).state == "prepared"
