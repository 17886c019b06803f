"""The tables of the directory: people, what they hold, who is on call and who is away."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from activities.store.tables.base import Table


class PersonTable(Table):
    """Someone who can be told, known to Homeward by a random id and to the authority by its own reference.

    `mobile` is in E.164; `channels` as channels_of reads them.
    """

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("authority", "reference"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    reference: Mapped[str]
    name: Mapped[str]
    email: Mapped[str]
    mobile: Mapped[str]
    channels: Mapped[str]
    hours: Mapped[str]
    deputies: Mapped[str] = mapped_column(Text)


class HoldingTable(Table):
    """That a person holds a role: for the child or team named in `held_for`, or for the whole authority."""

    __tablename__ = "holding"
    __table_args__ = (
        Index(None, "authority", "role"),
        Index(None, "authority", "scope", "held_for"),
        Index(None, "person_id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    role: Mapped[str]
    scope: Mapped[str]
    held_for: Mapped[str]
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    since: Mapped[datetime | None]
    until: Mapped[datetime | None]


class ChildTeamTable(Table):
    """The team that a child belongs to."""

    __tablename__ = "child_team"
    child_id: Mapped[str] = mapped_column(ForeignKey("child.id"), primary_key=True)
    team: Mapped[str]


class ShiftTable(Table):
    """That a person is on call for a role for a time."""

    __tablename__ = "shift"
    __table_args__ = (Index(None, "authority", "until"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    role: Mapped[str]
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    since: Mapped[datetime]
    until: Mapped[datetime]


class LeaveTable(Table):
    """That a person is away for a time."""

    __tablename__ = "leave"
    __table_args__ = (Index(None, "authority", "until"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    since: Mapped[datetime]
    until: Mapped[datetime]
