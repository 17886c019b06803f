"""The house holds together: every activity is registered, and the docs name what exists."""

import ast
import re
from pathlib import Path
from typing import cast

import pytest
import typer

import worker
from activities.health import findings
from activities.health.findings import StuckKind
from activities.reconcile.run import Reconciler
from activities.registry import Activities, ReconcileActivities
from activities.store import Store
from starter.cli.main import app
from starter.environment import KINDS, NAMES
from starter.event_page import event_page
from starter.identity.roles_page import roles_table
from starter.identity.settings import IdentitySettings
from starter.policy_page import as_page
from tests.workflows.builders import pack, policies
from workflows import contracts, names
from workflows.event_kinds import EventKind
from workflows.reconcile_contracts import RECONCILE_ACTIVITIES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "deploy" / "runbook.md").read_text(encoding="utf-8")
ALERTS = (ROOT / "deploy" / "watching" / "alerts.yaml").read_text(encoding="utf-8")
ROOMS = ("workflows", "activities", "starter", "starter/cli", "starter/intake", "starter/identity", "tests", "deploy")


@pytest.mark.parametrize("kind", StuckKind)
def test_the_runbook_says_what_to_do_about_each_kind_of_standing_still(kind: StuckKind) -> None:
    lines = [
        line for line in RUNBOOK.splitlines() if re.match(rf"\| {re.escape(findings.KINDS[kind].title)}( \*)? \|", line)
    ]
    assert len(lines) == 1, f"the runbook has no line, or several, for '{findings.KINDS[kind].title}'"


@pytest.mark.parametrize("kind", [kind for kind in StuckKind if findings.KINDS[kind].weight == "children"])
def test_an_alarm_pages_for_what_touches_the_clocks_of_children(kind: StuckKind) -> None:
    assert re.search(rf"[\"|]{kind.value}[\"|]", ALERTS.partition("HomewardPeopleNotTold")[0])


def test_every_activity_of_the_contracts_is_registered_with_its_types() -> None:
    activities = Activities(Store("sqlite+aiosqlite:///nowhere.sqlite"), policies()).all()
    # Nothing is asked of it: only its activities' names and types are.
    comparing = ReconcileActivities(cast("Reconciler", None)).all()
    registered = {_activity_name(method): method for method in (*activities, *comparing)}
    stubs = {_activity_name(stub): stub for stub in (*contracts.ALL_ACTIVITIES, *RECONCILE_ACTIVITIES)}
    assert set(registered) == set(stubs)
    for name, stub in stubs.items():
        asked, given = _types(stub), _types(registered[name])
        assert asked == given, f"{name} takes or gives something else than its contract"


def _activity_name(function: object) -> str:
    return str(getattr(function, "__temporal_activity_definition").name)


def _types(function: object) -> list[object]:
    annotations = dict(getattr(function, "__annotations__", {}))
    return [getattr(kind, "__name__", str(kind)) for kind in annotations.values()]


def _all_commands(group: typer.Typer = app, before: str = "homeward") -> list[str]:
    found = [f"{before} {command.name}" for command in group.registered_commands]
    for deeper in group.registered_groups:
        if deeper.typer_instance is not None:
            found += _all_commands(deeper.typer_instance, f"{before} {deeper.name}")
    return found


@pytest.mark.parametrize("command", _all_commands())
def test_the_readme_names_every_command(command: str) -> None:
    assert f"`{command}" in README


_SETTING: re.Pattern[str] = re.compile(r"^\| `(HOMEWARD_[A-Z_]+)` \| (.*?) \| ", re.MULTILINE)


def test_the_readme_names_every_setting_once_and_no_other() -> None:
    named = [found[1] for found in _SETTING.finditer(README)]
    assert sorted(named) == sorted(NAMES)


def test_the_readme_says_the_defaults_of_settings() -> None:
    fields = {f"HOMEWARD_{name.upper()}": field for kind in KINDS for name, field in kind.model_fields.items()}
    compared = 0
    for found in _SETTING.finditer(README):
        default, said = fields[found[1]].default, found[2].strip("`")
        if isinstance(default, int | float) or (isinstance(default, str) and found[2].startswith("`")):
            assert said == f"{default:g}" if isinstance(default, float) else str(default), found[1]
            compared += 1
    assert compared > len(fields) / 3


@pytest.mark.parametrize("signal", [value for name, value in vars(names).items() if name.startswith("SIGNAL_")])
def test_the_readme_names_every_signal(signal: str) -> None:
    assert f"`{signal}`" in README


def test_the_page_of_clocks_says_what_the_default_policy_says() -> None:
    page = (ROOT / "docs" / "clocks.md").read_text(encoding="utf-8")
    assert page == as_page(pack()), "run: make clocks"


def test_the_page_of_identity_says_what_each_role_may_do() -> None:
    page = (ROOT / "docs" / "identity.md").read_text(encoding="utf-8")
    assert roles_table() in page, "put there what this says: homeward access --page"


def test_the_page_of_identity_names_every_setting_of_a_provider() -> None:
    page = (ROOT / "docs" / "identity.md").read_text(encoding="utf-8")
    named = [f"HOMEWARD_{name.upper()}" for name in IdentitySettings.model_fields]
    assert [name for name in named if name not in page] == []


def test_the_page_of_events_says_what_the_code_sends() -> None:
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    assert page == event_page(), "run: make events"
    assert all(f"`{kind.value}`" in page for kind in EventKind)


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_says_when_to_touch_it(room: str) -> None:
    text = (ROOT / room / "README.md").read_text(encoding="utf-8")
    assert text.split("\n\n")[1].startswith("Touch this")


def test_links_in_the_docs_lead_somewhere() -> None:
    for page in (*ROOT.glob("*.md"), *ROOT.glob("deploy/**/*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_worker_process_is_composition_and_nothing_else() -> None:
    """import-linter cannot take a module as a root: this holds that nothing imports the composition root."""
    assert worker.__file__ is not None
    for room in ("workflows", "activities", "starter"):
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                imported = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                imported += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
                assert "worker" not in imported, f"{file} imports the composition root"


def test_no_file_names_a_registry_or_a_machine() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"https?://|index-url|find-links", lock)
    assert lock.count("--hash=sha256:") > lock.count("==")
