"""Units: what they run is there, they are closed to what they need not, and systemd itself finds nothing wrong."""

import re
import sys
from pathlib import Path
from typing import Final

import pytest

from starter.cli.gate import commands_of
from starter.cli.main import app
from starter.episode_worker import DRAIN
from tests.deploy.plans import DEPLOY, of_the_machine, run

UNITS: Final = sorted((DEPLOY / "systemd").glob("*.service"))
MOST_EXPOSED: Final = 2.0
"""What `systemd-analyze security` may give at most, of ten; it gives 1.3."""

_INSTALLED: Final = "/opt/homeward/bin/homeward"


def values(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def here(tmp_path: Path) -> dict[str, Path]:
    """The units as they would be on a machine where Homeward is installed."""
    made: dict[str, Path] = {}
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace(_INSTALLED, str(Path(sys.executable).parent / "homeward"))
        one = tmp_path / unit.name.replace("@", "@1")
        for name in (unit.name, one.name):
            (tmp_path / name).write_text(text, encoding="utf-8")
        made[unit.name] = one
    return made


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_each_unit_runs_what_there_is_as_nobody_of_consequence(unit: Path) -> None:
    said = values(unit)
    (command,) = said["ExecStart"]
    program, word = command.split()[:2]
    assert program == _INSTALLED
    assert word in {words for words, _ in commands_of(app)}
    assert (said["User"], said["ProtectSystem"], said["CapabilityBoundingSet"]) == (["homeward"], ["strict"], [""])
    secrets = "owner-secrets" if word == "setup" else "secrets"
    assert said["LoadCredential"] == [f"HOMEWARD:/etc/homeward/{secrets}"]
    assert "HOMEWARD_SECRETS_DIR=%d" in said["Environment"][0]
    assert not re.search(r"PASSWORD|postgresql://", unit.read_text(encoding="utf-8"))


def test_there_is_one_for_each_part() -> None:
    assert [unit.name for unit in UNITS] == [
        "homeward-api.service",
        "homeward-setup.service",
        "homeward-watchdog.service",
        "homeward-worker@.service",
    ]
    worker = values(UNITS[-1])
    assert float(worker["TimeoutStopSec"][0]) > DRAIN.total_seconds()
    assert worker["Restart"] == ["always"]
    assert "WantedBy" not in values(UNITS[1]), "what changes the schema is started by a person"


@pytest.mark.skipif(of_the_machine("systemd-analyze") is None, reason="no systemd-analyze on this machine")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_finds_nothing_wrong(here: dict[str, Path], unit: Path) -> None:
    verified = run("systemd-analyze", "verify", str(here[unit.name]))
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")
    rated = run("systemd-analyze", "security", "--offline=true", str(here[unit.name]))
    exposed = re.search(r"Overall exposure level for \S+: ([0-9.]+)", rated.stdout)
    assert exposed is not None, rated.stderr
    assert float(exposed[1]) <= MOST_EXPOSED
