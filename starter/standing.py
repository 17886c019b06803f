"""How Homeward itself stands: each thing that is looked at, whether all is well there, and what is found, in a line."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from activities.policies import Policies
from activities.store import agreement, disagreements, inbox, subscriptions
from activities.store.deliveries import count_dead
from activities.store.post import states_of_messages
from workflows.instants import LONDON, in_words

CALENDAR_ENDS_SOON: Final = timedelta(days=183)
"""How long before its end a calendar should have grown: bank holidays are published years ahead."""

_MISSED_RUNS: Final = 3


@dataclass(frozen=True)
class Standing:
    """How one thing stands. `well` None: it is no fault, and somebody should know of it.

    `overdue`: what should be done again and again was not done in time.
    """

    about: str
    well: bool | None
    says: str
    overdue: bool = False

    @property
    def line(self) -> str:
        """Both in a line."""
        return f"{self.about}: {self.says}"


def policies_stand(policies: Policies, today: date) -> Standing:
    """Which policies there are, and how far the calendar of the default one reaches."""
    calendar = policies.calendar(policies.pack("homeward").calendar)
    left = calendar.known_to - today
    well = None if timedelta(0) < left < CALENDAR_ENDS_SOON else left > timedelta(0)
    reaches = f"calendar {calendar.calendar} known to {calendar.known_to}, {left.days} days from now"
    says = f"there are {', '.join(policies.names())}; {reaches}"
    return Standing("policies", well, says)


async def agreement_stands(
    session: AsyncSession, authority: str, now: datetime, compares_every: timedelta | None = None
) -> Standing:
    """Where rows and workflows disagree, and when they were last compared; too long ago is not well. `now` is UTC."""
    apart = await disagreements.count_open(session, authority)
    last = await disagreements.last_run(session, authority)
    compared = f"last compared {in_words(last.ended_at)}" if last else "never compared yet"
    overdue, late = False, ""
    if last and compares_every and now - last.ended_at > _MISSED_RUNS * compares_every:
        overdue, late = True, f", and should be every {int(compares_every.total_seconds() // 60)} minutes"
    says = f"{apart} disagreements between database and engine open, {compared}{late}"
    return Standing("agreement", apart == 0 and not overdue, says, overdue)


async def inbox_stands(session: AsyncSession, authority: str | None = None) -> Standing:
    """What was said and is not applied: to an authority, or to any."""
    waiting = await inbox.count_waiting(session, authority)
    return Standing("inbox", waiting == 0, f"{waiting} kept, not yet applied")


async def messages_stand(session: AsyncSession, authority: str | None = None) -> Standing:
    """Which messages reached nobody: of an authority, or of any."""
    stand = await states_of_messages(session, authority)
    says = f"{stand.get('unreached', 0)} unreached and tried again, {stand.get('given_up', 0)} given up"
    return Standing("messages", not stand.get("unreached"), says)


async def webhooks_stand(session: AsyncSession, authority: str) -> Standing:
    """Which webhooks fail, want no more, are paused, or have not taken events."""
    hooks = await subscriptions.subscriptions_of(session, authority)
    fails = [f"{one.name} fails: {one.last_failure}" for one in hooks if one.state == "active" and one.last_failure]
    gone = [f"{one.name} is gone: it answered that it wants no more" for one in hooks if one.state == "gone"]
    paused = [f"{one.name} is paused" for one in hooks if one.state == "paused"]
    dead = await count_dead(session, authority)
    said = [f"{len(hooks)} there", *fails, *gone, *paused, f"{dead} events not taken by the last try"]
    bad = bool(fails or gone or dead)
    return Standing("webhooks", False if bad else None if paused else True, "; ".join(said))


async def versions_stand(session: AsyncSession, policies: Policies, authority: str) -> Standing:
    """Which versions of policies open episodes live by."""
    lived_by = await agreement.policies_of_open(session, authority)
    newest = {name: policies.pack(name).version for name in policies.names()}
    said = [f"{many} by {name} {version}" for (name, version), many in sorted(lived_by.items())]
    begun = f"new ones begin under homeward {newest['homeward']}"
    return Standing("open episodes", True, "; ".join((*said, begun)) if said else f"none; {begun}")


def today_of(now: datetime) -> date:
    """The day in London."""
    return now.astimezone(LONDON).date()
