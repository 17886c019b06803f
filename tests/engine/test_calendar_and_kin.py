"""A calendar that grows under an open episode, and a child who goes missing again."""

from collections.abc import AsyncGenerator, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from activities.policies import Policies
from activities.reconcile.engine import EngineAsked
from activities.reconcile.parts import Parts
from activities.reconcile.run import Reconciler
from activities.registry import Activities
from activities.store import Store, inbox
from starter.beginning import first_input
from starter.episode_worker import episode_worker
from starter.rehearsal import Stage, skipping_engine
from starter.upkeep import reconcile_by_hand
from tests.engine.conftest import ANSWERS_IN, AT_ONCE, Theatre
from tests.engine.plays import NOON, fact, hours, live, scenario
from workflows.agreement import Disagreement
from workflows.names import duty_of, other_episode_of
from workflows.working_days import DayOff

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROCLAIMED = DayOff(date=date(2026, 6, 15), name="invented proclaimed holiday")


class GrowingPolicies(Policies):
    """Policies whose calendar is replaced, or whose newest pack is lost, while episodes are open."""

    def lose_the_newest(self, name: str) -> None:
        newest = self.pack(name)
        self._packs = {key: pack for key, pack in self._packs.items() if key != (newest.policy, newest.version)}

    def let_the_calendar_be_known_to(self, last: date, *more: DayOff) -> None:
        shipped = Policies.load().calendar("england")
        self._calendars["england"] = shipped.model_copy(
            update={"known_to": last, "version": f"to-{last}-{len(more)}", "holidays": (*shipped.holidays, *more)}
        )


@pytest_asyncio.fixture(loop_scope="session")
async def growing(tmp_path: Path) -> AsyncGenerator[tuple[Callable[[datetime], Stage], GrowingPolicies]]:
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite'}")
    await store.make_ready()
    policies = GrowingPolicies.load()
    assert isinstance(policies, GrowingPolicies)
    policies.let_the_calendar_be_known_to(date(2026, 6, 12))
    async with skipping_engine() as environment, episode_worker(environment.client, Activities(store, policies)):
        yield lambda at: Stage(environment, store, policies, at), policies
    await store.close()


async def test_a_provisional_date_is_worked_out_again_when_the_calendar_grows(
    growing: tuple[Callable[[datetime], Stage], GrowingPolicies],
) -> None:
    stage_at, policies = growing
    stage = stage_at(NOON)
    view = await live(stage, 25, fact("reported", 0))
    meeting = next(c for c in view.clocks if c.id == "strategy_meeting")
    assert (meeting.provisional, str(meeting.due)) == (True, "2026-06-16 22:59:59+00:00")
    policies.let_the_calendar_be_known_to(date(2027, 12, 31), PROCLAIMED)
    await stage.advance_to(NOON + hours(50))
    view = await stage.view()
    meeting = next(c for c in view.clocks if c.id == "strategy_meeting")
    assert (meeting.provisional, str(meeting.due)) == (False, "2026-06-17 22:59:59+00:00")
    assert view.episode["calendar_version"] == "to-2027-12-31-1"
    assert any("was Tue 16 Jun 2026" in line.text for line in view.timeline)


async def test_a_holiday_proclaimed_in_the_known_span_moves_open_dates_when_the_episode_is_told(
    growing: tuple[Callable[[datetime], Stage], GrowingPolicies],
) -> None:
    stage_at, policies = growing
    policies.let_the_calendar_be_known_to(date(2027, 12, 31))
    stage = stage_at(NOON)
    await live(stage, 25, fact("reported", 0))
    policies.let_the_calendar_be_known_to(date(2027, 12, 31), PROCLAIMED)
    await stage.handle.signal("look_again")
    await stage.advance_to(NOON + hours(25.1))
    meeting = next(c for c in (await stage.view()).clocks if c.id == "strategy_meeting")
    assert str(meeting.due) == "2026-06-17 22:59:59+00:00"


async def test_a_run_of_comparing_has_open_episodes_read_a_newer_calendar_and_only_a_newer_one(
    growing: tuple[Callable[[datetime], Stage], GrowingPolicies],
) -> None:
    stage_at, policies = growing
    policies.let_the_calendar_be_known_to(date(2027, 12, 31), PROCLAIMED)
    stage = stage_at(NOON)
    await live(stage, 25, fact("reported", 0))
    engine = EngineAsked(stage.environment.client, ANSWERS_IN)
    reconciler = Reconciler(Parts(stage.store, engine, policies, first_input, None, (), AT_ONCE))

    async def found() -> list[str]:
        run = await reconcile_by_hand(reconciler, "rehearsal", pause_seconds=0.1)
        return [one.subject for one in run.found if one.kind is Disagreement.CALENDAR_OLDER]

    policies.let_the_calendar_be_known_to(date(2027, 12, 31))
    assert await found() == [], "another worker has a newer one than this"
    another = DayOff(date=date(2026, 6, 16), name="another invented one")
    policies.let_the_calendar_be_known_to(date(2027, 12, 31), PROCLAIMED, another)
    assert await found() == ["england to-2027-12-31-1"]
    await stage.advance_to(NOON + hours(25.1))
    view = await stage.view()
    meeting = next(c for c in view.clocks if c.id == "strategy_meeting")
    assert str(meeting.due) == "2026-06-18 22:59:59+00:00"
    assert view.episode["calendar_version"] == "to-2027-12-31-2"
    assert await found() == []


async def test_an_episode_goes_on_by_its_rules_where_its_worker_does_not_hold_them(
    growing: tuple[Callable[[datetime], Stage], GrowingPolicies],
) -> None:
    """As after a version is taken back whose pack is newer: to ask for the calendar again must not stop its clocks."""
    stage_at, policies = growing
    stage = stage_at(NOON)
    before = await live(stage, 25, fact("reported", 0))
    assert any(clock.provisional for clock in before.clocks), "its calendar is asked for again each day"
    policies.lose_the_newest("homeward")
    await stage.handle.signal("look_again")
    await stage.advance_to(NOON + hours(24 * 28 + 1))
    view = await stage.view()
    assert view.episode["policy_version"] == before.episode["policy_version"]
    assert "long_term" in {notice["clock"] for notice in view.notices if notice["at"] > NOON + hours(25)}
    policies.let_the_calendar_be_known_to(date(2027, 12, 31))


async def test_missing_again_with_an_interview_owed_is_two_episodes_and_two_clocks(
    theatre: Theatre, stage_at: Callable[[datetime], Stage]
) -> None:
    async with theatre.store.session() as session:
        child_id = await inbox.child_id(session, "rehearsal", "INVENTED-AGAIN", datetime.now(UTC))
    first = stage_at(NOON)
    await live(first, 10, fact("reported", 0), fact("returned", 5), child_id=child_id)
    await first.advance_to(NOON + hours(11))
    second = stage_at(NOON + hours(11))
    await second.begin(scenario(), (fact("reported", 11),), child_id=child_id)
    await second.advance_to(NOON + hours(11.1))
    view = await second.view()
    assert any(first.episode_id in line.text and "interview still owed" in line.text for line in view.timeline)
    assert [t["role"] for t in view.tasks if t["clock"] is None] == []
    await first.advance_to(NOON + hours(11.2))
    before = await first.view()
    owed = next(c for c in before.clocks if c.id == "rhi")
    assert owed.state == "running"
    assert owed.due == NOON + timedelta(hours=77)
    delays = [f.details for f in before.facts if f.kind == "rhi_delayed"]
    assert delays == [{"reason": "missing_again", "episode": second.episode_id}]
    reached = [f.details for f in view.facts if f.kind == "repeat_reached"]
    assert reached == [{"rule": "earlier_interviews", "count": "2"}]


async def test_missing_again_while_not_known_to_be_back_is_a_task_for_the_duty_manager(
    theatre: Theatre, stage_at: Callable[[datetime], Stage]
) -> None:
    async with theatre.store.session() as session:
        child_id = await inbox.child_id(session, "rehearsal", "INVENTED-STILL-AWAY", datetime.now(UTC))
    first = stage_at(NOON)
    await live(first, 10, fact("reported", 0), child_id=child_id)
    second = stage_at(NOON + hours(11))
    await second.begin(scenario(), (fact("reported", 11),), child_id=child_id)
    await second.advance_to(NOON + hours(11.1))
    view = await second.view()
    (unreturned,) = [t for t in view.tasks if t["clock"] is None]
    assert unreturned["role"] == "duty_manager"
    assert other_episode_of(duty_of(unreturned["key"])) == first.episode_id
