"""The return told to everyone who was told of the absence; what was told wrongly put right; nobody told twice."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

import pytest

from activities.store.episodes import EpisodeView
from starter.rehearsal import Stage
from tests.engine.conftest import on_both
from tests.engine.plays import NOON, fact, live, rounded, told
from workflows.facts import Fact

pytestmark = pytest.mark.asyncio(loop_scope="session")
StageAt = Callable[[datetime], Stage]


def withdrawn(wrong: Fact, after: float) -> Fact:
    return fact("withdrawn", after, fact=wrong.id, reason="invented")


def of_the_return(view: EpisodeView) -> list[tuple[str, str, float]]:
    return rounded(told(view, "return_notice"))


def assert_nobody_told_twice(view: EpisodeView) -> None:
    keys = Counter(notice["key"] for notice in view.notices)
    assert not [key for key, times in keys.items() if times > 1]


@on_both
async def test_everyone_told_of_the_absence_is_told_of_the_return_once(stage_at: StageAt) -> None:
    by_hand = fact("told", 2, role="school")
    view = await live(stage_at(NOON), 50, fact("reported", 0), by_hand, fact("located", 25), fact("returned", 26))
    before = {n["role"] for n in view.notices if n["at"] < fact("located", 25).at}
    assert before >= {"social_worker", "team_manager", "senior_leader"}
    assert {role for _, role, _ in of_the_return(view)} == before | {"school"}
    assert {(rung, after) for rung, _, after in of_the_return(view)} == {("back", 25.0)}
    assert_nobody_told_twice(view)


async def test_who_hears_of_it_only_after_the_return_is_not_told_of_the_return(stage_at: StageAt) -> None:
    view = await live(stage_at(NOON), 100, fact("reported", 0), fact("returned", 2))
    assert "interview_provider" in {n["role"] for n in view.notices}
    assert "interview_provider" not in {role for _, role, _ in of_the_return(view)}


@on_both
async def test_a_return_that_was_none_is_taken_back_and_told_again_when_it_is_one(stage_at: StageAt) -> None:
    wrong = fact("returned", 5)
    view = await live(
        stage_at(NOON), 20, fact("reported", 0), wrong, withdrawn(wrong, 7), fact("returned", 12), fact("located", 12)
    )
    mine = [(rung, after) for rung, role, after in of_the_return(view) if role == "social_worker"]
    assert mine == [("back", 5.0), ("back_withdrawn", 7.0), ("back", 12.0)]
    assert_nobody_told_twice(view)


async def test_a_return_whose_time_is_corrected_is_not_told_again(stage_at: StageAt) -> None:
    wrong = fact("returned", 5)
    right = fact("returned", 4).model_copy(update={"replaces": wrong.id})
    stage = stage_at(NOON)
    await live(stage, 6, fact("reported", 0), wrong)
    await stage.record(right)
    await stage.advance_to(fact("noticed", 20).at)
    view = await stage.view()
    assert [rung for rung, role, _ in of_the_return(view) if role == "social_worker"] == ["back"]


async def test_an_alert_on_a_child_who_had_been_found_is_corrected_once(stage_at: StageAt) -> None:
    found_late = fact("located", 23).model_copy(update={"recorded_at": fact("located", 25).at})
    stage = stage_at(NOON)
    await live(stage, 25, fact("reported", 0))
    await stage.record(found_late)
    await stage.record(fact("returned", 24).model_copy(update={"id": str(uuid4())}))
    await stage.advance_to(fact("noticed", 40).at)
    view = await stage.view()
    alerts = [(rung, role) for rung, role, _ in told(view, "leadership_alert")]
    assert alerts == [("warn", "team_manager"), ("alert", "senior_leader"), ("alert_corrected", "senior_leader")]
    assert "fired" in {line.state for line in view.timeline if line.clock == "leadership_alert"}
    assert next(c for c in view.clocks if c.id == "leadership_alert").state == "cancelled"
    assert_nobody_told_twice(view)


async def test_what_was_sent_before_a_child_was_found_is_not_put_right_by_hearing_of_it_late(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    await live(stage, 30, fact("reported", 0))
    await stage.record(fact("located", 25.2).model_copy(update={"recorded_at": fact("located", 30).at}))
    await stage.advance_to(fact("noticed", 31).at)
    view = await stage.view()
    assert ("alert", "senior_leader", 24.0) in rounded(told(view, "leadership_alert"))
    assert [n["key"] for n in view.notices if n["rung"].endswith("_corrected")] == []


async def test_an_escalation_about_something_done_in_time_is_corrected(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    await live(stage, 25, fact("reported", 0))
    await stage.record(fact("told", 3, role="iro"))
    await stage.advance_to(fact("noticed", 26).at)
    view = await stage.view()
    about = [(rung, role) for rung, role, _ in told(view, "iro_notice")]
    assert about == [
        ("ask", "social_worker"),
        ("warn", "social_worker"),
        ("escalate", "team_manager"),
        ("escalate_corrected", "team_manager"),
    ]


async def test_an_agreed_action_is_a_task_until_it_is_done(stage_at: StageAt) -> None:
    due = "2026-06-20T12:00:00Z"
    agreed = fact("action_agreed", 30, do="Ring the school", owner="school", due=due)
    dropped = fact("action_agreed", 30, do="Something else", owner="social_worker")
    stage = stage_at(NOON)
    await live(stage, 31, fact("reported", 0), fact("returned", 5), agreed, dropped)
    await stage.record(fact("action_done", 30.5, action=agreed.id))
    await stage.record(withdrawn(dropped, 31))
    await stage.advance_to(fact("noticed", 32).at)
    view = await stage.view()
    tasks = {t["do"]: (t["role"], t["state"], t["due"]) for t in view.tasks}
    assert tasks["Ring the school"] == ("school", "done", datetime.fromisoformat(due))
    assert tasks["Something else"][:2] == ("social_worker", "withdrawn")
