"""The watchdog: what it sees, whom it tells and when again, and when it falls silent."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from activities.store import Store
from activities.store.figures import figures_of
from starter.engine_room import EngineRoom
from starter.post_settings import PostSettings
from starter.settings import Settings
from starter.watchdog.__main__ import Watchdog, watchdog_of
from starter.watchdog.alarms import AlarmBook, Trouble
from starter.watchdog.looking import Look, Watched, tls_address
from starter.watchdog.settings import WatchSettings, load_watch_settings
from tests.api.callers import HERE
from tests.api.town import NOW
from tests.console.families import child, owes
from tests.standins.certificate import by_tls_only, made, self_signed
from tests.standins.http_server import Asked, HttpStandIn, Reply
from tests.standins.smtp import SmtpStandIn
from workflows.plain_errors import BadInputError

MINUTE = timedelta(minutes=1)
ONE, OTHER = Trouble("one", "One stands", "Move it."), Trouble("other", "Another stands", "Move that.")
SECRET = "whsec_aW52ZW50ZWQgc2VjcmV0"


def looks(book: AlarmBook, *seen: Sequence[Trouble], heard: bool = True) -> list[list[tuple[str, str]]]:
    """What is told after each of these looks, a minute apart."""
    told: list[list[tuple[str, str]]] = []
    for number, troubles in enumerate(seen):
        now = NOW + number * MINUTE
        alarms = book.after(troubles, now)
        told.append([(one.news, one.trouble.key) for one in alarms])
        if heard:
            book.taken(alarms, now)
    return told


NOTHING = list[Trouble]()
UNTOLD = list[tuple[str, str]]()
RAISED, STILL, OVER = ("raised", "one"), ("still", "one"), ("over", "one")


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ([NOTHING, NOTHING], [UNTOLD, UNTOLD]),
        ([[ONE], NOTHING], [UNTOLD, UNTOLD]),
        ([[ONE], [ONE], [ONE]], [UNTOLD, [RAISED], UNTOLD]),
        ([[ONE], [ONE], NOTHING], [UNTOLD, [RAISED], [OVER]]),
        ([[ONE], [ONE], NOTHING, NOTHING, [ONE], [ONE]], [UNTOLD, [RAISED], [OVER], UNTOLD, UNTOLD, [RAISED]]),
        ([[ONE], [ONE], [ONE], [ONE], [ONE]], [UNTOLD, [RAISED], UNTOLD, UNTOLD, [STILL]]),
        ([[ONE], [ONE, OTHER], [ONE, OTHER]], [UNTOLD, [RAISED], [("raised", "other")]]),
    ],
    ids=["nothing", "seen once", "told once", "over", "again", "goes on", "another besides"],
)
def test_a_trouble_is_told_when_seen_twice_again_when_it_goes_on_and_when_it_is_over(
    seen: list[list[Trouble]], told: list[list[tuple[str, str]]]
) -> None:
    assert looks(AlarmBook(again=3 * MINUTE), *seen) == told


def test_what_nobody_heard_is_told_at_each_look_until_somebody_does() -> None:
    book = AlarmBook(again=timedelta(hours=4))
    assert looks(book, [ONE], [ONE], [ONE], heard=False) == [[], [RAISED], [RAISED]]
    assert looks(book, [ONE], [ONE], [], []) == [[RAISED], [], [OVER], []]


@pytest_asyncio.fixture
async def records(sqlite_template: Path, tmp_path: Path) -> AsyncGenerator[Store]:
    """An SQLite file with no row."""
    store = Store(f"sqlite+aiosqlite:///{shutil.copy(sqlite_template, tmp_path / 'records.sqlite')}")
    yield store
    await store.close()


class Receiver(HttpStandIn):
    """Takes alarms and heartbeats, or answers otherwise; also stands in for the service's health."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[str, int] = {}

    def answer(self, asked: Asked) -> Reply:
        """What a path is answered."""
        return Reply(self.codes.get(asked.path, 204))

    def came(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path == path]


def watchdog(store: Store, receiver: Receiver, **more: Any) -> Watchdog:
    """A watchdog over a store, with an engine that does not answer and a service that is well."""
    given = {
        "alarm_url": f"{receiver.url}/alarm",
        "alarm_secret": SECRET,
        "heartbeat_url": f"{receiver.url}/beat",
    }
    post = PostSettings.model_validate(more.pop("post", {}))
    settings = Settings(authority=HERE, **more.pop("engine", {}))
    one = watchdog_of(settings, WatchSettings.model_validate(given | more), post, store)
    return replace(one, watched=replace(one.watched, service=receiver.url, room=EngineRoom()))


async def test_an_engine_that_is_away_is_told_and_the_heartbeat_goes_on(records: Store) -> None:
    with Receiver() as receiver:
        dog = watchdog(records, receiver)
        await dog.look_once(NOW)
        assert not receiver.came("/alarm")
        await dog.look_once(NOW + MINUTE)
        await dog.look_once(NOW + 2 * MINUTE)
    (alarm,) = receiver.came("/alarm")
    assert b"ALARM: The engine does not answer" in alarm.body
    assert "webhook-signature" in alarm.headers
    assert len(receiver.came("/beat")) == 3, "it watches, and somebody was told"


async def test_the_heartbeat_stops_while_nobody_can_be_told(records: Store) -> None:
    with Receiver() as receiver:
        receiver.codes["/alarm"] = 500
        dog = watchdog(records, receiver)
        for number in range(3):
            await dog.look_once(NOW + number * MINUTE)
        assert len(receiver.came("/beat")) == 1, "only before there was something to tell"
        receiver.codes["/alarm"] = 204
        await dog.look_once(NOW + 3 * MINUTE)
        assert len(receiver.came("/beat")) == 2


async def test_alarms_go_by_e_mail_besides_and_one_way_is_enough(records: Store) -> None:
    with Receiver() as receiver, SmtpStandIn() as mail:
        receiver.codes["/alarm"] = 500
        post = {"smtp_host": "127.0.0.1", "smtp_port": mail.port, "smtp_tls": "none", "smtp_sender": "h@home.example"}
        dog = watchdog(records, receiver, alarm_emails="a@home.example,b@home.example", post=post)
        await dog.look_once(NOW)
        await dog.look_once(NOW + MINUTE)
        assert len(receiver.came("/beat")) == 2
    assert sorted(one.recipients for one in mail.received) == [("a@home.example",), ("b@home.example",)]
    assert "ALARM: The engine does not answer" in mail.received[0].message.get_content()


async def test_a_store_that_is_gone_is_told_with_what_else_is_seen(tmp_path: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'nowhere' / 'gone.sqlite'}")
    with Receiver() as receiver:
        receiver.codes["/health"] = 503
        look = await watchdog(store, receiver, expiries="notify=2026-06-20").watched.look(NOW)
    await store.close()
    assert [one.key for one in look.troubles] == ["records_away", "service_away", "key_ends:notify"]
    assert look.standstill is None


async def test_a_look_that_fails_sends_no_heartbeat_and_ends_no_watch(
    records: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, tries = asyncio.Event(), list[datetime]()

    async def failing(_: Watched, now: datetime) -> Look:
        tries.append(now)
        if len(tries) == 2:
            stop.set()
        raise RuntimeError("an invented fault")

    monkeypatch.setattr(Watched, "look", failing)
    with Receiver() as receiver:
        await watchdog(records, receiver).run(timedelta(seconds=0.01), stop)
        assert not receiver.came("/beat")
    assert len(tries) == 2


@pytest.mark.parametrize(
    ("days", "told"),
    [(-1, "ended on 2026-06-09"), (10, "ends on 2026-06-20, 10 days from now"), (30, None)],
)
async def test_keys_and_certificates_are_told_of_before_they_end(
    records: Store, tmp_path: Path, days: int, told: str | None
) -> None:
    now = datetime.now(UTC)
    key_day = NOW.date() + timedelta(days=days)
    async with self_signed(tmp_path, now + timedelta(days=days, hours=1)) as port:
        with Receiver() as receiver:
            dog = watchdog(records, receiver, expiries=f"notify={key_day}", watch_certificates=f"127.0.0.1:{port}")
            of_key = (await dog.watched.look(NOW)).troubles
            of_certificate = (await dog.watched.look(now)).troubles
    keys = [one.title for one in of_key if one.key == "key_ends:notify"]
    assert keys == ([f"The key notify {told}"] if told else [])
    certificates = [one for one in of_certificate if one.key == f"certificate_ends:127.0.0.1:{port}"]
    assert bool(certificates) is (told is not None)


@pytest.mark.parametrize(
    ("days", "told"), [(-1, " ended on "), (10, ", 10 days from now"), (30, None), (None, " cannot be read")]
)
async def test_the_engines_certificate_and_ours_are_told_of_before_they_end(
    records: Store, tmp_path: Path, days: int | None, told: str | None
) -> None:
    now = datetime.now(UTC)
    until = now + timedelta(days=30 if days is None else days, hours=1)
    ours = made(tmp_path, "homeward.invented.example", until)
    async with self_signed(tmp_path, until) as port:
        with Receiver() as receiver:
            files = {"engine_tls_certificate": ours.certificate_file, "engine_tls_key": ours.key_file}
            dog = watchdog(records, receiver, engine={"engine_address": f"127.0.0.1:{port}", **files})
            if days is None:
                ours.certificate_file.unlink()
            titles = {one.key: one.title for one in (await dog.watched.look(now)).troubles}
    shown, engines = titles.get("engine_certificate_ends"), titles.get(f"certificate_ends:127.0.0.1:{port}")
    assert (shown is not None, engines is not None) == (told is not None, told is not None and days is not None)
    assert told is None or told in str(shown)


async def test_the_engines_certificate_is_asked_for_by_its_name_and_with_ours(records: Store, tmp_path: Path) -> None:
    authority = made(tmp_path, "authority.invented.example")
    engines = made(tmp_path, "engine.invented.example", by=authority)
    ours = made(tmp_path, "homeward.invented.example", by=authority)
    async with by_tls_only("127.0.0.1:1", engines, authority, ssl.TLSVersion.TLSv1_2) as port:
        tls = {"engine_tls_certificate": ours.certificate_file, "engine_tls_key": ours.key_file}
        tls |= {"engine_tls_name": "engine.invented.example"}
        with Receiver() as receiver:
            dog = watchdog(records, receiver, engine={"engine_address": f"127.0.0.1:{port}", **tls})
            titles = {one.key: one.title for one in (await dog.watched.look(datetime.now(UTC))).troubles}
    assert titles[f"certificate_ends:127.0.0.1:{port}"].startswith(f"The certificate of 127.0.0.1:{port} ends on ")


async def test_a_calendar_that_ends_is_told_of_half_a_year_before(records: Store) -> None:
    with Receiver() as receiver:
        watched = watchdog(records, receiver).watched
        known_to = watched.policies.calendar(watched.policies.pack("homeward").calendar).known_to
        at = datetime(known_to.year, known_to.month, known_to.day, 12, tzinfo=UTC)
        keys = {days: [t.key for t in (await watched.look(at - timedelta(days=days))).troubles] for days in (190, 180)}
    assert "calendar_ends" not in keys[190]
    assert "calendar_ends" in keys[180]


async def test_how_much_there_is_is_counted_and_only_of_the_authority(store: Store) -> None:
    late, ahead = await child(store, "C-1"), await child(store, "C-2", authority="elsewhere")
    await owes(store, late, "rhi", -2)
    await owes(store, late, "iro_notice", 2, holder="sw")
    await owes(store, late, "leadership_alert", -1, kind="fire_at", role=None)
    await owes(store, ahead, "rhi", -2, role=None)
    async with store.snapshot() as session:
        found = await figures_of(session, HERE, NOW)
    assert (found.open_episodes, found.clocks_running, found.clocks_overdue) == (1, 1, 1)
    assert (found.tasks_in_time, found.tasks_overdue, found.tasks_untaken_overdue) == (1, 1, 1)
    assert (found.inbox_waiting, found.inbox_oldest) == (0, None)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ALARM_URL", "https://alarms.example/x", "HOMEWARD_ALARM_SECRET: must be given with HOMEWARD_ALARM_URL"),
        ("WATCH_CERTIFICATES", "mail.example", "must be such as mail.example:465"),
        ("WATCH_SERVICE_URL", "api:8300", "must be an address such as http://api:8300"),
        ("EXPIRIES", "notify=soon", "must be such as notify=2027-03-31"),
        ("WATCH_SECONDS", "1", "HOMEWARD_WATCH_SECONDS"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"HOMEWARD_{name}", value)
    with pytest.raises(BadInputError) as refused:
        load_watch_settings()
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("url", "is_at"),
    [
        ("https://homeward.example", ("homeward.example", 443)),
        ("https://homeward.example:8443", ("homeward.example", 8443)),
        ("http://127.0.0.1:8300", None),
    ],
)
def test_only_an_https_address_has_a_certificate(url: str, is_at: tuple[str, int] | None) -> None:
    assert tls_address(url) == is_at
