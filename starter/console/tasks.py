"""My tasks: what is to be done, for which child, by when and why by me; what I was told and am asked to answer."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.answers import InTray, tray_of
from activities.store.directory import everyone
from activities.store.episode_search import references_of_episodes
from activities.store.tasks import TAKEN, TasksWanted, TaskView, why_of_person
from starter.access import Permission
from starter.api.acting import ME
from starter.api.asking import Asked, AskedBy, needs
from starter.api.bodies import not_refused
from starter.api.directory_bodies import HoldingSaid
from starter.api.paging import Cursor
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.api.v1.directory import give_role
from starter.api.v1.tasks import (
    Doing,
    HandingOver,
    Named,
    Noting,
    Taking,
    TaskShown,
    act_on_task,
    complete_task,
    page_of_tasks,
    place_of,
    seen_task,
)
from starter.api.v1.trays import Answering, answer_notices, hidden_of, whose_tray
from starter.applying import Outcome
from starter.console.asking import PostedBy, console_router, go_to, take_refusal
from starter.console.episode.said import kind_in_words
from starter.console.forms import Mistakes, Posted
from starter.console.kin_words import absence_in_words, others_in_duties, said_of_others
from starter.console.naming import children_called
from starter.console.navigation import TASKS
from starter.console.pages import page
from starter.console.spoken import role_in_words
from starter.task_deeds import task_in_full
from workflows.fact_kinds import FactKind
from workflows.names import ROLES_UNHELD, UNRETURNED_DUTY, duty_of
from workflows.plain_errors import BadInputError, one_line
from workflows.policy_rules import Happening
from workflows.task_holding import completions
from workflows.unheld import asked_for
from workflows.vocabulary import Role

_PAGE: Final = 50
_SEEN: Final = FactKind.ACKNOWLEDGED
_COVER_WORDS: Final = {
    "holder": "you are the {role}",
    "deputy": "you stand in for the {role}, who is not there",
    "on_call": "you are on call for the {role}",
    "stand_in": "nobody is there for the {role}, and you stand in",
    TAKEN: "you took it",
}
_DONE_WORDS: Final = {
    "take": "You have taken it. It is on nobody else's list now.",
    "hand-over": "You have handed it over.",
    "give-back": "You have given it back. Anybody in the role may take it.",
    "note": "Your note is kept.",
    "holder": "It is on record, and open absences look again. The task is done by itself once nobody is missing.",
    "done": "Done.",
    "answered": "Your answer is kept. Nobody else is asked in your place.",
    "seen": "Noted that you have seen them.",
    "kept": "Kept, and NOT YET APPLIED: what runs the clocks does not answer. It is applied, once, as soon as it does.",
}


@dataclass(frozen=True)
class TaskLine:
    """A task in the list: whose child it is about, why it is for whoever looks, and the name of who has taken it."""

    task: TaskShown
    child: str | None
    why: str | None
    taken_by: str | None


Whose = Annotated[Literal["mine", "unclaimed", "all"], Query()]


def router_of(parts: Parts) -> APIRouter:
    """The pages of tasks and of one's tray."""
    router = console_router()
    _add_lists(router, parts)
    _add_task(router, parts)
    return router


def _add_lists(router: APIRouter, parts: Parts) -> None:
    @router.get(TASKS.path)
    @needs(Permission.READ_TASKS)
    async def index(
        asked: AskedBy, whose: Whose = "mine", role: Role | None = None, cursor: Cursor = None, done: str = ""
    ) -> Response:
        """One's own tasks, or everybody's; and what one was told and is asked to answer."""
        async with parts.store.snapshot() as session:
            known = await _is_known(session, asked)
            if whose == "mine" and not known:
                return _index(asked, whose=whose, role=role, known=False, lines=[], told=[], done=done, children={})
            person = asked.principal.person if whose == "mine" else None
            wanted = TasksWanted(state="open", role=role, unclaimed=whose == "unclaimed")
            found = await page_of_tasks(session, asked, wanted, person, at=place_of(cursor), limit=_PAGE)
            lines = await _lines(session, asked, found.items)
            told = await _told(session, asked) if known else []
            children = await children_called(session, asked.authority, {one.line.episode_id for one in told})
        following = _address(whose, role, found.next) if found.next else None
        return _index(
            asked,
            whose=whose,
            role=role,
            known=known,
            lines=lines,
            told=told,
            children=children,
            done=done,
            following=following,
        )

    @router.post(f"{TASKS.path}/answers")
    @needs(Permission.ACT_ON_TASKS)
    async def answer(asked: AskedBy, posted: PostedBy) -> Response:
        """Say that one has seen what one was told, and is looking into it."""
        notices = list(posted.many("notice"))
        if not notices:
            raise BadInputError("notice: choose what you have seen")
        try:
            said = Answering(notices=notices)
        except ValidationError:
            raise BadInputError("notice: choose what you have seen out of your list") from None
        outcomes = await answer_notices(parts, ME, said, asked)
        kept = any(one.state == "kept" for one in outcomes)
        return go_to(f"{TASKS.path}?done={'kept' if kept else 'answered' if outcomes else 'seen'}")


def _add_task(router: APIRouter, parts: Parts) -> None:
    path = "/episodes/{episode_id}/tasks/{duty}"

    @router.get(path)
    @needs(Permission.READ_TASKS)
    async def one(named: Named, asked: AskedBy, done: str = "") -> Response:
        """A task: whose it is and why, what completes it, what was done with it."""
        return await _task_page(parts, asked, named, done=done)

    @router.post(f"{path}/holder")
    @needs(Permission.CHANGE_DIRECTORY)
    async def name_holder(named: Named, asked: AskedBy, posted: PostedBy) -> Response:
        """Name who holds a role that nobody holds, for the task's child alone or for everybody's."""
        mistakes = Mistakes()
        with _taking_mistakes(mistakes, "holder"):
            await give_role(parts, asked, await _holding(parts, asked, named, posted))
            return go_to(f"{_path_of(named)}?done=holder")
        return await _task_page(parts, asked, named, mistakes=mistakes, posted=posted, deed="holder")

    @router.post(f"{path}/{{deed}}")
    @needs(Permission.ACT_ON_TASKS)
    async def do(
        named: Named,
        asked: AskedBy,
        posted: PostedBy,
        deed: Literal["take", "hand-over", "give-back", "note", "done"],
    ) -> Response:
        """Take it, hand it over, give it back, note something on it, or call it done."""
        mistakes = Mistakes()
        with _taking_mistakes(mistakes, deed):
            outcome = await _deed(parts, asked, named, deed, posted)
            not_refused(outcome)
            return go_to(f"{_path_of(named)}?done={'kept' if outcome.state == 'kept' else deed}")
        if deed == "done" and "note" in mistakes.by_field:
            mistakes.add(deed, mistakes.by_field.pop("note"))
        return await _task_page(parts, asked, named, mistakes=mistakes, posted=posted, deed=deed)


@contextmanager
def _taking_mistakes(mistakes: Mistakes, otherwise: str) -> Generator[None]:
    """Note what cannot be used in a task's form, by its field or by another's name; raise what no form can mend."""
    try:
        yield
    except ValidationError as error:
        mistakes.take(BadInputError(_in_one_line(error)), otherwise)
    except BadInputError as error:
        mistakes.take(error, otherwise)
    except ProblemError as error:
        take_refusal(error, mistakes, Problem.CANNOT_BE_USED, Problem.KEY_REUSED, otherwise=otherwise)


def _in_one_line(error: ValidationError) -> str:
    """The first thing wrong with what a form says, by its field; a text too long is not said again."""
    first = error.errors(include_url=False)[0]
    most = first.get("ctx", {}).get("max_length")
    if most is not None:
        return f"{first['loc'][0]}: must have at most {most} characters"
    return one_line(error)


async def _deed(parts: Parts, asked: Asked, named: str, deed: str, posted: Posted) -> Outcome:
    note = posted.one("note") or None
    match deed:
        case "take":
            return await act_on_task(parts, named, FactKind.TASK_TAKEN, Taking(note=note), asked)
        case "give-back":
            return await act_on_task(parts, named, FactKind.TASK_GIVEN_BACK, Taking(note=note), asked)
        case "hand-over":
            if not posted.one("to"):
                raise BadInputError("to: choose who has it from now on")
            said = HandingOver(to=posted.one("to"), note=note)
            return await act_on_task(parts, named, FactKind.TASK_HANDED_OVER, said, asked)
        case "note":
            if note is None:
                raise BadInputError("note: write the note")
            return await act_on_task(parts, named, FactKind.TASK_NOTED, Noting(note=note), asked)
        case _:
            return (await complete_task(parts, named, Doing(note=note), asked))[1]


async def _holding(parts: Parts, asked: Asked, named: str, posted: Posted) -> HoldingSaid:
    """What a form says of who holds a role from now on. Raises BadInputError, or ProblemError for no such task."""
    async with parts.store.snapshot() as session:
        task = await seen_task(session, asked, named)
        numbers = await references_of_episodes(session, asked.authority, {task.episode_id})
    role, number = posted.one("role"), numbers.get(task.episode_id)
    if role not in _unheld(task):
        raise BadInputError("role: choose a role that nobody holds")
    if not posted.one("person"):
        raise BadInputError("person: choose who it is")
    if posted.one("whose") not in ("child", "all"):
        raise BadInputError("whose: say for whom")
    whose: dict[str, str] = {}
    if posted.one("whose") == "child":
        if number is None:
            raise BadInputError("whose: this child has no number yet, by which it could be kept")
        whose = {"scope": "child", "for": number}
    return HoldingSaid.model_validate({"role": role, "person": posted.one("person"), **whose})


def _index(asked: Asked, *, done: str, following: str | None = None, **shown: Any) -> Response:
    return page(
        asked, "tasks.html.j2", TASKS.id, said=_DONE_WORDS.get(done), following=following, roles=list(Role), **shown
    )


def _address(whose: str, role: Role | None, cursor: str) -> str:
    asked = {"whose": whose, "role": role.value if role else None, "cursor": cursor}
    return f"{TASKS.path}?{urlencode({name: value for name, value in asked.items() if value})}"


def _path_of(named: str) -> str:
    episode_id, duty = named.split("/", 1)
    return f"/episodes/{episode_id}/tasks/{duty}"


async def _is_known(session: AsyncSession, asked: Asked) -> bool:
    """Whether the directory knows whoever asks."""
    try:
        await whose_tray(session, asked, ME)
    except ProblemError:
        return False
    return True


async def _lines(session: AsyncSession, asked: Asked, tasks: list[TaskShown]) -> list[TaskLine]:
    others = await others_in_duties(session, asked.authority, [task.key for task in tasks if task.key])
    tasks = [task.model_copy(update={"do": said_of_others(task.do, others)}) if task.do else task for task in tasks]
    seen = [task for task in tasks if not task.hidden]
    called = await children_called(session, asked.authority, {task.episode_id for task in seen})
    me = asked.principal.person
    views = [TaskView.model_validate(task) for task in seen]
    why = await why_of_person(session, asked.authority, me, views, asked.now) if me else {}
    names = {one.reference: one.name for one in await everyone(session, asked.authority)}
    return [
        TaskLine(task, called.get(task.episode_id), _why(task, why), names.get(task.holder or "", task.holder))
        for task in tasks
    ]


def _why(task: TaskShown, why: dict[str, str]) -> str | None:
    cover = why.get(task.key or "")
    return _COVER_WORDS.get(cover, cover).format(role=role_in_words(task.role)) if cover else None


async def _told(session: AsyncSession, asked: Asked) -> list[InTray]:
    lying = await tray_of(session, await whose_tray(session, asked, ME))
    hidden = await hidden_of(session, asked, lying)
    shown = [one for one in lying if one.line.episode_id not in hidden]
    asked.saw(*sorted({one.line.episode_id for one in shown}))
    return shown


async def _task_page(
    parts: Parts,
    asked: Asked,
    named: str,
    *,
    done: str = "",
    mistakes: Mistakes | None = None,
    posted: Posted | None = None,
    deed: str = "",
) -> Response:
    async with parts.store.snapshot() as session:
        task = await seen_task(session, asked, named)
        full = await task_in_full(session, parts.policies, asked.authority, task, asked.now)
        people = await everyone(session, asked.authority)
        called = await children_called(session, asked.authority, {task.episode_id})
        numbers = await references_of_episodes(session, asked.authority, {task.episode_id})
        me = asked.principal.person
        why = await why_of_person(session, asked.authority, me, [task], asked.now) if me else {}
        others = await others_in_duties(session, asked.authority, [task.key])
    ways = completions(duty_of(task.key), task.clock, task.role, full.pack)
    return page(
        asked,
        "task.html.j2",
        TASKS.id,
        status=422 if mistakes else 200,
        task=task,
        do=said_of_others(task.do, others),
        others=[(id, absence_in_words(one)) for id, one in others.items()],
        path=_path_of(named),
        child=called[task.episode_id],
        reference=numbers.get(task.episode_id),
        full=full,
        cover_words={key: words.format(role=role_in_words(task.role)) for key, words in _COVER_WORDS.items()},
        why=why.get(task.key),
        mine=bool(me) and task.holder == me,
        names={one.reference: one.name for one in people},
        ways=[_way(task, one) for one in ways if one.fact is not _SEEN],
        completed_by=" or ".join(kind_in_words(way.fact, way.where) for way in ways),
        unheld=_unheld(task),
        other=_other_absence(task),
        by_word=not ways or any(way.fact is _SEEN for way in ways),
        said=_DONE_WORDS.get(done),
        mistakes=mistakes or Mistakes(),
        posted=posted or Posted(),
        deed=deed,
    )


def _way(task: TaskView, way: Happening) -> tuple[str, str]:
    """A way to complete a task, in words, and where it is recorded."""
    return kind_in_words(way.fact, way.where), _record_path(task, way.fact, dict(way.where))


def _unheld(task: TaskView) -> list[Role]:
    """The roles that a task asks to be given to somebody: none, but of the task that says that nobody holds them."""
    if duty_of(task.key) != ROLES_UNHELD:
        return []
    return list(asked_for(task.do))


def _other_absence(task: TaskView) -> str | None:
    """Where the other absence is whose return a task asks for."""
    duty = duty_of(task.key)
    other = duty.removeprefix(UNRETURNED_DUTY)
    return f"/episodes/{other}" if other != duty else None


def _record_path(task: TaskView, kind: FactKind, where: dict[str, str]) -> str:
    query = f"?{urlencode(where)}" if where else ""
    return f"/episodes/{task.episode_id}/record/{kind.value}{query}"
