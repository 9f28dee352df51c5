"""The pages of alerts over real HTTP: who sees which, what they show, and what their forms do."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.golden import Golden
from tests.slack.company import FakeDesk
from tests.slack.test_alert_buttons import row
from tests.slack.test_alert_cards import ANOMALY, ID, USED
from tests.slack.test_alert_pictures import curve
from tests.web.conftest import Browser
from twinledger.books import Books
from twinledger.charts import Curve, budget_chart
from twinledger.slack.alert_pictures import BooksCurves
from twinledger.store.models import Alert, AlertNote, AnomalyRow
from twinledger.vocabulary.periods import Period

FROM_US = {"sec-fetch-site": "same-origin"}
SECRET = "7d11e0" + "0" * 58


@pytest.fixture
def two(desk: FakeDesk, books: Books, monkeypatch: pytest.MonkeyPatch) -> Books:
    """An alert of the shop's budget, and one of what vendors charged; nothing is known of their days."""
    del desk
    for name in ("of_budget", "of_anomaly"):
        monkeypatch.setattr(BooksCurves, name, lambda *_: None)
    at = datetime(2026, 10, 18, tzinfo=UTC)
    anomaly = AnomalyRow(
        id="anomaly-1", series="aws / compute", view="effective", bucket="day", title="aws / compute", department="",
        shape="spike", started_at=at, ended_at=at + timedelta(days=1), actual=Decimal("300.50"), expected=Decimal(0),
        currency="USD", causes=[], reason="new resource", state="open", answer="", known_through=at, found_at=at,
    )  # fmt: skip
    causes = [{"name": "m5 <24xlarge>", "amount": "310.00"}]
    with books.store.transaction() as session:
        session.add_all([row(USED, "internal", causes=[{"name": "GPU cards", "amount": "9000.10"}]), anomaly])
        session.add(row(ANOMALY, "effective", id=SECRET, department="", owner="finance", causes=causes))
        session.flush()
        session.add(AlertNote(alert_id=ID, who="bob", at=at, surface="slack", text="ask <script>alert(1)</script>"))
    return books


def form(page: httpx.Response, verb: str, **said: str) -> dict[str, str]:
    nonce = re.search(r'name="nonce" value="([0-9a-f]+)"', page.text)
    revision = re.search(r'name="revision" value="(\d+)"', page.text)
    assert nonce, "the page has no form"
    assert revision
    return {"nonce": nonce[1], "revision": revision[1], "verb": verb, **said}


def fixed(text: str) -> str:
    """Without what differs from page to page, and without the picture."""
    text = re.sub(r'name="nonce" value="[0-9a-f]+"', 'name="nonce" value="NONCE"', text)
    return re.sub(r"base64,[A-Za-z0-9+/=]+", "base64,PNG", text)


def kept(books: Books, identity: str) -> Alert:
    with books.store.reading() as session:
        return session.get_one(Alert, identity)


def test_everybody_sees_internal_charges_and_finance_alone_what_vendors_charged(two: Books, browser: Browser) -> None:
    del two
    assert browser("").get("/alerts").status_code == 401
    bob = browser("bob").get("/alerts")
    assert ("450.10" in bob.text, "300.50" in bob.text, SECRET in bob.text) == (True, False, False)
    refused = browser("bob").get(f"/alerts/{SECRET}")
    assert (refused.status_code, "300.50" in refused.text) == (403, False)
    assert "300.50" in browser("ada").get("/alerts").text
    assert browser("ada").get(f"/alerts/{SECRET}").status_code == 200
    assert browser("bob").get("/alerts/nothing").status_code == 404


def test_the_list_is_ranked_and_filtered(two: Books, browser: Browser, golden: Golden) -> None:
    del two
    ada = browser("ada")
    every = ada.get("/alerts")
    golden.check("alerts.html", every.text)
    assert every.text.index("450.10") < every.text.index("300.50")
    assert "300.50" not in ada.get("/alerts", params={"department": "shop"}).text
    assert "None." in ada.get("/alerts", params={"state": "resolved"}).text
    assert "450.10" in ada.get("/alerts", params={"state": "all"}).text


def test_one_alert_has_its_chart_within_the_page_and_in_words(
    two: Books, browser: Browser, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    del two

    def of_budget(_: BooksCurves, budget: str, month: Period) -> Curve:
        return curve(str(month), budget)

    monkeypatch.setattr(BooksCurves, "of_budget", of_budget)
    budget_chart(curve("2026-10"))  # what the first picture of a process loads is loaded before a browser waits
    page = browser("bob").get(f"/alerts/{ID}").text
    golden.check("alert.html", fixed(page))
    png = re.search(r'src="data:image/png;base64,([^"]+)" alt="Chart of shop, 1 Oct to 31 Oct 2026: ', page)
    assert png
    assert base64.b64decode(png[1]).startswith(b"\x89PNG")
    assert "<script>" not in page


def test_a_page_without_a_chart_says_the_rest(two: Books, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    del two

    def broken(*_: Any) -> Curve:  # noqa: ANN401 - whatever it is asked
        raise ZeroDivisionError

    monkeypatch.setattr(BooksCurves, "of_anomaly", broken)
    page = browser("ada").get(f"/alerts/{SECRET}")
    assert (page.status_code, "<img" in page.text, "m5 &lt;24xlarge&gt;" in page.text) == (200, False, True)


def test_what_a_form_does_counts_once(two: Books, browser: Browser) -> None:
    bob, ada = browser("bob"), browser("ada")
    deeds = (("comment", {"text": "yes"}, "new"), ("snooze", {"until": "2026-11-05"}, "snoozed"))
    for verb, said, state in (*deeds, ("acknowledge", {}, "acknowledged")):
        sent = form(bob.get(f"/alerts/{ID}"), verb, **said)
        for _ in range(2):
            assert bob.post(f"/alerts/{ID}", data=sent, headers=FROM_US).status_code == 303
        assert kept(two, ID).state == state
        other = ada.post(f"/alerts/{ID}", data={**sent, "nonce": f"other {verb}"}, headers=FROM_US)
        assert other.status_code == (303 if verb == "comment" else 409)


def test_an_anomaly_is_answered_once(two: Books, browser: Browser) -> None:
    ada = browser("ada")
    sent = form(ada.get(f"/alerts/{SECRET}"), "planned")
    assert ada.post(f"/alerts/{SECRET}", data=sent, headers=FROM_US).status_code == 303
    with two.store.reading() as session:
        assert session.get_one(AnomalyRow, "anomaly-1").answer == "planned"
    again = ada.post(f"/alerts/{SECRET}", data={**sent, "nonce": "other", "verb": "no"}, headers=FROM_US)
    assert again.status_code == 409


def test_who_may_not_and_what_cannot_be_is_refused(two: Books, browser: Browser) -> None:
    cases: list[tuple[str, dict[str, str], dict[str, str], int]] = [
        ("cy", {"verb": "acknowledge"}, FROM_US, 409),
        ("bob", {"verb": "snooze", "until": "soon"}, FROM_US, 409),
        ("bob", {"verb": "acknowledge"}, {"sec-fetch-site": "cross-site"}, 403),
        ("bob", {"verb": "delete"}, FROM_US, 422),
    ]
    for user, data, headers, status in cases:
        sent = {"nonce": "one", "revision": "1", **data}
        assert browser(user).post(f"/alerts/{ID}", data=sent, headers=headers).status_code == status
    assert kept(two, ID).state == "new"


def test_what_vendors_charged_is_not_answered_by_others_nor_told_to_them(two: Books, browser: Browser) -> None:
    del two
    sent = {"nonce": "one", "revision": "1", "verb": "acknowledge"}
    refused = browser("bob").post(f"/alerts/{SECRET}", data=sent, headers=FROM_US)
    assert (refused.status_code, "300.50" in refused.text) == (403, False)
