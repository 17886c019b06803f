"""Files of the directory: all of one kind of row at once, or nothing."""

import asyncio
import csv
import io
import re
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request

from activities.store.directory import take_turns_at_directory
from starter.access import Permission
from starter.api.asking import AskedBy, asked_router, needs
from starter.api.changing import changing
from starter.api.directory_bodies import FileTaken, LineChange
from starter.api.parts import Parts
from starter.api.problems import FieldMistake, Problem, ProblemError
from starter.api.telling import tell_if_changed
from starter.directory_files import Compared, DirectoryFile, compare_lines, read_directory_lines, take_in_directory
from starter.directory_rows import COLUMNS
from workflows.plain_errors import BadInputError

CSV: Final = "text/csv"

DirectoryKind = StrEnum("DirectoryKind", list(COLUMNS))
"""The kinds of row, as the path names them."""

_LINE: Final = re.compile(r"line (\d+): (?:(\w+): )?(.*)", re.DOTALL)
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "A CSV file in UTF-8 whose first line names the columns: "
        + "; ".join(f"{kind}: `{','.join(columns)}`" for kind, columns in COLUMNS.items()),
        "content": {CSV: {"schema": {"type": "string"}}},
    }
}


def router_of(parts: Parts) -> APIRouter:
    """The route of the directory's files."""
    router = asked_router("directory", Problem.TOO_LARGE, Problem.WRONG_MEDIA_TYPE, Problem.NEED_TO_KNOW)

    @router.put("/directory-files/{kind}", operation_id="take_in_directory_file", openapi_extra=_BODY)
    @needs(Permission.CHANGE_DIRECTORY)
    async def put_file(
        kind: Annotated[DirectoryKind, Path(description="the kind of row")],
        asked: AskedBy,
        request: Request,
        dry_run: Annotated[bool, Query(description="say what it would change, and write nothing")] = False,
    ) -> FileTaken:
        """Take in a file, all of it or nothing. People and teams are added or changed, the rest replaced.

        Holders, rota and leave are what the file says and nothing else: what it does not say is no longer so.
        """
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != CSV:
            raise ProblemError(Problem.WRONG_MEDIA_TYPE, f"Content-Type: must be {CSV}")
        try:
            # Ten megabytes take a while to read: meanwhile others are answered.
            file = await asyncio.to_thread(_read, kind.value, await request.body())
            async with parts.store.session() as session:
                await take_turns_at_directory(session, asked.authority)
                compared = await compare_lines(session, asked.authority, file)
                async with changing(session, asked, compared.rows_of(file)):
                    if not dry_run:
                        await take_in_directory(session, asked.authority, file, asked.now)
        except BadInputError as error:
            raise _named(error) from None
        written = not dry_run and bool(compared.removed or set(compared.lines.values()) - {"unchanged"})
        told = await tell_if_changed(parts, asked, changed=written)
        return FileTaken(**told.model_dump(), dry_run=dry_run, **_counted(compared))

    return router


def _read(kind: str, body: bytes) -> DirectoryFile:
    try:
        return read_directory_lines(kind, io.StringIO(body.decode("utf-8-sig"), newline=""))
    except (csv.Error, UnicodeDecodeError):
        raise BadInputError("the body is not a CSV file in UTF-8") from None


def _named(error: BadInputError) -> ProblemError:
    """What is wrong with a file, as a problem that names the line and the column."""
    line = str(error)
    found = _LINE.fullmatch(line)
    field = f"lines[{found[1]}]{f'.{found[2]}' if found[2] else ''}" if found else ""
    mistake = FieldMistake(field=field, detail=found[3] if found else line)
    return ProblemError(Problem.CANNOT_BE_USED, line, [mistake])


def _counted(compared: Compared) -> dict[str, Any]:
    taken = compared.taken
    changing = [LineChange(line=number, change=how) for number, how in compared.lines.items() if how != "unchanged"]
    return {
        "added": taken.added,
        "changed": taken.changed,
        "removed": taken.removed,
        "unchanged": taken.unchanged,
        "lines": changing,
        "removed_rows": [dict(row) for row in compared.removed],
    }
