"""References as people look for them, kept by the database itself, with indexes; and one of who has taken which task.

Undone, nothing is lost; what people write otherwise than the case system is not found. On PostgreSQL the children and
facts are written anew, some seconds for a million of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010_found_by_reference"
down_revision = "0009_drafts"
branch_labels = None
depends_on = None

BACKWARD_COMPATIBLE = True
"""Whether workers of the version before go on while this is in place."""

_PLAIN = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the columns and the indexes."""
    op.add_column("child", sa.Column("plain_reference", _PLAIN, sa.Computed(_plainly("reference"))))
    written = _plainly("body -> 'details' ->> 'police_ref'")
    op.add_column("fact", sa.Column("plain_police_reference", _PLAIN, sa.Computed(written)))
    op.create_index(op.f("ix_child_authority_plain_reference"), "child", ["authority", "plain_reference"])
    said = sa.text("plain_police_reference IS NOT NULL")
    op.create_index(
        op.f("ix_fact_plain_police_reference"),
        "fact",
        ["plain_police_reference"],
        sqlite_where=said,
        postgresql_where=said,
    )
    taken = sa.text("holder IS NOT NULL")
    op.create_index(
        op.f("ix_task_authority_holder"), "task", ["authority", "holder"], sqlite_where=taken, postgresql_where=taken
    )


def _plainly(written: str) -> str:
    for sign in " \u00a0-\u2013/._":
        written = f"replace({written}, '{sign}', '')"
    return f"lower({written})"


def downgrade() -> None:
    """Take them away."""
    op.drop_index(op.f("ix_task_authority_holder"), "task")
    op.drop_index(op.f("ix_fact_plain_police_reference"), "fact")
    op.drop_index(op.f("ix_child_authority_plain_reference"), "child")
    for table, column in (("fact", "plain_police_reference"), ("child", "plain_reference")):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
