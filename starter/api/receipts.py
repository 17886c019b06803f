"""Delivery receipts: what a provider says became of a message, by callback.

A receipt that is refused is lost for ever, and the same one comes several
times: so every one with the right token is kept, by the provider's own id, and
whether the engine heard of it at once is of no matter to the provider.
"""

import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict

from activities.channels.notify import whereabouts_of
from activities.store import Store
from activities.store import post as store_post
from activities.store.post import Dispatch

TellMessage = Callable[[str, str, str], Awaitable[None]]
"""Tells a message's workflow where it is: message, way, whereabouts. Failing to is no fault."""


class NotifyReceipt(BaseModel):
    """What GOV.UK Notify posts; of all it says, what is needed, and not to whom the message went."""

    model_config = ConfigDict(extra="ignore")
    id: str
    reference: str | None = None
    status: str


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

    async def take(self, receipt: NotifyReceipt, now: datetime) -> None:
        """Keep a receipt, and what it means for its message. `now` is UTC."""
        whereabouts = whereabouts_of(receipt.status)
        row = {"id": receipt.id, "reference": receipt.reference or "", "status": receipt.status, "received_at": now}
        async with self._store.session() as session:
            dispatch = await store_post.note_receipt(session, row)
            if dispatch and (change := _change(dispatch, receipt, whereabouts, now)):
                await store_post.note_dispatch(session, dispatch.message_id, dispatch.way, **change)
        if dispatch:
            await self._tell(dispatch.message_id, dispatch.way, whereabouts)


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

    @router.post("/callbacks/notify", status_code=204)
    async def notify(receipt: NotifyReceipt, authorization: str = Header(default="")) -> Response:
        """Take a receipt of GOV.UK Notify."""
        if not receipts.allowed(authorization):
            return Response(status_code=401)
        await receipts.take(receipt, datetime.now(UTC))
        return Response(status_code=204)

    return router
