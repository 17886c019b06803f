"""Another version of Homeward: a copy of this source with some of its text otherwise, run by processes of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starter.local import worker_command
from tests.faults.machine import PATIENCE_SECONDS, Machine

SOURCE: Final = Path(__file__).parents[2]
PARTS: Final = ("workflows", "activities", "starter")


@dataclass(frozen=True)
class Edit:
    """A piece of a file's text, which must be there once, and what stands there in the other version."""

    file: str
    before: str
    after: str


@dataclass(frozen=True)
class Version:
    """A version, by the folder of its source."""

    name: str
    folder: Path

    @classmethod
    def of(cls, folder: Path, name: str, edits: Sequence[Edit], more: dict[str, str] | None = None) -> "Version":
        """Write a version down: this one with these edits, and `more` files of its own."""
        here = folder / name
        for part in PARTS:
            shutil.copytree(SOURCE / part, here / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(SOURCE / "worker.py", here)
        for edit in edits:
            text = (here / edit.file).read_text(encoding="utf-8")
            assert text.count(edit.before) == 1, f"{edit.file} does not say once: {edit.before}"
            (here / edit.file).write_text(text.replace(edit.before, edit.after), encoding="utf-8")
        for file, text in (more or {}).items():
            (here / file).write_text(text, encoding="utf-8")
        return cls(name, here)

    def start_worker(self, machine: Machine) -> None:
        """Start a worker of this version, which is called as the version is, and wait until it asks for work."""
        times = _times_ready(machine, self.name)
        # What is run with -m is looked for in the folder it is started in before anywhere else.
        machine.start(self.name, worker_command(), folder=self.folder)
        machine.wait_for_line(self.name, "worker ready", times + 1)

    def homeward(self, machine: Machine, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Give a command of this version."""
        return subprocess.run(
            [sys.executable, "-m", "starter.cli", *words],
            env={**os.environ, **machine.environment, **environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )


def _times_ready(machine: Machine, name: str) -> int:
    log = machine.folder / f"{name}.log"
    return log.read_text(encoding="utf-8").count("worker ready") if log.exists() else 0
