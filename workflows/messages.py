"""Messages: when a notice may go out to a person, what goes out together, and in what words. Pure.

A notice is a line of a message. What comes for one person within a short while
goes out as one message, so that fifty children are one telephone ringing once.
A message names nobody and says nothing of a case: what is asked, of whom, by
when, and where to look.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from workflows.directory import Hours
from workflows.instants import LONDON, Instant, day_in_words, in_words, london_day, london_instant, to_rfc3339
from workflows.vocabulary import ROLE_WORDS, Channel, Haste, Role

Asks = Literal["answer", "step", "notice"]
"""What a line asks: an answer, to look at something that was not done, or to know."""

_ASKS_FIRST: Final[dict[Asks, int]] = {"answer": 0, "step": 1, "notice": 2}
_DAYS_AHEAD: Final = 9
"""Days looked through for the next waking hour: more than a week, so that every pattern of hours comes round."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class QuietHours(_Part):
    """The part of each night, in London's wall-clock time, in which only what cannot wait goes out."""

    begins: time
    ends: time

    def cover(self, at: datetime) -> bool:
        """Whether the instant lies in them."""
        local = at.astimezone(LONDON).time()
        if self.begins <= self.ends:
            return self.begins <= local < self.ends
        return local >= self.begins or local < self.ends


class PostRules(_Part):
    """How an authority has messages go out.

    `gather_seconds`: how long the first notice for a person waits for others.
    `digest_at`: London times of the daily digest. `channel_minutes`: how long
    one channel is tried before the next. `silent_minutes`: how long a provider
    that took a message may go without saying that it arrived.
    `keep_trying_hours`: how long a message that no channel takes is tried again.
    """

    gather_seconds: Annotated[int, Field(ge=0, le=900)] = 60
    quiet: QuietHours | None = None
    digest_at: tuple[time, ...] = ()
    channel_minutes: Annotated[float, Field(gt=0, le=240)] = 5
    silent_minutes: Annotated[float, Field(gt=0, le=1440)] = 15
    keep_trying_hours: Annotated[float, Field(gt=0, le=720)] = 72

    @property
    def gather(self) -> timedelta:
        """How long the first notice for a person waits for others, in elapsed time."""
        return timedelta(seconds=self.gather_seconds)


def ready_at(haste: Haste, at: datetime, rules: PostRules, hours: Hours) -> datetime | None:
    """When a notice of that haste may go out to a person with those hours (UTC); None: with the next digest.

    What waits for waking hours, where there are no digests, waits likewise.
    """
    if haste is Haste.AT_ONCE:
        return at
    if haste is Haste.IN_DIGEST and rules.digest_at:
        return None
    return first_waking(at, rules.quiet, hours)


def first_waking(at: datetime, quiet: QuietHours | None, hours: Hours) -> datetime:
    """The first instant from `at` on (UTC) in which the person works and it is not night; `at` when there is none."""

    def awake(moment: datetime) -> bool:
        return hours.cover(moment) and not (quiet and quiet.cover(moment))

    begins = [time(0), hours.begins, *([quiet.ends] if quiet else [])]
    first = london_day(at)
    coming = (london_instant(first + timedelta(days=ahead), one) for ahead in range(_DAYS_AHEAD) for one in begins)
    return min((moment for moment in (at, *coming) if moment >= at and awake(moment)), default=at)


def works_on_the_day_of(at: datetime, hours: Hours) -> bool:
    """Whether somebody with those hours works on the London day of an instant."""
    return not hours.days or at.astimezone(LONDON).weekday() in hours.days


class Line(_Part):
    """One notice as a line of a message. `due` and `at` are UTC; `says` is for screens, and no message carries it."""

    notice: str
    episode_id: str
    clock: str
    rung: str
    role: Role
    asks: Asks
    says: str
    at: Instant
    due: Instant | None = None


def asks_of(*, needs_ack: bool, escalates: bool) -> Asks:
    """What a notice asks of whoever gets it."""
    if needs_ack:
        return "answer"
    return "step" if escalates else "notice"


def in_order(lines: Iterable[Line]) -> tuple[Line, ...]:
    """The lines as they stand in a message: what asks for an answer first, then by when it is due."""
    return tuple(sorted(lines, key=lambda one: (_ASKS_FIRST[one.asks], one.due or one.at, one.notice)))


class Wording(_Part):
    """A message in words. `data` is what a system reads."""

    subject: str
    body: str
    data: dict[str, Any]


_ASKED: Final[dict[Asks, str]] = {
    "answer": "look, and answer",
    "step": "look at what was not done in time",
    "notice": "look",
}
_LAST_SECOND: Final = time(23, 59, 59)


def wording(message_id: str, lines: Sequence[Line], channel: Channel, links: str) -> Wording:
    """A message as it goes out by a channel. `links` is the address under which messages can be read.

    A text message says how many things there are and when the first is due; an
    e-mail lists them. Neither says what they are.
    """
    ordered = in_order(lines)
    link = f"{links.rstrip('/')}/m/{message_id}"
    subject = _subject(ordered)
    body = "\n".join(_short(ordered, link) if channel is Channel.SMS else _long(ordered, link))
    return Wording(subject=subject, body=body, data=_data(message_id, ordered, link))


def _subject(lines: Sequence[Line]) -> str:
    answers = sum(one.asks == "answer" for one in lines)
    if answers:
        return f"Homeward: {_things(answers)} for you to answer"
    steps = sum(one.asks == "step" for one in lines)
    return f"Homeward: {_things(steps)} not done in time" if steps else f"Homeward: {_things(len(lines))} to look at"


def _things(count: int) -> str:
    return "1 thing" if count == 1 else f"{count} things"


def _when(line: Line) -> str:
    """By when something is asked, or since when it has been due, as the end of a sentence."""
    if line.due is None:
        return ""
    at_end = line.due.astimezone(LONDON).time() == _LAST_SECOND
    due = f"the end of {day_in_words(london_day(line.due))}" if at_end else in_words(line.due)
    return f", due since {due}" if line.due <= line.at else f", by {due}"


def _short(lines: Sequence[Line], link: str) -> list[str]:
    first = min((one for one in lines if one.due), key=lambda one: one.due or one.at, default=None)
    when = _when(first) if first else ""
    if len(lines) > 1:
        when = when.replace(", ", ", the first ", 1)
    return [f"{_subject(lines)}{when}. {link}"]


def _long(lines: Sequence[Line], link: str) -> list[str]:
    asks = any(one.asks == "answer" for one in lines)
    said = [f"Look here, and say that you have: {link}" if asks else f"Look here: {link}", ""]
    alike: dict[tuple[Role, Asks, str, str], int] = {}
    for one in lines:
        about = (one.role, one.asks, _when(one), one.episode_id)
        alike[about] = alike.get(about, 0) + 1
    for (role, asked, when, episode), count in alike.items():
        things = f" ({_things(count)})" if count > 1 else ""
        said.append(f"- As {ROLE_WORDS[role]}: {_ASKED[asked]}{things}{when}. Episode {episode}")
    return [*said, "", "This message says nothing of a child on purpose. Please do not forward it with details added."]


def _data(message_id: str, lines: Sequence[Line], link: str) -> dict[str, Any]:
    return {
        "type": "homeward.message",
        "message": message_id,
        "link": link,
        "lines": [
            {
                "episode": one.episode_id,
                "clock": one.clock,
                "rung": one.rung,
                "role": one.role.value,
                "asks": one.asks,
                "at": to_rfc3339(one.at),
                "due": to_rfc3339(one.due) if one.due else None,
            }
            for one in lines
        ],
    }
