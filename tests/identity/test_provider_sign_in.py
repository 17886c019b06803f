"""Signing in at a provider whose answers the test makes: the way there and back, and every way it can go wrong."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from joserfc.jwk import Key
from sqlalchemy import select

from activities.store import Store
from activities.store.identity_tables import SignInTable
from starter.identity import account_changes
from tests.identity.house import FROM_OUR_PAGE, House, of_provider, opened, signed_in, who
from tests.standins.issuer import CLIENT, SECRET, IssuerStandIn, rsa_key, signed

ANN: dict[str, Any] = {
    "aud": CLIENT,
    "client_id": None,
    "sub": "ann-1",
    "name": "Invented Ann",
    "preferred_username": "ann",
    "roles": ["manager"],
}


async def went(browser: httpx.AsyncClient, to: str = "") -> dict[str, str]:
    """Go to sign in; what the provider is told."""
    answer = await browser.get("/sign-in", params={"to": to} if to else {})
    assert answer.status_code == 303, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def prepared(
    issuer: IssuerStandIn, told: dict[str, str], house: House, key: Key, code: str = "code-1", **more: Any
) -> dict[str, str]:
    """Have the provider give a code for somebody who signed in; what it has the browser bring back."""
    claims = issuer.claims(house.now, **{**ANN, "nonce": told["nonce"], **more})
    issuer.codes[code] = signed(claims, key)
    issuer.challenges[code] = told["code_challenge"]
    return {"code": code, "state": told["state"]}


async def came_in(issuer: IssuerStandIn, house: House, browser: httpx.AsyncClient, key: Key, **more: Any) -> None:
    """Sign in whole."""
    back = await browser.get("/signed-in", params=prepared(issuer, await went(browser), house, key, **more))
    assert back.status_code == 303, back.text


async def test_the_way_there_and_back(store: Store, issuer: IssuerStandIn, key: Key) -> None:
    async with opened(store, **of_provider(issuer.url, oidc_client_secret=SECRET)) as house, house.browser() as browser:
        told = await went(browser, "/v1/me?x=1")
        assert (told["response_type"], told["client_id"], told["scope"]) == ("code", CLIENT, "openid profile")
        assert told["redirect_uri"] == f"http://127.0.0.1:{house.port}/signed-in"
        assert told["code_challenge_method"] == "S256"
        async with store.session() as session:
            [begun] = (await session.scalars(select(SignInTable))).all()
        kept = " ".join((begun.state_digest, begun.browser_digest, begun.back_to))
        assert not any(told[name] in kept for name in ("state", "nonce", "code_challenge"))
        back = await browser.get("/signed-in", params=prepared(issuer, told, house, key))
        assert (back.status_code, back.headers["location"]) == (303, "/v1/me?x=1")
        known = await who(browser)
        assert isinstance(known, dict)
        assert (known["id"], known["name"], known["person"]) == ("person:ann-1", "Invented Ann", "ann")
        assert (known["authority"], known["roles"], known["kind"]) == ("invented", ["manager"], "person")
        redeemed = next(asked for asked in issuer.asked if asked.path == "/token")
        credentials = httpx.BasicAuth("homeward", "invented+secret%2F%2B")._auth_header
        assert redeemed.headers["authorization"] == credentials, "as RFC 6749 writes them"
        assert SECRET not in redeemed.body.decode()
        assert "homeward-sign-in" not in browser.cookies


async def test_a_public_client_has_no_secret_to_send(one_store: Store, issuer: IssuerStandIn, key: Key) -> None:
    async with opened(one_store, **of_provider(issuer.url)) as house, house.browser() as browser:
        await came_in(issuer, house, browser, key)
        redeemed = next(asked for asked in issuer.asked if asked.path == "/token")
        assert "authorization" not in redeemed.headers
        assert f"client_id={CLIENT}" in redeemed.body.decode()
        assert b"client_secret" not in redeemed.body


async def test_a_secret_goes_into_the_form_where_the_provider_wants_it_there(
    one_store: Store, issuer: IssuerStandIn, key: Key
) -> None:
    issuer.more["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    about = of_provider(issuer.url, oidc_client_secret=SECRET)
    async with opened(one_store, **about) as house, house.browser() as browser:
        await came_in(issuer, house, browser, key)
        redeemed = next(asked for asked in issuer.asked if asked.path == "/token")
        assert "authorization" not in redeemed.headers
        assert b"client_secret=invented+secret%2F%2B" in redeemed.body


STRANGER = rsa_key("key-1")

BAD_TOKENS: dict[str, dict[str, Any]] = {
    "of another issuer": {"iss": "https://evil.example"},
    "for another audience": {"aud": "other"},
    "for the systems' audience": {"aud": "https://homeward.invented/api"},
    "of another sign-in": {"nonce": "another"},
    "of no sign-in": {"nonce": None},
    "for another client": {"azp": "other"},
    "for several, and nobody says for which": {"aud": [CLIENT, "other"]},
    "ended": {"exp": 1},
    "issued in the future": {"iat": 4102444800},
}


@pytest.mark.parametrize("case", [*BAD_TOKENS, "signed by a stranger", "none at all", "good, for several"])
async def test_what_the_provider_says_of_a_person_is_looked_at(
    one_store: Store, issuer: IssuerStandIn, key: Key, case: str
) -> None:
    async with opened(one_store, **of_provider(issuer.url)) as house, house.browser() as browser:
        told = await went(browser)
        more: dict[str, Any] = (
            {"aud": [CLIENT, "other"], "azp": CLIENT} if case == "good, for several" else BAD_TOKENS.get(case, {})
        )
        query = prepared(issuer, told, house, STRANGER if case == "signed by a stranger" else key, **more)
        if case == "none at all":
            issuer.codes.clear()
        back = await browser.get("/signed-in", params=query)
        if case == "good, for several":
            assert back.status_code == 303
            return
        assert back.status_code == 502
        assert ">You cannot sign in</h1>" in back.text
        assert "words of the provider" not in back.text
        assert await who(browser) == 401


@pytest.mark.parametrize("more", [{"roles": []}, {"roles": ["king"]}, {"authority": None}, {"authority": "a/b"}])
async def test_who_has_no_role_or_no_authority_is_nobody(
    one_store: Store, issuer: IssuerStandIn, key: Key, more: dict[str, Any]
) -> None:
    async with opened(one_store, **of_provider(issuer.url)) as house, house.browser() as browser:
        back = await browser.get("/signed-in", params=prepared(issuer, await went(browser), house, key, **more))
        assert back.status_code == 403
        assert "You have no role here" in back.text
        assert await who(browser) == 401


async def test_a_state_is_good_once_for_ten_minutes_and_in_its_own_browser(
    store: Store, issuer: IssuerStandIn, key: Key
) -> None:
    async with opened(store, **of_provider(issuer.url)) as house, house.browser() as browser, house.browser() as other:

        async def comes_to_nothing(by: httpx.AsyncClient, query: dict[str, str]) -> None:
            answer = await by.get("/signed-in", params=query)
            assert answer.status_code == 400
            assert "This sign-in cannot be finished" in answer.text
            assert "homeward" not in answer.cookies
            assert not issuer.times_asked("/token"), "no code is redeemed"

        query = prepared(issuer, await went(browser), house, key)
        await comes_to_nothing(other, query)
        await comes_to_nothing(browser, {**query, "state": "forged"})
        await comes_to_nothing(browser, {"code": "code-1"})
        query = prepared(issuer, await went(browser), house, key)
        cookie = browser.cookies["homeward-sign-in"]
        other.cookies.set("homeward-sign-in", "planted")
        await comes_to_nothing(other, query)
        house.later(minutes=10)
        await comes_to_nothing(browser, query)
        query = prepared(issuer, await went(browser), house, key)
        cookie = browser.cookies["homeward-sign-in"]
        assert (await browser.get("/signed-in", params=query)).status_code == 303
        issuer.asked.clear()
        browser.cookies.set("homeward-sign-in", cookie)
        await comes_to_nothing(browser, prepared(issuer, {"nonce": "n", "code_challenge": "c", **query}, house, key))


async def test_of_two_that_come_back_at_once_one_comes_in(store: Store, issuer: IssuerStandIn, key: Key) -> None:
    async with opened(store, **of_provider(issuer.url)) as house, house.browser() as browser:
        query = prepared(issuer, await went(browser), house, key)
        answers = await asyncio.gather(*(browser.get("/signed-in", params=query) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [303, 400, 400, 400]
    assert issuer.times_asked("/token") == 1


@pytest.mark.parametrize("asked", ["//evil.example", "https://evil.example", "/\\evil.example", "/sign-out"])
async def test_the_way_back_is_a_path_of_ours(one_store: Store, issuer: IssuerStandIn, key: Key, asked: str) -> None:
    async with opened(one_store, **of_provider(issuer.url)) as house, house.browser() as browser:
        back = await browser.get("/signed-in", params=prepared(issuer, await went(browser, asked), house, key))
        assert back.headers["location"] == "/"
        assert "Invented Ann" in (await browser.get("/account")).text


async def test_a_code_is_redeemed_only_by_whoever_began(one_store: Store, issuer: IssuerStandIn, key: Key) -> None:
    """PKCE: the provider that is told another challenge gives nothing for the code."""
    async with opened(one_store, **of_provider(issuer.url)) as house, house.browser() as browser:
        query = prepared(issuer, {**await went(browser), "code_challenge": "another"}, house, key)
        assert (await browser.get("/signed-in", params=query)).status_code == 502


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"error": "access_denied", "error_description": "<script>words of the provider</script>"}, 403),
        ({"error": "<b>words of the provider</b>", "code": "code-1"}, 403),
        ({}, 403),
        ({"code": "code-1", "iss": "https://evil.example"}, 502),
    ],
)
async def test_what_a_provider_refuses_is_said_in_words_of_ours(
    one_store: Store, issuer: IssuerStandIn, said: dict[str, str], status: int
) -> None:
    async with opened(one_store, **of_provider(issuer.url)) as house, house.browser() as browser:
        told = await went(browser)
        answer = await browser.get("/signed-in", params={**said, "state": told["state"]})
        assert answer.status_code == status
        assert answer.text.count("<h1") == 1
        assert "words of the provider" not in answer.text
        assert "evil" not in answer.text
        assert issuer.times_asked("/token") == 0


async def test_while_the_provider_is_away_sessions_go_on_and_nobody_comes_in(
    one_store: Store, issuer: IssuerStandIn, key: Key
) -> None:
    about = of_provider(issuer.url)
    async with opened(one_store, **about) as house, house.browser() as browser, house.browser() as other:
        await came_in(issuer, house, browser, key)
        query = prepared(issuer, await went(other), house, key)
        issuer.down()
        assert await who(browser) != 401
        away = await other.get("/signed-in", params=query)
        assert (away.status_code, away.headers["retry-after"]) == (503, "60")
        assert "You cannot sign in now" in away.text
        left = await browser.post("/sign-out", headers=FROM_OUR_PAGE)
        assert "You are signed out" in left.text
        assert await who(browser) == 401
    async with opened(one_store, **about) as cold, cold.browser() as browser:
        assert (await browser.get("/sign-in")).status_code == 503
    issuer.up()


async def test_signing_out_goes_on_to_the_provider(one_store: Store, issuer: IssuerStandIn, key: Key) -> None:
    async with opened(one_store, **of_provider(issuer.url)) as house, house.browser() as browser:
        await came_in(issuer, house, browser, key)
        left = await browser.post("/sign-out", headers=FROM_OUR_PAGE)
        assert f'content="0; url={issuer.url}/leave?kept=1&amp;client_id={CLIENT}&amp;' in left.text
        assert f"post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A{house.port}%2Fsigned-out" in left.text
        assert await who(browser) == 401
        assert "You are signed out" in (await browser.get("/signed-out")).text
    issuer.more["end_session_endpoint"] = None
    async with opened(one_store, **of_provider(issuer.url)) as house, house.browser() as browser:
        await came_in(issuer, house, browser, key)
        assert "refresh" not in (await browser.post("/sign-out", headers=FROM_OUR_PAGE)).text


async def test_sessions_end_by_time_and_by_an_administrator(store: Store, issuer: IssuerStandIn, key: Key) -> None:
    about = of_provider(issuer.url, session_idle_minutes=30, session_hours=1)
    async with opened(store, **about) as house, house.browser() as browser, house.browser() as other:
        await came_in(issuer, house, browser, key)
        house.later(minutes=31)
        assert await who(browser) == 401
        await came_in(issuer, house, browser, key)
        for _ in range(2):
            house.later(minutes=29)
            assert await who(browser) != 401
        house.later(minutes=2)
        assert await who(browser) == 401
        await came_in(issuer, house, browser, key)
        await came_in(issuer, house, other, key, sub="bob-1")
        async with store.session() as session:
            assert await account_changes.sign_out(session, "elsewhere", "person:ann-1") == 0
            assert await account_changes.sign_out(session, "invented", "person:ann-1") == 1
        assert await who(browser) == 401
        assert await who(other) != 401


async def test_a_session_of_a_local_account_ends_when_a_provider_is_set_and_the_other_way_round(
    one_store: Store, issuer: IssuerStandIn, key: Key
) -> None:
    async with opened(one_store) as house, house.browser() as browser:
        await house.person()
        local = (await signed_in(browser)).cookies["homeward"]
    async with opened(one_store, **of_provider(issuer.url)) as house, house.browser() as browser:
        browser.cookies.set("homeward", local)
        assert await who(browser) == 401
        assert (await browser.post("/token", data={"grant_type": "client_credentials"})).status_code == 404
        browser.cookies.clear()
        await came_in(issuer, house, browser, key)
        vouched = browser.cookies["homeward"]
    async with opened(one_store) as house, house.browser() as browser:
        browser.cookies.set("homeward", vouched)
        assert await who(browser) == 401


async def test_over_https_cookies_are_of_this_host_alone_and_other_hosts_are_answered(
    one_store: Store, issuer: IssuerStandIn, key: Key
) -> None:
    public = "https://homeward.example"
    house = House(one_store, **of_provider(issuer.url, public_url=public))
    async with house.unheard_browser(public) as browser:
        begun = await browser.get("/sign-in")
        told = dict(parse_qsl(urlsplit(begun.headers["location"]).query))
        assert told["redirect_uri"] == f"{public}/signed-in"
        back = await browser.get("/signed-in", params=prepared(issuer, told, house, key))
        for answer, name in ((begun, "__Host-homeward-sign-in"), (back, "__Host-homeward")):
            cookie = answer.headers.get_list("set-cookie")[0]
            assert cookie.startswith(f"{name}=")
            assert all(word in cookie for word in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"))
            assert "Domain" not in cookie
        assert await who(browser) != 401
        ours = await browser.post("/v1/plans", json={}, headers={"Origin": public})
        loopback = await browser.post("/v1/plans", json={}, headers={"Origin": "http://127.0.0.1:8300"})
        assert (ours.status_code, loopback.status_code) == (422, 403)
