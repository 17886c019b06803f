"""Facts, and an episode's state as a fold of them.

A fact says that something happened. Facts are only ever added: a correction is
a fact that replaces or withdraws an earlier one. The fold looks at the set of
facts, never at the order in which they arrived.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator

from workflows.instants import Day, Instant, in_words, london_day, parse_day
from workflows.vocabulary import EpisodeStatus, Role, Setting

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far ahead of ours another machine's clock may run before its fact is called a fact of the future."""

FactId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


class FactKind(StrEnum):
    """What can happen in an episode."""

    LAST_SEEN = "last_seen"
    NOTICED = "noticed"
    REPORTED = "reported"
    AUTHORITY_TOLD = "authority_told"
    DESCRIBED = "described"
    CATEGORISED = "categorised"
    RISK_ASSESSED = "risk_assessed"
    LOCATED = "located"
    RETURNED = "returned"
    REFERRED = "referred"
    PREVENTION_CHECK = "prevention_check"
    RHI_OFFERED = "rhi_offered"
    RHI_DECLINED = "rhi_declined"
    RHI_STARTED = "rhi_started"
    RHI_COMPLETED = "rhi_completed"
    RHI_SHARED = "rhi_shared"
    TOLD = "told"
    NOT_TOLD = "not_told"
    VISITED = "visited"
    MEETING_HELD = "meeting_held"
    MEETING_NOT_NEEDED = "meeting_not_needed"
    ACKNOWLEDGED = "acknowledged"
    WITHDRAWN = "withdrawn"


FACT_WORDS: dict[FactKind, str] = {
    FactKind.LAST_SEEN: "last seen",
    FactKind.NOTICED: "noticed to be gone",
    FactKind.REPORTED: "reported to the police",
    FactKind.AUTHORITY_TOLD: "authority told",
    FactKind.DESCRIBED: "child's circumstances recorded",
    FactKind.CATEGORISED: "absence categorised",
    FactKind.RISK_ASSESSED: "risk assessed",
    FactKind.LOCATED: "located",
    FactKind.RETURNED: "returned",
    FactKind.REFERRED: "referred for an interview",
    FactKind.PREVENTION_CHECK: "prevention check recorded",
    FactKind.RHI_OFFERED: "return home interview offered",
    FactKind.RHI_DECLINED: "return home interview declined",
    FactKind.RHI_STARTED: "return home interview started",
    FactKind.RHI_COMPLETED: "return home interview completed",
    FactKind.RHI_SHARED: "return home interview shared",
    FactKind.TOLD: "told",
    FactKind.NOT_TOLD: "not told",
    FactKind.VISITED: "visited",
    FactKind.MEETING_HELD: "meeting held",
    FactKind.MEETING_NOT_NEEDED: "meeting recorded as not needed",
    FactKind.ACKNOWLEDGED: "notice acknowledged",
    FactKind.WITHDRAWN: "earlier fact withdrawn",
}

OTHER_NAMES: dict[str, FactKind] = {"found": FactKind.LOCATED, "rhi_done": FactKind.RHI_COMPLETED}
"""Names that systems and people also use, and the fact each one means."""

_KIND_BY_NAME: dict[str, FactKind] = {kind.value: kind for kind in FactKind}


class Detail(BaseModel):
    """One detail a kind of fact may carry: whether it must be there, and what it may say."""

    model_config = ConfigDict(frozen=True)
    required: bool = False
    choices: tuple[str, ...] = ()


def _one_of(*choices: str, required: bool = False) -> Detail:
    return Detail(required=required, choices=choices)


_TEXT = Detail()
_YES_NO = _one_of("yes", "no")
_A_ROLE = _one_of(*Role, required=True)
_MEETINGS = _one_of("strategy", "planning", "return", required=True)

FACT_DETAILS: dict[FactKind, Mapping[str, Detail]] = {
    FactKind.LAST_SEEN: {"by": _TEXT, "place": _TEXT},
    FactKind.NOTICED: {"by": _TEXT},
    FactKind.REPORTED: {"by": _TEXT, "force": _TEXT, "police_ref": _TEXT},
    FactKind.AUTHORITY_TOLD: {"by": _TEXT, "to": _TEXT},
    FactKind.DESCRIBED: {
        "born": _TEXT,
        "allocated": _YES_NO,
        "looked_after": _YES_NO,
        "out_of_area": _YES_NO,
        "setting": _one_of(*Setting),
    },
    FactKind.CATEGORISED: {"category": _one_of("absent", "away", "missing", required=True), "by": _TEXT},
    FactKind.RISK_ASSESSED: {"scheme": _TEXT, "grade": _TEXT, "reason": _TEXT, "by": _TEXT},
    FactKind.LOCATED: {"by": _TEXT, "place": _TEXT},
    FactKind.RETURNED: {"by": _TEXT, "place": _TEXT},
    FactKind.REFERRED: {"by": _TEXT, "to": _TEXT},
    FactKind.PREVENTION_CHECK: {"outcome": _one_of("done", "exception", "not_done"), "reason": _TEXT, "by": _TEXT},
    FactKind.RHI_OFFERED: {"by": _TEXT, "channel": _TEXT},
    FactKind.RHI_DECLINED: {"by": _TEXT, "reason": _TEXT},
    FactKind.RHI_STARTED: {"by": _TEXT},
    FactKind.RHI_COMPLETED: {"by": _TEXT, "alone": _YES_NO},
    FactKind.RHI_SHARED: {"by": _TEXT, "with": _TEXT},
    FactKind.TOLD: {"role": _A_ROLE, "by": _TEXT, "channel": _TEXT},
    FactKind.NOT_TOLD: {"role": _A_ROLE, "reason": _TEXT, "authorised_by": _TEXT},
    FactKind.VISITED: {"by": _TEXT},
    FactKind.MEETING_HELD: {"meeting": _MEETINGS, "by": _TEXT, "decision": _TEXT},
    FactKind.MEETING_NOT_NEEDED: {"meeting": _MEETINGS, "reason": _TEXT, "authorised_by": _TEXT},
    FactKind.ACKNOWLEDGED: {
        "clock": Detail(required=True),
        "role": _A_ROLE,
        "by": _TEXT,
    },
    FactKind.WITHDRAWN: {"fact": Detail(required=True), "reason": _TEXT},
}

COMMON_FIELDS: Final = ("id", "kind", "at", "recorded_at", "recorded_by", "source", "replaces", "note")


class Child(BaseModel):
    """What the rules ask about a child. None is 'not known yet', and is treated as the case that owes more."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    born: Day | None = None
    allocated: StrictBool | None = None
    looked_after: StrictBool | None = None
    out_of_area: StrictBool | None = None
    setting: Setting | None = None


class Fact(BaseModel):
    """Something that happened: when, as recorded when, by whom, from which source.

    Outside, a fact's details stand beside its other fields
    ({"kind": "told", "at": ..., "role": "iro"}); `details` gathers them.
    All instants are UTC. `replaces` names the fact this one corrects.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: FactId
    kind: FactKind
    at: Instant
    recorded_at: Instant
    recorded_by: Words = "not said"
    source: Words = "not said"
    replaces: FactId | None = None
    note: Words | None = None
    details: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _details_fit_the_kind(self) -> Self:
        check_details(self.kind, self.details)
        return self

    @property
    def corrects(self) -> str | None:
        """The id of the fact that this one takes out of force, if it does."""
        return self.details["fact"] if self.kind is FactKind.WITHDRAWN else self.replaces

    def in_words(self) -> str:
        """What happened, for a sentence: 'independent reviewing officer told' is 'told (iro)'."""
        about = self.details.get("role") or self.details.get("meeting")
        return FACT_WORDS[self.kind] + (f" ({about})" if about else "")


def check_details(kind: FactKind, details: Mapping[str, object]) -> None:
    """Raise ValueError, naming the field, when details do not fit the kind of fact."""
    allowed = FACT_DETAILS[kind]
    for name, value in details.items():
        if name not in allowed:
            fields = ", ".join([*allowed, "note", "source", "recorded_by"])
            raise ValueError(f"{name}: a '{kind}' fact has no such field; it may have {fields}")
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{name}: must be text, and not empty")
        if allowed[name].choices and value not in allowed[name].choices:
            raise ValueError(f"{name}: '{value}' is unknown; use one of {', '.join(allowed[name].choices)}")
        if name == "born":
            try:
                parse_day(value)
            except ValueError as error:
                raise ValueError(f"born: {error}") from None
    for name, detail in allowed.items():
        if detail.required and name not in details:
            raise ValueError(f"{name}: a '{kind}' fact must say this")


def fact_from_outside(data: object, **defaults: object) -> Fact:
    """Read a fact written flat, as people and systems send it.

    `defaults` fill fields that were not given (id, recorded_at...). Raises
    ValueError or pydantic.ValidationError, each naming the field.
    """
    if not isinstance(data, Mapping):
        raise ValueError("a fact must be an object with at least 'kind' and 'at'")
    given: dict[str, Any] = {str(key): value for key, value in data.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    written = given.get("kind")
    if not isinstance(written, str):
        raise ValueError("kind: must say what happened, such as 'located'")
    kind = OTHER_NAMES.get(written) or _KIND_BY_NAME.get(written)
    if kind is None:
        raise ValueError(f"kind: '{written}' is unknown; use one of {', '.join(FactKind)}")
    common = {name: value for name, value in given.items() if name in COMMON_FIELDS}
    details = {name: value for name, value in given.items() if name not in COMMON_FIELDS}
    check_details(kind, details)
    if "at" not in common:
        raise ValueError("at: must say when it happened, as a time with an offset")
    if "recorded_at" not in common and "recorded_at" not in defaults:
        defaults["recorded_at"] = common["at"]
    return Fact.model_validate({**defaults, **common, "kind": kind, "details": details})


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

    def status(self) -> EpisodeStatus:
        """Where the child is, as the facts say: absent until reported to the police, then missing (S4 section 2)."""
        if self.first(FactKind.RETURNED):
            return EpisodeStatus.RETURNED
        if self.first(FactKind.LOCATED):
            return EpisodeStatus.LOCATED
        return EpisodeStatus.MISSING if self.first(FactKind.REPORTED) else EpisodeStatus.ABSENT

    def status_since(self) -> datetime | None:
        """When the episode came to stand so (UTC); None when no fact says."""
        decisive = (FactKind.RETURNED, FactKind.LOCATED, FactKind.REPORTED)
        fact = next((found for kind in decisive if (found := self.first(kind))), None) or next(iter(self.facts), None)
        return fact.at if fact else None

    def child(self, at_start: Child) -> Child:
        """The child's circumstances: those given at the start, as later 'described' facts amend them."""
        amended: dict[str, object] = at_start.model_dump()
        for fact in self.all(FactKind.DESCRIBED):
            for name, value in fact.details.items():
                amended[name] = value == "yes" if value in ("yes", "no") else value
        return Child.model_validate(amended)


_FOUND = (FactKind.LOCATED, FactKind.RETURNED)
_INTERVIEWED = (FactKind.RHI_STARTED, FactKind.RHI_COMPLETED)


def impossibility(fact: Fact, others: Iterable[Fact], child: Child, now: datetime) -> str | None:
    """Why this fact cannot be true beside the others, in one line that names the field; None when it can.

    `now` is UTC. `others` are the facts already recorded, whatever their order.
    """
    if fact.at > now + CLOCK_SKEW:
        return f"at: {in_words(fact.at)} lies in the future; record it when it has happened"
    recorded = list(others)
    if refusal := _impossible_correction(fact, recorded):
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
