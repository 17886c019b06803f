"""What one policy pack asks for otherwise than another, clock by clock and field by field."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from workflows.policy import Pack, as_data

NAMED_PARTS = ("clocks", "repeats", "interviewers", "prompts")
NOT_COMPARED = ("policy", "version", "title", "extends", "floor", "effective_from", "effective_to", "documents")


class Difference(BaseModel):
    """One difference: in which part and field, and what each pack says there; None where it says nothing."""

    model_config = ConfigDict(frozen=True)
    part: str = Field(description="the part of the policy")
    name: str | None = Field(description="the clock, ladder or other thing there")
    field: str | None = Field(description="its field")
    change: Literal["only_in_first", "only_in_second", "differs"] = Field(description="what differs")
    first: Any = Field(default=None, description="what the first says; null: nothing")
    second: Any = Field(default=None, description="what the second says; null: nothing")


def differences(first: Pack, second: Pack) -> tuple[Difference, ...]:
    """Every difference between two packs, in the order in which a pack is written."""
    return tuple(_differences(as_data(first), as_data(second)))


def _differences(first: dict[str, Any], second: dict[str, Any]) -> Iterator[Difference]:
    for part in dict.fromkeys((*first, *second)):
        mine, other = first.get(part), second.get(part)
        if part in NOT_COMPARED or mine == other:
            continue
        if part not in NAMED_PARTS:
            yield Difference(part=part, name=None, field=None, change="differs", first=mine, second=other)
            continue
        yield from _named(part, mine or {}, other or {})


def _named(part: str, first: dict[str, Any], second: dict[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys((*first, *second)):
        mine, other = first.get(name), second.get(name)
        if mine is None or other is None:
            change = "only_in_second" if mine is None else "only_in_first"
            yield Difference(part=part, name=name, field=None, change=change)
            continue
        for field in dict.fromkeys((*mine, *other)):
            if mine.get(field) != other.get(field):
                yield Difference(
                    part=part,
                    name=name,
                    field=field,
                    change="differs",
                    first=mine.get(field),
                    second=other.get(field),
                )
