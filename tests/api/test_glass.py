"""Breaking the glass over HTTP: written down with its reason, told to the administrator, open for a time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import select

from activities.channels.base import Answer, Found, Letter, Taken
from activities.posting import Post, WayOut, gather
from activities.store import Store, audit
from activities.store.answers import tray_of
from activities.store.audit import Chained
from activities.store.directory import PersonEntry, add, person_id, put_person
from activities.store.tables import BrokenGlassTable, HoldingTable, NoticeTable
from starter.access import AccessRole
from starter.client import EngineSilentError
from starter.glass import Glass
from tests.api.callers import HERE, Service, key, principal
from tests.api.test_access import routes
from tests.starter.test_sight import EPISODE, OPEN_EPISODE, restricted
from workflows.messages import PostRules
from workflows.post_contracts import GatherAsked
from workflows.vocabulary import Channel

NOW: Final = datetime.fromisoformat("2026-06-10T12:00:00+00:00")
PATH: Final = f"/v1/episodes/{EPISODE}/break-glass"
WHY: Final = {"reason": "The police ask where she is"}


class Paper:
    """A way out that ends on paper."""

    can_look_up = False

    async def send(self, letter: Letter) -> Answer:
        del letter
        return Taken(delivered=True)

    async def look_up(self, reference: str) -> Found | None:
        del reference


class Postboxes:
    """Who was nudged; the engine is away while `away`."""

    def __init__(self) -> None:
        self.nudged: list[str] = []
        self.away = False

    async def nudge(self, authority: str, person: str) -> None:
        if self.away:
            raise EngineSilentError("the engine does not answer")
        assert authority == HERE
        self.nudged.append(person)

    @property
    def post(self) -> Post:
        ways = {"smtp": WayOut(Channel.EMAIL, Paper())}
        return Post(ways=ways, rules=PostRules(), links="https://homeward.invented.example", nudge=self.nudge)


class Desk:
    """The service, its clock and its postboxes."""

    def __init__(self, store: Store) -> None:
        self.now, self.postboxes = NOW, Postboxes()
        self.service = Service(store, clock=lambda: self.now, glass=Glass(timedelta(hours=8), self.postboxes.post))
        self.store = store
        self.me = principal(AccessRole.PRACTITIONER, id="me", name="Invented Me")

    async def hold(self, role: str) -> str:
        """Have somebody with an e-mail address hold a role authority-wide; Homeward's id of that person."""
        async with self.store.session() as session:
            entry = PersonEntry(reference=role, name=f"Invented {role}", email=f"{role}@invented.example")
            await put_person(session, HERE, entry)
            who = str(await person_id(session, HERE, role))
            held = {"authority": HERE, "role": role, "scope": "authority", "held_for": "", "person_id": who}
            await add(session, HoldingTable, held)
        return who

    async def breaks(self, path: str = PATH, said: Mapping[str, Any] = WHY, **more: Any) -> tuple[int, dict[str, Any]]:
        headers = more.pop("headers", None) or key()
        who = more.pop("who", self.me)
        token = {"Authorization": f"Bearer {self.service.identity.token(who)}"}
        async with self.service.caller() as client:
            answer = await client.post(path, json=dict(said), headers=headers | token)
        return answer.status_code, answer.json()

    async def entries(self) -> list[Chained]:
        async with self.store.session() as session:
            return await audit.entries(session, HERE)

    async def rows(self, table: Any) -> list[Any]:
        async with self.store.session() as session:
            return list((await session.scalars(select(table))).all())


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


async def test_the_glass_is_broken_for_a_time_with_its_reason_and_the_administrator_is_told(desk: Desk) -> None:
    await restricted(desk.store, HERE)
    admin = await desk.hold("administrator")
    await desk.hold("operator")
    status, said = await desk.breaks()
    assert (status, said) == (
        201,
        {
            "broken": True,
            "detail": "Opened. The administrator was told.",
            "until": "2026-06-10T20:00:00Z",
            "told_as": "administrator",
            "told": 1,
        },
    )
    asked, opened = await desk.entries()
    assert (asked.way, asked.outcome, asked.why) == (opened.way, "allowed", None)
    assert (opened.why, opened.permission, opened.who) == (WHY["reason"], "break_glass", "me")
    [row] = await desk.rows(BrokenGlassTable)
    assert opened.subjects == (EPISODE, row.child_id)
    assert (row.who, row.why, row.at, row.until) == ("me", WHY["reason"], NOW, NOW + timedelta(hours=8))
    [told] = await desk.rows(NoticeTable)
    assert told.says == "The restricted record of an episode was opened by Invented Me; reason in the audit"
    assert (told.clock, told.role, told.needs_ack, told.escalates) == ("break_glass", "administrator", False, False)
    assert desk.postboxes.nudged == [admin]
    async with desk.store.session() as session:
        [in_tray] = await tray_of(session, admin)
    assert in_tray.line.asks == "notice"


async def test_again_while_it_is_open_does_nothing_and_after_its_end_breaks_it_again(desk: Desk) -> None:
    await restricted(desk.store, HERE)
    await desk.hold("administrator")
    assert (await desk.breaks())[0] == 201
    status, said = await desk.breaks()
    assert (status, said["broken"], said["detail"]) == (200, False, "Nothing was done: you may see it already.")
    desk.now += timedelta(hours=8)
    assert (await desk.breaks())[0] == 201
    assert len(await desk.rows(NoticeTable)) == 2
    assert (await desk.breaks(who=principal(AccessRole.PRACTITIONER)))[0] == 201, "it is open to nobody else"


async def test_an_episode_that_is_not_restricted_is_left_as_it_is(desk: Desk) -> None:
    await restricted(desk.store, HERE)
    status, said = await desk.breaks(f"/v1/episodes/{OPEN_EPISODE}/break-glass")
    assert (status, said["broken"], said["detail"]) == (200, False, "Nothing was done: it is not restricted.")
    assert await desk.rows(BrokenGlassTable) == []
    assert await desk.rows(NoticeTable) == []


async def test_the_same_request_again_is_done_once(desk: Desk) -> None:
    await restricted(desk.store, HERE)
    await desk.hold("administrator")
    mine = key()
    first, again = await desk.breaks(headers=mine), await desk.breaks(headers=mine)
    assert first == again
    assert first[0] == 201
    assert len(await desk.rows(BrokenGlassTable)) == len(desk.postboxes.nudged) == 1
    status, said = await desk.breaks(headers=mine, said={"reason": "An altogether different reason"})
    assert (status, said["type"]) == (409, "/v1/problems/key-reused")


@pytest.mark.parametrize(
    ("holders", "told_as", "told", "detail"),
    [
        (["operator"], "operator", 1, "Opened. Nobody holds the administrator's role: the operator was told."),
        (
            ["duty_manager"],
            "operator",
            1,
            "Opened. Nobody holds the administrator's role or the operator's: who stands in for them was told.",
        ),
        (
            [],
            None,
            0,
            "Opened. Nobody was there to be told: nobody holds the administrator's role or the operator's.",
        ),
    ],
)
async def test_where_there_is_no_administrator_the_operator_is_told_and_the_answer_says_so(
    desk: Desk, holders: list[str], told_as: str | None, told: int, detail: str
) -> None:
    await restricted(desk.store, HERE)
    for role in holders:
        await desk.hold(role)
    status, said = await desk.breaks()
    assert (status, said["told_as"], said["told"], said["detail"]) == (201, told_as, told, detail)
    assert [row.role for row in await desk.rows(NoticeTable)] == ["operator"]


async def test_what_tells_the_administrator_waits_for_an_engine_that_is_away(desk: Desk) -> None:
    await restricted(desk.store, HERE)
    admin = await desk.hold("administrator")
    desk.postboxes.away = True
    assert (await desk.breaks())[0] == 201
    assert desk.postboxes.nudged == []
    [row] = await desk.rows(NoticeTable)
    gathered = await gather(
        desk.store, desk.postboxes.post, GatherAsked(message="m1", authority=HERE, person=admin, now=row.sent_at)
    )
    assert gathered.message is not None
    assert (gathered.message.ways, gathered.message.lines) == (("smtp",), 1)


MUST_SAY = "reason: must say in 3 words or more why you must see this record"


@pytest.mark.parametrize(
    ("reason", "complaint"),
    [
        ("", MUST_SAY),
        ("   ", MUST_SAY),
        ("curious", MUST_SAY),
        ("two words", MUST_SAY),
        ("three words \x00", "reason: must be plain text of at most 500 characters"),
        ("so many words " * 40, "reason: must be plain text of at most 500 characters"),
    ],
)
async def test_a_reason_that_says_nothing_opens_nothing(desk: Desk, reason: str, complaint: str) -> None:
    await restricted(desk.store, HERE)
    status, said = await desk.breaks(said={"reason": reason})
    assert (status, said["detail"]) == (422, complaint)
    assert await desk.rows(BrokenGlassTable) == []


@pytest.mark.parametrize("body", [{}, {"reason": None}, {"reason": 3}, {"reason": "a b c", "more": 1}])
async def test_a_body_that_is_none_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    await restricted(desk.store, HERE)
    assert (await desk.breaks(said=body))[0] == 422


async def test_an_episode_of_another_authority_is_not_there(desk: Desk) -> None:
    await restricted(desk.store, "elsewhere")
    not_there = (await desk.breaks())[1], (await desk.breaks("/v1/episodes/nothing/break-glass"))[1]
    assert {one["type"] for one in not_there} == {"/v1/problems/not-found"}
    assert not_there[0] == not_there[1]
    assert await desk.rows(BrokenGlassTable) == []


async def test_whoever_is_not_close_is_told_so_by_every_route_of_an_episode(desk: Desk) -> None:
    await restricted(desk.store, HERE)
    of_episode = [one for one in routes(desk.service.app) if "{episode_id}" in one.path]
    assert [one.path for one in of_episode if one.path.endswith("/break-glass")]
    token = {"Authorization": f"Bearer {desk.service.identity.token(desk.me)}"}
    async with desk.service.caller() as client:
        for route in of_episode:
            if "GET" not in (route.methods or ()) or not desk.me.may(route.permission):
                continue
            answer = await client.get(route.path.replace("{episode_id}", EPISODE), headers=token)
            assert answer.json()["type"] == "/v1/problems/need-to-know", route.path
