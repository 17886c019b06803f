"""The police pack over HTTP in each form; who was told of an episode."""

import pytest

from activities.store import Store
from starter.access import AccessRole
from starter.api.v1.packs import HTML, JSON, PDF, form_wanted
from starter.police_pack import PolicePack
from tests.api.callers import ELSEWHERE, HERE, Service
from tests.api.town import NOW, episode, holds, people, told

PRACTITIONER = AccessRole.PRACTITIONER
CHILD = "invented-child"


def at_now(store: Store) -> Service:
    return Service(store, clock=lambda: NOW)


async def reported(service: Service, authority: str = HERE, **circumstances: bool) -> str:
    """The episode of a report that was kept while the engine is away."""
    said = {"child": {"reference": CHILD, **circumstances}, "answers": {"health": "Invented asthma"}}
    _, outcome = await service.parts.commands.of(authority, "somebody").report(said, NOW)
    return outcome.episode_id


ACCEPTED = {
    "": None,
    "*/*": JSON,
    "application/json": JSON,
    "text/html": HTML,
    "application/pdf": PDF,
    "text/*": HTML,
    "text/html,application/xhtml+xml,*/*;q=0.8": HTML,
    "application/json;q=0.1, application/pdf;q=0.9": PDF,
    "text/html;q=0": None,
    "text/html;q=0, */*": JSON,
    "image/png": None,
    "text/html;q=lots": None,
    "APPLICATION/PDF": PDF,
}


@pytest.mark.parametrize("accept", ACCEPTED)
def test_the_form_is_what_accept_likes_best(accept: str) -> None:
    assert form_wanted(accept) == ACCEPTED[accept]


async def test_the_pack_comes_in_each_form_and_in_no_other(store: Store) -> None:
    service = at_now(store)
    path = f"/v1/episodes/{await reported(service)}/police-pack"
    async with service.caller(PRACTITIONER) as client:
        by_default = await client.get(path)
        page, pdf, none = [
            await client.get(path, headers={"Accept": one}) for one in ("text/html", "application/pdf", "image/png")
        ]
        again = await client.get(path, headers={"If-None-Match": by_default.headers["etag"]})
    pack = PolicePack.model_validate(by_default.json())
    assert "Invented asthma" in pack.items[6].known[0]
    assert (page.headers["content-type"], pdf.headers["content-type"]) == (
        "text/html; charset=utf-8",
        "application/pdf",
    )
    assert "Invented asthma" in page.text
    assert "sandbox" in page.headers["content-security-policy"]
    assert pdf.content.startswith(b"%PDF-")
    assert CHILD not in pdf.headers["content-disposition"]
    assert (none.status_code, none.json()["type"]) == (406, "/v1/problems/not-acceptable")
    assert again.status_code == 304


async def test_an_episode_of_another_authority_is_like_none_and_one_without_a_report_has_no_pack(store: Store) -> None:
    service = at_now(store)
    theirs, bare = await reported(service, ELSEWHERE), await episode(store)
    async with service.caller(PRACTITIONER) as client:
        for one in (theirs, "nothing"):
            for what in ("police-pack", "told"):
                assert (await client.get(f"/v1/episodes/{one}/{what}")).status_code == 404
        assert (await client.get(f"/v1/episodes/{bare}/police-pack")).status_code == 404


async def test_need_to_know_is_for_who_is_close(store: Store) -> None:
    service = at_now(store)
    open_one, kept_close = await reported(service), await episode(store, CHILD, need_to_know=True)
    await people(store, "w1", "w2")
    await holds(store, "w1", "social_worker", child=CHILD)
    async with service.caller(PRACTITIONER, person="w2") as far:
        # The pack tells of the child's other episodes, so it is no more open than they are.
        for path in (f"{open_one}/police-pack", f"{kept_close}/police-pack", f"{kept_close}/told"):
            answer = await far.get(f"/v1/episodes/{path}")
            assert answer.json()["type"] == "/v1/problems/need-to-know"
        assert (await far.get(f"/v1/episodes/{open_one}/told")).json()["who_knew"] == []
    async with service.caller(PRACTITIONER, person="w1") as close:
        assert (await close.get(f"/v1/episodes/{open_one}/police-pack")).status_code == 200
        assert (await close.get(f"/v1/episodes/{kept_close}/told")).status_code == 200


async def test_who_was_told(store: Store) -> None:
    await people(store, "w1")
    one = await episode(store)
    notice = await told(store, one, "w1", "rhi")
    async with at_now(store).caller(PRACTITIONER) as client:
        said = (await client.get(f"/v1/episodes/{one}/told")).json()
    (row,) = said["who_knew"]
    assert (said["episode_id"], row["notice"], row["person"], row["way"]) == (one, notice, "w1", "tray")
    assert (row["sent"], row["standing"]) == ("2026-06-10T12:00:00Z", "in the tray")
