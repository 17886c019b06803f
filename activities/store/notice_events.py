"""What other systems are told of notices: that one was sent, whom it reached, and that it has its answer.

No event holds the id of a message, which is the key of its page.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from activities.store.tables import NoticeTable
from workflows.contracts import NoticeOrder
from workflows.event_kinds import EventKind, NoticeData
from workflows.events import Event, event_of
from workflows.names import derived_id
from workflows.vocabulary import Role


def sent_event(order: NoticeOrder, people: int, at: datetime) -> Event:
    """That a notice lies in the trays of so many people since an instant (UTC)."""
    data = NoticeData(
        notice=order.key,
        clock=order.clock,
        rung=order.rung,
        role=order.role,
        needs_answer=order.needs_ack,
        escalates=order.escalates,
        at=order.at,
        due=order.due,
        people=people,
    )
    return event_of(EventKind.NOTICE_SENT, order.episode_id, at, data, order.key)


def posted_events(notices: Sequence[NoticeTable], message: str, reached: bool, at: datetime) -> list[Event]:
    """That a message with these notices reached its person, or no way out did, at an instant (UTC)."""
    kind = EventKind.NOTICE_REACHED if reached else EventKind.NOTICE_UNREACHED
    # A hash of it, so that the message is not found by what tells its events apart.
    which = derived_id(message, at.isoformat())
    return [event_of(kind, row.episode_id, at, _data(row), f"{row.key}/{which}") for row in notices]


def answer_events(notices: Iterable[NoticeTable], turn: int, at: datetime) -> list[Event]:
    """That these notices have their answer since a turn of their episode, or not any more. `at` is UTC."""
    return [
        event_of(
            EventKind.NOTICE_ANSWERED if row.acknowledged_at else EventKind.NOTICE_ANSWER_WITHDRAWN,
            row.episode_id,
            at,
            _data(row),
            f"{turn}/{row.key}",
        )
        for row in notices
    ]


def _data(row: NoticeTable) -> NoticeData:
    return NoticeData(
        notice=row.key,
        clock=row.clock,
        rung=row.rung,
        role=Role(row.role),
        needs_answer=row.needs_ack,
        escalates=row.escalates,
        at=row.at,
        due=row.due,
        answered_at=row.acknowledged_at,
    )
