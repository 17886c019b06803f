"""Policy packs: the clocks of a protocol as versioned, sourced, checked data.

Reading a pack either gives a `Pack` or a `BadPack` whose one line names the
file, the clock and the field. Nothing here reads a file or knows an engine.
"""

from collections.abc import Iterator
from datetime import time, timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, model_validator

from workflows.facts import FACT_DETAILS, Child, FactKind
from workflows.instants import Day
from workflows.vocabulary import Channel, ClockKind, ClockState, Role, Setting

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
WaiverState = Literal[ClockState.SUPPRESSED, ClockState.DECLINED, ClockState.NOT_NEEDED]

# A year of hours: no protocol asks for more, and a slip of the keyboard does.
LONGEST_HOURS: Final = 24 * 366
LONGEST_DAYS: Final = 366


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _fact_alone(value: object) -> object:
    return {"fact": value} if isinstance(value, str) else value


class Happening(_Part):
    """A fact that a clock waits for: its kind and, where it matters, the details it must carry.

    `requires` names details that must be there for the fact to count, such as
    the reason and the person who authorised it.
    """

    fact: FactKind
    role: Role | None = None
    meeting: str | None = None
    requires: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fact_can_carry_these(self) -> Self:
        details = FACT_DETAILS[self.fact]
        wanted = [n for n in ("role", "meeting") if getattr(self, n) is not None]
        if unknown := next((name for name in (*wanted, *self.requires) if name not in details), None):
            raise ValueError(f"a '{self.fact}' fact has no '{unknown}'")
        choices = details["meeting"].choices if self.meeting else ()
        if self.meeting and self.meeting not in choices:
            raise ValueError(f"meeting '{self.meeting}' is unknown; use one of {', '.join(choices)}")
        return self

    @property
    def details(self) -> dict[str, str]:
        """The details a fact must match."""
        asked = {"role": self.role, "meeting": self.meeting}
        return {name: str(value) for name, value in asked.items() if value is not None}


AHappening = Annotated[Happening, BeforeValidator(_fact_alone)]


class Waiver(Happening):
    """A fact that lifts an obligation without meeting it, and the state the clock then shows."""

    state: WaiverState = Field(alias="as")
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class Start(_Part):
    """The moment a clock starts. Exactly one of the three rules.

    earliest_of: the earliest of these facts, once any of `once` is known.
    first_known_of: the first of these that is known, in order of preference.
    fired: the due time of another clock of the pack, when that clock has fired.
    """

    earliest_of: tuple[FactKind, ...] = ()
    once: tuple[FactKind, ...] = ()
    first_known_of: tuple[FactKind, ...] = ()
    fired: Identifier | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if sum(map(bool, (self.earliest_of, self.first_known_of, self.fired))) != 1:
            raise ValueError("give exactly one of earliest_of, first_known_of, fired")
        if self.once and not self.earliest_of:
            raise ValueError("once: goes with earliest_of only")
        return self


class Overlay(_Part):
    """Another start for some children."""

    when: "Applies"
    start: Start


class Applies(_Part):
    """Which children a clock is for. What is not said does not matter; what is not known about a child counts."""

    allocated: StrictBool | None = None
    looked_after: StrictBool | None = None
    out_of_area: StrictBool | None = None
    setting: tuple[Setting, ...] = ()

    def to(self, child: Child) -> bool:
        """Whether it applies; a circumstance that is not known yet counts as one that applies."""
        flags = ("allocated", "looked_after", "out_of_area")
        for name in flags:
            asked, is_so = getattr(self, name), getattr(child, name)
            if asked is not None and is_so is not None and asked is not is_so:
                return False
        return not self.setting or child.setting is None or child.setting in self.setting

    def unknown(self, child: Child) -> tuple[str, ...]:
        """The circumstances this asks about and nobody has told yet."""
        asked = [n for n in ("allocated", "looked_after", "out_of_area") if getattr(self, n) is not None]
        asked += ["setting"] if self.setting else []
        return tuple(name for name in asked if getattr(child, name) is None)


class Amount(_Part):
    """How long a clock runs: elapsed hours or days (of 24 hours, whatever the wall clock does), or working days.

    A working-day amount ends at `cutoff`, London time, on the last of them.
    """

    elapsed_hours: Annotated[StrictInt, Field(ge=1, le=LONGEST_HOURS)] | None = None
    elapsed_days: Annotated[StrictInt, Field(ge=1, le=LONGEST_DAYS)] | None = None
    working_days: Annotated[StrictInt, Field(ge=1, le=LONGEST_DAYS)] | None = None
    cutoff: time | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        given = [v for v in (self.elapsed_hours, self.elapsed_days, self.working_days) if v is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of elapsed_hours, elapsed_days, working_days")
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


class Offset(_Part):
    """When a rung's time comes: so many elapsed hours from the clock's start or due time; negative is before."""

    of: Literal["start", "due"]
    hours: Annotated[StrictInt, Field(ge=-LONGEST_HOURS, le=LONGEST_HOURS)] = 0

    @property
    def shift(self) -> timedelta:
        """The offset as elapsed time."""
        return timedelta(hours=self.hours)


class Rung(_Part):
    """One step of a clock's ladder: when, to whom, by which channel, whether an answer is asked for.

    `escalates` marks a step upward, taken because something was not done.
    """

    rung: Identifier
    at: Offset
    role: Role
    channel: Channel
    needs_ack: StrictBool = False
    escalates: StrictBool = False
    until: Literal["settled", "acknowledged"] = "settled"
    says: str = Field(min_length=1)


class Duty(_Part):
    """The task a clock puts before a role while something is owed."""

    role: Role
    do: str = Field(min_length=1)


class Citation(_Part):
    """Where an obligation comes from: a document of the pack's `documents`, and the place in it."""

    document: Identifier
    section: str = Field(min_length=1)


class ClockRule(_Part):
    """One obligation of a policy, as data."""

    title: str = Field(min_length=1)
    obligations: tuple[Annotated[str, Field(pattern=r"^[OB]\d\d?$")], ...] = Field(min_length=1)
    kind: ClockKind
    strength: Literal["must", "where_possible", "local"]
    applies: Applies = Applies()
    start: Start
    start_when: tuple[Overlay, ...] = ()
    due: Amount
    met_by: tuple[AHappening, ...] = ()
    waived_by: tuple[Waiver, ...] = ()
    cancelled_by: tuple[AHappening, ...] = ()
    ladder: tuple[Rung, ...] = Field(min_length=1)
    task: Duty | None = None
    source: tuple[Citation, ...] = Field(min_length=1)
    reading: str | None = None

    @model_validator(mode="after")
    def _kind_and_endings_agree(self) -> Self:
        if self.kind is ClockKind.DUE_BY and not self.met_by:
            raise ValueError("met_by: nobody can satisfy this clock; name the fact that does")
        if self.kind is ClockKind.DUE_BY and self.cancelled_by:
            raise ValueError("cancelled_by: a due_by clock is owed whatever happens; use waived_by, or kind fire_at")
        if self.kind is ClockKind.FIRE_AT and (self.met_by or self.waived_by):
            raise ValueError("met_by: a fire_at clock happens, and is not satisfied; use cancelled_by")
        names = [rung.rung for rung in self.ladder]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"ladder: rung '{twice}' is there twice")
        return self

    def start_for(self, child: Child) -> Start:
        """The start rule for this child: the first overlay that applies, or may apply; else `start`."""
        return next((overlay.start for overlay in self.start_when if overlay.when.to(child)), self.start)

    def starts(self) -> Iterator[Start]:
        """Every start rule the clock has."""
        yield self.start
        yield from (overlay.start for overlay in self.start_when)


class Pack(_Part):
    """A policy pack. `close_after` is how long an episode with nothing owed stays open for corrections."""

    policy: Identifier
    version: str = Field(pattern=r"^\d{4}\.\d+$")
    title: str = Field(min_length=1)
    effective_from: Day
    effective_to: Day | None = None
    calendar: Identifier
    close_after: Amount
    look_again: Amount
    documents: dict[Identifier, str] = Field(min_length=1)
    clocks: dict[Identifier, ClockRule] = Field(min_length=1)

    @model_validator(mode="after")
    def _references_lead_somewhere(self) -> Self:
        for name in ("close_after", "look_again"):
            if getattr(self, name).elapsed is None:
                raise ValueError(f"{name}: must be elapsed hours or days")
        for clock_id, rule in self.clocks.items():
            for citation in rule.source:
                if citation.document not in self.documents:
                    raise ValueError(f"clocks.{clock_id}.source: document '{citation.document}' is not in 'documents'")
            for start in rule.starts():
                self._check_fired(clock_id, start)
        return self

    def _check_fired(self, clock_id: str, start: Start) -> None:
        seen = [clock_id]
        while start.fired is not None:
            target = self.clocks.get(start.fired)
            if target is None or target.kind is not ClockKind.FIRE_AT:
                raise ValueError(f"clocks.{clock_id}.start.fired: '{start.fired}' is not a fire_at clock of this pack")
            if start.fired in seen:
                raise ValueError(f"clocks.{clock_id}.start.fired: the clocks wait for one another in a circle")
            seen.append(start.fired)
            start = target.start

    def cite(self, rule: ClockRule) -> str:
        """The rule's source in words: obligations, document titles and sections."""
        places = "; ".join(f"{self.documents[c.document]}, {c.section}" for c in rule.source)
        return f"{', '.join(rule.obligations)}: {places}"


def as_data(pack: Pack) -> dict[str, Any]:
    """The pack as JSON data that reads back as the same pack; what is not set is left out."""
    return pack.model_dump(mode="json", exclude_none=True, exclude_defaults=True, by_alias=True)
