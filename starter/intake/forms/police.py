"""A police force's notification of a missing child, as it comes by e-mail, in JSON."""

from typing import Final, Literal

from pydantic import Field

from starter.intake.forms.reading import FormPart, Line, ReadForm, Reference, Told, Words, read_form_as
from starter.reports import ChildReported, PoliceQuestions
from workflows.fact_kinds import FactKind
from workflows.instants import Day, Instant

SOURCE: Final = "police form"


class ChildOfTheForm(FormPart):
    """The child as the police know it: seldom by the authority's number."""

    reference: Reference | None = Field(default=None, description="the authority's number for the child, where known")
    names: Words | None = Field(default=None, description="names, aliases, gender")
    born: Day | None = Field(default=None, description="the date of birth")


class Seen(FormPart):
    """When and where the child was last seen, and by whom."""

    at: Instant = Field(description="when the child was last seen")
    place: Words | None = Field(default=None, description="where")
    by: Line | None = Field(default=None, description="who saw the child")


class Graded(FormPart):
    """The force's grade of the risk, in the words of its own scheme: never converted."""

    at: Instant | None = Field(
        default=None, description="when it was graded; when the child was reported, if not given"
    )
    scheme: Line | None = Field(default=None, description="the force's scheme of grades")
    grade: Literal["no_apparent_risk", "very_low", "low", "medium", "high"] = Field(description="the grade")
    reason: Words | None = Field(default=None, description="why")


class Found(FormPart):
    """When and where the child was found, or came back."""

    at: Instant = Field(description="when")
    place: Words | None = Field(default=None, description="where")
    by: Line | None = Field(default=None, description="by whom")


class Prevention(FormPart):
    """The prevention interview, also called the safe and well check: done, or why not."""

    at: Instant = Field(description="when it was done or decided")
    outcome: Literal["done", "exception", "not_done"] = Field(description="whether it was done")
    exception: Literal["back_before_police_came", "mental_health_patient", "agreed_strategy", "appointment"] | None = (
        Field(default=None, description="for which reason it need not be done")
    )
    reason: Words | None = Field(default=None, description="why not")
    by: Line | None = Field(default=None, description="who did it")


class PoliceForm(FormPart):
    """What a force tells of a child reported missing. Times are RFC 3339 with an offset.

    `reference` is the force's reference of the missing person report: sent
    again with more in it, the form adds what is new.
    """

    form: Literal["police"] = Field(description="which form it is")
    force: Line = Field(description="the police force")
    reference: Reference = Field(description="its reference of the missing person report")
    log_number: Reference | None = Field(default=None, description="the number of the call in the force's log")
    child: ChildOfTheForm = ChildOfTheForm()
    reported_at: Instant = Field(description="when the child was reported")
    reported_by: Line | None = Field(default=None, description="who reported it")
    category: Literal["absent", "missing"] | None = Field(default=None, description="the police's view of the absence")
    last_seen: Seen | None = Field(default=None, description="when and where the child was last seen")
    circumstances: Words | None = Field(default=None, description="what happened, in free words")
    grade: Graded | None = Field(default=None, description="the force's grade of the risk")
    located: Found | None = Field(default=None, description="that the child was found")
    returned: Found | None = Field(default=None, description="that the child came back")
    prevention: Prevention | None = Field(default=None, description="the prevention interview")


def read_police_form(data: object) -> ReadForm:
    """Read a force's form as `json.load` gives it. Raises BadInputError, one line naming the field."""
    form = read_form_as(PoliceForm, data)
    seen = form.last_seen
    return ReadForm(
        source=SOURCE,
        sender=form.force,
        reference=form.reference,
        child=ChildReported(reference=form.child.reference, born=form.child.born),
        told=tuple(_told(form)),
        answers=PoliceQuestions(
            identity=form.child.names, missing_from=seen.place if seen else None, circumstances=form.circumstances
        ),
        police_reference=form.reference,
        police_force=form.force,
    )


def _told(form: PoliceForm) -> list[Told]:
    log = f"log number {form.log_number}" if form.log_number else None
    about = {"by": form.reported_by, "force": form.force, "police_ref": form.reference}
    told = [Told("reported_at", FactKind.REPORTED, form.reported_at, about, log)]
    if seen := form.last_seen:
        told.append(Told("last_seen.at", FactKind.LAST_SEEN, seen.at, {"by": seen.by, "place": seen.place}))
    if found := form.located:
        told.append(Told("located.at", FactKind.LOCATED, found.at, {"by": found.by, "place": found.place}))
    if back := form.returned:
        told.append(Told("returned.at", FactKind.RETURNED, back.at, {"by": back.by, "place": back.place}))
    if form.category:
        view = {"category": form.category, "view": "police", "by": form.force}
        told.append(Told("category", FactKind.CATEGORISED, form.reported_at, view))
    if risk := form.grade:
        graded = {"view": "police", "scheme": risk.scheme, "grade": risk.grade, "reason": risk.reason}
        told.append(Told("grade.at", FactKind.RISK_ASSESSED, risk.at or form.reported_at, {**graded, "by": form.force}))
    if check := form.prevention:
        told.append(Told("prevention.at", FactKind.PREVENTION_CHECK, check.at, check.model_dump(exclude={"at"})))
    return told
