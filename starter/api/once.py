"""Doing once what is asked several times under one Idempotency-Key.

What goes through the inbox (reports and facts) needs none of this: their ids
are worked out from the key. Everything else that a POST changes is written in
one transaction with what was answered.
"""

import json
from collections.abc import Awaitable, Callable
from hashlib import sha256

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
    digest = digest_of(said, where)
    async with store.session() as session:
        there = await answered(session, asked.authority, asked.principal.id, asked.request)
        if there is None:
            status, body = await effect(session)
            there = Answered(
                authority=asked.authority,
                who=asked.principal.id,
                key=asked.request,
                digest=digest,
                status=status,
                body=body.model_dump(mode="json"),
                at=asked.now,
            )
            await keep_answer(session, there)
    if there.digest != digest:
        raise ProblemError(Problem.KEY_REUSED)
    return JSONResponse(there.body, there.status)


def digest_of(said: BaseModel | None, where: str) -> str:
    """A fingerprint of what was asked."""
    body = said.model_dump(mode="json") if said else None
    return sha256(json.dumps([where, body], sort_keys=True).encode()).hexdigest()


def key_id(asked: Asked) -> str:
    """What a request's own ids are worked out from: the same for the same sender and key, unlike any other's."""
    return f"{asked.authority}/{asked.principal.kind}/{asked.principal.id}/{asked.request}"
