"""The commands about the database, as a person says them."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from activities.store.schema import HEAD, MADE_BY_0_2_0, REVISIONS
from starter.cli.main import run
from tests.store.test_migrations import MADE_THEN

Says = Callable[..., tuple[int, str, str]]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Says:
    """Says a command; its exit status, its answer and its complaint."""
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HOMEWARD_ENGINE_ADDRESS", "127.0.0.1:9")
    monkeypatch.setenv("HOMEWARD_ENGINE_PATIENCE_SECONDS", "1")

    def say(*words: str) -> tuple[int, str, str]:
        status = run(list(words))
        said = capsys.readouterr()
        return status, said.out, said.err

    return say


@pytest.fixture
def on_empty(says: Says, monkeypatch: pytest.MonkeyPatch, empty_url: str) -> Says:
    monkeypatch.setenv("HOMEWARD_DATABASE_URL", empty_url)
    return says


def test_a_schema_is_shown_brought_up_and_down(on_empty: Says) -> None:
    says = on_empty
    assert says("database", "show") == (
        0,
        f"Schema:  no revision: the database is empty\nNeeded:  {HEAD}\nPending: {', '.join(REVISIONS)}\n",
        "",
    )
    assert says("database", "upgrade") == (0, f"Upgraded: {', '.join(REVISIONS)}\n", "")
    assert says("database", "upgrade") == (0, "Nothing to upgrade\n", "")
    status, answer, _ = says("database", "show", "--json")
    shown: dict[str, object] = {"revision": HEAD, "standing": "current", "needed": HEAD, "pending": []}
    assert (status, json.loads(answer)) == (0, shown)
    status, answer, complaint = says("database", "downgrade", MADE_BY_0_2_0)
    assert (status, answer) == (2, "")
    assert complaint.startswith("homeward: --yes: must be given")
    assert says("database", "downgrade", MADE_BY_0_2_0, "--yes") == (0, f"Downgraded to {MADE_BY_0_2_0}\n", "")
    assert "Pending: 0002" in says("database", "show")[1]
    for wrong in (HEAD, MADE_BY_0_2_0, "0000_nothing", "head"):
        status, answer, complaint = says("database", "downgrade", wrong, "--yes")
        assert (status, answer, complaint.count("\n")) == (2, "", 1)
        assert complaint == f"homeward: REVISION: '{wrong}' is not below where the database stands (base)\n"
    assert says("database", "downgrade", "base", "--yes")[0] == 0
    assert "the database is empty" in says("database", "show")[1]


def test_nothing_upgrades_a_postgresql_by_itself(
    says: Says, monkeypatch: pytest.MonkeyPatch, empty_postgres_url: str
) -> None:
    monkeypatch.setenv("HOMEWARD_DATABASE_URL", empty_postgres_url)
    behind = f"homeward: the database is empty and this Homeward needs {HEAD}: run 'homeward database upgrade'\n"
    for words in (["list"], ["tasks"], ["directory", "show"]):
        assert says(*words) == (2, "", behind)
    assert "the database is empty" in says("database", "show")[1]
    status, answer, _ = says("doctor")
    assert status == 1
    assert "NOT WELL  database: the database is empty" in answer
    assert says("database", "upgrade")[0] == 0
    assert says("list")[0] == 0
    assert f"well      schema: {HEAD}: it is what this Homeward needs" in says("doctor")[1]


def test_a_file_of_0_2_0_is_upgraded_by_whatever_is_said_first(says: Says, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "homeward.sqlite")) as database:
        database.executescript(MADE_THEN)
    assert "it is as a version without revisions made it" in says("database", "show")[1].replace(
        "the database is", "it is"
    )
    status, answer, complaint = says("tasks")
    assert (status, complaint) == (0, "")
    assert "An invented task" in answer
    assert "it is what this Homeward needs" in says("database", "show")[1]


@pytest.mark.parametrize("words", [["database", "show"], ["database", "upgrade"], ["list"]])
def test_a_server_that_is_away_is_one_line(says: Says, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setenv("HOMEWARD_DATABASE_URL", "postgresql://somebody:s3cret@127.0.0.1:9/homeward")
    status, answer, complaint = says(*words)
    assert (status, answer, complaint.count("\n")) == (2, "", 1)
    assert complaint.startswith("homeward: the database cannot be used now: ")
    assert "s3cret" not in complaint
