"""Taking a form in: it begins an episode, adds to one that is there, or waits for a person to say which."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import Store, inbox
from activities.store.child_records import child_of
from activities.store.episodes import episode_view
from activities.store.inbox import InboxItem
from activities.store.placing import KnownEpisode, episodes_it_may_be
from activities.store.statements import take_turns
from starter.access import Permission, Principal
from starter.beginning import first_input
from starter.commands import Commands, ReadReport
from starter.intake.forms.placing import Placed, place, place_without
from starter.intake.forms.reading import ReadForm, check_possible
from starter.sight import child_is_hidden, see_episode
from workflows.facts import Fact
from workflows.names import derived_id
from workflows.plain_errors import BadInputError

State = Literal["begun", "added", "needs_a_person", "would_begin", "would_add", "would_be_taken_in"]

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

    A dry run says 'would_be_taken_in', and no more, to whoever may not know whether the child is away already.
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
    """Forms taken in from one sender, for its authority."""

    def __init__(self, store: Store, commands: Commands, sender: Principal) -> None:
        self._store = store
        self._commands = commands
        self._sender = sender
        self._authority = sender.authority

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

        A person says by `episode`, which the sender may see, or by `new`, what
        the form itself leaves open. Nobody is asked about what is hidden from
        them: then the form begins an episode, whose task is to see whether it
        is a duplicate. `as_far_as_seen` says what may be told. Raises BadInputError, naming the form's field, or
        StoreUnavailableError, with nothing kept. `now` is UTC.
        """
        check_possible(form, self._authority, now)
        begun = None
        async with self._store.session() as session:
            # Two forms about one child must not both find that there is no episode yet.
            await take_turns(session, "placing", [self._authority])
            placed = await self._placed(session, form, episode, now, new=new)
            if dry_run and await self._keeps_back(session, form, placed, now):
                return FormOutcome(state="would_be_taken_in", why="it can be used as it is; nothing is recorded")
            if placed.where == "new" and not dry_run:
                later = tuple(fact for _, fact in form.facts(self._authority, now, besides_times=True))
                report = ReadReport(form.report(self._authority), later, placed.perhaps_a_duplicate)
                (begun,) = await self._commands.keep_all(session, [report], now)
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

    async def as_far_as_seen(self, outcome: FormOutcome, now: datetime) -> FormOutcome:
        """What became of a form, without the episode where its sender may not see that. `now` is UTC."""
        if outcome.episode_id is None:
            return outcome
        async with self._store.snapshot() as session:
            seen = await see_episode(session, self._sender, outcome.episode_id, now)
        if seen.sight == "whole":
            return outcome
        return outcome.model_copy(
            update={"episode_id": None, "facts": (), "why": "it was taken in", "not_taken_up": ()}
        )

    async def _placed(
        self, session: AsyncSession, form: ReadForm, episode: str | None, now: datetime, *, new: bool
    ) -> Placed:
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
                hidden = await self._hidden(session, episodes, now)
                named = tuple(one for one in episodes if one not in hidden)
                return Placed("unsure", "a form of this reference was taken in about another child", named)
            return Placed("there", "the form was taken in before", episodes)
        if new:
            return Placed("new", "a person said so")
        known = await episodes_it_may_be(session, self._authority, form.child.reference, form.police_reference)
        return await self._asked_about(session, form, known, now)

    async def _asked_about(
        self, session: AsyncSession, form: ReadForm, known: Sequence[KnownEpisode], now: datetime
    ) -> Placed:
        """Where a form belongs; what its sender may be asked, where that is not sure."""
        placed = place(form, known)
        if placed.where != "unsure":
            return placed
        hidden = set[str]()
        while more := await self._hidden(session, placed.episodes, now):
            hidden |= more
            placed = place_without(form, known, hidden)
        return placed

    async def _hidden(self, session: AsyncSession, episode_ids: Sequence[str], now: datetime) -> set[str]:
        """Those of the episodes that the sender may not be told of."""
        if not self._sender.may(Permission.READ_EPISODES):
            return set(episode_ids)
        seen = [await see_episode(session, self._sender, one, now) for one in episode_ids]
        return {one.episode_id for one in seen if one.sight != "whole"}

    async def _keeps_back(self, session: AsyncSession, form: ReadForm, placed: Placed, now: datetime) -> bool:
        """Whether where a form belongs would tell its sender of a child, or an episode, that is hidden."""
        if await self._hidden(session, placed.episodes, now) or not self._sender.may(Permission.READ_EPISODES):
            return True
        child = await child_of(session, self._authority, form.child.reference) if form.child.reference else None
        return child is not None and await child_is_hidden(session, self._sender, child, now)

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
