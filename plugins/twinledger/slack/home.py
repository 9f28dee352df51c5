"""App Home: what waits for a person, what the person has asked for, and what became of both.

What belongs here: the facts of the tab, how it looks, and publishing it. What does not: its buttons coming back
(`request_buttons`). Limits: https://docs.slack.dev/surfaces/app-home
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from twinledger.approvals import Desk, by_slack_user, waiting_for
from twinledger.slack.afterwards import Afterwards
from twinledger.slack.blocks import (
    Block,
    actions,
    button,
    confirmation,
    context,
    escaped,
    header,
    link,
    link_button,
    section,
)
from twinledger.slack.cards import APPROVE, DENY, DETAILS, outcome, quantity_text, when
from twinledger.slack.facts import ApprovalFacts, EveryoneFacts
from twinledger.slack.render import Links, approval_facts, person_title
from twinledger.store.models import Request
from twinledger.vocabulary.audiences import check_everyone
from twinledger.vocabulary.errors import PersonError
from twinledger.vocabulary.identities import digest, short

WITHDRAW = "withdraw"
"""The action id of the button that takes a request back; its value is the request's id."""

MOST_BLOCKS = 100
LISTED, HISTORY = 15, 10

log = logging.getLogger(__name__)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HomeFacts(EveryoneFacts):
    """What one person's tab shows; the counts are of all, of which the first are listed."""

    title: str
    waiting: tuple[ApprovalFacts, ...]
    waiting_count: int
    asked: tuple[ApprovalFacts, ...]
    asked_count: int
    history: tuple[ApprovalFacts, ...]
    at: datetime


class Home:
    """Publishes the tab: when somebody opens it, and after each step that the person takes in Slack."""

    def __init__(self, desk: Desk, client: WebClient, links: Links, afterwards: Afterwards) -> None:
        """Take where requests are kept, the client, and where their pages are."""
        self._desk = desk
        self._client = client
        self._links = links
        self._afterwards = afterwards

    def listen(self, app: App) -> None:
        """Hear of somebody who opens the tab."""
        app.event("app_home_opened")(self._opened)

    def show(self, user: str, told: str = "") -> None:
        """Publish a user's tab: at once with something told on top of it, else in its turn; it may fail."""
        if told:
            self._afterwards.call("showing App Home", lambda: self._publish(user, told))
        else:
            self._afterwards.refresh(user, "showing App Home", lambda: self._publish(user))

    def _opened(self, ack: Ack, event: Json) -> None:
        ack()
        if event.get("tab", "home") == "home":
            self._afterwards.call("showing App Home", lambda: self._publish(event["user"]))

    def _publish(self, user: str, told: str = "") -> None:
        self._client.views_publish(user_id=user, view=self._view(user, told))

    def _view(self, user: str, told: str) -> Json:
        try:
            with self._desk.store.reading() as session:
                facts = home_facts(session, by_slack_user(session, user), self._desk.clock.now())
        except PersonError as error:
            return _home([section(escaped(str(error)))])
        return home_view(facts, self._links, told)


def home_facts(session: Session, person: str, now: datetime) -> HomeFacts:
    """A person's tab from the store."""
    waiting = waiting_for(session, person)
    mine = select(Request.id).where(Request.requester == person, Request.state == "pending")
    asked = session.scalars(mine.order_by(Request.created_at.desc(), Request.id)).all()
    either = or_(Request.requester == person, Request.decided_by == person)
    ended = select(Request.id).where(either, Request.state != "pending").order_by(Request.decided_at.desc(), Request.id)
    return HomeFacts(
        title=person_title(session, person),
        waiting=tuple(approval_facts(session, one.id) for one in waiting[:LISTED]),
        waiting_count=len(waiting),
        asked=tuple(approval_facts(session, one) for one in asked[:LISTED]),
        asked_count=len(asked),
        history=tuple(approval_facts(session, one) for one in session.scalars(ended.limit(HISTORY))),
        at=now,
    )


# --- the view ----------------------------------------------------------------------------------


def home_view(facts: HomeFacts, links: Links, told: str = "") -> Json:
    """The tab: buttons where something can be done, none in the history.

    Raises:
        WrongAudienceError: the facts hold what is for finance.
    """
    check_everyone("App Home", facts)
    blocks = [
        *([section(f"*{escaped(told)}*")] if told else []),
        header("Waiting for you"),
        *_listed(facts.waiting_count, (_waiting(one, links) for one in facts.waiting), "Nothing waits for you."),
        header("Requested by me"),
        *_listed(facts.asked_count, (_asked(one, links) for one in facts.asked), "You wait for nothing."),
        header("History"),
        *_listed(len(facts.history), ([_ended(one, links)] for one in facts.history), "Nothing yet."),
        context(f"{escaped(facts.title, 100)}, as of {when(facts.at)}"),
    ]
    return _home(blocks)


def _home(blocks: list[Block]) -> Json:
    """A tab whose block ids change with its content, so that Slack keeps no old state of its buttons."""
    kept = blocks[:MOST_BLOCKS]
    stem = short(digest(repr(kept)))
    return {"type": "home", "blocks": [{**one, "block_id": f"{stem}-{place}"} for place, one in enumerate(kept)]}


def _listed(count: int, requests: Iterable[Iterable[Block]], nothing: str) -> Iterator[Block]:
    """Each request's blocks, then how many more there are."""
    shown = 0
    for blocks in requests:
        yield from blocks
        shown += 1
    if not count:
        yield context(nothing)
    elif count > shown:
        yield context(f"and {count - shown} more")


def _waiting(facts: ApprovalFacts, links: Links) -> Iterator[Block]:
    value = f"{facts.request}#{facts.stage}"
    question = confirmation(
        "Approve this request?", f"{facts.amount} is reserved from the budget of {facts.department}.", "Approve"
    )
    yield section(f"{_sentence(facts)}\nfor {escaped(facts.requester, 100)}, until {when(facts.expires_at)}")
    yield actions(
        button("Approve", APPROVE, value, style="primary", confirm=question),
        button("Deny", DENY, value, style="danger"),
        link_button("Details", DETAILS, links.page("requests", facts.request)),
    )


def _asked(facts: ApprovalFacts, links: Links) -> Iterator[Block]:
    approvers = ", ".join(escaped(one.title, 60) for one in facts.approvers[:10])
    question = confirmation(
        "Take this request back?", f"{facts.request} for {facts.amount}. It cannot be undone.", "Withdraw"
    )
    yield section(f"{_sentence(facts)}\nwaits for {approvers or 'nobody'} until {when(facts.expires_at)}")
    yield actions(
        button("Withdraw", WITHDRAW, facts.request, style="danger", confirm=question),
        link_button("Details", DETAILS, links.page("requests", facts.request)),
    )


def _ended(facts: ApprovalFacts, links: Links) -> Block:
    ending = outcome(facts.state, facts.decision) if facts.decision else escaped(facts.state)
    return section(f"{_sentence(facts)}\n{ending} · {link(links.page('requests', facts.request), 'Details')}")


def _sentence(facts: ApprovalFacts) -> str:
    what = f"{quantity_text(facts.quantity)} {escaped(facts.unit, 60)} a day of {escaped(facts.product, 100)}"
    return (
        f"*{facts.amount}* `{escaped(facts.request, 60)}` {what} in {escaped(facts.region, 60)} for {facts.days} days"
    )
