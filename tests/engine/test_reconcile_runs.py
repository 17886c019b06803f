"""Runs that compare: what is in flight, without a worker, by the schedule, killed anywhere, and over many episodes."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, select

from activities.reconcile.engine import EngineAsked
from activities.reconcile.parts import Timing
from activities.reconcile.things import THINGS
from activities.store import disagreements
from activities.store.tables import DisagreementTable, EpisodeTable, InboxTable
from starter.timetables import ReconcileTimetable
from tests.engine.conftest import ANSWERS_IN, AT_ONCE, Theatre
from tests.engine.correspondence import until
from tests.engine.test_reconcile import ALONE, BREAKS
from tests.engine.town import Town, kinds
from workflows.agreement import AGREEMENTS, OF_EPISODES, Disagreement
from workflows.contracts import EpisodeInput, WriteAgain
from workflows.names import RECONCILE_WORKFLOW, TASK_QUEUE, reconcile_id, workflow_id
from workflows.reconcile_contracts import LookAsked, Looked, ReconcileInput, SurveyAsked, Suspect

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _break_row(town: Town, episode: str) -> None:
    await town.change(episode, turn=0)


async def test_every_kind_has_its_sentences_and_a_test() -> None:
    assert set(AGREEMENTS) == set(Disagreement)
    assert {kind for kind, _ in BREAKS} | set(ALONE) == set(OF_EPISODES)
    assert set(THINGS) == set(Disagreement) - set(OF_EPISODES)


async def test_what_is_young_is_in_flight_and_no_disagreement(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    await _break_row(town, episode)
    careful = town.reconciler(replace(AT_ONCE, grace=timedelta(minutes=5)))
    assert (await town.run(careful)).found == []
    looked = await careful.look(LookAsked(authority=town.authority, suspects=(Suspect(subject=episode),), mends=True))
    assert (looked.found, looked.in_flight) == (0, 1)
    assert await town.ever() == []
    await town.change(episode, written_at=datetime.now(UTC) - timedelta(minutes=6))
    assert kinds((await town.run(careful)).found) == {Disagreement.ROWS_OLDER}


async def test_what_agrees_at_the_second_look_was_never_found(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    await _break_row(town, episode)
    surveyed = await town.reconciler().survey(SurveyAsked(authority=town.authority))
    assert [one.subject for one in surveyed.suspects] == [episode]
    await town.handle(episode).signal("write_again", WriteAgain())
    await town.settled(episode)
    looked = await town.reconciler().look(LookAsked(authority=town.authority, suspects=surveyed.suspects, mends=True))
    assert (looked.found, await town.ever()) == (0, [])


async def test_a_dry_run_says_what_it_finds_and_changes_nothing(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    await _break_row(town, episode)
    for _ in range(2):
        done = await town.run(dry=True)
        assert [(one.kind, one.subject, one.done) for one in done.found] == [(Disagreement.ROWS_OLDER, episode, None)]
    assert await town.ever() == []
    async with town.store.session() as session:
        assert await disagreements.last_run(session, town.authority) is None


async def test_without_a_worker_lost_episodes_begin_again_and_the_rest_is_said_to_be_unanswered(
    theatre: Theatre,
) -> None:
    town = Town(theatre)
    lost, other = await town.episode(), await town.episode()
    await town.lose(lost)
    await _break_row(town, other)
    alone = town.reconciler(engine=EngineAsked(town.client, ANSWERS_IN, asks_workers=False))
    done = await town.run(alone)
    assert [(one.kind, one.subject) for one in done.found] == [(Disagreement.EPISODE_LOST, lost)]
    await town.run(alone, episode=other)
    assert other not in {one.subject for one in await town.ever()}
    looked = await alone.look(LookAsked(authority=town.authority, suspects=(Suspect(subject=other),), mends=True))
    assert (looked.found, looked.unanswered) == (0, 1)


async def test_an_episode_whose_report_was_never_kept_is_reported_and_not_guessed(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    async with town.store.session() as session:
        await session.execute(delete(InboxTable).where(InboxTable.episode_id == episode))
    await town.lose(episode)
    for _ in range(2):
        assert kinds((await town.run()).found) == {Disagreement.EPISODE_LOST}
    [found] = await town.open()
    assert (found.attempts, found.how) == (0, "its report was never kept here, so what it began with is not known")
    assert await town.knows(episode) is None


async def test_another_authoritys_episode_is_none(theatre: Theatre) -> None:
    town, neighbour = Town(theatre), Town(theatre)
    episode, unwritten = await neighbour.episode(), await neighbour.episode()
    await _break_row(neighbour, episode)
    async with town.store.session() as session:
        for table in reversed(EpisodeTable.metadata.sorted_tables):
            if "episode_id" in table.columns and table.name not in ("inbox", "notice"):
                await session.execute(delete(table).where(table.c.episode_id == unwritten))
        await session.execute(delete(EpisodeTable).where(EpisodeTable.id == unwritten))
    assert (await town.run()).found == []
    for one in (episode, unwritten):
        assert (await town.run(episode=one)).found == []
    assert await town.ever() == []
    await neighbour.agrees()


async def test_it_never_begins_a_second_one(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    knows, run = await town.knows(episode), (await town.handle(episode).describe()).run_id
    assert knows is not None
    assert await town.parts.engine.begin(knows) is False
    assert (await town.handle(episode).describe()).run_id == run


async def test_the_schedule_begins_a_run_that_mends(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    await _break_row(town, episode)
    timetable = ReconcileTimetable(town.client, town.authority, 15)
    assert not await timetable.agrees()
    await timetable.make()
    assert await timetable.agrees()
    handle = town.client.get_schedule_handle(reconcile_id(town.authority))
    await handle.trigger()

    async def is_found() -> bool:
        return kinds(await town.ever()) == {Disagreement.ROWS_OLDER}

    await until(is_found, 60)
    await town.agrees()
    await ReconcileTimetable(town.client, town.authority, 0).make()
    assert await ReconcileTimetable(town.client, town.authority, 0).agrees()


async def test_the_workflow_says_what_it_did_in_numbers(theatre: Theatre) -> None:
    town = Town(theatre)
    episodes = [await town.episode() for _ in range(3)]
    await _break_row(town, episodes[1])

    async def run() -> Looked:
        start = ReconcileInput(authority=town.authority, pause=timedelta(seconds=1))
        id = f"reconcile-{uuid4()}"
        return await town.client.execute_workflow(
            RECONCILE_WORKFLOW, start, id=id, task_queue=TASK_QUEUE, result_type=Looked
        )

    first, second = await run(), await run()
    assert (first.found, first.tried, first.agreed) == (1, 1, 1)
    # One list of the running, and two calls for each episode, since here every run looks at each whole.
    assert (second.found, second.tried, second.calls) == (0, 0, 1 + 2 * 3)
    async with town.store.session() as session:
        last = await disagreements.last_run(session, town.authority)
    assert last is not None
    assert (last.open_episodes, last.compared, last.found, last.checked_to) == (3, 3, 0, sorted(episodes)[-1])


async def test_a_round_comes_to_every_episode(theatre: Theatre) -> None:
    """Four runs a round: each looks at a quarter whole, and after four every one has had its turn."""
    town = Town(theatre)
    episodes = [await town.episode() for _ in range(6)]
    timing = Timing(grace=timedelta(0), whole_within=timedelta(minutes=60), every=timedelta(minutes=15))
    seen: list[str] = []

    class Watched(EngineAsked):
        async def knows(self, episode_id: str) -> EpisodeInput | None:
            seen.append(episode_id)
            return await super().knows(episode_id)

    reconciler = town.reconciler(timing, engine=Watched(town.client, ANSWERS_IN))
    for _ in range(4):
        before = len(seen)
        await town.run(reconciler)
        assert len(seen) - before == 2
    assert set(seen) == set(episodes)


class Killed(BaseException):
    """A worker is no more."""


class KilledAt(EngineAsked):
    """An engine that is asked by a worker which is killed at a call, before or after the engine has it."""

    def __init__(self, *about: Any, at: int, after: bool) -> None:
        super().__init__(*about)
        self._left, self._after = at, after

    async def _or_killed(self, asked: Callable[[], Awaitable[Any]]) -> Any:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Killed
        answer = await asked()
        if self._left == 0:
            raise Killed
        return answer

    async def running(self, kind: str) -> dict[str, datetime]:
        return await self._or_killed(lambda: EngineAsked.running(self, kind))

    async def knows(self, episode_id: str) -> EpisodeInput | None:
        return await self._or_killed(lambda: EngineAsked.knows(self, episode_id))

    async def begin(self, start: EpisodeInput) -> bool:
        return await self._or_killed(lambda: EngineAsked.begin(self, start))

    async def write_again(self, episode_id: str, there: WriteAgain) -> None:
        await self._or_killed(lambda: EngineAsked.write_again(self, episode_id, there))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 9))
async def test_a_run_killed_anywhere_is_made_good_by_the_next(theatre: Theatre, at: int, after: bool) -> None:
    town = Town(theatre)
    lost, other = await town.episode(), await town.episode()
    await town.lose(lost)
    await _break_row(town, other)
    doomed = town.reconciler(engine=KilledAt(town.client, ANSWERS_IN, at=at, after=after))
    try:
        await town.run(doomed)
    except Killed:
        died = True
    else:
        died = False
    assert died or at > 4
    await town.agrees()
    found = await town.ever()
    assert sorted((one.kind, one.subject) for one in found) == sorted(
        [(Disagreement.EPISODE_LOST, lost), (Disagreement.ROWS_OLDER, other)]
    )
    for one in (lost, other):
        await town.settled(one)
    query = f"WorkflowId = '{workflow_id(lost)}' AND ExecutionStatus = 'Running'"
    assert len([run async for run in town.client.list_workflows(query)]) == 1


@pytest.mark.long
async def test_many_agreements_broken_at_once_are_all_mended(theatre: Theatre) -> None:
    chosen = random.Random(20260610)  # noqa: S311 - the same each time
    town = Town(theatre)
    episodes = [await town.episode() for _ in range(20)]
    before = {one: await town.view(one) for one in episodes}
    mendable = [(kind, breaks) for kind, breaks in BREAKS if kind is not Disagreement.FACT_ONLY_IN_ROWS]
    broken: dict[str, list[Disagreement]] = {}
    for episode in chosen.sample(episodes, 16):
        for kind, breaks in sorted(chosen.sample(mendable, chosen.choice((1, 1, 2))), key=_roughest_last):
            await breaks(town, episode)
            broken.setdefault(episode, []).append(kind)
    await town.agrees()
    # An episode that neither has any more is one whose report waits for the relay.
    await town.relay()
    for episode in episodes:
        await town.settled(episode)
    await town.agrees()
    assert {one.subject for one in await town.ever()} == set(broken), "those that were left alone were left alone"
    async with town.store.session() as session:
        still = select(func.count()).select_from(DisagreementTable).where(DisagreementTable.mended_at.is_(None))
        assert await session.scalar(still.where(DisagreementTable.authority == town.authority)) == 0
    for episode, was in before.items():
        now, knows = await town.view(episode), await town.knows(episode)
        assert was is not None and now is not None and knows is not None  # noqa: PT018
        assert {f.id for f in was.facts} == {f.id for f in now.facts} == {f.id for f in knows.facts}, broken.get(
            episode
        )
        assert {c.id: (c.state, c.due) for c in was.clocks} == {c.id: (c.state, c.due) for c in now.clocks}
        assert {n["key"] for n in was.notices} == {n["key"] for n in now.notices}
        assert {t["key"]: t["state"] for t in was.tasks} == {t["key"]: t["state"] for t in now.tasks}
    await town.run()
    assert (await town.run()).found == []


ROUGHEST = (Disagreement.EPISODE_LOST, Disagreement.EPISODE_ENDED_UNFINISHED, Disagreement.EPISODE_NOT_IN_ROWS)


def _roughest_last(one: tuple[Disagreement, Any]) -> bool:
    """Rows are broken while there are rows, and the engine's memory last."""
    return one[0] in ROUGHEST
