"""Commands of a deployment: sample, store, lake, outbox."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from twinledger.cli.output import AsJson, open_books, out, print_json, progress, sentences, settings, table

outbox = typer.Typer(help="See what was told to whom, or waits to be told.", no_args_is_help=True)
store = typer.Typer(help="The database of this deployment.", no_args_is_help=True)
lake = typer.Typer(help="The fact tables' files.", no_args_is_help=True)

FolderArgument = Annotated[Path, typer.Argument(file_okay=False, help="Where to write; made when it is not there.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Of all chance: equal seeds give equal bytes.")]
MonthsOption = Annotated[int, typer.Option("--months", min=1, max=12, help="Accounting months, the last one 2026-10.")]
BillsOption = Annotated[str, typer.Option("--bills", help="Names of bills, as aws,azure: these alone.")]
ScaleOption = Annotated[float, typer.Option("--scale", min=0.001, help="1 is about 30 thousand bill lines.")]


def sample(
    folder: FolderArgument, seed: SeedOption = 7, months: MonthsOption = 3, scale: ScaleOption = 1.0,
    bills: BillsOption = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    """Write the sample company: bills in the vendors' own formats, metering, catalog, contracts, budgets.

    What was planted in it, and must be found, is in FOLDER/planted.json.

    Example: [bold]twinledger sample nimbus --seed 7 --months 3 --scale 1[/]
    """
    from twinledger.sample import write_sample
    from twinledger.sample.vendors import chosen

    names = tuple(name.strip() for name in bills.split(",")) if bills else None
    try:
        chosen(names)
    except ValueError as unknown:
        raise typer.BadParameter(str(unknown), param_hint="--bills") from None
    with sentences(), progress("writing the sample company", shown=not as_json) as say:
        settings()
        planted = write_sample(folder, seed, months, scale, say, names)
    if as_json:
        print_json(planted.facts)
    else:
        out.print(
            f"The sample company is in {folder}; {len(planted.facts)} planted facts in planted.json", markup=False
        )


@store.command("upgrade")
def upgrade() -> None:
    """Bring the store to its newest schema and create the lake's tables. Safe to repeat."""
    from twinledger.deployment import prepare

    with sentences():
        chosen = settings()
        prepare(chosen)
    out.print(f"store and lake in {chosen.home} are ready", markup=False)


DaysOption = Annotated[int, typer.Option("--older-than", min=1, help="Days since a file was last written.")]
ApplyOption = Annotated[bool, typer.Option("--apply", help="Delete them; without it they are only named.")]


@lake.command("sweep")
def sweep(older_than: DaysOption = 2, apply: ApplyOption = False, as_json: AsJson = False) -> None:
    """Name the files that killed processes left behind, and delete them when told to.

    Age alone tells them from files of a run under way: keep it longer than any run takes.

    Example: [bold]twinledger lake sweep[/], then [bold]twinledger lake sweep --apply[/]
    """
    from twinledger.lake.tables import TABLES

    with open_books() as books:
        before = books.clock.now() - timedelta(days=older_than)
        found = [path for one in TABLES.values() for path in books.lake.orphans(one, before)]
        size = sum(path.stat().st_size for path in found)
        for path in found if apply else ():
            path.unlink()
    if as_json:
        print_json({"files": [str(path) for path in found], "bytes": size, "deleted": apply})
        return
    for path in found:
        out.print(str(path), markup=False)
    out.print(f"{len(found)} files, {size:,} bytes, {'deleted' if apply else 'nothing deleted'}", markup=False)


StateOption = Annotated[str, typer.Option("--state", help="pending, sending, sent or failed; all when not given.")]


@outbox.command("list")
def list_outbox(state: StateOption = "", as_json: AsJson = False) -> None:
    """The newest messages first."""
    from twinledger.outbox import entries

    with open_books() as books:
        found = entries(books.store, state)
    if as_json:
        print_json([asdict(item) for item in found])
        return
    columns = ("id", "kind", "for", "channel", "subject", "state", "attempts", "error")
    rows = [(e.id, e.kind, e.audience, e.channel, e.subject, e.state, e.attempts, e.error) for e in found]
    table(f"{len(found)} messages", columns, rows, ("id", "attempts"))


IdentityArgument = Annotated[int, typer.Argument(help="A message's id, as `outbox list` gives it.")]


@outbox.command("show")
def show_outbox(identity: IdentityArgument, as_json: AsJson = False) -> None:
    """One message, as its reader sees it.

    Example: [bold]twinledger outbox show 3[/]
    """
    from twinledger.outbox import entry
    from twinledger.slack.render import CARDS, Links, render
    from twinledger.slack.terminal import as_lines

    with open_books() as books:
        found = entry(books.store, identity)
        with books.store.reading() as session:
            # A wake-up for Airflow is no message: nobody reads it.
            links = Links(books.settings.public_url)
            text = as_lines(render(session, found, links)) if found.kind in CARDS else json.dumps(dict(found.facts))
    if as_json:
        print_json(asdict(found) | {"text": text})
    else:
        out.print(f"to {found.channel} ({found.audience}), {found.state}\n", markup=False)
        out.print(text, markup=False)
