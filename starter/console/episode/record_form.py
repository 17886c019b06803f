"""The form that records one kind of thing that happened: its fields, made of the kind's details. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from starter.console.episode.detail_words import choice_in_words, label_of
from starter.console.fields import (
    MOST_LETTERS,
    Field,
    Options,
    Shape,
    Written,
    asks,
    chosen_by,
    instant_said,
    text_said,
)
from starter.console.forms import Mistakes, Posted
from starter.console.moments import as_fields
from workflows.fact_kinds import FACTS, Detail, FactKind
from workflows.facts import Fact
from workflows.instants import parse_instant, to_rfc3339
from workflows.plain_errors import BadInputError

AT: Final = "at"
NOTE: Final = "note"
LONG: Final = frozenset(
    {
        *("reason", "outcome", "decision", "risk", "reply", "harm", "pattern", "triggers", "appearance", "evidence"),
        *("do", "what", "attended", "invited", "may_repeat", "basis"),
    }
)
"""Details of which people write more than a line."""

_COUNTS: Final = "Without it this is kept, and what is owed goes on"


@dataclass(frozen=True)
class Offered:
    """What an episode offers to choose from: details whose choices are its own, and the words of its agenda.

    `fixed` are details that nobody is asked; an empty one is left out. `counts`: details without which it is kept, and
    settles nothing that is owed. `asked` are details that must be filled in besides those that the kind must have.
    `providers` are the interview providers who read here what they are referred.
    """

    options: Mapping[str, Options] = field(default_factory=dict[str, Options])
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])
    counts: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    agenda: Mapping[str, str] = field(default_factory=dict[str, str])
    providers: Sequence[str] = ()


def fields_of(kind: FactKind, offered: Offered) -> list[Field]:
    """The fields of a kind's details, those first without which it says too little."""
    details = {name: one for name, one in FACTS[kind].details.items() if name not in offered.fixed}
    made = [_field(kind, name, one, offered) for name, one in details.items()]
    there = [one for one in made if one.asked or one.options or one.name not in offered.options]
    return sorted(there, key=lambda one: not one.asked)


def _field(kind: FactKind, name: str, detail: Detail, offered: Offered) -> Field:
    label, hint = label_of(kind, name)
    if name in offered.counts:
        hint = f"{hint}. {_COUNTS}" if hint else _COUNTS
    if (kind, name) == (FactKind.REFERRED, "to"):
        hint = _read_here(offered.providers)
        return Field(name, label, hint, "line", detail.required, suggested=offered.providers)
    options, asked = offered.options.get(name), detail.required or name in offered.asked
    if options is None:
        options = [(value, _words(name, value, offered)) for value in detail.choices]
        return Field(name, label, hint, _shape(name, detail, options), asked, options)
    return Field(name, label, hint, chosen_by(options), asked, options)


def _read_here(providers: Sequence[str]) -> str:
    """Who is told by the referral alone: one letter otherwise, and nobody reads it."""
    if not providers:
        return "No provider has an account here: tell them yourself as well"
    return f"As it is written here, these read it in Homeward: {', '.join(providers)}. Tell any other yourself as well"


def _words(name: str, value: str, offered: Offered) -> str:
    said = offered.agenda.get(value) if name == "covered" else None
    return f"{value}) {said}" if said else choice_in_words(name, value)


def _shape(name: str, detail: Detail, options: Options) -> Shape:
    if detail.form == "many":
        return "boxes"
    if detail.form == "day":
        return "day"
    if detail.form == "instant":
        return "moment"
    if options:
        return chosen_by(options)
    return "lines" if name in LONG else "line"


def new_form(kind: FactKind, offered: Offered, chosen: Mapping[str, str], now: datetime) -> Written:
    """A form that nobody has filled in, at the present, with what a link chose where there is a choice of it.

    Only what can be chosen is taken from a link: free words would stand in addresses and logs.
    """
    written = Written(*as_fields(now))
    for one in fields_of(kind, offered):
        value = chosen.get(one.name, "")
        if value in dict(one.options):
            written.said[one.name] = value
    return written


def form_of(fact: Fact) -> Written:
    """The form as it would have said a fact, for correcting it."""
    written = Written(*as_fields(fact.at), note=fact.note or "", replaces=fact.id)
    for name, value in fact.details.items():
        detail = FACTS[fact.kind].details[name]
        if detail.form == "many":
            written.many[name] = tuple(one.strip() for one in value.split(","))
        elif detail.form == "instant":
            day, time = as_fields(parse_instant(value))
            written.said |= {f"{name}_day": day, f"{name}_time": time}
        else:
            written.said[name] = value
    return written


def form_posted(kind: FactKind, offered: Offered, posted: Posted) -> Written:
    """The form as it was posted."""
    written = Written(posted.one(f"{AT}_day"), posted.one(f"{AT}_time"), posted.one(NOTE), posted.one("replaces"))
    written.also = posted.many("also")
    for one in fields_of(kind, offered):
        names = (f"{one.name}_day", f"{one.name}_time") if one.shape == "moment" else (one.name,)
        written.said |= posted.said(*names)
        if one.shape == "boxes":
            written.many[one.name] = posted.many(one.name)
    return written


def said_by(kind: FactKind, offered: Offered, written: Written, before: Fact | None, wrong: Mistakes) -> dict[str, str]:
    """The details that a form says, as facts have them; what cannot be used goes into `wrong`, by its field."""
    details = {name: value for name, value in offered.fixed.items() if value}
    for one in fields_of(kind, offered):
        try:
            value = _value(one, written, before)
        except BadInputError as error:
            wrong.take(error, one.name)
            continue
        if value:
            details[one.name] = value
        elif one.asked:
            wrong.add(one.name, asks(one))
    if len(written.note) > MOST_LETTERS:
        wrong.add(NOTE, f"The note must have at most {MOST_LETTERS} characters")
    return details


def _value(one: Field, written: Written, before: Fact | None) -> str:
    if one.shape != "moment":
        return text_said(one, written)
    day, time = written.of(f"{one.name}_day"), written.of(f"{one.name}_time")
    if not day and not time:
        return ""
    kept = parse_instant(before.details[one.name]) if before and one.name in before.details else None
    return to_rfc3339(instant_said(day, time, one.name, kept))


def happened_at(written: Written, before: Fact | None, wrong: Mistakes) -> datetime | None:
    """When it happened (UTC), as a form says; None, with the mistake in `wrong`, when that cannot be used."""
    try:
        return instant_said(written.day, written.time, AT, before.at if before else None)
    except BadInputError as error:
        wrong.take(error, AT)
        return None
