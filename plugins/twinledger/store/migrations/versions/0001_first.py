"""The first schema.

Revision: 0001, after none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# As the columns are today: a later change of twinledger.store.types must not change this revision.
AMOUNT = sa.Numeric(38, 18).with_variant(sa.String(64), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("action", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_subject"), "audit", ["subject"], unique=False)

    op.create_table(
        "breaks",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("rule", sa.String(255), nullable=False),
        sa.Column("pool", sa.String(255), nullable=False),
        sa.Column("period", sa.String(255), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("currency", sa.String(255), nullable=False),
        sa.Column("tolerance", AMOUNT, nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("state", sa.String(255), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.Column("run", sa.String(255), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breaks")),
    )
    op.create_index(op.f("ix_breaks_period"), "breaks", ["period"], unique=False)
    op.create_index(op.f("ix_breaks_state"), "breaks", ["state"], unique=False)

    op.create_table(
        "contract_cards",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("vendor", sa.String(255), nullable=False),
        sa.Column("sku", sa.String(255), nullable=False),
        sa.Column("region", sa.String(255), nullable=True),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_to", sa.Date(), nullable=True),
        sa.Column("unit_price", AMOUNT, nullable=False),
        sa.Column("currency", sa.String(255), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_cards")),
    )

    op.create_table(
        "departments",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("parent", sa.String(255), nullable=True),
        sa.Column("cost_centre", sa.String(255), nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("budget_holder", sa.String(255), nullable=False),
        sa.Column("channel", sa.String(255), nullable=False),
        sa.Column("tenants", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["parent"], ["departments.name"], name=op.f("fk_departments_parent")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_departments")),
    )

    op.create_table(
        "interactions",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("request", sa.String(255), nullable=False),
        sa.Column("person", sa.String(255), nullable=False),
        sa.Column("surface", sa.String(255), nullable=False),
        sa.Column("answer", sa.String(255), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_interactions")),
    )
    op.create_index(op.f("ix_interactions_request"), "interactions", ["request"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(255), nullable=False),
        sa.Column("audience", sa.String(255), nullable=False),
        sa.Column("channel", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(255), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("message_channel", sa.String(255), nullable=True),
        sa.Column("message_ts", sa.String(255), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "not_before"], unique=False)

    op.create_table(
        "people",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("slack_user", sa.String(255), nullable=True),
        sa.Column("airflow_user", sa.String(255), nullable=True),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_people")),
    )
    op.create_index(op.f("ix_people_airflow_user"), "people", ["airflow_user"], unique=False)
    op.create_index(op.f("ix_people_slack_user"), "people", ["slack_user"], unique=False)

    op.create_table(
        "periods",
        sa.Column("period", sa.String(255), nullable=False),
        sa.Column("state", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("period", name=op.f("pk_periods")),
    )

    op.create_table(
        "pools",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("capacity", sa.JSON(), nullable=False),
        sa.Column("tolerance", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pools")),
        sa.UniqueConstraint("position", name=op.f("uq_pools_position")),
    )

    op.create_table(
        "prices",
        sa.Column("product", sa.String(255), nullable=False),
        sa.Column("meter", sa.String(255), nullable=False),
        sa.Column("effective_from", INSTANT, nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("currency", sa.String(255), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("product", "meter", "effective_from", name=op.f("pk_prices")),
    )

    op.create_table(
        "rates",
        sa.Column("kind", sa.String(255), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(255), nullable=False),
        sa.Column("quote", sa.String(255), nullable=False),
        sa.Column("rate", AMOUNT, nullable=False),
        sa.Column("origin", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("kind", "day", "currency", "quote", name=op.f("pk_rates")),
    )

    op.create_table(
        "reconciliation_runs",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("period", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(255), nullable=False),
        sa.Column("external_cut", sa.String(255), nullable=False),
        sa.Column("internal_cut", sa.String(255), nullable=False),
        sa.Column("verdict", sa.String(255), nullable=False),
        sa.Column("ran_at", INSTANT, nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_runs")),
    )
    op.create_index(op.f("ix_reconciliation_runs_period"), "reconciliation_runs", ["period"], unique=False)

    op.create_table(
        "sources",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(255), nullable=False),
        sa.Column("format", sa.String(255), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("slice", sa.String(255), nullable=False),
        sa.Column("account", sa.String(255), nullable=True),
        sa.Column("currency", sa.String(255), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sources")),
    )

    op.create_table(
        "budgets",
        sa.Column("department", sa.String(255), nullable=False),
        sa.Column("period", sa.String(255), nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("currency", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(["department"], ["departments.name"], name=op.f("fk_budgets_department")),
        sa.PrimaryKeyConstraint("department", "period", name=op.f("pk_budgets")),
    )

    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(255), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("delivered_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(255), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("rows_in", sa.Integer(), nullable=False),
        sa.Column("rows_ledger", sa.Integer(), nullable=False),
        sa.Column("rows_quarantined", sa.Integer(), nullable=False),
        sa.Column("reason_code", sa.String(255), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["sources.name"], name=op.f("fk_deliveries_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("source", "digest", name=op.f("uq_deliveries_source_digest")),
    )
    op.create_index(op.f("ix_deliveries_source"), "deliveries", ["source"], unique=False)
    op.create_index(op.f("ix_deliveries_state"), "deliveries", ["state"], unique=False)

    op.create_table(
        "products",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("pool", sa.String(255), nullable=False),
        sa.Column("state", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(["pool"], ["pools.name"], name=op.f("fk_products_pool")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_products")),
    )

    op.create_table(
        "delivery_slices",
        sa.Column("delivery", sa.String(255), nullable=False),
        sa.Column("slice", sa.String(255), nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("totals", sa.JSON(), nullable=False),
        sa.Column("committed_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["delivery"], ["deliveries.id"], name=op.f("fk_delivery_slices_delivery")),
        sa.PrimaryKeyConstraint("delivery", "slice", name=op.f("pk_delivery_slices")),
    )
    op.create_index(op.f("ix_delivery_slices_source"), "delivery_slices", ["source"], unique=False)

    op.create_table(
        "meters",
        sa.Column("product", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("unit", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(["product"], ["products.name"], name=op.f("fk_meters_product")),
        sa.PrimaryKeyConstraint("product", "name", name=op.f("pk_meters")),
    )

    op.create_table(
        "requests",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("requester", sa.String(255), nullable=False),
        sa.Column("department", sa.String(255), nullable=False),
        sa.Column("product", sa.String(255), nullable=False),
        sa.Column("meter", sa.String(255), nullable=False),
        sa.Column("quantity", AMOUNT, nullable=False),
        sa.Column("region", sa.String(255), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(255), nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("currency", sa.String(255), nullable=False),
        sa.Column("justification", sa.Text(), nullable=False),
        sa.Column("state", sa.String(255), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("approvers", sa.JSON(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("decided_by", sa.String(255), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decided_on", sa.String(255), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["department"], ["departments.name"], name=op.f("fk_requests_department")),
        sa.ForeignKeyConstraint(["product"], ["products.name"], name=op.f("fk_requests_product")),
        sa.ForeignKeyConstraint(["requester"], ["people.name"], name=op.f("fk_requests_requester")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
    )
    op.create_index(op.f("ix_requests_state"), "requests", ["state"], unique=False)

    op.create_table(
        "commitments",
        sa.Column("request", sa.String(255), nullable=False),
        sa.Column("department", sa.String(255), nullable=False),
        sa.Column("period", sa.String(255), nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("currency", sa.String(255), nullable=False),
        sa.Column("state", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_commitments_request")),
        sa.PrimaryKeyConstraint("request", name=op.f("pk_commitments")),
    )
    op.create_index(op.f("ix_commitments_department"), "commitments", ["department"], unique=False)

    op.create_table(
        "grants",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("request", sa.String(255), nullable=False),
        sa.Column("product", sa.String(255), nullable=False),
        sa.Column("meter", sa.String(255), nullable=False),
        sa.Column("quantity", AMOUNT, nullable=False),
        sa.Column("region", sa.String(255), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_grants_request")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
        sa.UniqueConstraint("request", name=op.f("uq_grants_request")),
    )
