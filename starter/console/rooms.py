"""The console, put together."""

from collections.abc import Iterator
from typing import Final

from fastapi import APIRouter

from starter.api.parts import Parts
from starter.console import (
    account,
    assets,
    audit,
    board,
    episode,
    glass,
    handover,
    operations,
    operations_batches,
    policies,
    referrals,
    report,
    reported,
    tasks,
)
from starter.console.overviews import Overviews

OPEN_TO_ALL: Final = frozenset({assets.PATH})
"""The console's routes that ask for nobody's name."""


def routers_of(parts: Parts) -> Iterator[APIRouter]:
    """The console's routers, over the service's parts."""
    yield assets.router_of()
    overviews = Overviews()
    yield board.router_of(parts, overviews)
    yield handover.router_of(parts, overviews)
    yield account.router_of()
    yield reported.router_of(parts)
    yield report.router_of(parts)
    yield tasks.router_of(parts)
    yield from episode.routers_of(parts)
    yield referrals.router_of(parts)
    yield policies.router_of(parts.policies)
    yield operations.router_of(parts)
    yield operations_batches.router_of(parts)
    yield audit.router_of(parts)
    yield glass.router_of(parts)
