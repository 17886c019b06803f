"""Breakages that stand side by side on one machine: each made on purpose, how it must be named, and what mends it."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import PauseActivityRequest
from temporalio.client import Client

from activities.health.engine import EngineWatched
from activities.health.findings import StuckKind
from activities.health.look import Lookout
from activities.store import Store
from starter.access import AccessRole
from starter.client import EngineSilentError, connect
from tests.faults.another_version import Edit, Version
from tests.faults.machine import Machine, wait_until
from tests.faults.post_town import Manager, Town
from tests.faults.test_crashes import CHILD, ago
from tests.standins.faults import refuses
from tests.standins.http_server import Asked, HttpStandIn, Reply
from tests.standins.notify import NotifyStandIn
from tests.standins.smtp import SmtpStandIn
from workflows import names
from workflows.vocabulary import Role

MANAGERS: Final = ("invented-0", "invented-1", "invented-2")
UNHELD: Final = Role.SERVICE_MANAGER
LAST_TRY: Final = 10
"""An event that was tried so often is dead when it fails once more."""

ASKS_AGAIN_SECONDS: Final = 30.0

ENGINE_SECONDS: Final = 3.0

SLEEPS_FIRST: Final = Edit(
    "workflows/episode.py",
    "        if self._memory.rules is None:\n            await self._learn_rules(None)\n        await self._look_up",
    "        await workflow.sleep(1)\n"
    "        if self._memory.rules is None:\n            await self._learn_rules(None)\n        await self._look_up",
)
"""What makes of this version one whose histories it cannot go on with."""


@dataclass(frozen=True)
class Look:
    """What 'homeward stuck' says: as data, in words, and its exit status."""

    status: int
    data: dict[str, Any]
    words: str

    def of(self, kind: StuckKind) -> list[dict[str, Any]]:
        """What it names of a kind."""
        return [one for one in self.data["stuck"] if one["kind"] == kind.value]

    @property
    def kinds(self) -> list[str]:
        """The kinds it names, the worst first."""
        return list(dict.fromkeys(one["kind"] for one in self.data["stuck"]))


def look(machine: Machine) -> Look:
    """Ask as a person at the shell does, for data and for words."""
    data, words = machine.homeward("stuck", "--json"), machine.homeward("stuck")
    assert data.stderr == words.stderr == ""
    return Look(words.returncode, json.loads(data.stdout), words.stdout)


def standing(machine: Machine) -> set[tuple[StuckKind, str]]:
    """The kinds and subjects of what stands still: without a command, which takes a second."""
    return asyncio.run(_standing(machine))


async def _standing(machine: Machine) -> set[tuple[StuckKind, str]]:
    settings, store = machine.settings, Store(machine.settings.database)
    try:
        try:
            client = await connect(settings.engine, settings.engine_namespace, ENGINE_SECONDS)
            engine = EngineWatched(client, timedelta(seconds=ENGINE_SECONDS))
        except EngineSilentError:
            engine = None
        lookout = Lookout(store, settings.authority, datetime.now(UTC))
        found = await lookout.look(engine, ENGINE_SECONDS)
    finally:
        await store.close()
    return {(one.kind, one.subject) for one in found.found}


def kinds_standing(machine: Machine) -> set[StuckKind]:
    """The kinds of what stands still."""
    return {kind for kind, _ in standing(machine)}


class Receiver(HttpStandIn):
    """A receiver of events that answers everything with one status."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code

    def answer(self, asked: Asked) -> Reply:
        """The status."""
        del asked
        return Reply(self.code)


class Service:
    """The machine's service, asked by a system that may do anything: a command would take a second each time."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._token = ""

    def sign_in(self) -> None:
        """Have an account, and a token."""
        roles = [word for role in AccessRole for word in ("--role", role.value)]
        words = ("account", "add", "Invented system", "--system", "--provider", "Invented provider", *roles)
        client = self._machine.answer(*words)
        known = httpx.BasicAuth(client["client_id"], client["client_secret"])
        answer = httpx.post(
            f"{self._machine.service}/token", data={"grant_type": "client_credentials"}, auth=known, trust_env=False
        )
        self._token = answer.raise_for_status().json()["access_token"]

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask for something, with a reason, again while it is said to come again; what must succeed."""
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Idempotency-Key": str(uuid4()),
            "Homeward-Reason": "invented",
            "Content-Type": "text/csv" if isinstance(body, str) else "application/json",
        }
        content = body if isinstance(body, str) else json.dumps(body)
        url = f"{self._machine.service}{path}"
        give_up = time.monotonic() + ASKS_AGAIN_SECONDS
        while True:
            answer = httpx.request(method, url, headers=headers, content=content, timeout=60, trust_env=False)
            if answer.status_code != int(httpx.codes.SERVICE_UNAVAILABLE) or time.monotonic() > give_up:
                break
            time.sleep(1)
        assert answer.is_success, answer.text
        return answer

    def report(self, said: dict[str, Any]) -> str:
        """Report a child; the episode's id."""
        return str(self.ask("POST", "/v1/episodes", said).json()["episode_id"])

    def record(self, episode: str) -> tuple[int, dict[str, Any]]:
        """Record that somebody searched; the status and the answer."""
        said = {"kind": "searched", "at": ago(minutes=2)}
        answer = self.ask("POST", f"/v1/episodes/{episode}/facts", said)
        [outcome] = answer.json()
        return answer.status_code, outcome

    def put_file(self, kind: str, rows: Iterable[str]) -> None:
        """Have a file of the directory taken in."""
        self.ask("PUT", f"/v1/directory-files/{kind}", "\n".join((*rows, "")))


@dataclass(frozen=True)
class Breakage:
    """Something broken: what it must be called, which words must stand beside it, and what mends it."""

    kind: StuckKind
    subject: str
    known: str
    mend: Callable[[], None]


class Broken:
    """A machine on which many things are broken at once: `breakages` holds them by what is broken."""

    def __init__(self, folder: Path, notify: NotifyStandIn, smtp: SmtpStandIn) -> None:
        self.town = Town(folder, notify, smtp)
        self.machine = self.town.machine
        # What is looked at may be as young as it is, and a provider is not given up while it is looked at.
        self.machine.environment |= {"HOMEWARD_RECONCILE_GRACE_SECONDS": "0", "HOMEWARD_CHANNEL_MINUTES": "5"}
        self.gone, self.dead = Receiver(410), Receiver(500)
        self.service = Service(self.machine)
        self.breakages: dict[str, Breakage] = {}
        self._other = Version.of(folder, "sleeps-first", [SLEEPS_FIRST])

    def break_all(self) -> None:
        """Break everything, each beside the others."""
        self.machine.start_engine()
        self.machine.start_service()
        self.service.sign_in()
        self._people_come()
        code = self._episode_of_another_version()
        self.machine.start_worker()
        self._break_step()
        said = self._say_to(code)
        self.breakages["code"] = Breakage(
            StuckKind.WORKFLOW_FAILING, code, "does not fit what was done before", self._begin_anew(code)
        )
        self.breakages["said"] = Breakage(StuckKind.SAID_NOT_APPLIED, said, "a fact", _nothing)
        self._break_messages()
        self._break_webhooks()
        self._break_rows()

    def end(self) -> None:
        """Stop what runs."""
        self.machine.stop_all()
        for receiver in (self.gone, self.dead):
            receiver.down()

    def mend_all(self) -> None:
        """Mend everything."""
        for one in self.breakages.values():
            one.mend()

    def episode(self) -> str:
        """An episode that lives."""
        episode = self.service.report({"child": CHILD, "reported": ago(hours=1)})
        wait_until(lambda: self.machine.notices(episode, "iro_notice") == ["ask"], "it lives")
        return episode

    # Who is there, and who is not --------------------------------------------------------------------------------

    def _people_come(self) -> None:
        """Three children have a manager of their own; the desk holds every role but one."""
        people = ["person,name,email,mobile,channels,hours,deputies", "desk,Desk,desk@invented.example,,email,,"]
        people += [f"{name},{name},,07700 900123,sms,," for name in MANAGERS]
        self.service.put_file("people", people)
        self._hold(role for role in Role if role is not UNHELD)

    def _hold(self, roles: Iterable[Role]) -> None:
        held = ["role,person,scope,for,from,until", *(f"{role},desk,authority,,," for role in roles)]
        held += [f"team_manager,{name},child,CHILD-OF-{name},," for name in MANAGERS]
        self.service.put_file("holders", held)

    # What fails -------------------------------------------------------------------------------------------------

    def _episode_of_another_version(self) -> str:
        """An episode whose history was begun by code that does something else first."""
        self._other.start_worker(self.machine)
        episode = self.episode()
        self.machine.kill(self._other.name)
        return episode

    def _say_to(self, episode: str) -> str:
        """Something said to an episode that cannot take it; its id."""
        status, answer = self.service.record(episode)
        assert (status, answer["state"]) == (202, "kept")
        return str(answer["id"])

    def _begin_anew(self, episode: str) -> Callable[[], None]:
        def mend() -> None:
            asyncio.run(self._terminate(names.workflow_id(episode)))
            self._do("reconcile", episode)

        return mend

    def _break_step(self) -> None:
        """The database refuses what one episode writes, and nothing else."""
        episode = self.episode()
        self._in_database(
            f"CREATE TRIGGER broken BEFORE INSERT ON timeline WHEN NEW.episode_id = '{episode}' "
            "BEGIN SELECT RAISE(ABORT, 'invented'); END"
        )
        self.service.record(episode)
        mend = self._in_database
        self.breakages["step"] = Breakage(StuckKind.STEP_FAILING, episode, "-", lambda: mend("DROP TRIGGER broken"))

    # Who is not told --------------------------------------------------------------------------------------------

    def _break_messages(self) -> None:
        """One message is refused for good; two find the provider away, and one of those is paused in the engine."""
        refused, away, paused = (Manager(self.town, name) for name in MANAGERS)
        self.town.notify.sends.always = refuses(400, "BadRequestError")
        episode = self._child_of(refused)
        refused.stands("given_up")
        self.town.notify.sends.always = refuses(503)
        for one in (away, paused):
            self._child_of(one)
        for one in (away, paused):
            wait_until(lambda one=one: bool(one.messages and one.dispatch("notify_sms")), "it is tried")
        asyncio.run(self._pause(names.message_workflow_id(paused.messages[0]["id"])))
        table = (
            ("given_up", StuckKind.MESSAGE_GIVEN_UP, refused, "notify_sms: ", "resend"),
            ("paused", StuckKind.ACTIVITY_PAUSED, paused, "send message", "retry_now"),
            # Once the provider is back it may be tried by itself before anybody asks for it.
            ("activity", StuckKind.ACTIVITY_FAILING, away, "send message", None),
        )
        for what, kind, manager, known, deed in table:
            message = str(manager.messages[0]["id"])
            mend = self._provider_mended_and(deed, message)
            self.breakages[what] = Breakage(kind, names.subject_of_message(message), known, mend)
        self.breakages["role"] = Breakage(
            StuckKind.ROLE_UNHELD, episode, "nobody is service manager", lambda: self._hold(Role)
        )

    def _provider_mended_and(self, deed: str | None, message: str) -> Callable[[], None]:
        def mend() -> None:
            self.town.notify.sends.clear()
            self.town.receipts_by_themselves()
            if deed:
                self._do(deed, names.subject_of_message(message))
            query = "SELECT state FROM message WHERE id = ?"
            wait_until(lambda: self.town.rows(query, message) == [{"state": "reached"}], "the message is reached")

        return mend

    def _child_of(self, manager: Manager) -> str:
        """The manager's child has been missing for so long that the manager is owed notices at once."""
        child = CHILD | {"reference": f"CHILD-OF-{manager.name}"}
        return self.service.report({"child": child, "reported": ago(hours=30)})

    # Other systems, and rows ------------------------------------------------------------------------------------

    def _break_webhooks(self) -> None:
        """One receiver wants nothing more; another fails until the last try of an event."""
        for name, receiver in (("gone", self.gone), ("dead", self.dead)):
            receiver.up()
            self.service.ask("POST", "/v1/webhooks", {"name": name, "url": f"{receiver.url}/hook", "after": 0})
        wait_until(lambda: self.town.rows("SELECT * FROM undelivered") != [], "an event is tried again")
        self._in_database("UPDATE undelivered SET tries = ?, next_at = '2026-01-01 00:00:00.000000'", LAST_TRY)
        self._in_database("UPDATE subscription SET rest_until = NULL")
        self.breakages["gone"] = Breakage(
            StuckKind.WEBHOOK_GONE, "gone", "not tried yet", self._takes(self.gone, "resume_webhook")
        )
        self.breakages["dead"] = Breakage(
            StuckKind.EVENTS_DEAD, "dead", "not taken", self._takes(self.dead, "resend_events")
        )

    def _takes(self, receiver: Receiver, deed: str) -> Callable[[], None]:
        def mend() -> None:
            receiver.code = 204
            self._do(deed, "gone" if receiver is self.gone else "dead")

        return mend

    def _break_rows(self) -> None:
        """A task appears in the rows of which its episode knows nothing."""
        episode = self.episode()
        self._in_database(
            "INSERT INTO task SELECT episode_id || '/invented', episode_id, authority, clock, role, \"do\", due, "
            "'open', opened_at, closed_at, holder, done_by FROM task WHERE episode_id = ? LIMIT 1",
            episode,
        )
        self._do("reconcile", episode)

        def mend() -> None:
            self._in_database("DELETE FROM task WHERE key = ?", f"{episode}/invented")
            self._do("reconcile", episode)

        self.breakages["rows"] = Breakage(StuckKind.APART, episode, "knows of no such task", mend)

    # By which means ---------------------------------------------------------------------------------------------

    def _do(self, deed: str, subject: str) -> None:
        self.service.ask("POST", "/v1/stuck/deeds", {"deed": deed, "subject": subject})

    def _in_database(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.machine.folder / "homeward.sqlite", timeout=30)) as database:
            database.execute(statement, values)
            database.commit()

    async def _client(self) -> Client:
        return await connect(self.machine.settings.engine, self.machine.settings.engine_namespace, 10)

    async def _terminate(self, workflow: str) -> None:
        handle: Any = (await self._client()).get_workflow_handle(workflow)
        await handle.terminate("invented: its code does not fit its history")

    async def _pause(self, workflow: str) -> None:
        client = await self._client()
        handle: Any = client.get_workflow_handle(workflow)
        described = await handle.describe()
        [pending] = described.raw_description.pending_activities
        execution = WorkflowExecution(workflow_id=workflow, run_id=described.run_id)
        request = PauseActivityRequest(
            namespace=client.namespace, execution=execution, identity="somebody", id=pending.activity_id
        )
        await client.workflow_service.pause_activity(request)


def _nothing() -> None:
    """What is mended with what it hangs on."""
