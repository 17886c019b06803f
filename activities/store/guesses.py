"""How often a secret was guessed wrong lately, counted where every process and the next start see it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.identity_tables import WrongGuessTable
from activities.store.statements import take_turns, upsert

FORGOTTEN_AFTER: Final = timedelta(days=1)
"""A wrong guess is forgotten when none has followed for so long."""

WaitAfter = Callable[[int], timedelta]
"""How long to wait after so many wrong guesses on end."""


async def count_guess(session: AsyncSession, waits: Mapping[str, WaitAfter], now: datetime) -> datetime | None:
    """Count a guess under each key as wrong, until `forgive` says otherwise; None when it may be tried.

    While any key must wait the guess is neither counted nor tried, and the
    answer is until when (UTC). Committed before the guess is tried, so that
    guesses made at once are counted one by one.
    """
    await take_turns(session, "guess", ["all"])
    await session.execute(delete(WrongGuessTable).where(WrongGuessTable.last_at <= now - FORGOTTEN_AFTER))
    rows = await session.scalars(select(WrongGuessTable).where(WrongGuessTable.key.in_(waits)))
    known = {row.key: row for row in rows.all()}
    waiting = [row.wait_until for row in known.values() if row.wait_until and row.wait_until > now]
    if waiting:
        return max(waiting)
    for key, wait_after in sorted(waits.items()):
        times = known[key].times + 1 if key in known else 1
        wait = wait_after(times)
        values = {"key": key, "times": times, "last_at": now, "wait_until": now + wait if wait else None}
        await upsert(session, WrongGuessTable, values)
    return None


async def forgive(session: AsyncSession, all_of: str, one_of: str) -> None:
    """A guess was right after all: forget what was counted under one key, and this one under the other."""
    await session.execute(delete(WrongGuessTable).where(WrongGuessTable.key == all_of))
    less = {"times": WrongGuessTable.times - 1, "wait_until": None}
    await session.execute(update(WrongGuessTable).where(WrongGuessTable.key == one_of).values(less))
