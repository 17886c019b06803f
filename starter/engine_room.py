"""What operators work with: the engine as they reach it, what compares and mends, where the engine's own pages are."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from temporalio.client import Client

from activities.health.engine import EngineWatched
from activities.health.findings import Stuck
from activities.health.look import Lookout, Slack, Standstill
from activities.policies import Policies
from activities.reconcile.run import Reconciler
from activities.store import Store
from starter.brief_engine import BriefEngine
from starter.client import EngineSilentError
from starter.post_settings import PostSettings
from starter.settings import Settings
from starter.upkeep import reconciler_of
from workflows import names
from workflows.messages import PostRules

LOOK_SECONDS: Final = 3.0
"""How long a page, at most, waits for what the engine says of what stands still."""


async def _nowhere() -> Client:
    raise EngineSilentError("there is no engine here")


def _nothing_compares(_: Client, asks_workers: bool) -> Reconciler:
    del asks_workers
    raise EngineSilentError("there is no engine here")


@dataclass(frozen=True)
class EngineRoom:
    """The engine and what minds it. `client` raises EngineSilentError; by itself there is none.

    `pages` is the address of the engine's own pages, empty where nobody said;
    `compares_every` is how often rows are compared with workflows, None: never.
    """

    client: Callable[[], Awaitable[Client]] = _nowhere
    reconciler: Callable[[Client, bool], Reconciler] = _nothing_compares
    note_silence: Callable[[], None] = lambda: None
    rules: PostRules = PostSettings().rules
    pages: str = ""
    namespace: str = "default"
    compares_every: timedelta | None = None
    patience: timedelta = timedelta(seconds=LOOK_SECONDS)
    slack: Slack = field(default_factory=Slack)

    async def standstill(self, store: Store, authority: str, now: datetime) -> Standstill:
        """What stands still of an authority at `now` (UTC), whether the engine answers or not.

        Raises StoreUnavailableError.
        """
        try:
            engine = EngineWatched(await self.client(), self.patience)
        except EngineSilentError:
            engine = None
        lookout = Lookout(store, authority, now, self.slack)
        return await lookout.look(engine, self.patience.total_seconds(), self.note_silence)

    def page_of(self, one: Stuck) -> str | None:
        """Where the engine's own page of a workflow is; of a message's one that does not name it."""
        if not self.pages or one.run_id is None:
            return None
        begins = f"{self.pages}/namespaces/{quote(self.namespace, safe='')}/workflows"
        known = {"episode": names.workflow_id, "postbox": names.postbox_id, "schedule": str}.get(one.about)
        if known is None:
            only = quote(f'RunId="{one.run_id}"')
            return f"{begins}?query={only}"
        return f"{begins}/{quote(known(one.subject), safe='')}/{one.run_id}/history"


def engine_room(
    settings: Settings, post_settings: PostSettings, store: Store, policies: Policies, brief: BriefEngine
) -> EngineRoom:
    """The engine room of the settings, whose engine is reached when it is first needed."""

    def reconciler(client: Client, asks_workers: bool) -> Reconciler:
        return reconciler_of(settings, post_settings, store, policies, client, asks_workers=asks_workers)

    minutes = settings.reconcile_minutes
    return EngineRoom(
        client=brief.client,
        reconciler=reconciler,
        note_silence=brief.note_silence,
        rules=post_settings.rules,
        pages=settings.engine_pages,
        namespace=settings.engine_namespace,
        compares_every=timedelta(minutes=minutes) if minutes else None,
        patience=timedelta(seconds=min(settings.engine_patience_seconds, LOOK_SECONDS)),
    )
