"""The whole sign-in as a browser does it: a service in a process, and a real OIDC provider of another's making."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from starter.local import service_command
from tests.identity.house import FROM_OUR_PAGE

HOMEWARD = str(Path(sys.executable).parent / "homeward")

ANN: dict[str, Any] = {
    "sub": "invented-ann",
    "name": "Invented Ann",
    "preferred_username": "ann",
    "groups": ["Homeward managers", "everybody"],
    "authority": "invented",
}
BOB: dict[str, Any] = {"sub": "invented-bob", "name": "Invented Bob", "groups": ["everybody"], "authority": "invented"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(command: list[str], environment: dict[str, str], log: Path, port: int) -> subprocess.Popen[bytes]:
    """A process that answers on its port."""
    with log.open("wb") as written:
        process = subprocess.Popen(command, env=environment, stdout=written, stderr=written, start_new_session=True)
    give_up = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        assert process.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < give_up, log.read_text(encoding="utf-8")
        time.sleep(0.1)


def provider_on(port: int, log: Path) -> subprocess.Popen[bytes]:
    users = [word for one in (ANN, BOB) for word in ("--user-claims", json.dumps(one))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true", *users]
    return started(command, {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"}, log, port)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(30)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The settings of a service on this machine that believes a provider."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOMEWARD_")}
    return {
        **kept,
        "HOMEWARD_DATA_DIR": str(tmp_path),
        "HOMEWARD_AUTHORITY": "invented",
        "HOMEWARD_HTTP_PORT": str(free_port()),
        "HOMEWARD_ENGINE_PATIENCE_SECONDS": "1",
        "HOMEWARD_OIDC_ISSUER": f"http://127.0.0.1:{free_port()}",
        "HOMEWARD_OIDC_CLIENT_ID": "homeward",
        "HOMEWARD_OIDC_CLIENT_SECRET": "invented-client-secret",
        "HOMEWARD_OIDC_AUDIENCE": "homeward-api",
        "HOMEWARD_OIDC_ROLES_CLAIM": "groups",
        "HOMEWARD_OIDC_ROLE_NAMES": '{"Homeward managers": "manager"}',
    }


@pytest.fixture
def processes(environment: dict[str, str], tmp_path: Path) -> Generator[dict[str, subprocess.Popen[bytes]]]:
    """The provider and the service, running."""
    issuer_port = int(environment["HOMEWARD_OIDC_ISSUER"].rpartition(":")[2])
    running = {"provider": provider_on(issuer_port, tmp_path / "provider.log")}
    try:
        port = int(environment["HOMEWARD_HTTP_PORT"])
        running["service"] = started(service_command(), environment, tmp_path / "service.log", port)
        yield running
    finally:
        for process in running.values():
            stop(process)


def browser_of(environment: dict[str, str]) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{environment['HOMEWARD_HTTP_PORT']}", trust_env=False, timeout=30)


def at_the_provider(browser: httpx.Client, to: str, **form: str) -> httpx.Response:
    """Go to sign in, fill in the provider's form, and follow it to where it has us come back."""
    sent = browser.get("/sign-in", params={"to": to})
    assert sent.status_code == 303, sent.text
    page = browser.get(sent.headers["location"])
    assert page.status_code == 200, page.text
    back = browser.post(sent.headers["location"], data=form)
    assert back.status_code == 302, back.text
    return browser.get(back.headers["location"])


def test_a_person_signs_in_works_and_signs_out(
    processes: dict[str, subprocess.Popen[bytes]], environment: dict[str, str], tmp_path: Path
) -> None:
    with browser_of(environment) as browser:
        assert browser.get("/v1/me").status_code == 401
        came_in = at_the_provider(browser, "/v1/me", sub="invented-ann")
        assert (came_in.status_code, came_in.headers["location"]) == (303, "/v1/me"), came_in.text
        me = browser.get("/v1/me").json()
        assert (me["id"], me["name"], me["person"]) == ("person:invented-ann", "Invented Ann", "ann")
        assert (me["authority"], me["roles"]) == ("invented", ["manager"])
        assert browser.post("/v1/plans", json={}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert browser.post("/v1/plans", json={}, headers=FROM_OUR_PAGE).status_code == 422

        replayed = browser.get(str(came_in.request.url))
        assert replayed.status_code == 400
        assert "This sign-in cannot be finished" in replayed.text

        stop(processes.pop("provider"))
        assert browser.get("/v1/me").status_code == 200, "sessions outlive the provider's absence"
        issuer_port = int(environment["HOMEWARD_OIDC_ISSUER"].rpartition(":")[2])
        processes["provider"] = provider_on(issuer_port, tmp_path / "provider.log")

        left = browser.post("/sign-out", headers=FROM_OUR_PAGE)
        found = re.search(r'content="0; url=([^"]+)"', left.text)
        assert found is not None
        assert browser.get(unescape(found[1])).status_code == 200, "the provider knows this door"
        assert browser.get("/v1/me").status_code == 401
    said = (tmp_path / "service.log").read_text(encoding="utf-8")
    assert "invented-client-secret" not in said
    assert "code=" not in said


def test_who_is_refused_or_has_no_role_does_not_come_in(
    processes: dict[str, subprocess.Popen[bytes]], environment: dict[str, str]
) -> None:
    assert processes
    with browser_of(environment) as browser:
        for form, words in (({"sub": "invented-bob"}, "You have no role here"), ({"action": "deny"}, None)):
            answer = at_the_provider(browser, "/v1/me", **form)
            assert answer.status_code in (400, 403)
            assert words is None or words in answer.text
            assert "access_denied" not in answer.text
            assert browser.get("/v1/me").status_code == 401


def test_with_local_accounts_the_service_does_not_start_beyond_this_machine(environment: dict[str, str]) -> None:
    local = {name: value for name, value in environment.items() if "_OIDC_" not in name}
    for command in (service_command(), [HOMEWARD, "run"]):
        done = subprocess.run(
            command,
            env={**local, "HOMEWARD_HTTP_HOST": "0.0.0.0"},  # noqa: S104
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert "HOMEWARD_HTTP_HOST: must be 127.0.0.1 while local accounts are in use" in done.stderr


def test_the_service_of_settings_as_they_come_has_local_accounts(environment: dict[str, str], tmp_path: Path) -> None:
    local = {name: value for name, value in environment.items() if "_OIDC_" not in name}
    made = subprocess.run(
        [HOMEWARD, "account", "add", "feed", "--system", "--role", "reporter", "--json"],
        env=local,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    system = json.loads(made.stdout)
    service = started(service_command(), local, tmp_path / "service.log", int(local["HOMEWARD_HTTP_PORT"]))
    try:
        with browser_of(local) as client:
            form = {"grant_type": "client_credentials"}
            token = client.post("/token", data=form, auth=(system["client_id"], system["client_secret"])).json()
            me = client.get("/v1/me", headers={"Authorization": f"Bearer {token['access_token']}"}).json()
            assert (me["name"], me["roles"], me["authority"]) == ("feed", ["reporter"], "invented")
            assert client.get("/sign-in", headers={"Host": "evil.example"}).status_code == 421
    finally:
        stop(service)
