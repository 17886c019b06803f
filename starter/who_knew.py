"""Who knew what, and when: one table for one episode, and what became of its messages, as lines of a timeline. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from activities.store.episodes import EpisodeView
from workflows.chasing import TASK_OVERDUE
from workflows.instants import Instant, in_words
from workflows.telling import RETURN_NOTICE
from workflows.vocabulary import ROLE_WORDS, Role

TRAY: Final = "tray"

WAY_WORDS: Final[Mapping[str, str]] = {
    TRAY: "tray",
    "notify_email": "e-mail (GOV.UK Notify)",
    "notify_sms": "text message (GOV.UK Notify)",
    "smtp": "e-mail",
    "webhook": "webhook",
}
"""The ways by which a notice reaches somebody, in words."""

_SILENT: Final = "silent"
_FAILED_FOR_NOW: Final = "unreached"
_FAILED: Final = (_FAILED_FOR_NOW, "given_up")

Row = Mapping[str, Any]


def way_in_words(way: str) -> str:
    """A way in words; one that is not known any more by its own name."""
    return WAY_WORDS.get(way, way)


class Knew(BaseModel):
    """One notice, one person, one way. Instants are UTC; `person` and `acknowledged_by` as the authority calls them.

    `at` is when the row has its place in the order; `sent` when a provider took the message, or when the notice lay in
    the tray; `standing` how it stands, in words. Nobody on record: neither `person` nor `way`.
    """

    model_config = ConfigDict(frozen=True)
    at: Instant = Field(description="when the row has its place in the order")
    notice: str = Field(description="the notice's key")
    clock: str = Field(description="the clock that it is about, or what else")
    title: str = Field(description="what that is, in words")
    rung: str = Field(description="which step of the clock's ladder it is")
    says: str = Field(description="what it says")
    role: Role = Field(description="as what the person was told")
    person: str | None = Field(default=None, description="who, by the authority's reference; null: nobody on record")
    name: str | None = Field(default=None, description="the person's name")
    cover: str | None = Field(default=None, description="why that person: `holder`, or how they stand in")
    way: str | None = Field(default=None, description="by which way")
    sent: Instant | None = Field(default=None, description="when a provider took it, or it lay in the tray")
    delivered: Instant | None = Field(default=None, description="when it arrived")
    read: Instant | None = Field(default=None, description="when the person had it as read")
    asks: bool = Field(description="whether it asks for an answer")
    acknowledged_at: Instant | None = Field(default=None, description="when somebody answered it")
    acknowledged_by: str | None = Field(default=None, description="who did, by the authority's reference")
    standing: str = Field(description="how it stands, in words")


def who_knew(view: EpisodeView) -> list[Knew]:
    """Who was told what of an episode, when and by which way, and how that stands; in order of time.

    A row for each notice, person and way that was tried; one for somebody who
    has nothing but the tray, or whose notice waits; one for a notice for which
    nobody was on record.
    """
    messages = {one["id"]: one for one in view.messages}
    rows: list[Knew] = []
    for notice in view.notices:
        told = [one for one in view.recipients if one["notice"] == notice["key"]]
        about = _about(notice, view)
        if not told:
            rows.append(Knew(**about, at=notice["sent_at"], standing="nobody on record"))
        for one in told:
            message = messages.get(one["message"])
            tried = [row for row in view.dispatches if message and row["message"] == message["id"]]
            person = {name: one[name] for name in ("person", "name", "cover")} | {"read": one["read_at"]}
            rows += [Knew(**about, **person, **ways) for ways in _ways(notice, one, message, tried)]
    return sorted(rows, key=lambda row: (row.at, row.notice, row.person or ""))


def _about(notice: Row, view: EpisodeView) -> dict[str, Any]:
    answered = {name: notice[name] for name in ("acknowledged_at", "acknowledged_by")}
    said = {name: notice[name] for name in ("clock", "rung", "says", "role")}
    title = next((clock.title for clock in view.clocks if clock.id == notice["clock"]), None)
    return {"notice": notice["key"], "title": title or _title(notice), "asks": notice["needs_ack"]} | said | answered


def _title(notice: Row) -> str:
    """What a notice is about that speaks of no clock of the policy."""
    if notice["clock"] == RETURN_NOTICE:
        return "The child's return"
    return "A task" if notice["rung"].startswith(TASK_OVERDUE) else notice["clock"].replace("_", " ").capitalize()


def _ways(notice: Row, told: Row, message: Row | None, tried: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """What a row says of each way by which a person was told; the tray where no other was tried."""
    if message is None or not tried:
        lay = {"at": notice["sent_at"], "way": TRAY, "sent": notice["sent_at"]}
        yield lay | {"standing": _untried(message) if message else _waiting(told, notice["sent_at"])}
        return
    for one in tried:
        yield {
            "at": one["taken_at"] or one["first_tried_at"],
            "way": one["way"],
            "sent": one["taken_at"],
            "delivered": one["delivered_at"],
            "standing": _standing(one, message),
        }


def _waiting(told: Row, lay_since: datetime) -> str:
    if told["in_digest"]:
        return "waits for the digest"
    if told["ready_at"] is None:
        return "in the tray"
    if told["ready_at"] > lay_since:
        return f"waits until {in_words(told['ready_at'])}"
    return "waits for what goes with it"


def _untried(message: Row) -> str:
    if message["state"] in _FAILED:
        return "no way reached this person: none is there to try"
    return "in the tray: answered before it was sent" if message["state"] == "reached" else "being sent"


def _standing(dispatch: Row, message: Row) -> str:
    if dispatch["delivered_at"]:
        return "delivered"
    failure = dispatch["failure"]
    if dispatch["given_up_at"]:
        why = failure or _SILENT
        if message["state"] not in _FAILED:
            return f"taken, and no receipt came ({why})" if why == _SILENT else f"failed: {why}"
        again = "; it is tried again" if message["state"] == _FAILED_FOR_NOW else ""
        return f"no way reached this person: {why}{again}"
    if dispatch["taken_at"]:
        return "taken, not yet known to be delivered"
    return f"being sent; the last attempt failed: {failure}" if failure else "being sent"


class PostEvent(BaseModel):
    """A line of the timeline about a message: what became of it on one way out. Instants are UTC.

    It names nobody; nor the message, whose id is the key of its page.
    """

    model_config = ConfigDict(frozen=True)
    kind: Literal["post"] = Field(default="post", description="`post`: a line about a message")
    at: Instant = Field(description="when it happened")
    recorded_at: Instant = Field(description="when it became known")
    text: str = Field(description="the line, in words")
    way: str = Field(description="the way out: e-mail, text message, webhook")


def post_events(view: EpisodeView) -> list[PostEvent]:
    """What became of an episode's messages, in order of time: taken, arrived, given up and what comes next."""
    role_of = {notice["key"]: Role(notice["role"]) for notice in view.notices}
    events: list[PostEvent] = []
    for message in view.messages:
        told = {role_of[one["notice"]] for one in view.recipients if one["message"] == message["id"]}
        who = " and ".join(f"the {words}" for words in sorted(ROLE_WORDS[role] for role in told))
        tried = {one["way"]: one for one in view.dispatches if one["message"] == message["id"]}
        for way, one in tried.items():
            for at, text in _happened(one, who, _next_way(one, message, tried)):
                events.append(PostEvent(at=at, recorded_at=at, text=text, way=way))
    return sorted(events, key=lambda event: event.at)


def _happened(dispatch: Row, who: str, after: str) -> Iterator[tuple[datetime, str]]:
    way = way_in_words(dispatch["way"])
    if dispatch["taken_at"]:
        yield dispatch["taken_at"], f"Sent to {who} by {way}"
    if dispatch["given_up_at"]:
        # What was given up and arrived after all has no failure any more: nothing but silence leads there.
        why = dispatch["failure"] or _SILENT
        what = "went without a receipt (silent)" if why == _SILENT else f"failed ({why})"
        yield dispatch["given_up_at"], f"{way[0].upper()}{way[1:]} to {who} {what}{after}"
    if dispatch["delivered_at"]:
        yield dispatch["delivered_at"], f"Delivered to {who} by {way}"


def _next_way(dispatch: Row, message: Row, tried: Mapping[str, Row]) -> str:
    """What comes after a way that was given up: the next that was not given up before it, or another round."""
    ways: list[str] = message["ways"]
    given_up = dispatch["given_up_at"]
    if given_up is None or dispatch["way"] not in ways:
        return ""
    later: Iterable[str] = ways[ways.index(dispatch["way"]) + 1 :]
    for way in later:
        before = tried[way]["given_up_at"] if way in tried else None
        if before is None or before > given_up:
            return f": {way_in_words(way)} is next"
    return {"given_up": ": no way is left", _FAILED_FOR_NOW: ": every way is tried again"}.get(message["state"], "")
