"""An episode's pages in a real browser on the real engine: a child reported, found, returned; what people then do."""

import re

import pytest
from playwright.async_api import Page, ViewportSize

from starter.access import MAY, AccessRole, Permission
from starter.client import EngineSilentError
from tests.browser.conftest import DESK, PHONE, Town
from tests.browser.episodes import Absence, at_present, reported
from tests.browser.looks import look_at
from tests.console.absences import absence as absence_written

pytestmark = pytest.mark.asyncio(loop_scope="session")

PARTS = ("", "/clocks", "/timeline", "/timeline?show=told", "/told", "/interview", "/meetings", "/plan", "/record")
READERS = [role for role in AccessRole if Permission.READ_EPISODES in MAY[role] and role is not AccessRole.CASE_SYSTEM]


async def button(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).first.click()
    await page.wait_for_load_state()


async def look_at_every_part(page: Page, absence: Absence) -> None:
    for part in PARTS:
        answer = await page.goto(absence.path + part)
        assert answer is not None
        assert answer.status == 200, part
        await look_at(page)


async def test_a_child_is_found_and_back_and_offered_an_interview(town: Town) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.MANAGER, begin=absence.path)
    await look_at_every_part(page, absence)

    await page.goto(absence.path)
    await button(page, "Found")
    await look_at(page)
    at_present(town)
    await button(page, "Record it")
    done = page.get_by_role("alert")
    assert "The child now counts as: found, not yet back" in await done.inner_text()
    assert await page.get_by_role("heading", level=1).inner_text() == "Found, not yet back"
    await look_at(page)

    await button(page, "Returned")
    await page.get_by_label("Where is the child now?").fill("Invented Road 7")
    await button(page, "Record it")
    said = await page.get_by_role("alert").inner_text()
    assert "Recorded: Returned" in said
    assert "Owed from now on: Return home interview offered" in said
    assert await page.get_by_role("button", name="Found", exact=True).count() == 0
    await look_at_every_part(page, absence)

    await page.goto(f"{absence.path}/interview")
    await page.get_by_role("button", name=re.compile("Record that it was done.*Return home interview offered")).click()
    await page.get_by_label("How was it offered?").fill("telephone")
    await page.get_by_label("Thinking about it").check()
    await button(page, "Record it")
    assert "Return home interview offered: done in time" in await page.get_by_role("alert").inner_text()


async def test_what_was_recorded_is_corrected_and_withdrawn(town: Town) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.PRACTITIONER, begin=f"{absence.path}/timeline?show=happened")
    await page.get_by_role("link", name=re.compile("Correct.*Last seen")).click()
    await look_at(page)
    await page.get_by_label("Where was the child seen?").fill("Invented Park")
    await button(page, "Correct it")
    assert "Corrected. Now: Last seen" in await page.get_by_role("alert").inner_text()
    await page.goto(f"{absence.path}/timeline?show=happened")
    assert await page.get_by_text("No longer in force").count() == 1
    assert await page.get_by_text("Invented Park").count() == 1
    await page.get_by_role("link", name=re.compile("Withdraw.*Reported to the police")).click()
    await look_at(page)
    await button(page, "Withdraw it")
    await page.get_by_role("alert").wait_for()
    await look_at(page)
    await page.get_by_label("Why is it withdrawn?").fill("Another child")
    await button(page, "Withdraw it")
    assert "The child now counts as: absent" in await page.get_by_role("alert").inner_text()


async def test_a_statutory_duty_is_ruled_on_by_two_people(town: Town) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.LEADER, begin=f"{absence.path}/clocks")
    await page.get_by_role("link", name=re.compile("Decide otherwise.*Independent reviewing officer told")).click()
    await look_at(page)
    await page.get_by_role("link", name=re.compile("Decide this.*Hold it back")).click()
    await page.get_by_label("Why is it held back?").fill("Invented reason")
    await button(page, "Record it")
    alert = page.get_by_role("alert")
    assert "needs a second person" in await alert.inner_text()
    await look_at(page)
    assert await page.get_by_label("Why is it held back?").input_value() == "Invented reason"
    await page.get_by_label("Who authorised it?").select_option(index=1)
    await button(page, "Record it")
    said = await alert.inner_text()
    assert "Independent reviewing officer told: held back by a decision" in said


async def test_what_cannot_be_true_is_refused_at_its_field_and_can_be_mended(town: Town) -> None:
    absence = await reported(town, gone_for=3)
    page = await town.sign_in(AccessRole.DUTY, begin=f"{absence.path}/record/located")
    await page.get_by_label("Day").fill("2026-01-02")
    await page.get_by_label("Where was the child found?").fill("Invented Road")
    await button(page, "Record it")
    await page.get_by_role("link", name="Found on Fri 2 Jan 2026").click()
    await look_at(page)
    await page.get_by_label("Day").fill(f"{town.house.now:%Y-%m-%d}")
    await button(page, "Record it")
    assert "found, not yet back" in await page.get_by_role("alert").inner_text()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_without_scripts_everything_works(town: Town, size: ViewportSize) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.DUTY, begin=absence.path, size=size, scripts=False)
    found = page.get_by_role("button", name="Found", exact=True)
    box = await found.bounding_box()
    assert box is not None
    # What somebody needs at night lies on the first screen, whatever its size.
    assert box["y"] + box["height"] <= size["height"]
    await found.click()
    await button(page, "Record it")
    assert "found, not yet back" in await page.get_by_role("alert").inner_text()
    await page.goto(f"{absence.path}/record")
    await page.get_by_label("Look for it").fill("consent")
    await button(page, "Look")
    await page.get_by_role("link", name="Consent was given, refused or withdrawn").click()
    await button(page, "Record it")
    assert "Choose an answer" in await page.get_by_role("alert").inner_text()


async def test_the_keyboard_alone_is_enough(town: Town) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.DUTY, begin=absence.path)
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.textContent.trim()") == "Returned":
            break
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Returned").wait_for()
    await page.get_by_label("Note").focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert "Recorded: Returned" in await page.get_by_role("alert").inner_text()


async def test_each_reader_finds_the_child_and_what_is_theirs(town: Town) -> None:
    absence = await reported(town)
    for role in READERS:
        page = await town.sign_in(role, size=PHONE, begin="/episodes")
        await page.get_by_label("The case system's reference for the child").fill("INV-4471")
        await button(page, "Find")
        assert page.url.endswith("/episodes")
        await look_at(page)
        await page.get_by_role("link", name="Child INV-4471").click()
        await look_at(page)
        may = MAY[role]
        assert await page.get_by_role("link", name="Police pack").count() == (Permission.MAKE_POLICE_PACK in may)
        assert (await page.get_by_role("link", name="Decide otherwise").count() > 0) == (Permission.RULE in may)
        await page.context.close()
    assert absence.id


async def test_a_restricted_record_is_opened_for_a_reason(town: Town) -> None:
    absence = await reported(town, child={"restricted": True})
    page = await town.sign_in(AccessRole.DUTY, size=PHONE, begin=absence.path)
    await look_at(page)
    await page.get_by_role("link", name="Look all the same").click()
    await look_at(page)
    await page.get_by_label("Why must you see it?").fill("no")
    await button(page, "Look, and have the administrator told")
    await look_at(page)
    await page.get_by_label("Why must you see it?").fill("Seen in Invented Road tonight")
    await button(page, "Look, and have the administrator told")
    assert "You may see this record until" in await page.get_by_role("status").inner_text()
    await look_at(page)


class Silent:
    """An engine that does not answer."""

    def __getattr__(self, name: str) -> None:
        raise EngineSilentError("the engine does not answer")


async def test_what_is_kept_while_the_engine_is_away_is_said_loudly(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.DUTY, size=PHONE, begin=absence.path)
    with monkeypatch.context() as away:
        away.setattr(town.stage, "episodes", Silent())
        await button(page, "Found")
        await button(page, "Record it")
        said = await page.get_by_role("alert").inner_text()
        assert "KEPT, NOT YET APPLIED" in said
        assert "NO CLOCK RUNS by it" in said
        assert await page.get_by_role("heading", level=1).inner_text() == "Missing"
        await look_at_every_part(page, absence)
        assert await page.get_by_role("heading", name="Kept, not yet applied: NO CLOCK RUNS by this").count() == 1


async def test_a_closed_record_says_so_and_is_opened_again_for_a_reason(town: Town) -> None:
    closed = Absence(town, await absence_written(town.house.store, authority=town.stage.authority, closed=True))
    page = await town.sign_in(AccessRole.MANAGER, size=PHONE, begin=closed.path)
    assert "this record is closed" in await page.get_by_role("heading", level=1).inner_text()
    assert await page.get_by_role("button", name="Record").count() == 0
    await look_at_every_part(page, closed)
    await page.goto(f"{closed.path}/reopen")
    await look_at(page)
    await button(page, "Open it again")
    await page.get_by_role("link", name="Say why").click()
    assert await page.evaluate("document.activeElement.id") == "reason"
    await look_at(page)
    await page.goto(f"{closed.path}/merge")
    await look_at(page)


async def test_on_paper_every_reason_is_shown_and_no_button(town: Town) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.IRO, begin=absence.path)
    why, link = page.get_by_text("24 hours later").first, page.get_by_role("link", name="Chronology")
    assert (await why.is_visible(), await link.is_visible()) == (False, True)
    await page.emulate_media(media="print")
    assert (await why.is_visible(), await link.is_visible()) == (True, False)
