"""An interview provider in a real browser on the real engine: its referrals, answered from the offer to the end."""

import pytest
from playwright.async_api import Page, ViewportSize

from starter.access import AccessRole
from starter.referrals import ANSWERS
from tests.browser.conftest import DESK, PHONE, Town
from tests.browser.episodes import Absence, at_present, reported
from tests.browser.looks import look_at

pytestmark = pytest.mark.asyncio(loop_scope="session")

OURS = "Invented Interviews"
PROVIDER = AccessRole.INTERVIEW_PROVIDER


async def handed_over(town: Town) -> Absence:
    """A child who came back, whose interview was handed over to the provider."""
    absence = await reported(town, gone_for=20)
    await absence.record("returned", 10)
    await absence.record("referred", 8, to=OURS)
    return absence


async def follow(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).first.click()
    await page.wait_for_load_state()


@pytest.mark.parametrize(
    ("size", "scripts"), [(DESK, True), pytest.param(PHONE, True, marks=pytest.mark.long), (PHONE, False)]
)
async def test_an_interview_is_offered_accepted_held_and_written_up(
    town: Town, size: ViewportSize, scripts: bool
) -> None:
    absence = await handed_over(town)
    page = await town.sign_in(PROVIDER, provider=OURS, size=size, scripts=scripts)
    assert page.url == f"{town.url}/referrals"

    async def look() -> None:
        if scripts:
            await look_at(page)

    await look()
    assert "INV-4471" not in await page.content()
    await page.get_by_role("link", name="Interview handed over").click()
    await look()
    assert "INV-4471" not in await page.content()
    for title, fields, stands in (
        ("The interview was offered", {"How was it offered?": "telephone"}, "Offered, and not answered"),
        ("The offer was accepted", {}, "Accepted, and to be held"),
        ("The interview was held", {"How was it held?": "in person"}, "Held, and to be written up"),
        ("The interview was written up", {}, "Held, and written up"),
    ):
        at_present(town)
        await follow(page, title)
        await look()
        for label, words in fields.items():
            await page.get_by_label(label).fill(words)
        if title == "The interview was held":
            await follow(page, "Tell the authority")
            await look()
            assert "Choose an answer: Who is the interviewer" in await page.get_by_role("alert").inner_text()
            await page.get_by_label("An independent interviewer").check()
        await follow(page, "Tell the authority")
        assert f"{title}: the authority has it." in await page.get_by_role("alert").inner_text()
        assert await page.get_by_role("main").locator("p.govuk-body-l").inner_text() == stands
        await look()
    await page.goto("/referrals")
    assert "Nothing is to be done now." in await page.get_by_role("main").inner_text()
    await page.get_by_role("link", name="Declined, or held and written up").click()
    await look()
    assert await page.get_by_role("link", name="Interview handed over").count() == 1

    duty = await town.sign_in(AccessRole.DUTY, begin=f"{absence.path}/interview")
    said = await duty.get_by_role("main").inner_text()
    assert "An interview provider who rings about this absence quotes" in said
    assert "in person" in said


async def test_each_answer_has_a_form_that_everybody_can_use(town: Town) -> None:
    await handed_over(town)
    page = await town.sign_in(PROVIDER, provider=OURS, size=PHONE)
    await page.get_by_role("link", name="Interview handed over").click()
    referral = page.url
    for answer in ANSWERS:
        await page.goto(f"{referral}/answers/{answer}")
        await look_at(page)
    await page.goto(f"{referral}/answers/declined")
    await page.get_by_label("Day").fill("2030-01-01")
    await follow(page, "Tell the authority")
    await look_at(page)
    assert "Why was it declined?" in await page.get_by_role("alert").inner_text()


async def test_the_keyboard_alone_is_enough(town: Town) -> None:
    await handed_over(town)
    page = await town.sign_in(PROVIDER, provider=OURS)

    async def to(words: str) -> None:
        for _ in range(30):
            await page.keyboard.press("Tab")
            if words in await page.evaluate("document.activeElement.textContent.trim()"):
                break
        await page.keyboard.press("Enter")
        await page.wait_for_load_state()

    await to("Interview handed over")
    await page.get_by_role("heading", name="Return home interview").wait_for()
    await to("The interview was offered")
    await page.get_by_label("How was it offered?").wait_for()
    await to("Tell the authority")
    assert "the authority has it" in await page.get_by_role("alert").inner_text()


async def test_a_provider_without_a_name_is_told_why_nothing_is_there(town: Town) -> None:
    await handed_over(town)
    page = await town.sign_in(PROVIDER, size=PHONE)
    await look_at(page)
    assert "does not say for which interview provider you work" in await page.get_by_role("main").inner_text()
    await page.goto("/account")
    await look_at(page)
