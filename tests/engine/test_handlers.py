"""What comes in: updates that are refused with a reason, signals that stay visible, repeats that change nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from activities.store.episodes import EpisodeView
from starter.client import EpisodeNotRunningError, FactRefusedError
from starter.rehearsal import Stage
from tests.engine.plays import LOOKED_AFTER, NOON, fact, hours, live, rounded, scenario, state, told
from workflows.chasing import UNANSWERED
from workflows.contracts import EpisodeState
from workflows.facts import Fact
from workflows.instants import to_rfc3339
from workflows.names import QUERY_STATE, QUERY_TIMELINE

pytestmark = pytest.mark.asyncio(loop_scope="session")

StageAt = Callable[[datetime], Stage]

REFUSED = {
    "found before last seen": (fact("located", -1), "at: found on"),
    "a time in the future": (fact("located", 5), "lies in the future"),
    "before the child was born": (fact("noticed", -24 * 365 * 20), "before the child was born"),
    "a correction of nothing": (fact("withdrawn", 0, fact="none-such"), "no fact 'none-such'"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_an_update_that_cannot_be_true_is_refused_with_its_reason(stage_at: StageAt, case: str) -> None:
    wrong, reason = REFUSED[case]
    stage = stage_at(NOON)
    await stage.begin(scenario(), (fact("last_seen", 0), fact("reported", 0)))
    with pytest.raises(FactRefusedError, match=reason):
        await stage.record(wrong)
    view = await live_on(stage, 0.1)
    assert sorted(f.kind for f in view.facts) == ["last_seen", "reported"]


async def live_on(stage: Stage, after_hours: float) -> EpisodeView:
    await stage.advance_to(NOON + hours(after_hours))
    return await stage.view()


async def test_the_same_fact_twice_is_one_fact(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    await stage.begin(scenario(), (fact("reported", 0),))
    found = fact("located", 0)
    await stage.record(found)
    await stage.record(found)
    await stage.handle.signal("found", {"id": found.id, "at": to_rfc3339(found.at)})
    view = await live_on(stage, 0.1)
    assert "refused" not in [line.kind for line in view.timeline]
    assert [f.kind.value for f in view.facts].count("located") == 1


async def test_one_id_for_two_different_facts_is_refused(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    reported = fact("reported", 0)
    await stage.begin(scenario(), (reported,))
    other = fact("located", 0).model_copy(update={"id": reported.id})
    with pytest.raises(FactRefusedError, match="already the id of a different fact"):
        await stage.record(other)


@pytest.mark.parametrize(
    ("signal", "kind"),
    [("reported", "reported"), ("found", "located"), ("rhi_done", "rhi_completed")],
)
async def test_each_signal_records_its_fact(stage_at: StageAt, signal: str, kind: str) -> None:
    stage = stage_at(NOON)
    first = () if signal == "reported" else (fact("reported", 0), fact("returned", 0))
    await stage.begin(scenario(), first)
    await stage.handle.signal(signal, {"at": to_rfc3339(NOON)})
    view = await live_on(stage, 0.1)
    assert kind in [f.kind.value for f in view.facts]


async def test_the_general_signal_takes_any_fact(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    await stage.begin(scenario(), (fact("reported", 0),))
    await stage.handle.signal("fact", {"kind": "told", "role": "iro", "at": to_rfc3339(NOON)})
    assert state(await live_on(stage, 0.1), "iro_notice") == "met"


@pytest.mark.parametrize(
    "sent",
    [
        {"at": to_rfc3339(NOON - timedelta(days=1))},
        {"at": "2026-06-10"},
        {"at": 0},
        {},
        [],
        "found",
        {"at": to_rfc3339(NOON), "wher": "x"},
    ],
    ids=str,
)
async def test_a_signal_that_cannot_be_true_stays_visible_and_becomes_an_operators_task(
    stage_at: StageAt, sent: object
) -> None:
    stage = stage_at(NOON)
    await stage.begin(scenario(), (fact("last_seen", 0), fact("reported", 0)))
    await stage.handle.signal("found", sent)
    view = await live_on(stage, 0.1)
    assert [line.kind for line in view.timeline].count("refused") == 1
    assert [t["role"] for t in view.tasks if t["clock"] is None] == ["operator"]
    asked: EpisodeState = await stage.handle.query(QUERY_STATE, result_type=EpisodeState)
    assert len(asked.refusals) == 1


async def test_queries_answer_state_clocks_and_timeline(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    view = await live(stage, 1, fact("reported", 0))
    asked: EpisodeState = await stage.handle.query(QUERY_STATE, result_type=EpisodeState)
    assert (asked.status, asked.policy, asked.facts) == ("missing", "homeward", 1)
    assert asked.next_wake_for == "return_plan: due"
    assert await stage.episodes.clocks(stage.episode_id, NOON + hours(1))
    lines = await stage.handle.query(QUERY_TIMELINE)
    assert len(lines) == len(view.timeline)


async def test_a_correction_gives_what_the_right_facts_would_have_given(stage_at: StageAt) -> None:
    wrong = fact("returned", 1)
    right = fact("returned", 3).model_copy(update={"replaces": wrong.id})
    view = await live(stage_at(NOON), 40, fact("reported", 0), wrong, right)
    # The offer was first due at hour 25; after the correction at 27, and its warning at 23 was never sent for 21.
    assert told(view, "rhi_offer") == [
        ("ask", "social_worker", 1.0),
        ("warn", "social_worker", 23.0),
        ("escalate", "team_manager", 27.0),
    ]


async def test_a_due_time_moved_later_arms_its_rungs_again(stage_at: StageAt) -> None:
    wrong = fact("returned", 1)
    late_truth = fact("returned", 24).model_copy(update={"replaces": wrong.id})
    view = await live(stage_at(NOON), 60, fact("reported", 0), wrong, late_truth)
    assert rounded(told(view, "rhi_offer")) == [
        ("ask", "social_worker", 1.0),
        ("warn", "social_worker", 21.0),
        ("warn_corrected", "social_worker", 24.0),
        ("warn", "social_worker", 44.0),
        ("escalate", "team_manager", 48.0),
    ]


async def test_an_acknowledged_alert_is_not_climbed_past(stage_at: StageAt) -> None:
    answer = fact("acknowledged", 24.5, clock="leadership_alert", role="senior_leader")
    view = await live(stage_at(NOON), 30, fact("reported", 0), answer)
    assert [rung for rung, _, _ in told(view, "leadership_alert")] == ["warn", "alert"]
    assert [t["state"] for t in view.tasks if t["clock"] == "leadership_alert"] == ["done"]


async def test_a_report_made_late_is_told_about_once(stage_at: StageAt) -> None:
    """Every step had passed before anyone knew: the last speaks for all, the others are marked."""
    stage = stage_at(NOON + hours(200))
    await stage.begin(scenario(), (fact("reported", 0), fact("returned", 5)))
    view = await live_on(stage, 200.1)
    assert [(rung, role) for rung, role, _ in told(view, "rhi")] == [("climb", "service_manager")]
    passed = [line.rung for line in view.timeline if line.kind == "passed_over" and line.clock == "rhi"]
    assert passed == ["ask", "warn", "escalate"]


async def test_history_begun_anew_forgets_nothing(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    facts: list[Fact] = [fact("reported", 0), fact("told", 2, role="iro"), fact("returned", 5)]
    view = await live(stage, 110, *facts, longest_history=60)
    described = await stage.handle.describe()
    assert described.run_id != (await first_run(stage))
    straight = await live(stage_at(NOON), 110, *[fact(f.kind, _after(f), **f.details) for f in facts])
    told_twice, told_straight = _told_by(view, 105), _told_by(straight, 105)
    assert {one for one in told_twice if one[4]} == {one for one in told_straight if one[4]}
    assert {one[3] for one in told_twice} == {1}, "no step is taken twice"
    assert [(c.id, c.state) for c in view.clocks] == [(c.id, c.state) for c in straight.clocks]
    assert [line.number for line in view.timeline] == list(range(1, len(view.timeline) + 1))


def _after(one: Fact) -> float:
    return (one.at - NOON).total_seconds() / 3600


def _told_by(view: EpisodeView, until_hours: float) -> set[tuple[str, str, str, int, datetime | None]]:
    """The notices, each once; a chase without its times, since it waits from when something was really sent."""
    return {
        (n["clock"], n["rung"], n["role"], int(n["key"].split("/")[3]), None if UNANSWERED in n["rung"] else n["at"])
        for n in view.notices
        if n["at"] < NOON + hours(until_hours) or UNANSWERED in n["rung"]
    }


async def first_run(stage: Stage) -> str | None:
    runs = [run.run_id async for run in stage.environment.client.list_workflows(f"WorkflowId = '{stage.handle.id}'")]
    return runs[-1] if len(runs) > 1 else None


async def test_an_episode_closes_when_nothing_is_owed_and_takes_no_more_facts(stage_at: StageAt) -> None:
    child = LOOKED_AFTER.model_copy(update={"looked_after": False, "allocated": False, "setting": "family_home"})
    stage = stage_at(NOON)
    done = fact("prevention_check", 2, outcome="done")
    opening = (fact("reported", 0), fact("returned", 1), done, fact("rhi_completed", 30))
    view = await live(stage, 30 + 28 * 24 - 1, *opening, child=child)
    assert view.episode["status"] == "returned"
    await stage.advance_to(NOON + hours(30 + 28 * 24 + 1))
    view = await stage.view()
    assert (view.episode["status"], view.episode["closed_at"] is not None) == ("closed", True)
    assert [t["state"] for t in view.tasks if t["state"] == "open"] == []
    last = view.timeline[-1].text
    assert last.startswith("Closed: the child is back, and nothing is owed; local practice left undone: ")
    assert "shared with the police" in last
    with pytest.raises(EpisodeNotRunningError):
        await stage.record(fact("visited", 2))
