"""Reporting a child in a browser: who may, desk and phone, no JavaScript, the keyboard alone, and trouble."""

import re
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, ViewportSize, expect
from sqlalchemy import delete, func, select

from activities.store.tables import HoldingTable, InboxTable
from starter.access import AccessRole
from starter.client import EngineSilentError, Episodes
from starter.commands import Commands
from starter.relay import Relay
from starter.reports import Report
from tests.browser.conftest import DESK, PHONE, Town, town_of
from tests.browser.looks import look_at
from tests.engine.conftest import Theatre
from tests.identity.house import PASSWORD
from workflows.contracts import EpisodeInput

pytestmark = pytest.mark.asyncio(loop_scope="session")

REFERENCE = "INVENTED-7"
STARTED = re.compile(r"/report/[0-9a-f-]{36}/started$")


class Silent(Episodes):
    """An engine that does not answer."""

    def __init__(self) -> None:
        """Nothing is there."""

    async def begin(self, start: EpisodeInput) -> bool:  # noqa: ARG002 - asked for what it does not begin
        raise EngineSilentError("the engine does not answer")


@pytest_asyncio.fixture(loop_scope="session")
async def town(town: Town) -> Town:
    """A town whose present is the engine's, in which a new episode begins."""
    town.house.now = datetime.now(UTC)
    return town


async def begin(page: Page) -> None:
    await page.goto("/report")
    await page.get_by_role("button", name="Report a child").click()
    await page.get_by_role("heading", name="Who is it, and what happened?").wait_for()


async def report_now(page: Page) -> None:
    await page.get_by_role("button", name="Report now").click()
    await page.wait_for_url(STARTED)


async def clocks_run(page: Page) -> None:
    """Wait until the page says so, which it finds out by itself."""
    await expect(page.get_by_role("heading", level=1)).to_have_text("Reported: the clocks run", timeout=30_000)


async def reports_of(town: Town) -> list[Report]:
    mine = select(InboxTable).where(InboxTable.authority == town.stage.authority, InboxTable.kind == "report")
    async with town.stage.store.snapshot() as session:
        return [Report.model_validate(row.body["report"]) for row in (await session.scalars(mine)).all()]


@pytest.mark.parametrize(
    ("role", "size", "scripts"),
    [
        (AccessRole.DUTY, DESK, True),
        (AccessRole.PRACTITIONER, PHONE, False),
        (AccessRole.REPORTER, PHONE, True),
        (AccessRole.HOST_AUTHORITY, DESK, False),
    ],
)
async def test_a_child_is_reported_in_four_parts_and_the_clocks_are_told(
    town: Town, role: AccessRole, size: ViewportSize, scripts: bool
) -> None:
    page = await town.sign_in(role, size=size, scripts=scripts, begin="/report")
    await begin(page)
    await page.get_by_label("The child's number").fill(REFERENCE)
    await page.get_by_role("group", name="When were they last seen?").get_by_label("Just now").check()
    await page.get_by_label("Where were they last seen").fill("At the invented bus stop, by a friend")
    await page.get_by_role("button", name="Save and go on").click()
    await page.get_by_role("group", name="Is the child in care?").get_by_label("Yes").check()
    await page.get_by_role("button", name="Save and go on").click()
    await page.get_by_label("Health").fill("asthma")
    await page.get_by_role("button", name="Save and go on").click()
    await page.get_by_label("What has been done already").fill("Rang friends")
    await page.get_by_role("button", name="Who is it").click()
    assert await page.get_by_label("The child's number").input_value() == REFERENCE
    await report_now(page)
    if scripts:
        await clocks_run(page)
        await look_at(page)
    else:
        await page.wait_for_timeout(3000)
        await page.reload()
        await clocks_run(page)
    assert await page.get_by_text("Independent reviewing officer told").first.is_visible()
    assert await page.get_by_role("link", name="Health, medication").count() == 0
    own = role in (AccessRole.REPORTER, AccessRole.HOST_AUTHORITY)
    assert await page.get_by_role("link", name="Open this child's page").count() == (0 if own else 1)
    # Who is told is named by the role; a name is for those who read episodes.
    assert await page.get_by_text("Invented social worker").count() == 0 if own else True
    (said,) = await reports_of(town)
    assert (said.child.reference, said.child.looked_after, said.answers.health) == (REFERENCE, True, "asthma")
    assert said.last_seen is not None
    assert REFERENCE not in page.url + await page.title()


async def test_every_page_of_the_form_is_fit_to_be_seen(town: Town) -> None:
    page = await town.sign_in(AccessRole.REPORTER, begin="/report")
    await look_at(page)
    await begin(page)
    await look_at(page)
    await page.get_by_label("Who is the child?").fill("Robin")
    await page.get_by_role("group", name="When were they last seen?").get_by_label("At this time").check()
    await page.locator("#last_seen-time").fill("00:01")
    await page.get_by_text("The child has been found, or is back already").click()
    await page.get_by_role("button", name="Save and go on").click()
    await expect(page.get_by_role("alert")).to_contain_text("Last seen: enter the day too")
    await look_at(page)
    await page.get_by_role("link", name="Last seen: enter the day too").click()
    assert await page.evaluate("document.activeElement.id") == "last_seen-day"
    await page.locator("#last_seen-day").fill(f"{town.house.now:%Y-%m-%d}")
    for heading in ("About the child", "How to know them", "Who reports"):
        await page.get_by_role("button", name="Save and go on").click()
        await page.get_by_role("heading", level=1, name=heading).wait_for()
        await look_at(page)
    await page.get_by_role("button", name="Save, and report later").click()
    await page.get_by_role("heading", name="Go on with what you began").wait_for()
    await look_at(page)
    await page.get_by_role("button", name="Go on with No number yet: Robin").click()
    await report_now(page)
    await clocks_run(page)
    for link in ("Mobile number", "Say that the child was found"):
        await page.get_by_role("link", name=link).click()
        await look_at(page)
        await page.get_by_role("link", name="Back to the report").click()
    await page.goto("/report")
    await look_at(page)


async def test_the_keyboard_alone_is_enough(town: Town) -> None:
    page = await town.sign_in(AccessRole.DUTY, begin="/report")
    await page.get_by_role("button", name="Report a child").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Who is it, and what happened?").wait_for()
    await page.get_by_label("The child's number").focus()
    await page.keyboard.type(REFERENCE)
    await page.keyboard.press("Tab")
    await page.keyboard.type("Robin, 14")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    assert await page.get_by_label("Missing: nobody knows").is_checked()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    # What Enter sends first is 'Save and go on': nobody reports by a slip.
    await page.get_by_label("The child's number").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="About the child").wait_for()
    assert await reports_of(town) == []
    await page.get_by_role("button", name="Report now").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url(STARTED)
    (said,) = await reports_of(town)
    assert (said.child.reference, said.answers.identity) == (REFERENCE, "Robin, 14")


async def test_what_is_written_is_saved_as_it_is_written_and_it_is_said_when_it_is_not(town: Town) -> None:
    page = await town.sign_in(AccessRole.DUTY, begin="/report")
    await begin(page)
    saved = page.get_by_role("status")

    async def unanswered(route: Route) -> None:
        await route.abort()

    await page.route("**/report/*/when", unanswered)
    await page.get_by_label("Who is the child?").fill("Robin")
    await expect(saved).to_contain_text("Not saved", timeout=10_000)
    await look_at(page)
    await page.unroute("**/report/*/when")
    await expect(saved).to_contain_text(re.compile(r"^Saved \d\d:\d\d$"), timeout=20_000)
    other = await page.context.new_page()
    await other.goto(page.url)
    assert await other.get_by_label("Who is the child?").input_value() == "Robin"


async def test_an_open_report_of_the_same_child_is_shown_as_soon_as_its_number_is_written(town: Town) -> None:
    page = await town.sign_in(AccessRole.DUTY, begin="/report")
    await begin(page)
    await page.get_by_label("The child's number").fill(REFERENCE)
    await report_now(page)
    await clocks_run(page)
    await begin(page)
    await page.get_by_label("The child's number").fill(REFERENCE)
    await expect(page.locator("#alike")).to_contain_text("still open", timeout=10_000)
    await look_at(page)
    await report_now(page)
    await clocks_run(page)
    await expect(page.get_by_text("Another report of this child is still open.")).to_be_visible()
    await look_at(page)
    assert len(await reports_of(town)) == 2


async def test_while_the_engine_is_away_it_is_said_that_no_clock_runs_until_one_does(town: Town) -> None:
    sound, town.stage.episodes = town.stage.episodes, Silent()
    page = await town.sign_in(AccessRole.REPORTER, size=PHONE, begin="/report")
    await begin(page)
    await page.get_by_label("Who is the child?").fill("Robin")
    await report_now(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Kept, not yet applied: no clock runs yet")
    await look_at(page)
    town.stage.episodes = sound

    async def reach() -> Episodes:
        return sound

    commands = Commands(town.stage.store, town.stage.policies, town.stage.authority, reach)
    await Relay(town.stage.store, commands, reach).relay_once(sound)
    await clocks_run(page)
    await look_at(page)


async def test_what_is_sent_after_signing_out_elsewhere_is_not_lost_and_is_reported_once(town: Town) -> None:
    page = await town.sign_in(AccessRole.DUTY, begin="/report")
    name = await page.get_by_role("link", name="Invented duty").inner_text()
    await begin(page)
    form = page.url
    elsewhere = await page.context.new_page()
    await elsewhere.goto("/account")
    await elsewhere.get_by_role("button", name="Sign out").click()
    await page.get_by_label("Who is the child?").fill("Robin <14> & a dog")
    await expect(page.get_by_role("status")).to_contain_text("you are signed out", timeout=10_000)
    await page.get_by_role("button", name="Report now").click()
    await page.get_by_role("heading", name="You were signed out before this was sent").wait_for()
    await look_at(page)
    async with page.context.expect_page() as opening:
        await page.get_by_role("link", name="Sign in again").click()
    door = await opening.value
    await door.get_by_label("Name").fill(name)
    await door.get_by_label("Password", exact=True).fill(PASSWORD)
    await door.get_by_role("button", name="Sign in").click()
    await door.get_by_role("heading", name="Now", exact=True).wait_for()
    await page.get_by_role("button", name="Send what I wrote").click()
    await page.wait_for_url(STARTED)
    await page.goto(form)
    assert STARTED.search(page.url)
    (said,) = await reports_of(town)
    assert said.answers.identity == "Robin <14> & a dog"


async def test_signing_in_leads_back_into_the_part_that_was_open(town: Town) -> None:
    page = await town.sign_in(AccessRole.DUTY, begin="/report/5c6a0ce9-6ba2-4af4-880f-e8601a7a96b8/child")
    assert page.url.endswith("/report/5c6a0ce9-6ba2-4af4-880f-e8601a7a96b8/child")
    assert await page.get_by_role("heading", level=1).inner_text() == "About the child"


async def test_a_role_that_nobody_holds_is_said_loudly(theatre: Theatre, town: Town) -> None:
    async with town_of(theatre, town.browser) as bare:
        bare.house.now = datetime.now(UTC)
        async with theatre.store.session() as session:
            await session.execute(delete(HoldingTable).where(HoldingTable.authority == bare.stage.authority))
        page = await bare.sign_in(AccessRole.DUTY, size=PHONE, begin="/report")
        await begin(page)
        await page.get_by_label("Who is the child?").fill("Robin")
        await report_now(page)
        await clocks_run(page)
        await page.get_by_role("heading", name="Not told: social worker").wait_for(timeout=20_000)
        await look_at(page)
        await _put_on_record(bare)


async def _put_on_record(town: Town) -> None:
    """A manager names who holds the role, where the task asks for it."""
    page = await town.sign_in(AccessRole.MANAGER, size=PHONE, begin="/tasks?whose=all")
    await page.get_by_role("link", name="Nobody is on record").first.click()
    await look_at(page)
    await page.get_by_role("button", name="Put it on record").click()
    assert "Choose a role that nobody holds" in await page.get_by_role("alert").inner_text()
    await look_at(page)
    await page.get_by_label("The role that nobody holds").select_option("social_worker")
    await page.get_by_label("Who it is").select_option(index=1)
    await page.get_by_label("every child of the authority").check()
    await page.get_by_role("button", name="Put it on record").click()
    assert "on record, and open absences look again" in await page.get_by_role("alert").first.inner_text()
    await look_at(page)


async def test_who_reported_says_later_what_they_know_and_that_the_child_is_back(town: Town) -> None:
    page = await town.sign_in(AccessRole.REPORTER, size=PHONE, scripts=False, begin="/report")
    await begin(page)
    await page.get_by_label("Who is the child?").fill("Robin")
    await report_now(page)
    await (
        page.get_by_role("link", name="Say when the police were told")
        .or_(page.get_by_role("link", name="Add what you have come to know"))
        .first.click()
    )
    await page.get_by_role("group", name="Have the police been told?").get_by_label("Yes, just now").check()
    await page.get_by_label("The police's reference").fill("LOG 7")
    await page.get_by_label("Mobile number").fill("07700 900123")
    await page.get_by_role("button", name="Add this").click()
    await page.wait_for_url(STARTED)
    await page.wait_for_timeout(2000)
    await page.reload()
    assert await page.get_by_role("link", name="Mobile number").count() == 0
    assert await page.get_by_text("Nobody has said that the police were told").count() == 0
    await page.get_by_role("link", name="Say that the child was found or is back").click()
    await page.get_by_role("button", name="Record this").click()
    assert await page.get_by_role("heading", name="There is a problem").is_visible()
    await page.get_by_label("Back where they should be").check()
    await page.get_by_role("group", name="When?").get_by_label("Just now").check()
    await page.get_by_label("Where?").fill("Home")
    await page.get_by_role("button", name="Record this").click()
    await page.wait_for_url(STARTED)
    await page.wait_for_timeout(2000)
    await page.reload()
    await expect(page.get_by_text("Return home interview").first).to_be_visible()
    await page.goto("/report")
    await expect(page.get_by_text("No number yet: Robin: returned")).to_be_visible()
    counted = select(func.count()).select_from(InboxTable).where(InboxTable.authority == town.stage.authority)
    async with town.stage.store.snapshot() as session:
        assert await session.scalar(counted) == 5
