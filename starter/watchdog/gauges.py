"""What the watchdog shows of each look, for Prometheus: how much, never whose."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from prometheus_client import Gauge

from activities.health.findings import StuckKind
from activities.health.look import Standstill
from activities.store.figures import Figures
from starter.watchdog.alarms import Trouble

LOOKED_AT: Final = Gauge("homeward_watch_looked_at_seconds", "When the watchdog last looked, in seconds since 1970")
TROUBLES: Final = Gauge("homeward_troubles", "How many troubles the watchdog saw at its last look")
STANDS_STILL: Final = Gauge("homeward_stands_still", "What stands still, by kind", ["kind"])
EPISODES: Final = Gauge("homeward_open_episodes", "Open episodes")
CLOCKS: Final = Gauge("homeward_clocks", "Clocks by which somebody owes something, by whether in time", ["stand"])
TASKS: Final = Gauge("homeward_tasks_open", "Open tasks, by whether in time, and whether taken", ["stand"])
INBOX: Final = Gauge("homeward_inbox_waiting", "What was said and is not applied yet")
INBOX_AGE: Final = Gauge("homeward_inbox_oldest_seconds", "How long the oldest of that waits")


def show_look(troubles: Sequence[Trouble], standstill: Standstill | None, now: datetime) -> None:
    """Show what a look at `now` (UTC) found; `standstill` None: the records could not be read."""
    LOOKED_AT.set(now.timestamp())
    TROUBLES.set(len(troubles))
    if standstill is None:
        return
    found = Counter(one.kind for one in standstill.found)
    for kind in StuckKind:
        STANDS_STILL.labels(kind.value).set(found[kind] + standstill.more.get(kind, 0))


def show_figures(figures: Figures, now: datetime) -> None:
    """Show how much there is at `now` (UTC)."""
    EPISODES.set(figures.open_episodes)
    CLOCKS.labels("in_time").set(figures.clocks_running)
    CLOCKS.labels("overdue").set(figures.clocks_overdue)
    TASKS.labels("in_time").set(figures.tasks_in_time)
    TASKS.labels("overdue").set(figures.tasks_overdue)
    TASKS.labels("overdue_and_untaken").set(figures.tasks_untaken_overdue)
    INBOX.set(figures.inbox_waiting)
    INBOX_AGE.set((now - figures.inbox_oldest).total_seconds() if figures.inbox_oldest else 0)
