"""What tells this database from every other, so that an engine's namespace is never worked by two of them.

Undone, it is lost which database this is: made again it is another, and `homeward setup --claim-namespace` says so.
"""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0011_database_id"
down_revision = "0010_found_by_reference"
branch_labels = None
depends_on = None

BACKWARD_COMPATIBLE = True
"""Whether workers of the version before go on while this is in place."""


def upgrade() -> None:
    """Make the table and its one row."""
    table = op.create_table(
        "database_id",
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_database_id")),
    )
    op.bulk_insert(table, [{"id": str(uuid4())}])


def downgrade() -> None:
    """Take it away."""
    op.drop_table("database_id")
