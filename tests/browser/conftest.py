"""A real browser before the real service, over the real engine with its time in the test's hand.

Each test has a town of its own, with everybody in their roles; people sign in
by the form, with accounts of that town.
"""

import shutil
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright

from starter.access import AccessRole
from starter.client import Episodes
from starter.rehearsal import Stage
from tests.engine.conftest import Theatre, engine_room_of, theatre, theatre_url
from tests.engine.plays import NOON
from tests.identity.house import PASSWORD, House, opened

__all__ = ["theatre", "theatre_url"]

DESK: Final = ViewportSize(width=1280, height=900)
PHONE: Final = ViewportSize(width=390, height=844)

in_every_way = pytest.mark.parametrize(
    ("size", "scripts"),
    [
        pytest.param(DESK, True, id="desk-scripts"),
        pytest.param(PHONE, False, id="phone-no scripts"),
        pytest.param(PHONE, True, id="phone-scripts", marks=pytest.mark.long),
        pytest.param(DESK, False, id="desk-no scripts", marks=pytest.mark.long),
    ],
)
"""Marks a walk that is taken on desks and phones, with scripts and without: two of the four show each of these."""

FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncGenerator[Browser]:
    """Debian's Chromium, without a window."""
    found = shutil.which("chromium")
    if found is None:
        pytest.fail("these tests need Chromium: apt-get install chromium", pytrace=False)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield started
        await started.close()


@dataclass
class Town:
    """An authority of its own: its stage on the engine, its service, and browsers that people have open."""

    stage: Stage
    house: House
    browser: Browser
    open: AsyncExitStack

    @property
    def url(self) -> str:
        """Where the service is."""
        return f"http://127.0.0.1:{self.house.port}"

    def at_stage_time(self) -> None:
        """Have the service's present be the engine's."""
        self.house.now = self.stage.now

    async def window(self, size: ViewportSize = DESK, *, scripts: bool = True) -> BrowserContext:
        """A browser of somebody's own, with nobody signed in."""
        context = await self.browser.new_context(
            viewport=size, java_script_enabled=scripts, base_url=self.url, locale="en-GB", timezone_id="Europe/London"
        )
        self.open.push_async_callback(context.close)
        return context

    async def sign_in(
        self,
        *roles: AccessRole,
        person: str | None = None,
        provider: str | None = None,
        size: ViewportSize = DESK,
        scripts: bool = True,
        begin: str = "/",
    ) -> Page:
        """Somebody of these roles, signed in by the form, on the page where they begin."""
        name = f"Invented {' '.join(roles)} {uuid4().hex[:4]}"
        await self.house.person(name, *roles, person=person, provider=provider)
        page = await (await self.window(size, scripts=scripts)).new_page()
        await page.goto(begin)
        await page.get_by_label("Name").fill(name)
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_load_state()
        return page


@asynccontextmanager
async def town_of(theatre: Theatre, browser: Browser) -> AsyncGenerator[Town]:
    """A town, with everybody in their roles."""
    stage = await theatre.stage_of_its_own(NOON)

    async def reach() -> Episodes:
        return stage.episodes

    about = {"authority": stage.authority, "connect": reach, "room": engine_room_of(theatre)}
    async with AsyncExitStack() as windows, opened(theatre.store, **about) as house:
        house.now = NOON
        yield Town(stage, house, browser, windows)


@pytest_asyncio.fixture(loop_scope="session")
async def town(theatre: Theatre, browser: Browser) -> AsyncGenerator[Town]:
    async with town_of(theatre, browser) as made:
        yield made
