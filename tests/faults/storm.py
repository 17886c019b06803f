"""A storm: many invented children's episodes at once on the real stack, while everything goes wrong that can.

Printed by `python -m tests.faults.storm`, or `make faults` (SEED, EPISODES,
DATABASE): each trouble as it comes, then a ledger of what was accepted and
owed beside what is there; exit status 1 when anything is lost, doubled, falsely
refused, or kept of what was broken. The same seed says the same things in the
same order, and has the same troubles come; the moments are those of the machine.
"""

import argparse
import asyncio
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

import httpx
import yaml

from activities.policies import Policies
from activities.store import Store
from starter.access import AccessRole
from tests.conftest import fresh_server
from tests.faults.machine import Machine
from tests.faults.post_town import Town
from tests.faults.storm_book import Book
from tests.faults.storm_broken import Stream
from tests.faults.storm_callers import Callers
from tests.faults.storm_found import Found, Left, find, waits
from tests.faults.storm_ledger import Aftermath, Ledger, drawn_up
from tests.faults.storm_lives import Life, Scale, lives
from tests.faults.storm_troubles import (
    PostgresTroubles,
    Processes,
    SqliteTroubles,
    Trouble,
    of_the_network,
    of_the_providers,
)
from tests.faults.storm_weather import Weather
from tests.faults.tcp_proxy import TcpProxy
from tests.postgres import APPLICATION
from tests.standins.notify import NotifyStandIn, Stored
from tests.standins.smtp import SmtpStandIn
from workflows.policy import as_data

PACK: Final = {
    "policy": "storm",
    "version": "2026.1",
    "title": "A pack of a storm's own, whose chases come in minutes",
    "extends": ["homeward"],
    "effective_from": "2026-03-01",
}
SOONER: Final = {"unanswered_after_minutes": 1, "unanswered_after_return_minutes": 1}
PEOPLE: Final = {
    "team_manager": "sms",
    "senior_leader": "sms;email",
    "social_worker": "email",
    "service_manager": "email;sms",
    "duty_manager": "email",
}
SETTLING_SECONDS: Final = 240.0
"""How long, while nothing goes wrong any more, it is waited for the next thing to be done."""


@dataclass(frozen=True)
class Storm:
    """How large a storm is: its stories begin within `spread` seconds, and each has its rungs within the scale's reach.

    Troubles come for `lasts` seconds; `calm` is how long lies between two of a row.
    """

    seed: int
    scale: Scale
    spread: float
    lasts: float
    database: str = "sqlite"
    calm: tuple[float, float] = (1.0, 5.0)
    broken_pause: float = 0.4
    longest_trouble: float = 30.0

    @classmethod
    def of(cls, seed: int, episodes: int, database: str) -> "Storm":
        """A storm of so many episodes, somewhat more than a second for each.

        Troubles lie as far apart as leaves a machine of two cores time to do what
        so many episodes ask: more often, and only the callers' patience is tried.
        """
        scale = Scale(episodes, reach=150, commands=0.005)
        spread = 1.2 * episodes
        return cls(seed, scale, spread, lasts=spread + scale.reach, database=database, calm=(15.0, 45.0))


@dataclass(frozen=True)
class Place:
    """Where a storm comes down: the machine, what stands in for providers, and what can go wrong with the rest.

    `owner` is the URL of the database for whoever may change its schema.
    """

    town: Town
    machine: Machine
    rows: Sequence[Sequence[Trouble]]
    processes: Processes
    owner: str


class Course(Protocol):
    """What goes on while stories are told: `came` counts what came, `broken` says what could not be made."""

    came: Counter[str]
    broken: list[str]

    def begin(self) -> None:
        """Let it come."""
        ...

    async def may_begin(self, life: Life) -> None:
        """Wait until a child's story may begin."""
        ...

    def end(self) -> None:
        """Have it over, once all stories are told."""
        ...


Coursing = Callable[[Place, Callable[[str], None]], Course]
"""What makes a course for a place; it is given what says what comes."""


def main() -> int:
    """Live through a storm and print it."""
    signal.signal(signal.SIGTERM, _end)
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    storm = Storm.of(given.seed, given.episodes, given.database)
    folder = Path(tempfile.mkdtemp(prefix="homeward-storm-"))
    ledger = live_through(storm, folder, _say)
    if ledger.well:
        shutil.rmtree(folder)
        return 0
    _say(f"what is left of it is kept in {folder}")
    return 1


def _end(_signal: int, _frame: object) -> None:
    # As an exception, so that what was started is ended as well.
    sys.exit(1)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def live_through(storm: Storm, folder: Path, say: Callable[[str], None]) -> Ledger:
    """Have a storm come down in a folder; its ledger, which has been said line by line."""
    began = time.monotonic()
    ledger = drawn_up(brought_down(storm, folder, say))
    for line in ledger.lines():
        say(line)
    say(f"{'well' if ledger.well else 'NOT WELL'}, in {(time.monotonic() - began) / 60:.1f} minutes")
    return ledger


def brought_down(storm: Storm, folder: Path, say: Callable[[str], None], coursing: Coursing | None = None) -> Aftermath:
    """Have a storm come down in a folder, or another course of things; all that is needed to draw its ledger up."""
    began = time.monotonic()

    def say_when(line: str) -> None:
        say(f"{time.monotonic() - began:7.1f} s  {line}")

    say(f"seed {storm.seed}, {storm.scale.episodes} episodes, {storm.database}")
    with _place(storm, folder) as place:
        course = coursing(place, say_when) if coursing else _weather(storm, place, say_when)
        book = asyncio.run(_told(storm, place, course, say_when))
        found, until = asyncio.run(_found(place, say_when))
    mailed = [str(one.message["Message-ID"]).strip("<>").partition("@")[0] for one in place.town.smtp.received]
    return Aftermath(
        book=book,
        found=found,
        stories=found.stories(Policies.load(folder / "policies")),
        until=until,
        stored=[one.reference or "" for one in place.town.notify.stored],
        mailed=mailed,
        came=course.came,
        not_made=course.broken,
        could_not_begin=place.processes.could_not_begin,
        ended=place.processes.ended,
    )


def _weather(storm: Storm, place: Place, say: Callable[[str], None]) -> Weather:
    pause = storm.spread / storm.scale.episodes
    return Weather(storm.seed, place.processes, place.rows, say, storm.lasts, storm.calm, pause)


# Where it comes down ----------------------------------------------------------------------------------------------


@contextmanager
def _place(storm: Storm, folder: Path) -> Generator[Place]:
    with ExitStack() as stack:
        notify, smtp = stack.enter_context(NotifyStandIn()), stack.enter_context(SmtpStandIn())
        town = Town(folder, notify, smtp)
        machine = town.machine
        engine = stack.enter_context(TcpProxy(int(machine.environment["HOMEWARD_ENGINE_PORT"])))
        machine.environment |= _settings(folder, engine, notify)
        stack.callback(machine.stop_all)
        owner, database = _database(storm, machine, stack)
        processes = Processes(machine)
        town.open()
        machine.wait_for_line("worker", "worker ready")
        _people_come(town)
        _receipts_come(town, storm.seed)
        beside = [*database, *of_the_network(engine), *of_the_providers(notify, smtp)]
        rows = [processes.troubles(), beside]
        yield Place(town, machine, [[_shorter(one, storm) for one in row] for row in rows], processes, owner)


def _shorter(trouble: Trouble, storm: Storm) -> Trouble:
    most = storm.longest_trouble
    return replace(trouble, shortest=min(trouble.shortest, most), longest=min(trouble.longest, most))


def _settings(folder: Path, engine: TcpProxy, notify: NotifyStandIn) -> dict[str, str]:
    policies = folder / "policies"
    policies.mkdir()
    chase = as_data(Policies.load().pack("homeward"))["chase"] | SOONER
    (policies / "storm.yaml").write_text(yaml.safe_dump(PACK | {"chase": chase}), encoding="utf-8")
    return {
        "HOMEWARD_ENGINE_ADDRESS": f"127.0.0.1:{engine.port}",
        "HOMEWARD_POLICY_DIR": str(policies),
        "HOMEWARD_API_REQUESTS_A_MINUTE": "100000",
        "HOMEWARD_COMMAND_ROLES": ",".join(("manager", "duty", "operator", "auditor", "administrator")),
        "HOMEWARD_NOTIFY_EMAIL_TEMPLATE": notify.template_id,
        "HOMEWARD_ATTEMPT_SECONDS": "3",
        "HOMEWARD_GATHER_SECONDS": "5",
        "HOMEWARD_CHANNEL_MINUTES": "1.5",
    }


def _database(storm: Storm, machine: Machine, stack: ExitStack) -> tuple[str, list[Trouble]]:
    """Make the database; its owner's URL, and what can go wrong with it."""
    if storm.database == "sqlite":
        return machine.settings.database, SqliteTroubles(machine, machine.folder / "homeward.sqlite").troubles()
    server = stack.enter_context(fresh_server())
    name = server.create()
    server.create_role(APPLICATION)
    asyncio.run(_made_ready(server.url(name)))
    proxy = stack.enter_context(TcpProxy(server.port))
    machine.environment["HOMEWARD_DATABASE_URL"] = server.url(name, APPLICATION).replace(
        f":{server.port}/", f":{proxy.port}/"
    )
    troubles = PostgresTroubles(server, proxy, name)
    stack.callback(troubles.end)
    return server.url(name), troubles.troubles()


async def _made_ready(url: str) -> None:
    store = Store(url)
    try:
        await store.upgrade()
        await store.grant(APPLICATION)
    finally:
        await store.close()


def _people_come(town: Town) -> None:
    people = ["person,name,email,mobile,channels,hours,deputies"]
    held = ["role,person,scope,for,from,until"]
    for number, (role, channels) in enumerate(PEOPLE.items()):
        people.append(f"{role},Invented {role},{role}@invented.example,07700 90010{number},{channels},,")
        held.append(f"{role},{role},authority,,,")
    for kind, rows in (("people", people), ("holders", held)):
        file = town.machine.folder / f"{kind}.csv"
        file.write_text("\n".join(rows) + "\n", encoding="utf-8")
        town.must("directory", "import", kind, str(file))


def _receipts_come(town: Town, seed: int) -> None:
    """One receipt in ten says that nothing will ever arrive, one in ten never comes, and each comes twice."""
    chance = random.Random(f"{seed}/receipts")  # noqa: S311

    def send(message: Stored, status: str) -> None:
        # Notify gives a receipt up as well when nobody answers.
        with suppress(httpx.HTTPError):
            town.notify.receipt(message, status, times=2)

    def later(message: Stored) -> None:
        status = chance.choice(["delivered"] * 8 + ["permanent-failure", ""])
        if status:
            timer = threading.Timer(chance.uniform(0, 2), send, (message, status))
            timer.daemon = True
            timer.start()

    town.notify.on_store = later


# What happens -----------------------------------------------------------------------------------------------------


async def _told(storm: Storm, place: Place, course: Course, say: Callable[[str], None]) -> Book:
    """Have everybody say everything while things take their course; what they were told."""
    book, machine = Book(), place.machine
    roles = [word for role in AccessRole for word in ("--role", role.value)]
    words = ("account", "add", "Invented case system", "--system", "--provider", "Invented provider", *roles)
    callers = Callers(machine, book, storm.seed, await asyncio.to_thread(machine.answer, *words))
    chance = random.Random(f"{storm.seed}/broken")  # noqa: S311
    known = _Known(book)
    broken = asyncio.create_task(Stream(callers, known, chance, storm.broken_pause, storm.scale.commands).run())
    await asyncio.to_thread(course.begin)
    stories = lives(storm.seed, storm.scale)
    try:
        await asyncio.gather(*(_later(callers, life, course) for life in stories))
    finally:
        say("everything has been said")
        broken.cancel()
        await asyncio.gather(broken, return_exceptions=True)
        await asyncio.to_thread(course.end)
    return book


class _Known(Sequence[str]):
    """The episodes that callers know by now."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def __len__(self) -> int:
        return len(self._book.episodes)

    def __getitem__(self, place: int) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        return list(self._book.episodes)[place]


async def _later(callers: Callers, life: Life, course: Course) -> None:
    await course.may_begin(life)
    try:
        await callers.live(life)
    except Exception as error:  # noqa: BLE001 - it is in the ledger, and the others go on
        callers.book.unforeseen.append(f"{life.reference}: {error!r}")


async def _found(place: Place, say: Callable[[str], None]) -> tuple[Found, datetime]:
    """Wait until all that was said is applied and all that is owed by then done, or patience ends; what there is."""
    said = await _none_waits(place, lambda left: left.said, datetime.now(UTC))
    until = datetime.now(UTC)
    woken = await _none_waits(place, lambda left: left.asleep, until)
    say(f"settled: {said} wait for the engine, {woken} did not wake")
    return await find(place.machine), until


async def _none_waits(place: Place, which: Callable[[Left], int], until: datetime) -> int:
    """Wait until nothing is left, or nothing more is done; how much is left."""
    left = which(await waits(place.machine, until))
    give_up = time.monotonic() + SETTLING_SECONDS
    while left and time.monotonic() < give_up:
        place.processes.mind()
        await asyncio.sleep(1)
        now_left = which(await waits(place.machine, until))
        if now_left < left:
            give_up = time.monotonic() + SETTLING_SECONDS
        left = now_left
    return left


if __name__ == "__main__":
    sys.exit(main())
