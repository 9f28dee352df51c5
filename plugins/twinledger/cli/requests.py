"""Commands of requests to provision: list, show, decide, withdraw, amend, escalate, export; and of who is away."""

from __future__ import annotations

import csv
import json
import uuid
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinledger.cli.output import AsJson, ByOption, money, open_books, out, print_json, table

if TYPE_CHECKING:
    from twinledger.approvals import Answer, RequestRecord, RequestView, Submission

request = typer.Typer(help="Requests to provision: who asked, who decided, and what came of it.", no_args_is_help=True)
away = typer.Typer(
    help="Who is away, and who stands in for them when something is to be decided.", no_args_is_help=True
)

RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="A request's identity, as req-1f3a.")]
DepartmentOption = Annotated[str, typer.Option("--department", help="Only of this department.")]
StateOption = Annotated[str, typer.Option("--state", help="Only those: pending, approved, denied, withdrawn, ...")]
PersonOption = Annotated[str, typer.Option("--person", help="Only what this person asked for.")]
SinceOption = Annotated[datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="A day, in UTC.")]
LastOption = Annotated[int, typer.Option("--last", min=1, max=100_000, help="So many, the newest ones.")]
SURFACE = "command line"


@request.command("list")
def list_requests(
    department: DepartmentOption = "", state: StateOption = "", person: PersonOption = "", since: SinceOption = None,
    last: LastOption = 50, as_json: AsJson = False,
) -> None:  # fmt: skip
    """List requests, the newest first.

    Example: [bold]twinledger request list --state pending --department shop[/]
    """
    from twinledger.approvals import WantedRequests, requests

    with open_books() as books, books.store.reading() as session:
        found = requests(session, WantedRequests(department, person, state, _instant(since)), last)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [(one.id, one.requester, one.department, _meter(one), money(one.amount), _stands(one)) for one in found]
    table(f"{len(rows)} requests", ("request", "by", "department", "meter", "amount", "stands"), rows, ("amount",))


@request.command()
def show(request_id: RequestArgument, as_json: AsJson = False) -> None:
    """Show one request: its stages, the price and headroom it is judged on, and what the audit trail says of it.

    Example: [bold]twinledger request show req-1f3a[/]
    """
    from twinledger.approvals import request_record

    with open_books() as books, books.store.reading() as session:
        found = request_record(session, request_id)
    if as_json:
        print_json(_record(found))
        return
    view = found.request
    rows = [
        ("asked by", f"{view.requester} for {view.department}, {view.created_at:%Y-%m-%d %H:%M} UTC"),
        ("what", f"{view.quantity.normalize():f} {view.facts['unit']} a day of {_meter(view)}"),
        ("where", f"{view.region}, account {view.account or 'any'}, {view.days} days"),
        *([("needed by", view.facts["needed_by"])] if "needed_by" in view.facts else []),
        ("estimate", f"{money(view.amount)} {view.currency} at {view.facts['price']} a {view.facts['unit']}"),
        *_cards(view),
        ("budget", f"available {view.facts['available_before']}, after it {view.facts['available_after']}"),
        ("rule", view.facts["rule"]),
        ("stands", _stands(view)),
        ("commitment", f"{found.commitment}, holds {found.held} {view.currency}"),
        *([("grant", f"{view.grant} until {found.grant_until:%Y-%m-%d %H:%M} UTC")] if found.grant_until else []),
        *([("in place of", view.supersedes)] if view.supersedes else []),
        ("why", view.justification),
    ]
    table(view.id, ("", ""), rows)
    entries = [(f"{one.at:%Y-%m-%d %H:%M:%S}", one.who, one.action, one.hash[:12]) for one in found.entries]
    table("What the audit trail says", ("at (UTC)", "who", "action", "hash"), entries)


def _cards(view: RequestView) -> list[tuple[str, str]]:
    from twinledger.approvals import use_of_cards, wanted_cards

    wanted = wanted_cards(view.facts)
    return [("GPU cards", wanted), ("cards held now", use_of_cards(view.facts))] if wanted else []


@request.command()
def approve(request_id: RequestArgument, by: ByOption, comment: Annotated[str, typer.Option("--comment")] = "") -> None:
    """Approve a request at its present stage: the same claim as by Slack or a page.

    Example: [bold]twinledger request approve req-1f3a --by ada --comment "for the sale"[/]
    """
    _decide(request_id, by, "approve", comment)


@request.command()
def deny(
    request_id: RequestArgument,
    by: ByOption,
    reason: Annotated[str, typer.Option("--reason", help="Why; the requester reads it.")],
) -> None:
    """Deny a request, with the reason.

    Example: [bold]twinledger request deny req-1f3a --by ada --reason "use the cards you hold"[/]
    """
    _decide(request_id, by, "deny", reason)


def _decide(request_id: str, by: str, answer: Answer, comment: str) -> None:
    from twinledger.approvals import Decision, decide

    with open_books() as books:
        found = decide(books, Decision(request_id, by, answer, SURFACE, uuid.uuid4().hex, comment))
    granted = f", {found.grant}" if found.grant else ""
    out.print(f"{request_id} is {found.state}{granted}", markup=False)


@request.command()
def withdraw(request_id: RequestArgument, by: ByOption) -> None:
    """Take a request back that nobody has decided; its budget is given back.

    Example: [bold]twinledger request withdraw req-1f3a --by cy[/]
    """
    from twinledger.approvals import withdraw as taken_back

    with open_books() as books:
        found = taken_back(books, request_id, by, surface=SURFACE, interaction_key=uuid.uuid4().hex)
    out.print(f"{request_id} is {found.state}", markup=False)


@request.command()
def amend(
    request_id: RequestArgument,
    by: ByOption,
    quantity: Annotated[str, typer.Option("--quantity", help="Units of the meter a day, instead of before.")] = "",
    days: Annotated[int, typer.Option("--days", min=0, help="Days, instead of before.")] = 0,
    region: Annotated[str, typer.Option("--region", help="Region, instead of before.")] = "",
    why: Annotated[str, typer.Option("--why", help="The reason, instead of before.")] = "",
) -> None:
    """Put another request in the place of one that waits: it is judged and asked for from the start.

    Example: [bold]twinledger request amend req-1f3a --by cy --quantity 48 --days 7[/]
    """
    from twinledger.approvals import amend as amended
    from twinledger.approvals import request_view
    from twinledger.budgets import spent_so_far
    from twinledger.metering import card_use

    with open_books() as books:
        with books.store.reading() as session:
            view = request_view(session, request_id)
        before = _again(view, by, spent_so_far(books, view.department))
        wish = replace(
            before,
            card_uses=card_use(books, view.department, view.product),
            quantity=_number(quantity) if quantity else before.quantity,
            days=days or before.days,
            region=region or before.region,
            justification=why or before.justification,
        )
        made = amended(books, request_id, wish, surface=SURFACE)
    out.print(f"{made} takes the place of {request_id}", markup=False)


def _again(view: RequestView, by: str, actual: Decimal) -> Submission:
    """The same wish once more."""
    from twinledger.approvals import Submission

    return Submission(
        requester=by,
        department=view.department,
        product=view.product,
        meter=view.meter,
        quantity=view.quantity,
        days=view.days,
        region=view.region,
        justification=view.justification,
        actual=actual,
        account=view.account,
        resources=view.resources,
        needed_by=date.fromisoformat(view.facts["needed_by"]) if "needed_by" in view.facts else None,
    )


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        message = f"{text!r} is no number"
        raise typer.BadParameter(message, param_hint="--quantity") from None


@request.command()
def escalate(request_id: RequestArgument, by: ByOption) -> None:
    """Put a request that waits to more people: who stands in for its approvers, and whoever is next above them.

    Example: [bold]twinledger request escalate req-1f3a --by cy[/]
    """
    from twinledger.approvals import escalate as escalated

    with open_books() as books:
        asked = escalated(books, request_id, by)
    out.print(f"{request_id} can be decided by {', '.join(asked)}", markup=False)


@request.command()
def export(
    department: DepartmentOption = "", state: StateOption = "", person: PersonOption = "", since: SinceOption = None,
    last: LastOption = 10_000,
    as_csv: Annotated[bool, typer.Option("--csv", help="A line a request, for spreadsheets; else JSON lines.")] = False,
) -> None:  # fmt: skip
    """Write the record of requests: who asked, who decided, on which price, headroom and policy revision.

    JSON lines have each request with its entries of the audit trail and their hashes.

    Example: [bold]twinledger request export --since 2026-10-01 --csv > requests.csv[/]
    """
    from twinledger.approvals import WantedRequests, request_records

    with open_books() as books, books.store.reading() as session:
        found = request_records(session, WantedRequests(department, person, state, _instant(since)), last)
        if as_csv:
            _write_csv([_flat(one) for one in found])
            return
        for one in found:
            out.file.write(json.dumps(_record(one), default=str, ensure_ascii=False) + "\n")


def _record(found: RequestRecord) -> dict[str, Any]:
    said = asdict(found)
    return {**said.pop("request"), **said}


_FLAT = (
    "id", "requester", "department", "product", "meter", "quantity", "region", "account", "days", "period", "amount",
    "currency", "state", "created_at", "decided_by", "decided_at", "decided_on", "comment", "grant", "supersedes",
    "justification",
)  # fmt: skip
_JUDGED = ("price", "available_before", "available_after", "rule")


def _flat(found: RequestRecord) -> dict[str, str]:
    view = found.request
    stages = "; ".join(f"{one['role']}: {one.get('by', 'not answered')}" for one in view.stages)
    return {
        **{name: "" if getattr(view, name) is None else str(getattr(view, name)) for name in _FLAT},
        **{name: str(view.facts.get(name, "")) for name in _JUDGED},
        "policy": str((view.facts.get("policy") or {}).get("revision", "")),
        "stages": stages,
        "commitment": found.commitment,
        "held": found.held,
    }


def _write_csv(rows: list[dict[str, str]]) -> None:
    from twinledger.documents.cells import cell_text

    names = [*_FLAT, *_JUDGED, "policy", "stages", "commitment", "held"]
    writer = csv.writer(out.file, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([cell_text(row[name]) for name in names] for row in rows)


def _meter(view: RequestView) -> str:
    return f"{view.product}/{view.meter}"


def _stands(view: RequestView) -> str:
    if view.state != "pending":
        return f"{view.state} by {view.decided_by}"
    stage = f"stage {view.stage + 1} of {len(view.roles)}, " if len(view.roles) > 1 else ""
    return f"waits for {' or '.join(view.approvers)} ({stage}until {view.expires_at:%Y-%m-%d %H:%M} UTC)"


def _instant(day: datetime | None) -> datetime | None:
    return day.replace(tzinfo=UTC) if day else None


# --- who is away -------------------------------------------------------------------------------

_DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="Who, as people.yaml names them.")]


@away.command("set")
def set_away(
    person: PersonArgument,
    until: Annotated[datetime, typer.Option("--until", formats=_DAYS, help="When they are back, in UTC.")],
    start: Annotated[datetime | None, typer.Option("--from", formats=_DAYS, help="From when, in UTC; now.")] = None,
    delegate: Annotated[str, typer.Option("--delegate", help="Who stands in for them; else whoever is above.")] = "",
    by: Annotated[str, typer.Option("--by", help="Who says so, if not they themselves: finance.")] = "",
) -> None:
    """Say that somebody is away: what is put to them goes to their delegate too.

    Example: [bold]twinledger away set ada --until 2026-11-02 --delegate bob[/]
    """
    from twinledger.approvals import AbsenceView, be_away

    with open_books() as books:
        begins = _instant(start) or books.clock.now()
        said = AbsenceView("", person, delegate or None, begins, until.replace(tzinfo=UTC), by or person)
        be_away(books, said)
    out.print(f"{person} is away until {until:%Y-%m-%d %H:%M} UTC", markup=False)


@away.command()
def back(
    person: PersonArgument,
    by: Annotated[str, typer.Option("--by", help="Who says so, if not they themselves: finance.")] = "",
) -> None:
    """Say that somebody is back: their absences end.

    Example: [bold]twinledger away back ada[/]
    """
    from twinledger.approvals import be_back

    with open_books() as books:
        ended = be_back(books, person, by or person)
    out.print(f"{person} is here: {ended} absences ended", markup=False)


@away.command("list")
def list_away(as_json: AsJson = False) -> None:
    """List who is away now or later.

    Example: [bold]twinledger away list[/]
    """
    from twinledger.approvals import absences

    with open_books() as books, books.store.reading() as session:
        found = absences(session, books.clock.now())
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        (one.person, one.delegate, f"{one.starts_at:%Y-%m-%d %H:%M}", f"{one.ends_at:%Y-%m-%d %H:%M}") for one in found
    ]
    table(f"{len(rows)} absences", ("person", "delegate", "from (UTC)", "until (UTC)"), rows)
