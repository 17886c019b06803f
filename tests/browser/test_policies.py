"""Policies read, compared and tried in a browser."""

import pytest
from playwright.async_api import ViewportSize

from starter.access import AccessRole
from tests.browser.conftest import DESK, PHONE, Town
from tests.browser.looks import look_at

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_policies_are_read_and_compared(town: Town, size: ViewportSize) -> None:
    page = await town.sign_in(AccessRole.OPERATOR, size=size, begin="/policies")
    await look_at(page)
    await page.goto("/policies/homeward")
    await page.locator("#clock-rhi_offer summary").click()
    assert await page.locator("#clock-rhi_offer").get_by_text("Source", exact=True).is_visible()
    await look_at(page)
    await page.goto("/policies/compare?first=england&second=homeward")
    await look_at(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_a_story_is_planned(town: Town, scripts: bool) -> None:
    page = await town.sign_in(AccessRole.MANAGER, size=PHONE, scripts=scripts, begin="/policies/plan")
    if scripts:
        await look_at(page)
    await page.get_by_role("button", name="Work it out").click()
    await page.get_by_role("heading", name="When everything falls due").first.wait_for()
    if scripts:
        await look_at(page)
    await page.get_by_role("group", name="Row 1").get_by_label("Time").fill("")
    await page.get_by_role("button", name="Work it out").click()
    await page.get_by_role("link", name="Row 1: enter a time, such as 21:30").click()
    assert await page.evaluate("document.activeElement.id") == "row-0-kind"
    if scripts:
        await look_at(page)
