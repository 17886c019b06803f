"""Who authorised what one person alone may not rule: somebody whom the directory knows, and who is not the same."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.policies import Policies
from activities.store import inbox
from activities.store.tables import EpisodeTable, PersonTable
from starter.api.asking import Asked
from starter.api.parts import Parts
from starter.record_endings import ANOTHER_GOES_ON
from workflows.fact_kinds import RULINGS, FactKind
from workflows.plain_errors import BadInputError
from workflows.policy import Pack

AUTHORISED_BY: Final = "authorised_by"
"""The detail that says who authorised something."""


async def require_second_person(
    parts: Parts, asked: Asked, episode_ids: Sequence[str], fact: Mapping[str, object]
) -> None:
    """Raise BadInputError naming the field, where a flat fact rules what one person alone may not, and names no other.

    The other must be a person of the authority's directory, by their reference:
    by free words, one's own name would be another person.
    """
    if fact["kind"] not in (*RULINGS, FactKind.RECORDED_IN_ERROR):
        return
    async with parts.store.snapshot() as session:
        why = await _why_two(session, parts.policies, asked.authority, episode_ids, fact)
        if why is None:
            return
        named = str(fact.get(AUTHORISED_BY, ""))
        known = (PersonTable.authority == asked.authority, PersonTable.reference == named)
        second = await session.scalar(select(PersonTable).where(*known))
    themselves = {_alike(str(fact["recorded_by"])), _alike(asked.principal.person or "")}
    if second is None or not themselves.isdisjoint({_alike(second.reference), _alike(second.name)}):
        raise BadInputError(f"details.{AUTHORISED_BY}: {why}: somebody else of the directory, by their reference")


async def _why_two(
    session: AsyncSession, policies: Policies, authority: str, episode_ids: Sequence[str], fact: Mapping[str, object]
) -> str | None:
    """Why a fact needs a second person, as far as this can be known before it is kept; None where one is enough."""
    if fact["kind"] == FactKind.RECORDED_IN_ERROR:
        taken_over = [await inbox.another_goes_on_in(session, one) for one in episode_ids]
        return ANOTHER_GOES_ON if any(taken_over) else None
    packs = [await _pack_of(session, policies, authority, one) for one in episode_ids]
    clock = str(fact.get("clock", ""))
    needed = any(pack and clock in pack.clocks and pack.needs_two_people(clock) for pack in packs)
    return "this obligation needs a second person, who authorised it" if needed else None


def _alike(name: str) -> str:
    return name.strip().casefold()


async def _pack_of(session: AsyncSession, policies: Policies, authority: str, episode_id: str) -> Pack | None:
    row = await session.get(EpisodeTable, episode_id)
    if row is not None:
        return policies.pack(row.policy, row.policy_version)
    report = await inbox.report_of(session, authority, episode_id)
    return policies.pack(report.body["report"]["policy"], report.body["policy_version"]) if report else None
