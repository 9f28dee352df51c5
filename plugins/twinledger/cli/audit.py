"""Commands of the audit trail: verify, head, show, export. All of it is for finance: facts may cite a bill."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinledger.cli.output import NEEDS_SOMEBODY, AsJson, open_books, out, print_json, progress, table

if TYPE_CHECKING:
    from twinledger.store.chain import Entry, Proof, Wanted

audit = typer.Typer(help="Who did what, when, on which facts; and the proof that it is whole.", no_args_is_help=True)

HeadOption = Annotated[
    list[str], typer.Option("--head", metavar="SEQUENCE:HASH", help="A head that was kept elsewhere; repeatable.")
]


@audit.command()
def verify(head: HeadOption = [], as_json: AsJson = False) -> None:  # noqa: B006 - typer's way to say none
    """Prove the trail whole, entry by entry: nothing edited, removed, put in between or in another order.

    What was cut off at its end is found by a head that was kept: by --head, and by those that signatures and closed
    periods noted. Exit code 1 where an entry is not what was appended; it is named.

    Example: [bold]twinledger audit verify --head 1204:9f2c...[/]
    """
    from twinledger.closing import noted_heads
    from twinledger.store.audit import Head
    from twinledger.store.chain import Anchor
    from twinledger.store.chain import verify as proven

    with open_books() as books, progress("reading the audit trail", shown=not as_json) as say:
        given = [Anchor(Head.parse(one), "--head") for one in head]
        with books.store.reading() as session:
            found = proven(session, [*given, *noted_heads(books)], lambda count: say(f"{count:,} entries"))
    _say(found, as_json=as_json)
    if not found.whole:
        raise typer.Exit(NEEDS_SOMEBODY)


def _say(found: Proof, *, as_json: bool) -> None:
    if as_json:
        fault = asdict(found.fault) if found.fault else None
        print_json({"whole": found.whole, "entries": found.entries, "head": str(found.head), "heads": found.anchors,
                    "fault": fault})  # fmt: skip
        return
    if found.fault:
        out.print(f"[bold red]not whole[/]: {found.entries:,} entries are, then")
        out.print(str(found.fault), markup=False, soft_wrap=True)
        return
    out.print(f"whole: {found.entries:,} entries, {found.anchors} noted heads found", markup=False)
    out.print(str(found.head), markup=False, soft_wrap=True)


@audit.command()
def head(as_json: AsJson = False) -> None:
    """Print the newest entry's sequence and hash: kept elsewhere, it proves all entries up to it.

    Example: [bold]twinledger audit head >> /elsewhere/heads.txt[/]
    """
    from twinledger.store.audit import head as newest_head

    with open_books() as books, books.store.reading() as session:
        found = newest_head(session)
    if as_json:
        print_json({"sequence": found.sequence, "hash": found.hash})
    else:
        out.file.write(f"{found}\n")


SubjectOption = Annotated[str, typer.Option("--subject", help="Of what: a request, period, delivery, statement.")]
WhoOption = Annotated[str, typer.Option("--who", help="A person, rule, timer or DAG.")]
ActionOption = Annotated[str, typer.Option("--action", help="As statement.sign.")]
SinceOption = Annotated[datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="A day, in UTC.")]
LastOption = Annotated[int, typer.Option("--last", min=1, help="So many, the newest ones.")]


@audit.command()
def show(
    subject: SubjectOption = "", who: WhoOption = "", action: ActionOption = "", since: SinceOption = None,
    last: LastOption = 50, as_json: AsJson = False,
) -> None:  # fmt: skip
    """The newest entries, the last one below.

    Example: [bold]twinledger audit show --subject "2026-10 compute" --since 2026-11-01[/]
    """
    from twinledger.store.chain import newest

    with open_books() as books, books.store.reading() as session:
        found = newest(session, _wanted(subject, who, action, since), last)
    if as_json:
        print_json([_line(one) for one in found])
        return
    rows = [
        (one.sequence, f"{one.at:%Y-%m-%d %H:%M:%S}", one.who, one.action, one.subject, json.dumps(dict(one.facts)))
        for one in found
    ]
    table(f"{len(rows)} entries", ("entry", "at (UTC)", "who", "action", "subject", "facts"), rows, ("entry",))


@audit.command()
def export(
    subject: SubjectOption = "", who: WhoOption = "", action: ActionOption = "", since: SinceOption = None
) -> None:
    """Write entries as JSON lines, the oldest first: each line without its hash is what the hash is of.

    Example: [bold]twinledger audit export > trail.jsonl[/], then for a line
    [bold]jq -cjS 'del(.hash)' | sha256sum[/]
    """
    from twinledger.store.chain import entries

    with open_books() as books, books.store.reading() as session:
        for one in entries(session, _wanted(subject, who, action, since)):
            out.file.write(json.dumps(_line(one), ensure_ascii=False) + "\n")


def _wanted(subject: str, who: str, action: str, since: datetime | None) -> Wanted:
    from twinledger.store.chain import Wanted

    return Wanted(subject, who, since.replace(tzinfo=UTC) if since else None, action)


def _line(one: Entry) -> dict[str, Any]:
    from twinledger.store.audit import stamp

    return {**asdict(one), "at": stamp(one.at), "facts": dict(one.facts)}
