"""Who is to be told: the holders of a role for a child at a moment, their deputies, and who is on call. Pure.

Nobody is ever answered with silence where somebody could be told: a holder on
leave is stood in for by a deputy; out of hours, what cannot wait goes to who is
on call; and when there is no such person, the holder is told all the same.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, time
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from workflows.instants import LONDON, Instant
from workflows.vocabulary import Role

Scope = Literal["child", "team", "authority"]
"""What a role is held for, the nearest to the child first."""

Cover = Literal["holder", "deputy", "on_call", "stand_in"]
"""Why a person is told: as holder, as a holder's deputy, as who is on call, or because nobody holds the role."""

NEAREST_FIRST: Final[tuple[Scope, ...]] = ("child", "team", "authority")
STANDS_IN: Final = (Role.DUTY_MANAGER, Role.OUT_OF_HOURS_TEAM)
"""Who is told, in this order, what cannot wait and has nobody to go to."""

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOURS = re.compile(r"([A-Z][a-z]{2})-([A-Z][a-z]{2}) (\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Hours(_Part):
    """When a person works, in London's wall-clock time; `days` are 0 (Monday) to 6. No days: always."""

    days: tuple[int, ...] = ()
    begins: time = time(0)
    ends: time = time(0)

    def cover(self, at: datetime) -> bool:
        """Whether the person works at that instant."""
        local = at.astimezone(LONDON)
        return not self.days or (local.weekday() in self.days and self.begins <= local.time() < self.ends)


def read_hours(written: str) -> Hours:
    """Read 'always' or 'Mon-Fri 09:00-17:00'. Raises ValueError for anything else."""
    if written == "always":
        return Hours()
    found = _HOURS.fullmatch(written)
    wrong = ValueError("must be 'always' or written as 'Mon-Fri 09:00-17:00'")
    if found is None or found[1] not in _DAYS or found[2] not in _DAYS:
        raise wrong
    first, last = _DAYS.index(found[1]), _DAYS.index(found[2])
    try:
        begins, ends = time(int(found[3]), int(found[4])), time(int(found[5]), int(found[6]))
    except ValueError:
        raise wrong from None
    if first > last or begins >= ends:
        raise wrong
    return Hours(days=tuple(range(first, last + 1)), begins=begins, ends=ends)


class Person(_Part):
    """Someone who can be told: a worker, a parent, or a desk that several people sit at. `deputies` are ids."""

    id: str
    name: str
    hours: Hours = Hours()
    deputies: tuple[str, ...] = ()


class _Span(_Part):
    since: Instant | None = None
    until: Instant | None = None

    def covers(self, at: datetime) -> bool:
        """Whether the instant lies in the span; its end is not part of it."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


class Holding(_Span):
    """That a person holds a role for a child, a team or the whole authority, from one instant until another (UTC)."""

    role: Role
    person: str
    scope: Scope = "authority"


class Shift(_Span):
    """That a person is on call for a role, from one instant until another (UTC)."""

    role: Role
    person: str


class Leave(_Span):
    """That a person is away, from one instant until another (UTC)."""

    person: str


class Recipient(_Part):
    """A person to tell, and why that person."""

    person: str
    cover: Cover


class Directory(_Part):
    """What is on record about one child's network: only the holdings that are for this child."""

    people: tuple[Person, ...] = ()
    holdings: tuple[Holding, ...] = ()
    shifts: tuple[Shift, ...] = ()
    leave: tuple[Leave, ...] = ()

    def holders(self, role: Role, at: datetime) -> tuple[Person, ...]:
        """Who holds the role at that instant, by the nearest scope at which anybody does."""
        for scope in NEAREST_FIRST:
            here = [h.person for h in self.holdings if h.role is role and h.scope == scope and h.covers(at)]
            if here:
                return tuple(person for person in self.people if person.id in here)
        return ()

    def on_call(self, role: Role, at: datetime) -> tuple[Person, ...]:
        """Who is on call for the role at that instant."""
        on = [shift.person for shift in self.shifts if shift.role is role and shift.covers(at)]
        return tuple(person for person in self.people if person.id in on and not self.away(person, at))

    def away(self, person: Person, at: datetime) -> bool:
        """Whether the person is on leave at that instant."""
        return any(leave.person == person.id and leave.covers(at) for leave in self.leave)

    def deputies(self, person: Person, at: datetime) -> tuple[Person, ...]:
        """The person's deputies who are not away, in their order: those at work before those who are not."""
        by_id = {one.id: one for one in self.people}
        there = [by_id[d] for d in person.deputies if d in by_id and not self.away(by_id[d], at)]
        return tuple(sorted(there, key=lambda one: not one.hours.cover(at)))

    def recipients(self, role: Role, at: datetime, *, urgent: bool) -> tuple[Recipient, ...]:
        """Whom to tell what is meant for a role at that instant, each person once; none when nobody is on record.

        What is not urgent can wait for the holder; what is urgent reaches
        somebody who works now.
        """
        holders = self.holders(role, at)
        found = [one for holder in holders for one in self._in_place_of(holder, role, at, urgent=urgent)]
        if not holders:
            found = _as(self.on_call(role, at), "on_call") or self._standing_in(at)
        return _each_once(found)

    def deputising(self, role: Role, at: datetime) -> tuple[Recipient, ...]:
        """Whom to tell when the holders of a role do not answer: the first deputy of each, or who is on call."""
        found: list[Recipient] = []
        for holder in self.holders(role, at):
            found += _as(self.deputies(holder, at)[:1], "deputy") or _as(self.on_call(role, at), "on_call")
        return _each_once(found)

    def _in_place_of(self, holder: Person, role: Role, at: datetime, *, urgent: bool) -> list[Recipient]:
        if self.away(holder, at):
            instead = _as(self.deputies(holder, at)[:1], "deputy")
        elif urgent and not holder.hours.cover(at):
            instead = []
        else:
            return _as([holder], "holder")
        for desk in (role, *STANDS_IN) if urgent else ():
            instead = instead or _as(self.on_call(desk, at), "on_call")
        return instead or _as([holder], "holder")

    def _standing_in(self, at: datetime) -> list[Recipient]:
        for role in STANDS_IN:
            if there := _as(self.on_call(role, at), "stand_in") or _as(self.holders(role, at), "stand_in"):
                return there
        return []

    def unheld(self, roles: Iterable[Role], at: datetime) -> tuple[Role, ...]:
        """Those of the roles that nobody holds or is on call for at that instant."""
        return tuple(role for role in roles if not self.holders(role, at) and not self.on_call(role, at))


def _as(people: Sequence[Person], cover: Cover) -> list[Recipient]:
    return [Recipient(person=person.id, cover=cover) for person in people]


def _each_once(found: Iterable[Recipient]) -> tuple[Recipient, ...]:
    return tuple({one.person: one for one in reversed(tuple(found))}.values())[::-1]
