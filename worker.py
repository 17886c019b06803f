"""The process that runs workflows and activities: composition, nothing else."""

import asyncio
import logging
import signal
import sys
from datetime import UTC, datetime

from temporalio.client import Client

from activities.policies import BadPackError, Policies
from activities.registry import Activities
from activities.store import Store, StoreUnavailableError
from activities.store.policies_in_use import claim
from starter.client import EngineSilentError, Episodes, connect
from starter.commands import Commands
from starter.episode_worker import episode_worker
from starter.relay import Relay
from starter.settings import Settings, load_settings
from workflows.names import TASK_QUEUE
from workflows.plain_errors import BadInputError

log = logging.getLogger("homeward.worker")


async def run(settings: Settings) -> None:
    """Run a worker and the relay until SIGTERM or SIGINT, then drain.

    Raises BadPackError, BadInputError or StoreUnavailableError when it cannot
    begin; waits for an engine that is not there yet.
    """
    stop = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    policies = Policies.load(settings.policy_dir)
    store = Store(settings.database)
    await store.create_tables()
    async with store.session() as session:
        if difference := await claim(session, policies, datetime.now(UTC)):
            raise BadInputError(difference)
    client = await _connect_patiently(settings, stop)
    if client is not None:
        await _work(client, settings, store, policies, stop)
    await store.close()


async def _work(client: Client, settings: Settings, store: Store, policies: Policies, stop: asyncio.Event) -> None:
    episodes = Episodes(client, settings.engine_patience_seconds)

    async def reach() -> Episodes:
        return episodes

    commands = Commands(store, policies, settings.authority, reach)
    relay = asyncio.create_task(Relay(store, commands, reach).run())
    async with episode_worker(client, Activities(store, policies)):
        log.info("worker ready, queue %s", TASK_QUEUE)
        ended = asyncio.create_task(stop.wait())
        await asyncio.wait({ended, relay}, return_when=asyncio.FIRST_COMPLETED)
        log.info("worker stopping: finishing what it began")
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)


async def _connect_patiently(settings: Settings, stop: asyncio.Event) -> Client | None:
    while not stop.is_set():
        try:
            return await connect(settings.engine, settings.engine_namespace, settings.engine_patience_seconds)
        except EngineSilentError as silence:
            log.warning("waiting: %s", silence)
            await asyncio.sleep(1)
    return None


def main() -> int:
    """Run until told to stop; the exit status: 0 after draining, 2 when it cannot begin."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        asyncio.run(run(load_settings()))
    except (BadPackError, BadInputError, StoreUnavailableError) as mistake:
        sys.stderr.write(f"homeward worker: {mistake}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
