"""The kinds of event there are: what each tells other systems, in words, and the data it carries. Data, nothing else.

An event carries ids, kinds, states, instants and roles. It carries no free
words, no name, no place, no child's reference and no date of birth: a receiver
that needs more reads the episode.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from workflows.fact_kinds import FactKind
from workflows.instants import Instant
from workflows.vocabulary import ClockKind, ClockState, EpisodeStatus, Role


class EventKind(StrEnum):
    """What an event tells; its value is the `type` of the CloudEvent."""

    EPISODE_BEGUN = "homeward.episode.begun"
    EPISODE_STATUS_CHANGED = "homeward.episode.status-changed"
    EPISODE_TIMES_CHANGED = "homeward.episode.times-changed"
    EPISODE_RULES_CHANGED = "homeward.episode.rules-changed"
    EPISODE_CLOSED = "homeward.episode.closed"
    EPISODE_REOPENED = "homeward.episode.reopened"
    FACT_RECORDED = "homeward.fact.recorded"
    CLOCK_STARTED = "homeward.clock.started"
    CLOCK_REOPENED = "homeward.clock.reopened"
    CLOCK_DUE_MOVED = "homeward.clock.due-moved"
    CLOCK_MET = "homeward.clock.met"
    CLOCK_MET_LATE = "homeward.clock.met-late"
    CLOCK_OVERDUE = "homeward.clock.overdue"
    CLOCK_FIRED = "homeward.clock.fired"
    CLOCK_CANCELLED = "homeward.clock.cancelled"
    CLOCK_SUPPRESSED = "homeward.clock.suppressed"
    CLOCK_DECLINED = "homeward.clock.declined"
    CLOCK_NOT_NEEDED = "homeward.clock.not-needed"
    CLOCK_VOIDED = "homeward.clock.voided"
    CLOCK_ENDED = "homeward.clock.ended"
    CLOCK_CORRECTED = "homeward.clock.corrected"
    CLOCK_WITHDRAWN = "homeward.clock.withdrawn"
    TASK_OPENED = "homeward.task.opened"
    TASK_REOPENED = "homeward.task.reopened"
    TASK_TAKEN = "homeward.task.taken"
    TASK_HANDED_OVER = "homeward.task.handed-over"
    TASK_GIVEN_BACK = "homeward.task.given-back"
    TASK_DUE_MOVED = "homeward.task.due-moved"
    TASK_CORRECTED = "homeward.task.corrected"
    TASK_DONE = "homeward.task.done"
    TASK_WITHDRAWN = "homeward.task.withdrawn"
    NOTICE_SENT = "homeward.notice.sent"
    NOTICE_REACHED = "homeward.notice.reached"
    NOTICE_UNREACHED = "homeward.notice.unreached"
    NOTICE_ANSWERED = "homeward.notice.answered"
    NOTICE_ANSWER_WITHDRAWN = "homeward.notice.answer-withdrawn"


WEBHOOK_TEST: Final = "homeward.webhook.test"
"""The type of the event that `homeward webhooks test` sends. It is in no feed."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EpisodeData(_Data):
    """The whole episode as it stands; `was` is the status before, where another."""

    status: EpisodeStatus
    was: EpisodeStatus | None = None
    missing_since: Instant | None
    returned_at: Instant | None
    closed_at: Instant | None
    policy: str
    policy_version: str
    calendar_version: str


class FactData(_Data):
    """Which fact was recorded, and the fact that it takes out of force, if it does."""

    fact: str
    kind: FactKind
    at: Instant
    recorded_at: Instant
    corrects: str | None = None


class ClockData(_Data):
    """The whole clock as it stands; `was` and `was_due` are its state and due time before.

    `settled_by` is the fact that settled it, `first_due` when it was due before people extended it.
    """

    clock: str
    kind: ClockKind
    state: ClockState
    was: ClockState | None = None
    start: Instant | None
    due: Instant | None
    was_due: Instant | None = None
    first_due: Instant | None
    settled_at: Instant | None
    settled_by: str | None
    provisional: bool


class TaskData(_Data):
    """The whole task as it stands. `role` holds it; `taken`: one person of that role has it, and the API says who."""

    task: str
    clock: str | None
    role: Role
    state: str
    due: Instant | None
    opened_at: Instant
    closed_at: Instant | None
    taken: bool
    done_by: str | None


class NoticeData(_Data):
    """Which notice, for which clock and role, how many people it told, and since when it has its answer."""

    notice: str
    clock: str
    rung: str
    role: Role
    needs_answer: bool
    escalates: bool
    at: Instant
    due: Instant | None
    people: int | None = None
    answered_at: Instant | None = None


EventData = EpisodeData | FactData | ClockData | TaskData | NoticeData


class Told(BaseModel):
    """What a kind of event tells, in words, and its data."""

    model_config = ConfigDict(frozen=True)
    words: str
    data: type[EpisodeData] | type[FactData] | type[ClockData] | type[TaskData] | type[NoticeData]


def _episode(words: str) -> Told:
    return Told(words=words, data=EpisodeData)


def _clock(words: str) -> Told:
    return Told(words=words, data=ClockData)


def _task(words: str) -> Told:
    return Told(words=words, data=TaskData)


def _notice(words: str) -> Told:
    return Told(words=words, data=NoticeData)


EVENTS: Final[Mapping[EventKind, Told]] = {
    EventKind.EPISODE_BEGUN: _episode("an episode is written for the first time"),
    EventKind.EPISODE_STATUS_CHANGED: _episode("the episode stands otherwise: located, returned, merged, and so on"),
    EventKind.EPISODE_TIMES_CHANGED: _episode(
        "since when the child is missing, or since when back, is known otherwise"
    ),
    EventKind.EPISODE_RULES_CHANGED: _episode("the episode lives by another policy, version or calendar"),
    EventKind.EPISODE_CLOSED: _episode("nothing is owed, the time for corrections is over, and the episode is closed"),
    EventKind.EPISODE_REOPENED: _episode("a closed episode is open again"),
    EventKind.FACT_RECORDED: Told(
        words="the episode took a fact; one that corrects or withdraws another names it in `corrects`", data=FactData
    ),
    EventKind.CLOCK_STARTED: _clock("a clock began to run"),
    EventKind.CLOCK_REOPENED: _clock("a clock that was settled or overdue runs again, after a correction or extension"),
    EventKind.CLOCK_DUE_MOVED: _clock("a clock is due at another time than before; a review came round"),
    EventKind.CLOCK_MET: _clock("what was owed was done in time"),
    EventKind.CLOCK_MET_LATE: _clock("what was owed was done, and late"),
    EventKind.CLOCK_OVERDUE: _clock("what is owed was not done in time, and is owed still"),
    EventKind.CLOCK_FIRED: _clock("a clock that fires has fired: its time came, and nothing had cancelled it"),
    EventKind.CLOCK_CANCELLED: _clock("a clock that fires was cancelled before its time, as by the child being found"),
    EventKind.CLOCK_SUPPRESSED: _clock("people ruled that a clock does not run on"),
    EventKind.CLOCK_DECLINED: _clock("what was owed was offered and declined"),
    EventKind.CLOCK_NOT_NEEDED: _clock("what was owed was recorded as not needed"),
    EventKind.CLOCK_VOIDED: _clock("people ruled that a clock never counted"),
    EventKind.CLOCK_ENDED: _clock("what a clock watches ended, or the episode did"),
    EventKind.CLOCK_CORRECTED: _clock("state and due time are as before, and something else about the clock is not"),
    EventKind.CLOCK_WITHDRAWN: _clock("a clock has not started after all, or is not for this child; forget it"),
    EventKind.TASK_OPENED: _task("a role has a task"),
    EventKind.TASK_REOPENED: _task("a task that was closed is open again"),
    EventKind.TASK_TAKEN: _task("a person of the role took the task"),
    EventKind.TASK_HANDED_OVER: _task("another person has the task"),
    EventKind.TASK_GIVEN_BACK: _task("the task is its role's again"),
    EventKind.TASK_DUE_MOVED: _task("the task is due at another time than before"),
    EventKind.TASK_CORRECTED: _task("something else about the task is otherwise"),
    EventKind.TASK_DONE: _task("the task is done"),
    EventKind.TASK_WITHDRAWN: _task("nobody asks for the task any more"),
    EventKind.NOTICE_SENT: _notice("a notice lies in the tray of those it is for; `people` says how many they are"),
    EventKind.NOTICE_REACHED: _notice("a message with the notice reached one of its people by a way out"),
    EventKind.NOTICE_UNREACHED: _notice("a message with the notice reached one of its people by no way out, so far"),
    EventKind.NOTICE_ANSWERED: _notice("the notice has its answer: somebody has seen it"),
    EventKind.NOTICE_ANSWER_WITHDRAWN: _notice("the answer was withdrawn, and is asked for again"),
}
"""Every kind of event, with what it tells."""

CLOCK_EVENTS: Final[Mapping[ClockState, EventKind]] = {
    ClockState.RUNNING: EventKind.CLOCK_STARTED,
    ClockState.MET: EventKind.CLOCK_MET,
    ClockState.LATE: EventKind.CLOCK_MET_LATE,
    ClockState.OVERDUE: EventKind.CLOCK_OVERDUE,
    ClockState.FIRED: EventKind.CLOCK_FIRED,
    ClockState.CANCELLED: EventKind.CLOCK_CANCELLED,
    ClockState.SUPPRESSED: EventKind.CLOCK_SUPPRESSED,
    ClockState.DECLINED: EventKind.CLOCK_DECLINED,
    ClockState.NOT_NEEDED: EventKind.CLOCK_NOT_NEEDED,
    ClockState.VOIDED: EventKind.CLOCK_VOIDED,
    ClockState.ENDED: EventKind.CLOCK_ENDED,
    ClockState.NOT_STARTED: EventKind.CLOCK_WITHDRAWN,
}
"""Which event tells that a clock has come to a state."""


def kinds_of(names: Iterable[str]) -> frozenset[EventKind]:
    """The kinds that these names mean: each one kind, or a family of them such as homeward.clock. None given: all.

    Raises ValueError, in words for the person who wrote it, for a name that means none.
    """
    found: set[EventKind] = set()
    for name in names:
        meant = {kind for kind in EventKind if kind.value == name or kind.value.startswith(f"{name}.")}
        if not meant:
            families = sorted({kind.value.rpartition(".")[0] for kind in EventKind})
            raise ValueError(
                f"'{name}' is unknown; use a type such as {EventKind.CLOCK_OVERDUE}, or all of a family: "
                f"{', '.join(families)}"
            )
        found |= meant
    return frozenset(found or EventKind)
