"""What every form is read into: the times of an absence, the facts it tells of, and what it says of the child."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Final, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from starter.reports import ChildReported, PoliceQuestions, Report
from workflows.fact_kinds import FactKind
from workflows.facts import CLOCK_SKEW, Fact, impossibility
from workflows.instants import to_rfc3339
from workflows.names import derived_id
from workflows.plain_errors import BadInputError, one_line, refuse_unkeepable

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]

_TIMES: Final = {
    FactKind.LAST_SEEN: "last_seen",
    FactKind.NOTICED: "noticed",
    FactKind.REPORTED: "reported",
    FactKind.AUTHORITY_TOLD: "authority_told",
    FactKind.LOCATED: "located",
    FactKind.RETURNED: "returned",
}


class FormPart(BaseModel):
    """A form, or a part of one: what it does not know is refused, by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Form = TypeVar("Form", bound=FormPart)


@dataclass(frozen=True)
class Told:
    """Something that a form tells of: where in the form, what happened and when (UTC)."""

    where: str
    kind: FactKind
    at: datetime
    details: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    note: str | None = None

    def said(self) -> dict[str, str]:
        """The details that are given."""
        return {name: value for name, value in self.details.items() if value}


@dataclass(frozen=True)
class ReadForm:
    """A form that was read.

    `sender` and `reference` together are the sender's own name of it: sent
    again, with more in it or not, it is the same form. `only_if_new` are the
    answers that only a new episode takes up.
    """

    source: str
    sender: str
    reference: str
    child: ChildReported
    told: tuple[Told, ...]
    answers: PoliceQuestions
    police_reference: str | None = None
    police_force: str | None = None

    @property
    def born(self) -> date | None:
        """The child's date of birth, where it is given."""
        return self.child.born

    @property
    def gone(self) -> tuple[datetime, datetime]:
        """The first and the last time that the form gives (UTC)."""
        times = [one.at for one in self.told]
        return min(times), max(times)

    def own_id(self, authority: str) -> str:
        """The id of the report that this form makes, the same each time an authority takes it in."""
        return derived_id(f"{authority}/{self.source}", json.dumps([self.sender, self.reference]))

    def facts(self, authority: str, now: datetime, *, besides_times: bool) -> Iterator[tuple[str, Fact]]:
        """Each fact with the form's field that tells it; without what a report says by its times, or all. UTC.

        A fact's id is worked out from what it says, so that a form sent again
        adds what is new in it and nothing twice.
        """
        first = set[FactKind]()
        for one in self.told:
            if besides_times and one.kind in _TIMES and one.kind not in first:
                first.add(one.kind)
                continue
            said = one.said()
            words = json.dumps([one.kind, to_rfc3339(one.at), said, one.note], sort_keys=True)
            fact = Fact(
                id=derived_id(self.own_id(authority), words),
                kind=one.kind,
                at=one.at,
                recorded_at=now,
                recorded_by=self.sender,
                source=self.source,
                note=one.note,
                details=said,
            )
            yield one.where, fact

    def report(self, authority: str) -> Report:
        """The report that begins an episode of this form."""
        times: dict[str, datetime] = {}
        for one in self.told:
            if one.kind in _TIMES:
                times.setdefault(_TIMES[one.kind], one.at)
        return Report.model_validate(
            {
                "report_id": UUID(self.own_id(authority)),
                "reported_by": self.sender,
                "child": self.child,
                "police_force": self.police_force,
                "police_reference": self.police_reference,
                "answers": self.answers,
                **times,
            }
        )

    def answered(self) -> tuple[str, ...]:
        """Which of the police's questions the form answers."""
        return tuple(name for name in PoliceQuestions.model_fields if getattr(self.answers, name) is not None)


def read_form_as(model: type[Form], data: object) -> Form:
    """Check a form as `json.load` gives it. Raises BadInputError, one line naming the field."""
    if not isinstance(data, dict):
        raise BadInputError("form: must be an object")
    try:
        refuse_unkeepable(data)  # pyright: ignore[reportUnknownArgumentType]
        return model.model_validate(data)
    except ValueError as error:
        raise BadInputError(one_line(error, model)) from None


def check_possible(form: ReadForm, authority: str, now: datetime) -> None:
    """Raise BadInputError, naming the form's field, where what it tells cannot be true together by `now` (UTC)."""
    facts = list(form.facts(authority, now, besides_times=False))
    child = form.report(authority).circumstances()
    for name, fact in facts:
        if fact.at > now + CLOCK_SKEW:
            raise BadInputError(f"{name}: this time lies in the future; tell it when it has happened")
        if reason := impossibility(fact, [one for _, one in facts], child, now):
            raise BadInputError(f"{name}: {reason.removeprefix('at: ')}")


def in_one(*parts: str | None) -> str | None:
    """What is given of these, as one text; None when nothing is."""
    given: Sequence[str] = [part for part in parts if part]
    return "; ".join(given) or None
