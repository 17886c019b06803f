"""Takes the screenshots of the README, of an invented town: `make screenshots`."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from playwright.async_api import Page, ViewportSize, async_playwright

from activities.policies import Policies
from activities.store import Store
from starter.access import AccessRole
from starter.client import Episodes
from starter.commands import Commands
from tests.browser.conftest import DESK, FLAGS, PHONE, Town, town_of
from tests.engine.conftest import providers_up, theatre_of
from workflows.instants import to_rfc3339

INTO: Final = Path(__file__).parents[2] / "docs" / "screenshots"
WRITTEN_WITHIN_SECONDS: Final = 4.0

_IN_CARE: Final = {"born": "2011-05-14", "allocated": True, "looked_after": True, "setting": "children_home"}
STORIES: Final[tuple[tuple[dict[str, Any], dict[str, float], tuple[tuple[str, float, dict[str, str]], ...]], ...]] = (
    (
        {"reference": "INVENTED-101", **_IN_CARE, "out_of_area": False},
        {"last_seen": 7.5, "reported": 6.0, "authority_told": 5.5},
        (("risk_assessed", 5.0, {"scheme": "police", "grade": "high"}),),
    ),
    (
        {"reference": "INVENTED-102", **_IN_CARE, "out_of_area": True},
        {"last_seen": 62.0, "reported": 60.0, "authority_told": 59.0, "located": 31.0, "returned": 30.0},
        (("rhi_offered", 20.0, {"channel": "visit", "answer": "thinking"}),),
    ),
    (
        {"reference": "INVENTED-103", "born": "2010-01-20", "allocated": True, "looked_after": False},
        {"last_seen": 27.0, "reported": 26.0, "authority_told": 25.5},
        (("risk_assessed", 25.0, {"scheme": "police", "grade": "medium"}),),
    ),
    (
        {"reference": "INVENTED-104", **_IN_CARE, "restricted": True},
        {"last_seen": 4.0, "reported": 3.0, "authority_told": 2.8},
        (),
    ),
)
"""Each child, what happened so many hours ago, and what was recorded besides."""


@asynccontextmanager
async def invented_town() -> AsyncGenerator[Town]:
    """A town in which some children are missing now, some are back, and something is owed to each."""
    with TemporaryDirectory() as folder, providers_up() as providers:
        store = Store(f"sqlite+aiosqlite:///{folder}/shots.sqlite")
        await store.make_ready()
        async with theatre_of(store, Policies.load(), providers) as theatre, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
            async with town_of(theatre, browser) as town:
                town.house.now = datetime.now(UTC).replace(second=0, microsecond=0)
                await _happens(town, theatre.policies)
                yield town
            await browser.close()
        await store.close()


async def _happens(town: Town, policies: Policies) -> None:
    async def reach() -> Episodes:
        return town.stage.episodes

    commands = Commands(town.house.store, policies, town.stage.authority, reach)
    now = town.house.now
    for child, times, besides in STORIES:
        said = {name: to_rfc3339(now - timedelta(hours=ago)) for name, ago in times.items()}
        _, outcome = await commands.report({"child": child, "reported_by": "Invented desk", **said}, now)
        for kind, ago, details in besides:
            at = to_rfc3339(now - timedelta(hours=ago))
            await commands.record(outcome.episode_id, {"kind": kind, "at": at, **details}, now)
    await asyncio.sleep(WRITTEN_WITHIN_SECONDS)


async def shoot(page: Page, name: str) -> None:
    """Take what somebody sees first of the page that is open."""
    await page.wait_for_load_state()
    await page.screenshot(path=INTO / f"{name}.png")


async def shoot_all() -> None:
    """Take every page that the README shows."""
    INTO.mkdir(exist_ok=True)
    async with invented_town() as town:
        desk, phone = await _manager(town, DESK), await _manager(town, PHONE)
        for page, path, name in (
            (desk, "/now", "now-desk"),
            (desk, "/tasks", "tasks-desk"),
            (phone, "/now", "now-phone"),
        ):
            await page.goto(path)
            await shoot(page, name)
        for page, name in ((desk, "episode-desk"), (phone, "episode-phone")):
            await page.goto("/now")
            await page.get_by_role("link", name="INVENTED-101").first.click()
            await shoot(page, name)
        await phone.goto("/report")
        await phone.get_by_role("button", name="Report a child").click()
        await shoot(phone, "report-phone")


async def _manager(town: Town, size: ViewportSize) -> Page:
    return await town.sign_in(AccessRole.MANAGER, person="team_manager", size=size, begin="/account")


if __name__ == "__main__":
    asyncio.run(shoot_all())
