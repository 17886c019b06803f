"""The form of every kind of thing that can be recorded, in a browser as narrow as a small phone."""

import pytest

from starter.access import AccessRole
from starter.console.episode.kinds import GROUPS, Group
from tests.browser.conftest import Town
from tests.browser.episodes import reported
from tests.browser.looks import NARROW, look_at

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("group", GROUPS, ids=[group.title for group in GROUPS])
async def test_every_form_of_a_group_is_fit_to_be_used(town: Town, group: Group) -> None:
    absence = await reported(town)
    page = await town.sign_in(AccessRole.MANAGER, person="social_worker", size=NARROW, begin=f"{absence.path}/record")
    for kind in group.kinds:
        answer = await page.goto(f"{absence.path}/record/{kind.value}")
        assert answer is not None
        assert answer.status == 200, kind
        await look_at(page)
