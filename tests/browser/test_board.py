"""The board and the handover in a browser: on desk and phone, as they change, without losing anybody's place."""

import pytest
from playwright.async_api import Page, ViewportSize

from activities.store import inbox
from activities.store.statements import upsert
from activities.store.tables import ChildTeamTable
from starter.access import AccessRole
from starter.console import board_stream
from starter.rehearsal import Stage
from tests.browser.conftest import Town, in_every_way
from tests.browser.looks import look_at
from tests.engine.plays import NOON, fact, hours, scenario
from workflows.facts import Fact

pytestmark = pytest.mark.asyncio(loop_scope="session")

GONE = ("last_seen", -3.0), ("reported", -2.0)


async def goes_missing(town: Town, reference: str, *facts: Fact, of: Stage | None = None) -> Stage:
    """A child who is missing on the real engine, by the case system's reference."""
    stage = of or Stage(town.stage.environment, town.stage.store, town.stage.policies, NOON)
    stage.authority = town.stage.authority
    async with town.stage.store.session() as session:
        child = await inbox.child_id(session, town.stage.authority, reference, NOON)
        await upsert(session, ChildTeamTable, {"child_id": child, "team": "North"})
    gone = tuple(fact(kind, at, **({"police_ref": "INV/1"} if kind == "reported" else {})) for kind, at in GONE)
    await stage.begin(scenario(), (*gone, *facts), child_id=child)
    await stage.advance_to(NOON + hours(1))
    town.house.now = stage.now
    return stage


async def heading(page: Page) -> str:
    return await page.get_by_role("heading", level=1).inner_text()


@in_every_way
async def test_a_child_who_is_missing_is_on_the_board_and_in_the_handover(
    town: Town, size: ViewportSize, scripts: bool
) -> None:
    await goes_missing(town, "INV-1")
    page = await town.sign_in(AccessRole.MANAGER, size=size, scripts=scripts)
    assert await heading(page) == "Now"
    row = page.locator(".hw-row")
    for words in ("INV-1", "Missing", "Next owed", "Who holds it", "Not assessed", "North"):
        assert words in await row.inner_text()
    await page.get_by_text("Choose whom to show").click()
    await page.get_by_label("Children", exact=True).select_option("returned")
    await page.get_by_role("button", name="Show").click()
    await page.get_by_text("Nobody fits what you chose").wait_for()
    if scripts:
        await look_at(page)
    await page.get_by_role("link", name="Show everybody").first.click()
    if scripts:
        await look_at(page)
    await page.goto("/handover")
    assert "INV/1" in await page.locator("main").inner_text()
    await page.get_by_label("The next shift lasts").select_option("24")
    await page.get_by_role("button", name="Show").click()
    assert "24 hours" in await page.locator("main").inner_text()
    if scripts:
        await look_at(page)


async def test_the_board_changes_by_itself_and_nobody_loses_their_place(town: Town) -> None:
    stage = await goes_missing(town, "INV-FIRST")
    for number in range(8):
        await goes_missing(town, f"INV-{number}")
    page = await town.sign_in(AccessRole.MANAGER, size=ViewportSize(width=1280, height=500))
    await page.locator("#board-time").wait_for()
    mine = page.locator(f"#row-{stage.episode_id}")
    await mine.locator("summary").click()
    await mine.get_by_role("link", name="INV-FIRST").focus()
    await mine.evaluate("one => window.scrollTo(0, one.offsetTop - 200)")
    top = await mine.evaluate("one => one.getBoundingClientRect().top")
    await stage.record(fact("risk_assessed", 1, view="police", scheme="Invented scheme", grade="high"))
    await mine.get_by_text("High", exact=True).wait_for()
    other = await goes_missing(town, "INV-NEW", fact("harm_feared", 0.5))
    await page.get_by_role("link", name="INV-NEW").wait_for()
    assert await page.evaluate("document.activeElement.textContent") == "INV-FIRST"
    assert await mine.locator("details").get_attribute("open") is not None
    assert abs(await mine.evaluate("one => one.getBoundingClientRect().top") - top) < 3
    assert "10 not back yet" in await page.locator("#board-said").inner_text()
    await look_at(page)
    await other.record(fact("returned", 1))
    await page.locator(f"#row-{other.episode_id}").get_by_text("Returned", exact=True).wait_for()
    assert "9 not back yet" in await page.locator("#board-said").inner_text()


async def test_a_board_that_is_not_updated_says_so(town: Town) -> None:
    page = await town.sign_in(AccessRole.MANAGER)
    await page.get_by_text("No child is missing, away or absent, and nothing is owed").wait_for()
    await look_at(page)
    await page.context.set_offline(True)
    town.house.app.state.streams.close()
    await page.get_by_text("Not updating: the connection is lost").first.wait_for()
    await look_at(page)
    assert "Not updating" in await page.locator("#board-said").inner_text()


async def test_a_session_that_ended_takes_the_board_with_it(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_stream, "LOOK_UP_SECONDS", 0.3)
    page = await town.sign_in(AccessRole.MANAGER)
    await page.locator("#board-time").wait_for()
    town.house.later(minutes=31)
    await page.wait_for_url("**/sign-in?to=/now")


async def test_the_keyboard_reaches_every_row(town: Town) -> None:
    await goes_missing(town, "INV-1")
    page = await town.sign_in(AccessRole.DUTY)
    await page.locator(".hw-choose summary").focus()
    reached: list[str] = []
    for _ in range(6):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("document.activeElement.textContent"))
    assert "INV-1" in reached
    assert any("more" in one for one in reached)
