"""Every change that the API takes, said once and said three times; and another authority, which sees none of it."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select

from activities.store.tables import AnsweredTable, BrokenGlassTable, ChildTable, EpisodeTable, InboxTable
from starter.access import AccessRole
from starter.client import Episodes
from tests.api.callers import Service, key
from tests.api.test_access import routes
from tests.engine.conftest import Theatre
from tests.engine.story import PROVIDER, REOPENING, SECRET, STORY, Context, Step, beginning, filled, take

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVERYTHING = tuple(role for role in AccessRole)
IDS = ("episode", "duplicate", "close", "said", "hook", "referral", "intake")


def service(theatre: Theatre) -> Service:
    async def connect() -> Episodes:
        return Episodes(theatre.environment.client, 20)

    return Service(theatre.store, connect)


@asynccontextmanager
async def town(theatre: Theatre) -> AsyncGenerator[tuple[str, httpx.AsyncClient]]:
    """An authority of its own, and somebody there who may do everything."""
    name = f"town-{uuid4().hex[:8]}"
    async with service(theatre).caller(*EVERYTHING, authority=name, person=f"{SECRET}-ME", provider=PROVIDER) as client:
        yield name, client


async def settled(theatre: Theatre, name: str) -> None:
    """Wait until the engine has written all that it was told: every report has its rows, and no turn comes any more."""
    reported = select(InboxTable.episode_id).where(InboxTable.authority == name, InboxTable.kind == "report")
    written = select(EpisodeTable.id, EpisodeTable.turn).where(EpisodeTable.authority == name)
    async with asyncio.timeout(60):
        before, quiet = None, 0
        while quiet < 4:
            await asyncio.sleep(0.1)
            async with theatre.store.snapshot() as session:
                asked = set((await session.scalars(reported)).all())
                now = dict[str, int]((await session.execute(written)).all())
            quiet = quiet + 1 if now == before and asked <= set(now) else 0
            before = now


async def lived(theatre: Theatre, name: str, client: httpx.AsyncClient, times: int) -> Context:
    """The story, each request sent so many times."""
    context = beginning()
    for step in STORY:
        if "/referrals/" in step.path:
            context["referral"] = (await client.get("/v1/referrals")).json()["items"][0]["id"]
        if "/trays/" in step.path:
            lying = (await client.get("/v1/trays/me")).json()["items"]
            context["notices"] = [one["notice"] for one in lying if one["asks"] == "answer"]
            assert context["notices"], [(one["clock"], one["role"], one["asks"]) for one in lying]
        answer = await take(client, step, context, times)
        # What was removed by the first of several requests is not there for the last.
        gone = step.method == "DELETE" and answer.status_code == 404
        assert answer.is_success or gone, (step.route, answer.status_code, answer.text)
        if step.waits:
            await settled(theatre, name)
    await settled(theatre, name)
    return context


async def state_of(theatre: Theatre, name: str, client: httpx.AsyncClient) -> dict[str, Any]:
    """How an authority stands, without what differs from one life to the next: ids and instants."""
    state: dict[str, Any] = {}
    listed = (await client.get("/v1/episodes")).json()["items"]
    wholes = [(await client.get(f"/v1/episodes/{one['episode_id']}")).json() for one in listed]
    state["episodes"] = sorted(json.dumps(_standing(whole), sort_keys=True) for whole in wholes)
    for kind in ("people", "holders", "teams", "rota", "leave"):
        rows = (await client.get(f"/v1/directory/{kind}")).json()["items"]
        state[kind] = [{k: v for k, v in row.items() if k not in ("from", "until", "since")} for row in rows]
    state["records"] = (await client.get(f"/v1/children/{SECRET}-CHILD/records/safety_plan")).json()
    state["webhooks"] = [(one["name"], one["state"]) for one in (await client.get("/v1/webhooks")).json()]
    for row in state["records"]:
        row.pop("recorded_at")
    async with theatre.store.session() as session:
        for table in (InboxTable, EpisodeTable, ChildTable, BrokenGlassTable, AnsweredTable):
            mine = select(func.count()).select_from(table).where(table.authority == name)
            state[table.__tablename__] = await session.scalar(mine)
    return state


def _standing(whole: dict[str, Any]) -> dict[str, Any]:
    return {
        "child": whole["child_reference"],
        "status": whole["status"],
        "facts": sorted((one["kind"], one["note"] or "") for one in whole["facts"]),
        "clocks": sorted((one["id"], one["state"]) for one in whole["clocks"]),
        "tasks": sorted((one["clock"] or "", one["state"], one["holder"] or "") for one in whole["tasks"]),
        "told": sorted((one["clock"], one["rung"], one["role"], one["person"] or "") for one in whole["who_knew"]),
    }


def changing(theatre: Theatre) -> set[tuple[str, str]]:
    """Every route that changes something."""
    found = {(m, r.path) for r in routes(service(theatre).app) for m in r.methods or ()}
    return {(method, path) for method, path in found if method != "GET"}


async def test_the_story_says_everything_that_can_be_said(theatre: Theatre) -> None:
    assert {step.route for step in (*STORY, REOPENING)} == changing(theatre)


async def test_saying_everything_three_times_is_saying_it_once(theatre: Theatre) -> None:
    async with town(theatre) as (one, once), town(theatre) as (three, thrice):
        await lived(theatre, one, once, 1)
        await lived(theatre, three, thrice, 3)
        assert await state_of(theatre, three, thrice) == await state_of(theatre, one, once)


def nothing_like(context: Context, values: dict[str, str]) -> Context:
    """Ids like those of a context, of nothing at all."""
    keep = ("kind", "record", "duty", "now", "person")
    return {
        name: value if name in keep else _other(value) for name, value in context.items() if name in values.values()
    }


def _other(value: Any) -> str:
    return str(uuid4()) if len(str(value)) == 36 else f"NONE-{uuid4().hex[:6]}"


READINGS = (
    ("/v1/episodes/{episode_id}", {"episode_id": "episode"}),
    ("/v1/episodes/{episode_id}/told", {"episode_id": "episode"}),
    ("/v1/episodes/{episode_id}/police-pack", {"episode_id": "episode"}),
    ("/v1/episodes/{episode_id}/tasks/{duty}", {"episode_id": "episode", "duty": "duty"}),
    ("/v1/said/{said_id}", {"said_id": "said"}),
    ("/v1/children/{reference}/records", {"reference": "child"}),
    ("/v1/children/{reference}/records/{kind}", {"reference": "child", "kind": "record"}),
    ("/v1/children/{reference}/episodes", {"reference": "child"}),
    ("/v1/trays/{person}", {"person": "other"}),
    ("/v1/referrals/{referral_id}", {"referral_id": "referral"}),
    ("/v1/intakes/{run_id}", {"run_id": "intake"}),
    ("/v1/intakes/{run_id}/lines", {"run_id": "intake"}),
    ("/v1/webhooks/{name}", {"name": "hook"}),
    ("/v1/webhooks/{name}/dead-letters", {"name": "hook"}),
)
OF_EVERYBODY = ("/v1/policies/{name}", "/v1/policies/{name}/page", "/v1/policies/{name}/differences")


async def test_another_authority_sees_nothing_by_any_route_or_any_guess(theatre: Theatre) -> None:
    async with town(theatre) as (north_name, north), town(theatre) as (south_name, south):
        context = await lived(theatre, north_name, north, 1)
        ids = [str(value) for name, value in context.items() if name in IDS]
        asked = [route for route in routes(service(theatre).app) if "GET" in (route.methods or ())]
        named = {path for path, _ in READINGS} | set(OF_EVERYBODY)
        assert {route.path for route in asked if "{" in route.path} == named
        for route in asked:
            if "{" in route.path:
                continue
            query = "?role=iro" if route.path == "/v1/directory/who" else ""
            answer = await south.get(f"{route.path}{query}")
            assert answer.status_code == 200, route.path
            for secret in (SECRET, *ids):
                assert secret not in answer.text.replace(f"{SECRET}-ME", "").replace(PROVIDER, ""), route.path
        for path, values in READINGS:
            theirs = await south.get(filled(path, values, context))
            none = await south.get(filled(path, values, nothing_like(context, values)))
            assert (theirs.status_code, theirs.text) == (none.status_code, none.text), path
        whose = [await south.get(f"/v1/directory/who?role=iro&child={one}") for one in (context["child"], "NONE-1")]
        assert whose[0].text.replace(context["child"], "NONE-1") == whose[1].text
        for query in (f"child={context['child']}", f"police_reference={SECRET}-P"):
            assert (await south.get(f"/v1/episodes?{query}")).json() == {"items": [], "next": None}
        await _changes_nothing(theatre, south_name, south, context)
        assert context["duplicate"] in (await north.get("/v1/episodes")).text


async def _changes_nothing(theatre: Theatre, south_name: str, south: httpx.AsyncClient, context: Context) -> None:
    """Say to one authority what speaks of the things of another: it is answered as what speaks of nothing."""
    ours = ("reference", "child", "kind", "person")
    for step in (*STORY, REOPENING):
        if not step.values or all(name in ours for name in step.values):
            continue
        known = {**context, "closed": context["duplicate"], "hook": context["hook"], "spare": context["hook"]}
        theirs = await take(south, Step(step.method, step.path, step.body, step.values), known, 1)
        nothing = {**known, **nothing_like(known, step.values)}
        none = await south.request(
            step.method,
            filled(step.path, step.values, nothing),
            headers=key(),
            **({} if step.method == "DELETE" else {"json": step.body(known)}),
        )
        assert (theirs.status_code, theirs.text) == (none.status_code, none.text), step.route
        assert theirs.status_code == 404, step.route
    async with theatre.store.session() as session:
        kept = select(func.count()).select_from(InboxTable).where(InboxTable.authority == south_name)
        assert await session.scalar(kept) == 0
