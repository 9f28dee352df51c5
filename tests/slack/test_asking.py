"""Asking in Slack: from a command to one request, whatever is typed, sent twice or made up."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from tests.conftest import NOW
from tests.slack.company import FakeDesk, populate
from tests.slack.conftest import Outbox
from tests.slack.fake_slack import FakeSlack, Reply, mentions, wait_until
from twinledger.books import Books
from twinledger.metering import CardUse
from twinledger.slack.handler import SlackHandler
from twinledger.slack.sender import slack_client
from twinledger.slack.spent import MOST_METERS, Position, Spent, position_of, spent_of
from twinledger.store.models import AuditEntry, Base, Commitment, Meter, Person, PolicyRule, Product, Request
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.money import Money
from twinledger.vocabulary.periods import Period

Json = dict[str, Any]
WISH = {
    "ask_department": "shop",
    "ask_product": "vm/core-hours",
    "ask_region": "eu-west-1",
    "ask_quantity": "24",
    "ask_days": "10",
    "ask_justification": "Load test before the sale",
}
both_databases = pytest.mark.parametrize("backend", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    """What requests do on both databases is tested where they are; races are run on both here too."""
    return str(getattr(request, "param", "sqlite"))


@dataclass
class FakeLedger:
    """What departments have spent; remembers who asked."""

    spent: dict[str, str] = field(default_factory=lambda: {"shop": "300.50", "group": "10"})
    currency: str = "USD"
    asked: list[tuple[str, str]] = field(default_factory=list)
    broken: bool = False

    def read(self, department: str, period: Period) -> Money:
        self.asked.append((department, str(period)))
        if self.broken:
            raise OSError
        return Money(Decimal(self.spent[department]), self.currency)


@pytest.fixture
def ledger() -> FakeLedger:
    return FakeLedger()


def answering(desk: FakeDesk, slack: FakeSlack, outbox: Outbox, spent: Spent) -> SlackHandler:
    handler = SlackHandler(desk, slack_client(desk.settings.slack), outbox.drain, spent=spent)

    def deliver(body: bytes, headers: Any) -> Reply:  # noqa: ANN401 - as the workspace hands it over
        reply = handler.handle(body, headers)
        return Reply(reply.status, reply.body)

    slack.deliver = deliver
    return handler


@pytest.fixture
def handler(desk: FakeDesk, slack: FakeSlack, outbox: Outbox, ledger: FakeLedger) -> Iterator[SlackHandler]:
    made = answering(desk, slack, outbox, ledger.read)
    yield made
    made.close()


@dataclass
class Form:
    """The one form that somebody has open, as Slack shows it now."""

    slack: FakeSlack
    user: str

    @property
    def view(self) -> Json:
        (view,) = self.slack.views.values()
        return dict(view)

    @property
    def said(self) -> str:
        """What stands below the fields."""
        blocks = [block for block in self.view["blocks"] if block["type"] not in ("input", "divider")]
        texts = [text["text"] for block in blocks for text in (*block.get("fields", ()), *block.get("elements", ()))]
        return "\n".join([*texts, *(block["text"]["text"] for block in blocks if "text" in block)])

    def fill(self, **fields: str) -> None:
        """Fill in fields one after the other, each when the app has shown what it makes of the last one."""
        for name, value in fields.items():
            before = self.view["hash"]
            if self.slack.fill(self.view, name, value, self.user):
                wait_until(lambda before=before: self.view["hash"] != before, f"{name} is heard of")  # type: ignore[misc]

    def send(self, **more: str) -> Reply:
        return self.slack.submit(self.view, more, self.user)


def opened(slack: FakeSlack, user: str = "U0CY") -> Form:
    assert slack.command("/provision", user).status == 200
    wait_until(lambda: bool(slack.views), "a form is opened")
    return Form(slack, user)


def filled_in(slack: FakeSlack, **more: str) -> Form:
    form = opened(slack)
    form.fill(**{**WISH, **more})
    return form


def count(desk: FakeDesk, model: type[Base]) -> int:
    with desk.store.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def requests(desk: FakeDesk) -> list[Request]:
    with desk.store.reading() as session:
        return list(session.scalars(select(Request)))


def audited(desk: FakeDesk, action: str) -> int:
    with desk.store.reading() as session:
        return len(session.scalars(select(AuditEntry).where(AuditEntry.action == action)).all())


def rule(desk: FakeDesk, then: str) -> None:
    """A policy of one rule that always holds."""
    with desk.store.transaction() as session:
        session.add(PolicyRule(name="always", position=1, conditions={}, outcome=then, reason="<!here> because"))


# --- filling in ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("handler")
@pytest.mark.parametrize("way", ["command", "shortcut"])
def test_the_command_and_the_shortcut_open_the_form_with_ones_own_department(way: str, slack: FakeSlack) -> None:
    sent = {
        "command": lambda: slack.command("/provision", "U0BOB"),
        "shortcut": lambda: slack.shortcut("provision", "U0BOB"),
    }
    assert sent[way]().status == 200
    wait_until(lambda: bool(slack.views), "a form is opened")
    form = Form(slack, "U0BOB")
    wait_until(lambda: position_of(form.view["private_metadata"]) is not None, "what was spent is read")
    chosen = form.view["state"]["values"]["department"]["ask_department"]["selected_option"]
    assert (chosen["value"], chosen["text"]["text"]) == ("shop", "Shop")
    assert form.said.startswith("Price, estimate and budget are shown here once")


@pytest.mark.usefixtures("handler")
@both_databases
def test_the_form_shows_price_estimate_budget_and_who_is_asked_while_it_is_filled_in(
    slack: FakeSlack, desk: FakeDesk
) -> None:
    form = filled_in(slack)
    assert form.said.splitlines() == [
        "*Price*", "0.05 USD for one core-hour",
        "*Estimate*", "24 x 10 days x 0.05 = 12.00 USD",
        "*Available before*", "699.50 USD",
        "*Available after*", "687.50 USD",
        "300.50 USD spent in 2026-10, read at 09:00 UTC",
        "*Ask budget holder* (no rule of policy.yaml holds). First asked: Bob Kahn",
    ]  # fmt: skip
    assert (count(desk, Request), count(desk, Commitment)) == (0, 0)


@pytest.mark.usefixtures("handler")
def test_every_change_of_a_field_shows_what_it_comes_to_then(slack: FakeSlack, desk: FakeDesk) -> None:
    rule(desk, "refuse")
    form = filled_in(slack)
    assert "*Would be refused* (&lt;!here&gt; because)" in form.said
    form.fill(ask_quantity="2.5")
    assert "2.5 x 10 days x 0.05 = 1.25 USD" in form.said
    form.fill(ask_days="0")
    assert form.said == "request refused: days is '0', expected 1 to 366"
    form.fill(ask_days="")
    assert form.said.startswith("Price, estimate and budget are shown here once")


@pytest.mark.usefixtures("handler")
def test_the_ledger_is_read_once_for_each_department(slack: FakeSlack, ledger: FakeLedger) -> None:
    form = filled_in(slack)
    form.fill(ask_department="group")
    assert "10.00 USD spent in 2026-10" in form.said
    assert ledger.asked == [("shop", "2026-10"), ("group", "2026-10")]


@pytest.mark.usefixtures("handler")
def test_what_an_older_state_of_the_form_comes_to_is_not_shown(slack: FakeSlack, handler: SlackHandler) -> None:
    form = filled_in(slack)
    stale = json.loads(json.dumps({**form.view, "hash": "h0"}))
    stale["state"]["values"]["quantity"]["ask_quantity"]["value"] = "1"
    person = {"team": {"id": slack.team}, "user": {"id": "U0CY"}, "trigger_id": "t"}
    change = {"type": "number_input", "action_id": "ask_quantity", "block_id": "quantity"}
    assert slack.send({**person, "type": "block_actions", "view": stale, "actions": [change]}).status == 200
    handler.close()
    assert "24 x 10 days" in form.said
    assert [body["hash"] for name, body in slack.calls if name == "views.update"][-1] == "h0"


@pytest.mark.usefixtures("handler")
def test_of_more_products_than_a_list_takes_those_are_suggested_that_somebody_types(
    slack: FakeSlack, desk: FakeDesk
) -> None:
    with desk.store.transaction() as session:
        for number in range(100):
            kept = {"title": f"Product <{number}>", "description": "", "owner": "ada", "pool": "compute"}
            session.add(Product(name=f"p{number}", state="draft" if number == 7 else "listed", **kept))
            session.flush()
            session.add_all(Meter(product=f"p{number}", name=name, title=name, unit="hour") for name in ("a", "b"))
    form = opened(slack)
    element = next(one["element"] for one in form.view["blocks"] if one["block_id"] == "product")
    assert element["type"] == "external_select"
    every = slack.suggest(form.view, "ask_product", "", "U0CY").json["options"]
    some = slack.suggest(form.view, "ask_product", "<99>: B", "U0CY").json["options"]
    draft = slack.suggest(form.view, "ask_product", "p7/", "U0CY").json["options"]
    departments = slack.suggest(form.view, "ask_product", "shop", "U0CY").json["options"]
    assert len(every) == 100
    assert [(one["value"], one["text"]["text"]) for one in some] == [("p99/b", "Product <99>: b")]
    assert (draft, departments) == ([], [])


# --- sending in ----------------------------------------------------------------------------------


@both_databases
def test_a_form_becomes_a_request_its_approver_is_asked_and_the_requester_told(
    slack: FakeSlack, desk: FakeDesk, handler: SlackHandler
) -> None:
    reply = filled_in(slack).send(ask_account="123456789012", ask_needed_by="2026-10-24")
    assert reply.json["response_action"] == "update"
    handler.close()
    (one,) = requests(desk)
    assert (one.requester, one.department, one.product, one.meter) == ("cy", "shop", "vm", "core-hours")
    assert (one.quantity, one.days, one.region, one.account) == (Decimal(24), 10, "eu-west-1", "123456789012")
    assert (one.amount, one.facts["actual"], one.justification) == (Decimal(12), "300.50", WISH["ask_justification"])
    assert slack.in_channel("#shop")[0]["text"].startswith("Waiting for approval: Cy Twombly asks for 24 core-hour")
    assert "10 days, needed by 24 Oct 2026" in json.dumps(slack.in_channel("#shop")[0]["blocks"])
    told = json.dumps(reply.json["view"])
    assert f"*{one.id}* for 12.00 USD, paid by Shop." in told
    assert "Bob Kahn can decide until 23 Oct 2026, 09:00 UTC" in told
    assert not slack.ephemerals


@both_databases
def test_a_form_that_is_sent_in_again_is_the_same_request(
    slack: FakeSlack, desk: FakeDesk, handler: SlackHandler
) -> None:
    first = filled_in(slack).send()
    body, headers = slack.posted[-1]
    with ThreadPoolExecutor(4) as network:
        again = list(network.map(lambda _: slack.post(body, headers), range(4)))
    handler.close()
    assert {(reply.status, reply.body) for reply in again} == {(200, first.body)}
    assert (count(desk, Request), count(desk, Commitment), audited(desk, "request.submit")) == (1, 1, 1)


@both_databases
def test_a_form_that_comes_twice_at_once_is_one_request(
    slack: FakeSlack, desk: FakeDesk, handler: SlackHandler
) -> None:
    form = filled_in(slack)
    view = {**form.view}
    with ThreadPoolExecutor(4) as network:
        replies = list(network.map(lambda _: slack.submit(view, {}, "U0CY"), range(4)))
    handler.close()
    assert {reply.json["response_action"] for reply in replies} == {"update"}
    assert (count(desk, Request), count(desk, Commitment)) == (1, 1)


def test_what_a_rule_allows_is_granted_at_once_and_said_so(
    slack: FakeSlack, desk: FakeDesk, handler: SlackHandler
) -> None:
    rule(desk, "allow")
    reply = filled_in(slack).send()
    handler.close()
    assert requests(desk)[0].state == "approved"
    assert "Approved by policy at 20 Oct 2026, 09:00 UTC on policy. grant-" in json.dumps(reply.json["view"])


def test_what_a_rule_refuses_is_said_at_the_field_and_recorded_once(
    slack: FakeSlack, desk: FakeDesk, handler: SlackHandler
) -> None:
    rule(desk, "refuse")
    said = {"product": "request refused by rule always of policy.yaml: <!here> because"}
    assert filled_in(slack).send().json == {"response_action": "errors", "errors": said}
    with desk.store.transaction() as session:
        session.execute(delete(PolicyRule))
    body, headers = slack.posted[-1]
    assert slack.post(body, headers).json["errors"] == said
    handler.close()
    assert (count(desk, Request), audited(desk, "request.refused")) == (0, 1)


WRONG = {
    ("quantity", "many"): "quantity is 'many', expected a number above zero",
    ("quantity", "-1"): "quantity is '-1', expected a number above zero",
    ("quantity", "0.0000000001"): "at most 9 decimals",
    ("quantity", "1" * 31): "quantity is '31 characters', expected at most 30",
    ("days", "1.5"): "days is '1.5', expected a whole number",
    ("days", "١٠"): "expected a whole number",
    ("days", "367"): "days is '367', expected 1 to 366",
    ("region", ""): "region is '', expected a name",
    ("region", "r" * 256): "region is '256 characters', expected at most 255",
    ("needed_by", "soon"): "needed_by is 'soon', expected a date, YYYY-MM-DD",
    ("needed_by", "2026-10-19"): "needed_by is '2026-10-19', expected 2026-10-20 or later",
    ("account", "1" * 256): "account is '256 characters', expected at most 255",
    ("justification", "  "): "expected a reason",
    ("justification", "x" * 1001): "justification is '1001 characters', expected at most 1000",
}


@pytest.mark.usefixtures("handler")
def test_what_cannot_be_is_said_at_its_field_and_becomes_nothing(slack: FakeSlack, desk: FakeDesk) -> None:
    form = filled_in(slack)
    for (field_name, typed), sentence in WRONG.items():
        errors = form.send(**{f"ask_{field_name}": typed}).json["errors"]
        assert list(errors) == [field_name], typed
        assert sentence in errors[field_name]
    assert count(desk, Request) == 0
    assert form.send().json["response_action"] == "update"


def test_a_justification_mentions_nobody(slack: FakeSlack, handler: SlackHandler) -> None:
    filled_in(slack).send(ask_justification="<!channel> now\n<@U0ADA>", ask_region="<!here>")
    handler.close()
    card = slack.in_channel("#shop")[0]
    assert set(mentions(card)) == {"<@U0BOB>"}  # the approver, whom we ask
    assert "&lt;!channel&gt; now" in json.dumps(card["blocks"])
    assert not [one for view in (*slack.views.values(), *slack.homes.values()) for one in mentions(view)]


# --- what was spent ------------------------------------------------------------------------------


@pytest.mark.usefixtures("handler")
def test_while_the_ledger_cannot_be_read_nobody_asks_and_the_form_says_so(
    slack: FakeSlack, desk: FakeDesk, ledger: FakeLedger
) -> None:
    ledger.broken = True
    form = filled_in(slack)
    assert form.said.startswith("What the department has spent cannot be read now")
    assert "is being read" in form.send().json["errors"]["department"]
    assert count(desk, Request) == 0


def test_a_deployment_s_books_say_what_was_spent(books: Books) -> None:
    populate(books.store)
    spent = spent_of(books)
    assert spent is not None
    assert spent("shop", Period(2026, 10)) == Money(Decimal(0), "USD")
    with pytest.raises(UnknownNameError, match="no department named 'shoe'"):
        spent("shoe", Period(2026, 10))


@pytest.mark.parametrize("late", [timedelta(minutes=61), timedelta(days=12)])
def test_a_figure_that_is_too_old_or_of_another_month_is_read_again_before_it_counts(
    late: timedelta, slack: FakeSlack, desk: FakeDesk, ledger: FakeLedger, handler: SlackHandler
) -> None:
    form = filled_in(slack)
    ledger.spent["shop"] = "999"
    desk.clock.advance(late)
    before = form.view["hash"]
    assert "is being read" in form.send().json["errors"]["department"]
    wait_until(lambda: form.view["hash"] != before, "what was spent is read again")
    assert form.send().json["response_action"] == "update"
    handler.close()
    assert requests(desk)[0].facts["actual"] == "999.00"


@pytest.mark.usefixtures("handler")
def test_spending_in_another_currency_than_the_price_is_not_subtracted(
    slack: FakeSlack, desk: FakeDesk, ledger: FakeLedger
) -> None:
    ledger.currency = "EUR"
    form = filled_in(slack)
    assert "EUR" in form.said
    assert "USD" in form.send().json["errors"]["product"]
    assert count(desk, Request) == 0


# --- who, and from where -------------------------------------------------------------------------


@pytest.mark.usefixtures("handler")
@pytest.mark.parametrize(("user", "reason"), [("U0EVE", "is no known person"), ("U0DAN", "is dan, dan-too")])
def test_a_user_who_is_not_one_person_gets_a_refusal_instead_of_a_form(
    user: str, reason: str, slack: FakeSlack, desk: FakeDesk
) -> None:
    form = opened(slack, user)
    assert "submit" not in form.view
    assert reason in form.said
    assert count(desk, Request) == 0


@pytest.mark.usefixtures("handler")
def test_who_was_removed_while_filling_in_asks_for_nothing(slack: FakeSlack, desk: FakeDesk) -> None:
    form = filled_in(slack)
    with desk.store.transaction() as session:
        session.get_one(Person, "cy").slack_user = None
    assert "is no known person" in form.send().json["errors"]["department"]
    assert count(desk, Request) == 0


def test_another_workspace_is_refused_and_its_body_is_in_no_log(
    slack: FakeSlack, desk: FakeDesk, outbox: Outbox, ledger: FakeLedger, caplog: pytest.LogCaptureFixture
) -> None:
    named = desk.settings.slack.model_copy(update={"team_id": slack.team})
    ours = FakeDesk(desk.settings.model_copy(update={"slack": named}), desk.store, desk.clock)
    handler = answering(ours, slack, outbox, ledger.read)
    form = filled_in(slack)
    slack.team = "T0OTHER"
    sent: dict[str, Callable[[], Reply | None]] = {
        "a form": form.send,
        "a field": lambda: slack.fill(form.view, "ask_days", "11", "U0CY"),
        "a command": lambda: slack.command("/provision", "U0CY"),
        "a shortcut": lambda: slack.shortcut("provision", "U0CY"),
        "an event": lambda: slack.open_home("U0CY"),
    }
    with caplog.at_level(logging.DEBUG):
        replies = {name: send() for name, send in sent.items()}
    handler.close()
    assert {name: reply and reply.status for name, reply in replies.items()} == dict.fromkeys(sent, 401)
    assert (count(desk, Request), slack.homes) == (0, {})
    assert "of another workspace" in caplog.text
    assert "eu-west-1" not in caplog.text
    challenge = json.dumps({"type": "url_verification", "challenge": "made-up"}).encode()
    assert slack.post(challenge, {**slack.signed(challenge), "content-type": "application/json"}).status == 200


@pytest.mark.usefixtures("handler")
def test_an_unsigned_or_altered_form_becomes_nothing(slack: FakeSlack, desk: FakeDesk) -> None:
    form = filled_in(slack)
    slack.deliver, deliver = lambda *_: Reply(200, ""), slack.deliver
    form.send()
    slack.deliver = deliver
    body, headers = slack.posted[-1]
    unsigned = {"content-type": headers["content-type"]}
    assert slack.post(body, unsigned).status == 401
    assert slack.post(body.replace(b"eu-west-1", b"us-west-1"), headers).status == 401
    assert count(desk, Request) == 0
    assert slack.post(body, headers).status == 200
    assert count(desk, Request) == 1


def test_without_a_ledger_nobody_is_asked_what_cannot_be_answered(slack: FakeSlack, desk: FakeDesk) -> None:
    handler = SlackHandler(desk, slack_client(desk.settings.slack))
    body = b"command=%2Fprovision&user_id=U0CY&trigger_id=t"
    assert handler.handle(body, slack.signed(body)).status == 404
    handler.close()


def test_a_form_carries_how_cards_are_used_within_what_slack_takes() -> None:
    uses = tuple(
        CardUse("p" * 60, f"{number}-{'m' * 60}", Decimal("123456.789"), Decimal("123456.789"), Decimal("37.5"), NOW)
        for number in range(MOST_METERS + 1)
    )
    position = Position("shop", "2026-10", Money(Decimal("300.50"), "USD"), NOW, uses)
    carried = position.as_json()
    assert len(carried) <= 3000
    assert position_of(carried) == replace(position, card_uses=uses[:MOST_METERS])
