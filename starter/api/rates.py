"""How often somebody may ask: a limit for each principal, and a lower one for whoever nobody knows."""

from math import ceil
from time import time
from typing import Final

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from starter.access import Principal
from starter.api.problems import Problem, ProblemError

UNKNOWN_A_MINUTE: Final = 60
"""Requests a minute that nobody is known to make, from one address."""


class Rates:
    """Counts requests of the last minute, in this process. Raises ProblemError beyond the limit, with Retry-After."""

    def __init__(self, each_a_minute: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._each = RateLimitItemPerMinute(each_a_minute)
        self._unknown = RateLimitItemPerMinute(UNKNOWN_A_MINUTE)

    async def count(self, principal: Principal) -> None:
        """Count a request of a principal."""
        await self._count(self._each, f"{principal.authority}/{principal.id}")

    async def count_unknown(self, address: str) -> None:
        """Count a request of whoever nobody knows."""
        await self._count(self._unknown, f"unknown/{address}")

    async def _count(self, limit: RateLimitItemPerMinute, who: str) -> None:
        if await self._limiter.hit(limit, who):
            return
        window = await self._limiter.get_window_stats(limit, who)
        wait = max(1, ceil(window.reset_time - time()))
        raise ProblemError(Problem.TOO_MANY, headers={"Retry-After": str(wait)})
