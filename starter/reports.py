"""A report that a child is missing: what is known now, and the police's fourteen questions (protocol A5, O18).

Nothing but a form that cannot be read makes a report refused: what is not
known yet is left out, and listed as asked for.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from workflows.fact_kinds import FactKind
from workflows.facts import Child, Fact, impossibility
from workflows.instants import Instant
from workflows.names import derived_id
from workflows.plain_errors import BadInputError, one_line, refuse_unkeepable

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


TimeName = Literal["last_seen", "noticed", "reported", "authority_told", "located", "returned"]


class PoliceQuestions(BaseModel):
    """What the police ask when a child is reported missing: fourteen items, each in free words (S4 section 4)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    identity: Words | None = Field(default=None, description="names, aliases, gender, date of birth and age")
    description: Words | None = Field(default=None, description="description of the child and their clothing")
    home_address: Words | None = Field(default=None, description="home address, and the family's address if different")
    missing_from: Words | None = Field(default=None, description="where missing from, when last seen and by whom")
    character: Words | None = Field(
        default=None, description="whether out of character; missing before, how often, how"
    )
    circumstances: Words | None = Field(
        default=None, description="circumstances, and signs of planning: money, clothes, words"
    )
    health: Words | None = Field(default=None, description="illness, medication, mental health, emotional well-being")
    alcohol_drugs: Words | None = Field(default=None, description="alcohol, drugs, unexplained items or money")
    mobile_number: Words | None = Field(default=None, description="the child's mobile number")
    contact_made: Words | None = Field(default=None, description="any contact made with the child")
    social_media: Words | None = Field(default=None, description="social media profiles")
    likely_places: Words | None = Field(
        default=None, description="likely places, places found before, friends and associates"
    )
    reporter: Words | None = Field(default=None, description="reporter's name, address, telephone and relationship")
    actions_taken: Words | None = Field(default=None, description="what has been done already to find the child")


TITLES: Final[dict[str, str]] = {
    "identity": "Name, aliases, gender, date of birth, age",
    "description": "Description and clothing",
    "home_address": "Home address, and the family's",
    "missing_from": "Missing from where; last seen when and by whom",
    "character": "Out of character? Missing before?",
    "circumstances": "Circumstances and signs of planning",
    "health": "Health, medication, well-being",
    "alcohol_drugs": "Alcohol, drugs, unexplained items or money",
    "mobile_number": "Mobile number",
    "contact_made": "Contact made with the child",
    "social_media": "Social media",
    "likely_places": "Likely places, friends and associates",
    "reporter": "Who reports, and how to reach them",
    "actions_taken": "What has been done to find the child",
}
"""What each of the fourteen is called where they are listed."""


class ChildReported(Child):
    """The child as reported: the authority's own reference, and what the rules ask about."""

    reference: Reference | None = Field(default=None, description="the case system's number for the child")


class WhatIsReported(BaseModel):
    """What a report of an absent or missing child says. Times are RFC 3339 with an offset."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    policy: str = Field(default="homeward", description="the policy that the episode is to live by")
    reported_by: Words = Field(default="not said", description="who reports it")
    child: ChildReported = ChildReported()
    last_seen: Instant | None = Field(default=None, description="when the child was last seen")
    noticed: Instant | None = Field(default=None, description="when the child was noticed to be gone")
    reported: Instant | None = Field(default=None, description="when the police were told")
    authority_told: Instant | None = Field(default=None, description="when the authority was told")
    located: Instant | None = Field(default=None, description="when the child was located")
    returned: Instant | None = Field(default=None, description="when the child came back")
    police_force: Words | None = Field(default=None, description="the police force that was told")
    police_reference: Words | None = Field(default=None, description="the police's reference of the report")
    answers: PoliceQuestions = PoliceQuestions()
    known_to_day: tuple[TimeName, ...] = Field(
        default=(),
        # Reports without such times keep the fingerprint that they always had.
        exclude_if=lambda names: not names,
        description="which of these times are known to the day only: each is the one chosen to stand for it",
    )


class Report(WhatIsReported):
    """A report, which may have an id of its own: the same id again is the same report."""

    report_id: UUID | None = None

    def circumstances(self) -> Child:
        """What the rules ask about the child."""
        return Child.reported(self.child.model_dump())

    def facts(self, report_id: str, received_at: datetime) -> list[Fact]:
        """The facts the report tells of, with ids that are the same each time.

        A report that gives no time at all still tells one thing: that the
        authority was told, when it was received (UTC).
        """
        times = {kind: getattr(self, kind.value) for kind in _TIMES if getattr(self, kind.value) is not None}
        if not times:
            times = {FactKind.AUTHORITY_TOLD: received_at}
        return [self._fact(report_id, kind, at, received_at) for kind, at in times.items()]

    def _fact(self, report_id: str, kind: FactKind, at: datetime, received_at: datetime) -> Fact:
        details: dict[str, str] = {}
        if kind is FactKind.REPORTED:
            police = {"force": self.police_force, "police_ref": self.police_reference}
            details = {name: said for name, said in police.items() if said}
        return Fact(
            id=derived_id(report_id, kind.value),
            kind=kind,
            at=at,
            known_to="day" if kind.value in self.known_to_day else "minute",
            recorded_at=received_at,
            recorded_by=self.reported_by,
            source="report",
            details=details,
        )

    def asked_for(self) -> Iterator[str]:
        """What is not known yet and will be asked: the child's circumstances, then the police's questions."""
        for name in ASKED_OF_THE_CHILD:
            if getattr(self.child, name) is None:
                yield line_that_asks(name)
        for name in PoliceQuestions.model_fields:
            if getattr(self.answers, name) is None:
                yield line_that_asks(name)

    def digest(self) -> str:
        """A fingerprint of all that the report says, so that the same report twice is one episode."""
        said = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()


ASKED_OF_THE_CHILD: Final = ("born", "allocated", "looked_after", "out_of_area", "setting")
"""What is asked of the child's circumstances wherever it is not known."""


def line_that_asks(name: str) -> str:
    """What is asked for, by the field of a report in which it would stand, in one line."""
    if name in ASKED_OF_THE_CHILD:
        return f"child.{name}"
    return f"answers.{name}: {PoliceQuestions.model_fields[name].description}"


_TIMES = (
    FactKind.LAST_SEEN,
    FactKind.NOTICED,
    FactKind.REPORTED,
    FactKind.AUTHORITY_TOLD,
    FactKind.LOCATED,
    FactKind.RETURNED,
)


def read_report(data: object, now: datetime) -> Report:
    """Read a report as `json.load` gives it. Raises BadInputError, one line naming the field. `now` is UTC."""
    try:
        refuse_unkeepable(data)
        report = Report.model_validate(data)
    except ValueError as error:
        raise BadInputError(one_line(error, Report)) from None
    child = report.circumstances()
    facts = report.facts("report", now)
    for fact in facts:
        if reason := impossibility(fact, facts, child, now):
            raise BadInputError(f"{fact.kind}: {reason.removeprefix('at: ')}")
    return report
