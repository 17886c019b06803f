"""Where rows and workflows disagreed, and when they were last compared.

Undone, what was found and done about it is lost. Whatever disagrees still is found again.
"""

import sqlalchemy as sa
from alembic import op

from activities.store.tables import UtcInstant

revision = "0004_disagreements"
down_revision = "0003_audit"
branch_labels = None
depends_on = None

BACKWARD_COMPATIBLE = True
"""Whether workers of the version before go on while this is in place."""


def upgrade() -> None:
    """Make the new tables."""
    op.create_table(
        "disagreement",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("found_at", UtcInstant(), nullable=False),
        sa.Column("last_seen_at", UtcInstant(), nullable=False),
        sa.Column("mended_at", UtcInstant()),
        sa.Column("how", sa.Text()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disagreement")),
    )
    op.create_index(op.f("ix_disagreement_authority_mended_at"), "disagreement", ["authority", "mended_at"])
    op.create_index(op.f("ix_disagreement_subject"), "disagreement", ["subject"])
    op.create_table(
        "reconciled",
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("began_at", UtcInstant(), nullable=False),
        sa.Column("ended_at", UtcInstant(), nullable=False),
        sa.Column("checked_to", sa.String(), nullable=False),
        sa.Column("open_episodes", sa.Integer(), nullable=False),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("authority", name=op.f("pk_reconciled")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("reconciled")
    op.drop_index(op.f("ix_disagreement_subject"), table_name="disagreement")
    op.drop_index(op.f("ix_disagreement_authority_mended_at"), table_name="disagreement")
    op.drop_table("disagreement")
