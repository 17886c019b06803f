"""What a page does to an episode, by the functions of the API; and what the next page says came of it."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from activities.store.answered import answered
from activities.store.tables import FactTable
from starter.api.asking import Asked
from starter.api.bodies import not_refused
from starter.api.once import one_request
from starter.api.parts import Parts
from starter.api.v1.episodes import FactSaid, Merging, Reopening, merge_episode, record_fact, reopen_episode
from starter.applying import Outcome
from starter.console.episode.said import happened_in_words
from starter.console.episode.shown import EpisodePage
from starter.what_changed import what_changed
from workflows.contracts import ClockStanding
from workflows.instants import day_or_moment_in_words, in_words
from workflows.vocabulary import ClockKind, beginning_a_line, clock_state_in_words, status_in_words

_WRITTEN_WITHIN: Final = 3.0
_LOOKED_EVERY: Final = 0.05


class Done(BaseModel):
    """What was recorded, whether it counts yet, and what changed by it, in words."""

    model_config = ConfigDict(frozen=True)
    what: str
    state: Literal["applied", "kept"]
    changed: tuple[str, ...] = ()
    written: bool = True


async def recorded(parts: Parts, asked: Asked, page: EpisodePage, said: FactSaid) -> Done:
    """Record what happened, once under the form's key, and wait a moment until it stands in the pages.

    Raises what `record_fact` raises, and ProblemError with the episode's reason when it refuses.
    """
    async with one_request(parts.store, asked, said, where=f"record {page.id}") as kept:
        outcomes = await record_fact(parts, asked, UUID(page.id), said)
        for outcome in outcomes:
            not_refused(outcome)
        done = await _done(parts, page, _said(said), outcomes)
        kept.update(done.model_dump(mode="json"))
    return done


async def reopened(parts: Parts, asked: Asked, page: EpisodePage, said: Reopening) -> Done:
    """Open a closed episode again, as `recorded` records."""
    async with one_request(parts.store, asked, said, where=f"reopen {page.id}") as kept:
        outcome = await reopen_episode(parts, asked, UUID(page.id), said)
        not_refused(outcome)
        done = await _done(parts, page, "The record was opened again", [outcome])
        kept.update(done.model_dump(mode="json"))
    return done


async def merged(parts: Parts, asked: Asked, page: EpisodePage, said: Merging) -> Done:
    """Merge a duplicate into another episode, as `recorded` records; what did not fit into it is said."""
    async with one_request(parts.store, asked, said, where=f"merge {page.id}") as kept:
        outcomes = await merge_episode(parts, asked, UUID(page.id), said)
        not_refused(outcomes[-1])
        done = await _done(parts, page, "The two records were made one", outcomes[-1:])
        unfit = tuple(f"Not taken over: {one.reason}" for one in outcomes if one.state == "refused")
        done = done.model_copy(update={"changed": (*done.changed, *unfit)})
        kept.update(done.model_dump(mode="json"))
    return done


async def done_under(parts: Parts, asked: Asked, key: UUID | None) -> dict[str, Any] | None:
    """What was answered to a form that whoever asks sent under a key; None when nothing was."""
    if not key:
        return None
    async with parts.store.session() as session:
        there = await answered(session, asked.authority, asked.principal.id, str(key))
    return there.body if there else None


def as_done(body: dict[str, Any] | None) -> Done | None:
    """What an answer says was recorded; None when it says something else."""
    try:
        return Done.model_validate(body)
    except ValidationError:
        return None


def _said(said: FactSaid) -> str:
    what = f"{beginning_a_line(happened_in_words(said.kind, said.details))}, {in_words(said.at)}"
    return f"Corrected. Now: {what}" if said.replaces else f"Recorded: {what}"


async def _done(parts: Parts, page: EpisodePage, what: str, outcomes: Sequence[Outcome]) -> Done:
    first = outcomes[0]
    if any(one.state == "kept" for one in outcomes):
        return Done(what=what, state="kept")
    standings = first.recorded.clocks if first.recorded else ()
    changed = list(_changes(page, standings))
    if first.recorded and first.recorded.status is not page.status:
        changed.insert(0, f"The child now counts as: {status_in_words(first.recorded.status)}")
    return Done(what=what, state="applied", changed=tuple(changed), written=await is_written(parts, page.id, first.id))


def _changes(page: EpisodePage, standings: Sequence[ClockStanding]) -> Iterator[str]:
    """What stopped, started and moved, in words."""
    before = {one.id: one for one in page.clocks}
    rules = page.shown.pack.clocks if page.shown.pack else {}
    fires = {id for id, rule in rules.items() if rule.kind is ClockKind.FIRE_AT}
    for one in what_changed(before, standings).changes:
        title = page.duty_called(one.id)
        if one.starts and one.id not in fires:
            yield f"Owed from now on: {title}{f', by {day_or_moment_in_words(one.due)}' if one.due else ''}"
        elif one.settled:
            yield f"{title}: {clock_state_in_words(one.is_now)}"
        elif one.moves:
            yield f"{title}: now due {day_or_moment_in_words(one.due) if one.due else 'at no set time'}"


async def is_written(parts: Parts, episode_id: str, fact_id: str) -> bool:
    """Whether what the engine took stands in the rows that pages read, which takes it a moment."""
    for _ in range(int(_WRITTEN_WITHIN / _LOOKED_EVERY)):
        async with parts.store.snapshot() as session:
            if await session.get(FactTable, (episode_id, fact_id)) is not None:
                return True
        await asyncio.sleep(_LOOKED_EVERY)
    return False
