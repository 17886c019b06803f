"""The tables, one model for every database. All instants are UTC, and a naive one is refused."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


DOCUMENT = JSON().with_variant(JSONB(), "postgresql")
"""What is kept as JSON. PostgreSQL gives the names in an object back in an order of its own."""


class UtcInstant(TypeDecorator[datetime]):
    """An instant in UTC. Refuses a naive datetime on the way in; gives an aware one on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To the database."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant without an offset must not reach the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database: SQLite gives naive datetimes, PostgreSQL aware ones in the session's zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """The base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UtcInstant(), dict[str, Any]: DOCUMENT, str: String()}  # noqa: RUF012 - SQLAlchemy's own


class ChildTable(Table):
    """A child, known to Homeward by a random id and to the authority by its own reference."""

    __tablename__ = "child"
    __table_args__ = (UniqueConstraint("authority", "reference"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    reference: Mapped[str]
    created_at: Mapped[datetime]


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


class FactTable(Table):
    """A fact as the episode took it."""

    __tablename__ = "fact"
    __table_args__ = (Index(None, "episode_id", "kind"),)
    episode_id: Mapped[str] = mapped_column(ForeignKey("episode.id"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    body: Mapped[dict[str, Any]]


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


class TaskTable(Table):
    """Something a role must do by a time. `holder` is the reference of the person who has taken it."""

    __tablename__ = "task"
    __table_args__ = (
        Index(None, "state", "due"),
        Index(None, "episode_id"),
        Index(None, "authority", "state", "episode_id", "due"),
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


class EventTable(Table):
    """What other systems are told of an episode; never changed. `number` is its place in its authority's feed."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("id"),)
    authority: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[str]
    kind: Mapped[str]
    episode_id: Mapped[str]
    at: Mapped[datetime]
    data: Mapped[dict[str, Any]]


class EventFeedTable(Table):
    """How far an authority's feed goes: the last number given, and the last one whose event was dropped for age."""

    __tablename__ = "event_feed"
    authority: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)
    dropped: Mapped[int] = mapped_column(BigInteger)


class SubscriptionTable(Table):
    """A system that is sent an authority's events. `position` is the number of the last event that was dealt with.

    `kinds` are the types it wants, all when empty. `state` is active, paused or
    gone (it answered so). It is rested until `rest_until` after `failures` in a
    row. Whoever delivers to it now is `held_by`, until `held_until` at the latest.
    """

    __tablename__ = "subscription"
    __table_args__ = (UniqueConstraint("authority", "name"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    name: Mapped[str]
    url: Mapped[str]
    kinds: Mapped[list[str]] = mapped_column(DOCUMENT)
    secret: Mapped[str]
    old_secret: Mapped[str | None]
    old_secret_until: Mapped[datetime | None]
    state: Mapped[str]
    position: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    failures: Mapped[int]
    rest_until: Mapped[datetime | None]
    held_by: Mapped[str | None]
    held_until: Mapped[datetime | None]
    last_taken_at: Mapped[datetime | None]
    last_failure: Mapped[str | None]


class UndeliveredTable(Table):
    """An event that a subscription has not taken yet: waiting to be tried (again), or dead after the last try.

    The event is kept as it is sent, because the feed may drop it meanwhile.
    """

    __tablename__ = "undelivered"
    __table_args__ = (Index(None, "subscription_id", "state"),)
    subscription_id: Mapped[str] = mapped_column(ForeignKey("subscription.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[str]
    kind: Mapped[str]
    episode_id: Mapped[str]
    event: Mapped[str] = mapped_column(Text)
    state: Mapped[str]
    tries: Mapped[int]
    next_at: Mapped[datetime]
    reason: Mapped[str | None]
    died_at: Mapped[datetime | None]


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


class SchemaNoteTable(Table):
    """How far back the schema of a revision serves: workers of `compatible_back_to` and later go on by it."""

    __tablename__ = "schema_note"
    revision: Mapped[str] = mapped_column(primary_key=True)
    compatible_back_to: Mapped[str]
