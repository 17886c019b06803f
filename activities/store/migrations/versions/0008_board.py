"""What the board looks through at every look: the episodes that are open, what each of them owes, who holds roles.

Undone, nothing is lost; the board takes longer.
"""

from alembic import op

revision = "0008_board"
down_revision = "0007_intake_runs"
branch_labels = None
depends_on = None

BACKWARD_COMPATIBLE = True
"""Whether workers of the version before go on while this is in place."""


def upgrade() -> None:
    """Make the indexes."""
    op.create_index(op.f("ix_episode_authority_closed_at"), "episode", ["authority", "closed_at"])
    op.create_index(op.f("ix_clock_episode_id_state_kind_due"), "clock", ["episode_id", "state", "kind", "due"])
    op.create_index(op.f("ix_task_authority_state_episode_id_due"), "task", ["authority", "state", "episode_id", "due"])
    op.create_index(op.f("ix_fact_episode_id_kind"), "fact", ["episode_id", "kind"])
    op.create_index(op.f("ix_holding_authority_scope_held_for"), "holding", ["authority", "scope", "held_for"])
    op.create_index(op.f("ix_holding_person_id"), "holding", ["person_id"])


def downgrade() -> None:
    """Take them away."""
    op.drop_index(op.f("ix_holding_person_id"), "holding")
    op.drop_index(op.f("ix_holding_authority_scope_held_for"), "holding")
    op.drop_index(op.f("ix_fact_episode_id_kind"), "fact")
    op.drop_index(op.f("ix_task_authority_state_episode_id_due"), "task")
    op.drop_index(op.f("ix_clock_episode_id_state_kind_due"), "clock")
    op.drop_index(op.f("ix_episode_authority_closed_at"), "episode")
