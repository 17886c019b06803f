"""The process that answers HTTP: composition, nothing else."""

import asyncio
import logging
import sys
from datetime import timedelta

import uvicorn
from fastapi import FastAPI
from temporalio.client import RPCError

from activities.policies import BadPackError, Policies
from activities.store import Store, StoreUnavailableError
from starter.answers import Answers
from starter.api.app import create_app
from starter.api.receipts import Receipts
from starter.client import EngineSilentError, Episodes, Reached
from starter.commands import Commands
from starter.post_settings import PostSettings, load_post_settings
from starter.settings import Settings, load_settings
from workflows import names
from workflows.plain_errors import BadInputError

log = logging.getLogger("homeward.service")


def service(settings: Settings, post_settings: PostSettings, store: Store, policies: Policies) -> FastAPI:
    """The HTTP service over a store and whatever engine the settings name, reached when it is first needed."""
    engine = Reached(settings.engine, settings.engine_namespace, settings.engine_patience_seconds)

    async def episodes() -> Episodes:
        return Episodes(await engine.client(), settings.engine_patience_seconds)

    async def tell(message: str, way: str, whereabouts: str) -> None:
        try:
            handle = (await engine.client()).get_workflow_handle(names.message_workflow_id(message))
            patience = timedelta(seconds=settings.engine_patience_seconds)
            await handle.signal(names.SIGNAL_RECEIPT, args=[way, whereabouts], rpc_timeout=patience)
        except (EngineSilentError, RPCError):
            # The receipt is in the store, where the message's own looking finds it.
            log.info("a message did not hear of a receipt: it is sent, or the engine is away")

    answers = Answers(store, Commands(store, policies, settings.authority, episodes))
    token = post_settings.notify_callback_token.get_secret_value()
    return create_app(store, answers, Receipts(store, token, tell))


async def serve(settings: Settings, post_settings: PostSettings) -> None:
    """Answer HTTP on loopback until SIGTERM or SIGINT. Raises BadPackError or StoreUnavailableError."""
    store, policies = Store(settings.database), Policies.load(settings.policy_dir)
    await store.make_ready()
    app = service(settings, post_settings, store, policies)
    # Uvicorn's own log of requests would hold the links of messages, which are keys.
    config = uvicorn.Config(app, host="127.0.0.1", port=settings.http_port, access_log=False, log_level="warning")
    log.info("answering on port %s", settings.http_port)
    await uvicorn.Server(config).serve()


def main() -> int:
    """Run until told to stop; the exit status: 0, or 2 when it cannot begin."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        asyncio.run(serve(load_settings(), load_post_settings()))
    except (BadPackError, BadInputError, StoreUnavailableError) as mistake:
        sys.stderr.write(f"homeward serve: {mistake}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
