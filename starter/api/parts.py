"""What the service is put together from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from activities.policies import Policies
from activities.store import Store
from starter.answers import Answers
from starter.api.asking import Asked
from starter.api.entrance import Entrance
from starter.api.receipts import Receipts
from starter.api.streams import Streams
from starter.commands import Commands
from starter.engine_room import EngineRoom
from starter.glass import Glass
from starter.identity.asking import Identity
from starter.operating import Operator


def present() -> datetime:
    """The present, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Parts:
    """All that the service's routes work with. `commands` take in what is said to any authority.

    Without an entrance nobody can sign in here, nor get a token.
    `sends_inwards`: webhooks may lie on this machine or in an inner network.
    `room` is the engine as operators see to it.
    `intake_folder` keeps files while they are taken in beside their request, so that a crash loses none.
    """

    store: Store
    policies: Policies
    commands: Commands
    answers: Answers
    receipts: Receipts
    identity: Identity
    requests_a_minute: int
    entrance: Entrance | None = None
    clock: Callable[[], datetime] = present
    intake_folder: Path | None = None
    sends_inwards: bool = False
    streams: Streams = field(default_factory=Streams)
    room: EngineRoom = field(default_factory=EngineRoom)
    glass: Glass = field(default_factory=lambda: Glass(timedelta(hours=8)))

    def operator_of(self, asked: Asked) -> Operator:
        """What a principal does about what stands still of its authority."""
        return Operator(self.store, self.room, self.commands_of(asked), asked.authority)

    def commands_of(self, asked: Asked) -> Commands:
        """The way in for what a principal says to its authority."""
        return self.commands.of(asked.authority, asked.principal.id)
