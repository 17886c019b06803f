"""Forms as browsers post them from the console's pages, and the mistakes in them that a person can mend."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from workflows.plain_errors import BadInputError
from workflows.vocabulary import beginning_a_line

MOST_FIELDS: Final = 200
KEY: Final = "key"
"""The field that names a form's sending: sent twice, by a second press or a lost answer, it is done once."""
REASON: Final = "why"
"""The field that says why: it is written into the audit with what is asked."""


@dataclass(frozen=True)
class Posted:
    """A posted form: what each field says, in the order sent, without spaces around it."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def one(self, name: str) -> str:
        """What a field says; empty when it says nothing or is not there."""
        return next(iter(self.fields.get(name, ())), "")

    def many(self, name: str) -> tuple[str, ...]:
        """All that a field says, as of boxes that were ticked."""
        return tuple(value for value in self.fields.get(name, ()) if value)

    def said(self, *names: str) -> dict[str, str]:
        """Those of these fields that say something."""
        return {name: self.one(name) for name in names if self.one(name)}


async def posted_by(request: Request) -> Posted:
    """The form of a request. Raises BadInputError for what is no form."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise BadInputError("form: must be sent as a form")
    try:
        pairs = parse_qsl(
            (await request.body()).decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise BadInputError("form: cannot be read") from None
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise BadInputError(f"{name.replace(chr(0), '')}: must be without the character NUL")
        # Browsers send line ends as CR LF, and people see one line end.
        fields[name] = (*fields.get(name, ()), value.replace("\r\n", "\n").strip())
    return Posted(fields)


@dataclass
class Mistakes:
    """What cannot be used in a form, by field, in the form's order. Empty when all of it can."""

    by_field: dict[str, str] = field(default_factory=dict[str, str])

    def __bool__(self) -> bool:
        """Whether there is a mistake."""
        return bool(self.by_field)

    def add(self, name: str, sentence: str) -> None:
        """Note what is wrong with a field; what was noted of it first stands."""
        self.by_field.setdefault(name, sentence)

    def take(self, error: BadInputError, otherwise: str = "") -> None:
        """Note an error's line, '<field>: <what would be right>', by its field, or by another's name."""
        named, colon, sentence = str(error).partition(": ")
        if not colon or " " in named:
            named, sentence = otherwise, str(error)
        self.add(named, beginning_a_line(sentence))

    def keep_to(self, names: Collection[str]) -> None:
        """Say above the form, and not at a field, what is said of fields that it does not have."""
        for name in [one for one in self.by_field if one not in names]:
            self.add("", self.by_field.pop(name))
