"""Systems with local accounts: a token for a secret, what it opens, and when it ends. On both databases."""

import base64
from datetime import timedelta
from urllib.parse import quote_plus

import httpx
import pytest
from sqlalchemy import func, select

from activities.store import Store
from activities.store import accounts as store_accounts
from activities.store.identity_tables import AccessTokenTable
from starter.identity import account_changes
from tests.api.callers import HERE
from tests.identity.house import PASSWORD, opened

GRANT = {"grant_type": "client_credentials"}


def basic(client_id: str, secret: str) -> dict[str, str]:
    both = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(both.encode()).decode()}"}


async def token(system: httpx.AsyncClient, client_id: str, secret: str) -> str:
    answer = await system.post("/token", data=GRANT, headers=basic(client_id, secret))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def status_of(system: httpx.AsyncClient, bearer: str) -> int:
    return (await system.get("/v1/me", headers={"Authorization": f"Bearer {bearer}"})).status_code


async def test_a_system_gets_a_token_by_either_way_and_is_known_by_it_for_a_quarter_of_an_hour(store: Store) -> None:
    async with opened(store) as house, house.browser() as system:
        made = await house.system("Invented case system", "case_system", provider="Invented provider")
        client_id, secret = made.account.id, made.secret or ""
        in_header = await system.post("/token", data=GRANT, headers=basic(client_id, secret))
        in_form = await system.post("/token", data={**GRANT, "client_id": client_id, "client_secret": secret})
        for answer in (in_header, in_form):
            said = answer.json()
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            assert (said["token_type"], said["expires_in"]) == ("Bearer", 900)
        bearer = in_header.json()["access_token"]
        me = (await system.get("/v1/me", headers={"Authorization": f"bearer {bearer}"})).json()
        assert (me["id"], me["kind"], me["authority"]) == (f"account:{client_id}", "system", HERE)
        assert (me["roles"], me["provider"]) == (["case_system"], "Invented provider")
        house.later(seconds=899)
        assert await status_of(system, bearer) == 200
        house.later(seconds=1)
        assert await status_of(system, bearer) == 401
        await token(system, client_id, secret)
        async with store.session() as session:
            assert await session.scalar(select(func.count()).select_from(AccessTokenTable)) == 1, "old ones are gone"


async def test_secrets_overlap_and_then_only_the_new_one_is_good(store: Store) -> None:
    async with opened(store) as house, house.browser() as system:
        made = await house.system()
        client_id, old = made.account.id, made.secret or ""
        async with store.session() as session:
            changed = await account_changes.change_secret(session, made.account, None, timedelta(hours=24), house.now)
        new = changed.secret or ""
        house.later(hours=23)
        for secret in (old, new):
            await token(system, client_id, secret)
        house.later(hours=1)
        assert (await system.post("/token", data=GRANT, headers=basic(client_id, old))).status_code == 401
        await token(system, client_id, new)
        async with store.session() as session:
            again = await account_changes.change_secret(session, made.account, None, timedelta(0), house.now)
        assert (await system.post("/token", data=GRANT, headers=basic(client_id, new))).status_code == 401
        await token(system, client_id, again.secret or "")


async def test_a_locked_system_is_out_at_once(store: Store) -> None:
    async with opened(store) as house, house.browser() as system:
        made = await house.system()
        bearer = await token(system, made.account.id, made.secret or "")
        async with store.session() as session:
            await store_accounts.set_locked(session, made.account.id, house.now)
        assert await status_of(system, bearer) == 401
        refused = await system.post("/token", data=GRANT, headers=basic(made.account.id, made.secret or ""))
        assert refused.status_code == 401


async def test_guesses_at_a_system_are_slowed_and_do_not_keep_it_out(store: Store) -> None:
    async with opened(store) as house, house.browser() as system:
        made = await house.system()
        wrong = basic(made.account.id, "guessed")
        answers = [await system.post("/token", data=GRANT, headers=wrong) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert answers[-1].headers["retry-after"] == "2"
        await token(system, made.account.id, made.secret or "")


REFUSED: dict[str, tuple[dict[str, str], dict[str, str], int, str]] = {
    "nothing": ({}, {}, 400, "invalid_request"),
    "another grant": ({"grant_type": "password"}, {}, 400, "unsupported_grant_type"),
    "no client": (GRANT, {}, 401, "invalid_client"),
    "an unknown client": (GRANT, basic("nobody", "x"), 401, "invalid_client"),
    "a wrong secret": (GRANT, basic("ID", "x"), 401, "invalid_client"),
    "a person": (GRANT, basic("PERSON", PASSWORD), 401, "invalid_client"),
    "two ways at once": ({**GRANT, "client_secret": "SECRET"}, basic("ID", "SECRET"), 400, "invalid_request"),
    "two clients": ({**GRANT, "client_id": "other"}, basic("ID", "SECRET"), 400, "invalid_request"),
    "another scheme": (GRANT, {"Authorization": "Digest x"}, 400, "invalid_request"),
    "no base64": (GRANT, {"Authorization": "Basic ?"}, 400, "invalid_request"),
    "no colon": (GRANT, {"Authorization": "Basic eA=="}, 400, "invalid_request"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_request_for_a_token_is_refused_as_the_standard_says(one_store: Store, case: str) -> None:
    form, headers, status, error = REFUSED[case]
    async with opened(one_store) as house, house.browser() as system:
        made, person = await house.system(), await house.person()

        def filled(word: str) -> str:
            words = {"ID": made.account.id, "SECRET": made.secret or "", "PERSON": person.account.id}
            return words.get(word, word)

        if headers.get("Authorization", "").startswith("Basic ") and ":" in _plain(headers["Authorization"]):
            client_id, _, secret = _plain(headers["Authorization"]).partition(":")
            headers = basic(filled(client_id), filled(secret.replace("+", " ")))
        given = {name: filled(value) for name, value in form.items()}
        answer = await system.post("/token", data=given, headers=headers)
        assert (answer.status_code, answer.json()) == (status, {"error": error})
        assert ("www-authenticate" in answer.headers) == (status == 401)


def _plain(header: str) -> str:
    try:
        return base64.b64decode(header.removeprefix("Basic "), validate=True).decode()
    except ValueError:
        return ""


@pytest.mark.parametrize("header", ["Bearer", "Bearer nonsense", "Basic eDp5", "Bearer a b", "x" * 20_000])
async def test_a_token_that_is_none_is_nobody_whatever_cookie_comes_with_it(one_store: Store, header: str) -> None:
    async with opened(one_store) as house, house.browser() as browser:
        await house.person()
        await browser.post(
            "/sign-in",
            data={"name": "Invented One", "password": PASSWORD},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert (await browser.get("/v1/me")).status_code == 200
        answer = await browser.get("/v1/me", headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert header not in answer.text
