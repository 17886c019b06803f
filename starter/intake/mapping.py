"""What a case system's own CSV says: which column is what, which spellings mean what, how days are written.

A mapping is data (YAML or JSON). One that cannot be used is refused by name:
the file, the key, and what would be right.
"""

from collections.abc import Mapping as Given
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from workflows.vocabulary import ABSENCE_CATEGORIES, Setting

YES_NO: Final = ("yes", "no")
NOBODY: Final = "nobody"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
Header = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Spelling = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
DayStyle = Literal[
    "31/12/2026",
    "31-12-2026",
    "31.12.2026",
    "2026-12-31",
    "31-Dec-26",
    "31-Dec-2026",
    "31 Dec 2026",
    "31 December 2026",
]
TimeStyle = Literal["21:45", "2145", "21:45:30", "9:45", "9:45 pm"]
Encoding = Literal["utf-8", "utf-16", "windows-1252", "iso-8859-1"]
Delimiter = Literal[",", ";", "|", "tab"]


class Field(StrEnum):
    """What a column of an export can be."""

    CHILD = "child"
    BORN = "born"
    LOOKED_AFTER = "looked_after"
    SETTING = "setting"
    OUT_OF_AREA = "out_of_area"
    CATEGORY = "category"
    MISSING_FROM = "missing_from"
    START_DAY = "start_day"
    START_TIME = "start_time"
    REPORTED_TO_POLICE = "reported_to_police"
    POLICE_REFERENCE = "police_reference"
    END_DAY = "end_day"
    END_TIME = "end_time"
    RHI_OFFERED = "rhi_offered"
    RHI_OFFERED_DAY = "rhi_offered_day"
    RHI_ACCEPTED = "rhi_accepted"
    RHI_DAY = "rhi_day"
    RHI_REASON = "rhi_reason"
    ALLOCATED_WORKER = "allocated_worker"


WHAT_IT_IS: Final[Given[Field, str]] = {
    Field.CHILD: "the case system's number for the child",
    Field.BORN: "the child's date of birth",
    Field.LOOKED_AFTER: "whether the child is looked after (yes, no)",
    Field.SETTING: f"where the child lives ({', '.join(Setting)})",
    Field.OUT_OF_AREA: "whether the child is placed out of area (yes, no)",
    Field.CATEGORY: f"the kind of absence ({', '.join(ABSENCE_CATEGORIES)})",
    Field.MISSING_FROM: "where the child went from (placement, home)",
    Field.START_DAY: "the day on which the child was last seen",
    Field.START_TIME: "the time of that day, in London; not known: known to the day only",
    Field.REPORTED_TO_POLICE: "whether the police were told (yes, no)",
    Field.POLICE_REFERENCE: "the police's reference",
    Field.END_DAY: "the day on which the child was found and back; empty while the child is away",
    Field.END_TIME: "the time of that day, in London; not known: known to the day only",
    Field.RHI_OFFERED: "whether a return home interview was offered (yes, no)",
    Field.RHI_OFFERED_DAY: "the day of that offer",
    Field.RHI_ACCEPTED: "whether the child accepted (yes, no)",
    Field.RHI_DAY: "the day of the interview",
    Field.RHI_REASON: "why there was no interview (refused, prevented)",
    Field.ALLOCATED_WORKER: f"the child's allocated worker; a spelling that means '{NOBODY}' names none",
}
"""Each thing a column can be, in words, and the meanings its codes may have."""

MEANINGS: Final[Given[Field, tuple[str, ...]]] = {
    Field.LOOKED_AFTER: YES_NO,
    Field.SETTING: tuple(Setting),
    Field.OUT_OF_AREA: YES_NO,
    Field.CATEGORY: ABSENCE_CATEGORIES,
    Field.MISSING_FROM: ("placement", "home"),
    Field.REPORTED_TO_POLICE: YES_NO,
    Field.RHI_OFFERED: YES_NO,
    Field.RHI_ACCEPTED: YES_NO,
    Field.RHI_REASON: ("refused", "prevented"),
    Field.ALLOCATED_WORKER: (NOBODY,),
}
"""The fields whose cells are codes, and what a code may mean."""

REQUIRED: Final = (Field.CHILD, Field.CATEGORY, Field.START_DAY)
"""Without these there is no episode, or no knowing which clocks run."""

DECIDES: Final = (Field.CATEGORY, Field.REPORTED_TO_POLICE)
"""Codes that decide which clocks run: where there is such a column, an empty cell is refused."""

_TIMES: Final = {Field.START_TIME: Field.START_DAY, Field.END_TIME: Field.END_DAY}


class Mapping(BaseModel):
    """How one case system writes its export.

    `columns` is each field's column in the file; `passed_over` are columns that
    are there and not used, and `other_columns` says whether yet others are
    refused. `codes` is, for each field, each spelling's meaning, whatever its
    capitals; `yes_no` are the spellings of fields that say yes or no and have no
    codes of their own. `empty` is what an empty cell means, where that is not
    'not known'; `always` what holds for every row of a file without that
    column. `midnight` says whether 00:00 is a time or stands for none. All times
    are London wall-clock times.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    mapping: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    title: Text
    encoding: Encoding = "utf-8"
    delimiter: Delimiter = ","
    days: tuple[DayStyle, ...]
    times: tuple[TimeStyle, ...] = ()
    times_in_day_columns: Literal["yes", "no"] = "no"
    midnight: Literal["unknown", "a_time"] = "unknown"
    columns: dict[Field, Header]
    passed_over: tuple[Header, ...] = ()
    other_columns: Literal["refused", "passed_over"] = "refused"
    yes_no: dict[Spelling, Literal["yes", "no"]] = {}
    codes: dict[Field, dict[Spelling, str]] = {}
    empty: dict[Field, str] = {}
    always: dict[Field, str] = {}

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if not self.days:
            raise ValueError("days: must name at least one style, such as 31/12/2026")
        _check_columns(self)
        _check_times(self)
        for field, spellings in self.codes.items():
            _check_codes(field, spellings, self.columns)
        for name, said in (("empty", self.empty), ("always", self.always)):
            for field, meaning in said.items():
                _check_meaning(f"{name}.{field}", field, meaning)
        return self

    @property
    def header(self) -> tuple[str, ...]:
        """Every column that a file must have: those that are used, then those passed over."""
        return (*self.columns.values(), *self.passed_over)

    @property
    def separator(self) -> str:
        """The character between two cells."""
        return "\t" if self.delimiter == "tab" else self.delimiter

    def called(self, field: Field) -> str:
        """The field's column in the file, or the field's own name where the file has none."""
        return self.columns.get(field, field.value)

    def spellings(self, field: Field) -> Given[str, str]:
        """Each spelling of a code with its meaning."""
        own = self.codes.get(field)
        return own if own is not None else (self.yes_no if MEANINGS.get(field) == YES_NO else {})


def _check_columns(mapping: Mapping) -> None:
    for field in REQUIRED:
        if field not in mapping.columns and field not in mapping.always:
            raise ValueError(f"columns.{field}: must be given: {WHAT_IT_IS[field]}")
    names = [*mapping.columns.values(), *mapping.passed_over]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"columns: '{twice}' is there twice; a column is one thing only")
    for field in mapping.columns:
        if field in mapping.always:
            raise ValueError(f"always.{field}: the file has a column for it; take it out of one of the two")
        needs_spellings = field in MEANINGS and field is not Field.ALLOCATED_WORKER
        if needs_spellings and not mapping.spellings(field):
            other = " or yes_no" if MEANINGS[field] == YES_NO else ""
            raise ValueError(f"codes.{field}: must be given{other}: each spelling and what it means")
    for field in mapping.empty:
        if field not in mapping.columns:
            raise ValueError(f"empty.{field}: the file has no column for it; name it in columns, or say it in always")


def _check_times(mapping: Mapping) -> None:
    for time, day in _TIMES.items():
        if time not in mapping.columns:
            continue
        if day not in mapping.columns:
            raise ValueError(f"columns.{time}: a time needs its day; name columns.{day} too")
        if mapping.times_in_day_columns == "yes":
            raise ValueError(f"columns.{time}: times_in_day_columns says that the day's own column has the time")
    timed = mapping.times_in_day_columns == "yes" or any(time in mapping.columns for time in _TIMES)
    if timed and not mapping.times:
        raise ValueError("times: must name at least one style, such as 21:45")
    if mapping.times_in_day_columns == "yes" and "2145" in mapping.times:
        raise ValueError("times: '2145' cannot be told from a day in the day's own column; use styles with a colon")


def _check_codes(field: Field, spellings: Given[str, str], columns: Given[Field, str]) -> None:
    if field not in MEANINGS:
        raise ValueError(f"codes.{field}: its cells are no codes; codes are for {', '.join(MEANINGS)}")
    if field not in columns:
        raise ValueError(f"codes.{field}: the file has no column for it; name it in columns")
    for spelling, meaning in spellings.items():
        _check_meaning(f"codes.{field}.{spelling}", field, meaning)
    folded = [spelling.casefold() for spelling in spellings]
    if twice := next((spelling for spelling in spellings if folded.count(spelling.casefold()) > 1), None):
        raise ValueError(f"codes.{field}.{twice}: is there twice; capitals do not matter")


def _check_meaning(key: str, field: Field, meaning: str) -> None:
    if field not in MEANINGS or (field is Field.ALLOCATED_WORKER and not key.startswith("codes.")):
        raise ValueError(f"{key}: only what is told by a code can be said so: {', '.join(MEANINGS)}")
    if meaning not in MEANINGS[field]:
        raise ValueError(f"{key}: must mean one of {', '.join(MEANINGS[field])}")
