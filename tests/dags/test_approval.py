"""The approval tasks and their wake-ups, with a store and an Airflow that are fakes with memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskAwaitingInput

from twinledger.airflow import approval
from twinledger.airflow.approval import Question, StageOperator
from twinledger.airflow.stage import escaped
from twinledger.vocabulary.errors import AlreadyDecidedError, NotEntitledError

NOW = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)


@dataclass
class FakeStage:
    """One request, that only ivan may decide."""

    state: str = "pending"
    remaining: timedelta = timedelta(days=3)
    decided_meanwhile: str = ""
    keys: list[str] = field(default_factory=list)
    roles: tuple[str, ...] = ("",)
    stage: int = 0

    def question(self, request: str) -> Question | None:
        if request != "req-1":
            return None
        return Question(self.state, "judy asks", "body", self.remaining, self.roles, self.stage)

    def answer(self, request: str, user: str, option: str, key: str, stage: int) -> str:
        self.keys.append(key)
        assert stage == self.stage
        if user != "ivan":
            raise NotEntitledError(user, request, "it is for ivan to decide")
        if self.decided_meanwhile:
            raise AlreadyDecidedError(request, self.decided_meanwhile, "alice", "09:00")
        if option == "Approve" and stage + 1 < len(self.roles):
            self.stage += 1
        else:
            self.state = "approved" if option == "Approve" else "denied"
        return self.state

    def expire(self, request: str) -> str:
        del request
        self.state = "expired"
        return self.state

    @contextmanager
    def open(self) -> Iterator[FakeStage]:
        yield self


class FakeTask:
    """The task instance, as far as the operator looks at it."""

    id, run_id, task_id = "0199", "req-1", "decide"


@pytest.fixture
def context() -> Context:
    return cast("Context", {"task_instance": FakeTask(), "ti": FakeTask()})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Subjects of the questions put on Airflow's page: the one call that needs an api-server."""
    subjects: list[str] = []
    module = "airflow.providers.standard.operators.hitl.upsert_hitl_detail"
    monkeypatch.setattr(module, lambda **detail: subjects.append(detail["subject"]))
    return subjects


def operator(stage: FakeStage, request: str = "req-1", role: str = "") -> StageOperator:
    return StageOperator(task_id="decide", request=request, role=role, open_stage=stage.open)


def answered(user: str, option: str = "Approve") -> dict[str, Any]:
    by = {"id": user, "name": user}
    return {"chosen_options": [option], "params_input": {}, "responded_at": NOW, "responded_by_user": by}


TIMED_OUT = {"error": "timed out", "error_type": "timeout"}


def test_a_decision_that_is_there_already_ends_the_task_before_it_waits(context: Context, asked: list[str]) -> None:
    assert operator(FakeStage(state="denied")).execute(context) == {"request": "req-1", "state": "denied"}
    assert asked == []


def test_a_pending_request_is_shown_and_waited_for_until_it_expires(context: Context, asked: list[str]) -> None:
    task = operator(FakeStage(remaining=timedelta(hours=5)))
    with pytest.raises(TaskAwaitingInput):
        task.execute(context)
    assert (asked, task.response_timeout) == (["judy asks"], timedelta(hours=5))


def test_a_request_whose_time_ran_out_during_an_outage_expires_at_once(context: Context, asked: list[str]) -> None:
    stage = FakeStage(remaining=timedelta(seconds=-1))
    assert operator(stage).execute(context)["state"] == "expired"
    assert asked == []


def test_an_unknown_request_fails_without_being_tried_again(context: Context) -> None:
    with pytest.raises(AirflowFailException, match="there is no request req-2"):
        operator(FakeStage(), "req-2").execute(context)


@pytest.mark.parametrize(("option", "state"), [("Approve", "approved"), ("Reject", "denied")])
def test_an_answer_by_somebody_entitled_is_claimed_in_the_store(context: Context, option: str, state: str) -> None:
    stage = FakeStage()
    assert operator(stage).execute_complete(context, answered("ivan", option)) == {"request": "req-1", "state": state}
    assert stage.keys == ["airflow:req-1:decide:ivan:2026-10-20T09:00:00+00:00"]


def test_an_answer_by_somebody_not_entitled_is_refused_and_the_question_put_again(
    context: Context, asked: list[str]
) -> None:
    stage = FakeStage()
    with pytest.raises(TaskAwaitingInput):
        operator(stage).execute_complete(context, answered("judy"))
    assert (stage.state, asked) == ("pending", ["judy asks"])


def test_an_answer_that_comes_second_ends_with_the_first_decision(context: Context) -> None:
    stage = FakeStage(decided_meanwhile="denied")
    assert operator(stage).execute_complete(context, answered("ivan"))["state"] == "denied"


def test_a_wake_up_by_the_service_account_ends_with_what_the_store_says(context: Context) -> None:
    stage = FakeStage(state="denied")
    assert operator(stage).execute_complete(context, answered("twinledger", "Approve"))["state"] == "denied"
    assert stage.keys == [], "the service account decides nothing"


def test_a_timeout_expires_the_request_in_the_store(context: Context) -> None:
    stage = FakeStage(remaining=timedelta(seconds=-1))
    assert operator(stage).execute_complete(context, TIMED_OUT)["state"] == "expired"


def test_a_timeout_that_races_a_decision_keeps_the_decision(context: Context) -> None:
    stage = FakeStage(state="approved", remaining=timedelta(seconds=-1))
    assert operator(stage).execute_complete(context, TIMED_OUT)["state"] == "approved"


TWO = ("manager", "finance")


def test_an_approval_of_the_first_stage_ends_its_task_and_the_next_one_asks(context: Context, asked: list[str]) -> None:
    stage = FakeStage(roles=TWO)
    done = operator(stage, role="manager").execute_complete(context, answered("ivan"))
    assert (done["state"], stage.stage, asked) == ("pending", 1, [])
    with pytest.raises(TaskAwaitingInput):
        operator(stage, role="finance").execute(context)
    assert asked == ["judy asks"]


def test_a_task_is_skipped_whose_role_is_not_asked_or_whose_turn_never_came(context: Context) -> None:
    with pytest.raises(AirflowSkipException, match="no budget holder is asked"):
        operator(FakeStage(roles=TWO), role="budget holder").execute(context)
    with pytest.raises(AirflowSkipException, match="request req-1 is denied: no finance is asked"):
        operator(FakeStage(state="denied", roles=TWO), role="finance").execute(context)
    with pytest.raises(AirflowSkipException):
        operator(FakeStage(state="approved", roles=()), role="manager").execute(context)


def test_a_task_whose_stage_was_answered_elsewhere_ends_when_it_is_woken(context: Context, asked: list[str]) -> None:
    stage = FakeStage(roles=TWO, stage=1)
    done = operator(stage, role="manager").execute_complete(context, answered("twinledger"))
    assert (done, stage.keys, asked) == ({"request": "req-1", "state": "pending"}, [], [])


def test_the_requesters_words_are_no_markdown() -> None:
    assert escaped("**now**\n[x](http://y)") == r"\*\*now\*\* \[x\]\(http://y\)"


def test_nothing_of_an_operators_module_needs_the_store_when_a_dag_is_parsed() -> None:
    assert not hasattr(approval, "open_books")
