"""The engine as somebody asks it who waits at a page: once it was silent, it is not asked again for a while."""

import asyncio
import time
from collections.abc import Callable

from temporalio.client import Client

from starter.client import EngineSilentError, Episodes, Reached
from workflows.contracts import Recorded
from workflows.facts import Fact


class BriefEngine:
    """Reaches the engine with `patience_seconds`, and after a silence takes it as silent for as long again.

    What is said is kept in any case. A page with fifty lines would otherwise
    wait fifty times for an engine that is away, or for episodes that no worker
    answers for; but those are no silence of the engine, which can still be asked
    what stands still.
    """

    def __init__(self, engine: Reached, patience_seconds: float) -> None:
        self._engine = engine
        self._patience = patience_seconds
        self._silent_until = 0.0
        self._unanswered_until = 0.0

    async def client(self) -> Client:
        """The client. Raises EngineSilentError, at once when the engine was silent a moment ago."""
        if time.monotonic() < self._silent_until:
            raise EngineSilentError("the engine did not answer a moment ago")
        try:
            return await self._engine.client()
        except EngineSilentError:
            self.note_silence()
            raise

    async def episodes(self) -> Episodes:
        """The episodes. Raises EngineSilentError, at once when the engine or an episode was silent a moment ago."""
        if time.monotonic() < self._unanswered_until:
            raise EngineSilentError("an episode did not answer a moment ago")
        return _Noticing(await self.client(), self._patience, self._note_unanswered)

    def note_silence(self) -> None:
        """Take the engine as silent for a while: it was asked, and did not answer in time."""
        self._silent_until = time.monotonic() + self._patience

    def _note_unanswered(self) -> None:
        self._unanswered_until = time.monotonic() + self._patience


class _Noticing(Episodes):
    """Episodes that say when one was silent: the engine is, or no worker answers for it."""

    def __init__(self, client: Client, patience_seconds: float, note_unanswered: Callable[[], None]) -> None:
        super().__init__(client, patience_seconds)
        self._note_unanswered = note_unanswered

    async def record(self, episode_id: str, fact: Fact) -> Recorded:
        """Record a fact, as Episodes does, in the time there is: the client itself goes on trying for ten seconds."""
        try:
            async with asyncio.timeout(self._patience):
                return await super().record(episode_id, fact)
        except TimeoutError:
            self._note_unanswered()
            raise EngineSilentError("the engine did not answer in time") from None
        except EngineSilentError:
            self._note_unanswered()
            raise
