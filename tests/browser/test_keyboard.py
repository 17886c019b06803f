"""By the keyboard alone: reporting, a task, found and returned, the glass, a story; always seen where one is."""

import pytest
from playwright.async_api import Page, expect

from starter.access import AccessRole
from tests.browser.conftest import Town
from tests.browser.episodes import at_present, reported
from tests.browser.keys import choose, press, tab_to, where, write
from tests.engine.plays import NOON, fact, hours, live

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def heading(page: Page) -> str:
    return await page.get_by_role("heading", level=1).inner_text()


async def past_the_menu(page: Page) -> None:
    """Take the first stop of every page, which leads past what is the same on each."""
    await page.keyboard.press("Tab")
    assert (await where(page))["name"] == "Skip to main content"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main-content"


async def test_a_child_is_reported_in_all_its_parts(town: Town) -> None:
    at_present(town)
    page = await town.sign_in(AccessRole.DUTY, begin="/report")
    await past_the_menu(page)
    await press(page, "Report a child")
    await past_the_menu(page)
    await write(page, "The child's number", "INVENTED-7")
    await write(page, "Who is the child?", "Robin, 14")
    await tab_to(page, "Missing: nobody knows")
    await page.keyboard.press("Space")
    await choose(page, "When were they last seen?")
    await write(page, "Where were they last seen", "At the invented bus stop")
    await press(page, "Save and go on")
    assert await heading(page) == "About the child"
    await choose(page, "Is the child in care?")
    await press(page, "Save and go on")
    assert await heading(page) == "How to know them, and where they may be"
    await write(page, "Health", "asthma")
    await press(page, "Save and go on")
    assert "Who reports" in await heading(page)
    await write(page, "What has been done already", "Rang friends")
    await press(page, "Report now")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Reported: the clocks run", timeout=30_000)
    await press(page, "Open this child's page")
    assert await heading(page) == "Missing"


async def test_found_and_returned_are_recorded(town: Town) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.DUTY, begin=absence.path)
    await past_the_menu(page)
    await press(page, "Found")
    await write(page, "Where was the child found?", "Invented Road")
    at_present(town)
    await press(page, "Record it")
    assert await heading(page) == "Found, not yet back"
    await press(page, "Returned")
    await write(page, "Where is the child now?", "Invented Road 7")
    await press(page, "Record it")
    assert await heading(page) == "Returned"


async def test_a_task_is_taken_and_completed(town: Town) -> None:
    await live(town.stage, 2.1, fact("reported", 0), fact("returned", 2))
    town.at_stage_time()
    page = await town.sign_in(AccessRole.MANAGER, person="social_worker", begin="/tasks")
    await past_the_menu(page)
    await press(page, "Offer")
    await press(page, "Take it")
    await town.stage.advance_to(NOON + hours(2.2))
    town.at_stage_time()
    await page.goto(page.url)
    await press(page, "Record:")
    await choose(page, "What did they say?")
    await press(page, "Record it")
    assert "Recorded: " in await page.get_by_role("alert").inner_text()


async def test_the_glass_is_broken(town: Town) -> None:
    absence = await reported(town, child={"restricted": True})
    page = await town.sign_in(AccessRole.DUTY, begin=absence.path)
    await press(page, "Look all the same")
    await press(page, "Look, and have the administrator told")
    await on_the_summary(page)
    await write(page, "Why must you see it?", "Seen in Invented Road tonight")
    await press(page, "Look, and have the administrator told")
    assert await heading(page) == "Missing"


async def test_a_story_is_planned(town: Town) -> None:
    page = await town.sign_in(AccessRole.MANAGER, begin="/policies")
    await press(page, "Plan a story")
    await press(page, "Work it out")
    assert await page.get_by_role("heading", name="When everything falls due").is_visible()
    # The picture is reached too, so that it can be scrolled; the table is read down, and each reason opened.
    await tab_to(page, "The same as a picture")
    await tab_to(page, "Why this time")


async def on_the_summary(page: Page) -> None:
    """What is wrong has the focus as soon as it is said, and each line leads to its field."""
    assert await page.evaluate("document.activeElement.classList.contains('govuk-error-summary')"), page.url
    links = page.get_by_role("alert").get_by_role("link")
    for number in range(await links.count()):
        target = await links.nth(number).get_attribute("href")
        await links.nth(number).press("Enter")
        assert await page.evaluate("document.activeElement.id") == (target or "").removeprefix("#"), page.url


EPISODE = "/episodes/{id}"
WRONG = [
    (f"{EPISODE}/record/not_told", "Record it"),
    (f"{EPISODE}/record/absence_reviewed", "Record it"),
    (f"{EPISODE}/record/clock_extended", "Record it"),
    (f"{EPISODE}/record/action_done", "Record it"),
    (f"{EPISODE}/record/consent_recorded", "Record it"),
    (f"{EPISODE}/merge", "Merge them"),
    (f"{EPISODE}/reopen", "Open it again"),
    ("/episodes", "Find"),
]


async def test_what_is_wrong_gets_the_focus_and_leads_to_its_field(town: Town) -> None:
    await reported(town, gone_for=3)
    absence = await reported(town)
    page = await town.sign_in(AccessRole.MANAGER)
    for path, pressed in WRONG:
        await page.goto(path.format(id=absence.id))
        async with page.expect_navigation():
            await page.get_by_role("button", name=pressed).press("Enter")
        await on_the_summary(page)
    await page.goto(f"{absence.path}/record/located")
    await page.get_by_label("Day").fill("2026-01-02")
    async with page.expect_navigation():
        await page.get_by_role("button", name="Record it").press("Enter")
    await on_the_summary(page)
    await page.goto("/policies/plan")
    await page.get_by_label("Born").fill("")
    await page.get_by_role("group", name="As things stand at").get_by_label("Day").fill("")
    async with page.expect_navigation():
        await page.get_by_role("button", name="Work it out").press("Enter")
    await on_the_summary(page)
