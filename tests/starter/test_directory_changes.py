"""Single changes to the directory from the command line: checked as files are, done once, and told to open episodes."""

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities.store import Store
from activities.store.tables import EpisodeTable
from starter.cli.main import run
from starter.directory_changes import SPANS
from starter.directory_rows import COLUMNS

EXAMPLES = Path(__file__).parent.parent.parent / "examples" / "directory"
JUNE, JULY, AUGUST = "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z"
SECRET = "s3cret"


pytestmark = pytest.mark.usefixtures("data_folder")


class Desk:
    """Says directory commands, and reads what they answer."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def says(self, *words: str) -> str:
        """The answer; nothing went wrong."""
        assert run(["directory", *words]) == 0
        said = self._capsys.readouterr()
        assert said.err == ""
        return said.out

    def is_refused(self, *words: str) -> str:
        assert run(["directory", *words]) == 2
        said = self._capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        assert SECRET not in said.err
        return said.err

    def rows(self, kind: str) -> list[str]:
        """The lines of the export, without the columns."""
        return self.says("export", kind).splitlines()[1:]


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str]) -> Desk:
    desk = Desk(capsys)
    for reference in ("a", "b"):
        assert desk.says("person", reference, "--name", f"Invented {reference}").startswith("Added")
    return desk


def test_a_person_is_added_and_only_what_is_given_changes(desk: Desk) -> None:
    assert desk.says(
        "person", "c", "--name", "Invented C", "--email", "c@homeward.example", "--mobile", "07700 900003"
    ).startswith("Added")
    assert desk.says("person", "c", "--channels", "sms;email", "--deputies", "a;b").startswith("Changed")
    assert desk.says("person", "c", "--hours", "Sat-Sun 22:00-06:00").startswith("Changed")
    whole = "c,Invented C,c@homeward.example,+447700900003,sms;email,Sat-Sun 22:00-06:00,a;b"
    assert desk.rows("people")[2] == whole
    assert desk.says("person", "c", "--mobile", "+44 7700 900003").startswith("Nothing to change")
    assert desk.says("person", "c").startswith("Nothing to change")
    assert "channels" in desk.is_refused("person", "c", "--email", "")
    assert desk.rows("people")[2] == whole, "what is refused changes nothing"
    assert desk.says("person", "c", "--email", "", "--channels", "").startswith("Changed")
    assert desk.rows("people")[2] == "c,Invented C,,+447700900003,,Sat-Sun 22:00-06:00,a;b"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["person", "new"], "name: must not be empty"),
        (["person", "a", "--name", ""], "name: must not be empty"),
        (["person", "a", "--name", f"{SECRET}\nx"], "name: must be one line"),
        (["person", "a;b", "--name", SECRET], "person: must be without ';'"),
        (["person", "a", "--email", SECRET], "email: must be one e-mail address"),
        (["person", "a", "--mobile", SECRET], "mobile: must be a mobile number"),
        (["person", "a", "--channels", SECRET], "channels: must be some of"),
        (["person", "a", "--channels", "email"], "channels: must be only those"),
        (["person", "a", "--hours", SECRET], "hours: must be 'always'"),
        (["person", "a", "--deputies", f"b;{SECRET}"], "deputies: must be people of the directory"),
        (["person", "a", "--deputies", "b;a"], "deputies: must not name the person itself"),
        (["hold", SECRET, "a"], "role: must be one of"),
        (["hold", "iro", SECRET], "person: must be among the people"),
        (["hold", "iro", "a", "--child", "C1", "--team", "North"], "--team: "),
        (["hold", "iro", "a", "--child", ""], "for: must name the child or team"),
        (["hold", "iro", "a", "--from", SECRET], "from: must be a date and time"),
        (["hold", "iro", "a", "--from", JULY, "--until", JUNE], "until: must come after 'from'"),
        (["hold", "iro", "a", "--from", "2026-10-25 01:30"], "from: the clocks change then"),
        (["release", "iro", "a"], "person: must hold that role"),
        (["release", "iro", "a", "--child", SECRET], "person: must hold that role"),
        (["release", "iro", SECRET], "person: must be among the people"),
        (["release", "iro", "a", "--at", SECRET], "until: must be a date and time"),
        (["on-call", "iro", SECRET, "--from", JUNE, "--until", JULY], "person: must be among the people"),
        (["on-call", "iro", "a", "--from", JUNE], "until"),
        (["on-call", "iro", "a", "--from", JUNE, "--until", JUNE], "until: must come after"),
        (["leave", "a", "--from", JUNE, "--until", SECRET], "until: must be a date and time"),
        (["leave", SECRET, "--from", JUNE, "--until", JULY], "person: must be among the people"),
        (["team", "C1", ""], "team: must not be empty"),
        (["team", "", "North"], "child: must not be empty"),
        (["export", "desks"], "kind: 'desks' is unknown"),
        (["show", "--person", SECRET], "--person: must be among the people"),
        (["who", "iro", "--at", "soon"], "--at: must be a date and time"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_and_nothing_changes(
    desk: Desk, tmp_path: Path, words: list[str], complaint: str
) -> None:
    before = all_that_is_kept(tmp_path)
    assert complaint in desk.is_refused(*words)
    assert all_that_is_kept(tmp_path) == before


def all_that_is_kept(folder: Path) -> list[str]:
    """Every row but those of the audit, which says that it was asked for."""
    with closing(sqlite3.connect(folder / "data" / "homeward.sqlite")) as database:
        return [line for line in database.iterdump() if not line.startswith('INSERT INTO "audit"')]


def test_a_holding_is_added_once_and_grows(desk: Desk) -> None:
    hold = ("hold", "iro", "a", "--team", "North")
    assert desk.says(*hold, "--from", JUNE, "--until", JULY) == "Added\n"
    assert desk.says(*hold, "--from", JUNE, "--until", JULY).startswith("Nothing to change")
    assert desk.says(*hold, "--from", "2026-06-10 09:00", "--until", "2026-06-11 09:00").startswith("Nothing to change")
    assert desk.says(*hold, "--from", "2026-06-10 09:00", "--until", AUGUST) == "Changed\n"
    assert desk.rows("holders") == [f"iro,a,team,North,{JUNE},{AUGUST}"]
    assert desk.says(*hold, "--from", AUGUST, "--until", "2026-09-01 00:00") == "Added\n", "what follows is another"
    assert desk.says(*hold, "--from", "2026-06-10 09:00") == "Changed\n"
    assert desk.rows("holders") == [f"iro,a,team,North,{JUNE},"]
    assert desk.says("hold", "iro", "a", "--from", JUNE, "--until", JULY) == "Added\n", "another scope"
    assert desk.says("hold", "iro", "b", "--team", "North", "--from", JUNE, "--until", JULY) == "Added\n"
    assert len(desk.rows("holders")) == 3


def test_a_holding_of_now_is_open(desk: Desk) -> None:
    before = datetime.now(UTC).isoformat()
    assert desk.says("hold", "iro", "a") == "Added\n"
    assert desk.says("hold", "iro", "a").startswith("Nothing to change")
    [row] = desk.rows("holders")
    assert row.startswith("iro,a,authority,,")
    assert row.endswith(",")
    assert before[:19] <= row.split(",")[4][:19] <= datetime.now(UTC).isoformat()[:19]
    assert desk.says("hold", "iro", "a", "--from", "") == "Changed\n"
    assert desk.rows("holders") == ["iro,a,authority,,,"], "without a beginning, as in a file: as long as anybody knows"


def test_instead_ends_what_others_hold_at_that_scope_and_nothing_else(desk: Desk) -> None:
    desk.says("person", "c", "--name", "Invented C")
    desk.says("hold", "social_worker", "a", "--child", "C1", "--from", JUNE)
    desk.says("hold", "social_worker", "c", "--child", "C1", "--from", JULY)
    desk.says("hold", "social_worker", "a", "--child", "C2", "--from", JUNE)
    desk.says("hold", "social_worker", "a", "--from", JUNE)
    desk.says("hold", "iro", "a", "--child", "C1", "--from", JUNE)
    desk.says(
        "hold", "social_worker", "a", "--child", "C1", "--from", "2020-01-01 00:00", "--until", "2020-02-01 00:00"
    )
    instead = ("hold", "social_worker", "b", "--child", "C1", "--from", JULY, "--instead")
    assert desk.says(*instead) == "Added; ended instead: 2\n"
    assert desk.says(*instead).startswith("Nothing to change")
    assert desk.rows("holders") == [
        f"iro,a,child,C1,{JUNE},",
        f"social_worker,a,authority,,{JUNE},",
        "social_worker,a,child,C1,2020-01-01T00:00:00Z,2020-02-01T00:00:00Z",
        f"social_worker,a,child,C1,{JUNE},{JULY}",
        f"social_worker,a,child,C2,{JUNE},",
        f"social_worker,b,child,C1,{JULY},",
    ], "what would have begun at that very moment is taken away"


def test_instead_without_a_time_is_from_now(desk: Desk) -> None:
    desk.says("hold", "iro", "a", "--from", JUNE)
    assert desk.says("hold", "iro", "b", "--instead") == "Added; ended instead: 1\n"
    first, second = desk.rows("holders")
    assert first.split(",")[5] == second.split(",")[4] != ""
    assert desk.says("hold", "iro", "a", "--from", JUNE, "--until", JULY).startswith("Nothing to change")
    assert desk.says("who", "iro").split() == ["Who", "As", "Invented", "b", "holder"]


def test_a_release_ends_the_holding(desk: Desk) -> None:
    desk.says("hold", "social_worker", "a", "--child", "C1", "--from", JUNE)
    desk.says("hold", "social_worker", "b", "--child", "C1", "--from", JUNE)
    assert "must hold that role" in desk.is_refused("release", "social_worker", "a", "--at", JULY), "not at that scope"
    release = ("release", "social_worker", "a", "--child", "C1")
    assert "must hold that role" in desk.is_refused(*release, "--at", "2026-05-31 12:00")
    assert desk.says(*release, "--at", "2026-07-01 01:00") == "Changed\n"
    assert "must hold that role" in desk.is_refused(*release, "--at", JULY), "its end is not part of it"
    assert desk.rows("holders") == [
        f"social_worker,a,child,C1,{JUNE},{JULY}",
        f"social_worker,b,child,C1,{JUNE},",
    ]
    assert desk.says("release", "social_worker", "b", "--child", "C1", "--at", JUNE) == "Changed\n"
    assert desk.rows("holders") == [f"social_worker,a,child,C1,{JUNE},{JULY}"]


def test_shifts_leave_and_teams(desk: Desk) -> None:
    on_call = ("on-call", "out_of_hours_team", "a", "--from", "2026-10-24 17:00", "--until")
    assert desk.says(*on_call, "2026-10-25T01:30:00+00:00") == "Added\n"
    assert desk.says(*on_call, "2026-10-25T01:30:00Z").startswith("Nothing to change")
    assert desk.says(*on_call, "2026-10-25 09:00") == "Changed\n"
    assert desk.rows("rota") == ["out_of_hours_team,a,2026-10-24T16:00:00Z,2026-10-25T09:00:00Z"]
    leave = ("leave", "a", "--from", JUNE, "--until", JULY)
    assert desk.says(*leave) == "Added\n"
    assert desk.says(*leave).startswith("Nothing to change")
    assert desk.rows("leave") == [f"a,{JUNE},{JULY}"]
    assert [desk.says("team", "C1", team).split()[0] for team in ("North", "North", "South")] == [
        "Added",
        "Nothing",
        "Changed",
    ]
    assert desk.rows("teams") == ["C1,South"]


def test_everything_about_a_person_is_shown(desk: Desk) -> None:
    desk.says("person", "a", "--email", "a@homeward.example", "--mobile", "07700 900001", "--channels", "sms;email")
    desk.says("hold", "social_worker", "a", "--child", "C1", "--from", JUNE)
    desk.says("on-call", "duty_manager", "a", "--from", JUNE, "--until", JULY)
    desk.says("leave", "b", "--from", JUNE, "--until", JULY)
    everyone = desk.says("show")
    for part in ("a@homeward.example", "+447700900001", "tray; sms; email", "Invented b"):
        assert part in everyone
    assert [one["reached_by"] for one in json.loads(desk.says("show", "--json"))] == [
        ["tray", "sms", "email"],
        ["tray"],
    ]
    one = desk.says("show", "--person", "a")
    for part in ("C1", "duty_manager", "Mon 1 Jun 2026 01:00 BST", "Leave: none"):
        assert part in one
    assert "Invented b" not in one
    shown = json.loads(desk.says("show", "--person", "b", "--json"))
    assert shown["person"]["name"] == "Invented b"
    assert (shown["holders"], shown["rota"]) == ([], [])
    assert shown["leave"] == [{"person": "b", "from": JUNE, "until": JULY}]


def test_the_examples_come_in_without_a_complaint(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(capsys)
    for kind in COLUMNS:
        rows = len((EXAMPLES / f"{kind}.csv").read_text(encoding="utf-8").splitlines()) - 1
        asked = ("import", kind, str(EXAMPLES / f"{kind}.csv"))
        counts = f"{rows} rows of {kind}: {rows} added, 0 changed, 0 removed, 0 as they were"
        first = f"The file takes the place of all rows of {kind} there are (0): {rows} come, 0 go, 0 stay\n"
        first = first if kind in SPANS else ""
        assert desk.says(*asked, "--dry-run") == f"{first}Nothing was written; this would be: {counts}\n"
        assert desk.rows(kind) == []
        assert desk.says(*asked) == f"{first}Taken in: {counts}\n"
        assert desk.says(*asked).endswith(f"0 added, 0 changed, 0 removed, {rows} as they were\n")
    found = desk.says("who", "social_worker", "--child", "INVENTED-1", "--at", "2026-10-21 10:00")
    assert found.split() == ["Who", "As", "Birch", "Invented", "deputy"]


@pytest.mark.parametrize("trial", [("--dry-run",), ()])
def test_what_a_file_takes_away_is_said_before_it_does(desk: Desk, tmp_path: Path, trial: tuple[str, ...]) -> None:
    for role in ("iro", "senior_leader", "team_manager"):
        desk.says("hold", role, "a", "--from", JUNE)
    file = tmp_path / "holders.csv"
    kept = next(row for row in desk.rows("holders") if row.startswith("iro"))
    file.write_text(f"role,person,scope,for,from,until\n{kept}\nduty_team,b,authority,,{JUNE},\n", encoding="utf-8")
    first, second = desk.says("import", "holders", str(file), *trial).splitlines()
    assert first == "The file takes the place of all rows of holders there are (3): 1 come, 2 go, 1 stay"
    assert second.startswith("Nothing was written" if trial else "Taken in")
    assert len(desk.rows("holders")) == (3 if trial else 2)


def test_the_help_says_that_a_file_takes_the_place_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["directory", "import", "--help"]) == 0
    assert "takes the place of ALL there was" in " ".join(capsys.readouterr().out.split())


def test_a_trial_asks_the_directory_whether_it_knows_the_people(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "leave.csv"
    file.write_text(f"person,from,until\na,{JUNE},{JULY}\n{SECRET},{JUNE},{JULY}\n", encoding="utf-8")
    assert "line 3: person: must be among the people" in desk.is_refused("import", "leave", str(file), "--dry-run")


def test_a_check_warns_of_roles_that_clocks_speak_to_and_nobody_holds_authority_wide(desk: Desk) -> None:
    bare = desk.says("check")
    assert "WARNING: iro: nobody is on record as independent reviewing officer for the whole authority" in bare
    assert "senior_leader" in bare
    assert "host_authority" not in bare, "no clock of the default policy speaks to it"
    desk.says("hold", "iro", "a", "--from", JUNE)
    desk.says("hold", "senior_leader", "a", "--team", "North", "--from", JUNE)
    held = desk.says("check")
    assert len(held.splitlines()) == len(bare.splitlines()) - 1
    assert "WARNING: iro" not in held
    assert "WARNING: senior_leader" in held, "a team's holder is not everybody's"


def test_open_episodes_that_cannot_be_told_are_spoken_of(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(_open_an_episode(f"sqlite+aiosqlite:///{tmp_path / 'data' / 'homeward.sqlite'}"))
    assert run(["directory", "hold", "iro", "a"]) == 0
    assert "open episodes do not know yet" in capsys.readouterr().err
    assert len(desk.rows("holders")) == 1, "the change is made all the same"
    assert desk.says("hold", "iro", "a").startswith("Nothing to change"), "and nobody is told of what is no change"


async def _open_an_episode(url: str) -> None:
    store, now = Store(url), datetime.now(UTC)
    row = {"id": "e", "authority": "local", "policy": "homeward", "policy_version": "2026.2", "calendar_version": "x"}
    async with store.session() as session:
        session.add(EpisodeTable(**row, status="missing", turn=1, written_at=now))
    await store.close()
