"""From the internal ledger to a department's document."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.statements.conftest import Charge
from tests.statements.example import usd
from twinledger.books import Books
from twinledger.rating import statement
from twinledger.statements import document, documents
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
pytestmark = pytest.mark.usefixtures("company")


def test_lines_of_both_months_stand_beside_each_other(books: Books, charge: Charge) -> None:
    charge("2026-09", [("shop", "vm/hours", "usage", "10", "2", "20"), ("shop", "direct/RDS", "direct", "1", "5", "5")])
    charge("2026-10", [("shop", "vm/hours", "usage", "12", "3", "36"), ("data", "vm/hours", "usage", "1", "3", "3")])
    found = document(books, "shop", OCTOBER)

    assert (found.title, found.cost_centre, found.closed) == ("电商 Shop", "CC-shop", False)
    assert [
        (one.product_title, one.meter_title, one.kind, one.amount, one.before, one.cause) for one in found.lines
    ] == [
        ("Pool direct", "RDS", "direct", usd("0"), usd("5"), "gone"),
        ("Virtual machines", "Hours", "usage", usd("36"), usd("20"), "both"),
    ]
    assert (found.total, found.before, found.change, found.percent) == (usd(36), usd(25), usd(11), Decimal("44.0"))
    assert [(line.price_effect, line.quantity_effect) for line in found.movers] == [
        (usd(12), usd(4)),
        (usd(0), usd(-5)),
    ]
    assert found.total == statement(books, "shop", OCTOBER).total


def test_each_kind_of_a_meter_is_a_line_of_its_own(books: Books, charge: Charge) -> None:
    charge(
        "2026-10",
        [
            ("shop", "vm/hours", "usage", "1", "2", "2"),
            ("shop", "vm/hours", "minimum", "0", "0", "8"),
            ("shop", "vm/hours", "allocated", "0.5", "0", "0.005"),
        ],
    )
    found = document(books, "shop", OCTOBER)

    assert [(one.kind, one.amount.amount) for one in found.lines] == [
        ("allocated", Decimal("0.01")),
        ("minimum", Decimal(8)),
        ("usage", Decimal(2)),
    ]
    assert not found.comparable
    assert found.movers == ()


def test_the_history_begins_with_the_first_month_that_has_charges(books: Books, charge: Charge) -> None:
    for month, amount in (("2026-04", "1"), ("2026-07", "2"), ("2026-10", "4")):
        charge(month, [("shop", "vm/hours", "usage", "1", "1", amount)])
    found = document(books, "shop", OCTOBER)

    assert [(str(one.period), one.total.amount) for one in found.history] == [
        ("2026-07", Decimal(2)),
        ("2026-08", Decimal(0)),
        ("2026-09", Decimal(0)),
        ("2026-10", Decimal(4)),
    ]
    assert not found.comparable


def test_all_documents_are_those_of_the_departments_with_charges(books: Books, charge: Charge) -> None:
    charge("2026-09", [("data", "vm/hours", "usage", "1", "1", "1")])
    charge(
        "2026-10", [("shop", "vm/hours", "usage", "1", "1", "1"), ("unassigned", "vm/hours", "usage", "1", "1", "9")]
    )
    found = documents(books, OCTOBER)

    assert [one.title for one in found] == ["电商 Shop", "Unassigned"]
    assert found[0] == document(books, "shop", OCTOBER)
    assert found[1] == document(books, "unassigned", OCTOBER)


def test_a_department_without_charges_has_no_lines_and_an_unknown_one_is_refused(books: Books) -> None:
    assert document(books, "shop", OCTOBER).lines == ()
    assert documents(books, OCTOBER) == []
    with pytest.raises(UnknownNameError, match="nobody"):
        document(books, "nobody", OCTOBER)
