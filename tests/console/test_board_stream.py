"""The board as it changes: what is sent and when, what is written down of it, and when it ends."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from html import unescape
from typing import Any

import httpx
import pytest
import pytest_asyncio

from activities.store import Store, StoreUnavailableError, audit
from activities.store.audit import Chained
from starter.access import AccessRole
from starter.api import streams
from starter.console import board_stream, board_watch
from starter.console.overviews import Overviews
from starter.identity import account_changes
from tests.api.callers import HERE, Service
from tests.console.families import NOW, child, fact, happened, owes
from tests.identity.house import House, opened, signed_in
from workflows.fact_kinds import FactKind

PATIENCE = 20


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_watch, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(board_stream, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(board_stream, "LOOK_UP_SECONDS", 0.3)


@pytest_asyncio.fixture
async def house(one_service: Service) -> AsyncGenerator[House]:
    async with opened(one_service.store) as house:
        house.now = NOW
        yield house


class Events:
    """The events of a stream, as they come."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self, *kinds: str) -> tuple[str, str, str]:
        """The next event of these kinds, or of any: its kind, its data and its id."""
        async with asyncio.timeout(PATIENCE):
            while True:
                kind, data, id = "", list[str](), ""
                async for line in self._lines:
                    if not line:
                        break
                    name, _, value = line.partition(": ")
                    if name == "event":
                        kind = value
                    elif name == "id":
                        id = value
                    elif name.startswith("data"):
                        data.append(value)
                else:
                    return "end", "", ""
                if kind and (not kinds or kind in kinds):
                    return kind, "\n".join(data), id


@asynccontextmanager
async def following(browser: httpx.AsyncClient, query: str = "") -> AsyncGenerator[Events]:
    async with browser.stream("GET", f"/now/changes{query}") as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        yield Events(response)


@asynccontextmanager
async def manager(house: House) -> AsyncGenerator[httpx.AsyncClient]:
    await house.person()
    async with house.browser() as browser:
        await signed_in(browser)
        yield browser


async def entries(store: Store) -> list[Chained]:
    async with store.session() as session:
        return [one for one in await audit.entries(session, HERE) if one.way.startswith("GET /now")]


async def test_a_change_is_sent_as_it_comes_and_each_child_is_written_down_once(house: House) -> None:
    first = await child(house.store, "C-1")
    hidden = await child(house.store, "C-2", need_to_know=True)
    async with manager(house) as browser, following(browser) as events:
        _, html, mark = await events.next("board")
        assert "C-1" in html
        assert "C-2" not in html
        assert (await events.next())[:2] == ("same", "13:00:00")
        second = await child(house.store, "C-3")
        await happened(house.store)
        _, html, other = await events.next("board")
        assert "C-3" in html
        assert other != mark
        await owes(house.store, first, "rhi", 1)
        await happened(house.store)
        _, html, _ = await events.next("board")
        assert "Invented rhi" in html
        written = await entries(house.store)
    assert [one.way for one in written] == ["GET /now/changes"] * 3
    assert [list(one.subjects) for one in written] == [[], [first], [second]]
    assert hidden not in {subject for one in written for subject in one.subjects}


async def test_what_is_there_already_is_not_sent_or_written_down_again(house: House) -> None:
    await child(house.store, "C-1")
    async with manager(house) as browser:
        page = (await browser.get("/now")).text
        mark = page.partition('data-mark="')[2].partition('"')[0]
        async with following(browser, f"?has={mark}") as events:
            assert (await events.next())[0] == "same"
            assert (await events.next())[0] == "same"
    assert [len(one.subjects) for one in await entries(house.store)] == [1, 0]


async def test_time_passes_without_an_event(house: House) -> None:
    await owes(house.store, await child(house.store, "C-1"), "rhi", 1)
    async with manager(house) as browser, following(browser) as events:
        assert "1 hour left" in (await events.next("board"))[1]
        house.later(minutes=2)
        assert "58 minutes left" in (await events.next("board"))[1]


async def test_filters_stay(house: House) -> None:
    await child(house.store, "HERE", team="North")
    await child(house.store, "THERE", team="South")
    async with manager(house) as browser, following(browser, "?team=North") as events:
        _, html, _ = await events.next("board")
    assert "HERE" in html
    assert "THERE" not in html


async def test_it_ends_with_the_session_which_it_does_not_keep_alive(house: House) -> None:
    async with manager(house) as browser, following(browser) as events:
        await events.next("same")
        house.later(minutes=20)
        assert (await events.next("same"))[1] == "13:20:00"
        house.later(minutes=11)
        assert [(await events.next("ended", "board"))[0] for _ in range(1)] == ["ended"]
        assert (await events.next())[0] == "end"


async def test_a_page_that_loads_again_without_scripts_keeps_no_session_alive(house: House) -> None:
    async with manager(house) as browser:
        there = await browser.get("/now?team=North")
        (again,) = re.findall(r'http-equiv="refresh" content="60; url=([^"]*)"', unescape(there.text))
        house.later(minutes=20)
        assert (await browser.get(again)).status_code == 200
        house.later(minutes=11)
        assert (await browser.get(again)).status_code == 303, "nobody was there for 31 minutes"


async def test_it_ends_when_the_role_is_lost(house: House) -> None:
    async with manager(house) as browser, following(browser) as events:
        await events.next("same")
        async with house.store.session() as session:
            await account_changes.change_roles(session, HERE, "Invented One", ["auditor"], ["manager"])
        assert (await events.next("ended"))[0] == "ended"


async def test_that_the_records_cannot_be_reached_is_said_and_it_goes_on_after(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with manager(house) as browser, following(browser) as events:
        await events.next("same")
        with monkeypatch.context() as broken:

            async def away(*_: object) -> None:
                raise StoreUnavailableError("invented")

            broken.setattr(board_watch, "feed_of", away)
            assert (await events.next("away"))[1] == "records"
        assert (await events.next("same"))[0] == "same"


async def test_a_watch_that_no_longer_looks_is_not_taken_for_one_that_sees_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with manager(house) as browser, following(browser) as events:
        await events.next("same")
        monkeypatch.setattr(board_watch, "_ASLEEP_AFTER_SECONDS", -1.0)
        assert (await events.next("away"))[1] == "records"


async def test_there_are_so_many_for_one_and_so_many_in_all(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST_STREAMS_EACH", 1)
    async with manager(house) as browser:
        async with following(browser) as events:
            await events.next("same")
            refused = await browser.get("/now/changes")
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
            assert (await browser.get("/account")).status_code == 200
        monkeypatch.setattr(streams, "MOST_STREAMS_EACH", 9)
        monkeypatch.setattr(streams, "MOST_STREAMS", 0)
        assert (await browser.get("/now/changes")).status_code == 429


async def test_it_ends_at_once_when_the_service_stops(one_service: Service) -> None:
    async with asyncio.timeout(PATIENCE):
        async with opened(one_service.store) as house:
            house.now = NOW
            await house.person()
            browser = house.browser()
            await signed_in(browser)
            stream = browser.stream("GET", "/now/changes")
            events = Events(await stream.__aenter__())
            await events.next("same")
        # The house is down, and waited for nobody.
        assert (await events.next("end"))[0] == "end"
        await browser.aclose()


async def test_many_follow_one_look(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    read = Overviews.read

    async def counted(*asked: Any) -> Any:
        looks.append("")
        return await read(*asked)

    monkeypatch.setattr(Overviews, "read", counted)
    id = await child(house.store, "C-1")
    async with manager(house) as browser, following(browser) as one, following(browser) as other:
        await one.next("board")
        await other.next("board")
        before = len(looks)
        await fact(house.store, id, FactKind.RISK_ASSESSED, -1, grade="high", scheme="S")
        await happened(house.store)
        for events in (one, other):
            assert "High" in (await events.next("board"))[1]
        assert len(looks) == before + 1


async def test_whoever_may_not_read_episodes_gets_none(one_service: Service) -> None:
    async with one_service.caller(AccessRole.REPORTER) as reporter:
        assert (await reporter.get("/now/changes")).status_code == 403
