"""Tasks: what is to be done, by whom, by when; taking one, handing it over, giving it back, noting, completing.

A task's key is its episode's id and its duty with a slash between. The slash
stands in the path as itself, between the two it parts: sent as %2F, servers in
between take it for a slash, or refuse it.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import inbox
from activities.store.tasks import (
    FIRST_PLACE,
    TaskPlace,
    TaskState,
    TasksWanted,
    TaskView,
    task_of,
    tasks_after,
    tasks_of_person,
)
from starter.access import Permission, permission_to_record
from starter.api.acting import acting_person, known_person, recorded_by
from starter.api.asking import KEYED, Asked, AskedBy, asked_router, needs
from starter.api.bodies import Answer, Became, Reference, Sent, became, kept_as
from starter.api.once import key_id, one_request
from starter.api.paging import Cursor, Limit, Page, cursor_after, instant_in_cursor, read_cursor
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError, cannot_be_used
from starter.api.seeing import seen_episode
from starter.applying import Outcome
from starter.kin_sight import duties_left_out
from starter.reports import Words
from starter.sight import hidden_among
from starter.task_deeds import Completion, Deed, completing, do_with_task, still_standing, task_in_full
from starter.tasks import IN_A_REQUEST
from workflows.fact_kinds import FactKind
from workflows.facts import Fact
from workflows.instants import Instant, to_rfc3339
from workflows.names import derived_id, duty_of, episode_of_task, task_key
from workflows.vocabulary import Role

_AT_ONCE: Final = 500
"""How many tasks are looked through at once for those of one person."""


class TaskShown(Answer):
    """A task. Of a need-to-know child, whoever is not close sees that there is one, for whom, by when, and no more."""

    episode_id: str = Field(description="its episode")
    hidden: bool = Field(description="whether only that it is there may be seen: then what is null is not for you")
    key: str | None = Field(description="its key: the episode's id and the duty, with a slash between")
    duty: str | None = Field(description="what it serves: a clock's id, or what raised it; the last step of its path")
    clock: str | None = Field(description="the clock that it serves, if it serves one")
    do: str | None = Field(description="what is to be done")
    role: Role = Field(description="the role that owes it")
    due: Instant | None = Field(description="by when; null where it has no time of its own")
    overdue: bool = Field(description="whether it is open and its time has passed")
    state: TaskState = Field(description="`withdrawn`: nothing is asked any more")
    opened_at: Instant = Field(description="since when it is to be done")
    closed_at: Instant | None = Field(description="when it was done or withdrawn")
    holder: str | None = Field(description="who has taken it, by the directory's reference")


class WhoseTask(Answer):
    """A person whom a task's role means now."""

    name: str = Field(description="the person's name")
    cover: str = Field(description="why that person: `holder`, or how they stand in")


class DoneWithTask(Answer):
    """Something that somebody did with a task."""

    at: Instant = Field(description="when")
    kind: FactKind = Field(description="what, as the kind of fact that says so")
    words: str = Field(description="what, in words")
    by: str = Field(description="who recorded it")
    note: str | None = Field(description="what they wrote with it")
    stands: bool = Field(description="false once it was taken back")


class TaskInFullShown(TaskShown):
    """A task with whose it is, what completes it, and what was done with it."""

    completed_by: str = Field(description="in words, which facts complete it; empty: it is done once called done")
    people: list[WhoseTask] = Field(description="whom its role means now")
    history: list[DoneWithTask] = Field(description="what people did with it, the earliest first")


By = Annotated[
    Reference | None,
    Field(description="for systems: whom it speaks for, by the directory's reference; a person names nobody else"),
]
Note = Annotated[Words | None, Field(description="a note")]


class Taking(Sent):
    """Taking a task, or giving it back."""

    by: By = None
    note: Note = None


class HandingOver(Taking):
    """Handing a task over."""

    to: Annotated[Reference, Field(description="who has it from now on, by the directory's reference")]


class Noting(Sent):
    """Writing a note on a task."""

    by: By = None
    note: Annotated[Words, Field(description="the note")]


class Doing(Sent):
    """Completing a task, by the fact that its clock waits for."""

    by: By = None
    kind: FactKind | None = Field(default=None, description="which fact, where several complete it")
    at: Instant | None = Field(default=None, description="when it was done, RFC 3339 with an offset; now without")
    details: dict[str, Words] = Field(
        default_factory=dict[str, str], max_length=30, description="details of that fact, by name"
    )
    note: Note = None


def _named(
    episode_id: Annotated[str, Path(max_length=100, description="an episode's id")],
    duty: Annotated[str, Path(max_length=100, description="what the task serves: its `duty`")],
) -> str:
    return task_key(episode_id, duty)


Named = Annotated[str, Depends(_named)]
"""The key of the task that a path names."""


class TaskDone(Became):
    """What became of completing a task."""

    still_owed: bool | None = Field(
        description="whether its clock asks for it still, as a review's does for the next; null: not known yet"
    )
    due_again: Instant | None = Field(description="by when it is owed then")


def router_of(parts: Parts) -> APIRouter:
    """The routes of tasks."""
    router = asked_router("tasks", Problem.NEED_TO_KNOW, Problem.REFUSED, Problem.KEY_REUSED)
    _add_reading(router, parts)
    _add_acting(router, parts)
    _add_completing(router, parts)
    return router


def _add_reading(router: APIRouter, parts: Parts) -> None:
    @router.get("/tasks", operation_id="list_tasks")
    @needs(Permission.READ_TASKS)
    async def index(  # noqa: PLR0917 - each is a filter
        asked: AskedBy,
        role: Annotated[Role | None, Query(description="only this role's")] = None,
        clock: Annotated[str | None, Query(max_length=100, description="only this clock's")] = None,
        person: Annotated[
            str | None,
            Query(
                max_length=500,
                description="only this person's, by the directory's reference, or `me`: taken, or of a role held or "
                "stood in for and not taken",
            ),
        ] = None,
        unclaimed: Annotated[bool, Query(description="only those nobody has taken")] = False,
        episode: Annotated[str | None, Query(max_length=100, description="only this episode's")] = None,
        state: Annotated[TaskState, Query(description="only those that stand so")] = "open",
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[TaskShown]:
        """List tasks in the order in which they fall due; those without a time come first."""
        wanted = TasksWanted(state=state, role=role, clock=clock, episode_id=episode, unclaimed=unclaimed)
        async with parts.store.snapshot() as session:
            who = await known_person(session, asked, person, "person") if person is not None else None
            return await page_of_tasks(session, asked, wanted, who, at=place_of(cursor), limit=limit)

    @router.get("/episodes/{episode_id}/tasks/{duty}", operation_id="show_task")
    @needs(Permission.READ_TASKS)
    async def one(named: Named, asked: AskedBy) -> TaskInFullShown:
        """Show a task: whose it is and why, what completes it, and what was done with it."""
        async with parts.store.snapshot() as session:
            task = await seen_task(session, asked, named)
            full = await task_in_full(session, parts.policies, asked.authority, task, asked.now)
        return TaskInFullShown(
            **_shown(task, asked, hidden=False).model_dump(),
            completed_by=full.completed_by,
            people=[WhoseTask(name=name, cover=cover) for name, cover in full.people],
            history=[
                DoneWithTask(at=d.at, kind=d.kind, words=d.words, by=d.by, note=d.note, stands=d.stands)
                for d in full.history()
            ],
        )


async def act_on_task(parts: Parts, named: str, kind: FactKind, said: Taking | Noting, asked: Asked) -> Outcome:
    """Record what somebody does with a task, once by the request's key. Raises ProblemError."""
    to = said.to if isinstance(said, HandingOver) else None
    async with parts.store.snapshot() as session:
        task = await seen_task(session, asked, named)
        person = await acting_person(session, asked, said.by)
        if kind is FactKind.TASK_TAKEN:
            if person is None:
                raise cannot_be_used("by: must name who takes it")
            to = person
        elif to is not None:
            to = await known_person(session, asked, to, "to")
    deed = Deed(kind, recorded_by(asked, person), to=to, note=said.note)
    async with one_request(parts.store, asked, said, where=f"{kind} {task.key}"):
        return await do_with_task(parts.commands_of(asked), task, deed, asked.now, fact_id(asked))


def _add_acting(router: APIRouter, parts: Parts) -> None:
    path = "/episodes/{episode_id}/tasks/{duty}"

    @router.post(f"{path}/take", operation_id="take_task", dependencies=KEYED, responses=kept_as(Became))
    @needs(Permission.ACT_ON_TASKS)
    async def take(named: Named, asked: AskedBy, response: Response, said: Taking | None = None) -> Became:
        """Take a task: from now on it is yours, and nobody else's list shows it."""
        return became(await act_on_task(parts, named, FactKind.TASK_TAKEN, said or Taking(), asked), response)

    @router.post(f"{path}/hand-over", operation_id="hand_task_over", dependencies=KEYED, responses=kept_as(Became))
    @needs(Permission.ACT_ON_TASKS)
    async def hand_over(named: Named, asked: AskedBy, response: Response, said: HandingOver) -> Became:
        """Hand a task over to somebody else, whoever has it."""
        return became(await act_on_task(parts, named, FactKind.TASK_HANDED_OVER, said, asked), response)

    @router.post(f"{path}/give-back", operation_id="give_task_back", dependencies=KEYED, responses=kept_as(Became))
    @needs(Permission.ACT_ON_TASKS)
    async def give_back(named: Named, asked: AskedBy, response: Response, said: Taking | None = None) -> Became:
        """Give a task back: it is its role's again, and anybody in that role may take it."""
        return became(await act_on_task(parts, named, FactKind.TASK_GIVEN_BACK, said or Taking(), asked), response)

    @router.post(f"{path}/notes", operation_id="note_on_task", dependencies=KEYED, responses=kept_as(Became))
    @needs(Permission.ACT_ON_TASKS)
    async def note(named: Named, asked: AskedBy, response: Response, said: Noting) -> Became:
        """Write a note on a task, open or closed."""
        return became(await act_on_task(parts, named, FactKind.TASK_NOTED, said, asked), response)


def _add_completing(router: APIRouter, parts: Parts) -> None:
    @router.post(
        "/episodes/{episode_id}/tasks/{duty}/done",
        operation_id="complete_task",
        dependencies=KEYED,
        responses=kept_as(TaskDone),
    )
    @needs(Permission.ACT_ON_TASKS)
    async def done(named: Named, asked: AskedBy, response: Response, said: Doing) -> TaskDone:
        """Complete a task, by recording the fact that its clock waits for. It needs the permission to record that."""
        task, outcome = await complete_task(parts, named, said, asked)
        made = became(outcome, response)
        standing = still_standing(task, outcome)
        owed = standing is not None if outcome.recorded else None
        return TaskDone(**made.model_dump(), still_owed=owed, due_again=standing.due if standing else None)


async def complete_task(parts: Parts, named: str, said: Doing, asked: Asked) -> tuple[TaskView, Outcome]:
    """Record the fact that completes a task, once by the request's key. Raises ProblemError or BadInputError."""
    async with parts.store.snapshot() as session:
        task = await seen_task(session, asked, named)
        person = await acting_person(session, asked, said.by)
    at = to_rfc3339(said.at) if said.at else None
    how = Completion(recorded_by(asked, person), said.details, said.kind, at, said.note)
    async with one_request(parts.store, asked, said, where=f"done {task.key}"):
        return task, await _complete(parts, asked, task, how)


async def _complete(parts: Parts, asked: Asked, task: TaskView, how: Completion) -> Outcome:
    """Record what completes a task, or put to the engine again what this same request recorded before."""
    mine, commands = fact_id(asked), parts.commands_of(asked)
    async with parts.store.snapshot() as session:
        before = await inbox.item(session, mine)
    if before is not None:
        said = Fact.model_validate(before.body).model_dump(mode="json", exclude_none=True)
        return await commands.record(task.episode_id, said.pop("details") | said, asked.now)
    made = await completing(parts.store, parts.policies, asked.authority, task, how, now=asked.now, called=IN_A_REQUEST)
    if made.said is None:
        raise ProblemError(Problem.REFUSED, f"task: it is {task.state} already")
    asked.require(permission_to_record(FactKind(str(made.said["kind"]))))
    return await commands.record(task.episode_id, {**made.said, "id": mine}, asked.now)


def fact_id(asked: Asked) -> str:
    """The id of the one fact that a request says: the same each time it is sent."""
    return derived_id(key_id(asked), "task")


async def seen_task(session: AsyncSession, asked: Asked, named: str) -> TaskView:
    """A task that the request may see. Raises ProblemError: not found, or need to know."""
    # Which tasks an episode has is for those who may see it: that is asked first.
    await seen_episode(session, asked, episode_of_task(named))
    task = await task_of(session, asked.authority, named)
    if task is None or await duties_left_out(session, asked.principal, [duty_of(named)], asked.now):
        raise ProblemError(Problem.NOT_FOUND)
    return task


async def page_of_tasks(
    session: AsyncSession, asked: Asked, wanted: TasksWanted, person: str | None, *, at: TaskPlace, limit: int
) -> Page[TaskShown]:
    """A page of tasks from a place on; those of one person are picked from all that there are.

    What a hidden task is about, and who has it, must not be told by asking for
    it: it is passed over then, also by the cursor. So is a task that would tell
    of another episode which is hidden.
    """
    found: list[tuple[TaskView, TaskPlace]] = []
    hidden = set[str]()
    would_tell = wanted.clock is not None or person not in (None, asked.principal.person)
    size = limit + 1 if person is None else _AT_ONCE
    place, more = at, True
    while more and len(found) <= limit:
        tasks = await tasks_after(session, asked.authority, wanted, place, size)
        more = len(tasks) == size
        hidden |= await hidden_among(session, asked.principal, {task.episode_id for task in tasks}, asked.now)
        untold = await duties_left_out(session, asked.principal, {duty_of(task.key) for task in tasks}, asked.now)
        mine = {task.key for task in tasks if duty_of(task.key) not in untold}
        if person is not None:
            theirs = await tasks_of_person(session, asked.authority, person, tasks, asked.now)
            mine &= {task.key for task in theirs}
        for task in tasks:
            place = place.after(task)
            if task.key in mine and not (would_tell and task.episode_id in hidden):
                found.append((task, place))
    tasks = [task for task, _ in found[:limit]]
    asked.saw(*sorted({task.episode_id for task in tasks}))
    shown = [_shown(task, asked, hidden=task.episode_id in hidden) for task in tasks]
    return Page(items=shown, next=_cursor(found[limit - 1][1]) if len(found) > limit else None)


def _shown(task: TaskView, asked: Asked, *, hidden: bool) -> TaskShown:
    late = task.state == "open" and task.due is not None and task.due < asked.now
    about = {
        "key": task.key,
        "duty": duty_of(task.key),
        "clock": task.clock,
        "do": task.do,
        "holder": task.holder,
    }
    open_to_all = task.model_dump(include={"episode_id", "role", "due", "state", "opened_at", "closed_at"})
    return TaskShown.model_validate(
        open_to_all | {"hidden": hidden, "overdue": late} | (dict.fromkeys(about) if hidden else about)
    )


def _cursor(place: TaskPlace) -> str:
    due = to_rfc3339(place.due) if place.due else ""
    return cursor_after(due, to_rfc3339(place.opened_at), place.episode_id, place.passed)


def place_of(cursor: str | None) -> TaskPlace:
    """The place in the list that a cursor stands for. Raises ProblemError for what is no cursor."""
    values = read_cursor(cursor, str, str, str, int)
    if values is None:
        return FIRST_PLACE
    due, opened_at, episode_id, passed = values
    return TaskPlace(
        due=instant_in_cursor(due) if due else None,
        opened_at=instant_in_cursor(opened_at),
        episode_id=episode_id,
        passed=max(0, passed),
    )
