"""Packs in layers: a pack extends others, and says only what differs. Pure, over plain data as read from a file.

Named parts (documents, clocks, prompts...) are merged by name, and a clock or
prompt that is there already field by field; everything else is replaced.
`without` takes parts out again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

NAMED_PARTS: Final = ("documents", "interviewers", "repeats", "prompts", "clocks")
NOT_INHERITED: Final = ("policy", "version", "title", "floor", "extends", "effective_from", "effective_to")

Data = Mapping[str, Any]


class LayerError(ValueError):
    """A pack cannot be laid over those it extends. Its one line names the field."""


def layered(own: Data, below: Sequence[Data]) -> dict[str, Any]:
    """The whole of a pack: its own data over that of the packs it extends, the later of those over the earlier.

    Raises LayerError when it takes out what is not there.
    """
    whole: dict[str, Any] = {}
    for layer in below:
        whole = _over(whole, {name: value for name, value in layer.items() if name not in NOT_INHERITED})
    whole = _over(whole, {name: value for name, value in own.items() if name != "without"})
    without: Mapping[str, Sequence[str]] = own.get("without") or {}
    for part, names in without.items():
        for name in names:
            if part not in NAMED_PARTS or name not in whole.get(part, {}):
                raise LayerError(f"without.{part}: there is no '{name}' to take out")
            del whole[part][name]
    return whole


def _over(below: Data, own: Data) -> dict[str, Any]:
    merged = dict(below)
    for name, value in own.items():
        if name not in NAMED_PARTS or not isinstance(value, Mapping):
            merged[name] = value
            continue
        parts: dict[str, Any] = dict(merged.get(name) or {})
        for key, part in value.items():  # pyright: ignore[reportUnknownVariableType]
            old = parts.get(str(key))  # pyright: ignore[reportUnknownArgumentType]
            both = isinstance(old, Mapping) and isinstance(part, Mapping)
            parts[str(key)] = {**old, **part} if both else part  # pyright: ignore[reportUnknownArgumentType, reportGeneralTypeIssues]
        merged[name] = parts
    return merged
