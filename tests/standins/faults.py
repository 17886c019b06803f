"""What can be made to go wrong at a stand-in: for the next requests in turn, or for all of them."""

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    `code` is the status or reply given, `error` Notify's name for it.
    `stored`: the letter is kept first, all the same. `wait_seconds` pass before
    the answer. The answer may never come ("silence"), the connection be closed
    in its place ("hang_up"), or come a byte at a time ("trickle").
    """

    code: int | None = None
    error: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    stored: bool = False
    wait_seconds: float = 0.0
    ending: Literal["answer", "silence", "hang_up", "trickle"] = "answer"

    @property
    def keeps(self) -> bool:
        """Whether the letter is stored in spite of it: a slow answer is a good one."""
        return self.stored or (self.code is None and self.ending in ("answer", "trickle"))


def refuses(code: int, error: str = "", *, retry_after: str = "", stored: bool = False) -> Fault:
    """The answer is this code; by default nothing is stored."""
    return Fault(code, error, {"Retry-After": retry_after} if retry_after else {}, stored)


def slow(seconds: float) -> Fault:
    """The letter is stored at once, and the good answer comes after so many seconds."""
    return Fault(wait_seconds=seconds)


STORED_BUT_SILENT = Fault(stored=True, ending="silence")
STORED_BUT_LOST = Fault(stored=True, ending="hang_up")
SILENT = Fault(ending="silence")
LOST = Fault(ending="hang_up")
TRICKLES = Fault(ending="trickle")


class Faults:
    """The faults of one kind of request. `always` holds when no fault waits in turn."""

    def __init__(self) -> None:
        self.always: Fault | None = None
        self._queue: deque[Fault | None] = deque()
        self._lock = threading.Lock()

    def next(self, *faults: Fault | None, times: int = 1) -> None:
        """Put faults in the queue, one for each request to come; None lets one through."""
        with self._lock:
            self._queue.extend(faults * times)

    def clear(self) -> None:
        """Nothing more goes wrong."""
        with self._lock:
            self.always = None
            self._queue.clear()

    def take(self) -> Fault | None:
        """The fault of the request that has just come."""
        with self._lock:
            return self._queue.popleft() if self._queue else self.always
