"""Reporting a child who is missing or absent: a form in a few steps, kept as it is written."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from activities.store import inbox
from activities.store.drafts import drafts_of
from activities.store.inbox import InboxItem
from starter.access import Permission
from starter.api.asking import Asked, AskedBy, needs
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.console.asking import PostedBy, console_router, go_to
from starter.console.forms import Mistakes, Posted
from starter.console.moments import as_fields
from starter.console.pages import page, words_of
from starter.console.report_fields import (
    STEPS,
    Step,
    Written,
    as_shown,
    leaving_at,
    left_at,
    read_answers,
    says_anything,
    step_after,
    step_named,
    step_of_mistake,
    written_on,
)
from starter.console.report_words import EITHER_WAY_WORDS, SETTING_WORDS, WHEN_SAID_WORDS
from starter.console.reporting import (
    REPORT,
    Kept,
    alike,
    checked,
    draft_there,
    forget,
    keep_answers,
    keep_step,
    report,
    reported_from,
    where_it_is,
)
from starter.reports import Report

SECTION: Final = "report"
MOST_SHOWN: Final = 20
"""As many of one's own reports are listed."""


def router_of(parts: Parts) -> APIRouter:
    """The pages of the report's form."""
    router = console_router()
    _add_list(router, parts)

    @router.get("/report/{draft_id}/{step}")
    @needs(Permission.REPORT)
    async def form(draft_id: UUID, step: str, asked: AskedBy) -> Response:
        """A step of the form, with what was written so far."""
        this = _step(step)
        async with parts.store.snapshot() as session:
            if (reported := await reported_from(session, asked, draft_id)) is not None:
                return go_to(f"/report/{reported.episode_id}/started")
            there = await draft_there(session, asked, draft_id)
            written: Written = there.body if there else {}
            others = await alike(session, asked, written)
        return _form(asked, draft_id, this, written, others, saved_at=there.saved_at if there else None)

    @router.post("/report/{draft_id}/{step}")
    @needs(Permission.REPORT)
    async def send(draft_id: UUID, step: str, asked: AskedBy, posted: PostedBy) -> Response:
        """Keep what a step says; then go on, or report."""
        this = _step(step)
        kept = await keep_step(parts, asked, draft_id, this, partial(_what_is_written, asked, draft_id, posted))
        if kept.reported is not None:
            return await _already(parts, asked, posted, kept, kept.reported)
        async with parts.store.snapshot() as session:
            others = await alike(session, asked, kept.written)
        if posted.one("save"):
            return JSONResponse({"said": _saved_in_words(kept.saved_at), "alike": _alike_in_words(asked, others)})
        return await _sent(parts, asked, draft_id, this, go=posted.one("go"), kept=kept, others=others)

    return router


def _add_list(router: APIRouter, parts: Parts) -> None:
    @router.get("/report")
    @needs(Permission.REPORT)
    async def begin(asked: AskedBy) -> Response:
        """Where a report begins; what was begun and not sent, and what was reported."""
        who = asked.principal
        async with parts.store.snapshot() as session:
            drafts = await drafts_of(session, asked.authority, who.id, REPORT, asked.now)
            reports = await inbox.reports_said_by(session, asked.authority, who.id, MOST_SHOWN)
        asked.saw(*(one.item.episode_id for one in reports))
        shown = [
            {
                "reference": report.child.reference,
                "identity": report.answers.identity,
                "at": one.item.received_at,
                "status": one.status,
                "refused": one.item.state == "refused" and one.status is None,
                "waits": one.status is None and one.item.lies_still(asked.now),
                "away": one.status is not None and one.status.gone,
                "href": where_it_is(asked, one.item.episode_id),
                "episode_id": one.item.episode_id,
            }
            for one in reports
            if (report := Report.model_validate(one.item.body["report"]))
        ]
        own = who.sees_only_its_own
        begun = [(one, left_at(one.body), STEPS.index(left_at(one.body)) + 1) for one in drafts]
        return page(asked, "report.html.j2", SECTION, new_draft=uuid4(), drafts=begun, reports=shown, own=own)

    @router.post("/report/{draft_id}/throw-away")
    @needs(Permission.REPORT)
    async def throw_away(draft_id: UUID, asked: AskedBy) -> Response:
        """Forget what was begun."""
        await forget(parts, asked, draft_id)
        return go_to("/report")


async def _sent(
    parts: Parts, asked: Asked, draft_id: UUID, this: Step, *, go: str, kept: Kept, others: Sequence[str]
) -> Response:
    found, said = checked(asked, draft_id, kept.written)
    if go == "report" and not says_anything(kept.written):
        found.mistakes.add("identity", "Say who the child is, as far as you know: a description is enough")
    elif go == "report" and said is not None:
        return go_to(f"/report/{await report(parts, asked, draft_id, said, found.category)}/started")
    wrong = _steps_with(found.mistakes)
    if go == "report" or (go == "on" and this in wrong):
        at = this if this in wrong or not wrong else wrong[0]
        mistakes = found.mistakes if go == "report" else _only_on(this, found.mistakes)
        return _form(asked, draft_id, at, kept.written, others, mistakes=mistakes, saved_at=kept.saved_at)
    if go == "leave":
        return go_to("/report")
    return go_to(f"/report/{draft_id}/{_step_gone_to(go, this).id}")


def _steps_with(mistakes: Mistakes) -> list[Step]:
    """The steps on which there is a mistake, in their order."""
    wrong = {step_of_mistake(name) for name in mistakes.by_field}
    return [step for step in STEPS if step in wrong]


def _only_on(step: Step, mistakes: Mistakes) -> Mistakes:
    """The mistakes of a step, and those of no field."""
    here = (step, None)
    return Mistakes({name: one for name, one in mistakes.by_field.items() if step_of_mistake(name) in here})


async def _already(parts: Parts, asked: Asked, posted: Posted, kept: Kept, there: InboxItem) -> Response:
    """What is answered when a draft has been reported before: what is new in it is not lost."""
    started = f"/report/{there.episode_id}/started"
    if posted.one("save"):
        return JSONResponse({"said": "Reported already: nothing more is kept here", "reported": started})
    known = Report.model_validate(there.body["report"]).answers
    new = {name: said for name, said in read_answers(kept.written, Mistakes()).items() if said != getattr(known, name)}
    if not new:
        return go_to(started)
    await keep_answers(parts, asked, there.episode_id, new)
    return go_to(f"/report/{there.episode_id}/add")


def _form(
    asked: Asked,
    draft_id: UUID,
    step: Step,
    written: Written,
    others: Sequence[str],
    *,
    mistakes: Mistakes | None = None,
    saved_at: datetime | None = None,
) -> Response:
    return page(
        asked,
        "report_step.html.j2",
        SECTION,
        status=422 if mistakes else 200,
        draft_id=draft_id,
        step=step,
        steps=STEPS,
        number=STEPS.index(step) + 1,
        last=step_after(step) is None,
        said=as_shown(written),
        mistakes=mistakes or Mistakes(),
        mistakes_here=_only_on(step, mistakes or Mistakes()),
        elsewhere=_elsewhere(step, mistakes),
        saved=_saved_in_words(saved_at),
        places=_places(asked, others),
        settings=SETTING_WORDS,
        either_way=EITHER_WAY_WORDS,
        when_said=WHEN_SAID_WORDS,
    )


def _elsewhere(step: Step, mistakes: Mistakes | None) -> list[Step]:
    """The other steps on which there is a mistake."""
    return [one for one in _steps_with(mistakes) if one != step] if mistakes else []


def _saved_in_words(saved_at: datetime | None) -> str:
    return f"Saved {as_fields(saved_at)[1]}" if saved_at else ""


def _alike_in_words(asked: Asked, others: Sequence[str]) -> str:
    """What is said where the child of the number has an open episode already."""
    return words_of("report_alike.html.j2", {"places": _places(asked, others)})


def _places(asked: Asked, episode_ids: Sequence[str]) -> list[str]:
    return [where_it_is(asked, one) for one in episode_ids]


def _what_is_written(asked: Asked, draft_id: UUID, posted: Posted, step: Step, before: Written) -> dict[str, str]:
    """What a step says, and on which step its writer goes on: the same, while a mistake on it holds them there."""
    written = written_on(step, posted, before, asked.now)
    go = "" if posted.one("save") else posted.one("go")
    held = go == "on" and step in _steps_with(checked(asked, draft_id, {**before, **written})[0].mistakes)
    return {**written, **leaving_at(step if held else _step_gone_to(go, step))}


def _step_gone_to(go: str, step: Step) -> Step:
    """The step to which a button leads from another."""
    return step_named(go) or (step_after(step) if go == "on" else None) or step


def _step(name: str) -> Step:
    """The step of that name. Raises ProblemError."""
    if (found := step_named(name)) is None:
        raise ProblemError(Problem.NOT_FOUND)
    return found
