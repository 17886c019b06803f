"""The commands about the audit: whole or broken, by their exit status; and the doctor's word."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from activities.store import Store, audit
from activities.store.audit import Chained
from starter.cli.audit import _row
from starter.cli.main import run
from tests.store.test_audit import entry

Says = Callable[..., tuple[int, str, str]]
EPISODE = "5c6a0ce9-6ba2-4af4-880f-e8601a7a96b8"


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Says:
    """Says a command of an authority with three entries; its exit status, its answer and its complaint."""
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEWARD_ENGINE_ADDRESS", "127.0.0.1:9")
    monkeypatch.setenv("HOMEWARD_ENGINE_PATIENCE_SECONDS", "1")
    asyncio.run(_set_up(tmp_path))

    def say(*words: str) -> tuple[int, str, str]:
        status = run(list(words))
        said = capsys.readouterr()
        return status, said.out, said.err

    return say


async def _set_up(folder: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{folder / 'homeward.sqlite'}")
    await store.make_ready()
    async with store.session() as session:
        for number in (1, 2, 3):
            about = {"subjects": (EPISODE, "c1")} if number == 3 else {}
            await audit.append(session, entry(number, authority="local", **about))
        await audit.append(session, entry(7, authority="elsewhere"))
    await store.close()


def tamper(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "homeward.sqlite")) as database, database:
        database.execute("DROP TRIGGER IF EXISTS audit_no_update")
        database.execute("DROP TRIGGER IF EXISTS audit_no_delete")
        database.execute(statement)


def test_a_whole_audit_is_said_to_be_whole_with_what_to_write_down(says: Says) -> None:
    status, answer, complaint = says("audit", "verify")
    assert (status, complaint) == (0, "")
    first, known = answer.splitlines()
    assert first == "The audit of local is whole: 3 entries"
    assert known.startswith("3:")
    assert says("audit", "verify", "--known", known)[0] == 0
    said = json.loads(says("audit", "verify", "--authority", "elsewhere", "--json")[1])
    assert (said["entries"], said["whole"], said["authority"]) == (1, True, "elsewhere")
    assert "well      audit: of elsewhere whole, 1 entries\n" in says("doctor")[1]


@pytest.mark.parametrize(
    ("statement", "number", "how"),
    [
        ("UPDATE audit SET who = 'another' WHERE number = 2 AND authority = 'local'", 2, "does not fit"),
        ("DELETE FROM audit WHERE number = 1 AND authority = 'local'", 1, "entry 1 is missing"),
    ],
)
def test_a_broken_audit_exits_with_a_status_of_its_own(
    says: Says, tmp_path: Path, statement: str, number: int, how: str
) -> None:
    tamper(tmp_path, statement)
    status, answer, complaint = says("audit", "verify")
    assert (status, answer, complaint.count("\n")) == (4, "", 1)
    assert f"BROKEN at entry {number}: " in complaint
    assert how in complaint
    status, answer, _ = says("audit", "verify", "--json")
    said = json.loads(answer)
    assert (status, said["whole"], said["broken_at"]) == (4, False, number)
    status, answer, _ = says("doctor")
    assert status == 1
    assert f"NOT WELL  audit: of local BROKEN at entry {number}: " in answer
    assert "well      audit: of elsewhere whole" in answer


def test_the_last_entries_cut_off_are_found_by_what_was_written_down(says: Says, tmp_path: Path) -> None:
    known = says("audit", "head")[1].strip()
    assert known.startswith("3:")
    tamper(tmp_path, "DELETE FROM audit WHERE number > 2 AND authority = 'local'")
    assert says("audit", "verify", "--known", known)[0] == 4


@pytest.mark.parametrize("known", ["", "3", "3:abc", "0:" + "0" * 64, "x:" + "0" * 64, "3:" + "G" * 64])
def test_what_was_not_said_by_head_is_refused(says: Says, known: str) -> None:
    assert says("audit", "verify", "--known", known) == (
        2,
        "",
        "homeward: --known: must be NUMBER:FINGERPRINT as 'homeward audit head' says it\n",
    )


def test_entries_are_listed_by_what_is_asked(says: Says) -> None:
    for words, numbers in (
        (["--after", "1", "--limit", "2"], [2, 3]),
        (["--about", "e2"], [2]),
        (["--who", "who-1"], [1, 3]),
        (["--about", "e7"], []),
        (["--about", f"urn:uuid:{EPISODE.upper()}"], [3]),
    ):
        listed = json.loads(says("audit", "list", *words, "--json")[1])
        assert [one["number"] for one in listed] == numbers, words
    table = says("audit", "list", "--about", "e2")[1]
    assert "Invented One (who-0)" in table
    assert "GET /v1/episodes" in table
    assert "e1" not in table
    listed = says("audit", "list", "--after", "3")[1]
    assert " audit list" in listed
    assert "(os:" not in listed, "whoever gave a command is known by a name alone"


def test_random_ids_are_shown_by_their_first_characters() -> None:
    one = entry(1).model_copy(update={"subjects": (str(UUID(int=7)), f"{UUID(int=8)}/rhi", "INVENTED-1")})
    shown = _row(Chained(**one.model_dump(), number=1, previous="", digest=""))
    assert "00000000, 00000000/rhi, INVENTED-1" in shown
