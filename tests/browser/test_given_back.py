"""What was written and could not be taken, in a real browser: it is in the page that says so, to be sent from there."""

import pytest
from playwright.async_api import Page, ViewportSize
from sqlalchemy import select

from activities.store import StoreUnavailableError
from activities.store.tables import FactTable
from starter.access import AccessRole
from starter.api.guard import LARGEST_FORM
from starter.console.episode import recording
from tests.browser.conftest import DESK, PHONE, Town
from tests.browser.episodes import Absence, reported
from tests.browser.looks import look_at
from tests.browser.test_keeping import press
from tests.engine.correspondence import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = "Invented words that took ten minutes, and a second line."


async def written(page: Page, absence: Absence) -> None:
    """A form that somebody has filled in."""
    await page.goto(f"{absence.path}/record/searched")
    await page.locator("main textarea").last.fill(WORDS)


async def is_noted_once(absence: Absence) -> bool:
    async with absence.town.house.store.snapshot() as session:
        bodies = (await session.scalars(select(FactTable.body).where(FactTable.episode_id == absence.id))).all()
    return [body.get("note") for body in bodies].count(WORDS) == 1


@pytest.mark.parametrize(("size", "scripts"), [(DESK, True), (PHONE, True), (PHONE, False)])
async def test_what_was_written_while_the_records_were_away_is_sent_from_the_page_that_says_so(
    town: Town, monkeypatch: pytest.MonkeyPatch, size: ViewportSize, scripts: bool
) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.DUTY, size=size, scripts=scripts, begin=absence.path)
    await written(page, absence)

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailableError("invented")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(recording, "episode_page", away)
        await page.locator("main form button").last.click()
        await page.wait_for_load_state()
        assert await page.get_by_role("heading", level=1).inner_text() == "Homeward cannot reach its records"
        if scripts:
            await look_at(page)
            await page.get_by_text("Read or copy what you wrote").click()
            assert await page.get_by_text(WORDS).is_visible()
            await look_at(page)
        await press(page, "Send what I wrote again")
        assert "Nothing you wrote is lost" in await page.get_by_role("main").inner_text()
    await press(page, "Send what I wrote again")
    assert page.url.split("?")[0].endswith(absence.path)
    await until(lambda: is_noted_once(absence))


async def test_honest_long_words_are_kept_and_that_more_cannot_be_is_said(town: Town) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.DUTY, begin=f"{absence.path}/plan/philomena")
    fields = page.locator("main form textarea")
    for number in range(await fields.count()):
        await fields.nth(number).fill("\u2019\u00e9 " * 1300)
    await press(page, "Keep it")
    assert "version 1 is kept" in await page.get_by_role("alert").inner_text()
    await page.goto("/report")
    await page.get_by_role("button", name="Report a child").click()
    await page.wait_for_url("**/when")
    await page.get_by_label("Who is the child?").fill("x" * (LARGEST_FORM + 1))
    await page.get_by_text("Not saved: this part is longer than can be kept").wait_for()
    await look_at(page)
    await page.get_by_role("button", name="Save and go on").click()
    await page.get_by_role("heading", name="That is too much to send at once").wait_for()
    await look_at(page)
