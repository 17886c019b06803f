"""Events and webhooks on the command line: what is shown, once or never; and each mistake in one line."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from activities.store import Store
from activities.store.episodes import write_changes
from activities.store.statements import upsert
from activities.store.subscriptions import change_subscription, subscriptions_of
from activities.store.tables import UndeliveredTable
from starter.cli.main import run
from tests.deliveries.desk import Receiver
from tests.store.turns import a_whole_life

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
URL = "https://case.invented.example/hooks"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path))
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


async def live(folder: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{folder / 'homeward.sqlite'}")
    await store.make_ready()
    for turn in a_whole_life(authority="local"):
        async with store.session() as session:
            await write_changes(session, turn)
    await store.close()


def test_the_feed_is_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(live(folder))
    page = answer(capsys, "events", "list", "--limit", "2", "--type", "homeward.task")
    assert [event["type"] for event in page["events"]] == ["homeward.task.opened"] * 2
    assert page["more"] is True
    assert run(["events", "list", "--after", str(page["cursor"]), "--limit", "1"]) == 0
    assert "Read on with --after" in capsys.readouterr().out


def test_the_latest_events_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(live(folder))
    everything = answer(capsys, "events", "list", "--limit", "1000")
    for words, kind in ((["--last", "2"], ""), (["--last", "1", "--type", "homeward.task"], "homeward.task")):
        page = answer(capsys, "events", "list", *words)
        asked = [event for event in everything["events"] if event["type"].startswith(kind)]
        assert page["events"] == asked[-int(words[1]) :]
        assert (page["cursor"], page["more"]) == (everything["cursor"], False)
    assert run(["events", "list", "--last", "1", "--after", "1"]) == 2


def test_the_doctor_says_which_webhooks_fail(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOMEWARD_ENGINE_ADDRESS", "127.0.0.1:9")
    monkeypatch.setenv("HOMEWARD_ENGINE_PATIENCE_SECONDS", "0.1")
    answer(capsys, "webhooks", "add", "case", URL)
    run(["doctor"])
    said = capsys.readouterr().out
    assert "well      webhooks: 1 there; 0 events not taken by the last try\n" in said
    assert "look      Nobody holds the role administrator in the directory" in said
    assert run(["directory", "person", "ada", "--name", "Invented Ada"]) == 0
    assert run(["directory", "hold", "administrator", "ada"]) == 0
    asyncio.run(fail(folder))
    capsys.readouterr()
    run(["doctor"])
    said = capsys.readouterr().out
    assert "NOT WELL  webhooks: 1 there; case fails: http 500; 1 events not taken by the last try\n" in said
    assert "well      administrator: Invented Ada\n" in said


async def fail(folder: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{folder / 'homeward.sqlite'}")
    async with store.session() as session:
        [one] = await subscriptions_of(session, "local")
        await change_subscription(session, one.id, last_failure="http 500", failures=1)
        letter = {"subscription_id": one.id, "number": 1, "event_id": "e1", "kind": "homeward.clock.started"}
        letter |= {"episode_id": "e", "event": "{}", "state": "dead", "tries": 9, "next_at": NOW, "died_at": NOW}
        await upsert(session, UndeliveredTable, letter)
    await store.close()


def test_a_webhook_s_life(capsys: pytest.CaptureFixture[str]) -> None:
    added = answer(capsys, "webhooks", "add", "case", URL, "--type", "homeward.clock")
    assert added["secret"].startswith("whsec_")
    rotated = answer(capsys, "webhooks", "rotate", "case")
    assert rotated["secret"] != added["secret"]
    assert run(["webhooks", "pause", "case"]) == 0
    capsys.readouterr()
    [listed] = answer(capsys, "webhooks", "list")
    assert (listed["state"], listed["dead"], listed["kinds"]) == ("paused", 0, ["homeward.clock"])
    assert "secret" not in listed
    assert run(["webhooks", "resume", "case"]) == 0
    assert run(["webhooks", "remove", "case", "--yes"]) == 0
    capsys.readouterr()
    assert answer(capsys, "webhooks", "list") == []


def test_a_receiver_is_tried_out(capsys: pytest.CaptureFixture[str]) -> None:
    with Receiver() as receiver:
        secret = answer(capsys, "webhooks", "add", "case", receiver.url)["secret"]
        assert run(["webhooks", "test", "case"]) == 1, "its secret is another"
        assert capsys.readouterr().out == "case did not take it: http 400\n"
        receiver._signature = Webhook(secret)
        assert answer(capsys, "webhooks", "test", "case") == {"taken": True, "reason": None}
        assert receiver.received[-1].body["type"] == "homeward.webhook.test"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["webhooks", "add", "a b", URL], "name: must be 1 to 60 letters"),
        (["webhooks", "add", "x", "http://case.invented.example"], "url: must be an https URL"),
        (["webhooks", "add", "x", URL, "--type", "clock"], "type: 'clock' is unknown"),
        (["webhooks", "add", "x", URL, "--after", "3"], "after: must lie between 0 and 0"),
        (["webhooks", "pause", "none"], "name: there is no webhook 'none'"),
        (["webhooks", "remove", "none"], "--yes: must be given"),
        (["webhooks", "dead", "none"], "name: there is no webhook 'none'"),
        (["events", "list", "--after", "7"], "--after: the feed holds what came after 0, and ends at 0"),
        (["events", "list", "--type", "x"], "type: 'x' is unknown"),
        (["events", "drop"], "--yes: must be given"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"homeward: {line}")
    assert said.count("\n") == 1


def test_an_inner_network_is_called_only_where_that_is_allowed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = ["webhooks", "add", "inner", "https://10.0.0.7/hooks"]
    monkeypatch.setenv("HOMEWARD_ENGINE_ADDRESS", "engine.invented.example:7233")
    assert run(inner) == 2
    assert "HOMEWARD_PRIVATE_RECEIVERS" in capsys.readouterr().err
    monkeypatch.setenv("HOMEWARD_PRIVATE_RECEIVERS", "true")
    assert run(inner) == 0
