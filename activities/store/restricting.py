"""What was said that restricts a record, and still waits for the engine: it holds from when it was said."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.statements import batched
from activities.store.tables import FactTable, InboxTable
from workflows.fact_kinds import FactKind
from workflows.facts import CLOCK_SKEW, Child, Fact, Known

_KINDS = (FactKind.DESCRIBED.value, FactKind.WITHDRAWN.value)


async def waiting_to_be_restricted(session: AsyncSession, authority: str, now: datetime) -> frozenset[str]:
    """The episodes of an authority that are need-to-know by something that waits (O36, S4 section 8). `now` is UTC.

    What is refused, or applied, waits no longer. Written episodes and reported ones are among them.
    """
    kept = (InboxTable.authority == authority, InboxTable.state == "kept", InboxTable.kind == "fact")
    chosen = select(InboxTable.episode_id, InboxTable.body).where(
        *kept, InboxTable.body["kind"].as_string().in_(_KINDS)
    )
    waiting: dict[str, list[Fact]] = {}
    for episode, body in (await session.execute(chosen)).all():
        waiting.setdefault(episode, []).append(Fact.model_validate(body))
    if not waiting:
        return frozenset()
    said = await _said_before(session, sorted(waiting))
    reported = await _reported(session, authority, sorted(waiting))
    return frozenset(
        id
        for id, facts in waiting.items()
        if any(_need_to_know([fact], Child(), now) for fact in facts)
        or _need_to_know([*said.get(id, []), *facts], reported.get(id, Child()), now)
    )


def _need_to_know(facts: list[Fact], child: Child, now: datetime) -> bool:
    return Known(facts, now + CLOCK_SKEW).child(child).need_to_know


async def _said_before(session: AsyncSession, episode_ids: list[str]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for some in batched(episode_ids):
        chosen = select(FactTable.episode_id, FactTable.body).where(FactTable.episode_id.in_(some))
        for episode, body in (await session.execute(chosen.where(FactTable.kind.in_(_KINDS)))).all():
            found.setdefault(episode, []).append(Fact.model_validate(body))
    return found


async def _reported(session: AsyncSession, authority: str, episode_ids: list[str]) -> dict[str, Child]:
    found: dict[str, Child] = {}
    for some in batched(episode_ids):
        chosen = select(InboxTable.episode_id, InboxTable.body).where(InboxTable.episode_id.in_(some))
        chosen = chosen.where(InboxTable.authority == authority, InboxTable.kind == "report")
        for episode, body in (await session.execute(chosen)).all():
            found[episode] = Child.reported(body["report"].get("child", {}))
    return found
