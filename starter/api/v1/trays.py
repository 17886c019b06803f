"""Trays: what people were told and have not answered, and saying that it was seen."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.answers import InTray, notices_in_tray, tray_of
from activities.store.directory import person_id
from starter.access import Permission
from starter.api.acting import ME, oneself
from starter.api.asking import KEYED, Asked, AskedBy, asked_router, needs
from starter.api.bodies import Answer, Sent, kept_as, where_to_ask
from starter.api.once import one_request
from starter.api.paging import Cursor, Limit, Page, cut
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError, cannot_be_used
from starter.applying import Outcome
from starter.sight import hidden_among
from workflows.instants import Instant
from workflows.messages import Asks
from workflows.vocabulary import Role

Person = Annotated[str, Path(max_length=500, description="a person's reference in the directory, or `me`")]


class NoticeInTray(Answer):
    """Something that a person was told."""

    notice: str = Field(description="the notice's key, by which it is answered")
    episode_id: str = Field(description="the episode that it is about")
    clock: str = Field(description="the clock that it is about, or what else")
    role: Role = Field(description="as what the person was told")
    says: str = Field(description="what it says")
    asks: Asks = Field(
        description="`answer`: that it was seen; `step`: to look at what was not done; `notice`: nothing"
    )
    at: Instant = Field(description="when it fell due to be told")
    due: Instant | None = Field(description="by when what it speaks of is owed")
    sent_at: Instant = Field(description="since when it lies in the tray")
    read_at: Instant | None = Field(description="when the person first had it as read")
    acknowledged_at: Instant | None = Field(description="when somebody answered it")
    acknowledged_by: str | None = Field(description="who did")


class Answering(Sent):
    """Saying that notices were seen and are being looked into."""

    notices: list[Annotated[str, Field(max_length=400)]] = Field(
        min_length=1, max_length=200, description="keys of notices that lie in the tray"
    )


class AnswerBecame(Answer):
    """What became of an answer about one clock."""

    state: Literal["applied", "kept", "refused"] = Field(
        description="`applied`, `kept` (safe, and not yet applied), or `refused` with the reason"
    )
    episode_id: str = Field(description="the episode")
    id: str = Field(description="the fact's id; `/v1/said/{id}` says later what became of it")
    again: bool = Field(description="whether it had its answer before")
    reason: str | None = Field(description="why it waits or was refused")


class AnswersBecame(Answer):
    """What became of answers, one for each clock that asked for one; the notices are read in any case."""

    answers: list[AnswerBecame] = Field(description="the answers; none where nothing asked for one")


def router_of(parts: Parts) -> APIRouter:
    """The routes of trays."""
    router = asked_router("trays", Problem.NEED_TO_KNOW, Problem.REFUSED, Problem.KEY_REUSED)

    @router.get("/trays/{person}", operation_id="show_tray")
    @needs(Permission.READ_TASKS)
    async def tray(
        person: Person,
        asked: AskedBy,
        everything: Annotated[bool, Query(description="also what was read and wants no answer any more")] = False,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[NoticeInTray]:
        """Show what lies in a tray, the latest first: your own; for systems anybody's. Showing is not reading."""
        async with parts.store.snapshot() as session:
            lying = await tray_of(session, await whose_tray(session, asked, person), everything=everything)
            hidden = await hidden_of(session, asked, lying)
        shown = [_shown(one) for one in lying if one.line.episode_id not in hidden]
        page = cut(shown, limit, cursor, lambda one: (-round(one.sent_at.timestamp() * 1_000_000), one.notice))
        asked.saw(*sorted({one.episode_id for one in page.items}))
        return page

    @router.post(
        "/trays/{person}/answers", operation_id="answer_notices", dependencies=KEYED, responses=kept_as(AnswersBecame)
    )
    @needs(Permission.ACT_ON_TASKS)
    async def answer(person: Person, asked: AskedBy, response: Response, said: Answering) -> AnswersBecame:
        """Say that notices were seen and are being looked into: nobody else is asked in that person's place."""
        return _became(await answer_notices(parts, person, said, asked), response)

    return router


async def answer_notices(parts: Parts, person: str, said: Answering, asked: Asked) -> list[Outcome]:
    """Answer notices in a person's tray, once by the request's key. Raises ProblemError."""
    async with parts.store.snapshot() as session:
        who = await whose_tray(session, asked, person)
        told = await notices_in_tray(session, who, said.notices)
        if await hidden_of(session, asked, told):
            raise ProblemError(Problem.NEED_TO_KNOW)
    there = {one.line.notice for one in told}
    for number, notice in enumerate(said.notices):
        if notice not in there:
            raise cannot_be_used(f"notices[{number}]: is not in that person's tray")
    asked.saw(*sorted({one.line.episode_id for one in told}))
    async with one_request(parts.store, asked, said, where=f"answers of {who}"):
        return await parts.answers.to_notices(who, said.notices, asked.now, asked.principal.id)


async def whose_tray(session: AsyncSession, asked: Asked, person: str) -> str:
    """Homeward's id of whose tray it is. Raises ProblemError: for a person there is none but their own."""
    who = asked.principal
    if who.kind == "person":
        if person not in (ME, who.person):
            raise ProblemError(Problem.NOT_FOUND)
        person = await oneself(session, asked)
    found = await person_id(session, asked.authority, person)
    if found is None:
        raise ProblemError(Problem.NOT_FOUND)
    return found


async def hidden_of(session: AsyncSession, asked: Asked, told: list[InTray]) -> frozenset[str]:
    """The episodes of notices that a system may not see: a person who was told is close to what they were told of."""
    return await hidden_among(session, asked.principal, {one.line.episode_id for one in told}, asked.now)


def _shown(one: InTray) -> NoticeInTray:
    whole = one.model_dump()
    return NoticeInTray.model_validate(whole.pop("line") | whole)


def _became(outcomes: list[Outcome], response: Response) -> AnswersBecame:
    """What became of answers; 202 where one is only kept. Raises ProblemError where every one was refused."""
    refused = [one for one in outcomes if one.state == "refused"]
    if refused and len(refused) == len(outcomes):
        raise ProblemError(Problem.REFUSED, refused[0].reason)
    if waits := next((one for one in outcomes if one.state == "kept"), None):
        response.status_code = 202
        response.headers["Location"] = where_to_ask(waits.id)
    return AnswersBecame(
        answers=[AnswerBecame.model_validate(one.model_dump(exclude={"recorded"})) for one in outcomes]
    )
