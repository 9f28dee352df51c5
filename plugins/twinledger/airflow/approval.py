"""The approval tasks: Airflow's view of a request that the store decides, a task a stage.

What belongs here: waiting, and passing an answer given on Airflow's page to the domain. What does
not: who may decide and what a decision does.

The store is asked before the task waits and whenever it wakes, so that a retry, a race or an answer
from elsewhere always ends in the decision that was made, and an answer on Airflow's page is a claim
like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from twinledger.vocabulary.errors import AlreadyDecidedError, NoApproverError, NotEntitledError


@dataclass(frozen=True, slots=True)
class Question:
    """A request as the task shows it: nothing in it is for finance only."""

    state: str
    subject: str
    body: str
    remaining: timedelta
    roles: tuple[str, ...] = ("",)
    """Who is asked in turn; nobody where the policy allows it, one without a name where there is one stage."""
    stage: int = 0
    """The index of the one who is asked now."""

    def reached(self, role: str) -> bool:
        """Whether a role is asked at all, and its turn has come."""
        return role in self.roles and self.roles.index(role) <= self.stage

    def waits_for(self, role: str) -> bool:
        """Whether it is a role's turn."""
        return self.state == "pending" and self.reached(role) and self.roles[self.stage] == role


class Stage(Protocol):
    """What the task needs of the domain."""

    def question(self, request: str) -> Question | None:
        """The request as it is now, or None where there is none."""
        ...

    def answer(self, request: str, user: str, option: str, key: str, stage: int) -> str:
        """Claim a decision for an Airflow user at a stage; the state it led to.

        Raises:
            NotEntitledError: the user may not decide this request.
            AlreadyDecidedError: somebody decided before.
            NoApproverError: approved, there would be nobody to ask next.
        """
        ...

    def expire(self, request: str) -> str:
        """Nobody answered in time; the state it led to."""
        ...


class OpenStage(Protocol):
    """Opens the domain for one look; called when the task runs, never while the DAG is parsed."""

    def __call__(self) -> AbstractContextManager[Stage]:
        """A stage that is closed at the end of the block."""
        ...


class StageOperator(ApprovalOperator):
    """Waits for one request's decision by one role; returns its identity and state, and nothing else.

    Skipped where the role is not asked: the policy does not name it, or the request ended before its turn.
    """

    template_fields: Sequence[str] = ("request",)

    def __init__(self, *, request: str, role: str = "", open_stage: OpenStage, **kwargs: Any) -> None:  # noqa: ANN401 - Airflow's own arguments
        """`request` is a template that gives the request's identity."""
        super().__init__(subject="A request", **kwargs)
        self.request = request
        self.role = role
        self.open_stage = open_stage

    def execute(self, context: Context) -> dict[str, str]:
        """Return at once where the request is decided; else show it and wait until it expires."""
        with self.open_stage() as stage:
            question = stage.question(self.request)
            if question and question.state == "pending" and question.remaining <= timedelta(0):
                return self._result(stage.expire(self.request))
        if question is None:
            message = f"there is no request {self.request}"
            raise AirflowFailException(message)
        if not question.reached(self.role):
            message = f"request {self.request} is {question.state}: no {self.role} is asked"
            raise AirflowSkipException(message)
        if not question.waits_for(self.role):
            return self._result(question.state)
        self.subject, self.body, self.response_timeout = question.subject, question.body, question.remaining
        waited: dict[str, str] = super().execute(context)  # raises to park the task
        return waited

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, str]:
        """Woken by an answer, by the service account or by the timeout: the store says how it ended.

        An answer by somebody who may not decide is refused, and the question is put again.
        """
        user = (event.get("responded_by_user") or {}).get("id", "")
        with self.open_stage() as stage:
            question = stage.question(self.request)
            if question is not None and question.waits_for(self.role) and "error" not in event:
                try:
                    key = _interaction(context, user, event["responded_at"])
                    option = event["chosen_options"][0]
                    return self._result(stage.answer(self.request, user, option, key, question.stage))
                except AlreadyDecidedError as decided:
                    return self._result(decided.outcome)
                except (NotEntitledError, NoApproverError) as refused:
                    self.log.warning("%s; the question is put again", refused)
        return self.execute(context)

    def _result(self, state: str) -> dict[str, str]:
        self.log.info("request %s is %s", self.request, state)
        return {"request": self.request, "state": state}


def _interaction(context: Context, user: str, responded_at: datetime | str) -> str:
    """One answer's identity: the same when Airflow delivers it twice."""
    at = responded_at if isinstance(responded_at, str) else responded_at.isoformat()
    return f"airflow:{context['ti'].run_id}:{context['ti'].task_id}:{user}:{at}"
