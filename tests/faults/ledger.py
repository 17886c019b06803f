"""A ledger of notices under many faults at once: what was owed, what went out, what was doubled, what was lost.

Two hundred invented children of four managers go missing while, for a minute,
every worker is killed a second or two after it was ready, and both providers go wrong in every
way they know. Printed by `python -m tests.faults.ledger`, or `make
posting-faults`; exit status 1 when anything was lost, or sent twice by Notify.
"""

import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.post_town import NOTICES_EACH, Manager, Town
from tests.standins.faults import LOST, STORED_BUT_LOST, STORED_BUT_SILENT, refuses, slow
from tests.standins.notify import NotifyStandIn, Stored
from tests.standins.smtp import SmtpStandIn

SEED: Final = 7
TEAMS: Final = {f"ledger-{number}": 50 for number in range(1, 5)}
CHANNELS: Final = ("sms;email", "email;sms", "sms", "email")
FAULTY_SECONDS: Final = 60.0
SETTLING_SECONDS: Final = 240.0
OF_NOTIFY: Final = (
    None,
    None,
    slow(2),
    refuses(500),
    refuses(503, stored=True),
    STORED_BUT_SILENT,
    STORED_BUT_LOST,
    LOST,
    refuses(429, "RateLimitError"),
    refuses(429, "TooManyRequestsError"),
    refuses(400, "BadRequestError"),
)
OF_MAIL: Final = (None, None, slow(2), refuses(451), refuses(550), STORED_BUT_LOST, LOST)


@dataclass(frozen=True)
class Ledger:
    """What became of it all. Everything but `kills` counts notices to persons, or messages by a way."""

    owed: int
    in_messages: int
    messages: int
    sent_once: dict[str, int]
    doubled: dict[str, int]
    lost: int
    unreached: int
    kills: int

    @property
    def well(self) -> bool:
        return self.lost == 0 and not any(many for way, many in self.doubled.items() if way.startswith("notify"))


def main() -> int:
    """Live through it and print the ledger."""
    signal.signal(signal.SIGTERM, _end)
    with (
        tempfile.TemporaryDirectory() as folder,
        NotifyStandIn() as notify,
        SmtpStandIn() as smtp,
    ):
        town = Town(Path(folder), notify, smtp)
        town.machine.environment |= {
            "HOMEWARD_NOTIFY_EMAIL_TEMPLATE": notify.template_id,
            "HOMEWARD_ATTEMPT_SECONDS": "3",
            "HOMEWARD_GATHER_SECONDS": "0",
            "HOMEWARD_CHANNEL_MINUTES": "1.5",
        }
        try:
            ledger = _live(town)
        finally:
            town.machine.stop_all()
    _say(ledger)
    return 0 if ledger.well else 1


def _end(_signal: int, _frame: object) -> None:
    # As an exception, so that what was started is ended as well.
    sys.exit(1)


def _live(town: Town) -> Ledger:
    chance = random.Random(SEED)  # noqa: S311 - the same faults each time
    town.people_come((), TEAMS, CHANNELS)
    town.open()
    _receipts_come(town, chance)
    intake = threading.Thread(target=_children_go_missing, args=(town,))
    intake.start()
    kills, ends = 0, time.monotonic() + FAULTY_SECONDS
    while time.monotonic() < ends:
        town.notify.sends.next(*chance.sample(OF_NOTIFY, 3))
        town.notify.look_ups.next(chance.choice((None, None, refuses(500), LOST)))
        town.smtp.letters.next(chance.choice(OF_MAIL))
        time.sleep(chance.uniform(1, 2))
        town.machine.kill("worker")
        kills += 1
        town.machine.start_worker()
        town.machine.wait_for_line("worker", "worker ready", times=kills + 1)
    for faults in (town.notify.sends, town.notify.look_ups, town.smtp.letters):
        faults.clear()
    intake.join()
    managers = town.managers_of(TEAMS)
    _settle(managers)
    return _ledger(town, managers, kills)


def _children_go_missing(town: Town) -> None:
    """Take the children in, two of each team at a time, so that there are many messages."""
    for file in town.exports(TEAMS, at_once=2):
        town.machine.homeward("intake", str(file))


def _receipts_come(town: Town, chance: random.Random) -> None:
    """One receipt in ten says that nothing will ever arrive, one in ten never comes, and each comes twice."""

    def send(message: Stored, status: str) -> None:
        town.notify.receipt(message, status, times=2)

    def later(message: Stored) -> None:
        status = chance.choice(["delivered"] * 8 + ["permanent-failure", ""])
        if status:
            threading.Timer(chance.uniform(0, 2), send, (message, status)).start()

    town.notify.on_store = later


def _settle(managers: Sequence[Manager]) -> None:
    """Wait until every notice is in a message and every message's fate is known, or patience ends."""
    owed = sum(TEAMS.values()) * NOTICES_EACH
    ends = time.monotonic() + SETTLING_SECONDS
    while time.monotonic() < ends:
        told = [one for manager in managers for one in manager.told]
        states = {message["state"] for manager in managers for message in manager.messages}
        # That somebody could not be reached is told as well: there can be more notices than were owed at first.
        if len(told) >= owed and all(one["message_id"] for one in told) and states <= {"reached", "given_up"}:
            return
        time.sleep(1)


def _ledger(town: Town, managers: Sequence[Manager], kills: int) -> Ledger:
    told = [one for manager in managers for one in manager.told]
    messages = {message["id"]: message for manager in managers for message in manager.messages}
    sent = Counter(one.reference or "" for one in town.notify.stored)
    sent.update(str(one.message["Message-ID"]).strip("<>").partition("@")[0] for one in town.smtp.received)
    by_message = {reference[:36] for reference in sent}
    owed = max(sum(TEAMS.values()) * NOTICES_EACH, len(told))
    once, doubled = Counter[str](), Counter[str]()
    for reference, times in sent.items():
        (once if times == 1 else doubled)[reference[37:]] += 1
    tried = {row["reference"][37:] for row in town.rows("SELECT reference FROM dispatch")}
    gave_up = {key for key, message in messages.items() if message["state"] == "given_up"}
    return Ledger(
        owed=owed,
        in_messages=sum(one["message_id"] is not None for one in told),
        messages=len(messages),
        sent_once=dict(once),
        doubled={way: doubled[way] for way in sorted(tried)},
        # Given up is told to the episode and shown: it is no loss that nobody knows of.
        lost=owed - sum(one["message_id"] in by_message | gave_up for one in told),
        unreached=sum(message["state"] != "reached" for message in messages.values()),
        kills=kills,
    )


def _say(ledger: Ledger) -> None:
    lines = (
        f"workers killed          {ledger.kills}",
        f"notices owed            {ledger.owed}",
        f"notices in messages     {ledger.in_messages}",
        f"messages                {ledger.messages}",
        f"sent once, by way       {_by_way(ledger.sent_once)}",
        f"sent twice, by way      {_by_way(ledger.doubled)}",
        f"notices lost            {ledger.lost}",
        f"messages not reached    {ledger.unreached}",
    )
    sys.stdout.write("\n".join(lines) + "\n")


def _by_way(counts: dict[str, int]) -> str:
    return ", ".join(f"{way} {many}" for way, many in sorted(counts.items())) or "none"


if __name__ == "__main__":
    sys.exit(main())
