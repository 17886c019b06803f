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


def layered(layers: Sequence[Data]) -> dict[str, Any]:
    """The whole of a pack: its own data, the last of the layers, over those of the packs below it, lowest first.

    Each pack is one layer, however many others extend it: so what one of them
    changes is not undone by another that left it as it was. Raises LayerError
    when a layer takes out what is not there.
    """
    whole: dict[str, Any] = {}
    for layer in layers:
        top = layer is layers[-1]
        own = {name: value for name, value in layer.items() if top or name not in NOT_INHERITED}
        whole = _over(whole, {name: value for name, value in own.items() if name != "without"})
        _take_out(whole, layer.get("without") or {})
    return whole


def _take_out(whole: dict[str, Any], without: Mapping[str, Sequence[str]]) -> None:
    for part, names in without.items():
        for name in names:
            if part not in NAMED_PARTS or name not in whole.get(part, {}):
                raise LayerError(f"without.{part}: there is no '{name}' to take out")
            del whole[part][name]
    _drop_prompts_beside(whole, without.get("clocks", ()))


def _drop_prompts_beside(whole: dict[str, Any], clocks: Sequence[str]) -> None:
    """Take clocks that are gone off the prompts, and with them the prompts that stood beside nothing else."""
    prompts: dict[str, dict[str, Any]] = whole.get("prompts", {})
    for name, prompt in list(prompts.items()):
        before: list[str] = list(prompt.get("beside", ()))
        beside = [clock for clock in before if clock not in clocks]
        if beside == before:
            continue
        if beside or prompt.get("after"):
            prompts[name] = {**prompt, "beside": beside}
        else:
            del prompts[name]


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
