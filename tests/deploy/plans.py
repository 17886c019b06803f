"""What deploy/ holds, read: the plans of containers, of a cluster and of units, without any of these being here."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parent.parent.parent
DEPLOY: Final = ROOT / "deploy"
PYPROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSION: Final[str] = PYPROJECT["project"]["version"]
BASE: Final = DEPLOY / "kubernetes" / "base"
AUTOSCALED: Final = DEPLOY / "kubernetes" / "autoscaled"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))


def documents(folder: Path) -> list[dict[str, Any]]:
    """The manifests that a kustomization names, without those of another."""
    plan = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    files = [folder / one for one in plan["resources"] if one.endswith(".yaml")]
    return [one for file in files for one in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


def env_file(path: Path) -> dict[str, str]:
    """The variables of a file of variables."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def tool(name: str) -> str:
    """The path of a program that the environment brings."""
    found = Path(sys.executable).parent / name
    assert found.is_file(), f"{name} is not in the environment: make env"
    return str(found)


def of_the_machine(name: str) -> str | None:
    """The path of a program that a machine may have."""
    return shutil.which(name)


def run(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, **more)


def settings_named() -> dict[str, set[str]]:
    """Each variable of ours that stands anywhere in deploy/, with the files that name it."""
    named: dict[str, set[str]] = {}
    for path in DEPLOY.rglob("*"):
        if path.is_file() and "secrets" not in path.parts:
            for found in re.findall(r"\bHOMEWARD_[A-Z_]+\b", path.read_text(encoding="utf-8", errors="ignore")):
                named.setdefault(found, set()).add(path.name)
    return named
