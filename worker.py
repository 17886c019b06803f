"""The process that runs workflows and activities: composition, nothing else."""

import asyncio
import logging
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from temporalio.client import Client, RPCError

from activities.delivery_rules import DeliveryRules
from activities.event_sender import EventSender
from activities.policies import BadPackError, Policies
from activities.registry import Activities, ReconcileActivities
from activities.store import Store, StoreUnavailableError
from activities.store.database_id import database_id
from activities.store.policies_in_use import claim
from starter.client import EngineSilentError, EngineWatch, Episodes, connect
from starter.commands import Commands
from starter.deliveries import Deliveries
from starter.environment import require_known_names
from starter.episode_worker import SENDS_AT_ONCE, episode_worker, new_name
from starter.namespace_claim import claim_namespace
from starter.observing.logs import begin_logging
from starter.observing.metrics import engine_client_runtime, serving_metrics
from starter.observing.settings import ObservingSettings, load_observing_settings
from starter.observing.traces import begin_tracing, engine_interceptors
from starter.post_office import post_of, ways_out
from starter.post_settings import PostSettings, load_post_settings
from starter.relay import Relay
from starter.search_attributes import make_attributes_if_possible
from starter.settings import Settings, load_settings
from starter.timetables import keep_timetables
from starter.upkeep import reconciler_of, timetables_of
from workflows.names import TASK_QUEUE
from workflows.plain_errors import BadInputError

log = logging.getLogger("homeward.worker")

ALIVE_EVERY_SECONDS: Final = 10.0
"""How often a worker shows that it does not hang; waiting for an engine is no hanging."""


@dataclass(frozen=True)
class Parts:
    """What a worker is put together from."""

    settings: Settings
    post_settings: PostSettings
    observing: ObservingSettings
    store: Store
    policies: Policies


async def run(settings: Settings, post_settings: PostSettings, observing: ObservingSettings) -> None:
    """Run a worker, the relay and the deliveries until SIGTERM or SIGINT, then drain.

    Raises BadPackError, BadInputError or StoreUnavailableError when it cannot
    begin; waits for an engine that is not there yet, and delivers events meanwhile.
    """
    stop = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    # Notify's client waits in threads, and the loop's own few would let one slow provider hold up every message.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(SENDS_AT_ONCE))
    alive = asyncio.create_task(_show_life(settings.worker_alive_file)) if settings.worker_alive_file else None
    ways = ways_out(post_settings)
    store, policies = Store(settings.database), Policies.load(settings.policy_dir)
    parts = Parts(settings, post_settings, observing, store, policies)
    await parts.store.make_ready()
    async with parts.store.session() as session:
        if difference := await claim(session, parts.policies, datetime.now(UTC)):
            raise BadInputError(difference)
        database = await database_id(session)
    log.info("notices go out by %s", ", ".join(ways) or "no way but the tray")
    deliveries = asyncio.create_task(_deliveries(parts).run(stop))
    client = await _connect_patiently(parts, database, stop)
    if client is not None:
        await _work(client, parts, stop)
    stop.set()
    await deliveries
    await parts.store.close()
    if alive:
        alive.cancel()


async def _show_life(file: Path) -> None:
    """Touch a file for as long as the loop turns. One that cannot be touched is said once, and stops no worker."""
    told = False
    while True:
        try:
            file.touch()  # noqa: ASYNC240 - in a thread it might wait behind slow providers
        except OSError as trouble:
            if not told:
                log.warning("HOMEWARD_WORKER_ALIVE_FILE: cannot be touched: %s", trouble.strerror)
            told = True
        await asyncio.sleep(ALIVE_EVERY_SECONDS)


def _deliveries(parts: Parts) -> Deliveries:
    rules = DeliveryRules()
    sender = EventSender(private=parts.settings.sends_inwards, timeout=rules.attempt_seconds)
    return Deliveries(parts.store, sender, rules)


async def _work(client: Client, parts: Parts, stop: asyncio.Event) -> None:
    settings = parts.settings
    episodes = Episodes(client, settings.engine_patience_seconds)

    async def reach() -> Episodes:
        return episodes

    commands = Commands(parts.store, parts.policies, settings.authority, reach)
    relay = asyncio.create_task(Relay(parts.store, commands, reach).run())
    await make_attributes_if_possible(client)
    timetables = timetables_of(settings, parts.post_settings, client)
    for timetable in timetables:
        await timetable.make()
    kept = asyncio.create_task(keep_timetables(timetables))
    post = post_of(parts.post_settings, client, settings.links)
    reconciler = reconciler_of(settings, parts.post_settings, parts.store, parts.policies, client, post=post)
    activities = Activities(parts.store, parts.policies, post)
    name = new_name()
    held = settings.worker_workflows_in_memory
    async with episode_worker(client, activities, ReconcileActivities(reconciler), name=name, workflows_in_memory=held):
        log.info("worker ready, queue %s, as %s", TASK_QUEUE, name)
        ended = asyncio.create_task(stop.wait())
        await asyncio.wait({ended, relay}, return_when=asyncio.FIRST_COMPLETED)
        log.info("worker stopping: finishing what it began")
    for one in (relay, kept):
        one.cancel()
    await asyncio.gather(relay, kept, return_exceptions=True)


async def _connect_patiently(parts: Parts, database: str, stop: asyncio.Event) -> Client | None:
    """The engine's client, once it answers and its namespace works for our database; None when told to stop before."""
    settings, observing = parts.settings, parts.observing
    runtime = engine_client_runtime(observing.metrics_host, observing.worker_engine_metrics_port)
    watch = EngineWatch(runtime, engine_interceptors(observing.traces_url))
    while not stop.is_set():
        try:
            patience = settings.engine_patience_seconds
            client = await connect(settings.engine, settings.engine_namespace, patience, watch)
            await claim_namespace(client, database)
        except (EngineSilentError, RPCError) as silence:
            log.warning("waiting: %s", silence if isinstance(silence, EngineSilentError) else "the engine fell silent")
            await asyncio.sleep(1)
        else:
            return client
    return None


def main() -> int:
    """Run until told to stop; the exit status: 0 after draining, 2 when it cannot begin."""
    try:
        require_known_names()
        observing = load_observing_settings()
        begin_logging(observing)
        traces = begin_tracing("worker", observing.traces_url)
        with serving_metrics(observing.metrics_host, observing.worker_metrics_port, "HOMEWARD_WORKER_METRICS_PORT"):
            asyncio.run(run(load_settings(), load_post_settings(), observing))
        if traces:
            traces.shutdown()
    except (BadPackError, BadInputError, StoreUnavailableError) as mistake:
        # Where the log can grow no more either, it ends as what it is: one that could not begin.
        with suppress(OSError):
            sys.stderr.write(f"homeward worker: {mistake}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
