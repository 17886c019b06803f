"""The tables of what was said and is kept, and of files that were taken in."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from activities.store.tables.base import Table


class DraftTable(Table):
    """What somebody has begun to write in a form and not yet sent: only they see it. `body` says it field by field."""

    __tablename__ = "draft"
    __table_args__ = (Index(None, "saved_at"),)
    authority: Mapped[str] = mapped_column(primary_key=True)
    who: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]
    begun_at: Mapped[datetime]
    saved_at: Mapped[datetime]


class InboxTable(Table):
    """What people and systems said, kept from the moment it was accepted.

    `state` is kept (the engine has not answered yet), applied, or refused with
    a reason. `digest` tells a report that was sent twice; the lowest `urgency`
    is the most urgent. `said_by` is the principal that said it, where one is known;
    `child_id` the child of a report that names one.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("authority", "digest"),
        Index(None, "state", "urgency", "received_at"),
        Index(None, "episode_id"),
        Index(None, "child_id"),
        Index(None, "authority", "said_by", "received_at"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    kind: Mapped[str]
    episode_id: Mapped[str]
    digest: Mapped[str | None]
    body: Mapped[dict[str, Any]]
    state: Mapped[str]
    reason: Mapped[str | None] = mapped_column(Text)
    urgency: Mapped[int]
    received_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    attempts: Mapped[int]
    said_by: Mapped[str | None]
    child_id: Mapped[str | None]


class AnsweredTable(Table):
    """What was answered to a request that came under a key of its sender's, so that the same again does nothing again.

    `digest` is a fingerprint of what was asked, `body` what was answered.
    """

    __tablename__ = "answered"
    __table_args__ = (Index(None, "at"),)
    authority: Mapped[str] = mapped_column(primary_key=True)
    who: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    status: Mapped[int]
    body: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class IntakeRunTable(Table):
    """One taking in of a file: how far it came. No row's content is kept.

    `digest` is of the file and its mapping: the same file again is the same
    run. `lines` are the rows of the file; `finished_at` is None while some have
    no outcome yet.
    """

    __tablename__ = "intake_run"
    __table_args__ = (UniqueConstraint("authority", "digest"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    digest: Mapped[str]
    mapping: Mapped[str]
    lines: Mapped[int]
    begun_at: Mapped[datetime]
    begun_by: Mapped[str]
    finished_at: Mapped[datetime | None]


class IntakeLineTable(Table):
    """What became of one line of a file: its verdict and why, and the episode it began or is there as already."""

    __tablename__ = "intake_line"
    run_id: Mapped[str] = mapped_column(ForeignKey("intake_run.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    why: Mapped[str] = mapped_column(Text)
    episode_id: Mapped[str | None]
    added: Mapped[bool]
