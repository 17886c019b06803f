"""Intake and police packs on the command line: what is said of a file taken in twice, and of a file that is written."""

import json
from collections.abc import Callable
from getpass import getuser
from pathlib import Path

import pytest

from starter.cli.main import run

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
Says = Callable[..., str]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Says:
    """Says a command while no engine answers; its answer."""
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEWARD_ENGINE_ADDRESS", "127.0.0.1:9")
    monkeypatch.setenv("HOMEWARD_ENGINE_PATIENCE_SECONDS", "0.1")

    def say(*words: str) -> str:
        run(list(words))
        return capsys.readouterr().out

    return say


def test_a_file_that_was_taken_in_before_has_the_counts_of_then(says: Says) -> None:
    folder = EXAMPLES / "intake"
    export = ("intake", str(folder / "export.csv"), "--mapping", str(folder / "my-town.yaml"))
    first = says(*export)
    counts = next(line for line in first.splitlines() if line.startswith("Episodes: "))
    again = says(*export).splitlines()
    assert again[0].startswith("This file was taken in before, ")
    assert again[0].endswith(f" by {getuser()}: nothing is added")
    assert again.index("What became of it then:") < again.index(counts)
    assert json.loads(says(*export, "--json"))["run"]["taken_in_before"] is True


def test_a_police_pack_that_is_written_says_where_to(says: Says, tmp_path: Path) -> None:
    episode = json.loads(says("report", str(EXAMPLES / "report.json"), "--json"))["episode_id"]
    pdf = tmp_path / "pack.pdf"
    assert f"Written to {pdf}\n" in says("police-pack", episode, "--pdf", str(pdf))
    assert pdf.read_bytes().startswith(b"%PDF")
