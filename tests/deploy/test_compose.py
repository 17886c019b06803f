"""Compose: it fits the specification, opens nothing beyond this machine, holds no secret, and Homeward takes it."""

import os
import re
import stat
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from starter.environment import require_known_names
from starter.episode_worker import DRAIN
from starter.identity.settings import load_identity_settings
from starter.post_settings import load_post_settings
from starter.settings import Settings, load_settings
from tests.conftest import fresh_server
from tests.deploy.plans import BASE, COMPOSE, DEPLOY, VERSION, env_file, run, tool

FOLDER: Final = DEPLOY / "compose"
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
OURS: Final = {name: one for name, one in SERVICES.items() if one["image"].startswith("homeward:")}
ONCE: Final = {"setup", "engine-schema"}
"""The services that end when they have done what they are for."""

_SECRET: Final = re.compile(r"PASSWORD$|PWD$|_SECRET$|_TOKEN$|_KEY$|DATABASE_URL$")


def test_it_fits_the_specification() -> None:
    done = run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(FOLDER / "compose.yaml"))
    assert done.returncode == 0, done.stdout


def test_only_this_machine_reaches_anything() -> None:
    ports = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    port = Settings.model_fields["http_port"].default
    assert ports == {"api": [f"127.0.0.1:{port}:{port}"]}
    beside = {name for name, one in SERVICES.items() if "outside" in one["networks"]}
    assert beside == {"api", "watchdog", "worker"}
    assert [name for name, about in COMPOSE["networks"].items() if not about.get("internal")] == ["outside"]


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_held(name: str) -> None:
    one = SERVICES[name]
    assert one["image"].split(":")[-1] not in ("latest", one["image"])
    assert "no-new-privileges:true" in one["security_opt"]
    assert {"cpus", "memory"} == set(one["deploy"]["resources"]["limits"])
    assert ("healthcheck" in one) != (name in ONCE)
    assert not one.get("privileged")
    assert "/var/run/docker.sock" not in str(one)


@pytest.mark.parametrize("name", OURS)
def test_ours_write_nowhere_but_where_they_must(name: str) -> None:
    one = OURS[name]
    assert one["image"] == f"homeward:{VERSION}"
    assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])
    secrets = "owner" if name == "setup" else "app"
    assert f"./secrets/{secrets}:/run/homeward:ro" in one["volumes"]
    assert ("postgres" in str(one["depends_on"])) is False


def test_a_worker_may_finish_what_it_began() -> None:
    assert float(SERVICES["worker"]["stop_grace_period"].removesuffix("s")) > DRAIN.total_seconds()


def test_no_secret_stands_in_it() -> None:
    for name, one in SERVICES.items():
        for variable, value in one.get("environment", {}).items():
            assert not _SECRET.search(variable), f"{name}: {variable}={value}"
    for names in (env_file(FOLDER / "homeward.env.example"), env_file(BASE / "settings.env")):
        assert [one for one in names if _SECRET.search(one)] == []


def make_secrets(folder: Path) -> dict[str, str]:
    done = run("sh", str(FOLDER / "make-secrets.sh"), str(folder))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


def test_secrets_are_made_once_and_lie_in_a_closed_folder(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    made = make_secrets(folder)
    assert made == make_secrets(folder)
    passwords = {name: value for name, value in made.items() if name.endswith("_password")}
    assert {f"secrets/{name}" for name in passwords} == {one["file"] for one in COMPOSE["secrets"].values()}
    assert len(set(passwords.values())) == len(passwords) == 4
    assert all(len(value) == 48 for value in passwords.values())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for role in ("owner", "app"):
        url = f"postgresql://homeward_{role}:{passwords[f'{role}_password']}@database:5432/homeward"
        assert made[f"{role}/HOMEWARD_DATABASE_URL"] == url
    (folder / "owner_password").unlink()
    assert make_secrets(folder)["app_password"] == made["app_password"]


@pytest.mark.parametrize(
    "example", [FOLDER / "homeward.env.example", BASE / "settings.env"], ids=["compose", "cluster"]
)
def test_homeward_takes_the_examples_as_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, example: Path
) -> None:
    make_secrets(tmp_path / "secrets")
    given = {**env_file(example), **SERVICES["worker"]["environment"]}
    for name, value in given.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("HOMEWARD_SECRETS_DIR", str(tmp_path / "secrets" / "app"))
    require_known_names()
    settings = load_settings()
    load_post_settings()
    assert load_identity_settings(settings).uses_provider
    assert "homeward_app" in settings.database
    monkeypatch.delenv("HOMEWARD_OIDC_ISSUER")
    with pytest.raises(Exception, match="HOMEWARD_OIDC_ISSUER"):
        load_identity_settings(settings)


def test_the_roles_of_the_database_are_made(tmp_path: Path) -> None:
    make_secrets(tmp_path / "secrets")
    with fresh_server() as server:
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "POSTGRES_USER": "homeward"}
        more = {"SECRETS": str(tmp_path / "secrets")}
        done = run("sh", str(FOLDER / "database" / "roles.sh"), env={**os.environ, **where, **more})
        assert (done.returncode, done.stderr) == (0, "")
        with psycopg.connect(server.url("homeward", "homeward_owner")) as owner:
            owner.execute("CREATE TABLE invented (one int)")
        working = psycopg.connect(server.url("homeward", "homeward_app"))
        with working, pytest.raises(psycopg.errors.InsufficientPrivilege):
            working.execute("CREATE TABLE another (one int)")
