"""People with local accounts over real HTTP, on both databases: coming in, staying in, going out, and guessing."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from activities.store import Store
from activities.store import accounts as store_accounts
from activities.store.identity_tables import AccountSecretTable, WebSessionTable, WrongGuessTable
from starter.identity import account_changes
from starter.identity.secrets import digest_of
from tests.api.callers import HERE
from tests.identity.house import FROM_OUR_PAGE, PASSWORD, House, opened, signed_in, who


async def test_a_person_signs_in_is_known_and_signs_out(store: Store) -> None:
    async with opened(store) as house, house.browser() as browser:
        made = await house.person("Invented One", "manager", "auditor")
        assert await who(browser) == 401
        page = await browser.get("/sign-in?to=/v1/me")
        assert 'action="/sign-in"' in page.text
        assert 'value="/v1/me"' in page.text
        came_in = await browser.post(
            "/sign-in", data={"name": " invented  ONE ", "password": PASSWORD, "to": "/v1/me"}, headers=FROM_OUR_PAGE
        )
        assert (came_in.status_code, came_in.headers["location"]) == (303, "/v1/me")
        cookie = came_in.headers["set-cookie"]
        assert cookie.startswith("homeward=")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Max-Age" not in cookie
        known = await who(browser)
        assert isinstance(known, dict)
        assert (known["id"], known["name"], known["kind"]) == (f"account:{made.account.id}", "Invented One", "person")
        assert (known["authority"], known["roles"]) == (HERE, ["auditor", "manager"])
        assert (await browser.get("/sign-in")).headers["location"] == "/"
        assert "Invented One" in (await browser.get("/account")).text
        token = browser.cookies["homeward"]
        went = await browser.post("/sign-out", headers=FROM_OUR_PAGE)
        assert "You are signed out" in went.text
        assert "homeward" not in browser.cookies
        browser.cookies.set("homeward", token)
        assert await who(browser) == 401, "the session is over, not only its cookie gone"


async def test_only_digests_are_kept(store: Store) -> None:
    async with opened(store) as house, house.browser() as browser:
        await house.person()
        system = await house.system()
        await signed_in(browser)
        async with store.session() as session:
            kept = [row.digest for row in (await session.scalars(select(AccountSecretTable))).all()]
            begun = (await session.scalars(select(WebSessionTable.digest))).all()
    assert digest_of(system.secret or "") in kept
    assert sum(one.startswith("$argon2id$") for one in kept) == 1
    assert begun == [digest_of(browser.cookies["homeward"])]
    assert str(system.secret) not in repr(system)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("Invented One", "three random word"),
        ("Invented Nobody", PASSWORD),
        ("", ""),
        ("Invented One", ""),
        ("Invented case system", PASSWORD),
        ("Invented One Two", PASSWORD),
    ],
)
async def test_whoever_is_not_let_in_is_told_no_more_than_that(one_store: Store, name: str, password: str) -> None:
    async with opened(one_store) as house, house.browser() as browser:
        await house.person()
        await house.system()
        answer = await signed_in(browser, name, password)
        assert answer.status_code in (400, 401)
        assert "The name or the password is not right, or the account is locked." in answer.text or name.endswith(
            "\x00"
        )
        assert "set-cookie" not in answer.headers


async def test_a_name_that_nobody_has_is_compared_as_dearly_as_one_that_somebody_has(
    one_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(one_store)
    compared: list[str] = []
    same = house.passwords._same

    def noted(password: str, digest: str) -> bool:
        compared.append(digest)
        return same(password, digest)

    monkeypatch.setattr(house.passwords, "_same", noted)
    await house.person()
    async with house.unheard_browser("http://localhost") as browser:
        for name in ("Invented One", "Invented Nobody"):
            assert (await signed_in(browser, name, "not that one at all")).status_code == 401
    known, unknown = compared
    assert known != unknown
    assert [house.passwords.is_dated(digest) for digest in compared] == [False, False], "both by the usual effort"


async def test_the_id_of_a_session_is_new_at_each_sign_in(store: Store) -> None:
    """Session fixation: a token that somebody planted is never the one the person leaves with."""
    async with opened(store) as house, house.browser() as browser:
        await house.person()
        browser.cookies.set("homeward", "planted")
        first = (await signed_in(browser)).cookies["homeward"]
        assert first != "planted"
        browser.cookies.clear()
        browser.cookies.set("homeward", first)
        second = (await signed_in(browser)).cookies["homeward"]
        assert second != first
        browser.cookies.clear()
        browser.cookies.set("homeward", first)
        assert await who(browser) == 401, "the session before ends with the sign-in"
        browser.cookies.clear()
        browser.cookies.set("homeward", "planted")
        assert await who(browser) == 401


async def test_a_session_ends_by_silence_and_by_age(store: Store) -> None:
    async with opened(store, session_idle_minutes=30, session_hours=2) as house, house.browser() as browser:
        await house.person()
        await signed_in(browser)
        for _ in range(4):
            house.later(minutes=29)
            assert await who(browser) != 401, "used, it lives on"
        house.later(minutes=4)
        assert await who(browser) == 401, "120 minutes are its age"
        browser.cookies.clear()
        await signed_in(browser)
        house.later(minutes=29, seconds=59)
        assert await who(browser) != 401
        house.later(minutes=30)
        assert await who(browser) == 401, "30 minutes of silence are its end"


async def test_what_changes_about_an_account_counts_at_once(store: Store) -> None:
    async with opened(store) as house, house.browser() as browser:
        made = await house.person()
        await signed_in(browser)
        async with store.session() as session:
            await account_changes.change_roles(session, HERE, "Invented One", ["auditor"], ["manager"])
        known = await who(browser)
        assert isinstance(known, dict)
        assert known["roles"] == ["auditor"]
        async with store.session() as session:
            await store_accounts.set_locked(session, made.account.id, house.now)
        assert await who(browser) == 401
        assert (await signed_in(browser)).status_code == 401
        async with store.session() as session:
            await store_accounts.set_locked(session, made.account.id, None)
        assert await who(browser) == 401, "what a lock ended stays ended"
        assert (await signed_in(browser)).status_code == 303
        async with store.session() as session:
            assert await account_changes.sign_out(session, "elsewhere", "Invented One") == 0
        assert await who(browser) != 401, "another authority ends nobody's session here"
        async with store.session() as session:
            assert await account_changes.sign_out(session, HERE, f"account:{made.account.id}") == 1
        assert await who(browser) == 401
        await signed_in(browser)
        async with store.session() as session:
            await store_accounts.remove_account(session, made.account.id)
        assert await who(browser) == 401


async def test_a_new_password_ends_the_sessions_and_the_old_password(store: Store) -> None:
    async with opened(store) as house, house.browser() as browser:
        made = await house.person()
        await signed_in(browser)
        digest = await house.passwords.digest("another three words")
        async with store.session() as session:
            await account_changes.change_secret(session, made.account, digest, timedelta(hours=9), house.later(hours=1))
        assert await who(browser) == 401
        assert (await signed_in(browser)).status_code == 401
        assert (await signed_in(browser, password="another three words")).status_code == 303


async def test_guessing_is_slowed_for_the_account_and_a_restart_forgets_nothing(store: Store) -> None:
    async with opened(store) as house, house.browser() as browser:
        await house.person()
        await house.person("Invented Two")
        statuses = [(await signed_in(browser, password="wrong")).status_code for _ in range(6)]
        assert statuses == [401] * 5 + [429]
    async with opened(store) as again, again.browser() as browser:
        waits = await signed_in(browser)
        assert (waits.status_code, waits.headers["retry-after"]) == (429, "2"), "the right password waits as well"
        assert (await signed_in(browser, "Invented Two")).status_code == 303, "nobody else waits"
        browser.cookies.clear()
        again.later(seconds=2)
        assert (await signed_in(browser, password="wrong")).status_code == 401
        waits = await signed_in(browser)
        assert waits.headers["retry-after"] == "4", "each wrong guess doubles it"
        again.later(seconds=4)
        assert (await signed_in(browser)).status_code == 303
        assert (await signed_in(browser, password="wrong")).status_code == 401, "a right one begins anew"


async def test_an_unknown_name_is_slowed_as_a_known_one_is(store: Store) -> None:
    async with opened(store) as house, house.browser() as browser:
        statuses = [(await signed_in(browser, "Invented Nobody", "wrong")).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


async def test_an_address_is_slowed_whatever_names_it_tries(store: Store) -> None:
    async with opened(store) as house, house.browser() as browser:
        await house.person()
        for number in range(21):
            assert (await signed_in(browser, f"Invented {number}", "wrong")).status_code == 401
        assert (await signed_in(browser)).status_code == 429
        house.later(days=1)
        assert (await signed_in(browser)).status_code == 303, "after a day it is forgotten"


async def test_guesses_made_at_once_are_counted_one_by_one(store: Store) -> None:
    async with opened(store) as house, house.browser() as browser:
        await house.person()
        answers = await asyncio.gather(*(signed_in(browser, password=f"wrong {number}") for number in range(12)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7


async def test_nothing_that_was_typed_is_kept_or_logged(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    typed = "my password by mistake"
    with caplog.at_level(logging.INFO):
        async with opened(store) as house, house.browser() as browser:
            answer = await signed_in(browser, typed, "invented-secret-word")
            assert typed not in answer.text
            assert "invented-secret-word" not in answer.text
            async with store.session() as session:
                keys = (await session.scalars(select(WrongGuessTable.key))).all()
    assert typed not in caplog.text
    assert "invented-secret-word" not in caplog.text
    assert all(len(key.partition("/")[2]) in (6, 16) for key in keys)


FORM = "application/x-www-form-urlencoded"

FOREIGN: dict[str, tuple[dict[str, str], int]] = {
    "of our page": ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:PORT"}, 0),
    "of our page by its other name": ({"Origin": "http://localhost:PORT"}, 0),
    "of our page that keeps to itself where it is": ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 0),
    "of an older browser": ({"Origin": "http://127.0.0.1:PORT"}, 0),
    "of nobody knows what": ({}, 403),
    "of a stranger's page": ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
    "of a neighbour's page": ({"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"}, 403),
    "of the address bar": ({"Sec-Fetch-Site": "none"}, 403),
    "of a stranger's page in an older browser": ({"Origin": "https://evil.example"}, 403),
    "of a page without an origin": ({"Origin": "null"}, 403),
    "of two minds": ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, 403),
    "of another scheme": ({"Origin": "https://127.0.0.1:PORT"}, 403),
}


@pytest.mark.parametrize("asked", FOREIGN)
async def test_a_cookie_alone_makes_no_change(one_store: Store, asked: str) -> None:
    headers, refused = FOREIGN[asked]
    async with opened(one_store) as house, house.browser() as browser:
        await house.person()
        await signed_in(browser)
        sent = {name: value.replace("PORT", str(house.port)) for name, value in headers.items()}
        tried = await browser.post("/v1/plans", json={}, headers=sent)
        assert tried.status_code == (refused or 422)
        if refused:
            assert tried.json()["type"] == "/v1/problems/foreign-page"
            assert "must be asked for from a page of http://127.0.0.1" in tried.json()["detail"]
        assert (await browser.get("/v1/me", headers=sent)).status_code == 200, "to read is no change"
        assert (await browser.post("/sign-out", headers=sent)).status_code == (refused or 200)
        again = await browser.post("/sign-in", data={"name": "Invented One", "password": PASSWORD}, headers=sent)
        assert again.status_code == (refused or 303)
        if refused:
            assert again.text.count("\n") == 1


BACK: dict[str, str] = {
    "/v1/me": "/v1/me",
    "/v1/me?a=b%2F": "/v1/me?a=b%2F",
    "//evil.example": "/",
    "/\\evil.example": "/",
    "https://evil.example": "/",
    "javascript:alert(1)": "/",
    "/a\r\nSet-Cookie: x=y": "/",
    "/\t/evil.example": "/",
    "/sign-out": "/",
    "/" + "a" * 500: "/",
    "": "/",
}


@pytest.mark.parametrize("asked", BACK)
async def test_a_sign_in_leads_back_to_a_path_of_ours_and_nowhere_else(one_store: Store, asked: str) -> None:
    async with opened(one_store) as house, house.browser() as browser:
        await house.person()
        form: dict[str, Any] = {"name": "Invented One", "password": PASSWORD, "to": asked}
        answer = await browser.post("/sign-in", data=form, headers=FROM_OUR_PAGE)
        assert answer.headers["location"] == BACK[asked]
        already = await browser.get("/sign-in", params={"to": asked})
        assert already.headers.get("location", "/") == BACK[asked]


@pytest.mark.parametrize("host", ["homeward.example", "127.0.0.1.evil.example", "evil.example:8300", "", "10.0.0.1"])
async def test_with_local_accounts_only_this_machine_is_answered(one_store: Store, host: str) -> None:
    async with opened(one_store) as house, house.browser() as browser:
        refused = await browser.get("/sign-in", headers={"Host": host})
        assert refused.status_code in (400, 421)
        assert (await browser.get("/v1/me", headers={"Host": host})).status_code in (400, 421)
        assert (await browser.get("/sign-in", headers={"X-Forwarded-For": "10.0.0.1"})).status_code == 421
        for own in ("localhost", "localhost:8300", "127.0.0.1", "[::1]:8300"):
            assert (await browser.get("/sign-in", headers={"Host": own})).status_code == 200
        assert (await browser.get("/health", headers={"Host": "homeward.example"})).status_code == 204


async def test_what_cannot_be_read_is_answered_as_such(one_store: Store) -> None:
    async with opened(one_store) as house, house.browser() as browser:
        for body, kind in ((b"{}", "application/json"), (b"name=a&name=b", FORM), (b"name=a%00", FORM)):
            answer = await browser.post("/sign-in", content=body, headers={"Content-Type": kind, **FROM_OUR_PAGE})
            assert answer.status_code == 400
            assert "could not be read" in answer.text
