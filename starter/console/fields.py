"""The fields of a form that is made of what is asked for, and what stands in them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple

from starter.console.moments import as_fields, day_said, moment_said
from workflows.plain_errors import BadInputError

MOST_LETTERS: Final = 4000

_MOST_RADIOS: Final = 7

Options = Sequence[tuple[str, str]]
"""What can be chosen: each value with its words."""

Shape = Literal["line", "lines", "radios", "select", "boxes", "day", "moment"]


class Label(NamedTuple):
    """What a field is called, and a line that helps."""

    label: str
    hint: str = ""


@dataclass(frozen=True)
class Field:
    """One field of the form: what it is called, how it is filled in, and what can be chosen.

    `asked` must be there; `most` is as many characters as it takes. `suggested` is offered, and others may be written.
    """

    name: str
    label: str
    hint: str
    shape: Shape
    asked: bool
    options: Options = ()
    most: int = MOST_LETTERS
    suggested: Sequence[str] = ()


@dataclass
class Written:
    """What stands in the form's fields, as it was written. Its day and time are of when it happened, where it did."""

    day: str = ""
    time: str = ""
    note: str = ""
    replaces: str = ""
    said: dict[str, str] = field(default_factory=dict[str, str])
    many: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    also: tuple[str, ...] = ()

    def of(self, name: str) -> str:
        """What a field says."""
        return self.said.get(name, "")


def chosen_by(options: Options) -> Shape:
    """How one of several is chosen: by as many buttons as can be seen at once, else from a list."""
    return "radios" if len(options) <= _MOST_RADIOS else "select"


def text_said(one: Field, written: Written) -> str:
    """What a field says that is no moment; empty when it says nothing. Raises BadInputError naming the field."""
    if one.shape == "boxes":
        return ",".join(_chosen(one, written.many.get(one.name, ())))
    said = written.of(one.name)
    if not said:
        return ""
    if one.options:
        return _chosen(one, (said,))[0]
    if one.shape == "day":
        return day_said(said, one.name).isoformat()
    if len(said) > one.most:
        raise BadInputError(f"{one.name}: must have at most {one.most} characters")
    return said


def _chosen(one: Field, values: Iterable[str]) -> list[str]:
    there = dict(one.options)
    chosen = list(values)
    if any(value not in there for value in chosen):
        raise BadInputError(f"{one.name}: choose one of the answers that are there")
    return chosen


def instant_said(day: str, time: str, name: str, kept: datetime | None = None) -> datetime:
    """The instant (UTC) that a day and a time say. Raises BadInputError naming the field.

    One that a correction leaves as it was `kept` is that one: no field shows
    its seconds, nor which of autumn's two hours.
    """
    return kept if kept and (day, time) == as_fields(kept) else moment_said(day, time, name)


def asks(one: Field) -> str:
    """What a form says of a field that must be filled in and is not."""
    return f"{'Choose' if one.options else 'Give'} an answer: {one.label}"
