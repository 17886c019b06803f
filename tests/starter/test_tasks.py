"""The fact that completes a task, for every clock of every pack; whose tasks are whose; how late a task is."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.policies import BUILT_IN, read_pack
from activities.store import Store, inbox
from activities.store.child_records import child_of
from activities.store.directory import directories_for, directory_for
from activities.store.episodes import upsert
from activities.store.tables import EpisodeTable, TaskTable
from activities.store.tasks import TaskView, open_tasks, task_beginning, tasks_of_person
from starter.directory_files import read_directory_file, take_in_directory
from starter.tasks import completing_fact, done_with, lateness, ways_to_complete
from tests.workflows.builders import CHILD, calendar, fact, pack, policies
from workflows.clocks import Clock, plan
from workflows.contracts import TaskRow
from workflows.fact_kinds import FACTS, FactKind
from workflows.facts import Fact, Known, fact_from_outside
from workflows.instants import parse_instant, to_rfc3339
from workflows.names import duty_of, task_key
from workflows.plain_errors import BadInputError
from workflows.policy import Pack
from workflows.policy_rules import Applies, Start
from workflows.progress import tasks_of_actions, tasks_of_clocks
from workflows.vocabulary import ClockKind, Role

BEGUN = parse_instant("2026-06-10T12:00:00Z")
SHIPPED = [(pack.policy, pack.version) for pack in (read_pack(path) for path in sorted(BUILT_IN.glob("*.yaml")))]


def with_tasks() -> list[tuple[str, str, str]]:
    clocks = {key: policies().pack(*key).clocks for key in SHIPPED}
    return [(*key, clock) for key, its in clocks.items() for clock, rule in its.items() if rule.task]


def alone(whole: Pack, clock: str) -> Pack:
    """The pack with one clock only, which starts for any child when the child is noticed to be gone."""
    start = {"start": Start.model_validate({"earliest_of": ["noticed"]}), "start_when": (), "applies": Applies()}
    return whole.model_copy(update={"clocks": {clock: whole.clocks[clock].model_copy(update=start)}})


def task_of(row: TaskRow) -> TaskView:
    return TaskView.model_validate({**row.model_dump(), "episode_id": "e"})


class Standing:
    """One clock as it stands some time after it has begun, and the task that it asks for."""

    def __init__(self, rules: Pack, after: timedelta, *facts: Fact, before: tuple[TaskRow, ...] = ()) -> None:
        known = Known((fact(f"noticed {to_rfc3339(BEGUN)}"), *facts), BEGUN + after)
        clocks = plan(known.facts, CHILD, rules, calendar(), known.as_of)
        self.clock: Clock = clocks[0]
        there = {row.key: row for row in before}
        self.tasks = tasks_of_clocks(there, clocks, rules, known, aware={}, episode_id="e")


def filled_in(kind: FactKind) -> dict[str, str]:
    """Something to say for each detail that a fact must have."""
    said = {name: detail.choices[0] if detail.choices else "invented" for name, detail in FACTS[kind].details.items()}
    return {name: value for name, value in said.items() if FACTS[kind].details[name].required}


@pytest.mark.parametrize(("name", "version", "clock_id"), with_tasks())
def test_every_task_of_every_clock_can_be_completed(name: str, version: str, clock_id: str) -> None:
    rules = alone(policies().pack(name, version), clock_id)
    rule = rules.clocks[clock_id]
    fires = rule.kind is ClockKind.FIRE_AT
    after = timedelta(days=400) if fires else timedelta(minutes=30)
    begun = Standing(rules, after)
    assert [row.state for row in begun.tasks] == ["open"], begun.clock.state
    asked = rule.met_by[0].requires if rule.met_by else ()
    given = dict.fromkeys(asked, to_rfc3339(BEGUN + timedelta(days=500)))
    first = rule.met_by[0] if rule.met_by else None
    if first:
        given |= {n: v for n, v in filled_in(first.fact).items() if n not in first.where}
    said = completing_fact(rules, task_of(begun.tasks[0]), given)
    recorded = fact_from_outside({**said, "at": to_rfc3339(BEGUN + after)})
    then = Standing(rules, after + timedelta(minutes=1), recorded, before=begun.tasks)
    if rule.kind is ClockKind.REVIEW:
        assert then.clock.start == recorded.at, "a review is done until the next"
        return
    assert [row.state for row in then.tasks] == ["done"], then.clock.because


@pytest.mark.parametrize(("name", "version", "clock_id"), with_tasks())
def test_each_of_the_facts_that_may_complete_a_task_can_be_chosen(name: str, version: str, clock_id: str) -> None:
    rules = alone(policies().pack(name, version), clock_id)
    task = task_of(Standing(rules, timedelta(days=400)).tasks[0])
    for way in rules.clocks[clock_id].met_by:
        asked = dict.fromkeys(way.requires, to_rfc3339(BEGUN + timedelta(days=500)))
        given = {**asked, **filled_in(way.fact), **way.where}
        assert completing_fact(rules, task, given, chosen=way.fact.value)["kind"] == way.fact


def view(duty: str, **more: Any) -> TaskView:
    clock = duty if duty in pack().clocks else None
    about = {"key": task_key("e", duty), "episode_id": "e", "clock": clock, "role": "social_worker", "do": "x"}
    about |= {"due": None, "state": "open", "opened_at": BEGUN, "closed_at": None}
    return TaskView.model_validate({**about, **more})


@pytest.mark.parametrize(
    ("duty", "given", "chosen", "said"),
    [
        ("rhi_offer", {}, None, {"kind": "rhi_offered"}),
        ("rhi_offer", {"declined_by": "child"}, None, {"kind": "rhi_declined", "declined_by": "child"}),
        ("rhi_offer", {}, "rhi_done", {"kind": "rhi_completed"}),
        ("iro_notice", {}, None, {"kind": "told", "role": "iro"}),
        ("iro_notice", {"role": "iro", "channel": "x"}, None, {"kind": "told", "role": "iro", "channel": "x"}),
        ("parent_notice", {}, None, {"kind": "told", "role": "parent"}),
        ("action-a1", {"outcome": "spoken"}, None, {"kind": "action_done", "action": "a1", "outcome": "spoken"}),
        ("refused-1", {}, None, {"kind": "task_done", "task": "refused-1"}),
        ("unheld-roles", {}, "task_done", {"kind": "task_done", "task": "unheld-roles"}),
    ],
)
def test_the_fact_says_what_the_clock_asks_and_what_is_given(
    duty: str, given: dict[str, str], chosen: str | None, said: dict[str, str]
) -> None:
    found = completing_fact(pack(), view(duty), given, chosen=chosen)
    assert {name: value for name, value in found.items() if name != "id"} == said


@pytest.mark.parametrize(
    ("duty", "given", "chosen", "line"),
    [
        ("exploitation_screening", {}, None, "outcome: a 'exploitation_screened' fact must say this"),
        ("rhi", {}, "visited", "--as: 'visited' does not complete this task; use one of rhi_completed"),
        ("refused-1", {}, "told", "--as: 'told' does not complete this task; use one of task_done"),
        ("iro_notice", {"role": "parent"}, None, "role: this task is completed by 'told' with role=iro"),
        ("rhi", {"colour": "red"}, None, "colour: a 'rhi_completed' fact has no such field"),
        ("rhi", {"id": "x"}, None, "id: a 'rhi_completed' fact has no such field"),
        ("rhi", {"alone": "maybe"}, None, "alone: 'maybe' is unknown; use one of yes, no"),
        ("absence_review", {}, "contact_attempted", "to (child, parent,"),
        ("absence_review", {"to": "child"}, None, "review_by: a 'contact_attempted' fact must say this"),
        ("absence_review", {}, None, "decision (wait, report_to_police): a 'absence_reviewed' fact must say this"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_told_in_one_line(
    duty: str, given: dict[str, str], chosen: str | None, line: str
) -> None:
    with pytest.raises(BadInputError) as refused:
        completing_fact(pack(), view(duty), given, chosen=chosen)
    assert str(refused.value).startswith(line), str(refused.value)


def test_a_task_completed_twice_is_one_fact_and_a_spent_id_is_not_used_again() -> None:
    first = completing_fact(pack(), view("rhi"), {})["id"]
    assert completing_fact(pack(), view("rhi"), {"alone": "yes"})["id"] == first
    second = completing_fact(pack(), view("rhi"), {}, spent={str(first)})["id"]
    opened_again = completing_fact(pack(), view("rhi", opened_at=BEGUN + timedelta(hours=1)), {})["id"]
    of_another = completing_fact(pack(), view("visit"), {})["id"]
    assert len({first, second, opened_again, of_another}) == 4
    assert completing_fact(pack(), view("rhi"), {}, spent={str(first), str(second)})["id"] not in (first, second)


def test_an_action_that_is_completed_is_done() -> None:
    agreed = fact(f"action_agreed {to_rfc3339(BEGUN)} a1", do="Ring the school", owner="school")
    (row,) = tasks_of_actions({}, Known([agreed], BEGUN), "e")
    said = completing_fact(pack(), task_of(row), {})
    finished = fact_from_outside({**said, "at": to_rfc3339(BEGUN)})
    (after,) = tasks_of_actions({row.key: row}, Known([agreed, finished], BEGUN), "e")
    assert after.state == "done"


@pytest.mark.parametrize(
    ("duty", "words"),
    [
        ("rhi", "'rhi_completed'"),
        ("action-a1", "'action_done' with action=a1"),
        ("refused-1", ""),
        ("absence_review", "'absence_reviewed' or 'allowed_to_stay' or 'contact_attempted' with review_by"),
    ],
)
def test_the_ways_to_complete_a_task_are_said(duty: str, words: str) -> None:
    assert ways_to_complete(pack(), view(duty)) == words


@pytest.mark.parametrize(
    ("late", "words"),
    [
        (timedelta(0), None),
        (timedelta(hours=-1), None),
        (timedelta(seconds=1), "OVERDUE by 0 min"),
        (timedelta(minutes=59, seconds=59), "OVERDUE by 59 min"),
        (timedelta(hours=1), "OVERDUE by 1 h"),
        (timedelta(hours=3, minutes=50), "OVERDUE by 3 h"),
        (timedelta(hours=47, minutes=59), "OVERDUE by 47 h"),
        (timedelta(hours=48), "OVERDUE by 2 days"),
    ],
)
def test_lateness_is_said_in_words(late: timedelta, words: str | None) -> None:
    assert lateness(BEGUN, BEGUN + late) == words
    assert lateness(None, BEGUN) is None


def test_what_was_done_with_a_task_is_listed_with_what_was_taken_back() -> None:
    taken = fact("task_taken 2026-06-10T12:01:00Z t", task="rhi", person="w1")
    noted = fact("task_noted 2026-06-10T12:00:00Z n", task="rhi", note="Rang, no answer")
    other = fact("task_taken 2026-06-10T12:02:00Z o", task="visit", person="w1")
    wrong = fact("withdrawn 2026-06-10T12:03:00Z w", fact="t")
    assert done_with("e/rhi", [taken, wrong, other, noted]) == [(noted, True), (taken, False)]


# Whose tasks ---------------------------------------------------------------------------------------------------------

WED_NOON, WED_NIGHT = (parse_instant(f"2026-06-10T{at}Z") for at in ("11:00:00", "22:00:00"))
PEOPLE = """person,name,email,mobile,channels,hours,deputies
own,Invented Worker,,,,Mon-Fri 09:00-17:00,dep
dep,Invented Deputy,,,,,
team,Invented Manager,,,,,
all,Invented Reviewer,,,,,
night,Invented Night,,,,,
"""
HOLDERS = """role,person,scope,for,from,until
social_worker,own,child,C1,,
social_worker,team,team,North,,
iro,all,authority,,,
"""
TEAMS = "child,team\nC1,North\nC2,North\n"
ROTA = "role,person,from,until\nduty_manager,night,2026-06-10 18:00,2026-06-11 08:00\n"
LEAVE = "person,from,until\nown,2026-06-15 00:00,2026-06-16 00:00\n"


async def directory_of(folder: Path, store: Store, authority: str = "invented") -> None:
    files = {"people": PEOPLE, "holders": HOLDERS, "teams": TEAMS, "rota": ROTA, "leave": LEAVE}
    for kind, text in files.items():
        path = folder / f"{kind}.csv"
        path.write_text(text, encoding="utf-8")
        async with store.session() as session:
            await take_in_directory(session, authority, read_directory_file(kind, path), WED_NOON)


async def put_task(store: Store, child: str | None, role: str, duty: str, holder: str | None = None) -> None:
    async with store.session() as session:
        child_id = await inbox.child_id(session, "invented", child, WED_NOON) if child else None
        episode = f"episode-of-{child}"
        row: dict[str, Any] = {"id": episode, "authority": "invented", "child_id": child_id, "policy": "homeward"}
        row |= {"policy_version": "1", "calendar_version": "1", "status": "missing", "turn": 1, "written_at": WED_NOON}
        await upsert(session, EpisodeTable, row)
        task = view(duty, key=task_key(episode, duty), episode_id=episode, role=role, holder=holder)
        await upsert(session, TaskTable, {**task.model_dump(), "authority": "invented"})


@pytest.mark.parametrize(
    ("who", "at", "duties"),
    [
        ("own", WED_NOON, ["c1-worker", "taken-by-own"]),
        ("own", WED_NIGHT, ["c1-worker", "taken-by-own"]),
        ("own", parse_instant("2026-06-15T11:00:00Z"), ["c1-worker", "taken-by-own"]),
        ("dep", WED_NOON, []),
        ("dep", parse_instant("2026-06-15T11:00:00Z"), ["c1-worker"]),
        ("team", WED_NOON, ["c2-worker"]),
        ("all", WED_NOON, ["c1-iro", "c3-iro", "none-iro"]),
        ("night", WED_NOON, []),
        ("night", WED_NIGHT, ["c1-worker", "c3-worker", "none-manager"]),
        ("nobody", WED_NOON, []),
    ],
)
async def test_a_persons_tasks_are_those_of_the_roles_held_for_that_child_and_those_taken(
    tmp_path: Path, store: Store, who: str, at: datetime, duties: list[str]
) -> None:
    await directory_of(tmp_path, store)
    await put_task(store, "C1", "social_worker", "c1-worker")
    await put_task(store, "C1", "iro", "c1-iro")
    await put_task(store, "C1", "social_worker", "c1-taken", holder="all2")
    await put_task(store, "C2", "social_worker", "c2-worker")
    await put_task(store, "C3", "social_worker", "c3-worker")
    await put_task(store, "C3", "iro", "c3-iro")
    await put_task(store, "C3", "school", "taken-by-own", holder="own")
    await put_task(store, None, "iro", "none-iro")
    await put_task(store, None, "duty_manager", "none-manager")
    async with store.session() as session:
        everything = await open_tasks(session, "invented", None)
        mine = await tasks_of_person(session, "invented", who, everything, at)
        assert sorted(duty_of(task.key) for task in mine) == duties
        assert await tasks_of_person(session, "another", who, everything, at) == []
        free = await open_tasks(session, "invented", None, unclaimed=True)
        assert {t.key for t in everything} - {t.key for t in free} == {
            "episode-of-C1/c1-taken",
            "episode-of-C3/taken-by-own",
        }


@pytest.mark.parametrize("child", ["C1", "C2", "C3", None])
async def test_the_directory_of_many_children_says_what_that_of_one_says(
    tmp_path: Path, store: Store, child: str | None
) -> None:
    await directory_of(tmp_path, store)
    await directory_of(tmp_path, store, "another")
    async with store.session() as session:
        known = await child_of(session, "invented", child) if child else None
        many = await directories_for(session, "invented", [known, "unknown"], WED_NOON)
        one = await directory_for(session, "invented", known, Role, WED_NOON)
        for role in Role:
            for at in (WED_NOON, WED_NIGHT):
                assert many[known].recipients(role, at, urgent=True) == one.recipients(role, at, urgent=True)
                assert many[known].holders(role, at) == one.holders(role, at)


@pytest.mark.parametrize(
    ("beginning", "found"),
    [
        ("episode-of-C1/rhi", ["episode-of-C1/rhi"]),
        ("episode-of-C1/rhi_", ["episode-of-C1/rhi_offer"]),
        ("episode-of-C1/r", ["episode-of-C1/rhi", "episode-of-C1/rhi_offer"]),
        ("episode-of-C2", []),
        ("episode%", []),
    ],
)
async def test_a_task_is_found_by_its_key_or_its_beginning(store: Store, beginning: str, found: list[str]) -> None:
    for duty in ("rhi", "rhi_offer"):
        await put_task(store, "C1", "iro", duty)
    async with store.session() as session:
        assert sorted(task.key for task in await task_beginning(session, "invented", beginning)) == found
