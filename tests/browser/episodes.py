"""Words for tests of an episode's pages: a child reported in a town, and what becomes of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from activities.policies import Policies
from activities.store.tables import EpisodeTable, FactTable
from starter.applying import Outcome
from starter.commands import Commands
from tests.browser.conftest import Town
from tests.engine.correspondence import until
from workflows.instants import to_rfc3339

CHILD = "INV-4471"
LOOKED_AFTER: dict[str, Any] = {
    "reference": CHILD,
    "born": "2011-05-14",
    "allocated": True,
    "looked_after": True,
    "out_of_area": True,
    "setting": "foster",
}


@dataclass
class Absence:
    """An episode of a town on the real engine, in the real present."""

    town: Town
    id: str

    @property
    def path(self) -> str:
        return f"/episodes/{self.id}"

    @property
    def commands(self) -> Commands:
        return commands_of(self.town)

    async def record(self, kind: str, hours_ago: float = 0, **details: Any) -> Outcome:
        said = {"kind": kind, "at": hours_before(self.town, hours_ago), **details}
        outcome = await self.commands.record(self.id, said, self.town.house.now)
        assert outcome.state == "applied", outcome
        await written(self.town, self.id, outcome.id)
        return outcome


def commands_of(town: Town) -> Commands:
    async def reach() -> Any:
        return town.stage.episodes

    return Commands(town.house.store, Policies.load(), town.stage.authority, reach)


def hours_before(town: Town, hours: float) -> str:
    return to_rfc3339((town.house.now - timedelta(hours=hours)).replace(second=0, microsecond=0))


def at_present(town: Town) -> None:
    """Have the service's present be the real one, in which the engine runs what is reported."""
    town.house.now = datetime.now(UTC)


async def written(town: Town, episode: str, fact: str | None = None) -> None:
    """Wait until a fact of an episode, or the episode itself, stands in the rows that pages read."""

    async def is_so() -> bool:
        async with town.house.store.snapshot() as session:
            row = await session.get(FactTable, (episode, fact)) if fact else await session.get(EpisodeTable, episode)
        return row is not None

    await until(is_so)


async def reported(town: Town, *, gone_for: float = 5, **more: Any) -> Absence:
    """A child reported to this town some hours ago, once its episode has been written."""
    at_present(town)
    child = {**LOOKED_AFTER, **more.pop("child", {})}
    when = {"last_seen": hours_before(town, gone_for), "reported": hours_before(town, gone_for - 0.5)}
    data = {"report_id": str(uuid4()), "child": child, "police_reference": "INV/77", **when, **more}
    _, outcome = await commands_of(town).report(data, town.house.now)
    assert outcome.state == "applied", outcome
    await written(town, outcome.episode_id)
    return Absence(town, outcome.episode_id)
