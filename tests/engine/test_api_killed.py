"""Whatever dies between whichever two steps of a request, sending it again ends as if nothing had died."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import Store, StoreUnavailableError
from activities.store.tables import EpisodeTable, InboxTable
from starter.access import AccessRole
from starter.client import EngineSilentError, Episodes
from starter.relay import Relay
from tests.api.callers import Service, key
from tests.engine.conftest import Theatre
from workflows.contracts import EpisodeInput, Recorded
from workflows.facts import Fact

pytestmark = pytest.mark.asyncio(loop_scope="session")


class KilledError(BaseException):
    """The process that answers is gone."""


class Steps:
    """The steps of a request, one of which something does not survive."""

    def __init__(self, fatal: int, error: Callable[[], BaseException], only: str) -> None:
        self._fatal, self._error, self._only = fatal, error, only
        self.taken = 0
        self.died_at: str | None = None

    def take(self, step: str) -> None:
        if not step.startswith(self._only) or self.died_at is not None:
            return
        self.taken += 1
        if self.taken > self._fatal:
            self.died_at = step
            raise self._error()


class MortalStore(Store):
    """A store that takes steps."""

    def __init__(self, url: str, steps: Steps) -> None:
        super().__init__(url)
        self._steps = steps

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        self._steps.take("store: about to open")
        async with super().session() as session:
            yield session
            self._steps.take("store: about to commit")
        self._steps.take("store: committed")


class MortalEpisodes(Episodes):
    """Episodes that take steps."""

    def __init__(self, client: Any, steps: Steps) -> None:
        super().__init__(client, 20)
        self._steps = steps

    async def begin(self, start: EpisodeInput) -> bool:
        self._steps.take("engine: about to begin")
        begun = await super().begin(start)
        self._steps.take("engine: begun")
        return begun

    async def record(self, episode_id: str, fact: Fact) -> Recorded:
        self._steps.take("engine: about to record")
        recorded = await super().record(episode_id, fact)
        self._steps.take("engine: recorded")
        return recorded


class Town:
    """An authority whose one child is reported and comes back, over a service that may die."""

    def __init__(self, theatre: Theatre, steps: Steps) -> None:
        self.theatre = theatre
        self.authority = f"town-{uuid4().hex[:8]}"
        self._who = {"id": str(uuid4()), "authority": self.authority}
        self._keys = [key() for _ in range(2)]
        self._now = datetime.now(UTC)
        self._mortal = self._service(
            MortalStore(theatre.store.url, steps), MortalEpisodes(theatre.environment.client, steps)
        )
        self._sound = self._service(theatre.store, Episodes(theatre.environment.client, 20))

    def _service(self, store: Store, episodes: Episodes) -> Service:
        async def connect() -> Episodes:
            return episodes

        return Service(store, connect)

    def _ago(self, hours: float) -> str:
        return (self._now - timedelta(hours=hours)).isoformat()

    async def _call(self, service: Service) -> list[int]:
        """Say all there is to say, each under its key; the status of each answer, 0 for none."""
        statuses: list[int] = []
        async with service.caller(AccessRole.MANAGER, **self._who) as client:
            answer = await self._post(
                client, 0, "/v1/episodes", {"child": {"reference": "A"}, "reported": self._ago(3)}
            )
            statuses.append(answer.status_code if answer else 0)
            if answer is None or answer.is_error:
                return statuses
            path = f"/v1/episodes/{answer.json()['episode_id']}/facts"
            answer = await self._post(client, 1, path, {"kind": "returned", "at": self._ago(1)})
            statuses.append(answer.status_code if answer else 0)
        return statuses

    async def _post(
        self, client: httpx.AsyncClient, number: int, path: str, said: dict[str, Any]
    ) -> httpx.Response | None:
        try:
            return await client.post(path, json=said, headers=self._keys[number])
        except KilledError:
            return None

    async def live(self) -> list[int]:
        """Say all of it, once over what may die, then again until all is applied; the first statuses."""
        first = await self._call(self._mortal)
        await self._mortal.store.close()
        last = [await self._call(self._sound) for _ in range(2)]
        assert last == [[201, 200]] * 2, last
        return first

    async def facts(self) -> list[str]:
        """What the one episode there is has come to know. Fails for two."""
        async with self._sound.caller(AccessRole.MANAGER, **self._who) as client, asyncio.timeout(30):
            while True:
                listed = (await client.get("/v1/episodes")).json()["items"]
                assert len(listed) <= 1
                if listed:
                    whole = (await client.get(f"/v1/episodes/{listed[0]['episode_id']}")).json()
                    if len(whole["facts"]) >= 2:
                        return sorted(fact["kind"] for fact in whole["facts"])
                await asyncio.sleep(0.05)

    async def kept(self) -> list[tuple[str, str]]:
        """What the inbox holds."""
        async with self.theatre.store.session() as session:
            mine = select(InboxTable.kind, InboxTable.state).where(InboxTable.authority == self.authority)
            return sorted((kind, state) for kind, state in (await session.execute(mine)).all())


DEATHS: list[tuple[str, Callable[[], BaseException]]] = [
    ("", KilledError),
    ("engine", lambda: EngineSilentError("the engine is gone")),
    ("store", lambda: StoreUnavailableError("the database is gone")),
]


@pytest.mark.parametrize(("what", "error"), DEATHS, ids=["service", "engine", "store"])
async def test_nothing_is_lost_or_doubled_wherever_something_dies(
    theatre: Theatre, what: str, error: Callable[[], BaseException]
) -> None:
    died: list[str] = []
    fatal = 0
    while True:
        steps = Steps(fatal, error, what)
        town = Town(theatre, steps)
        await town.live()
        assert await town.facts() == ["reported", "returned"], steps.died_at
        assert await town.kept() == [("fact", "applied"), ("report", "applied")], steps.died_at
        if steps.died_at is None:
            break
        died.append(steps.died_at)
        fatal += 1
    assert len(died) >= 4
    assert len(set(died)) >= 3


async def test_what_is_kept_while_the_engine_is_gone_is_applied_by_the_relay_most_urgent_first(
    theatre: Theatre,
) -> None:
    steps = Steps(0, lambda: EngineSilentError("the engine is gone"), "engine")
    town = Town(theatre, steps)
    steps.died_at = None

    class GoneEpisodes(MortalEpisodes):
        async def begin(self, start: EpisodeInput) -> bool:
            raise EngineSilentError(f"the engine is gone: {start.authority}")

        async def record(self, episode_id: str, fact: Fact) -> Recorded:
            raise EngineSilentError(f"the engine is gone: {episode_id}, {fact.id}")

    away = town._service(theatre.store, GoneEpisodes(theatre.environment.client, steps))
    assert await town._call(away) == [202, 202]
    assert await town.kept() == [("fact", "kept"), ("report", "kept")]

    async def connect() -> Episodes:
        return Episodes(theatre.environment.client, 20)

    relay = Relay(theatre.store, town._sound.parts.commands, connect)
    mine = [one for one in await relay.relay_once(await connect()) if one.state == "applied"]
    assert len(mine) >= 2
    assert await town.facts() == ["reported", "returned"]
    async with theatre.store.session() as session:
        rows = select(func.count()).select_from(EpisodeTable).where(EpisodeTable.authority == town.authority)
        assert await session.scalar(rows) == 1
