"""What was provisioned past the gate: resources without a grant, larger than it, or after its end.

What belongs here: which ledgers and grants are looked at, and the findings of rule `ungranted`. What does not: what is
ungranted, which `sql/detection` says, and grants themselves, which are `approvals`'.

Looked at are products of the setting `detection.products` alone. A resource appears for the first time if the month
before has it in neither ledger: a ledger without a month before has no first appearances.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from twinledger.books import Books
from twinledger.catalog import view
from twinledger.engine import Engine
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES, QUANTITY, TEXT, Column
from twinledger.reconciliation.breaks import NOBODY, Finding
from twinledger.reconciliation.inputs import Inputs, gather, table_cut
from twinledger.store.models import Grant
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.periods import Period

RULE = "ungranted"

CONTROLLED_PRODUCTS = (Column("product", TEXT),)
GRANTS = (
    Column("id", TEXT),
    Column("department", TEXT),
    Column("product", TEXT),
    Column("meter", TEXT),
    Column("quantity", QUANTITY),
    Column("region", TEXT),
    Column("account", TEXT),
    Column("start_day", "DATE"),
    Column("end_day", "DATE"),
)
"""What the models read beside the ledgers; days in UTC, the last one included."""

_OVER_CHARGES = ("pools/charge_tags", "pools/charge_pools", "rating/tag_owners", "detection/billed_resources")
_JUDGED = ("detection/metered_resources", "detection/known_resources", "detection/ungranted")


@dataclass(frozen=True, slots=True)
class Ungranted(ForFinance):
    """One resource and meter that no grant, or not enough of one, was there for; at the internal price."""

    product: str
    meter: str
    resource: str
    side: str
    """billed | metered"""
    pool: str
    department: str | None
    """Whose it is; None where nobody claims it."""
    provider: str
    account: str | None
    region: str | None
    grant_id: str | None
    """What it names itself, in its tag."""
    first_day: date
    days: int
    reason: str
    """no grant | larger | after: on the first such day."""
    amount: Decimal

    @property
    def subject(self) -> str:
        """The same whatever side it is seen on, and whatever the reason."""
        return f"{self.product}/{self.meter} {self.resource}"


def ungranted_findings(books: Books, inputs: Inputs) -> list[Finding]:
    """One break for each resource: what it came to at the internal price since it was ungranted.

    The owner of its department answers for it; where nobody claims it, the pool's. Raises as `ungranted`.
    """
    found = ungranted(books, inputs)
    owners = {name: one.owner for name, one in inputs.pools.items()}
    by_department = _owners(inputs) if found else {}
    return [
        Finding(
            RULE, one.pool, str(inputs.period), one.subject, one.amount, inputs.currency, Decimal(0),
            by_department.get(one.department or "") or owners.get(one.pool, NOBODY), one.provider, one.account or "",
        )
        for one in found
    ]  # fmt: skip


def ungranted_resources(books: Books, period: Period) -> tuple[Ungranted, ...]:
    """What is ungranted in a period's ledgers as they are now; raises as `ungranted`."""
    return ungranted(books, gather(books, period)) if books.settings.detection.names else ()


def ungranted(books: Books, inputs: Inputs) -> tuple[Ungranted, ...]:
    """What is ungranted, the most money first; nothing where no product is under provisioning control.

    Raises:
        UnknownNameError: the setting names a product that the catalog has not.
    """
    products = books.settings.detection.names
    if not products:
        return ()
    _refuse_unknown(inputs, products)
    with books.store.reading() as session:
        grants = _grants(session, products)
    with books.engine() as engine:
        view(engine, inputs.relations)
        engine.view_rows("controlled_products", CONTROLLED_PRODUCTS, [(name,) for name in products])
        engine.view_rows("grants", GRANTS, grants)
        _view_ledgers(books, engine, inputs)
        for model in _JUDGED:
            engine.view_model(model)
        found = [Ungranted(**row) for row in engine.rows("ungranted")]
    return tuple(sorted(found, key=lambda one: (-one.amount, one.subject)))


def grants_moved(books: Books, since: datetime) -> bool:
    """Whether a grant was given or revoked since an instant, so that ledgers that did not change say something else."""
    products = books.settings.detection.names
    if not products:
        return False
    moved = select(Grant.id).where(Grant.product.in_(products), or_(Grant.starts_at > since, Grant.revoked_at > since))
    with books.store.reading() as session:
        return session.scalar(moved.limit(1)) is not None


def _view_ledgers(books: Books, engine: Engine, inputs: Inputs) -> None:
    """Both ledgers of the period, the external one brought down first, and of the month before."""
    before = inputs.period.shift(-1)
    earlier = {table: table_cut(books.lake, table, before) for table in (EXTERNAL_CHARGES, INTERNAL_CHARGES)}
    engine.view_files("earlier_charges", EXTERNAL_CHARGES, earlier[EXTERNAL_CHARGES].files)
    engine.view_files("earlier_internal", INTERNAL_CHARGES, earlier[INTERNAL_CHARGES].files)
    billed = inputs.external.files if earlier[EXTERNAL_CHARGES].slices else ()
    engine.view_files("external_charges", EXTERNAL_CHARGES, billed)
    engine.view_model("detection/controlled_charges")
    engine.materialise("controlled_charges")
    engine.union("external_charges", ["controlled_charges"])
    for model in _OVER_CHARGES:
        engine.view_model(model)
    metered = inputs.internal.files if earlier[INTERNAL_CHARGES].slices else ()
    engine.view_files("internal_charges", INTERNAL_CHARGES, metered)


def _grants(session: Session, products: tuple[str, ...]) -> list[tuple[object, ...]]:
    """Every grant of the products, until it ended or was revoked."""
    query = select(Grant).where(Grant.product.in_(products)).order_by(Grant.id)
    return [
        (one.id, one.department, one.product, one.meter, one.quantity, one.region, one.account, one.starts_at.date(),
         min(one.ends_at, one.revoked_at or one.ends_at).date())
        for one in session.scalars(query)
    ]  # fmt: skip


def _refuse_unknown(inputs: Inputs, products: tuple[str, ...]) -> None:
    known = {str(row["product"]) for row in _rows(inputs, "products")}
    for name in products:
        if name not in known:
            raise UnknownNameError("product of TWINLEDGER_DETECTION__PRODUCTS", name, known)


def _owners(inputs: Inputs) -> Mapping[str, str]:
    return {str(row["department"]): str(row["owner"]) for row in _rows(inputs, "departments")}


def _rows(inputs: Inputs, name: str) -> list[dict[str, object]]:
    """A relation of the catalog's, by column."""
    relation = next(one for one in inputs.relations if one.name == name)
    columns = [column.name for column in relation.columns]
    return [dict(zip(columns, row, strict=True)) for row in relation.rows]
