"""The store's tables: everything that is decided, by people or by rules.

What belongs here: tables and their constraints. What does not: facts (charges, usage, internal
charges, bridge rows), which are Iceberg tables of the lake, and rules, which are the domain's.

Amounts are exact decimals, instants are aware and in UTC, identities are text.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from twinledger.store.types import ExactDecimal, UtcDateTime


class Base(DeclarativeBase):
    """All tables; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        Decimal: ExactDecimal(),
        datetime: UtcDateTime(),
        date: Date(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
        str: String(255),
    }


# --- external ledger: where bills come from and what came ------------------------------------


class Source(Base):
    """One configured feed: a vendor's bill export or a metering feed."""

    __tablename__ = "sources"

    name: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]  # bill | usage
    format: Mapped[str]  # a folder under sql/focus, or csv | jsonl | parquet | cloudevents
    place: Mapped[str] = mapped_column(Text)  # folder path, s3://bucket/prefix, az://container/prefix
    slice: Mapped[str]  # period (cumulative) | day (one day's increment) | file (every file adds rows)
    account: Mapped[str | None]
    currency: Mapped[str | None]
    options: Mapped[dict[str, Any]]


class Delivery(Base):
    """One complete hand-over from a source; ingested at most once, by its content."""

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("source", "digest"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(ForeignKey("sources.name"), index=True)
    digest: Mapped[str]
    key: Mapped[str] = mapped_column(Text)  # manifest or file that announced it
    delivered_at: Mapped[datetime]  # the vendor's time of it; orders deliveries of one slice
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(index=True)  # staging | ingested | superseded | quarantined
    files: Mapped[list[Any]]
    rows_in: Mapped[int] = mapped_column(default=0)
    rows_ledger: Mapped[int] = mapped_column(default=0)
    rows_quarantined: Mapped[int] = mapped_column(default=0)
    # Rows that are rightly no charge of their own, such as those that a sibling export charges.
    rows_aside: Mapped[int] = mapped_column(default=0, server_default="0")
    reason_code: Mapped[str | None]
    reason: Mapped[str | None] = mapped_column(Text)


class DeliverySlice(Base):
    """What one delivery says of one slice of one billing period, and whether the ledger has it."""

    __tablename__ = "delivery_slices"

    delivery: Mapped[str] = mapped_column(ForeignKey("deliveries.id"), primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)  # 2026-10
    # all, day-20261017 or file-... of a bill, restates-2026-09: adjustments of a closed period; a day of usage
    slice: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(index=True)
    current: Mapped[bool] = mapped_column(default=False)
    rows: Mapped[int]
    totals: Mapped[list[Any]]  # [{"provider", "account", "currency", "billed_cost"}], decimal strings
    committed_at: Mapped[datetime | None]


class Reporter(Base):
    """Who may send events of a metering feed over HTTP."""

    __tablename__ = "reporters"

    name: Mapped[str] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(ForeignKey("sources.name"))
    token_sha256: Mapped[str]  # hexadecimal; the token itself is nowhere
    active: Mapped[bool]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class ReceivedEvent(Base):
    """An event that was acknowledged, so that one that is sent again is known."""

    __tablename__ = "received_events"

    feed: Mapped[str] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(primary_key=True)  # digest of source and id
    received_on: Mapped[date] = mapped_column(index=True)


class ControlTotal(Base):
    """What somebody else says a billing account was charged in a period."""

    __tablename__ = "control_totals"

    origin: Mapped[str] = mapped_column(primary_key=True)  # manifest | invoice | invoice-detail | cost-explorer
    provider: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[str] = mapped_column(primary_key=True)  # invoice number, manifest's key, or query
    amount: Mapped[Decimal]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]  # file, DAG or person


# --- catalog: who pays for what at which price -----------------------------------------------


class Department(Base):
    """Who pays, with whom to talk to."""

    __tablename__ = "departments"

    name: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    parent: Mapped[str | None] = mapped_column(ForeignKey("departments.name"))
    cost_centre: Mapped[str]
    owner: Mapped[str]  # person
    budget_holder: Mapped[str]  # person
    channel: Mapped[str]
    tenants: Mapped[list[Any]]
    headcount: Mapped[int | None]  # people, where a driver counts them


class Person(Base):
    """Somebody who may ask or decide; the map from Slack and Airflow users to people."""

    __tablename__ = "people"

    name: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    slack_user: Mapped[str | None] = mapped_column(index=True)
    airflow_user: Mapped[str | None] = mapped_column(index=True)
    roles: Mapped[list[Any]]  # finance, operator, ...


class Pool(Base):
    """A named set of external charges that funds products; the lowest matching position wins."""

    __tablename__ = "pools"

    name: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    owner: Mapped[str]
    kind: Mapped[str]  # shared | direct | allocated
    position: Mapped[int] = mapped_column(unique=True)
    rules: Mapped[list[Any]]  # [{"column": "ServiceName", "equals": ["..."]}, ...]: all must hold
    capacity: Mapped[list[Any]]  # [{"sku": "m5.large", "meter": "vm/core-hours", "factor": "2"}]
    tolerance: Mapped[dict[str, Any]]  # component -> {"above": "1.00", "below": "1.00", "relative": "0.01"}
    savings: Mapped[str] = mapped_column(default="usage", server_default="usage")  # usage | purchaser
    driver: Mapped[dict[str, Any] | None]  # of an allocated pool: {"kind": "usage", "meter": "vm/core-hours", ...}


class TagKey(Base):
    """A tag, and what else says the same: tags.yaml, entry by entry."""

    __tablename__ = "tag_keys"

    key: Mapped[str] = mapped_column(primary_key=True)
    aliases: Mapped[list[Any]]
    spellings: Mapped[dict[str, Any]]  # value -> what else is written for it
    inherit: Mapped[list[Any]]  # [{"column": "SubAccountId", "values": {"1": "shop"}}, ...]: tried in this order
    last_resort: Mapped[list[Any]]  # [{"pool": "own", "department": "shop"}, ...]


class Product(Base):
    """What a platform team publishes."""

    __tablename__ = "products"

    name: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    description: Mapped[str] = mapped_column(Text)
    owner: Mapped[str]
    pool: Mapped[str] = mapped_column(ForeignKey("pools.name"))
    state: Mapped[str]  # draft | listed | retired
    retired_at: Mapped[datetime | None]  # the first instant at which it takes no usage


class Meter(Base):
    """What a product is charged by."""

    __tablename__ = "meters"

    product: Mapped[str] = mapped_column(ForeignKey("products.name"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    unit: Mapped[str]


class Price(Base):
    """The internal list price of a meter from an instant on; never edited, only superseded.

    `amount` is that of a unit without tier: of tiers, the first one that costs something.
    """

    __tablename__ = "prices"

    product: Mapped[str] = mapped_column(primary_key=True)
    meter: Mapped[str] = mapped_column(primary_key=True)
    effective_from: Mapped[datetime] = mapped_column(primary_key=True)
    amount: Mapped[Decimal]
    tiers: Mapped[list[Any] | None]  # [{"up_to": "1000", "amount": "0.05"}, {"up_to": None, "amount": "0.04"}]
    minimum: Mapped[Decimal | None]  # a department's, in a period
    currency: Mapped[str]
    recorded_at: Mapped[datetime]


class Agreement(Base):
    """A price for one department and those below it, instead of the published one; never edited, only ended."""

    __tablename__ = "agreements"

    department: Mapped[str] = mapped_column(ForeignKey("departments.name"), primary_key=True)
    product: Mapped[str] = mapped_column(primary_key=True)
    meter: Mapped[str] = mapped_column(primary_key=True)
    effective_from: Mapped[datetime] = mapped_column(primary_key=True)
    effective_to: Mapped[datetime | None]
    amount: Mapped[Decimal]
    tiers: Mapped[list[Any] | None]
    minimum: Mapped[Decimal | None]
    currency: Mapped[str]
    recorded_at: Mapped[datetime]


class CatalogPlan(Base):
    """Changes of the catalog that are asked about before they are applied."""

    __tablename__ = "catalog_plans"

    id: Mapped[str] = mapped_column(primary_key=True)  # digest of the configuration and of what it changes
    state: Mapped[str]  # pending | approved | refused | lapsed | applied
    revision: Mapped[int]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_on: Mapped[str | None]  # airflow | rule | timer


class ContractCard(Base):
    """What was agreed with a vendor for a SKU or by rules: a unit price, a discount off list, or tiers of prices."""

    __tablename__ = "contract_cards"

    id: Mapped[str] = mapped_column(primary_key=True)
    vendor: Mapped[str]
    sku: Mapped[str | None]
    rules: Mapped[list[Any] | None]  # [{"column": "ServiceName", "equals": ["..."]}, ...]: all must hold
    region: Mapped[str | None]
    effective_from: Mapped[date]
    effective_to: Mapped[date | None]
    unit_price: Mapped[Decimal | None]
    discount: Mapped[Decimal | None]  # a share, off the vendor's list
    tiers: Mapped[list[Any] | None]  # [{"up_to": "1000", "unit_price": "0.05"}, {"up_to": None, ...}] by month
    currency: Mapped[str | None]
    clause: Mapped[str] = mapped_column(Text)


class CommitmentCard(Base):
    """Spend or quantity that was promised to a vendor, for each month or for the whole term."""

    __tablename__ = "commitment_cards"

    id: Mapped[str] = mapped_column(primary_key=True)
    vendor: Mapped[str]
    commitment: Mapped[str | None]  # FOCUS CommitmentDiscountId, where bills say how it is used
    sku: Mapped[str | None]
    rules: Mapped[list[Any] | None]
    region: Mapped[str | None]
    kind: Mapped[str]  # spend | quantity
    amount: Mapped[Decimal]
    per: Mapped[str]  # month | term
    unit: Mapped[str | None]
    currency: Mapped[str | None]
    effective_from: Mapped[date]
    effective_to: Mapped[date]
    clause: Mapped[str] = mapped_column(Text)


class ResourceAlias(Base):
    """One resource, or a group, that bills and meters identify differently: declared, or confirmed by somebody."""

    __tablename__ = "resource_aliases"

    name: Mapped[str] = mapped_column(primary_key=True)
    pool: Mapped[str | None]  # none: any pool
    billed: Mapped[list[Any]]
    metered: Mapped[list[Any]]
    effective_from: Mapped[str]  # the first month, 2026-10
    effective_to: Mapped[str | None]  # the first month that it no longer holds
    note: Mapped[str] = mapped_column(Text)
    confirmed_by: Mapped[str | None]  # person; none: aliases.yaml says it
    confirmed_at: Mapped[datetime | None]


class Rate(Base):
    """One currency in terms of another on a day, or for a whole period."""

    __tablename__ = "rates"

    kind: Mapped[str] = mapped_column(primary_key=True)  # period | day
    day: Mapped[date] = mapped_column(primary_key=True)  # the first day of the period, or the day
    currency: Mapped[str] = mapped_column(primary_key=True)
    quote: Mapped[str] = mapped_column(primary_key=True)
    rate: Mapped[Decimal]
    origin: Mapped[str]  # who says so


class Budget(Base):
    """The plan of a department for a period."""

    __tablename__ = "budgets"

    department: Mapped[str] = mapped_column(ForeignKey("departments.name"), primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[Decimal]
    currency: Mapped[str]


class BudgetMovement(Base):
    """What one plan gave to another one: a transfer between departments, or what a period left to the next."""

    __tablename__ = "budget_movements"
    __table_args__ = (
        ForeignKeyConstraint(["from_department", "from_period"], ["budgets.department", "budgets.period"]),
        ForeignKeyConstraint(["to_department", "to_period"], ["budgets.department", "budgets.period"]),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]  # transfer | roll-over
    from_department: Mapped[str]
    from_period: Mapped[str] = mapped_column(index=True)
    to_department: Mapped[str]
    to_period: Mapped[str] = mapped_column(index=True)
    amount: Mapped[Decimal]
    currency: Mapped[str]
    who: Mapped[str]
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class BudgetLine(Base):
    """The plan of a part of what is spent, for a month, a quarter or a year: of products, accounts, regions, tags."""

    __tablename__ = "budget_lines"

    name: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)  # 2026-10, 2026-Q4 or 2026
    title: Mapped[str]
    view: Mapped[str]  # internal | effective, which is finance's
    department: Mapped[str]  # with all below it; empty: of the whole company
    scope: Mapped[dict[str, Any]]  # {"product": ["gpu"], "tag": {"env": ["prod"]}}: all must hold, any of a list does
    amount: Mapped[Decimal]
    currency: Mapped[str]


class MetricValue(Base):
    """What a business metric came to on a day: orders, tokens, training hours."""

    __tablename__ = "metric_values"

    metric: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    quantity: Mapped[Decimal]
    recorded_at: Mapped[datetime]


# --- anomalies -------------------------------------------------------------------------------


class AnomalyRow(Base):
    """A stretch of a series that was not as expected; what is `effective` is for finance alone."""

    __tablename__ = "anomalies"

    id: Mapped[str] = mapped_column(primary_key=True)  # digest of view, series, width of bucket and start
    series: Mapped[str] = mapped_column(Text)
    view: Mapped[str]  # internal | effective
    bucket: Mapped[str]  # day | hour
    title: Mapped[str] = mapped_column(Text)
    department: Mapped[str]
    shape: Mapped[str]  # spike | level shift
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime]
    actual: Mapped[Decimal]
    expected: Mapped[Decimal]
    currency: Mapped[str]
    causes: Mapped[list[Any]]  # [{"dimension", "name", "change"}], decimal strings
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)  # open | over | dismissed
    answer: Mapped[str]  # yes | no | planned; empty while nobody gave one
    known_through: Mapped[datetime]
    found_at: Mapped[datetime]


class AnomalyAnswer(Base):
    """What somebody said of an anomaly, once; it tunes the bounds of its series from then on."""

    __tablename__ = "anomaly_answers"

    anomaly: Mapped[str] = mapped_column(ForeignKey("anomalies.id"), primary_key=True)
    key: Mapped[str]  # of the click or command: the same one again changes nothing
    series: Mapped[str] = mapped_column(Text)
    view: Mapped[str]
    verdict: Mapped[str]  # yes | no | planned
    who: Mapped[str]
    surface: Mapped[str]
    at: Mapped[datetime]
    counts_from: Mapped[datetime]  # the first bucket that was not known when it was given


# --- reconciliation --------------------------------------------------------------------------


class PeriodState(Base):
    """Whether a period is open, who asked to close it, and who agreed."""

    __tablename__ = "periods"

    period: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]  # open | closing | closed
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    asked_by: Mapped[str | None]
    asked_at: Mapped[datetime | None]
    digest: Mapped[str | None]  # of the ledgers' slices as they were when it was asked: what is agreed to
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_on: Mapped[str | None]  # airflow | command line
    comment: Mapped[str | None] = mapped_column(Text)
    facts: Mapped[dict[str, Any] | None]  # cuts and what was still open when it was closed


class ReconciliationRun(Base):
    """One comparison of both ledgers for a period, with the cuts it was made from."""

    __tablename__ = "reconciliation_runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(index=True)
    digest: Mapped[str]  # of its inputs and its bridge: equal digests, equal books
    external_cut: Mapped[str]
    internal_cut: Mapped[str]
    verdict: Mapped[str]
    ran_at: Mapped[datetime]
    summary: Mapped[dict[str, Any]]  # amounts as decimal strings; finance only


class Break(Base):
    """One deviation beyond tolerance, with an identity that survives re-runs."""

    __tablename__ = "breaks"

    id: Mapped[str] = mapped_column(primary_key=True)  # digest of rule, pool, period and subject
    rule: Mapped[str]  # a component of the bridge, overcharge, ambiguous_match, restated, control_total, ...
    pool: Mapped[str]
    period: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal]
    currency: Mapped[str]
    tolerance: Mapped[Decimal]
    owner: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)  # new | acknowledged | snoozed | resolved
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    run: Mapped[str]
    revision: Mapped[int] = mapped_column(default=1)
    provider: Mapped[str] = mapped_column(default="", server_default=text("''"))  # empty: of several, or of none
    account: Mapped[str] = mapped_column(default="", server_default=text("''"))
    found: Mapped[bool] = mapped_column(default=True, server_default=true())  # by the last run that looked
    counted: Mapped[Decimal | None]  # in the closing of the last run; none where it was not open then
    assignee: Mapped[str | None]
    acted_by: Mapped[str | None]  # who brought it to its present state, when, and where
    acted_at: Mapped[datetime | None]
    acted_on: Mapped[str | None]
    snoozed_until: Mapped[datetime | None]
    snoozed_amount: Mapped[Decimal | None]
    resolution: Mapped[str | None]  # cleared | fixed | accepted
    note: Mapped[str | None] = mapped_column(Text)  # of who accepted it
    reference: Mapped[str | None]  # of the booking that fixes it
    accepted_amount: Mapped[Decimal | None]
    evidence: Mapped[dict[str, Any] | None]  # as it was when it was accepted; amounts as decimal strings


class BreakComment(Base):
    """What somebody said of a break; only ever appended."""

    __tablename__ = "break_comments"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    break_id: Mapped[str] = mapped_column(ForeignKey("breaks.id"), index=True)
    who: Mapped[str]
    at: Mapped[datetime]
    surface: Mapped[str]
    text: Mapped[str] = mapped_column(Text)


class BreakOwner(Base):
    """Who answers for which breaks: breaks.yaml, rule by rule; the first that holds decides."""

    __tablename__ = "break_owners"

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    owner: Mapped[str]
    rules: Mapped[list[Any]]  # any of these; empty is any at all, here and below
    pools: Mapped[list[Any]]
    providers: Mapped[list[Any]]
    accounts: Mapped[list[Any]]
    at_least: Mapped[Decimal | None]  # of money, whatever the sign


class BreakPriority(Base):
    """From how much money on a break has a priority, in the reporting currency."""

    __tablename__ = "break_priorities"

    name: Mapped[str] = mapped_column(primary_key=True)  # critical | high | medium
    at_least: Mapped[Decimal]


class Signature(Base):
    """The statement of one pool and period, from the run that made it to the signature on it."""

    __tablename__ = "signatures"

    period: Mapped[str] = mapped_column(primary_key=True)
    pool: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]  # open | prepared | signed | refused | withdrawn | gone
    revision: Mapped[int]  # grows also with what a signature under way must not miss: a run, a deed on a break
    figures: Mapped[dict[str, Any]]  # name -> decimal string: of the last run, or as prepared and signed; finance only
    ledgers: Mapped[str]  # digest of both ledgers' slices that the last run was made from
    stopped: Mapped[str | None] = mapped_column(Text)  # what a gate has said since
    digest: Mapped[str | None]  # SHA-256 of the statement that was prepared or signed
    prepared_by: Mapped[str | None]
    prepared_at: Mapped[datetime | None]
    prepared_on: Mapped[str | None]  # slack | page | command line
    note: Mapped[str | None] = mapped_column(Text)  # of who prepared it
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_on: Mapped[str | None]  # slack | page | command line | reconciliation
    comment: Mapped[str | None] = mapped_column(Text)  # of who signed, or why it was refused or withdrawn
    audit_head: Mapped[str | None]  # the audit trail's end when it was signed: SEQUENCE:HASH


# --- approvals -------------------------------------------------------------------------------


class Request(Base):
    """A wish to provision."""

    __tablename__ = "requests"

    id: Mapped[str] = mapped_column(primary_key=True)
    requester: Mapped[str] = mapped_column(ForeignKey("people.name"))
    department: Mapped[str] = mapped_column(ForeignKey("departments.name"))
    product: Mapped[str] = mapped_column(ForeignKey("products.name"))
    meter: Mapped[str]
    quantity: Mapped[Decimal]
    region: Mapped[str]
    days: Mapped[int]
    period: Mapped[str]
    amount: Mapped[Decimal]
    currency: Mapped[str]
    justification: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(index=True)  # pending | approved | denied | withdrawn | expired | superseded
    revision: Mapped[int]
    approvers: Mapped[list[Any]]  # of the present stage
    # [{"role": "manager"}, ...]: each gets who was asked when it begins, and what was answered when it ends
    stages: Mapped[list[Any]] = mapped_column(default=list)
    stage: Mapped[int] = mapped_column(default=0, server_default="0")  # the index of the present one
    account: Mapped[str | None]  # the sub account that it is for; None for any
    # [{"type": "aws_instance", "size": "m5.large", "count": 2, "quantity": "96"}, ...]; empty: any of the meter
    resources: Mapped[list[Any]] = mapped_column(default=list)
    supersedes: Mapped[str | None] = mapped_column(ForeignKey("requests.id"))
    asked_at: Mapped[datetime | None]  # when the present stage began, or was last put to more people
    reminded: Mapped[int] = mapped_column(default=0, server_default="0")  # how often, in the present stage
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_on: Mapped[str | None]  # slack | airflow | page | command line | timer
    comment: Mapped[str | None] = mapped_column(Text)
    facts: Mapped[dict[str, Any]]  # price, headroom and policy the decision was made on


class PolicyRule(Base):
    """What becomes of a request: policy.yaml, rule by rule; the first whose conditions hold decides."""

    __tablename__ = "policy_rules"

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    conditions: Mapped[dict[str, Any]]  # as in policy.yaml
    outcome: Mapped[str]  # allow | refuse | ask manager then budget holder then finance, or some of these
    reason: Mapped[str] = mapped_column(Text)


_LEFT = "result = ''"


class Interaction(Base):
    """One click or answer as it came in; its key makes a replay a duplicate.

    `result` is empty while it was written down and not carried out, and `said` is what is to be carried out.
    """

    __tablename__ = "interactions"
    __table_args__ = (Index("ix_interactions_left", "at", sqlite_where=text(_LEFT), postgresql_where=text(_LEFT)),)

    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str] = mapped_column(index=True)
    person: Mapped[str]
    surface: Mapped[str]
    answer: Mapped[str]
    at: Mapped[datetime]
    result: Mapped[str] = mapped_column(Text)
    said: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class Commitment(Base):
    """Budget reserved by a request: pending, then posted, void or expired, exactly once."""

    __tablename__ = "commitments"

    request: Mapped[str] = mapped_column(ForeignKey("requests.id"), primary_key=True)
    department: Mapped[str] = mapped_column(index=True)
    period: Mapped[str]
    amount: Mapped[Decimal]
    currency: Mapped[str]
    state: Mapped[str]
    spent: Mapped[Decimal] = mapped_column(default=Decimal(0), server_default="0")  # on the grant: part of the actual
    actual: Mapped[Decimal] = mapped_column(
        default=Decimal(0), server_default="0"
    )  # the department's, when it was counted


class Grant(Base):
    """What an approved request permits, and nothing beyond it; signed, so that it can be read without this store."""

    __tablename__ = "grants"

    id: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str] = mapped_column(ForeignKey("requests.id"), unique=True)
    department: Mapped[str] = mapped_column(default="", server_default=text("''"))
    product: Mapped[str]
    meter: Mapped[str]
    quantity: Mapped[Decimal]  # units of the meter for each day
    region: Mapped[str]
    account: Mapped[str | None]  # None: any
    resources: Mapped[list[Any]] = mapped_column(default=list)  # as of the request
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]
    revoked_why: Mapped[str | None] = mapped_column(Text)
    redeemed_at: Mapped[datetime | None]  # exchanged for credentials, once
    redeemed_by: Mapped[str | None]


class GrantDraw(Base):
    """What a plan's resource uses of a grant: drawn once, however often the plan is looked at."""

    __tablename__ = "grant_draws"

    grant: Mapped[str] = mapped_column(ForeignKey("grants.id"), primary_key=True)
    workspace: Mapped[str] = mapped_column(primary_key=True)  # whose resource: one configuration's state
    address: Mapped[str] = mapped_column(String(512), primary_key=True)  # aws_instance.web[0]
    plan: Mapped[str]  # digest of the plan that drew it last
    type: Mapped[str]
    size: Mapped[str]
    region: Mapped[str]
    account: Mapped[str | None]
    quantity: Mapped[Decimal]  # units of the grant's meter for each day
    drawn_by: Mapped[str]
    drawn_at: Mapped[datetime]


class Absence(Base):
    """Somebody is away: whoever stands in for them is asked too."""

    __tablename__ = "absences"

    id: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("people.name"), index=True)
    delegate: Mapped[str | None] = mapped_column(ForeignKey("people.name"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    said_by: Mapped[str]
    said_at: Mapped[datetime]


# --- alerts ----------------------------------------------------------------------------------


class Alert(Base):
    """One rule that fires on one budget or series, in one period; figures as it was seen last."""

    __tablename__ = "alerts"

    id: Mapped[str] = mapped_column(primary_key=True)  # digest of rule, subject, view and period
    rule: Mapped[str]
    kind: Mapped[str]  # used | forecast | pace | anomaly
    subject: Mapped[str] = mapped_column(Text)  # the budget's name, or the series'
    title: Mapped[str] = mapped_column(Text)
    view: Mapped[str]  # internal | effective, which is finance's
    department: Mapped[str]  # empty: of the whole company
    period: Mapped[str] = mapped_column(index=True)  # 2026-10, 2026-Q4, 2026; of an anomaly the day it began
    ends_on: Mapped[date | None]  # the last day of the span; an anomaly has none
    state: Mapped[str] = mapped_column(index=True)  # new | acknowledged | snoozed | resolved
    resolution: Mapped[str | None]  # cleared | superseded | ended | dismissed | planned
    owner: Mapped[str]
    assignee: Mapped[str | None]
    actual: Mapped[Decimal]
    expected: Mapped[Decimal]
    impact: Mapped[Decimal]
    currency: Mapped[str]
    since: Mapped[date | None]
    causes: Mapped[list[Any]]  # [{"name": "m5.large", "amount": "12.34"}]: the most money first
    reason: Mapped[str]
    anomaly: Mapped[str]  # its id, where it is one
    data_as_of: Mapped[datetime]
    opened_at: Mapped[datetime]
    new_since: Mapped[datetime]  # since when it waits, or waited, for somebody
    resolved_at: Mapped[datetime | None]
    told: Mapped[int]  # how often it spoke
    told_at: Mapped[datetime | None]  # the first instant at which the last message may be read
    told_impact: Mapped[Decimal | None]  # as that message said it
    evidence: Mapped[str] = mapped_column(Text)  # why it spoke last, or what the next digest says of it
    digest_due: Mapped[datetime | None]  # since when the next digest of its channel has to tell it
    places: Mapped[list[Any]]  # channels that hold a message of its own
    escalated: Mapped[int]  # how many steps up the tree it went
    snoozed_until: Mapped[datetime | None]
    snoozed_impact: Mapped[Decimal | None]
    acted_by: Mapped[str | None]  # who brought it to its present state, when, and where
    acted_at: Mapped[datetime | None]
    acted_on: Mapped[str | None]
    revision: Mapped[int]


class AlertNote(Base):
    """What somebody said of an alert; only ever appended."""

    __tablename__ = "alert_notes"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.id"), index=True)
    who: Mapped[str]
    at: Mapped[datetime]
    surface: Mapped[str]
    text: Mapped[str] = mapped_column(Text)


# --- reviews ---------------------------------------------------------------------------------


class ReviewState(Base):
    """A month's review that was sent: of a department, or of the company where `department` is empty."""

    __tablename__ = "reviews"

    period: Mapped[str] = mapped_column(primary_key=True)
    department: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]  # of what its message says
    facts: Mapped[dict[str, Any]]  # of its message
    figures: Mapped[dict[str, Any]]  # name -> text: what is compared when the numbers change
    revision: Mapped[int]
    sent_at: Mapped[datetime]  # queued for the first time
    reminded_at: Mapped[datetime | None]


class ReviewItem(Base):
    """One thing that a review asks of its owners, and their answer; a question that changed is asked again."""

    __tablename__ = "review_items"
    __table_args__ = (ForeignKeyConstraint(["period", "department"], ["reviews.period", "reviews.department"]),)

    period: Mapped[str] = mapped_column(primary_key=True)
    department: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)  # figures, variance, request:req-1, anomaly:...
    position: Mapped[int]
    question: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text)  # the figures that make it another question
    asked: Mapped[bool]  # by the figures of now
    state: Mapped[str]  # open | done | explained | not applicable
    revision: Mapped[int]
    said: Mapped[str] = mapped_column(Text)
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    answered_on: Mapped[str | None]  # slack | page | command line


# --- what goes out and what was done ---------------------------------------------------------


class OutboxItem(Base):
    """A message or wake-up to deliver, written with the state that it tells of."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due", "state", "not_before"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(unique=True)  # rule, subject, period and evidence: told once
    kind: Mapped[str]  # which card renders it: reconciliation, approval, alert, quarantine; or wake
    audience: Mapped[str]  # finance | everyone
    channel: Mapped[str]
    subject: Mapped[str]  # request, period, delivery: what it is of
    facts: Mapped[dict[str, Any]]
    state: Mapped[str]  # pending | sending | sent | failed
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]  # while sending: until when the claim holds
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    message_channel: Mapped[str | None]
    message_ts: Mapped[str | None]
    error: Mapped[str | None] = mapped_column(Text)


class AuditEntry(Base):
    """Who did what, when, on which facts; only ever appended, each entry chained to the one before it."""

    __tablename__ = "audit"

    sequence: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    who: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    facts: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(String(64), unique=True)  # the hash of the entry before: no two follow one
    hash: Mapped[str] = mapped_column(String(64))
