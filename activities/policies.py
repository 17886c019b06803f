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
from workflows.floor import loosened
from workflows.instants import london_day
from workflows.pack_layers import LayerError, layered
from workflows.plain_errors import first_error
from workflows.policy import Pack, as_data, for_episodes
from workflows.vocabulary import name_in_words
from workflows.working_days import Calendar

BUILT_IN: Final = Path(workflows.__file__).parent / "policies"
KEPT: Final = BUILT_IN / "kept"
"""Earlier versions, each whole in a file of its own: open episodes live by them. Read only when one is asked for."""

_KEPT_WHOLE: Final = "kept_whole"

# An episode carries only the part of the calendar it can need; past it, its dates are provisional and it asks again.
CALENDAR_BEFORE: Final = timedelta(days=60)
CALENDAR_AHEAD: Final = timedelta(days=730)


class BadPackError(Exception):
    """A policy or calendar file cannot be used. Its one line names the file, the clock and the field."""


class UnknownPolicyError(Exception):
    """There is no such policy, version or calendar. Its one line names those there are."""


class _StrictLoader(yaml.CSafeLoader):
    """YAML without its traps: no key twice. In C, since every command reads every pack."""

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
    return _placed(path, f"{where}: {sentence}" if where else sentence)


def _placed(path: Path, line: str) -> str:
    """A line that begins with a field's path, such as clocks.rhi.due, with the file and the clock named."""
    where, _, sentence = line.partition(": ")
    if not where.startswith("clocks."):
        return f"{path.name}: {line}"
    parts = where.split(".", 2)
    clock, field = parts[1], parts[2] if len(parts) > 2 else ""
    if not field and sentence.partition(": ")[0].isidentifier():
        field, _, sentence = sentence.partition(": ")
    return f"{path.name}: clock {clock}: {field + ': ' if field else ''}{sentence}"


def digest_of(model: BaseModel) -> str:
    """A fingerprint of what a pack or calendar says, whatever its file's comments and layout."""
    data = as_data(model) if isinstance(model, Pack) else model.model_dump(mode="json")
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


class _PackFiles:
    """Pack files as data, each found by its policy's name: a pack extends the newest of that name."""

    def __init__(self) -> None:
        self._data: dict[tuple[str, str], tuple[Path, dict[str, Any]]] = {}
        self._whole: set[tuple[str, str]] = set()

    def add(self, path: Path, unless: tuple[str, str] | None = None) -> tuple[str, str]:
        """Take a file in, unless it is of that policy and version; its own are given back. Raises BadPackError."""
        data = read_yaml(path)
        if not isinstance(data, dict):
            raise BadPackError(f"{path.name}: must be a policy pack: policy, version, title and clocks")
        key = str(data.get("policy")), str(data.get("version"))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
        if key == unless:
            return key
        if data.pop(_KEPT_WHOLE, False):  # pyright: ignore[reportUnknownMemberType]
            self._whole.add(key)
        if key in self._data:
            raise BadPackError(f"{path.name}: policy {key[0]} {key[1]} is there already")
        self._data[key] = path, data
        return key

    def packs(self) -> dict[tuple[str, str], Pack]:
        """Every pack, whole, checked against the floors it stands on. Raises BadPackError."""
        return {key: self.pack(key) for key in self._data}

    def pack(self, key: tuple[str, str]) -> Pack:
        """One pack, whole, checked against the floors it stands on. Raises BadPackError."""
        path, _ = self._data[key]
        pack = self._read(path, self._whole_of(key))
        for below in self._order(key)[:-1]:
            floor = self._read(self._data[below][0], self._whole_of(below))
            if floor.floor and (first := next(loosened(floor, pack), None)):
                raise BadPackError(_placed(path, first))
        return pack

    def _read(self, path: Path, data: dict[str, Any]) -> Pack:
        try:
            return Pack.model_validate(data)
        except ValidationError as error:
            raise BadPackError(_located(path, error)) from None

    def _whole_of(self, key: tuple[str, str]) -> dict[str, Any]:
        path, _ = self._data[key]
        try:
            return layered([self._data[one][1] for one in self._order(key)])
        except LayerError as error:
            raise BadPackError(f"{path.name}: {error}") from None

    def _order(self, key: tuple[str, str], above: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        """The pack and all it stands on, each once, the lowest first."""
        path, _ = self._data[key]
        if key[0] in above:
            raise BadPackError(f"{path.name}: extends: '{key[0]}' extends itself")
        below = (one for name in self._extended(key) for one in self._order(name, (*above, key[0])))
        return list(dict.fromkeys([*below, key]))

    def _extended(self, key: tuple[str, str]) -> list[tuple[str, str]]:
        path, own = self._data[key]
        if key in self._whole:
            return []
        names: Any = own.get("extends") or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):  # pyright: ignore[reportUnknownVariableType]
            raise BadPackError(f"{path.name}: extends: must be a list of policies' names")
        found: list[tuple[str, str]] = []
        for name in names:  # pyright: ignore[reportUnknownVariableType]
            versions = [k for k in self._data if k[0] == name]
            if not versions:
                raise BadPackError(f"{path.name}: extends: there is no policy '{name}'")
            found.append(max(versions, key=lambda one: _version_order(one[1])))
        return found


def _read_kept() -> dict[tuple[str, str], Pack]:
    files = _PackFiles()
    for path in sorted(KEPT.glob("*.yaml")):
        files.add(path)
    return files.packs()


def kept_text(pack: Pack) -> str:
    """The text of the file that keeps a pack as it is now, for when a newer version takes its place."""
    head = "# As it was; an episode that began under this version lives by it to its end. Never changed.\n"
    body = yaml.safe_dump({_KEPT_WHOLE: True, **as_data(pack)}, sort_keys=False, allow_unicode=True, width=118)
    return head + body


def read_pack(path: Path, own_folder: Path | None = None) -> Pack:
    """Read a policy pack that may extend those at hand, or stand in for one of them. Raises BadPackError."""
    files = _PackFiles()
    mine = files.add(path)
    for other in _pack_paths(own_folder):
        files.add(other, unless=mine)
    return files.pack(mine)


def _pack_paths(own_folder: Path | None) -> Iterator[Path]:
    for folder in (BUILT_IN, own_folder):
        if folder is not None:
            if not folder.is_dir():
                raise BadPackError(f"{folder}: there is no such folder of policies")
            yield from sorted(folder.glob("*.yaml"))


class Policies:
    """The packs and calendars at hand: Homeward's own, and an authority's folder beside them."""

    def __init__(self, packs: dict[tuple[str, str], Pack], calendars: dict[str, Calendar]) -> None:
        self._packs = packs
        self._calendars = calendars

    @classmethod
    def load(cls, own_folder: Path | None = None) -> Self:
        """Read every pack and calendar. Raises BadPackError for the first file that cannot be used."""
        files = _PackFiles()
        for path in _pack_paths(own_folder):
            files.add(path)
        calendars: dict[str, Calendar] = {}
        for folder in (BUILT_IN, own_folder):
            for path in sorted(folder.glob("calendars/*.yaml")) if folder else ():
                calendar = read_calendar(path)
                calendars[calendar.calendar] = calendar
        packs = files.packs()
        for pack in packs.values():
            if pack.calendar not in calendars:
                raise BadPackError(f"{pack.policy} {pack.version}: calendar: there is no calendar '{pack.calendar}'")
        return cls(packs, calendars)

    def pack(self, name: str, version: str | None = None) -> Pack:
        """The pack of that name, the newest unless a version is given. Raises UnknownPolicyError."""
        if version is not None and (name, version) not in self._packs:
            self._packs = _read_kept() | self._packs
        mine = {v: pack for (n, v), pack in self._packs.items() if n == name}
        if not mine:
            raise UnknownPolicyError(f"policy: there is no policy '{name}'; there is {', '.join(self.names())}")
        if version is not None and version not in mine:
            raise UnknownPolicyError(f"policy: '{name}' has no version {version}; there is {', '.join(sorted(mine))}")
        return mine[version] if version else mine[max(mine, key=_version_order)]

    def title_of(self, name: str, version: str | None, clock_id: str) -> str:
        """What a clock of a policy is called; by its own name where that policy is not at hand any more."""
        try:
            return self.pack(name, version).title_of(clock_id)
        except UnknownPolicyError:
            return name_in_words(clock_id)

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
        return Rules(pack=for_episodes(pack), calendar=between(self.calendar(pack.calendar), first, last))

    def fingerprints(self) -> Iterator[tuple[str, str, str, str]]:
        """(kind, name, version, digest) of everything at hand."""
        for (name, version), pack in sorted((_read_kept() | self._packs).items()):
            yield "policy", name, version, digest_of(pack)
        for name, calendar in sorted(self._calendars.items()):
            yield "calendar", name, calendar.version, digest_of(calendar)


def _version_order(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()


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
