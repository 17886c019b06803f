"""What is kept for the child across episodes: each kind in a form, kept as a new version; the versions there were."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Response
from pydantic import ValidationError

from activities.store.child_records import ChildRecord
from starter.access import Permission
from starter.api.asking import Asked, AskedBy, needs
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.api.v1.children import RecordKept, RecordKind, keep_record, latest_records, record_versions
from starter.child_records import FORMS, ChangedMeanwhileError, RecordShown, read_form
from starter.console.asking import SENT_BEFORE, PostedBy, console_router, go_to
from starter.console.episode.record_words import RECORD_TITLES, lines_of_record, words_of_record
from starter.console.episode.shown import EpisodePage, episode_page
from starter.console.fields import Written
from starter.console.forms import KEY, Mistakes, Posted
from starter.console.model_form import ModelForm, in_fields_words
from starter.console.pages import page
from workflows.plain_errors import BadInputError

_MOST_DIGITS: Final = 9
_VERSION: Final = "version-"
"""How the field is called that says of which version a form was made, before the version's number.

So nobody writes over what they have not seen. By its name, among the first two of the form: a browser that goes back
puts what was written into a newer page's form too, where the first fields are called as those that it left.
"""


@dataclass(frozen=True)
class Kept:
    """A kind of record as its episode's pages show it; `shown` is None where nothing was ever kept."""

    kind: str
    title: str
    shown: RecordShown | None
    lines: list[tuple[str, str]]
    path: str


@dataclass(frozen=True)
class Version:
    """A version of a record: what it says, each with whether the version before said otherwise, and what it lacks."""

    record: ChildRecord
    lines: list[tuple[str, str, bool]]
    gone: list[str]


@dataclass
class _Form:
    """The form of one kind of record, on its way from or to a page."""

    page: EpisodePage
    kind: RecordKind
    form: ModelForm
    latest: RecordShown | None
    key: str | None = None
    wrong: Mistakes = field(default_factory=Mistakes)

    @property
    def version(self) -> int:
        """The latest version there is; 0 for none."""
        return self.latest.record.version if self.latest else 0


def router_of(parts: Parts) -> APIRouter:
    """The forms of a child's records, and their versions."""
    router = console_router()
    path = "/episodes/{episode_id}/plan/{record_kind}"

    @router.get(path)
    @needs(Permission.KEEP_CHILD_RECORDS)
    async def blank(episode_id: UUID, record_kind: RecordKind, asked: AskedBy) -> Response:
        """The form of one kind, filled in as its latest version says."""
        form = await _form_of(parts, asked, episode_id, record_kind)
        written = form.form.filled(form.latest.record.body if form.latest else {})
        return _form_page(asked, form, written)

    @router.post(path)
    @needs(Permission.KEEP_CHILD_RECORDS)
    async def keep(episode_id: UUID, record_kind: RecordKind, asked: AskedBy, posted: PostedBy) -> Response:
        """Keep it as a new version, and back to the plan; else the form again, with what is wrong."""
        form = await _form_of(parts, asked, episode_id, record_kind)
        form.key, written = posted.one(KEY), form.form.posted(posted)
        status = await _refused(parts, asked, form, written, posted)
        if status:
            return _form_page(asked, form, written, posted=posted, status=status)
        return go_to(f"{form.page.path}/plan?done={posted.one(KEY)}")

    @router.get(f"{path}/versions")
    @needs(Permission.READ_CHILD_RECORDS)
    async def history(episode_id: UUID, record_kind: RecordKind, asked: AskedBy) -> Response:
        """Every version of one kind, the latest first: when, by whom, and what changed."""
        asked.require(Permission.READ_EPISODES)
        shown = await episode_page(parts, asked, str(episode_id))
        records = await record_versions(parts, asked, _reference(shown), record_kind)
        return page(
            asked,
            "episode/kept_versions.html.j2",
            "episodes",
            episode=shown,
            part="plan",
            title=RECORD_TITLES[record_kind],
            versions=list(reversed(list(versions_of(records)))),
        )

    return router


def may_keep(shown: EpisodePage) -> bool:
    """Whether whoever looks may change what is kept for the child: nothing can be for one without a reference."""
    return shown.reference is not None and shown.principal.may(Permission.KEEP_CHILD_RECORDS)


def form_of_record(episode_path: str, kind: str) -> str:
    """Where the form of a kind of record is, among the pages of an episode."""
    return f"{episode_path}/plan/{kind}"


async def records_kept(parts: Parts, asked: Asked, shown: EpisodePage) -> list[Kept]:
    """The latest of each kind of record of the child. Raises ProblemError for one that is need-to-know."""
    latest = dict.fromkeys(FORMS) if shown.reference is None else await latest_records(parts, asked, shown.reference)
    return [
        Kept(
            kind=kind,
            title=RECORD_TITLES[kind],
            shown=one,
            lines=lines_of_record(kind, one.record.body) if one else [],
            path=form_of_record(shown.path, kind),
        )
        for kind, one in latest.items()
    ]


def as_kept(body: dict[str, Any] | None) -> str | None:
    """What an answer says was kept, in words; None when it says something else."""
    try:
        kept = RecordKept.model_validate(body)
    except ValidationError:
        return None
    return f"{RECORD_TITLES[kept.kind]}: version {kept.version} is kept"


def versions_of(records: list[ChildRecord]) -> Iterator[Version]:
    """Versions of one kind, the oldest first, each compared with the one before it."""
    before: dict[str, str] | None = None
    for record in records:
        lines = lines_of_record(record.kind, record.body)
        now = dict(lines)
        changed = [(label, said, before is not None and before.get(label) != said) for label, said in lines]
        yield Version(record, changed, [label for label in before or () if label not in now])
        before = now


async def _form_of(parts: Parts, asked: Asked, episode_id: UUID, kind: RecordKind) -> _Form:
    asked.require(Permission.READ_EPISODES)
    shown = await episode_page(parts, asked, str(episode_id))
    latest = await latest_records(parts, asked, _reference(shown))
    return _Form(shown, kind, ModelForm(FORMS[kind], words_of_record(kind)), latest[kind])


def _reference(shown: EpisodePage) -> str:
    """The child's reference. Raises ProblemError for a child without one, for whom nothing can be kept."""
    if shown.reference is None:
        raise ProblemError(Problem.NOT_FOUND)
    return shown.reference


async def _refused(parts: Parts, asked: Asked, form: _Form, written: Written, posted: Posted) -> int | None:
    """Keep it. The status of a refusal, whose reason is then among the mistakes; None when it was kept."""
    said = form.form.said(written, form.wrong)
    version = _version_of(posted)
    if version is None:
        form.wrong.add("", "This form must be sent from its own page")
    if version is None or form.wrong:
        return 422
    try:
        read = read_form(form.kind, said)
        await keep_record(parts, asked, _reference(form.page), read, after=version)
    except ChangedMeanwhileError:
        return await _not_kept(
            parts,
            asked,
            form,
            "Somebody has recorded a newer version since you opened this form. Nothing of yours is kept yet",
        )
    except ProblemError as error:
        if error.problem is not Problem.KEY_REUSED:
            raise
        # The key stands for what was kept first: what is kept now needs another.
        form.key = str(uuid4())
        return await _not_kept(parts, asked, form, SENT_BEFORE)
    except BadInputError as error:
        form.wrong.take(BadInputError(in_fields_words(str(error))))
        return 422
    return None


async def _not_kept(parts: Parts, asked: Asked, form: _Form, why: str) -> int:
    """Say why nothing was kept, beside what is kept by now: what was read before may be older, or nothing."""
    form.latest = (await latest_records(parts, asked, _reference(form.page)))[form.kind]
    form.wrong.add("", why)
    return 409


def _version_of(posted: Posted) -> int | None:
    """The version that a form was made of; None for a form that does not say one."""
    said = [name.removeprefix(_VERSION) for name in posted.fields if name.startswith(_VERSION)]
    fits = len(said) == 1 and said[0].isascii() and said[0].isdecimal() and len(said[0]) <= _MOST_DIGITS
    return int(said[0]) if fits else None


def _form_page(
    asked: Asked, form: _Form, written: Written, *, posted: Posted | None = None, status: int = 200
) -> Response:
    form.wrong.keep_to(form.form.names)
    return page(
        asked,
        "episode/kept_form.html.j2",
        "episodes",
        status=status,
        episode=form.page,
        kind=form.kind,
        title=RECORD_TITLES[form.kind],
        groups=form.form.groups,
        written=written,
        latest=form.latest,
        lines=lines_of_record(form.kind, form.latest.record.body) if form.latest else [],
        # Seen with the mistake, the newer version is what the form is made of from then on.
        version=form.version if status in (200, 409) or not posted else _version_of(posted),
        meanwhile=status == 409,
        mistakes=form.wrong,
        key=form.key,
    )
