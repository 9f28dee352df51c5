"""Commands of anomalies: find, list, show, and what somebody says of one."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinledger.cli.output import AsJson, ByOption, open_books, out, print_json, progress, table

if TYPE_CHECKING:
    from twinledger.anomalies import Anomaly
    from twinledger.vocabulary.audiences import View

anomaly = typer.Typer(
    help="Anomalies: days and hours that cost more or less than they were expected to.", no_args_is_help=True
)

EffectiveOption = Annotated[
    bool, typer.Option("--effective", help="For finance: by vendor and service, as vendors really charged.")
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Of the anomaly, or how it begins.")]


class Verdict(StrEnum):
    """What can be said of an anomaly."""

    YES = "yes"
    NO = "no"
    PLANNED = "planned"


@anomaly.command()
def find(
    through: Annotated[
        datetime | None,
        typer.Option("--through", formats=["%Y-%m-%d"], help="The last final day, UTC; else as the settings say."),
    ] = None,
    effective: EffectiveOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be found.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look for anomalies in the last five weeks of both ledgers, and keep them; nobody is told.

    Repeating it finds the same ones, with the amounts of now. What is listed are internal charges, or with --effective
    what vendors really charged; both are looked at.

    Examples: [bold]twinledger anomaly find[/]; [bold]twinledger anomaly find --through 2026-10-19 --dry-run[/]
    """
    from twinledger.anomalies import find_anomalies

    last = through.date() if through else None
    with open_books() as books, progress("reading both ledgers", shown=not as_json) as say:
        found = find_anomalies(books, last, dry_run=dry_run, report=say)
    _show(
        [one for one in found if one.view == _view(effective)], "found" if not dry_run else "found, not kept", as_json
    )


@anomaly.command("list")
def list_(
    effective: EffectiveOption = False,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over or dismissed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List open anomalies, the largest impact first: those that go on, or ended less than a week ago.

    Examples: [bold]twinledger anomaly list[/]; [bold]twinledger anomaly list --effective --all[/]
    """
    from twinledger.anomalies import anomalies

    with open_books() as books, books.store.reading() as session:
        found = anomalies(session, _view(effective), None if everything else "open")
    _show(found, "in all" if everything else "open", as_json)


@anomaly.command()
def show(name: IdArgument, effective: EffectiveOption = False, as_json: AsJson = False) -> None:
    """Show one anomaly with its causes, what usually explains it, and what was said of it.

    Examples: [bold]twinledger anomaly show 3f2a[/]; [bold]twinledger anomaly show 81c0 --effective[/]
    """
    from twinledger.anomalies import anomaly_of, answers, named

    with open_books() as books, books.store.reading() as session:
        found = anomaly_of(named(session, name, _view(effective)))
        said = answers(session, _view(effective), found.id)
    if as_json:
        print_json(_said(found) | {"answers": [asdict(one) for one in said]})
        return
    rows: list[tuple[str, object]] = [
        ("series", found.series), ("shape", found.shape), ("from", f"{found.start:%Y-%m-%d %H:%M}"),
        ("until", f"{found.end:%Y-%m-%d %H:%M}"), ("actual", found.actual), ("expected", found.expected),
        ("impact", found.impact), ("usual reason", found.reason), ("state", found.state),
        ("final through", f"{found.known_through:%Y-%m-%d %H:%M}"),
    ]  # fmt: skip
    table(f"{found.title}, {found.id}", ("", "UTC"), rows)
    table(
        "Causes", ("dimension", "name", "change"), [(c.dimension, c.name, c.change) for c in found.causes], ("change",)
    )
    table("Answers", ("answer", "who", "at (UTC)"), [(a.verdict, a.who, f"{a.at:%Y-%m-%d %H:%M}") for a in said])


@anomaly.command()
def answer(
    name: IdArgument,
    verdict: Annotated[Verdict, typer.Argument(help="yes, it was worth telling; no; or planned: it was known.")],
    who: ByOption,
    effective: EffectiveOption = False,
) -> None:
    """Say once what an anomaly was: no raises the bounds of its series, yes lowers them, planned leaves them.

    The owner or budget holder of its department or of one above may, and finance. No and planned dismiss it.

    Example: [bold]twinledger anomaly answer 3f2a planned --by bob[/]
    """
    from twinledger.anomalies import answer as give
    from twinledger.anomalies import named
    from twinledger.vocabulary.identities import new_identity

    with open_books() as books:
        with books.store.reading() as session:
            found = named(session, name, _view(effective)).id
        said = give(books, found, who, verdict.value, "command line", new_identity("answer"))
    out.print(f"{said.id} is {said.state}: {said.answer}, says {who}", markup=False)


def _view(effective: bool) -> View:
    return "effective" if effective else "internal"


def _show(found: list[Anomaly], what: str, as_json: bool) -> None:
    if as_json:
        print_json([_said(one) for one in found])
        return
    columns = ("id", "series", "shape", "from", "until", "expected", "actual", "impact", "usual reason", "state")
    rows = [
        (one.id[:8], one.title, one.shape, _instant(one.start), _instant(one.end), one.expected, one.actual,
         one.impact, one.reason, one.answer or one.state)
        for one in found
    ]  # fmt: skip
    count = f"{len(found):,} anomal{'y' if len(found) == 1 else 'ies'} {what}"
    table(f"{count}; times are UTC", columns, rows, ("expected", "actual", "impact"))


def _instant(instant: datetime) -> date | str:
    """A day where it is midnight."""
    return instant.date() if not instant.hour else f"{instant:%Y-%m-%d %H:%M}"


def _said(one: Anomaly) -> dict[str, Any]:
    return asdict(one) | {"impact": asdict(one.impact)}
