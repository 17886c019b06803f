"""What the service asks of whatever knows who is there."""

from typing import Protocol

from fastapi import Request

from starter.access import Principal


class NotSignedInError(Exception):
    """Nobody is known to ask: there is no token or session, or it is not a good one. Its words repeat neither."""


class Identity(Protocol):
    """Tells who asks, from a request's token or session."""

    async def principal(self, request: Request) -> Principal:
        """Who asks. Raises NotSignedInError, or StoreUnavailableError."""
        ...


class NobodyIsKnown:
    """Knows nobody: whatever asks for a name is refused."""

    async def principal(self, request: Request) -> Principal:
        """Nobody. Raises NotSignedInError."""
        del request
        raise NotSignedInError
