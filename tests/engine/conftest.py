"""One skipping engine, worker and store for all the tests of a process; each test has an episode of its own."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from activities.policies import Policies
from activities.registry import Activities
from activities.store import Store
from starter.episode_worker import episode_worker
from starter.rehearsal import Stage, skipping_engine


@dataclass
class Theatre:
    """What every stage shares."""

    environment: WorkflowEnvironment
    store: Store
    policies: Policies

    def stage(self, begins_at: datetime) -> Stage:
        return Stage(self.environment, self.store, self.policies, begins_at)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def theatre(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Theatre]:
    folder: Path = tmp_path_factory.mktemp("theatre")
    store = Store(f"sqlite+aiosqlite:///{folder / 'store.sqlite'}")
    await store.create_tables()
    policies = Policies.load()
    async with skipping_engine() as environment, episode_worker(environment.client, Activities(store, policies)):
        yield Theatre(environment, store, policies)
    await store.close()


@pytest.fixture
def stage_at(theatre: Theatre) -> Callable[[datetime], Stage]:
    return theatre.stage
