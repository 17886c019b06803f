"""The console, put together."""

from collections.abc import Iterator
from typing import Final

from fastapi import APIRouter

from starter.api.parts import Parts
from starter.console import account, assets, episode

OPEN_TO_ALL: Final = frozenset({assets.PATH})
"""The console's routes that ask for nobody's name."""


def routers_of(parts: Parts) -> Iterator[APIRouter]:
    """The console's routers, over the service's parts."""
    yield assets.router_of()
    yield account.router_of()
    yield from episode.routers_of(parts)
