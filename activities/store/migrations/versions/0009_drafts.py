"""What people have begun to write and not yet sent; what somebody reported is found by who they are.

Undone, it is lost what was begun and not sent; what was reported stays.
"""

import sqlalchemy as sa
from alembic import op

from activities.store.tables import DOCUMENT, UtcInstant

revision = "0009_drafts"
down_revision = "0008_board"
branch_labels = None
depends_on = None

BACKWARD_COMPATIBLE = True
"""Whether workers of the version before go on while this is in place."""


def upgrade() -> None:
    """Make the table and the index."""
    op.create_table(
        "draft",
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", DOCUMENT, nullable=False),
        sa.Column("begun_at", UtcInstant(), nullable=False),
        sa.Column("saved_at", UtcInstant(), nullable=False),
        sa.PrimaryKeyConstraint("authority", "who", "id", name=op.f("pk_draft")),
    )
    op.create_index(op.f("ix_draft_saved_at"), "draft", ["saved_at"])
    op.create_index(op.f("ix_inbox_authority_said_by_received_at"), "inbox", ["authority", "said_by", "received_at"])


def downgrade() -> None:
    """Take them away."""
    op.drop_index(op.f("ix_inbox_authority_said_by_received_at"), table_name="inbox")
    op.drop_index(op.f("ix_draft_saved_at"), table_name="draft")
    op.drop_table("draft")
