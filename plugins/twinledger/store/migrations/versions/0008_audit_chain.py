"""Signatures, and the audit trail as a chain.

Revision: 0008, after 0007. Entries that there are get sequences without gaps, in their order, and are chained
(`twinledger.store.audit` says how, and that never changes). From then on the database itself refuses to
update, delete or truncate them: also for their owner, who would have to drop the trigger first, and whose
change `twinledger audit verify` then finds.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from twinledger.store.audit import GENESIS, entry_hash
from twinledger.store.roles import grant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
PAGE = 1000

REFUSED = "entries of the audit trail are only appended"

SQLITE_GUARDS = (
    f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END",
    f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END",
    # INSERT OR REPLACE deletes without asking the trigger above.
    "CREATE TRIGGER audit_in_order BEFORE INSERT ON audit "
    "WHEN NEW.sequence IS NOT (SELECT COALESCE(MAX(sequence), 0) + 1 FROM audit) "
    f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END",
)
POSTGRES_GUARDS = (
    "CREATE FUNCTION refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'insufficient_privilege'; END $$",
    "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit()",
)


def upgrade() -> None:
    """Chain the trail, guard it, and make room for signatures."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table("audit") as audit:
        audit.alter_column(
            "id", new_column_name="sequence", existing_type=sa.Integer(), existing_nullable=False,
            server_default=None,
        )
        audit.add_column(sa.Column("previous", sa.String(64), nullable=True))
        audit.add_column(sa.Column("hash", sa.String(64), nullable=True))
    if not sqlite:
        op.execute("DROP SEQUENCE IF EXISTS audit_id_seq")
    _chain()
    with op.batch_alter_table("audit") as audit:
        audit.alter_column("previous", existing_type=sa.String(64), nullable=False)
        audit.alter_column("hash", existing_type=sa.String(64), nullable=False)
        audit.create_unique_constraint("uq_audit_previous", ["previous"])
    for guard in SQLITE_GUARDS if sqlite else POSTGRES_GUARDS:
        op.execute(guard)
    _make_room_for_signatures()
    grant(op.get_bind())


def _make_room_for_signatures() -> None:
    op.create_table(
        "signatures",
        sa.Column("period", sa.String(255), nullable=False),
        sa.Column("pool", sa.String(255), nullable=False),
        sa.Column("state", sa.String(255), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("ledgers", sa.String(255), nullable=False),
        sa.Column("stopped", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(255), nullable=True),
        sa.Column("prepared_by", sa.String(255), nullable=True),
        sa.Column("prepared_at", INSTANT, nullable=True),
        sa.Column("prepared_on", sa.String(255), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.String(255), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decided_on", sa.String(255), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("audit_head", sa.String(255), nullable=True),
        sa.PrimaryKeyConstraint("period", "pool", name=op.f("pk_signatures")),
    )


def _chain() -> None:
    """Number and chain what there is, a page at a time; a new number is never above the old one."""
    audit = sa.table(
        "audit", sa.column("sequence", sa.Integer()), sa.column("at", INSTANT), sa.column("who"), sa.column("action"),
        sa.column("subject"), sa.column("facts", sa.JSON()), sa.column("previous"), sa.column("hash"),
    )
    kept = [audit.c.sequence, audit.c.at, audit.c.who, audit.c.action, audit.c.subject, sa.cast(audit.c.facts, sa.Text)]
    number, previous, after = 0, GENESIS, None
    while True:
        query = sa.select(*kept).order_by(audit.c.sequence).limit(PAGE)
        page = op.get_bind().execute(query if after is None else query.where(audit.c.sequence > after)).all()
        if not page:
            return
        for old, at, who, action, subject, text in page:
            number, after = number + 1, old
            facts = json.loads(text, parse_float=str)  # a number with a fraction has no canonical form
            hashed = entry_hash(number, _aware(at), who, action, subject, facts, previous)
            chained = {"sequence": number, "facts": facts, "previous": previous, "hash": hashed}
            op.get_bind().execute(sa.update(audit).where(audit.c.sequence == old).values(chained))
            previous = hashed


def _aware(at: datetime) -> datetime:
    """SQLite gives instants without their zone, which is UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
