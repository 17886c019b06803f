"""What gathering and sending messages asks of the world: typed stubs with their inputs, results and retries.

As in `contracts`: the stubs carry the names and types, the work is in
`activities` under the same names.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from workflows.instants import Instant
from workflows.messages import PostRules
from workflows.vocabulary import Role


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class Posted(_Message):
    """That no channel reached a person with a notice, or (`reached`) that one did after that had been said.

    `nobody`: nor anybody else whom that notice was for.
    """

    notice: str
    person: str
    role: Role
    reached: bool
    nobody: bool


class PostboxInput(_Message):
    """Whose notices a postbox gathers, and how. `person` is Homeward's own random id."""

    authority: str
    person: str
    rules: PostRules


class GatherAsked(_Message):
    """Gather what is ready for a person at `now` (UTC) into the message of that id, which is new to the store."""

    message: str
    authority: str
    person: str
    now: Instant


class MessageToSend(_Message):
    """A message that was gathered: whom it is for, and the ways out to try, in order. `lines` is how many it has."""

    message: str
    person: str
    ways: tuple[str, ...]
    lines: int


class Gathered(_Message):
    """What a gathering gave: a message, or none; and when something more becomes ready (UTC), or None."""

    message: MessageToSend | None
    next_at: Instant | None


class DigestAsked(_Message):
    """Gather the digests of an authority at `now` (UTC). From `run` come the messages' ids, the same each time."""

    authority: str
    run: str
    now: Instant


class DigestInput(_Message):
    """Whose digests to send, and with how much patience."""

    authority: str
    rules: PostRules


class MessageInput(_Message):
    """A message to send, and with how much patience.

    `told_unreached`: its episodes were told that it reached nobody.
    """

    message: MessageToSend
    rules: PostRules
    told_unreached: bool = False


class SendAsked(_Message):
    """One way out to try with a message."""

    message: str
    way: str


class SendAnswer(_Message):
    """What became of it.

    taken: the provider has it; delivered: it has arrived, by the provider's own
    word; refused: that way will never do; used_up: not today; not_needed: everybody it
    speaks to has answered. `awaits_receipt`: the provider will say later whether it arrived.
    """

    became: Literal["taken", "delivered", "refused", "used_up", "not_needed"]
    awaits_receipt: bool = False


class WayGivenUp(_Message):
    """That a way out was given up for now, and why; `at` is UTC."""

    message: str
    way: str
    why: Literal["no_answer", "silent", "undeliverable"]
    at: Instant


class MessageClosed(_Message):
    """How a message stands once a round of its ways is over: `reached`, or nobody yet; `final` when it is given up."""

    message: str
    reached: bool
    final: bool
    at: Instant


@activity.defn(name="gather_message")
async def gather_message(asked: GatherAsked) -> Gathered:
    """Gather what is ready for a person into one message, once for each message id."""
    raise NotImplementedError


@activity.defn(name="gather_digests")
async def gather_digests(asked: DigestAsked) -> list[MessageToSend]:
    """Gather what waits for the digest into one message for each person."""
    raise NotImplementedError


@activity.defn(name="send_message")
async def send_message(asked: SendAsked) -> SendAnswer:
    """Send a message by one way out; looked up first if an earlier attempt may have got through."""
    raise NotImplementedError


@activity.defn(name="look_up_message")
async def look_up_message(asked: SendAsked) -> str:
    """Where a message that was taken is now: on_its_way, delivered or undeliverable."""
    raise NotImplementedError


@activity.defn(name="give_up_way")
async def give_up_way(given_up: WayGivenUp) -> None:
    """Write down that a way out was given up, and why."""
    raise NotImplementedError


@activity.defn(name="close_message")
async def close_message(closed: MessageClosed) -> list[Posted]:
    """Write down how a message stands; what its episodes must hear of that."""
    raise NotImplementedError


POST_ACTIVITIES: Final = (
    gather_message,
    gather_digests,
    send_message,
    look_up_message,
    give_up_way,
    close_message,
)
