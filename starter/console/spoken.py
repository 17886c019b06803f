"""How the console says things: how much time is left, roles, states. Pure; instants are UTC."""

from datetime import datetime
from typing import Final, Literal

from workflows.vocabulary import ROLE_WORDS, ClockState, EpisodeStatus, Role

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR

STATUS_WORDS: Final[dict[EpisodeStatus, str]] = {
    EpisodeStatus.ABSENT: "Absent",
    EpisodeStatus.AWAY: "Away without authorisation",
    EpisodeStatus.MISSING: "Missing",
    EpisodeStatus.LOCATED: "Located, not yet back",
    EpisodeStatus.RETURNED: "Returned",
    EpisodeStatus.RECORDED_IN_ERROR: "Recorded in error",
    EpisodeStatus.MERGED: "Merged into another",
    EpisodeStatus.DECEASED: "Deceased",
    EpisodeStatus.CLOSED_AT_18: "Closed at 18",
    EpisodeStatus.CLOSED: "Closed",
}

STATE_WORDS: Final[dict[ClockState, str]] = {
    ClockState.NOT_STARTED: "Not started",
    ClockState.RUNNING: "Running",
    ClockState.MET: "Done in time",
    ClockState.LATE: "Done late",
    ClockState.OVERDUE: "Overdue",
    ClockState.FIRED: "Time reached",
    ClockState.CANCELLED: "No longer needed",
    ClockState.SUPPRESSED: "Held back by a decision",
    ClockState.DECLINED: "Declined",
    ClockState.NOT_NEEDED: "Not needed",
    ClockState.VOIDED: "Struck out by a decision",
    ClockState.ENDED: "Ended",
}

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
    """How pressing something is: past its time, due within four hours, or neither."""
    if due is None:
        return "none"
    seconds = (due - now).total_seconds()
    return "overdue" if seconds < 0 else "soon" if seconds <= 4 * _HOUR else "calm"


def role_in_words(role: str) -> str:
    """A role in words; one that is not known any more by its own name."""
    try:
        return ROLE_WORDS[Role(role)]
    except ValueError:
        return role.replace("_", " ")


def in_plain_words(name: str) -> str:
    """A name out of the vocabulary as a phrase that begins a line."""
    said = name.replace("_", " ")
    return said[:1].upper() + said[1:]
