"""Commands of the policy on requests: show, test, explain."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from twinledger.cli.output import AsJson, open_books, out, print_json, sentences, settings, table

if TYPE_CHECKING:
    from twinledger.approvals import Asked
    from twinledger.catalog import CaseConfig, CompanyConfig, Conditions

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
    from twinledger.approvals import judge
    from twinledger.catalog import load_config, read_cases

    found = []
    with sentences():
        known = settings()
        place = known.config if folder == Path() else folder
        company, zone = load_config(place), ZoneInfo(known.timezone)
        for case in read_cases(cases or place / "policy_cases.yaml"):
            ruling = judge(company.policy.rules, _asked(company, case, zone))
            passed = ruling.outcome == case.expect and case.rule in (None, ruling.rule)
            found.append((case, ruling, passed))
    failed = sum(not passed for _, _, passed in found)
    if as_json:
        print_json([{"case": case.name, "passed": passed, **asdict(ruling)} for case, ruling, passed in found])
    else:
        rows = [
            (case.name, _expected(case), f"{ruling.outcome}, rule {ruling.rule or 'none'}", "yes" if passed else "NO")
            for case, ruling, passed in found
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


def _asked(company: CompanyConfig, case: CaseConfig, zone: ZoneInfo) -> Asked:
    from twinledger.approvals import Asked
    from twinledger.vocabulary.errors import UnknownNameError

    one, parents = case.asked, {department.name: department.parent for department in company.departments}
    if one.department not in parents:
        raise UnknownNameError("department", one.department, parents)
    above: list[str] = []
    name: str | None = one.department
    while name:
        above.append(name)
        name = parents[name]
    return Asked(
        departments=tuple(above),
        product=one.product,
        meter=one.meter,
        region=one.region,
        roles=one.roles,
        amount=one.amount,
        headroom=one.headroom,
        days=one.days,
        at=one.at.astimezone(zone),
    )


def _expected(case: CaseConfig) -> str:
    return case.expect if case.rule is None else f"{case.expect}, rule {case.rule}"


def _conditions(when: Conditions) -> str:
    said = [
        f"{name}: {' or '.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name in type(when).model_fields
        if (value := getattr(when, name))
    ]
    return "; ".join(said) or "always"
