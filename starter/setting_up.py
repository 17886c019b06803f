"""What must be there before workers and the service run apart from one machine's stack: found, or made, each once."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import Client, RPCError
from temporalio.service import RPCStatusCode

from activities.reconcile.parts import Timetable
from activities.store import Store
from starter.client import EngineSilentError, connect
from starter.local import KEEP_CLOSED_HISTORIES
from starter.making import making
from starter.namespace_claim import claim_namespace, claim_of, take_namespace
from starter.search_attributes import make_attributes, unknown_attributes
from starter.settings import Settings
from workflows.plain_errors import BadInputError
from workflows.search_attributes import REGISTRY

_NAMESPACE_KNOWN_WITHIN_SECONDS: Final = 30.0
"""A cluster's servers look for new namespaces every ten seconds or so."""

_TRY_AGAIN_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Part:
    """Something that must be there. `done`: it was there, was made now, or (in a dry run) is still to be made."""

    done: Literal["there", "made", "to make"]
    what: str


async def set_up_database(store: Store, role: str | None, *, upgrade: bool, dry: bool = False) -> AsyncGenerator[Part]:
    """Bring the schema up, with `upgrade`, and give a role of PostgreSQL what Homeward needs.

    Raises BadInputError when the schema is behind and nobody said that it may
    be changed, or for a role that cannot be granted anything; SchemaError or
    StoreUnavailableError.
    """
    state = await store.schema()
    if not state.pending:
        await store.check_schema()
        yield Part("there", f"database: its schema is at {state.revision}")
    elif dry:
        yield Part("to make", f"database: its schema, by the revisions {', '.join(state.pending)}")
    elif not upgrade:
        raise BadInputError(
            f"--upgrade: must be given to change the schema, which lacks {', '.join(state.pending)}; "
            "of a database that is in use take a backup before"
        )
    else:
        yield Part("made", f"database: its schema, by the revisions {', '.join(await store.upgrade())}")
    if role is None:
        return
    if not dry:
        try:
            await store.grant(role)
        except ValueError as error:
            raise BadInputError(f"--grant: {error}") from None
    yield Part("to make" if dry else "made", f"database: what the role {role} may do")


async def reach_engine(settings: Settings, wait_seconds: float) -> Client:
    """Connect to the engine, which may still be starting. Raises EngineSilentError when it does not answer in time."""
    give_up = time.monotonic() + wait_seconds
    while True:
        try:
            return await connect(settings.engine, settings.engine_namespace, settings.engine_patience_seconds)
        except EngineSilentError:
            if time.monotonic() > give_up:
                raise
            await asyncio.sleep(_TRY_AGAIN_SECONDS)


async def set_up_engine(
    client: Client, database: str | None, timetables: Sequence[Timetable], *, claims: bool = False, dry: bool = False
) -> AsyncGenerator[Part]:
    """See to the namespace, its search attributes and the schedules.

    Closed histories are kept for ten years where the namespace is made here.

    A namespace that is there is left as it is, but for the mark of the
    database it works for: the id `database`, None for one that is still to be
    made. With `claims` it works for this one whichever it worked for before.
    Raises BadInputError when it may not be made or works for another, or
    RPCError when the engine does not answer.
    """
    kept = await _closed_histories_kept(client)
    if kept is not None:
        yield Part("there", f"engine: namespace '{client.namespace}', closed histories kept for {kept.days} days")
    else:
        if not dry:
            await _make_namespace(client)
        days = KEEP_CLOSED_HISTORIES.days
        what = f"engine: namespace '{client.namespace}', closed histories kept for {days} days"
        yield Part("to make" if dry else "made", what)
    yield await _claimed(client, database, there=kept is not None, claims=claims, dry=dry)
    yield await _with_search_attributes(client, there=kept is not None, dry=dry)
    for timetable in timetables:
        if (kept is not None or not dry) and await timetable.agrees():
            yield Part("there", f"engine: schedule {timetable.id}, as the settings say")
            continue
        if not dry:
            await timetable.make()
        yield Part("to make" if dry else "made", f"engine: schedule {timetable.id}, as the settings say")


async def _claimed(client: Client, database: str | None, *, there: bool, claims: bool, dry: bool) -> Part:
    what = f"engine: namespace '{client.namespace}' works for this database"
    claim = await claim_of(client, database or "") if there or not dry else "nobody's"
    if claim == "ours":
        return Part("there", what)
    if database is not None and (not dry or (claim == "another's" and not claims)):
        await (take_namespace if claims else claim_namespace)(client, database)
    return Part("to make" if dry else "made", what)


async def _with_search_attributes(client: Client, *, there: bool, dry: bool) -> Part:
    what = f"engine: search attributes {', '.join(key.name for key in REGISTRY)}"
    if not dry:
        return Part("made" if await make_attributes(client) else "there", what)
    return Part("to make" if not there or await unknown_attributes(client) else "there", what)


async def _closed_histories_kept(client: Client) -> timedelta | None:
    """How long the namespace keeps closed histories, or None where there is no such namespace."""
    try:
        described = await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace)
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return described.config.workflow_execution_retention_ttl.ToTimedelta()


async def _make_namespace(client: Client) -> None:
    keep = Duration()
    keep.FromTimedelta(KEEP_CLOSED_HISTORIES)
    with making(
        f"HOMEWARD_ENGINE_NAMESPACE: there is no namespace '{client.namespace}', and it may not be made "
        "from here: have whoever runs the engine make it"
    ):
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace=client.namespace, workflow_execution_retention_period=keep)
        )
    await _until_known(client)


async def _until_known(client: Client) -> None:
    give_up = time.monotonic() + _NAMESPACE_KNOWN_WITHIN_SECONDS
    while True:
        try:
            await client.count_workflows()
        except RPCError:
            if time.monotonic() > give_up:
                raise
            await asyncio.sleep(_TRY_AGAIN_SECONDS)
        else:
            return
