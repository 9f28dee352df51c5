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
from datetime import timedelta

import httpx

from twinledger.airflow.rest import AirflowApi, Waiting
from twinledger.approvals import RequestView, request_view
from twinledger.clock import Clock
from twinledger.outbox import Outgoing, PermanentSendError, RetryableSendError, Sent
from twinledger.store import Store
from twinledger.vocabulary.errors import UnknownRequestError

DAG = "provisioning_approval"
PARKED_FOR = timedelta(seconds=4)
"""Airflow 3.3.2 fails a task that is answered before it has seen the end of the process that parked it:
wait one heartbeat (1 s) and 3 s. A task that fails all the same is retried and finds the decision."""

LOOK_AGAIN_S = 5.0
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
            self._agree(request)
        except httpx.TransportError as error:
            raise RetryableSendError(type(error).__name__) from error
        except httpx.HTTPStatusError as error:
            problem = f"Airflow answers {error.response.status_code} to {error.request.url.path}"
            if error.response.is_server_error:
                raise RetryableSendError(problem) from error
            raise PermanentSendError(problem) from error
        return Sent()

    def _agree(self, request: RequestView) -> None:
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
        for waiting in behind:
            self._answer(waiting, "Approve" if request.state in ("approved", "pending") else "Reject")
        if behind or not pending:
            problem = f"run {request.id} has not come so far yet" if pending else f"run {request.id} has not ended yet"
            raise RetryableSendError(problem, LOOK_AGAIN_S)

    def _answer(self, waiting: Waiting, option: str) -> None:
        if self.clock.now() - waiting.asked_at >= PARKED_FOR:
            self.api.answer(waiting, option)
