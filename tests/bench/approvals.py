"""`make bench-approval`: seconds from a click in Slack until Airflow's task goes on.

    make bench-approval                         ten approvals of each kind
    make bench-approval ARGS="--approvals 3"    fewer

The real Airflow on PostgreSQL, the real route and libraries of Slack, whose workspace is a fake on loopback. People
press Approve, one after another: at a task that has waited for a while, and at one that begins to wait in that moment,
which Airflow 3.3.2 lets nobody answer safely for seconds (`airflow.wake`). Beside it stands the same answer by the REST
API of Airflow, given by the same approver, which is how soon a task can go on at all. Exits with 1 if one goes on after
5 s or more.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.dags.live import APPROVAL, TASK, Live, live
from twinledger.airflow.rest import AirflowApi
from twinledger.airflow.wake import PARKED_FOR

LIMIT_S = 5.0
LOOKS_S = 0.03
LONGEST_S = 120.0
_APPROVER = "U0ADA"

Steps = dict[str, float]
"""What was reached -> seconds after the click."""


def clicked(running: Live, request: str) -> Steps:
    """Press Approve and see how far it gets."""
    payload = running.slack.click_payload(running.cards(request)[0], "approve", _APPROVER)
    started = time.monotonic()
    assert running.slack.send(payload).status == 200
    steps = {"acknowledged": time.monotonic() - started}
    steps["decided in the store"] = _reached(started, lambda: running.state(request) == "approved")
    return steps | _gone_on(running, request, started)


def answered(running: Live, request: str, approver: AirflowApi) -> Steps:
    """The same answer by Airflow's own API."""
    waiting = next(one for one in running.api.waiting(APPROVAL, request) if one.task == TASK)
    started = time.monotonic()
    assert approver.answer(waiting, "Approve")
    return _gone_on(running, request, started)


def _gone_on(running: Live, request: str, started: float) -> Steps:
    steps = {"task resumed": _reached(started, lambda: running.task_state(request) != "awaiting_input")}
    return steps | {"run ended": _reached(started, lambda: running.has_ended(request))}


def _reached(started: float, holds: Callable[[], bool]) -> float:
    while not holds():
        if time.monotonic() - started > LONGEST_S:
            sys.exit(f"not within {LONGEST_S:.0f} s")
        time.sleep(LOOKS_S)
    return time.monotonic() - started


def measured(running: Live, approvals: int) -> dict[str, list[Steps]]:
    """Every kind of answer, so many times."""
    found: dict[str, list[Steps]] = {"click": [], "click as the task begins to wait": [], "bare answer by the API": []}
    clicks, bare = ([running.ask(f"{kind}-{number}") for number in range(approvals)] for kind in ("click", "bare"))
    running.deliver()
    running.until(lambda: running.are_asked(*clicks, *bare), "all tasks wait", 60 + 30 * approvals)
    time.sleep(PARKED_FOR.total_seconds())
    with AirflowApi(running.airflow.url, "ada", running.airflow.passwords["ada"]) as approver:
        for one, other in zip(clicks, bare, strict=True):
            found["click"].append(clicked(running, one))
            found["bare answer by the API"].append(answered(running, other, approver))
    for _ in range(approvals):
        request = running.ask_by_http()
        running.until(lambda wanted=request: running.are_asked(wanted), "its task waits")  # type: ignore[misc]  # mypy: lambda with a default
        found["click as the task begins to wait"].append(clicked(running, request))
        running.settled(request)
    running.settled(*clicks, *bare)
    return found


def table(found: dict[str, list[Steps]]) -> list[str]:
    """p50 and maximum of each step, in seconds."""
    lines = [f"{'seconds':<56}{'p50':>8}{'max':>8}"]
    for kind, times in found.items():
        for step in times[0]:
            seconds = [one[step] for one in times]
            lines.append(f"{f'{kind}: {step}':<56}{statistics.median(seconds):>8.2f}{max(seconds):>8.2f}")
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--approvals", type=int, default=10, help="of each kind, one after another")
    parser.add_argument("--folder", type=Path, default=Path(".cache") / "bench-approval", help="emptied first")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.folder, ignore_errors=True)
    arguments.folder.mkdir(parents=True)
    with live(arguments.folder) as running:
        found = measured(running, arguments.approvals)
    shutil.rmtree(arguments.folder)
    print("\n".join(table(found)))
    slowest = max(one["task resumed"] for kind, times in found.items() if kind.startswith("click") for one in times)
    held = slowest < LIMIT_S
    print(f"{arguments.approvals} of each; from click to task resumed at most {slowest:.2f} s, limit {LIMIT_S:.0f} s")
    print("the bound holds" if held else "the bound does not hold")
    sys.exit(not held)


if __name__ == "__main__":
    main()
