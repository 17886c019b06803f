"""What an interview provider sees and says: its own referrals, the least that an interviewer needs, and its answers.

A referral is not an episode: it tells nothing of what happened, of what was
noted, or of other children. One that is another provider's is not there.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from activities.policies import Policies
from activities.store import Store, inbox
from activities.store.directory import address, directory_for
from activities.store.referrals import ReferredEpisode, episodes_handed_over
from starter.applying import Outcome
from starter.commands import Commands
from workflows.explain import duration_in_words
from workflows.fact_kinds import FactKind
from workflows.facts import CLOCK_SKEW, Child, Fact, Known, same_fact
from workflows.instants import Instant, in_words, to_rfc3339
from workflows.names import INTERVIEW_CLOCK, derived_id
from workflows.plain_errors import BadInputError, first_error, refuse_unkeepable
from workflows.vocabulary import DELAY_REASONS, ROLE_WORDS, Channel, Interviewer, Role

ReferralState = Literal["handed_over", "offered", "accepted", "declined", "done"]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]

SOURCE: Final = "interview provider"
_WHO_TO_ASK: Final = (Role.SOCIAL_WORKER, Role.DUTY_TEAM, Role.DUTY_MANAGER)
"""Whom an interviewer turns to, the first of these that somebody holds for the child."""


class NoSuchReferralError(BadInputError):
    """There is no such referral, or it is another provider's: one behaves as the other."""

    def __init__(self) -> None:
        super().__init__("referral: there is no such referral")


class KeyTakenError(BadInputError):
    """A key stands for another answer already. Its text is one line that names the field."""


class Contact(BaseModel):
    """Whom an interviewer turns to at the authority."""

    model_config = ConfigDict(frozen=True)
    name: str = Field(description="the person's name")
    role: str = Field(description="as what the person answers for the child")
    email: str | None = Field(description="the e-mail address")
    telephone: str | None = Field(description="the telephone number")


class Referral(BaseModel):
    """A referral as its provider sees it. Instants are UTC.

    `returned_at` is None while the child is away, and `owed_by` while nothing
    is owed yet; `why` says how that time was worked out. `out_of_area` is None
    where nobody has said. `contact` is None where nobody is on record.
    """

    model_config = ConfigDict(frozen=True)
    id: str = Field(description="the referral's id")
    episode_id: str = Field(description="the episode it is for")
    handed_over_at: Instant = Field(description="when it was handed over")
    returned_at: Instant | None = Field(description="when the child came back; null while the child is away")
    owed_by: Instant | None = Field(description="by when the interview is owed; null while nothing is owed yet")
    why: str = Field(description="how that time was worked out, in words")
    out_of_area: bool | None = Field(description="whether the child is placed out of area; null: nobody has said")
    state: ReferralState = Field(description="how it stands")
    written_up: bool = Field(description="whether the interview was written up")
    contact: Contact | None = Field(default=None, description="whom to ask at the authority; null: nobody is on record")


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    at: Instant = Field(description="when it happened, RFC 3339 with an offset")
    by: Words | None = Field(default=None, description="who did it")


class OfferedAnswer(_Answer):
    """The interview was offered."""

    answer: Literal["offered"] = Field(description="the interview was offered")
    channel: Words | None = Field(default=None, description="how: face to face, by telephone, in writing")
    to: Words | None = Field(default=None, description="to whom")


class AcceptedAnswer(_Answer):
    """The offer was accepted."""

    answer: Literal["accepted"] = Field(description="the offer was accepted")


class DeclinedAnswer(_Answer):
    """The offer was declined: by whom, why, and with whom that was talked over."""

    answer: Literal["declined"] = Field(description="the offer was declined")
    declined_by: Literal["child", "parent"] = Field(description="by whom")
    reason: Words = Field(description="why")
    discussed_with: Words = Field(description="with whom that was talked over")


class DelayedAnswer(_Answer):
    """The interview is delayed, and why."""

    answer: Literal["delayed"] = Field(description="the interview is delayed")
    reason: Literal[DELAY_REASONS] = Field(description="why")  # pyright: ignore[reportInvalidTypeForm] = Field(description='why')


class DoneAnswer(_Answer):
    """The interview was held: by whom, what that person is to the child, and how."""

    answer: Literal["done"] = Field(description="the interview was held")
    interviewer: Interviewer
    channel: Words = Field(description="how: face to face, by video, by telephone")
    place: Words | None = Field(default=None, description="where")
    alone: Literal["yes", "no"] | None = Field(default=None, description="whether the child was seen alone")
    follow_up: Literal["yes", "no"] | None = Field(default=None, description="whether support is needed")


class WrittenUpAnswer(_Answer):
    """The interview was written up."""

    answer: Literal["written_up"] = Field(description="the interview was written up")


ProviderAnswer = Annotated[
    OfferedAnswer | AcceptedAnswer | DeclinedAnswer | DelayedAnswer | DoneAnswer | WrittenUpAnswer,
    Field(discriminator="answer"),
]
_ANSWER: Final = TypeAdapter[ProviderAnswer](ProviderAnswer)

ANSWERS: Final[Mapping[str, type[BaseModel]]] = {
    "offered": OfferedAnswer,
    "accepted": AcceptedAnswer,
    "declined": DeclinedAnswer,
    "delayed": DelayedAnswer,
    "done": DoneAnswer,
    "written_up": WrittenUpAnswer,
}
"""What each answer says."""

BECOMES: Final[Mapping[str, FactKind]] = {
    "offered": FactKind.RHI_OFFERED,
    "accepted": FactKind.RHI_ACCEPTED,
    "declined": FactKind.RHI_DECLINED,
    "delayed": FactKind.RHI_DELAYED,
    "done": FactKind.RHI_COMPLETED,
    "written_up": FactKind.RHI_WRITTEN_UP,
}
"""The fact that each answer becomes."""


def read_answer(data: object) -> ProviderAnswer:
    """Read a provider's answer as `json.load` gives it. Raises BadInputError, one line naming the field."""
    try:
        refuse_unkeepable(data)
        return _ANSWER.validate_python(data)
    except ValidationError as error:
        where, sentence = first_error(error)
        kind, _, field = where.partition(".")
        named = field if kind in BECOMES else where
        said = sentence if named else f"answer: must be one of {', '.join(BECOMES)}"
        raise BadInputError(f"{named}: {said}" if named else said) from None
    except ValueError as error:
        raise BadInputError(str(error)) from None


def referral_id(episode_id: str, provider: str) -> str:
    """The id of a provider's referral of an episode."""
    return derived_id(episode_id, f"referral-{provider}")


class Referrals:
    """The referrals of one provider of one authority, over its store and commands."""

    def __init__(self, store: Store, policies: Policies, commands: Commands, authority: str, provider: str) -> None:
        self._store = store
        self._policies = policies
        self._commands = commands
        self._authority = authority
        self._provider = provider

    async def every(self, now: datetime) -> list[Referral]:
        """All that were handed to the provider by `now` (UTC), the first owed first, those not owed yet last."""
        async with self._store.snapshot() as session:
            handed = await episodes_handed_over(session, self._authority, now)
        found = [one for episode in handed if (one := self._as_referral(episode, now))]
        return sorted(found, key=lambda one: (one.owed_by is None, to_rfc3339(one.owed_by or now), one.id))

    async def one(self, referral: str, now: datetime) -> Referral:
        """One of the provider's own, with whom to ask. Raises NoSuchReferralError. `now` is UTC."""
        async with self._store.snapshot() as session:
            for episode in await episodes_handed_over(session, self._authority, now):
                if referral_id(episode.episode_id, self._provider) != referral:
                    continue
                if found := self._as_referral(episode, now):
                    contact = await _contact(session, self._authority, episode.child_id, now)
                    return found.model_copy(update={"contact": contact})
        raise NoSuchReferralError

    async def answer(self, referral: str, answer: ProviderAnswer, now: datetime, key: str | None = None) -> Outcome:
        """Record what the provider answers, once: the same again, or the same `key`, is one fact.

        Raises NoSuchReferralError for another provider's as for none;
        BadInputError, naming the field, for a time that has not come, and for a
        key that stands for another answer; StoreUnavailableError. `now` is UTC.
        """
        its = await self.one(referral, now)
        if answer.at > now + CLOCK_SKEW:
            raise BadInputError("at: this time lies in the future; tell it when it has happened")
        details = answer.model_dump(mode="json", exclude={"answer", "at"}, exclude_none=True)
        words = json.dumps([answer.answer, to_rfc3339(answer.at), details], sort_keys=True)
        fact = Fact(
            id=derived_id(referral, key or words),
            kind=BECOMES[answer.answer],
            at=answer.at,
            recorded_at=now,
            recorded_by=self._provider,
            source=SOURCE,
            details={**details, "by": details.get("by", self._provider)},
        )
        async with self._store.session() as session:
            there = await inbox.item(session, fact.id)
        if there is not None and not same_fact(Fact.model_validate(there.body), fact):
            raise KeyTakenError("key: it stands for another answer; send a new key with what is new")
        (outcome,) = await self._commands.record_all(its.episode_id, [fact], now)
        return outcome.model_copy(update={"again": there is not None, "recorded": None})

    def _as_referral(self, episode: ReferredEpisode, now: datetime) -> Referral | None:
        known = Known(episode.facts, now)
        handed = known.first(FactKind.REFERRED, to=self._provider)
        if handed is None:
            return None
        child = known.child(Child.reported(episode.child))
        returned = known.first(FactKind.RETURNED)
        clock = episode.clock
        return Referral(
            id=referral_id(episode.episode_id, self._provider),
            episode_id=episode.episode_id,
            handed_over_at=handed.at,
            returned_at=returned.at if returned else None,
            owed_by=clock.due if clock else None,
            why=self._why(episode),
            out_of_area=child.out_of_area,
            state=_state(known),
            written_up=known.first(FactKind.RHI_WRITTEN_UP) is not None,
        )

    def _why(self, episode: ReferredEpisode) -> str:
        """How the time was worked out, in our own words: a clock's whole reason repeats what people wrote."""
        clock = episode.clock
        if clock is None or clock.start is None or clock.due is None:
            return "Nothing is owed yet: the child is not known to be back."
        rule = self._policies.pack(episode.policy, episode.policy_version).clocks[INTERVIEW_CLOCK]
        day = " (known to the day only)" if clock.day_only else ""
        first = clock.first_due or clock.due
        said = f"{duration_in_words(rule.due).capitalize()} after {in_words(clock.start)}{day}: {in_words(first)}."
        return said if clock.first_due is None else f"{said} Extended to {in_words(clock.due)}."


def _state(known: Known) -> ReferralState:
    """How the interview stands: held, else as last answered, else offered, else handed over."""
    if known.first(FactKind.RHI_COMPLETED):
        return "done"
    offers = known.all(FactKind.RHI_OFFERED)
    accepted = [*known.all(FactKind.RHI_ACCEPTED), *known.all(FactKind.RHI_OFFERED, answer="accepted")]
    declined = [*known.all(FactKind.RHI_DECLINED), *known.all(FactKind.RHI_OFFERED, answer="declined")]
    if accepted or declined:
        last = max((*accepted, *declined), key=lambda fact: (fact.at, fact.recorded_at, fact.id))
        return "accepted" if last in accepted else "declined"
    return "offered" if offers else "handed_over"


async def _contact(session: AsyncSession, authority: str, child_id: str | None, now: datetime) -> Contact | None:
    for role in _WHO_TO_ASK:
        directory = await directory_for(session, authority, child_id, (role,), now)
        names = {person.id: person.name for person in directory.people}
        for found in directory.recipients(role, now, urgent=False):
            return Contact(
                name=names[found.person],
                role=ROLE_WORDS[role],
                email=await address(session, found.person, Channel.EMAIL),
                telephone=await address(session, found.person, Channel.SMS),
            )
    return None
