"""The directory: who there is, who holds which role for whom, who is on call, who is away; and changes to it."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.directory import Change
from starter.access import Permission
from starter.api.acting import ME
from starter.api.asking import KEYED, Asked, AskedBy, asked_router, needs
from starter.api.changing import changing
from starter.api.directory_bodies import (
    Changed,
    ChangeMade,
    Checked,
    HolderShown,
    HoldingSaid,
    LeaveSaid,
    LeaveShown,
    PersonSaid,
    PersonShown,
    ReleaseSaid,
    ShiftSaid,
    ShiftShown,
    TeamSaid,
    TeamShown,
    Told,
    WhoShown,
    instant_cell,
)
from starter.api.once import done_once
from starter.api.paging import Cursor, Limit, Page, cut
from starter.api.parts import Parts
from starter.api.problems import Problem, cannot_be_used
from starter.api.telling import tell_if_changed
from starter.directory_changes import change, hold, release, rows_there
from starter.directory_rows import Row, cells
from starter.directory_sight import named_in
from starter.directory_who import held_by_nobody, who_is_told
from workflows.instants import Instant, to_rfc3339
from workflows.vocabulary import Role

_LISTS: Final[Mapping[str, tuple[Any, str]]] = {
    "people": (Page[PersonShown], "List the people. Addresses and numbers are for those who may change the directory."),
    "holders": (Page[HolderShown], "List who holds which role, for a child, a team or the whole authority."),
    "teams": (Page[TeamShown], "List which team each child belongs to."),
    "rota": (Page[ShiftShown], "List who is on call for which role, and when."),
    "leave": (Page[LeaveShown], "List who is away, and when."),
}
_PRIVATE: Final = ("email", "mobile")
_SEVERAL: Final = ("channels", "deputies")


def router_of(parts: Parts) -> APIRouter:
    """The routes of the directory, row by row."""
    router = asked_router("directory", Problem.KEY_REUSED, Problem.NEED_TO_KNOW)
    _add_who(router, parts)
    for kind in _LISTS:
        _add_list(router, parts, kind)
    _add_named(router, parts)
    _add_spans(router, parts)
    return router


def _add_who(router: APIRouter, parts: Parts) -> None:
    @router.get("/directory/who", operation_id="who_is_told")
    @needs(Permission.READ_DIRECTORY)
    async def who(
        asked: AskedBy,
        role: Annotated[Role, Query(description="the role")],
        child: Annotated[str | None, Query(max_length=80, description="the case system's number for the child")] = None,
        at: Annotated[Instant | None, Query(description="when, RFC 3339 with an offset; now without")] = None,
        can_wait: Annotated[bool, Query(description="for what need not reach somebody at once")] = False,
    ) -> WhoShown:
        """Say who would be told what is meant for a role at a moment, and why that person."""
        moment = at or asked.now
        async with parts.store.snapshot() as session:
            asked.saw(*await named_in(session, asked.authority, [{"child": child}] if child else []))
            people = await who_is_told(session, asked.authority, role, child, moment, urgent=not can_wait)
        return WhoShown(role=role, at=moment, people=people)

    @router.post("/directory/checks", operation_id="check_directory", dependencies=KEYED)
    @needs(Permission.CHANGE_DIRECTORY)
    async def check(asked: AskedBy) -> Checked:
        """Have every open episode look again at who holds each role, and say which roles nobody holds."""
        async with parts.store.snapshot() as session:
            unheld = await held_by_nobody(session, parts.policies, asked.authority, asked.now)
        told = await tell_if_changed(parts, asked, changed=True)
        return Checked(**told.model_dump(), unheld=list(unheld))


def _add_list(router: APIRouter, parts: Parts, kind: str) -> None:
    model, words = _LISTS[kind]

    async def index(asked: AskedBy, limit: Limit = 50, cursor: Cursor = None) -> Any:
        async with parts.store.snapshot() as session:
            rows = await rows_there(session, asked.authority, kind)
        page = cut(rows, limit, cursor, lambda row: _place(kind, row))
        return {"items": [_shown(row, asked) for row in page.items], "next": page.next}

    needs(Permission.READ_DIRECTORY)(index)
    add = router.get(f"/directory/{kind}", operation_id=f"list_{kind}", response_model=model, description=words)
    add(index)


def _place(kind: str, row: Row) -> tuple[str, ...]:
    """A row's place in its list; a person's says nothing of how to reach them."""
    return (row["person"],) if kind == "people" else cells(kind, row)


def _shown(row: Row, asked: Asked) -> dict[str, Any]:
    shown: dict[str, Any] = {name: cell or None for name, cell in row.items()}
    for name in _SEVERAL:
        if name in row:
            shown[name] = [one for one in row[name].split(";") if one]
    if not asked.principal.may(Permission.CHANGE_DIRECTORY):
        shown |= {name: None for name in _PRIVATE if name in row}
    return shown


def _add_named(router: APIRouter, parts: Parts) -> None:
    @router.put("/directory/people/{reference}", operation_id="put_person")
    @needs(Permission.CHANGE_DIRECTORY)
    async def put_person(
        reference: Annotated[str, Path(max_length=500, description="the authority's reference of the person")],
        asked: AskedBy,
        said: PersonSaid,
    ) -> Changed:
        """Add a person, or bring one to what is said: what is left out is taken away."""
        if reference.strip() == ME:
            raise cannot_be_used("reference: 'me' stands for whoever asks")
        return await _put(parts, asked, "people", {"person": reference, **said.cells()})

    @router.put("/directory/teams/{child}", operation_id="put_team")
    @needs(Permission.CHANGE_DIRECTORY)
    async def put_team(
        child: Annotated[str, Path(max_length=80, description="the case system's number for the child")],
        asked: AskedBy,
        said: TeamSaid,
    ) -> Changed:
        """Say which team a child belongs to."""
        return await _put(parts, asked, "teams", {"child": child, "team": said.team})


async def _put(parts: Parts, asked: Asked, kind: str, row: Row) -> Changed:
    async with parts.store.session() as session, changing(session, asked, [row]):
        became = await change(session, asked.authority, kind, row, asked.now)
    return await _told(parts, asked, ChangeMade(change=became))


def _add_spans(router: APIRouter, parts: Parts) -> None:
    async def add_row(asked: Asked, kind: str, said: ShiftSaid | LeaveSaid) -> Changed:
        async def effect(session: AsyncSession) -> tuple[int, ChangeMade]:
            async with changing(session, asked, [said.cells()]):
                became = await change(session, asked.authority, kind, said.cells(), asked.now)
            return 200, ChangeMade(change=became)

        done = await done_once(parts.store, asked, said, effect, where=f"directory {kind}")
        return await _told(parts, asked, ChangeMade.model_validate(done.body))

    @router.post("/directory/holders", operation_id="hold_role", dependencies=KEYED)
    @needs(Permission.CHANGE_DIRECTORY)
    async def hold_role(asked: AskedBy, said: HoldingSaid) -> Changed:
        """Have a person hold a role for a child, a team or the whole authority; with `instead`, nobody else there."""
        return await give_role(parts, asked, said)

    @router.post("/directory/holders/releases", operation_id="release_role", dependencies=KEYED)
    @needs(Permission.CHANGE_DIRECTORY)
    async def release_role(asked: AskedBy, said: ReleaseSaid) -> Changed:
        """End what a person holds for just that child, team or authority."""

        async def effect(session: AsyncSession) -> tuple[int, ChangeMade]:
            row = {**said.cells(), "from": "", "until": to_rfc3339(said.at or asked.now)}
            async with changing(session, asked, [row]):
                await release(session, asked.authority, row)
            return 200, ChangeMade(change="changed", ended=1)

        done = await done_once(parts.store, asked, said, effect, where="directory releases")
        return await _told(parts, asked, ChangeMade.model_validate(done.body))

    @router.post("/directory/rota", operation_id="put_on_call", dependencies=KEYED)
    @needs(Permission.CHANGE_DIRECTORY)
    async def put_on_call(asked: AskedBy, said: ShiftSaid) -> Changed:
        """Have a person be on call for a role for a time."""
        return await add_row(asked, "rota", said)

    @router.post("/directory/leave", operation_id="put_on_leave", dependencies=KEYED)
    @needs(Permission.CHANGE_DIRECTORY)
    async def put_on_leave(asked: AskedBy, said: LeaveSaid) -> Changed:
        """Have a person be away for a time."""
        return await add_row(asked, "leave", said)


async def give_role(parts: Parts, asked: Asked, said: HoldingSaid) -> Changed:
    """Have a person hold a role, once under a key, and have open episodes look again.

    Raises BadInputError, or ProblemError where whoever asks may not.
    """

    async def effect(session: AsyncSession) -> tuple[int, ChangeMade]:
        row = {**said.cells(), "from": to_rfc3339(said.since or asked.now), "until": instant_cell(said.until)}
        async with changing(session, asked, [row]):
            became, ended = await hold(session, asked.authority, row, asked.now, instead=said.instead)
        after: Change = "changed" if ended and became == "unchanged" else became
        return 200, ChangeMade(change=after, ended=ended)

    done = await done_once(parts.store, asked, said, effect, where="directory holders")
    return await _told(parts, asked, ChangeMade.model_validate(done.body))


async def _told(parts: Parts, asked: Asked, made: ChangeMade) -> Changed:
    told: Told = await tell_if_changed(parts, asked, changed=made.change != "unchanged")
    return Changed(**made.model_dump(), **told.model_dump())
