"""Recording what happened: what there is to record, the form of one kind, correcting and withdrawing."""

from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request, Response

from activities.store.accounts import providers
from activities.store.child_records import EpisodeOfChild, episodes_of
from starter.access import Permission, permission_to_record
from starter.api.asking import Asked, AskedBy, needs
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.api.v1.episodes import FactSaid
from starter.console.asking import PostedBy, console_router, go_to, take_refusal
from starter.console.episode.deeds import as_done, done_under, recorded
from starter.console.episode.kinds import COMES_OF_IT, OWN_PAGES, groups_for, likely_for, title_of
from starter.console.episode.offering import offered_by
from starter.console.episode.record_form import (
    Offered,
    fields_of,
    form_of,
    form_posted,
    happened_at,
    new_form,
    said_by,
)
from starter.console.episode.shown import EpisodePage, can_be_replaced, episode_page
from starter.console.fields import Options, Written
from starter.console.forms import KEY, Mistakes, Posted
from starter.console.kin_words import absence_in_words
from starter.console.pages import page
from starter.record_endings import ANOTHER_GOES_ON
from starter.sight import hidden_among
from workflows.fact_kinds import FactKind
from workflows.facts import Fact
from workflows.plain_errors import BadInputError
from workflows.vocabulary import beginning_a_line

_MOST_WORDS = 100

Search = Annotated[str, Query(max_length=_MOST_WORDS)]


@dataclass
class _Form:
    """The form of one kind in one episode, on its way from or to a page."""

    page: EpisodePage
    kind: FactKind
    offered: Offered
    before: Fact | None
    others: list[EpisodeOfChild]
    wrong: Mistakes = field(default_factory=Mistakes)

    def shared_with(self) -> Options:
        """The child's other absences that one interview may be about as well."""
        if self.kind is not FactKind.RHI_COMPLETED or self.before:
            return ()
        return [(one.id, absence_in_words(one)) for one in self.others if one.closed_at is None]


def router_of(parts: Parts) -> APIRouter:
    """The pages on which people record what happened."""
    router = console_router()
    _add_list(router, parts)
    _add_form(router, parts)
    return router


def _add_list(router: APIRouter, parts: Parts) -> None:
    @router.get("/episodes/{episode_id}/record")
    @needs(Permission.RECORD)
    async def choose(episode_id: UUID, asked: AskedBy, words: Search = "", done: UUID | None = None) -> Response:
        """What can be recorded, the likely first."""
        shown = await episode_page(parts, asked, str(episode_id))
        answer = await done_under(parts, asked, done)
        return page(
            asked,
            "episode/record.html.j2",
            "episodes",
            episode=shown,
            reads=asked.principal.may(Permission.READ_EPISODES),
            words=words,
            likely=likely_for(shown.status if _reads(asked) else None, asked.principal) if not words else [],
            groups=groups_for(asked.principal, words),
            title_of=title_of,
            done=as_done(answer),
        )


def _add_form(router: APIRouter, parts: Parts) -> None:
    @router.get("/episodes/{episode_id}/record/{kind}")
    @needs(Permission.RECORD)
    async def blank(episode_id: UUID, kind: FactKind, asked: AskedBy, request: Request, replaces: str = "") -> Response:
        """The form of one kind; filled in as it was recorded, where it corrects something."""
        form = await _form_of(parts, asked, episode_id, kind, replaces)
        chosen = dict(request.query_params)
        written = form_of(form.before) if form.before else new_form(kind, form.offered, chosen, asked.now)
        return _form_page(asked, form, written)

    @router.post("/episodes/{episode_id}/record/{kind}")
    @needs(Permission.RECORD)
    async def record(episode_id: UUID, kind: FactKind, asked: AskedBy, posted: PostedBy) -> Response:
        """Record it, and on to the episode; else the form again, with what is wrong."""
        form = await _form_of(parts, asked, episode_id, kind, posted.one("replaces"))
        written = form_posted(kind, form.offered, posted)
        said = _said(form, written)
        if said is None:
            return _form_page(asked, form, written, key=posted.one(KEY), status=422)
        refused = await _refused(parts, asked, form, said)
        if refused:
            # Under this form's key something was said that was refused: what is mended is said under another.
            return _form_page(asked, form, written, key=str(uuid4()), status=refused)
        return go_to(back_to(asked, form.page, posted))


def back_to(asked: Asked, shown: EpisodePage, posted: Posted) -> str:
    """Where somebody goes on after something was recorded: to the episode, where they may read it."""
    return f"{shown.path}{'' if _reads(asked) else '/record'}?done={posted.one(KEY)}"


def _reads(asked: Asked) -> bool:
    return asked.principal.may(Permission.READ_EPISODES)


async def _form_of(parts: Parts, asked: Asked, episode_id: UUID, kind: FactKind, replaces: str) -> _Form:
    """The form of a kind. Raises ProblemError for a kind with a page of its own, and for whoever may not."""
    asked.require(permission_to_record(kind))
    if kind in OWN_PAGES:
        raise ProblemError(Problem.NOT_FOUND)
    shown = await episode_page(parts, asked, str(episode_id))
    before, others = None, list[EpisodeOfChild]()
    if replaces:
        asked.require(Permission.READ_EPISODES)
        before = shown.fact(replaces)
        if before.kind is not kind or not can_be_replaced(shown, before):
            raise ProblemError(Problem.NOT_FOUND)
    if kind in (FactKind.RHI_COMPLETED, FactKind.RHI_DELAYED) and _reads(asked):
        others = await other_absences(parts, asked, shown)
    async with parts.store.snapshot() as session:
        known = await providers(session, asked.authority) if kind is FactKind.REFERRED else ()
    offered = offered_by(shown, kind, parts.policies, others, before=before, providers=known)
    return _Form(shown, kind, offered, before, others)


async def other_absences(parts: Parts, asked: Asked, shown: EpisodePage) -> list[EpisodeOfChild]:
    """The child's other episodes that whoever asks may see, the latest first."""
    if shown.seen.child_id is None:
        return []
    async with parts.store.snapshot() as session:
        found = await episodes_of(session, asked.authority, shown.seen.child_id)
        hidden = await hidden_among(session, asked.principal, [one.id for one in found], asked.now)
    return [one for one in found if one.id not in hidden and one.id != shown.id]


def _said(form: _Form, written: Written) -> FactSaid | None:
    """What the form says; None where there is a mistake in it."""
    at = happened_at(written, form.before, form.wrong)
    details = said_by(form.kind, form.offered, written, form.before, form.wrong)
    there = dict(form.shared_with())
    also = [UUID(one) for one in written.also if one in there]
    if at is None or form.wrong:
        return None
    replaces = UUID(form.before.id) if form.before else None
    return FactSaid(kind=form.kind, at=at, note=written.note or None, replaces=replaces, details=details, also=also)


async def _refused(parts: Parts, asked: Asked, form: _Form, said: FactSaid) -> int | None:
    """Record it. The status of a refusal, whose reason is then among the mistakes; None when it was taken."""
    try:
        await recorded(parts, asked, form.page, said)
    except BadInputError as error:
        form.wrong.take(BadInputError(str(error).removeprefix("details.")))
        return 422
    except ProblemError as error:
        take_refusal(error, form.wrong, Problem.KEY_REUSED)
        return 409
    return None


def _what_comes(form: _Form) -> str | None:
    """What comes of recording it, where that must be known before."""
    comes = COMES_OF_IT.get(form.kind)
    if form.kind is FactKind.RECORDED_IN_ERROR and form.page.took_over:
        return f"{comes} {beginning_a_line(ANOTHER_GOES_ON)}."
    return comes


def _form_page(asked: Asked, form: _Form, written: Written, *, key: str | None = None, status: int = 200) -> Response:
    fields = fields_of(form.kind, form.offered)
    form.wrong.keep_to({one.name for one in fields} | {"at", "note", "replaces"})
    return page(
        asked,
        "episode/record_kind.html.j2",
        "episodes",
        status=status,
        episode=form.page,
        reads=_reads(asked),
        kind=form.kind,
        title=title_of(form.kind),
        comes=_what_comes(form),
        fields=fields,
        written=written,
        correcting=form.before,
        shared=form.shared_with(),
        mistakes=form.wrong,
        key=key,
    )
