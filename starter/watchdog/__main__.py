"""The watchdog's process: composition, nothing else."""

import asyncio
import logging
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from activities.policies import BadPackError, Policies
from activities.store import Store, StoreUnavailableError
from starter.brief_engine import BriefEngine
from starter.client import Reached
from starter.engine_room import LOOK_SECONDS, engine_room
from starter.environment import require_known_names
from starter.identity.settings import load_identity_settings
from starter.observing.logs import begin_logging
from starter.observing.metrics import serving_metrics
from starter.observing.settings import load_observing_settings
from starter.post_settings import PostSettings, load_post_settings
from starter.settings import Settings, load_settings
from starter.watchdog.alarms import AlarmBook
from starter.watchdog.certificates import Shown
from starter.watchdog.gauges import show_figures, show_look
from starter.watchdog.looking import Watched, tls_address
from starter.watchdog.settings import WatchSettings, load_watch_settings
from starter.watchdog.ways import Heartbeat, Way, tell, ways_for_alarms
from workflows.plain_errors import BadInputError

log = logging.getLogger("homeward.watchdog")


@dataclass(frozen=True)
class Watchdog:
    """Looks, tells, and lets it be known that it looked."""

    watched: Watched
    ways: list[Way]
    heartbeat: Heartbeat
    book: AlarmBook

    async def look_once(self, now: datetime) -> None:
        """One look at `now` (UTC). The heartbeat is withheld when somebody should have been told and nobody was."""
        look = await self.watched.look(now)
        show_look(look.troubles, look.standstill, now)
        if look.figures:
            show_figures(look.figures, now)
        alarms = self.book.after(look.troubles, now)
        for one in alarms:
            log.warning("%s: %s", one.news, one.trouble.title)
        told = not alarms or not self.ways or await tell(self.ways, alarms, now)
        if told:
            self.book.taken(alarms, now)
            await self.heartbeat.beat()

    async def run(self, every: timedelta, stop: asyncio.Event) -> None:
        """Look again and again until told to stop. What goes wrong in a look ends no watch."""
        while not stop.is_set():
            try:
                await self.look_once(datetime.now(UTC))
            except Exception:
                log.exception("a look failed: no heartbeat is sent for it")
            ended = asyncio.create_task(stop.wait())
            await asyncio.wait({ended}, timeout=every.total_seconds())
            ended.cancel()


def watchdog_of(settings: Settings, watch: WatchSettings, post_settings: PostSettings, store: Store) -> Watchdog:
    """The watchdog of the settings. Raises BadInputError or BadPackError."""
    policies = Policies.load(settings.policy_dir)
    patience = min(settings.engine_patience_seconds, LOOK_SECONDS)
    engine = settings.engine
    brief = BriefEngine(Reached(engine, settings.engine_namespace, patience), patience)
    public = load_identity_settings(settings).public_url
    places = [tls_address(public) if public else None]
    places += [(host, int(port)) for host, _, port in (one.rpartition(":") for one in watch.watch_certificates)]
    certificates = [Shown(*place) for place in places if place]
    if engine.tls and (place := tls_address(f"https://{engine}")):
        certificates.append(Shown(*place, called=settings.engine_tls_name, shows=settings.engine_tls_pair))
    watched = Watched(
        store=store,
        room=engine_room(settings, post_settings, store, policies, brief),
        policies=policies,
        authority=settings.authority,
        service=watch.watch_service_url or public or settings.links,
        certificates=certificates,
        shown_to_engine=settings.engine_tls_certificate,
        expiries=watch.expiries,
        warn=timedelta(days=watch.warn_days),
    )
    ways = ways_for_alarms(watch, post_settings)
    book = AlarmBook(timedelta(hours=watch.alarm_again_hours))
    return Watchdog(watched, ways, Heartbeat(watch.heartbeat_url), book)


async def watch_until_told(settings: Settings, watch: WatchSettings, post_settings: PostSettings) -> None:
    """Watch until SIGTERM or SIGINT. Raises BadPackError or BadInputError when it cannot begin."""
    stop = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    store = Store(settings.database)
    try:
        watchdog = watchdog_of(settings, watch, post_settings, store)
        ways = ", ".join(dict.fromkeys(way.name for way in watchdog.ways))
        log.info("watching every %s s; alarms go out by %s", watch.watch_seconds, ways or "the log alone")
        await watchdog.run(timedelta(seconds=watch.watch_seconds), stop)
    finally:
        await store.close()


def main() -> int:
    """Run until told to stop; the exit status: 0, or 2 when it cannot begin."""
    try:
        require_known_names()
        observing, watch = load_observing_settings(), load_watch_settings()
        begin_logging(observing)
        with serving_metrics(observing.metrics_host, watch.watch_metrics_port, "HOMEWARD_WATCH_METRICS_PORT"):
            asyncio.run(watch_until_told(load_settings(), watch, load_post_settings()))
    except (BadPackError, BadInputError, StoreUnavailableError) as mistake:
        sys.stderr.write(f"homeward watch: {mistake}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
