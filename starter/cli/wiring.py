"""How commands reach settings, policies, the store and the engine; and what is written down of each."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.runtime import Runtime, TelemetryConfig

from activities.policies import Policies
from activities.store import Store, StoreUnavailableError
from activities.store.audit import AuditOutcome
from starter.audit import Audit, entry_of
from starter.cli.asking import READING, CommandAsked, NeedToKnowError, being_asked
from starter.client import Episodes, Reached
from starter.commands import Commands
from starter.directory_rows import Row
from starter.directory_sight import OpensToOneselfError, named_in, opening_nothing_to
from starter.kin_sight import duties_left_out
from starter.settings import Settings, load_settings
from starter.sight import child_hidden_from, hidden_among, see_episode
from workflows.plain_errors import BadInputError

Answer = TypeVar("Answer")


class WatchedStore(Store):
    """The store as a command reaches it: before its first change, what was asked is written into the audit.

    `snapshot` reads and writes nothing down; what only reads is written down at
    its end, when it is known what will be shown.
    """

    def __init__(self, url: str, asked: CommandAsked) -> None:
        super().__init__(url)
        self._command = asked
        self._written = False

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        """A transaction: committed at the end, rolled back on any exception. Raises StoreUnavailableError."""
        if not self._written and self._command.permission not in READING:
            await self.write_down()
        async with super().session() as session:
            yield session

    async def write_down(self, outcome: AuditOutcome = "allowed") -> None:
        """Write into the audit what was asked, and of which ids, as far as they are known. Once for each outcome."""
        self._written = True
        asked = self._command
        entry = entry_of(
            asked.principal,
            asked.permission,
            asked.way,
            asked.now,
            request=asked.request,
            outcome=outcome,
            subjects=asked.subjects,
            why=asked.why,
        )
        await Audit(self).write(entry)

    async def write_down_at_the_end(self) -> None:
        """Write down what has not been yet: what was read, or a change that there was no need to make."""
        if not self._written:
            await self.write_down()


@dataclass(frozen=True)
class Wired:
    """All that a command works with."""

    settings: Settings
    policies: Policies
    store: WatchedStore
    commands: Commands
    asked: CommandAsked
    engine: Reached

    async def write_down(self) -> None:
        """Write into the audit what is asked before it is done, where it is not done in the store."""
        await self.store.write_down()

    async def see(self, session: AsyncSession, episode_id: str) -> None:
        """Note that an episode is shown or changed. Raises NeedToKnowError, or BadInputError where there is none."""
        seen = await see_episode(session, self.asked.principal, episode_id, self.asked.now)
        if seen.sight == "nothing":
            raise BadInputError("episode: there is no such episode here")
        self.asked.saw(episode_id, seen.child_id)
        if seen.sight == "only_that_it_is_there":
            raise NeedToKnowError(episode_id)

    async def see_child(self, session: AsyncSession, child_id: str) -> None:
        """Note that a child's records are shown or changed. Raises NeedToKnowError."""
        self.asked.saw(child_id)
        if episode := await child_hidden_from(session, self.asked.principal, child_id, self.asked.now):
            raise NeedToKnowError(episode)

    async def hidden(self, session: AsyncSession, episode_ids: Collection[str]) -> frozenset[str]:
        """Those of the episodes of which whoever asks may see only that they are there; the others are noted."""
        hidden = await hidden_among(session, self.asked.principal, episode_ids, self.asked.now)
        self.asked.saw(*(one for one in dict.fromkeys(episode_ids) if one not in hidden))
        return hidden

    async def duties_left_out(self, session: AsyncSession, duties: Collection[str]) -> frozenset[str]:
        """Those of the duties of tasks that would tell whoever asks of an episode they may not see."""
        return await duties_left_out(session, self.asked.principal, duties, self.asked.now)

    @asynccontextmanager
    async def changing_directory(self, rows: Collection[Row]) -> AsyncGenerator[AsyncSession]:
        """A transaction that changes the directory by these rows; whom they name is written down.

        Raises OpensToOneselfError for a change that would open a restricted child to whoever asks.
        """
        authority, asked = self.settings.authority, self.asked
        async with self.store.snapshot() as session:
            asked.saw(*await named_in(session, authority, rows))
        known = set(asked.subjects)
        async with self.store.session() as session:
            async with opening_nothing_to(asked.principal, session, asked.now):
                yield session
            asked.saw(*await named_in(session, authority, rows))
        if set(asked.subjects) - known:
            # Whom the directory names first is known only once that is done.
            await self.store.write_down()


def prepare_data_folder(settings: Settings) -> None:
    """Make the folder of the embedded database, closed to other users. Raises StoreUnavailableError."""
    path = make_url(settings.database).database
    if not settings.database.startswith("sqlite") or not path:
        return
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreUnavailableError(f"HOMEWARD_DATA_DIR: {Path(path).parent}: {error.strerror}") from None


@asynccontextmanager
async def _watched(settings: Settings) -> AsyncGenerator[WatchedStore]:
    prepare_data_folder(settings)
    store = WatchedStore(settings.database, being_asked.get())
    try:
        await store.make_ready()
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def wired() -> AsyncGenerator[Wired]:
    """Settings read, policies loaded, the database open and its schema right; all for the command that is being given.

    The engine is reached only when it is needed. What the command does is
    written into the audit: a change before it is made, a reading before it is
    shown. Raises LookupError where no command is being given that said which
    permission it needs.
    """
    settings, asked = load_settings(), being_asked.get()
    policies = Policies.load(settings.policy_dir)
    patience = settings.engine_patience_seconds
    engine = Reached(settings.engine, settings.engine_namespace, patience)

    async def reach() -> Episodes:
        return Episodes(await engine.client(), patience)

    async with _watched(settings) as store:
        commands = Commands(store, policies, settings.authority, reach, said_by=asked.principal.id)
        try:
            yield Wired(settings, policies, store, commands, asked, engine)
        except (NeedToKnowError, OpensToOneselfError):
            await store.write_down("refused")
            raise
        await store.write_down_at_the_end()


async def note_refusal() -> None:
    """Write into the audit that the command that is being given was refused. Raises StoreUnavailableError."""
    async with _watched(load_settings()) as store:
        await store.write_down("refused")


def run_async(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a command's coroutine to its end.

    The engine's client would say on the standard output what it tries again:
    there only the answer may stand.
    """
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=None)), error_if_already_set=False)
    return asyncio.run(work)
