"""The catalog task's way to the domain: a plan as a question on Airflow's page.

What belongs here: who an Airflow user is, and a plan as text. What does not: whether somebody may agree, which
`catalog.decide_plan` knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from twinledger.airflow.approval import Question
from twinledger.airflow.stage import SURFACE, escaped, person_of
from twinledger.vocabulary.errors import UnknownRequestError

if TYPE_CHECKING:
    from twinledger.books import Books
    from twinledger.catalog import Change
    from twinledger.catalog.sync import Verdict
    from twinledger.rating import RatedAgain

ANSWER_WITHIN = timedelta(days=3)
MOST_LINES = 50


@contextmanager
def open_plans() -> Iterator[PlanStage]:
    """The stage of this process's deployment."""
    from twinledger.airflow.books import open_books  # noqa: PLC0415 - DAG files import this module while they are parsed

    with open_books() as books:
        yield PlanStage(books)


@dataclass(frozen=True, slots=True)
class PlanStage:
    """Plans of the catalog as the store has them."""

    books: Books

    def question(self, request: str) -> Question | None:
        """The plan as it is now; its changes are those of the configuration as it is now."""
        from twinledger.catalog import look_at_plan  # noqa: PLC0415 - likewise

        try:
            found = look_at_plan(self.books.store, request)
        except UnknownRequestError:
            return None
        body = "\n".join(self._lines()) if found.state == "pending" else ""
        remaining = found.asked_at + ANSWER_WITHIN - self.books.clock.now()
        return Question(found.state, f"Apply {request} to the catalog?", body, remaining)

    def _lines(self) -> list[str]:
        from twinledger.catalog import load_config, plan_config  # noqa: PLC0415 - likewise
        from twinledger.rating import rated_again  # noqa: PLC0415 - likewise

        changes = plan_config(self.books.store, load_config(self.books.settings.config))
        return plan_lines(changes, rated_again(self.books, changes[:MOST_LINES]))

    def answer(self, request: str, user: str, option: str, key: str, stage: int) -> str:
        """Claim a decision for an Airflow user; raises as `catalog.decide_plan`, NotEntitledError for unknown users."""
        from twinledger.catalog import decide_plan  # noqa: PLC0415 - likewise

        del key, stage  # a plan is decided once, whoever repeats the answer
        person = person_of(self.books, user, f"catalog plan {request}")
        verdict: Verdict = "approve" if option == "Approve" else "refuse"
        return decide_plan(self.books.store, self.books.clock, request, person, verdict, SURFACE).state

    def expire(self, request: str) -> str:
        """Nobody answered in time; the state it led to."""
        from twinledger.catalog import lapse_plan  # noqa: PLC0415 - likewise

        return lapse_plan(self.books.store, self.books.clock, request).state


def plan_lines(changes: Sequence[Change], again: Sequence[Sequence[RatedAgain]]) -> list[str]:
    """What a plan changes, and has rated again, as Markdown: published prices, and no figure of a contract."""
    lines = [f"{len(changes)} changes; finance agrees. Nothing is applied when the files change in between.", ""]
    for change, periods in zip(changes[:MOST_LINES], again[:MOST_LINES], strict=True):
        told = change.effect.words or ", ".join(change.fields)
        rated = ", ".join(f"{one.period}: {one.records:,} usage records" for one in periods)
        line = f"* {change.action} {change.kind} {escaped(change.name)}" + (f": {escaped(told)}" if told else "")
        lines.append(line + (f" (rated again: {rated})" if rated else ""))
    if len(changes) > MOST_LINES:
        lines.append(f"* and {len(changes) - MOST_LINES} more: see `twinledger catalog plan`")
    return lines
