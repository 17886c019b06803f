"""Taking a file in as a run: in batches, each line's outcome kept with it, so that whatever breaks off goes on.

A run is known by its file and mapping. The same command again goes on after
the last line that has an outcome, and adds nothing once all of them have one.
Rows are read as of the moment the run began, so that a run that was
interrupted says of each what it would have said.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from activities.store import Store, inbox
from activities.store.intake import (
    IntakeLine,
    IntakeRun,
    RunProgress,
    begin_run,
    finish_run,
    lines_done,
    progress_of,
    run_of,
    still_kept,
    write_lines,
)
from starter.commands import Commands, ReadReport
from starter.intake.mapping import Mapping
from starter.intake.mapping_files import digest_of_mapping
from starter.intake.table import RowVerdict, decoded, read_export
from workflows.names import derived_id

BATCH: Final = 100
"""Lines in one transaction."""

OnProgress = Callable[[int, int], None]
"""Told of the lines that have an outcome, and of all."""


@dataclass(frozen=True)
class Export:
    """A file to be taken in, and how it is read."""

    content: bytes
    mapping: Mapping

    @property
    def digest(self) -> str:
        """A fingerprint of the file and its mapping together."""
        file = hashlib.sha256(self.content).hexdigest()
        return hashlib.sha256(f"{file}/{digest_of_mapping(self.mapping)}".encode()).hexdigest()

    def read(self, now: datetime) -> list[RowVerdict]:
        """One verdict for each row. Raises BadInputError, one line. `now` is UTC."""
        return read_export(decoded(self.content, self.mapping), self.mapping, now)


@dataclass(frozen=True)
class TakenIn:
    """A run as it stands after it was asked for: whether it was whole before, and from which line it went on."""

    progress: RunProgress
    verdicts: tuple[RowVerdict, ...]
    whole_before: bool
    done_before: int


@dataclass(frozen=True)
class Preview:
    """What taking a file in would do. `there` are the lines whose episodes are there already."""

    verdicts: tuple[RowVerdict, ...]
    there: frozenset[int]
    run: IntakeRun | None

    def would_begin(self) -> tuple[RowVerdict, ...]:
        """The rows whose episodes would begin."""
        return tuple(v for v in self.verdicts if v.report is not None and v.line not in self.there)

    def totals(self) -> dict[str, int]:
        """Lines by verdict, and the episodes that would begin: of children away, and of children who are back."""
        begins = self.would_begin()
        away = sum(v.report is not None and v.report.returned is None for v in begins)
        return {
            **dict(sorted(Counter(v.verdict for v in self.verdicts).items())),
            "would_begin": len(begins),
            "would_begin_away": away,
            "would_begin_back": len(begins) - away,
            "there_already": len(self.there),
        }


def _in_silence(_done: int, _lines: int) -> None:
    """Tell nobody."""


def words_of(verdict: RowVerdict) -> str:
    """Why a line was refused, or what was noted on it, in one line."""
    return verdict.why or "; ".join(verdict.notes)


class IntakeRuns:
    """Files taken in for one authority, over its store and its commands."""

    def __init__(self, store: Store, commands: Commands, authority: str) -> None:
        self._store = store
        self._commands = commands
        self._authority = authority

    async def preview(self, export: Export, now: datetime) -> Preview:
        """What taking a file in would do; nothing is written. Raises BadInputError. `now` is UTC."""
        async with self._store.session() as session:
            run = await run_of(session, self._authority, export.digest)
        verdicts = await asyncio.to_thread(export.read, run.begun_at if run else now)
        ids = {v.line: str(v.report.report_id) for v in verdicts if v.report is not None}
        both = [*ids.values(), *(derived_id(self._authority, id) for id in ids.values())]
        async with self._store.session() as session:
            there = await inbox.reports_there(session, self._authority, both)
        lines = (line for line, id in ids.items() if id in there or derived_id(self._authority, id) in there)
        return Preview(tuple(verdicts), frozenset(lines), run)

    async def begin(self, export: Export, by: str, now: datetime) -> tuple[IntakeRun, list[RowVerdict]]:
        """The file's run, begun now unless it was before, and a verdict for each row.

        Raises BadInputError with nothing kept, or StoreUnavailableError. `now` is UTC.
        """
        async with self._store.session() as session:
            run = await run_of(session, self._authority, export.digest)
        verdicts = await asyncio.to_thread(export.read, run.begun_at if run else now)
        if run is None:
            new = IntakeRun(
                id=str(uuid4()),
                authority=self._authority,
                digest=export.digest,
                mapping=export.mapping.mapping,
                lines=len(verdicts),
                begun_at=now,
                begun_by=by,
            )
            async with self._store.session() as session:
                run = await begin_run(session, new)
            if run.id != new.id:
                verdicts = await asyncio.to_thread(export.read, run.begun_at)
        return run, verdicts

    async def take_in(self, export: Export, by: str, now: datetime, on_progress: OnProgress = _in_silence) -> TakenIn:
        """Take a file in, or go on with it. The engine's silence keeps rows for later, and stops nothing.

        Raises BadInputError with nothing kept; StoreUnavailableError, after
        which the same again goes on. `now` is UTC.
        """
        run, verdicts = await self.begin(export, by, now)
        async with self._store.session() as session:
            done = await lines_done(session, run.id)
        left = [verdict for verdict in verdicts if verdict.line not in done]
        on_progress(len(verdicts) - len(left), len(verdicts))
        silent = False
        for start in range(0, len(left), BATCH):
            batch = left[start : start + BATCH]
            silent = await self._take_batch(run, batch, ask=not silent)
            on_progress(len(verdicts) - len(left) + start + len(batch), len(verdicts))
        if not silent:
            await self._ask_again(run)
        async with self._store.session() as session:
            await finish_run(session, run.id, datetime.now(UTC))
            progress = await progress_of(session, run)
        return TakenIn(progress, tuple(verdicts), whole_before=run.finished_at is not None, done_before=len(done))

    async def _take_batch(self, run: IntakeRun, batch: Sequence[RowVerdict], *, ask: bool) -> bool:
        """Keep a batch and its lines' outcomes, all or none, then put it to the engine; whether that was silent."""
        now = datetime.now(UTC)
        taken = [verdict for verdict in batch if verdict.report is not None]
        reports = [
            ReadReport(v.report, tuple(fact.model_copy(update={"recorded_at": now}) for fact in v.facts))
            for v in taken
            if v.report is not None
        ]
        async with self._store.session() as session:
            kept = await self._commands.keep_all(session, reports, now)
            episodes = {v.line: one for v, one in zip(taken, kept, strict=True)}
            lines = [
                IntakeLine(line=v.line, verdict=v.verdict, why=words_of(v))
                if v.line not in episodes
                else IntakeLine(
                    line=v.line,
                    verdict=v.verdict,
                    why=words_of(v),
                    episode_id=episodes[v.line].item.episode_id,
                    added=episodes[v.line].new,
                )
                for v in batch
            ]
            await write_lines(session, run.id, lines)
        if not ask:
            return True
        outcomes = await self._commands.begin_all([one.item for one in kept if one.waits], now)
        return any(outcome.state == "kept" for outcome in outcomes)

    async def _ask_again(self, run: IntakeRun) -> None:
        """Put to the engine what an earlier attempt at this run kept and could not."""
        while True:
            async with self._store.session() as session:
                waiting = await still_kept(session, run.id, BATCH)
            outcomes = await self._commands.begin_all(waiting, datetime.now(UTC))
            if not outcomes or any(outcome.state == "kept" for outcome in outcomes):
                return
