"""What is said besides of something that happened in a story, written in words or by the names of the rules. Pure."""

from collections.abc import Iterator
from typing import Final

from starter.console.episode.detail_words import choice_in_words, label_of
from starter.console.moments import day_said, moment_said
from workflows.fact_kinds import FACTS, Detail, FactKind
from workflows.instants import to_rfc3339
from workflows.plain_errors import BadInputError

FIELD: Final = "details"


def details_said(kind: FactKind, written: str) -> dict[str, str]:
    """The details that somebody wrote with semicolons between, each an answer, alone or behind what is asked.

    Raises BadInputError, of the field `details`.
    """
    said: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in written.split(";"))):
        name, value = _said(kind, part)
        said[name] = value
    for name, detail in FACTS[kind].details.items():
        if detail.required and name not in said:
            raise BadInputError(f"{FIELD}: say too: {_asked(kind, name)}{_such_as(name, detail)}")
    return said


def answers_of(kind: FactKind) -> list[str]:
    """Every answer of this kind that can be chosen, in words, as it can be written."""
    return [f"{_asked(kind, name)} {words}" for name, _, words in _choices(kind)]


def _asked(kind: FactKind, name: str) -> str:
    label = label_of(kind, name).label
    return label if label.endswith("?") else f"{label}:"


def _choices(kind: FactKind) -> Iterator[tuple[str, str, str]]:
    """Each detail that is chosen: its name, the choice and its words."""
    for name, detail in FACTS[kind].details.items():
        for choice in detail.choices:
            yield name, choice, choice_in_words(name, choice)


def _said(kind: FactKind, part: str) -> tuple[str, str]:
    """One detail by its name and value."""
    alike = {
        (name, choice) for name, choice, words in _choices(kind) if _plain(part) in (_plain(words), _plain(choice))
    }
    if len(alike) == 1:
        return alike.pop()
    for name, detail in FACTS[kind].details.items():
        for called in (label_of(kind, name).label, name):
            if value := _after(part, called):
                return name, _value(kind, name, detail, value)
    asked = [_asked(kind, name) for name in FACTS[kind].details]
    if not asked:
        raise BadInputError(f"{FIELD}: nothing is said besides of this: leave them out")
    raise BadInputError(f"{FIELD}: “{part}” answers none of what can be said of this: {' '.join(asked).rstrip(':')}")


def _after(part: str, called: str) -> str:
    """What stands behind what is asked, with its colon or question mark; empty when something else is asked."""
    asked = called.rstrip("?")
    if part[: len(asked)].replace(" ", "_").casefold() != asked.replace(" ", "_").casefold():
        return ""
    rest = part[len(asked) :].lstrip()
    return rest.lstrip("?:").strip() if rest[:1] in ("?", ":") else ""


def _value(kind: FactKind, name: str, detail: Detail, written: str) -> str:
    if detail.form == "day":
        return day_said(written, FIELD).isoformat()
    day, space, time = written.partition(" ")
    if detail.form == "instant" and space:
        return to_rfc3339(moment_said(day, time.strip(), FIELD))
    if not detail.choices or detail.form == "many":
        return written
    for choice in detail.choices:
        if _plain(written) in (_plain(choice), _plain(choice_in_words(name, choice))):
            return choice
    raise BadInputError(f"{FIELD}: “{written}” is no answer to “{label_of(kind, name).label}”{_such_as(name, detail)}")


def _such_as(name: str, detail: Detail) -> str:
    return f", such as {choice_in_words(name, detail.choices[0])}" if detail.choices else ""


def _plain(words: str) -> str:
    return " ".join(words.replace("_", " ").casefold().split())
