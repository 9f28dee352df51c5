"""Several stages of approval, who stands in for whom, and grants with bounds that are drawn down.

Revision: 0012, after 0011.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from twinledger.store.roles import grant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# As the columns are today: a later change of twinledger.store.types must not change this revision.
AMOUNT = sa.Numeric(38, 18).with_variant(sa.String(64), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Requests that wait have the one stage that they were asked at; grants keep their bounds."""
    _requests()
    _grants()
    op.add_column("commitments", sa.Column("spent", AMOUNT, nullable=False, server_default="0"))
    op.add_column("commitments", sa.Column("actual", AMOUNT, nullable=False, server_default="0"))
    op.create_table(
        "absences",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("person", sa.String(255), nullable=False),
        sa.Column("delegate", sa.String(255), nullable=True),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("said_by", sa.String(255), nullable=False),
        sa.Column("said_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.name"], name=op.f("fk_absences_person")),
        sa.ForeignKeyConstraint(["delegate"], ["people.name"], name=op.f("fk_absences_delegate")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    op.create_index(op.f("ix_absences_person"), "absences", ["person"])
    grant(op.get_bind())


def _requests() -> None:
    with op.batch_alter_table("requests") as requests:
        requests.add_column(sa.Column("stages", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
        requests.add_column(sa.Column("stage", sa.Integer(), nullable=False, server_default="0"))
        requests.add_column(sa.Column("account", sa.String(255), nullable=True))
        requests.add_column(sa.Column("resources", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
        requests.add_column(sa.Column("supersedes", sa.String(255), nullable=True))
        requests.add_column(sa.Column("asked_at", INSTANT, nullable=True))
        requests.add_column(sa.Column("reminded", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("requests") as requests:
        requests.alter_column("stages", existing_type=sa.JSON(), server_default=None)
        requests.alter_column("resources", existing_type=sa.JSON(), server_default=None)
        requests.create_foreign_key(op.f("fk_requests_supersedes"), "requests", ["supersedes"], ["id"])


def _grants() -> None:
    with op.batch_alter_table("grants") as grants:
        grants.add_column(sa.Column("department", sa.String(255), nullable=False, server_default=sa.text("''")))
        grants.add_column(sa.Column("account", sa.String(255), nullable=True))
        grants.add_column(sa.Column("resources", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
        grants.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
        grants.add_column(sa.Column("revoked_at", INSTANT, nullable=True))
        grants.add_column(sa.Column("revoked_by", sa.String(255), nullable=True))
        grants.add_column(sa.Column("revoked_why", sa.Text(), nullable=True))
        grants.add_column(sa.Column("redeemed_at", INSTANT, nullable=True))
        grants.add_column(sa.Column("redeemed_by", sa.String(255), nullable=True))
    with op.batch_alter_table("grants") as grants:
        grants.alter_column("resources", existing_type=sa.JSON(), server_default=None)
    op.execute(
        "UPDATE grants SET department = (SELECT requests.department FROM requests WHERE requests.id = grants.request)"
    )
    op.create_table(
        "grant_draws",
        sa.Column("grant", sa.String(255), nullable=False),
        sa.Column("workspace", sa.String(255), nullable=False),
        sa.Column("address", sa.String(512), nullable=False),
        sa.Column("plan", sa.String(255), nullable=False),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("size", sa.String(255), nullable=False),
        sa.Column("region", sa.String(255), nullable=False),
        sa.Column("account", sa.String(255), nullable=True),
        sa.Column("quantity", AMOUNT, nullable=False),
        sa.Column("drawn_by", sa.String(255), nullable=False),
        sa.Column("drawn_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["grant"], ["grants.id"], name=op.f("fk_grant_draws_grant")),
        sa.PrimaryKeyConstraint("grant", "workspace", "address", name=op.f("pk_grant_draws")),
    )
