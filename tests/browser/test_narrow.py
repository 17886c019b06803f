"""Tables on a small phone are read down: nothing scrolls inside a page of 320 pixels."""

import pytest

from starter.access import AccessRole
from tests.browser.conftest import Town
from tests.browser.looks import NARROW, look_at
from tests.engine.plays import fact, live

pytestmark = pytest.mark.asyncio(loop_scope="session")

INSIDE = """() => [...document.querySelectorAll("main table")].filter(
    one => one.closest(".hw-scroll") || one.scrollWidth > one.clientWidth
        || one.getBoundingClientRect().right > innerWidth
).length"""


async def test_who_was_told_and_two_policies_compared_are_read_down(town: Town) -> None:
    await live(town.stage, 24.1, fact("reported", 0))
    town.at_stage_time()
    page = await town.sign_in(AccessRole.MANAGER, person="social_worker", size=NARROW, begin="/now")
    episode = await page.locator("a[href^='/episodes/']").first.get_attribute("href")
    for path in (f"{episode}/told", "/policies/compare?first=england&second=homeward"):
        await page.goto(path)
        for one in await page.locator("main summary").all():
            await one.click()
        await look_at(page)
        assert await page.locator("main table").count() == 1
        assert await page.evaluate(INSIDE) == 0, path
    await page.goto(f"{episode}/told")
    assert await page.evaluate("getComputedStyle(document.querySelector('[data-head]'), '::before').content") != "none"
