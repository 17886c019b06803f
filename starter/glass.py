"""Breaking the glass: somebody who is not close to a restricted child must look all the same, and says why.

It is open to that person for a time. It is written into the audit, and the
administrator is told; where nobody holds that role, the operator.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.service import RPCError

from activities.notify import put_in_tray
from activities.posting import Post
from activities.store import audit
from activities.store.broken_glass import BrokenGlass, keep_broken, take_turns_at_glass
from activities.store.directory import directory_for
from activities.store.post import waiting_recipients
from starter.access import Permission, Principal
from starter.audit import entry_of
from starter.client import EngineSilentError
from starter.sight import EpisodeSeen, see_episode
from workflows.contracts import NoticeOrder
from workflows.names import BREAK_GLASS, notice_key
from workflows.plain_errors import BadInputError
from workflows.vocabulary import Haste, Role

FEWEST_WORDS: Final = 3
MOST_CHARACTERS: Final = 500

_NUDGE_SECONDS: Final = 4.0
"""How long the engine, at most, is waited for to hear that somebody is to be told."""

log = logging.getLogger("homeward.glass")


class NoSuchEpisodeError(Exception):
    """There is no such episode, as far as whoever asks may know."""


class GlassAnswer(BaseModel):
    """What came of it. `until` is UTC; `told_as` the role under which people were told, `told` how many they are.

    `waiting` are those of them, by Homeward's ids, who wait to be sent it.
    """

    model_config = ConfigDict(frozen=True)
    broken: bool
    detail: str
    until: datetime | None = None
    told_as: Role | None = None
    told: int = 0
    waiting: tuple[str, ...] = ()


def read_reason(reason: str) -> str:
    """A reason, on one line. Raises BadInputError for one that says nothing."""
    words = reason.split()
    said = " ".join(words)
    if len(words) < FEWEST_WORDS:
        raise BadInputError(f"reason: must say in {FEWEST_WORDS} words or more why you must see this record")
    if len(said) > MOST_CHARACTERS or not said.isprintable():
        raise BadInputError(f"reason: must be plain text of at most {MOST_CHARACTERS} characters")
    return said


class Glass:
    """The glass before restricted records. What is broken stays open for as long as `lasts` to whoever broke it.

    Without a post, whoever is told has it in the tray and nowhere else.
    """

    def __init__(self, lasts: timedelta, post: Post | None = None) -> None:
        self.lasts = lasts
        self._post = post

    async def broken(
        self,
        session: AsyncSession,
        principal: Principal,
        episode_id: str,
        reason: str,
        now: datetime,
        *,
        request: str,
        way: str,
    ) -> GlassAnswer:
        """Break the glass at `now` (UTC) in the caller's transaction; `nudge` comes after its end.

        An episode that is not restricted, or that the principal may see already,
        is left as it is. Raises BadInputError for a reason that says nothing, and
        NoSuchEpisodeError.
        """
        why = read_reason(reason)
        await take_turns_at_glass(session, episode_id)
        seen = await see_episode(session, principal, episode_id, now)
        if seen.sight == "nothing":
            raise NoSuchEpisodeError
        if seen.sight == "whole":
            already = "you may see it already" if seen.need_to_know else "it is not restricted"
            return GlassAnswer(broken=False, detail=f"Nothing was done: {already}.")
        glass = self._of(principal, seen, why, now)
        await keep_broken(session, glass)
        answer = await self._tell(session, glass)
        subjects = [one for one in (episode_id, seen.child_id) if one]
        asked = Permission.BREAK_GLASS
        entry = entry_of(principal, asked, way, now, request=request, subjects=subjects, why=why)
        # Last: whoever else writes into the audit waits for the end of this transaction.
        await audit.append(session, entry)
        return answer

    def _of(self, principal: Principal, seen: EpisodeSeen, why: str, now: datetime) -> BrokenGlass:
        return BrokenGlass(
            id=str(uuid4()),
            authority=principal.authority,
            episode_id=seen.episode_id,
            child_id=seen.child_id,
            who=principal.id,
            name=principal.name,
            why=why,
            at=now,
            until=now + self.lasts,
        )

    async def _tell(self, session: AsyncSession, glass: BrokenGlass) -> GlassAnswer:
        asked = (Role.ADMINISTRATOR, Role.OPERATOR)
        directory = await directory_for(session, glass.authority, None, asked, glass.at)
        unheld = directory.unheld(asked, glass.at)
        role = Role.OPERATOR if Role.ADMINISTRATOR in unheld else Role.ADMINISTRATOR
        order = _notice(glass, role)
        sent = await put_in_tray(session, order, self._post)
        return GlassAnswer(
            broken=True,
            detail=_who_was_told(role, sent.people, held=role not in unheld),
            until=glass.until,
            told_as=role if sent.people else None,
            told=sent.people,
            waiting=tuple(await waiting_recipients(session, order.key)),
        )

    async def nudge(self, authority: str, answer: GlassAnswer) -> None:
        """Have the postboxes of those who wait know it; an engine that is away finds them when it is back."""
        if self._post is None:
            return
        for person in answer.waiting:
            try:
                async with asyncio.timeout(_NUDGE_SECONDS):
                    await self._post.nudge(authority, person)
            except (EngineSilentError, RPCError, TimeoutError):
                log.warning("somebody is to be told of broken glass, and the engine does not answer: it waits")
                return


def _notice(glass: BrokenGlass, role: Role) -> NoticeOrder:
    return NoticeOrder(
        key=notice_key(glass.episode_id, BREAK_GLASS, f"opened-{glass.id}", 1, role),
        episode_id=glass.episode_id,
        authority=glass.authority,
        clock=BREAK_GLASS,
        rung="opened",
        role=role,
        # No clock of the episode could take an answer, or climb for want of one.
        needs_ack=False,
        escalates=False,
        says=f"The restricted record of an episode was opened by {glass.name}; reason in the audit",
        at=glass.at,
        due=None,
        ahead=timedelta(0),
        haste=Haste.AT_ONCE,
    )


def _who_was_told(role: Role, people: int, *, held: bool) -> str:
    if not people:
        return "Opened. Nobody was there to be told: nobody holds the administrator's role or the operator's."
    if role is Role.ADMINISTRATOR:
        return "Opened. The administrator was told."
    if held:
        return "Opened. Nobody holds the administrator's role: the operator was told."
    return "Opened. Nobody holds the administrator's role or the operator's: who stands in for them was told."
