from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from twinledger.clock import FixedClock
from twinledger.outbox import Message, enqueue, entries, entry
from twinledger.store import Store
from twinledger.vocabulary.errors import UnknownNameError


def _message(subject: str, over_by: str, channel: str = "#shop") -> Message:
    return Message("budget", subject, channel, "everyone", {"over_by": over_by, "currency": "USD"})


def _tell(store: Store, clock: FixedClock, message: Message) -> bool:
    with store.transaction() as session:
        return enqueue(session, message, clock)


def test_the_same_fact_is_told_once(store: Store, clock: FixedClock) -> None:
    assert _tell(store, clock, _message("shop/2026-10", "5.00"))
    assert not _tell(store, clock, _message("shop/2026-10", "5.00"))
    assert [item.facts["over_by"] for item in entries(store)] == ["5.00"]


def test_changed_evidence_speaks_again_and_so_does_a_return_to_the_old(store: Store, clock: FixedClock) -> None:
    told = [_tell(store, clock, _message("shop/2026-10", amount)) for amount in ("5.00", "6.00", "6.00", "5.00")]
    assert told == [True, True, False, True]


def test_evidence_may_be_less_than_the_facts(store: Store, clock: FixedClock) -> None:
    def as_of(day: str) -> Message:
        return Message("budget", "shop", "#shop", "everyone", {"over_by": "5.00", "as_of": day}, evidence="5.00")

    assert _tell(store, clock, as_of("2026-10-19"))
    assert not _tell(store, clock, as_of("2026-10-20"))


def test_two_channels_are_told_apart(store: Store, clock: FixedClock) -> None:
    assert _tell(store, clock, _message("shop", "5.00", "#shop"))
    assert _tell(store, clock, _message("shop", "5.00", "#finance"))


def test_a_message_of_a_transaction_that_fails_is_not_told(store: Store, clock: FixedClock) -> None:
    def tell_and_fail() -> None:
        with store.transaction() as session:
            enqueue(session, _message("shop", "5.00"), clock)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tell_and_fail()
    assert entries(store) == []


def test_many_who_tell_the_same_at_once_tell_it_once(store: Store, clock: FixedClock) -> None:
    with ThreadPoolExecutor(8) as workers:
        told = list(workers.map(lambda _: _tell(store, clock, _message("shop", "5.00")), range(8)))
    assert sum(told) == 1
    assert len(entries(store)) == 1


def test_an_item_that_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(UnknownNameError, match="'7'"):
        entry(store, 7)


def test_entries_are_chosen_by_state_and_audience(store: Store, clock: FixedClock) -> None:
    _tell(store, clock, _message("shop", "5.00"))
    _tell(store, clock, Message("reconciliation", "2026-10", "#finance", "finance"))
    assert [item.kind for item in entries(store, "pending")] == ["reconciliation", "budget"]
    assert [item.kind for item in entries(store, audience="everyone")] == ["budget"]
    assert entries(store, "sent") == []
    newest = entries(store)[0]
    assert entry(store, newest.id) == newest


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    told=st.lists(st.tuples(st.sampled_from(["shop", "data"]), st.sampled_from(["1.00", "2.00", "3.00"])), max_size=12)
)
def test_one_message_per_change_of_evidence(
    store: Store, empty: Callable[[Store], None], clock: FixedClock, told: list[tuple[str, str]]
) -> None:
    """Invariant 12: of what is told of one subject, repetitions are silent and changes are not."""
    empty(store)
    for subject, amount in told:
        _tell(store, clock, _message(subject, amount))
    for subject in ("shop", "data"):
        expected = [amount for amount, _ in groupby(amount for of, amount in told if of == subject)]
        found = [item.facts["over_by"] for item in reversed(entries(store)) if item.subject == subject]
        assert found == expected
