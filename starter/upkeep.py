"""Comparing rows with workflows, put together from the settings: for the worker's schedule, and for a run by hand."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.client import Client

from activities.policies import Policies
from activities.posting import Post
from activities.reconcile.engine import EngineAsked
from activities.reconcile.parts import Parts, Timing
from activities.reconcile.run import Reconciler, Reported
from activities.store import Store
from starter.beginning import first_input
from starter.post_office import post_of
from starter.post_settings import PostSettings
from starter.settings import Settings
from starter.timetables import DigestTimetable, ReconcileTimetable
from workflows.reconcile_contracts import LookAsked, Looked, RunDone, SurveyAsked

PAUSE_SECONDS: Final = 5.0
"""How long a run by hand waits between two looks: somebody waits for it."""

_USUAL_MINUTES: Final = 15


@dataclass(frozen=True)
class HandRun:
    """What a run by hand gave: what it found, and in numbers; `left_over` suspects are for the next."""

    found: list[Reported]
    looked: Looked
    open_episodes: int
    left_over: int


def timetables_of(
    settings: Settings, post_settings: PostSettings, client: Client
) -> tuple[DigestTimetable, ReconcileTimetable]:
    """The schedules that the settings want."""
    return (
        DigestTimetable(client, settings.authority, post_settings.rules),
        ReconcileTimetable(client, settings.authority, settings.reconcile_minutes),
    )


def reconciler_of(
    settings: Settings,
    post_settings: PostSettings,
    store: Store,
    policies: Policies,
    client: Client,
    *,
    post: Post | None = None,
    asks_workers: bool = True,
) -> Reconciler:
    """What compares and mends, for the authority and engine of the settings."""
    patience = timedelta(seconds=settings.engine_patience_seconds)
    every = timedelta(minutes=settings.reconcile_minutes or _USUAL_MINUTES)
    parts = Parts(
        store=store,
        engine=EngineAsked(client, patience, asks_workers=asks_workers),
        policies=policies,
        first_input=first_input,
        post=post or post_of(post_settings, client, settings.links),
        timetables=timetables_of(settings, post_settings, client),
        timing=Timing(grace=timedelta(seconds=settings.reconcile_grace_seconds), every=every),
    )
    return Reconciler(parts)


async def reconcile_by_hand(
    reconciler: Reconciler,
    authority: str,
    *,
    episode: str | None = None,
    dry: bool = False,
    pause_seconds: float = PAUSE_SECONDS,
) -> HandRun:
    """Compare now, as the schedule does: three looks, or (`dry`) two, with nothing mended and nothing written down.

    Raises RPCError when the engine does not answer, or StoreUnavailableError.
    """
    began_at, found = datetime.now(UTC), list[Reported]()
    surveyed = await reconciler.survey(SurveyAsked(authority=authority, episode=episode))
    looked = Looked(calls=surveyed.calls)
    look = LookAsked(authority=authority, suspects=surveyed.suspects, mends=True)
    if surveyed.suspects:
        await asyncio.sleep(0 if episode else pause_seconds)
        if dry:
            found, more = await reconciler.would_find(look)
            return HandRun(found, looked.plus(more), surveyed.open_episodes, surveyed.left_over)
        looked = looked.plus(await reconciler.look(look, found))
        await asyncio.sleep(pause_seconds if looked.tried else 0)
        after = await reconciler.look(look.model_copy(update={"mends": False}))
        looked = looked.plus(Looked(agreed=after.agreed, calls=after.calls))
    if episode is None and not dry:
        await reconciler.note_done(
            RunDone(
                authority=authority,
                began_at=began_at,
                open_episodes=surveyed.open_episodes,
                compared=surveyed.compared,
                checked_to=surveyed.checked_to,
                left_over=surveyed.left_over,
                looked=looked,
            )
        )
    return HandRun(found, looked, surveyed.open_episodes, surveyed.left_over)
