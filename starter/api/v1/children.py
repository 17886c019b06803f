"""What is kept for a child across episodes: plan, risk, information, photographs, placement; and the episodes."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.answered import Answered
from activities.store.child_records import ChildRecord, child_of, episodes_of, versions
from starter.access import Permission
from starter.api.acting import recorded_by
from starter.api.asking import KEYED, Asked, AskedBy, asked_router, needs
from starter.api.bodies import Answer
from starter.api.once import done_once
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.child_records import (
    FORMS,
    Form,
    RecordShown,
    in_forms_order,
    kind_of,
    read_form,
    record_version,
    show_latest,
)
from starter.sight import child_is_hidden, hidden_among
from workflows.instants import Instant, london_day
from workflows.vocabulary import EpisodeStatus

RecordKind = StrEnum("RecordKind", list(FORMS))
"""The kinds of record, as the path names them."""

Reference = Annotated[str, Path(max_length=80, description="the case system's number for the child")]

Kind = Annotated[RecordKind, Path(description="the kind of record")]


class _AnyForm:
    """Describes a body as the form of any kind; which one, the path says."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        del schema
        forms = {kind: handler(form.__pydantic_core_schema__) for kind, form in FORMS.items()}
        return {"oneOf": [{**form, "title": kind} for kind, form in forms.items()]}


FormSaid = Annotated[dict[str, Any], _AnyForm()]


class RecordVersion(Answer):
    """One version of one kind of record."""

    kind: RecordKind = Field(description="the kind of record")
    version: int = Field(description="its number, from 1")
    recorded_at: Instant = Field(description="when it was recorded")
    recorded_by: str = Field(description="who recorded it")
    body: FormSaid = Field(description="what it says, as its form has it")


class RecordWithGaps(RecordVersion):
    """The latest version of a kind, and what is missing from it."""

    gaps: list[str] = Field(description="what is missing, stale or past its day, in words")


class RecordKept(Answer):
    """What was kept."""

    kind: RecordKind = Field(description="the kind of record")
    version: int = Field(description="its number")
    recorded_at: Instant = Field(description="when it was recorded")
    recorded_by: str = Field(description="who recorded it")
    gaps: list[str] = Field(description="what is missing, stale or past its day, in words")


class EpisodeOfChildShown(Answer):
    """One of a child's episodes."""

    episode_id: str = Field(description="the episode")
    hidden: bool = Field(description="whether only that it is there may be seen: then what is null is not for you")
    status: EpisodeStatus | None = Field(description="how it stands")
    missing_since: Instant | None = Field(description="since when the child was gone, as far as is known")
    returned_at: Instant | None = Field(description="when the child came back")
    closed_at: Instant | None = Field(description="when the episode was closed")


def router_of(parts: Parts) -> APIRouter:
    """The routes of children."""
    router = asked_router("children", Problem.NEED_TO_KNOW, Problem.KEY_REUSED)
    _add_reading(router, parts)
    _add_keeping(router, parts)
    return router


def _add_reading(router: APIRouter, parts: Parts) -> None:
    @router.get("/children/{reference}/records", operation_id="show_child_records")
    @needs(Permission.READ_CHILD_RECORDS)
    async def latest(reference: Reference, asked: AskedBy) -> dict[RecordKind, RecordWithGaps | None]:
        """Show the latest of each kind with what is missing from it; null for a kind that was never recorded."""
        shown = await latest_records(parts, asked, reference)
        return {
            RecordKind(kind): RecordWithGaps(**_version(one.record), gaps=list(one.gaps)) if one else None
            for kind, one in shown.items()
        }

    @router.get("/children/{reference}/records/{kind}", operation_id="list_child_record_versions")
    @needs(Permission.READ_CHILD_RECORDS)
    async def history(reference: Reference, kind: Kind, asked: AskedBy) -> list[RecordVersion]:
        """Show every version of one kind, the oldest first."""
        return [RecordVersion(**_version(one)) for one in await record_versions(parts, asked, reference, kind)]

    @router.get("/children/{reference}/episodes", operation_id="list_child_episodes")
    @needs(Permission.READ_EPISODES)
    async def episodes(reference: Reference, asked: AskedBy) -> list[EpisodeOfChildShown]:
        """List the child's episodes, the latest first."""
        async with parts.store.snapshot() as session:
            found = await episodes_of(session, asked.authority, await _child(session, asked, reference))
            ids = [one.id for one in found]
            hidden = await hidden_among(session, asked.principal, ids, asked.now)
        asked.saw(*ids)
        unseen = EpisodeOfChildShown(
            episode_id="", hidden=True, status=None, missing_since=None, returned_at=None, closed_at=None
        )
        return [
            unseen.model_copy(update={"episode_id": one.id})
            if one.id in hidden
            else EpisodeOfChildShown(episode_id=one.id, hidden=False, **one.model_dump(exclude={"id"}))
            for one in found
        ]


def _add_keeping(router: APIRouter, parts: Parts) -> None:
    @router.post(
        "/children/{reference}/records/{kind}",
        operation_id="add_child_record_version",
        dependencies=KEYED,
        status_code=201,
        response_model=RecordKept,
    )
    @needs(Permission.KEEP_CHILD_RECORDS)
    async def add(reference: Reference, kind: Kind, asked: AskedBy, said: FormSaid) -> Any:
        """Record a new version. Nothing is refused for what is not known yet: the answer names what is missing."""
        done = await keep_record(parts, asked, reference, read_form(kind.value, said))
        return JSONResponse(done.body, done.status)


async def latest_records(parts: Parts, asked: Asked, reference: str) -> dict[str, RecordShown | None]:
    """The latest of each kind with what is missing, of a child that the request may see. Raises ProblemError."""
    async with parts.store.snapshot() as session:
        records = await versions(session, await _child(session, asked, reference))
    return show_latest(records, parts.policies.pack("homeward"), london_day(asked.now))


async def record_versions(parts: Parts, asked: Asked, reference: str, kind: RecordKind) -> list[ChildRecord]:
    """Every version of one kind, the oldest first, of a child that the request may see. Raises ProblemError."""
    async with parts.store.snapshot() as session:
        records = await versions(session, await _child(session, asked, reference), kind.value)
    return [in_forms_order(one) for one in records]


async def keep_record(parts: Parts, asked: Asked, reference: str, form: Form, *, after: int | None = None) -> Answered:
    """Keep a form as a new version, once under the request's key; what is answered is a RecordKept.

    `after` is the version that it was made of, where that is known. Raises
    ProblemError (need to know, key reused), and ChangedMeanwhileError when
    there is a newer version: then nothing was kept, and the key is free.
    """
    kind = RecordKind(kind_of(form))
    gaps = list(form.gaps(parts.policies.pack("homeward"), london_day(asked.now)))
    by = recorded_by(asked, asked.principal.person)

    async def effect(session: AsyncSession) -> tuple[int, RecordKept]:
        if await child_of(session, asked.authority, reference) is not None:
            await _child(session, asked, reference)
        kept = await record_version(session, asked.authority, reference, form, by=by, now=asked.now, after=after)
        return 201, RecordKept(kind=kind, version=kept.version, recorded_at=asked.now, recorded_by=by, gaps=gaps)

    return await done_once(parts.store, asked, form, effect, where=f"record {kind} {reference}")


def _version(record: ChildRecord) -> dict[str, Any]:
    return record.model_dump(exclude={"child_id"})


async def _child(session: AsyncSession, asked: Asked, reference: str) -> str:
    """Homeward's id of a child that the request may see. Raises ProblemError: not found, or need to know."""
    child_id = await child_of(session, asked.authority, reference)
    if child_id is None:
        raise ProblemError(Problem.NOT_FOUND)
    asked.saw(child_id)
    if await child_is_hidden(session, asked.principal, child_id, asked.now):
        raise ProblemError(Problem.NEED_TO_KNOW)
    return child_id
