"""The browser's own button back over a record's form: nobody writes over what they have not seen.

Chromium puts what was written into the fields of a form whose first two are
called as those of the form it left, whatever else stands in the page by then.
"""

import pytest
from playwright.async_api import Page

from activities.store.child_records import child_of, versions
from starter.access import AccessRole
from tests.browser.conftest import Town
from tests.browser.episodes import CHILD, reported

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIELD = "Alcohol and drugs"


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).first.click()
    await page.wait_for_load_state()


async def back(page: Page) -> None:
    await page.go_back()
    await page.wait_for_load_state()


async def kept(town: Town) -> list[str]:
    """What each version says, the oldest first."""
    async with town.house.store.snapshot() as session:
        child = await child_of(session, town.stage.authority, CHILD)
        found = await versions(session, child, "philomena") if child else []
    return [one.body["alcohol_drugs"] for one in found]


async def kept_by_another(town: Town, path: str) -> None:
    page = await town.sign_in(AccessRole.MANAGER, begin=path)
    await page.get_by_label(FIELD).fill("What another knows")
    await press(page, "Keep it")
    assert "is kept" in await page.get_by_role("alert").inner_text()


@pytest.mark.parametrize("left", ["left", "sent", "refused"])
async def test_whoever_goes_back_to_a_form_does_not_undo_what_was_kept_meanwhile(town: Town, left: str) -> None:
    path = f"{(await reported(town)).path}/plan/philomena"
    one = await town.sign_in(AccessRole.DUTY, begin=path)
    await one.get_by_label(FIELD).fill("What the one knew")
    if left == "sent":
        await press(one, "Keep it")
    if left == "left":
        await one.get_by_role("link", name="Plan, and what is kept for the child").click()
    await kept_by_another(town, path)
    if left == "refused":
        await press(one, "Keep it")
        assert "Somebody has recorded a newer version" in await one.get_by_role("alert").inner_text()
    await back(one)
    assert one.url.endswith(path)
    await press(one, "Keep it")
    assert (await kept(town))[-1] == "What another knows"


async def test_where_nobody_wrote_meanwhile_going_back_finds_what_was_written(town: Town) -> None:
    path = f"{(await reported(town)).path}/plan/philomena"
    one = await town.sign_in(AccessRole.DUTY, begin=path)
    await one.get_by_label(FIELD).fill("What the one knew")
    await one.get_by_role("link", name="Plan, and what is kept for the child").click()
    await back(one)
    assert await one.get_by_label(FIELD).input_value() == "What the one knew"
    await press(one, "Keep it")
    assert await kept(town) == ["What the one knew"]
