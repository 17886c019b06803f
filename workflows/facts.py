"""Facts, and an episode's state as a fold of them.

A fact says that something happened. Facts are only ever added: a correction is
a fact that replaces or withdraws an earlier one. The fold looks at the set of
facts, never at the order in which they arrived.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator

from workflows.fact_kinds import ABOUT_TASKS, FACTS, OTHER_NAMES, YES_NO, Detail, FactKind
from workflows.instants import Day, Instant, in_words, london_day, parse_day, parse_instant
from workflows.names import SIGNAL_FACT, SIGNAL_FOUND, SIGNAL_REPORTED, SIGNAL_RHI_DONE
from workflows.plain_errors import refuse_unkeepable
from workflows.vocabulary import HOLDS_EITHER_WAY, HOLDS_WHEN_SAID, ROLE_WORDS, EpisodeStatus, Role, Setting

_ROLES: Final = tuple(Role)

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far ahead of ours another machine's clock may run before its fact is called a fact of the future."""

FactId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


COMMON_FIELDS: Final = ("id", "kind", "at", "known_to", "recorded_at", "recorded_by", "source", "replaces", "note")


class Child(BaseModel):
    """What the rules ask about a child. None is 'not known yet'.

    `born`, `allocated`, `looked_after`, `out_of_area` and `setting` hold for
    every child one way or the other: while nobody has said, the case that owes
    more is taken. The others hold only when someone says so: `open_case` (an
    assessment, enquiry, child in need or protection plan), `protection_plan`,
    `unaccompanied` (seeking asylum), `trafficking_concern`, `court_order` (a
    curfew or bail, so that the absence is an absconding), `hosted` (another
    authority's child, missing here), `new_to_area`, `restricted` (whereabouts
    on a need-to-know basis).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    born: Day | None = Field(default=None, description="the date of birth")
    allocated: StrictBool | None = Field(default=None, description="has an allocated social worker")
    looked_after: StrictBool | None = Field(default=None, description="is looked after by an authority")
    out_of_area: StrictBool | None = Field(
        default=None, description="is placed outside the responsible authority's area"
    )
    setting: Setting | None = Field(default=None, description="where the child lives")
    open_case: StrictBool | None = Field(default=None, description="has an open case with children's services")
    protection_plan: StrictBool | None = Field(default=None, description="is on a child protection plan")
    unaccompanied: StrictBool | None = Field(default=None, description="seeks asylum alone: need-to-know")
    trafficking_concern: StrictBool | None = Field(default=None, description="may have been trafficked: need-to-know")
    court_order: StrictBool | None = Field(
        default=None, description="is under a curfew, on bail, or under another order of a court"
    )
    hosted: StrictBool | None = Field(default=None, description="is another authority's child, placed here")
    new_to_area: StrictBool | None = Field(default=None, description="has come from another area")
    restricted: StrictBool | None = Field(
        default=None, description="only those close to the child may see more than that there is an episode"
    )
    host_authority: Words | None = Field(default=None, description="the authority in whose area the child is placed")
    host_force: Words | None = Field(default=None, description="the police force there")

    @classmethod
    def reported(cls, said: Mapping[str, object]) -> Self:
        """The circumstances in what a report says of a child, which also says its reference. Raises ValidationError."""
        return cls.model_validate({name: value for name, value in said.items() if name in cls.model_fields})

    @property
    def need_to_know(self) -> bool:
        """Whether only those who need to may know where the child is, as far as anybody has said.

        So it is for a child who may have been trafficked, as one is who seeks
        asylum alone, and where somebody has restricted it (O36, S4 section 8).
        """
        return bool(self.restricted or self.trafficking_concern or self.unaccompanied)

    def birthday(self, age: int) -> date | None:
        """The day on which the child reaches an age; None while the date of birth is not known.

        Someone born on 29 February comes of age on 1 March of a common year.
        """
        if self.born is None:
            return None
        try:
            return self.born.replace(year=self.born.year + age)
        except ValueError:
            return date(self.born.year + age, 3, 1)


class Fact(BaseModel):
    """Something that happened: when, as recorded when, by whom, from which source.

    Outside, a fact's details stand beside its other fields
    ({"kind": "told", "at": ..., "role": "iro"}); `details` gathers them.
    All instants are UTC. `replaces` names the fact this one corrects. Where
    `known_to` is 'day', only the London day of `at` is known: its time is the
    one that was chosen to stand for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: FactId = Field(description="its id")
    kind: FactKind
    at: Instant = Field(description="when it happened")
    known_to: Literal["minute", "day"] = Field(
        default="minute",
        exclude_if=lambda known: known == "minute",
        description="`day`: only the London day of `at` is known, and its time stands for it",
    )
    recorded_at: Instant = Field(description="when it was recorded")
    recorded_by: Words = Field(default="not said", description="who recorded it")
    source: Words = Field(default="not said", description="whence it came")
    replaces: FactId | None = Field(default=None, description="the id of the fact that it corrects")
    note: Words | None = Field(default=None, description="what else was said, in free words")
    details: dict[str, str] = Field(default_factory=dict, description="what facts of its kind say besides")

    @model_validator(mode="after")
    def _details_fit_the_kind(self) -> Self:
        check_details(self.kind, self.details)
        if self.kind is FactKind.TASK_NOTED and self.note is None:
            raise ValueError(f"note: a '{self.kind}' fact must say this")
        return self

    @property
    def corrects(self) -> str | None:
        """The id of the fact that this one takes out of force, if it does."""
        return self.details["fact"] if self.kind is FactKind.WITHDRAWN else self.replaces

    @property
    def day_only(self) -> bool:
        """Whether the day is known on which it happened, and not the time."""
        return self.known_to == "day"

    def in_words(self) -> str:
        """What happened, for a sentence: 'told (independent reviewing officer)'."""
        return words_of(self.kind, self.details)


def words_of(kind: FactKind, details: Mapping[str, str]) -> str:
    """What a fact says, in a few words: its kind, and whatever it says that is one of several choices."""
    about: list[str] = []
    # In the order of the kind's own details: what a database gives back may be in any.
    order = list(FACTS[kind].details)
    for name, value in sorted(details.items(), key=lambda one: order.index(one[0]) if one[0] in order else len(order)):
        choices = FACTS[kind].details[name].choices if name in FACTS[kind].details else ()
        if name == "view":
            about.append(f"{value}'s view")
        elif choices == YES_NO:
            about.append(f"{'' if value == 'yes' else 'not '}{name}".replace("_", " "))
        elif choices == _ROLES:
            about.append(ROLE_WORDS[Role(value)])
        elif name == "person":
            about.append(value)
        elif choices or name in ("clock", "rule", "task"):
            about.append(value.replace("_", " "))
    return FACTS[kind].words + (f" ({', '.join(about)})" if about else "")


def check_details(kind: FactKind, details: Mapping[str, object]) -> None:
    """Raise ValueError, naming the field, when details do not fit the kind of fact."""
    allowed = FACTS[kind].details
    for name, value in details.items():
        if name not in allowed:
            fields = ", ".join([*allowed, "note", "source", "recorded_by"])
            raise ValueError(f"{name}: a '{kind}' fact has no such field; it may have {fields}")
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{name}: must be text, and not empty")
        try:
            _check_form(allowed[name], value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    for name, detail in allowed.items():
        if detail.required and name not in details:
            choices = f" ({', '.join(detail.choices)})" if detail.choices else ""
            raise ValueError(f"{name}: a '{kind}' fact must say this{choices}")


def _check_form(detail: Detail, value: str) -> None:
    """Raise ValueError when a detail is not written in its form, or says what it may not."""
    if detail.form == "day":
        parse_day(value)
    elif detail.form == "instant":
        parse_instant(value)
    if detail.longest is not None and len(value.strip()) > detail.longest:
        raise ValueError(f"must have {detail.longest} characters at most")
    said = value.split(",") if detail.form == "many" else [value]
    wrong = [one.strip() for one in said if detail.choices and one.strip() not in detail.choices]
    if wrong:
        how_many = "some" if detail.form == "many" else "one"
        raise ValueError(f"'{wrong[0]}' is unknown; use {how_many} of {', '.join(detail.choices)}")


def fact_from_outside(data: object, **defaults: object) -> Fact:
    """Read a fact written flat, as people and systems send it.

    `defaults` fill fields that were not given (id, recorded_at...). Raises
    ValueError or pydantic.ValidationError, each naming the field.
    """
    if not isinstance(data, Mapping):
        raise ValueError("a fact must be an object with at least 'kind' and 'at'")
    refuse_unkeepable(cast("object", data))
    given: dict[str, Any] = {str(key): value for key, value in data.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    written = given.get("kind")
    if not isinstance(written, str):
        raise ValueError("kind: must say what happened, such as 'located'")
    if written not in (*FactKind, *OTHER_NAMES):
        raise ValueError(f"kind: '{written}' is unknown; use one of {', '.join(FactKind)}")
    kind = OTHER_NAMES.get(written) or FactKind(written)
    common = {name: value for name, value in given.items() if name in COMMON_FIELDS}
    details = {name: value for name, value in given.items() if name not in COMMON_FIELDS}
    check_details(kind, details)
    if "at" not in common:
        raise ValueError("at: must say when it happened, as a time with an offset")
    if "recorded_at" not in common and "recorded_at" not in defaults:
        defaults["recorded_at"] = common["at"]
    return Fact.model_validate({**defaults, **common, "kind": kind, "details": details})


FACT_SIGNALS: Final[Mapping[str, FactKind | None]] = {
    SIGNAL_REPORTED: FactKind.REPORTED,
    SIGNAL_FOUND: FactKind.LOCATED,
    SIGNAL_RHI_DONE: FactKind.RHI_COMPLETED,
    SIGNAL_FACT: None,
}
"""The signals that carry a fact, and of which kind where the signal's name says it."""


def said_by_signal(signal: str, data: object) -> dict[str, object]:
    """The fact that a signal carries, written flat. Raises ValueError unless that is one object."""
    if not isinstance(data, dict):
        raise ValueError("the signal must carry one object")
    said, kind = cast("dict[str, object]", data), FACT_SIGNALS[signal]
    return {**said, "kind": kind.value} if kind else said


class Segment(BaseModel):
    """A stretch of an absence in one category: absent, away or missing. Instants are UTC; `until` None is 'still'."""

    model_config = ConfigDict(frozen=True)
    category: str = Field(description="absent, away or missing")
    since: Instant = Field(description="since when")
    until: Instant | None = Field(description="until when; null: still")


class Known:
    """What is known of an episode at a moment: the facts in force by then, in order of time."""

    def __init__(self, facts: Iterable[Fact], as_of: datetime) -> None:
        """Take the facts in force among `facts`, leaving out those that lie after `as_of` (UTC)."""
        everything = list(facts)
        corrected = {fact.corrects for fact in everything}
        self.facts: tuple[Fact, ...] = tuple(
            sorted(
                (f for f in everything if f.id not in corrected and f.at <= as_of and f.kind is not FactKind.WITHDRAWN),
                key=lambda fact: (fact.at, fact.recorded_at, fact.id),
            )
        )
        self.as_of = as_of

    def all(self, kind: FactKind, **details: str) -> tuple[Fact, ...]:
        """Every fact in force of that kind whose details say at least `details`, earliest first."""
        return tuple(f for f in self.facts if f.kind is kind and details.items() <= f.details.items())

    def first(self, kind: FactKind, **details: str) -> Fact | None:
        """The earliest such fact, or None."""
        return next(iter(self.all(kind, **details)), None)

    def earliest(self, kinds: Iterable[FactKind]) -> Fact | None:
        """The earliest fact of any of the kinds, or None."""
        wanted = frozenset(kinds)
        return next((fact for fact in self.facts if fact.kind in wanted), None)

    def categories(self, view: str | None = None) -> tuple["Segment", ...]:
        """The absence as dated segments, in the authority's or the police's view; all views together when None.

        A report to the police makes a child missing in every view (S4 section
        2); a category with no view is the authority's own. Segments end when
        the child is located or returned.
        """
        ended = self.earliest((FactKind.LOCATED, FactKind.RETURNED))
        turns: list[tuple[datetime, str]] = []
        for fact in self.facts:
            if fact.kind is FactKind.REPORTED:
                turns.append((fact.at, "missing"))
            elif fact.kind is FactKind.CATEGORISED and view in (None, fact.details.get("view", "authority")):
                turns.append((fact.at, fact.details["category"]))
        segments: list[Segment] = []
        for number, (since, category) in enumerate(turns):
            until = turns[number + 1][0] if number + 1 < len(turns) else (ended.at if ended else None)
            if segments and segments[-1].category == category:
                segments[-1] = segments[-1].model_copy(update={"until": until})
            else:
                segments.append(Segment(category=category, since=since, until=until))
        return tuple(segments)

    def status(self) -> EpisodeStatus:
        """Where the child is, as the facts say: absent until reported to the police, then missing (S4 section 2).

        The authority's own view of the category counts; the police's stands beside it.
        """
        for kind, status in _ENDINGS.items():
            if self.first(kind):
                return status
        segments = self.categories("authority")
        return EpisodeStatus(segments[-1].category) if segments else EpisodeStatus.ABSENT

    def status_since(self) -> datetime | None:
        """When the episode came to stand so (UTC); None when no fact says."""
        if ending := next((fact for kind in _ENDINGS if (fact := self.first(kind))), None):
            return ending.at
        if segments := self.categories("authority"):
            return segments[-1].since
        first = next((fact for fact in self.facts if fact.kind not in ABOUT_TASKS), None)
        return first.at if first else None

    def missing_since(self) -> datetime | None:
        """The earliest moment from which the child was gone (UTC), by whatever is known; None when nothing is."""
        fact = self.earliest(GONE_BY)
        return fact.at if fact else None

    def only_reported(self) -> bool:
        """Whether that moment is a report's, and nobody said when the child was last seen or noticed to be gone."""
        return self.missing_since() is not None and self.earliest(_GONE_BEFORE_A_REPORT) is None

    def child(self, at_start: Child) -> Child:
        """The child's circumstances: those given at the start, as later 'described' facts amend them."""
        amended: dict[str, object] = at_start.model_dump()
        for fact in self.all(FactKind.DESCRIBED):
            for name, value in fact.details.items():
                amended[name] = value == "yes" if name in _HOLDS_OR_NOT else value
        return Child.model_validate(amended)


_HOLDS_OR_NOT: Final = frozenset((*HOLDS_EITHER_WAY, *HOLDS_WHEN_SAID))

_GONE_BEFORE_A_REPORT: Final = (FactKind.LAST_SEEN, FactKind.NOTICED)

GONE_BY: Final = (*_GONE_BEFORE_A_REPORT, FactKind.REPORTED, FactKind.AUTHORITY_TOLD)
"""The facts that say from when a child was gone."""

_ENDINGS: Final = {
    FactKind.DIED: EpisodeStatus.DECEASED,
    FactKind.RECORDED_IN_ERROR: EpisodeStatus.RECORDED_IN_ERROR,
    FactKind.MERGED: EpisodeStatus.MERGED,
    FactKind.RETURNED: EpisodeStatus.RETURNED,
    FactKind.LOCATED: EpisodeStatus.LOCATED,
}
"""The facts that end an absence and how the episode then stands, the most decisive first."""

_FOUND = (FactKind.LOCATED, FactKind.RETURNED)
_INTERVIEWED = (FactKind.RHI_STARTED, FactKind.RHI_COMPLETED)


def impossibility(fact: Fact, others: Iterable[Fact], child: Child, now: datetime) -> str | None:
    """Why this fact cannot be true beside the others, in one line that names the field; None when it can.

    `now` is UTC. `others` are the facts already recorded, whatever their order.
    """
    if fact.at > now + CLOCK_SKEW:
        return f"at: {in_words(fact.at)} lies in the future; record it when it has happened"
    recorded = list(others)
    if refusal := _impossible_correction(fact, recorded) or _impossible_detail(fact, recorded):
        return refusal
    known = Known([*(f for f in recorded if f.id != fact.id), fact], max(now, fact.at))
    born = known.child(child).born
    if born and (early := next((f for f in (fact, *known.facts) if london_day(f.at) < born), None)):
        return f"at: {early.in_words()} on {in_words(early.at)} is before the child was born ({born.isoformat()})"
    return _out_of_order(fact, known, FactKind.LAST_SEEN, _FOUND) or _out_of_order(
        fact, known, None, _INTERVIEWED, needs=_FOUND
    )


def _out_of_order(
    fact: Fact,
    known: Known,
    before: FactKind | None,
    after: tuple[FactKind, ...],
    needs: tuple[FactKind, ...] = (),
) -> str | None:
    """Refuse `fact` when it puts something of `after` ahead of what must come first."""
    firsts = known.all(before) if before else tuple(f for f in [known.earliest(needs)] if f)
    for first in firsts:
        for later in known.facts:
            if later.kind in after and later.at < first.at and fact in (first, later):
                return (
                    f"at: {later.in_words()} on {in_words(later.at)} cannot come before "
                    f"{first.in_words()} on {in_words(first.at)}"
                )
    return None


def _impossible_detail(fact: Fact, recorded: list[Fact]) -> str | None:
    for name in ("review_by", "until"):
        if name in fact.details and parse_instant(fact.details[name]) <= fact.at:
            return f"{name}: must come after {in_words(fact.at)}, when this was decided"
    if fact.kind is FactKind.ACTION_DONE and not any(
        f.id == fact.details["action"] and f.kind is FactKind.ACTION_AGREED for f in recorded
    ):
        return f"action: no agreed action '{fact.details['action']}' is recorded in this episode"
    return None


def _impossible_correction(fact: Fact, recorded: list[Fact]) -> str | None:
    target_id = fact.corrects
    if target_id is None:
        return None
    field = "fact" if fact.kind is FactKind.WITHDRAWN else "replaces"
    target = next((f for f in recorded if f.id == target_id), None)
    if target is None or target.id == fact.id:
        return f"{field}: no fact '{target_id}' is recorded in this episode"
    if target.kind is FactKind.WITHDRAWN:
        return f"{field}: a withdrawal cannot be corrected; record the fact again instead"
    if fact.kind not in (FactKind.WITHDRAWN, target.kind):
        return f"{field}: a '{target.kind}' fact can only be replaced by another; withdraw it and record the right one"
    if any(f.corrects == target_id and f.id != fact.id for f in recorded):
        return f"{field}: fact '{target_id}' has already been corrected"
    return None


def same_fact(one: Fact, other: Fact) -> bool:
    """Whether two facts with one id say the same happened, so that the second is a repeat and not a contradiction."""
    said = {"kind", "at", "details", "replaces"}
    return one.model_dump(include=said) == other.model_dump(include=said)
