"""Taking a form in: it begins an episode, adds to one that is there, or waits for a person to say which."""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import Store, inbox
from activities.store.episodes import episode_view
from activities.store.inbox import InboxItem
from activities.store.placing import episodes_it_may_be
from activities.store.statements import take_turns
from starter.beginning import first_input
from starter.commands import Commands, ReadReport
from starter.intake.forms.placing import Placed, place
from starter.intake.forms.reading import ReadForm, check_possible
from workflows.facts import Fact
from workflows.names import derived_id
from workflows.plain_errors import BadInputError

State = Literal["begun", "added", "needs_a_person", "would_begin", "would_add"]


_NOT_IN_A_REPORT: Final = ("by", "place", "to")


class FormFact(BaseModel):
    """What became of one thing that a form tells: applied, kept for the engine, refused with a reason, or there.

    `field` is the form's own. On a dry run, 'new' is what would be recorded.
    """

    model_config = ConfigDict(frozen=True)
    field: str = Field(description="the field of the form")
    kind: str = Field(description="the kind of fact that it tells")
    state: Literal["applied", "kept", "refused", "there_already", "new"] = Field(
        description="what became of it; `new` on a dry run: it would be recorded"
    )
    reason: str | None = Field(default=None, description="why it waits or was refused")


class FormOutcome(BaseModel):
    """What became of a form. `candidates` are the episodes that it may be about, where a person must say which.

    `not_taken_up` are the police's questions that the form answers and that an
    episode which was there already has no place for.
    """

    model_config = ConfigDict(frozen=True)
    state: State = Field(description="what was done, or would be")
    why: str = Field(description="why, in words")
    episode_id: str | None = Field(default=None, description="the episode")
    candidates: tuple[str, ...] = Field(
        default=(), description="the episodes that it may be about, where a person must say which"
    )
    facts: tuple[FormFact, ...] = Field(default=(), description="what became of each thing that the form tells")
    not_taken_up: tuple[str, ...] = Field(
        default=(), description="the police's questions that it answers and that the episode has no place for"
    )

    @property
    def kept(self) -> bool:
        """Whether something of it waits for the engine."""
        return any(fact.state == "kept" for fact in self.facts)


def _of_another_child(item: InboxItem, form: ReadForm) -> bool:
    """Whether a report that was kept names a child otherwise than a form does."""
    there, here = item.body["report"]["child"], form.child.model_dump(mode="json")
    return any(there.get(name) and here[name] and there[name] != here[name] for name in ("reference", "born"))


class FormsIn:
    """Forms taken in for one authority."""

    def __init__(self, store: Store, commands: Commands, authority: str) -> None:
        self._store = store
        self._commands = commands
        self._authority = authority

    async def take_in(
        self,
        form: ReadForm,
        now: datetime,
        *,
        episode: str | None = None,
        new: bool = False,
        dry_run: bool = False,
    ) -> FormOutcome:
        """Take a form in; sent again, it adds what is new in it.

        A person says by `episode`, or by `new`, what the form itself leaves
        open. Raises BadInputError, naming the form's field, or
        StoreUnavailableError, with nothing kept. `now` is UTC.
        """
        check_possible(form, self._authority, now)
        begun = None
        async with self._store.session() as session:
            # Two forms about one child must not both find that there is no episode yet.
            await take_turns(session, "placing", [self._authority])
            placed = await self._placed(session, form, episode, new=new)
            if placed.where == "new" and not dry_run:
                later = tuple(fact for _, fact in form.facts(self._authority, now, besides_times=True))
                (begun,) = await self._commands.keep_all(
                    session, [ReadReport(form.report(self._authority), later)], now
                )
        if placed.where == "unsure":
            return FormOutcome(state="needs_a_person", why=placed.why, candidates=placed.episodes)
        if placed.where == "there":
            return await self._add(form, placed, now, dry_run=dry_run)
        state = "new"
        if begun is not None:
            (outcome,) = await self._commands.begin_all([begun.item], now)
            state = outcome.state
        facts = [{"field": one.where, "kind": one.kind.value, "state": state} for one in form.told]
        about = {"why": placed.why, "facts": facts, "episode_id": begun.item.episode_id if begun else None}
        return FormOutcome.model_validate({"state": "begun" if begun else "would_begin", **about})

    async def _placed(self, session: AsyncSession, form: ReadForm, episode: str | None, *, new: bool) -> Placed:
        if episode is not None and new:
            raise BadInputError("episode: a form is about an episode that is there or about a new one, not both")
        if episode is not None:
            if not await inbox.is_known(session, self._authority, episode):
                raise BadInputError(f"episode: there is no episode '{episode}'")
            return Placed("there", "a person said so", (episode,))
        own = await inbox.reports_there(session, self._authority, [self._own_item(form)])
        if own:
            episodes = tuple(one.episode_id for one in own.values())
            if any(_of_another_child(one, form) for one in own.values()):
                return Placed("unsure", "a form of this reference was taken in about another child", episodes)
            return Placed("there", "the form was taken in before", episodes)
        if new:
            return Placed("new", "a person said so")
        known = await episodes_it_may_be(session, self._authority, form.child.reference, form.police_reference)
        return place(form, known)

    def _own_item(self, form: ReadForm) -> str:
        """The id under which the report that a form makes is kept."""
        return derived_id(self._authority, form.own_id(self._authority))

    async def _add(self, form: ReadForm, placed: Placed, now: datetime, *, dry_run: bool) -> FormOutcome:
        (episode_id,) = placed.episodes
        there, own = await self._facts_there(form, episode_id)
        facts = list(form.facts(self._authority, now, besides_times=False))
        fresh = [(name, fact) for name, fact in facts if not {_said(fact), _core(fact)} & there]
        new = {fact.id for _, fact in fresh}
        unchanged = [
            FormFact(field=name, kind=fact.kind.value, state="there_already")
            for name, fact in facts
            if fact.id not in new
        ]
        about = {"why": placed.why, "episode_id": episode_id, "not_taken_up": () if own else form.answered()}
        if dry_run:
            would = [FormFact(field=name, kind=fact.kind.value, state="new") for name, fact in fresh]
            return FormOutcome.model_validate({"state": "would_add", "facts": (*would, *unchanged), **about})
        outcomes = await self._commands.record_all(episode_id, [fact for _, fact in fresh], now)
        added = [
            FormFact(field=name, kind=fact.kind.value, state=outcome.state, reason=outcome.reason)
            for (name, fact), outcome in zip(fresh, outcomes, strict=True)
        ]
        return FormOutcome.model_validate({"state": "added", "facts": (*added, *unchanged), **about})

    async def _facts_there(self, form: ReadForm, episode_id: str) -> tuple[set[tuple[object, ...]], bool]:
        """What the episode has been told already, by kind, time and words; and whether this form itself began it.

        What the form said when it began the episode is there without who and where.
        """
        async with self._store.snapshot() as session:
            view = await episode_view(session, self._authority, episode_id)
            waiting = await inbox.facts_waiting(session, episode_id)
            report = await inbox.report_of(session, self._authority, episode_id)
        said = {_said(fact) for fact in (view.facts if view else ())}
        said |= {_said(Fact.model_validate(one.body)) for one in waiting if one.kind == "fact"}
        own = report is not None and report.id == self._own_item(form)
        if report is not None:
            said |= {(_core if own else _said)(fact) for fact in first_input(report).facts}
        return said, own


def _said(fact: Fact) -> tuple[object, ...]:
    return fact.kind, fact.at, tuple(sorted(fact.details.items()))


def _core(fact: Fact) -> tuple[object, ...]:
    """A fact as a report tells it by its times: without who did it, where and to whom."""
    details = ((name, value) for name, value in fact.details.items() if name not in _NOT_IN_A_REPORT)
    return "as a report tells it", fact.kind, fact.at, tuple(sorted(details))
