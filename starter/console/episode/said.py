"""What a recorded thing says, in words for people: its details with their labels. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from starter.api.second_person import AUTHORISED_BY
from starter.console.episode.detail_words import choice_in_words, label_of
from starter.console.episode.kinds import TITLES
from workflows.fact_kinds import FACTS, FactKind
from workflows.facts import Fact
from workflows.instants import day_in_words, in_words, parse_instant
from workflows.vocabulary import beginning_a_line

_KEYS = frozenset({"fact", "action", "interview", "into", "episode", "task", "clock", "rule", "person"})
"""Details that name something else, or somebody, by an id."""


def details_in_words(fact: Fact, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each detail of a fact: what it is called, and what it says; but for those that are an id of something else.

    `names` are those of the directory's people, by reference.
    """
    return [
        (label_of(fact.kind, name).label.rstrip("?"), _said(fact.kind, name, value, names))
        for name, value in fact.details.items()
        if name not in _KEYS and name in FACTS[fact.kind].details
    ]


_DECIDED: Final[Mapping[FactKind, str]] = {
    FactKind.CLOCK_MET: "decided: it was done, though nothing here says so",
    FactKind.CLOCK_EXTENDED: "decided: more time",
    FactKind.CLOCK_SUPPRESSED: "decided: held back",
    FactKind.CLOCK_VOIDED: "decided: it does not apply",
    FactKind.ACKNOWLEDGED: "what was told was seen",
}
"""What is about a duty, of which the engine's words say what they do to a clock."""


def kind_in_words(kind: FactKind, details: Mapping[str, str]) -> str:
    """What can be recorded, by the title of its form, with what is chosen there."""
    return TITLES.get(kind, beginning_a_line(FACTS[kind].words)) + _chosen(kind, details)


def happened_in_words(kind: FactKind, details: Mapping[str, str] | None = None) -> str:
    """What was recorded, within a sentence, with what was chosen of these details."""
    return _DECIDED.get(kind, FACTS[kind].words) + _chosen(kind, details or {})


def _chosen(kind: FactKind, details: Mapping[str, str]) -> str:
    choices = {name: detail.choices for name, detail in FACTS[kind].details.items()}
    about = [choice_in_words(name, value) for name, value in details.items() if value in choices.get(name, ())]
    return f" ({', '.join(about)})" if about else ""


def value_in_words(kind: FactKind, name: str, value: str) -> str:
    """What a detail says, in words."""
    detail = FACTS[kind].details[name]
    if detail.form == "day":
        return day_in_words(date.fromisoformat(value))
    if detail.form == "instant":
        return in_words(parse_instant(value))
    if detail.form == "many":
        return ", ".join(one.strip() for one in value.split(","))
    return choice_in_words(name, value) if value in detail.choices else value


def _said(kind: FactKind, name: str, value: str, names: Mapping[str, str]) -> str:
    said = value_in_words(kind, name, value)
    return names.get(said, said) if name == AUTHORISED_BY else said
