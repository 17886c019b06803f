"""The directory, messages and receipts; who answered a notice, who has a task; what serves which workers.

Undone, the people, their roles, rota and leave, the teams, the messages and
what became of them are lost, and so is who answered a notice, who had a task
and who did it. A notice counts as delivered again when it lay in the tray,
which is what 0.2.0 meant by it.
"""

import sqlalchemy as sa
from alembic import op

from activities.store.tables import UtcInstant

revision = "0002_people_and_messages"
down_revision = "0001_as_of_0_2_0"
branch_labels = None
depends_on = None

BACKWARD_COMPATIBLE = False
"""Whether workers of the version before go on while this is in place."""


def upgrade() -> None:
    """Make the new tables, and bring notices and tasks to what they are now."""
    _directory()
    _messages()
    _notes()
    with op.batch_alter_table("notice") as notice:
        notice.add_column(sa.Column("acknowledged_by", sa.String()))
        notice.alter_column("channel", existing_type=sa.String(), nullable=True)
        notice.drop_column("delivered_at")
    with op.batch_alter_table("task") as task:
        task.add_column(sa.Column("holder", sa.String()))
        task.add_column(sa.Column("done_by", sa.String()))


def _directory() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("mobile", sa.String(), nullable=False),
        sa.Column("channels", sa.String(), nullable=False),
        sa.Column("hours", sa.String(), nullable=False),
        sa.Column("deputies", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("authority", "reference", name=op.f("uq_person_authority_reference")),
    )
    op.create_table(
        "holding",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("held_for", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("since", UtcInstant()),
        sa.Column("until", UtcInstant()),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_holding_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holding")),
    )
    op.create_index(op.f("ix_holding_authority_role"), "holding", ["authority", "role"])
    op.create_table(
        "child_team",
        sa.Column("child_id", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["child_id"], ["child.id"], name=op.f("fk_child_team_child_id")),
        sa.PrimaryKeyConstraint("child_id", name=op.f("pk_child_team")),
    )
    op.create_table(
        "shift",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("since", UtcInstant(), nullable=False),
        sa.Column("until", UtcInstant(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_shift_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
    )
    op.create_index(op.f("ix_shift_authority_until"), "shift", ["authority", "until"])
    op.create_table(
        "leave",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("since", UtcInstant(), nullable=False),
        sa.Column("until", UtcInstant(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_leave_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leave")),
    )
    op.create_index(op.f("ix_leave_authority_until"), "leave", ["authority", "until"])


def _messages() -> None:
    op.create_table(
        "message",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("ways", sa.String(), nullable=False),
        sa.Column("gathered_at", UtcInstant(), nullable=False),
        sa.Column("gathered_by", sa.String()),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("state_at", UtcInstant(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_message_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    op.create_index(op.f("ix_message_gathered_by"), "message", ["gathered_by"])
    op.create_index(op.f("ix_message_person_id"), "message", ["person_id"])
    op.create_table(
        "recipient",
        sa.Column("notice_key", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("cover", sa.String(), nullable=False),
        sa.Column("of_absence", sa.Boolean(), nullable=False),
        sa.Column("ready_at", UtcInstant()),
        sa.Column("in_digest", sa.Boolean(), nullable=False),
        sa.Column("message_id", sa.String()),
        sa.Column("read_at", UtcInstant()),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_recipient_message_id")),
        sa.ForeignKeyConstraint(["notice_key"], ["notice.key"], name=op.f("fk_recipient_notice_key")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_recipient_person_id")),
        sa.PrimaryKeyConstraint("notice_key", "person_id", name=op.f("pk_recipient")),
    )
    op.create_index(op.f("ix_recipient_message_id"), "recipient", ["message_id"])
    op.create_index(op.f("ix_recipient_person_id_message_id"), "recipient", ["person_id", "message_id"])
    op.create_table(
        "dispatch",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("in_doubt", sa.Boolean(), nullable=False),
        sa.Column("first_tried_at", UtcInstant(), nullable=False),
        sa.Column("taken_at", UtcInstant()),
        sa.Column("delivered_at", UtcInstant()),
        sa.Column("given_up_at", UtcInstant()),
        sa.Column("failure", sa.String()),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_dispatch_message_id")),
        sa.PrimaryKeyConstraint("message_id", "way", name=op.f("pk_dispatch")),
        sa.UniqueConstraint("reference", name=op.f("uq_dispatch_reference")),
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("received_at", UtcInstant(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
    )


def _notes() -> None:
    op.create_table(
        "schema_note",
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("compatible_back_to", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_schema_note")),
    )


def downgrade() -> None:
    """Take the tables away, and bring notices and tasks back."""
    for table in ("receipt", "dispatch", "recipient", "message", "shift", "leave", "holding", "child_team", "person"):
        op.drop_table(table)
    op.drop_table("schema_note")
    with op.batch_alter_table("task") as task:
        task.drop_column("done_by")
        task.drop_column("holder")
    with op.batch_alter_table("notice") as notice:
        notice.add_column(sa.Column("delivered_at", UtcInstant()))
        notice.drop_column("acknowledged_by")
    op.execute("UPDATE notice SET delivered_at = sent_at")
    op.execute("UPDATE notice SET channel = 'tray' WHERE channel IS NULL")
    with op.batch_alter_table("notice") as notice:
        notice.alter_column("channel", existing_type=sa.String(), nullable=False)
