"""${message}

<What is lost when this is undone.>
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = "${up_revision}"
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None

BACKWARD_COMPATIBLE = False
"""Whether workers of the version before go on while this is in place."""


def upgrade() -> None:
    """<What it brings.>"""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Undo it."""
    ${downgrades if downgrades else "pass"}
