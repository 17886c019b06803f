"""A step told again for a later time, on the real engine: by a worker that begins the change, and one that does not."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from activities.registry import Activities
from starter.episode_worker import episode_worker
from tests.engine.correspondence import until
from tests.engine.own_engine import Machine
from tests.engine.town import LOOKED_AFTER
from workflows import changes
from workflows.instants import to_rfc3339

pytestmark = pytest.mark.asyncio(loop_scope="session")

OFFER, TO_OFFER = "rhi_offer", timedelta(hours=24)


async def _told(machine: Machine, episode: str) -> list[str]:
    view = await machine.view(episode)
    keys = [one["key"] for one in view.notices if one["clock"] == OFFER] if view else []
    return sorted(key.split("/", 2)[2].removesuffix("/team_manager") for key in keys)


@pytest.mark.parametrize(
    ("begins_it", "told"),
    [
        (True, ["escalate/1", "escalate/2", "escalate_corrected/1"]),
        (False, ["escalate/1", "escalate/2", "escalate/3", "escalate_corrected/1"]),
    ],
)
async def test_it_is_told_once_for_the_later_time(machine: Machine, begins_it: bool, told: list[str]) -> None:
    """The manager hears that no interview was offered; the return was five seconds later, and they hear that once."""

    def begins(name: str) -> bool:
        return begins_it if name == "later-climbs-stand" else changes.begins(name)

    async def have_been_told(*keys: str) -> bool:
        return set(await _told(machine, episode)) >= set(keys)

    async with episode_worker(machine.client, Activities(machine.store, machine.policies), begins=begins):
        due = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
        said = {"child": LOOKED_AFTER, "reported": to_rfc3339(due - timedelta(hours=30))}
        _, outcome = await machine.commands.report({"report_id": str(uuid4()), **said}, datetime.now(UTC))
        episode = outcome.episode_id
        back = {"kind": "returned", "at": to_rfc3339(due - TO_OFFER)}
        wrong = await machine.commands.record(episode, back, datetime.now(UTC))
        await until(lambda: have_been_told("escalate/1"), 10)
        later = due + timedelta(seconds=5)
        await until(lambda: _has_come(later), 10)
        right = {**back, "at": to_rfc3339(later - TO_OFFER), "replaces": wrong.id}
        await machine.commands.record(episode, right, datetime.now(UTC))
        await until(lambda: have_been_told("escalate/2", "escalate_corrected/1"), 10)
        searched = {"kind": "searched", "at": to_rfc3339(due)}
        await machine.commands.record(episode, searched, datetime.now(UTC))
        await until(lambda: have_been_told(*told), 10)
    assert await _told(machine, episode) == told


async def _has_come(moment: datetime) -> bool:
    return datetime.now(UTC) > moment
