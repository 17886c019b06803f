"""What can stand still: each kind, whom it touches, what it means and what helps. Pure; nothing is about a child."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from workflows.instants import Instant


class StuckKind(StrEnum):
    """A way in which something can stand still, the worst first."""

    ENGINE_SILENT = "engine_silent"
    WORKER_HANGS = "worker_hangs"
    NOBODY_WORKS = "nobody_works"
    CHANGE_UNKNOWN = "change_unknown"
    WORKFLOW_FAILING = "workflow_failing"
    CLOCK_NOT_FIRED = "clock_not_fired"
    WORK_WAITS = "work_waits"
    STEP_FAILING = "step_failing"
    SAID_NOT_APPLIED = "said_not_applied"
    MESSAGE_GIVEN_UP = "message_given_up"
    MESSAGE_UNREACHED = "message_unreached"
    ACTIVITY_PAUSED = "activity_paused"
    ACTIVITY_FAILING = "activity_failing"
    ROLE_UNHELD = "role_unheld"
    APART = "apart"
    CLOCK_FIRED_LATE = "clock_fired_late"
    WEBHOOK_GONE = "webhook_gone"
    WEBHOOK_FAILING = "webhook_failing"
    EVENTS_DEAD = "events_dead"


class Deed(StrEnum):
    """What somebody may do about something that stands still. What cannot be done safely is none."""

    RETRY_NOW = "retry_now"
    RESEND = "resend"
    RECONCILE = "reconcile"
    RESET = "reset"
    PUT_TO_ENGINE = "put_to_engine"
    HAND_OVER = "hand_over"
    PAUSE_WEBHOOK = "pause_webhook"
    RESUME_WEBHOOK = "resume_webhook"
    RESEND_EVENTS = "resend_events"


Weight = Literal["children", "people", "systems"]
"""Whom it touches: the clocks of children, people who are not told, or other systems."""

About = Literal["engine", "queue", "worker", "episode", "message", "postbox", "schedule", "said", "webhook", "thing"]
"""What a subject is. A message's is derived from its id, which is the key of its page."""


class Kind(NamedTuple):
    """What a kind of standing still means, and what helps; each a sentence that says nothing about a child."""

    weight: Weight
    title: str
    means: str
    helps: str
    deeds: tuple[Deed, ...] = ()


KINDS: Final[Mapping[StuckKind, Kind]] = {
    StuckKind.ENGINE_SILENT: Kind(
        "children",
        "The engine does not answer",
        "No clock runs and nobody is told anything until it does. What people say meanwhile is kept.",
        "Start the engine, or mend the way to it. Everything goes on by itself from where it was.",
    ),
    StuckKind.WORKER_HANGS: Kind(
        "children",
        "A worker took work and does not answer",
        "It hangs, is far too slow, or was ended in the middle. Where no other worker runs, no clock moves.",
        "End that worker and start another: nothing is lost, and nothing done twice.",
    ),
    StuckKind.NOBODY_WORKS: Kind(
        "children",
        "No worker asks for work",
        "Clocks are kept by the engine, but nothing is done when they run out, and nobody is told.",
        "Start a worker ('homeward worker'), and see in its log why it ended.",
    ),
    StuckKind.CHANGE_UNKNOWN: Kind(
        "children",
        "A workflow took a change that this version does not know",
        "A newer version went on with it, and this one cannot. No clock of it moves, and it takes nothing in.",
        "Start workers of the version that took the change: it goes on by itself within minutes. Where that cannot be, "
        "begin it anew from its records.",
        (Deed.RESET,),
    ),
    StuckKind.WORKFLOW_FAILING: Kind(
        "children",
        "A workflow fails at each try",
        "Its code fails or does not fit what it did before. No clock of it moves, and it takes nothing in.",
        "Go back to the version that ran before, or bring one that mends it: it goes on by itself within minutes. "
        "Where no version can go on with it, begin it anew from its records.",
        (Deed.RESET,),
    ),
    StuckKind.CLOCK_NOT_FIRED: Kind(
        "children",
        "An episode has not woken for its clock",
        "The time of a step has passed and the step was not taken.",
        "See first that workers run and nothing above is failing; then have it compared with the engine.",
        (Deed.RECONCILE,),
    ),
    StuckKind.WORK_WAITS: Kind(
        "children",
        "Work waits longer than it should",
        "There is more to do than the workers do, or they hang.",
        "Start more workers; look for what holds them up.",
    ),
    StuckKind.STEP_FAILING: Kind(
        "children",
        "A step inside a workflow is tried again and again",
        "Reading or writing the records fails at this one; it waits for that, and does nothing else.",
        "See in the worker's log what fails; once the records can be written it goes on by itself.",
    ),
    StuckKind.SAID_NOT_APPLIED: Kind(
        "children",
        "Something was said and no clock runs by it",
        "It is kept safe, and the engine has not taken it.",
        "It is tried again by itself; put it to the engine now to see at once.",
        (Deed.PUT_TO_ENGINE,),
    ),
    StuckKind.MESSAGE_GIVEN_UP: Kind(
        "people",
        "A message reached nobody and was given up",
        "Every way out to that person failed for as long as was allowed. The next person was asked.",
        "Mend the person's addresses in the directory or the provider; then send it again.",
        (Deed.RESEND,),
    ),
    StuckKind.MESSAGE_UNREACHED: Kind(
        "people",
        "A message has reached nobody yet",
        "Every way out failed; they are tried again, ever less often.",
        "Mend the provider or the person's addresses in the directory. It is tried again by itself, or now if you ask.",
        (Deed.RESEND,),
    ),
    StuckKind.ACTIVITY_PAUSED: Kind(
        "people",
        "An activity is paused",
        "Somebody paused it in the engine, and it waits for ever.",
        "Have it tried now: that ends the pause.",
        (Deed.RETRY_NOW,),
    ),
    StuckKind.ACTIVITY_FAILING: Kind(
        "people",
        "An activity fails and is tried again",
        "What it asks for (a provider, the records) answers with a fault or not at all.",
        "It is tried again by itself, ever less often; once the cause is mended, have it tried now.",
        (Deed.RETRY_NOW,),
    ),
    StuckKind.ROLE_UNHELD: Kind(
        "people",
        "Nobody holds a role that an episode needs",
        "What is for that role reaches nobody in it.",
        "Name somebody in the directory ('homeward directory hold ROLE PERSON'): open episodes notice at once.",
        (Deed.HAND_OVER,),
    ),
    StuckKind.APART: Kind(
        "people",
        "The records and the engine disagree",
        "What people read may not be what the engine goes by.",
        "Have it compared now; what can be mended is mended.",
        (Deed.RECONCILE,),
    ),
    StuckKind.CLOCK_FIRED_LATE: Kind(
        "people",
        "A clock's step came late",
        "The step was taken after its time although everything was known before. It is done by now.",
        "Nothing is to be done about this one; find out what was down, or too slow, at that time.",
    ),
    StuckKind.WEBHOOK_GONE: Kind(
        "systems",
        "A webhook wants nothing more",
        "Its receiver answered that it is gone, and is sent nothing since.",
        "Ask whoever runs the receiver; then resume it or remove it.",
        (Deed.RESUME_WEBHOOK,),
    ),
    StuckKind.WEBHOOK_FAILING: Kind(
        "systems",
        "A webhook does not take events",
        "Events wait for it and are tried again.",
        "Mend the receiver; pause it while it is worked on.",
        (Deed.PAUSE_WEBHOOK,),
    ),
    StuckKind.EVENTS_DEAD: Kind(
        "systems",
        "A webhook did not take events by the last try",
        "They are kept, and not sent again by themselves.",
        "Mend the receiver, then have them sent again.",
        (Deed.RESEND_EVENTS,),
    ),
}

_ORDER: Final = tuple(StuckKind)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class LastFailure(BaseModel):
    """How something failed the last time: the type, and words only where they can name nobody."""

    model_config = ConfigDict(frozen=True)
    type: str = Field(description="the type of the failure")
    says: str | None = Field(default=None, description="its words, where they can name nobody; null where they might")


class Stuck(BaseModel):
    """One thing that stands still. Instants are UTC."""

    model_config = ConfigDict(frozen=True)
    kind: StuckKind = Field(description="in which way it stands still")
    about: About = Field(description="what the subject is")
    subject: str = Field(description="its id: random, or derived from one that is; the name of a queue or webhook")
    since: Instant | None = Field(default=None, description="since when, as far as is known")
    attempts: int | None = Field(default=None, description="how often it was tried")
    next_try_at: Instant | None = Field(default=None, description="when it is tried again by itself")
    failure: LastFailure | None = Field(default=None, description="how it failed the last time")
    detail: str | None = Field(default=None, description="what else is known, in words that name nobody")
    run_id: str | None = Field(default=None, description="the engine's id of the run, where it is a workflow")
    deeds: tuple[Deed, ...] = Field(default=(), description="what somebody may do about it")


def stuck(kind: StuckKind, about: About, subject: str, **more: object) -> Stuck:
    """Something that stands still, with the deeds of its kind unless others are given."""
    return Stuck.model_validate({"kind": kind, "about": about, "subject": subject, "deeds": KINDS[kind].deeds, **more})


def worst_first(found: Iterable[Stuck]) -> list[Stuck]:
    """What stands still, the worst kind first, and of a kind what has stood the longest."""
    return sorted(found, key=lambda one: (_ORDER.index(one.kind), one.since or _NEVER, one.subject))
