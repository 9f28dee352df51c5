"""Keeping Airflow's approval task of one mind with the store.

What belongs here: the sender of the outbox's `wake` items. What does not: decisions, which are made
in the store. A wake-up carries no answer: it says that Airflow should look again, and is repeated
until Airflow is seen to have done so.

    request pending, no run                  -> start the run
    request decided, or past a task's stage  -> answer the task; what it is told does not matter, it looks in the store
    request decided, run ended               -> done
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from sqlalchemy import func, select

from twinledger.airflow.rest import AirflowApi, Waiting
from twinledger.approvals import WAKE, RequestView, request_view
from twinledger.clock import Clock
from twinledger.outbox import DrainResult, Outgoing, PermanentSendError, RetryableSendError, Sender, Sent, drain
from twinledger.store import Store
from twinledger.store.models import OutboxItem
from twinledger.vocabulary.errors import UnknownRequestError

DAG = "provisioning_approval"
PARKED_FOR = timedelta(seconds=4)
"""Airflow 3.3.2 fails a task that is answered before it has seen the end of the process that parked it:
wait one heartbeat (1 s) and 3 s. A task that fails all the same is retried and finds the decision."""

LOOK_AGAIN_S = 2.0
"""After the first look, and so much longer after each further one."""
LONGEST_LOOK_S = 30.0
FOLLOWED_FOR = timedelta(seconds=10)
"""So long does the task that delivers the outbox stay with what it woke."""

_ENDED = frozenset({"success", "failed"})


def task_of(role: str) -> str:
    """The task of the DAG that asks a role."""
    return role.replace(" ", "_")


@dataclass(frozen=True, slots=True)
class AirflowWaker:
    """Sends wake-ups to Airflow as a service account."""

    store: Store
    api: AirflowApi
    clock: Clock

    def send(self, item: Outgoing) -> Sent:
        """Have Airflow look at the request `item.subject`.

        Raises:
            RetryableSendError: Airflow is away, or has not ended the task yet.
            PermanentSendError: Airflow refuses the service account, or there is no such request.
        """
        try:
            with self.store.reading() as session:
                request = request_view(session, item.subject)
        except UnknownRequestError as error:
            raise PermanentSendError(str(error)) from None
        try:
            self._agree(request, item.attempt)
        except httpx.TransportError as error:
            raise RetryableSendError(type(error).__name__) from error
        except httpx.HTTPStatusError as error:
            problem = f"Airflow answers {error.response.status_code} to {error.request.url.path}"
            if error.response.is_server_error:
                raise RetryableSendError(problem) from error
            raise PermanentSendError(problem) from error
        return Sent()

    def _agree(self, request: RequestView, attempt: int) -> None:
        run = self.api.run(DAG, request.id)
        pending = request.state == "pending"
        if run is None:
            if pending:
                self.api.start(DAG, request.id, {"request": request.id})
            return
        if run.state in _ENDED:
            return
        present = task_of(request.roles[request.stage]) if pending else ""
        behind = [one for one in self.api.waiting(DAG, request.id) if one.task != present]
        option = "Approve" if request.state in ("approved", "pending") else "Reject"
        rests = [self._answer(one, option) for one in behind]
        if behind or not pending:
            problem = f"run {request.id} has not come so far yet" if pending else f"run {request.id} has not ended yet"
            raise RetryableSendError(problem, max(rests, default=0) or min(LOOK_AGAIN_S * attempt, LONGEST_LOOK_S))

    def _answer(self, waiting: Waiting, option: str) -> float:
        """Answer a task, or leave it alone; then the seconds until it may be answered, else 0."""
        rest = PARKED_FOR - (self.clock.now() - waiting.asked_at)
        if rest > timedelta(0):
            return rest.total_seconds()
        self.api.answer(waiting, option)
        return 0


def next_look(store: Store, after: datetime) -> datetime | None:
    """When the first wake-up is due that was put off until after an instant; None where there is none."""
    put_off = select(func.min(OutboxItem.not_before)).where(
        OutboxItem.kind == WAKE, OutboxItem.state == "pending", OutboxItem.not_before > after
    )
    with store.reading() as session:
        return session.scalar(put_off)


def drain_until_woken(store: Store, sender: Sender, clock: Clock) -> DrainResult:
    """Drain the outbox, and again while Airflow is about to be ready for a wake-up, for ten seconds in all."""
    result, until = DrainResult(), clock.now() + FOLLOWED_FOR
    while True:
        began = clock.now()
        found = drain(store, sender, clock)
        result.sent, result.failed = result.sent + found.sent, result.failed + found.failed
        result.retried += found.retried
        due = next_look(store, began)
        if due is None or due > until:
            return result
        clock.sleep(max(timedelta(0), due - clock.now()))
