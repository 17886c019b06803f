"""What an authority keeps about a child for the day the child is missing: plan, risk, information, photographs, homes.

Each kind is a form. A form is never refused for what is not known yet: `gaps`
names what is missing. What cannot be read is refused, naming the field.
"""

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import inbox
from activities.store.child_records import ChildRecord, add_version
from workflows.instants import Day, day_in_words
from workflows.plain_errors import BadInputError, one_line, refuse_unkeepable
from workflows.policy import Pack
from workflows.vocabulary import Setting

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


class Intervention(StrEnum):
    """What a safety plan may set going against the causes of going missing (S4 section 9)."""

    DISRUPT_CONTACT = "disrupt_contact"
    GATHER_EVIDENCE = "gather_evidence"
    LISTEN = "listen"
    RELATIONSHIPS = "relationships"
    PHYSICAL_PROTECTION = "physical_protection"
    STAY_IN_TOUCH = "stay_in_touch"
    BETTER_RETURN = "better_return"
    CLEAR_BOUNDARIES = "clear_boundaries"
    MOTIVATION = "motivation"
    EMPOWER_CARER = "empower_carer"
    SELF_ESTEEM = "self_esteem"
    AWARENESS_OF_RISK = "awareness_of_risk"
    HEALTH_NEEDS = "health_needs"
    HOME_WORTH_BEING_IN = "home_worth_being_in"
    EDUCATION_AND_TRAINING = "education_and_training"
    SPECIALIST_SUPPORT = "specialist_support"
    FAMILY_SUPPORT = "family_support"


class Form(BaseModel):
    """A record of one kind, as people fill it in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def gaps(self, pack: Pack, today: date) -> Iterator[str]:  # noqa: ARG002 - each form asks what it needs
        """What is missing from it, as phrases; `today` is the London day."""
        for name, field in type(self).model_fields.items():
            if getattr(self, name) in (None, ()) and field.description:
                yield field.description


class TrustedPerson(Form):
    """One of the people whom the child trusts, named by the child, and rung first."""

    name: Words
    relation: Words
    contact: Words


class ChildsPart(Form):
    """The child's own part of the plan."""

    words: Words | None = None
    agreed: StrictBool | None = None
    stays_in_touch_by: Words | None = None


class SafetyPlan(Form):
    """The Missing Safety Plan: six parts, and the child's own (S4 section 9; S0)."""

    risk_assessment: Words | None = Field(default=None, description="part 1: the missing risk assessment")
    reporting_strategy: Words | None = Field(default=None, description="part 2: when to report absent, when missing")
    enquiries_before_reporting: Words | None = Field(
        default=None, description="part 3: what authority, parents and carers try first"
    )
    police_enquiries: Words | None = Field(default=None, description="part 4: the least that is asked of the police")
    interview_strategy: Words | None = Field(default=None, description="part 5: how interviews are to be held")
    interventions: tuple[Intervention, ...] = Field(default=(), description="part 6: what is done in the long run")
    childs_part: ChildsPart | None = Field(default=None, description="the child's own part")
    trusted_trio: tuple[TrustedPerson, ...] = Field(
        default=(), max_length=3, description="the people the child trusts and wants rung first"
    )
    review_on: Day | None = Field(default=None, description="when the plan is reviewed")

    def gaps(self, pack: Pack, today: date) -> Iterator[str]:
        """What is missing; also a plan that the child has not agreed to, or whose review is past."""
        yield from super().gaps(pack, today)
        if self.childs_part and not self.childs_part.agreed:
            yield "the child has not agreed to the plan"
        if self.review_on and self.review_on < today:
            yield f"the plan was to be reviewed on {day_in_words(self.review_on)}"


class RiskAssessment(Form):
    """The missing risk assessment of a looked-after child (S4 section 8)."""

    pattern: Words | None = Field(default=None, description="earlier absences and their pattern")
    triggers: Words | None = Field(default=None, description="what sets an absence off")
    indicators: Words | None = Field(default=None, description="other signs that one may come")
    who_tells_the_child: Words | None = Field(default=None, description="who speaks with the child about the risks")
    who_guides_carers: Words | None = Field(default=None, description="who guides the carers")
    no_contact_with: Words | None = Field(default=None, description="people and places the child is to keep from")
    child_knows_what_happens: StrictBool | None = Field(
        default=None, description="whether the child knows what is done when missing"
    )
    risky_people: Words | None = Field(default=None, description="people who are a risk and may be visited")
    exploitation: Words | None = Field(default=None, description="exploitation, trafficking, violence, self-harm")
    substances_and_offending: Words | None = Field(default=None, description="substances and offending")
    risky_places: Words | None = Field(default=None, description="places at which staying is a risk")
    whom_to_contact: Words | None = Field(default=None, description="whom to contact when the child cannot be reached")
    addresses_to_visit: Words | None = Field(default=None, description="which addresses are visited, and by whom")
    places_to_check: Words | None = Field(default=None, description="which places are checked, how and by whom")
    child_stays_in_touch: Words | None = Field(default=None, description="how the child is to stay in touch")
    when_to_call_police: Words | None = Field(default=None, description="when the police are called")


class Philomena(Form):
    """Information kept for the police before it is needed; what the child wears when missing comes with a report."""

    identity: Words | None = Field(default=None, description="names, aliases, gender, date of birth")
    description: Words | None = Field(default=None, description="what the child looks like")
    home_address: Words | None = Field(default=None, description="home, and the family's address")
    health: Words | None = Field(default=None, description="illness, medication, mental health")
    alcohol_drugs: Words | None = Field(default=None, description="alcohol and drugs")
    mobile_number: Words | None = Field(default=None, description="mobile number")
    social_media: Words | None = Field(default=None, description="social media profiles")
    likely_places: Words | None = Field(default=None, description="usual places, friends and associates")


class Photographs(Form):
    """When the two photographs were taken, and who holds copies (S4 section 8)."""

    face_on: Day | None = Field(default=None, description="a photograph of the face")
    full_length_on: Day | None = Field(default=None, description="a full-length photograph")
    with_carer: StrictBool | None = Field(default=None, description="whether the carer has copies")
    on_record: StrictBool | None = Field(default=None, description="whether copies are on the electronic record")
    appearance_changed_on: Day | None = None

    def gaps(self, pack: Pack, today: date) -> Iterator[str]:
        """What is missing; also photographs gone stale by age or by a change of appearance."""
        yield from super().gaps(pack, today)
        fresh_for = pack.photographs_fresh_for.elapsed if pack.photographs_fresh_for else None
        for what, taken in (("face", self.face_on), ("full length", self.full_length_on)):
            if taken and self.appearance_changed_on and taken < self.appearance_changed_on:
                yield f"the {what} photograph is older than the change of {day_in_words(self.appearance_changed_on)}"
            elif taken and fresh_for and today - taken > fresh_for:
                yield f"the {what} photograph is stale: taken {day_in_words(taken)}"
        for who, has in (("the carer", self.with_carer), ("the electronic record", self.on_record)):
            if has is False:
                yield f"{who} has no copies"


class Placement(Form):
    """A placement, and what must be settled before one out of area and at each move (S4 sections 4 and 8)."""

    placed_on: Day
    setting: Setting
    out_of_area: StrictBool
    risk_considered: StrictBool | None = Field(
        default=None, description="whether the risk of going missing was weighed"
    )
    interview_provider: Words | None = Field(default=None, description="the interview provider, named in the plan")
    child_told_what_happens: StrictBool | None = Field(
        default=None, description="whether the child knows what is done when missing, and of an advocate"
    )
    philomena_handed_over_on: Day | None = Field(default=None, description="the handing over of the kept information")
    host_authority: Words | None = None
    host_force: Words | None = None
    provider_protocol_agreed: StrictBool | None = None
    host_authority_told: StrictBool | None = None
    host_force_told: StrictBool | None = None

    def gaps(self, pack: Pack, today: date) -> Iterator[str]:
        """What is missing; out of area also the checks that come before the placement (O35)."""
        yield from super().gaps(pack, today)
        if not self.out_of_area:
            return
        for name, words in (
            ("host_authority", "out of area: the host authority"),
            ("host_force", "out of area: the host police force"),
            ("provider_protocol_agreed", "out of area: the provider's agreement to the protocol"),
            ("host_authority_told", "out of area: the host authority told of the risk and the response"),
            ("host_force_told", "out of area: the host force told of the risk"),
        ):
            if not getattr(self, name):
                yield words


FORMS: Final[dict[str, type[Form]]] = {
    "safety_plan": SafetyPlan,
    "risk_assessment": RiskAssessment,
    "philomena": Philomena,
    "photographs": Photographs,
    "placement": Placement,
}


def read_form(kind: str, data: object) -> Form:
    """Read a record of a kind, as `json.load` gives it. Raises BadInputError, one line naming the field."""
    if kind not in FORMS:
        raise BadInputError(f"kind: '{kind}' is unknown; use one of {', '.join(FORMS)}")
    if not isinstance(data, dict):
        raise BadInputError(f"{kind}: must be an object with its fields")
    try:
        refuse_unkeepable(cast("object", data))
        return FORMS[kind].model_validate(data)
    except ValueError as error:
        raise BadInputError(one_line(error, FORMS[kind])) from None


class RecordShown(BaseModel):
    """A record as people read it, with what is missing from it."""

    model_config = ConfigDict(frozen=True)
    record: ChildRecord
    gaps: tuple[str, ...]


def show_latest(records: list[ChildRecord], pack: Pack, today: date) -> dict[str, RecordShown | None]:
    """The latest version of each kind with its gaps, and None for a kind that was never recorded."""
    latest: dict[str, ChildRecord] = {record.kind: record for record in records}
    return {kind: _shown(latest[kind], pack, today) if kind in latest else None for kind in FORMS}


def _shown(record: ChildRecord, pack: Pack, today: date) -> RecordShown:
    form = read_form(record.kind, record.body)
    return RecordShown(record=in_forms_order(record), gaps=tuple(form.gaps(pack, today)))


def in_forms_order(record: ChildRecord) -> ChildRecord:
    """The record with what it says in the order of its form, which not every database keeps."""
    return record.model_copy(update={"body": as_body(read_form(record.kind, record.body))})


class ChangedMeanwhileError(BadInputError):
    """A record has a newer version than the one that somebody changed. Its text is one line."""

    def __init__(self) -> None:
        super().__init__("version: somebody has recorded a newer one meanwhile")


def kind_of(form: Form) -> str:
    """The kind of record that a form is of."""
    return next(kind for kind, one in FORMS.items() if one is type(form))


async def record_version(
    session: AsyncSession,
    authority: str,
    reference: str,
    form: Form,
    *,
    by: str,
    now: datetime,
    after: int | None = None,
) -> ChildRecord:
    """Keep a form as the next version of its kind for a child, who is known from then on. `now` is UTC.

    `after` is the version that it was made of, 0 for none: when that is not the
    latest any more this raises ChangedMeanwhileError, and the caller's
    transaction must not be kept.
    """
    child_id = await inbox.child_id(session, authority, reference, now)
    body = as_body(form)
    new = ChildRecord(child_id=child_id, kind=kind_of(form), version=0, recorded_at=now, recorded_by=by, body=body)
    added = await add_version(session, new)
    if after is not None and added.version != after + 1:
        raise ChangedMeanwhileError
    return added


def as_body(form: Form) -> dict[str, Any]:
    """The form as JSON data that reads back as the same form."""
    return form.model_dump(mode="json", exclude_none=True)
