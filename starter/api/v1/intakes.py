"""Taking a case system's export in over HTTP: begun by a request, done beside it, and gone on with after a crash."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile

from activities.store import StoreUnavailableError
from activities.store.intake import (
    IntakeLine,
    IntakeRun,
    RunProgress,
    begin_run,
    lines_of,
    progress_of,
    run_by_id,
    run_of,
)
from starter.access import Permission
from starter.api.asking import KEYED, Asked, AskedBy, asked_router, needs
from starter.api.once import once
from starter.api.paging import Cursor, Limit, Page, cursor_after, not_a_cursor, page_of, read_cursor
from starter.api.parts import Parts
from starter.api.problems import PREFIX, Problem, ProblemError
from starter.intake.beside import Beside, Ordered
from starter.intake.mapping_files import DEFAULT, parse_mapping, shipped_mapping
from starter.intake.runs import Export, IntakeRuns, Preview, words_of
from workflows.plain_errors import BadInputError

_UPLOAD: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "mapping": {"type": "string"},
                        "mapping_file": {"type": "string", "description": "a mapping of one's own, YAML or JSON"},
                    },
                }
            },
        },
    }
}


class IntakeSaid(BaseModel):
    """A run as it stands: `whole` once every line has an outcome. `kept`: episodes that wait for the engine."""

    id: str = Field(description="the run's id")
    state: Literal["in_progress", "whole"] = Field(description="`whole` once every line has an outcome")
    mapping: str = Field(description="the mapping it is read by")
    lines: int = Field(description="how many lines the file has")
    done: int = Field(description="how many have an outcome")
    verdicts: dict[str, int] = Field(description="how many lines got each verdict")
    added: int = Field(description="how many episodes began with it")
    there_already: int = Field(description="how many lines told of an episode that was there before")
    kept: int = Field(description="how many episodes wait for the engine")
    begun_at: datetime = Field(description="when it was begun")
    begun_by: str = Field(description="who began it")
    finished_at: datetime | None = Field(description="when every line had an outcome; null until then")


class IntakePreview(BaseModel):
    """What taking a file in would do; nothing is written. `added` of a line: its episode would begin."""

    totals: dict[str, int] = Field(description="how many lines would get each verdict")
    lines: list[IntakeLine] = Field(description="what would become of each line")


class _Asked(BaseModel):
    digest: str


RunId = Annotated[UUID, Path(description="the run")]
DryRun = Annotated[bool, Query(description="only say what would become of each line")]
MappingName = Annotated[str, Query(max_length=60, description="a shipped mapping")]


def router_of(parts: Parts, beside: Beside) -> APIRouter:
    """The routes of intake; what they begin is done by `beside`."""
    router = asked_router("intake", Problem.WRONG_MEDIA_TYPE)

    @router.post(
        "/intakes",
        operation_id="take_file_in",
        status_code=202,
        openapi_extra=_UPLOAD,
        dependencies=KEYED,
        responses={200: {"model": IntakePreview, "description": "What would become of it (`dry_run`)"}},
    )
    @needs(Permission.TAKE_IN)
    async def take_in(
        request: Request, asked: AskedBy, mapping: MappingName = DEFAULT, dry_run: DryRun = False
    ) -> IntakeSaid:
        """Take a file in, beside this request. The same file again is the same run: broken off, it goes on."""
        export = await _uploaded(request, mapping)
        runs = IntakeRuns(parts.store, parts.commands_of(asked), asked.authority)
        if dry_run:
            preview = await runs.preview(export, asked.now)
            return JSONResponse(_as_preview(preview).model_dump(mode="json"), 200)  # pyright: ignore[reportReturnType]
        verdicts = await asyncio.to_thread(export.read, asked.now)
        new = IntakeRun(
            id=str(uuid4()),
            authority=asked.authority,
            digest=export.digest,
            mapping=export.mapping.mapping,
            lines=len(verdicts),
            begun_at=asked.now,
            begun_by=asked.principal.name,
        )

        async def effect(session: AsyncSession) -> tuple[int, BaseModel]:
            return 202, _as_said(await progress_of(session, await begin_run(session, new)))

        answer = await once(parts.store, asked, _Asked(digest=export.digest), effect, where="intakes")
        async with parts.store.snapshot() as session:
            run = await run_of(session, asked.authority, export.digest) or new
        beside.begin(Ordered.of(run, export, asked.principal.id))
        asked.saw(run.id)
        answer.headers["Location"] = f"{PREFIX}/intakes/{run.id}"
        return answer  # pyright: ignore[reportReturnType]

    @router.get("/intakes/{run_id}", operation_id="read_intake")
    @needs(Permission.TAKE_IN)
    async def one(run_id: RunId, asked: AskedBy) -> IntakeSaid:
        """How far a run came."""
        async with parts.store.snapshot() as session:
            return _as_said(await progress_of(session, await _run(session, asked, run_id)))

    @router.get("/intakes/{run_id}/lines", operation_id="list_intake_lines")
    @needs(Permission.TAKE_IN)
    async def lines(run_id: RunId, asked: AskedBy, cursor: Cursor = None, limit: Limit = 100) -> Page[IntakeLine]:
        """What became of each line, in the file's order."""
        after = read_cursor(cursor, int)
        if after and not 0 <= after[0] < 2**31:
            raise not_a_cursor()
        async with parts.store.snapshot() as session:
            run = await _run(session, asked, run_id)
            found = await lines_of(session, run.id, after=after[0] if after else 0, limit=limit + 1)
        asked.saw(*(line.episode_id for line in found[:limit]))
        return page_of(found, limit, cursor_after(found[:limit][-1].line) if found else "")

    return router


async def _run(session: AsyncSession, asked: Asked, run_id: RunId) -> IntakeRun:
    run = await run_by_id(session, asked.authority, str(run_id))
    if run is None:
        raise ProblemError(Problem.NOT_FOUND)
    return run


async def _uploaded(request: Request, mapping: str) -> Export:
    """The file that was sent, and how it is read. Raises BadInputError, naming what is missing, or ProblemError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/csv":
        return Export(await request.body(), shipped_mapping(mapping))
    if kind != "multipart/form-data":
        raise ProblemError(Problem.WRONG_MEDIA_TYPE, "Content-Type: must be text/csv or multipart/form-data")
    try:
        return await _of_its_parts(request, mapping)
    except OSError as trouble:
        # A large part is put aside on the disk, which may be full.
        raise StoreUnavailableError(f"a file on its way in cannot be put aside: {trouble.strerror}") from None


async def _of_its_parts(request: Request, mapping: str) -> Export:
    async with request.form(max_files=2, max_fields=10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise BadInputError("file: must be given, as a part with a file name")
        content = await file.read()
        own, named = form.get("mapping_file"), form.get("mapping")
        if own is not None:
            text = (await own.read()).decode("utf-8", "replace") if isinstance(own, UploadFile) else own
            return Export(content, parse_mapping(text, "mapping_file"))
        return Export(content, shipped_mapping(named if isinstance(named, str) else mapping))


def _as_said(progress: RunProgress) -> IntakeSaid:
    run = progress.run
    return IntakeSaid(
        id=run.id,
        state="whole" if run.finished_at else "in_progress",
        mapping=run.mapping,
        lines=run.lines,
        done=progress.done,
        verdicts=progress.verdicts,
        added=progress.added,
        there_already=progress.there_already,
        kept=progress.kept,
        begun_at=run.begun_at,
        begun_by=run.begun_by,
        finished_at=run.finished_at,
    )


def _as_preview(preview: Preview) -> IntakePreview:
    begins = {verdict.line for verdict in preview.would_begin()}
    lines = [
        IntakeLine(line=v.line, verdict=v.verdict, why=words_of(v), added=v.line in begins) for v in preview.verdicts
    ]
    return IntakePreview(totals=preview.totals(), lines=lines)
