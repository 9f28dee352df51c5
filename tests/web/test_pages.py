"""Pages over real HTTP: who sees what, and what a form does."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from tests.golden import Golden
from tests.slack.company import WISH, FakeDesk, ask
from tests.slack.conftest import Outbox
from tests.slack.fake_slack import FakeSlack, wait_until
from tests.slack.test_cards import QUARANTINE, RECONCILIATION
from tests.web.conftest import Browser
from twinledger.airflow.stage import StoreStage
from twinledger.approvals import Decision, decide, submit
from twinledger.books import Books
from twinledger.metering import CardUse
from twinledger.outbox import Message, enqueue
from twinledger.reconciliation import reconcile_period
from twinledger.slack.facts import facts_json
from twinledger.store.models import Meter, Request
from twinledger.vocabulary.periods import Period

FROM_US = {"sec-fetch-site": "same-origin"}


def _state(desk: FakeDesk) -> tuple[str, str | None, str | None]:
    with desk.store.reading() as session:
        row = session.get_one(Request, "req-1")
        return row.state, row.decided_by, row.decided_on


def _form(page: httpx.Response, answer: str, comment: str = "") -> dict[str, str]:
    nonce = re.search(r'name="nonce" value="([0-9a-f]+)"', page.text)
    assert nonce, "the page has no form"
    return {"nonce": nonce[1], "answer": answer, "comment": comment}


def _fixed(text: str) -> str:
    """A page without what differs from one showing to the next."""
    return re.sub(r'name="nonce" value="[0-9a-f]+"', 'name="nonce" value="NONCE"', text)


def _tell_finance(desk: FakeDesk) -> None:
    with desk.store.transaction() as session:
        for kind, subject, facts in (
            ("quarantine", "delivery-1", facts_json(QUARANTINE)),
            ("reconciliation", "2026-10", facts_json(RECONCILIATION)),
        ):
            enqueue(session, Message(kind, subject, "#finance", "finance", facts), desk.clock)


# --- who sees what -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/outbox", "/requests/req-1", "/reconciliation/2026-10", "/held", "/docs/index.html"]
)
def test_nobody_sees_a_page_without_signing_in(path: str, browser: Browser) -> None:
    assert browser("").get(path).status_code == 401


@pytest.mark.parametrize("user", ["stranger", "dan"])
def test_a_user_who_is_no_person_or_two_sees_nothing(user: str, browser: Browser) -> None:
    answer = browser(user).get("/outbox")
    assert answer.status_code == 403
    assert "people.yaml" in answer.text


@pytest.mark.parametrize("path", ["/reconciliation/2026-10", "/held", "/held/2026-10", "/docs/index.html"])
def test_what_finance_sees_is_closed_to_others(path: str, browser: Browser) -> None:
    answer = browser("bob").get(path)
    assert answer.status_code == 403
    assert "finance role" in answer.text


def test_messages_to_finance_are_shown_to_finance_alone(desk: FakeDesk, browser: Browser, golden: Golden) -> None:
    ask(desk, justification="<script>alert(1)</script>")
    _tell_finance(desk)
    finance, other = browser("ada").get("/outbox"), browser("bob").get("/outbox")
    assert "98,765.43" in finance.text
    assert "98,765.43" not in other.text
    assert "119.00" not in other.text
    assert "req-1" in other.text
    assert "<script>" not in finance.text
    golden.check("outbox-finance.html", finance.text)
    golden.check("outbox-everyone.html", other.text)


def test_the_first_page_says_what_waits(desk: FakeDesk, browser: Browser, golden: Golden) -> None:
    ask(desk)
    golden.check("home-approver.html", browser("bob").get("/").text)
    assert "/requests/req-1" in browser("cy").get("/").text
    assert "Reconciliations" in browser("ada").get("/").text


def test_every_answer_has_strict_headers(browser: Browser) -> None:
    for path in ("/", "/outbox", "/nowhere", "/health", "/style.css", "/requests/none"):
        headers = browser("ada").get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "script-src" not in headers["content-security-policy"]


def test_health_needs_no_sign_in(browser: Browser) -> None:
    assert browser("").get("/health").json() == {"status": "ok"}


@pytest.mark.parametrize(
    "path", ["/requests/none", "/statements/nobody/2026-10", "/reconciliation/2026-13", "/statements/shop/x"]
)
def test_what_is_not_there_is_not_found(path: str, browser: Browser) -> None:
    assert browser("ada").get(path).status_code == 404


# --- a request and its decision ----------------------------------------------------------------


def test_an_approver_approves_on_the_page(desk: FakeDesk, browser: Browser, golden: Golden, outbox: Outbox) -> None:
    ask(desk)
    outbox.drain()
    bob = browser("bob")
    page = bob.get("/requests/req-1")
    golden.check("request-pending.html", _fixed(page.text))
    answer = bob.post("/requests/req-1", data=_form(page, "approve", "go ahead"), headers=FROM_US)
    assert (answer.status_code, answer.headers["location"]) == (303, "/twinledger/requests/req-1")
    assert _state(desk) == ("approved", "bob", "page")
    after = bob.get("/requests/req-1")
    golden.check("request-approved.html", after.text)
    assert "<form" not in after.text


def test_the_page_and_airflows_show_the_cards_that_are_asked_for_and_held(
    desk: FakeDesk, books: Books, browser: Browser
) -> None:
    with desk.store.transaction() as session:
        session.get_one(Meter, ("vm", "core-hours")).unit = "card-hour"
    held = CardUse("vm", "core-hours", Decimal(1200), Decimal(1200), Decimal("37.5"), desk.clock.now())
    request = submit(desk, replace(WISH, card_uses=[held]))
    wanted, used = "1 card x 240 hours = 240 card-hours", "37.5 % used over 1,200 card-hours of the last 7 days"
    page = browser("bob").get(f"/requests/{request}").text
    assert f"<dt>GPU cards</dt><dd>{wanted}</dd>" in page
    assert f"<dt>Cards held now</dt><dd>{used}" in page
    question = StoreStage(books).question(request)
    assert question
    assert f"GPU cards: {wanted}; held now: {used}" in question.body


def test_a_denial_needs_a_reason(desk: FakeDesk, browser: Browser) -> None:
    ask(desk)
    bob = browser("bob")
    page = bob.get("/requests/req-1")
    refused = bob.post("/requests/req-1", data=_form(page, "deny", "  "), headers=FROM_US)
    assert refused.status_code == 400
    assert "A reason is required" in refused.text
    assert bob.post("/requests/req-1", data=_form(page, "deny", "no"), headers=FROM_US).status_code == 303
    assert _state(desk) == ("denied", "bob", "page")


def test_one_who_may_not_decide_has_no_form_and_is_refused(desk: FakeDesk, browser: Browser) -> None:
    ask(desk)
    cy = browser("cy")
    assert 'value="approve"' not in cy.get("/requests/req-1").text
    refused = cy.post("/requests/req-1", data={"nonce": "1", "answer": "approve"}, headers=FROM_US)
    assert refused.status_code == 409
    assert "the requester never decides" in refused.text
    assert _state(desk)[0] == "pending"


def test_a_second_answer_is_told_who_decided(desk: FakeDesk, browser: Browser) -> None:
    ask(desk)
    bob = browser("bob")
    form = _form(bob.get("/requests/req-1"), "deny", "no")
    decide(desk, Decision("req-1", "bob", "approve", "slack", "click-1"))
    late = bob.post("/requests/req-1", data=form, headers=FROM_US)
    assert late.status_code == 409
    assert "already approved by bob" in late.text


def test_its_requester_withdraws_a_request_on_the_page(desk: FakeDesk, browser: Browser) -> None:
    ask(desk)
    cy = browser("cy")
    form = {"nonce": "1", "answer": "withdraw"}
    assert 'value="withdraw"' in cy.get("/requests/req-1").text
    assert browser("bob").post("/requests/req-1", data=form, headers=FROM_US).status_code == 409
    assert cy.post("/requests/req-1", data=form, headers=FROM_US).status_code == 303
    assert _state(desk)[0] == "withdrawn"
    assert "<form" not in cy.get("/requests/req-1").text


def test_a_program_asks_by_http_once_for_a_key(desk: FakeDesk, browser: Browser) -> None:
    wish = {
        "department": "shop", "product": "vm", "meter": "core-hours", "quantity": "24", "days": 10,
        "region": "eu-west-1", "justification": "a load test",
    }  # fmt: skip
    cy = browser("cy")
    keyed = {**FROM_US, "Idempotency-Key": "build-17"}
    first = cy.post("/requests", json=wish, headers=keyed)
    assert (first.status_code, first.json()["state"], first.json()["amount"]) == (201, "pending", "12.00")
    again = cy.post("/requests", json=wish, headers=keyed)
    assert (again.status_code, again.json()) == (200, first.json())
    with desk.store.reading() as session:
        assert [one.id for one in session.scalars(select(Request))] == [first.json()["request"]]
    for change, status, said in (
        ({"quantity": "0"}, 422, "quantity is '0'"),
        ({"meter": "x"}, 404, "x"),
        ({"requester": "bob"}, 422, "extra"),
    ):
        refused = cy.post("/requests", json={**wish, **change}, headers=FROM_US)
        assert (refused.status_code, said in refused.text) == (status, True)
    assert cy.post("/requests", json=wish, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert browser("nobody").post("/requests", json=wish, headers=FROM_US).status_code == 403


def test_a_form_sent_twice_is_one_answer(desk: FakeDesk, browser: Browser) -> None:
    ask(desk)
    bob = browser("bob")
    form = _form(bob.get("/requests/req-1"), "approve")
    assert [bob.post("/requests/req-1", data=form, headers=FROM_US).status_code for _ in range(2)] == [303, 303]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "authorization": "Bearer x"},
    ],
)
def test_a_form_from_another_site_is_refused(headers: dict[str, str], desk: FakeDesk, browser: Browser) -> None:
    ask(desk)
    bob = browser("bob")
    form = _form(bob.get("/requests/req-1"), "approve")
    assert bob.post("/requests/req-1", data=form, headers=headers).status_code == 403
    assert _state(desk)[0] == "pending"


@pytest.mark.parametrize("headers", [{"origin": "https://airflow.example"}, {"authorization": "Bearer x"}])
def test_a_form_from_us_or_a_program_with_a_token_counts(
    headers: dict[str, str], desk: FakeDesk, browser: Browser
) -> None:
    ask(desk)
    bob = browser("bob")
    form = _form(bob.get("/requests/req-1"), "approve")
    assert bob.post("/requests/req-1", data=form, headers=headers).status_code == 303


def test_an_answer_of_another_kind_is_refused(desk: FakeDesk, browser: Browser) -> None:
    ask(desk)
    answer = browser("bob").post("/requests/req-1", data={"nonce": "1", "answer": "maybe"}, headers=FROM_US)
    assert answer.status_code == 422


# --- Slack through the app's route -------------------------------------------------------------


def test_a_click_in_slack_is_seen_on_the_page_and_on_the_card(
    desk: FakeDesk, connected: FakeSlack, outbox: Outbox, browser: Browser
) -> None:
    ask(desk)
    outbox.drain()
    assert connected.click(connected.in_channel("#shop")[0], "approve", "U0BOB").status == 200
    wait_until(lambda: _state(desk) == ("approved", "bob", "slack"), "the answer is carried out")
    assert "Approved by <strong>Bob Kahn</strong>" in browser("cy").get("/requests/req-1").text


def test_slack_s_route_refuses_what_slack_did_not_sign(address: str, desk: FakeDesk, slack: FakeSlack) -> None:
    ask(desk)
    for path in ("/slack/events", "/slack/interactions"):
        assert httpx.post(address + path, content=b"payload=%7B%7D").status_code == 401
        stale = slack.signed(b"payload=%7B%7D", secret="another")
        assert httpx.post(address + path, content=b"payload=%7B%7D", headers=stale).status_code == 401


def test_slack_s_route_reads_no_more_than_a_megabyte(address: str) -> None:
    assert httpx.post(f"{address}/slack/events", content=b"x" * ((1 << 20) + 1)).status_code == 413


# --- statements, reconciliation, Data Docs -----------------------------------------------------


def test_a_department_without_charges_has_an_empty_statement(browser: Browser) -> None:
    answer = browser("bob").get("/statements/shop/2026-10")
    assert answer.status_code == 200
    assert "No internal charges in this period" in answer.text


def test_a_statement_is_taken_away_as_a_file_of_each_format(browser: Browser) -> None:
    for kind, begins in (("csv", b"period,"), ("xlsx", b"PK"), ("pdf", b"%PDF-"), ("json", b"{")):
        answer = browser("bob").get(f"/statements/shop/2026-10.{kind}")
        assert answer.content.startswith(begins)
        assert f"statement-shop-2026-10.{kind}" in answer.headers["content-disposition"]
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["cache-control"] == "no-store"
    assert browser("").get("/statements/shop/2026-10.csv").status_code == 401
    for path in ("/statements/shop/2026-10.docx", "/statements/nobody/2026-10.csv", "/statements/shop/x.csv"):
        assert browser("bob").get(path).status_code == 404


def test_a_period_is_shown_once_it_is_reconciled(books: Books, browser: Browser) -> None:
    ada = browser("ada")
    assert ada.get("/reconciliation/2026-10").status_code == 404
    reconcile_period(books, Period(2026, 10))
    answer = ada.get("/reconciliation/2026-10")
    assert answer.status_code == 200
    assert "incomplete" in answer.text
    assert ada.get("/held").text == ada.get("/held/2026-10").text
    assert ada.get("/held/2026-09").status_code == 404


def test_data_docs_are_served_from_their_folder_and_from_nowhere_else(books: Books, browser: Browser) -> None:
    site = books.settings.home / "data_docs" / "finance"
    site.mkdir(parents=True)
    (site / "index.html").write_text("<p>suite</p>")
    (books.settings.home / "secret.txt").write_text("not for the web")
    (site / "link.txt").symlink_to(books.settings.home / "secret.txt")
    ada = browser("ada")
    good = ada.get("/docs/finance/index.html")
    assert (good.status_code, good.text) == (200, "<p>suite</p>")
    assert "script-src" not in good.headers["content-security-policy"]
    assert ada.get("/docs/finance/").text == "<p>suite</p>"
    climbing = ["../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "finance/../../secret.txt", "finance/link.txt"]
    climbing += ["/etc/passwd", "%2fetc/passwd", "finance/%00", "finance/missing.html", str(Path("/etc/passwd"))]
    for path in climbing:
        answer = ada.send(ada.build_request("GET", f"/docs/{path}"))
        assert answer.status_code == 404, path
        assert "not for the web" not in answer.text
