"""The relay: puts what waits in the inbox to the engine, most urgent first, until the engine has answered."""

import asyncio
import logging
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from activities.store import Store, StoreUnavailableError, inbox
from activities.store.inbox import InboxItem
from starter.applying import Outcome
from starter.client import EngineSilentError, Episodes
from starter.commands import Commands, Connect

PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 10.0
AT_ONCE: Final = 100
SILENT_IN_A_ROW: Final = 3
EPISODES_AT_ONCE: Final = 8
"""Of as many episodes something is put to the engine at the same time: each waits for its worker's turn."""

log = logging.getLogger("homeward.relay")


class Relay:
    """Runs beside a worker, for as long as it runs."""

    def __init__(self, store: Store, commands: Commands, connect: Connect) -> None:
        self._store = store
        self._commands = commands
        self._connect = connect

    async def run(self) -> None:
        """Relay until cancelled. A silent engine or store is waited out, ever longer up to a limit."""
        pause = PAUSE_SECONDS
        while True:
            try:
                await self.relay_once(await self._connect())
                pause = PAUSE_SECONDS
            except (EngineSilentError, StoreUnavailableError) as trouble:
                log.warning("what waits in the inbox is kept: %s", trouble)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            except Exception as error:  # noqa: BLE001 - without a relay what was said would wait for ever
                _note("relaying", error)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(pause)

    async def relay_once(self, episodes: Episodes) -> list[Outcome]:
        """Put every item that waits to the engine once. Raises EngineSilentError, StoreUnavailableError."""
        async with self._store.session() as session:
            items = await inbox.waiting(session, AT_ONCE)
        return await put_to_engine(self._store, self._commands, episodes, items)


async def put_to_engine(
    store: Store, commands: Commands, episodes: Episodes, items: Sequence[InboxItem]
) -> list[Outcome]:
    """Put items that wait to the engine once, and show a refusal on its episode.

    Those of one episode one after the other, in their order; several episodes
    at the same time. An item that fails in a way nobody foresaw waits on,
    behind the others. Raises EngineSilentError, StoreUnavailableError.
    """
    of_episode: dict[str, list[InboxItem]] = {}
    for item in items:
        of_episode.setdefault(item.episode_id, []).append(item)
    putting = _Putting(store, commands, episodes)
    await asyncio.gather(*map(putting.in_order, of_episode.values()))
    if putting.trouble is not None:
        raise putting.trouble
    return putting.outcomes


class _Putting:
    """Items being put to the engine. `trouble`: what is the engine's or the store's, so that no more is tried."""

    def __init__(self, store: Store, commands: Commands, episodes: Episodes) -> None:
        self._store, self._commands, self._episodes = store, commands, episodes
        self._few = asyncio.Semaphore(EPISODES_AT_ONCE)
        self._silent = 0
        self.outcomes: list[Outcome] = []
        self.trouble: EngineSilentError | StoreUnavailableError | None = None

    async def in_order(self, items: Sequence[InboxItem]) -> None:
        """Put the items of one episode, one after the other."""
        async with self._few:
            for item in items:
                if self.trouble is None:
                    try:
                        await self._put(item)
                    except StoreUnavailableError as error:
                        self.trouble = error

    async def _put(self, item: InboxItem) -> None:
        try:
            outcome = await self._commands.apply(self._episodes, item, datetime.now(UTC), nobody_waits=True)
        except EngineSilentError as error:
            # One episode that cannot answer must not hold up the others; several in a row are the engine itself.
            self._silent += 1
            if self._silent >= SILENT_IN_A_ROW:
                self.trouble = error
            await self._tried(item)
        except StoreUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - one item must not hold up the others
            _note(f"putting {item.id} to the engine", error)
            await self._tried(item)
        else:
            self._silent = 0
            self.outcomes.append(outcome)

    async def _tried(self, item: InboxItem) -> None:
        async with self._store.session() as session:
            await inbox.count_attempt(session, item.id)


def _note(doing: str, error: Exception) -> None:
    """Log what nobody foresaw: its place in the code, and not its words, which can hold what was said."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s failed: %s\n%s", doing, type(error).__name__, where)
