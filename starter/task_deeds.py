"""What people do with tasks, said to their episodes: taken, handed over, noted, given back, completed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from activities.policies import Policies
from activities.store import Store
from activities.store.directory import directory_for, everyone
from activities.store.episodes import EpisodeView, episode_view
from activities.store.tasks import TaskView, refused_ids
from starter.applying import Outcome
from starter.commands import Commands
from starter.tasks import (
    ON_THE_COMMAND_LINE,
    FieldNames,
    completing_fact,
    done_with,
    ways_to_complete,
)
from workflows.contracts import ClockStanding
from workflows.fact_kinds import FACTS, FactKind
from workflows.instants import Instant, to_rfc3339
from workflows.names import duty_of
from workflows.plain_errors import BadInputError
from workflows.policy import Pack
from workflows.vocabulary import Role


@dataclass(frozen=True)
class Deed:
    """What a person does with a task, but for completing it. `by` and `to` are references of the directory."""

    kind: FactKind
    by: str
    to: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Completion:
    """How a task was completed: `given` are details of the fact, `chosen` its kind, `at` RFC 3339; now without."""

    by: str
    given: Mapping[str, str] = field(default_factory=dict[str, str])
    chosen: str | None = None
    at: str | None = None
    note: str | None = None


async def do_with_task(
    commands: Commands, task: TaskView, deed: Deed, now: datetime, fact_id: str | None = None
) -> Outcome:
    """Record what a person does with a task, under an id of its own where one is given.

    Raises BadInputError or StoreUnavailableError, with nothing kept. `now` is UTC.
    """
    said = {"id": fact_id, "kind": deed.kind.value, "at": to_rfc3339(now), "recorded_by": deed.by}
    said |= {"task": duty_of(task.key), "person": deed.to, "note": deed.note}
    return await commands.record(task.episode_id, _without_none(said), now)


@dataclass(frozen=True)
class Completing:
    """A task that is to be completed: its policy, and what is to be recorded; None when it is not open any more."""

    task: TaskView
    pack: Pack
    said: dict[str, object] | None


async def completing(
    store: Store,
    policies: Policies,
    authority: str,
    task: TaskView,
    done: Completion,
    *,
    now: datetime,
    called: FieldNames = ON_THE_COMMAND_LINE,
) -> Completing:
    """What is to be recorded to complete a task. Raises BadInputError naming the field. `now` is UTC."""
    async with store.snapshot() as session:
        view = await episode_view(session, authority, task.episode_id)
        spent = await refused_ids(session, task.episode_id)
    pack = pack_of(policies, view)
    if task.state != "open":
        return Completing(task, pack, None)
    spent |= {fact.id for fact in view.facts} if view else set()
    fact = completing_fact(pack, task, done.given, chosen=done.chosen, spent=spent, called=called)
    said = {**fact, "at": done.at or to_rfc3339(now), "recorded_by": done.by, "note": done.note}
    return Completing(task, pack, _without_none(said))


def _without_none(said: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in said.items() if value is not None}


def pack_of(policies: Policies, view: EpisodeView | None) -> Pack:
    """The policy that a task's episode lives by. Raises BadInputError when the episode has not been written."""
    if view is None:
        raise BadInputError("task: its episode has not been written")
    return policies.pack(view.episode["policy"], view.episode["policy_version"])


def still_standing(task: TaskView, outcome: Outcome) -> ClockStanding | None:
    """How the clock of a task that was completed stands, where something is owed by it still; None where nothing is."""
    clocks = outcome.recorded.clocks if outcome.recorded else ()
    standing = next((one for one in clocks if one.id == task.clock), None)
    return standing if standing and standing.state.owed else None


@dataclass(frozen=True)
class TaskDeed:
    """Something that somebody did with a task. `who` is whom it went to; `stands` is False once it was taken back."""

    at: Instant
    kind: FactKind
    by: str
    who: str | None
    note: str | None
    stands: bool

    @property
    def words(self) -> str:
        """What was done, in a few words."""
        return self.words_by({})

    def words_by(self, names: Mapping[str, str]) -> str:
        """The same words, with whoever it went to by the directory's name for them, as far as there is one."""
        to = f": {names.get(self.who, self.who)}" if self.who else ""
        return f"{FACTS[self.kind].words}{to}{'' if self.stands else ' (taken back)'}"


@dataclass(frozen=True)
class TaskInFull:
    """All there is to show of a task: `people` are those its role means now, by name and why them."""

    task: TaskView
    view: EpisodeView | None
    pack: Pack
    people: list[tuple[str, str]]

    @property
    def completed_by(self) -> str:
        """In words, which facts complete it."""
        return ways_to_complete(self.pack, self.task)

    def history(self) -> list[TaskDeed]:
        """What people did with it, in order of time."""
        facts: Any = self.view.facts if self.view else ()
        return [
            TaskDeed(fact.at, fact.kind, fact.recorded_by, fact.details.get("person"), fact.note, stands)
            for fact, stands in done_with(self.task.key, facts)
        ]


async def task_in_full(
    session: AsyncSession, policies: Policies, authority: str, task: TaskView, now: datetime
) -> TaskInFull:
    """Read what there is to show of a task at `now` (UTC). Raises BadInputError for an episode not yet written."""
    view = await episode_view(session, authority, task.episode_id)
    child = view.episode["child_id"] if view else None
    role = Role(task.role)
    directory = await directory_for(session, authority, child, (role,), now)
    names = {row.id: row.name for row in await everyone(session, authority)}
    people = [(names[one.person], one.cover) for one in directory.recipients(role, now, urgent=True)]
    return TaskInFull(task, view, pack_of(policies, view), people)
