"""What is kept for a child, changed in a real browser: on desk and phone, without scripts, by keyboard, by two."""

import re

import pytest
from playwright.async_api import Page, ViewportSize

from starter.access import MAY, AccessRole, Permission
from starter.child_records import FORMS
from starter.console.episode.record_words import RECORD_TITLES
from tests.browser.conftest import DESK, PHONE, Town
from tests.browser.episodes import Absence, reported
from tests.browser.looks import look_at

pytestmark = pytest.mark.asyncio(loop_scope="session")

READERS = [role for role in AccessRole if Permission.READ_CHILD_RECORDS in MAY[role] and role != "case_system"]


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).first.click()
    await page.wait_for_load_state()


async def opened(page: Page, absence: Absence, kind: str) -> None:
    await page.goto(f"{absence.path}/plan/{kind}")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_a_plan_is_added_changed_and_its_versions_read(town: Town, size: ViewportSize) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.DUTY, size=size, begin=f"{absence.path}/plan")
    await look_at(page)
    await page.get_by_role("link", name=re.compile("Add.*Missing safety plan")).click()
    await look_at(page)
    await page.get_by_label("Part 5: how are interviews to be held?").fill("With an aunt")
    await page.get_by_label("Helping the child to stay in touch").check()
    first = page.get_by_role("group", name="People whom the child trusts: 1 of 3")
    await first.get_by_label("Name").fill("Invented Aunt")
    await press(page, "Keep it")
    await page.get_by_role("alert").wait_for()
    await look_at(page)
    await page.get_by_role("link", name="Give an answer: Who are they to the child?").click()
    assert await page.evaluate("document.activeElement.name") == "trusted_trio.0.relation"
    await page.keyboard.type("Aunt")
    await first.get_by_label("How are they reached?").fill("07700 900123")
    await press(page, "Keep it")
    assert "Missing safety plan: version 1 is kept" in await page.get_by_role("alert").inner_text()
    await look_at(page)

    await page.get_by_role("button", name=re.compile("Change.*Missing safety plan")).click()
    assert await page.get_by_label("Part 5: how are interviews to be held?").input_value() == "With an aunt"
    assert await page.get_by_label("Helping the child to stay in touch").is_checked()
    await page.get_by_label("Part 5: how are interviews to be held?").fill("With an uncle")
    await look_at(page)
    await press(page, "Keep it")
    await page.get_by_role("link", name=re.compile("Earlier versions.*Missing safety plan")).click()
    await look_at(page)
    said = await page.get_by_role("main").inner_text()
    assert said.index("Version 2, which counts now") < said.index("With an uncle") < said.index("With an aunt")


async def test_each_kind_has_a_form_that_everybody_can_use(town: Town) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.MANAGER, size=PHONE, begin=absence.path)
    for kind in FORMS:
        await opened(page, absence, kind)
        await look_at(page)
    await press(page, "Keep it")
    await look_at(page)
    assert "Where does the child live?" in await page.get_by_role("alert").inner_text()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_without_scripts_a_record_is_kept(town: Town, size: ViewportSize) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.PRACTITIONER, size=size, scripts=False, begin=f"{absence.path}/plan")
    await page.get_by_role("link", name=re.compile("Add.*Photographs")).click()
    await page.get_by_label("When was the photograph of the face taken?").fill("2026-06-01")
    await page.get_by_role("group", name="Does the carer have copies?").get_by_label("Yes").check()
    await press(page, "Keep it")
    assert "Photographs: version 1 is kept" in await page.get_by_role("alert").inner_text()
    assert await page.get_by_role("region", name="Photographs").get_by_text("1 Jun 2026").count() == 1


async def test_the_keyboard_alone_keeps_a_record(town: Town) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.DUTY, begin=f"{absence.path}/plan/philomena")
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.name") == "mobile_number":
            break
    await page.keyboard.type("07700 900456")
    await page.keyboard.press("Enter")
    assert "version 1 is kept" in await page.get_by_role("alert").inner_text()


async def test_of_two_who_write_at_once_neither_is_lost(town: Town) -> None:
    absence = await reported(town)
    one = await town.sign_in(AccessRole.DUTY, begin=f"{absence.path}/plan/philomena")
    other = await town.sign_in(AccessRole.MANAGER, size=PHONE, begin=f"{absence.path}/plan/philomena")
    await one.get_by_label("Alcohol and drugs").fill("What the one knows")
    await press(one, "Keep it")
    await other.get_by_label("Mobile number").fill("07700 900456")
    await press(other, "Keep it")
    await look_at(other)
    assert "Somebody has recorded a newer version" in await other.get_by_role("alert").inner_text()
    assert "What the one knows" in await other.get_by_role("region", name="What was recorded meanwhile").inner_text()
    assert await other.get_by_label("Mobile number").input_value() == "07700 900456"
    await other.get_by_label("Alcohol and drugs").fill("What the one knows")
    await press(other, "Keep it")
    assert "version 2 is kept" in await other.get_by_role("alert").inner_text()


@pytest.mark.parametrize("role", READERS)
async def test_each_reader_sees_what_is_kept_and_changes_what_they_may(town: Town, role: AccessRole) -> None:
    absence = await reported(town)
    page = await town.sign_in(role, size=PHONE, begin=f"{absence.path}/plan")
    await look_at(page)
    may = Permission.KEEP_CHILD_RECORDS in MAY[role]
    assert await page.get_by_role("link", name=re.compile("^Add")).count() == (len(RECORD_TITLES) if may else 0)
    await page.goto(f"{absence.path}/plan/photographs")
    assert (await page.get_by_role("button", name="Keep it").count() == 1) == may
    await look_at(page)


async def test_the_police_pack_leads_to_what_it_is_made_of(town: Town) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.DUTY, begin=f"{absence.path}/police-pack")
    link = page.get_by_role("link", name="Information for the police (Philomena)")
    await page.emulate_media(media="print")
    assert not await link.is_visible()
    await page.emulate_media(media="screen")
    await link.click()
    assert await page.get_by_role("heading", level=1).inner_text() == "Add: Information for the police (Philomena)"
