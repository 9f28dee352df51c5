"""`twinledger demo`: the sample company through the real Airflow, from bills to the message.

What belongs here: the order of things, and telling how far they are. What does not: the components
(`airflow.local`), the work, which the DAGs do, and the report (`demo_report`).
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from twinledger.cli import demo_report
from twinledger.cli.output import err, sentences
from twinledger.cli.output import settings as read_settings
from twinledger.vocabulary.errors import RunFailedError, UnsafeFolderError
from twinledger.vocabulary.settings import ROOT

if TYPE_CHECKING:
    from twinledger.airflow.local import Components, LocalAirflow
    from twinledger.airflow.rest import AirflowApi, Run
    from twinledger.vocabulary.settings import Settings

SEED, MONTHS, SCALE = 7, 3, 1.0
BILLS = ("aws", "azure", "stratus", "google", "alibaba", "tencent", "huawei", "volcengine", "oracle-focus")
"""One bill of each vendor of the sample company."""
UP_WITHIN_S = 180.0
DONE_WITHIN_S = 900.0
QUIET_S = 4.0
"""So long without a run that works or waits for its turn: the events have come to their end."""

_MARKER = "a demo's folder: removed by the next one"
_STANDING = ("deliver_outbox", "provisioning_approval")
_WORKING = ("queued", "running")
_REQUESTER, _DEPARTMENT = "judy", "storefront"


@dataclass
class Story:
    """Tells how far the demo is: a line for each thing done, and what is being done now."""

    started: float = field(default_factory=time.monotonic)

    def say(self, sentence: str) -> None:
        """One line, with the seconds since the start."""
        err.print(f"[dim]{time.monotonic() - self.started:6.1f} s[/]  {sentence}", highlight=False, soft_wrap=True)

    @contextmanager
    def doing(self, sentence: str) -> Iterator[Callable[[str], None]]:
        """A step: shown while it lasts, with what the step tells of itself."""
        self.say(sentence)
        with err.status(sentence) as status:
            yield lambda detail: status.update(f"{sentence}: {detail}")


def demo(
    once: Annotated[bool, typer.Option(envvar="DEMO_ONCE", help="End when the report is printed.")] = False,
    home: Annotated[Path, typer.Option(help="Folder of the demo; removed and made anew.")] = Path(".demo"),
) -> None:
    """Run the sample company through the real Airflow and print what finance would be told."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        with sentences():
            _run(home.resolve(), Story(), once=once)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise KeyboardInterrupt


def _run(home: Path, story: Story, *, once: bool) -> None:
    from twinledger.airflow.local import Components, LocalAirflow, end_leftovers

    end_leftovers(home / "airflow")
    _empty(home)
    settings = _settings(home)
    users = _write_company(settings, story)
    airflow = LocalAirflow.new(home / "airflow", {"admin": "admin", **users}, _variables(home))
    settings = settings.model_copy(update={"public_url": airflow.url})
    with Components(airflow) as components, _deaf_while_ending(story):
        with story.doing("starting Airflow: its database, api-server, scheduler and dag-processor") as tell:
            components.migrate()
            components.start()
            components.wait(len(list((ROOT / "dags").glob("*.py"))), UP_WITHIN_S, tell)
        story.say(f"Airflow is up at [link={airflow.url}]{airflow.url}[/]")
        with airflow.api() as api:
            request = _work(api, components, settings, story)
            demo_report.show(settings, request, airflow.passwords)
        if not once:
            err.print("Everything is running. Ctrl-C ends all of it.")
            while True:
                components.check()
                time.sleep(1)


@contextmanager
def _deaf_while_ending(story: Story) -> Iterator[None]:
    """A second Ctrl-C must not cut short the end of the components."""
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        story.say("ending Airflow")


def _empty(home: Path) -> None:
    """Make the folder anew; refuses one that no demo made."""
    marker = home / "README"
    if home.exists() and any(home.iterdir()) and not (marker.exists() and marker.read_text() == _MARKER):
        raise UnsafeFolderError(home)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    marker.write_text(_MARKER)


def _variables(home: Path) -> dict[str, str]:
    return {"TWINLEDGER_HOME": str(home / "twinledger"), "TWINLEDGER_CONFIG": str(home / "company" / "config")}


def _settings(home: Path) -> Settings:
    """The demo's own: nothing of this shell's deployment or working directory is used."""
    for name in [name for name in os.environ if name.startswith("TWINLEDGER_")]:
        del os.environ[name]
    os.environ.update(_variables(home))
    os.chdir(home)
    return read_settings()


def _write_company(settings: Settings, story: Story) -> dict[str, str]:
    """Write the sample company and apply its configuration; the Airflow users of its people."""
    from twinledger.catalog import apply_config, load_config
    from twinledger.deployment import open_books, prepare
    from twinledger.sample import write_sample

    with story.doing(f"writing the sample company: {MONTHS} months of bills and usage") as tell:
        write_sample(settings.config.parent, SEED, MONTHS, SCALE, tell, BILLS)
    with story.doing("applying its configuration"):
        prepare(settings)
        company = load_config(settings.config)
        with open_books(settings) as books:
            apply_config(books.store, company, books.clock)
    return {person.airflow_user: "user" for person in company.people if person.airflow_user}


def _work(api: AirflowApi, components: Components, settings: Settings, story: Story) -> str:
    """Start both ingestions, wait for what follows from them, ask for an approval; the request."""
    for dag in ("ingest_bills", "ingest_metering"):
        api.start(dag, "demo")
    with story.doing("ingesting; the events run the other DAGs, each for the periods that were touched") as tell:
        _until_quiet(api, components, settings, story, tell)
    request = _submit(settings)
    story.say(f"{_REQUESTER} asks for {request}")
    with story.doing("delivering the messages") as tell:
        api.start("deliver_outbox", f"demo-{request}")
        _until(lambda: _delivered(api, components, settings, request), tell)
    return request


def _until_quiet(
    api: AirflowApi, components: Components, settings: Settings, story: Story, tell: Callable[[str], None]
) -> None:
    told: set[tuple[str, str]] = set()
    quiet_since = time.monotonic()

    def is_quiet() -> bool:
        nonlocal quiet_since
        components.check()
        runs = [run for run in api.runs() if run.dag not in _STANDING]
        _tell_ended(api, runs, told, story, components.airflow)
        working = [run for run in runs if run.state in _WORKING]
        tell(", ".join(sorted({f"{run.dag} {run.partition_key or ''}".strip() for run in working})) or "events")
        if working:
            quiet_since = time.monotonic()
        return time.monotonic() - quiet_since > QUIET_S and _all_reconciled(settings)

    _until(is_quiet, tell)


def _until(done: Callable[[], bool], tell: Callable[[str], None]) -> None:
    deadline = time.monotonic() + DONE_WITHIN_S
    while not done():
        if time.monotonic() > deadline:
            tell("too long")
            raise RunFailedError("the demo", f"not done after {DONE_WITHIN_S:.0f} s", Path.cwd() / "airflow" / "logs")
        time.sleep(0.5)


def _tell_ended(
    api: AirflowApi, runs: list[Run], told: set[tuple[str, str]], story: Story, airflow: LocalAirflow
) -> None:
    """A line for each run that has ended since; raises RunFailedError for one that failed."""
    for run in runs:
        if run.state in _WORKING or (run.dag, run.id) in told:
            continue
        told.add((run.dag, run.id))
        tasks = api.tasks(run.dag, run.id)
        if run.state == "failed":
            raise failure_of(run, tasks, airflow)
        worked = [task for task in tasks if task["state"] == "success"]
        seconds = sum(task["duration"] or 0 for task in worked)
        story.say(f"[green]{run.dag}[/] {run.partition_key or ''} {len(worked)} tasks, {seconds:.1f} s")


def failure_of(run: Run, tasks: Sequence[Mapping[str, Any]], airflow: LocalAirflow) -> RunFailedError:
    """Which task of a failed run failed, and where its log is."""
    failed = next((task for task in tasks if task["state"] == "failed"), None)
    if failed is None:
        return RunFailedError(run.dag, "no task of it ran", airflow.logs)
    parts = [f"dag_id={run.dag}", f"run_id={run.id}", f"task_id={failed['task_id']}"]
    parts += [f"map_index={failed['map_index']}"] if failed["map_index"] != -1 else []
    log = airflow.logs.joinpath(*parts, f"attempt={failed['try_number']}.log")
    return RunFailedError(f"{run.dag} {run.partition_key or ''}".strip(), f"task {failed['task_id']} failed", log)


def _all_reconciled(settings: Settings) -> bool:
    from twinledger.deployment import open_books
    from twinledger.reconciliation import read_reconciliation

    with open_books(settings) as books:
        return all(read_reconciliation(books, period) for period in demo_report.periods(books))


def _submit(settings: Settings) -> str:
    """A wish of the sample company, in the present period."""
    from twinledger.approvals import Submission, submit
    from twinledger.budgets import spent_so_far
    from twinledger.deployment import open_books
    from twinledger.metering import card_use

    with open_books(settings) as books:
        wish = Submission(
            requester=_REQUESTER,
            department=_DEPARTMENT,
            product="gpu",
            meter="card-hours",
            quantity=Decimal(96),
            days=14,
            region="us-east-1",
            justification="Ranking model for the holiday season: four cards, two weeks of training.",
            actual=spent_so_far(books, _DEPARTMENT),
            card_uses=card_use(books, _DEPARTMENT, "gpu"),
        )
        return submit(books, wish)


def _delivered(api: AirflowApi, components: Components, settings: Settings, request: str) -> bool:
    """Whether no message that is due waits any more, and Airflow's approval task does."""
    from twinledger.deployment import open_books
    from twinledger.outbox import entries

    components.check()
    failed = [run for run in api.runs() if run.state == "failed"]
    if failed:
        raise failure_of(failed[0], api.tasks(failed[0].dag, failed[0].id), components.airflow)
    with open_books(settings) as books:
        due = [one for one in entries(books.store, limit=1000) if one.not_before <= books.clock.now()]
    unsent = [one for one in due if one.state != "sent"]
    return (
        not unsent
        and bool(api.run("provisioning_approval", request))
        and bool(api.waiting("provisioning_approval", request))
    )
