"""Every clock of the default pack on the real engine: nobody acts, and each ladder is climbed at its own times.

Three lives cover them all. What each ladder should do is worked out here from
the pinned rules: start or due time, and the rung's own hours.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from activities.store.episodes import EpisodeView
from starter.rehearsal import Stage
from tests.engine.plays import LOOKED_AFTER, NOON, fact, live
from tests.workflows.builders import calendar, pack
from workflows.chasing import TASK_OVERDUE, UNANSWERED
from workflows.clocks import Clock, plan
from workflows.facts import Child, Fact
from workflows.vocabulary import ClockKind, ClockState, Setting

CHILD = LOOKED_AFTER.model_copy(
    update={"open_case": True, "unaccompanied": True, "new_to_area": True, "protection_plan": True}
)
IN_A_HOME = CHILD.model_copy(update={"setting": Setting.CHILDREN_HOME})
TURNS_18 = CHILD.model_copy(update={"born": (NOON + timedelta(days=3)).date().replace(year=2008)})

GONE = [
    fact("noticed", 0),
    fact("reported", 0),
    fact("lost_on_activity", 1),
    fact("harm_feared", 2, about="harm"),
    fact("response_challenged", 3),
    fact("publicity_considered", 4),
    fact("risk_assessed", 5, view="police", grade="low"),
    fact("appearance_changed", 6),
    fact("placement_moved", 7),
    fact("repeat_reached", 8, rule="repeated", count="3"),
    fact("repeat_reached", 8, rule="earlier_interviews", count="3"),
    fact("response_review_asked", 9, about="police_delay"),
    fact("meeting_attached", 10, meeting="planning", to="core group"),
]
NEVER_REPORTED = [fact("noticed", 0), fact("found_unreported", 1), fact("returned", 26)]
BACK = [fact("reported", 0), fact("located", 30), fact("returned", 30.5), fact("referred", 31)]

LIVES: dict[str, tuple[Child, list[Fact], float]] = {
    "never found": (LOOKED_AFTER.model_copy(update=CHILD.model_dump()), GONE, 24 * 60),
    "never found, from a children's home": (IN_A_HOME, NEVER_REPORTED, 24 * 40),
    "never found or reported": (
        CHILD,
        [fact("noticed", 0), fact("lost_on_activity", 1), fact("authority_told", 2)],
        20,
    ),
    "back, and nobody does anything": (CHILD, [*BACK, fact("repeat_reached", 1, rule="earlier_interviews")], 24 * 40),
    "back, and declined": (CHILD, [*BACK, fact("rhi_declined", 40)], 24 * 40),
    "back, and talked with": (CHILD, [*BACK, fact("rhi_completed", 40, follow_up="yes")], 24 * 40),
    "repeatedly gone": (CHILD, [*BACK, fact("repeat_reached", 1, rule="repeated")], 24 * 40),
    "turns 18": (TURNS_18, [fact("reported", 0)], 24 * 10),
}
TIMED_OUT = (ClockState.OVERDUE, ClockState.FIRED)


def should_have_told(view: EpisodeView, clock_id: str) -> list[tuple[str, str, datetime]]:
    clock = next(one for one in view.clocks if one.id == clock_id)
    assert clock.start is not None
    assert clock.due is not None
    origin = {"start": clock.start, "due": clock.due}
    rungs = [
        (rung.rung, rung.role.value, max(clock.start, origin[rung.at.of] + rung.at.shift))
        for rung in pack().clocks[clock_id].ladder
    ]
    return sorted((r for r in rungs if r[2] <= NOON + timedelta(days=400)), key=lambda one: (one[2], one[0]))


def is_chase(rung: str) -> bool:
    return UNANSWERED in rung or rung.startswith(TASK_OVERDUE)


def assert_silence_was_chased(clock: Clock, told: list[tuple[str, str, datetime]]) -> None:
    """Every rung that asked for an answer went to the deputy, and then to each role above, each later than the last."""
    chase = pack().chase
    assert chase is not None
    asking = [rung for rung in pack().clocks[clock.id].ladder if rung.needs_ack]
    for rung in asking:
        steps = sorted((one for one in told if one[0].startswith(f"{rung.rung}{UNANSWERED}")), key=lambda one: one[2])
        expected = [rung.role, *chase.above(rung.role)]
        assert [role for _, role, _ in steps] == expected[: len(steps)], clock.id
        if clock.kind is ClockKind.DUE_BY:
            assert len(steps) == len(expected), f"{clock.id} {rung.rung}"
        assert len({at for _, _, at in steps}) == len(steps)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("life", LIVES)
async def test_nobody_acts_and_every_ladder_is_climbed(stage_at: Callable[[datetime], Stage], life: str) -> None:
    child, facts, until = LIVES[life]
    view = await live(stage_at(NOON), until, *facts, child=child)
    for clock in view.clocks:
        if clock.state not in TIMED_OUT or clock.kind is ClockKind.REVIEW:
            continue
        told = [(n["rung"], n["role"], n["at"]) for n in view.notices if n["clock"] == clock.id]
        by_ladder = [one for one in told if not is_chase(one[0])]
        assert sorted(by_ladder, key=lambda one: (one[2], one[0])) == should_have_told(view, clock.id), clock.id
        assert_silence_was_chased(clock, told)
        task = pack().clocks[clock.id].task
        mine = [t for t in view.tasks if t["clock"] == clock.id]
        assert [t["role"] for t in mine] == ([task.role] if task else [])


def test_the_lives_let_every_clock_run_out() -> None:
    ran_out = {
        clock.id
        for child, facts, until in LIVES.values()
        for clock in plan(facts, child, pack(), calendar(), NOON + timedelta(hours=until))
        if clock.state in TIMED_OUT
    }
    assert ran_out == set(pack().clocks)
