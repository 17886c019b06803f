"""Making what the engine lacks: what it means when it refuses."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from temporalio.client import RPCError
from temporalio.service import RPCStatusCode

from workflows.plain_errors import BadInputError

NOT_ALLOWED: Final = (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED)
"""How an engine answers whoever may not make or change something from here."""


@contextmanager
def making(if_not_allowed: str) -> Generator[None]:
    """What is made within is there afterwards, also where somebody else makes it at the same moment.

    Raises BadInputError, whose line is `if_not_allowed`, when it may not be made from here, or RPCError.
    """
    try:
        yield
    except RPCError as error:
        if error.status in NOT_ALLOWED:
            raise BadInputError(if_not_allowed) from None
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
