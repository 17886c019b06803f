"""What the workflows ask of the world: each activity as a typed stub, with its inputs, results and retries.

The stubs carry the names and types; the work is in `activities`, under the
same names. Workflows never import `activities`.
"""

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_serializer
from temporalio import activity

from workflows.chasing import Reach
from workflows.clocks import Clock
from workflows.facts import Child, Fact
from workflows.instants import Instant
from workflows.ladders import Aware, Climb
from workflows.policy import Pack, as_data
from workflows.post_contracts import POST_ACTIVITIES
from workflows.repeats import EarlierEpisode
from workflows.telling import SentNotice, ToldBack
from workflows.vocabulary import Channel, ClockState, EpisodeStatus, Haste, Role
from workflows.working_days import Calendar


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class RulesAsked(_Message):
    """Which rules an episode lives by: `version` None is the newest; `since` and `now` (UTC) bound the calendar.

    `must_exist`: say at once when there is no such policy, rather than wait for a worker to get its file.
    `has_rules`: the episode has them, and asks whether its calendar has grown; it goes on by what it has.
    """

    policy: str
    version: str | None
    since: Instant
    now: Instant
    must_exist: bool = False
    has_rules: bool = False


_HELD: Final[dict[tuple[str, str], Pack]] = {}


def _held_once(pack: Pack) -> Pack:
    """The pack, and of equal ones the same object: half of what an open episode takes of a worker's memory is its pack.

    Of each version the latest to be read is held. A pack cannot be changed, so
    that it makes no difference to anybody which of equal ones they have.
    """
    version = pack.policy, pack.version
    if _HELD.get(version) != pack:
        _HELD[version] = pack
    return _HELD[version]


class Rules(_Message):
    """A pack and the part of its calendar that an episode needs."""

    pack: Annotated[Pack, AfterValidator(_held_once)]
    calendar: Calendar

    @field_serializer("pack")
    def _without_what_is_not_set(self, pack: Pack) -> dict[str, Any]:
        # Kept in every episode's history, where what is not set would double it.
        return as_data(pack)


class EarlierAsked(_Message):
    """Which child's other episodes to look up; `child_id` is Homeward's own random id."""

    episode_id: str
    child_id: str


class EpisodeRow(_Message):
    """The episode as people read it. Instants are UTC.

    `need_to_know`: only those who hold a role for the child may see it (O36, S4 section 8).
    """

    episode_id: str
    authority: str
    child_id: str | None
    policy: str
    policy_version: str
    calendar_version: str
    status: EpisodeStatus
    missing_since: Instant | None
    returned_at: Instant | None
    closed_at: Instant | None
    next_wake_at: Instant | None
    next_wake_for: str | None
    need_to_know: bool = False


class TimelineEntry(_Message):
    """One line of an episode's timeline. `at` is when it happened or was due, `recorded_at` when it was known; UTC."""

    number: int = Field(description="its place in the order in which things became known")
    kind: Literal["fact", "refused", "state", "status", "passed_over", "rules", "earlier_episode", "told"] = Field(
        description="what sort of line it is"
    )
    at: Instant = Field(description="when it happened or was due")
    recorded_at: Instant = Field(description="when it became known")
    text: str = Field(description="the line, in words")
    clock: str | None = Field(default=None, description="the clock it is about")
    rung: str | None = Field(default=None, description="the step of that clock's ladder")
    role: Role | None = Field(default=None, description="who was told")
    state: str | None = Field(default=None, description="how the clock stood from then on")
    fact_id: str | None = Field(default=None, description="the fact it is about")


class TaskRow(_Message):
    """Something a role must do by a time. `key` is the idempotency key; instants are UTC.

    `holder` is the person who has taken it, by the authority's own reference;
    `done_by` the fact that called it done, where no other fact decides.
    """

    key: str
    clock: str | None
    role: Role
    do: str
    due: Instant | None
    state: Literal["open", "done", "withdrawn"]
    opened_at: Instant
    closed_at: Instant | None
    holder: str | None = None
    done_by: str | None = None


class EpisodeChanges(_Message):
    """All that one turn of an episode changes in the store, written at once or not at all.

    `turn` only grows: a turn that was written before, or one older than what is
    there, changes nothing.
    """

    turn: int
    written_at: Instant
    episode: EpisodeRow
    facts: tuple[Fact, ...]
    clocks: tuple[Clock, ...]
    dropped_clocks: tuple[str, ...]
    timeline: tuple[TimelineEntry, ...]
    tasks: tuple[TaskRow, ...]


class NoticeOrder(_Message):
    """A notice to send. `key` is the idempotency key: whatever is retried, one key is one notice. Instants are UTC.

    `at` is the rung's own time, `ordered_at` when the episode decided on it; `ahead` is the episode's, for rehearsals
    (see EpisodeInput). `haste` says when it may
    go out; `channel`, where given, is tried before a person's own. `reach` says whom of the role: with `told` it is
    whoever was told by the notices whose keys are `corrects` and `also_corrects`, or, without, of the absence.
    """

    key: str
    episode_id: str
    authority: str
    clock: str
    rung: str
    role: Role
    channel: Channel | None = None
    needs_ack: bool
    escalates: bool
    says: str
    at: Instant
    due: Instant | None
    ahead: timedelta
    ordered_at: Instant | None = None
    child_id: str | None = None
    haste: Haste = Haste.AT_ONCE
    reach: Reach = "holders"
    corrects: str | None = None
    also_corrects: tuple[str, ...] = ()
    of_absence: bool = False


class NoticeSent(_Message):
    """That a notice is out, whether it had been sent before, and to how many people of the directory."""

    key: str
    again: bool
    people: int = 0


class RolesAsked(_Message):
    """Which roles somebody should hold for a child at an instant (UTC)."""

    authority: str
    child_id: str | None
    roles: tuple[Role, ...]
    at: Instant


class Carried(_Message):
    """What an episode takes with it when its history is begun anew."""

    rules: Rules
    turn: int
    climbs: tuple[Climb, ...]
    aware: dict[str, Aware]
    clocks: tuple[Clock, ...]
    tasks: tuple[TaskRow, ...]
    timeline: tuple[TimelineEntry, ...]
    refusals: tuple[str, ...]
    status: EpisodeStatus | None
    looked_up: bool
    looked_at_directory: bool = False
    sent: tuple[SentNotice, ...] = ()
    told_back: tuple[ToldBack, ...] = ()
    unknown_policies: tuple[str, ...] = ()
    written_entries: int
    written_facts: int


class EpisodeInput(_Message):
    """What an episode begins with. `ahead` is how far its time runs ahead of the engine's: rehearsals only.

    `perhaps_a_duplicate`: whoever reported it could not be asked whether the absence is known by another episode.
    """

    episode_id: str
    authority: str
    child: Child
    policy: str
    policy_version: str | None = None
    child_id: str | None = None
    facts: tuple[Fact, ...] = ()
    ahead: timedelta = timedelta(0)
    longest_history: int | None = None
    carried: Carried | None = None
    perhaps_a_duplicate: bool = False


class WriteAgain(_Message):
    """What the store has of an episode that is to write all it knows again: its `turn`, and the ids of its `clocks`."""

    turn: int = 0
    clocks: tuple[str, ...] = ()


class ClockStanding(_Message):
    """A clock in brief: enough for the person who recorded a fact to see what it did."""

    id: str = Field(description="its id in the policy")
    due: Instant | None = Field(description="when it is due; null: not known yet")
    state: ClockState


class Recorded(_Message):
    """The answer to a recorded fact: whether it was new, and how things stand now."""

    episode_id: str
    fact_id: str
    again: bool
    status: EpisodeStatus
    clocks: tuple[ClockStanding, ...]


class EpisodeState(_Message):
    """How an episode stands, for queries."""

    episode_id: str
    status: EpisodeStatus
    policy: str | None
    policy_version: str | None
    facts: int
    open_tasks: int
    refusals: tuple[str, ...]
    next_wake_at: Instant | None
    next_wake_for: str | None


@activity.defn(name="resolve_policy")
async def resolve_policy(asked: RulesAsked) -> Rules | None:
    """Give the pack and calendar as data, so that they stay in the episode's history.

    None where this worker does not hold them, and the episode has rules.
    """
    raise NotImplementedError


@activity.defn(name="write_episode")
async def write_episode(changes: EpisodeChanges) -> WriteAgain | None:
    """Write the episode, its clocks, timeline and tasks for people to read, in one transaction.

    Answers with what is there, with nothing written, when that was written by
    a task whose end the engine never heard of: the episode does not remember it.
    """
    raise NotImplementedError


@activity.defn(name="send_notice")
async def send_notice(order: NoticeOrder) -> NoticeSent:
    """Send a notice by its channel, once for each key."""
    raise NotImplementedError


@activity.defn(name="earlier_episodes")
async def earlier_episodes(asked: EarlierAsked) -> list[EarlierEpisode]:
    """Look up the child's other episodes."""
    raise NotImplementedError


@activity.defn(name="unheld_roles")
async def unheld_roles(asked: RolesAsked) -> list[Role]:
    """Say which of the roles nobody holds."""
    raise NotImplementedError


ALL_ACTIVITIES: Final = (
    resolve_policy,
    write_episode,
    send_notice,
    earlier_episodes,
    unheld_roles,
    *POST_ACTIVITIES,
)
