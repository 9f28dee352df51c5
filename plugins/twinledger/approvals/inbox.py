"""Answers that a surface acknowledges before they are carried out: the way in, as the outbox is the way out.

What belongs here: writing an answer down before the acknowledgement, carrying it out after it, and finding what a
process left when it died in between. What does not: deciding (`decide`), and telling anybody.

Slack waits three seconds. A decision waits for others: for the request's row, for the end of the audit trail's chain,
for its messages to be queued. What is written down is one row that waits for nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from twinledger.approvals.decide import Decision, Outcome, decide, withdraw
from twinledger.approvals.desk import Desk
from twinledger.approvals.interactions import Click, click_key, remember, without_result
from twinledger.approvals.interactions import write_down as written
from twinledger.approvals.people import by_slack_user
from twinledger.store import audit
from twinledger.vocabulary.errors import PersonError, TwinledgerError, UnknownRequestError

SLACK = "slack"
LEFT_AFTER = timedelta(seconds=30)
"""After so long the process that wrote an answer down is taken to have died. If it has not, nothing is done twice."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody answered in Slack."""

    request: str
    event: Literal["approve", "deny", "withdraw"]
    user: str
    """The Slack user, of whom it is not known yet who that is."""
    interaction: str
    """Slack's identity of the click."""
    comment: str = ""
    stage: int | None = None
    """The stage that the person saw; None: the present one."""
    channel: str = ""
    """Where it was said, and where a refusal is told; empty in App Home."""

    @property
    def click(self) -> Click:
        """Under which key it is written down."""
        return Click(click_key(self.request, self.event, self.interaction), self.request, self.event, SLACK)


def write_down(desk: Desk, said: Said) -> bool:
    """Keep an answer until it is carried out; whether it is new."""
    kept: dict[str, Any] = {
        "user": said.user,
        "interaction": said.interaction,
        "comment": said.comment,
        "stage": said.stage,
        "channel": said.channel,
    }
    with desk.store.transaction() as session:
        return written(session, desk.clock, said.click, kept)


def carry_out(desk: Desk, said: Said) -> Outcome:
    """Do what was said, once.

    Raises:
        PersonError: the user is nobody whom we know, or several; it is recorded.
        UnknownRequestError: there is no such request; it is recorded.
        TwinledgerError: as `decide` and `withdraw`.
    """
    try:
        with desk.store.reading() as session:
            person = by_slack_user(session, said.user)
        return _done(desk, said, person)
    except (PersonError, UnknownRequestError) as error:
        _refused(desk, said, error)
        raise


def left_behind(desk: Desk) -> list[Said]:
    """What was written down and not carried out: its process died in between. The earliest first."""
    with desk.store.reading() as session:
        found = without_result(session, desk.clock.now() - LEFT_AFTER)
    return [Said(click.request, click.event, **said) for click, said in found if click.surface == SLACK]  # type: ignore[arg-type]


def _done(desk: Desk, said: Said, person: str) -> Outcome:
    if said.event == "withdraw":
        return withdraw(desk, said.request, person, surface=SLACK, interaction_key=said.interaction)
    answer = Decision(said.request, person, said.event, SLACK, said.interaction, said.comment, said.stage)
    return decide(desk, answer)


def _refused(desk: Desk, said: Said, error: TwinledgerError) -> None:
    """Record, once, an answer by nobody whom we know or to nothing that there is."""
    facts = {"surface": SLACK, "reason": str(error)}
    with desk.store.transaction() as session:
        if remember(session, desk.clock, said.click, "", {"refused": str(error)}):
            who, action = f"{SLACK} {said.user}", f"request.{said.event}.refused"
            audit.append(session, desk.clock, who=who, action=action, subject=said.request, facts=facts)
