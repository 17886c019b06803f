"""Changes of what workflows do to what is already open: which this version knows, and which it begins.

A change of a workflow's commands stands behind `workflow.patched` under a
name. Once an episode has taken it the name is in its history, and a worker
whose code does not know the name cannot go on with that episode. So each
change is known to one version before a later one begins it: workers of two
versions in a row can then run side by side, and the later can be taken back.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Change(NamedTuple):
    """By which version a change came to be known, and by which it is begun; None: what is open stays as it was.

    A version that knows a change and does not begin it goes on with what
    another version has begun.
    """

    known_since: str
    begun_since: str | None


CHANGES: Final[Mapping[str, Change]] = {
    "missing-again": Change("0.2.0", "0.2.0"),
    "directory": Change("0.3.0", "0.3.0"),
    "overdue-reviews-ask": Change("0.4.0", "0.5.0"),
    "later-climbs-stand": Change("0.5.0", "0.6.0"),
}
"""By their names. The first two were begun by the versions that brought them, as later ones must not be."""


def begins(name: str) -> bool:
    """Whether this version begins a change in a workflow that has come to it and not taken it yet."""
    change = CHANGES.get(name)
    return change is not None and change.begun_since is not None
