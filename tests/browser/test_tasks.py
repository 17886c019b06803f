"""A manager's tasks in a browser: found, taken, handed over, noted, done; what one was told, answered."""

import pytest
from playwright.async_api import Page, ViewportSize

from starter.access import AccessRole
from tests.browser.conftest import PHONE, Town, in_every_way
from tests.browser.looks import look_at
from tests.engine.plays import NOON, fact, hours, live

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def on_hours(town: Town, after: float) -> None:
    await town.stage.advance_to(NOON + hours(after))
    town.at_stage_time()


async def said(page: Page) -> str:
    return await page.locator(".govuk-notification-banner__heading").inner_text()


@in_every_way
async def test_a_task_from_the_list_to_its_end(town: Town, size: ViewportSize, scripts: bool) -> None:
    await live(town.stage, 2.1, fact("reported", 0), fact("returned", 2))
    town.at_stage_time()
    page = await town.sign_in(AccessRole.MANAGER, person="social_worker", size=size, scripts=scripts, begin="/tasks")
    offer = page.get_by_role("region", name="To be done").get_by_role("listitem").filter(has_text="Offer").first
    assert "Why you: you are the social worker" in await offer.inner_text()
    if scripts:
        await look_at(page)
    await offer.get_by_role("link").first.click()
    if scripts:
        await look_at(page)
    await page.get_by_role("button", name="Take it").click()
    assert "taken it" in await said(page)
    await on_hours(town, 2.2)
    await page.goto(page.url)
    assert "Yours: you took it" in await page.locator("dl").first.inner_text()
    await page.get_by_label("Add a note").fill("Rang, will ring again <b>at six</b>")
    await page.get_by_role("button", name="Add the note").click()
    await on_hours(town, 2.3)
    await page.goto(page.url)
    assert "Rang, will ring again <b>at six</b>" in await page.get_by_role("table").inner_text()
    if scripts:
        await look_at(page)
    await page.get_by_label("Hand it over to").select_option("team_manager")
    await page.get_by_role("button", name="Hand it over").click()
    assert "handed it over" in await said(page)


async def test_what_cannot_be_done_is_said_at_its_place(town: Town) -> None:
    await live(town.stage, 2.1, fact("reported", 0), fact("returned", 2))
    town.at_stage_time()
    page = await town.sign_in(AccessRole.MANAGER, person="social_worker", begin="/tasks")
    await (
        page.get_by_role("region", name="To be done")
        .get_by_role("listitem")
        .filter(has_text="Offer")
        .get_by_role("link")
        .first.click()
    )
    await page.get_by_role("button", name="Hand it over").click()
    await page.get_by_role("link", name="Choose who has it from now on").click()
    assert await page.evaluate("document.activeElement.id") == "to"
    await look_at(page)
    await page.get_by_role("button", name="Add the note").click()
    await page.get_by_role("link", name="Write the note").click()
    assert await page.evaluate("document.activeElement.id") == "note"


async def test_what_one_was_told_is_answered(town: Town) -> None:
    await live(town.stage, 24.1, fact("reported", 0))
    town.at_stage_time()
    page = await town.sign_in(AccessRole.LEADER, person="senior_leader", size=PHONE, begin="/tasks")
    assert await page.get_by_role("heading", name="You were told").is_visible()
    await look_at(page)
    await page.get_by_role("button", name="I have seen these").click()
    assert "Your answer is kept" in await said(page)
    await on_hours(town, 24.2)
    await page.goto(page.url)
    assert not await page.get_by_role("heading", name="You were told").is_visible()


async def test_somebody_whom_the_directory_does_not_know_is_told_so(town: Town) -> None:
    page = await town.sign_in(AccessRole.MANAGER, begin="/tasks")
    assert await page.get_by_text("The directory does not know you").is_visible()
    await look_at(page)
    for whose in ("unclaimed", "all"):
        await page.goto(f"/tasks?whose={whose}")
        assert await page.get_by_text("Nothing now.").is_visible()
