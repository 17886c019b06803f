"""Versions of Homeward that follow one another while episodes are open, and what their workers did to the histories."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client

from activities.store.schema import HEAD
from starter.client import connect
from tests.faults.another_version import SOURCE, Edit, Version
from tests.faults.machine import Machine
from tests.faults.storm import Place
from tests.faults.storm_lives import Life
from workflows.names import EPISODE_WORKFLOW

CHANGE: Final = "look-when-back"
"""A change of what an episode does once the child is back: it looks again at who holds which role."""

NEW_REVISION: Final = "9001_invented"
_REVISION_FILE: Final = f"activities/store/migrations/versions/{NEW_REVISION}.py"
_REVISION: Final = f'''"""A column, a table and an index that an older worker does not know."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "{NEW_REVISION}", "{HEAD}", None, None
BACKWARD_COMPATIBLE = True


def upgrade() -> None:
    op.add_column("fact", sa.Column("invented", sa.Text(), nullable=True))
    op.add_column("inbox", sa.Column("invented", sa.Text(), nullable=False, server_default="none"))
    op.create_table("invented", sa.Column("id", sa.Text(), primary_key=True))
    op.create_index("ix_invented_fact", "fact", ["invented"])


def downgrade() -> None:
    op.drop_index("ix_invented_fact", "fact")
    op.drop_table("invented")
    op.drop_column("inbox", "invented")
    op.drop_column("fact", "invented")
'''

_TURN: Final = (
    "        if self._directory_changed:\n            await self._look_at_directory()\n        now = self._now()\n"
)
_CHANGED_TURN: Final = (
    "        is_back = memory.status is EpisodeStatus.RETURNED\n"
    f'        if self._directory_changed or (is_back and workflow.patched("{CHANGE}")):\n'
    "            await self._look_at_directory()\n        now = self._now()\n"
)
_LAST_CHANGE: Final = '    "later-climbs-stand": Change("0.5.0", "0.6.0"),\n'

LIFE_OF_A_PHASE_SECONDS: Final = 3.0
AT_FAULT: Final = (
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
)
"""How a turn fails by its code; it may fail otherwise, when something comes in at the same moment."""


@dataclass(frozen=True)
class Versions:
    """This version, which does not know the change; one that knows it; and one that begins it."""

    before: Version
    knows: Version
    begins: Version

    @classmethod
    def of(cls, folder: Path) -> "Versions":
        """Write them down. The later two bring a revision of the schema too."""
        return cls(Version("before", SOURCE), _changed(folder, "knows", None), _changed(folder, "begins", "0.8.0"))


def _changed(folder: Path, name: str, begun_since: str | None) -> Version:
    since = f'"{begun_since}"' if begun_since else "None"
    edits = [
        Edit("workflows/episode.py", _TURN, _CHANGED_TURN),
        Edit("workflows/changes.py", _LAST_CHANGE, f'{_LAST_CHANGE}    "{CHANGE}": Change("0.7.0", {since}),\n'),
    ]
    return Version.of(folder, name, edits, {_REVISION_FILE: _REVISION})


class Rollout:
    """Versions follow one another, each beside the one before, and each is taken back, while stories are told.

    A step of it lets as many stories begin as every other. In the end workers
    run that know the change and do not begin it, beside histories that have it.
    """

    def __init__(self, place: Place, say: Callable[[str], None], episodes: int) -> None:
        self.came: Counter[str] = Counter()
        self.broken: list[str] = []
        self.histories: list[HistorySeen] = []
        self._place, self._machine, self._say = place, place.machine, say
        self._versions = Versions.of(place.machine.folder)
        self._steps = self._all_steps()
        self._begun = [threading.Event() for _ in self._steps]
        self._episodes = episodes
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def _all_steps(self) -> Sequence[tuple[str, Callable[[], None]]]:
        before, knows, begins = self._versions.before, self._versions.knows, self._versions.begins
        return (
            ("this version alone", lambda: None),
            ("the schema brought up under it", self._upgrade),
            ("beside it one that knows a change", lambda: knows.start_worker(self._machine)),
            ("that one alone", lambda: self._machine.end("worker")),
            ("back again: this version beside it", lambda: before.start_worker(self._machine)),
            ("this version alone, on the newer schema", lambda: self._machine.end(knows.name)),
            ("and on: the one that knows it", lambda: self._replace(before, knows)),
            ("beside it one that begins the change", lambda: begins.start_worker(self._machine)),
            ("that one alone", lambda: self._machine.end(knows.name)),
            ("back again: the one that knows it beside it", lambda: knows.start_worker(self._machine)),
            ("the one that knows it alone", lambda: self._machine.end(begins.name)),
        )

    def begin(self) -> None:
        """Let it come."""
        self._thread.start()

    async def may_begin(self, life: Life) -> None:
        """Wait for the step with which a child's story begins."""
        step = self._begun[life.number * len(self._steps) // self._episodes]
        while not step.is_set():  # noqa: ASYNC110 - a thread sets it
            await asyncio.sleep(0.1)

    def end(self) -> None:
        """Wait until all steps are taken; read the histories."""
        self._thread.join()
        self.histories = asyncio.run(seen(self._machine))

    def _follow(self) -> None:
        try:
            for (name, step), begun in zip(self._steps, self._begun, strict=True):
                self._say(name)
                self.came[name] += 1
                step()
                begun.set()
                time.sleep(LIFE_OF_A_PHASE_SECONDS)
        except Exception as error:  # noqa: BLE001 - it is in the ledger, and the stories must come to their end
            self.broken.append(repr(error))
        finally:
            for begun in self._begun:
                begun.set()

    def _upgrade(self) -> None:
        done = self._versions.knows.homeward(
            self._machine, "setup", "--upgrade", HOMEWARD_DATABASE_URL=self._place.owner
        )
        assert done.returncode == 0, done.stderr
        assert NEW_REVISION in done.stdout

    def _replace(self, old: Version, new: Version) -> None:
        new.start_worker(self._machine)
        self._machine.end(old.name)


@dataclass(frozen=True)
class HistorySeen:
    """What an episode's history shows: whether it took the change, and how often a turn failed by its code."""

    workflow: str
    changed: bool
    failed: int


async def seen(machine: Machine) -> list[HistorySeen]:
    """The history of every episode that the engine has."""
    client = await connect(machine.settings.engine, machine.settings.engine_namespace, 30)
    listed = client.list_workflows(f"WorkflowType = '{EPISODE_WORKFLOW}'")
    return [await _seen(client, one.id) async for one in listed]


async def _seen(client: Client, workflow: str) -> HistorySeen:
    changed, failed = False, 0
    async for event in client.get_workflow_handle(workflow).fetch_history_events():
        marker = event.marker_recorded_event_attributes
        if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED and marker.marker_name == "core_patch":
            changed |= CHANGE in str(marker.details)
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            failed += event.workflow_task_failed_event_attributes.cause in AT_FAULT
    return HistorySeen(workflow, changed, failed)
