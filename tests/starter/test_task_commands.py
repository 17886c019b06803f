"""The commands about tasks while the engine is away: what is shown, what is kept, and bad input in one line."""

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.store import Store
from activities.store.directory import PersonEntry, add, person_id, put_person
from activities.store.episodes import upsert
from activities.store.tables import EpisodeTable, FactTable, HoldingTable, TaskTable
from starter.cli.main import run
from tests.workflows.builders import fact
from workflows.instants import to_rfc3339

NOW = datetime.now(UTC)
EPISODE = "11111111-1111-4111-8111-111111111111"
LATE = NOW - timedelta(hours=3, minutes=10)
TASKS: dict[str, dict[str, Any]] = {
    "rhi": {"clock": "rhi", "role": "interview_provider", "due": NOW + timedelta(days=1), "holder": "w2"},
    "rhi_offer": {"clock": "rhi_offer", "role": "social_worker", "due": LATE},
    "exploitation_screening": {"clock": "exploitation_screening", "role": "social_worker"},
    "visit": {"clock": "visit", "role": "social_worker", "state": "done", "closed_at": NOW},
    "refused-1": {"role": "operator"},
    "refused-2": {"role": "operator", "state": "withdrawn", "closed_at": NOW},
}
FACTS = (
    fact(f"task_taken {to_rfc3339(LATE)} t1", task="rhi", person="w1", recorded_by="w1"),
    fact(f"task_handed_over {to_rfc3339(NOW)} t2", task="rhi", person="w2", recorded_by="w1", note="Away tomorrow"),
    fact(f"task_noted {to_rfc3339(LATE)} t3", task="visit", note="Of another task"),
)


async def set_up(folder: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{folder / 'homeward.sqlite'}")
    await store.make_ready()
    async with store.session() as session:
        for reference in ("w1", "w2"):
            await put_person(session, "local", PersonEntry(reference=reference, name=f"Invented {reference}"))
        held = {"authority": "local", "role": "social_worker", "scope": "authority", "held_for": ""}
        await add(session, HoldingTable, {**held, "person_id": await person_id(session, "local", "w1")})
        row: dict[str, Any] = {"id": EPISODE, "authority": "local", "policy": "homeward", "policy_version": "2026.2"}
        row |= {"calendar_version": "1", "status": "returned", "turn": 1, "written_at": NOW}
        await upsert(session, EpisodeTable, row)
        for duty, more in TASKS.items():
            task: dict[str, Any] = {"key": f"{EPISODE}/{duty}", "episode_id": EPISODE, "authority": "local"}
            task |= {"do": f"Invented {duty}", "state": "open", "opened_at": LATE, **more}
            await upsert(session, TaskTable, task)
        for one in FACTS:
            body = {"id": one.id, "kind": one.kind.value, "at": one.at, "recorded_at": one.at}
            whole = {**body, "episode_id": EPISODE, "body": one.model_dump(mode="json")}
            await upsert(session, FactTable, whole)
    await store.close()


@pytest.fixture(autouse=True)
def data(data_folder: Path) -> Path:
    asyncio.run(set_up(data_folder))
    return data_folder


def kept(folder: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(folder / "homeward.sqlite")) as database:
        return [json.loads(body) for (body,) in database.execute("select body from inbox order by received_at")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["take", "TASK", "--by", "w1"], {"kind": "task_taken", "person": "w1", "recorded_by": "w1"}),
        (
            ["hand-over", "TASK", "--to", "w2", "--by", "w1", "--note", "x"],
            {"kind": "task_handed_over", "person": "w2", "recorded_by": "w1", "note": "x"},
        ),
        (["note", "TASK", "--by", "w1", "--note", "x"], {"kind": "task_noted", "recorded_by": "w1", "note": "x"}),
        (["give-back", "TASK", "--by", "w1"], {"kind": "task_given_back", "recorded_by": "w1", "note": None}),
        (["done", "TASK", "--by", "w1", "--note", "x"], {"kind": "task_done", "recorded_by": "w1", "note": "x"}),
    ],
)
def test_what_is_done_with_a_task_is_kept_while_the_engine_is_away(
    words: list[str], said: dict[str, str], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["task", *(f"{EPISODE}/refused-1" if word == "TASK" else word for word in words)]) == 3
    assert "kept, not yet applied" in capsys.readouterr().err
    (body,) = kept(data)
    flat = {**body, **body["details"]}
    assert flat["task"] == "refused-1"
    assert {name: flat[name] for name in said} == said


def test_completing_twice_keeps_one_fact(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in (["--set", "channel=telephone"], []):
        assert run(["task", "done", f"{EPISODE}/rhi_offer", "--by", "w1", *more]) == 3
    capsys.readouterr()
    (body,) = kept(data)
    assert (body["kind"], body["details"]) == ("rhi_offered", {"channel": "telephone"})


def test_the_fact_and_its_time_can_be_chosen(data: Path) -> None:
    words = ["--as", "rhi_declined", "--at", to_rfc3339(LATE), "--set", "declined_by=child"]
    assert run(["task", "done", f"{EPISODE}/rhi_offer", "--by", "w1", *words]) == 3
    (body,) = kept(data)
    assert (body["kind"], body["details"]) == ("rhi_declined", {"declined_by": "child"})
    assert datetime.fromisoformat(body["at"]) == LATE.replace(
        microsecond=datetime.fromisoformat(body["at"]).microsecond
    )


def test_what_is_done_already_is_said_to_be(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["task", "done", f"{EPISODE}/visit", "--by", "w1"]) == 0
    assert capsys.readouterr().out == "Done already: Invented visit\n"
    assert run(["task", "done", f"{EPISODE}/visit", "--by", "w1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"task": f"{EPISODE}/visit", "state": "done", "again": True}
    assert kept(data) == []


BAD: list[tuple[list[str], str]] = [
    (["take", "fff", "--by", "w1"], "task: 'fff' is too short"),
    (["take", "ffffffff", "--by", "w1"], "task: no task begins 'ffffffff'"),
    (["take", EPISODE, "--by", "w1"], f"task: more than one task begins '{EPISODE}'"),
    (["take", f"{EPISODE}/rhi", "--by", "w9"], "--by: there is no such person in the directory"),
    (["hand-over", f"{EPISODE}/rhi", "--to", "w9", "--by", "w1"], "--to: there is no such person in the directory"),
    (["hand-over", f"{EPISODE}/rhi", "--by", "w1"], "Missing parameter: to"),
    (["note", f"{EPISODE}/rhi", "--by", "w1"], "Missing parameter: note"),
    (["note", f"{EPISODE}/rhi", "--by", "w1", "--note", " "], "note"),
    (["done", f"{EPISODE}/rhi_offer", "--by", "w9"], "--by: there is no such person in the directory"),
    (["done", f"{EPISODE}/rhi_offer", "--by", "w1", "--as", "told"], "--as: 'told' does not complete this task"),
    (["done", f"{EPISODE}/rhi_offer", "--by", "w1", "--at", "noon"], "at: "),
    (["done", f"{EPISODE}/rhi_offer", "--by", "w1", "--set", "channel"], "--set: 'channel' must be written name=value"),
    (["done", f"{EPISODE}/exploitation", "--by", "w1"], "outcome: a 'exploitation_screened' fact must say this"),
    (["done", f"{EPISODE}/refused-2", "--by", "w1"], "task: it is withdrawn: nothing is asked any more"),
    (["show", "ffffffff"], "task: no task begins"),
]


@pytest.mark.parametrize(("words", "line"), BAD)
def test_a_command_about_a_task_is_refused_in_one_line(
    words: list[str], line: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["task", *words]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1, said.err
    assert line in said.err
    assert said.out == ""
    assert kept(data) == []


def test_a_person_nobody_knows_has_no_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tasks", "--person", "w9"]) == 2
    assert capsys.readouterr().err.startswith("homeward: --person: there is no such person in the directory")


@pytest.mark.parametrize(
    ("words", "duties"),
    [
        ([], ["exploitation_screening", "refused-1", "rhi_offer", "rhi"]),
        (["--unclaimed"], ["exploitation_screening", "refused-1", "rhi_offer"]),
        (["--person", "w1"], ["exploitation_screening", "rhi_offer"]),
        (["--person", "w2"], ["rhi"]),
        (["--person", "w2", "--unclaimed"], []),
        (["--person", "w1", "--clock", "rhi_offer"], ["rhi_offer"]),
        (["--role", "operator"], ["refused-1"]),
    ],
)
def test_the_list_is_of_all_of_a_person_or_of_what_nobody_has_taken(
    words: list[str], duties: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["tasks", *words, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [task["key"].removeprefix(f"{EPISODE}/") for task in listed] == duties
    assert [task["key"] for task in listed if task["overdue"]] == [
        f"{EPISODE}/{duty}" for duty in duties if duty == "rhi_offer"
    ]


def test_the_list_says_in_words_what_is_overdue_and_who_has_what(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tasks"]) == 0
    said = capsys.readouterr().out
    assert "OVERDUE by 3 h" in said
    assert said.count("OVERDUE") == 1
    assert "w2" in next(line for line in said.splitlines() if f"{EPISODE}/rhi " in f"{line} ")


def test_a_task_is_shown_with_whose_it_is_why_and_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["task", "show", f"{EPISODE}/rhi"]) == 0
    said = capsys.readouterr().out
    for words in (
        "Invented rhi",
        f"Episode {EPISODE}",
        "For the interview provider: nobody on record",
        "Taken by w2",
        "Done by recording 'rhi_completed'",
        "task taken: w1",
        "task handed over: w2",
        "Away tomorrow",
    ):
        assert words in said, said
    assert "Of another task" not in said
    assert run(["task", "show", f"{EPISODE}/rhi_offer"]) == 0
    said = capsys.readouterr().out
    assert "For the social worker: Invented w1" in said
    assert "Nobody has taken it" in said
    assert "OVERDUE by 3 h" in said
    assert run(["task", "show", f"{EPISODE}/rhi", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [line["what"] for line in shown["history"]] == ["task taken: w1", "task handed over: w2"]
    assert (shown["holder"], shown["overdue"], shown["people"]) == ("w2", False, [])
