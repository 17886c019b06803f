"""What is put together again from rows is what the episode knew; its notices, put together again, are those it sent."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from activities.store import agreement
from starter.rehearsal import Stage
from tests.engine.conftest import Theatre
from tests.engine.plays import NOON, fact, live
from workflows.contracts import Carried, EpisodeInput
from workflows.facts import Fact
from workflows.ladders import Climb
from workflows.names import QUERY_CARRIED
from workflows.recollection import carried_from_rows, notices_again, notices_sent
from workflows.telling import SentNotice

pytestmark = pytest.mark.asyncio(loop_scope="session")

wrong = fact("returned", 5)
LIVES: dict[str, tuple[tuple[Fact, ...], float]] = {
    "missing past the alert": ((fact("last_seen", 0), fact("reported", 1)), 50),
    "back, and the interview overdue": (
        (fact("reported", 0), fact("told", 1, role="iro"), fact("returned", 5)),
        120,
    ),
    "a return that was none": (
        (fact("reported", 0), wrong, fact("withdrawn", 30, fact=wrong.id), fact("returned", 60)),
        90,
    ),
    "a return that came later": (
        (fact("reported", 0), wrong, fact("returned", 24).model_copy(update={"replaces": wrong.id})),
        60,
    ),
    "an alert answered, and a duty lifted": (
        (
            fact("reported", 0),
            fact("acknowledged", 24.5, clock="leadership_alert", role="senior_leader"),
            fact("returned", 30),
            fact("clock_suppressed", 60, clock="rhi_offer", reason="x", authorised_by="y"),
        ),
        70,
    ),
}


async def lived(stage: Stage, name: str) -> EpisodeInput:
    facts, until_hours = LIVES[name]
    await live(stage, until_hours, *facts)
    return await stage.handle.query(QUERY_CARRIED, result_type=EpisodeInput)


def climbs(carried: Carried) -> dict[tuple[str, str], tuple[int, bool, bool]]:
    def of(one: Climb) -> tuple[int, bool, bool]:
        return one.times, one.passed_over, one.corrected

    return {(one.clock, one.rung): of(one) for one in carried.climbs}


def sent(carried: Carried) -> dict[str, tuple[Any, ...]]:
    def of(one: SentNotice) -> tuple[Any, ...]:
        return one.clock, one.rung, one.role, one.of_absence, one.asked_much, one.corrected, one.lifted

    return {one.key: of(one) for one in carried.sent}


def told_back(carried: Carried) -> list[tuple[Any, ...]]:
    return sorted((one.role, one.times, one.stands) for one in carried.told_back)


@pytest.mark.parametrize("name", LIVES)
async def test_rows_remember_what_the_episode_knew(
    theatre: Theatre, stage_at: Callable[[datetime], Stage], name: str
) -> None:
    stage = stage_at(NOON)
    knows = await lived(stage, name)
    assert knows.carried is not None
    async with theatre.store.snapshot() as session:
        rows = await agreement.all_kept(session, stage.authority, stage.episode_id)
    assert rows is not None
    rebuilt = carried_from_rows(knows, rows, knows.carried.rules)
    assert climbs(rebuilt) == climbs(knows.carried)
    assert sent(rebuilt) == sent(knows.carried)
    assert told_back(rebuilt) == told_back(knows.carried)
    assert {c.id: c for c in rebuilt.clocks} == {c.id: c for c in knows.carried.clocks}
    assert {t.key: t for t in rebuilt.tasks} == {t.key: t for t in knows.carried.tasks}
    assert (rebuilt.timeline, rebuilt.turn, rebuilt.status) == (
        knows.carried.timeline,
        knows.carried.turn,
        knows.carried.status,
    )
    assert rebuilt.aware.keys() == knows.carried.aware.keys()
    late = {one: rebuilt.aware[one].since - knows.carried.aware[one].since for one in rebuilt.aware}
    assert max(late.values()) <= timedelta(seconds=1), "no clock counts as known later than it was"


def said(notices: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    names = ("clock", "rung", "role", "needs_ack", "escalates", "says", "channel")
    return {one["key"]: [str(one[name]) for name in names] for one in notices}


@pytest.mark.parametrize("name", LIVES)
async def test_notices_put_together_again_are_those_that_were_sent(
    stage_at: Callable[[datetime], Stage], name: str
) -> None:
    stage = stage_at(NOON)
    knows, view = await lived(stage, name), await stage.view()
    keys = notices_sent(knows)
    lifted = {n["key"] for n in view.notices if n["rung"].endswith("_lifted")}
    assert keys <= {n["key"] for n in view.notices}
    again = {one.order.key: one.order for one in notices_again(knows, keys, stage.now)}
    assert set(again) == keys, "each can be written again"
    assert said(one.model_dump() for one in again.values()) == said(n for n in view.notices if n["key"] in keys)
    # Of a return that was taken back and came again only the last telling is known, and that notices were lifted not.
    first_returns = {n["key"] for n in view.notices if n["clock"] == "return_notice"} - keys
    assert {n["key"] for n in view.notices} - keys == lifted | first_returns
