"""Malformed input at every edge, in a stream beside what is good: each must be refused, with nothing kept."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.faults.storm_callers import Asked, Callers

LONG: Final = b"[" * 30_000
A_FACT: Final = b'{"kind": "searched", "at": "2026-01-05T10:00:00Z"%s}'

REPORTS: Final = (
    b"",
    b"{",
    b"[]",
    b'"missing"',
    b"\xff\xfe{}",
    LONG,
    b'{"reported": 0}',
    b'{"reported": "1700000000"}',
    b'{"reported": "2026-01-05T10:00:00"}',
    b'{"reported": "2026-02-30T10:00:00Z"}',
    b'{"reported": "9999-12-31T23:59:59Z"}',
    b'{"reported": "0001-01-01T00:00:00+14:00"}',
    b'{"reported": "2026-01-05T10:00:00Z", "returned": "2026-01-04T10:00:00Z", "last_seen": "2026-01-06T10:00:00Z"}',
    b'{"child": {"reference": "BROKEN\\u0000"}}',
    b'{"child": {"reference": "BROKEN", "born": "2011-13-01"}}',
    b'{"child": {"reference": "BROKEN", "looked_after": "perhaps"}}',
    b'{"child": {"reference": "BROKEN", "setting": "a castle"}}',
    b'{"child": {"reference": "%s"}}' % (b"BROKEN" * 100),
    b'{"policy": "no-such-policy", "child": {"reference": "BROKEN"}}',
    b'{"policy": 7, "child": {"reference": "BROKEN"}}',
    b'{"child": {"reference": "BROKEN"}, "surprise": true}',
    b'{"child": {"reference": "BROKEN"}, "known_to_day": ["never"]}',
    b'{"child": {"reference": "BROKEN"}, "reported": 1e400}',
    b'{"child": {"reference": "BROKEN"}, "reported": NaN}',
)
FACTS: Final = (
    b"",
    b"null",
    b"{}",
    LONG,
    b'{"kind": "searched"}',
    b'{"kind": "abducted_by_aliens", "at": "2026-01-05T10:00:00Z"}',
    b'{"kind": ["searched"], "at": "2026-01-05T10:00:00Z"}',
    b'{"kind": "searched", "at": "yesterday"}',
    b'{"kind": "searched", "at": "2026-01-05"}',
    b'{"kind": "searched", "at": "9999-12-31T23:59:59-14:00"}',
    b'{"kind": "searched", "at": "0001-01-01T00:00:00+01:00"}',
    b'{"kind": "told", "at": "2026-01-05T10:00:00Z", "details": {"role": "nobody"}}',
    b'{"kind": "told", "at": "2026-01-05T10:00:00Z"}',
    b'{"kind": "clock_extended", "at": "2026-01-05T10:00:00Z", "details": {"clock": "rhi", "until": 1}}',
    A_FACT % b', "details": {"at": "2026-01-05T11:00:00Z"}',
    A_FACT % b', "details": {"place": 7}',
    A_FACT % b', "details": {"place": "\\u0000"}',
    A_FACT % b', "details": {"place": "\\ud800"}',
    A_FACT % b', "details": []',
    A_FACT % b', "replaces": "not-an-id"',
    A_FACT % b', "note": ""',
    A_FACT % (b', "note": "%s"' % (b"x" * 4001)),
    A_FACT % b', "also": ["not-an-id"]',
    A_FACT % b', "surprise": 1',
    A_FACT % b', "recorded_at": "2026-01-05T10:00:00Z"',
    b'{"kind": "task_taken", "at": "2026-01-05T10:00:00Z", "details": {"task": "x", "person": "y"}}',
)
A_FORM: Final = (
    b'{"form": "home", "reference": "BROKEN", "home": {"name": "H", "kind": "%s"}, "child": {"reference": "BROKEN"}%s}'
)
FORMS: Final = (
    b"{",
    b'{"form": "home"}',
    b'{"form": "police", "reference": "BROKEN"}',
    A_FORM % (b"castle", b""),
    A_FORM % (b"foster", b""),
    A_FORM % (b"foster", b', "police_told": {"at": "now"}'),
)
FILES: Final = (b"", b"\x00\x01\x02", b"PersonID,DOB\n1,2\n", b"PersonID;DOB\n", b'"never closed', b"\xff" * 100)
COMMANDS: Final = (
    ("report", "no-such-file.json"),
    ("record", "{episode}", "abducted_by_aliens"),
    ("record", "{episode}", "searched", "--at", "yesterday"),
    ("record", "{episode}", "searched", "--at", "9999-12-31T23:59:59Z"),
    ("record", "{episode}", "told"),
    ("record", "{episode}", "searched", "--id", "not-an-id"),
    ("record", "ffffffff-ffff-4fff-8fff-ffffffffffff", "searched"),
    ("intake", "no-such-file.csv"),
)


@dataclass(frozen=True)
class Stream:
    """The stream of broken input: how long between two of them, and how many of so many are commands, which take long.

    `episodes` grows while it runs: facts are said of those there are.
    """

    callers: Callers
    episodes: Sequence[str]
    chance: random.Random
    pause_seconds: float
    commands: float

    async def run(self) -> None:
        """Send until cancelled."""
        number = 0
        while True:
            await asyncio.sleep(self.pause_seconds)
            if not self.episodes:
                continue
            number += 1
            episode = self.chance.choice(self.episodes)
            if self.chance.random() < self.commands:
                await self._command(episode)
            else:
                await self._request(number, episode)

    async def _request(self, number: int, episode: str) -> None:
        routes = (
            ("report", "/v1/episodes", REPORTS, "application/json"),
            ("fact", f"/v1/episodes/{episode}/facts", FACTS, "application/json"),
            ("fact of nobody's", "/v1/episodes/ffffffff-ffff-4fff-8fff-ffffffffffff/facts", (A_FACT % b"",), ""),
            ("home form", "/v1/forms/home", FORMS, "application/json"),
            ("police form", "/v1/forms/police", FORMS, "application/json"),
            ("intake", "/v1/intakes", FILES, self.chance.choice(("text/csv", "text/csv", "image/png"))),
        )
        edge, path, bodies, media = self.chance.choice(routes)
        body = self.chance.choice(bodies)
        asked = Asked(edge, path, self.callers.key("broken", number), content=body, media=media or "application/json")
        answer = await self.callers.ask_once(asked)
        if answer is None or answer.status_code in (401, 429, 503):
            return
        book = self.callers.book
        book.broken_sent[edge] += 1
        if 400 <= answer.status_code < 500:
            book.broken_refused[edge] += 1
        else:
            book.broken_taken.append(f"{edge}: {answer.status_code} for {body[:80]!r}: {answer.text[:200]}")

    async def _command(self, episode: str) -> None:
        words = [word.format(episode=episode) for word in self.chance.choice(COMMANDS)]
        status, _, complaint = await self.callers.command_once(*words)
        if "the database" in complaint:
            return
        book, edge = self.callers.book, f"command {words[0]}"
        book.broken_sent[edge] += 1
        if status == 2 and complaint.count("\n") == 1:
            book.broken_refused[edge] += 1
        else:
            book.broken_taken.append(f"{edge}: exit {status} for {words}: {complaint[:300]}")
