"""An auditor in a browser: finds who did what, checks that the audit is whole, sees who opened what was restricted."""

import re

import pytest
from playwright.async_api import Page, ViewportSize

from starter.access import AccessRole
from tests.browser.conftest import PHONE, Town, in_every_way
from tests.browser.episodes import Absence, reported
from tests.browser.looks import look_at

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def looked_all_the_same(town: Town) -> Absence:
    """A restricted child's absence, which somebody on duty has opened all the same, and recorded a thing of."""
    absence = await reported(town, child={"restricted": True})
    duty = await town.sign_in(AccessRole.DUTY, begin=f"{absence.path}/break-glass")
    await duty.get_by_label("Why must you see it?").fill("Seen in Invented Road tonight")
    await duty.get_by_role("button", name="Look, and have the administrator told").click()
    await duty.get_by_role("button", name="Found", exact=True).click()
    refused = await duty.goto("/operations")
    assert refused is not None
    assert refused.status == 403
    return absence


async def show(page: Page) -> None:
    await page.get_by_role("button", name="Show", exact=True).click()
    await page.wait_for_load_state()


@in_every_way
async def test_an_auditor_finds_who_did_what_and_why(town: Town, size: ViewportSize, scripts: bool) -> None:
    absence = await looked_all_the_same(town)
    page = await town.sign_in(AccessRole.AUDITOR, size=size, scripts=scripts)
    assert (await page.title(), page.url.rpartition("/")[2]) == ("Audit - Homeward", "audit")
    if scripts:
        await look_at(page)
    assert "INV-4471" not in await page.content()
    await page.get_by_label("What was asked for").select_option("Open a restricted record all the same")
    await show(page)
    rows = page.get_by_role("row").filter(has_text="Seen in Invented Road tonight")
    assert await rows.count() == 1
    await rows.get_by_text("More", exact=False).first.click()
    assert await rows.get_by_text("Fingerprint").is_visible()
    if scripts:
        await look_at(page)
    await rows.get_by_role("link", name=re.compile("Episode")).first.click()
    assert await page.get_by_label("About the episode with the id").input_value() == absence.id
    await page.get_by_role("link", name="Show everything").click()
    await page.get_by_label("What came of it").select_option("Refused")
    await show(page)
    assert await page.get_by_role("row").filter(has_text="Look after Homeward itself").count() == 1
    await page.get_by_label("About the episode with the id").fill("nothing like it")
    await show(page)
    await page.get_by_role("link", name=re.compile("Enter an episode's id")).click()
    assert await page.evaluate("document.activeElement.id") == "episode"
    if scripts:
        await look_at(page)


async def test_the_chain_is_checked_and_compared(town: Town) -> None:
    await looked_all_the_same(town)
    page = await town.sign_in(AccessRole.AUDITOR, size=PHONE)
    await page.get_by_role("link", name="Check that nothing was changed").click()
    assert await page.get_by_text("Whole", exact=True).is_visible()
    await look_at(page)
    known = await page.locator("main p.hw-id").inner_text()
    for written, heard in ((known, "is the one that was written down"), ("9" + known[1:], "BROKEN"), ("7", "problem")):
        await page.get_by_label("Compare with what was written down before").fill(written)
        await page.get_by_role("button", name="Compare").click()
        await page.get_by_text(heard).first.wait_for()
        await look_at(page)


@pytest.mark.parametrize("role", [AccessRole.AUDITOR, AccessRole.ADMINISTRATOR])
async def test_who_opened_restricted_records_is_seen(town: Town, role: AccessRole) -> None:
    absence = await looked_all_the_same(town)
    page = await town.sign_in(role, size=PHONE, begin="/account")
    if await page.get_by_role("button", name="Menu").is_visible():
        await page.get_by_role("button", name="Menu").click()
    assert await page.get_by_role("link", name="Audit", exact=True).count() == (role is AccessRole.AUDITOR)
    await page.get_by_role("link", name="Opened records").click()
    row = page.get_by_role("row").filter(has_text="Seen in Invented Road tonight")
    assert "Still open" in await row.inner_text()
    assert absence.id[:8] in await row.inner_text()
    await look_at(page)


async def test_the_keyboard_alone_is_enough(town: Town) -> None:
    await looked_all_the_same(town)
    page = await town.sign_in(AccessRole.AUDITOR)
    await page.get_by_label("Who: a name, or part of it").focus()
    await page.keyboard.type("nobody at all")
    await page.keyboard.press("Enter")
    await page.get_by_text("No entry is as you asked for.").wait_for()
