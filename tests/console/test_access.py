"""The console's gate: every page with every role and with nobody; what a page answers instead of a problem."""

import re
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from activities.store import StoreUnavailableError
from starter.access import MAY, AccessRole
from starter.api import rates
from starter.api.guard import LARGEST_FORM, LARGEST_REQUEST
from starter.console.asking import ConsoleRoute
from starter.console.assets import path_of
from starter.console.episode import recording
from starter.console.navigation import SECTIONS, begins_at
from starter.console.pages import POLICY
from tests.api.callers import Service, principal
from tests.api.test_access import everything
from tests.api.town import NOW
from tests.console.absences import absence

FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}


def pages(app: FastAPI) -> list[ConsoleRoute]:
    return [route for route in everything(app) if isinstance(route, ConsoleRoute)]


async def test_who_may_not_is_refused_by_every_page_and_nobody_is_brought_to_sign_in(
    one_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "UNKNOWN_A_MINUTE", 10_000)
    service = Service(one_service.store)
    assert pages(service.app)
    for role in (None, *AccessRole):
        async with service.caller(*((role,) if role else ())) as client:
            for route in pages(service.app):
                path = re.sub(r"{[^}]*}", str(uuid4()), route.path)
                for method in sorted(route.methods or ()):
                    if role is not None and route.permission in MAY[role]:
                        continue
                    answer = await client.request(method, path, data={"key": str(uuid4())})
                    if role is None:
                        assert answer.status_code == 303, (method, path)
                        assert answer.headers["location"].startswith("/sign-in?to=/"), (method, path)
                    else:
                        assert answer.status_code == 403, (role, method, path)
                        assert "You cannot do this here" in answer.text


@pytest.mark.parametrize("role", AccessRole)
async def test_everybody_begins_somewhere_and_sees_their_own_sections(one_service: Service, role: AccessRole) -> None:
    who = principal(role)
    async with one_service.caller(role) as client:
        assert (await client.get("/")).headers["location"] == begins_at(who)
        account = (await client.get("/account")).text
        for section in SECTIONS:
            assert (f'href="{section.path}"' in account) == who.may(section.permission)
            if who.may(section.permission):
                assert (await client.get(section.path)).status_code == 200, section.path


@pytest.mark.parametrize(
    ("role", "begins"),
    [
        (AccessRole.DUTY, "/now"),
        (AccessRole.INTERVIEW_PROVIDER, "/referrals"),
        (AccessRole.HOST_AUTHORITY, "/report"),
        (AccessRole.REPORTER, "/report"),
        (AccessRole.AUDITOR, "/audit"),
        (AccessRole.OPERATOR, "/operations"),
        (AccessRole.ADMINISTRATOR, "/operations"),
    ],
)
def test_each_role_begins_at_its_own_work(role: AccessRole, begins: str) -> None:
    assert begins_at(principal(role)) == begins


async def test_a_page_runs_and_fetches_nothing_of_others_and_is_kept_by_nobody(one_service: Service) -> None:
    async with one_service.caller(AccessRole.MANAGER) as client:
        answer = await client.get("/account")
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    assert not re.search(r"\son\w+=|style=|<script>|javascript:", answer.text)


async def test_what_was_written_when_the_session_ended_is_given_back(one_service: Service) -> None:
    written = {"key": str(uuid4()), "note": "<b>invented</b> & kept"}
    async with one_service.caller() as nobody:
        route = next(one for one in pages(one_service.app) if "POST" in (one.methods or ()))
        path = re.sub(r"{[^}]*}", str(uuid4()), route.path)
        answer = await nobody.post(path, data=written, headers=FROM_OUR_PAGE)
        foreign = await nobody.post(path, data=written, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 401
    assert f'action="{path}"' in answer.text
    assert 'value="&lt;b&gt;invented&lt;/b&gt; &amp; kept"' in answer.text
    assert written["key"] in answer.text
    # Another's page must not put its words into somebody's mouth.
    assert (foreign.status_code, "invented" in foreign.text) == (303, False)


async def tried(service: Service, path: str, data: dict[str, str], **headers: str) -> httpx.Response:
    async with service.caller(AccessRole.MANAGER) as client:
        return await client.post(path, data=data, headers=FROM_OUR_PAGE | headers)


async def records_away(*_: object, **__: object) -> None:
    raise StoreUnavailableError("invented")


async def failing(*_: object, **__: object) -> None:
    raise RuntimeError("invented")


@pytest.mark.parametrize(
    ("status", "says"),
    [(503, "Homeward cannot reach its records"), (429, "Too much at once"), (500, "Homeward could not do this")],
)
async def test_what_was_written_and_could_not_be_taken_is_given_back(
    service_then: Service, monkeypatch: pytest.MonkeyPatch, status: int, says: str
) -> None:
    episode = await absence(service_then.store)
    path, written = f"/episodes/{episode}/record/observed?x=1", {"key": str(uuid4()), "note": "<b>invented</b> & kept"}
    service = service_then
    if status == 429:
        service = Service(service_then.store, clock=lambda: NOW, a_minute=0)
    else:
        monkeypatch.setattr(recording, "episode_page", records_away if status == 503 else failing)
    answer = await tried(service, path, written, accept="text/html")
    foreign = await tried(service, path, written, **{"Sec-Fetch-Site": "cross-site", "accept": "text/html"})
    assert (answer.status_code, answer.headers["content-security-policy"]) == (status, POLICY)
    for words in (f'<h1 class="govuk-heading-l">{says}', "Nothing you wrote is lost", "Send what I wrote again"):
        assert words in answer.text, words
    assert f'action="{path}"' in answer.text
    assert answer.text.count('value="&lt;b&gt;invented&lt;/b&gt; &amp; kept"') == 1
    assert f'name="key" value="{written["key"]}"' in answer.text, "sent again it counts once"
    # Another's page must not put its words into somebody's mouth.
    assert (foreign.status_code, "&lt;b&gt;" in foreign.text) == (status, False)


async def test_what_was_written_under_a_used_key_is_given_back_under_another(service_then: Service) -> None:
    episode = await absence(service_then.store, closed=True)
    path, first = f"/episodes/{episode}/reopen", {"key": str(uuid4()), "reason": "invented words"}
    async with service_then.caller(AccessRole.MANAGER) as client:
        assert (await client.post(path, data=first)).status_code == 303
        answer = await client.post(path, data={**first, "reason": "other words"}, headers=FROM_OUR_PAGE)
    assert (answer.status_code, "This form was already sent" in answer.text) == (409, True)
    assert 'name="reason" value="other words"' in answer.text
    assert first["key"] not in answer.text
    assert re.search(r'name="key" value="[0-9a-f-]{36}"', answer.text)


async def test_honest_long_text_passes_and_what_is_larger_is_said_in_a_page(service_then: Service) -> None:
    episode = await absence(service_then.store)
    page = {"accept": "text/html"}
    long = "\u2019" * 30_000
    assert LARGEST_REQUEST < len(urlencode({"note": long})) < LARGEST_FORM
    for path, taken in ((f"/episodes/{episode}/plan/philomena", 422), (f"/report/{uuid4()}/child", 303)):
        answer = await tried(service_then, path, {"key": str(uuid4()), "identity": long}, **page)
        assert (answer.status_code, long in answer.text) == (taken, taken == 422), path
        answer = await tried(service_then, path, {"key": str(uuid4()), "identity": long * 3}, **page)
        assert (answer.status_code, "That is too much to send at once" in answer.text) == (413, True), path
    elsewhere = await tried(service_then, "/tasks/answers", {"key": str(uuid4()), "notice": long}, **page)
    assert elsewhere.status_code == 413


async def test_a_form_comes_from_its_own_page(one_service: Service) -> None:
    async with one_service.caller(*AccessRole) as client:
        for route in pages(one_service.app):
            if "POST" in (route.methods or ()):
                path = re.sub(r"{[^}]*}", str(uuid4()), route.path)
                answer = await client.post(path, data={"note": "invented"})
                assert (answer.status_code, "from its own page" in answer.text) == (422, True), path
                assert (await client.post(path, json={})).status_code == 422, path


@pytest.mark.parametrize("path", ["/nowhere", "/episodes/x/y/z/nowhere"])
async def test_an_address_that_leads_nowhere_is_a_page_with_a_way_back(one_service: Service, path: str) -> None:
    async with one_service.caller(AccessRole.DUTY) as client:
        page = await client.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
        system = await client.get(path)
        api = await client.get(f"/v1{path}", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-security-policy"]) == (404, POLICY)
    for there in ("<h1", "There is nothing here", 'href="/">To where you begin', "<header"):
        assert there in page.text, there
    assert (system.status_code, system.headers["content-type"].split(";")[0]) == (404, "text/plain")
    assert (api.status_code, api.headers["content-type"]) == (404, "application/problem+json")


async def test_assets_are_kept_for_good_by_their_fingerprint(one_service: Service) -> None:
    async with one_service.caller() as nobody:
        for name in ("homeward.css", "homeward.js", "begin.js", "govuk-frontend.min.js", "icon.svg"):
            found = await nobody.get(path_of(name))
            assert (found.status_code, "immutable" in found.headers["cache-control"]) == (200, True)
        assert (await nobody.get("/assets/older/homeward.css")).headers["cache-control"] == "no-store"
        assert (await nobody.get("/assets/older/none.css")).status_code == 404
