"""Callers of the API in tests: each known by its token, whose words are its principal."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI, Request

from activities.store import Store
from starter.access import AccessRole, Principal
from starter.answers import Answers
from starter.api.app import create_app
from starter.api.parts import Parts
from starter.api.receipts import Receipts
from starter.client import EngineSilentError, Episodes
from starter.commands import Commands, Connect
from starter.engine_room import EngineRoom
from starter.glass import Glass
from starter.identity.asking import NotSignedInError
from tests.workflows.builders import policies

HERE = "invented"
ELSEWHERE = "elsewhere"


def principal(*roles: AccessRole, authority: str = HERE, **more: Any) -> Principal:
    """A principal of its own."""
    name = f"Invented {'-'.join(roles)}"
    known = {"id": str(uuid4()), "name": name, "kind": "person", "authority": authority, "roles": roles}
    return Principal.model_validate(known | more)


class KnownByToken:
    """Knows a principal by the token that was made for it."""

    def __init__(self) -> None:
        self._known: dict[str, Principal] = {}

    def token(self, who: Principal) -> str:
        self._known[who.id] = who
        return who.id

    async def principal(self, request: Request, *, in_use: bool = True) -> Principal:
        del in_use
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self._known:
            raise NotSignedInError
        return self._known[token]


async def no_engine() -> Episodes:
    raise EngineSilentError("the engine does not answer")


class Service:
    """The service in this process, over a store and an engine, and whoever calls it."""

    def __init__(
        self,
        store: Store,
        connect: Connect = no_engine,
        clock: Callable[[], datetime] | None = None,
        a_minute: int = 10_000,
        *,
        glass: Glass | None = None,
        room: EngineRoom | None = None,
    ) -> None:
        self.store = store
        self.policies = policies()
        self.identity = KnownByToken()
        commands = Commands(store, self.policies, HERE, connect)

        async def tell(message: str, way: str, whereabouts: str) -> None:
            """Nobody listens."""

        self.parts = Parts(
            store=store,
            policies=self.policies,
            commands=commands,
            answers=Answers(store, commands),
            receipts=Receipts(store, "", tell),
            identity=self.identity,
            requests_a_minute=a_minute,
            clock=clock or (lambda: datetime.now(UTC)),
            glass=glass or Glass(timedelta(hours=8)),
            room=room or EngineRoom(),
        )
        self.app: FastAPI = create_app(self.parts)

    @asynccontextmanager
    async def caller(self, *roles: AccessRole, authority: str = HERE, **more: Any) -> AsyncGenerator[httpx.AsyncClient]:
        """A client of a principal with these roles; without any, of nobody."""
        headers: dict[str, str] = {}
        if roles:
            headers["Authorization"] = f"Bearer {self.identity.token(principal(*roles, authority=authority, **more))}"
        # What the app fails in must fail the test, not become an answer.
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://homeward.invented", headers=headers
        ) as client:
            yield client


def key() -> dict[str, str]:
    """The header of a request's own key."""
    return {"Idempotency-Key": str(uuid4())}
