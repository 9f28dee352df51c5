"""Kill each part between each two steps of an approval: part of `make soak`.

    python -m tests.bench.approval_kills                             every part at every step
    python -m tests.bench.approval_kills --part database             one part
    python -m tests.bench.approval_kills --step "task waits"         one step

The parts are the api-server, the scheduler with all its tasks, the process of the task that delivers the outbox, and
the database. Each is killed with signal 9 at each step of an approval of its own, and started again; the waiting that
a deployment would do in between (minutes, until a claim has run out) is made short. Exits with 1 unless each approval
ends once, in the store, in Slack and in Airflow alike.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from tests.dags.live import Live, live

PARTS = ("api-server", "scheduler", "outbox worker", "database")
STEPS = ("asked", "card sent", "task waits", "click written down", "decided", "card updated", "task woken")
_APPROVER = "U0ADA"


class Approval:
    """One request on its way, and the part that dies at one of its steps."""

    def __init__(self, running: Live, part: str, step: str) -> None:
        """Nothing is asked yet."""
        self._running = running
        self._part, self._step = part, step
        self.request = ""

    def go(self) -> None:
        """From asking to the end; raises AssertionError with what is not as it must be."""
        running, request = self._running, self._asked()
        running.until(lambda: bool(running.cards(request)), "card sent")
        self._reached("card sent")
        running.until(lambda: request in running.parked(), "task waits")
        self._reached("task waits")
        self._click()
        running.until(lambda: running.state(request) == "approved", "decided")
        self._reached("decided")
        running.until(lambda: running.cards(request)[0]["text"].startswith("Approved"), "card updated")
        self._reached("card updated")
        running.until(lambda: request not in running.parked(), "task woken")
        self._reached("task woken")
        running.settled(request)

    def _asked(self) -> str:
        self.request = self._running.ask_by_http()
        self._reached("asked")
        return self.request

    def _click(self) -> None:
        """Press Approve; what is killed now dies while the click is written down and not decided."""
        running = self._running
        with running.undecided(self.request):
            assert running.click(self.request, _APPROVER).status == 200
            if self._step == "click written down":
                self._kill()
        if self._step == "click written down":
            self._start_again()

    def _reached(self, step: str) -> None:
        if step == self._step:
            self._kill()
            self._start_again()

    def _kill(self) -> None:
        if self._part == "outbox worker":
            self._running.deliver()
        self._running.kill(self._part)

    def _start_again(self) -> None:
        self._running.start_again()
        self._running.deliver()


def soak(running: Live, parts: list[str], steps: list[str]) -> list[str]:
    """Every part at every step; what was left that must not."""
    wrong = []
    for part in parts:
        for step in steps:
            started = time.monotonic()
            approval = Approval(running, part, step)
            try:
                approval.go()
                said = "one outcome everywhere"
            except AssertionError as error:
                said = str(error)
                wrong.append(f"{part}, {step}: {approval.request}: {said}")
            print(f"{part:<16}{step:<20}{time.monotonic() - started:>6.1f} s  {said}", flush=True)
    return wrong


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=PARTS, help="which is killed; default all")
    parser.add_argument("--step", action="append", choices=STEPS, help="when; default at all")
    parser.add_argument("--folder", type=Path, default=Path(".cache") / "approval-kills", help="emptied first")
    arguments = parser.parse_args()
    parts, steps = arguments.part or list(PARTS), arguments.step or list(STEPS)
    shutil.rmtree(arguments.folder, ignore_errors=True)
    arguments.folder.mkdir(parents=True)
    started = time.monotonic()
    with live(arguments.folder) as running:
        wrong = soak(running, parts, steps)
    count = len(parts) * len(steps)
    print("\n".join(wrong), end="\n" if wrong else "")
    print(f"{count - len(wrong)} of {count} kills ended in one outcome, in {time.monotonic() - started:.0f} s")
    if not wrong:
        shutil.rmtree(arguments.folder)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
