"""The tables of children and episodes: what is known, owed and to be done."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from activities.store.tables.base import Table
from activities.store.tables.plain import PLAIN, plain_of
from workflows.vocabulary import ClockState


class ChildTable(Table):
    """A child, known to Homeward by a random id and to the authority by its own reference."""

    __tablename__ = "child"
    __table_args__ = (UniqueConstraint("authority", "reference"), Index(None, "authority", "plain_reference"))
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    reference: Mapped[str]
    created_at: Mapped[datetime]
    plain_reference: Mapped[str | None] = mapped_column(PLAIN, plain_of("reference"), deferred=True)


class ChildRecordTable(Table):
    """One version of what is kept about a child across episodes; never changed."""

    __tablename__ = "child_record"
    child_id: Mapped[str] = mapped_column(ForeignKey("child.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
    body: Mapped[dict[str, Any]]


class EpisodeTable(Table):
    """One missing episode. `turn` is the last turn of the workflow that was written."""

    __tablename__ = "episode"
    __table_args__ = (
        Index(None, "authority", "status"),
        Index(None, "authority", "closed_at"),
        Index(None, "child_id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    child_id: Mapped[str | None] = mapped_column(ForeignKey("child.id"))
    policy: Mapped[str]
    policy_version: Mapped[str]
    calendar_version: Mapped[str]
    status: Mapped[str]
    missing_since: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    next_wake_at: Mapped[datetime | None]
    next_wake_for: Mapped[str | None]
    need_to_know: Mapped[bool] = mapped_column(server_default=false())
    turn: Mapped[int]
    written_at: Mapped[datetime]


_SAYS_A_POLICE_REFERENCE: Final = text("plain_police_reference IS NOT NULL")


class FactTable(Table):
    """A fact as the episode took it."""

    __tablename__ = "fact"
    __table_args__ = (
        Index(None, "episode_id", "kind"),
        Index(
            None,
            "plain_police_reference",
            sqlite_where=_SAYS_A_POLICE_REFERENCE,
            postgresql_where=_SAYS_A_POLICE_REFERENCE,
        ),
    )
    episode_id: Mapped[str] = mapped_column(ForeignKey("episode.id"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    body: Mapped[dict[str, Any]]
    plain_police_reference: Mapped[str | None] = mapped_column(
        PLAIN, plain_of("body -> 'details' ->> 'police_ref'"), deferred=True
    )


OWED: Final = tuple(state.value for state in ClockState if state.owed)
"""How a clock by which something is owed stands, as its column has it."""


class ClockTable(Table):
    """A clock as the episode's last turn left it."""

    __tablename__ = "clock"
    __table_args__ = (Index(None, "state", "due"), Index(None, "episode_id", "state", "kind", "due"))
    episode_id: Mapped[str] = mapped_column(ForeignKey("episode.id"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    start: Mapped[datetime | None]
    due: Mapped[datetime | None]
    body: Mapped[dict[str, Any]]


class TimelineTable(Table):
    """A line of an episode's timeline; never changed."""

    __tablename__ = "timeline"
    episode_id: Mapped[str] = mapped_column(ForeignKey("episode.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    body: Mapped[dict[str, Any]]


_IS_TAKEN: Final = text("holder IS NOT NULL")


class TaskTable(Table):
    """Something a role must do by a time. `holder` is the reference of the person who has taken it."""

    __tablename__ = "task"
    __table_args__ = (
        Index(None, "state", "due"),
        Index(None, "episode_id"),
        Index(None, "authority", "state", "episode_id", "due"),
        Index(None, "authority", "holder", sqlite_where=_IS_TAKEN, postgresql_where=_IS_TAKEN),
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    episode_id: Mapped[str]
    authority: Mapped[str]
    clock: Mapped[str | None]
    role: Mapped[str]
    do: Mapped[str] = mapped_column(Text)
    due: Mapped[datetime | None]
    state: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    holder: Mapped[str | None]
    done_by: Mapped[str | None]
