"""How commands reach settings, policies, the store and the engine."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import make_url

from activities.policies import Policies
from activities.store import Store, StoreUnavailableError
from starter.client import Episodes, Reached
from starter.commands import Commands
from starter.settings import Settings, load_settings

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Wired:
    """All that a command works with."""

    settings: Settings
    policies: Policies
    store: Store
    commands: Commands


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
async def wired() -> AsyncGenerator[Wired]:
    """Settings read, policies loaded, the database open and its schema right.

    The engine is reached only when it is needed.
    """
    settings = load_settings()
    policies = Policies.load(settings.policy_dir)
    prepare_data_folder(settings)
    store = Store(settings.database)
    patience = settings.engine_patience_seconds
    engine = Reached(settings.engine, settings.engine_namespace, patience)

    async def reach() -> Episodes:
        return Episodes(await engine.client(), patience)

    try:
        await store.make_ready()
        yield Wired(settings, policies, store, Commands(store, policies, settings.authority, reach))
    finally:
        await store.close()


def run_async(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a command's coroutine to its end."""
    return asyncio.run(work)
