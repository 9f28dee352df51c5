"""Commands of pools: show, explain, savings, tags."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.output import (
    AsJson,
    PeriodArgument,
    money,
    open_books,
    out,
    print_json,
    progress,
    sentences,
    table,
)
from twinledger.vocabulary.periods import Period

if TYPE_CHECKING:
    from twinledger.pools.explain import Explanation, TriedRule

pools = typer.Typer(help="Which charge funds what, and why.", no_args_is_help=True)

SomePeriod = Annotated[str, typer.Argument(metavar="[PERIOD]", help="YYYY-MM, to count its charges by pool.")]
ChargeArgument = Annotated[
    list[str], typer.Argument(metavar="CHARGE", help="SOURCE PERIOD ROW, or DELIVERY#ROW as x_restates names it.")
]


@pools.command("show")
def show(period: SomePeriod = "", as_json: AsJson = False) -> None:
    """The pools in the order in which they are tried, with their rules; the charges of a period in each.

    Example: [bold]twinledger pools show 2026-10[/]
    """
    from twinledger.pools.overview import pools_overview

    with sentences():
        chosen = Period.parse(period) if period else None
    with open_books() as books:
        found = pools_overview(books, chosen)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    columns = ("pool", "kind", "owner", "rules", "driver", "savings", "charges")
    rows = [
        (one.pool, one.kind, one.owner, "; ".join(one.rules), one.driver, one.savings, one.charges) for one in found
    ]
    table(f"{len(found) - 1} pools, tried from the top", columns, rows, ("charges",))


@pools.command("explain")
def explain(charge: ChargeArgument, as_json: AsJson = False) -> None:
    """Why a charge is in its pool: the rules that were tried, which held, and what they found. Shows no amount.

    Examples: [bold]twinledger pools explain aws 2026-10 17[/];
    [bold]twinledger pools explain 2026-09/aws-1f0e2d3c4b5a6978#17[/]
    """
    from twinledger.pools.explain import explain_charge, parse_charge

    with sentences():
        named = parse_charge(charge)
    with open_books() as books:
        found = explain_charge(books, named)
    if as_json:
        print_json([asdict(one) | {"sentence": one.sentence} for one in found])
        return
    for one in found:
        _show(one)


@pools.command("savings")
def savings(period: PeriodArgument, as_json: AsJson = False) -> None:
    """What commitment discounts save, and what pools cost with it where policy puts it. For finance only.

    Example: [bold]twinledger pools savings 2026-10[/]
    """
    from twinledger.pools.savings import commitment_savings

    with open_books() as books, progress(f"reading commitments of {period}", shown=not as_json):
        found = commitment_savings(books, period)
    if as_json:
        print_json(asdict(found) | {"period": str(period), "cost": found.cost})
        return
    amounts = ("effective cost", "handed over", "credited", "cost")
    rows = [
        (one.pool, *map(money, (one.effective_cost, one.handed_over, one.credited, one.cost))) for one in found.pools
    ]
    rows.append(("total", "", "", "", money(found.cost)))
    table(f"{period}: pools with savings by policy, {found.currency}", ("pool", *amounts), rows, amounts)
    columns = ("usage of pool", "provider", "commitment", "policy", "bought by", "saving", "goes to")
    covered = [
        (one.pool, one.provider, one.commitment, one.savings, one.purchaser or "", money(one.saving), one.receiver)
        for one in found.commitments
    ]
    table(f"{len(covered)} commitments that cover usage", columns, covered, ("saving",))


LimitOption = Annotated[int, typer.Option("--limit", min=1, help="At most so many tags that name nobody.")]


@pools.command("tags")
def tags(period: PeriodArgument, limit: LimitOption = 10, as_json: AsJson = False) -> None:
    """How the owners of directly owned resources are known, and the most frequent tags that name no department.

    Example: [bold]twinledger pools tags 2026-10[/]
    """
    from twinledger.pools.hygiene import tag_hygiene

    with open_books() as books, progress(f"reading tags of {period}", shown=not as_json):
        found = tag_hygiene(books, period, limit)
    if as_json:
        print_json(asdict(found) | {"period": str(period)})
        return
    columns = ("owner known by", "charges", "%", "list cost", "% of it")
    rows = [
        (one.how.replace("_", " "), one.charges, one.charges_percent, money(one.list_cost), one.list_cost_percent)
        for one in found.ways
    ]
    table(f"{period}: usage charges of direct pools, {found.currency}", columns, rows, columns[1:])
    unknown = [(one.tag, one.written, one.charges, money(one.list_cost)) for one in found.unknown]
    named = ("tag", "says", "charges", "list cost")
    table(f"{len(unknown)} tags that name no department", named, unknown, ("charges", "list cost"))


def _show(one: Explanation) -> None:
    rows = [
        (
            pool.pool if rule is pool.rules[0] else "",
            rule.number,
            _text(rule),
            rule.found,
            "yes" if rule.holds else "no",
        )
        for pool in one.tried
        for rule in pool.rules
    ]
    title = f"{one.source} {one.period} row {one.row} of {one.delivery}: {one.service} {one.resource or ''}"
    table(title.rstrip(), ("pool", "rule", "says", "found", "holds"), rows, ("rule",))
    out.print(one.sentence, markup=False)


def _text(rule: TriedRule) -> str:
    verb = "starts with" if rule.operator == "prefix" else "is"
    return f"{rule.column} {verb} {' or '.join(rule.values)}"
