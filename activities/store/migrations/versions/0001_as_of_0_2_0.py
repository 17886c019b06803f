"""The schema as version 0.2.0 made it, without keeping a revision.

Undone, nothing is left: every row is lost.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from activities.store.tables import UtcInstant

revision = "0001_as_of_0_2_0"
down_revision = None
branch_labels = None
depends_on = None

BACKWARD_COMPATIBLE = False
"""Whether workers of the version before go on while this is in place."""

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make every table of 0.2.0."""
    _children()
    _episodes()
    _duties()
    _intake()


def _children() -> None:
    op.create_table(
        "child",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("created_at", UtcInstant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_child")),
        sa.UniqueConstraint("authority", "reference", name=op.f("uq_child_authority_reference")),
    )
    op.create_table(
        "child_record",
        sa.Column("child_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recorded_at", UtcInstant(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("body", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["child_id"], ["child.id"], name=op.f("fk_child_record_child_id")),
        sa.PrimaryKeyConstraint("child_id", "kind", "version", name=op.f("pk_child_record")),
    )


def _episodes() -> None:
    op.create_table(
        "episode",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("child_id", sa.String()),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("calendar_version", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("missing_since", UtcInstant()),
        sa.Column("returned_at", UtcInstant()),
        sa.Column("closed_at", UtcInstant()),
        sa.Column("next_wake_at", UtcInstant()),
        sa.Column("next_wake_for", sa.String()),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("written_at", UtcInstant(), nullable=False),
        sa.ForeignKeyConstraint(["child_id"], ["child.id"], name=op.f("fk_episode_child_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_episode")),
    )
    op.create_index(op.f("ix_episode_authority_status"), "episode", ["authority", "status"])
    op.create_index(op.f("ix_episode_child_id"), "episode", ["child_id"])
    op.create_table(
        "fact",
        sa.Column("episode_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", UtcInstant(), nullable=False),
        sa.Column("recorded_at", UtcInstant(), nullable=False),
        sa.Column("body", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_fact_episode_id")),
        sa.PrimaryKeyConstraint("episode_id", "id", name=op.f("pk_fact")),
    )
    op.create_table(
        "clock",
        sa.Column("episode_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("start", UtcInstant()),
        sa.Column("due", UtcInstant()),
        sa.Column("body", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_clock_episode_id")),
        sa.PrimaryKeyConstraint("episode_id", "id", name=op.f("pk_clock")),
    )
    op.create_index(op.f("ix_clock_state_due"), "clock", ["state", "due"])
    op.create_table(
        "timeline",
        sa.Column("episode_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", UtcInstant(), nullable=False),
        sa.Column("recorded_at", UtcInstant(), nullable=False),
        sa.Column("body", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_timeline_episode_id")),
        sa.PrimaryKeyConstraint("episode_id", "number", name=op.f("pk_timeline")),
    )


def _duties() -> None:
    op.create_table(
        "notice",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("episode_id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("clock", sa.String(), nullable=False),
        sa.Column("rung", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("needs_ack", sa.Boolean(), nullable=False),
        sa.Column("escalates", sa.Boolean(), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("at", UtcInstant(), nullable=False),
        sa.Column("due", UtcInstant()),
        sa.Column("sent_at", UtcInstant(), nullable=False),
        sa.Column("delivered_at", UtcInstant()),
        sa.Column("acknowledged_at", UtcInstant()),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_notice")),
    )
    op.create_index(op.f("ix_notice_episode_id"), "notice", ["episode_id"])
    op.create_table(
        "task",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("episode_id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("clock", sa.String()),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("do", sa.Text(), nullable=False),
        sa.Column("due", UtcInstant()),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_at", UtcInstant(), nullable=False),
        sa.Column("closed_at", UtcInstant()),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_task")),
    )
    op.create_index(op.f("ix_task_episode_id"), "task", ["episode_id"])
    op.create_index(op.f("ix_task_state_due"), "task", ["state", "due"])


def _intake() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("episode_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String()),
        sa.Column("body", DOCUMENT, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("received_at", UtcInstant(), nullable=False),
        sa.Column("settled_at", UtcInstant()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("authority", "digest", name=op.f("uq_inbox_authority_digest")),
    )
    op.create_index(op.f("ix_inbox_state_urgency_received_at"), "inbox", ["state", "urgency", "received_at"])
    op.create_table(
        "policy_in_use",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("first_used_at", UtcInstant(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", "version", name=op.f("pk_policy_in_use")),
    )


def downgrade() -> None:
    """Take all of them away."""
    for table in ("timeline", "fact", "clock", "episode", "child_record", "child"):
        op.drop_table(table)
    for table in ("task", "notice", "inbox", "policy_in_use"):
        op.drop_table(table)
