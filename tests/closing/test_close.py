from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.bills.bill_files import line, report, write_assembly
from tests.signing.signed import sign_statements
from twinledger import closing
from twinledger.bills import ingest_source
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.closing import Closing, decide, lapse, look
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES
from twinledger.outbox import Outgoing, entries
from twinledger.signing import Step, record, signature, take
from twinledger.slack.attachments import statement_pdf
from twinledger.slack.cards import statement_card
from twinledger.slack.facts import StatementFacts, read_facts
from twinledger.slack.signoff import PeriodClosedFacts, closed_card
from twinledger.store import chain
from twinledger.store.models import Department, PeriodState, Person, Source
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    FrozenSliceError,
    NotAllowedStateError,
    NotEntitledError,
    UnknownPersonError,
    UnsignedStatementsError,
)
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)


@pytest.fixture
def bills(books: Books, clock: FixedClock, tmp_path: Path) -> Path:
    """Three people, one source, and its bill of October, in the middle of November."""
    folder = tmp_path / "bills"
    clock.instant = datetime(2026, 11, 20, tzinfo=UTC)
    with books.store.transaction() as session:
        for name, roles in (("carol", ["finance"]), ("dave", ["finance"]), ("erin", ["operator"])):
            session.add(Person(name=name, title=name, roles=roles))
        session.add(Source(name="aws", kind="bill", format="aws_cur_legacy", place=str(folder), slice="", options={}))
    deliver(books, folder, "a1", 3, "0.10")
    return folder


def deliver(books: Books, folder: Path, assembly: str, day: int, cost: str) -> None:
    modified = datetime(2026, 11, day, tzinfo=UTC)
    write_assembly(folder, [report([line(cost)])], assembly=assembly, modified=modified)
    ingest_source(books, "aws")


def ask(books: Books, period: Period, who: str) -> Closing:
    """Ask when all statements are signed."""
    sign_statements(books, period)
    return closing.ask(books, period, who)


def actions(books: Books) -> list[str]:
    with books.store.reading() as session:
        return [one.action for one in chain.entries(session) if one.action.startswith("period.")]


@pytest.mark.usefixtures("bills")
def test_a_period_is_closed_when_somebody_else_of_finance_agrees(books: Books) -> None:
    assert look(books, OCTOBER).state == "open"
    assert ask(books, OCTOBER, "carol").state == "closing"
    closed = decide(books, OCTOBER, "dave", "approve", "command line", "fine")
    assert (closed.state, closed.asked_by, closed.decided_by, closed.comment) == ("closed", "carol", "dave", "fine")
    assert "x_period=2026-10" in books.lake.frozen(EXTERNAL_CHARGES)
    assert actions(books) == ["period.asked", "period.closed"]
    with pytest.raises(FrozenSliceError):
        books.lake.replace(
            EXTERNAL_CHARGES, {"x_source": "aws", "x_period": "2026-10", "x_slice": "all"}, [], "x", version="9"
        )


@pytest.mark.parametrize(
    ("who", "error"), [("carol", NotEntitledError), ("erin", NotEntitledError), ("nobody", UnknownPersonError)]
)
@pytest.mark.usefixtures("bills")
def test_who_asked_who_is_not_of_finance_and_who_is_unknown_cannot_agree(
    books: Books, who: str, error: type[Exception]
) -> None:
    ask(books, OCTOBER, "carol")
    with pytest.raises(error):
        decide(books, OCTOBER, who, "approve", "command line")
    assert look(books, OCTOBER).state == "closing"
    assert books.lake.frozen(EXTERNAL_CHARGES) == {}


def test_figures_that_change_after_the_question_open_the_period_again(books: Books, bills: Path) -> None:
    ask(books, OCTOBER, "carol")
    deliver(books, bills, "a2", 18, "0.90")
    with pytest.raises(NotAllowedStateError, match="figures changed"):
        decide(books, OCTOBER, "dave", "approve", "command line")
    assert look(books, OCTOBER).state == "open"
    ask(books, OCTOBER, "carol")
    assert decide(books, OCTOBER, "dave", "approve", "command line").state == "closed"


@pytest.mark.usefixtures("bills")
def test_a_refusal_and_silence_leave_the_period_open(books: Books) -> None:
    ask(books, OCTOBER, "carol")
    assert decide(books, OCTOBER, "dave", "refuse", "command line", "Azure is missing").state == "open"
    ask(books, OCTOBER, "carol")
    assert lapse(books, OCTOBER).state == "open"
    with pytest.raises(NotAllowedStateError):
        decide(books, OCTOBER, "dave", "approve", "command line")


@pytest.mark.usefixtures("bills")
def test_a_period_that_is_not_over_or_comes_after_an_open_one_cannot_be_closed(books: Books, clock: FixedClock) -> None:
    with pytest.raises(NotAllowedStateError, match="not over"):
        ask(books, Period(2026, 11), "carol")
    clock.instant = datetime(2026, 12, 20, tzinfo=UTC)
    with pytest.raises(NotAllowedStateError, match="2026-10 is open"):
        ask(books, Period(2026, 11), "carol")


@pytest.mark.usefixtures("bills")
def test_what_still_stands_against_closing_is_said(books: Books, clock: FixedClock) -> None:
    clock.instant = datetime(2026, 11, 4, tzinfo=UTC)
    with books.store.transaction() as session:
        late = {"final_day": 16}
        session.add(Source(name="azure", kind="bill", format="azure_ea", place="/none", slice="", options=late))
    points = look(books, OCTOBER).open_points
    assert "source azure has delivered nothing of 2026-10" in points
    assert "source azure is final on 2026-11-16" in points


@pytest.mark.usefixtures("bills")
def test_a_closed_period_is_closed_once_however_many_agree_at_the_same_time(books: Books) -> None:
    with books.store.transaction() as session:
        session.add_all(Person(name=f"f{number}", title="f", roles=["finance"]) for number in range(4))
    ask(books, OCTOBER, "carol")

    def agree(number: int) -> str:
        try:
            return decide(books, OCTOBER, f"f{number}", "approve", "command line").state
        except AlreadyDecidedError as decided:
            return decided.outcome

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(agree, range(4))) == {"closed"}
    assert actions(books) == ["period.asked", "period.closed"]


def test_what_a_vendor_changes_after_the_close_is_posted_in_the_open_period(books: Books, bills: Path) -> None:
    ask(books, OCTOBER, "carol")
    decide(books, OCTOBER, "dave", "approve", "command line")
    deliver(books, bills, "a2", 18, "0.90")
    with books.engine() as engine:
        engine.view_files("ledger", EXTERNAL_CHARGES, books.lake.files(EXTERNAL_CHARGES))
        rows = engine.query('SELECT x_period, SUM("BilledCost") FROM ledger GROUP BY 1 ORDER BY 1')
    assert rows == [("2026-10", Decimal("0.10")), ("2026-11", Decimal("0.80"))]


# --- statements are signed before ----------------------------------------------------------------


@pytest.mark.usefixtures("bills")
def test_a_period_whose_statements_are_not_signed_cannot_be_closed_and_each_is_named(books: Books) -> None:
    with pytest.raises(UnsignedStatementsError, match="never reconciled"):
        closing.ask(books, OCTOBER, "carol")
    sign_statements(books, OCTOBER)
    with books.store.transaction() as session:
        record(session, books, "2026-10", {"compute": {"internal": "2.00"}, "network": {}}, ledgers(books))

    said = "the statement of compute is not signed; the statement of network is not signed"
    with pytest.raises(UnsignedStatementsError, match=said):
        closing.ask(books, OCTOBER, "carol")
    points = look(books, OCTOBER).open_points
    assert points[:2] == tuple(said.split("; "))
    assert look(books, OCTOBER).state == "open"


def ledgers(books: Books) -> str:
    with books.store.reading() as session:
        return signature(session, "2026-10", "compute").ledgers


@pytest.mark.usefixtures("bills")
def test_a_signature_that_falls_after_the_question_keeps_the_period_open_until_it_is_there_again(books: Books) -> None:
    ask(books, OCTOBER, "carol")
    with books.store.transaction() as session:
        record(session, books, "2026-10", {"compute": {"internal": "2.00"}}, ledgers(books))
    with pytest.raises(UnsignedStatementsError, match="compute is not signed"):
        decide(books, OCTOBER, "dave", "approve", "command line")

    assert look(books, OCTOBER).state == "closing"
    assert books.lake.frozen(EXTERNAL_CHARGES) == {}
    sign_statements(books, OCTOBER)
    assert decide(books, OCTOBER, "dave", "approve", "command line").state == "closed"


@pytest.mark.usefixtures("bills")
def test_finance_is_told_on_whose_signatures_and_with_which_audit_trail_a_period_was_closed(books: Books) -> None:
    ask(books, OCTOBER, "carol")
    with books.store.reading() as session:
        end = chain.verify(session).head
    decide(books, OCTOBER, "dave", "approve", "command line")

    (told_of,) = [one for one in entries(books.store) if one.kind == "period_closed"]
    assert (told_of.channel, told_of.audience) == ("#finance", "finance")
    card = closed_card(read_facts(PeriodClosedFacts, told_of.facts), "https://a.example")
    assert card.text == "2026-10 is closed: asked by carol, agreed by dave on command line"
    assert "compute: prepared by carol, signed by dave" in str(card.blocks)
    assert str(end) in str(card.blocks)
    with books.store.reading() as session:
        facts = session.get_one(PeriodState, "2026-10").facts or {}
    assert (facts["signatures"], facts["audit_head"]) == ({"compute": "d" * 64}, str(end))


@pytest.mark.usefixtures("bills")
def test_a_signature_on_a_closed_period_stays(books: Books) -> None:
    ask(books, OCTOBER, "carol")
    decide(books, OCTOBER, "dave", "approve", "command line")
    with books.store.reading() as session:
        seen = signature(session, "2026-10", "compute")
    with pytest.raises(NotAllowedStateError, match="period 2026-10 is closed"):
        take(books, Step("2026-10", "compute", "withdraw", "dave", "page"), seen.revision)


# --- departments are told ------------------------------------------------------------------------


@pytest.fixture
def charged(books: Books, bills: Path) -> None:
    """Two departments with charges of September and October, and charges that nobody claims."""
    del bills
    with books.store.transaction() as session:
        for name in ("data", "idle", "shop"):
            session.add(Department(name=name, title=name.title(), cost_centre="1", owner="carol", budget_holder="carol",
                                   channel=f"#{name}", tenants=[]))  # fmt: skip
    for period, amount in (("2026-09", "10"), ("2026-10", "12")):
        rows = [
            (period, name, "t", "compute", "vm", "hours", "r", datetime(2026, 10, 3), Decimal(amount), "hour",
             Decimal(1), Decimal(amount), "USD", "usage", False)
            for name in ("data", "shop", "unassigned")
        ]  # fmt: skip
        with books.engine() as engine:
            engine.view_rows("rows", INTERNAL_CHARGES.columns, rows)
            files = engine.copy("rows", INTERNAL_CHARGES, books.lake.staging(INTERNAL_CHARGES))
        books.lake.replace(INTERNAL_CHARGES, {"period": period}, files, period)


def told(books: Books) -> list[tuple[str, str, str]]:
    return sorted((one.channel, one.subject, one.audience) for one in entries(books.store) if one.kind == "statement")


@pytest.mark.usefixtures("charged")
def test_each_department_with_charges_is_told_once_when_its_period_is_closed(books: Books) -> None:
    ask(books, OCTOBER, "carol")
    assert told(books) == []
    decide(books, OCTOBER, "dave", "approve", "command line")
    with pytest.raises(AlreadyDecidedError):
        decide(books, OCTOBER, "dave", "approve", "command line")

    assert told(books) == [("#data", "data 2026-10", "everyone"), ("#shop", "shop 2026-10", "everyone")]
    (facts,) = [one.facts for one in entries(books.store) if one.subject == "shop 2026-10"]
    card = statement_card(read_facts(StatementFacts, facts), "https://a.example")
    assert card.text == "Shop is charged 12.00 USD for 2026-10, +2.00 USD (+20.0 %) since the month before"


@pytest.mark.usefixtures("charged")
def test_nobody_is_told_of_a_period_that_stays_open(books: Books) -> None:
    ask(books, OCTOBER, "carol")
    decide(books, OCTOBER, "dave", "refuse", "command line", "not yet")
    assert told(books) == []


@pytest.mark.usefixtures("charged")
def test_the_file_of_a_statement_is_the_department_s_and_no_other_message_has_one(books: Books) -> None:
    ask(books, OCTOBER, "carol")
    decide(books, OCTOBER, "dave", "approve", "command line")
    (facts,) = [one.facts for one in entries(books.store) if one.subject == "shop 2026-10"]

    def item(kind: str) -> Outgoing:
        return Outgoing("1-x", kind, "everyone", "#shop", "shop 2026-10", facts, 1, None)

    file = statement_pdf(books)(item("statement"))
    assert file is not None
    assert file.name == "statement-shop-2026-10.pdf"
    assert file.content.startswith(b"%PDF-")
    assert statement_pdf(books)(item("budget")) is None
