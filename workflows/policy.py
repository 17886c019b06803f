"""Policy packs: the clocks of a protocol as versioned, sourced, checked data.

Reading a pack either gives a `Pack` or an error whose one line names the clock
and the field. Nothing here reads a file or knows an engine.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictInt, model_validator

from workflows.fact_kinds import FactKind
from workflows.instants import Day
from workflows.policy_rules import Amount, Applies, Citation, ClockRule, Identifier, Obligation, Part, Start
from workflows.vocabulary import Channel, ClockKind, Interviewer, Role, name_in_words

PolicyName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
Strength = Literal["must", "where_possible", "local"]


class RepeatRule(Part):
    """When absences of one child count as repeated: so many episodes, this one included, in so many days, or ever."""

    title: str = Field(min_length=1)
    at_least: Annotated[StrictInt, Field(ge=2, le=100)]
    within_days: Annotated[StrictInt, Field(ge=1, le=3660)] | None = None
    obligations: tuple[Obligation, ...] = Field(min_length=1)
    source: tuple[Citation, ...] = Field(min_length=1)
    reading: str | None = None


class Eligibility(Part):
    """Whether someone who is that to the child may hold the interview, and on what ground."""

    verdict: Literal["allow", "flag", "block"]
    why: str = Field(min_length=1)


class Message(Part):
    """A notice that no clock sends: what it says, and the channel that is tried first, as for a rung."""

    says: str = Field(min_length=1)
    channel: Channel | None = None
    obligations: tuple[Obligation, ...] = Field(min_length=1)
    source: tuple[Citation, ...] = Field(min_length=1)


class Chase(Part):
    """What happens when nobody answers, or a task is overdue: how long each step is given, and who stands above whom.

    `unanswered_after_minutes` is for what was sent while the child was away,
    `unanswered_after_return_minutes` for the rest. `upward` leads from a role to
    the one that answers for it.
    """

    unanswered_after_minutes: Annotated[StrictInt, Field(ge=1, le=1440)]
    unanswered_after_return_minutes: Annotated[StrictInt, Field(ge=1, le=10080)]
    unanswered_says: str = Field(min_length=1)
    overdue_again_after_hours: Annotated[StrictInt, Field(ge=1, le=720)]
    overdue_says: str = Field(min_length=1)
    undelivered_says: str = Field(min_length=1)
    upward: dict[Role, Role] = Field(min_length=1)
    obligations: tuple[Obligation, ...] = Field(min_length=1)
    source: tuple[Citation, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ends_somewhere(self) -> Self:
        for role in self.upward:
            seen, at = {role}, self.upward.get(role)
            while at is not None:
                if at in seen:
                    raise ValueError(f"upward.{role}: leads round in a circle")
                seen.add(at)
                at = self.upward.get(at)
        return self

    def unanswered_after(self, *, away: bool) -> timedelta:
        """How long one step waits for an answer, in elapsed time; `away`: the child was when it was sent."""
        return timedelta(minutes=self.unanswered_after_minutes if away else self.unanswered_after_return_minutes)

    @property
    def overdue_again_after(self) -> timedelta:
        """How long lies between two steps upward of an overdue task, in elapsed time."""
        return timedelta(hours=self.overdue_again_after_hours)

    def above(self, role: Role) -> tuple[Role, ...]:
        """The roles above a role, the nearest first."""
        found: list[Role] = []
        while (role_above := self.upward.get(role)) is not None:
            found.append(role_above)
            role = role_above
        return tuple(found)


class Prompt(Part):
    """What to ask, say or think of at a moment: shown beside a clock, or after a fact; `items` by their letters."""

    title: str = Field(min_length=1)
    applies: Applies = Applies()
    beside: tuple[Identifier, ...] = ()
    after: tuple[FactKind, ...] = ()
    obligations: tuple[Obligation, ...] = Field(min_length=1)
    source: tuple[Citation, ...] = Field(min_length=1)
    items: dict[str, str] = Field(min_length=1)

    @model_validator(mode="after")
    def _shown_somewhere(self) -> Self:
        if not self.beside and not self.after:
            raise ValueError("beside: nobody would see this prompt; give the clocks or facts it is shown with")
        return self


class Pack(Part):
    """A policy pack.

    `close_after` is how long an episode with nothing owed stays open for
    corrections; `look_again` how often a provisional date asks for a newer
    calendar. `floor` marks a pack whose clocks no pack that extends it may
    loosen. `photographs_fresh_for` is how old the photographs kept of a child
    may grow. `two_people_for` names the strengths of clocks on which one person
    alone may not rule. `return_notice` goes to everyone who was told of the
    absence, `correction_notice` to whoever was told what was not so,
    `suppression_notice` to whoever was chased for what somebody then lifted.
    `chase` says what happens when nobody answers; without it, nothing does.
    """

    policy: PolicyName
    version: str = Field(pattern=r"^\d{4}\.\d+$")
    title: str = Field(min_length=1)
    extends: tuple[PolicyName, ...] = ()
    floor: bool = False
    effective_from: Day
    effective_to: Day | None = None
    calendar: Identifier
    close_after: Amount
    look_again: Amount
    childhood_ends_at: Annotated[StrictInt, Field(ge=16, le=25)] | None = None
    photographs_fresh_for: Amount | None = None
    two_people_for: tuple[Strength, ...] = ()
    documents: dict[Identifier, str] = Field(min_length=1)
    interviewers: dict[Interviewer, Eligibility] = Field(default_factory=dict[Interviewer, Eligibility])
    repeats: dict[Identifier, RepeatRule] = Field(default_factory=dict[Identifier, RepeatRule])
    return_notice: Message | None = None
    correction_notice: Message | None = None
    suppression_notice: Message | None = None
    chase: Chase | None = None
    prompts: dict[Identifier, Prompt] = Field(default_factory=dict[Identifier, Prompt])
    clocks: dict[Identifier, ClockRule] = Field(min_length=1)

    def title_of(self, clock_id: str) -> str:
        """What a clock is called; one that is not in this pack by its own name."""
        rule = self.clocks.get(clock_id)
        return rule.title if rule else name_in_words(clock_id)

    @model_validator(mode="after")
    def _references_lead_somewhere(self) -> Self:
        for name in ("close_after", "look_again", "photographs_fresh_for"):
            amount: Amount | None = getattr(self, name)
            if amount is not None and amount.elapsed is None:
                raise ValueError(f"{name}: must be elapsed hours or days")
        for clock_id, rule in self.clocks.items():
            self._check_source(f"clocks.{clock_id}", rule.source)
            for start in rule.starts():
                self._check_clocks(clock_id, start, (clock_id,))
        for repeat_id, repeat in self.repeats.items():
            self._check_source(f"repeats.{repeat_id}", repeat.source)
        if self.chase:
            self._check_source("chase", self.chase.source)
        for prompt_id, prompt in self.prompts.items():
            self._check_source(f"prompts.{prompt_id}", prompt.source)
            if unknown := next((clock for clock in prompt.beside if clock not in self.clocks), None):
                raise ValueError(f"prompts.{prompt_id}.beside: '{unknown}' is not a clock of this pack")
        return self

    def _check_source(self, where: str, source: tuple[Citation, ...]) -> None:
        for citation in source:
            if citation.document not in self.documents:
                raise ValueError(f"{where}.source: document '{citation.document}' is not in 'documents'")

    def _check_clocks(self, clock_id: str, start: Start, seen: tuple[str, ...]) -> None:
        for wanted in start.waits_for():
            target = self.clocks.get(wanted)
            if target is None or target.kind is not ClockKind.FIRE_AT:
                raise ValueError(f"clocks.{clock_id}.start.fired: '{wanted}' is not a fire_at clock of this pack")
            if wanted in seen:
                raise ValueError(f"clocks.{clock_id}.start.fired: the clocks wait for one another in a circle")
            for deeper in target.starts():
                self._check_clocks(clock_id, deeper, (*seen, wanted))

    def cite(self, rule: ClockRule | Prompt | RepeatRule | Message | Chase) -> str:
        """The rule's source in words: obligations, document titles and sections."""
        places = "; ".join(f"{self.documents[c.document]}, {c.section}" for c in rule.source)
        return f"{', '.join(rule.obligations)}: {places}"

    def needs_two_people(self, clock_id: str) -> bool:
        """Whether one person alone may not rule on this clock."""
        return self.clocks[clock_id].strength in self.two_people_for


def as_data(pack: Pack) -> dict[str, Any]:
    """The pack as JSON data that reads back as the same pack; what is not set is left out."""
    return pack.model_dump(mode="json", exclude_none=True, exclude_defaults=True, by_alias=True)


def for_episodes(pack: Pack) -> Pack:
    """The pack without what only people read: an episode carries the rest in its history."""
    return pack.model_copy(update={"prompts": {}, "photographs_fresh_for": None})
