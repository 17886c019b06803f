"""Trays and answers on the command line while the engine is away: what is shown, what is kept, what is refused."""

import asyncio
import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.store import Store
from activities.store.directory import PersonEntry, person_id, put_person
from activities.store.statements import upsert
from activities.store.tables import (
    DispatchTable,
    EpisodeTable,
    FactTable,
    InboxTable,
    MessageTable,
    NoticeTable,
    RecipientTable,
)
from starter.cli.main import run
from tests.workflows.builders import fact
from workflows.instants import parse_instant, to_rfc3339

NOW = datetime.now(UTC).replace(microsecond=0)
EPISODE = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
MESSAGE = "33333333-3333-4333-8333-333333333333"
ESCALATE, CLIMB, ASK, SOON, ANSWERED = (
    f"{EPISODE}/rhi/escalate/1/team_manager",
    f"{EPISODE}/rhi/climb/1/team_manager",
    f"{EPISODE}/rhi/ask/1/team_manager",
    f"{OTHER}/visit/escalate/1/team_manager",
    f"{OTHER}/strategy_meeting/escalate/1/team_manager",
)
SENT = {ESCALATE: -60, CLIMB: -30, ASK: -90, SOON: 2, ANSWERED: -50}
"""Each notice of Invented p1, and how many minutes from now it lay in the tray: one by a clock that runs ahead."""


async def set_up(folder: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{folder / 'homeward.sqlite'}")
    await store.make_ready()
    async with store.session() as session:
        for reference in ("p1", "p2"):
            await put_person(session, "local", PersonEntry(reference=reference, name=f"Invented {reference}"))
        person = await person_id(session, "local", "p1")
        for episode in (EPISODE, OTHER):
            row: dict[str, Any] = {
                "id": episode,
                "authority": "local",
                "policy": "homeward",
                "policy_version": "2026.2",
            }
            row |= {"calendar_version": "1", "status": "returned", "turn": 1, "written_at": NOW}
            await upsert(session, EpisodeTable, row)
            inbox: dict[str, Any] = {
                "id": episode,
                "authority": "local",
                "kind": "report",
                "episode_id": episode,
                "state": "applied",
            }
            inbox |= {"body": {"report": {}}, "urgency": 1, "received_at": NOW, "attempts": 1}
            await upsert(session, InboxTable, inbox)
        row = {"id": MESSAGE, "authority": "local", "person_id": person, "ways": "notify_email;smtp"}
        row |= {"gathered_at": NOW, "state": "reached", "state_at": NOW}
        await upsert(session, MessageTable, row)
        for way, more in (("notify_email", {"failure": "silent", "given_up_at": NOW}), ("smtp", {"taken_at": NOW})):
            tried = {"message_id": MESSAGE, "way": way, "reference": f"{MESSAGE}-{way}", "attempts": 1}
            await upsert(session, DispatchTable, {**tried, "in_doubt": False, "first_tried_at": NOW, **more})
        for key, minutes in SENT.items():
            at = NOW + timedelta(minutes=minutes)
            episode, clock, rung, _, role = key.split("/")
            told: dict[str, Any] = {"key": key, "episode_id": episode, "authority": "local", "clock": clock}
            told |= {"rung": rung, "role": role, "needs_ack": rung != "ask", "escalates": False}
            told |= {"says": f"Invented {rung}", "at": min(at, NOW), "sent_at": at}
            if key == ANSWERED:
                told |= {"acknowledged_at": NOW, "acknowledged_by": "p2"}
            await upsert(session, NoticeTable, told)
            goes = {"message_id": MESSAGE if clock == "rhi" else None, "of_absence": True, "in_digest": False}
            read = {"read_at": NOW if key == ANSWERED else None}
            await upsert(
                session, RecipientTable, {"notice_key": key, "person_id": person, "cover": "holder"} | goes | read
            )
        one = fact(f"acknowledged {to_rfc3339(NOW)} theirs", clock="strategy_meeting", role="team_manager", by="p2")
        about = {"episode_id": OTHER, "id": one.id, "kind": one.kind.value, "at": one.at, "recorded_at": one.at}
        await upsert(session, FactTable, about | {"body": one.model_dump(mode="json")})
    await store.close()


@pytest.fixture(autouse=True)
def data(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # The commands take the present from the machine: a moment fixed when the file was read would be minutes old.
    monkeypatch.setattr(sys.modules[__name__], "NOW", datetime.now(UTC).replace(microsecond=0))
    asyncio.run(set_up(data_folder))
    return data_folder


def kept(folder: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(folder / "homeward.sqlite")) as database:
        rows = database.execute("select body from inbox where kind = 'fact' order by received_at, id")
        return [json.loads(body) for (body,) in rows]


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ([], [SOON, CLIMB, ESCALATE, ASK]),
        (["--all"], [SOON, CLIMB, ANSWERED, ESCALATE, ASK]),
    ],
)
def test_a_tray_shows_what_wants_an_answer_or_was_not_read(
    words: list[str], keys: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["tray", "p1", *words, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [one["notice"] for one in shown] == keys
    assert [one["asks"] for one in shown if one["notice"] == ASK] == ["notice"]
    assert run(["tray", "p1", *words]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in said[1:]] == keys
    assert ["WANTED" in line for line in said[1:]] == [key not in (ASK, ANSWERED) for key in keys]
    assert run(["tray", "p2"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "clocks"),
    [
        ([ESCALATE, "--by", "p1"], ["rhi"]),
        ([ESCALATE, CLIMB, ASK, "--by", "p1"], ["rhi"]),
        ([f"{EPISODE}/rhi/e", f"{OTHER}/v", "--by", "p1"], ["rhi", "visit"]),
        (["--message", MESSAGE], ["rhi"]),
    ],
)
def test_an_answer_is_kept_once_for_each_clock_while_the_engine_is_away(
    words: list[str], clocks: list[str], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert run(["answer", *words]) == 3
        assert "kept, not yet applied" in capsys.readouterr().err
    facts = kept(data)
    assert sorted(body["details"]["clock"] for body in facts) == clocks
    assert {(body["kind"], body["recorded_by"], body["details"]["by"]) for body in facts} == {
        ("acknowledged", "p1", "p1")
    }


def test_nobody_answers_before_being_asked_however_slow_the_clock(data: Path) -> None:
    assert run(["answer", SOON, "--by", "p1"]) == 3
    (body,) = kept(data)
    assert parse_instant(body["at"]) == NOW + timedelta(minutes=SENT[SOON])


@pytest.mark.parametrize(
    ("key", "words"), [(ASK, "Noted as read; nothing here asks for an answer"), (ANSWERED, "Answered already")]
)
def test_what_wants_no_answer_is_read_and_nothing_is_kept(
    key: str, words: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["answer", key, "--by", "p1"]) == 0
    assert capsys.readouterr().out.strip() == words
    assert kept(data) == []
    assert run(["tray", "p1", "--json"]) == 0
    assert key not in [one["notice"] for one in json.loads(capsys.readouterr().out)]


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["tray", "p9"], "person: there is no such person"),
        (["tray"], "person"),
        (["answer"], "notice: give NOTICE... with --by PERSON, or --message ID"),
        (["answer", ESCALATE], "notice: give"),
        (["answer", "--by", "p1"], "notice: give"),
        (["answer", ESCALATE, "--by", "p9"], "--by: there is no such person"),
        (["answer", ESCALATE, "--by", "p2"], "notice: no notice in that tray begins"),
        (["answer", EPISODE, "--by", "p1"], "notice: more than one notice in that tray begins"),
        (["answer", "111", "--by", "p1"], "notice: '111' is too short"),
        (["answer", "", "--by", "p1"], "notice: '' is too short"),
        (["answer", "%%%%%", "--by", "p1"], "notice: no notice in that tray begins"),
        (["answer", "--message", "x"], "message: there is no such message"),
        (["answer", "--message", EPISODE], "message: there is no such message"),
        (["answer", ESCALATE, "--message", MESSAGE], "--message: a message says whose it is"),
        (["answer", "--message", MESSAGE, "--by", "p1"], "--message: a message says whose it is"),
        (["told", "9999"], "episode: no episode begins"),
        (["told", "1"], "episode: '1' is too short"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_kept(
    words: list[str], field: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert field in said.err
    assert said.out == ""
    assert kept(data) == []


def test_who_was_told_is_one_table_and_show_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["told", EPISODE[:8], "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["who_knew"]
    assert run(["show", EPISODE, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["who_knew"] == rows
    assert [(line["kind"], line["text"]) for line in shown["timeline"]] == [
        ("post", "E-mail (GOV.UK Notify) to the team manager went without a receipt (silent): e-mail is next"),
        ("post", "Sent to the team manager by e-mail"),
    ]
    assert {(row["way"], row["standing"]) for row in rows} == {
        ("notify_email", "taken, and no receipt came (silent)"),
        ("smtp", "taken, not yet known to be delivered"),
    }
    assert len(rows) == 6
    assert run(["told", EPISODE]) == 0
    table = capsys.readouterr().out
    assert run(["show", EPISODE]) == 0
    said = capsys.readouterr().out
    assert table in said
    assert "went without a receipt (silent)" in said
    assert "Invented p1 (p1)" in table
