"""An operator before what stands still, in a browser: read, compared, put to the engine; who may not is told so."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.async_api import Page, ViewportSize
from sqlalchemy import update

from activities.store import disagreements
from activities.store.subscriptions import Subscription, add_subscription
from activities.store.tables import EpisodeTable
from starter.access import AccessRole
from starter.commands import Commands
from tests.api.callers import no_engine
from tests.browser.conftest import PHONE, Town, in_every_way
from tests.browser.looks import look_at
from tests.engine.plays import fact, live
from workflows.agreement import Disagreement
from workflows.instants import to_rfc3339

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def trouble(town: Town) -> None:
    """An episode that did not wake, a report that is kept, a webhook that fails, and things apart."""
    await live(town.stage, 2.1, fact("reported", 0), fact("returned", 2))
    authority, now = town.stage.authority, datetime.now(UTC)
    town.house.now = now
    kept = Commands(town.house.store, town.stage.policies, authority, no_engine)
    long_ago = now - timedelta(hours=2)
    await kept.report({"child": {}, "reported": to_rfc3339(long_ago), "reported_by": "Invented desk"}, long_ago)
    hook = {"id": str(uuid4()), "name": "case-system", "url": "https://invented.example/hook", "kinds": ()}
    about = {"authority": authority, "secret": "s", "position": 0, "created_at": now, "last_failure": "http 500"}
    async with town.house.store.session() as session:
        mine = update(EpisodeTable).where(EpisodeTable.id == town.stage.episode_id)
        await session.execute(mine.values(next_wake_at=now - timedelta(minutes=50), next_wake_for="rhi: remind"))
        await add_subscription(session, Subscription.model_validate({**hook, **about, "failures": 3}))
        for number in range(7):
            subject = f"invented-{number}-{uuid4()}"
            await disagreements.note_found(session, authority, Disagreement.TASK_ONLY_IN_ROWS, subject, now)


async def said(page: Page) -> str:
    return await page.locator(".govuk-notification-banner__heading").inner_text()


@in_every_way
async def test_an_operator_sees_what_stands_still_and_has_it_compared(
    town: Town, size: ViewportSize, scripts: bool
) -> None:
    await trouble(town)
    page = await town.sign_in(AccessRole.OPERATOR, size=size, scripts=scripts, begin="/operations")
    assert await page.title() == "Operations - Homeward"
    asleep = page.get_by_role("region", name="An episode has not woken for its clock")
    assert town.stage.episode_id in await asleep.inner_text()
    assert "for 50 minutes" in await asleep.inner_text()
    if scripts:
        await look_at(page)
    assert await page.get_by_role("link", name="Pause").count() == 0
    await asleep.get_by_role("link", name="Compare it with the engine").click()
    if scripts:
        await look_at(page)
    await page.get_by_role("button", name="Compare it with the engine").click()
    await page.get_by_role("link", name="Say why; it goes into the audit").click()
    assert await page.evaluate("document.activeElement.id") == "why"
    if scripts:
        await look_at(page)
    await page.get_by_label("Why").fill("It should have woken <b>an hour</b> ago")
    await page.get_by_role("button", name="Compare it with the engine").click()
    assert (await said(page)).startswith("Compared: ")


async def test_what_waits_is_put_to_the_engine_by_keyboard_alone(town: Town) -> None:
    await trouble(town)
    page = await town.sign_in(AccessRole.OPERATOR, begin="/operations")
    await page.get_by_role("link", name="Put all that waits to the engine now").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/operations/put_to_engine*")
    await page.get_by_label("Why").focus()
    await page.keyboard.type("The network is mended")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/operations?done=*")
    assert await said(page) == "1 applied, 0 refused, 0 still waiting."


async def test_an_administrator_pauses_and_resumes_a_webhook(town: Town) -> None:
    await trouble(town)
    page = await town.sign_in(AccessRole.ADMINISTRATOR, begin="/operations")
    table = page.get_by_role("table")
    for link, button, state in (("Pause", "Pause it", "Paused"), ("Resume", "Resume it", "Active")):
        await table.get_by_role("link", name=link).click()
        await page.get_by_label("Why").fill("Invented work on the receiver")
        await page.get_by_role("button", name=button).click()
        assert state in await table.inner_text()
        await look_at(page)


async def test_more_than_a_few_are_opened_by_whoever_wants_them(town: Town) -> None:
    await trouble(town)
    page = await town.sign_in(AccessRole.OPERATOR, size=PHONE, begin="/operations")
    apart = page.get_by_role("region", name="The records and the engine disagree")
    assert not await apart.get_by_role("listitem").first.is_visible()
    await apart.get_by_text("7 of them").click()
    assert await apart.get_by_role("listitem").first.is_visible()
    await look_at(page)


async def test_a_manager_does_not_find_it_and_is_refused(town: Town) -> None:
    page = await town.sign_in(AccessRole.MANAGER, begin="/operations")
    assert await page.get_by_role("heading", name="You cannot do this here").is_visible()
    assert await page.get_by_role("link", name="Operations").count() == 0
    await look_at(page)


async def test_when_all_moves_it_says_so(town: Town) -> None:
    town.house.now = datetime.now(UTC)
    page = await town.sign_in(AccessRole.OPERATOR, begin="/operations")
    assert await page.get_by_text("All moves").is_visible()
    await look_at(page)
