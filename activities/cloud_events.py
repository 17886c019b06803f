"""Events as other systems read them: CloudEvents 1.0, written as structured JSON."""

import json
from datetime import datetime
from typing import Any, Final

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from activities.store.events import NumberedEvent
from workflows.event_kinds import EVENTS, WEBHOOK_TEST

MEDIA_TYPE: Final = "application/cloudevents+json"

_DIGITS: Final = 19
"""So that the numbers of a feed sort as text too, which is what the extension `sequence` asks."""


def source_of(authority: str) -> str:
    """Where an authority's events come from."""
    return f"/authorities/{authority}"


def written(event: NumberedEvent) -> str:
    """An event as structured JSON: the same text however often it is asked for."""
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": source_of(event.authority),
        "type": event.kind.value,
        "subject": event.episode_id,
        "time": event.at,
        "datacontenttype": "application/json",
        "sequence": f"{event.number:0{_DIGITS}}",
    }
    # A database may give the names in an object back in an order of its own.
    form = [name for name in EVENTS[event.kind].data.model_fields if name in event.data]
    return _as_json(attributes, {name: event.data[name] for name in form})


def as_object(event: NumberedEvent) -> dict[str, Any]:
    """The same, JSON-ready."""
    return json.loads(written(event))


def written_test(id: str, authority: str, at: datetime) -> str:
    """The event by which a receiver is tried out: of no episode and in no feed. `at` is UTC."""
    about: dict[str, Any] = {"specversion": "1.0", "id": id, "source": source_of(authority), "type": WEBHOOK_TEST}
    return _as_json({**about, "time": at, "datacontenttype": "application/json"}, {})


def _as_json(attributes: dict[str, Any], data: dict[str, Any]) -> str:
    return JSONFormat().write(CloudEvent(attributes, data)).decode()
