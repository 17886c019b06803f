"""The tables of what keeps the house in order: disagreements, policies in use, the schema."""

from datetime import datetime

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from activities.store.tables.base import Table


class DisagreementTable(Table):
    """That the rows and the engine's workflows disagreed about something: from `found_at` to `mended_at`, if it is.

    `kind` is one of workflows.agreement's, which says what `subject` is. `how`
    is what was done, or why nothing could be; `attempts` how often something was.
    """

    __tablename__ = "disagreement"
    __table_args__ = (Index(None, "authority", "mended_at"), Index(None, "subject"))
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    found_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    mended_at: Mapped[datetime | None]
    how: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int]


class ReconciledTable(Table):
    """An authority's last run that compared rows with workflows: how far its slow round of whole episodes has come."""

    __tablename__ = "reconciled"
    authority: Mapped[str] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    checked_to: Mapped[str]
    open_episodes: Mapped[int]
    compared: Mapped[int]
    found: Mapped[int]


class PolicyInUseTable(Table):
    """The fingerprint of each policy and calendar version in use, so that two workers never mean two things by one."""

    __tablename__ = "policy_in_use"
    kind: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    first_used_at: Mapped[datetime]


class SchemaNoteTable(Table):
    """How far back the schema of a revision serves: workers of `compatible_back_to` and later go on by it."""

    __tablename__ = "schema_note"
    revision: Mapped[str] = mapped_column(primary_key=True)
    compatible_back_to: Mapped[str]


class DatabaseIdTable(Table):
    """The one row that tells this database from every other. A copy of a database has the same."""

    __tablename__ = "database_id"
    id: Mapped[str] = mapped_column(primary_key=True)
