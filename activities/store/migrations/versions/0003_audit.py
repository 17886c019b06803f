"""The audit, what was answered to a sender's key, broken glass; who said what, and who may know of an episode.

Undone, the audit is lost with all that it proves, and so is who looked at
restricted children; a request that is sent again under its key is done again.
"""

import sqlalchemy as sa
from alembic import op

from activities.store.tables import DOCUMENT, UtcInstant

revision = "0003_audit"
down_revision = "0002_people_and_messages"
branch_labels = None
depends_on = None

BACKWARD_COMPATIBLE = True
"""Whether workers of the version before go on while this is in place."""

_CLOSE = ("restricted", "trafficking_concern", "unaccompanied")
_ONLY_ADDED_TO = "the audit is only ever added to"


def upgrade() -> None:
    """Make the tables, and have the database refuse any change of the audit."""
    op.create_table(
        "audit",
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcInstant(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("permission", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("subjects", DOCUMENT, nullable=False),
        sa.Column("why", sa.Text()),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("authority", "number", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_authority_at"), "audit", ["authority", "at"])
    _refuse_changes()
    op.create_table(
        "answered",
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", DOCUMENT, nullable=False),
        sa.Column("at", UtcInstant(), nullable=False),
        sa.PrimaryKeyConstraint("authority", "who", "key", name=op.f("pk_answered")),
    )
    op.create_index(op.f("ix_answered_at"), "answered", ["at"])
    op.create_table(
        "broken_glass",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("episode_id", sa.String(), nullable=False),
        sa.Column("child_id", sa.String()),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", UtcInstant(), nullable=False),
        sa.Column("until", UtcInstant(), nullable=False),
        sa.ForeignKeyConstraint(["child_id"], ["child.id"], name=op.f("fk_broken_glass_child_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broken_glass")),
    )
    op.create_index(op.f("ix_broken_glass_authority_child_id"), "broken_glass", ["authority", "child_id"])
    op.add_column("inbox", sa.Column("said_by", sa.String()))
    op.add_column("inbox", sa.Column("child_id", sa.String()))
    op.create_index(op.f("ix_inbox_child_id"), "inbox", ["child_id"])
    op.create_index(op.f("ix_inbox_episode_id"), "inbox", ["episode_id"])
    op.add_column("episode", sa.Column("need_to_know", sa.Boolean(), server_default=sa.false(), nullable=False))
    _mark_need_to_know()


def _mark_need_to_know() -> None:
    """Mark the episodes there are, in favour of keeping them close: any word that a child is one of these counts."""
    reports = sa.table("inbox", sa.column("episode_id"), sa.column("kind"), sa.column("body", DOCUMENT))
    facts = sa.table("fact", sa.column("episode_id"), sa.column("kind"), sa.column("body", DOCUMENT))
    episode = sa.table("episode", sa.column("id"), sa.column("need_to_know"))
    bind = op.get_bind()
    said = [
        (one, body.get("report", {}).get("child", {}))
        for one, body in bind.execute(sa.select(reports.c.episode_id, reports.c.body).where(reports.c.kind == "report"))
    ]
    said += [
        (one, body.get("details", {}))
        for one, body in bind.execute(sa.select(facts.c.episode_id, facts.c.body).where(facts.c.kind == "described"))
    ]
    close = {one for one, child in said if any(child.get(name) in (True, "true", "yes") for name in _CLOSE)}
    for one in sorted(close):
        op.execute(episode.update().where(episode.c.id == one).values(need_to_know=sa.true()))


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_ONLY_ADDED_TO}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
        )
        return
    for what in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{what.lower()} BEFORE {what} ON audit "
            f"BEGIN SELECT RAISE(ABORT, '{_ONLY_ADDED_TO}'); END"
        )


def downgrade() -> None:
    """Take the tables away."""
    op.drop_column("episode", "need_to_know")
    op.drop_index(op.f("ix_inbox_episode_id"), "inbox")
    op.drop_index(op.f("ix_inbox_child_id"), "inbox")
    op.drop_column("inbox", "child_id")
    op.drop_column("inbox", "said_by")
    op.drop_table("broken_glass")
    op.drop_table("answered")
    op.drop_table("audit")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_audit_change()")
