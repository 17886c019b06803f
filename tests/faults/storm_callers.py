"""The callers of a storm: a case system, homes and people at the shell, who say each thing until they are answered.

Each asks again under the same key or id, as good clients do, and goes by the
answer alone: 2xx, or exit status 0 or 3, is accepted; everything else is not.
"""

import asyncio
import base64
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast
from uuid import NAMESPACE_URL, uuid5

import httpx

from tests.faults.machine import Machine
from tests.faults.post_town import EXPORT_COLUMNS
from tests.faults.storm_book import Accepted, Book
from tests.faults.storm_lives import Life, Saying
from workflows.facts import CLOCK_SKEW
from workflows.instants import to_rfc3339

HOMEWARD: Final = str(Path(sys.executable).parent / "homeward")
PATIENCE_SECONDS: Final = 600.0
ANSWER_SECONDS: Final = 45.0
LONGEST_PAUSE_SECONDS: Final = 3.0
TOKEN_SECONDS: Final = 300.0
COMMANDS_AT_ONCE: Final = 2
ASKED_AT_ONCE: Final = 40


class UnansweredError(Exception):
    """Patience ended before anybody answered."""


@dataclass(frozen=True)
class Asked:
    """One request of the API, which may be sent again: its key goes with it."""

    edge: str
    path: str
    key: str
    json: Any = None
    content: bytes | None = None
    media: str = "application/json"
    method: str = "POST"


class Callers:
    """Everybody who says something, and the book of what they were told."""

    def __init__(self, machine: Machine, book: Book, seed: int, client: Mapping[str, str]) -> None:
        """Say things to a machine; `client` holds the id and secret of a system of its authority."""
        self.machine = machine
        self.book = book
        self._seed = seed
        self._known = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
        self._token, self._token_until = "", 0.0
        self._shell = asyncio.Semaphore(COMMANDS_AT_ONCE)
        self._few = asyncio.Semaphore(ASKED_AT_ONCE)
        self._asks_for_token = asyncio.Lock()

    def key(self, *parts: object) -> str:
        """A key that is the same each time this storm is run, and no other storm's."""
        return str(uuid5(NAMESPACE_URL, "/".join(map(str, (self._seed, *parts)))))

    async def live(self, life: Life) -> None:
        """Tell a child's whole story."""
        began = datetime.now(UTC).replace(microsecond=0)
        started = time.monotonic()
        try:
            episode = await self._report(life, began)
        except UnansweredError as silence:
            self.book.unanswered.append(str(silence))
            return
        if episode is None:
            return
        told: dict[int, asyncio.Task[str | None]] = {}
        for place, saying in sorted(enumerate(life.sayings), key=lambda one: one[1].after):
            about = told[saying.about] if saying.about is not None else None
            await asyncio.sleep(max(0.0, started + saying.after - time.monotonic()))
            told[place] = asyncio.create_task(self._say(life, episode, place, began, about))
            if place % 2:
                # What comes a moment later is sometimes said while this is not answered yet.
                await asyncio.wait([told[place]])
        await asyncio.gather(*told.values())

    # A report ---------------------------------------------------------------------------------------------------

    async def _report(self, life: Life, began: datetime) -> str | None:
        ways = {"api": self._by_api, "csv": self._by_file, "home_form": self._by_form, "command": self._by_command}
        episode, applied, kinds = await ways[life.way_in](life, began)
        if episode is None:
            return None
        self.book.episodes[episode] = life.number
        now = datetime.now(UTC)
        for kind, since in life.times.items():
            at = _time(life, began + since)
            self.book.accepted.append(Accepted(episode, kind, at, now, applied))
        for kind in kinds:
            at = min(_time(life, began + since) for since in life.times.values())
            self.book.accepted.append(Accepted(episode, kind, at, now, applied))
        return episode

    async def _by_api(self, life: Life, began: datetime) -> tuple[str | None, bool, list[str]]:
        child = {**life.child, "reference": life.reference}
        body = {"policy": life.policy, "child": child, **_times(life, began)}
        asked = Asked("report", "/v1/episodes", self.key(life.number, "report"), body)
        many = 2 if life.reported_twice else 1
        answers = await asyncio.gather(*(self.ask(asked) for _ in range(many)))
        return self._reported(life, answers)

    def _reported(self, life: Life, answers: list[httpx.Response]) -> tuple[str | None, bool, list[str]]:
        good = [one for one in answers if one.is_success]
        self.book.refused_falsely += [f"report of {life.reference}: {one.text}" for one in answers if one not in good]
        ids = {one.json()["episode_id"] for one in good}
        if len(ids) > 1:
            self.book.unlike_answers.append(f"report of {life.reference}: {sorted(ids)}")
        return (min(ids) if ids else None), any(one.status_code == 201 for one in good), []

    async def _by_form(self, life: Life, began: datetime) -> tuple[str | None, bool, list[str]]:
        child = {name: value for name, value in life.child.items() if name != "setting"}
        form: dict[str, Any] = {
            "form": "home",
            "reference": f"HOME-{life.number}",
            "home": {"name": "Invented House", "kind": "children_home"},
            "child": {**child, "reference": life.reference},
        }
        names = {"reported": "police_told"}
        for kind, at in _times(life, began).items():
            form[names.get(kind, kind)] = {"at": at}
        asked = Asked("home form", "/v1/forms/home?new=true", self.key(life.number, "form"), form)
        many = 2 if life.reported_twice else 1
        return self._reported(life, await asyncio.gather(*(self.ask(asked) for _ in range(many))))

    async def _by_file(self, life: Life, began: datetime) -> tuple[str | None, bool, list[str]]:
        """A row of an export beside one that cannot be read, sent again until every line has an outcome."""
        start = _time(life, began + life.times["reported"])
        row = f"{life.reference},14/05/2011,C2,U4,N,M,Placement,{start:%d/%m/%Y},{start:%H:%M},Y,,,,,,,,,Nobody,T1"
        broken = f"BROKEN-{life.number},31/02/2011,C2,U4,N,M,Placement,soon,99:99,Y,,,,,,,,,A. Invented,T1"
        content = "\n".join((EXPORT_COLUMNS, row, broken)).encode()
        asked = Asked("intake", "/v1/intakes", self.key(life.number, "file"), content=content, media="text/csv")
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            answer = await self.ask(asked)
            if not answer.is_success:
                self.book.refused_falsely.append(f"file of {life.reference}: {answer.text}")
                return None, False, []
            run = answer.json()["id"]
            lines = await self._lines(run)
            if len(lines) == 2:
                return self._of_lines(life, lines)
            await asyncio.sleep(1)
        raise UnansweredError(f"file of {life.reference}")

    async def _lines(self, run: str) -> list[dict[str, Any]]:
        await asyncio.sleep(0.5)
        asked = Asked("intake lines", f"/v1/intakes/{run}/lines", self.key(run, time.monotonic()), method="GET")
        answer = await self.ask(asked)
        items: list[dict[str, Any]] = answer.json()["items"] if answer.is_success else []
        return items

    def _of_lines(self, life: Life, lines: list[dict[str, Any]]) -> tuple[str | None, bool, list[str]]:
        good, broken = lines
        self.book.broken_sent["row of an export"] += 1
        if broken["verdict"] == "refused":
            self.book.broken_refused["row of an export"] += 1
        else:
            self.book.broken_taken.append(f"row of an export: {broken}")
        if good["episode_id"] is None:
            self.book.refused_falsely.append(f"row of {life.reference}: {good}")
        return good["episode_id"], False, ["categorised"]

    async def _by_command(self, life: Life, began: datetime) -> tuple[str | None, bool, list[str]]:
        child = {**life.child, "reference": life.reference}
        said = {"report_id": self.key(life.number, "report"), "policy": life.policy, "child": child}
        file = self.machine.folder / f"storm-{life.number}.json"
        file.write_text(json.dumps(said | _times(life, began)), encoding="utf-8")
        status, answer, complaint = await self.command("report", str(file), "--json")
        if status not in (0, 3):
            self.book.refused_falsely.append(f"report of {life.reference}: {complaint}")
            return None, False, []
        return json.loads(answer)["episode_id"], status == 0, []

    # A fact -----------------------------------------------------------------------------------------------------

    async def _say(
        self,
        life: Life,
        episode: str,
        place: int,
        began: datetime,
        about: "asyncio.Task[str | None] | None",
    ) -> str | None:
        """Say a fact; its id when it was accepted."""
        saying = life.sayings[place]
        target = await about if about else None
        if about and target is None:
            return None
        base = datetime.now(UTC).replace(microsecond=0) if saying.by_their_clock else began
        at = base + saying.at
        ids: list[str | None] = []
        try:
            if saying.how == "by_command":
                ids.append(await self._fact_by_command(episode, place, saying, at, target))
            else:
                ids += await self._fact_by_api(episode, place, saying, at, target)
        except UnansweredError:
            self.book.unanswered.append(f"{episode} {saying.kind}")
            return None
        if len({one for one in ids if one}) > 1:
            self.book.unlike_answers.append(f"{saying.kind} of {life.reference}: {ids}")
        return next((one for one in ids if one), None)

    async def _fact_by_api(
        self, episode: str, place: int, saying: Saying, at: datetime, target: str | None
    ) -> list[str | None]:
        details = dict(saying.details)
        body: dict[str, Any] = {"kind": saying.kind, "at": to_rfc3339(at), "details": details}
        if saying.kind == "withdrawn":
            details["fact"] = str(target)
        elif target:
            body["replaces"] = target
        asked = Asked("fact", f"/v1/episodes/{episode}/facts", self.key(episode, place), body)
        if saying.how == "twice_at_once":
            answers = list(await asyncio.gather(self.ask(asked), self.ask(asked)))
        else:
            answers = [await self.ask(asked)]
        if saying.how == "twice_later":
            await asyncio.sleep(5)
            answers.append(await self.ask(asked))
        return [self._fact_answered(episode, saying, at, one.status_code, one.text) for one in answers]

    async def _fact_by_command(
        self, episode: str, place: int, saying: Saying, at: datetime, target: str | None
    ) -> str | None:
        words = ["record", episode, saying.kind, "--at", to_rfc3339(at), "--id", self.key(episode, place), "--json"]
        details = saying.details | ({"fact": str(target)} if saying.kind == "withdrawn" else {})
        if target and saying.kind != "withdrawn":
            words += ["--replaces", target]
        for name, value in details.items():
            words += ["--set", f"{name}={value}"]
        status, answer, complaint = await self.command(*words)
        code = {0: 200, 3: 202}.get(status, 422)
        return self._fact_answered(episode, saying, at, code, answer if status in (0, 3) else complaint)

    def _fact_answered(self, episode: str, saying: Saying, at: datetime, status: int, text: str) -> str | None:
        what = f"{saying.kind} of STORM-{self.book.episodes[episode]}"
        if status >= 300:
            if saying.impossible:
                self.book.refused_rightly += 1
            else:
                self.book.refused_falsely.append(f"{what}: {text}")
            return None
        answer = json.loads(text)
        fact = cast("dict[str, Any]", answer[0] if isinstance(answer, list) else answer)
        applied, now = fact["state"] == "applied", datetime.now(UTC)
        # What lay in the future when it was first said may lie there no longer, once somebody is there to take it.
        if at > now + CLOCK_SKEW or (saying.impossible and applied and not saying.by_their_clock):
            self.book.taken_falsely.append(f"{what}: {text}")
        self.book.accepted.append(
            Accepted(episode, saying.kind, at, now, applied, str(fact["id"]), may_be_refused=saying.impossible)
        )
        return str(fact["id"])

    # How it is said ---------------------------------------------------------------------------------------------

    async def ask(self, asked: Asked) -> httpx.Response:
        """Ask until the service answers with more than that it cannot now. Raises UnansweredError."""
        self.book.said(asked.edge)
        give_up, pause = time.monotonic() + PATIENCE_SECONDS, 0.3
        while time.monotonic() < give_up:
            answer = await self.ask_once(asked)
            if answer is not None and answer.status_code not in (401, 429, 500, 503):
                return answer
            if answer is not None:
                self.book.failed(asked.edge, str(answer.status_code))
            if answer is not None and answer.status_code == 500:
                self.book.unforeseen.append(f"{asked.method} {asked.edge}: {answer.text}")
            if answer is not None and answer.status_code == 401:
                self._token_until = 0.0
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        raise UnansweredError(f"{asked.edge} {asked.path}")

    async def ask_once(self, asked: Asked) -> httpx.Response | None:
        """Ask once; None when no answer came."""
        try:
            headers = {"Authorization": f"Bearer {await self.token()}", "Idempotency-Key": asked.key}
            content = asked.content if asked.json is None else json.dumps(asked.json).encode()
            if content is not None:
                headers["Content-Type"] = asked.media
            async with self._few, self._http() as http:
                return await http.request(asked.method, asked.path, headers=headers, content=content)
        except httpx.HTTPError as error:
            self.book.failed(asked.edge, type(error).__name__)
            return None

    async def token(self) -> str:
        """A token that is good for a while. Raises httpx.HTTPError."""
        # One for all: hundreds that ask at once for theirs would be slowed down as those who guess are.
        async with self._asks_for_token:
            if time.monotonic() > self._token_until:
                said, known = {"grant_type": "client_credentials"}, {"Authorization": f"Basic {self._known}"}
                async with self._http() as http:
                    answer = await http.post("/token", data=said, headers=known)
                answer.raise_for_status()
                self._token, self._token_until = answer.json()["access_token"], time.monotonic() + TOKEN_SECONDS
        return self._token

    def _http(self) -> httpx.AsyncClient:
        # Each its own: of a pool whose connections are killed again and again, one place after the other is lost.
        plain = httpx.AsyncHTTPTransport(verify=False, trust_env=False)
        return httpx.AsyncClient(base_url=self.machine.service, transport=plain, timeout=ANSWER_SECONDS)

    async def command(self, *words: str) -> tuple[int, str, str]:
        """Give a command until it does more than say that the database cannot be used now. Raises UnansweredError."""
        self.book.said(f"command {words[0]}")
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            status, answer, complaint = await self.command_once(*words)
            if status >= 0 and "the database" not in complaint:
                return status, answer, complaint
            self.book.failed(f"command {words[0]}", "database" if status >= 0 else "killed")
            await asyncio.sleep(1)
        raise UnansweredError(f"command {words[0]}")

    async def command_once(self, *words: str) -> tuple[int, str, str]:
        """Give a command; its exit status, standard output and standard error."""
        async with self._shell:
            process = await asyncio.create_subprocess_exec(
                HOMEWARD,
                *words,
                env=self.machine.environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            answer, complaint = await process.communicate()
        return process.returncode or 0, answer.decode(), complaint.decode()


def _time(life: Life, at: datetime) -> datetime:
    """A time as it can be told by a life's way in: an export knows minutes."""
    return at.replace(second=0) if life.way_in == "csv" else at


def _times(life: Life, began: datetime) -> dict[str, str]:
    return {kind: to_rfc3339(_time(life, began + since)) for kind, since in life.times.items()}
