"""What every channel can be asked, and what it may answer. What can be foreseen is a result; nothing here is retried.

A channel is given a letter and says what became of it. Whether and when to ask
again, and which channel is next, is for the caller: see `activities.posting`.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal, Protocol

ATTEMPT_SECONDS: Final = 30.0
"""How long a channel may take over one letter before the answer counts as unknown."""


@dataclass(frozen=True)
class Letter:
    """What goes out to one person by one channel. It says nothing about a child.

    `reference` is ours: the same however often the same letter is tried by the
    same channel, and never used for another. `to` is an e-mail address, a
    telephone number or a URL. `data` is what systems read, for webhooks.
    """

    reference: str
    to: str
    subject: str
    body: str
    data: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Taken:
    """The provider has the letter. `delivered`: and says itself that it has arrived."""

    provider_id: str | None = None
    delivered: bool = False


@dataclass(frozen=True)
class Refused:
    """The provider will never take this letter: trying again is useless. `reason` names no person and no address."""

    reason: str


@dataclass(frozen=True)
class Busy:
    """The letter was certainly not taken, and may be later: the provider is away, overloaded or limits us."""

    reason: str
    retry_after: timedelta | None = None


@dataclass(frozen=True)
class UsedUp:
    """The letter was not taken, and will not be today: a daily limit is reached. Another channel must serve."""

    reason: str


@dataclass(frozen=True)
class Unknown:
    """Nobody can say whether the letter was taken: the answer was lost. Look it up before it is tried again."""

    reason: str


Answer = Taken | Refused | Busy | UsedUp | Unknown

Whereabouts = Literal["on_its_way", "delivered", "undeliverable"]


@dataclass(frozen=True)
class Found:
    """A letter that the provider has, and what became of it."""

    provider_id: str
    whereabouts: Whereabouts


class ChannelAdapter(Protocol):
    """One way out: one provider, by one kind of address."""

    @property
    def can_look_up(self) -> bool:
        """Whether the provider can be asked for a letter by our reference."""
        ...

    async def send(self, letter: Letter) -> Answer:
        """Hand a letter over, once. Raises nothing that the network or the provider can cause."""
        ...

    async def look_up(self, reference: str) -> Found | Busy | None:
        """The letter of that reference; None when the provider has no such letter, or cannot be asked for one."""
        ...
