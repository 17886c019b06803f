"""The feed of events, the systems that are sent it, and what they have not taken.

Undone, the feed, its numbers and every subscription with its secrets are lost:
receivers must begin again from the episodes. Workers of the version before go
on; but what they write while both run is in no event.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from activities.store.tables import UtcInstant

revision = "0006_events_out"
down_revision = "0005_accounts_and_sessions"
branch_labels = None
depends_on = None

BACKWARD_COMPATIBLE = True
"""Whether workers of the version before go on while this is in place."""


def upgrade() -> None:
    """Make the new tables."""
    document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.create_table(
        "event",
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("episode_id", sa.String(), nullable=False),
        sa.Column("at", UtcInstant(), nullable=False),
        sa.Column("data", document, nullable=False),
        sa.PrimaryKeyConstraint("authority", "number", name=op.f("pk_event")),
        sa.UniqueConstraint("id", name=op.f("uq_event_id")),
    )
    op.create_table(
        "event_feed",
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("authority", name=op.f("pk_event_feed")),
    )
    op.create_table(
        "subscription",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("kinds", document, nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("old_secret", sa.String()),
        sa.Column("old_secret_until", UtcInstant()),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcInstant(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("rest_until", UtcInstant()),
        sa.Column("held_by", sa.String()),
        sa.Column("held_until", UtcInstant()),
        sa.Column("last_taken_at", UtcInstant()),
        sa.Column("last_failure", sa.String()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("authority", "name", name=op.f("uq_subscription_authority_name")),
    )
    op.create_table(
        "undelivered",
        sa.Column("subscription_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("episode_id", sa.String(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcInstant(), nullable=False),
        sa.Column("reason", sa.String()),
        sa.Column("died_at", UtcInstant()),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"], name=op.f("fk_undelivered_subscription_id")),
        sa.PrimaryKeyConstraint("subscription_id", "number", name=op.f("pk_undelivered")),
    )
    op.create_index(op.f("ix_undelivered_subscription_id_state"), "undelivered", ["subscription_id", "state"])


def downgrade() -> None:
    """Take the tables away."""
    for table in ("undelivered", "subscription", "event_feed", "event"):
        op.drop_table(table)
