"""The roll-forward: from the open breaks after one run to those after the next.

What belongs here: the sums, pure. What does not: which breaks are open, and what is done with them (`updates`, `life`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from twinledger.pools import UNASSIGNED
from twinledger.reconciliation.result import PoolRoll, RollForward, Tally
from twinledger.vocabulary.money import exact_sum


@dataclass(frozen=True, slots=True)
class Turn:
    """What two runs say of the breaks of a period, each as identity -> amount."""

    opening: Mapping[str, Decimal]
    """As the closing of the run before had them."""
    closing: Mapping[str, Decimal]
    settled: Mapping[str, str] = field(default_factory=dict)
    """Those of `opening` that people resolved since: fixed or accepted. One that is found again is in `closing` too."""

    def of(self, breaks: Collection[str]) -> Turn:
        """The part that is of these breaks."""
        return Turn(
            {one: amount for one, amount in self.opening.items() if one in breaks},
            {one: amount for one, amount in self.closing.items() if one in breaks},
            {one: how for one, how in self.settled.items() if one in breaks},
        )


def roll_forward(turn: Turn) -> RollForward:
    """Opening + new - resolved = closing, in count and amount."""
    stayed = turn.opening.keys() & turn.closing.keys() - turn.settled.keys()
    added = [turn.closing[one] for one in turn.closing.keys() - stayed]
    gone = [turn.opening[one] for one in turn.opening.keys() - stayed]
    moved = [(turn.opening[one], turn.closing[one]) for one in stayed]
    grown = [exact_sum((after, -before)) for before, after in moved if abs(after) >= abs(before)]
    shrunk = [exact_sum((before, -after)) for before, after in moved if abs(after) < abs(before)]
    fixed, accepted = (
        _tally(turn.opening[one] for one, how in turn.settled.items() if how == kind) for kind in ("fixed", "accepted")
    )
    return RollForward(
        opening=_tally(turn.opening.values()),
        new=Tally(len(added), exact_sum([*added, *grown])),
        resolved=Tally(len(gone), exact_sum([*gone, *shrunk])),
        closing=_tally(turn.closing.values()),
        fixed=fixed,
        accepted=accepted,
    )


def pool_rolls(turn: Turn, pools: Mapping[str, str]) -> tuple[PoolRoll, ...]:
    """The roll-forward of each pool that has or had breaks; `pools` is by identity, no pool is `unassigned`."""
    members: dict[str, set[str]] = {}
    for one in turn.opening.keys() | turn.closing.keys():
        members.setdefault(pools[one] or UNASSIGNED, set()).add(one)
    return tuple(PoolRoll(pool, roll_forward(turn.of(breaks))) for pool, breaks in sorted(members.items()))


def brought_up(roll: RollForward, settled: Mapping[str, tuple[str, Decimal]]) -> RollForward:
    """A roll-forward with what people resolved since its run: identity -> (fixed or accepted, amount).

    The next run begins at the closing of its run all the same, and counts them as well.
    """
    by_kind = {kind: [amount for how, amount in settled.values() if how == kind] for kind in ("fixed", "accepted")}
    amounts = [amount for _, amount in settled.values()]
    return replace(
        roll,
        resolved=_more(roll.resolved, amounts),
        fixed=_more(roll.fixed, by_kind["fixed"]),
        accepted=_more(roll.accepted, by_kind["accepted"]),
        closing=Tally(
            roll.closing.count - len(amounts), exact_sum((roll.closing.amount, *(-amount for amount in amounts)))
        ),
    )


def _more(tally: Tally, amounts: Sequence[Decimal]) -> Tally:
    return Tally(tally.count + len(amounts), exact_sum((tally.amount, *amounts)))


def _tally(amounts: Iterable[Decimal]) -> Tally:
    listed = list(amounts)
    return Tally(len(listed), exact_sum(listed))
