"""What the engine can list workflows by beside what it knows of them itself: one registry, nothing about a child."""

from collections.abc import Sequence
from typing import Final

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

AUTHORITY: Final = SearchAttributeKey.for_keyword("HomewardAuthority")
"""The authority that a workflow works for, from its beginning."""

REGISTRY: Final[Sequence[SearchAttributeKey[str]]] = (AUTHORITY,)
"""All there are. `homeward setup` has an engine know them, and so does each worker where it may."""


def attributes_of(authority: str | None) -> TypedSearchAttributes:
    """The search attributes of a workflow that works for an authority; none for one of which that is not known."""
    return TypedSearchAttributes([SearchAttributePair(AUTHORITY, authority)] if authority else [])
