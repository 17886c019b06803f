"""The tables of who asked for what, and of who looked all the same."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from activities.store.tables.base import DOCUMENT, Table


class AuditTable(Table):
    """What somebody asked for and was allowed or refused. Only ever added to: the database itself refuses the rest.

    Each entry of an authority carries the fingerprint of the one before, so that
    none can be changed or taken out unnoticed. `subjects` are the ids of the
    episodes, children or other things that it was about or that were shown.
    """

    __tablename__ = "audit"
    __table_args__ = (Index(None, "authority", "at"),)
    authority: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    who: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    permission: Mapped[str]
    way: Mapped[str]
    subjects: Mapped[list[str]] = mapped_column(DOCUMENT)
    why: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str]
    request: Mapped[str]
    previous: Mapped[str]
    digest: Mapped[str]


class BrokenGlassTable(Table):
    """That somebody who holds no role for a restricted child looked all the same, why, and until when they may."""

    __tablename__ = "broken_glass"
    __table_args__ = (Index(None, "authority", "child_id"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    episode_id: Mapped[str]
    child_id: Mapped[str | None] = mapped_column(ForeignKey("child.id"))
    who: Mapped[str]
    name: Mapped[str]
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    until: Mapped[datetime]
