"""What comes out of a printer: the handover, an episode, the board, tasks and the audit on sheets of A4."""

import re

import pytest

from starter.access import AccessRole
from tests.api.town import people, told
from tests.browser.conftest import Town
from tests.browser.episodes import reported
from tests.browser.paper import look_on_paper, sheets_of
from tests.console.families import NOW, child, fact, owes
from workflows.fact_kinds import FactKind

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG = "the invented park by the long road to the invented station, near the shops"


async def children(town: Town, count: int) -> None:
    """So many children of a town, gone and back, with what is owed to each and what is known."""
    store, mine = town.house.store, town.stage.authority
    await people(store, "boss", authority=mine)
    standings = ("missing", "away", "absent", "located", "returned")
    for number in range(count):
        status = standings[number % len(standings)]
        id = await child(store, f"C-{100 + number}", status, gone_hours=2 + number, team="North", authority=mine)
        for clock, due in (("rhi_offer", 5 - number), ("strategy_meeting", 7 + number)):
            await owes(store, id, clock, due, title=f"Invented {clock}", role="team_manager", authority=mine)
        await fact(store, id, FactKind.LAST_SEEN, -2, place=LONG)
        await fact(store, id, FactKind.CONTACT_ATTEMPTED, -1, to="child", channel="phone", note="no answer")
        await told(store, id, "boss", "rhi_offer", mine)
    town.house.now = NOW


@pytest.mark.parametrize(("count", "most"), [(0, 1), (2, 2), (25, 9)])
async def test_a_handover_is_on_as_few_sheets_as_can_be(town: Town, count: int, most: int) -> None:
    await children(town, count)
    page = await town.sign_in(AccessRole.DUTY, begin="/handover")
    await look_on_paper(page)
    headings = await page.get_by_role("heading").all_inner_texts()
    sheets = await sheets_of(page)
    assert len(sheets) <= most
    for number, lines in enumerate(sheets, start=1):
        assert f"Page {number} of {len(sheets)}" in lines
        *_, last = [line for line in lines if not line.startswith("Page ")]
        assert last not in headings, "a heading stands alone at the end of a sheet"
    whole = "\n".join(line for lines in sheets for line in lines)
    assert "Printed for Invented duty" in whole
    assert not re.search(r"/episodes/|Skip to|Sign out|ring 999", whole)


async def test_each_page_of_an_episode_is_fit_for_paper(town: Town) -> None:
    absence = await reported(town, gone_for=30)
    page = await town.sign_in(AccessRole.MANAGER, person="social_worker", begin=absence.path)
    for part in ("", "/clocks", "/timeline", "/told", "/interview", "/meetings", "/plan"):
        await page.goto(absence.path + part)
        await look_on_paper(page)
        sheets = await sheets_of(page)
        assert f"Page {len(sheets)} of {len(sheets)}" in sheets[-1]
    # The picture is whole, on the sheet on which it begins.
    await page.goto(f"{absence.path}/timeline")
    first = (await sheets_of(page))[0]
    assert any(line.startswith("Not started:") for line in first)


@pytest.mark.parametrize(
    ("role", "paths"),
    [
        (AccessRole.MANAGER, ("/now", "/tasks", "/policies/homeward", "/policies/compare", "/episodes")),
        (AccessRole.AUDITOR, ("/audit", "/audit/chain", "/opened-records")),
        (AccessRole.OPERATOR, ("/operations",)),
    ],
)
async def test_other_pages_are_fit_for_paper_too(town: Town, role: AccessRole, paths: tuple[str, ...]) -> None:
    await children(town, 3)
    page = await town.sign_in(role, person="boss")
    for path in paths:
        await page.goto(path)
        await look_on_paper(page)
