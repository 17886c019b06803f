"""Referrals: the interviews that were handed to whoever asks, by when each is owed, and what is answered."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Query, Response

from starter.access import Permission
from starter.api.asking import Asked, AskedBy, needs
from starter.api.bodies import not_refused
from starter.api.paging import Cursor, cut
from starter.api.parts import Parts
from starter.api.problems import ProblemError
from starter.api.v1.referrals import answer_referral, own_referral, own_referrals
from starter.applying import Outcome
from starter.console.asking import PostedBy, console_router, go_to, take_refusal
from starter.console.episode.deeds import is_written
from starter.console.episode.record_form import AT, happened_at
from starter.console.fields import Written
from starter.console.forms import KEY, Mistakes, Posted
from starter.console.model_form import ModelForm
from starter.console.moments import as_fields
from starter.console.navigation import REFERRALS
from starter.console.pages import page
from starter.console.referral_words import (
    ANSWER_TITLES,
    LIKELY,
    WHEN_WORDS,
    comes_of,
    form_of_answer,
    is_to_do,
    state_in_words,
)
from starter.referrals import ANSWERS, Referral, read_answer
from workflows.instants import to_rfc3339
from workflows.plain_errors import BadInputError

_PAGE: Final = 50

AnswerKind = StrEnum("AnswerKind", list(ANSWERS))
"""What a provider answers, as the path names it."""

ReferralId = Annotated[UUID, Path()]
Done = Annotated[AnswerKind | None, Query()]


@dataclass
class _Form:
    """The form of one answer to a referral, on its way from or to a page."""

    referral: Referral
    answer: AnswerKind
    form: ModelForm
    wrong: Mistakes = field(default_factory=Mistakes)


def router_of(parts: Parts) -> APIRouter:
    """The pages of an interview provider's referrals."""
    router = console_router()
    _add_reading(router, parts)
    _add_answering(router, parts)
    return router


def _add_reading(router: APIRouter, parts: Parts) -> None:
    @router.get(REFERRALS.path)
    @needs(Permission.READ_REFERRALS)
    async def index(asked: AskedBy, show: Literal["open", "settled"] = "open", cursor: Cursor = None) -> Response:
        """One's own referrals, the most pressing first: what is to be done, or what is settled."""
        found = await own_referrals(parts, asked).every(asked.now)
        place = _pressing if show == "open" else _latest
        mine = sorted((one for one in found if is_to_do(one) == (show == "open")), key=place)
        listed = cut(mine, _PAGE, cursor, place)
        asked.saw(*(one.id for one in listed.items))
        following = f"{REFERRALS.path}?show={show}&cursor={listed.next}" if listed.next else None
        return page(
            asked,
            "referrals.html.j2",
            REFERRALS.id,
            show=show,
            referrals=listed.items,
            following=following,
            state_in_words=state_in_words,
        )

    @router.get(f"{REFERRALS.path}/{{referral_id}}")
    @needs(Permission.READ_REFERRALS)
    async def one(referral_id: ReferralId, asked: AskedBy, done: Done = None, kept: bool = False) -> Response:
        """One of them: by when it is owed and why then, whom to ask, how it stands, what can be answered."""
        referral = await own_referral(parts, asked, referral_id)
        likely = LIKELY[referral.state] if not referral.written_up else ()
        return page(
            asked,
            "referral.html.j2",
            REFERRALS.id,
            referral=referral,
            state=state_in_words(referral),
            to_do=is_to_do(referral),
            likely=likely,
            others=[one for one in ANSWERS if one not in likely],
            titles=ANSWER_TITLES,
            done=done,
            kept=kept,
        )


def _add_answering(router: APIRouter, parts: Parts) -> None:
    path = f"{REFERRALS.path}/{{referral_id}}/answers/{{answer}}"

    @router.get(path)
    @needs(Permission.ANSWER_REFERRALS)
    async def blank(referral_id: ReferralId, answer: AnswerKind, asked: AskedBy) -> Response:
        """The form of one answer, at the present."""
        form = await _form_of(parts, asked, referral_id, answer)
        return _form_page(asked, form, Written(*as_fields(asked.now)))

    @router.post(path)
    @needs(Permission.ANSWER_REFERRALS)
    async def say(referral_id: ReferralId, answer: AnswerKind, asked: AskedBy, posted: PostedBy) -> Response:
        """Say it, and on to the referral; else the form again, with what is wrong."""
        form = await _form_of(parts, asked, referral_id, answer)
        written = form.form.posted(posted)
        written.day, written.time = posted.one(f"{AT}_day"), posted.one(f"{AT}_time")
        said = _said(form, written)
        if said is None:
            return _form_page(asked, form, written, posted=posted, status=422)
        outcome = await _answered(parts, asked, form, said)
        if outcome is None:
            # Under this form's key something was said that was refused: what is mended is said under another.
            return _form_page(asked, form, written, key=str(uuid4()), status=409 if "" in form.wrong.by_field else 422)
        if outcome.state == "applied":
            await is_written(parts, outcome.episode_id, outcome.id)
        kept = "&kept=true" if outcome.state == "kept" else ""
        return go_to(f"{REFERRALS.path}/{referral_id}?done={answer}{kept}")


async def _form_of(parts: Parts, asked: Asked, referral_id: UUID, answer: AnswerKind) -> _Form:
    return _Form(await own_referral(parts, asked, referral_id), answer, form_of_answer(answer))


def _said(form: _Form, written: Written) -> dict[str, Any] | None:
    """What a form says, as the API has it; None where there is a mistake in it."""
    said = form.form.said(written, form.wrong)
    at = happened_at(written, None, form.wrong)
    return {"answer": form.answer.value, "at": to_rfc3339(at), **said} if at and not form.wrong else None


async def _answered(parts: Parts, asked: Asked, form: _Form, said: dict[str, Any]) -> Outcome | None:
    """What became of an answer; None when it was refused, and the reason is among the mistakes."""
    try:
        outcome = await answer_referral(parts, asked, UUID(form.referral.id), read_answer(said))
        not_refused(outcome)
    except BadInputError as error:
        form.wrong.take(error)
        return None
    except ProblemError as error:
        take_refusal(error, form.wrong)
        return None
    return outcome


def _form_page(
    asked: Asked,
    form: _Form,
    written: Written,
    *,
    posted: Posted | None = None,
    key: str | None = None,
    status: int = 200,
) -> Response:
    form.wrong.keep_to(form.form.names | {AT})
    return page(
        asked,
        "referral_answer.html.j2",
        REFERRALS.id,
        status=status,
        referral=form.referral,
        answer=form.answer,
        title=ANSWER_TITLES[form.answer],
        when_words=WHEN_WORDS[form.answer],
        comes=comes_of(form.answer),
        fields=[one for group in form.form.groups for one in group.fields],
        written=written,
        mistakes=form.wrong,
        key=posted.one(KEY) if posted else key,
    )


def _pressing(referral: Referral) -> tuple[bool, bool, str, str]:
    """The place of one to be done: what is to be held by when it is owed, then what is to be written up."""
    due = to_rfc3339(referral.owed_by) if referral.owed_by else ""
    return referral.state == "done", referral.owed_by is None, due, referral.id


def _latest(referral: Referral) -> tuple[int, str]:
    """The place of one that is settled: the last that was handed over comes first."""
    return -int(referral.handed_over_at.timestamp()), referral.id
