"""Answers that stay open: how many there may be, and that they end when the service is told to stop."""

import asyncio
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from starter.access import Principal
from starter.api.problems import Problem, ProblemError

MOST_STREAMS: Final = 100
"""As many answers may stay open at once. They have connections of their own beside everybody else's."""

MOST_STREAMS_EACH: Final = 6
"""As many of them for one principal: some windows on two machines."""

_COME_AGAIN_SECONDS: Final = "30"


class Streams:
    """The answers that are open now."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._closing = asyncio.Event()

    @property
    def closing(self) -> bool:
        """Whether every one of them is to end."""
        return self._closing.is_set()

    def close(self) -> None:
        """Have them all end, and let no other begin."""
        self._closing.set()

    def require_room(self, principal: Principal) -> None:
        """Raise ProblemError, with Retry-After, when one more would be too many."""
        if self.closing or self._open.total() >= MOST_STREAMS or self._open[_key(principal)] >= MOST_STREAMS_EACH:
            raise ProblemError(Problem.TOO_MANY, headers={"Retry-After": _COME_AGAIN_SECONDS})

    @contextmanager
    def one_more(self, principal: Principal) -> Generator[None]:
        """Have one more open. Raises ProblemError when it would be too many."""
        self.require_room(principal)
        key = _key(principal)
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]

    async def pause(self, seconds: float) -> None:
        """Let some time pass, unless they are to end."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return


def _key(principal: Principal) -> str:
    return f"{principal.authority}/{principal.id}"
