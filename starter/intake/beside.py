"""Files taken in beside the request that ordered it, by the service; gone on with when it starts again.

What was ordered lies in a folder of the service's own, closed to other users,
until it is done: the file is about children, and nothing of it stays there.
"""

import asyncio
import json
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from activities.store import Store, StoreUnavailableError
from activities.store.intake import IntakeRun
from starter.commands import Commands
from starter.intake.mapping_files import parse_mapping
from starter.intake.runs import Export, IntakeRuns
from workflows.plain_errors import BadInputError

PAUSE_SECONDS: Final = 2.0
LONGEST_PAUSE_SECONDS: Final = 60.0

log = logging.getLogger("homeward.intake")


@dataclass(frozen=True)
class Ordered:
    """A file that is to be taken in: as which run, for which authority, and by whom."""

    run: str
    authority: str
    by: str
    said_by: str
    mapping: str
    content: bytes

    @classmethod
    def of(cls, run: IntakeRun, export: Export, said_by: str) -> Self:
        """The order of a run that has begun."""
        return cls(run.id, run.authority, run.begun_by, said_by, export.mapping.model_dump_json(), export.content)

    def export(self) -> Export:
        """The file, and how it is read. Raises BadInputError."""
        return Export(self.content, parse_mapping(self.mapping, "mapping"))


class Beside:
    """Does what was ordered, each run once in this process; what lies in the folder is done when it starts again."""

    def __init__(self, store: Store, commands: Commands, folder: Path | None = None) -> None:
        self._store = store
        self._commands = commands
        self._folder = folder
        self._running: dict[str, asyncio.Task[None]] = {}

    def begin(self, ordered: Ordered) -> None:
        """Begin, unless this run is being done. It is kept in the folder first.

        Raises StoreUnavailableError when the folder takes nothing: asked for again, the run is the same.
        """
        if ordered.run in self._running:
            return
        try:
            self._keep(ordered)
        except OSError as trouble:
            raise StoreUnavailableError(f"the folder of intakes cannot be written: {trouble.strerror}") from None
        task = asyncio.create_task(self._until_done(ordered))
        self._running[ordered.run] = task
        task.add_done_callback(lambda _: self._running.pop(ordered.run, None))

    def go_on(self) -> int:
        """Begin what a crash left in the folder; how many. A file that cannot be read is left, and logged."""
        found = sorted(self._folder.glob("*.json")) if self._folder and self._folder.is_dir() else []
        for path in found:
            try:
                said = json.loads(path.read_text(encoding="utf-8"))
                self.begin(Ordered(**said, content=path.with_suffix(".csv").read_bytes()))
            except (OSError, ValueError, TypeError, StoreUnavailableError):
                log.warning("an intake that was broken off cannot be gone on with: its file cannot be read or kept")
        return len(found)

    async def stop(self) -> None:
        """Break off what is being done: it goes on at the next start."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def wait(self) -> None:
        """Wait until everything that was begun is done."""
        await asyncio.gather(*self._running.values())

    async def _until_done(self, ordered: Ordered) -> None:
        runs = IntakeRuns(self._store, self._commands.of(ordered.authority, ordered.said_by), ordered.authority)
        pause = PAUSE_SECONDS
        while True:
            try:
                await runs.take_in(ordered.export(), ordered.by, datetime.now(UTC))
            except StoreUnavailableError as trouble:
                log.warning("an intake waits: %s", trouble)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            except BadInputError:
                log.warning("an intake was ordered that cannot be read")
            except Exception as error:  # noqa: BLE001 - nobody waits for it who could hear of it
                # Its order stays in the folder, and is gone on with at the next start.
                log.error("an intake broke off: %s", type(error).__name__)  # noqa: TRY400 - its words can be of a child
                return
            self._forget(ordered)
            return

    def _keep(self, ordered: Ordered) -> None:
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        said = {name: value for name, value in asdict(ordered).items() if name != "content"}
        # The order is written last: without it, a half-written file is nobody's.
        for suffix, content in ((".csv", ordered.content), (".json", json.dumps(said).encode())):
            path = self._file(ordered, suffix)
            path.touch(mode=0o600)
            path.write_bytes(content)

    def _file(self, ordered: Ordered, suffix: str) -> Path:
        return (self._folder or Path()) / f"{ordered.run}{suffix}"

    def _forget(self, ordered: Ordered) -> None:
        if self._folder is None:
            return
        for suffix in (".json", ".csv"):
            self._file(ordered, suffix).unlink(missing_ok=True)
