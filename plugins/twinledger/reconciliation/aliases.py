"""Suggestions of what may be one resource, and somebody's word that it is.

What belongs here: looking for suggestions, confirming one, and taking that back. What does not: aliases that the
configuration declares (`catalog`), and what matching makes of both, which is the same (`sql/reconciliation`).
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from twinledger.books import Books
from twinledger.catalog import CONFIRMED, closed_periods
from twinledger.reconciliation.evidence import listed
from twinledger.reconciliation.inputs import gather, view_ledgers
from twinledger.reconciliation.matched import Suggestion
from twinledger.store import audit, models
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    NotAllowedStateError,
    NotEntitledError,
    UnknownNameError,
    UnknownPersonError,
)
from twinledger.vocabulary.identities import digest, short
from twinledger.vocabulary.periods import Period

_MODELS = ("identifier_pairs", "match_suggestions", "daily_suggestions")


def match_suggestions(books: Books, period: Period) -> tuple[Suggestion, ...]:
    """What may be one resource by its identifiers, then by its quantities day by day, of both ledgers as they are now.

    Nothing is matched by a suggestion. Finance only.

    Raises:
        MissingRateError: a currency without a rate.
    """
    inputs = gather(books, period)
    with books.engine() as engine:
        view_ledgers(engine, inputs)
        for model in _MODELS:
            engine.view_model(f"reconciliation/{model}")
        return (*listed(engine, "match_suggestions", Suggestion), *listed(engine, "daily_suggestions", Suggestion))


def confirm_match(
    books: Books, period: Period, pair: tuple[str, str, str], who: str, note: str = ""
) -> models.ResourceAlias:
    """Somebody says that a suggestion is right: from this period on it counts as a declared alias does.

    Args:
        books: where it is kept, with its audit entry.
        period: the first month that it holds for.
        pair: pool, billed and metered identifier, as a suggestion of the period has them.
        who: a person of finance, or the pool's owner.
        note: kept with it.

    Raises:
        UnknownPersonError: there is no such person.
        NotEntitledError: the person is neither of finance nor the pool's owner.
        UnknownNameError: there is no such suggestion.
        NotAllowedStateError: the period is closed.
        AlreadyDecidedError: somebody confirmed it before.
    """
    pool, billed, metered = pair
    name = f"{CONFIRMED}{short(digest(pool, billed, metered, str(period)))}"
    _refuse_closed(books, period, "confirming a match")
    with books.store.reading() as session:
        _refuse_others(session, who, pool)
        present = session.get(models.ResourceAlias, name)
    if present is not None:
        raise _confirmed_before(present)
    known = {(one.pool, one.billed, one.metered) for one in match_suggestions(books, period)}
    if pair not in known:
        raise UnknownNameError("suggestion", " = ".join(pair), (" = ".join(one) for one in known))
    row = models.ResourceAlias(
        name=name, pool=pool, billed=[billed], metered=[metered], effective_from=str(period), effective_to=None,
        note=note, confirmed_by=who, confirmed_at=books.clock.now(),
    )  # fmt: skip
    _keep(books, row)
    return row


def _keep(books: Books, row: models.ResourceAlias) -> None:
    """Of several who confirm at the same time one does."""
    facts = {"pool": row.pool, "billed": row.billed, "metered": row.metered, "from": row.effective_from,
             "note": row.note}  # fmt: skip
    try:
        with books.store.transaction() as session:
            session.add(row)
            session.flush()
            audit.append(
                session, books.clock, who=row.confirmed_by or "", action="match.confirm", subject=row.name, facts=facts
            )
    except IntegrityError:
        with books.store.reading() as session:
            raise _confirmed_before(session.get_one(models.ResourceAlias, row.name)) from None


def withdraw_match(books: Books, name: str, period: Period, who: str) -> None:
    """Somebody takes a confirmed match back: from this period on it no longer holds.

    Raises:
        UnknownNameError: nobody confirmed a match of that name.
        NotAllowedStateError: the period is closed.
        UnknownPersonError: there is no such person.
        NotEntitledError: the person is neither of finance nor the pool's owner.
    """
    _refuse_closed(books, period, "withdrawing a match")
    with books.store.transaction() as session:
        row = session.get(models.ResourceAlias, name, with_for_update=True)
        if row is None or row.confirmed_by is None:
            raise UnknownNameError("confirmed match", name, _confirmed_names(session))
        _refuse_others(session, who, row.pool or "")
        if str(period) <= row.effective_from:
            session.delete(row)
        else:
            row.effective_to = str(period)
        facts = {"billed": row.billed, "metered": row.metered, "to": str(period)}
        audit.append(session, books.clock, who=who, action="match.withdraw", subject=name, facts=facts)


def resource_aliases(books: Books) -> tuple[models.ResourceAlias, ...]:
    """Every alias, declared or confirmed, in order of name."""
    with books.store.reading() as session:
        return tuple(session.scalars(select(models.ResourceAlias).order_by(models.ResourceAlias.name)))


def _refuse_closed(books: Books, period: Period, deed: str) -> None:
    if str(period) in closed_periods(books.store):
        raise NotAllowedStateError(f"period {period}", "closed", deed)


def _refuse_others(session: Session, who: str, pool: str) -> None:
    person, found = session.get(models.Person, who), session.get(models.Pool, pool)
    if person is None:
        raise UnknownPersonError("Twinledger", who)
    if "finance" not in person.roles and (found is None or found.owner != who):
        raise NotEntitledError(who, f"matches of pool {pool}", "they are finance's to confirm, or the pool's owner's")


def _confirmed_before(row: models.ResourceAlias) -> AlreadyDecidedError:
    at = row.confirmed_at.isoformat() if row.confirmed_at else "before"
    return AlreadyDecidedError(f"match {row.name}", "confirmed", row.confirmed_by or "", at)


def _confirmed_names(session: Session) -> list[str]:
    query = select(models.ResourceAlias.name).where(models.ResourceAlias.confirmed_by.is_not(None))
    return list(session.scalars(query))
