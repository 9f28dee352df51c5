"""Commands of Terraform plans: estimate, request submit, gate."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinledger.cli.output import AsJson, err, money, open_books, out, print_json, table
from twinledger.vocabulary.errors import TwinledgerError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from twinledger.approvals import Submission
    from twinledger.books import Books
    from twinledger.plans import Covered, Estimate, Line, Plan, Reading, Unmeasured, Verdict

PlanArgument = Annotated[
    Path, typer.Argument(metavar="PLAN", allow_dash=True, help="What `terraform show -json` printed; - reads it here.")
]
DepartmentOption = Annotated[str, typer.Option("--department", "-d", help="Who pays.")]
RegionOption = Annotated[str, typer.Option("--region", help="Of a plan: of resources for which it says none.")]
AccountOption = Annotated[str, typer.Option("--account", help="The sub account; of a plan: where it says none.")]


class Format(StrEnum):
    """How the gate's verdict is printed."""

    plain = "plain"
    json = "json"
    sarif = "sarif"


def estimate(
    plan: PlanArgument, department: DepartmentOption, region: RegionOption = "", account: AccountOption = "",
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """What a Terraform plan would cost a department a month of 30 days, with the arithmetic.

    Exit code 1 where something could not be counted: it is listed, with what to add to resources.yaml.

    Example: [bold]twinledger estimate plan.json --department storefront[/]
    """
    from twinledger.plans import estimate as estimated

    with open_books() as books, books.store.reading() as session:
        reading = _read(books, session, plan, region, account)
        found = estimated(session, reading, department, books.clock.now())
    if as_json:
        print_json(_estimate_json(found, reading))
    else:
        _print_estimate(found, reading)
    if found.unmeasured:
        raise typer.Exit(1)


def submit(
    department: DepartmentOption,
    days: Annotated[int, typer.Option("--days", help="For how many days.")],
    why: Annotated[str, typer.Option("--why", help="Who decides reads it.")],
    product: Annotated[str, typer.Option("--product", help="A listed product of the catalog.")] = "",
    meter: Annotated[str, typer.Option("--meter", help="A meter of the product.")] = "",
    quantity: Annotated[str, typer.Option("--quantity", help="Units of the meter for each day.")] = "",
    region: RegionOption = "",
    account: AccountOption = "",
    plan: Annotated[
        Path | None, typer.Option("--plan", allow_dash=True, help="Instead: all that this Terraform plan needs.")
    ] = None,
    needed_by: Annotated[
        datetime | None, typer.Option("--needed-by", formats=["%Y-%m-%d"], help="The day by which it is needed.")
    ] = None,
    person: Annotated[
        str, typer.Option("--by", help="Who asks, as people.yaml names them; without it, this system's user.")
    ] = "",
    workspace: Annotated[
        str, typer.Option("--workspace", "-w", help="Of a plan: its state, as at the gate; what it drew is its own.")
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Of a plan: also for what grants of the department cover already.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before submitting.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask for so much of a meter a day, or for what a Terraform plan needs: one request a meter, region and account.

    Of a plan, what the department's grants cover is left out, and said.

    Examples: [bold]twinledger request submit -d storefront --product kubernetes --meter core-hours --quantity 96
    --days 30 --region us-east-1 --why "holiday season"[/];
    [bold]twinledger request submit --plan plan.json -d storefront --days 90 --why "holiday season"[/]
    """
    from twinledger.budgets import spent_so_far
    from twinledger.metering import card_use

    with open_books() as books:
        unmeasured: Sequence[Unmeasured] = ()
        covered: Sequence[Covered] = ()
        with books.store.reading() as session:
            who = _person(session, person)
            reading = _read(books, session, plan, region, account) if plan else None
        actual = spent_so_far(books, department)
        if reading is None:
            wishes = [_wish(who, department, product, meter, quantity, days, region, account, why, actual)]
        else:
            covered = () if everything else _covered(books, reading, department, workspace)
            wishes = _wishes(reading, who, department, days, why, actual, covered)
            unmeasured = reading.unmeasured
        uses = card_use(books, department)
        needed = needed_by.date() if needed_by else None
        wishes = [replace(wish, card_uses=uses, needed_by=needed) for wish in wishes]
        if not as_json:
            _print_covered(covered)
            _print_wishes(wishes, unmeasured)
        if wishes and not yes:
            typer.confirm(f"Submit {len(wishes)} as {who}?", abort=True, err=True)
        made = [_made(books, wish, alone=len(wishes) == 1) for wish in wishes]
    if as_json:
        print_json(_made_json(wishes, made, unmeasured, covered))
    else:
        for one in made:
            out.print(str(one), markup=False, soft_wrap=True)
    if unmeasured or any(isinstance(one, TwinledgerError) for one in made):
        raise typer.Exit(1)


def gate(
    plan: PlanArgument,
    department: Annotated[list[str], typer.Option("--department", "-d", help="Whose grants; repeat it.")],
    workspace: Annotated[
        str, typer.Option("--workspace", "-w", help="Names the state that the plan is of, as shop/production.")
    ],
    region: RegionOption = "",
    account: AccountOption = "",
    form: Annotated[Format, typer.Option("--format", "-f", help="How to print the verdict.")] = Format.plain,
    config: Annotated[
        Path | None,
        typer.Option("--config", exists=True, dir_okay=False, help="A file that SARIF results point to, as main.tf."),
    ] = None,
    person: Annotated[str, typer.Option("--by", help="Who or what runs it, for the record.")] = "gate",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say the verdict, and draw nothing.")] = False,
) -> None:
    """Judge a Terraform plan against a department's grants, and draw them down where all of it is covered.

    Exit code 0 where every resource that is created, replaced or enlarged is covered; else 1, nothing is drawn, and
    each one that is not is named with what would cover it.

    Example: [bold]twinledger gate plan.json --department storefront --workspace shop/production[/]
    """
    from twinledger.plans import gate as judged
    from twinledger.plans import sarif

    with open_books() as books:
        with books.store.reading() as session:
            reading = _read(books, session, plan, region, account)
        verdict = judged(books, reading, departments=department, workspace=workspace, who=person, dry_run=dry_run)
    if form is Format.plain:
        _print_verdict(verdict)
    else:
        print_json(sarif(verdict, config) if form is Format.sarif else _verdict_json(verdict))
    if not verdict.passed:
        raise typer.Exit(1)


# --- reading ---------------------------------------------------------------------------------


def _read(books: Books, session: Session, path: Path, region: str, account: str) -> Reading:
    """A plan, counted by the table of the configuration folder."""
    from twinledger.plans import known_meters, load_table, measure

    counting = load_table(books.settings.config, known_meters(session))
    return measure(_plan(path), counting, region=region, account=account or None)


def _plan(path: Path) -> Plan:
    from twinledger.plans import MAX_BYTES, parse_plan, read_plan

    if str(path) == "-":
        return parse_plan(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input")
    return read_plan(path)


def _person(session: Session, given: str) -> str:
    """Who asks: the person that is named, or the one with the name of this system's user."""
    from twinledger.store.models import Person

    name = given or getpass.getuser()
    if session.get(Person, name) is None:
        message = f"{name[:60]!r} is nobody in people.yaml: expected --by with one of its names"
        raise typer.BadParameter(message)
    return name


def _covered(books: Books, reading: Reading, department: str, workspace: str) -> Sequence[Covered]:
    from twinledger.plans import covered_by_grants

    return covered_by_grants(books, reading, department=department, workspace=workspace)


def _wishes(
    reading: Reading, who: str, department: str, days: int, why: str, actual: Decimal, covered: Sequence[Covered]
) -> list[Submission]:
    from twinledger.plans import submissions

    return submissions(
        reading, requester=who, department=department, days=days, justification=why, actual=actual, covered=covered
    )


def _wish(
    who: str, department: str, product: str, meter: str, quantity: str, days: int, region: str, account: str,
    why: str, actual: Decimal,
) -> Submission:  # fmt: skip
    from twinledger.approvals import Submission
    from twinledger.vocabulary.money import parse_amount

    needed = {"--product": product, "--meter": meter, "--quantity": quantity, "--region": region}
    if missing := [name for name, value in needed.items() if not value]:
        message = f"expected --plan, or {', '.join(missing)} too"
        raise typer.BadParameter(message)
    return Submission(
        requester=who, department=department, product=product, meter=meter, quantity=parse_amount(quantity), days=days,
        region=region, justification=why, actual=actual, account=account or None,
    )  # fmt: skip


def _made(books: Books, wish: Submission, *, alone: bool) -> str | TwinledgerError:
    """The request's id; of several, one that is refused does not keep the others from being made."""
    from twinledger.approvals import submit as submitted

    try:
        return submitted(books, wish)
    except TwinledgerError as refused:
        if alone:
            raise
        return refused


# --- showing ---------------------------------------------------------------------------------


def _print_estimate(found: Estimate, reading: Reading) -> None:
    """Every line with its multiplication; sums by currency; then what could not be counted."""
    for line in found.lines:
        resource = line.resource
        what = " ".join(part for part in (resource.size, resource.region, resource.account) if part)
        out.print(f"{resource.address}  {resource.why}  {what}", markup=False, soft_wrap=True)
        out.print(f"  {_arithmetic(line)}", markup=False, soft_wrap=True)
    for total in found.totals:
        currency = total.a_month.currency
        added = (
            f", {money(total.added_a_month.amount)} of it added by the plan"
            if total.added_a_month != total.a_month
            else ""
        )
        said = f"{money(total.a_day.amount)} {currency} a day, {money(total.a_month.amount)} {currency} a month{added}"
        out.print(f"In all for {found.department}: {said}", markup=False, soft_wrap=True)
    if not found.lines:
        out.print("Nothing that counts is created, replaced or enlarged.")
    if reading.free:
        out.print(f"{reading.free} resources of types that cost nothing")
    _print_uncounted(found.unmeasured)


def _arithmetic(line: Line) -> str:
    """`kubernetes/core-hours: 1 x 48 = 48.00 core-hours a day, x 0.048 USD = 2.304 USD, x 30 days = 69.12 USD`."""
    from twinledger.plans import MONTH_DAYS

    currency = line.price.price.currency
    agreed = f" as agreed with {line.price.agreed_with}" if line.price.agreed_with else ""
    had = line.resource.had.get(line.use.key)
    before = f"; {money(had)} a day before" if had else ""
    return (
        f"{line.use.key}: {line.use.how} = {money(line.use.quantity)} {line.price.unit} a day, "
        f"x {money(line.price.price.amount)} {currency}{agreed} = {money(line.a_day.amount)} {currency}, "
        f"x {MONTH_DAYS} days = {money(line.a_month.amount)} {currency}{before}"
    )


def _print_uncounted(unmeasured: Sequence[Unmeasured]) -> None:
    if unmeasured:
        rows = [(one.address, one.reason, one.remedy) for one in unmeasured]
        table(f"{len(rows)} not counted", ("resource", "why", "what to do"), rows)


def _print_wishes(wishes: Sequence[Submission], unmeasured: Sequence[Unmeasured]) -> None:
    rows = [
        (f"{one.product}/{one.meter}", money(one.quantity), one.days, one.region, one.account,
         ", ".join(f"{kind['count']} {kind['type']} {kind['size']}".rstrip() for kind in one.resources))
        for one in wishes
    ]  # fmt: skip
    columns = ("meter", "a day", "days", "region", "account", "for")
    table(f"{len(rows)} to ask for", columns, rows, columns[1:3])
    _print_uncounted(unmeasured)


def _print_covered(covered: Sequence[Covered]) -> None:
    rows = [
        (one.resource.address, one.resource.size, f"{one.use.how} = {money(one.use.quantity)} {one.use.key}", one.grant)
        for one in covered
    ]
    if rows:
        table(f"{len(rows)} covered", ("resource", "size", "a day", "grant"), rows)


def _print_verdict(verdict: Verdict) -> None:
    _print_covered(verdict.covered)
    for one in verdict.uncovered:
        out.print(f"NOT COVERED {one.address} {one.size}".rstrip(), markup=False, soft_wrap=True)
        out.print(f"  {one.reason}", markup=False, soft_wrap=True)
        out.print(f"  {one.remedy}", markup=False, soft_wrap=True)
    if verdict.given_back:
        out.print(f"{len(verdict.given_back)} destroyed resources give back what they drew")
    done = "drawn" if verdict.drawn else "nothing is drawn"
    said = "everything is covered" if verdict.passed else f"{len(verdict.uncovered)} not covered"
    err.print(f"{verdict.plan}: {said}, {done}", markup=False)


def _estimate_json(found: Estimate, reading: Reading) -> dict[str, Any]:
    return {
        "department": found.department,
        "at": found.at,
        "plan": reading.digest,
        "lines": [_line_json(line) for line in found.lines],
        "totals": [
            {"currency": one.a_day.currency, "a_day": one.a_day.amount, "a_month": one.a_month.amount,
             "added_a_month": one.added_a_month.amount}
            for one in found.totals
        ],
        "free": reading.free,
        "not_counted": [_uncounted_json(one) for one in found.unmeasured],
    }  # fmt: skip


def _line_json(line: Line) -> dict[str, Any]:
    resource, use, price = line.resource, line.use, line.price
    return {
        "address": resource.address, "type": resource.type, "size": resource.size, "region": resource.region,
        "account": resource.account, "why": resource.why, "meter": use.key, "how": use.how, "quantity": use.quantity,
        "unit": price.unit, "price": price.price.amount, "currency": price.price.currency,
        "agreed_with": price.agreed_with, "a_day": line.a_day.amount, "a_month": line.a_month.amount,
        "added_a_month": line.added_a_month.amount,
    }  # fmt: skip


def _made_json(
    wishes: Sequence[Submission],
    made: Sequence[str | TwinledgerError],
    unmeasured: Sequence[Unmeasured],
    covered: Sequence[Covered],
) -> dict[str, Any]:
    refused = [(wish, one) for wish, one in zip(wishes, made, strict=True) if isinstance(one, TwinledgerError)]
    return {
        "requests": [one for one in made if isinstance(one, str)],
        "refused": [
            {"meter": f"{wish.product}/{wish.meter}", "region": wish.region, "reason": str(one)}
            for wish, one in refused
        ],
        "not_counted": [_uncounted_json(one) for one in unmeasured],
        "covered": [_covered_json(one) for one in covered],
    }


def _covered_json(one: Covered) -> dict[str, Any]:
    return {
        "address": one.resource.address, "type": one.resource.type, "size": one.resource.size, "meter": one.use.key,
        "quantity": one.use.quantity, "grant": one.grant,
    }  # fmt: skip


def _uncounted_json(one: Unmeasured) -> dict[str, Any]:
    return {"address": one.address, "type": one.type, "reason": one.reason, "remedy": one.remedy}


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "plan": verdict.digest,
        "workspace": verdict.workspace,
        "passed": verdict.passed,
        "drawn": verdict.drawn,
        "covered": [_covered_json(one) for one in verdict.covered],
        "uncovered": [
            {"address": one.address, "type": one.type, "size": one.size, "rule": one.rule, "reason": one.reason,
             "remedy": one.remedy}
            for one in verdict.uncovered
        ],
        "given_back": list(verdict.given_back),
        "free": verdict.free,
    }  # fmt: skip
