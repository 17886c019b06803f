"""Episodes: report one, record what happened, read one, list and search."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.episode_search import (
    NEVER,
    EpisodeFound,
    Order,
    Search,
    need_to_know_among,
    search_episodes,
)
from activities.store.inbox import open_episodes_of, report_of
from activities.store.restricting import waiting_to_be_restricted
from starter.access import Permission, permission_to_record
from starter.api.acting import recorded_by
from starter.api.asking import Asked, AskedBy, Key, asked_router, needs
from starter.api.bodies import Became, became, kept_as
from starter.api.once import key_id
from starter.api.paging import Cursor, Limit, Page, cursor_after, instant_in_cursor, page_of, read_cursor
from starter.api.parts import Parts
from starter.api.problems import PREFIX, Problem, ProblemError
from starter.api.second_person import require_second_person
from starter.api.seeing import seen_episode
from starter.api.v1.whole_episode import EpisodeWhole, whole
from starter.applying import Outcome
from starter.commands import IdTakenError
from starter.episode_shown import show_episode
from starter.reports import WhatIsReported, Words
from starter.sight import hidden_among, hidden_from, see_episode
from workflows.fact_kinds import ABOUT_TASKS, OTHER_NAMES, FactKind
from workflows.facts import COMMON_FIELDS
from workflows.instants import Instant, to_rfc3339
from workflows.names import derived_id
from workflows.plain_errors import BadInputError
from workflows.vocabulary import EpisodeStatus

EpisodeId = Annotated[UUID, Path(description="the episode")]


class Reported(Became):
    """What became of a report."""

    asked_for: list[str] = Field(description="what is not known yet and is asked for")
    also_open: list[str] = Field(
        description="other open episodes of the same child that you may see: is this a duplicate of one?"
    )


def _by_any_name(kind: object) -> object:
    return OTHER_NAMES.get(kind, kind) if isinstance(kind, str) else kind


class FactSaid(BaseModel):
    """Something that happened. Corrections are facts too: one that `replaces` another, or of the kind `withdrawn`."""

    model_config = ConfigDict(extra="forbid")
    kind: Annotated[FactKind, BeforeValidator(_by_any_name)] = Field(description="what happened; `found` is `located`")
    at: Instant = Field(description="when it happened, RFC 3339 with an offset")
    note: Words | None = Field(default=None, description="anything else there is to say, in free words")
    replaces: UUID | None = Field(default=None, description="the id of the fact that this one corrects")
    recorded_by: Words | None = Field(
        default=None, description="who recorded it, as a system knows them; people are known by their sign-in"
    )
    details: dict[str, str] = Field(
        default_factory=dict, max_length=60, description="what facts of this kind say besides, each by its name"
    )
    also: list[UUID] = Field(
        default_factory=list[UUID], max_length=20, description="other episodes of the child that share this fact"
    )


class Reopening(BaseModel):
    """Why a closed episode is opened again."""

    model_config = ConfigDict(extra="forbid")
    reason: Words = Field(description="why it is opened again")


class Merging(BaseModel):
    """Into which episode a duplicate is merged, and why they are one."""

    model_config = ConfigDict(extra="forbid")
    into: UUID = Field(description="the episode that stays")
    reason: Words = Field(description="why the two are one")


class Merged(BaseModel):
    """What became of each fact of a duplicate; the last is that of its ending."""

    facts: list[Became] = Field(description="the facts that were taken over, and the ending of the duplicate")
    refused: list[str] = Field(description="why facts did not fit into the episode that stays")


class EpisodeListed(BaseModel):
    """An episode in a list. Of a need-to-know child only those close to it see more than that it is there."""

    episode_id: str = Field(description="the episode")
    need_to_know: bool = Field(description="whether only those close to the child may see more than that it is there")
    hidden: bool = Field(description="whether all but its status is kept from whoever asks")
    status: EpisodeStatus = Field(description="where the child is, as the facts say")
    child_reference: str | None = Field(default=None, description="the case system's number for the child")
    policy: str | None = Field(default=None, description="the policy it lives by")
    policy_version: str | None = Field(default=None, description="the version of that policy")
    missing_since: datetime | None = Field(
        default=None, description="since when the child is gone, by whatever is known"
    )
    returned_at: datetime | None = Field(default=None, description="when the child came back")
    closed_at: datetime | None = Field(default=None, description="when the episode was closed; null while it is open")
    next_clock: str | None = Field(default=None, description="the clock that is owed next")
    next_due: datetime | None = Field(default=None, description="by when that is owed")
    overdue: int | None = Field(default=None, description="how many clocks are past their time")
    written_at: datetime | None = Field(default=None, description="when the episode was last written")


class Searched(BaseModel):
    """What is looked for in a list of episodes."""

    model_config = ConfigDict(extra="forbid")
    child: str | None = Field(default=None, max_length=80, description="the case system's number for the child")
    police_reference: str | None = Field(
        default=None, max_length=200, description="the police's reference of the missing person report"
    )
    status: list[EpisodeStatus] = Field(
        default_factory=list[EpisodeStatus], max_length=20, description="only those that stand so; several may be given"
    )
    open: bool | None = Field(default=None, description="not closed yet")
    clock: str | None = Field(default=None, max_length=80, description="this clock is owed")
    overdue: bool | None = Field(default=None, description="something is past its time")
    changed_since: Instant | None = Field(
        default=None, description="only those written again since then, RFC 3339 with an offset"
    )
    order: Order = Field(
        default="id", description="by id, which passes nothing over; or the most pressing first, what is hidden last"
    )
    cursor: Cursor = None
    limit: Limit = 50


def router_of(parts: Parts) -> APIRouter:
    """The routes of episodes."""
    router = asked_router("episodes", Problem.NEED_TO_KNOW)

    @router.post("/episodes", status_code=201, operation_id="report_a_child", responses=kept_as(Reported))
    @needs(Permission.REPORT)
    async def report(said: WhatIsReported, asked: AskedBy, _key: Key, response: Response) -> Reported:
        """Report a child absent or missing. The key makes the episode's id: the same report again is the same child."""
        report_id = derived_id(key_id(asked), "report")
        data = said.model_dump(mode="json", exclude_unset=True) | {"report_id": report_id}
        data.setdefault("reported_by", asked.principal.name)
        try:
            taken, outcome = await parts.commands_of(asked).report(data, asked.now, derived_id(report_id, "episode"))
        except IdTakenError:
            raise ProblemError(Problem.KEY_REUSED) from None
        asked.saw(outcome.episode_id)
        made = became(outcome, response)
        response.headers.setdefault("Location", f"{PREFIX}/episodes/{outcome.episode_id}")
        return Reported(
            **made.model_dump(),
            asked_for=list(taken.asked_for()),
            also_open=await _also_open(parts, asked, outcome.episode_id),
        )

    @router.get("/episodes", operation_id="list_episodes")
    @needs(Permission.READ_EPISODES)
    async def index(asked: AskedBy, searched: Annotated[Searched, Query()]) -> Page[EpisodeListed]:
        """List and search episodes."""
        return await listed(parts, asked, searched)

    @router.get("/episodes/{episode_id}", operation_id="read_an_episode")
    @needs(Permission.READ_EPISODES)
    async def read(episode_id: EpisodeId, asked: AskedBy) -> EpisodeWhole:
        """An episode, whole: its clocks with their reasons, facts, timeline, who was told, tasks and prompts."""
        async with parts.store.snapshot() as session:
            seen = await seen_episode(session, asked, str(episode_id))
            shown = await show_episode(session, parts.policies, asked.principal, str(episode_id), asked.now)
        return whole(shown, seen, asked.now)

    @router.post("/episodes/{episode_id}/facts", operation_id="record_a_fact", responses=kept_as(list[Became]))
    @needs(Permission.RECORD)
    async def record(
        episode_id: EpisodeId, said: FactSaid, asked: AskedBy, _key: Key, response: Response
    ) -> list[Became]:
        """Record that something happened, in one episode or in several of the child's."""
        return [became(one, response) for one in await record_fact(parts, asked, episode_id, said)]

    @router.post("/episodes/{episode_id}/reopening", operation_id="reopen_an_episode", responses=kept_as(Became))
    @needs(Permission.RULE)
    async def reopen(episode_id: EpisodeId, said: Reopening, asked: AskedBy, _key: Key, response: Response) -> Became:
        """Open a closed episode again: it goes on with all that it knew, and takes facts."""
        return became(await reopen_episode(parts, asked, episode_id, said), response)

    @router.post("/episodes/{episode_id}/merging", operation_id="merge_an_episode", responses=kept_as(Merged))
    @needs(Permission.RULE)
    async def merge(episode_id: EpisodeId, said: Merging, asked: AskedBy, _key: Key, response: Response) -> Merged:
        """Take a duplicate's facts over into the episode it duplicates, and end it, with a trail in both."""
        outcomes = await merge_episode(parts, asked, episode_id, said)
        refused = [one.reason or "" for one in outcomes if one.state == "refused"]
        return Merged(facts=[became(one, response) for one in outcomes if one.state != "refused"], refused=refused)

    return router


async def record_fact(parts: Parts, asked: Asked, episode_id: UUID, said: FactSaid) -> list[Outcome]:
    """Record a fact under the request's key: what became of it, in each episode that it names.

    Raises ProblemError for who may not, for an episode that is not to be seen,
    and for a key that was used for something else; BadInputError, naming the field.
    """
    asked.require(permission_to_record(said.kind))
    _check_whose(said, asked)
    episodes = [str(one) for one in (episode_id, *said.also)]
    children = await _see_all(parts, asked, episodes)
    if len(children) > 1:
        raise BadInputError("also: must name episodes of the same child")
    fact = _fact(said, asked)
    await require_second_person(parts, asked, episodes, fact)
    try:
        return await parts.commands_of(asked).record_in_all(
            list(dict.fromkeys(episodes)), fact, asked.now, exactly=True
        )
    except IdTakenError:
        raise ProblemError(Problem.KEY_REUSED) from None


async def reopen_episode(parts: Parts, asked: Asked, episode_id: UUID, said: Reopening) -> Outcome:
    """Open a closed episode again, under the request's key. Raises ProblemError, and BadInputError when it is open."""
    await _see_all(parts, asked, [str(episode_id)])
    fact_id = derived_id(key_id(asked), "reopening")
    by = recorded_by(asked, _whose(asked))
    try:
        return await parts.commands_of(asked).reopen(str(episode_id), said.reason, by, asked.now, fact_id)
    except IdTakenError:
        raise ProblemError(Problem.KEY_REUSED) from None


async def merge_episode(parts: Parts, asked: Asked, episode_id: UUID, said: Merging) -> list[Outcome]:
    """Merge a duplicate into another episode; the last outcome is its own ending's.

    Raises ProblemError for an episode that is not to be seen, and BadInputError.
    """
    duplicate, into = str(episode_id), str(said.into)
    await _see_all(parts, asked, [duplicate, into])
    by = recorded_by(asked, _whose(asked))
    return await parts.commands_of(asked).merge(duplicate, into, said.reason, by, asked.now)


async def _see_all(parts: Parts, asked: Asked, episode_ids: list[str]) -> set[str]:
    """Note the episodes that are spoken of; the children they are of, as far as they are known. Raises ProblemError."""
    async with parts.store.snapshot() as session:
        seen = [await seen_episode(session, asked, episode_id) for episode_id in episode_ids]
    asked.saw(*episode_ids)
    return {one.child_id for one in seen if one.child_id}


def _check_whose(said: FactSaid, asked: Asked) -> None:
    """Raise BadInputError for what has a way of its own, by which it is known who does it and for whom."""
    if said.kind in ABOUT_TASKS:
        raise BadInputError("kind: what is done with a task is said by the task's own routes")
    by = said.details.get("by")
    if said.kind is FactKind.ACKNOWLEDGED and asked.principal.kind == "person" and by != asked.principal.person:
        raise BadInputError("details.by: must be yourself, by the directory's reference: nobody answers for another")


def _fact(said: FactSaid, asked: Asked) -> dict[str, object]:
    """What was said as a flat fact, whose id comes of the request's key. Raises BadInputError."""
    if taken := next((name for name in said.details if name in COMMON_FIELDS), None):
        raise BadInputError(f"details.{taken}: must be given beside details, not in them")
    fact: dict[str, object] = {**said.details, "kind": said.kind.value, "at": to_rfc3339(said.at)}
    fact |= {
        "id": derived_id(key_id(asked), "fact"),
        "recorded_by": recorded_by(asked, _whose(asked, said.recorded_by)),
    }
    fact |= {"source": f"{asked.principal.kind} {asked.principal.name}"}
    given = {"note": said.note, "replaces": str(said.replaces) if said.replaces else None}
    return fact | {name: value for name, value in given.items() if value is not None}


def _whose(asked: Asked, told: str | None = None) -> str | None:
    """In whose name something is recorded: a person's own, whoever else is named; whom a system names."""
    return asked.principal.person if asked.principal.kind == "person" else told


async def _also_open(parts: Parts, asked: Asked, episode_id: str) -> list[str]:
    async with parts.store.snapshot() as session:
        item = await report_of(session, asked.authority, episode_id)
        child = item.body["child_id"] if item else None
        return await open_and_seen(session, asked, child, episode_id) if child else []


async def open_and_seen(session: AsyncSession, asked: Asked, child_id: str, but: str | None = None) -> list[str]:
    """A child's open episodes that the request may see whole, but for one of them."""
    others = [one for one in await open_episodes_of(session, asked.authority, child_id) if one != but]
    seen = [await see_episode(session, asked.principal, one, asked.now) for one in others]
    shown = [one.episode_id for one in seen if one.sight == "whole"]
    asked.saw(*shown)
    return shown


async def listed(parts: Parts, asked: Asked, searched: Searched) -> Page[EpisodeListed]:
    """A page of the episodes that are looked for, each as far as the request may see it. Raises ProblemError."""
    names = {"child", "police_reference", "open", "clock", "overdue", "changed_since"}
    search = Search(**searched.model_dump(include=names), statuses=tuple(searched.status))
    after = _place(searched)
    async with parts.store.snapshot() as session:
        restricting = await waiting_to_be_restricted(session, asked.authority, asked.now)
        close = [*await need_to_know_among(session, asked.authority, search, asked.now), *restricting]
        # What is hidden must be told neither by its place among the others nor by the cursor of a page.
        unplaced = await hidden_from(session, asked.principal, close, asked.now) if close else frozenset[str]()
        found = await search_episodes(
            session,
            asked.authority,
            search,
            asked.now,
            order=searched.order,
            after=after,
            limit=searched.limit + 1,
            hidden=unplaced,
        )
        hidden = unplaced | await hidden_among(session, asked.principal, [one.episode_id for one in found], asked.now)
    last = found[: searched.limit][-1] if found else None
    page = page_of(found, searched.limit, _cursor(searched.order, last, hidden) if last else "")
    asked.saw(*(one.episode_id for one in page.items if one.episode_id not in hidden))
    return Page(items=[as_listed(one, hidden=one.episode_id in hidden) for one in page.items], next=page.next)


def _cursor(order: Order, last: EpisodeFound, hidden: Collection[str]) -> str:
    if order == "id":
        return cursor_after(last.episode_id)
    due = NEVER if last.episode_id in hidden else last.next_due or NEVER
    return cursor_after(to_rfc3339(due), last.episode_id)


def _place(searched: Searched) -> tuple[datetime, str] | None:
    """The place in the order that is asked for after which a page begins. Raises ProblemError."""
    kinds = (str,) if searched.order == "id" else (str, str)
    cursor = read_cursor(searched.cursor, *kinds)
    if cursor is None:
        return None
    due = NEVER if searched.order == "id" else _due_in_cursor(cursor[0])
    return due, str(cursor[-1])


def _due_in_cursor(written: str) -> datetime:
    return NEVER if written == to_rfc3339(NEVER) else instant_in_cursor(written)


def as_listed(found: EpisodeFound, *, hidden: bool) -> EpisodeListed:
    """An episode in a list, with no more than that it is there where it is hidden."""
    if hidden:
        return EpisodeListed(episode_id=found.episode_id, need_to_know=True, hidden=True, status=found.status)
    return EpisodeListed(hidden=False, **found.model_dump(exclude={"child_id"}))
