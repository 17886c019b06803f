"""What the service asks of whatever knows who is there."""

from typing import Protocol

from fastapi import Request

from activities.store import StoreUnavailableError
from starter.access import Principal


class NotSignedInError(Exception):
    """Nobody is known to ask: there is no token or session, or it is not a good one. Its words repeat neither."""


class Identity(Protocol):
    """Tells who asks, from a request's token or session."""

    async def principal(self, request: Request, *, in_use: bool = True) -> Principal:
        """Who asks. Raises NotSignedInError, ForeignOriginError or StoreUnavailableError.

        Without `in_use` it is only asked whether somebody still may: a page left
        open must not keep its session alive.
        """
        ...


class ForeignOriginError(Exception):
    """A cookie came with a change that was not asked for from a page of ours. Its text is one line."""


class IssuerAwayError(StoreUnavailableError):
    """Who sent a token cannot be known while the provider that issued it does not answer. Its text is one line."""
