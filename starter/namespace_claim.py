"""One namespace of the engine works for one database.

Whoever asks a namespace for work gets whatever waits there: with two databases,
each town's workers would write the other's children into their own rows. So the
namespace says for which database it works, and a worker of another refuses.
"""

import logging
from datetime import timedelta
from typing import Final, Literal

from temporalio.api.namespace.v1 import UpdateNamespaceInfo
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client, RPCError

from starter.making import NOT_ALLOWED
from workflows.plain_errors import BadInputError

MARK: Final = "homeward-database"
"""Under this name the engine keeps, with the namespace, the id of the database it works for."""

PATIENCE: Final = timedelta(seconds=10)
"""How long it is waited for what the engine says of a namespace."""

Claim = Literal["ours", "nobody's", "another's"]

log = logging.getLogger("homeward.namespace")


async def claim_of(client: Client, database: str) -> Claim:
    """Whose the client's namespace is, seen by the database of that id. Raises RPCError."""
    asked = DescribeNamespaceRequest(namespace=client.namespace)
    described = await client.workflow_service.describe_namespace(asked, timeout=PATIENCE)
    marked = described.namespace_info.data.get(MARK)
    return "nobody's" if marked is None else "ours" if marked == database else "another's"


async def claim_namespace(client: Client, database: str) -> None:
    """Mark the client's namespace as working for a database, unless it works for another.

    Raises BadInputError in one line when it does, or RPCError.
    """
    claim = await claim_of(client, database)
    if claim == "another's":
        raise BadInputError(
            f"HOMEWARD_ENGINE_NAMESPACE: the engine's namespace '{client.namespace}' works for another database: name "
            "one of your own, or, where that database is given up, 'homeward setup --claim-namespace'"
        )
    if claim == "nobody's":
        await take_namespace(client, database)


async def take_namespace(client: Client, database: str) -> None:
    """Mark the client's namespace as working for a database, whichever it worked for before. Raises RPCError."""
    update = UpdateNamespaceRequest(namespace=client.namespace, update_info=UpdateNamespaceInfo(data={MARK: database}))
    try:
        await client.workflow_service.update_namespace(update, timeout=PATIENCE)
    except RPCError as error:
        if error.status not in NOT_ALLOWED:
            raise
        log.warning("the namespace cannot be marked from here: see to it that no other database's workers use it")
