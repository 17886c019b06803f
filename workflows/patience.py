"""How patient workflows are with what they ask of the world, and which failure each retry is there to survive."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.common import RetryPolicy


@dataclass(frozen=True)
class Patience:
    """How long one attempt of an activity may take, and which failures are waited out how.

    `silence`: how long its worker may give no sign of life before it counts as dead, for what says that it lives.
    """

    attempt: timedelta
    retry: RetryPolicy
    silence: timedelta | None = None


# Survives a database that is locked, restarting or away for days, and policy files that a worker has yet to get:
# an episode without its rules or its rows must wait for them, and never give up.
STORE: Final = Patience(
    attempt=timedelta(seconds=30),
    retry=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30)),
)

# Survives a channel or a database that is away; sending again is harmless, since the key makes it one notice.
NOTICE: Final = Patience(
    attempt=timedelta(seconds=60),
    retry=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)),
)

# Survives a database or an engine that is away, and a worker that is killed while it compares. It gives up in the end:
# the next run begins from what is so by then, and must not wait for this one.
RECONCILE: Final = Patience(
    attempt=timedelta(minutes=10),
    retry=RetryPolicy(
        initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=1), maximum_attempts=10
    ),
    silence=timedelta(seconds=15),
)

DOUBT_PAUSE: Final = timedelta(seconds=15)
"""A provider that may have taken a message shows it only after a moment: too early a look would send it twice."""

# One attempt of one way out. A provider that is away or overloaded is asked again, until the message's own patience
# with that way ends. A worker that was killed is found out by its silence, not by the end of the attempt: what cannot
# wait for morning should not wait for that. Much shorter, and a worker that is merely out of breath would be doubled.
WAY_OUT: Final = Patience(
    attempt=timedelta(seconds=90),
    retry=RetryPolicy(initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=1)),
    silence=timedelta(seconds=15),
)
