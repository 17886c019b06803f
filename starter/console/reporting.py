"""What the report's form does: drafts kept as they are written, and a draft that becomes a report, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import inbox
from activities.store.child_records import child_of
from activities.store.drafts import Draft, draft, drop_draft, save_draft, take_turns_at_draft
from activities.store.inbox import InboxItem
from starter.access import Permission
from starter.api.asking import Asked
from starter.api.parts import Parts
from starter.api.v1.episodes import open_and_seen
from starter.commands import IdTakenError
from starter.console.forms import Mistakes
from starter.console.report_fields import MOMENT_WORDS, TIMES, Read, Step, Written, read, says_anything
from starter.reports import Report, read_report
from workflows.fact_kinds import FactKind
from workflows.facts import Fact
from workflows.instants import to_rfc3339
from workflows.names import derived_id
from workflows.plain_errors import BadInputError

REPORT: Final = "report"
"""The kind of a draft that becomes a report."""

ANSWERS: Final = "answers"
"""The kind of a draft, under its episode's id, of what is added to a report later."""

_TOLD_THE_AUTHORITY: Final = ("noticed", "reported", "authority_told")
"""Times by which it is known since when the authority, or whoever cares for the child, has known."""


@dataclass(frozen=True)
class Kept:
    """What became of what was posted: the draft as it is now, or the report that it had already become."""

    written: Written
    saved_at: datetime | None = None
    reported: InboxItem | None = None


def report_id_of(asked: Asked, draft_id: UUID) -> str:
    """The id of the report that somebody's draft becomes, the same however often it is sent."""
    who = asked.principal
    return derived_id(f"{asked.authority}/{who.kind}/{who.id}/{draft_id}", "report")


async def reported_from(session: AsyncSession, asked: Asked, draft_id: UUID) -> InboxItem | None:
    """The report that a draft of whoever asks has become, or None."""
    return await inbox.item(session, report_id_of(asked, draft_id))


async def draft_there(session: AsyncSession, asked: Asked, draft_id: UUID) -> Draft | None:
    """A draft of whoever asks, or None: nobody has another's."""
    return await draft(session, asked.authority, asked.principal.id, str(draft_id))


async def keep_step(parts: Parts, asked: Asked, draft_id: UUID, step: Step, written_on: Any) -> Kept:
    """Keep what a step says in its draft, unless that has been reported already.

    `written_on` makes what is kept out of what the draft says so far.
    """
    async with parts.store.session() as session:
        await take_turns_at_draft(session, asked.authority, asked.principal.id, str(draft_id))
        before = await draft_there(session, asked, draft_id)
        so_far: Written = before.body if before else {}
        written = written_on(step, so_far)
        if (reported := await reported_from(session, asked, draft_id)) is not None:
            return Kept(written, reported=reported)
        if before is None and not says_anything(written):
            return Kept(written)
        who = asked.principal.id
        saved = await save_draft(
            session, asked.authority, who, str(draft_id), kind=REPORT, written=written, now=asked.now
        )
    return Kept(saved.body, saved_at=saved.saved_at)


async def forget(parts: Parts, asked: Asked, draft_id: UUID) -> None:
    """Forget a draft of whoever asks."""
    async with parts.store.session() as session:
        await drop_draft(session, asked.authority, asked.principal.id, str(draft_id))


async def keep_answers(parts: Parts, asked: Asked, episode_id: str, written: Written) -> None:
    """Keep answers that are to be added to what was reported, until they are sent."""
    async with parts.store.session() as session:
        await save_draft(
            session, asked.authority, asked.principal.id, episode_id, kind=ANSWERS, written=written, now=asked.now
        )


async def alike(session: AsyncSession, asked: Asked, written: Written) -> Sequence[str]:
    """The open episodes of the child of the number that was written, as far as whoever asks may see them."""
    reference = written.get("reference", "")
    child_id = await child_of(session, asked.authority, reference) if reference else None
    return await open_and_seen(session, asked, child_id) if child_id else ()


def where_it_is(asked: Asked, episode_id: str) -> str:
    """Where whoever asks reads an episode: on its own page, or what they may see of what they reported."""
    reads = asked.principal.may(Permission.READ_EPISODES)
    return f"/episodes/{episode_id}" if reads else f"/report/{episode_id}/started"


def checked(asked: Asked, draft_id: UUID, written: Written) -> tuple[Read, Report | None]:
    """What was written as a report, if it can be one; else its mistakes, by the form's fields."""
    found = read(written)
    if found.mistakes:
        return found, None
    data = {**found.report, "reported_by": asked.principal.name, "report_id": report_id_of(asked, draft_id)}
    if not any(name in data for name in _TOLD_THE_AUTHORITY):
        # Nothing says since when anybody has known: the authority knows from now on, and its clocks must run.
        data["authority_told"] = to_rfc3339(asked.now.replace(second=0, microsecond=0))
    try:
        return found, read_report(data, asked.now)
    except BadInputError as error:
        line = Mistakes()
        line.take(error)
        for name, sentence in line.by_field.items():
            last = name.rpartition(".")[2]
            if last in TIMES:
                found.mistakes.add(f"{last}-day", f"{MOMENT_WORDS[last]}: {sentence}")
            else:
                found.mistakes.add(last, sentence)
        return found, None


async def report(parts: Parts, asked: Asked, draft_id: UUID, said: Report, category: str | None) -> str:
    """Report what a draft says, once: the episode's id. The draft is forgotten."""
    report_id = report_id_of(asked, draft_id)
    later = _category(asked, report_id, said, category)
    episode_id = derived_id(report_id, "episode")
    try:
        outcome = await parts.commands_of(asked).take_in(said, later, asked.now, episode_id)
        episode_id = outcome.episode_id
    except IdTakenError:
        # Pressed twice at once: the other press has reported it.
        pass
    asked.saw(episode_id)
    await forget(parts, asked, draft_id)
    return episode_id


def _category(asked: Asked, report_id: str, said: Report, category: str | None) -> tuple[Fact, ...]:
    """What whoever reports makes of the absence, from its first moment on."""
    first = min(fact.at for fact in said.facts(report_id, asked.now))
    # A report to the police makes a child missing in everybody's view, from then on.
    if category is None or (said.reported is not None and said.reported <= first):
        return ()
    fact = Fact(
        id=derived_id(report_id, "category"),
        kind=FactKind.CATEGORISED,
        at=first,
        recorded_at=asked.now,
        recorded_by=said.reported_by,
        source="report",
        details={"category": category},
    )
    return (fact,)
