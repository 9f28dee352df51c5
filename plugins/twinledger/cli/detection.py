"""Commands of what slipped past: approve an action, list what is due, do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.output import (
    NEEDS_SOMEBODY,
    AsJson,
    PeriodArgument,
    err,
    money,
    open_books,
    out,
    print_json,
    progress,
    table,
)

if TYPE_CHECKING:
    from twinledger.reconciliation import Action, Proposal

detection = typer.Typer(
    help="Resources that slipped past: what may be done about them, by a rule or an approval.", no_args_is_help=True
)

BreakArgument = Annotated[
    str, typer.Argument(metavar="BREAK", help="A break of rule ungranted; the beginning of its identity is enough.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it; without it, nothing is done.")]
MostOption = Annotated[
    int, typer.Option("--most", min=0, help="So many actions at most; without it, as detection.yaml says.")
]
SURFACE = "command line"


@detection.command()
def act(period: PeriodArgument, yes: YesOption = False, most: MostOption = 0, as_json: AsJson = False) -> None:
    """List what rules and approvals would do to resources without a grant; with --yes, do it: once for each break.

    Exit code 1 where something failed. For finance and operators.

    Examples: [bold]twinledger detection act 2026-10[/]; [bold]twinledger detection act 2026-10 --yes --most 5[/]
    """
    from twinledger.cloud.aws_hands import AwsHands
    from twinledger.reconciliation import act as done_of
    from twinledger.reconciliation import load_detection, proposals

    with open_books() as books, progress(f"looking for resources of {period}", shown=not as_json):
        file = load_detection(books.settings.config)
        found = proposals(books, period, file)
        done = done_of(books, AwsHands(file.aws), found, most or file.most) if yes else []
    print_proposals(list(done) if yes else list(found), as_json=as_json)
    if not yes and not as_json:
        err.print("Nothing was done: --yes does what is to do.")
    if any(one.state == "failed" for one in done):
        raise typer.Exit(NEEDS_SOMEBODY)


def print_proposals(found: list[Proposal], *, as_json: bool) -> None:
    """What each would do or did, to what, why, and for how much money."""
    if as_json:
        print_json([_json(one) for one in found])
        return
    columns = ("break", "resource", "account", "region", "action", "state", "because", "why", "amount")
    rows = [
        (one.break_id[:12], one.found.resource, _place(one)[0], _place(one)[1], one.action, one.state,
         one.because, one.problem or one.found.reason, f"{money(one.found.amount)} {one.currency}")
        for one in found
    ]  # fmt: skip
    table(f"{len(rows)} actions", columns, rows, ("amount",))


def _place(one: Proposal) -> tuple[str | None, str | None]:
    return (one.target.account, one.target.region) if one.target else (one.found.account, one.found.region)


def _json(one: Proposal) -> dict[str, object]:
    account, region = _place(one)
    return {
        "break": one.break_id, "resource": one.found.resource, "arn": one.target.arn if one.target else None,
        "account": account, "region": region, "department": one.found.department, "action": one.action,
        "state": one.state, "because": one.because, "reason": one.found.reason, "problem": one.problem,
        "since": one.since, "amount": one.found.amount, "currency": one.currency,
    }  # fmt: skip


@detection.command()
def approve(
    break_id: BreakArgument,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="tag, or stop, which tags too.")],
    by: Annotated[str, typer.Option("--by", help="Who you are, as people.yaml names you: finance or an operator.")],
    why: Annotated[str, typer.Option("--why", help="Why; the audit trail keeps it.")],
) -> None:
    """Approve one action for one break, which no rule need allow then; `detection act` does it.

    Example: [bold]twinledger detection approve 3f2a9c stop --by mary --why "nobody claims it"[/]
    """
    from twinledger.reconciliation import approve_action, find_break

    with open_books() as books:
        found = find_break(books, break_id)
        approve_action(books, found, _action(action), who=by, why=why, surface=SURFACE)
    out.print(f"{action} of break {found[:12]} is approved; `twinledger detection act` does it", markup=False)


def _action(text: str) -> Action:
    if text == "tag":
        return "tag"
    if text == "stop":
        return "stop"
    message = f"{text!r} is no action: expected tag or stop"
    raise typer.BadParameter(message, param_hint="ACTION")
