"""The stages of a request: who is asked first, who next, and what was answered.

What belongs here: the record of each stage in the request's row, and moving on to the next one. What does not: claiming
an answer (`decide`), and who somebody is (`people`).

    [{"role": "manager", "approvers": [...], "rule": ..., "asked_at": ...,
      "answer": "approve", "by": "ada", "at": ..., "on": "slack", "comment": ""},
     {"role": "finance"}]
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from twinledger.approvals.desk import Desk
from twinledger.approvals.people import Stage, stage_for
from twinledger.catalog import Role
from twinledger.store.models import Department, Request

Entry = dict[str, Any]


def first_stage(session: Session, desk: Desk, requester: str, department: Department, roles: Sequence[Role]) -> Stage:
    """Who is asked first, when every stage has somebody: who alone can answer one is not counted on for the next.

    Raises:
        NoApproverError: one of the stages would have nobody.
    """
    found: list[Stage] = []
    counted: set[str] = set()
    for role in roles:
        stage = stage_for(session, desk, requester, department, role, counted)
        if len(stage.approvers) == 1:
            counted |= set(stage.approvers)
        found.append(stage)
    return found[0]


def next_stage(session: Session, desk: Desk, request: Request, person: str) -> Stage | None:
    """Who is asked after the present stage is approved by a person; None after the last one.

    Nobody answers twice: neither the person nor who answered before is asked again.

    Raises:
        NoApproverError: nobody is left to ask.
    """
    if request.stage + 1 >= len(request.stages):
        return None
    role = request.stages[request.stage + 1]["role"]
    answered = {one["by"] for one in request.stages[: request.stage] if one.get("by")}
    department = session.get_one(Department, request.department)
    return stage_for(session, desk, request.requester, department, role, {*answered, person})


def present_role(request: Request) -> Role:
    """Who is asked now; of a request from before there were stages, the budget holder."""
    role: Role = request.stages[request.stage]["role"] if request.stages else "budget holder"
    return role


def entries(roles: Sequence[Role], first: Stage, now: datetime) -> list[Entry]:
    """The stages of a new request; none where nobody is asked."""
    return [begun(first, now) if number == 0 else {"role": role} for number, role in enumerate(roles)]


def begun(stage: Stage, now: datetime) -> Entry:
    """A stage that people are asked at."""
    return {"role": stage.role, "rule": stage.rule, "approvers": list(stage.approvers), "asked_at": now.isoformat()}


def answered(request: Request, answer: str, person: str, now: datetime, surface: str, comment: str) -> list[Entry]:
    """The stages with the present one's answer."""
    said = {"answer": answer, "by": person, "at": now.isoformat(), "on": surface, "comment": comment}
    return replaced(request.stages, request.stage, said)


def replaced(stages: Sequence[Entry], number: int, values: Entry) -> list[Entry]:
    """The stages with more said of one; a new list, as the store takes no notice of changes within one."""
    return [{**one, **values} if at == number else one for at, one in enumerate(stages)]
