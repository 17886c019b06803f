"""What stands still, and what an operator does about it. Nothing about a child."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from activities.health.findings import KINDS, Deed, Stuck, StuckKind, Weight
from starter.access import Permission
from starter.api.asking import Asked, AskedBy, Key, asked_router, needs
from starter.api.once import once_outside
from starter.api.parts import Parts
from starter.batches import BatchDone, chosen, do_for_all
from starter.operating import EVERYTHING, OF_WEBHOOKS
from starter.standing import (
    Standing,
    agreement_stands,
    inbox_stands,
    messages_stand,
    policies_stand,
    today_of,
    versions_stand,
    webhooks_stand,
)
from workflows.plain_errors import BadInputError


class StuckShown(Stuck):
    """Something that stands still, what that means, and what helps."""

    title: str = Field(description="the kind in words")
    touches: Weight = Field(description="whom it touches: children's clocks, people who are not told, other systems")
    means: str = Field(description="what it means")
    helps: str = Field(description="what helps")
    engine_page: str | None = Field(description="the engine's own page of it; null where there is none")


class StandingShown(BaseModel):
    """How one thing of Homeward itself stands."""

    model_config = ConfigDict(from_attributes=True)
    about: str = Field(description="what was looked at")
    well: bool | None = Field(description="whether all is well there; null: no fault, and somebody should know of it")
    says: str = Field(description="what is found, in a line")


class StandstillShown(BaseModel):
    """What stands still, the worst first, and how Homeward itself stands."""

    as_of: datetime = Field(description="when this was looked at")
    engine_answers: bool = Field(description="false: what only the engine knows is missing")
    stuck: list[StuckShown] = Field(description="what stands still, the worst first")
    more: dict[StuckKind, int] = Field(description="how many more there are of a kind than are listed")
    not_asked: int = Field(description="how many workflows look as if they stood still and were not asked: too many")
    standing: list[StandingShown] = Field(description="how each thing of Homeward itself stands")


class Doing(BaseModel):
    """What is to be done, and about what. `Homeward-Reason` says why."""

    model_config = ConfigDict(extra="forbid")
    deed: Deed = Field(description="one of the deeds of what stands still")
    subject: str = Field(
        max_length=100,
        description=f"the subject of what stands still; '{EVERYTHING}': all that was said and waits, or all records",
    )


class DoingForAll(BaseModel):
    """What is to be done for all that stands still in one way. `Homeward-Reason` says why."""

    model_config = ConfigDict(extra="forbid")
    deed: Deed = Field(description="one of the deeds of that way of standing still")
    kind: StuckKind = Field(description="in which way they stand still")
    dry_run: bool = Field(default=False, description="only say what would be done")


class DeedDone(BaseModel):
    """What came of it."""

    says: str = Field(description="what came of it, in a sentence")


def router_of(parts: Parts) -> APIRouter:
    """The routes of what stands still."""
    router = asked_router("operations")

    @router.get("/stuck", operation_id="show_what_stands_still")
    @needs(Permission.OPERATE)
    async def index(asked: AskedBy) -> StandstillShown:
        """What stands still and why, the worst first; whether the engine answers or not."""
        return await look_around(parts, asked)

    @router.post("/stuck/deeds", operation_id="do_something_about_what_stands_still")
    @needs(Permission.OPERATE)
    async def do(said: Doing, asked: AskedBy, _key: Key) -> DeedDone:
        """Do one of the deeds that are offered; `Homeward-Reason` must say why. Webhooks need `manage_webhooks` too."""
        if not asked.why:
            raise BadInputError("Homeward-Reason: must say why")
        return await do_deed(parts, asked, said)

    @router.post("/stuck/batches", operation_id="do_something_about_all_that_stands_still_so")
    @needs(Permission.OPERATE)
    async def do_all(said: DoingForAll, asked: AskedBy, _key: Key) -> BatchDone:
        """Do one deed for all that stands still in one way, as many as are listed; or say what would be done."""
        if not asked.why:
            raise BadInputError("Homeward-Reason: must say why")
        return await do_deed_for_all(parts, asked, said)

    return router


async def look_around(parts: Parts, asked: Asked) -> StandstillShown:
    """What stands still of the authority of whoever asks, and how Homeward itself stands."""
    found = await parts.room.standstill(parts.store, asked.authority, asked.now)
    async with parts.store.snapshot() as session:
        standing = await _standing(parts, session, asked, engine_answers=found.engine_answers)
    asked.saw(*(one.subject for one in found.found if one.about in ("episode", "said")))
    return StandstillShown(
        as_of=asked.now,
        engine_answers=found.engine_answers,
        stuck=[_shown(parts, one, asked) for one in found.found],
        more=found.more,
        not_asked=found.not_asked,
        standing=[StandingShown.model_validate(one) for one in standing],
    )


async def _standing(parts: Parts, session: AsyncSession, asked: Asked, *, engine_answers: bool) -> list[Standing]:
    authority = asked.authority
    engine = "answers" if engine_answers else "does not answer"
    return [
        Standing("engine", engine_answers, engine),
        Standing("database", well=True, says="reachable"),
        await agreement_stands(session, authority, asked.now, parts.room.compares_every),
        await inbox_stands(session, authority),
        await messages_stand(session, authority),
        await webhooks_stand(session, authority),
        policies_stand(parts.policies, today_of(asked.now)),
        await versions_stand(session, parts.policies, authority),
    ]


def _shown(parts: Parts, one: Stuck, asked: Asked) -> StuckShown:
    kind = KINDS[one.kind]
    deeds = tuple(deed for deed in one.deeds if may_do(asked, deed))
    words = {"title": kind.title, "touches": kind.weight, "means": kind.means, "helps": kind.helps}
    about = {**one.model_dump(), "deeds": deeds, **words, "engine_page": parts.room.page_of(one)}
    return StuckShown.model_validate(about)


def may_do(asked: Asked, deed: Deed) -> bool:
    """Whether whoever asks may do that at all."""
    if deed in OF_WEBHOOKS:
        return asked.principal.may(Permission.MANAGE_WEBHOOKS)
    return deed is not Deed.HAND_OVER or asked.principal.may(Permission.READ_TASKS)


async def do_deed(parts: Parts, asked: Asked, said: Doing) -> DeedDone:
    """Do it once; what came of it. Raises BadInputError, ProblemError or EngineSilentError."""
    if said.deed in OF_WEBHOOKS:
        asked.require(Permission.MANAGE_WEBHOOKS)
    asked.saw(said.subject)

    async def effect() -> DeedDone:
        return DeedDone(says=await parts.operator_of(asked).do(said.deed, said.subject, asked.now))

    done = await once_outside(parts.store, asked, said, effect, where="stuck/deeds")
    return DeedDone.model_validate(done.body)


async def do_deed_for_all(parts: Parts, asked: Asked, said: DoingForAll) -> BatchDone:
    """Do a deed once for all that stands still in one way. Raises BadInputError or ProblemError."""
    if said.deed in OF_WEBHOOKS:
        asked.require(Permission.MANAGE_WEBHOOKS)

    async def effect() -> BatchDone:
        found = await parts.room.standstill(parts.store, asked.authority, asked.now)
        fit = chosen(found, said.deed, said.kind)
        asked.saw(*(one.subject for one in fit))
        lines = await do_for_all(parts.operator_of(asked), said.deed, fit, asked.now, dry_run=said.dry_run)
        return BatchDone(**said.model_dump(), lines=lines, left=found.more.get(said.kind, 0))

    done = await once_outside(parts.store, asked, said, effect, where="stuck/batches")
    return BatchDone.model_validate(done.body)
