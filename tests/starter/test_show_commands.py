"""What `show` and `list` say of an absence, in the words of the console: titles, states, roles; no names of code."""

import re
from pathlib import Path

import pytest

from activities.store import Store, inbox
from activities.store.tables import EpisodeTable
from starter.cli.show import _wake
from tests.console.absences import absence, said
from tests.starter.test_gate import Shell, report_of
from tests.workflows.builders import pack


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data_folder: Path) -> Shell:
    return Shell(monkeypatch, capsys, data_folder)


@pytest.fixture
def mine(shell: Shell) -> str:
    async def back(store: Store) -> str:
        id = await absence(store, said("reported", 40), said("returned", 30), authority="local")
        async with store.session() as session:
            await inbox.keep(session, report_of(id, "INV-1"))
        return id

    return str(shell.store(back))


def test_a_clock_is_shown_by_its_title_and_how_it_stands_in_words(shell: Shell, mine: str) -> None:
    status, shown, _ = shell.says("show", mine)
    assert status == 0
    assert re.search(r"^Senior leadership alert \[leadership_alert\]: NO LONGER NEEDED, due ", shown, re.MULTILINE)
    assert "No longer needed: returned" in shown
    assert "waits for told (independent reviewing officer)" in shown
    assert re.search(r"^Not started: \w[\w' ]+; ", shown, re.MULTILINE)
    for name in ("23:59:59", "(iro)", "CANCELLED", "elapsed"):
        assert name not in shown


def test_the_list_says_what_is_owed_next_by_its_title(shell: Shell, mine: str) -> None:
    status, listed, _ = shell.says("list")
    assert status == 0
    (row,) = [line for line in listed.splitlines() if line.startswith(mine)]
    assert "Independent reviewing officer told" in row
    assert "iro_notice" not in row


def test_a_clock_of_a_policy_that_is_not_at_hand_is_listed_by_its_own_name(shell: Shell, mine: str) -> None:
    async def of_a_policy_since_removed(store: Store) -> None:
        async with store.session() as session:
            (await session.get_one(EpisodeTable, mine)).policy = "removed"

    shell.store(of_a_policy_since_removed)
    status, listed, _ = shell.says("list")
    assert status == 0
    assert "Iro notice" in listed


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("iro_notice: escalate_unanswered_1", "Independent reviewing officer told, escalate unanswered 1"),
        ("rhi: due", "Return home interview completed, due"),
        ("close", "close"),
    ],
)
def test_what_it_wakes_for_is_said_by_the_title_of_its_clock(label: str, words: str) -> None:
    assert _wake(label, pack()) == words
    assert _wake(label, None) == label
