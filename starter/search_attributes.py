"""Search attributes: known to the engine by the registry, and given to what begins.

They serve people who look at the engine's own pages. Nothing that Homeward
does itself rests on them, and what has to begin begins without them where the
engine does not know them.
"""

import logging
import time
from collections.abc import Sequence
from typing import Any, Final

from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client, Interceptor, OutboundInterceptor, RPCError, StartWorkflowInput, WorkflowHandle
from temporalio.service import RPCStatusCode

from starter.making import making
from workflows.plain_errors import BadInputError
from workflows.search_attributes import AUTHORITY, REGISTRY, attributes_of

_ASK_AGAIN_SECONDS: Final = 60.0
"""For how long an engine that did not know them is given none: a worker or somebody may make them meanwhile."""

log = logging.getLogger("homeward.search_attributes")


async def unknown_attributes(client: Client) -> Sequence[str]:
    """The names in the registry that the client's namespace does not know. Raises RPCError."""
    there = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return [key.name for key in REGISTRY if key.name not in there.custom_attributes]


async def make_attributes(client: Client) -> bool:
    """Have the client's namespace know all of the registry; whether it lacked any.

    Raises BadInputError when they may not be made from here, or RPCError.
    """
    missing = await unknown_attributes(client)
    if not missing:
        return False
    kinds = {key.name: key.indexed_value_type for key in REGISTRY if key.name in missing}
    request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=kinds)  # pyright: ignore[reportArgumentType]
    with making(
        f"HOMEWARD_ENGINE_NAMESPACE: '{client.namespace}' lacks the search attributes {', '.join(missing)} "
        "(Keyword), which may not be made from here: have whoever runs the engine make them"
    ):
        await client.operator_service.add_search_attributes(request)
    return True


async def make_attributes_if_possible(client: Client) -> None:
    """The same, by whoever can go on without: what may not be made, or is not answered, is a line in the log."""
    try:
        await make_attributes(client)
    except (BadInputError, RPCError) as trouble:
        log.warning("%s", trouble if isinstance(trouble, BadInputError) else "search attributes are not seen to")


class Labels(Interceptor):
    """Gives every workflow that a client begins the search attributes of the registry."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """The client as it was, but for what it begins."""
        return _Labelling(next)


class _Labelling(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor) -> None:
        super().__init__(next)
        self._without_until = 0.0

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        authority = getattr(input.args[0], "authority", None) if input.args else None
        if not isinstance(authority, str) or time.monotonic() < self._without_until:
            return await super().start_workflow(input)
        plain = input.search_attributes
        input.search_attributes = attributes_of(authority)
        try:
            return await super().start_workflow(input)
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT or AUTHORITY.name not in error.message:
                raise
        # Nothing has begun, and it must: an episode without a label is found by everything but the engine's own list.
        self._without_until, input.search_attributes = time.monotonic() + _ASK_AGAIN_SECONDS, plain
        log.warning("the engine does not know the search attribute %s: give 'homeward setup'", AUTHORITY.name)
        return await super().start_workflow(input)
