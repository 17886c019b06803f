"""A running service over real HTTP, with an entrance and a present that the test sets."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn
from argon2 import PasswordHasher

from activities.store import Store
from starter.answers import Answers
from starter.api.app import create_app
from starter.api.entrance import entrance
from starter.api.guard import Impatient
from starter.api.parts import Parts
from starter.api.receipts import Receipts
from starter.commands import Commands, Connect
from starter.engine_room import EngineRoom
from starter.identity import account_changes
from starter.identity.account_changes import NewAccount, NewSecret
from starter.identity.secrets import Passwords
from starter.identity.settings import IdentitySettings
from starter.service import _Server
from starter.settings import Settings
from tests.api.callers import HERE, no_engine
from tests.standins.issuer import AUDIENCE, CLIENT, SYSTEM
from tests.workflows.builders import policies

BEGAN: Final = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
PASSWORD: Final = "three random words"
FROM_OUR_PAGE: Final = {"Sec-Fetch-Site": "same-origin"}


def quick_passwords() -> Passwords:
    """Passwords that are cheap to compare."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class House:
    """The service over a store. `now` is the present, and only the test moves it."""

    def __init__(
        self,
        store: Store,
        port: int = 8300,
        authority: str = HERE,
        *,
        connect: Connect = no_engine,
        room: EngineRoom | None = None,
        **about: Any,
    ) -> None:
        self.store = store
        self.port = port
        self.now = BEGAN
        self.settings = Settings(authority=authority, http_port=port, data_dir=Path("/nowhere"))
        self.about = IdentitySettings(**about)
        self.passwords = quick_passwords()
        way_in = entrance(self.settings, self.about, store, lambda: self.now, self.passwords)
        commands = Commands(store, policies(), authority, connect)

        async def tell(message: str, way: str, whereabouts: str) -> None:
            """Nobody listens."""

        self.app = create_app(
            Parts(
                store=store,
                policies=policies(),
                commands=commands,
                answers=Answers(store, commands),
                receipts=Receipts(store, "", tell),
                identity=way_in.identity,
                requests_a_minute=10_000,
                entrance=way_in,
                clock=lambda: self.now,
                room=room or EngineRoom(),
            )
        )

    def later(self, **amount: float) -> datetime:
        self.now += timedelta(**amount)
        return self.now

    def browser(self, **more: Any) -> httpx.AsyncClient:
        """A browser: it keeps cookies, and goes where the test sends it."""
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=30, **more)

    def unheard_browser(self, base_url: str) -> httpx.AsyncClient:
        """A browser that reaches the service by another name, without a network."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=base_url)

    async def person(self, name: str = "Invented One", *roles: str, **more: Any) -> NewSecret:
        """A local account of a person, whose password is PASSWORD."""
        asked = NewAccount(name, "person", roles or ("manager",), **more)
        digest = await self.passwords.digest(PASSWORD)
        async with self.store.session() as session:
            return await account_changes.add(session, self.settings.authority, asked, digest, self.now)

    async def system(self, name: str = "Invented case system", *roles: str, **more: Any) -> NewSecret:
        """A local account of a system."""
        asked = NewAccount(name, "system", roles or ("case_system",), **more)
        async with self.store.session() as session:
            return await account_changes.add(session, self.settings.authority, asked, None, self.now)


@asynccontextmanager
async def opened(store: Store, **about: Any) -> AsyncGenerator[House]:
    """A house that listens on a port of its own."""
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        house = House(store, int(own.getsockname()[1]), **about)
        config = uvicorn.Config(
            house.app, http=Impatient, ws="none", lifespan="off", log_config=None, proxy_headers=False
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[own]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield house
        server.should_exit = True
        await serving


def of_provider(issuer: str, **more: Any) -> dict[str, Any]:
    """The settings of a house whose people and systems a provider vouches for."""
    known = {"oidc_client_id": CLIENT, "oidc_audience": AUDIENCE, "oidc_system_clients": frozenset({SYSTEM})}
    return {"oidc_issuer": issuer, **known, **more}


async def signed_in(browser: httpx.AsyncClient, name: str = "Invented One", password: str = PASSWORD) -> httpx.Response:
    """Fill in the form and send it."""
    return await browser.post("/sign-in", data={"name": name, "password": password}, headers=FROM_OUR_PAGE)


async def who(browser: httpx.AsyncClient) -> dict[str, Any] | int:
    """Whom the service takes the browser for; the status when for nobody."""
    answer = await browser.get("/v1/me")
    return dict(answer.json()) if answer.status_code == 200 else answer.status_code
