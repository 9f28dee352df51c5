"""Commands of alerts: what is told of budgets and unusual cost, what people do with it, and trying rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.deeds import (
    SeenOption,
    TextOption,
    ToOption,
    UntilOption,
    act_of,
    print_done,
    say,
    show_history,
    show_said,
)
from twinledger.cli.output import (
    NEEDS_SOMEBODY,
    AsJson,
    ByOption,
    err,
    money,
    open_books,
    out,
    parse_period,
    print_json,
    progress,
    sentences,
    settings,
    table,
)
from twinledger.vocabulary.periods import Period

if TYPE_CHECKING:
    from twinledger.alerts import Alert, AlertHistory, Evaluated, Replayed
    from twinledger.books import Books
    from twinledger.deeds import Act

alerts = typer.Typer(
    help="Alerts: what is told of budgets and unusual cost, and what became of it. For finance.", no_args_is_help=True
)

AlertArgument = Annotated[
    str, typer.Argument(metavar="ALERT", help="An alert's identity, or six characters or more of it.")
]
RulesOption = Annotated[
    Path | None, typer.Option("--rules", exists=True, dir_okay=False, help="Other rules than alerts.yaml.")
]


@alerts.command("list")
def list_alerts(
    state: Annotated[
        str, typer.Option("--state", help="open (the default), new, acknowledged, snoozed, resolved or all.")
    ] = "open",
    department: Annotated[str, typer.Option("--department", help="Only of this one and those below it.")] = "",
    as_json: AsJson = False,
) -> None:
    """List alerts, the most money first.

    Example: [bold]twinledger alerts list --department storefront[/]
    """
    from twinledger.alerts import WantedAlerts, alert_list

    with open_books() as books:
        found = alert_list(books, WantedAlerts("" if state == "all" else state, department))
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        (one.id[:8], f"{one.title}, {one.period}", one.rule, _amount(one), one.state, one.assignee or one.owner)
        for one in found
    ]
    table(f"{len(found)} alerts", ("alert", "what", "rule", "impact", "state", "whose"), rows, ("impact",))


@alerts.command()
def show(alert_id: AlertArgument, as_json: AsJson = False) -> None:
    """Show one alert: its figures, and all that was said, done and told.

    Example: [bold]twinledger alerts show 3f2a9c[/]
    """
    from twinledger.alerts import alert_history, find_alert

    with open_books() as books:
        found = alert_history(books, find_alert(books, alert_id))
    if as_json:
        print_json(asdict(found))
        return
    _show(found)


@alerts.command()
def acknowledge(alert_id: AlertArgument, by: ByOption, revision: SeenOption = None, as_json: AsJson = False) -> None:
    """Say that you look into it: it is silent until it grows, and goes no further up.

    Example: [bold]twinledger alerts acknowledge 3f2a9c --by carol[/]
    """
    from twinledger.alerts import acknowledge as do

    with _acting(alert_id, by, revision) as (books, act):
        print_done("alert", do(books, act), as_json=as_json)


@alerts.command()
def snooze(
    alert_id: AlertArgument,
    by: ByOption,
    until: UntilOption,
    revision: SeenOption = None,
    as_json: AsJson = False,
) -> None:
    """Leave it until an instant; it wakes by itself then, or as soon as it grows.

    Example: [bold]twinledger alerts snooze 3f2a9c --by carol --until 2026-11-05[/]
    """
    from twinledger.alerts import snooze as do

    with _acting(alert_id, by, revision) as (books, act):
        print_done("alert", do(books, act, until.replace(tzinfo=UTC)), as_json=as_json)


@alerts.command()
def assign(
    alert_id: AlertArgument,
    by: ByOption,
    to: ToOption,
    revision: SeenOption = None,
    as_json: AsJson = False,
) -> None:
    """Give it to somebody, who is told in Slack.

    Example: [bold]twinledger alerts assign 3f2a9c --by carol --to dave[/]
    """
    from twinledger.alerts import assign as do

    with _acting(alert_id, by, revision) as (books, act):
        print_done("alert", do(books, act, to), as_json=as_json)


@alerts.command()
def comment(
    alert_id: AlertArgument,
    by: ByOption,
    text: TextOption,
    as_json: AsJson = False,
) -> None:
    """Say something of it, also when it is resolved.

    Example: [bold]twinledger alerts comment 3f2a9c --by carol --text "the launch, as planned"[/]
    """
    from twinledger.alerts import comment as do

    with _acting(alert_id, by, None) as (books, act):
        print_done("alert", do(books, act, text), as_json=as_json)


@alerts.command()
def rules(file: RulesOption = None, as_json: AsJson = False) -> None:
    """Say in sentences what each rule of alerts.yaml does.

    Example: [bold]twinledger alerts rules[/]
    """
    from twinledger.alerts import in_words, load_rules

    with sentences():
        said = list(in_words(load_rules(file or settings().config)))
    if as_json:
        print_json([{"rule": name, "when": when, "then": then} for name, when, then in said])
        return
    table(f"{len(said)} rules", ("rule", "when", "then"), said)


@alerts.command()
def check(
    period: Annotated[
        Period | None,
        typer.Argument(parser=parse_period, metavar="[PERIOD]", help="Accounting month; default that of yesterday."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; print what would be told.")] = False,
    as_json: AsJson = False,
) -> None:
    """Evaluate the rules now and tell whom they concern; repeating it tells nobody twice.

    Examples: [bold]twinledger alerts check[/]; [bold]twinledger alerts check 2026-10 --dry-run[/]
    """
    from twinledger.alerts import evaluate, period_of_yesterday

    with open_books() as books:
        month = period or period_of_yesterday(books)
        with progress(f"evaluating the rules on {month}", shown=not as_json) as say:
            found = evaluate(books, month, dry_run=dry_run, report=say)
    _warn(found.unknown)
    if as_json:
        print_json(_evaluated(found))
    else:
        _print_evaluated(found, dry_run=dry_run)
    if found.decided.opened:
        raise typer.Exit(NEEDS_SOMEBODY)


@alerts.command("test")
def try_rules(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, evaluated at 06:00.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.")],
    file: RulesOption = None,
    as_json: AsJson = False,
) -> None:
    """Replay past days in memory and print what would have been sent; nothing is written or told.

    Each day knows the ledgers up to the day before, as they are now: what came late counts on the day that it is of,
    plans and prices are those of now, and nobody has acknowledged anything.

    Example: [bold]twinledger alerts test --from 2026-07-01 --to 2026-09-30 --rules draft.yaml[/]
    """
    from twinledger.alerts import load_rules, replayed, summed, unknown_departments

    with open_books() as books:
        chosen = load_rules(file or books.settings.config)
        _warn(unknown_departments(books, chosen))
        with progress(f"replaying {first:%Y-%m-%d}", shown=not as_json) as say:
            days: list[Replayed] = []
            for one in replayed(books, chosen, first.date(), last.date()):
                days.append(one)
                say(f"replayed {one.day}, {summed(days)['messages']} messages")
    if as_json:
        print_json({"days": [asdict(day) for day in days if day.sent], "summary": summed(days)})
        return
    _print_days(days)
    said = ", ".join(f"{count} {name}" for name, count in summed(days).items())
    out.print(f"{first:%Y-%m-%d} to {last:%Y-%m-%d}: {said}", markup=False)


# --- inside ----------------------------------------------------------------------------------


@contextmanager
def _acting(alert_id: str, by: str, revision: int | None) -> Iterator[tuple[Books, Act]]:
    from twinledger.alerts import find_alert

    with open_books() as books:
        yield books, act_of(find_alert(books, alert_id), by, revision)


def _warn(unknown: Iterable[tuple[str, str]]) -> None:
    """Say which rules can never hold; alerts that can are told all the same."""
    for rule, name in unknown:
        err.print(f"rule {rule} names the department {name}, which departments.yaml does not have", markup=False)


def _amount(one: Alert) -> str:
    return f"{money(one.impact)} {one.currency}"


def _show(found: AlertHistory) -> None:
    one = found.alert
    say(f"alert {one.id}")
    say(f"  {one.rule} ({one.kind}) of {one.title}, {one.period}: {_amount(one)}")
    say(f"  actual {money(one.actual)}, expected {money(one.expected)}, data as of {one.data_as_of:%Y-%m-%d %H:%M} UTC")
    say(f"  {one.state}{f' ({one.resolution})' if one.resolution else ''}, revision {one.revision}")
    say(f"  owner {one.owner}, assignee {one.assignee or 'nobody'}")
    if one.acted_by and one.acted_at:
        say(f"  {one.state} by {one.acted_by} at {one.acted_at:%Y-%m-%d %H:%M} UTC on {one.acted_on}")
    if one.snoozed_until:
        say(f"  until {one.snoozed_until:%Y-%m-%d %H:%M} UTC")
    table("Causes", ("cause", "amount"), [(cause.name, money(cause.amount)) for cause in one.causes], ("amount",))
    show_said(found.comments)
    show_history("alert", found.history)
    told = [(f"{one.not_before:%Y-%m-%d %H:%M}", one.channel, one.state, one.said) for one in found.told]
    table("Messages", ("from", "channel", "state", "said"), told)


def _evaluated(found: Evaluated) -> dict[str, object]:
    return {
        "holding": len(found.signals),
        "opened": [asdict(one) for one in found.decided.opened],
        "resolved": [turn.alert.id for turn in found.decided.turns if turn.what == "resolved"],
        "messages": [asdict(one) for one in found.messages],
    }


def _print_evaluated(found: Evaluated, *, dry_run: bool) -> None:
    rows = [
        (
            f"{one.not_before:%Y-%m-%d %H:%M}" if one.not_before else "now",
            one.channel,
            "digest" if "count" in one.facts else str(one.facts["rule"]),
            f"{one.facts['count']} alerts" if "count" in one.facts else f"{one.facts['title']}, {one.facts['period']}",
        )
        for one in found.messages
        if not one.facts.get("quiet")
    ]
    table("Would be told" if dry_run else "Told", ("from (UTC)", "channel", "rule", "what"), rows)
    resolved = sum(turn.what == "resolved" for turn in found.decided.turns)
    opened = len(found.decided.opened)
    out.print(f"{len(found.signals)} rules hold; {opened} alerts opened, {resolved} resolved", markup=False)


def _print_days(days: list[Replayed]) -> None:
    rows = [
        (day.day, f"{one.when:%a %H:%M}", one.channel, one.what, _about(one.about, one.count))
        for day in days
        for one in day.sent
    ]
    table("Would have been sent", ("day", "at", "channel", "what", "about"), rows)


def _about(about: tuple[str, ...], count: int) -> str:
    first = "; ".join(about[:3])
    return first if count <= len(about[:3]) else f"{first}; and {count - len(about[:3])} more"
