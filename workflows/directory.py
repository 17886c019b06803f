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

from workflows.contacts import read_channels
from workflows.instants import LONDON, Instant
from workflows.vocabulary import Channel, Role

Scope = Literal["child", "team", "authority"]
"""What a role is held for, the nearest to the child first."""

Cover = Literal["holder", "deputy", "on_call", "stand_in"]
"""Why a person is told: as holder, as a holder's deputy, as who is on call, or because nobody holds the role."""

NEAREST_FIRST: Final[tuple[Scope, ...]] = ("child", "team", "authority")
STANDS_IN: Final = (Role.DUTY_MANAGER, Role.OUT_OF_HOURS_TEAM)
"""Who is told, in this order, what cannot wait and has nobody to go to."""

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOURS = re.compile(r"([A-Z][a-z]{2})-([A-Z][a-z]{2}) (\d\d:\d\d)-(\d\d:\d\d)", re.ASCII)
_MIDNIGHT: Final = time(0)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Hours(_Part):
    """When a person works, in London's wall-clock time; `days` are 0 (Monday) to 6. No days: always.

    On each day the person works from `begins` until `ends`; until `ends` of the
    following day, where that is not later than `begins`.
    """

    days: tuple[int, ...] = ()
    begins: time = _MIDNIGHT
    ends: time = _MIDNIGHT

    def cover(self, at: datetime) -> bool:
        """Whether the person works at that instant."""
        local = at.astimezone(LONDON)
        today, now = local.weekday(), local.time()
        if not self.days:
            return True
        if self.begins < self.ends:
            return today in self.days and self.begins <= now < self.ends
        yesterday = (today - 1) % len(_DAYS)
        return (today in self.days and self.begins <= now) or (yesterday in self.days and now < self.ends)


def read_hours(written: str) -> Hours:
    """Read 'always', or days and wall-clock times in London. Raises ValueError for anything else.

    'Fri-Mon 09:00-17:00' goes round the week; 'Sat-Sun 22:00-06:00' ends on
    the morning after each day; 'Mon-Fri 00:00-24:00' is whole days.
    """
    if written == "always":
        return Hours()
    wrong = ValueError("must be 'always' or written as 'Mon-Fri 09:00-17:00'")
    found = _HOURS.fullmatch(written)
    # An end that is the beginning could mean no time at all or a whole day: only 00:00-24:00 says which.
    if found is None or found[1] not in _DAYS or found[2] not in _DAYS or found[3] == found[4]:
        raise wrong
    first, last = _DAYS.index(found[1]), _DAYS.index(found[2])
    try:
        begins = time.fromisoformat(found[3])
        ends = _MIDNIGHT if found[4] == "24:00" else time.fromisoformat(found[4])
    except ValueError:
        raise wrong from None
    days = (last - first) % len(_DAYS) + 1
    return Hours(days=tuple((first + day) % len(_DAYS) for day in range(days)), begins=begins, ends=ends)


def channels_of(channels: str, email: str, mobile: str) -> tuple[Channel, ...]:
    """The channels by which a person is reached besides the tray, in order, as the directory has them written.

    Where none is listed, every address given, e-mail first. A channel without
    its address is left out. Raises ValueError for channels that are none.
    """
    addresses = {Channel.EMAIL: email, Channel.SMS: mobile, Channel.WEBHOOK: "the case system's own"}
    listed = read_channels(channels) or (Channel.EMAIL, Channel.SMS)
    return tuple(channel for channel in listed if addresses[channel])


class Person(_Part):
    """Someone who can be told: a worker, a parent, or a desk that several people sit at.

    `deputies` are ids; `channels` lead beyond the tray, in the order in which they are tried.
    """

    id: str
    name: str
    hours: Hours = Hours()
    deputies: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()


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
        """Who is on call for the role at that instant, and not away."""
        return tuple(person for person in self._on_rota(role, at) if not self.away(person, at))

    def _on_rota(self, role: Role, at: datetime) -> tuple[Person, ...]:
        on = [shift.person for shift in self.shifts if shift.role is role and shift.covers(at)]
        return tuple(person for person in self.people if person.id in on)

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
        somebody who works now. Who is away is told when there is nobody else.
        """
        found = [one for holder in self.holders(role, at) for one in self._in_place_of(holder, role, at, urgent=urgent)]
        found = found or _as(self.on_call(role, at), "on_call") or self._standing_in(at, urgent=urgent)
        return _each_once(found or self._even_away(role, at))

    def deputising(self, role: Role, at: datetime) -> tuple[Recipient, ...]:
        """Whom to tell when the holders of a role do not answer: the first deputy of each, or who is on call."""
        found: list[Recipient] = []
        for holder in self.holders(role, at):
            found += _as(self.deputies(holder, at)[:1], "deputy") or _as(self.on_call(role, at), "on_call")
        return _each_once(found)

    def _in_place_of(self, holder: Person, role: Role, at: datetime, *, urgent: bool) -> list[Recipient]:
        away = self.away(holder, at)
        there = self.deputies(holder, at)[:1] if away else (holder,)
        if urgent and not any(one.hours.cover(at) for one in there):
            for desk in (role, *STANDS_IN):
                if on_call := self.on_call(desk, at):
                    return _as(on_call, "on_call")
        return _as(there, "deputy" if away else "holder")

    def _standing_in(self, at: datetime, *, urgent: bool) -> list[Recipient]:
        for at_work in (True, False) if urgent else (False,):
            for desk in STANDS_IN:
                holders = [one for one in self.holders(desk, at) if not self.away(one, at)]
                there = self.on_call(desk, at) or [one for one in holders if not at_work or one.hours.cover(at)]
                if there:
                    return _as(there, "stand_in")
        return []

    def _even_away(self, role: Role, at: datetime) -> list[Recipient]:
        for desk in (role, *STANDS_IN):
            covers: tuple[Cover, Cover] = ("holder", "on_call") if desk is role else ("stand_in", "stand_in")
            found = _as(self.holders(desk, at), covers[0]) or _as(self._on_rota(desk, at), covers[1])
            if found:
                return found
        return []

    def unheld(self, roles: Iterable[Role], at: datetime) -> tuple[Role, ...]:
        """Those of the roles that nobody holds or is on call for at that instant."""
        return tuple(role for role in roles if not self.holders(role, at) and not self.on_call(role, at))


def _as(people: Sequence[Person], cover: Cover) -> list[Recipient]:
    return [Recipient(person=person.id, cover=cover) for person in people]


def _each_once(found: Iterable[Recipient]) -> tuple[Recipient, ...]:
    return tuple({one.person: one for one in reversed(tuple(found))}.values())[::-1]
