"""After a report: which clocks started, who was told, what is still to be asked; adding to it; found and back."""

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Response

from activities.store import inbox
from activities.store.drafts import drop_draft
from activities.store.inbox import InboxItem
from starter.access import Permission
from starter.api.asking import Asked, AskedBy, needs
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.api.seeing import seen_episode
from starter.api.v1.episodes import FactSaid, open_and_seen, record_fact
from starter.console.asking import PostedBy, console_router, go_to
from starter.console.forms import Mistakes, Posted
from starter.console.pages import page
from starter.console.report_fields import (
    EITHER_WAY,
    Written,
    moment_to_the_minute,
    read_answers,
    read_child,
    written_moment,
)
from starter.console.report_words import ASKED_WORDS, EITHER_WAY_WORDS, SETTING_WORDS
from starter.console.reporting import draft_there, keep_answers, where_it_is
from starter.episode_shown import Shown, show_episode
from starter.later_answers import LONGEST, note_of, still_asked_for
from starter.reports import PoliceQuestions, Report
from starter.who_knew import TRAY, Knew, way_in_words, who_knew
from workflows.clocks import Clock
from workflows.fact_kinds import FactKind
from workflows.facts import Fact
from workflows.instants import parse_instant, to_rfc3339
from workflows.plain_errors import BadInputError
from workflows.vocabulary import ClockState, beginning_a_line

SECTION: Final = "report"

_ADDED: Final = ("born", "setting", *EITHER_WAY, *PoliceQuestions.model_fields)
"""What can be added to a report in words or by a choice."""

_ADDED_MOMENTS: Final = ("last_seen", "reported")
"""The moments that can be added to a report which left them open."""

_ADD_FIELDS: Final = (
    *_ADDED,
    *(f"{name}{part}" for name in _ADDED_MOMENTS for part in ("", "_day", "_time")),
    "police_force",
    "police_reference",
)

_LOOK_AGAIN_FOR_SECONDS: Final = 120
"""For so long after a report its page looks again by itself: people are just being told."""


@dataclass(frozen=True)
class Reported:
    """A report that whoever asks may see, and its episode as far as it is written."""

    episode_id: str
    item: InboxItem
    report: Report
    shown: Shown


def router_of(parts: Parts) -> APIRouter:
    """The pages after a report."""
    router = console_router()

    @router.get("/report/{episode_id}/started")
    @needs(Permission.REPORT)
    async def started(episode_id: UUID, asked: AskedBy) -> Response:
        """Which clocks run, who was told and what is still to be asked; plainly, when nothing runs yet."""
        return await _started(parts, asked, str(episode_id))

    @router.get("/report/{episode_id}/add")
    @needs(Permission.REPORT)
    async def add(episode_id: UUID, asked: AskedBy) -> Response:
        """What is still to be asked, to be filled in."""
        there = await _reported(parts, asked, str(episode_id))
        async with parts.store.snapshot() as session:
            begun = await draft_there(session, asked, episode_id)
        return _add_form(asked, there, begun.body if begun else {})

    @router.post("/report/{episode_id}/add")
    @needs(Permission.RECORD)
    async def added(episode_id: UUID, asked: AskedBy, posted: PostedBy) -> Response:
        """Add what became known."""
        return await _added(parts, asked, str(episode_id), posted)

    @router.get("/report/{episode_id}/back")
    @needs(Permission.RECORD)
    async def back(episode_id: UUID, asked: AskedBy) -> Response:
        """Where it is said that the child was found, or is back."""
        there = await _reported(parts, asked, str(episode_id))
        return _back_form(asked, there, {})

    @router.post("/report/{episode_id}/back")
    @needs(Permission.RECORD)
    async def came_back(episode_id: UUID, asked: AskedBy, posted: PostedBy) -> Response:
        """Record that the child was found, or is back."""
        return await _came_back(parts, asked, str(episode_id), posted)

    return router


async def _reported(parts: Parts, asked: Asked, episode_id: str) -> Reported:
    """What was reported of an episode. Raises ProblemError where there is none to see."""
    async with parts.store.snapshot() as session:
        await seen_episode(session, asked, episode_id)
        item = await inbox.report_of(session, asked.authority, episode_id)
        shown = await show_episode(session, parts.policies, asked.principal, episode_id, asked.now)
    if item is None:
        raise ProblemError(Problem.NOT_FOUND)
    return Reported(episode_id, item, Report.model_validate(item.body["report"]), shown)


async def _started(parts: Parts, asked: Asked, episode_id: str) -> Response:
    there = await _reported(parts, asked, episode_id)
    child_id = there.item.body["child_id"]
    async with parts.store.snapshot() as session:
        others = await open_and_seen(session, asked, child_id, episode_id) if child_id else []
        refused_later = await inbox.facts_refused_later(session, episode_id, asked.principal.id)
    view, known = there.shown.view, there.shown.known(asked.now)
    told = who_knew(view) if view else []
    clocks = view.clocks if view else []
    names = asked.principal.may(Permission.READ_EPISODES)
    fresh = (asked.now - there.item.received_at).total_seconds() < _LOOK_AGAIN_FOR_SECONDS
    return page(
        asked,
        "report_started.html.j2",
        SECTION,
        there=there,
        reference=there.report.child.reference,
        identity=there.report.answers.identity,
        waiting=there.shown.nothing_runs(asked.now),
        refused=there.shown.refused,
        refused_later=[(_what_is_said(one), one.received_at, _sentence(one.reason or "")) for one in refused_later],
        sent_out=any(_by_letter(one) and one.sent for one in told),
        sending=any(one.standing.startswith(("waits", "being sent")) for one in told),
        begun=view is not None,
        looks_again=view is None or fresh,
        running=_running(clocks),
        not_started=any(clock.state is ClockState.NOT_STARTED for clock in clocks),
        whose={task["clock"]: task["role"] for task in view.tasks} if view else {},
        told=[_told(one, names=names) for one in told if one.person],
        nobody=list(dict.fromkeys(one.role for one in told if not one.person)),
        police_told=any(fact.kind is FactKind.REPORTED for fact in known.facts),
        back=any(fact.kind is FactKind.RETURNED for fact in known.facts),
        asked_for=[(name, ASKED_WORDS[name]) for name in still_asked_for(there.report, known)],
        alike=[where_it_is(asked, one) for one in others],
        own=asked.principal.sees_only_its_own,
        kept_later=[one for one in there.shown.waiting if one.kind == "fact"],
    )


def _running(clocks: list[Clock]) -> list[Clock]:
    return sorted((one for one in clocks if one.state.owed and one.due), key=lambda one: (one.due or one.start, one.id))


def _told(one: Knew, *, names: bool) -> dict[str, Any]:
    """A line on somebody who was told; who that is only for those who read episodes."""
    return {
        "role": one.role,
        "name": one.name if names else None,
        "says": one.says,
        "how": f"{way_in_words(str(one.way)) if _by_letter(one) else 'in Homeward'}: {one.standing}",
        "at": one.at,
    }


def _by_letter(one: Knew) -> bool:
    """Whether somebody was told by more than Homeward's own tray."""
    return one.way not in (TRAY, None)


def _what_is_said(item: InboxItem) -> str:
    words = Fact.model_validate(item.body).in_words()
    return beginning_a_line(words)


def _add_form(
    asked: Asked, there: Reported, written: Written, mistakes: Mistakes | None = None, *, sent: Posted | None = None
) -> Response:
    wanted = still_asked_for(there.report, there.shown.known(asked.now))
    known = {fact.kind for fact in there.shown.known(asked.now).facts}
    shown = [name for name in _ADDED if name in wanted or written.get(name)]
    return page(
        asked,
        "report_add.html.j2",
        SECTION,
        status=422 if mistakes else 200,
        episode_id=there.episode_id,
        reference=there.report.child.reference,
        identity=there.report.answers.identity,
        said={name: written.get(name, "") for name in _ADD_FIELDS},
        names=shown,
        moments=[name for name in _ADDED_MOMENTS if FactKind(name) not in known],
        words=ASKED_WORDS,
        settings=SETTING_WORDS,
        either_way=EITHER_WAY_WORDS,
        mistakes=mistakes or Mistakes(),
        form_key=sent.one("key") if sent else str(uuid4()),
        asked_at=sent.one("asked_at") if sent else to_rfc3339(asked.now),
    )


async def _added(parts: Parts, asked: Asked, episode_id: str, posted: Posted) -> Response:
    there = await _reported(parts, asked, episode_id)
    at = _asked_at(posted, asked.now)
    written = {name: posted.one(name) for name in _ADD_FIELDS}
    for name in _ADDED_MOMENTS:
        written |= written_moment(posted, name, at)
    mistakes = Mistakes()
    said = [*_circumstances_said(written, at, mistakes), *_moments_said(written, mistakes)]
    if not (said or mistakes):
        mistakes.add("", "Write what you have come to know, or go back")
    if not mistakes:
        await keep_answers(parts, asked, episode_id, written)
        await _record_each(parts, asked, episode_id, said, mistakes)
    if mistakes:
        return _add_form(asked, there, written, mistakes, sent=posted)
    async with parts.store.session() as session:
        await drop_draft(session, asked.authority, asked.principal.id, episode_id)
    return go_to(f"/report/{episode_id}/started")


def _circumstances_said(written: Written, at: datetime, mistakes: Mistakes) -> list[FactSaid]:
    """What is written of the child, and each answer to one of the police's questions."""
    details = {name: _as_detail(value) for name, value in read_child(written, mistakes).items()}
    answers = read_answers(written, mistakes, LONGEST)
    said = [FactSaid(kind=FactKind.DESCRIBED, at=at, details=details)] if details else []
    return said + [FactSaid(kind=FactKind.DESCRIBED, at=at, note=note_of(name, one)) for name, one in answers.items()]


def _moments_said(written: Written, mistakes: Mistakes) -> list[FactSaid]:
    """The moments that are written, with what is known of the police's report."""
    police = {"force": written["police_force"], "police_ref": written["police_reference"]}
    given = {name: said for name, said in police.items() if said}
    said: list[FactSaid] = []
    for name in _ADDED_MOMENTS:
        at = moment_to_the_minute(written, name, mistakes)
        if at is not None:
            said.append(FactSaid(kind=FactKind(name), at=at, details=given if name == "reported" else {}))
        elif name == "reported" and given and not mistakes:
            mistakes.add("reported-how", "The police told: say when, about when is enough")
    return said


def _as_detail(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _asked_at(posted: Posted, now: datetime) -> datetime:
    """When the form was opened (UTC): sent twice, what it says is the same. The present where that cannot be read."""
    try:
        return min(parse_instant(posted.one("asked_at")), now)
    except ValueError:
        return now


async def _record_each(parts: Parts, asked: Asked, episode_id: str, said: list[FactSaid], mistakes: Mistakes) -> None:
    """Record facts of one form, each once however often the form is sent. What is refused is a mistake of its field."""
    for fact in said:
        own = sha256(fact.model_dump_json().encode()).hexdigest()[:16]
        try:
            mine = replace(asked, request=f"{asked.request}/{own}")
            outcomes = await record_fact(parts, mine, UUID(episode_id), fact)
        except BadInputError as error:
            mistakes.add(_field_of(fact), _sentence(str(error)))
            continue
        for outcome in outcomes:
            if outcome.state == "refused":
                mistakes.add(_field_of(fact), _sentence(outcome.reason or "It cannot be true beside what is known"))


def _field_of(fact: FactSaid) -> str:
    """The field of the form that says a fact."""
    if fact.kind is FactKind.DESCRIBED:
        return "born" if "born" in fact.details else ""
    return f"{fact.kind.value}-how" if fact.kind.value in _ADDED_MOMENTS else "when-how"


def _sentence(line: str) -> str:
    sentence = line.removeprefix("at: ")
    return beginning_a_line(sentence)


def _back_form(
    asked: Asked, there: Reported, said: Written, mistakes: Mistakes | None = None, *, sent: Posted | None = None
) -> Response:
    return page(
        asked,
        "report_back.html.j2",
        SECTION,
        status=422 if mistakes else 200,
        episode_id=there.episode_id,
        reference=there.report.child.reference,
        identity=there.report.answers.identity,
        said={name: said.get(name, "") for name in ("what", "when", "when_day", "when_time", "place", "note")},
        mistakes=mistakes or Mistakes(),
        form_key=sent.one("key") if sent else str(uuid4()),
        asked_at=sent.one("asked_at") if sent else to_rfc3339(asked.now),
    )


async def _came_back(parts: Parts, asked: Asked, episode_id: str, posted: Posted) -> Response:
    there = await _reported(parts, asked, episode_id)
    written = {name: posted.one(name) for name in ("what", "place", "note")}
    written |= written_moment(posted, "when", _asked_at(posted, asked.now))
    mistakes = Mistakes()
    if written["what"] not in ("located", "returned"):
        mistakes.add("what", "Choose whether the child was found, or is back")
    at = moment_to_the_minute(written, "when", mistakes)
    if at is None and not mistakes:
        mistakes.add("when-how", "Say when: just now, or at which time")
    if mistakes or at is None:
        return _back_form(asked, there, written, mistakes, sent=posted)
    known = there.shown.known(asked.now)
    kinds = [FactKind.LOCATED, FactKind.RETURNED] if written["what"] == "returned" else [FactKind.LOCATED]
    if any(fact.kind is FactKind.LOCATED for fact in known.facts) and written["what"] == "returned":
        # Found was said before: only the coming back is new.
        kinds = [FactKind.RETURNED]
    details = {"place": written["place"]} if written["place"] else {}
    said = [FactSaid(kind=kind, at=at, details=details, note=written["note"] or None) for kind in kinds]
    await _record_each(parts, asked, episode_id, said, mistakes)
    if mistakes:
        return _back_form(asked, there, written, mistakes, sent=posted)
    return go_to(f"/report/{episode_id}/started")
