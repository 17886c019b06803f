"""The parts of a clock's rule, as data: whom it is for, what starts, meets and lifts it, when, and who is told.

Nothing here reads a file or knows an engine.
"""

from collections.abc import Iterator, Mapping
from datetime import date, time, timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    Tag,
    model_serializer,
    model_validator,
)

from workflows.fact_kinds import ABOUT_TASKS, FACTS, FactKind
from workflows.facts import Child, Fact
from workflows.vocabulary import (
    HOLDS_EITHER_WAY,
    HOLDS_WHEN_SAID,
    Channel,
    ClockKind,
    ClockState,
    Role,
    Setting,
)

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Obligation = Annotated[str, Field(pattern=r"^[OB]\d\d?$")]
WaiverState = Literal[ClockState.SUPPRESSED, ClockState.DECLINED, ClockState.NOT_NEEDED]

# A year of hours: no protocol asks for more, and a slip of the keyboard does.
LONGEST_HOURS: Final = 24 * 366
LONGEST_DAYS: Final = 366


class Part(BaseModel):
    """A part of a pack: frozen, and strict about what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Happening(Part):
    """A fact that a clock waits for: its kind and, where it matters, what it must say.

    In a pack a bare word is the kind alone, and details stand beside it:
    {fact: told, role: iro}. `requires` names details that must be there for the
    fact to count, such as the reason and the person who authorised it.
    """

    fact: FactKind
    where: dict[str, str] = Field(default_factory=dict)
    requires: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _gather_details(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"fact": given}
        if not isinstance(given, Mapping):
            return given
        own = {"fact", "where", "requires", "as", "state"}
        said: dict[str, Any] = {str(name): value for name, value in given.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        kept = {name: value for name, value in said.items() if name in own}
        where: dict[str, Any] = kept.get("where") or {}
        where |= {name: value for name, value in said.items() if name not in own and value is not None}
        return {**kept, "where": where} if where else kept

    @model_validator(mode="after")
    def _fact_can_carry_these(self) -> Self:
        if self.fact in ABOUT_TASKS:
            raise ValueError(f"no clock can ask for a '{self.fact}' fact: it says what people do with a task")
        details = FACTS[self.fact].details
        if unknown := next((name for name in (*self.where, *self.requires) if name not in details), None):
            raise ValueError(f"a '{self.fact}' fact has no '{unknown}'")
        for name, value in self.where.items():
            choices = details[name].choices
            if choices and value not in choices:
                raise ValueError(f"{name} '{value}' is unknown; use one of {', '.join(choices)}")
        return self

    @model_serializer(mode="plain")
    def _flat(self) -> Any:
        return self._as_written()

    def _as_written(self, **more: Any) -> Any:
        required = {"requires": list(self.requires)} if self.requires else {}
        beside = {**self.where, **required, **more}
        return {"fact": self.fact.value, **beside} if beside else self.fact.value

    def carried_by(self, fact: Fact) -> bool:
        """Whether a fact of this kind says all that it must to count."""
        return all(fact.details.get(name) for name in self.requires)


class Waiver(Happening):
    """A fact that lifts an obligation without meeting it, and the state the clock then shows."""

    state: WaiverState = Field(alias="as")
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_serializer(mode="plain")
    def _flat(self) -> Any:
        return self._as_written(**{"as": self.state.value})


class Fired(Part):
    """That another clock of the pack fired: the moment of its due time."""

    fired: Identifier


def _which_event(given: Any) -> str:
    fired = isinstance(given, Fired) or (isinstance(given, Mapping) and "fired" in given)
    return "clock" if fired else "happening"


Event = Annotated[Annotated[Fired, Tag("clock")] | Annotated[Happening, Tag("happening")], Discriminator(_which_event)]
"""Something a clock can start from: a fact, or another clock that fired."""


class Start(Part):
    """The moment a clock starts. Exactly one of the rules.

    earliest_of: the earliest of these, once any of `once` is known.
    latest_of: when the last of these has happened, all being known.
    first_known_of: the first of these that is known, in order of preference.
    fired: the due time of another clock of the pack, when that clock has fired.
    reaches_age: the beginning, London time, of the birthday at which the child is so old, once any of `once` is known.
    """

    earliest_of: tuple[Event, ...] = ()
    latest_of: tuple[Event, ...] = ()
    first_known_of: tuple[Event, ...] = ()
    fired: Identifier | None = None
    reaches_age: Annotated[StrictInt, Field(ge=1, le=25)] | None = None
    once: tuple[Event, ...] = ()

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        rules = (self.earliest_of, self.latest_of, self.first_known_of, self.fired, self.reaches_age)
        if sum(map(bool, rules)) != 1:
            raise ValueError("give exactly one of earliest_of, latest_of, first_known_of, fired, reaches_age")
        if self.once and not (self.earliest_of or self.reaches_age):
            raise ValueError("once: goes with earliest_of or reaches_age only")
        return self

    def waits_for(self) -> tuple[str, ...]:
        """The clocks of the pack whose firing this start looks at."""
        events = (*self.earliest_of, *self.latest_of, *self.first_known_of, *self.once)
        found = tuple(event.fired for event in events if isinstance(event, Fired))
        return (*found, self.fired) if self.fired else found


class Ages(Part):
    """Children from one age up to, and not including, another, in whole years on the day they went missing."""

    at_least: Annotated[StrictInt, Field(ge=0, le=25)] = 0
    below: Annotated[StrictInt, Field(ge=1, le=26)] = 26


class Applies(Part):
    """Which children a clock is for. What is not said in the rule does not matter.

    A circumstance that holds for every child one way or the other counts as
    applying while nobody has said; one that holds only for some counts only
    when someone has (see Child).
    """

    allocated: StrictBool | None = None
    looked_after: StrictBool | None = None
    out_of_area: StrictBool | None = None
    open_case: StrictBool | None = None
    protection_plan: StrictBool | None = None
    unaccompanied: StrictBool | None = None
    trafficking_concern: StrictBool | None = None
    court_order: StrictBool | None = None
    hosted: StrictBool | None = None
    new_to_area: StrictBool | None = None
    restricted: StrictBool | None = None
    any_of: tuple[Identifier, ...] = ()
    setting: tuple[Setting, ...] = ()
    age: Ages | None = None

    @model_validator(mode="after")
    def _any_of_what_there_is(self) -> Self:
        known = (*HOLDS_EITHER_WAY, *HOLDS_WHEN_SAID)
        if wrong := next((name for name in self.any_of if name not in known), None):
            raise ValueError(f"any_of: '{wrong}' is unknown; use some of {', '.join(known)}")
        return self

    def to(self, child: Child, on: date) -> bool:
        """Whether it applies to the child who went missing on that London day."""
        flags = (name for name in (*HOLDS_EITHER_WAY, *HOLDS_WHEN_SAID) if getattr(self, name) is not None)
        if not all(_holds(child, name) is not (not getattr(self, name)) for name in flags):
            return False
        if self.any_of and not any(_holds(child, name) is not False for name in self.any_of):
            return False
        if self.setting and child.setting is not None and child.setting not in self.setting:
            return False
        return self.age is None or _of_age(child, self.age, on)

    def unknown(self, child: Child) -> tuple[str, ...]:
        """The circumstances this asks about and nobody has told yet."""
        asked = [n for n in HOLDS_EITHER_WAY if getattr(self, n) is not None or n in self.any_of]
        asked += ["setting"] if self.setting else []
        asked += ["born"] if self.age else []
        return tuple(name for name in asked if getattr(child, name) is None)


def _holds(child: Child, name: str) -> bool | None:
    """Whether a circumstance holds; None when it may, because nobody has said."""
    is_so: bool | None = getattr(child, name)
    return bool(is_so) if name in HOLDS_WHEN_SAID else is_so


def _of_age(child: Child, ages: Ages, on: date) -> bool:
    begins, ends = child.birthday(ages.at_least), child.birthday(ages.below)
    return begins is None or ends is None or begins <= on < ends


class Overlay(Part):
    """Another start for some children."""

    when: Applies
    start: Start


class Amount(Part):
    """How long a clock runs: elapsed hours or days (of 24 hours, whatever the wall clock does), or working days.

    A working-day amount ends at `cutoff`, London time, on the last of them.
    `at_once` is no time at all.
    """

    elapsed_hours: Annotated[StrictInt, Field(ge=1, le=LONGEST_HOURS)] | None = None
    elapsed_days: Annotated[StrictInt, Field(ge=1, le=LONGEST_DAYS)] | None = None
    working_days: Annotated[StrictInt, Field(ge=1, le=LONGEST_DAYS)] | None = None
    cutoff: time | None = None
    at_once: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        given = (self.elapsed_hours, self.elapsed_days, self.working_days, self.at_once)
        if sum(value is not None for value in given) != 1:
            raise ValueError("give exactly one of elapsed_hours, elapsed_days, working_days, at_once")
        if (self.cutoff is None) is (self.working_days is not None):
            raise ValueError("cutoff: goes with working_days, and working_days needs it")
        return self

    @property
    def elapsed(self) -> timedelta | None:
        """The amount as elapsed time; None for working days."""
        if self.working_days is not None:
            return None
        return timedelta(hours=self.elapsed_hours or 0, days=self.elapsed_days or 0)

    @property
    def in_working_days(self) -> tuple[int, time]:
        """The count of working days and the London time that ends the last. Raises ValueError for elapsed time."""
        if self.working_days is None or self.cutoff is None:
            raise ValueError("this amount is elapsed time")
        return self.working_days, self.cutoff


class Offset(Part):
    """When a rung's time comes: so many elapsed hours from the clock's start or due time; negative is before."""

    of: Literal["start", "due"]
    hours: Annotated[StrictInt, Field(ge=-LONGEST_HOURS, le=LONGEST_HOURS)] = 0

    @property
    def shift(self) -> timedelta:
        """The offset as elapsed time."""
        return timedelta(hours=self.hours)


class Rung(Part):
    """One step of a clock's ladder: when, to whom, whether an answer is asked for.

    `escalates` marks a step upward, taken because something was not done. The
    person's own channels are used, unless `channel` names the one that is tried
    first; with `tray` nothing goes out, and the notice waits to be read.
    """

    rung: Identifier
    at: Offset
    role: Role
    channel: Channel | None = None
    needs_ack: StrictBool = False
    escalates: StrictBool = False
    until: Literal["settled", "acknowledged"] = "settled"
    says: str = Field(min_length=1)


class Duty(Part):
    """The task a clock puts before a role while something is owed."""

    role: Role
    do: str = Field(min_length=1)


class Citation(Part):
    """Where an obligation comes from: a document of the pack's `documents`, and the place in it."""

    document: Identifier
    section: str = Field(min_length=1)


class ClockRule(Part):
    """One obligation of a policy, as data.

    `goes_on_after_childhood`: the clock is still owed when the pack's
    `childhood_ends_at` has come.
    """

    title: str = Field(min_length=1)
    obligations: tuple[Obligation, ...] = Field(min_length=1)
    kind: ClockKind
    strength: Literal["must", "where_possible", "local"]
    applies: Applies = Applies()
    start: Start
    start_when: tuple[Overlay, ...] = ()
    due: Amount
    met_by: tuple[Happening, ...] = ()
    waived_by: tuple[Waiver, ...] = ()
    cancelled_by: tuple[Happening, ...] = ()
    ended_by: tuple[Happening, ...] = ()
    goes_on_after_childhood: StrictBool = False
    ladder: tuple[Rung, ...] = ()
    task: Duty | None = None
    source: tuple[Citation, ...] = Field(min_length=1)
    reading: str | None = None

    @model_validator(mode="after")
    def _kind_and_endings_agree(self) -> Self:
        if self.kind is ClockKind.FIRE_AT and (self.met_by or self.waived_by):
            raise ValueError("met_by: a fire_at clock happens, and is not satisfied; use cancelled_by")
        if self.kind is not ClockKind.FIRE_AT and not self.met_by:
            raise ValueError("met_by: nobody can satisfy this clock; name the fact that does")
        if self.kind is not ClockKind.FIRE_AT and self.cancelled_by:
            raise ValueError("cancelled_by: what is owed is owed whatever happens; use waived_by, or kind fire_at")
        if (self.kind is ClockKind.REVIEW) is not bool(self.ended_by):
            raise ValueError("ended_by: goes with kind review, and a review needs it")
        if self.kind is not ClockKind.FIRE_AT and self.due.at_once:
            raise ValueError("due: at_once goes with kind fire_at; what is owed needs some time")
        return self

    @model_validator(mode="after")
    def _somebody_is_asked(self) -> Self:
        if not self.ladder and not self.task:
            raise ValueError("ladder: nobody would hear of this clock; give a ladder, a task or both")
        names = [rung.rung for rung in self.ladder]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"ladder: rung '{twice}' is there twice")
        return self

    def start_for(self, child: Child, on: date) -> Start:
        """The start rule for a child gone since that London day: the first overlay that applies or may, or `start`."""
        return next((overlay.start for overlay in self.start_when if overlay.when.to(child, on)), self.start)

    def roles(self) -> frozenset[Role]:
        """Every role that the clock tells or asks."""
        return frozenset((*(rung.role for rung in self.ladder), *((self.task.role,) if self.task else ())))

    def starts(self) -> Iterator[Start]:
        """Every start rule the clock has."""
        yield self.start
        yield from (overlay.start for overlay in self.start_when)
