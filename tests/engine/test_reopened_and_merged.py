"""What commands do across episodes on the real engine: open again, merge, one interview for several, another policy."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from activities.store.episodes import EpisodeView
from starter.applying import Outcome
from starter.client import Episodes
from starter.commands import Commands
from starter.rehearsal import Stage
from tests.engine.conftest import Theatre
from tests.engine.plays import LOOKED_AFTER, NOON, fact, hours, live, scenario, told
from workflows.contracts import EpisodeInput
from workflows.facts import Child, Fact
from workflows.instants import to_rfc3339
from workflows.plain_errors import BadInputError
from workflows.vocabulary import Setting

pytestmark = pytest.mark.asyncio(loop_scope="session")
StageAt = Callable[[datetime], Stage]

AT_HOME = Child(allocated=False, looked_after=False, out_of_area=False, setting=Setting.FAMILY_HOME)
SETTLED = 31 + 28 * 24


def settled() -> tuple[Fact, ...]:
    return (
        fact("reported", 0),
        fact("returned", 1),
        fact("prevention_check", 2, outcome="done"),
        fact("rhi_completed", 30),
    )


@pytest.fixture
def commands(theatre: Theatre) -> Commands:
    async def connect() -> Episodes:
        return Episodes(theatre.environment.client, 20)

    return Commands(theatre.store, theatre.policies, "rehearsal", connect)


def state(view: EpisodeView, clock: str) -> str:
    return next(c.state.value for c in view.clocks if c.id == clock)


def shown(outcomes: list[Outcome]) -> list[str]:
    return [outcome.state for outcome in outcomes]


def going_on_at(stage: Stage) -> Callable[[], Awaitable[Episodes]]:
    """An engine on which a run begun again goes on at the stage's own time: each run here has a clock of its own."""
    client: Any = stage.environment.client

    class Client:
        get_workflow_handle = client.get_workflow_handle

        async def start_workflow(self, name: str, start: EpisodeInput, **more: Any) -> object:
            ahead = stage.now - datetime.now(UTC)
            return await client.start_workflow(name, start.model_copy(update={"ahead": ahead}), **more)

    async def connect() -> Episodes:
        return Episodes(cast("Any", Client()), 20)

    return connect


async def test_a_closed_episode_is_opened_again_with_all_it_knew(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    before = await live(stage, SETTLED + 1, *settled(), child=AT_HOME)
    assert before.episode["status"] == "closed"
    now = stage.now
    commands = Commands(stage.store, stage.policies, "rehearsal", going_on_at(stage))
    outcome = await commands.reopen(stage.episode_id, "wrong child interviewed", "A. Invented", now)
    assert outcome.state == "applied"
    wrong = next(f for f in before.facts if f.kind == "rhi_completed")
    said = {"kind": "withdrawn", "at": to_rfc3339(now), "fact": wrong.id, "reason": "wrong child"}
    assert (await commands.record(stage.episode_id, said, now)).state == "applied"
    view = await stage.view()
    assert (view.episode["status"], view.episode["closed_at"]) == ("returned", None)
    assert state(view, "rhi") == "overdue"
    assert [line.number for line in view.timeline] == list(range(1, len(view.timeline) + 1))
    assert len(view.facts) == len(before.facts) + 2
    keys = [n["key"] for n in view.notices]
    assert {n["key"] for n in before.notices} < set(keys)
    assert len(keys) == len(set(keys))


async def test_an_open_episode_is_not_opened_again(stage_at: StageAt, commands: Commands) -> None:
    stage = stage_at(NOON)
    await live(stage, 1, fact("reported", 0))
    with pytest.raises(BadInputError, match="episode: it is not closed"):
        await commands.reopen(stage.episode_id, "x", "y", stage.now)


async def test_one_interview_discharges_several_episodes_each_by_its_own_clock(
    stage_at: StageAt, commands: Commands
) -> None:
    early, late = stage_at(NOON), stage_at(NOON + hours(60))
    await live(early, 100, fact("reported", 0), fact("returned", 1))
    await late.begin(scenario(), (fact("reported", 60),))
    await late.advance_to(NOON + hours(61))
    await late.record(fact("returned", 61))
    await late.advance_to(NOON + hours(100))
    said = {"kind": "rhi_done", "at": to_rfc3339(NOON + hours(99)), "interviewer": "independent"}
    outcomes = await commands.record_in_all([early.episode_id, late.episode_id], said, NOON + hours(100))
    assert shown(outcomes) == ["applied", "applied"]
    said["id"] = outcomes[0].id
    again = await commands.record_in_all([early.episode_id, late.episode_id], said, NOON + hours(100))
    assert [(one.state, one.again) for one in again] == [("applied", True), ("applied", True)]
    views = [await stage.view() for stage in (early, late)]
    assert [state(view, "rhi") for view in views] == ["late", "met"]
    interviews = [f.details["interview"] for view in views for f in view.facts if f.kind == "rhi_completed"]
    assert interviews == [outcomes[0].id] * 2


async def test_a_duplicate_is_merged_with_a_trail_in_both(stage_at: StageAt, commands: Commands) -> None:
    kept, duplicate = stage_at(NOON), stage_at(NOON)
    await live(kept, 3, fact("reported", 1))
    await live(duplicate, 3, fact("last_seen", 0), fact("reported", 0.5), fact("told", 2, role="iro"))
    outcomes = await commands.merge(duplicate.episode_id, kept.episode_id, "one child", "A. Invented", NOON + hours(3))
    assert shown(outcomes) == ["applied"] * 4
    ended, stays = await duplicate.view(), await kept.view()
    assert ended.episode["status"] == "merged"
    assert {c.state.value for c in ended.clocks} <= {"ended", "met", "late", "not_started"}
    assert [t["state"] for t in ended.tasks if t["state"] == "open"] == []
    moved = [f for f in stays.facts if f.source == f"merged from {duplicate.episode_id}"]
    assert {f.kind.value for f in moved} == {"last_seen", "reported", "told"}
    assert state(stays, "iro_notice") == "met"
    alert = next(c for c in stays.clocks if c.id == "leadership_alert")
    assert alert.start == NOON
    again = await commands.merge(duplicate.episode_id, kept.episode_id, "one child", "A. Invented", NOON + hours(3))
    assert "refused" not in shown(again)
    assert len((await kept.view()).facts) == len(stays.facts)


async def test_what_only_those_close_to_the_child_may_see_they_alone_see_after_a_merge(
    stage_at: StageAt, commands: Commands
) -> None:
    kept, restricted, again = stage_at(NOON), stage_at(NOON), stage_at(NOON)
    trafficked = LOOKED_AFTER.model_copy(update={"trafficking_concern": True})
    await live(kept, 3, fact("reported", 1))
    await live(restricted, 3, fact("last_seen", 0), fact("reported", 0.5), child=trafficked)
    await live(again, 3, fact("reported", 0.6), child=trafficked)
    assert (await kept.view()).episode["need_to_know"] is False
    for duplicate, facts in ((restricted, 4), (again, 2)):
        now = NOON + hours(3)
        outcomes = await commands.merge(duplicate.episode_id, kept.episode_id, "one child", "A. Invented", now)
        assert shown(outcomes) == ["applied"] * facts
    view = await kept.view()
    assert view.episode["need_to_know"] is True
    described = [one for one in view.facts if one.kind == "described"]
    source = f"merged from {restricted.episode_id}"
    assert [(one.details, one.source) for one in described] == [({"restricted": "yes"}, source)], "said once"


async def test_what_was_corrected_goes_over_as_it_was_corrected(stage_at: StageAt, commands: Commands) -> None:
    kept, duplicate = stage_at(NOON), stage_at(NOON)
    await live(kept, 3, fact("reported", 1))
    wrong = fact("last_seen", 0.8)
    right = fact("last_seen", 0.2).model_copy(update={"replaces": wrong.id})
    await live(duplicate, 3, fact("reported", 1), wrong, right)
    outcomes = await commands.merge(duplicate.episode_id, kept.episode_id, "one child", "A. Invented", NOON + hours(3))
    assert shown(outcomes) == ["applied"] * 3
    assert [one.at for one in (await kept.view()).facts if one.kind == "last_seen"] == [NOON + hours(0.2)]


async def test_records_that_contradict_each_other_stay_as_they_are_until_one_is_corrected(
    stage_at: StageAt, commands: Commands
) -> None:
    kept, duplicate = stage_at(NOON), stage_at(NOON)
    await live(kept, 3, fact("reported", 1), fact("located", 2))
    later = fact("last_seen", 2.5)
    await live(duplicate, 3, fact("reported", 1), later)
    ask = (duplicate.episode_id, kept.episode_id, "one child", "A. Invented", NOON + hours(3))
    with pytest.raises(BadInputError, match="the records contradict each other, correct one first: found on "):
        await commands.merge(*ask)
    assert (await duplicate.view()).episode["status"] == "missing"
    assert len((await kept.view()).facts) == 2
    said = {"kind": "withdrawn", "at": to_rfc3339(NOON + hours(3)), "fact": later.id}
    assert (await commands.record(duplicate.episode_id, said, NOON + hours(3))).state == "applied"
    assert shown(await commands.merge(*ask)) == ["applied"] * 2


async def test_an_episode_is_not_merged_into_itself(stage_at: StageAt, commands: Commands) -> None:
    with pytest.raises(BadInputError, match="--into"):
        await commands.merge("x", "x", "y", "z", datetime.now(UTC))


async def test_an_episode_moves_to_another_policy_by_a_fact_and_forgets_nothing(
    stage_at: StageAt, commands: Commands
) -> None:
    stage = stage_at(NOON)
    before = await live(stage, 25, fact("reported", 0), policy_version="2026.1")
    assert (before.episode["policy_version"], len(before.clocks)) == ("2026.1", 10)
    said = {"kind": "policy_changed", "at": to_rfc3339(stage.now), "policy": "homeward", "version": "2026.2",
            "reason": "the new protocol", "authorised_by": "B. Madeup"}  # fmt: skip
    with pytest.raises(BadInputError, match="has no version 2031"):
        await commands.record(stage.episode_id, {**said, "version": "2031.1"}, stage.now)
    assert (await commands.record(stage.episode_id, said, stage.now)).state == "applied"
    view = await stage.view()
    assert view.episode["policy_version"] == "2026.2"
    assert "return_plan" in {c.id for c in view.clocks}
    assert told(view, "leadership_alert") == told(before, "leadership_alert")
    assert [line.text for line in view.timeline if line.kind == "rules"][-1].startswith("Policy homeward 2026.2")


async def test_a_change_to_a_policy_nobody_has_is_refused_in_sight(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    await live(stage, 1, fact("reported", 0))
    await stage.handle.signal(
        "fact",
        {"kind": "policy_changed", "at": to_rfc3339(NOON), "policy": "nowhere", "version": "2031.1", "reason": "x",
         "authorised_by": "y"},
    )  # fmt: skip
    await stage.advance_to(NOON + hours(25))
    view = await stage.view()
    assert view.episode["policy"] == "homeward"
    assert [line.text for line in view.timeline if line.kind == "refused"] == [
        "Refused, a change of policy: there is no such policy and version"
    ]


@pytest.mark.parametrize("ending", [("recorded_in_error", {"reason": "x"}), ("died", {})])
async def test_an_episode_that_is_over_ends_its_clocks_and_closes(
    stage_at: StageAt, ending: tuple[str, dict[str, str]]
) -> None:
    kind, details = ending
    stage = stage_at(NOON)
    await live(stage, 5, fact("reported", 0), fact(kind, 4, **details))
    await stage.advance_to(NOON + hours(4) + timedelta(days=28, hours=1))
    view = await stage.view()
    assert view.episode["status"] == "closed"
    assert "running" not in {c.state for c in view.clocks}
    assert [n for n in view.notices if n["at"] > NOON + hours(4)] == []
