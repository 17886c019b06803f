"""What is found by how a reference begins, of what whoever asks may see whole."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.episode_search import episodes_found
from activities.store.reference_search import Beginnings, FoundByReference, episodes_by_reference
from starter.api.asking import Asked
from starter.api.parts import Parts
from starter.api.v1.episodes import EpisodeListed, as_listed
from starter.console.naming import children_called
from starter.sight import hidden_among

MOST_SHOWN: Final = 50
_AT_ONCE: Final = 200


@dataclass(frozen=True)
class Sought:
    """What was found: by the whole reference, and by its beginning alone; `more`: there are more than are shown.

    `called` is what the children are called, `police` the police's references that were found, both by episode.
    """

    whole: list[EpisodeListed]
    begin_so: list[EpisodeListed]
    more: bool
    called: dict[str, str]
    police: dict[str, str]


async def sought_by(parts: Parts, asked: Asked, begins: Beginnings) -> Sought:
    """The episodes whose references begin so, in the order of these, without those that are hidden from who asks."""
    async with parts.store.snapshot() as session:
        rows = await _seen(session, asked, begins)
        shown = rows[:MOST_SHOWN]
        ids = [row.episode_id for row in shown]
        episodes = await episodes_found(session, asked.authority, ids, asked.now)
        called = await children_called(session, asked.authority, ids)
    asked.saw(*ids)
    listed = [(row.whole, as_listed(episodes[row.episode_id], hidden=False)) for row in shown]
    return Sought(
        whole=[one for whole, one in listed if whole],
        begin_so=[one for whole, one in listed if not whole],
        more=len(rows) > MOST_SHOWN,
        called=called,
        police={row.episode_id: row.police_reference for row in shown if row.police_reference},
    )


async def _seen(session: AsyncSession, asked: Asked, begins: Beginnings) -> list[FoundByReference]:
    """As many as are shown and one more, each once."""
    seen: dict[str, FoundByReference] = {}
    after = 0
    while len(seen) <= MOST_SHOWN:
        rows = await episodes_by_reference(session, asked.authority, begins, after=after, limit=_AT_ONCE)
        hidden = await hidden_among(session, asked.principal, [row.episode_id for row in rows], asked.now)
        for row in rows:
            if row.episode_id not in hidden:
                seen.setdefault(row.episode_id, row)
        if len(rows) < _AT_ONCE:
            break
        after += _AT_ONCE
    return list(seen.values())
