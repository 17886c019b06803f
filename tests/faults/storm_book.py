"""What the callers of a storm were told: what was accepted, what was refused, what nobody answered."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Accepted:
    """A fact that a caller was told is accepted: with its id, where the answer gives one.

    `applied`: the answer said that the episode has it, and not only that it is kept.
    """

    episode: str
    kind: str
    at: datetime
    answered_at: datetime
    applied: bool
    fact_id: str | None = None
    may_be_refused: bool = False


@dataclass
class Book:
    """Everything the callers were told. Lines are for people to read, and name invented children by number."""

    accepted: list[Accepted] = field(default_factory=list[Accepted])
    episodes: dict[str, int] = field(default_factory=dict[str, int])
    times_said: Counter[str] = field(default_factory=Counter[str])
    times_failed: Counter[str] = field(default_factory=Counter[str])
    refused_rightly: int = 0
    refused_falsely: list[str] = field(default_factory=list[str])
    taken_falsely: list[str] = field(default_factory=list[str])
    unlike_answers: list[str] = field(default_factory=list[str])
    unanswered: list[str] = field(default_factory=list[str])
    unforeseen: list[str] = field(default_factory=list[str])
    broken_sent: Counter[str] = field(default_factory=Counter[str])
    broken_refused: Counter[str] = field(default_factory=Counter[str])
    broken_taken: list[str] = field(default_factory=list[str])

    def said(self, edge: str) -> None:
        """Note that something was said at an edge."""
        self.times_said[edge] += 1

    def failed(self, edge: str, how: str) -> None:
        """Note that a caller was not answered, or told to come again."""
        self.times_failed[f"{edge}: {how}"] += 1
