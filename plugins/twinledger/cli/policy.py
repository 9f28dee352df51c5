"""Commands of the policy on requests: show, test, explain."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from twinledger.cli.output import AsJson, open_books, out, print_json, sentences, settings, table

if TYPE_CHECKING:
    from twinledger.catalog import CaseConfig, Conditions

policy = typer.Typer(
    help="The policy: which requests to provision are allowed, refused, or whom they are put to.", no_args_is_help=True
)

ConfigFolder = Annotated[
    Path,
    typer.Argument(help="Folder whose policy.yaml is tested, and not applied; the setting `config` when not given."),
]
CasesOption = Annotated[
    Path | None, typer.Option("--cases", help="The cases; without it, policy_cases.yaml in that folder.")
]


@policy.command()
def show(as_json: AsJson = False) -> None:
    """Show the policy in force, in the order in which its rules are tried.

    Example: [bold]twinledger policy show[/]
    """
    from twinledger.approvals import policy as in_force

    with open_books() as books, books.store.reading() as session:
        rules = in_force(session)
    if as_json:
        print_json([rule.model_dump(mode="json", exclude_defaults=True) for rule in rules])
        return
    rows = [(rule.name, _conditions(rule.when), rule.then, rule.reason) for rule in rules]
    rows.append(("(no rule holds)", "", "ask budget holder", ""))
    table("The first rule whose conditions hold decides", ("rule", "when", "then", "reason"), rows)


@policy.command("test")
def try_cases(folder: ConfigFolder = Path(), cases: CasesOption = None, as_json: AsJson = False) -> None:
    """Try a policy on cases before it is applied; exit code 1 where one comes to something else.

    Example: [bold]twinledger policy test config/ --cases config/policy_cases.yaml[/]
    """
    from twinledger.approvals import try_cases as tried
    from twinledger.catalog import load_config, read_cases

    with sentences():
        known = settings()
        place = known.config if folder == Path() else folder
        asked = read_cases(cases or place / "policy_cases.yaml")
        found = tried(load_config(place), asked, ZoneInfo(known.timezone))
    failed = sum(not one.passed for one in found)
    if as_json:
        print_json([{"case": one.case.name, "passed": one.passed, **asdict(one.ruling)} for one in found])
    else:
        rows = [
            (
                one.case.name,
                _expected(one.case),
                f"{one.ruling.outcome}, rule {one.ruling.rule or 'none'}",
                "yes" if one.passed else "NO",
            )
            for one in found
        ]
        table(f"{len(found)} cases, {failed} fail", ("case", "expected", "found", "as expected"), rows)
    if failed:
        raise typer.Exit(1)


@policy.command()
def explain(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="A request's identity.")], as_json: AsJson = False
) -> None:
    """Say which rule decided on a request, and why none of those above it did, as it was then.

    Example: [bold]twinledger policy explain req-1f3a[/]
    """
    from twinledger.approvals import policy as in_force
    from twinledger.approvals import request_view, revision_of

    with open_books() as books, books.store.reading() as session:
        view = request_view(session, request)
        present = revision_of(in_force(session))
    said = view.facts.get("policy")
    if said is None:
        out.print(f"{request} was asked for before there was a policy: {view.facts['rule']}")
        return
    if as_json:
        print_json({"request": request, **said, "in_force": present})
        return
    rows = [(rule, "no", problem) for rule, problem in said["tried"]]
    rows.append((said["rule"] or "(no rule holds)", "yes", said["reason"]))
    table(f"{request}: {said['outcome']}", ("rule", "holds", "why"), rows)
    if present != said["revision"]:
        out.print("The policy has changed since; this request stands as it was decided.")


def _expected(case: CaseConfig) -> str:
    return case.expect if case.rule is None else f"{case.expect}, rule {case.rule}"


def _conditions(when: Conditions) -> str:
    said = [
        f"{name}: {' or '.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name in type(when).model_fields
        if (value := getattr(when, name))
    ]
    return "; ".join(said) or "always"
