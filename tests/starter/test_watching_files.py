"""The alert rules and the dashboard: right by Prometheus's own tool, and about what is really counted."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY

import activities.metrics
import starter.observing.metrics
import starter.watchdog.gauges
from activities.health.findings import StuckKind

WATCHING = Path(__file__).parents[2] / "deploy" / "watching"
COUNTING = (activities.metrics, starter.observing.metrics, starter.watchdog.gauges)
"""Whoever counts registers what it counts when it is read."""


def expressions() -> Iterator[str]:
    """All that the files ask Prometheus."""
    rules = yaml.safe_load((WATCHING / "alerts.yaml").read_text(encoding="utf-8"))
    yield from (rule["expr"] for group in rules["groups"] for rule in group["rules"])
    board = json.loads((WATCHING / "dashboard.json").read_text(encoding="utf-8"))
    yield from (target["expr"] for panel in board["panels"] for target in panel["targets"])


def test_what_they_ask_for_is_counted() -> None:
    asked = {name for one in expressions() for name in re.findall(r"\bhomeward_\w+", one)}
    assert len(asked) > 12
    assert len(COUNTING) == 3
    families = {family.name for family in REGISTRY.collect() if family.name.startswith("homeward_")}
    known = {name + suffix for name in families for suffix in ("", "_total", "_bucket", "_count")}
    assert asked <= known


def test_the_kinds_of_standing_still_that_they_name_are_kinds() -> None:
    named = {
        kind for one in expressions() for found in re.findall(r'kind=~?"([^"]*)"', one) for kind in found.split("|")
    }
    assert len(named) > 10
    assert named <= {kind.value for kind in StuckKind}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on this machine (Debian: prometheus)")
@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "alerts.yaml"),
        ("test", "rules", "alerts_test.yaml"),
        ("check", "config", "--syntax-only", "prometheus.yaml"),
    ],
    ids=["the rules", "their tests", "what to scrape"],
)
def test_prometheus_own_tool_finds_nothing_wrong(words: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *words], cwd=WATCHING, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
