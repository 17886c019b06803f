"""The events as a page in Markdown: each type, what it tells, its data, and an example that the code makes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel

from activities.cloud_events import as_object
from activities.delivery_rules import DeliveryRules
from activities.store.events import NumberedEvent
from workflows.event_kinds import EVENTS, ClockData, EpisodeData, EventData, EventKind, FactData, NoticeData, TaskData
from workflows.events import event_of
from workflows.fact_kinds import FactKind
from workflows.vocabulary import ClockKind, ClockState, EpisodeStatus, Role

_AT: Final = datetime(2026, 6, 10, 12, tzinfo=UTC)
_EPISODE: Final = "5d8f0a52-6a5c-4f0e-9a54-0c6f3a3f7b11"

_EXAMPLES: Final[dict[type[BaseModel], EventData]] = {
    EpisodeData: EpisodeData(
        status=EpisodeStatus.MISSING,
        missing_since=_AT - timedelta(hours=3),
        returned_at=None,
        closed_at=None,
        policy="homeward",
        policy_version="2026.4",
        calendar_version="2026-11",
    ),
    FactData: FactData(fact="0b0f7a3e-2f6c-4b1e-8d55-5b1d1f0c9a01", kind=FactKind.REPORTED, at=_AT, recorded_at=_AT),
    ClockData: ClockData(
        clock="rhi",
        kind=ClockKind.DUE_BY,
        state=ClockState.RUNNING,
        start=_AT,
        due=_AT + timedelta(hours=72),
        first_due=None,
        settled_at=None,
        settled_by=None,
        provisional=False,
    ),
    TaskData: TaskData(
        task=f"{_EPISODE}/rhi",
        clock="rhi",
        role=Role.INTERVIEW_PROVIDER,
        state="open",
        due=_AT + timedelta(hours=72),
        opened_at=_AT,
        closed_at=None,
        taken=False,
        done_by=None,
    ),
    NoticeData: NoticeData(
        notice=f"{_EPISODE}/rhi/ask/1/team_manager",
        clock="rhi",
        rung="ask",
        role=Role.TEAM_MANAGER,
        needs_answer=True,
        escalates=False,
        at=_AT,
        due=_AT + timedelta(hours=72),
        people=1,
    ),
}
_CHOICES_SHOWN: Final = 30

_FAMILIES: Final = (
    ("Episodes", EpisodeData, EventKind.EPISODE_BEGUN),
    ("Facts", FactData, EventKind.FACT_RECORDED),
    ("Clocks", ClockData, EventKind.CLOCK_STARTED),
    ("Tasks", TaskData, EventKind.TASK_OPENED),
    ("Notices", NoticeData, EventKind.NOTICE_SENT),
)

_HEAD: Final = """\
# Events

What Homeward tells other systems. This page is made by the code: `make events`.

Each event is a [CloudEvent](https://cloudevents.io) 1.0 in structured JSON. `source` is the authority, `subject` the
episode's id, `time` when it was written, `sequence` its number in the authority's feed: with leading zeros, so that it
sorts as text. `id` stays the same however often an event is sent. Each event carries the whole of what it speaks of as
it stands after it, so that a receiver keeps the latest by `sequence` and need remember nothing else. Instants are RFC
3339 in UTC. Fields may be added; a receiver passes over what it does not know, types too.

No event holds free words, names, places, a child's reference or a date of birth. Who needs more reads the episode.

## By cursor

`GET /v1/events?after=CURSOR` answers `events`, `cursor` and `more`; read on from `cursor`. `type=` (several times, or
a family such as `homeward.task`) chooses, `limit=` is 100 unless given, `wait=25` waits so many seconds for the next.
Begin with `GET /v1/feed`, then read every episode, then go on after its `last`. A 410 (`cursor-gone`) says that what
came after the cursor was dropped for its age: begin so again.

## By webhook

`homeward webhooks add` or `POST /v1/webhooks`. Each event is posted by itself, as `application/cloudevents+json`,
signed as [Standard Webhooks](https://www.standardwebhooks.com) asks; `webhook-id` is the event's id. For {overlap}
hours after its secret is rotated it carries two signatures.

- **At least once.** An event comes again when its answer is lost, or a worker dies before it writes the answer down.
  Tell repeats apart by `webhook-id`.
- **In order within an episode.** What is not taken holds up the later events of its own episode, and no other's. A
  dead letter that is sent again comes after newer ones: its `sequence` says so.
- Any 2xx takes it, within {attempt:.0f} seconds; redirects are not followed. Anything else is tried again after
  {pauses}, each a fifth longer or shorter by chance. Then it is a dead letter: kept, listed with its reason, sent again
  on demand (`homeward webhooks resend`), and in nobody's way.
- 410 ends it until it is resumed. `Retry-After` is heeded up to {asked:.0f} minutes.
- A receiver that cannot be reached is rested, at most {rest:.0f} seconds at a time; what it has not been sent waits in
  the feed, however long.
- A worker that dies is taken over from within {hold:.0f} seconds. The engine is not asked: events go out while it is
  away.
- A receiver in an inner network, or on the machine itself, is called only where `HOMEWARD_PRIVATE_RECEIVERS` allows;
  link-local addresses never are.

`homeward webhooks test` sends an event of the type `homeward.webhook.test`, without `subject` and `sequence`.
"""


def event_page() -> str:
    """The page."""
    rules = DeliveryRules()
    head = _HEAD.format(
        overlap=round(rules.secret_overlap.total_seconds() / 3600),
        attempt=rules.attempt_seconds,
        pauses=", ".join(_in_words(pause) for pause in rules.pauses),
        asked=rules.longest_asked.total_seconds() / 60,
        rest=rules.longest_rest.total_seconds(),
        hold=rules.hold.total_seconds(),
    )
    return "\n".join([head, *(_family(*family) for family in _FAMILIES)])


def _family(title: str, data: type[BaseModel], example: EventKind) -> str:
    rows = [f"| `{kind}` | {told.words} |" for kind, told in EVENTS.items() if told.data is data]
    lines = [f"## {title}", "", "| Type | What it tells |", "|---|---|", *rows, ""]
    lines += [" ".join((data.__doc__ or "").split()), ""]
    schema = data.model_json_schema()
    lines += [f"- `{name}`: {_kind_of(field, schema)}" for name, field in schema["properties"].items()]
    lines += ["", "```json"]
    lines += [json.dumps(_example(data, example), indent=2), "```", ""]
    return "\n".join(lines)


def _kind_of(field: dict[str, Any], schema: dict[str, Any]) -> str:
    """What a field holds, in a few words."""
    options: list[dict[str, Any]] = field.get("anyOf", [field])
    return " or ".join(_name_of(option, schema) for option in options)


def _name_of(option: dict[str, Any], schema: dict[str, Any]) -> str:
    if "$ref" in option:
        choices: list[str] = schema["$defs"][str(option["$ref"]).rpartition("/")[2]]["enum"]
        shown = ", ".join(f"`{choice}`" for choice in choices)
        return shown if len(choices) <= _CHOICES_SHOWN else "a kind of fact, as `homeward record` takes it"
    return {"string": "text", "boolean": "true or false", "integer": "a number"}.get(option["type"], "null")


def _example(data: type[BaseModel], kind: EventKind) -> dict[str, Any]:
    told = event_of(kind, _EPISODE, _AT, _EXAMPLES[data], "1")
    return as_object(NumberedEvent(authority="local", number=1, **told.model_dump()))


def _in_words(pause: timedelta) -> str:
    seconds = pause.total_seconds()
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


if __name__ == "__main__":
    import sys

    sys.stdout.write(event_page())
