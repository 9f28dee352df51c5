"""Where an alert is told, and who it goes up to, by the tree of departments.

What belongs here: channels, owners and steps of an escalation. What does not: when something is told (`telling`).

What vendors really charged is told in finance's channel, whichever department it is of, and goes up to nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.alerts.alert import FINANCE
from twinledger.store.models import Department, Person
from twinledger.vocabulary.audiences import View


@dataclass(frozen=True, slots=True)
class Node:
    """One department: whose it is, and where it reads."""

    name: str
    parent: str | None
    owner: str
    budget_holder: str
    channel: str


@dataclass(frozen=True, slots=True)
class Tree:
    """The departments of a company, with finance's channel above them all.

    `users` are the Slack users of people, by name; `finance` are the names of those of finance.
    """

    nodes: Mapping[str, Node]
    finance_channel: str
    users: Mapping[str, str] = field(default_factory=dict)
    finance: frozenset[str] = frozenset()

    def with_those_above(self, department: str) -> Iterator[Node]:
        """A department, then the one above it, up to the top; nothing where there is no such department."""
        seen: set[str] = set()
        name: str | None = department
        while name and name not in seen and name in self.nodes:
            yield self.nodes[name]
            seen.add(name)
            name = self.nodes[name].parent

    def is_below(self, department: str, tops: tuple[str, ...]) -> bool:
        """Whether a department is one of some, or below one."""
        return any(node.name in tops for node in self.with_those_above(department))

    def channel(self, department: str, view: View) -> str:
        """The channel of a department, else of the nearest one above it that has one, else finance's."""
        if view == "effective":
            return self.finance_channel
        return next((one.channel for one in self.with_those_above(department) if one.channel), self.finance_channel)

    def owner(self, department: str, view: View) -> str:
        """Whose alert it is: the department's owner, else that of the nearest one above it, else finance."""
        if view == "effective":
            return FINANCE
        return next((one.owner for one in self.with_those_above(department) if one.owner), FINANCE)

    def steps(self, department: str, view: View) -> tuple[str, ...]:
        """Where an alert goes, step by step, while nobody acknowledges it; each place once, its own channel never.

        The owner, the budget holder, then those of the departments above, directly; who has no Slack user is reached
        in the channel above theirs. The last step is finance's channel.
        """
        if view == "effective":
            return ()
        told = {self.channel(department, view)}
        steps = []
        for place in (*self._up(department), self.finance_channel):
            if place not in told:
                told.add(place)
                steps.append(place)
        return tuple(steps)

    def entitled(self, department: str, view: View) -> frozenset[str]:
        """Who may act on it: finance; and of internal amounts, owners and budget holders of it and those above."""
        if view == "effective":
            return self.finance
        return self.finance.union(*((one.owner, one.budget_holder) for one in self.with_those_above(department)))

    def _up(self, department: str) -> Iterator[str]:
        for node in self.with_those_above(department):
            for person in (node.owner, node.budget_holder):
                yield self.users.get(person) or self.channel(node.parent or "", "internal")


def read_tree(session: Session, finance_channel: str) -> Tree:
    """The tree as the store has it."""
    nodes = {
        one.name: Node(one.name, one.parent, one.owner, one.budget_holder, one.channel)
        for one in session.scalars(select(Department))
    }
    people = session.scalars(select(Person)).all()
    return Tree(
        nodes,
        finance_channel,
        users={one.name: one.slack_user for one in people if one.slack_user},
        finance=frozenset(one.name for one in people if FINANCE in one.roles),
    )
