"""The approval task's way to the store.

What belongs here: who an Airflow user is, and a request as text for Airflow's page. What does not:
whether somebody may decide, which `approvals.decide` knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinledger.airflow.approval import Question
from twinledger.vocabulary.errors import NotEntitledError, PersonError, UnknownRequestError

if TYPE_CHECKING:
    from twinledger.approvals import RequestView
    from twinledger.books import Books

SURFACE = "airflow"


@contextmanager
def open_stage() -> Iterator[StoreStage]:
    """The stage of this process's deployment."""
    from twinledger.airflow.books import open_books  # noqa: PLC0415 - DAG files import this module while they are parsed

    with open_books() as books:
        yield StoreStage(books)


@dataclass(frozen=True, slots=True)
class StoreStage:
    """Requests as the store has them."""

    books: Books

    def question(self, request: str) -> Question | None:
        """The request as it is now, or None where there is none."""
        from twinledger.approvals import request_view  # noqa: PLC0415 - likewise

        with self.books.store.reading() as session:
            try:
                view = request_view(session, request)
            except UnknownRequestError:
                return None
        remaining = view.expires_at - self.books.clock.now()
        return Question(view.state, _subject(view), _body(view), remaining, view.roles, view.stage)

    def answer(self, request: str, user: str, option: str, key: str, stage: int) -> str:
        """Claim a decision for an Airflow user; raises as `approvals.decide`, NotEntitledError for unknown users."""
        from twinledger.approvals import Answer, Decision, decide  # noqa: PLC0415 - likewise

        person = person_of(self.books, user, request)
        answer: Answer = "approve" if option == "Approve" else "deny"
        return decide(self.books, Decision(request, person, answer, SURFACE, key, stage=stage)).state

    def expire(self, request: str) -> str:
        """End a request that nobody answered; the state it led to."""
        from twinledger.approvals import expire  # noqa: PLC0415 - likewise

        return expire(self.books, request).state


def person_of(books: Books, user: str, subject: str) -> str:
    """The person that an Airflow user is; raises NotEntitledError, which names the subject, where it is nobody."""
    from twinledger.approvals import by_airflow_user  # noqa: PLC0415 - likewise

    with books.store.reading() as session:
        try:
            return by_airflow_user(session, user)
        except PersonError as error:
            raise NotEntitledError(user or "nobody", subject, str(error)) from None


def _subject(view: RequestView) -> str:
    return f"{view.requester} asks for {view.product}/{view.meter}: {view.amount:,.2f} {view.currency}"


def _body(view: RequestView) -> str:
    """Markdown for Airflow's page, at internal prices; the requester's own words are escaped."""
    from twinledger.approvals import use_of_cards, wanted_cards  # noqa: PLC0415 - likewise

    facts = view.facts
    cards = wanted_cards(facts)
    lines = [
        f"**{view.quantity.normalize():f} {facts['unit']}** a day for {view.days} days in {view.region}",
        f"Department {view.department}, period {view.period}",
        f"Available before: {facts['available_before']} {view.currency}, after: {facts['available_after']}",
        *([f"GPU cards: {cards}; held now: {use_of_cards(facts)}"] if cards else []),
        *(f"Approved by {one['by']} as {one['role']}" for one in view.stages if one.get("answer") == "approve"),
        f"For {', '.join(view.approvers)} to decide ({facts['rule']})",
        f"> {escaped(view.justification)}",
    ]
    return "\n\n".join(lines)


def escaped(text: str) -> str:
    """User text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>&~])", r"\\\1", " ".join(text.split()))
