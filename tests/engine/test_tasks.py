"""Tasks on the engine: taken, handed over, noted, given back, completed, each kept as a fact; and what is refused."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import WorkflowExecutionStatus

from activities.store.tasks import TaskView, refused_ids
from starter.applying import Outcome
from starter.client import FactRefusedError
from starter.commands import Commands
from starter.rehearsal import REHEARSAL, Stage
from starter.tasks import completing_fact, done_with
from tests.engine.conftest import on_both
from tests.engine.plays import LOOKED_AFTER, NOON, fact, hours, live, scenario, state, told
from workflows.facts import Fact
from workflows.instants import to_rfc3339
from workflows.names import duty_of, task_key

pytestmark = pytest.mark.asyncio(loop_scope="session")
StageAt = Callable[[datetime], Stage]


async def tasks(stage: Stage, after_hours: float) -> dict[str, dict[str, Any]]:
    """The episode's tasks by their duty, so many hours after NOON."""
    await stage.advance_to(NOON + hours(after_hours))
    return {duty_of(task["key"]): task for task in (await stage.view()).tasks}


async def holder(stage: Stage, after_hours: float, duty: str = "rhi") -> str | None:
    return (await tasks(stage, after_hours))[duty]["holder"]


async def back_at_home(stage: Stage) -> None:
    """A child reported, and back two hours later: the interview is owed."""
    await live(stage, 2.1, fact("reported", 0), fact("returned", 2))


def took(who: str, after_hours: float, **more: str) -> Fact:
    return fact("task_taken", after_hours, **{"task": "rhi", "person": who, "recorded_by": who, **more})


@on_both
async def test_a_task_is_taken_handed_over_noted_and_given_back(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    await back_at_home(stage)
    before = await tasks(stage, 2.1)
    assert before["rhi"]["holder"] is None
    await stage.record(took("w1", 2.1))
    assert await holder(stage, 2.2) == "w1"
    await stage.record(fact("task_handed_over", 2.2, task="rhi", person="w2", note="Away tomorrow"))
    assert await holder(stage, 2.3) == "w2"
    await stage.record(fact("task_noted", 2.3, task="rhi", note="Rang, no answer"))
    assert await holder(stage, 2.4) == "w2"
    await stage.record(fact("task_given_back", 2.4, task="rhi"))
    after = await tasks(stage, 2.5)
    assert after == before, "given back, it stands as it stood, and no other task has changed"
    view = await stage.view()
    assert [(f.kind.value, f.note) for f, _ in done_with(after["rhi"]["key"], view.facts)] == [
        ("task_taken", None),
        ("task_handed_over", "Away tomorrow"),
        ("task_noted", "Rang, no answer"),
        ("task_given_back", None),
    ]
    texts = [line.text for line in view.timeline if line.fact_id and "task" in line.text.lower()]
    assert texts == [
        "Task taken (rhi, w1)",
        "Task handed over (rhi, w2)",
        "Note on a task (rhi)",
        "Task given back (rhi)",
    ]


@on_both
async def test_a_taking_that_is_withdrawn_is_undone(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    await back_at_home(stage)
    taken = took("w1", 2.1)
    await stage.record(taken)
    assert await holder(stage, 2.2) == "w1"
    await stage.record(fact("withdrawn", 2.2, fact=taken.id))
    assert await holder(stage, 2.3) is None
    await stage.record(took("w2", 2.3))
    assert await holder(stage, 2.4) == "w2"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (took("w2", 2.1), "task: already taken by w1; hand it over instead"),
        (took("w1", 2.1, task="tea"), "task: this episode has no task 'tea'"),
        (fact("task_done", 2.1, task="rhi"), "task: it is done by recording 'rhi_completed'"),
        (fact("task_noted", 2.1, task="strategy_meetin", note="x"), "task: this episode has no task"),
    ],
)
async def test_what_cannot_be_done_with_a_task_is_refused(stage_at: StageAt, said: Fact, reason: str) -> None:
    stage = stage_at(NOON)
    await back_at_home(stage)
    await stage.record(took("w1", 2.1))
    with pytest.raises(FactRefusedError, match=reason):
        await stage.record(said)
    assert await holder(stage, 2.3) == "w1"


@on_both
async def test_two_who_take_a_task_at_once_do_not_both_have_it(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    await back_at_home(stage)
    await stage.record(took("w1", 2.1))
    with pytest.raises(FactRefusedError, match="already taken by w1"):
        await stage.record(took("w2", 2.1))
    await stage.record(took("w1", 2.1))
    assert await holder(stage, 2.2) == "w1"


async def test_it_changes_no_clock_tells_nobody_and_corrects_nothing(stage_at: StageAt) -> None:
    quiet, busy = stage_at(NOON), stage_at(NOON)
    for stage in (quiet, busy):
        await live(stage, 25, fact("reported", 0))
    # From before the notices that have gone out meanwhile: no reason to look at those again.
    taken = took("w1", 0.5, task="strategy_meeting")
    await busy.record(taken)
    await busy.record(fact("withdrawn", 25, fact=taken.id))
    ends = [await live_on(stage, 50) for stage in (quiet, busy)]
    clocks = [[clock.model_dump(exclude={"settled_by"}) for clock in end.clocks] for end in ends]
    assert clocks[0] == clocks[1]
    names = [sorted((n["clock"], n["rung"], n["role"]) for n in end.notices) for end in ends]
    assert names[0] == names[1]
    assert told(ends[1], "leadership_alert")


async def live_on(stage: Stage, after_hours: float) -> Any:
    await stage.advance_to(NOON + hours(after_hours))
    return await stage.view()


async def test_a_refused_signals_task_is_done_when_called_done_and_open_when_that_is_withdrawn(
    stage_at: StageAt,
) -> None:
    stage = stage_at(NOON)
    await back_at_home(stage)
    await stage.handle.signal("fact", {"kind": "located"})
    assert (await tasks(stage, 2.2))["refused-1"]["state"] == "open"
    await stage.record(took("op", 2.2, task="refused-1"))
    called = fact("task_done", 2.3, task="refused-1", note="It was a test of the line")
    await stage.advance_to(called.at)
    await stage.record(called)
    closed = (await tasks(stage, 2.4))["refused-1"]
    assert (closed["state"], closed["closed_at"], closed["done_by"]) == ("done", called.at, called.id)
    assert closed["holder"] == "op"
    with pytest.raises(FactRefusedError, match="'refused-1' is done already"):
        await stage.record(fact("task_done", 2.4, task="refused-1"))
    await stage.record(fact("withdrawn", 2.4, fact=called.id))
    again = (await tasks(stage, 2.5))["refused-1"]
    assert (again["state"], again["closed_at"], again["done_by"], again["holder"]) == ("open", None, None, "op")
    await stage.record(fact("task_done", 2.5, task="refused-1"))
    assert (await tasks(stage, 2.6))["refused-1"]["state"] == "done"


async def test_a_signal_about_no_task_stays_visible_as_refused(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    await back_at_home(stage)
    await stage.handle.signal("fact", {"kind": "task_taken", "at": to_rfc3339(NOON), "task": "tea", "person": "w1"})
    await stage.advance_to(NOON + hours(2.2))
    refused = [line.text for line in (await stage.view()).timeline if line.kind == "refused"]
    assert refused == ["Refused, sent as signal 'fact': task: this episode has no task 'tea'"]


async def test_who_has_a_task_is_remembered_when_the_history_begins_anew(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    await stage.begin(scenario(LOOKED_AFTER), (fact("reported", 0),), longest_history=40)
    await stage.handle.signal("fact", {"kind": "located"})
    await stage.advance_to(NOON + hours(0.1))
    called = fact("task_done", 0.1, task="refused-1")
    await stage.record(called)
    await stage.record(took("w1", 0.1, task="iro_notice"))
    run = (await stage.handle.describe()).run_id
    for step in range(1, 12):
        await stage.advance_to(NOON + hours(step))
        await stage.record(fact("searched", step))
    described = await stage.handle.describe()
    assert described.run_id != run
    assert described.status is WorkflowExecutionStatus.RUNNING
    after = await tasks(stage, 12)
    assert after["iro_notice"]["holder"] == "w1"
    await stage.record(fact("withdrawn", 12, fact=called.id))
    assert (await tasks(stage, 12.1))["refused-1"]["state"] == "open"


# Completing ----------------------------------------------------------------------------------------------------------


class Desk:
    """A person at the command line: reads the store, records by way of the inbox."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

        async def reach() -> Any:
            return stage.episodes

        self.commands = Commands(stage.store, stage.policies, REHEARSAL, reach)

    async def complete(self, duty: str, after_hours: float, **given: str) -> Outcome:
        view = await self.stage.view()
        row = next(task for task in view.tasks if duty_of(task["key"]) == duty)
        async with self.stage.store.session() as session:
            spent = await refused_ids(session, self.stage.episode_id)
        spent |= {one.id for one in view.facts}
        pack = self.stage.policies.pack("homeward")
        said = completing_fact(pack, TaskView.model_validate(row), given, spent=spent)
        return await self.record({**said, "at": to_rfc3339(NOON + hours(after_hours))})

    async def record(self, said: Mapping[str, object]) -> Outcome:
        return await self.commands.record(self.stage.episode_id, said, self.stage.now)


async def at_the_desk(stage: Stage) -> Desk:
    await back_at_home(stage)
    await stage.handle.signal("fact", {"kind": "located"})
    await stage.record(fact("action_agreed", 2, do="Ring the school", owner="school").model_copy(update={"id": AGREED}))
    await stage.advance_to(NOON + hours(3))
    return Desk(stage)


async def test_somebody_looks_whether_what_could_not_be_asked_about_is_a_duplicate(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    await stage.begin(scenario(LOOKED_AFTER), (fact("reported", 0),), perhaps_a_duplicate=True)
    looking = (await tasks(stage, 0.1))["perhaps-duplicate"]
    assert (looking["role"], looking["state"], looking["due"]) == ("duty_manager", "open", None)
    await stage.record(fact("task_done", 0.1, task="perhaps-duplicate"))
    assert (await tasks(stage, 0.2))["perhaps-duplicate"]["state"] == "done"


AGREED = "00000000-0000-4000-8000-00000000000a"


@pytest.mark.parametrize(
    ("duty", "given", "kind"),
    [
        ("rhi", {"interviewer": "independent"}, "rhi_completed"),
        ("iro_notice", {}, "told"),
        (f"action-{AGREED}", {"outcome": "spoken to"}, "action_done"),
        ("refused-1", {}, "task_done"),
    ],
)
@on_both
async def test_a_task_is_completed_by_the_fact_that_settles_it_and_once(
    stage_at: StageAt, duty: str, given: dict[str, str], kind: str
) -> None:
    stage = stage_at(NOON)
    desk = await at_the_desk(stage)
    outcome = await desk.complete(duty, 3, **given)
    assert (outcome.state, outcome.again, outcome.reason) == ("applied", False, None)
    after = await tasks(stage, 3.1)
    assert after[duty]["state"] == "done"
    completing = next(one for one in (await stage.view()).facts if one.id == outcome.id)
    assert completing.kind == kind
    repeated = {"id": outcome.id, "kind": kind, "at": to_rfc3339(NOON + hours(3.1)), **completing.details}
    assert (await desk.record(repeated)).again
    assert await tasks(stage, 3.2) == after


async def test_a_task_completed_by_mistake_is_open_again_and_can_be_completed_again(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    desk = await at_the_desk(stage)
    wrong = await desk.complete("rhi", 3)
    await stage.record(fact("withdrawn", 3, fact=wrong.id))
    assert (await tasks(stage, 3.1))["rhi"]["state"] == "open"
    right = await desk.complete("rhi", 3.1)
    assert right.id != wrong.id
    assert (await tasks(stage, 3.2))["rhi"]["state"] == "done"
    assert state(await stage.view(), "rhi") == "met"


async def test_what_was_refused_does_not_stand_in_the_way_of_what_is_right(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    desk = await at_the_desk(stage)
    too_early = await desk.complete("rhi", 1)
    assert too_early.state == "refused"
    assert (await desk.complete("rhi", 3)).state == "applied"
    assert (await tasks(stage, 3.1))["rhi"]["state"] == "done"


async def test_an_interview_by_whoever_may_not_hold_it_leaves_the_task_to_be_done(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    desk = await at_the_desk(stage)
    blocked = await desk.complete("rhi", 3, interviewer="parent")
    assert blocked.state == "applied"
    assert (await tasks(stage, 3.1))["rhi"]["state"] == "open"
    assert (await desk.complete("rhi", 3.1, interviewer="independent")).state == "applied"
    assert (await tasks(stage, 3.2))["rhi"]["state"] == "done"


async def test_what_people_do_with_tasks_stays_behind_on_a_merge(stage_at: StageAt) -> None:
    duplicate, into = stage_at(NOON), stage_at(NOON)
    await back_at_home(into)
    await back_at_home(duplicate)
    await duplicate.record(took("w1", 2.1))
    await duplicate.advance_to(NOON + hours(2.2))
    outcomes = await Desk(into).commands.merge(duplicate.episode_id, into.episode_id, "invented", "me", into.now)
    assert {outcome.state for outcome in outcomes} == {"applied"}
    assert "task_taken" not in {one.kind.value for one in (await live_on(into, 2.3)).facts}
    assert task_key(into.episode_id, "rhi") in {t["key"] for t in (await into.view()).tasks}


async def test_the_same_taking_twice_is_one_fact(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    await back_at_home(stage)
    desk, number = Desk(stage), str(uuid4())
    said: dict[str, object] = {"id": number, "kind": "task_taken", "at": to_rfc3339(NOON + hours(2.1))}
    said |= {"task": "rhi", "person": "w1"}
    assert not (await desk.record(said)).again
    assert (await desk.record(said)).again
    await stage.advance_to(NOON + hours(2.2))
    assert [one.id for one in (await stage.view()).facts if one.kind == "task_taken"] == [number]
