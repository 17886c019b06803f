"""What is kept for a child across episodes, in words for people. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, cast

from starter.child_records import RecordShown
from starter.console.spoken import in_plain_words
from workflows.instants import day_in_words

RECORD_TITLES: Final[Mapping[str, str]] = {
    "safety_plan": "Missing safety plan",
    "risk_assessment": "Missing risk assessment",
    "philomena": "Information for the police (Philomena)",
    "photographs": "Photographs",
    "placement": "Placement",
}

_WORDS: Final[Mapping[str, str]] = {
    "risk_assessment": "Risk assessment",
    "childs_part": "The child's own part",
    "words": "The child's own words",
    "agreed": "Agreed by the child",
    "stays_in_touch_by": "How the child stays in touch",
    "review_on": "To be reviewed on",
    "face_on": "Photograph of the face taken on",
    "full_length_on": "Full-length photograph taken on",
    "with_carer": "The carer has copies",
    "on_record": "Copies are on the electronic record",
    "placed_on": "Placed on",
}


def lines_of_record(shown: RecordShown | None) -> list[tuple[str, str]]:
    """What the latest version of a record says: each field's words and what stands in it."""
    return list(_lines(shown.record.body)) if shown else []


def _lines(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        label = _WORDS.get(name) or in_plain_words(name)
        if isinstance(value, dict):
            yield from _lines(cast("dict[str, Any]", value))
        else:
            yield label, _said(value)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return "; ".join(_one(one) for one in cast("Sequence[object]", value))
    return _one(value)


def _one(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(str(one) for one in cast("dict[str, object]", value).values())
    text = str(value)
    try:
        return day_in_words(date.fromisoformat(text))
    except ValueError:
        return in_plain_words(text) if text.islower() and "_" in text and " " not in text else text
