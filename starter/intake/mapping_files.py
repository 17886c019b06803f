"""Mappings as files: those that Homeward ships, and an authority's own."""

import hashlib
import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from starter.intake.mapping import Mapping
from workflows.plain_errors import BadInputError, first_error, refuse_unkeepable

SHIPPED: Final = Path(__file__).parent / "mappings"
DEFAULT: Final = "case-system-export"

_SUFFIXES: Final = (".yaml", ".yml", ".json")


class _Words(yaml.CBaseLoader):
    """YAML, and JSON with it, with every scalar a word: Y, 1 and 2026-12-31 stay what was written. No key twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.MarkedYAMLError(problem="a key is there twice", problem_mark=key_node.start_mark)
            seen.add(key_node.value if isinstance(key_node.value, str) else str(key_node.value))
        return super().construct_mapping(node, deep)


def shipped() -> tuple[str, ...]:
    """The names of the mappings that Homeward ships."""
    return tuple(sorted(file.stem for file in SHIPPED.glob("*.yaml")))


def find_mapping(name: str) -> Mapping:
    """A mapping by its shipped name, or read from a file. Raises BadInputError naming file and key."""
    return read_mapping(_file_of(name))


def mapping_text(name: str) -> str:
    """A shipped mapping's file as it is, comments and all. Raises BadInputError naming those there are."""
    if name not in shipped():
        raise BadInputError(f"mapping: there is no '{name}'; use one of {', '.join(shipped())}")
    return (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")


def _file_of(name: str) -> Path:
    if name in shipped():
        return SHIPPED / f"{name}.yaml"
    if Path(name).suffix in _SUFFIXES:
        return Path(name)
    raise BadInputError(f"mapping: there is no '{name}'; use one of {', '.join(shipped())}, or a .yaml or .json file")


def shipped_mapping(name: str) -> Mapping:
    """A mapping by its shipped name, and by nothing else. Raises BadInputError naming those there are."""
    return parse_mapping(mapping_text(name), name)


def read_mapping(path: Path) -> Mapping:
    """Read a mapping from a file. Raises BadInputError, one line naming the file and the key."""
    try:
        return parse_mapping(path.read_text(encoding="utf-8-sig"), path.name)
    except UnicodeDecodeError:
        raise BadInputError(f"{path.name}: is not a text file in YAML or JSON") from None
    except OSError as error:
        raise BadInputError(f"{path.name}: cannot be read: {error.strerror}") from None


def parse_mapping(text: str, name: str) -> Mapping:
    """Read a mapping from its text. Raises BadInputError, one line with what it is called and the key."""
    try:
        data = yaml.load(text, Loader=_Words)  # noqa: S506 - it makes nothing but words
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise BadInputError(f"{name}: {line}{error.problem or 'not YAML'}") from None
    except (yaml.YAMLError, RecursionError):
        raise BadInputError(f"{name}: is not a text file in YAML or JSON") from None
    return as_mapping(data, name)


def as_mapping(data: object, name: str) -> Mapping:
    """Check a mapping that was read. Raises BadInputError, one line naming the file and the key."""
    if not isinstance(data, dict):
        raise BadInputError(f"{name}: must be a mapping: mapping, title, days and columns")
    try:
        refuse_unkeepable(data)  # pyright: ignore[reportUnknownArgumentType]
        return Mapping.model_validate(data)
    except ValidationError as error:
        where, sentence = first_error(error, Mapping)
        raise BadInputError(f"{name}: {where.removesuffix('.[key]') + ': ' if where else ''}{sentence}") from None
    except ValueError as error:
        raise BadInputError(f"{name}: {error}") from None


def digest_of_mapping(mapping: Mapping) -> str:
    """A fingerprint of what a mapping says, whatever its file's comments and layout."""
    return hashlib.sha256(json.dumps(mapping.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()
