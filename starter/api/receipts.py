"""Delivery receipts: what a provider says became of a message, by callback.

A receipt that is refused is lost for ever, and the same one comes several
times: so every one with the right token is kept, by the provider's own id, and
whether the engine heard of it at once is of no matter to the provider.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.background import BackgroundTask

from activities.channels.base import Whereabouts
from activities.channels.notify import whereabouts_of
from activities.store import Store
from activities.store import post as store_post
from activities.store.post import Dispatch

TellMessage = Callable[[str, str, str], Awaitable[None]]
"""Tells a message's workflow where it is: message, way, whereabouts. Failing to is no fault."""


_WORD = StringConstraints(max_length=200)


class NotifyReceipt(BaseModel):
    """What GOV.UK Notify posts; of all it says, what is needed, and not to whom the message went."""

    model_config = ConfigDict(extra="ignore")
    id: Annotated[str, _WORD]
    reference: Annotated[str, _WORD] | None = None
    status: Annotated[str, _WORD]


@dataclass(frozen=True)
class Heard:
    """Where a message is on one of its ways, by its receipts."""

    message: str
    way: str
    whereabouts: Whereabouts


class Receipts:
    """The way in for receipts, over one store; `token` is the bearer token they must carry, empty for none at all."""

    def __init__(self, store: Store, token: str, tell: TellMessage) -> None:
        self._store = store
        self._token = token
        self._tell = tell

    def allowed(self, authorization: str) -> bool:
        """Whether a request carries the token. Without one in the settings nothing is allowed."""
        wanted = f"Bearer {self._token}"
        return bool(self._token) and hmac.compare_digest(authorization.encode(), wanted.encode())

    async def take(self, receipt: NotifyReceipt, now: datetime) -> Heard | None:
        """Keep a receipt, and what it means for its message; what the message is to hear, or None. `now` is UTC."""
        whereabouts = whereabouts_of(receipt.status)
        row = {"id": receipt.id, "reference": receipt.reference or "", "status": receipt.status, "received_at": now}
        async with self._store.session() as session:
            dispatch = await store_post.note_receipt(session, row)
            if dispatch and (change := _change(dispatch, receipt, whereabouts, now)):
                await store_post.note_dispatch(session, dispatch.message_id, dispatch.way, **change)
        if dispatch is None:
            return None
        # The message may not have heard of the receipt that came before this one.
        return Heard(dispatch.message_id, dispatch.way, "delivered" if dispatch.delivered_at else whereabouts)

    async def tell(self, heard: Heard) -> None:
        """Tell a message where it is."""
        await self._tell(heard.message, heard.way, heard.whereabouts)


def _change(dispatch: Dispatch, receipt: NotifyReceipt, whereabouts: str, now: datetime) -> dict[str, object]:
    """What a receipt changes: a message once delivered stays delivered, whatever comes after."""
    taken: dict[str, object] = {"provider_id": receipt.id, "in_doubt": False}
    if dispatch.taken_at is None:
        taken |= {"taken_at": now}
    if whereabouts == "delivered" and dispatch.delivered_at is None:
        return {**taken, "delivered_at": now, "failure": None}
    if whereabouts == "undeliverable" and dispatch.delivered_at is None:
        return {**taken, "failure": receipt.status}
    return taken if dispatch.taken_at is None else {}


def router_of(receipts: Receipts) -> APIRouter:
    """The address to which providers post receipts."""
    router = APIRouter()

    @router.post("/callbacks/notify")
    async def notify(request: Request) -> Response:
        """Take a receipt of GOV.UK Notify."""
        # Whoever has no token is told nothing, not even that what they sent cannot be read.
        if not receipts.allowed(request.headers.get("authorization", "")):
            return Response(status_code=401)
        try:
            receipt = NotifyReceipt.model_validate_json(await request.body())
        except ValidationError:
            return Response(status_code=422)
        heard = await receipts.take(receipt, datetime.now(UTC))
        # Kept is all the provider waits for: an engine that is away must not have it send again.
        return Response(status_code=204, background=BackgroundTask(receipts.tell, heard) if heard else None)

    return router
