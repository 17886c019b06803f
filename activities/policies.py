"""Policy packs and calendars as files: found by name, read strictly, each mistake told in one line."""

import hashlib
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, Self

import yaml
from pydantic import BaseModel, ValidationError

import workflows
from workflows.contracts import Rules, RulesAsked
from workflows.instants import london_day
from workflows.plain_errors import first_error
from workflows.policy import Pack, as_data
from workflows.working_days import Calendar

BUILT_IN: Final = Path(workflows.__file__).parent / "policies"

# An episode carries only the part of the calendar it can need; past it, its dates are provisional and it asks again.
CALENDAR_BEFORE: Final = timedelta(days=60)
CALENDAR_AHEAD: Final = timedelta(days=730)


class BadPackError(Exception):
    """A policy or calendar file cannot be used. Its one line names the file, the clock and the field."""


class UnknownPolicyError(Exception):
    """There is no such policy, version or calendar. Its one line names those there are."""


class _StrictLoader(yaml.SafeLoader):
    """YAML without its traps: no key twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)  # pyright: ignore[reportUnknownMemberType]
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"'{key}' is there twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """Read a YAML file. Raises BadPackError naming the file and, for bad YAML, the line."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506 - it is a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise BadPackError(f"{path.name}: {line}{error.problem or 'not YAML'}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise BadPackError(f"{path.name}: is not a text file in YAML") from None
    except OSError as error:
        raise BadPackError(f"{path.name}: cannot be read: {error.strerror}") from None


def read_pack(path: Path) -> Pack:
    """Read a policy pack. Raises BadPackError."""
    data = read_yaml(path)
    try:
        return Pack.model_validate(data)
    except ValidationError as error:
        raise BadPackError(_located(path, error)) from None


def read_calendar(path: Path) -> Calendar:
    """Read a calendar. Raises BadPackError."""
    data = read_yaml(path)
    try:
        return Calendar.model_validate(data)
    except ValidationError as error:
        raise BadPackError(_located(path, error)) from None


def _located(path: Path, error: ValidationError) -> str:
    """The file, the clock and the field of what is wrong, in one line."""
    where, sentence = first_error(error, Pack)
    if not where and sentence.startswith("clocks."):
        where, _, sentence = sentence.partition(": ")
    parts = where.split(".", 2) if where.startswith("clocks.") else [where]
    if parts[0] == "clocks":
        clock, field = parts[1], parts[2] if len(parts) > 2 else ""
        if not field and sentence.partition(": ")[0].isidentifier():
            field, _, sentence = sentence.partition(": ")
        return f"{path.name}: clock {clock}: {field + ': ' if field else ''}{sentence}"
    return f"{path.name}: {where + ': ' if where else ''}{sentence}"


def digest_of(model: BaseModel) -> str:
    """A fingerprint of what a pack or calendar says, whatever its file's comments and layout."""
    data = as_data(model) if isinstance(model, Pack) else model.model_dump(mode="json")
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


class Policies:
    """The packs and calendars at hand: Homeward's own, and an authority's folder beside them."""

    def __init__(self, packs: dict[tuple[str, str], Pack], calendars: dict[str, Calendar]) -> None:
        self._packs = packs
        self._calendars = calendars

    @classmethod
    def load(cls, own_folder: Path | None = None) -> Self:
        """Read every pack and calendar. Raises BadPackError for the first file that cannot be used."""
        packs: dict[tuple[str, str], Pack] = {}
        calendars: dict[str, Calendar] = {}
        for folder in (BUILT_IN, own_folder):
            if folder is None:
                continue
            if not folder.is_dir():
                raise BadPackError(f"{folder}: there is no such folder of policies")
            for path in sorted(folder.glob("calendars/*.yaml")):
                calendar = read_calendar(path)
                calendars[calendar.calendar] = calendar
            for path in sorted(folder.glob("*.yaml")):
                pack = read_pack(path)
                if (pack.policy, pack.version) in packs:
                    raise BadPackError(f"{path.name}: policy {pack.policy} {pack.version} is there already")
                packs[pack.policy, pack.version] = pack
        for pack in packs.values():
            if pack.calendar not in calendars:
                raise BadPackError(f"{pack.policy} {pack.version}: calendar: there is no calendar '{pack.calendar}'")
        return cls(packs, calendars)

    def pack(self, name: str, version: str | None = None) -> Pack:
        """The pack of that name, the newest unless a version is given. Raises UnknownPolicyError."""
        mine = {v: pack for (n, v), pack in self._packs.items() if n == name}
        if not mine:
            raise UnknownPolicyError(f"policy: there is no policy '{name}'; there is {', '.join(self.names())}")
        if version is not None and version not in mine:
            raise UnknownPolicyError(f"policy: '{name}' has no version {version}; there is {', '.join(sorted(mine))}")
        return mine[version] if version else mine[max(mine, key=_version_order)]

    def calendar(self, name: str) -> Calendar:
        """The calendar of that name. Raises UnknownPolicyError."""
        if name not in self._calendars:
            raise UnknownPolicyError(f"calendar: there is no calendar '{name}'; there is {', '.join(self._calendars)}")
        return self._calendars[name]

    def names(self) -> list[str]:
        """The names of the policies there are."""
        return sorted({name for name, _ in self._packs})

    def rules(self, asked: RulesAsked) -> Rules:
        """The pack asked for, with the part of its calendar that the episode can need."""
        pack = self.pack(asked.policy, asked.version)
        first = london_day(asked.since) - CALENDAR_BEFORE
        last = london_day(asked.now) + CALENDAR_AHEAD
        return Rules(pack=pack, calendar=between(self.calendar(pack.calendar), first, last))

    def fingerprints(self) -> Iterator[tuple[str, str, str, str]]:
        """(kind, name, version, digest) of everything at hand."""
        for (name, version), pack in sorted(self._packs.items()):
            yield "policy", name, version, digest_of(pack)
        for name, calendar in sorted(self._calendars.items()):
            yield "calendar", name, calendar.version, digest_of(calendar)


def _version_order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def between(calendar: Calendar, first: date, last: date) -> Calendar:
    """The calendar cut to the London days first to last; it knows no more than it did, and no days outside."""
    return calendar.model_copy(
        update={
            "known_from": max(calendar.known_from, first),
            "known_to": max(min(calendar.known_to, last), calendar.known_from, first),
            "holidays": tuple(day for day in calendar.holidays if first <= day.date <= last),
            "closures": tuple(day for day in calendar.closures if first <= day.date <= last),
        }
    )
