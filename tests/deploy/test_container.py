"""The image: made of what the locks name, for a user who is nobody, and whole without this folder."""

import re
import zipfile
from pathlib import Path
from typing import Final

import pytest

from starter.environment import NAMES
from starter.settings import Settings
from tests.deploy.plans import DEPLOY, ROOT, VERSION, run, settings_named, tool

CONTAINERFILE: Final = (DEPLOY / "container" / "Containerfile").read_text(encoding="utf-8")
_PINNED: Final = re.compile(r"^([a-z0-9._-]+==\S+)", re.MULTILINE)


def test_every_variable_in_deploy_is_a_setting() -> None:
    assert {name: files for name, files in settings_named().items() if name not in NAMES} == {}


def test_the_linter_of_containerfiles_finds_nothing() -> None:
    done = run(tool("hadolint"), "--no-color", str(DEPLOY / "container" / "Containerfile"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_image_is_of_this_version_and_runs_as_nobody() -> None:
    assert f"ARG VERSION={VERSION}" in CONTAINERFILE
    assert set(re.findall(r"^FROM (\S+)", CONTAINERFILE, re.MULTILINE)) == {
        "docker.io/library/python:3.11-slim-bookworm"
    }
    last = CONTAINERFILE[CONTAINERFILE.rindex("\nFROM") :]
    assert re.findall(r"^USER (.*)$", last, re.MULTILINE) == ["10001:10001"]
    assert f"EXPOSE {Settings.model_fields['http_port'].default}\n" in last
    assert CONTAINERFILE.count("--require-hashes") == CONTAINERFILE.count("-r requirements-") == 2


def test_what_is_copied_is_there_and_let_in() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    assert let_in == (ROOT / ".containerignore").read_text(encoding="utf-8")
    allowed = {line[1:] for line in let_in.splitlines() if line.startswith("!")}
    copied: set[str] = set()
    for line in re.findall(r"^COPY (?!--from)(.*)$", CONTAINERFILE, re.MULTILINE):
        copied |= set(line.split()[:-1])
    assert copied == allowed
    assert "*" in let_in.splitlines()
    assert [one for one in copied if not (ROOT / one).exists()] == []


@pytest.mark.parametrize("lock", ["requirements-run.lock", "requirements-build.lock"])
def test_what_runs_is_of_the_versions_that_are_tested(lock: str) -> None:
    tested = set(_PINNED.findall((ROOT / "requirements.lock").read_text(encoding="utf-8")))
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert set(_PINNED.findall(text)) <= tested, "run: make lock"
    assert not re.search(r"https?://|index-url|find-links", text)
    assert text.count("--hash=sha256:") > text.count("==")
    assert "pytest" not in text


def test_the_wheel_holds_all_that_the_rooms_do(tmp_path: Path) -> None:
    done = run(tool("hatchling"), "build", "--target", "wheel", "--directory", str(tmp_path), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        held = set(wheel.namelist())
    rooms = [path for room in ("workflows", "activities", "starter") for path in (ROOT / room).rglob("*")]
    wanted = {str(p.relative_to(ROOT)) for p in rooms if p.is_file() and "__pycache__" not in p.parts}
    assert wanted | {"worker.py"} <= held
