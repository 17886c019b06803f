"""Commands about tasks: what is to be done, by whom; take one, hand it over, note, give back, complete."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from activities.store.directory import person_id
from activities.store.tasks import TaskView, open_tasks, task_beginning, tasks_of_person
from starter.access import Permission, needs
from starter.applying import Outcome
from starter.cli.episodes import SHORTEST_ID, AsJson, pairs, require_to_record, say_outcome
from starter.cli.say import moment, say, say_json, say_table
from starter.cli.wiring import Wired, run_async, wired
from starter.task_deeds import (
    Completing,
    Completion,
    Deed,
    TaskInFull,
    completing,
    do_with_task,
    still_standing,
    task_in_full,
)
from starter.tasks import lateness
from workflows.fact_kinds import FACTS, FactKind
from workflows.instants import in_words
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


@needs(Permission.READ_TASKS)
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
                if person is not None:
                    found = await tasks_of_person(session, here.settings.authority, person, found, now)
                hidden = await here.hidden(session, [task.episode_id for task in found])
                untold = await here.duties_left_out(session, [duty_of(task.key) for task in found])
                return [one for one in found if one.episode_id not in hidden and duty_of(one.key) not in untold]

    found = run_async(work())
    if as_json:
        said = [task.model_dump(mode="json") | {"overdue": lateness(task.due, now) is not None} for task in found]
        say_json(said)
        return
    rows = [[_by_when(task, now), ROLE_WORDS[Role(task.role)], task.holder or "-", task.do, task.key] for task in found]
    say_table(["By", "Who", "Taken by", "What", "Task"], rows)


def _by_when(task: TaskView, now: datetime) -> str:
    late = lateness(task.due, now)
    return f"{moment(task.due)}, {late}" if late else moment(task.due)


@task_app.command("take")
@needs(Permission.ACT_ON_TASKS)
def take(task: Task, by: By, as_json: AsJson = False) -> int:
    """Take a task: from now on it is yours, and nobody else's list shows it."""
    return _do(task, Deed(FactKind.TASK_TAKEN, by, to=by), as_json=as_json)


@task_app.command("hand-over")
@needs(Permission.ACT_ON_TASKS)
def hand_over(
    task: Task,
    to: Annotated[str, typer.Option("--to", metavar="PERSON", help="who has it from now on")],
    by: By,
    note: Note = None,
    as_json: AsJson = False,
) -> int:
    """Hand a task over to somebody else, whoever has it."""
    return _do(task, Deed(FactKind.TASK_HANDED_OVER, by, to=to, note=note), as_json=as_json)


@task_app.command("note")
@needs(Permission.ACT_ON_TASKS)
def write_note(
    task: Task, by: By, note: Annotated[str, typer.Option("--note", help="the note")], as_json: AsJson = False
) -> int:
    """Write a note on a task, open or closed."""
    return _do(task, Deed(FactKind.TASK_NOTED, by, note=note), as_json=as_json)


@task_app.command("give-back")
@needs(Permission.ACT_ON_TASKS)
def give_back(task: Task, by: By, note: Note = None, as_json: AsJson = False) -> int:
    """Give a task back: it is its role's again, and anybody in that role may take it."""
    return _do(task, Deed(FactKind.TASK_GIVEN_BACK, by, note=note), as_json=as_json)


def _do(beginning: str, deed: Deed, *, as_json: bool) -> int:
    now = datetime.now(UTC)

    async def work() -> tuple[TaskView, Outcome]:
        async with wired() as here:
            task = await _whole_task(here, beginning)
            await _require_person(here, deed.by, "--by")
            if deed.to is not None:
                await _require_person(here, deed.to, "--to")
            return task, await do_with_task(here.commands, task, deed, now)

    task, outcome = run_async(work())
    to = f" by {deed.to}" if deed.kind is FactKind.TASK_TAKEN else f" to {deed.to}" if deed.to else ""
    return say_outcome(outcome, f"{FACTS[deed.kind].words.capitalize()}{to}: {task.do}", as_json=as_json)


@task_app.command("done")
@needs(Permission.ACT_ON_TASKS)
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
    now, said = datetime.now(UTC), Completion(by, pairs(more or []), kind, at, note)

    async def work() -> tuple[Completing, Outcome | None]:
        async with wired() as here:
            found = await _whole_task(here, task)
            await _require_person(here, by, "--by")
            made = await completing(here.store, here.policies, here.settings.authority, found, said, now=now)
            if made.said is None:
                return made, None
            require_to_record(here.asked, str(made.said["kind"]))
            return made, await here.commands.record(found.episode_id, made.said, now)

    made, outcome = run_async(work())
    found = made.task
    if outcome is None and found.state != "done":
        raise BadInputError(f"task: it is {found.state}: nothing is asked any more")
    if outcome is None or (outcome.again and outcome.state == "applied"):
        if as_json:
            say_json({"task": found.key, "state": "done", "again": True})
        else:
            say(f"Done already: {found.do}")
        return 0
    return say_outcome(outcome, _done_words(found, made.pack, outcome), as_json=as_json)


def _done_words(task: TaskView, pack: Pack, outcome: Outcome) -> str:
    """That a task is done; for a review, when the next is due; or that what was recorded did not settle its clock."""
    standing = still_standing(task, outcome)
    if standing is None:
        return f"Done: {task.do}"
    if pack.clocks[standing.id].kind is ClockKind.REVIEW:
        return f"Done for now: {task.do}; again by {moment(standing.due)}"
    return f"Recorded, and still to do: {task.do}; 'homeward show {task.episode_id}' says why"


@task_app.command("show")
@needs(Permission.READ_TASKS)
def show(task: Task, as_json: AsJson = False) -> None:
    """Show a task: what, for which episode, by when, whose it is and why, and what was done with it."""
    now = datetime.now(UTC)

    async def work() -> TaskInFull:
        async with wired() as here:
            found = await _whole_task(here, task)
            async with here.store.snapshot() as session:
                return await task_in_full(session, here.policies, here.settings.authority, found, now)

    shown = run_async(work())
    if as_json:
        say_json(_as_data(shown, now))
        return
    _say_task(shown, now)


def _rows(shown: TaskInFull) -> list[list[str]]:
    """What people did with a task: when, what, who says so, the note."""
    return [[in_words(one.at), one.words, one.by, one.note or ""] for one in shown.history()]


def _as_data(shown: TaskInFull, now: datetime) -> dict[str, Any]:
    history = [dict(zip(("when", "what", "by", "note"), row, strict=True)) for row in _rows(shown)]
    people = [{"name": name, "cover": cover} for name, cover in shown.people]
    said = {"completed_by": shown.completed_by, "people": people, "history": history}
    return shown.task.model_dump(mode="json") | {"overdue": lateness(shown.task.due, now) is not None} | said


def _say_task(shown: TaskInFull, now: datetime) -> None:
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
    if how := shown.completed_by:
        say(f"Done by recording {how}")
    if rows := _rows(shown):
        say()
        say_table(["When", "What", "Who", "Note"], rows)


async def _whole_task(here: Wired, beginning: str) -> TaskView:
    """The task whose key begins so. Raises BadInputError when there is none, or more than one."""
    if len(beginning) < SHORTEST_ID:
        raise BadInputError(f"task: '{beginning}' is too short; 'homeward tasks' shows them")
    async with here.store.snapshot() as session:
        found = await task_beginning(session, here.settings.authority, beginning)
        untold = await here.duties_left_out(session, [duty_of(task.key) for task in found])
        found = [task for task in found if duty_of(task.key) not in untold]
        if len(found) != 1:
            raise BadInputError(f"task: {'more than one task begins' if found else 'no task begins'} '{beginning}'")
        await here.see(session, found[0].episode_id)
    return found[0]


async def _require_person(here: Wired, reference: str, field: str) -> None:
    async with here.store.snapshot() as session:
        if await person_id(session, here.settings.authority, reference) is None:
            raise BadInputError(
                f"{field}: there is no such person in the directory; 'homeward directory show' lists them"
            )
