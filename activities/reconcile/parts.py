"""What comparing and mending is put together from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from activities.policies import Policies
from activities.posting import Post
from activities.reconcile.engine import EngineAsked
from activities.reconcile.remembering import FirstInput
from activities.store import Store


class Timetable(Protocol):
    """A schedule of the engine, as the settings want it."""

    @property
    def id(self) -> str:
        """The engine's id of it."""
        ...

    async def agrees(self) -> bool:
        """Whether the engine has it as the settings want it, or has none where they want none."""
        ...

    async def make(self) -> None:
        """Make it so."""
        ...


@dataclass(frozen=True)
class Timing:
    """What counts as how old.

    grace: what is younger is in flight. kept_long: for how long something that
    was said may wait although the engine answers. whole_within: in which time
    every open episode is looked at whole; every: how often a run comes.
    """

    grace: timedelta = timedelta(minutes=2)
    kept_long: timedelta = timedelta(minutes=10)
    whole_within: timedelta = timedelta(hours=20)
    every: timedelta = timedelta(minutes=15)


def _present() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Parts:
    """The store, the engine and what mends.

    `first_input` is what a report begins its episode with. Without a post
    nothing that goes out is compared.
    """

    store: Store
    engine: EngineAsked
    policies: Policies
    first_input: FirstInput
    post: Post | None = None
    timetables: Sequence[Timetable] = ()
    timing: Timing = field(default_factory=Timing)
    now: Callable[[], datetime] = _present


class Done(NamedTuple):
    """What was done about a disagreement, or (not `tried`) why nothing could be: words that name nobody."""

    how: str
    tried: bool = True
