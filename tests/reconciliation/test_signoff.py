"""Signing statements of real runs: what forbids it, what takes it away, and sixteen writers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import select

from tests.reconciliation.company import Charge, Internal
from tests.reconciliation.conftest import Company, source
from twinledger.deeds import Act
from twinledger.reconciliation import read_reconciliation, reconcile_period, sign_off
from twinledger.reconciliation.life import accept, comment
from twinledger.reconciliation.statement import pool_statement, statement_digest, statement_figures
from twinledger.signing import Event, SignatureView, Step, signature
from twinledger.store import chain
from twinledger.store.models import Break, BreakComment, Person
from twinledger.vocabulary.errors import GateFailedError, NotSignableError, TwinledgerError
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
MATCHED = Charge(1, resource="r1", sku_meter="m1", consumed=Decimal(10), listed=Decimal(10), effective=Decimal(8))
METERED = Internal("cluster", Decimal(10), resource="r1")
UNMETERED = replace(MATCHED, row=3, resource="r2")
UNMAPPED = Charge(2, service="Network", resource="n1", listed=Decimal(3), effective=Decimal(3))


@pytest.fixture
def finance(company: Company) -> Company:
    """A reconciled October, and people of finance."""
    company.add(*(Person(name=name, title=name, roles=["finance"]) for name in ("carol", "dave", "frank")))
    company.bill([MATCHED])
    company.rate([METERED])
    reconcile_period(company.books, OCTOBER)
    return company


def step(event: Event, who: str, pool: str = "cluster", comment: str = "") -> Step:
    return Step("2026-10", pool, event, who, "command line", comment)


def look(company: Company, pool: str = "cluster") -> SignatureView:
    with company.books.store.reading() as session:
        return signature(session, "2026-10", pool)


def present_digest(company: Company, pool: str = "cluster") -> str:
    result = read_reconciliation(company.books, OCTOBER)
    assert result is not None
    return statement_digest(pool_statement(result, pool))


def test_what_is_signed_is_the_statement_of_the_last_run(finance: Company) -> None:
    sign_off(finance.books, step("prepare", "carol"))
    done = sign_off(finance.books, step("sign", "dave"))

    assert (done.state, done.digest) == ("signed", present_digest(finance))
    assert done.figures["discount_kept"] == "2.00"


def test_unexplained_beyond_its_tolerance_forbids_to_sign(finance: Company) -> None:
    finance.bill([MATCHED, UNMAPPED])
    reconcile_period(finance.books, OCTOBER)

    with pytest.raises(NotSignableError, match="unexplained"):
        sign_off(finance.books, step("prepare", "carol", "network"))
    assert sign_off(finance.books, step("prepare", "carol")).state == "prepared"
    finance.tolerate("network", "unexplained", below="5.00")
    reconcile_period(finance.books, OCTOBER)
    assert sign_off(finance.books, step("prepare", "carol", "network")).state == "prepared"


def test_a_gate_that_stopped_a_run_forbids_to_sign_until_one_passes(finance: Company) -> None:
    sign_off(finance.books, step("prepare", "carol"))
    finance.gate.stops = ("the bridge closes",)
    finance.bill([replace(MATCHED, effective=Decimal(7))])
    with pytest.raises(GateFailedError):
        reconcile_period(finance.books, OCTOBER)

    with pytest.raises(NotSignableError, match="the bridge closes"):
        sign_off(finance.books, step("sign", "dave"))
    finance.gate.stops = ()
    reconcile_period(finance.books, OCTOBER)
    assert look(finance).state == "withdrawn"


def test_ledgers_that_changed_after_the_run_forbid_to_sign(finance: Company) -> None:
    finance.bill([replace(MATCHED, effective=Decimal(7))])
    with pytest.raises(NotSignableError, match="ledger changed"):
        sign_off(finance.books, step("prepare", "carol"))


def test_what_is_missing_forbids_to_sign(finance: Company) -> None:
    finance.add(source("azure"))
    sign_off(finance.books, step("prepare", "carol"))
    finance.bill([replace(MATCHED, row=9)], period="2026-09", source="azure")
    reconcile_period(finance.books, OCTOBER)

    with pytest.raises(NotSignableError, match="source azure has delivered no bill of 2026-10"):
        sign_off(finance.books, step("sign", "dave"))


def test_a_later_change_of_the_numbers_takes_the_signature_away_and_says_what_changed(finance: Company) -> None:
    sign_off(finance.books, step("prepare", "carol"))
    sign_off(finance.books, step("sign", "dave"))
    finance.bill([replace(MATCHED, effective=Decimal("7.25"))])
    reconcile_period(finance.books, OCTOBER)

    fallen = look(finance)
    assert fallen.state == "withdrawn"
    assert "discount_kept from 2.00 to 2.75" in (fallen.comment or "")
    assert "external from 8.00 to 7.25" in (fallen.comment or "")


def test_a_change_of_another_pool_s_numbers_lets_the_signature_stand(finance: Company) -> None:
    sign_off(finance.books, step("prepare", "carol"))
    done = sign_off(finance.books, step("sign", "dave"))
    finance.bill([MATCHED, UNMAPPED])
    reconcile_period(finance.books, OCTOBER)

    after = look(finance)
    assert (after.state, after.digest) == ("signed", done.digest)
    assert look(finance, "network").state == "open"


def test_sixteen_writers_leave_one_signature_on_the_statement_as_it_is(finance: Company) -> None:
    """Preparing, signing, refusing, withdrawing, commenting, resolving and re-running, all at once."""
    finance.bill([MATCHED, UNMETERED])
    reconcile_period(finance.books, OCTOBER)
    with finance.books.store.reading() as session:
        (found,) = session.scalars(select(Break.id))
    people = ("carol", "dave", "frank")

    def work(number: int) -> list[str]:
        who, act = people[number % 3], Act(found, people[number % 3], "page", f"click {number}")
        writers: dict[int, tuple[Callable[[], object], ...]] = {
            0: (lambda: comment(finance.books, act, f"comment {number}"),),
            1: (lambda: accept(finance.books, act, "known"),),
            2: (lambda: rerun(finance, Decimal(number + 1)),),
        }
        steps: tuple[Event, ...] = ("prepare", "sign") if number % 4 else ("prepare", "refuse", "prepare", "withdraw")
        signing = tuple(partial(sign_off, finance.books, step(event, who)) for event in steps)
        done = []
        for move in writers.get(number % 8, signing):
            try:
                done.append(type(move()).__name__)
            except TwinledgerError as refused:
                done.append(type(refused).__name__)
        return done

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    reconcile_period(finance.books, OCTOBER)

    with finance.books.store.reading() as session:
        deeds = [(one.action, one.subject) for one in chain.entries(session)]
        assert chain.verify(session).whole
        kept = len(session.query(BreakComment).all())
    assert kept == deeds.count(("break.comment", found))
    assert deeds.count(("break.accept", found)) <= 1 + deeds.count(("break.reopened", found))
    state = followed(action.removeprefix("statement.") for action, subject in deeds if subject == "2026-10 cluster")
    assert look(finance).state == state
    if state not in {"prepared", "signed"}:
        sign_off(finance.books, step("prepare", "carol"))
        sign_off(finance.books, step("sign", "dave"))
    result = read_reconciliation(finance.books, OCTOBER)
    assert result is not None
    # A run on the same figures may have followed the signature: its digest is of the run that was signed.
    assert look(finance).figures == statement_figures(pool_statement(result, "cluster"))


def rerun(company: Company, cost: Decimal) -> None:
    company.bill([replace(MATCHED, effective=cost), UNMETERED])
    reconcile_period(company.books, OCTOBER)


def followed(events: Iterable[str]) -> str:
    """The state that deeds in their order lead to; fails where one was done that was not possible."""
    ends = {"prepare": "prepared", "sign": "signed", "refuse": "refused", "withdraw": "withdrawn"}
    starts = {"prepare": {"open", "refused", "withdrawn"}, "withdraw": {"prepared", "signed"}}
    state = "open"
    for event in events:
        if event in ends:
            assert state in starts.get(event, {"prepared"}), (state, event)
            state = ends[event]
    return state
