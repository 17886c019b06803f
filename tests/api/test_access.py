"""Every route says what it needs, and nobody passes who may not: the whole matrix of routes and roles."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from activities.store import Store
from starter.access import MAY, AccessRole, Permission, Principal
from starter.api import rates
from starter.api.app import OPEN_TO_ALL
from starter.api.asking import AskedRoute, needs
from starter.api.entrance import OPEN_AT_THE_ENTRANCE
from starter.api.problems import Problem
from starter.console.asking import ConsoleRoute
from tests.api.callers import HERE, Service, key


def everything(app: FastAPI) -> Iterator[BaseRoute]:
    """Every route, those of included routers too."""
    for context in iter_route_contexts(app.routes):
        yield context.original_route


def routes(app: FastAPI) -> list[AskedRoute]:
    """The API's routes; the console's are tried in tests/console."""
    return [one for one in everything(app) if isinstance(one, AskedRoute) and not isinstance(one, ConsoleRoute)]


async def test_every_route_asks_who_comes_or_is_written_down_as_open_to_all(store: Store) -> None:
    app = Service(store).app
    open_ones = {getattr(route, "path", "") for route in everything(app) if not isinstance(route, AskedRoute)}
    assert open_ones == OPEN_TO_ALL - OPEN_AT_THE_ENTRANCE
    assert routes(app)


def test_a_route_that_does_not_say_what_it_needs_cannot_be_made() -> None:
    async def endpoint() -> None:
        """Says nothing."""

    with pytest.raises(TypeError, match="does not say which permission"):
        AskedRoute("/nothing", endpoint)
    assert AskedRoute("/something", needs(Permission.PLAN)(endpoint)).permission is Permission.PLAN


async def test_every_permission_is_needed_by_a_route_or_stands_for_what_one_asks_besides(store: Store) -> None:
    everything = {permission for permissions in MAY.values() for permission in permissions}
    assert everything == set(Permission)


async def test_who_may_not_is_refused_by_every_route_and_who_is_not_known_too(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # There are more routes than requests that nobody is known to make in a minute.
    monkeypatch.setattr(rates, "UNKNOWN_A_MINUTE", 10_000)
    service = Service(store)
    tried = 0
    for role in (None, *AccessRole):
        async with service.caller(*((role,) if role else ())) as client:
            for route in routes(service.app):
                may = role is not None and route.permission in MAY[role]
                path = re.sub(r"{[^}]*}", str(uuid4()), route.path)
                for method in sorted(route.methods or ()):
                    answer = await client.request(method, path, headers=key())
                    tried += 1
                    problem = answer.json().get("type", "") if answer.status_code >= 400 else ""
                    if role is None:
                        assert answer.status_code == 401, (method, path)
                        assert answer.headers["www-authenticate"].startswith("Bearer")
                    elif may:
                        assert not problem.endswith(("not-allowed", "not-signed-in")), (role, method, path)
                    else:
                        assert problem.endswith("not-allowed"), (role, method, path)
    assert tried >= len(routes(service.app)) * (len(AccessRole) + 1)


@pytest.mark.parametrize("role", AccessRole)
def test_a_principal_may_what_its_role_may(role: AccessRole) -> None:
    who = Principal(id="x", name="x", kind="person", authority=HERE, roles=frozenset({role}))
    assert {one for one in Permission if who.may(one)} == MAY[role]


def test_who_has_two_roles_may_what_either_may() -> None:
    roles = frozenset({AccessRole.OPERATOR, AccessRole.AUDITOR})
    who = Principal(id="x", name="x", kind="person", authority=HERE, roles=roles)
    assert who.may(Permission.OPERATE)
    assert who.may(Permission.READ_AUDIT)
    assert not who.may(Permission.READ_EPISODES)


async def test_a_path_says_all_that_can_be_done_there(store: Store) -> None:
    async with Service(store).caller(AccessRole.DUTY) as client:
        answer = await client.request("DELETE", "/v1/episodes")
        nowhere = await client.get("/v1/nowhere")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert answer.json()["type"].endswith("no-such-method")
    assert (nowhere.status_code, nowhere.json()["type"]) == (404, "/v1/problems/not-found")


async def test_every_problem_is_explained_where_it_says(store: Store) -> None:
    async with Service(store).caller() as client:
        for problem in Problem:
            explained = (await client.get(problem.uri)).json()
            assert (explained["status"], explained["title"]) == (problem.status, problem.title)
        assert (await client.get("/v1/problems/none-such")).status_code == 404
