"""How the console says things: how much time is left, roles, states. Pure; instants are UTC."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from workflows.instants import LONDON
from workflows.vocabulary import ROLE_WORDS, Role

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_NAMES_SAID: Final = 3
_LETTERS_OF_IDENTITY: Final = 60

_COVER_WORDS: Final = {"deputy": "as deputy", "stand_in": "standing in"}

WITHOUT_NUMBER: Final = "A child without a number yet"
_QUOTED: Final = 8

SOON: Final = timedelta(hours=4)
"""What falls due within this counts as pressing."""

SOON_IN_WORDS: Final = f"in the next {SOON // timedelta(hours=1)} hours"

Pressure = Literal["overdue", "soon", "calm", "none"]


def length_in_words(seconds: float) -> str:
    """A length of time in its two greatest units: 2 days 3 hours, 3 hours 10 minutes, 10 minutes."""
    whole = int(abs(seconds))
    days, hours, minutes = whole // _DAY, whole % _DAY // _HOUR, whole % _HOUR // _MINUTE
    units = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    first = next((number for number, (count, _) in enumerate(units) if count), None)
    if first is None:
        return "less than a minute"
    said = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in units[first : first + 2] if count]
    return " ".join(said)


def time_left(due: datetime | None, now: datetime) -> str:
    """How much time is left, or how long ago it ran out, in words."""
    if due is None:
        return "no time set"
    seconds = (due - now).total_seconds()
    length = length_in_words(seconds)
    return f"{length} left" if seconds >= 0 else f"overdue by {length}"


def pressure(due: datetime | None, now: datetime) -> Pressure:
    """How pressing something is: past its time, due soon, or neither."""
    if due is None:
        return "none"
    return "overdue" if due < now else "soon" if due - now <= SOON else "calm"


def by_or_was(due: datetime, now: datetime) -> str:
    """What goes before the time at which something falls due, beside how much time is left or is over."""
    return "it was due" if pressure(due, now) == "overdue" else "by"


def role_in_words(role: str) -> str:
    """A role in words; one that is not known any more by its own name."""
    try:
        return ROLE_WORDS[Role(role)]
    except ValueError:
        return role.replace("_", " ")


def cover_in_words(cover: str) -> str:
    """Why somebody is there for a role that is not their own: standing in, on call, as deputy."""
    return _COVER_WORDS.get(cover, cover.replace("_", " "))


def names_in_words(names: Sequence[str]) -> str:
    """People by their names; of more than three the first two, and how many more."""
    said = list(names) if len(names) <= _NAMES_SAID else [*names[:2], f"{len(names) - 2} more"]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def child_called(reference: str | None, identity: str | None = None) -> str:
    """A child by its number; without one by the reporter's first words of who it is, so that two are told apart."""
    if reference:
        return reference
    said = " ".join((identity or "").split())
    if not said:
        return WITHOUT_NUMBER
    cut = said if len(said) <= _LETTERS_OF_IDENTITY else f"{said[: _LETTERS_OF_IDENTITY - 1].rstrip()}…"
    return f"No number yet: {cut}"


def clock_in_words(at: datetime) -> str:
    """A time of day in London, to the second: 21:15:03."""
    return f"{at.astimezone(LONDON):%H:%M:%S}"


def quoted(episode_id: str) -> str:
    """What somebody who must not know the child quotes of an absence when they ring about it."""
    return episode_id[:_QUOTED]
