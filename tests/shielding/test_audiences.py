"""What is rendered for everyone cannot be handed what is for finance: by type, and when it runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.requests import Request

from tests.slack.test_cards import RECONCILIATION
from twinledger.slack import facts as slack_facts
from twinledger.slack.blocks import Message
from twinledger.slack.facts import EveryoneFacts, FinanceFacts, ReconciliationFacts, StatementFacts
from twinledger.slack.render import CARDS, Card, Item, Links, for_everyone, for_finance, render
from twinledger.store import Store
from twinledger.store.models import ContractCard
from twinledger.vocabulary import errors
from twinledger.vocabulary.audiences import (
    ForEveryone,
    ForFinance,
    check_everyone,
    check_everyone_type,
    sentence_for_everyone,
)
from twinledger.vocabulary.errors import (
    InvalidAmountError,
    TotalMismatchError,
    TwinledgerError,
    UnknownNameError,
    WrongAudienceError,
)
from twinledger.vocabulary.settings import ROOT
from twinledger.web import held_view, views
from twinledger.web.context import templated
from twinledger.web.readers import Reader

SECRET = "271828.18"
EVERYBODY = Reader("eve", "Eve", ())
FINANCE = Reader("ada", "Ada", ("finance",))


@dataclass(frozen=True)
class Smuggled(EveryoneFacts):
    """Facts for everyone with a field for finance."""

    title: str
    inside: tuple[ReconciliationFacts, ...] = ()


def _item(kind: str, audience: str) -> Item:
    @dataclass(frozen=True)
    class Found:
        kind: str
        audience: str
        subject: str
        facts: dict[str, Any]

    return Found(kind, audience, "s", slack_facts.facts_json(RECONCILIATION))


def test_a_card_for_everyone_of_finance_facts_is_refused_by_type_and_when_it_is_made() -> None:
    def read(_session: Session, _item: Item) -> ReconciliationFacts:
        return RECONCILIATION

    def show(facts: ReconciliationFacts, _subject: str, _links: Links) -> Message:
        raise AssertionError(facts)

    # mypy refuses an ignored error that is none: this line fails `make lint` when the type lets it pass.
    with pytest.raises(WrongAudienceError):
        for_everyone(ReconciliationFacts, read, show)  # type: ignore[type-var]  # what the type forbids


def test_a_card_for_finance_of_everyones_facts_is_refused_by_type() -> None:
    def show(facts: StatementFacts, _subject: str, _links: Links) -> Message:
        raise AssertionError(facts)

    card: Card = for_finance(StatementFacts, show)  # type: ignore[type-var]  # what the type forbids
    assert card.audience == "finance"


def test_facts_for_everyone_with_a_field_for_finance_are_refused() -> None:
    with pytest.raises(WrongAudienceError, match="ReconciliationFacts"):
        check_everyone_type(Smuggled)


@pytest.mark.parametrize(
    "value", [RECONCILIATION, [RECONCILIATION], {"page": {"deep": (Smuggled("x", (RECONCILIATION,)),)}}]
)
def test_values_for_finance_are_refused_however_deep_they_lie(value: object) -> None:
    with pytest.raises(WrongAudienceError):
        check_everyone("page", value)


def test_every_kind_of_facts_is_for_everyone_or_for_finance_and_never_mixed() -> None:
    kinds = [one for one in vars(slack_facts).values() if isinstance(one, type) and one.__name__.endswith("Facts")]

    assert len(kinds) > 10
    for kind in kinds:
        assert issubclass(kind, ForEveryone) != issubclass(kind, ForFinance), kind
        if issubclass(kind, ForEveryone):
            check_everyone_type(kind)


@pytest.mark.parametrize("kind", [name for name, card in CARDS.items() if card.audience == "finance"])
def test_a_finance_card_that_is_addressed_to_everyone_is_not_shown(kind: str, store: Store) -> None:
    with store.reading() as session, pytest.raises(WrongAudienceError):
        render(session, _item(kind, "everyone"), Links("http://localhost"))


def test_a_page_for_everybody_cannot_be_handed_a_view_of_finance() -> None:
    request = Request({"type": "http", "root_path": ""})
    page = views.Step.__new__(views.Step)

    with pytest.raises(WrongAudienceError, match="Step"):
        templated(request, "home.html", {"reader": EVERYBODY, "page": [page]})


def test_every_view_with_amounts_of_both_ledgers_is_for_finance() -> None:
    finance = {views.ReconciliationPage, views.PoolLine, views.BreakLine, views.ClaimRow, views.Step}
    finance |= {held_view.HeldPage, held_view.HeldLine, held_view.CauseLine}

    assert all(issubclass(one, ForFinance) for one in finance)
    assert issubclass(FinanceFacts, ForFinance)


# --- what errors say ------------------------------------------------------------------------------


def test_an_error_that_cites_a_bill_is_told_to_everyone_by_its_kind_alone() -> None:
    told = sentence_for_everyone(TotalMismatchError("aws 2026-10", SECRET, "1", "2"))

    assert SECRET not in told
    assert told.startswith("TotalMismatchError")
    assert SECRET not in sentence_for_everyone(InvalidAmountError(SECRET, "is none"))
    assert SECRET not in sentence_for_everyone(ValueError(SECRET))
    assert "pool" in sentence_for_everyone(UnknownNameError("pool", "x", ["y"]))


def _error_classes(base: type[TwinledgerError] = TwinledgerError) -> Iterator[type[TwinledgerError]]:
    yield base
    for one in base.__subclasses__():
        yield from _error_classes(one)


def test_errors_that_take_amounts_or_cells_are_for_finance() -> None:
    tree = ast.parse(Path(errors.__file__).read_text())
    telling = {"total", "parts", "expected", "actual", "difference", "cells"}
    by_name = {one.__name__: one for one in _error_classes()}
    public = {
        "WrongAudienceError", "ConcurrentChangeError", "ObjectChangedError", "MissingPriceError", "SliceMismatchError",
        "PriceEditedError", "UnknownMediaTypeError", "InvalidSubmissionError", "InvalidActError",
        "InvalidMovementError",
        "InvalidAbsenceError", "NotBrokeredError", "UnreadablePlanError", "PlanVersionError",
    }  # fmt: skip
    for node in (one for one in tree.body if isinstance(one, ast.ClassDef)):
        names = {argument.arg for made in node.body if isinstance(made, ast.FunctionDef) for argument in made.args.args}
        if names & telling and node.name not in public:
            assert by_name[node.name].for_finance, f"{node.name} may cite {names & telling}"


def test_an_error_of_the_database_does_not_cite_what_a_statement_was_given(store: Store) -> None:
    def card() -> ContractCard:
        return ContractCard(
            id="card", vendor="v", sku="s", effective_from=datetime(2026, 1, 1, tzinfo=UTC).date(),
            unit_price=Decimal(SECRET), currency="USD", clause=SECRET,
        )  # fmt: skip

    with store.transaction() as session:
        session.add(card())
    with pytest.raises(IntegrityError) as refused, store.transaction() as session:
        session.add(card())

    assert SECRET not in str(refused.value)


def test_tasks_open_the_books_where_errors_are_looked_at() -> None:
    direct = [path.name for path in (ROOT / "dags").glob("*.py") if "twinledger.deployment" in path.read_text()]

    assert direct == [], "import open_books from twinledger.airflow.books"
