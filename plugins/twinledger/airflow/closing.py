"""The close task's way to the domain: a period as a question on Airflow's page.

What belongs here: who an Airflow user is, and a period as text. What does not: whether somebody may
agree, which `closing.decide` knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from twinledger.airflow.approval import Question
from twinledger.airflow.stage import SURFACE, escaped, person_of
from twinledger.vocabulary.errors import NotAllowedStateError
from twinledger.vocabulary.periods import Period

if TYPE_CHECKING:
    from twinledger.books import Books
    from twinledger.closing import Closing, Verdict

ANSWER_WITHIN = timedelta(days=5)


@contextmanager
def open_closing() -> Iterator[PeriodStage]:
    """The stage of this process's deployment."""
    from twinledger.airflow.books import open_books  # noqa: PLC0415 - DAG files import this module while they are parsed

    with open_books() as books:
        yield PeriodStage(books)


@dataclass(frozen=True, slots=True)
class PeriodStage:
    """Periods as the store has them: a request is a period's name."""

    books: Books

    def question(self, request: str) -> Question | None:
        """The period as it is now; pending while it is closing."""
        from twinledger.closing import look  # noqa: PLC0415 - likewise

        found = look(self.books, Period.parse(request))
        asked = found.asked_at or self.books.clock.now()
        state = "pending" if found.state == "closing" else found.state
        return Question(state, f"Close {request}?", _body(found), asked + ANSWER_WITHIN - self.books.clock.now())

    def answer(self, request: str, user: str, option: str, key: str, stage: int) -> str:
        """Claim a decision for an Airflow user; raises as `closing.decide`, NotEntitledError for unknown users."""
        from twinledger.closing import decide  # noqa: PLC0415 - likewise

        del key, stage  # a period is decided once, whoever repeats the answer
        person = person_of(self.books, user, f"period {request}")
        verdict: Verdict = "approve" if option == "Approve" else "refuse"
        try:
            return decide(self.books, Period.parse(request), person, verdict, SURFACE).state
        except NotAllowedStateError:
            return self.question_state(request)

    def question_state(self, request: str) -> str:
        """The state of a period."""
        from twinledger.closing import look  # noqa: PLC0415 - likewise

        return look(self.books, Period.parse(request)).state

    def expire(self, request: str) -> str:
        """Nobody answered in time; the state it led to."""
        from twinledger.closing import lapse  # noqa: PLC0415 - likewise

        return lapse(self.books, Period.parse(request)).state


def _body(found: Closing) -> str:
    """Markdown for Airflow's page: no amount, for everybody who may open Airflow reads it."""
    lines = [
        f"Asked by {escaped(found.asked_by)}; finance agrees, and not who asked.",
        "A closed period never changes: what vendors change in it later is posted in the open period.",
        *(f"* still open: {escaped(point)}" for point in found.open_points),
    ]
    return "\n\n".join(lines)
