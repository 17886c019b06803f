"""Decisions that cannot be taken back lightly, on the real engine: two records made one, a closed one opened again."""

import re

import pytest
from playwright.async_api import Page

from starter.access import AccessRole
from tests.browser.conftest import PHONE, Town
from tests.browser.episodes import CHILD, at_present, reported
from tests.browser.looks import look_at
from tests.engine.plays import live
from tests.engine.test_reopened_and_merged import AT_HOME, SETTLED, going_on_at, settled

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def button(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()
    await page.wait_for_load_state()


async def heading(page: Page) -> str:
    return await page.get_by_role("heading", level=1).inner_text()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_two_records_of_one_absence_are_made_one(town: Town, scripts: bool) -> None:
    kept, duplicate = await reported(town, gone_for=5), await reported(town, gone_for=3)
    page = await town.sign_in(AccessRole.MANAGER, size=PHONE, scripts=scripts, begin=f"{duplicate.path}/merge")
    if scripts:
        await look_at(page)
    at_present(town)
    await button(page, "Merge them")
    problem = page.get_by_role("alert")
    assert "Choose the absence that this one is the same as" in await problem.inner_text()
    assert "Say why" in await problem.inner_text()
    if scripts:
        await look_at(page)
    await page.get_by_role("radio").check()
    await page.get_by_label("How do you know that they are one?").fill("The invented carer rang twice")
    await button(page, "Merge them")
    assert "merged" in (await page.get_by_role("alert").inner_text()).lower()
    assert await heading(page) == "Merged into another"
    # Nobody records into the one that is over without being led to the one that goes on.
    assert await page.get_by_role("button", name="Record something else").count() == 0
    if scripts:
        await look_at(page)
    await page.get_by_role("link", name="the record that it was merged into").click()
    assert page.url.endswith(kept.path)
    await page.goto(f"{kept.path}/timeline?show=happened")
    assert await page.get_by_role("link", name=re.compile("Withdraw.*Reported to the police")).count() == 2
    assert await page.get_by_text("Taken over from the record that was merged into this one").count() >= 1
    if scripts:
        await look_at(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_a_child_reported_without_a_number_comes_to_one(town: Town, scripts: bool) -> None:
    numbered = await reported(town)
    unnumbered = await reported(town, gone_for=3, child={"reference": None}, answers={"identity": "Kit Invented, 14"})
    page = await town.sign_in(AccessRole.MANAGER, size=PHONE, scripts=scripts, begin=unnumbered.path)
    await page.get_by_role("link", name=re.compile("the child's number is known now")).click()
    await button(page, "Show this child's records")
    assert "Write the child's number" in await page.get_by_role("alert").inner_text()
    if scripts:
        await look_at(page)
    await page.get_by_label("The child's number").fill(CHILD)
    await page.keyboard.press("Enter")
    await page.get_by_role("radio").check()
    assert CHILD not in page.url
    if scripts:
        await look_at(page)
    await page.get_by_label("How do you know that they are one?").fill("The invented carer rang back")
    await button(page, "Merge them")
    await page.get_by_role("link", name="the record that it was merged into").click()
    assert page.url.endswith(numbered.path)


async def test_a_closed_record_is_opened_again_and_goes_on(town: Town) -> None:
    await live(town.stage, SETTLED + 1, *settled(), child=AT_HOME)
    town.stage.episodes = await going_on_at(town.stage)()
    town.at_stage_time()
    path = f"/episodes/{town.stage.episode_id}"
    page = await town.sign_in(AccessRole.LEADER, size=PHONE, begin=path)
    assert "this record is closed" in await heading(page)
    assert await page.get_by_role("button", name="Record something else").count() == 0
    await look_at(page)
    await page.get_by_role("link", name="Open it again").click()
    await page.get_by_label("Why is it opened again?").fill("The wrong invented child was interviewed")
    await button(page, "Open it again")
    assert "opened again" in await page.get_by_role("alert").inner_text()
    assert await heading(page) == "Returned"
    await look_at(page)
    await page.goto(f"{path}/timeline?show=happened")
    await page.get_by_role("link", name=re.compile("Withdraw.*interview")).click()
    await page.get_by_label("Why is it withdrawn?").fill("It was another child")
    await button(page, "Withdraw it")
    assert "Owed from now on: Return home interview" in await page.get_by_role("alert").inner_text()
    await look_at(page)
