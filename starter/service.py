"""The process that answers HTTP: composition, nothing else."""

import asyncio
import errno
import logging
import signal
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Final

import uvicorn
from fastapi import FastAPI
from temporalio.client import RPCError

from activities.policies import BadPackError, Policies
from activities.store import Store, StoreUnavailableError
from starter.answers import Answers
from starter.api.app import create_app
from starter.api.entrance import entrance
from starter.api.guard import Impatient
from starter.api.parts import Parts, present
from starter.api.receipts import Receipts
from starter.api.streams import MOST_STREAMS, Streams
from starter.brief_engine import BriefEngine
from starter.client import UNWATCHED, EngineSilentError, EngineWatch, Reached
from starter.commands import Commands
from starter.engine_room import engine_room
from starter.environment import require_known_names
from starter.glass import Glass
from starter.identity.settings import IdentitySettings, load_identity_settings
from starter.observing.logs import begin_logging
from starter.observing.metrics import serving_metrics
from starter.observing.settings import load_observing_settings
from starter.observing.traces import begin_tracing, engine_interceptors
from starter.post_office import post_through
from starter.post_settings import PostSettings, load_post_settings
from starter.settings import Settings, load_settings
from workflows import names
from workflows.plain_errors import BadInputError

MOST_CONNECTIONS: Final = 100 + MOST_STREAMS
"""As many connections at once; whoever comes then is told to come again.

Boards that are open each hold one, and have a limit of their own: a hundred are
left for whoever asks and goes, however many boards there are.
"""

STOP_SECONDS: Final = 5
"""How long what was begun may take to end, once told to stop: receipts are sent again, and pages asked for again."""

PAGE_PATIENCE_SECONDS: Final = 4.0
"""How long a page, at most, waits for the engine; what was said is kept by then."""

log = logging.getLogger("homeward.service")


def service(
    settings: Settings,
    post_settings: PostSettings,
    identity_settings: IdentitySettings,
    store: Store,
    policies: Policies,
    *,
    watch: EngineWatch = UNWATCHED,
) -> FastAPI:
    """The HTTP service over a store and whatever engine the settings name, reached when it is first needed."""
    patience = min(settings.engine_patience_seconds, PAGE_PATIENCE_SECONDS)
    engine = Reached(settings.engine, settings.engine_namespace, patience, watch)
    brief = BriefEngine(engine, patience)
    room = engine_room(settings, post_settings, store, policies, brief)

    async def tell(message: str, way: str, whereabouts: str) -> None:
        try:
            handle = (await engine.client()).get_workflow_handle(names.message_workflow_id(message))
            answer_in = timedelta(seconds=patience)
            await handle.signal(names.SIGNAL_RECEIPT, args=[way, whereabouts], rpc_timeout=answer_in)
        except (EngineSilentError, RPCError):
            # The receipt is in the store, where the message's own looking finds it.
            log.info("a message did not hear of a receipt: it is sent, or the engine is away")

    commands = Commands(store, policies, settings.authority, brief.episodes)
    way_in = entrance(settings, identity_settings, store, present)
    parts = Parts(
        store=store,
        policies=policies,
        commands=commands,
        answers=Answers(store, commands),
        receipts=Receipts(store, post_settings.notify_callback_token.get_secret_value(), tell),
        identity=way_in.identity,
        entrance=way_in,
        requests_a_minute=settings.api_requests_a_minute,
        intake_folder=settings.data_dir / "intake",
        sends_inwards=settings.sends_inwards,
        room=room,
        glass=Glass(timedelta(hours=settings.glass_hours), post_through(post_settings, engine.client, settings.links)),
    )
    return create_app(parts)


def listening_socket(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A socket on a port of an address. Raises BadInputError, naming the setting that stands in the way."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise BadInputError(f"HOMEWARD_HTTP_HOST: {host} is no address of this machine") from None
        raise BadInputError(f"HOMEWARD_HTTP_PORT: port {port} is in use by another program; set another") from None
    return listening


class _Server(uvicorn.Server):
    """Uvicorn, told to stop by us: left to itself it ends by the signal it got, as if it had crashed."""

    def heed_signals(self) -> None:
        """From now on SIGTERM and SIGINT stop it, and SIGINT once more stops it at once."""
        for one in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(one, self.handle_exit, one, None)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals as they are."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what was held open on purpose, which would not end by itself, then wait for the rest as ever."""
        streams = self.config.app.state.streams if isinstance(self.config.app, FastAPI) else None
        if isinstance(streams, Streams):
            streams.close()
        await super().shutdown(sockets)


def config_of(app: FastAPI, identity_settings: IdentitySettings) -> uvicorn.Config:
    """How the service listens. What a proxy says of who asked is believed only of those that the settings name."""
    return uvicorn.Config(
        app,
        http=Impatient,
        ws="none",
        log_config=None,
        log_level="warning",
        # Uvicorn's own log of requests would hold the links of messages, which are keys.
        access_log=False,
        server_header=False,
        proxy_headers=bool(identity_settings.trusted_proxies),
        forwarded_allow_ips=list(identity_settings.trusted_proxies),
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


async def serve(
    settings: Settings, post_settings: PostSettings, identity_settings: IdentitySettings, watch: EngineWatch
) -> None:
    """Answer HTTP until SIGTERM or SIGINT.

    Raises BadPackError, BadInputError or StoreUnavailableError when it cannot begin.
    """
    store, policies = Store(settings.database), Policies.load(settings.policy_dir)
    app = service(settings, post_settings, identity_settings, store, policies, watch=watch)
    config = config_of(app, identity_settings)
    server = _Server(config)
    server.heed_signals()
    with listening_socket(settings.http_port, settings.http_host) as listening:
        await store.make_ready()
        log.info("answering on port %s", settings.http_port)
        await server.serve(sockets=[listening])
        log.info("stopped")


def main() -> int:
    """Run until told to stop; the exit status: 0, or 2 when it cannot begin."""
    try:
        require_known_names()
        settings, observing = load_settings(), load_observing_settings()
        begin_logging(observing)
        traces = begin_tracing("service", observing.traces_url)
        with serving_metrics(observing.metrics_host, observing.metrics_port, "HOMEWARD_METRICS_PORT"):
            watch = EngineWatch(interceptors=engine_interceptors(observing.traces_url))
            asyncio.run(serve(settings, load_post_settings(), load_identity_settings(settings), watch))
        if traces:
            traces.shutdown()
    except (BadPackError, BadInputError, StoreUnavailableError) as mistake:
        # Where the log can grow no more either, it ends as what it is: one that could not begin.
        with suppress(OSError):
            sys.stderr.write(f"homeward serve: {mistake}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
