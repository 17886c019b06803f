"""The runs that take files in, and what became of each line.

Undone, it is lost which files were taken in by whom and what became of their
lines; the episodes that they began stay. A file that was being taken in begins
at its first line again, and adds nothing that is there.
"""

import sqlalchemy as sa
from alembic import op

from activities.store.tables import UtcInstant

revision = "0007_intake_runs"
down_revision = "0006_events_out"
branch_labels = None
depends_on = None

BACKWARD_COMPATIBLE = True
"""Whether workers of the version before go on while this is in place."""


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "intake_run",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("mapping", sa.String(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("begun_at", UtcInstant(), nullable=False),
        sa.Column("begun_by", sa.String(), nullable=False),
        sa.Column("finished_at", UtcInstant()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_run")),
        sa.UniqueConstraint("authority", "digest", name=op.f("uq_intake_run_authority_digest")),
    )
    op.create_table(
        "intake_line",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("episode_id", sa.String()),
        sa.Column("added", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["intake_run.id"], name=op.f("fk_intake_line_run_id")),
        sa.PrimaryKeyConstraint("run_id", "line", name=op.f("pk_intake_line")),
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_table("intake_line")
    op.drop_table("intake_run")
