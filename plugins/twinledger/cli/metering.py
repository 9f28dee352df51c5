"""Commands of metering: reporters and their tokens, and what feeds have left out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from twinledger.cli.output import NEEDS_SOMEBODY, AsJson, PeriodArgument, open_books, out, print_json, table

metering = typer.Typer(help="Usage feeds: who reports, and what is missing.", no_args_is_help=True)
reporters = typer.Typer(help="Who may send usage events over HTTP, and of which feed.", no_args_is_help=True)
metering.add_typer(reporters, name="reporters")

NameArgument = Annotated[str, typer.Argument(help="The reporter's name: lower-case letters, digits, '_' and '-'.")]
FeedOption = Annotated[str, typer.Option("--feed", help="A usage source of format cloudevents.")]
WHO = "command line"


@reporters.command("add")
def add(name: NameArgument, feed: FeedOption, as_json: AsJson = False) -> None:
    """Give a reporter a token, which is shown once; the store keeps its SHA-256 alone.

    A known reporter gets a new token, and its old one is refused from then on.

    Example: [bold]twinledger metering reporters add cluster-eu --feed events[/]
    """
    from twinledger.metering import add_reporter

    with open_books() as books:
        token = add_reporter(books, name, feed, WHO)
    if as_json:
        print_json({"name": name, "feed": feed, "token": token})
        return
    out.print(f"{name} may write {feed}. Its token, which is not shown again:\n", markup=False)
    out.print(token, markup=False, soft_wrap=True)


@reporters.command("list")
def list_reporters(as_json: AsJson = False) -> None:
    """Every reporter with its feed; no token.

    Example: [bold]twinledger metering reporters list[/]
    """
    from twinledger.metering import reporters as known

    with open_books() as books:
        found = known(books)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        (one.name, one.feed, "active" if one.active else f"revoked {one.revoked_at:%Y-%m-%d %H:%M}", one.created_at)
        for one in found
    ]
    table(f"{len(rows)} reporters", ("reporter", "feed", "state", "since"), rows)


@reporters.command("revoke")
def revoke(name: NameArgument, as_json: AsJson = False) -> None:
    """Refuse a reporter's token from now on. What it sent before stays; `add` gives it a new one.

    Example: [bold]twinledger metering reporters revoke cluster-eu[/]
    """
    from twinledger.metering import revoke_reporter

    with open_books() as books:
        revoke_reporter(books, name, WHO)
    if as_json:
        print_json({"name": name, "active": False})
    else:
        out.print(f"{name} may write no more", markup=False)


@metering.command("coverage")
def coverage(period: PeriodArgument, as_json: AsJson = False) -> None:
    """Hours without a record of a tenant and meter that the feed showed in the days before, with their breaks.

    Only of feeds with options.coverage. `twinledger reconcile` opens the breaks. Exit code 1 when hours are missing.

    Example: [bold]twinledger metering coverage 2026-10[/]
    """
    from twinledger.metering import described
    from twinledger.reconciliation import missing_coverage

    with open_books() as books:
        found = missing_coverage(books, period)
        now = books.clock.now()
    if as_json:
        print_json([asdict(one) | {"hours": one.uncovered.hours} for one in found])
    else:
        rows = []
        for one in found:
            hours, state = one.uncovered, one.found
            age = f"{(now - state.opened_at).days} d" if state else ""
            life = (state.state, state.owner, age) if state else ("not reconciled yet", "", "")
            meter = f"{hours.product}/{hours.meter}"
            rows.append((hours.feed, hours.tenant, meter, hours.hours, described(hours.spans), *life))
        columns = ("feed", "tenant", "meter", "hours", "missing (UTC)", "break", "owner", "age")
        table(f"{period}: {len(rows)} tenants and meters with missing hours", columns, rows, ("hours",))
    if found:
        raise typer.Exit(NEEDS_SOMEBODY)
