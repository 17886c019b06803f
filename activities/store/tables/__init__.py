"""The tables, one model for every database. All instants are UTC, and a naive one is refused."""

from activities.store.tables.audit import AuditTable, BrokenGlassTable
from activities.store.tables.base import DOCUMENT, NAMING, Table, UtcInstant
from activities.store.tables.directory import ChildTeamTable, HoldingTable, LeaveTable, PersonTable, ShiftTable
from activities.store.tables.episodes import (
    OWED,
    ChildRecordTable,
    ChildTable,
    ClockTable,
    EpisodeTable,
    FactTable,
    TaskTable,
    TimelineTable,
)
from activities.store.tables.events import EventFeedTable, EventTable, SubscriptionTable, UndeliveredTable
from activities.store.tables.plain import letters_of, plainly
from activities.store.tables.post import DispatchTable, MessageTable, NoticeTable, ReceiptTable, RecipientTable
from activities.store.tables.taking_in import AnsweredTable, DraftTable, InboxTable, IntakeLineTable, IntakeRunTable
from activities.store.tables.upkeep import (
    DatabaseIdTable,
    DisagreementTable,
    PolicyInUseTable,
    ReconciledTable,
    SchemaNoteTable,
)

__all__ = [
    "DOCUMENT",
    "NAMING",
    "OWED",
    "AnsweredTable",
    "AuditTable",
    "BrokenGlassTable",
    "ChildRecordTable",
    "ChildTable",
    "ChildTeamTable",
    "ClockTable",
    "DatabaseIdTable",
    "DisagreementTable",
    "DispatchTable",
    "DraftTable",
    "EpisodeTable",
    "EventFeedTable",
    "EventTable",
    "FactTable",
    "HoldingTable",
    "InboxTable",
    "IntakeLineTable",
    "IntakeRunTable",
    "LeaveTable",
    "MessageTable",
    "NoticeTable",
    "PersonTable",
    "PolicyInUseTable",
    "ReceiptTable",
    "RecipientTable",
    "ReconciledTable",
    "SchemaNoteTable",
    "ShiftTable",
    "SubscriptionTable",
    "Table",
    "TaskTable",
    "TimelineTable",
    "UndeliveredTable",
    "UtcInstant",
    "letters_of",
    "plainly",
]
