"""The rows of the directory: what each column may hold, for files and for single changes alike.

A row is checked, and brought to the one form in which it is kept, by
`as_kept`. What is wrong is told by its column, and never by what the cell holds.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, time
from typing import Final

from workflows.contacts import read_channels, read_email, read_mobile
from workflows.directory import NEAREST_FIRST, channels_of, read_hours
from workflows.instants import LONDON, parse_day, parse_instant, to_rfc3339
from workflows.plain_errors import BadInputError
from workflows.vocabulary import Role

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "people": ("person", "name", "email", "mobile", "channels", "hours", "deputies"),
    "holders": ("role", "person", "scope", "for", "from", "until"),
    "teams": ("child", "team"),
    "rota": ("role", "person", "from", "until"),
    "leave": ("person", "from", "until"),
}
"""The columns of each kind of row."""

KEY: Final = {"people": "person", "teams": "child"}
"""The column that names what the row is about, in the kinds where that is there once."""

Row = Mapping[str, str]

_LONGEST_CELL: Final = 500
_MAY_BE_EMPTY: Final = {
    "people": ("email", "mobile", "channels", "hours", "deputies"),
    "holders": ("for", "from", "until"),
}
_LOCAL = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d)", re.ASCII)


def check_kind(kind: str) -> None:
    """Raises BadInputError for a kind of row that there is not."""
    if kind not in COLUMNS:
        raise BadInputError(f"kind: '{kind}' is unknown; use one of {', '.join(COLUMNS)}")


def read_moment(written: str) -> datetime:
    """Read RFC 3339 with an offset, or 'YYYY-MM-DD HH:MM' in London time, as UTC.

    Raises ValueError for anything else, and for a London time that a clock
    change makes happen twice or never: such a one must be written with its offset.
    """
    found = _LOCAL.fullmatch(written)
    if found is None:
        return parse_instant(written)
    day = parse_day(found[1])
    try:
        local = datetime.combine(day, time.fromisoformat(found[2]))
    except ValueError:
        raise ValueError("must be a time of day from 00:00 to 23:59") from None
    first, second = (local.replace(tzinfo=LONDON, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise ValueError("the clocks change then; write the time with its offset, such as 2026-10-25T01:30:00+01:00")
    return first.astimezone(UTC)


def as_kept(kind: str, row: Row) -> Row:
    """The row in the form in which it is kept, which reads back as itself. Raises BadInputError naming the column."""
    kept: dict[str, str] = {}
    for column in COLUMNS[kind]:
        try:
            kept[column] = _cell(kind, column, row[column].strip())
        except ValueError as error:
            raise BadInputError(f"{column}: {error}") from None
    if kind == "people":
        _check_person(kept)
    if kind == "holders" and (kept["scope"] == "authority") is bool(kept["for"]):
        raise BadInputError("for: must name the child or team, and be empty for the authority")
    since, until = moment(kept.get("from")), moment(kept.get("until"))
    if since and until and since >= until:
        raise BadInputError("until: must come after 'from'")
    return kept


def cells(kind: str, row: Row) -> tuple[str, ...]:
    """The row's cells, in the order of the columns of its kind."""
    return tuple(row[column] for column in COLUMNS[kind])


def moment(cell: str | None) -> datetime | None:
    """What a checked cell says of a time, in UTC; None for an empty one."""
    return read_moment(cell) if cell else None


def deputies_of(cell: str) -> list[str]:
    """The references in a cell of deputies."""
    return [reference.strip() for reference in cell.split(";")] if cell else []


def check_known(kind: str, row: Row, people: Collection[str]) -> None:
    """Check that a row names none but these people. Raises BadInputError naming the column."""
    if kind == "people" and not set(deputies_of(row["deputies"])) <= set(people):
        raise BadInputError("deputies: must be people of the directory, or of the same file")
    if kind in ("holders", "rota", "leave") and row["person"] not in people:
        raise BadInputError("person: must be among the people; take those in first")


def _cell(kind: str, column: str, cell: str) -> str:
    if len(cell) > _LONGEST_CELL:
        raise ValueError(f"must have at most {_LONGEST_CELL} characters")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in cell):
        raise ValueError("must be one line, without control characters")
    if not cell and column not in _MAY_BE_EMPTY.get(kind, ()):
        raise ValueError("must not be empty")
    if column == "hours":
        cell = cell or "always"
    return _READERS[column](cell) if cell and column in _READERS else cell


def _reference(cell: str) -> str:
    if ";" in cell:
        raise ValueError("must be without ';', which stands between deputies")
    return cell


def _deputies(cell: str) -> str:
    references = deputies_of(cell)
    if "" in references or len(set(references)) < len(references):
        raise ValueError("must be references of people, each once, with ';' between them")
    return ";".join(references)


def _hours(cell: str) -> str:
    read_hours(cell)
    return cell


def _one_of(choices: Collection[str]) -> Callable[[str], str]:
    def read(cell: str) -> str:
        if cell not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return cell

    return read


_READERS: Final[dict[str, Callable[[str], str]]] = {
    "person": _reference,
    "email": read_email,
    "mobile": read_mobile,
    "channels": lambda cell: ";".join(read_channels(cell)),
    "hours": _hours,
    "deputies": _deputies,
    "role": _one_of([role.value for role in Role]),
    "scope": _one_of(NEAREST_FIRST),
    "from": lambda cell: to_rfc3339(read_moment(cell)),
    "until": lambda cell: to_rfc3339(read_moment(cell)),
}


def _check_person(kept: Row) -> None:
    listed = read_channels(kept["channels"])
    if listed and listed != channels_of(kept["channels"], kept["email"], kept["mobile"]):
        raise BadInputError("channels: must be only those whose address is given")
    if kept["person"] in deputies_of(kept["deputies"]):
        raise BadInputError("deputies: must not name the person itself")
