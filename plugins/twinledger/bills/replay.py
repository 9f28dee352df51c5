"""Replay: refused deliveries are looked at again.

What belongs here: forgetting what was remembered of a refusal. What does not: taking the delivery, which
is ingestion's as always, and what settles a refusal (`settle`).

A refused delivery is tried again by itself when its source's entry has changed; a corrected one that the
vendor leaves is a new delivery. Replay is for what neither shows: a model or gate that was corrected, a
period that was opened again, or somebody who does not want to wait for the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from twinledger.bills.ingest import ingest_source
from twinledger.bills.records import Outcome, bill_source
from twinledger.bills.settle import resolve_refused
from twinledger.books import Books
from twinledger.store import audit
from twinledger.store.models import Delivery
from twinledger.vocabulary.errors import ConfigurationError, NotAllowedStateError, UnknownNameError

ACTOR = "replay"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did: the deliveries that were asked for, and what became of all that the look found new.

    `absent` are those asked for that lie no more where they lay: have them delivered again.
    """

    deliveries: tuple[str, ...]
    outcomes: tuple[Outcome, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def periods(self) -> tuple[str, ...]:
        """The periods that were touched."""
        return tuple(sorted({period for outcome in self.outcomes for period in outcome.periods}))


def replay(
    books: Books,
    delivery: str = "",
    source: str = "",
    *,
    dry_run: bool = False,
    report: Callable[[str], None] | None = None,
) -> Replayed:
    """Take one refused delivery again, or all of a source, and ingest what is there at once.

    Whatever else is new at the source is ingested too. Repeating it is harmless.

    Args:
        books: the deployment.
        delivery: a delivery's identity, as the quarantine lists it; or
        source: a bill source, all of whose refused deliveries are meant.
        dry_run: only say which deliveries are meant.
        report: told of each delivery that is looked at.

    Raises:
        UnknownNameError: there is no such delivery or bill source.
        NotAllowedStateError: the delivery was not refused.
        ConfigurationError: neither of both is named, or both are.
    """
    name, keys = _asked(books, delivery, source)
    if dry_run or not keys:
        return Replayed(tuple(sorted(keys)))
    _forget(books, name, sorted(keys))
    seen = ingest_source(books, name, report)
    outcomes = [one for one in seen if one.state not in {"unchanged", "sibling"}]
    with books.store.transaction() as session:
        for outcome in outcomes:
            if outcome.state in {"ingested", "superseded"}:
                resolve_refused(session, books, outcome.source, outcome.key, outcome.delivery)
    absent = {*keys.values()} - {outcome.key for outcome in seen}
    return Replayed(tuple(sorted(keys)), tuple(outcomes), tuple(sorted(absent)))


def _asked(books: Books, delivery: str, source: str) -> tuple[str, dict[str, str]]:
    """The source, and its refused deliveries that are meant: identity -> key."""
    if bool(delivery) == bool(source):
        message = "a replay is of one refused delivery or of one source: name either of them"
        raise ConfigurationError(message)
    if source:
        bill_source(books, source)
    with books.store.reading() as session:
        refused = session.scalars(select(Delivery).where(Delivery.state == "quarantined")).all()
        found = session.get(Delivery, delivery) if delivery else None
    if not delivery:
        return source, {row.id: row.key for row in refused if row.source == source}
    if found is None:
        raise UnknownNameError("refused delivery", delivery, [row.id for row in refused])
    if found.state != "quarantined":
        raise NotAllowedStateError(f"delivery {delivery}", found.state, "a replay")
    bill_source(books, found.source)
    return found.source, {found.id: found.key}


def _forget(books: Books, source: str, deliveries: Sequence[str]) -> None:
    """Without its listing a refused delivery is one that was never seen: the next look takes it."""
    with books.store.transaction() as session:
        query = select(Delivery).where(Delivery.id.in_(deliveries), Delivery.state == "quarantined")
        for row in session.scalars(query):
            row.files = []
        facts = {"deliveries": list(deliveries)}
        audit.append(session, books.clock, who=ACTOR, action="source.replay", subject=source, facts=facts)
