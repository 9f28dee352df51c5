"""Commands of budgets: what is left, why a month costs more, and moving budget."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.output import (
    NEEDS_SOMEBODY,
    AsJson,
    ByOption,
    PeriodArgument,
    open_books,
    out,
    parse_period,
    print_json,
    progress,
    table,
)

if TYPE_CHECKING:
    from twinledger.books import Books
    from twinledger.budgets import Movement, Position
    from twinledger.vocabulary.audiences import View

budget = typer.Typer(help="Budgets: what is left of them, why a month costs more, moving them.", no_args_is_help=True)

WhyOption = Annotated[str, typer.Option("--why", help="The reason; the audit trail keeps it.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before moving.")]
FinanceOption = Annotated[
    bool, typer.Option("--finance", help="For finance: also lines in what vendors really charged.")
]
_EFFECTS = ("price", "volume", "mix", "new", "gone")


@budget.command()
def check(
    period: PeriodArgument,
    tree: Annotated[bool, typer.Option("--tree", help="Each department with all that are below it.")] = False,
    finance: FinanceOption = False,
    as_json: AsJson = False,
) -> None:
    """Every department's actual and commitments against its plan, and every line's; tells departments that are over.

    Repeating it tells nobody twice. Lines are those whose month, quarter or year the period is in.

    Examples: [bold]twinledger budget check 2026-10[/]; [bold]twinledger budget check 2026-10 --tree[/]
    """
    from twinledger.budgets import check_period, line_positions, roll_up

    with open_books() as books, progress(f"comparing {period} with its budgets", shown=not as_json):
        found = check_period(books, period)
        lines = line_positions(books, period, _views(finance=finance))
        shown = roll_up(found, _parents(books)) if tree else [(0, one) for one in found]
    if as_json:
        departments = [asdict(one) | {"depth": depth} for depth, one in shown]
        print_json({"departments": departments, "lines": [_as_json(one) for one in lines]})
        return
    columns = ("department", "plan", "actual", "committed", "variance")
    rows = [
        ("  " * depth + v.department, v.plan, v.actual, v.committed, f"{v.variance}{' over' if v.over else ''}")
        for depth, v in shown
    ]
    table(f"{period}: budgets", columns, rows, columns[1:])
    if lines:
        of_lines = ("line", "of", "amounts", *columns[1:], "over since")
        so_far = [(one, one.actual + one.committed - one.plan) for one in lines]
        parts = [
            (one.budget, one.period, one.view, one.plan, one.actual, one.committed,
             f"{variance}{' over' if variance.amount > 0 else ''}", one.over_since)
            for one, variance in so_far
        ]  # fmt: skip
        table(f"{period}: lines", of_lines, parts, columns[1:])


@budget.command()
def outlook(
    period: PeriodArgument,
    known_through: Annotated[
        datetime | None,
        typer.Option("--known-through", formats=["%Y-%m-%d"], help="As if nothing had come after that day."),
    ] = None,
    finance: FinanceOption = False,
    as_json: AsJson = False,
) -> None:
    """Where every budget will end: actual, commitments, and what is to come by forecast, against its plan.

    The variance stands with the range that it lies in in four cases of five. Departments with a plan are shown, and
    the lines whose month, quarter or year the period is in, to the end of that. Nobody is told. Exit code 1 where a
    budget will be over.

    Examples: [bold]twinledger budget outlook 2026-10[/]; [bold]twinledger budget outlook 2026-10 --finance[/]
    """
    from twinledger.budgets import budget_positions, by_variance

    day = known_through.date() if known_through else None
    with open_books() as books, progress(f"forecasting {period}", shown=not as_json) as say:
        found = by_variance(budget_positions(books, period, day, say, _views(finance=finance)))
    if as_json:
        print_json([_as_json(one) for one in found])
    else:
        columns = ("budget", "of", "known through", "plan", "actual", "committed", "expected", "variance", "between")
        rows = [
            (one.budget, one.period, one.known_through, one.plan, one.actual, one.committed, one.expected,
             f"{one.variance}{' over' if one.variance.amount > 0 else ''}",
             f"{one.lowest - one.plan} and {one.highest - one.plan}")
            for one in found
        ]  # fmt: skip
        table(f"{period}: where budgets will end", columns, rows, columns[3:])
    if any(one.variance.amount > 0 for one in found):
        raise typer.Exit(NEEDS_SOMEBODY)


def _views(*, finance: bool) -> tuple[View, ...]:
    return ("internal", "effective") if finance else ("internal",)


def _as_json(one: Position) -> dict[str, object]:
    return asdict(one) | {"variance": asdict(one.variance)}


def _parents(books: Books) -> dict[str, str | None]:
    from sqlalchemy import select

    from twinledger.store.models import Department

    with books.store.reading() as session:
        return {one.name: one.parent for one in session.scalars(select(Department))}


@budget.command()
def why(
    period: PeriodArgument,
    against: Annotated[str, typer.Option("--against", help="The month to compare with; else the one before.")] = "",
    department: Annotated[str, typer.Option("--department", "-d", help="Only of this department.")] = "",
    effective: Annotated[
        bool, typer.Option("--effective", help="For finance: by vendor and service, as vendors really charged.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Why a month costs more or less than another one: price, volume, mix, new resources and those that are gone.

    The effects of each line add up to its change exactly.

    Examples: [bold]twinledger budget why 2026-10[/];
    [bold]twinledger budget why 2026-10 --against 2026-08 -d shop[/]; [bold]twinledger budget why 2026-10 --effective[/]
    """
    from twinledger.budgets import external_effects, internal_effects

    if effective and department:
        message = "the external ledger is by vendor: expected --effective without --department"
        raise typer.BadParameter(message)
    before = parse_period(against) if against else period.shift(-1)
    read = external_effects if effective else internal_effects
    with open_books() as books, progress(f"comparing {period} with {before}", shown=not as_json):
        found = [one for one in read(books, before, period) if department in ("", one.scope)]
    if as_json:
        print_json([asdict(one) | {"change": asdict(one.change)} for one in found])
        return
    columns = ("vendor" if effective else "department", "product", "unit", str(before), *_EFFECTS, str(period))
    rows = [
        (one.scope, one.product, one.unit, one.before, one.price, one.volume, one.mix, one.new, one.gone, one.after)
        for one in found
    ]
    table(f"{period} against {before}: what changed", columns, rows, columns[3:])


@budget.command()
def transfer(
    period: PeriodArgument,
    giver: Annotated[str, typer.Option("--from", help="The department that gives.")],
    receiver: Annotated[str, typer.Option("--to", help="The department that gets it.")],
    amount: Annotated[str, typer.Option("--amount", help="In the currency of both plans.")],
    by: ByOption,
    why: WhyOption,
    yes: YesOption = False,
) -> None:
    """Give a part of what is left of one department's plan to another one, as a dated entry.

    Example: [bold]twinledger budget transfer 2026-10 --from shop --to data --amount 500.00 --by bob --why "a test"[/]
    """
    from twinledger.budgets import spent_so_far
    from twinledger.budgets import transfer as moved
    from twinledger.vocabulary.money import parse_amount

    given = parse_amount(amount)
    with open_books() as books:
        if not yes:
            typer.confirm(f"Move {amount} of {period} from {giver} to {receiver}?", abort=True, err=True)
        actual = spent_so_far(books, giver, period)
        _print([moved(books, giver=giver, receiver=receiver, period=period, amount=given, actual=actual, who=by,
                      reason=why)])  # fmt: skip


@budget.command("rollover")
def roll_over(
    period: PeriodArgument,
    department: Annotated[str, typer.Option("--department", "-d", help="Whose plan.")],
    by: ByOption,
    why: WhyOption,
    yes: YesOption = False,
) -> None:
    """Leave what a department did not spend in a closed period to the one after it.

    Example: [bold]twinledger budget rollover 2026-09 -d shop --by mary --why "agreed with finance"[/]
    """
    from twinledger.budgets import roll_over as moved
    from twinledger.budgets import spent_so_far

    with open_books() as books:
        if not yes:
            question = f"Leave what {department} did not spend in {period} to {period.shift(1)}?"
            typer.confirm(question, abort=True, err=True)
        actual = spent_so_far(books, department, period)
        _print([moved(books, department=department, period=period, actual=actual, who=by, reason=why)])


@budget.command()
def movements(
    period: Annotated[str, typer.Argument(metavar="[PERIOD]", help="Into or out of this month alone.")] = "",
    department: Annotated[str, typer.Option("--department", "-d", help="Into or out of this department.")] = "",
    as_json: AsJson = False,
) -> None:
    """List what moved between plans, the newest first.

    Example: [bold]twinledger budget movements 2026-10 -d shop[/]
    """
    from twinledger.budgets import movements as moved

    month = parse_period(period) if period else None
    with open_books() as books, books.store.reading() as session:
        found = moved(session, month, department)
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        _print(found)


def _print(found: list[Movement]) -> None:
    columns = ("at (UTC)", "kind", "from", "to", "amount", "who", "why")
    rows = [
        (f"{one.at:%Y-%m-%d %H:%M}", one.kind, f"{one.from_department} {one.from_period}",
         f"{one.to_department} {one.to_period}", one.amount, one.who, one.reason)
        for one in found
    ]  # fmt: skip
    table(f"{len(found)} movements" if len(found) != 1 else found[0].id, columns, rows, ("amount",))
    if not found:
        out.print("Nothing has moved.")
