"""Commands of grants: list, show, verify, key, revoke, redeem, ungranted."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.output import (
    NEEDS_SOMEBODY,
    AsJson,
    ByOption,
    PeriodArgument,
    err,
    money,
    open_books,
    out,
    print_json,
    progress,
    sentences,
    settings,
    table,
)

if TYPE_CHECKING:
    from twinledger.approvals import Credentials, GrantView
    from twinledger.books import Books

grant = typer.Typer(
    help="Grants: what approved requests permit, signed, revocable, exchanged once for credentials of AWS.",
    no_args_is_help=True,
)

GrantArgument = Annotated[str, typer.Argument(metavar="GRANT", help="A grant's identity, as `grant list` gives it.")]
FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="What `grant show GRANT --signed` printed.", exists=True, dir_okay=False)
]
DepartmentOption = Annotated[str, typer.Option("--department", help="Of this department alone.")]
EveryOption = Annotated[bool, typer.Option("--all", help="Also those that are over, revoked or not begun.")]
SignedOption = Annotated[
    bool, typer.Option("--signed", help="Print the signed document: it is read without the store.")
]
KeyOption = Annotated[
    str, typer.Option("--key", help="The public key, as `grant key` prints it; without it, this deployment's own.")
]
WhyOption = Annotated[str, typer.Option("--why", help="Why; whoever asked for it reads it.")]
ProcessOption = Annotated[
    bool, typer.Option("--credential-process", help="Print JSON as a credential_process of AWS' configuration does.")
]
PolicyOption = Annotated[
    bool, typer.Option("--show-policy", help="Print the session policy, and exchange nothing: a dry run.")
]


@grant.command("list")
def list_grants(department: DepartmentOption = "", everything: EveryOption = False, as_json: AsJson = False) -> None:
    """The grants that are live now, the newest first.

    Example: [bold]twinledger grant list --department shop[/]
    """
    from twinledger.approvals import grants_of

    with open_books() as books, books.store.reading() as session:
        now = books.clock.now()
        found = grants_of(session, department, None if everything else now)
    if as_json:
        print_json([_json(one, now) for one in found])
        return
    columns = ("grant", "department", "meter", "a day", "region", "ends", "state")
    rows = [
        (one.id, one.department, f"{one.product}/{one.meter}", f"{one.quantity.normalize():f}", one.region,
         f"{one.ends_at:%Y-%m-%d %H:%M}", _state(one, now))
        for one in found
    ]  # fmt: skip
    table(f"{len(found)} grants", columns, rows, ("a day",))


@grant.command()
def show(grant: GrantArgument, signed: SignedOption = False, as_json: AsJson = False) -> None:
    """One grant: what it permits, until when, and what became of it.

    Examples: [bold]twinledger grant show grant-1f3a[/]; to be read elsewhere:
    [bold]twinledger grant show grant-1f3a --signed > grant.json[/]
    """
    from twinledger.approvals import grant_view, signed_grant, signing_key

    with open_books() as books:
        with books.store.reading() as session:
            found = grant_view(session, grant)
        if signed:
            out.file.write(signed_grant(found, signing_key(books.settings)))
            return
        shown = _json(found, books.clock.now())
    if as_json:
        print_json(shown)
        return
    resources = [
        f"{one.get('count', 1)} x {one.get('type')} {one.get('size', '')}, {one.get('quantity', '')} a day"
        for one in found.resources
    ]
    said = {**shown, "resources": "\n".join(resources) or "any that the meter counts"}
    table(grant, ("what", "is"), [(name.replace("_", " "), value) for name, value in said.items() if value is not None])


@grant.command()
def verify(file: FileArgument, key: KeyOption = "", as_json: AsJson = False) -> None:
    """Say whether a signed grant is genuine and within its time; exit code 1 where it is not.

    No store is asked: a grant that was revoked since is found by [bold]grant show[/] alone.

    Example: [bold]twinledger grant verify grant.json --key "$(cat twinledger.pub)"[/]
    """
    from twinledger.approvals import PublicKey, signing_key, verified_grant
    from twinledger.vocabulary.errors import ForgedGrantError

    with sentences():
        public = PublicKey.parse(key) if key else signing_key(settings()).public
        try:
            found = verified_grant(_bounded(file), public, str(file))
        except ForgedGrantError as error:
            err.print(str(error), markup=False, soft_wrap=True)
            raise typer.Exit(NEEDS_SOMEBODY) from None
    permits = found.permits_at(datetime.now(UTC))
    if as_json:
        print_json({"genuine": True, "permits_now": permits, "grant": dict(found.document)})
    else:
        when = f"from {found.starts_at:%Y-%m-%d %H:%M} to {found.ends_at:%Y-%m-%d %H:%M} UTC"
        out.print(f"{found.document['id']} is genuine and permits {when}", markup=False)
        out.print(json.dumps(dict(found.document), indent=2), markup=False)
    if not permits:
        err.print("It permits nothing now: its time has not begun or is over.")
        raise typer.Exit(NEEDS_SOMEBODY)


def _bounded(file: Path) -> str:
    """The text of a file; of one that is too large, enough for it to be refused."""
    from twinledger.approvals import MOST_GRANT_BYTES

    with file.open("rb") as stream:
        return stream.read(MOST_GRANT_BYTES + 1).decode(errors="replace")


@grant.command()
def key() -> None:
    """The public key that this deployment's grants are verified with; it may be handed out.

    Example: [bold]twinledger grant key > twinledger.pub[/]
    """
    from twinledger.approvals import signing_key

    with sentences():
        out.file.write(f"{signing_key(settings()).public}\n")


@grant.command()
def revoke(grant: GrantArgument, by: ByOption, why: WhyOption) -> None:
    """Take a grant back: from now on it permits nothing. For the department's owner and budget holder, and finance.

    Credentials that were given for it end by themselves, within the hour.

    Example: [bold]twinledger grant revoke grant-1f3a --by bob --why "the load test is over"[/]
    """
    from twinledger.approvals import revoke as revoked

    with open_books() as books:
        found = revoked(books, grant, by, why, "command line")
    out.print(f"{grant} is revoked; {found.requester} is told", markup=False)


@grant.command()
def redeem(
    grant: GrantArgument, by: ByOption = "", process: ProcessOption = False, show_policy: PolicyOption = False
) -> None:
    """Exchange a grant for short-lived credentials of AWS that permit just what it does: once.

    Examples: [bold]eval "$(twinledger grant redeem grant-1f3a --by cy)"[/]; what they would permit:
    [bold]twinledger grant redeem grant-1f3a --show-policy[/]
    """
    from twinledger.approvals import redeem as redeemed
    from twinledger.cloud.broker import open_broker

    if not by and not show_policy:
        raise typer.BadParameter("say who you are with --by, or look at --show-policy")
    with open_books() as books:
        if show_policy:
            out.file.write(_policy(books, grant))
            return
        given = redeemed(books, grant, by, open_broker(books.settings.broker))
    out.file.write(for_process(given) if process else for_shell(given))


def _policy(books: Books, grant: str) -> str:
    from twinledger.approvals import grant_view
    from twinledger.cloud.broker import policy_of

    with books.store.reading() as session:
        found = grant_view(session, grant)
    return json.dumps(json.loads(policy_of(found, books.settings.broker)), indent=2) + "\n"


def for_shell(given: Credentials) -> str:
    """Lines that a shell takes; without line wrapping or markup, so that they stay whole."""
    values = {
        "AWS_ACCESS_KEY_ID": given.access_key_id,
        "AWS_SECRET_ACCESS_KEY": given.secret_access_key.get_secret_value(),
        "AWS_SESSION_TOKEN": given.session_token.get_secret_value(),
        "AWS_CREDENTIAL_EXPIRATION": given.expires_at.isoformat(),
    }
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def for_process(given: Credentials) -> str:
    """Source: AWS SDKs and Tools Reference Guide, "Process credential provider"."""
    values = {
        "Version": 1,
        "AccessKeyId": given.access_key_id,
        "SecretAccessKey": given.secret_access_key.get_secret_value(),
        "SessionToken": given.session_token.get_secret_value(),
        "Expiration": given.expires_at.isoformat(),
    }
    return json.dumps(values) + "\n"


@grant.command()
def ungranted(period: PeriodArgument, as_json: AsJson = False) -> None:
    """Resources that appeared without a grant, are larger than theirs, or outlive it; exit code 1 where some are.

    Of the products of the setting `detection.products`, in the ledgers as they are now. For finance.

    Example: [bold]twinledger grant ungranted 2026-10[/]
    """
    from twinledger.reconciliation import ungranted_resources

    with open_books() as books:
        if not books.settings.detection.names:
            err.print("No product is under provisioning control: name some in TWINLEDGER_DETECTION__PRODUCTS.")
        with progress(f"looking for resources of {period}", shown=not as_json):
            found = ungranted_resources(books, period)
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        columns = ("resource", "meter", "department", "region", "since", "why", "amount")
        rows = [
            (one.resource, f"{one.product}/{one.meter}", one.department, one.region, one.first_day, one.reason,
             money(one.amount))
            for one in found
        ]  # fmt: skip
        table(f"{period}: {len(found)} resources without a grant for them", columns, rows, ("amount",))
    if found:
        raise typer.Exit(NEEDS_SOMEBODY)


def _state(one: GrantView, now: datetime) -> str:
    state = one.state(now)
    return f"{state}, exchanged" if one.redeemed_at else state


def _json(one: GrantView, now: datetime) -> dict[str, object]:
    return {**asdict(one), "state": _state(one, now)}
