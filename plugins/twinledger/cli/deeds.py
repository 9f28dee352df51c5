"""What the commands of breaks and of alerts have in common: options of deeds, and what is printed of one.

What belongs here: words and options that mean the same of both. What does not: which deeds there are (`breaks`,
`alerts`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinledger.cli.output import out, print_json, table

if TYPE_CHECKING:
    from twinledger.deeds import Act, Comment, Done, Entry

SeenOption = Annotated[
    int | None, typer.Option("--revision", help="The revision that you looked at: nothing is done where it moved on.")
]
UntilOption = Annotated[
    datetime, typer.Option("--until", help="When it wakes, in UTC: 2026-11-05 or 2026-11-05T09:00:00.")
]
ToOption = Annotated[str, typer.Option("--to", help="Who is to work on it, as people.yaml names them.")]
TextOption = Annotated[str, typer.Option("--text", help="What you have to say; it is never changed.")]


def act_of(subject: str, by: str, revision: int | None = None) -> Act:
    """A deed by command: each run of it is one of its own."""
    from twinledger.deeds import Act

    return Act(subject, by, "command line", secrets.token_hex(16), revision)


def print_done(kind: str, done: Done, *, as_json: bool) -> None:
    """Say how it is now."""
    if as_json:
        print_json(asdict(done))
        return
    out.print(f"{kind} {done.subject[:12]} is {done.state}, revision {done.revision}", markup=False)


def say(text: str) -> None:
    """Print a line of somebody's words: never markup."""
    out.print(text, markup=False, soft_wrap=True)


def show_said(said: Iterable[Comment]) -> None:
    """Print what people said."""
    rows = [(f"{one.at:%Y-%m-%d %H:%M}", one.who, one.surface, one.text) for one in said]
    table("Comments", ("at", "who", "on", "comment"), rows)


def show_history(kind: str, entries: Iterable[Entry]) -> None:
    """Print what was done, of the audit trail."""
    rows = [
        (f"{one.at:%Y-%m-%d %H:%M}", one.who, one.action.removeprefix(f"{kind}."), _facts(one.facts)) for one in entries
    ]
    table("History", ("at", "who", "what", "facts"), rows)


def _facts(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items() if not isinstance(value, dict) and value)
