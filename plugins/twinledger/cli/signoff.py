"""Commands that sign statements: list, prepare, sign, refuse, withdraw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.output import NOT_DONE, AsJson, ByOption, PeriodArgument, err, open_books, out, print_json, table

if TYPE_CHECKING:
    from twinledger.books import Books
    from twinledger.signing import Event, SignatureView
    from twinledger.vocabulary.periods import Period

signoff = typer.Typer(help="Sign the statements of a period: one prepares, another signs.", no_args_is_help=True)

PoolArgument = Annotated[str, typer.Argument(metavar="[POOL]", help="A pool of the period; or --all.")]
AllOption = Annotated[bool, typer.Option("--all", help="Every statement of the period that is in a state for it.")]
CommentOption = Annotated[str, typer.Option("--comment", help="Kept with it; cannot be changed afterwards.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; who prepared it reads it.")]

_FROM = {"prepare": ("open", "refused", "withdrawn"), "sign": ("prepared",)}


@signoff.command("list")
def list_signatures(period: PeriodArgument, as_json: AsJson = False) -> None:
    """How each statement of a period stands. For finance.

    Example: [bold]twinledger signoff list 2026-10[/]
    """
    from twinledger.signing import signatures

    with open_books() as books, books.store.reading() as session:
        found = signatures(session, str(period))
    if as_json:
        print_json([_json(one) for one in found])
        return
    columns = ("pool", "state", "deviation", "unexplained", "prepared by", "decided by", "comment")
    rows = [
        (one.pool, one.state, one.figures.get("deviation"), one.figures.get("unexplained"), one.prepared_by,
         one.decided_by, one.comment or one.note)
        for one in found
    ]  # fmt: skip
    table(f"{period}: {len(rows)} statements", columns, rows, columns[2:4])


@signoff.command()
def prepare(
    period: PeriodArgument, by: ByOption, pool: PoolArgument = "", everything: AllOption = False,
    comment: CommentOption = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    """Put a statement forward for somebody else's signature; finance is told.

    Refused, with the reason, while unexplained is beyond its tolerance, a gate failed or data are missing.

    Example: [bold]twinledger signoff prepare 2026-10 compute --by carol[/]
    """
    _move("prepare", period, pool, by, comment, everything=everything, as_json=as_json)


@signoff.command()
def sign(
    period: PeriodArgument, by: ByOption, pool: PoolArgument = "", everything: AllOption = False,
    comment: CommentOption = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    """Sign a statement that somebody else prepared; a later change of its numbers takes the signature away.

    Example: [bold]twinledger signoff sign 2026-10 --all --by dave[/]
    """
    _move("sign", period, pool, by, comment, everything=everything, as_json=as_json)


@signoff.command()
def refuse(
    period: PeriodArgument, pool: PoolArgument, by: ByOption, reason: ReasonOption, as_json: AsJson = False
) -> None:
    """Refuse to sign a statement that somebody else prepared.

    Example: [bold]twinledger signoff refuse 2026-10 compute --by dave --reason "the credit note is missing"[/]
    """
    _move("refuse", period, pool, by, reason, as_json=as_json)


@signoff.command()
def withdraw(
    period: PeriodArgument, pool: PoolArgument, by: ByOption, reason: ReasonOption, as_json: AsJson = False
) -> None:
    """Take back what you prepared or signed: what belongs to the statement can then be changed.

    Example: [bold]twinledger signoff withdraw 2026-10 compute --by dave --reason "one break more to explain"[/]
    """
    _move("withdraw", period, pool, by, reason, as_json=as_json)


def _move(
    event: Event, period: Period, pool: str, by: str, comment: str, *, as_json: bool, everything: bool = False
) -> None:
    """One statement, or all that are in a state for it; what is refused of all is said, and exit code 2."""
    from twinledger.reconciliation import sign_off
    from twinledger.signing import Step
    from twinledger.vocabulary.errors import TwinledgerError

    if bool(pool) == everything:
        raise typer.BadParameter("give a POOL or --all")
    done, refused = [], []
    with open_books() as books:
        for name in [pool] if pool else _in_state(books, period, event):
            try:
                done.append(sign_off(books, Step(str(period), name, event, by, "command line", comment)))
            except TwinledgerError as error:
                if pool:
                    raise
                refused.append(str(error))
    if as_json:
        print_json({"statements": [_json(one) for one in done], "refused": refused})
    else:
        for one in done:
            out.print(f"{one.period} {one.pool}: {one.state}", markup=False)
        for sentence in refused:
            err.print(sentence, markup=False, soft_wrap=True)
    if refused:
        raise typer.Exit(NOT_DONE)


def _in_state(books: Books, period: Period, event: Event) -> list[str]:
    from twinledger.signing import signatures

    with books.store.reading() as session:
        return [one.pool for one in signatures(session, str(period)) if one.state in _FROM[event]]


def _json(one: SignatureView) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__slots__ if name != "revision"}
