"""Signing in, with and without JavaScript, by keyboard alone, on desk and phone."""

import pytest
from playwright.async_api import ViewportSize

from starter.access import AccessRole
from tests.browser.conftest import Town, in_every_way
from tests.browser.looks import look_at
from tests.identity.house import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="session")


@in_every_way
async def test_somebody_signs_in_and_out(town: Town, size: ViewportSize, scripts: bool) -> None:
    page = await town.sign_in(AccessRole.MANAGER, size=size, scripts=scripts, begin="/account")
    assert await page.get_by_role("heading", level=1).inner_text() == "Your account"
    if scripts:
        await look_at(page)
    await page.get_by_role("button", name="Sign out").click()
    assert await page.get_by_role("heading", level=1).inner_text() == "You are signed out"
    await page.goto("/account")
    assert "/sign-in?to=/account" in page.url


async def test_a_wrong_password_is_said_and_led_to(town: Town) -> None:
    page = await (await town.window()).new_page()
    await page.goto("/account")
    await look_at(page)
    await page.get_by_label("Name").fill("Invented nobody")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_role("alert").wait_for()
    await look_at(page)
    await page.get_by_role("link", name="The name or the password is not right").click()
    assert await page.evaluate("document.activeElement.id") == "name"


async def test_the_keyboard_alone_is_enough(town: Town) -> None:
    await town.house.person("Invented typist", AccessRole.MANAGER)
    page = await (await town.window()).new_page()
    await page.goto("/account")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Skip to main content"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Invented typist")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Your account").wait_for()
