"""What a worker counts, for whoever watches it: never a child, an episode or a person, only how much and how late."""

from collections.abc import Awaitable
from typing import Final

from prometheus_client import Counter, Histogram
from temporalio.exceptions import ApplicationError

from workflows.contracts import EpisodeChanges, NoticeSent, TimelineEntry
from workflows.post_contracts import MessageClosed, SendAnswer
from workflows.vocabulary import ClockState

_SECONDS: Final = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)

CLOCKS_RAN_OUT: Final = Counter(
    "homeward_clocks_ran_out",
    "Clocks whose time came: a step that fires by itself, or something owed that is overdue from then on",
    ["clock", "state"],
)
LATENESS: Final = Histogram(
    "homeward_clock_lateness_seconds",
    "How long after its time a clock was noticed, where nothing new was known in between",
    buckets=_SECONDS,
)
NOTICES: Final = Counter("homeward_notices", "Notices put into trays, by whether anybody held the role", ["held"])
SENDS: Final = Counter(
    "homeward_sends", "Tries to send a message, by way out and by what came of it", ["way", "answer"]
)
MESSAGES: Final = Counter("homeward_messages", "Messages whose ways out were all tried, by how they stand", ["state"])

_RAN_OUT: Final = (ClockState.FIRED.value, ClockState.OVERDUE.value)


def note_turn(changes: EpisodeChanges) -> None:
    """Count the clocks that ran out in one turn of an episode."""
    ran_out = [line for line in changes.timeline if line.kind == "state" and line.state in _RAN_OUT]
    for line in ran_out:
        CLOCKS_RAN_OUT.labels(line.clock, line.state).inc()
    if not changes.facts and not any(line.kind == "rules" for line in changes.timeline):
        for line in ran_out:
            LATENESS.observe(_late_by(line))


def _late_by(line: TimelineEntry) -> float:
    return max(0.0, (line.recorded_at - line.at).total_seconds())


def note_notice(sent: NoticeSent) -> None:
    """Count a notice when it was first written."""
    if not sent.again:
        NOTICES.labels("yes" if sent.people else "no").inc()


async def noted_send(way: str, sending: Awaitable[SendAnswer]) -> SendAnswer:
    """Count what came of trying to send a message by a way out. Raises what sending raises."""
    try:
        answer = await sending
    except ApplicationError:
        SENDS.labels(way, "not_yet").inc()
        raise
    SENDS.labels(way, answer.became).inc()
    return answer


def note_message(closed: MessageClosed) -> None:
    """Count a message whose ways out were all tried."""
    MESSAGES.labels("reached" if closed.reached else "given_up" if closed.final else "unreached").inc()
