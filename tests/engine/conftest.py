"""One skipping engine, worker, store and post for all the tests of a process; each test has an episode of its own."""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.policies import Policies
from activities.posting import Post
from activities.reconcile.engine import EngineAsked
from activities.reconcile.parts import Parts, Timing
from activities.reconcile.run import Reconciler
from activities.registry import Activities, ReconcileActivities
from activities.store import Store
from starter.beginning import first_input
from starter.engine_room import EngineRoom
from starter.episode_worker import episode_worker
from starter.post_office import post_of
from starter.post_settings import PostSettings
from starter.rehearsal import Stage, cast_everyone, skipping_engine
from tests.conftest import BOTH
from tests.postgres import TEMPLATE, Postgres
from tests.standins.notify import NotifyStandIn
from tests.standins.smtp import SmtpStandIn
from tests.standins.webhooks import SECRET, WebhookStandIn
from tests.workflows.builders import policies

if TYPE_CHECKING:
    from tests.engine.own_engine import Machine

ANSWERS_IN = timedelta(seconds=20)
AT_ONCE = Timing(grace=timedelta(0), kept_long=timedelta(minutes=10), whole_within=timedelta(minutes=15))
"""Nothing is too young to be compared, and every run looks at every episode whole."""


@dataclass
class Providers:
    """The servers that stand in for those that carry messages."""

    notify: NotifyStandIn
    smtp: SmtpStandIn
    webhooks: WebhookStandIn

    def mend(self) -> None:
        """Be without a fault again."""
        for faults in (self.notify.sends, self.notify.look_ups, self.smtp.recipients, self.smtp.letters):
            faults.clear()
        self.webhooks.posts.clear()

    def settings(self) -> PostSettings:
        """All of them set up: Notify before the mail server; nothing gathered long, nobody waited for long."""
        return PostSettings.model_validate(
            {
                "notify_api_key": self.notify.api_key,
                "notify_url": self.notify.url,
                "notify_email_template": self.notify.template_id,
                "notify_sms_template": self.notify.template_id,
                "smtp_host": "127.0.0.1",
                "smtp_port": self.smtp.port,
                "smtp_tls": "none",
                "smtp_sender": "homeward@invented.example",
                "webhook_url": self.webhooks.url,
                "webhook_secret": SECRET,
                "gather_seconds": 1,
                "attempt_seconds": 1,
                "quiet_hours": "",
            }
        )


@dataclass
class Theatre:
    """What every stage shares."""

    environment: WorkflowEnvironment
    store: Store
    policies: Policies
    providers: Providers
    post: Post

    def stage(self, begins_at: datetime) -> Stage:
        return Stage(self.environment, self.store, self.policies, begins_at)

    async def stage_of_its_own(self, begins_at: datetime) -> Stage:
        """A stage in an authority of its own, with everybody in their roles."""
        stage = self.stage(begins_at)
        stage.authority = f"town-{uuid4().hex[:8]}"
        async with self.store.session() as session:
            await cast_everyone(session, stage.authority)
        return stage


@contextmanager
def providers_up() -> Generator[Providers]:
    """Every provider, listening."""
    with NotifyStandIn() as notify, SmtpStandIn() as smtp, WebhookStandIn() as webhooks:
        yield Providers(notify, smtp, webhooks)


@asynccontextmanager
async def theatre_of(store: Store, policies: Policies, providers: Providers) -> AsyncGenerator[Theatre]:
    """A skipping engine, and a worker whose post goes out by these providers."""
    async with skipping_engine() as environment:
        post = post_of(providers.settings(), environment.client, "https://homeward.invented.example")
        parts = Parts(store, EngineAsked(environment.client, ANSWERS_IN), policies, first_input, post, (), AT_ONCE)
        upkeep = ReconcileActivities(Reconciler(parts))
        async with episode_worker(environment.client, Activities(store, policies, post), upkeep):
            yield Theatre(environment, store, policies, providers, post)


def engine_room_of(theatre: Theatre) -> EngineRoom:
    """The engine room over a theatre."""
    client = theatre.environment.client

    async def reach() -> Client:
        return client

    def reconciler(_: Client, asks_workers: bool) -> Reconciler:
        engine = EngineAsked(client, ANSWERS_IN, asks_workers=asks_workers)
        return Reconciler(Parts(theatre.store, engine, theatre.policies, first_input, theatre.post, (), AT_ONCE))

    pages = "https://engine.invented.example"
    return EngineRoom(reach, reconciler, rules=theatre.post.rules, pages=pages, patience=ANSWERS_IN)


@pytest.fixture(scope="session")
def theatre_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The database of a theatre: an SQLite file, unless a test asks for `on_both`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('theatre') / 'store.sqlite'}"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.url(postgres.create(TEMPLATE))


on_both = pytest.mark.parametrize("theatre_url", BOTH, indirect=True, scope="session")
"""Marks what must be so on either database."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def theatre(theatre_url: str) -> AsyncGenerator[Theatre]:
    store = Store(theatre_url)
    await store.make_ready()
    with providers_up() as providers:
        async with theatre_of(store, policies(), providers) as theatre:
            yield theatre
    await store.close()


@pytest.fixture
def stage_at(theatre: Theatre) -> Callable[[datetime], Stage]:
    return theatre.stage


@pytest.fixture
def providers(theatre: Theatre) -> Generator[Providers]:
    """The providers, up and without a fault again when the test is over."""
    yield theatre.providers
    theatre.providers.mend()


@pytest_asyncio.fixture(loop_scope="session")
async def machine(tmp_path: Path) -> "AsyncGenerator[Machine]":
    """An engine of the test's own, without a worker."""
    from tests.engine.own_engine import own_engine

    async with own_engine(tmp_path) as machine:
        yield machine
