"""The way in for commands: each says what it needs, is refused without, and is written down; need-to-know holds."""

import asyncio
import json
import os
import pwd
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, cast

import pytest
import typer
from sqlalchemy import update

from activities.store import Store, StoreUnavailableError, audit, inbox
from activities.store.audit import Chained
from activities.store.child_records import child_of
from activities.store.directory import PersonEntry, add, person_id, put_person
from activities.store.statements import insert_once
from activities.store.tables import BrokenGlassTable, HoldingTable, TaskTable
from starter.access import MAY, AccessRole, Permission, needs
from starter.cli.gate import OPEN_TO_ALL, commands_of, stand_at
from starter.cli.main import app, run
from starter.settings import Settings
from tests.api.kin import kin
from tests.starter.test_sight import restricted
from tests.store.rows import AT
from workflows.instants import to_rfc3339

EPISODE, OPEN_EPISODE = "e1111111", "e2222222"
ME: Final = f"os:{pwd.getpwuid(os.geteuid()).pw_name}"


def permission_of(command: Any) -> Permission | str | None:
    marked = cast("dict[str, Permission | None]", vars(command.callback))
    return marked.get("needed_permission", "nothing")


ASKED: Final[dict[str, Any]] = {words: command for words, command in commands_of(app) if words not in OPEN_TO_ALL}


class Shell:
    """Commands as a person gives them at a shell of this machine, over a store with a restricted child."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, url: str | None = None
    ) -> None:
        monkeypatch.setenv("HOMEWARD_DATA_DIR", str(folder))
        monkeypatch.setenv("HOMEWARD_ENGINE_ADDRESS", "127.0.0.1:9")
        monkeypatch.setenv("HOMEWARD_ENGINE_PATIENCE_SECONDS", "1")
        self.set, self._capsys = monkeypatch.setenv, capsys
        self.url = url or f"sqlite+aiosqlite:///{folder / 'homeward.sqlite'}"
        if url:
            monkeypatch.setenv("HOMEWARD_DATABASE_URL", url)

    def says(self, *words: str) -> tuple[int, str, str]:
        status = run(list(words))
        said = self._capsys.readouterr()
        return status, said.out, said.err

    def store(self, work: Callable[[Store], Any]) -> Any:
        async def opened() -> Any:
            store = Store(self.url)
            try:
                await store.make_ready()
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(opened())

    def entries(self) -> list[Chained]:
        async def read(store: Store) -> list[Chained]:
            async with store.session() as session:
                return await audit.entries(session, "local")

        return self.store(read)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data_folder: Path) -> Shell:
    made = Shell(monkeypatch, capsys, data_folder)
    made.store(set_up)
    return made


def report_of(episode: str, child: str) -> inbox.InboxItem:
    """A report of a child, as it is kept: the episode began with it."""
    return inbox.InboxItem(
        id=f"i-{episode}",
        authority="local",
        kind="report",
        episode_id=episode,
        digest=episode,
        body={"report": {"child": {"reference": child}}, "child_id": None},
        urgency=0,
        received_at=AT,
        state="applied",
        said_by="another",
    )


async def set_up(store: Store) -> None:
    await restricted(store, "local", EPISODE, OPEN_EPISODE)
    async with store.session() as session:
        for child, episode in (("c1", EPISODE), ("c2", OPEN_EPISODE)):
            await inbox.keep(session, report_of(episode, child))
            task: dict[str, Any] = {"key": f"{episode}/rhi", "episode_id": episode, "authority": "local", "role": "iro"}
            task |= {"clock": "rhi", "do": f"Invented for {episode}", "state": "open", "opened_at": AT}
            await insert_once(session, TaskTable, task)


def test_every_command_says_which_permission_it_needs_or_is_written_down_as_open() -> None:
    said = {words: permission_of(command) for words, command in commands_of(app)}
    assert "nothing" not in said.values()
    assert {words for words, permission in said.items() if permission is None} == OPEN_TO_ALL
    assert len(said) > 50


def test_a_command_that_says_nothing_cannot_be_given() -> None:
    silent, open_one = typer.Typer(), typer.Typer()

    def command() -> None:
        """Says nothing."""

    silent.command("silent")(command)
    with pytest.raises(TypeError, match="'silent' does not say which permission"):
        stand_at(silent)
    open_one.command("open")(needs(None)(lambda: None))
    stand_at(open_one)


@pytest.mark.parametrize("words", ASKED)
def test_without_its_permission_a_command_is_refused_before_it_does_anything(shell: Shell, words: str) -> None:
    command = ASKED[words]
    permission = permission_of(command)
    shell.set("HOMEWARD_COMMAND_ROLES", next(role for role in AccessRole if permission not in MAY[role]))
    with pytest.raises(ValueError, match="HOMEWARD_COMMAND_ROLES") as refused:
        command.callback()
    assert f"needs the permission '{permission}'" in str(refused.value)
    assert "\n" not in str(refused.value)
    [entry] = shell.entries()
    assert (entry.way, entry.permission, entry.outcome) == (f"homeward {words}", permission, "refused")


def test_what_is_refused_is_one_line_and_exits_2(shell: Shell) -> None:
    shell.set("HOMEWARD_COMMAND_ROLES", "operator, auditor")
    status, answer, complaint = shell.says("list")
    assert (status, answer, complaint.count("\n")) == (2, "", 1)
    assert "'read_episodes'" in complaint
    assert "HOMEWARD_COMMAND_ROLES (auditor, operator)" in complaint
    assert shell.says("audit", "list")[0] == 0


def test_a_ruling_needs_more_than_recording(shell: Shell) -> None:
    shell.set("HOMEWARD_COMMAND_ROLES", "practitioner")
    status, _, complaint = shell.says("record", OPEN_EPISODE, "clock_suppressed", "--reason", "x", "--clock", "rhi")
    assert (status, "'rule'" in complaint) == (2, True)
    assert shell.says("record", OPEN_EPISODE, "found")[0] == 3
    ways = [(one.way, one.outcome, one.subjects[:1]) for one in shell.entries()]
    assert ways == [("homeward record", "refused", ()), ("homeward record", "allowed", (OPEN_EPISODE,))]


@pytest.mark.parametrize(
    ("url", "roles", "expected"),
    [
        ("", "", "all"),
        ("sqlite:////x/y", "", "all"),
        ("postgresql://u:p@h/d", "", "operator"),
        ("postgresql://u:p@h/d", "manager, auditor", "auditor,manager"),
        ("", "iro", "iro"),
    ],
)
def test_the_roles_of_commands(monkeypatch: pytest.MonkeyPatch, url: str, roles: str, expected: str) -> None:
    monkeypatch.setenv("HOMEWARD_DATABASE_URL", url)
    monkeypatch.setenv("HOMEWARD_COMMAND_ROLES", roles)
    found = Settings().roles_of_commands
    not_people = {"interview_provider", "host_authority", "reporter", "case_system"}
    assert found == (set(AccessRole) - not_people if expected == "all" else set(expected.split(",")))


def test_roles_that_are_none_are_named(shell: Shell) -> None:
    for wrong in ("boss", "manager,,auditor", "manager auditor"):
        shell.set("HOMEWARD_COMMAND_ROLES", wrong)
        status, _, complaint = shell.says("list")
        assert (status, complaint.startswith("homeward: HOMEWARD_COMMAND_ROLES: ")) == (2, True)


def test_on_another_database_whoever_gives_commands_sees_no_child(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, postgres_url: str
) -> None:
    shell = Shell(monkeypatch, capsys, tmp_path, postgres_url)
    for words in (["list"], ["tasks"], ["audit", "list"], ["directory", "show"]):
        status, _, complaint = shell.says(*words)
        assert (status, "HOMEWARD_COMMAND_ROLES (operator)" in complaint) == (2, True)
    assert [one.outcome for one in shell.entries()] == ["refused"] * 4
    shell.set("HOMEWARD_COMMAND_ROLES", "manager")
    assert shell.says("list")[0] == 0


def test_what_is_read_is_written_down_with_what_was_shown_and_without_arguments(shell: Shell) -> None:
    assert shell.says("list", "--json")[0] == 0
    assert shell.says("told", OPEN_EPISODE)[0] == 0
    assert shell.says("plan", "examples/missing-over-easter.json")[0] == 0
    first, second = shell.entries()
    assert (first.who, first.kind, first.way, first.permission) == (ME, "person", "homeward list", "read_episodes")
    assert first.subjects == (OPEN_EPISODE,)
    assert second.way == "homeward told"
    assert second.subjects[0] == OPEN_EPISODE


def test_a_change_is_written_down_before_it_is_made(shell: Shell) -> None:
    assert shell.says("record", OPEN_EPISODE, "returned")[0] == 3
    [entry] = shell.entries()
    assert (entry.way, entry.outcome, entry.subjects[0]) == ("homeward record", "allowed", OPEN_EPISODE)

    async def in_inbox(store: Store) -> int:
        async with store.session() as session:
            return await inbox.count_waiting(session)

    assert shell.store(in_inbox) == 1


@pytest.mark.parametrize("words", [["list"], ["record", OPEN_EPISODE, "returned"], ["directory", "show"]])
def test_what_cannot_be_written_down_is_not_done(
    shell: Shell, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any, **__: Any) -> None:
        raise StoreUnavailableError("the database cannot be used now: it is full")

    monkeypatch.setattr(audit, "append", full)
    assert shell.says(*words) == (2, "", "homeward: the database cannot be used now: it is full\n")

    async def in_inbox(store: Store) -> int:
        async with store.session() as session:
            return await inbox.count_waiting(session)

    assert shell.store(in_inbox) == 0


OF_THE_EPISODE: Final = (
    ["show", EPISODE],
    ["told", EPISODE],
    ["record", EPISODE, "returned"],
    ["record", OPEN_EPISODE, "returned", "--also", EPISODE],
    ["reopen", EPISODE, "--reason", "x"],
    ["merge", EPISODE, "--into", OPEN_EPISODE, "--reason", "x"],
    ["police-pack", EPISODE],
    ["policy", "try", "homeward", "--on", EPISODE],
    ["task", "show", f"{EPISODE}/rhi"],
    ["task", "take", f"{EPISODE}/rhi", "--by", "me"],
    ["task", "done", f"{EPISODE}/rhi", "--by", "me"],
    ["child", "show", "c1"],
    ["child", "history", "c1", "placement"],
    ["child", "record", "c1", "safety_plan", "examples/safety-plan.json"],
)


@pytest.mark.parametrize("words", OF_THE_EPISODE, ids=lambda words: " ".join(words[:2]))
def test_whoever_is_not_close_is_asked_to_break_the_glass(shell: Shell, words: list[str]) -> None:
    status, answer, complaint = shell.says(*words)
    assert (status, answer, complaint.count("\n")) == (2, "", 1)
    assert f"'homeward glass break {EPISODE} --reason ...'" in complaint
    [entry] = [one for one in shell.entries() if one.outcome == "refused"]
    assert entry.way.split()[1] == words[0]


def test_lists_say_of_a_restricted_child_only_that_there_is_an_episode(shell: Shell) -> None:
    listed = {one["episode_id"]: one for one in json.loads(shell.says("list", "--json")[1])["episodes"]}
    assert list(listed) == [OPEN_EPISODE, EPISODE], "its place does not tell when something of it falls due"
    assert listed[EPISODE] == {"episode_id": EPISODE, "need_to_know": True}
    assert listed[OPEN_EPISODE]["child_reference"] == "c2"
    assert "restricted" in shell.says("list")[1]
    assert [task["episode_id"] for task in json.loads(shell.says("tasks", "--json")[1])] == [OPEN_EPISODE]


def test_an_episode_does_not_tell_of_another_that_is_restricted(shell: Shell) -> None:
    there = shell.store(lambda store: kin(store, "local"))
    for words in (
        ("show", there.shown),
        ("show", there.shown, "--json"),
        ("told", there.shown, "--json"),
        ("tasks",),
        ("events", "list", "--json"),
    ):
        status, answer, _ = shell.says(*words)
        assert (status, there.secret in answer) == (0, False), words
        assert there.third in answer or words[0] in ("told", "events"), words
    status, _, complaint = shell.says("task", "show", there.task)
    assert (status, complaint) == (2, f"homeward: task: no task begins '{there.task}'\n")
    shell.set("HOMEWARD_COMMAND_PERSON", "sw")
    assert all(there.secret in shell.says(*words)[1] for words in (("show", there.shown), ("tasks",)))


def test_a_form_is_asked_about_no_restricted_child(shell: Shell, tmp_path: Path) -> None:
    form = tmp_path / "form.json"
    said: dict[str, Any] = {
        "form": "police",
        "force": "Invented",
        "reference": "N",
        "reported_at": to_rfc3339(AT),
        "child": {},
    }
    form.write_text(json.dumps(said), encoding="utf-8")
    status, answer, complaint = shell.says("intake", "form", "police", str(form))
    assert (status, OPEN_EPISODE in answer, EPISODE in answer) == (4, True, False)
    assert EPISODE not in complaint
    assert "It may be about episode" in answer
    shell.set("HOMEWARD_COMMAND_ROLES", "reporter")
    for words, begins in ((("--dry-run",), "Would be taken in"), ((), "Begun")):
        status, answer, complaint = shell.says("intake", "form", "police", str(form), *words)
        assert answer.startswith(begins), (answer, complaint)
        assert OPEN_EPISODE not in answer


def test_broken_glass_opens_it_to_whoever_broke_it_and_the_list_says_who(shell: Shell) -> None:
    async def administrator(store: Store) -> None:
        async with store.session() as session:
            await put_person(session, "local", PersonEntry(reference="ad", name="Invented Administrator"))
            held = {"authority": "local", "role": "administrator", "scope": "authority", "held_for": ""}
            await add(session, HoldingTable, {**held, "person_id": await person_id(session, "local", "ad")})

    shell.store(administrator)
    assert shell.says("glass", "break", EPISODE, "--reason", "curious")[0] == 2
    status, answer, _ = shell.says("glass", "break", EPISODE[:5], "--reason", "The police ask now")
    assert status == 0
    assert answer.startswith("Opened. The administrator was told. It is open to you until ")
    assert "you may see it already" in shell.says("glass", "break", EPISODE, "--reason", "The police ask now")[1]
    assert "not restricted" in shell.says("glass", "break", OPEN_EPISODE, "--reason", "The police ask now")[1]
    assert shell.says("told", EPISODE)[0] == 0
    assert shell.says("child", "show", "c1")[0] == 0
    assert len(json.loads(shell.says("tasks", "--json")[1])) == 2
    [broken] = json.loads(shell.says("glass", "list", "--json")[1])
    assert (broken["who"], broken["episode_id"], broken["why"]) == (ME, EPISODE, "The police ask now")
    [told] = json.loads(shell.says("tray", "ad", "--json")[1])
    assert told["says"].endswith("reason in the audit")
    opened = [one for one in shell.entries() if one.why]
    assert [(one.why, one.way) for one in opened] == [("The police ask now", "homeward glass break")]

    async def time_goes_on(store: Store) -> None:
        async with store.session() as session:
            await session.execute(update(BrokenGlassTable).values(until=AT + timedelta(hours=1)))

    shell.store(time_goes_on)
    assert shell.says("told", EPISODE)[0] == 2
    assert shell.says("audit", "verify")[0] == 0


def test_the_person_of_the_settings_is_close_by_its_office(shell: Shell) -> None:
    async def hold(store: Store) -> None:
        async with store.session() as session:
            child = await inbox.child_id(session, "local", "c1", AT)
            held = {"authority": "local", "role": "iro", "scope": "child", "held_for": child}
            await add(session, HoldingTable, {**held, "person_id": await person_id(session, "local", "me")})

    shell.store(hold)
    assert shell.says("told", EPISODE)[0] == 2
    shell.set("HOMEWARD_COMMAND_PERSON", "me")
    assert shell.says("told", EPISODE)[0] == 0


def test_whoever_reports_a_restricted_child_sees_it(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    said = {"child": {"reference": "c9", "restricted": True}, "reported": "2026-06-10T10:00:00Z"}
    file.write_text(json.dumps(said), encoding="utf-8")
    assert shell.says("report", str(file), "--json")[0] == 3
    [entry] = shell.entries()
    assert (entry.way, entry.permission) == ("homeward report", "report")

    async def episode(store: Store) -> str:
        async with store.session() as session:
            [item] = await inbox.waiting(session, 5)
            assert item.said_by == ME
            return item.episode_id

    found = shell.store(episode)
    assert shell.says("show", found)[0] == 0


def test_access_is_shown_as_it_is(shell: Shell) -> None:
    assert json.loads(shell.says("access", "--json")[1]) == {role.value: sorted(MAY[role]) for role in AccessRole}
    table = shell.says("access")[1]
    for permission in Permission:
        assert permission.value in table
    assert shell.entries() == []


OPENING: Final = (
    ["directory", "hold", "social_worker", "me", "--child", "c1"],
    ["directory", "hold", "social_worker", "me", "--child", "c1", "--from", "2099-01-01 09:00"],
    ["directory", "hold", "social_worker", "me", "--team", "North"],
    ["directory", "team", "c1", "South"],
    ["directory", "import", "holders", "holders.csv"],
    ["directory", "import", "teams", "teams.csv"],
)


@pytest.mark.parametrize("words", OPENING, ids=lambda words: " ".join(words[1:5]))
def test_nobody_opens_a_restricted_child_to_themselves_by_the_directory(
    shell: Shell, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("holders.csv").write_text("role,person,scope,for,from,until\niro,me,child,c1,,\n", encoding="utf-8")
    Path("teams.csv").write_text("child,team\nc1,South\n", encoding="utf-8")
    for setup in (["team", "c1", "North"], ["hold", "iro", "me", "--team", "South"]):
        assert shell.says("directory", *setup)[0] == 0
    shell.set("HOMEWARD_COMMAND_PERSON", "me")
    before = shell.says("directory", "export", "holders"), shell.says("directory", "export", "teams")
    status, answer, complaint = shell.says(*words)
    # What a file would do is said first, as --dry-run says it.
    said = answer.removeprefix("The file takes the place of all rows of holders there are (1): 1 come, 1 go, 0 stay\n")
    assert (status, said, complaint.count("\n")) == (2, "", 1)
    assert "another person who may change the directory must do it, or break the glass first" in complaint
    assert (shell.says("directory", "export", "holders"), shell.says("directory", "export", "teams")) == before
    assert shell.says("show", EPISODE)[0] == 2
    assert next(one for one in shell.entries() if one.outcome == "refused").way.startswith("homeward directory")
    assert shell.says("glass", "break", EPISODE, "--reason", "Nobody else is here tonight")[0] == 0
    assert shell.says(*words)[0] == 0


def test_at_the_first_set_up_one_person_enters_themselves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shell = Shell(monkeypatch, capsys, tmp_path)
    shell.set("HOMEWARD_COMMAND_PERSON", "me")
    assert shell.says("directory", "person", "me", "--name", "Invented Me")[0] == 0
    assert shell.says("directory", "hold", "social_worker", "me", "--child", "c1")[0] == 0
    assert shell.says("directory", "team", "c1", "North")[0] == 0
    assert shell.says("directory", "hold", "iro", "me", "--team", "North")[0] == 0

    async def id_of_child(store: Store) -> str | None:
        async with store.session() as session:
            return await child_of(session, "local", "c1")

    child = shell.store(id_of_child)
    subjects = [(one.way.removeprefix("homeward directory "), set(one.subjects)) for one in shell.entries()]
    assert subjects == [
        ("person", set()),
        ("person", {"me"}),
        ("hold", {"me"}),
        ("hold", {"me", child}),
        ("team", {child}),
        ("hold", {"me"}),
    ]
