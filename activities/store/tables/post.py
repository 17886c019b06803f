"""The tables of notices and of the messages they go out in."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from activities.store.tables.base import Table


class NoticeTable(Table):
    """A notice. Sent, delivered and acknowledged are three things. The tray is this table.

    `sent_at` is when it lay in the tray. Where it went from there is told by its recipients' messages.
    """

    __tablename__ = "notice"
    __table_args__ = (Index(None, "episode_id"),)
    key: Mapped[str] = mapped_column(primary_key=True)
    episode_id: Mapped[str]
    authority: Mapped[str]
    clock: Mapped[str]
    rung: Mapped[str]
    role: Mapped[str]
    channel: Mapped[str | None]
    needs_ack: Mapped[bool]
    escalates: Mapped[bool]
    says: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    due: Mapped[datetime | None]
    sent_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]


class RecipientTable(Table):
    """A person told by a notice, and why that person. One row for each: whatever is retried, nobody is told twice.

    It goes out with the message `message_id`, or waits for one: from `ready_at`
    on, or for the next digest. Neither: the tray is all that person has.
    """

    __tablename__ = "recipient"
    __table_args__ = (Index(None, "person_id", "message_id"), Index(None, "message_id"))
    notice_key: Mapped[str] = mapped_column(ForeignKey("notice.key"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    cover: Mapped[str]
    of_absence: Mapped[bool]
    ready_at: Mapped[datetime | None]
    in_digest: Mapped[bool]
    message_id: Mapped[str | None] = mapped_column(ForeignKey("message.id"))
    read_at: Mapped[datetime | None]


class MessageTable(Table):
    """What went out together to one person. `ways` are the ways out to try, in order.

    `gathered_by` is the digest's run, for a digest.
    `state` is sending, reached, unreached (every way failed, and is tried again) or given_up.
    """

    __tablename__ = "message"
    __table_args__ = (Index(None, "person_id"), Index(None, "gathered_by"))
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    ways: Mapped[str]
    gathered_at: Mapped[datetime]
    gathered_by: Mapped[str | None]
    state: Mapped[str]
    state_at: Mapped[datetime]


class DispatchTable(Table):
    """A message on one way out. `reference` is what the provider knows it by.

    `in_doubt`: an attempt was begun whose end nobody knows. `failure` is why the
    way was given up, or the last attempt failed, in a word or two that name
    nobody.
    """

    __tablename__ = "dispatch"
    __table_args__ = (UniqueConstraint("reference"),)
    message_id: Mapped[str] = mapped_column(ForeignKey("message.id"), primary_key=True)
    way: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str]
    provider_id: Mapped[str | None]
    attempts: Mapped[int]
    in_doubt: Mapped[bool]
    first_tried_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    failure: Mapped[str | None]


class ReceiptTable(Table):
    """What a provider said of a message, as it said it last; `id` is the provider's own."""

    __tablename__ = "receipt"
    id: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str]
    status: Mapped[str]
    received_at: Mapped[datetime]
    times: Mapped[int]
