"""What one episode tells of others, and that nobody learns by it of one that they may not see.

An episode names others of the child: those its workflow found when it began, the one for whose sake an interview is
late, the one that it was merged into. That such another is this child's is told only to those who may see it whole.
For everybody else what names it is left out; where the other begins or ends this one, only its name is.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.episodes import EpisodeView, episode_view
from activities.store.events import EventPage, NumberedEvent
from activities.store.inbox import InboxItem
from starter.access import Principal
from starter.sight import not_whole
from workflows.contracts import TimelineEntry
from workflows.fact_kinds import ABOUT_TASKS, FactKind
from workflows.facts import Fact
from workflows.names import duty_of, other_episode_of
from workflows.owed import Owed

_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INTO: Final = "into"
UNNAMED: Final = "another episode"
"""What stands where an episode is named to whoever may not see it, and something must."""


async def view_for(session: AsyncSession, principal: Principal, episode_id: str, now: datetime) -> EpisodeView | None:
    """An episode that a principal may see whole, without what would tell of others that they may not see; or None.

    `now` is UTC.
    """
    view = await episode_view(session, principal.authority, episode_id)
    if view is None or not (named := others_named(view)):
        return view
    hidden = await not_whole(session, principal, named, now)
    return without(view, hidden) if hidden else view


async def waiting_for(
    session: AsyncSession, principal: Principal, waiting: Sequence[InboxItem], now: datetime
) -> list[InboxItem]:
    """What is kept and not yet applied, without what would tell of episodes that a principal may not see."""
    facts = {item.id: Fact.model_validate(item.body) for item in waiting if item.kind == "fact"}
    named = {other for fact in facts.values() if (other := _told_by(fact))}
    hidden = await not_whole(session, principal, named, now) if named else frozenset[str]()
    return [item for item in waiting if item.id not in facts or _told_by(facts[item.id]) not in hidden]


async def duties_left_out(
    session: AsyncSession, principal: Principal, duties: Iterable[str], now: datetime
) -> frozenset[str]:
    """Those of the duties of tasks that would tell a principal of an episode they may not see. `now` is UTC."""
    about = {duty: other for duty in duties if (other := other_episode_of(duty))}
    hidden = await not_whole(session, principal, set(about.values()), now) if about else frozenset[str]()
    return frozenset(duty for duty, other in about.items() if other in hidden)


async def events_for(session: AsyncSession, principal: Principal, page: EventPage, now: datetime) -> EventPage:
    """A page of a feed without the events of tasks that would tell a principal of an episode they may not see."""
    untold = await duties_left_out(session, principal, map(_duty_in, page.events), now)
    return page.model_copy(update={"events": [one for one in page.events if _duty_in(one) not in untold]})


def _duty_in(event: NumberedEvent) -> str:
    """The duty of the task that an event is about; empty for an event about none."""
    return duty_of(str(event.data.get("task", "")))


async def owed_for(
    session: AsyncSession, principal: Principal, owed: Mapping[str, Sequence[Owed]], now: datetime
) -> dict[str, list[Owed]]:
    """What is owed in episodes that a principal sees, without what would tell of others that they may not see."""
    duties = {duty_of(one.task) for those in owed.values() for one in those if one.task}
    untold = await duties_left_out(session, principal, duties, now)
    return {id: [one for one in those if duty_of(one.task or "") not in untold] for id, those in owed.items()}


def without(view: EpisodeView, hidden: Collection[str]) -> EpisodeView:
    """An episode without what names these others. Pure."""
    left_out = _facts_left_out(view.facts, hidden)
    notices = [one for one in view.notices if other_episode_of(one["clock"]) not in hidden]
    keys = {one["key"] for one in notices}
    return view.model_copy(
        update={
            "facts": [_unnamed(fact, hidden) for fact in view.facts if fact.id not in left_out],
            "timeline": [
                line for line in view.timeline if line.fact_id not in left_out and not _named_in(line) & set(hidden)
            ],
            "notices": notices,
            "recipients": [one for one in view.recipients if one["notice"] in keys],
            "tasks": [task for task in view.tasks if other_episode_of(duty_of(task["key"])) not in hidden],
        }
    )


def others_named(view: EpisodeView) -> frozenset[str]:
    """The ids of the other episodes that an episode names. Pure."""
    named = {id for line in view.timeline for id in _named_in(line)}
    for fact in view.facts:
        named |= {fact.details.get(_INTO), _told_by(fact), *_ID.findall(fact.source)}
    duties = [duty_of(task["key"]) for task in view.tasks] + [notice["clock"] for notice in view.notices]
    named |= {other_episode_of(duty) for duty in duties}
    return frozenset(id for id in named if id and _ID.fullmatch(id) and id != view.episode["id"])


def _named_in(line: TimelineEntry) -> set[str]:
    return set(_ID.findall(line.text)) if line.kind == "earlier_episode" else set()


def _told_by(fact: Fact) -> str | None:
    """The other episode that a fact is about: that the child is missing again, or what was done with its task."""
    if fact.kind is FactKind.RHI_DELAYED:
        return fact.details.get("episode")
    return other_episode_of(fact.details["task"]) if fact.kind in ABOUT_TASKS else None


def _facts_left_out(facts: Iterable[Fact], hidden: Collection[str]) -> set[str]:
    """The facts that are about hidden episodes, and those that withdraw them."""
    everything = list(facts)
    left_out = {fact.id for fact in everything if _told_by(fact) in hidden}
    withdrawn = {one.id for one in everything if one.kind is FactKind.WITHDRAWN and one.corrects in left_out}
    return left_out | withdrawn


def _unnamed(fact: Fact, hidden: Collection[str]) -> Fact:
    """A fact that stays, without the name of a hidden episode that it was merged into, or taken over from."""
    changed: dict[str, Any] = {}
    if fact.details.get(_INTO) in hidden:
        changed["details"] = {**fact.details, _INTO: UNNAMED}
    if set(_ID.findall(fact.source)) & set(hidden):
        changed["source"] = _ID.sub(UNNAMED, fact.source)
    return fact.model_copy(update=changed) if changed else fact
