"""Commands about tasks: what is to be done, by whom; take one, hand it over, note, give back, complete."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from activities.store.directory import directory_for, everyone, person_id
from activities.store.episodes import EpisodeView, episode_view
from activities.store.tasks import TaskView, open_tasks, refused_ids, task_beginning, tasks_of_person
from starter.cli.episodes import SHORTEST_ID, AsJson, pairs
from starter.cli.say import EXIT_BAD_INPUT, EXIT_KEPT, complain, moment, say, say_json, say_table
from starter.cli.wiring import Wired, run_async, wired
from starter.commands import Outcome
from starter.tasks import completing_fact, done_with, lateness, ways_to_complete
from workflows.fact_kinds import FACTS, FactKind
from workflows.instants import in_words, to_rfc3339
from workflows.names import duty_of
from workflows.plain_errors import BadInputError
from workflows.policy import Pack
from workflows.vocabulary import ROLE_WORDS, ClockKind, Role

task_app = typer.Typer(
    help="One task: take it, hand it over, note, give it back, complete it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Task = Annotated[str, typer.Argument(metavar="TASK", help="a task as 'homeward tasks' shows it, or its beginning")]
By = Annotated[str, typer.Option("--by", metavar="PERSON", help="who does it: a person's reference in the directory")]
Note = Annotated[str | None, typer.Option("--note", help="a note")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("tasks")(tasks)
    app.add_typer(task_app, name="task")


def tasks(
    role: Annotated[str | None, typer.Option(help="only this role's")] = None,
    clock: Annotated[str | None, typer.Option(help="only this clock's, such as response_review")] = None,
    person: Annotated[
        str | None, typer.Option(help="only this person's: taken, or of a role held or stood in for")
    ] = None,
    unclaimed: Annotated[bool, typer.Option("--unclaimed", help="only those nobody has taken")] = False,
    as_json: AsJson = False,
) -> None:
    """List the open tasks, the earliest due first."""
    if role is not None and role not in set(Role):
        raise BadInputError(f"--role: '{role}' is unknown; use one of {', '.join(Role)}")
    now = datetime.now(UTC)

    async def work() -> list[TaskView]:
        async with wired() as here:
            if person is not None:
                await _require_person(here, person, "--person")
            async with here.store.snapshot() as session:
                found = await open_tasks(session, here.settings.authority, role, clock, unclaimed=unclaimed)
                if person is None:
                    return found
                return await tasks_of_person(session, here.settings.authority, person, found, now)

    found = run_async(work())
    if as_json:
        said = [task.model_dump(mode="json") | {"overdue": lateness(task.due, now) is not None} for task in found]
        say_json(said)
        return
    rows = [[_by_when(task, now), task.role, task.holder or "-", task.do, task.key] for task in found]
    say_table(["By", "Who", "Taken by", "What", "Task"], rows)


def _by_when(task: TaskView, now: datetime) -> str:
    late = lateness(task.due, now)
    return f"{moment(task.due)}, {late}" if late else moment(task.due)


@task_app.command("take")
def take(task: Task, by: By, as_json: AsJson = False) -> int:
    """Take a task: from now on it is yours, and nobody else's list shows it."""
    return _do(_Deed(FactKind.TASK_TAKEN, task, by, to=by), as_json=as_json)


@task_app.command("hand-over")
def hand_over(
    task: Task,
    to: Annotated[str, typer.Option("--to", metavar="PERSON", help="who has it from now on")],
    by: By,
    note: Note = None,
    as_json: AsJson = False,
) -> int:
    """Hand a task over to somebody else, whoever has it."""
    return _do(_Deed(FactKind.TASK_HANDED_OVER, task, by, to=to, note=note), as_json=as_json)


@task_app.command("note")
def write_note(
    task: Task, by: By, note: Annotated[str, typer.Option("--note", help="the note")], as_json: AsJson = False
) -> int:
    """Write a note on a task, open or closed."""
    return _do(_Deed(FactKind.TASK_NOTED, task, by, note=note), as_json=as_json)


@task_app.command("give-back")
def give_back(task: Task, by: By, note: Note = None, as_json: AsJson = False) -> int:
    """Give a task back: it is its role's again, and anybody in that role may take it."""
    return _do(_Deed(FactKind.TASK_GIVEN_BACK, task, by, note=note), as_json=as_json)


@dataclass(frozen=True)
class _Deed:
    """What a person does with a task, as the command line says it."""

    kind: FactKind
    task: str
    by: str
    to: str | None = None
    note: str | None = None


def _do(deed: _Deed, *, as_json: bool) -> int:
    now = datetime.now(UTC)

    async def work() -> tuple[TaskView, Outcome]:
        async with wired() as here:
            task = await _whole_task(here, deed.task)
            await _require_person(here, deed.by, "--by")
            if deed.to is not None:
                await _require_person(here, deed.to, "--to")
            said: dict[str, object] = {"kind": deed.kind.value, "at": to_rfc3339(now), "recorded_by": deed.by}
            said |= {"task": duty_of(task.key), "person": deed.to, "note": deed.note}
            data = {name: value for name, value in said.items() if value is not None}
            return task, await here.commands.record(task.episode_id, data, now)

    task, outcome = run_async(work())
    to = f" by {deed.to}" if deed.kind is FactKind.TASK_TAKEN else f" to {deed.to}" if deed.to else ""
    return _say_outcome(outcome, f"{FACTS[deed.kind].words.capitalize()}{to}: {task.do}", as_json=as_json)


@task_app.command("done")
def done(  # noqa: PLR0917 - each is an option of the command line
    task: Task,
    by: By,
    kind: Annotated[
        str | None, typer.Option("--as", metavar="FACT", help="which fact, where several complete it")
    ] = None,
    at: Annotated[str | None, typer.Option(help="when it was done, RFC 3339 with an offset; now, if not given")] = None,
    more: Annotated[list[str] | None, typer.Option("--set", help="a detail of that fact, as name=value")] = None,
    note: Note = None,
    as_json: AsJson = False,
) -> int:
    """Complete a task, by recording the fact that its clock waits for."""
    now, given = datetime.now(UTC), pairs(more or [])

    async def work() -> tuple[TaskView, Pack, Outcome | None]:
        async with wired() as here:
            found = await _whole_task(here, task)
            await _require_person(here, by, "--by")
            async with here.store.snapshot() as session:
                view = await episode_view(session, here.settings.authority, found.episode_id)
                spent = await refused_ids(session, found.episode_id)
            pack = _pack_of(here, view)
            if found.state != "open":
                return found, pack, None
            spent |= {fact.id for fact in view.facts} if view else set()
            fact = completing_fact(pack, found, given, chosen=kind, spent=spent)
            said = {**fact, "at": at or to_rfc3339(now), "recorded_by": by, "note": note}
            data = {name: value for name, value in said.items() if value is not None}
            return found, pack, await here.commands.record(found.episode_id, data, now)

    found, pack, outcome = run_async(work())
    if outcome is None and found.state != "done":
        raise BadInputError(f"task: it is {found.state}: nothing is asked any more")
    if outcome is None or outcome.again:
        if as_json:
            say_json({"task": found.key, "state": "done", "again": True})
        else:
            say(f"Done already: {found.do}")
        return 0
    return _say_outcome(outcome, _done_words(found, pack, outcome), as_json=as_json)


def _done_words(task: TaskView, pack: Pack, outcome: Outcome) -> str:
    """That a task is done; for a review, when the next is due; or that what was recorded did not settle its clock."""
    clocks = outcome.recorded.clocks if outcome.recorded else ()
    standing = next((one for one in clocks if one.id == task.clock), None)
    if standing is None or not standing.state.owed:
        return f"Done: {task.do}"
    if pack.clocks[standing.id].kind is ClockKind.REVIEW:
        return f"Done for now: {task.do}; again by {moment(standing.due)}"
    return f"Recorded, and still to do: {task.do}; 'homeward show {task.episode_id}' says why"


def _say_outcome(outcome: Outcome, words: str, *, as_json: bool) -> int:
    if as_json:
        say_json(outcome.model_dump(mode="json"))
    if outcome.state == "refused":
        complain(outcome.reason or "refused")
        return EXIT_BAD_INPUT
    if outcome.state == "kept":
        complain(f"{outcome.reason}: it is kept, not yet applied; it is applied when the engine is back")
        return EXIT_KEPT
    if not as_json:
        say(words)
    return 0


@task_app.command("show")
def show(task: Task, as_json: AsJson = False) -> None:
    """Show a task: what, for which episode, by when, whose it is and why, and what was done with it."""
    now = datetime.now(UTC)

    async def work() -> _Shown:
        async with wired() as here:
            found = await _whole_task(here, task)
            async with here.store.snapshot() as session:
                view = await episode_view(session, here.settings.authority, found.episode_id)
                child = view.episode["child_id"] if view else None
                authority, role = here.settings.authority, Role(found.role)
                directory = await directory_for(session, authority, child, (role,), now)
                names = {row.id: row.name for row in await everyone(session, authority)}
            people = [(names[one.person], one.cover) for one in directory.recipients(role, now, urgent=True)]
            return _Shown(found, view, _pack_of(here, view), people)

    shown = run_async(work())
    if as_json:
        say_json(shown.as_data(now))
        return
    _say_task(shown, now)


@dataclass(frozen=True)
class _Shown:
    """What there is to show of a task: `people` are those its role means now, and why them."""

    task: TaskView
    view: EpisodeView | None
    pack: Pack
    people: list[tuple[str, str]]

    def rows(self) -> list[list[str]]:
        """What people did with it: when, what, who says so, the note."""
        done = done_with(self.task.key, self.view.facts if self.view else ())
        return [
            [in_words(f.at), _deed_words(f.kind, f.details, stands=stands), f.recorded_by, f.note or ""]
            for f, stands in done
        ]

    def as_data(self, now: datetime) -> dict[str, Any]:
        history = [dict(zip(("when", "what", "by", "note"), row, strict=True)) for row in self.rows()]
        people = [{"name": name, "cover": cover} for name, cover in self.people]
        said = {"completed_by": ways_to_complete(self.pack, self.task), "people": people, "history": history}
        return self.task.model_dump(mode="json") | {"overdue": lateness(self.task.due, now) is not None} | said


def _deed_words(kind: FactKind, details: dict[str, str], *, stands: bool) -> str:
    who = f": {details['person']}" if "person" in details else ""
    return f"{FACTS[kind].words}{who}{'' if stands else ' (taken back)'}"


def _say_task(shown: _Shown, now: datetime) -> None:
    task, view = shown.task, shown.view
    say(task.do)
    child = f", child {view.child_reference}" if view and view.child_reference else ""
    say(f"Episode {task.episode_id}{child}")
    closed = f" {in_words(task.closed_at)}" if task.closed_at else ""
    say(f"{task.state.capitalize()}{closed}; by {_by_when(task, now) if task.state == 'open' else moment(task.due)}")
    people = ", ".join(
        name if cover == "holder" else f"{name} ({cover.replace('_', ' ')})" for name, cover in shown.people
    )
    say(f"For the {ROLE_WORDS[Role(task.role)]}: {people or 'nobody on record'}")
    say(f"Taken by {task.holder}" if task.holder else "Nobody has taken it")
    if how := ways_to_complete(shown.pack, task):
        say(f"Done by recording {how}")
    if rows := shown.rows():
        say()
        say_table(["When", "What", "Who", "Note"], rows)


async def _whole_task(here: Wired, beginning: str) -> TaskView:
    """The task whose key begins so. Raises BadInputError when there is none, or more than one."""
    if len(beginning) < SHORTEST_ID:
        raise BadInputError(f"task: '{beginning}' is too short; 'homeward tasks' shows them")
    async with here.store.session() as session:
        found = await task_beginning(session, here.settings.authority, beginning)
    if len(found) != 1:
        raise BadInputError(f"task: {'more than one task begins' if found else 'no task begins'} '{beginning}'")
    return found[0]


async def _require_person(here: Wired, reference: str, field: str) -> None:
    async with here.store.session() as session:
        if await person_id(session, here.settings.authority, reference) is None:
            raise BadInputError(
                f"{field}: there is no such person in the directory; 'homeward directory show' lists them"
            )


def _pack_of(here: Wired, view: EpisodeView | None) -> Pack:
    if view is None:
        raise BadInputError("task: its episode has not been written")
    return here.policies.pack(view.episode["policy"], view.episode["policy_version"])
