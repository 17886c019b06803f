"""The form of a children's home whose child is not there: in the words of those who work in one."""

from typing import Final, Literal, Self

from pydantic import Field, StrictBool, model_validator

from starter.intake.forms.reading import FormPart, Line, ReadForm, Reference, Told, Words, in_one, read_form_as
from starter.reports import ChildReported, PoliceQuestions
from workflows.fact_kinds import FactKind
from workflows.instants import Day, Instant
from workflows.vocabulary import Role, Setting

SOURCE: Final = "home form"


class Home(FormPart):
    """The home, and who fills the form in."""

    name: Line = Field(description="the home's name")
    kind: Literal["children_home", "semi_independent", "foster", "hospital", "other"] = Field(
        description="what sort of home it is"
    )
    address: Words | None = Field(default=None, description="its address")
    telephone: Line | None = Field(default=None, description="its telephone number")
    filled_in_by: Line | None = Field(default=None, description="who fills the form in")


class ChildOfTheHome(FormPart):
    """The child, and the placement."""

    reference: Reference = Field(description="the case system's number for the child")
    names: Words | None = Field(default=None, description="names, aliases, gender")
    born: Day | None = Field(default=None, description="the date of birth")
    looked_after: StrictBool | None = Field(default=None, description="is looked after by an authority")
    allocated: StrictBool | None = Field(default=None, description="whether the child has an allocated social worker")
    out_of_area: StrictBool | None = Field(default=None, description="placed outside the responsible authority's area")
    hosted: StrictBool | None = Field(default=None, description="another authority's child, placed here")
    host_authority: Line | None = Field(default=None, description="the authority in whose area the child is placed")
    unaccompanied: StrictBool | None = Field(default=None, description="seeks asylum alone: need-to-know")
    trafficking_concern: StrictBool | None = Field(default=None, description="may have been trafficked: need-to-know")
    court_order: StrictBool | None = Field(default=None, description="under a curfew or on bail")


class LastSeen(FormPart):
    """When the child was last seen, where, by whom, how dressed, with whom."""

    at: Instant = Field(description="when the child was last seen")
    by: Line | None = Field(default=None, description="who saw the child")
    place: Words | None = Field(default=None, description="where")
    clothing: Words | None = Field(default=None, description="how dressed")
    company: Words | None = Field(default=None, description="with whom")
    vehicle: Words | None = Field(default=None, description="in or on which vehicle")
    mood: Words | None = Field(default=None, description="in which mood")


class At(FormPart):
    """When something happened, and who did it."""

    at: Instant = Field(description="when it happened, RFC 3339 with an offset")
    by: Line | None = Field(default=None, description="who did it")


class Searched(At):
    """A search."""

    place: Words | None = Field(default=None, description="where")


class Contacted(At):
    """An attempt to reach the child, or somebody who may know."""

    to: Literal["child", "parent", "carer", "trusted_person", "friend", "other"] = Field(
        description="whom it was tried to reach"
    )
    channel: Line | None = Field(default=None, description="how: by telephone, message, in person")
    answered: Literal["yes", "no"] | None = Field(default=None, description="whether there was an answer")
    reply: Words | None = Field(default=None, description="what was said")


class SomebodyTold(At):
    """That somebody was told."""

    role: Role
    channel: Line | None = Field(default=None, description="how: by telephone, e-mail, in person")


class AuthorityTold(At):
    """That the responsible authority was told: the social worker, or the out-of-hours team."""

    to: Line | None = Field(default=None, description="who was told there")


class PoliceTold(At):
    """That the police were told."""

    force: Line | None = Field(default=None, description="which police force")
    reference: Reference | None = Field(default=None, description="its reference of the report")


class WhatHappened(FormPart):
    """What the home makes of it, in free words: as the police will ask."""

    circumstances: Words | None = Field(default=None, description="circumstances, signs of planning")
    out_of_character: Words | None = Field(default=None, description="whether it is; missing before, how often, how")
    description: Words | None = Field(default=None, description="what the child looks like")
    health: Words | None = Field(default=None, description="illness, medication, mental health")
    alcohol_drugs: Words | None = Field(default=None, description="alcohol, drugs, unexplained items or money")
    mobile_number: Line | None = Field(default=None, description="the child's mobile number")
    social_media: Words | None = Field(default=None, description="social media profiles")
    likely_places: Words | None = Field(default=None, description="likely places, friends and associates")


class CameBack(At):
    """That the child came back, and how."""

    place: Words | None = Field(default=None, description="where to")
    appearance: Words | None = Field(default=None, description="how the child looked")
    mood: Words | None = Field(default=None, description="in which mood")
    company: Words | None = Field(default=None, description="with whom")


class HomeForm(FormPart):
    """What a home tells when a child is not where the child should be. Times are RFC 3339 with an offset.

    `reference` is the home's own number of this form: sent again with more in
    it, it adds what is new. What is not known yet is left out.
    """

    form: Literal["home"] = Field(description="which form it is")
    reference: Reference = Field(description="the home's own number of this form")
    home: Home
    child: ChildOfTheHome
    category: Literal["absent", "away", "missing"] | None = Field(
        default=None, description="absent, away from placement without authorisation, or missing"
    )
    last_seen: LastSeen | None = Field(
        default=None, description="when and how the child was last seen; null: not known"
    )
    noticed: At | None = Field(default=None, description="when it was noticed that the child is gone")
    what_happened: WhatHappened = WhatHappened()
    searched: tuple[Searched, ...] = Field(default=(), max_length=50, description="each search")
    contacted: tuple[Contacted, ...] = Field(
        default=(), max_length=50, description="each attempt to reach the child or somebody who may know"
    )
    authority_told: AuthorityTold | None = Field(default=None, description="that the authority was told")
    police_told: PoliceTold | None = Field(default=None, description="that the police were told")
    told: tuple[SomebodyTold, ...] = Field(default=(), max_length=50, description="who else was told, and when")
    came_back: CameBack | None = Field(default=None, description="that the child came back")

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if not (self.last_seen or self.noticed or self.police_told or self.authority_told):
            raise ValueError("last_seen: must be given, or noticed, authority_told or police_told: some time is needed")
        for number, one in enumerate(self.told):
            if one.role is Role.POLICE:
                raise ValueError(f"told[{number}].role: that the police were told is said in police_told")
        return self


def read_home_form(data: object) -> ReadForm:
    """Read a home's form as `json.load` gives it. Raises BadInputError, one line naming the field."""
    form = read_form_as(HomeForm, data)
    police = form.police_told
    return ReadForm(
        source=SOURCE,
        sender=form.home.name,
        reference=form.reference,
        child=_child(form),
        told=tuple(_told(form)),
        answers=_answers(form),
        police_reference=police.reference if police else None,
        police_force=police.force if police else None,
    )


def _child(form: HomeForm) -> ChildReported:
    told = form.child.model_dump(exclude={"names"})
    return ChildReported.model_validate({**told, "setting": Setting(form.home.kind)})


def _told(form: HomeForm) -> list[Told]:
    told = _times(form)
    if form.category:
        told.append(Told("category", FactKind.CATEGORISED, min(one.at for one in told), {"category": form.category}))
    if seen := form.last_seen:
        worn = {"clothing": seen.clothing, "company": seen.company, "vehicle": seen.vehicle, "mood": seen.mood}
        if any(worn.values()):
            told.append(Told("last_seen", FactKind.OBSERVED, seen.at, {"moment": "leaving", "by": seen.by, **worn}))
    for number, search in enumerate(form.searched):
        where = {"place": search.place, "by": search.by}
        told.append(Told(f"searched[{number}].at", FactKind.SEARCHED, search.at, where))
    for number, one in enumerate(form.contacted):
        said = one.model_dump(exclude={"at"})
        told.append(Told(f"contacted[{number}].at", FactKind.CONTACT_ATTEMPTED, one.at, said))
    for number, other in enumerate(form.told):
        said = {"role": other.role.value, "channel": other.channel, "by": other.by}
        told.append(Told(f"told[{number}].at", FactKind.TOLD, other.at, said))
    if (back := form.came_back) and (back.appearance or back.mood or back.company):
        how = {"appearance": back.appearance, "mood": back.mood, "company": back.company, "by": back.by}
        told.append(Told("came_back", FactKind.OBSERVED, back.at, {"moment": "return", **how}))
    return told


def _times(form: HomeForm) -> list[Told]:
    told: list[Told] = []
    if seen := form.last_seen:
        told.append(Told("last_seen.at", FactKind.LAST_SEEN, seen.at, {"by": seen.by, "place": seen.place}))
    if one := form.noticed:
        told.append(Told("noticed.at", FactKind.NOTICED, one.at, {"by": one.by}))
    if to := form.authority_told:
        told.append(Told("authority_told.at", FactKind.AUTHORITY_TOLD, to.at, {"by": to.by, "to": to.to}))
    if police := form.police_told:
        about = {"by": police.by, "force": police.force, "police_ref": police.reference}
        told.append(Told("police_told.at", FactKind.REPORTED, police.at, about))
    if back := form.came_back:
        where = {"by": back.by, "place": back.place}
        told.append(Told("came_back.at", FactKind.LOCATED, back.at, where))
        told.append(Told("came_back.at", FactKind.RETURNED, back.at, where))
    return told


def _answers(form: HomeForm) -> PoliceQuestions:
    seen, what, home = form.last_seen, form.what_happened, form.home
    done = [f"searched {one.place or ''}".strip() for one in form.searched]
    done += [f"contact attempted: {one.to.replace('_', ' ')}" for one in form.contacted]
    return PoliceQuestions(
        identity=form.child.names,
        description=in_one(what.description, seen.clothing if seen else None),
        home_address=home.address,
        missing_from=in_one(seen.place, f"last seen by {seen.by}" if seen.by else None) if seen else None,
        character=what.out_of_character,
        circumstances=what.circumstances,
        health=what.health,
        alcohol_drugs=what.alcohol_drugs,
        mobile_number=what.mobile_number,
        contact_made=in_one(*(one.reply for one in form.contacted)),
        social_media=what.social_media,
        likely_places=what.likely_places,
        reporter=in_one(home.filled_in_by, home.name, home.telephone),
        actions_taken=in_one(*done),
    )
