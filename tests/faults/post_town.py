"""A town for tests of the post: one machine with all three processes, the providers' stand-ins, invented managers."""

import sqlite3
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.faults.machine import Machine, wait_until
from tests.faults.test_crashes import CHILD, ago
from tests.standins.notify import NotifyStandIn, Stored
from tests.standins.smtp import Mail, SmtpStandIn

TOKEN = "invented-callback-token"
MOBILE = "07700 900123"
NOTICES_EACH = 3
"""Notices to the team manager of a looked-after child who was reported missing more than a day ago."""

EXPORT_COLUMNS = (
    "PersonID,DOB,Legal Status,Placement,OOA,Episode Type,Missing From,Start Date,Start Time,Reported To Police,"
    "Police Ref,End Date,End Time,RHI Offered,RHI Offered Date,RHI Accepted,RHI Date,Reason No RHI,"
    "Allocated Worker,Team"
)


class Town:
    """The machine, what stands in for its providers, and what its store and they say of each message."""

    def __init__(self, folder: Path, notify: NotifyStandIn, smtp: SmtpStandIn) -> None:
        self.machine = Machine(folder)
        self.notify = notify
        self.smtp = smtp
        self._alone: dict[str, list[Manager]] = {}
        notify.callback_url = f"{self.machine.service}/callbacks/notify"
        notify.callback_token = TOKEN
        self.machine.environment |= {
            "HOMEWARD_NOTIFY_API_KEY": notify.api_key,
            "HOMEWARD_NOTIFY_URL": notify.url,
            "HOMEWARD_NOTIFY_SMS_TEMPLATE": notify.template_id,
            "HOMEWARD_NOTIFY_CALLBACK_TOKEN": TOKEN,
            "HOMEWARD_SMTP_HOST": "127.0.0.1",
            "HOMEWARD_SMTP_PORT": str(smtp.port),
            "HOMEWARD_SMTP_TLS": "none",
            "HOMEWARD_SMTP_SENDER": "homeward@invented.example",
            "HOMEWARD_GATHER_SECONDS": "1",
            "HOMEWARD_QUIET_HOURS": "",
            "HOMEWARD_ATTEMPT_SECONDS": "10",
            "HOMEWARD_SILENT_MINUTES": "0.1",
        }

    def open(self) -> None:
        self.machine.start_engine()
        self.machine.start_worker()
        self.machine.start_service()

    @contextmanager
    def http(self) -> Generator[httpx.Client]:
        with httpx.Client(base_url=self.machine.service, trust_env=False, timeout=30) as client:
            yield client

    def people_come(self, managers: Sequence[str], teams: dict[str, int], team_channels: Sequence[str]) -> None:
        """Fill the directory: for each of `managers` (channels) one child, for each team of children a manager.

        Teams are named; their managers have their names, and `team_channels` in turn.
        """
        people = ["person,name,email,mobile,channels,hours,deputies"]
        held = ["role,person,scope,for,from,until"]
        children = ["child,team"]
        for number, channels in enumerate(managers):
            name = f"invented-{number}"
            self._alone.setdefault(channels, []).append(Manager(self, name))
            people.append(_person(name, channels))
            held.append(f"team_manager,{name},child,CHILD-OF-{name},,")
            children.append(f"CHILD-OF-{name},none")
        for number, (team, size) in enumerate(teams.items()):
            people.append(_person(team, team_channels[number % len(team_channels)]))
            held.append(f"team_manager,{team},team,{team},,")
            children += [f"{team}-{child},{team}" for child in range(1, size + 1)]
        for kind, rows in (("people", people), ("teams", children), ("holders", held)):
            self.must("directory", "import", kind, str(self._file(kind, rows)))

    def manager(self, channels: str) -> "Manager":
        """A manager of one child, whom nothing was sent to yet."""
        return self._alone[channels].pop()

    def managers_of(self, teams: Iterable[str]) -> list["Manager"]:
        return [Manager(self, team) for team in teams]

    def export(self, teams: dict[str, int]) -> Path:
        """A case system's export in which every child of these teams is missing for two days."""
        [file] = self.exports(teams, at_once=max(teams.values()))
        return file

    def exports(self, teams: dict[str, int], at_once: int) -> list[Path]:
        """Such exports, with so many children of each team in each."""
        day = (datetime.now(UTC) - timedelta(days=2)).strftime("%d/%m/%Y")
        row = "01/02/2011,C2,U4,N,M,Placement,{day},12:00,Y,{ref},,,,,,,,A. Invented,Team 1"
        files: list[Path] = []
        for first in range(1, max(teams.values()) + 1, at_once):
            children = range(first, first + at_once)
            references = [f"{team}-{child}" for team, many in teams.items() for child in children if child <= many]
            rows = (f"{reference},{row.format(day=day, ref=reference)}" for reference in references)
            files.append(self._file("export", [EXPORT_COLUMNS, *rows]))
        return files

    def _file(self, kind: str, lines: Iterable[str]) -> Path:
        file = self.machine.folder / f"{kind}-{uuid4().hex[:8]}.csv"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return file

    def must(self, *words: str) -> None:
        done = self.machine.homeward(*words)
        assert done.returncode == 0, done.stderr

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What the store says."""
        with closing(sqlite3.connect(f"file:{self.machine.folder / 'homeward.sqlite'}?mode=ro", uri=True)) as store:
            store.row_factory = sqlite3.Row
            return [dict(row) for row in store.execute(query, values).fetchall()]

    def receipts_by_themselves(self, status: str = "delivered") -> None:
        """From now on every message that Notify stores has its receipt a moment later."""

        def later(message: Stored) -> None:
            threading.Timer(0.3, self._send_receipt, (message, status)).start()

        self.notify.on_store = later

    def _send_receipt(self, message: Stored, status: str) -> None:
        assert self.notify.receipt(message, status) == [204]

    def mend(self) -> None:
        """Be without a fault again, with everything running."""
        self.notify.on_store = self.smtp.on_store = None
        for faults in (self.notify.sends, self.notify.look_ups, self.smtp.letters, self.smtp.recipients):
            faults.clear()
        starts = (("engine", self.machine.start_engine), ("worker", self.machine.start_worker))
        for name, start in starts:
            if name not in self.machine.processes:
                start()


def _person(name: str, channels: str) -> str:
    return f"{name},{name},{name}@invented.example,{MOBILE},{channels},,"


class Manager:
    """One invented manager, and what was sent to that person."""

    def __init__(self, town: Town, name: str) -> None:
        self._town = town
        self.name = name

    def child_goes_missing(self) -> str:
        """Report the manager's child so late that the manager is owed notices at once; the episode's id."""
        child = {**CHILD, "reference": f"CHILD-OF-{self.name}"}
        return self._town.machine.report(child=child, reported=ago(hours=30))

    @property
    def messages(self) -> list[dict[str, Any]]:
        query = "SELECT m.* FROM message m JOIN person p ON p.id = m.person_id WHERE p.reference = ? ORDER BY m.rowid"
        return self._town.rows(query, self.name)

    @property
    def told(self) -> list[dict[str, Any]]:
        """The notices that are for the manager, each with its message or none."""
        query = "SELECT r.* FROM recipient r JOIN person p ON p.id = r.person_id WHERE p.reference = ?"
        return self._town.rows(query, self.name)

    @property
    def only_message(self) -> dict[str, Any]:
        [message] = self.messages
        return message

    def dispatch(self, way: str) -> dict[str, Any]:
        query = "SELECT * FROM dispatch WHERE message_id = ? AND way = ?"
        found = self._town.rows(query, self.only_message["id"], way)
        return found[0] if found else {}

    @property
    def stored(self) -> list[Stored]:
        """What Notify has stored for the manager."""
        mine = {message["id"] for message in self.messages}
        return [one for one in list(self._town.notify.stored) if (one.reference or "")[:36] in mine]

    @property
    def mailed(self) -> list[Mail]:
        """What the mail server has taken for the manager."""
        address = f"{self.name}@invented.example"
        return [one for one in list(self._town.smtp.received) if address in one.recipients]

    def stands(self, state: str) -> None:
        """Wait until the manager's only message stands so."""
        wait_until(lambda: [m["state"] for m in self.messages] == [state], f"the message is {state}")

    def has_lines(self, number: int) -> None:
        """Wait until so many notices are for the manager, and each is in a message."""

        def is_so() -> bool:
            return len(self.told) == number and all(one["message_id"] for one in self.told)

        wait_until(is_so, f"{number} notices are in messages")
