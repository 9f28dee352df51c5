"""Statements in Slack: the card, its buttons, and who is told what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.slack.company import FakeDesk
from tests.slack.conftest import Outbox
from tests.slack.fake_slack import FakeSlack, Reply, problem_of, wait_until
from twinledger.outbox import OutboxEntry, entries
from twinledger.signing import Offer, SignatureView, Step, record, signature, take
from twinledger.slack.handler import SlackHandler
from twinledger.slack.render import Links, render
from twinledger.slack.sender import slack_client
from twinledger.slack.signoff import REFUSE, SIGN
from twinledger.store.models import Person

FIGURES = {"internal": "10.00", "external": "8.00", "deviation": "2.00", "unexplained": "0.00"}


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    """What signing does on both databases is tested there."""
    return str(request.param)


def look(desk: FakeDesk) -> SignatureView:
    with desk.store.reading() as session:
        return signature(session, "2026-10", "compute")


def move(desk: FakeDesk, step: Step) -> SignatureView:
    """As `reconciliation.sign_off`, on a statement that says what the last run said."""
    seen = look(desk)
    return take(desk, step, seen.revision, Offer("d" * 64, seen.figures, ()))


def run(desk: FakeDesk, figures: dict[str, str]) -> None:
    with desk.store.transaction() as session:
        record(session, desk, "2026-10", {"compute": figures}, "l1")


@pytest.fixture
def handler(desk: FakeDesk, slack: FakeSlack, outbox: Outbox) -> Iterator[SlackHandler]:
    """Our side, with Fay and Ada of finance, and a statement that Fay has prepared."""
    with desk.store.transaction() as session:
        session.add(Person(name="fay", title="Fay <!channel>", slack_user="U0FAY", roles=["finance"]))
    run(desk, FIGURES)
    made = SlackHandler(desk, slack_client(desk.settings.slack), outbox.drain, lambda step: move(desk, step))

    def deliver(body: bytes, headers: Any) -> Reply:  # noqa: ANN401 - as the workspace hands it over
        reply = made.handle(body, headers)
        return Reply(reply.status, reply.body)

    slack.deliver = deliver
    move(desk, Step("2026-10", "compute", "prepare", "fay", "page", "all *explained*"))
    outbox.drain()
    yield made
    made.close()


def card(slack: FakeSlack) -> dict[str, Any]:
    (found,) = slack.in_channel("#finance")
    return found


def told(slack: FakeSlack) -> list[tuple[str, str]]:
    return [(one["user"], one["text"]) for one in slack.ephemerals]


def test_a_signature_updates_the_card_takes_its_buttons_and_tells_who_prepared(
    desk: FakeDesk, slack: FakeSlack, handler: SlackHandler
) -> None:
    before = card(slack)
    assert before["text"] == (
        "To be signed: compute, 2026-10. Fay &lt;!channel&gt; prepared the statement of compute for 2026-10: "
        "deviation +2.00 USD, unexplained 0.00 USD, no break"
    )
    assert slack.click(before, SIGN, "U0ADA").status == 200
    handler.close()

    assert (look(desk).state, look(desk).decided_by, look(desk).decided_on) == ("signed", "ada", "slack")
    after = card(slack)
    assert after["text"].startswith("Signed: compute, 2026-10")
    assert not [block for block in after["blocks"] if block["type"] == "actions"]
    (reply,) = slack.in_channel("U0FAY")
    assert reply["text"] == "The statement of compute for 2026-10 is signed by ada"
    assert told(slack) == []


def test_a_second_click_is_told_who_signed(desk: FakeDesk, slack: FakeSlack, handler: SlackHandler) -> None:
    with desk.store.transaction() as session:
        session.add(Person(name="gus", title="Gus", slack_user="U0GUS", roles=["finance"]))
    # Both press what they see: the card loses its buttons as soon as the first click is signed.
    first, second = (slack.click_payload(card(slack), SIGN, user) for user in ("U0ADA", "U0GUS"))
    slack.send(first)
    wait_until(lambda: look(desk).state == "signed", "the first click signs")
    slack.send(second)
    handler.close()

    assert told(slack) == [("U0GUS", "Already signed by ada at 20 Oct 2026, 09:00 UTC")]


@pytest.mark.parametrize(
    ("user", "reason"), [("U0FAY", "who prepares does not sign"), ("U0BOB", "finance's"), ("U0NIL", "no known person")]
)
def test_who_may_not_sign_is_told_so_privately(
    desk: FakeDesk, slack: FakeSlack, handler: SlackHandler, user: str, reason: str
) -> None:
    slack.click(card(slack), SIGN, user)
    handler.close()
    assert look(desk).state == "prepared"
    assert [(who, reason in text) for who, text in told(slack)] == [(user, True)]


def test_a_refusal_asks_for_its_reason_and_who_prepared_reads_it(
    desk: FakeDesk, slack: FakeSlack, handler: SlackHandler
) -> None:
    slack.click(card(slack), REFUSE, "U0ADA")
    wait_until(lambda: bool(slack.views), "a form is opened")
    form = next(iter(slack.views.values()))
    assert slack.submit(form, {"reason": " "}, "U0ADA").json["errors"] == {"reason": "A reason is required."}
    assert slack.submit(form, {"reason": "the credit note is missing"}, "U0ADA").status == 200
    handler.close()

    assert (look(desk).state, look(desk).comment) == ("refused", "the credit note is missing")
    assert "the credit note is missing" in json.dumps(slack.in_channel("U0FAY")[0]["blocks"])
    assert card(slack)["text"].startswith("Not signed: compute, 2026-10")


def test_a_click_on_a_card_of_other_figures_signs_nothing(
    desk: FakeDesk, slack: FakeSlack, handler: SlackHandler
) -> None:
    old = card(slack)
    run(desk, FIGURES | {"internal": "11.00"})
    move(desk, Step("2026-10", "compute", "prepare", "fay", "page"))
    slack.click(old, SIGN, "U0ADA")
    handler.close()

    assert look(desk).state == "prepared"
    assert "has changed since it was shown" in told(slack)[0][1]


def test_both_are_told_once_what_changed_when_a_signature_falls(
    desk: FakeDesk, slack: FakeSlack, outbox: Outbox, handler: SlackHandler
) -> None:
    slack.click(card(slack), SIGN, "U0ADA")
    handler.close()
    run(desk, FIGURES | {"internal": "11.00"})
    outbox.drain()
    outbox.drain()

    assert card(slack)["text"].startswith("Signature withdrawn: compute, 2026-10")
    for user in ("U0ADA", "U0FAY"):
        (fallen,) = [one for one in slack.in_channel(user) if "blocks" in one]  # what was told before is replaced
        assert fallen["text"].startswith("The statement of compute for 2026-10 is not signed any more")
        assert "internal: 10.00 → 11.00" in json.dumps(fallen["blocks"], ensure_ascii=False)


@pytest.mark.usefixtures("handler")
def test_slack_takes_the_cards_of_every_state(desk: FakeDesk) -> None:
    steps: tuple[Callable[[], object], ...] = (
        lambda: move(desk, Step("2026-10", "compute", "sign", "ada", "page", "fine")),
        lambda: run(desk, {f"break rule {number}": "1.00" for number in range(60)}),
        lambda: move(desk, Step("2026-10", "compute", "prepare", "ada", "page")),
    )
    seen = 0
    for take_step in steps:
        take_step()
        with desk.store.reading() as session:
            for one in _items(desk):
                shown = render(session, one, Links("https://a.example"))
                assert problem_of({"text": shown.text, "blocks": shown.blocks}) == ""
                seen += 1
    assert seen


def _items(desk: FakeDesk) -> list[OutboxEntry]:
    return [one for one in entries(desk.store) if one.kind.startswith("signoff")]
