"""One episode, in the rows and in the engine: where they disagree, and what is done about it.

Nothing is guessed: what a workflow knows is written again by the workflow,
what only rows know is told to it, and what neither can settle is reported.
"""

from dataclasses import dataclass
from datetime import datetime

from activities.notify import send_notice
from activities.reconcile.engine import Described
from activities.reconcile.parts import Done, Parts
from activities.reconcile.remembering import remembered
from activities.store import agreement
from activities.store.agreement import OneEpisode
from activities.store.episodes import write_changes
from workflows.agreement import WRITTEN_AGAIN, Disagreement, EngineOfEpisode, differences
from workflows.contracts import EpisodeInput, WriteAgain
from workflows.facts import Fact
from workflows.names import workflow_id
from workflows.recollection import closing_changes, notices_again, notices_sent

_ALREADY = "it runs by now"


@dataclass(frozen=True)
class EpisodeSeen:
    """An episode at one look.

    in_flight: too young, or at work, to tell. unanswered: no worker answers for
    it. not_ours: it is another authority's.
    """

    authority: str
    episode_id: str
    rows: OneEpisode
    engine: EngineOfEpisode
    found: tuple[Disagreement, ...]
    in_flight: bool
    unanswered: bool
    not_ours: bool


async def look_at_episode(parts: Parts, authority: str, episode_id: str) -> EpisodeSeen:
    """Look at an episode whole: one transaction that reads, and two calls of the engine."""
    now = parts.now()
    before = now - parts.timing.grace
    # The engine first: what it has decided by then the rows may have by the time they are read, and not the reverse.
    described = await parts.engine.describe(workflow_id(episode_id))
    knows = await parts.engine.knows(episode_id) if described.standing != "none" else None
    async with parts.store.snapshot() as session:
        rows = await agreement.one_episode(session, authority, episode_id, before)
    engine = EngineOfEpisode(described.standing, knows)
    return EpisodeSeen(
        authority=authority,
        episode_id=episode_id,
        rows=rows,
        engine=engine,
        found=differences(rows.compared, engine),
        in_flight=described.busy or _young(rows, described, before, now),
        unanswered=knows is None and described.standing in ("running", "completed"),
        not_ours=rows.elsewhere or (knows is not None and knows.authority != authority),
    )


def _young(rows: OneEpisode, described: Described, before: datetime, now: datetime) -> bool:
    since = rows.written_at or described.began_at
    return since is not None and before < since <= now


async def mend_episode(parts: Parts, seen: EpisodeSeen) -> dict[Disagreement, Done]:
    """Mend where the rows and the engine disagree about an episode; what was done about each, or why nothing."""
    found = set(seen.found)
    done: dict[Disagreement, Done] = {}
    for kind, mend in (
        (Disagreement.REPORT_NOT_APPLIED, _keep_report_again),
        (Disagreement.EPISODE_LOST, _begin_lost),
        (Disagreement.EPISODE_ENDED_UNFINISHED, _begin_ended),
        (Disagreement.FACT_NOT_APPLIED, _keep_facts_again),
        (Disagreement.NOTICE_NOT_IN_ROWS, _send_again),
    ):
        if kind in found:
            done[kind] = await mend(parts, seen)
    apart = found & (WRITTEN_AGAIN | {Disagreement.FACT_ONLY_IN_ROWS, Disagreement.CLOSED_NOT_IN_ROWS})
    if apart and seen.engine.knows:
        how = await (_write_closed if seen.engine.standing == "completed" else _write_again)(parts, seen)
        done |= dict.fromkeys(apart, how)
    if Disagreement.TASK_ONLY_IN_ROWS in found:
        done[Disagreement.TASK_ONLY_IN_ROWS] = Done("the episode knows of no such task", tried=False)
    if Disagreement.WOKEN_LATE in found and seen.rows.late_since:
        minutes = int((parts.now() - seen.rows.late_since).total_seconds() // 60)
        done[Disagreement.WOKEN_LATE] = Done(f"{minutes} minutes late when it was last looked at", tried=False)
    return done


async def _keep_report_again(parts: Parts, seen: EpisodeSeen) -> Done:
    facts = seen.rows.compared.said_applied
    async with parts.store.session() as session:
        await agreement.keep_again(session, seen.authority, seen.episode_id, facts, report=True)
    return Done("kept again, with what was said of it since")


async def _keep_facts_again(parts: Parts, seen: EpisodeSeen) -> Done:
    knows = {fact.id for fact in seen.engine.knows.facts} if seen.engine.knows else set[str]()
    facts = seen.rows.compared.said_applied - seen.rows.compared.facts.keys() - knows
    async with parts.store.session() as session:
        await agreement.keep_again(session, seen.authority, seen.episode_id, facts)
    return Done(f"kept again: {len(facts)}")


async def _begin_lost(parts: Parts, seen: EpisodeSeen) -> Done:
    """Begin an episode again with its report, its facts, and all that its rows remember."""
    start = await remembered(
        parts.store,
        parts.policies,
        parts.first_input,
        seen.authority,
        seen.episode_id,
        rows=seen.rows,
        now=parts.now(),
    )
    if isinstance(start, str):
        return Done(start, tried=False)
    begun = await parts.engine.begin(start)
    return Done("begun again with what its rows remember" if begun else _ALREADY)


async def _begin_ended(parts: Parts, seen: EpisodeSeen) -> Done:
    """Begin an episode again that was terminated or failed, with what it knew last, or what its rows remember."""
    knows = seen.engine.knows
    if knows is None:
        return await _begin_lost(parts, seen)
    begun = await parts.engine.begin(_with_facts_of_rows(seen, knows))
    return Done("begun again with what it knew last" if begun else _ALREADY)


def _with_facts_of_rows(seen: EpisodeSeen, knows: EpisodeInput) -> EpisodeInput:
    carried = knows.carried
    if carried is None:
        return knows
    beyond = carried.model_copy(update={"turn": max(carried.turn, seen.rows.compared.turn or 0)})
    return knows.model_copy(update={"facts": (*knows.facts, *_only_in_rows(seen)), "carried": beyond})


def _only_in_rows(seen: EpisodeSeen) -> list[Fact]:
    knows = {fact.id for fact in seen.engine.knows.facts} if seen.engine.knows else set[str]()
    there = seen.rows.compared.facts
    return sorted((there[one] for one in there.keys() - knows), key=lambda fact: (fact.recorded_at, fact.at, fact.id))


async def _write_again(parts: Parts, seen: EpisodeSeen) -> Done:
    """Give a running episode the facts it has not, and have it write all it knows again, past what is there."""
    given = [await parts.engine.record(seen.episode_id, fact) for fact in _only_in_rows(seen)]
    there = WriteAgain(turn=seen.rows.compared.turn or 0, clocks=tuple(sorted(seen.rows.compared.clocks)))
    await parts.engine.write_again(seen.episode_id, there)
    if not given:
        return Done("the episode was asked to write all it knows again")
    refused = f", {given.count('refused')} refused" if "refused" in given else ""
    return Done(f"the episode was given {given.count('taken')} facts{refused}, and asked to write all it knows again")


async def _write_closed(parts: Parts, seen: EpisodeSeen) -> Done:
    """Bring the rows to the end of a closed episode; one that the rows know more of is begun again with that."""
    knows = seen.engine.knows
    if knows is None or knows.carried is None:
        return Done("no worker answers for it", tried=False)
    if not seen.rows.compared.closed and _only_in_rows(seen):
        begun = await parts.engine.begin(_with_facts_of_rows(seen, knows))
        return Done("begun again with the facts that only the rows have" if begun else _ALREADY)
    if (seen.rows.compared.turn or 0) > knows.carried.turn:
        return Done("its rows are of a later turn than its end, without a fact that would say why", tried=False)
    async with parts.store.session() as session:
        changes = closing_changes(knows, tuple(seen.rows.compared.clocks))
        await write_changes(session, changes, again=True)
    return Done("brought to its end by the closed workflow's own answer")


async def _send_again(parts: Parts, seen: EpisodeSeen) -> Done:
    """Put notices in their trays again. What they ask for goes out only if it still stands."""
    knows = seen.engine.knows
    if knows is None:
        return Done("no worker answers for it", tried=False)
    missing = notices_sent(knows) - seen.rows.compared.notices
    again = notices_again(knows, missing, parts.now() + knows.ahead)
    for notice in again:
        await send_notice(parts.store, notice.order, parts.post if notice.stands else None)
    if len(again) < len(missing):
        return Done(f"put in the tray: {len(again)} of {len(missing)}; the policy has no words for the others")
    return Done(f"put in the tray: {len(again)}")
