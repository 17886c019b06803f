"""The pages of one episode: how it stands, what is owed, what happened, and recording what happens next."""

from collections.abc import Iterator

from fastapi import APIRouter

from starter.api.parts import Parts
from starter.console.episode import changing, finding, keeping, looking, merging, papers, recording, showing, subjects


def routers_of(parts: Parts) -> Iterator[APIRouter]:
    """The routers of an episode's pages, over the service's parts."""
    for made in (finding, recording, changing, merging, keeping, looking, papers, subjects, showing):
        yield made.router_of(parts)
