"""The pages of breaks over real HTTP: who sees them, what they show, and what their forms do."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from tests.golden import Golden
from tests.slack.company import FakeDesk
from tests.slack.conftest import Outbox
from tests.slack.fake_slack import FakeSlack, wait_until
from tests.web.conftest import Browser
from twinledger.books import Books
from twinledger.deeds import Act
from twinledger.reconciliation import assign, break_view, comment
from twinledger.store.models import Break

FROM_US = {"sec-fetch-site": "same-origin"}
IDLE, OLD = "3f2a9c" + "0" * 58, "7d11e0" + "0" * 58


@pytest.fixture
def two(desk: FakeDesk, books: Books) -> Books:
    """A large break of today and a small one of a month ago."""
    now = desk.clock.now()
    rows = [
        ("idle", "compute", IDLE, "-98765.43", now, "bob"),
        ("control_total", "", OLD, "12.5", now - timedelta(days=31), "finance"),
    ]
    with books.store.transaction() as session:
        for rule, pool, identity, amount, opened_at, owner in rows:
            session.add(
                Break(
                    id=identity, rule=rule, pool=pool, period="2026-10", subject=pool or "AWS <1> USD",
                    amount=Decimal(amount), currency="USD", tolerance=Decimal("0.01"), owner=owner, state="new",
                    opened_at=opened_at, run="run-1", revision=1,
                )
            )  # fmt: skip
    return books


def form(page: httpx.Response, verb: str, **said: str) -> dict[str, str]:
    nonce = re.search(r'name="nonce" value="([0-9a-f]+)"', page.text)
    revision = re.search(r'name="revision" value="(\d+)"', page.text)
    assert nonce, "the page has no form"
    assert revision
    return {"nonce": nonce[1], "revision": revision[1], "verb": verb, **said}


def fixed(text: str) -> str:
    return re.sub(r'name="nonce" value="[0-9a-f]+"', 'name="nonce" value="NONCE"', text)


@pytest.mark.parametrize("path", ["/breaks", f"/breaks/{IDLE}"])
def test_breaks_are_for_finance(path: str, two: Books, browser: Browser) -> None:
    del two
    assert browser("").get(path).status_code == 401
    answer = browser("bob").get(path)
    assert (answer.status_code, "98,765" in answer.text) == (403, False)
    refused = browser("bob").post(f"/breaks/{IDLE}", data={"verb": "fix"}, headers=FROM_US)
    assert refused.status_code == 403


def test_the_list_is_ranked_and_filtered(two: Books, browser: Browser, golden: Golden) -> None:
    del two
    ada = browser("ada")
    every = ada.get("/breaks")
    golden.check("breaks.html", every.text)
    assert every.text.index("98,765.43") < every.text.index("12.50")
    assert "98,765.43" not in ada.get("/breaks", params={"age": ">30"}).text
    assert "12.50" not in ada.get("/breaks", params={"pool": "compute", "owner": "bob"}).text
    assert "None." in ada.get("/breaks", params={"state": "accepted"}).text


def test_one_break_shows_what_was_said_and_done(desk: FakeDesk, two: Books, browser: Browser, golden: Golden) -> None:
    comment(two, Act(IDLE, "bob", "slack", "1"), "ask <script>alert(1)</script>")
    assign(two, Act(IDLE, "ada", "command line", "2"), "bob")
    desk.clock.advance(timedelta(days=3))
    page = browser("ada").get(f"/breaks/{IDLE}")
    golden.check("break.html", fixed(page.text))
    assert "<script>" not in page.text
    assert "2-7" in page.text
    assert browser("ada").get("/breaks/none").status_code == 404


def test_a_form_acts_once_and_tells_whom_the_break_is_given_to(
    two: Books, browser: Browser, outbox: Outbox, slack: FakeSlack
) -> None:
    del outbox
    ada = browser("ada")
    sent = form(ada.get(f"/breaks/{IDLE}"), "assign", assignee="bob")
    for _ in range(2):
        answer = ada.post(f"/breaks/{IDLE}", data=sent, headers=FROM_US)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/twinledger/breaks/{IDLE}")
    assert [deed.action for deed in break_view(two, IDLE).history] == ["break.assign"]
    wait_until(lambda: bool(slack.in_channel("U0BOB")), "bob is told, after the page has answered")
    assert len(slack.in_channel("U0BOB")) == 1


def test_snoozing_waits_for_a_day_that_is_one(two: Books, browser: Browser) -> None:
    ada = browser("ada")
    page = ada.get(f"/breaks/{IDLE}")
    refused = ada.post(f"/breaks/{IDLE}", data=form(page, "snooze", until="soon"), headers=FROM_US)
    assert refused.status_code == 409
    assert "expected a day, as 2026-11-05" in refused.text
    ada.post(f"/breaks/{IDLE}", data=form(page, "snooze", until="2026-11-05"), headers=FROM_US)
    line = break_view(two, IDLE).line
    assert (line.state, str(line.snoozed_until)) == ("snoozed", "2026-11-05 00:00:00+00:00")


def test_accepting_freezes_the_evidence_and_takes_the_forms(two: Books, browser: Browser) -> None:
    ada = browser("ada")
    page = ada.get(f"/breaks/{OLD}", params={"cause": "true"})
    assert "no rows of either ledger" in page.text
    ada.post(f"/breaks/{OLD}", data=form(page, "accept", text="a cent of rounding"), headers=FROM_US)
    after = ada.get(f"/breaks/{OLD}")
    assert "a cent of rounding" in after.text
    assert "What to do" not in after.text
    assert break_view(two, OLD).evidence is not None
    second = ada.post(f"/breaks/{OLD}", data=form(page, "fix", text="JE-1"), headers=FROM_US)
    assert second.status_code == 409
    assert "was already accepted by Ada Lovelace" in second.text


def test_what_changed_since_the_page_was_shown_is_not_overwritten(two: Books, browser: Browser) -> None:
    ada = browser("ada")
    page = ada.get(f"/breaks/{IDLE}")
    assign(two, Act(IDLE, "ada", "slack", "1"), "bob")
    stale = ada.post(f"/breaks/{IDLE}", data=form(page, "fix", text="JE-1"), headers=FROM_US)
    assert (stale.status_code, break_view(two, IDLE).line.state) == (409, "new")
    assert ada.post(f"/breaks/{IDLE}", data=form(page, "comment", text="hm"), headers=FROM_US).status_code == 303


def test_a_form_from_another_site_does_nothing(two: Books, browser: Browser) -> None:
    ada = browser("ada")
    sent = form(ada.get(f"/breaks/{IDLE}"), "acknowledge")
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {}):
        assert ada.post(f"/breaks/{IDLE}", data=sent, headers=headers).status_code == 403
    assert break_view(two, IDLE).history == ()
