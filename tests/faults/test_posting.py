"""Notices, with real processes: what is killed or goes wrong at a provider, and what each manager has in the end.

For each: nothing is lost, nothing goes out twice by Notify, which can be asked,
and by the mail server, which cannot, twice at most, as the same letter.
"""

import asyncio
import json
import random
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Generator
from uuid import uuid4

import httpx
import pytest

from starter.client import connect
from starter.local import worker_command
from tests.engine.correspondence import things
from tests.faults.machine import HOMEWARD, wait_until
from tests.faults.post_town import NOTICES_EACH, TOKEN, Manager, Town
from tests.standins.faults import refuses, slow
from tests.standins.notify import NotifyStandIn, Stored
from tests.standins.smtp import Mail, SmtpStandIn
from workflows.names import EPISODE_WORKFLOW, MESSAGE_WORKFLOW, POSTBOX_WORKFLOW

SEED = 20260301
KILLED = {f"killed-{number}": 6 for number in range(1, 6)}
SHARED = {"shared-1": 4, "shared-2": 4, "shared-3": 4}


@pytest.fixture(scope="module")
def whole_town(tmp_path_factory: pytest.TempPathFactory) -> Generator[Town]:
    with NotifyStandIn() as notify, SmtpStandIn() as smtp:
        one = Town(tmp_path_factory.mktemp("town"), notify, smtp)
        one.people_come(
            ["sms"] * 8 + ["email", "sms;email"], KILLED | SHARED, ["sms"] * 5 + ["sms;email", "email", "sms"]
        )
        one.open()
        yield one
        one.machine.stop_all()


@pytest.fixture
def town(whole_town: Town) -> Generator[Town]:
    """The town that all tests share, mended after each."""
    yield whole_town
    whole_town.mend()


def acknowledged(town: Town, episode: str) -> set[str]:
    """The clocks of an episode that somebody has answered."""
    facts = town.rows("SELECT body FROM fact WHERE episode_id = ? AND kind = 'acknowledged'", episode)
    return {json.loads(fact["body"])["details"]["clock"] for fact in facts}


def test_a_worker_killed_after_the_provider_stored_doubles_nothing_that_can_be_looked_up(town: Town) -> None:
    """Notify and the mail server both have it, and the worker that would have written so is gone."""
    by_notify, by_mail = town.manager("sms"), town.manager("email")
    mail_is_kept = threading.Event()

    def when_mail_is_kept(_: Mail) -> None:
        mail_is_kept.set()

    def kill(_: Stored) -> None:
        town.notify.on_store = None
        assert mail_is_kept.wait(20)
        town.machine.kill("worker")

    town.smtp.letters.next(slow(20))
    town.smtp.on_store, town.notify.on_store = when_mail_is_kept, kill
    by_notify.child_goes_missing()
    by_mail.child_goes_missing()
    wait_until(lambda: "worker" not in town.machine.processes, "the worker is killed")
    assert [by_notify.dispatch("notify_sms")["in_doubt"], by_mail.dispatch("smtp")["in_doubt"]] == [1, 1]
    town.receipts_by_themselves()
    town.machine.start_worker()
    by_mail.stands("reached")
    wait_until(lambda: by_notify.dispatch("notify_sms")["taken_at"] is not None, "it is known that Notify has it")
    assert [one.reference for one in by_notify.stored] == [by_notify.dispatch("notify_sms")["reference"]]
    assert by_notify.dispatch("notify_sms")["attempts"] == 2
    assert 1 <= len(by_mail.mailed) <= 2
    assert len({one.message["Message-ID"] for one in by_mail.mailed}) == 1


@pytest.mark.long
def test_workers_killed_at_random_lose_nothing_and_send_nothing_twice(town: Town) -> None:
    """Thirty children of five managers, and a worker that is killed eight times meanwhile."""
    chance = random.Random(SEED)  # noqa: S311 - the same moments each time
    managers = town.managers_of(KILLED)
    town.receipts_by_themselves()
    intake = subprocess.Popen(
        [HOMEWARD, "intake", str(town.export(KILLED))], env=town.machine.environment, stdout=subprocess.DEVNULL
    )
    for _ in range(8):
        time.sleep(chance.uniform(0.6, 2.0))
        town.machine.kill("worker")
        town.machine.start_worker()
    assert intake.wait(60) in (0, 3)
    for manager in managers:
        manager.has_lines(6 * NOTICES_EACH)
    wait_until(lambda: all(_reached(manager) for manager in managers), "everybody is reached")
    for manager in managers:
        assert Counter(one.reference for one in manager.stored) == Counter(
            f"{message['id']}-notify_sms" for message in manager.messages
        )
        by_message = Counter(one["message_id"] for one in manager.told)
        assert set(by_message) == {message["id"] for message in manager.messages}


def _reached(manager: Manager) -> bool:
    return all(message["state"] == "reached" for message in manager.messages)


def test_two_workers_at_once_send_each_message_once(town: Town) -> None:
    managers = town.managers_of(SHARED)
    town.receipts_by_themselves()
    town.machine.start("second", worker_command())
    town.machine.wait_for_line("second", "worker ready")
    town.must("intake", str(town.export(SHARED)))
    for manager in managers:
        manager.has_lines(4 * NOTICES_EACH)
    wait_until(lambda: all(_reached(manager) for manager in managers), "everybody is reached")
    town.machine.kill("second")
    for manager in managers:
        sent = [one.reference for one in manager.stored] or [one.message["Message-ID"] for one in manager.mailed]
        assert len(sent) == len(set(sent)) == len(manager.messages)
        told = sum(things(one.message.get_content()) for one in manager.mailed)
        assert told == (0 if manager.stored else 4 * NOTICES_EACH)


def test_a_receipt_that_comes_while_the_engine_is_down_is_kept_and_stops_the_next_way(town: Town) -> None:
    manager = town.manager("sms;email")
    manager.child_goes_missing()
    wait_until(lambda: bool(manager.messages) and bool(manager.dispatch("notify_sms").get("taken_at")), "it is taken")
    town.machine.kill("engine")
    began = time.monotonic()
    assert town.notify.receipt(manager.stored[0], "delivered") == [204]
    assert time.monotonic() - began < 2, "a provider does not wait for the engine"
    town.notify.look_ups.always = refuses(500)
    time.sleep(6)  # longer than a receipt is waited for
    town.machine.start_engine()
    manager.stands("reached")
    assert (manager.mailed, len(manager.stored)) == ([], 1)
    assert manager.dispatch("smtp") == {}
    assert manager.dispatch("notify_sms")["given_up_at"] is None


def test_receipts_count_once_in_any_order_and_only_with_the_token(town: Town) -> None:
    """The first comes before the worker can have written down that the message was taken."""
    manager = town.manager("sms")
    early: list[int] = []

    def at_once(message: Stored) -> None:
        if message in manager.stored:
            early.extend(town.notify.receipt(message, "delivered", times=5))

    town.notify.on_store = at_once
    manager.child_goes_missing()
    manager.stands("reached")
    assert early == [204] * 5
    before = manager.dispatch("notify_sms")
    assert town.notify.receipt(manager.stored[0], "permanent-failure") == [204]
    assert manager.dispatch("notify_sms") == before
    assert manager.only_message["state"] == "reached"
    assert (before["attempts"], before["failure"], before["in_doubt"]) == (1, None, 0)
    [kept] = town.rows("SELECT * FROM receipt WHERE reference = ?", before["reference"])
    assert kept["times"] == 6
    stranger = Stored("sms", "07700 900999", "of-somebody-else", "t", {})
    assert town.notify.receipt(stranger, "delivered") == [204]
    assert len(town.rows("SELECT * FROM receipt WHERE reference = 'of-somebody-else'")) == 1
    town.notify.callback_token = "wrong"
    try:
        assert town.notify.receipt(Stored("sms", "", "never-kept", "t", {}), "delivered") == [401]
    finally:
        town.notify.callback_token = TOKEN
    assert town.rows("SELECT * FROM receipt WHERE reference = 'never-kept'") == []


BAD_BODIES = {
    "not JSON": b'{"id": "secret-word", ',
    "not an object": b'["secret-word"]',
    "no status": b'{"id": "secret-word"}',
    "a number for a word": b'{"id": 7, "status": "secret-word"}',
    "too long a word": b'{"id": "secret-word' + b"x" * 300 + b'", "status": "delivered"}',
    "not UTF-8": b'{"id": "secret-word\xff", "status": "delivered"}',
    "half a character": b'{"id": "secret-word\\ud800", "status": "delivered"}',
    "very deep": b'{"id": ' + b"[" * 20_000,
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_what_cannot_be_read_is_refused_without_an_echo(town: Town, name: str) -> None:
    with town.http() as client:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = client.post("/callbacks/notify", content=BAD_BODIES[name], headers=headers)
        assert answer.status_code == 422
        assert "secret-word" not in answer.text
        assert client.post("/callbacks/notify", content=BAD_BODIES[name]).status_code == 401
    assert "Traceback" not in (town.machine.folder / "service.log").read_text(encoding="utf-8")


def test_what_is_too_large_is_refused_however_it_comes(town: Town) -> None:
    def in_pieces() -> Generator[bytes]:
        for _ in range(200):
            yield b"x" * 1024

    for content in (b"x" * 200 * 1024, in_pieces()):
        with town.http() as client:
            try:
                status = client.post("/callbacks/notify", content=content).status_code
            except httpx.TransportError:
                status = 413  # it was cut off while it was still speaking
            assert status == 413
            assert client.get("/health").status_code == 204


def test_the_page_shows_and_only_the_button_answers(town: Town) -> None:
    manager = town.manager("sms")
    town.receipts_by_themselves()
    episode = manager.child_goes_missing()
    wait_until(lambda: len(manager.stored) == 1, "the message is sent")
    [link] = re.findall(r"/m/\S+", manager.stored[0].personalisation["message"])
    with town.http() as client:
        for _ in range(3):
            assert "asked to look at 2 things" in client.get(link).text
        assert client.head(link).status_code == 405
        assert acknowledged(town, episode) == set()
        assert client.post(link).status_code == 303
        assert acknowledged(town, episode) == {"iro_notice", "parent_notice"}
        assert "Nothing here waits for your answer" in client.get(link).text
        assert client.get(f"/m/{uuid4()}").status_code == 404
        assert client.post(f"/m/{uuid4()}").status_code == 404
        odd = client.get("/m/secret-word")
        assert (odd.status_code, "secret-word" in odd.text) == (422, False)


def test_an_answer_is_kept_while_the_engine_is_down_and_counts_when_it_is_back(town: Town) -> None:
    manager = town.manager("sms")
    town.receipts_by_themselves()
    episode = manager.child_goes_missing()
    wait_until(lambda: len(manager.stored) == 1, "the message is sent")
    link = f"/m/{manager.only_message['id']}"
    town.machine.kill("engine")
    with town.http() as client:
        began = time.monotonic()
        answer = client.post(link)
        assert (answer.status_code, "Your answer is kept" in answer.text) == (202, True)
        assert time.monotonic() - began < 6, "two answers wait for the engine once"
        assert client.get("/health").status_code == 204
        town.machine.start_engine()
        wait_until(lambda: acknowledged(town, episode) == {"iro_notice", "parent_notice"}, "the answer counts")
        assert client.post(link).status_code == 303


def test_a_provider_that_is_slow_broken_or_overloaded_gets_each_message_once(town: Town) -> None:
    managers = [town.manager("sms") for _ in range(3)]
    town.receipts_by_themselves()
    before = len(town.notify.asked)
    town.notify.sends.next(slow(3), refuses(500), refuses(500), refuses(429, "RateLimitError"))
    for manager in managers:
        manager.child_goes_missing()
    for manager in managers:
        manager.stands("reached")
        assert len(manager.stored) == 1
    sends = [json.loads(one.body)["reference"] for one in town.notify.asked[before:] if one.method == "POST"]
    mine = {one.reference for manager in managers for one in manager.stored}
    assert set(sends) >= mine
    assert len(sends) >= 3 + 3, "each fault was met, and the message tried again"


def test_a_worker_told_to_stop_ends_what_it_is_sending(town: Town) -> None:
    manager = town.manager("sms")
    town.notify.sends.next(slow(3))
    manager.child_goes_missing()
    wait_until(lambda: len(manager.stored) == 1, "the send is under way")
    worker = town.machine.processes.pop("worker")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    assert manager.dispatch("notify_sms")["taken_at"] is not None
    town.machine.start_worker()
    assert town.notify.receipt(manager.stored[0], "delivered") == [204]
    manager.stands("reached")
    assert (len(manager.stored), manager.dispatch("notify_sms")["attempts"]) == (1, 1)


@pytest.mark.long
def test_the_service_stops_cleanly_and_says_what_is_in_its_way(town: Town) -> None:
    second = town.machine.homeward("serve")
    port = town.machine.environment["HOMEWARD_HTTP_PORT"]
    assert (second.returncode, second.stderr) == (
        2,
        f"homeward serve: HOMEWARD_HTTP_PORT: port {port} is in use by another program; set another\n",
    )
    for one in (signal.SIGTERM, signal.SIGINT):
        service = town.machine.processes.pop("service")
        service.send_signal(one)
        assert service.wait(10) == 0
        if one is signal.SIGTERM:
            doctor = town.machine.homeward("doctor")
            assert (doctor.returncode, "NOT WELL  service: does not answer at" in doctor.stdout) == (1, True)
        town.machine.start_service()


def test_notify_never_stored_a_message_twice(town: Town) -> None:
    """In all of the above."""
    stored = Counter(one.reference for one in town.notify.stored)
    assert len(stored) > 10
    assert [reference for reference, times in stored.items() if times > 1] == []


def test_the_engine_lists_what_works_for_an_authority(town: Town) -> None:
    """Episodes and postboxes as they were begun, messages by their postboxes."""

    async def counted(kind: str, more: str = "") -> int:
        client = await connect(town.machine.settings.engine, "default", 5)
        return (await client.count_workflows(f"WorkflowType = '{kind}'{more}")).count

    for kind in (EPISODE_WORKFLOW, POSTBOX_WORKFLOW, MESSAGE_WORKFLOW):
        of_all, ours = asyncio.run(counted(kind)), asyncio.run(counted(kind, " AND HomewardAuthority = 'local'"))
        assert (of_all > 0, ours) == (True, of_all)


def test_no_log_holds_the_key_of_an_answer_page_nor_an_address(town: Town) -> None:
    """After all of the above."""
    keys = [row["id"] for row in town.rows("SELECT id FROM message")]
    assert len(keys) > 10
    for name in ("worker", "service", "second", "engine"):
        log = (town.machine.folder / f"{name}.log").read_text(encoding="utf-8")
        assert [key for key in keys if key in log] == [], name
        assert "invented.example" not in log
        assert "900123" not in log
