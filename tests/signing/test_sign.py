"""Who may move a signature, when, and what a run or a deed on a break does to it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.outbox import OutboxEntry, entries
from twinledger.signing import CARD, REPLY, Offer, SignatureView, Step, hold, record, signature, stop, take, unsigned
from twinledger.signing.states import TRANSITIONS, Event
from twinledger.store import chain
from twinledger.store.models import PeriodState, Person
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    ChangedStatementError,
    ConcurrentChangeError,
    NotAllowedStateError,
    NotEntitledError,
    NotSignableError,
    SignedError,
    TwinledgerError,
    UnknownNameError,
    UnknownPersonError,
)

PERIOD = "2026-10"
FIGURES = {"compute": {"internal": "10.00", "unexplained": "0.00"}, "network": {"internal": "7.00"}}


@pytest.fixture(autouse=True)
def company(books: Books) -> None:
    """Three people of finance, two of whom Slack knows, one of operations; a run has found two pools."""
    with books.store.transaction() as session:
        for name, slack in (("carol", "U1"), ("dave", "U2"), ("frank", None)):
            session.add(Person(name=name, title=name.title(), slack_user=slack, roles=["finance"]))
        session.add(Person(name="erin", title="Erin", roles=["operator"]))
    run(books, FIGURES)


def run(books: Books, figures: dict[str, dict[str, str]] | None, ledgers: str = "l1") -> None:
    with books.store.transaction() as session:
        record(session, books, PERIOD, figures, ledgers)


def look(books: Books, pool: str = "compute") -> SignatureView:
    with books.store.reading() as session:
        return signature(session, PERIOD, pool)


def move(
    books: Books, event: Event, who: str, pool: str = "compute", obstacles: tuple[str, ...] = (), shown: str = ""
) -> SignatureView:
    seen = look(books, pool)
    offer = Offer(f"digest of {seen.figures}", seen.figures, obstacles) if event in ("prepare", "sign") else None
    return take(books, Step(PERIOD, pool, event, who, "page", f"{event} it", shown), seen.revision, offer)


def signed(books: Books) -> SignatureView:
    move(books, "prepare", "carol")
    return move(books, "sign", "dave")


def told(books: Books, kind: str = REPLY) -> list[OutboxEntry]:
    return [one for one in reversed(entries(books.store)) if one.kind == kind]


def deeds(books: Books) -> list[tuple[str, str, str]]:
    with books.store.reading() as session:
        return [(one.who, one.action, one.subject) for one in chain.entries(session)]


# --- people ---------------------------------------------------------------------------------------


def test_one_prepares_and_another_signs(books: Books) -> None:
    done = signed(books)

    assert (done.state, done.prepared_by, done.decided_by, done.comment) == ("signed", "carol", "dave", "sign it")
    assert done.digest == f"digest of {FIGURES['compute']}"
    assert done.audit_head is not None
    assert done.audit_head.startswith("1:")
    assert deeds(books) == [
        ("carol", "statement.prepare", "2026-10 compute"), ("dave", "statement.sign", "2026-10 compute"),
    ]  # fmt: skip
    assert [one.channel for one in told(books)] == ["U1"]
    assert {(one.channel, one.audience) for one in told(books, CARD)} == {("#finance", "finance")}


@pytest.mark.parametrize(
    ("event", "who", "error", "reason"),
    [
        ("sign", "carol", NotEntitledError, "preparer and reviewer differ"),
        ("refuse", "carol", NotEntitledError, "preparer and reviewer differ"),
        ("sign", "erin", NotEntitledError, "signing is finance's"),
        ("withdraw", "dave", NotEntitledError, "only who prepared or signed it"),
        ("sign", "nobody", UnknownPersonError, "nobody"),
        ("prepare", "dave", AlreadyDecidedError, "prepared by carol"),
    ],
)
def test_who_may_not_is_refused_with_the_reason_and_that_is_recorded(
    books: Books, event: Event, who: str, error: type[TwinledgerError], reason: str
) -> None:
    before = move(books, "prepare", "carol")
    with pytest.raises(error, match=reason):
        move(books, event, who)
    assert look(books) == before
    assert deeds(books)[-1] == (who, f"statement.{event}.refused", "2026-10 compute")


def test_a_refusal_tells_who_prepared_it_why_and_it_can_be_prepared_again(books: Books) -> None:
    move(books, "prepare", "carol")
    refused = move(books, "refuse", "dave")

    assert (refused.state, refused.comment) == ("refused", "refuse it")
    assert [(one.channel, one.facts["comment"]) for one in told(books)] == [("U1", "refuse it")]
    again = move(books, "prepare", "dave")
    assert (again.state, again.prepared_by, again.decided_by, again.comment) == ("prepared", "dave", None, None)
    assert move(books, "sign", "carol").state == "signed"


def test_a_second_signature_is_told_who_signed(books: Books) -> None:
    signed(books)
    with pytest.raises(AlreadyDecidedError, match="already signed by dave"):
        move(books, "sign", "frank")
    with pytest.raises(AlreadyDecidedError, match="already signed by dave"):
        move(books, "refuse", "frank")


def test_a_signature_is_withdrawn_by_who_gave_it(books: Books) -> None:
    signed(books)
    with pytest.raises(NotEntitledError):
        move(books, "withdraw", "frank")
    before = len(told(books))
    assert move(books, "withdraw", "carol").state == "withdrawn"
    assert look(books).audit_head is None
    assert [one.channel for one in told(books)[before:]] == ["U2"]
    with pytest.raises(NotAllowedStateError, match="withdrawn"):
        move(books, "withdraw", "carol")


def test_what_stands_against_a_statement_is_the_reason_of_the_refusal(books: Books) -> None:
    with pytest.raises(NotSignableError, match=r"cannot be signed: unexplained is \+9; a gate stopped"):
        move(books, "prepare", "carol", obstacles=("unexplained is +9", "a gate stopped"))
    move(books, "prepare", "carol")
    with pytest.raises(NotSignableError):
        move(books, "sign", "dave", obstacles=("unexplained is +9",))
    assert look(books).state == "prepared"


def test_nobody_signs_other_figures_than_those_that_were_shown_or_prepared(books: Books) -> None:
    seen = move(books, "prepare", "carol")
    with pytest.raises(ChangedStatementError):
        move(books, "sign", "dave", shown="0" * 64)
    other = Offer("other", {"internal": "11.00"}, ())
    with pytest.raises(ChangedStatementError):
        take(books, Step(PERIOD, "compute", "sign", "dave", "page"), seen.revision, other)
    assert move(books, "sign", "dave", shown=seen.shown).state == "signed"


def test_a_statement_that_changed_since_it_was_read_is_looked_at_again(books: Books) -> None:
    seen = look(books)
    run(books, FIGURES)
    with pytest.raises(ConcurrentChangeError, match="look again"):
        take(books, Step(PERIOD, "compute", "prepare", "carol", "page"), seen.revision, Offer("d", seen.figures, ()))


def test_a_pool_that_no_run_has_found_has_no_statement(books: Books) -> None:
    with pytest.raises(UnknownNameError, match="compute, network"):
        move(books, "prepare", "carol", pool="storage")


def test_every_state_but_gone_is_left_by_somebody() -> None:
    assert {start for start, _ in TRANSITIONS} == {"open", "prepared", "signed", "refused", "withdrawn"}


# --- runs -----------------------------------------------------------------------------------------


def test_a_run_that_finds_the_same_figures_lets_the_signature_stand(books: Books) -> None:
    before = signed(books)
    run(books, FIGURES, "l2")

    after = look(books)
    assert (after.state, after.digest, after.ledgers) == ("signed", before.digest, "l2")
    assert after.revision > before.revision


def test_a_run_that_finds_other_figures_takes_the_signature_away_and_tells_both_once(books: Books) -> None:
    signed(books)
    before = len(told(books))
    for _ in range(2):
        run(books, {**FIGURES, "compute": {"internal": "12.50", "break overcharge c": "2.50"}})

    fallen = look(books)
    assert (fallen.state, fallen.decided_by, fallen.audit_head) == ("withdrawn", "reconciliation", None)
    assert fallen.comment == (
        "its figures changed: break overcharge c from none to 2.50, internal from 10.00 to 12.50, "
        "unexplained from 0.00 to none"
    )
    replies = told(books)[before:]
    assert sorted(one.channel for one in replies) == ["U1", "U2"]
    assert replies[0].facts["changes"] == [
        {"name": "break overcharge c", "before": "", "after": "2.50"},
        {"name": "internal", "before": "10.00", "after": "12.50"},
        {"name": "unexplained", "before": "0.00", "after": ""},
    ]
    assert deeds(books)[-1] == ("reconciliation", "statement.withdraw", "2026-10 compute")
    assert look(books, "network").state == "open"


def test_a_preparation_falls_too_and_only_who_prepared_it_is_told(books: Books) -> None:
    move(books, "prepare", "frank")
    run(books, {**FIGURES, "compute": {"internal": "12.50"}})

    assert look(books).state == "withdrawn"
    assert [one.channel for one in told(books)] == ["#finance"]
    assert move(books, "prepare", "carol").state == "prepared"


def test_a_pool_that_is_gone_takes_its_signature_along_and_one_that_returns_is_open(books: Books) -> None:
    signed(books)
    run(books, {"network": FIGURES["network"]})
    assert look(books).state == "gone"
    with books.store.reading() as session:
        assert unsigned(session, PERIOD, "l1") == ["the statement of network is not signed"]
    run(books, FIGURES)
    assert (look(books).state, look(books).figures) == ("open", FIGURES["compute"])


def test_where_something_is_missing_nothing_is_known_and_signatures_stay(books: Books) -> None:
    before = signed(books)
    run(books, None)
    after = look(books)
    assert (after.state, after.figures, after.ledgers) == ("signed", before.figures, "l1")
    assert after.revision > before.revision


def test_what_a_gate_stopped_stands_on_the_statement_until_one_passes(books: Books) -> None:
    with books.store.transaction() as session:
        stop(session, books, PERIOD, "gate reconciliation stopped: rows")
    assert look(books).stopped == "gate reconciliation stopped: rows"
    run(books, FIGURES)
    assert look(books).stopped is None


# --- what belongs to a statement ------------------------------------------------------------------


def test_a_break_is_fixed_while_its_statement_is_prepared_or_signed(books: Books) -> None:
    def act(pool: str = "compute") -> None:
        with books.store.transaction() as session:
            hold(session, PERIOD, pool)
            session.merge(PeriodState(period="written", state="open"))

    act()
    seen = move(books, "prepare", "carol")
    with pytest.raises(SignedError, match="prepared by carol: what belongs to it is fixed"):
        act()
    move(books, "sign", "dave")
    with pytest.raises(SignedError, match="signed by dave"):
        act()
    act("network")
    act("a pool without statement")
    assert look(books).revision == seen.revision + 1


def test_a_deed_on_a_break_has_a_signature_under_way_look_again(books: Books) -> None:
    seen = look(books)
    with books.store.transaction() as session:
        hold(session, PERIOD, "compute")
    with pytest.raises(ConcurrentChangeError):
        take(books, Step(PERIOD, "compute", "prepare", "carol", "page"), seen.revision, Offer("d", seen.figures, ()))


# --- what stands against closing ------------------------------------------------------------------


def test_what_is_not_signed_is_said_pool_by_pool_and_other_ledgers_first(books: Books) -> None:
    with books.store.reading() as session:
        assert unsigned(session, "2026-09", "l1") == ["2026-09 was never reconciled: there is no statement to sign"]
    move(books, "prepare", "carol")
    move(books, "prepare", "carol", pool="network")
    move(books, "refuse", "dave", pool="network")
    with books.store.reading() as session:
        assert unsigned(session, PERIOD, "l1") == [
            "the statement of compute is prepared by carol, not signed",
            "the statement of network is refused by dave",
        ]
        assert "reconcile them again" in unsigned(session, PERIOD, "l2")[0]


def test_what_was_shown_is_another_after_the_same_figures_are_prepared_anew(books: Books, clock: FixedClock) -> None:
    first = move(books, "prepare", "carol")
    move(books, "withdraw", "carol")
    clock.advance(timedelta(seconds=1))
    second = move(books, "prepare", "carol")
    assert first.figures == second.figures
    with pytest.raises(ChangedStatementError):
        move(books, "sign", "dave", shown=first.shown)
