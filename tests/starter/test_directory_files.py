"""The directory's files: taken in whole or not at all, and what is wrong told by line and column."""

from pathlib import Path

import pytest

from activities.store import Store
from activities.store.child_records import child_of
from activities.store.directory import address, directory_for, everyone
from starter.directory_changes import rows_there
from starter.directory_files import DirectoryFile, TakenIn, as_csv, compare, read_directory_file, take_in_directory
from starter.directory_rows import COLUMNS, read_moment
from workflows.instants import parse_instant, to_rfc3339
from workflows.plain_errors import BadInputError
from workflows.vocabulary import Channel, Role

NOON = parse_instant("2026-06-10T11:00:00Z")
PEOPLE_COLUMNS = "person,name,email,mobile,channels,hours,deputies\n"
PEOPLE = (
    f"{PEOPLE_COLUMNS}m1,Invented Manager,m1@homeward.example,07700 900001,sms;email,Mon-Fri 09:00-17:00,m2\n"
    "m2,Invented Deputy,,,,,\n"
)
EXAMPLES = Path(__file__).parent.parent.parent / "examples" / "directory"
HOLDERS = "role,person,scope,for,from,until\nteam_manager,m1,team,North,,\n"
LEAVE = "person,from,until\nm1,2026-06-08 00:00,2026-06-13 00:00\n"
AWKWARD = {
    "people": f'{PEOPLE_COLUMNS}"a,1","Ÿ ""Invented""",,+1 202 555 0123,,,\n=b,- ,b@homeward.example,,,,"a,1"\n',
    "holders": 'role,person,scope,for,from,until\niro,=b,child,"C,1",2026-10-25T01:30:00.5+01:00,\n',
    "teams": 'child,team\n"C,1","The ""North"""\n',
    "rota": 'role,person,from,until\niro,"a,1",2026-10-25T01:00:00+01:00,2026-10-25T01:00:00+00:00\n',
    "leave": "person,from,until\n=b,2026-03-29 02:00,2026-03-29 02:01\n",
}


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


async def test_files_taken_in_twice_say_who_is_told(store: Store, tmp_path: Path) -> None:
    texts = {"people": PEOPLE, "holders": HOLDERS, "teams": "child,team\nC1,North\nC2,South\n"}
    for _ in range(2):
        for kind, text in texts.items():
            async with store.session() as session:
                read = read_directory_file(kind, written(tmp_path, kind, text))
                await take_in_directory(session, "invented", read, NOON)
    async with store.session() as session:
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
    with pytest.raises(BadInputError, match="line 2: person: must be among the people"):
        await take_in(store, unknown)
    assert await told(store, north) == [("Invented Deputy", "deputy")], "a file that is refused changes nothing"


def with_person(**cells: str) -> str:
    """The file of two people, with a third of these cells."""
    third = {"person": "m3", "name": "Invented Third", **cells}
    return PEOPLE + ",".join(f'"{third.get(column, "")}"' for column in COLUMNS["people"]) + "\n"


SECRET = "s3cret"


@pytest.mark.parametrize(
    ("kind", "text", "complaint"),
    [
        ("desks", "", "kind: 'desks' is unknown"),
        ("people", "name,person\n", f"line 1: the columns must be {PEOPLE_COLUMNS.strip()}"),
        ("people", "", f"line 1: the columns must be {PEOPLE_COLUMNS.strip()}"),
        ("people", f"{PEOPLE_COLUMNS}m1,Invented\n", "line 2: has more or fewer cells"),
        ("people", with_person(hours=SECRET), "line 4: hours: must be 'always'"),
        ("people", with_person(person=""), "line 4: person: must not be empty"),
        ("people", with_person(person=f"{SECRET};m2"), "line 4: person: must be without ';'"),
        ("people", with_person(person="m1"), "line 4: person: must be in the file once; line 2 has it already"),
        ("people", with_person(name=f"{SECRET}\nBcc: x"), "line 5: name: must be one line"),
        ("people", with_person(name=f"{SECRET}\x00"), "line 4: name: must be one line"),
        ("people", with_person(name=SECRET * 100), "line 4: name: must have at most 500 characters"),
        ("people", with_person(email=f"{SECRET}@homeward"), "line 4: email: must be one e-mail address"),
        ("people", with_person(email=f"{SECRET}@homeward.example,x@homeward.example"), "line 4: email: must be"),
        ("people", with_person(mobile=f"07700 {SECRET}"), "line 4: mobile: must be a mobile number"),
        ("people", with_person(channels=f"email;{SECRET}"), "line 4: channels: must be some of email, sms, webhook"),
        ("people", with_person(channels="tray"), "line 4: channels: must be some of"),
        ("people", with_person(channels="sms", email="x@homeward.example"), "line 4: channels: must be only those"),
        ("people", with_person(channels="email;webhook"), "line 4: channels: must be only those"),
        ("people", with_person(deputies="m3"), "line 4: deputies: must not name the person itself"),
        ("people", with_person(deputies="m1;;m2"), "line 4: deputies: must be references of people"),
        ("people", with_person(deputies="m1;m1"), "line 4: deputies: must be references of people"),
        ("teams", "child,team\nC1,North\nC1,South\n", "line 3: child: must be in the file once; line 2 has it already"),
        ("teams", "child,team\nC1,\n", "line 2: team: must not be empty"),
        ("holders", HOLDERS.replace("team_manager", SECRET), "line 2: role: must be one of"),
        ("holders", HOLDERS.replace(",team,", f",{SECRET},"), "line 2: scope: must be one of"),
        ("holders", HOLDERS.replace("North", ""), "line 2: for: must name the child or team"),
        ("holders", HOLDERS.replace(",team,", ",authority,"), "line 2: for: must name the child or team"),
        ("leave", LEAVE.replace("2026-06-13", "2026-06-01"), "line 2: until: must come after"),
        ("leave", LEAVE.replace("2026-06-13 00:00", "2026-06-08 00:00"), "line 2: until: must come after"),
        ("leave", LEAVE.replace("2026-06-13 00:00", "2026-10-25 01:30"), "line 2: until: the clocks change then"),
        ("leave", LEAVE.replace("2026-06-13 00:00", SECRET), "line 2: until: must be a date and time"),
        ("leave", LEAVE.replace("2026-06-13 00:00", "2026-06-13 24:00"), "line 2: until: must be a time of day"),
        ("leave", LEAVE.replace("2026-06-13 00:00", "2026-06-31 00:00"), "line 2: until: there is no such day"),
        ("leave", LEAVE.replace("2026-06-13 00:00", ""), "line 2: until: must not be empty"),
        ("rota", "role,person,from,until\niro,m1,,2026-06-13 00:00\n", "line 2: from: must not be empty"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_column(tmp_path: Path, kind: str, text: str, complaint: str) -> None:
    with pytest.raises(BadInputError) as refused:
        read_directory_file(kind, written(tmp_path, kind, text))
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value), "what a cell holds is never repeated"


async def test_people_are_reached_as_the_file_says(store: Store, tmp_path: Path) -> None:
    await take_in(store, read_directory_file("people", written(tmp_path, "people", PEOPLE)))
    await take_in(
        store, read_directory_file("holders", written(tmp_path, "holders", HOLDERS.replace("team,North", "authority,")))
    )
    async with store.session() as session:
        directory = await directory_for(session, "invented", None, (Role.TEAM_MANAGER,), NOON)
        by_name = {person.name: person for person in directory.people}
        manager, deputy = by_name["Invented Manager"], by_name["Invented Deputy"]
        assert (manager.channels, deputy.channels) == ((Channel.SMS, Channel.EMAIL), ())
        assert manager.deputies == (deputy.id,)
        found = [await address(session, manager.id, channel) for channel in Channel]
        assert found == [None, "m1@homeward.example", "+447700900001", None]
        assert [await address(session, deputy.id, channel) for channel in Channel] == [None] * 4
        assert await address(session, "nobody", Channel.EMAIL) is None


async def test_a_deputy_nobody_has_named_is_refused_and_one_of_the_store_is_not(store: Store, tmp_path: Path) -> None:
    unknown = read_directory_file("people", written(tmp_path, "people", with_person(deputies="m2;m9")))
    with pytest.raises(BadInputError, match="line 4: deputies: must be people of the directory") as refused:
        await take_in(store, unknown)
    assert "m9" not in str(refused.value)
    async with store.session() as session:
        assert await everyone(session, "invented") == []
    await take_in(store, read_directory_file("people", written(tmp_path, "people", PEOPLE)))
    later = f"{PEOPLE_COLUMNS}m4,Invented Fourth,,,,,m1;m2\n"
    await take_in(store, read_directory_file("people", written(tmp_path, "people", later)))
    async with store.session() as session:
        assert [one.deputies for one in await everyone(session, "invented")] == ["m2", "", "m1;m2"]


async def test_what_a_file_would_change_is_told_before_and_after(store: Store, tmp_path: Path) -> None:
    async def both(kind: str, text: str) -> TakenIn:
        read = read_directory_file(kind, written(tmp_path, kind, text))
        async with store.session() as session:
            foretold = await compare(session, "invented", read)
        async with store.session() as session:
            assert await take_in_directory(session, "invented", read, NOON) == foretold
        return foretold

    assert await both("people", PEOPLE) == TakenIn(2, 0, 0, 0)
    assert await both("people", with_person().replace("Invented Deputy", "Other")) == TakenIn(1, 1, 0, 1)
    assert await both("people", PEOPLE) == TakenIn(0, 1, 0, 1), "people are never taken away by a file"
    assert await both("teams", "child,team\nC1,North\n") == TakenIn(1, 0, 0, 0)
    assert await both("teams", "child,team\nC1,South\nC2,North\n") == TakenIn(1, 1, 0, 0)
    assert await both("holders", HOLDERS + "iro,m1,child,C1,,\n") == TakenIn(2, 0, 0, 0)
    assert await both("holders", HOLDERS + "team_manager,m1,team,North,,\n") == TakenIn(0, 0, 1, 1)
    async with store.session() as session:
        assert len(await rows_there(session, "invented", "holders")) == 1, "what is said twice is there once"


async def test_a_comparison_writes_nothing(store: Store, tmp_path: Path) -> None:
    await take_in(store, read_directory_file("people", written(tmp_path, "people", PEOPLE)))
    for kind, text in {
        "people": with_person(),
        "holders": HOLDERS.replace("team,North", "child,C1"),
        "teams": "child,team\nC1,North\n",
        "leave": LEAVE,
    }.items():
        async with store.session() as session:
            await compare(session, "invented", read_directory_file(kind, written(tmp_path, kind, text)))
    async with store.session() as session:
        counts = [len(await rows_there(session, "invented", kind)) for kind in COLUMNS]
        assert await child_of(session, "invented", "C1") is None
    assert counts == [2, 0, 0, 0, 0]


@pytest.mark.parametrize("folder", [EXAMPLES, None])
async def test_what_is_printed_can_be_taken_in_again_as_it_was(
    store: Store, tmp_path: Path, folder: Path | None
) -> None:
    other = Store(f"sqlite+aiosqlite:///{tmp_path / 'other.sqlite'}")
    await other.make_ready()
    for kind in COLUMNS:
        source = folder / f"{kind}.csv" if folder else written(tmp_path, kind, AWKWARD[kind])
        await take_in(store, read_directory_file(kind, source))
        async with store.session() as session:
            printed = as_csv(kind, await rows_there(session, "invented", kind))
        await take_in(other, read_directory_file(kind, written(tmp_path, kind, printed)))
        async with other.session() as session:
            again = as_csv(kind, await rows_there(session, "invented", kind))
        assert again == printed
        assert printed.count("\n") == source.read_text(encoding="utf-8").count("\n"), f"nothing of {kind} is lost"
    await other.close()


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-06-10 12:00", "2026-06-10T11:00:00Z"),
        ("2026-12-10 12:00", "2026-12-10T12:00:00Z"),
        ("2026-10-25T01:30:00+01:00", "2026-10-25T00:30:00Z"),
        ("2026-03-29 00:59", "2026-03-29T00:59:00Z"),
        ("2026-03-29 02:00", "2026-03-29T01:00:00Z"),
        ("2026-10-25 00:59", "2026-10-24T23:59:00Z"),
        ("2026-10-25 02:00", "2026-10-25T02:00:00Z"),
    ],
)
def test_moments_are_londons(text: str, instant: str) -> None:
    assert to_rfc3339(read_moment(text)) == instant


@pytest.mark.parametrize("text", ["2026-03-29 01:00", "2026-03-29 01:59", "2026-10-25 01:00", "2026-10-25 01:59"])
def test_a_time_that_is_twice_or_never_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the clocks change then"):
        read_moment(text)


@pytest.mark.parametrize(
    "text",
    ["", "2026-06-10", "2026-6-1 9:00", "0001-01-01 00:00", "9999-12-31 23:59", "2026-06-10 12:00:00", "1781053200"],
)
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        read_moment(text)
