"""The directory's files: taken in whole or not at all, and what is wrong told by line and column."""

from pathlib import Path

import pytest

from activities.store import Store
from activities.store.directory import directory_for, everyone
from starter.directory_files import DirectoryFile, read_directory_file, read_moment, take_in_directory
from workflows.instants import parse_instant, to_rfc3339
from workflows.plain_errors import BadInputError
from workflows.vocabulary import Role

NOON = parse_instant("2026-06-10T11:00:00Z")
PEOPLE = "person,name,hours,deputies\nm1,Invented Manager,Mon-Fri 09:00-17:00,m2\nm2,Invented Deputy,,\n"
HOLDERS = "role,person,scope,for,from,until\nteam_manager,m1,team,North,,\n"
LEAVE = "person,from,until\nm1,2026-06-08 00:00,2026-06-13 00:00\n"


def written(folder: Path, kind: str, text: str) -> Path:
    path = folder / f"{kind}.csv"
    path.write_text(text, encoding="utf-8")
    return path


async def take_in(store: Store, file: DirectoryFile) -> None:
    async with store.session() as session:
        await take_in_directory(session, "invented", file, NOON)


async def told(store: Store, child: str) -> list[tuple[str, str]]:
    async with store.session() as session:
        directory = await directory_for(session, "invented", child, (Role.TEAM_MANAGER,), NOON)
    names = {person.id: person.name for person in directory.people}
    return [(names[r.person], r.cover) for r in directory.recipients(Role.TEAM_MANAGER, NOON, urgent=True)]


async def test_files_taken_in_twice_say_who_is_told(tmp_path: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite'}")
    await store.create_tables()
    texts = {"people": PEOPLE, "holders": HOLDERS, "teams": "child,team\nC1,North\nC2,South\n"}
    for _ in range(2):
        for kind, text in texts.items():
            async with store.session() as session:
                read = read_directory_file(kind, written(tmp_path, kind, text))
                await take_in_directory(session, "invented", read, NOON)
    async with store.session() as session:
        from activities.store.child_records import child_of

        north = str(await child_of(session, "invented", "C1"))
        south = str(await child_of(session, "invented", "C2"))
        assert len(await everyone(session, "invented")) == 2
        assert await everyone(session, "another") == []
    assert await told(store, north) == [("Invented Manager", "holder")]
    assert await told(store, south) == []
    async with store.session() as session:
        read = read_directory_file("leave", written(tmp_path, "leave", LEAVE))
        await take_in_directory(session, "invented", read, NOON)
    assert await told(store, north) == [("Invented Deputy", "deputy")]
    unknown = read_directory_file("holders", written(tmp_path, "holders", HOLDERS.replace("m1", "m9")))
    with pytest.raises(BadInputError, match="line 2: person: is not among the people"):
        await take_in(store, unknown)
    assert await told(store, north) == [("Invented Deputy", "deputy")], "a file that is refused changes nothing"
    await store.close()


@pytest.mark.parametrize(
    ("kind", "text", "complaint"),
    [
        ("desks", "", "kind: 'desks' is unknown"),
        ("people", "name,person\n", "line 1: the columns must be person,name,hours,deputies"),
        ("people", "person,name,hours,deputies\nm1,Invented\n", "line 2: has more or fewer cells"),
        ("people", "person,name,hours,deputies\nm1,Invented,9-5,\n", "line 2: hours: must be 'always'"),
        ("people", "person,name,hours,deputies\n,Invented,,\n", "line 2: person: must not be empty"),
        ("holders", HOLDERS.replace("team_manager", "boss"), "line 2: role: is unknown"),
        ("holders", HOLDERS.replace(",team,", ",town,"), "line 2: scope: must be one of"),
        ("holders", HOLDERS.replace("North", ""), "line 2: for: names the child or team"),
        ("leave", LEAVE.replace("2026-06-13", "2026-06-01"), "line 2: until: must come after"),
        ("leave", LEAVE.replace("2026-06-13 00:00", "2026-10-25 01:30"), "line 2: until: the clocks change then"),
        ("leave", LEAVE.replace("2026-06-13 00:00", "soon"), "line 2: until: must be a date and time"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_column(tmp_path: Path, kind: str, text: str, complaint: str) -> None:
    with pytest.raises(BadInputError) as refused:
        read_directory_file(kind, written(tmp_path, kind, text))
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-06-10 12:00", "2026-06-10T11:00:00Z"),
        ("2026-12-10 12:00", "2026-12-10T12:00:00Z"),
        ("2026-10-25T01:30:00+01:00", "2026-10-25T00:30:00Z"),
    ],
)
def test_moments_are_londons(text: str, instant: str) -> None:
    assert to_rfc3339(read_moment(text)) == instant


@pytest.mark.parametrize("text", ["2026-03-29 01:30", "2026-10-25 01:00"])
def test_a_time_that_is_twice_or_never_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the clocks change then"):
        read_moment(text)
