"""The entrance as it is put together: its routes, which proxies it believes, what is said of it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from activities.store import Store
from starter.access import AccessRole
from starter.api.app import OPEN_TO_ALL
from starter.api.asking import AskedRoute
from starter.api.entrance import OPEN_AT_THE_ENTRANCE
from starter.cli.main import run
from starter.cli.stack import _prepare
from starter.identity.account_changes import NewAccount, checked
from starter.identity.settings import IdentitySettings
from starter.service import config_of
from starter.settings import load_settings
from tests.identity.house import House, of_provider
from tests.standins.issuer import IssuerStandIn

ISSUER = "https://issuer.example"


def open_routes(app: FastAPI) -> set[str]:
    routes = [context.original_route for context in iter_route_contexts(app.routes)]
    return {getattr(route, "path", "") for route in routes if not isinstance(route, AskedRoute)}


async def test_the_routes_that_are_open_are_those_that_are_written_down(one_store: Store) -> None:
    local = open_routes(House(one_store).app)
    by_provider = open_routes(House(one_store, **of_provider(ISSUER)).app)
    assert local | by_provider == OPEN_TO_ALL
    assert OPEN_AT_THE_ENTRANCE - by_provider == {"/token"}
    assert OPEN_AT_THE_ENTRANCE - local == {"/signed-in", "/signed-out"}


@pytest.mark.parametrize(
    ("trusted", "client"), [("", "127.0.0.1"), ("127.0.0.1", "10.9.9.9"), ("10.0.0.5", "127.0.0.1")]
)
async def test_a_proxy_is_believed_only_when_it_is_named(trusted: str, client: str) -> None:
    app, seen = FastAPI(), list[Any]()
    config = config_of(app, IdentitySettings.model_validate({"trusted_proxies": trusted}))
    config.load()
    loaded: Any = vars(config)["loaded_app"]
    assert isinstance(loaded, ProxyHeadersMiddleware) is bool(trusted)

    async def noted(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])

    asked = ProxyHeadersMiddleware(noted, config.forwarded_allow_ips or []) if config.proxy_headers else noted
    scope = {"type": "http", "client": ("127.0.0.1", 1), "headers": [(b"x-forwarded-for", b"10.9.9.9")]}
    await asked(scope, None, None)  # type: ignore[arg-type]
    assert seen == [client]


async def test_the_first_run_says_how_to_make_the_first_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path))
    hint, nobody_told = await _prepare(load_settings())
    assert nobody_told.startswith("Nobody holds the role administrator in the directory")
    assert hint == "Nobody can sign in yet; the first account: homeward account add NAME --role administrator"
    assert checked(NewAccount("NAME", "person", (AccessRole.ADMINISTRATOR,)))
    monkeypatch.setenv("HOMEWARD_OIDC_ISSUER", ISSUER)
    monkeypatch.setenv("HOMEWARD_OIDC_CLIENT_ID", "homeward")
    monkeypatch.setenv("HOMEWARD_OIDC_AUDIENCE", "api")
    assert await _prepare(load_settings()) == (nobody_told,)


def test_once_there_is_an_account_it_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path))
    assert run(["account", "add", "feed", "--system", "--role", "reporter"]) == 0
    assert "Client secret" in capsys.readouterr().out
    for words in (["person", "ada", "--name", "Invented Ada"], ["hold", "administrator", "ada"]):
        assert run(["directory", *words]) == 0
    assert asyncio.run(_prepare(load_settings())) == ()


def test_the_doctor_says_who_vouches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], issuer: IssuerStandIn
) -> None:
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEWARD_ENGINE_PATIENCE_SECONDS", "0.1")
    run(["doctor"])
    assert "well      identity: local accounts, for this machine" in capsys.readouterr().out
    monkeypatch.setenv("HOMEWARD_OIDC_ISSUER", issuer.url)
    monkeypatch.setenv("HOMEWARD_OIDC_CLIENT_ID", "homeward")
    monkeypatch.setenv("HOMEWARD_OIDC_AUDIENCE", "api")
    run(["doctor"])
    assert f"well      identity: {issuer.url} answers" in capsys.readouterr().out
    issuer.more["issuer"] = "https://evil.example"
    run(["doctor"])
    assert f"NOT WELL  identity: {issuer.url}: the provider that vouches" in capsys.readouterr().out
    monkeypatch.setenv("HOMEWARD_OIDC_AUDIENCE", "")
    run(["doctor"])
    assert "NOT WELL  identity: HOMEWARD_OIDC_AUDIENCE: must be given" in capsys.readouterr().out
