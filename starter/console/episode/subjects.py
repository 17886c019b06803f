"""The pages of one part of an episode: the interview, the meetings, the plan and what is kept for the child."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response

from starter.access import Permission
from starter.api.asking import Asked, AskedBy, needs
from starter.api.parts import Parts
from starter.console.asking import console_router
from starter.console.episode.deeds import done_under
from starter.console.episode.keeping import as_kept, may_keep, records_kept
from starter.console.episode.kinds import may_record, title_of
from starter.console.episode.said import details_in_words
from starter.console.episode.shown import EpisodePage, episode_page
from starter.console.pages import page
from workflows.clocks import Clock
from workflows.fact_kinds import FactKind
from workflows.facts import Fact
from workflows.policy import Prompt
from workflows.vocabulary import ClockState

_K = FactKind


@dataclass(frozen=True)
class Step:
    """A step of something: what it is called, what is recorded of it, and where to record it."""

    title: str
    facts: tuple[Fact, ...]
    path: str | None


INTERVIEW: Final = (
    *(_K.REFERRED, _K.RHI_OFFERED, _K.RHI_ACCEPTED, _K.RHI_DECLINED, _K.RHI_ALLOCATED, _K.RHI_STARTED),
    *(_K.RHI_COMPLETED, _K.RHI_WRITTEN_UP, _K.RHI_SHARED),
)
_AFTER_A_REFUSAL: Final = (_K.PARENTS_ASKED, _K.REFUSAL_CONSIDERED, _K.SUPPORT_OFFERED)
_BESIDES: Final = (_K.RHI_DELAYED, _K.EARLIER_INTERVIEWS_USED, _K.SUPPORT_OFFERED, _K.FEEDBACK_GIVEN)
_CONSENTS: Final = {"child": "The child's", "parental": "A parent's", "sharing": "To share what is said"}
_MEETINGS: Final = {"strategy": "Strategy meeting", "planning": "Missing safety meeting", "return": "Return meeting"}
_MEETING_KINDS: Final = (_K.MEETING_CALLED, _K.MEETING_HELD, _K.MEETING_ATTACHED, _K.MEETING_NOT_NEEDED)
_PLAN: Final = (
    *(_K.SAFETY_PLAN_AGREED, _K.RISK_PLAN_UPDATED, _K.PHOTOGRAPHS_TAKEN, _K.APPEARANCE_CHANGED),
    *(_K.PLACEMENT_MOVED, _K.PHILOMENA_TRANSFERRED, _K.CPIS_CHECKED, _K.CARE_PLAN_CONSIDERED),
)


def router_of(parts: Parts) -> APIRouter:
    """The pages of the interview, the meetings and the plan."""
    router = console_router()

    @router.get("/episodes/{episode_id}/interview")
    @needs(Permission.READ_EPISODES)
    async def interview(episode_id: UUID, asked: AskedBy) -> Response:
        """The way of the return home interview: how far it is, and what comes next."""
        shown = await episode_page(parts, asked, str(episode_id))
        refused = bool(shown.known.all(_K.RHI_DECLINED))
        consents = [(words, *_consent(shown, which)) for which, words in _CONSENTS.items()]
        kinds = (*INTERVIEW, *_AFTER_A_REFUSAL, *_BESIDES)
        return _page(
            asked,
            shown,
            "interview",
            kinds,
            steps=list(_steps(shown, INTERVIEW)),
            refusal=list(_steps(shown, _AFTER_A_REFUSAL)) if refused else [],
            besides=list(_steps(shown, _BESIDES)),
            consents=consents,
            handed_over=bool(shown.known.all(_K.REFERRED)),
        )

    @router.get("/episodes/{episode_id}/meetings")
    @needs(Permission.READ_EPISODES)
    async def meetings(episode_id: UUID, asked: AskedBy) -> Response:
        """The meetings: called, held or not needed; their agendas; what was agreed."""
        shown = await episode_page(parts, asked, str(episode_id))
        held = {title: list(_steps(shown, _MEETING_KINDS, meeting=which)) for which, title in _MEETINGS.items()}
        actions = list(_actions(shown))
        kinds = (*_MEETING_KINDS, _K.ACTION_AGREED, _K.ACTION_DONE)
        return _page(asked, shown, "meetings", kinds, meetings=held, actions=actions)

    @router.get("/episodes/{episode_id}/plan")
    @needs(Permission.READ_CHILD_RECORDS)
    async def plan(episode_id: UUID, asked: AskedBy, done: UUID | None = None) -> Response:
        """The plan and what else is kept for the child, with what is missing from it."""
        asked.require(Permission.READ_EPISODES)
        shown = await episode_page(parts, asked, str(episode_id))
        return _page(
            asked,
            shown,
            "plan",
            _PLAN,
            steps=list(_steps(shown, _PLAN)),
            records=await records_kept(parts, asked, shown),
            may_keep=may_keep(shown),
            kept_now=as_kept(await done_under(parts, asked, done)),
        )

    return router


def _page(asked: Asked, shown: EpisodePage, name: str, kinds: Iterable[FactKind], **more: Any) -> Response:
    about = frozenset(kinds)
    clocks = [one for one in _clocks_of(shown, about) if one.state is not ClockState.NOT_STARTED]
    ids = {one.id for one in clocks}
    owed = [one for one in shown.owed() if one.clock and one.clock.id in ids]
    prompts = [one for one in shown.prompts() if _belongs(one[1], ids, about)]
    said: dict[str, Any] = {"part": name, "owed": owed, "clocks": clocks, "prompts": prompts}
    said |= {"details_in_words": partial(details_in_words, names=shown.names)}
    return page(asked, f"episode/{name}.html.j2", "episodes", episode=shown, **said, **more)


def _clocks_of(shown: EpisodePage, kinds: frozenset[FactKind]) -> Iterator[Clock]:
    """The clocks that what is recorded here settles."""
    rules = shown.shown.pack.clocks if shown.shown.pack else {}
    for clock in shown.clocks:
        rule = rules.get(clock.id)
        if rule and kinds & {way.fact for way in (*rule.met_by, *rule.waived_by)}:
            yield clock


def _belongs(prompt: Prompt, clocks: set[str], kinds: frozenset[FactKind]) -> bool:
    return bool(clocks & set(prompt.beside) or kinds & set(prompt.after))


def _steps(shown: EpisodePage, kinds: Iterable[FactKind], **details: str) -> Iterator[Step]:
    for kind in kinds:
        there = may_record(shown.principal, kind) and not shown.closed
        path = shown.way(kind, **details).path if there else None
        yield Step(title_of(kind), shown.known.all(kind, **details), path)


def _consent(shown: EpisodePage, which: str) -> tuple[Fact | None, str | None]:
    """The last word about a consent, and where to record another."""
    kinds = (_K.CONSENT_RECORDED, _K.CONSENT_OVERRIDDEN)
    said = [fact for kind in kinds for fact in shown.known.all(kind, consent=which)]
    last = max(said, key=lambda one: one.at, default=None)
    may = may_record(shown.principal, _K.CONSENT_RECORDED) and not shown.closed
    return last, shown.way(_K.CONSENT_RECORDED, consent=which).path if may else None


def _actions(shown: EpisodePage) -> Iterator[tuple[Fact, Fact | None, str | None]]:
    """Each agreed action, what completed it, and where to record that it was done."""
    for fact in shown.known.all(_K.ACTION_AGREED):
        done = shown.known.first(_K.ACTION_DONE, action=fact.id)
        may = done is None and may_record(shown.principal, _K.ACTION_DONE) and not shown.closed
        yield fact, done, shown.way(_K.ACTION_DONE, action=fact.id).path if may else None
