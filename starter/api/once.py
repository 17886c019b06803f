"""Doing once what is asked several times under one Idempotency-Key.

What goes through the inbox (reports and facts) needs none of this: their ids
are worked out from the key. Everything else that a POST changes is written in
one transaction with what was answered.
"""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import Store
from activities.store.answered import Answered, answered, keep_answer
from starter.api.asking import Asked
from starter.api.problems import Problem, ProblemError

Effect = Callable[[AsyncSession], Awaitable[tuple[int, BaseModel]]]
"""What is to be done once: the status and body of its answer."""


async def once(store: Store, asked: Asked, said: BaseModel | None, effect: Effect, *, where: str) -> JSONResponse:
    """Do something once under the request's key, and answer; the same answer when it is asked again.

    `where` tells requests of different kinds or about different things apart.
    Raises ProblemError when the key was used for something else, and whatever
    the effect raises, with nothing done.
    """
    done = await done_once(store, asked, said, effect, where=where)
    return JSONResponse(done.body, done.status)


async def done_once(store: Store, asked: Asked, said: BaseModel | None, effect: Effect, *, where: str) -> Answered:
    """Do something once, as `once` does; what is kept of its answer."""
    digest = digest_of(said, where)
    async with store.session() as session:
        there = await answered(session, asked.authority, asked.principal.id, asked.request)
        if there is None:
            status, body = await effect(session)
            there = _answer(asked, digest, status, body.model_dump(mode="json", by_alias=True))
            await keep_answer(session, there)
    if there.digest != digest:
        raise ProblemError(Problem.KEY_REUSED)
    return there


async def once_outside(
    store: Store, asked: Asked, said: BaseModel | None, effect: Callable[[], Awaitable[BaseModel]], *, where: str
) -> Answered:
    """Do something once under the request's key that is not done in the store, and keep what was answered.

    Sent twice at the same moment it may be done twice: it must be such that
    this does no harm. Raises ProblemError when the key was used for something
    else, and whatever the effect raises, with the key unspent.
    """
    digest, mine = digest_of(said, where), (asked.authority, asked.principal.id, asked.request)
    async with store.snapshot() as session:
        there = await answered(session, *mine)
    if there is None:
        body = (await effect()).model_dump(mode="json", by_alias=True)
        async with store.session() as session:
            there = await answered(session, *mine)
            if there is None:
                there = _answer(asked, digest, 200, body)
                await keep_answer(session, there)
    if there.digest != digest:
        raise ProblemError(Problem.KEY_REUSED)
    return there


@asynccontextmanager
async def one_request(
    store: Store, asked: Asked, said: BaseModel | None, *, where: str
) -> AsyncGenerator[dict[str, Any]]:
    """Hold a key to one request, where what is done goes through the inbox: its ids see to it that it is done once.

    What is put into the mapping that it gives is kept as what was answered.
    Raises ProblemError when the key was used for something else. The key is
    spent when what is within has been done, and free again when it raises.
    """
    digest, mine = digest_of(said, where), (asked.authority, asked.principal.id, asked.request)
    async with store.session() as session:
        there = await answered(session, *mine)
    if there is not None and there.digest != digest:
        raise ProblemError(Problem.KEY_REUSED)
    body: dict[str, Any] = {}
    yield body
    async with store.session() as session:
        if await answered(session, *mine) is None:
            await keep_answer(session, _answer(asked, digest, 0, body))


def _answer(asked: Asked, digest: str, status: int, body: dict[str, Any]) -> Answered:
    return Answered(
        authority=asked.authority,
        who=asked.principal.id,
        key=asked.request,
        digest=digest,
        status=status,
        body=body,
        at=asked.now,
    )


def digest_of(said: BaseModel | None, where: str) -> str:
    """A fingerprint of what was asked."""
    body = said.model_dump(mode="json") if said else None
    return sha256(json.dumps([where, body], sort_keys=True).encode()).hexdigest()


def key_id(asked: Asked) -> str:
    """What a request's own ids are worked out from: the same for the same sender and key, unlike any other's."""
    return f"{asked.authority}/{asked.principal.kind}/{asked.principal.id}/{asked.request}"
