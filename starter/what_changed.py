"""What something that was recorded did to an episode's clocks: what starts, what is settled, what moves. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from workflows.clocks import Clock
from workflows.contracts import ClockStanding
from workflows.vocabulary import ClockState


@dataclass(frozen=True)
class ClockChange:
    """A clock that stands otherwise than it did. Instants are UTC; `was` is None for one that was not there."""

    id: str
    was: ClockState | None
    is_now: ClockState
    due: datetime | None
    was_due: datetime | None

    @property
    def starts(self) -> bool:
        """Whether something is owed by it, or comes of it, that was not."""
        return self.is_now.owed and not (self.was and self.was.owed)

    @property
    def settled(self) -> bool:
        """Whether it was owed, and is not any more."""
        return bool(self.was and self.was.owed) and not self.is_now.owed

    @property
    def moves(self) -> bool:
        """Whether it goes on, by another time."""
        return bool(self.was and self.was.owed) and self.is_now.owed and self.due != self.was_due


@dataclass(frozen=True)
class WhatChanged:
    """The clocks that stand otherwise, in the policy's order, and how many others go on."""

    changes: tuple[ClockChange, ...]
    go_on: int


def what_changed(before: Mapping[str, ClockStanding | Clock], now: Iterable[ClockStanding]) -> WhatChanged:
    """What is otherwise now than before; what stands as it did only counts, where it goes on."""
    changes: list[ClockChange] = []
    go_on = 0
    for one in now:
        was = before.get(one.id)
        found = ClockChange(one.id, was.state if was else None, one.state, one.due, was.due if was else None)
        begun = found.was not in (None, ClockState.NOT_STARTED) or one.state is not ClockState.NOT_STARTED
        if begun and (found.was is not one.state or found.moves):
            changes.append(found)
        else:
            go_on += one.state.owed
    return WhatChanged(tuple(changes), go_on)
