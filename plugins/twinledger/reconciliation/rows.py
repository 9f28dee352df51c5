"""Opening a component of the bridge down to its rows.

What belongs here: asking for them. What does not: what a row contributes, which
`sql/reconciliation/component_rows` says.
"""

from __future__ import annotations

from twinledger.books import Books
from twinledger.lake.tables import TEXT, Column
from twinledger.pools import COMPONENTS
from twinledger.reconciliation.evidence import listed
from twinledger.reconciliation.inputs import gather, view_ledgers
from twinledger.reconciliation.result import ComponentRow
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.periods import Period

MOST_ROWS = 10_000
"""As many as the model gives."""


def component_rows(
    books: Books, period: Period, pool: str, component: str, limit: int = 100
) -> tuple[ComponentRow, ...]:
    """The rows of one component of one pool, the most money first, from both ledgers as they are now.

    Their amounts, in the reporting currency, add up to the component's where the limit cuts none off.
    Finance only.

    Raises:
        UnknownNameError: there is no such component.
        MissingRateError: a currency without a rate.
    """
    if component not in COMPONENTS:
        raise UnknownNameError("component", component, COMPONENTS)
    inputs = gather(books, period)
    with books.engine() as engine:
        view_ledgers(engine, inputs)
        engine.view_rows("asked", (Column("pool", TEXT), Column("component", TEXT)), [(pool, component)])
        engine.view_model("reconciliation/component_rows")
        engine.view_model("reconciliation/largest_rows")
        return listed(engine, "largest_rows", ComponentRow)[: min(limit, MOST_ROWS)]
