"""What is sent to the directory and what it answers, row by row."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from activities.store.directory import Change
from starter.api.bodies import Answer, Reference, Sent
from starter.directory_who import WhoIsTold
from workflows.instants import Instant, to_rfc3339
from workflows.vocabulary import Channel, Role

Scope = Literal["child", "team", "authority"]
Cell = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
PersonNamed = Annotated[Reference, Field(description="the authority's reference of the person")]


class PersonShown(Answer):
    """A person of the directory."""

    person: str = Field(description="the authority's reference of the person")
    name: str = Field(description="the name")
    email: str | None = Field(description="the e-mail address; null for none, or where it is not for you")
    mobile: str | None = Field(description="the mobile number in E.164; null for none, or where it is not for you")
    channels: list[Channel] = Field(description="ways to reach the person, in order; none: every address there is")
    hours: str = Field(description="`always`, or working hours in London time, such as `Mon-Fri 09:00-17:00`")
    deputies: list[str] = Field(description="references of who stands in, in order")


class PersonSaid(Sent):
    """A person, as the directory is to have them."""

    name: Annotated[Cell, Field(min_length=1, description="the name")]
    email: Cell = Field(default="", description="the e-mail address; empty for none")
    mobile: Cell = Field(default="", description="the mobile number; empty for none")
    channels: list[Channel] = Field(
        default_factory=list[Channel], max_length=5, description="ways to reach the person, in order; none: every one"
    )
    hours: Cell = Field(default="always", description="`always`, or such as `Mon-Fri 09:00-17:00`")
    deputies: list[Reference] = Field(
        default_factory=list[str], max_length=20, description="references of who stands in, in order"
    )

    def cells(self) -> dict[str, str]:
        """The person as a row of the directory, but for the reference."""
        said = {"name": self.name, "email": self.email, "mobile": self.mobile, "hours": self.hours}
        return said | {"channels": ";".join(self.channels), "deputies": ";".join(self.deputies)}


class HolderShown(Answer):
    """That a person holds a role."""

    role: Role = Field(description="the role")
    person: str = Field(description="the authority's reference of the person")
    scope: Scope = Field(description="for whom: one child, the children of a team, or the whole authority")
    held_for: str | None = Field(alias="for", description="which child or team; null for the authority")
    since: Instant | None = Field(alias="from", description="from when; null for always")
    until: Instant | None = Field(description="until when; null for ever")


class _Held(Sent):
    role: Role = Field(description="the role")
    person: PersonNamed
    scope: Scope = Field(default="authority", description="for one child, a team's children, or the whole authority")
    held_for: Cell = Field(default="", alias="for", description="which child or team; empty for the authority")

    def cells(self) -> dict[str, str]:
        """The holding as a row of the directory, but for its times."""
        return {"role": self.role.value, "person": self.person, "scope": self.scope, "for": self.held_for}


class HoldingSaid(_Held):
    """That a person is to hold a role."""

    since: Instant | None = Field(default=None, alias="from", description="from when; now without")
    until: Instant | None = Field(default=None, description="until when; for ever without")
    instead: bool = Field(default=False, description="whether whoever else holds it there until then stops then")


class ReleaseSaid(_Held):
    """That a person is to hold a role no longer."""

    at: Instant | None = Field(default=None, description="when it ends; now without")


class TeamShown(Answer):
    """That a child belongs to a team."""

    child: str = Field(description="the case system's number for the child")
    team: str = Field(description="the team's name")


class TeamSaid(Sent):
    """Which team a child is to belong to."""

    team: Annotated[Cell, Field(min_length=1, description="the team's name")]


class _Span(Answer):
    person: str = Field(description="the authority's reference of the person")
    since: Instant = Field(alias="from", description="from when")
    until: Instant = Field(description="until when")


class LeaveShown(_Span):
    """That a person is away."""


class ShiftShown(_Span):
    """That a person is on call."""

    role: Role = Field(description="for which role")


class LeaveSaid(Sent):
    """That a person is to be away."""

    person: PersonNamed
    since: Instant = Field(alias="from", description="from when")
    until: Instant = Field(description="until when")

    def cells(self) -> dict[str, str]:
        """It as a row of the directory."""
        return {"person": self.person, "from": to_rfc3339(self.since), "until": to_rfc3339(self.until)}


class ShiftSaid(LeaveSaid):
    """That a person is to be on call."""

    role: Role = Field(description="for which role")

    def cells(self) -> dict[str, str]:
        """It as a row of the directory."""
        return {"role": self.role.value, **super().cells()}


class WhoShown(Answer):
    """Who would be told what is meant for a role at a moment."""

    role: Role = Field(description="the role")
    at: Instant = Field(description="the moment")
    people: list[WhoIsTold] = Field(description="the people; none: nobody is on record, and nobody stands in")


class ChangeMade(Answer):
    """What became of something that was said of the directory."""

    change: Change = Field(description="what became of it; `unchanged`: the directory said so already")
    ended: int = Field(default=0, description="how many holdings it ended")


class Told(Answer):
    """Whether open episodes know of a change."""

    episodes_told: bool | None = Field(
        default=None, description="whether open episodes were told to look again; null: there was nothing to tell"
    )
    note: str | None = Field(default=None, description="what is to be done about it, where they were not")


class Changed(ChangeMade, Told):
    """What a change made of the directory."""


class Checked(Told):
    """The directory, looked at again."""

    unheld: list[Role] = Field(description="roles that nobody holds for the whole authority, nor stands in for")


class LineChange(Answer):
    """What one line of a file changes."""

    line: int = Field(description="the line's number in the file; the first is that of the columns")
    change: Literal["added", "changed"] = Field(description="what it does to the directory")


class FileTaken(Told):
    """What a file made of the directory, or would make of it."""

    dry_run: bool = Field(description="true: nothing was written")
    added: int = Field(description="rows that are new")
    changed: int = Field(description="rows that were otherwise")
    removed: int = Field(description="rows that are there no longer, as the file does not say them")
    unchanged: int = Field(description="rows that were so already")
    lines: list[LineChange] = Field(description="the lines that change something")
    removed_rows: list[dict[str, str]] = Field(description="the rows that are there no longer, cell by cell")


def instant_cell(at: datetime | None) -> str:
    """An instant (UTC) as a cell; empty for none."""
    return to_rfc3339(at) if at else ""
