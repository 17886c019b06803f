"""A system that receives Standard Webhooks and checks every signature."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from tests.standins.faults import Faults
from tests.standins.http_server import Asked, HttpStandIn, Reply

TOLERANCE = timedelta(minutes=5)
SECRET = "whsec_aW52ZW50ZWQgZm9yIHRoZSB0ZXN0cyBvbmx5"


@dataclass(frozen=True)
class Hooked:
    """A webhook that was received, its signature good."""

    webhook_id: str
    body: Any


class WebhookStandIn(HttpStandIn):
    """The receiver. `posts` holds the faults to come; `clock_ahead` makes timestamps too old for it.

    `on_store` is called when a webhook is kept and not yet answered.
    """

    def __init__(self, secret: str = SECRET) -> None:
        super().__init__()
        self.received: list[Hooked] = []
        self.posts = Faults()
        self.clock_ahead = timedelta(0)
        self.on_store: Callable[[Hooked], None] | None = None
        self._signature = Webhook(secret)

    @property
    def distinct(self) -> dict[str, Any]:
        """What a receiver acts on: one body for each webhook-id, the first that came."""
        bodies: dict[str, Any] = {}
        for one in self.received:
            bodies.setdefault(one.webhook_id, one.body)
        return bodies

    def answer(self, asked: Asked) -> Reply:
        fault = self.posts.take()
        try:
            self._signature.verify(asked.body, asked.headers)
        except WebhookVerificationError as error:
            return Reply(400, {"error": str(error)})
        if time.time() + self.clock_ahead.total_seconds() - int(asked.headers["webhook-timestamp"]) > (
            TOLERANCE.total_seconds()
        ):
            return Reply(400, {"error": "Message timestamp too old"})
        if fault is None or fault.keeps:
            one = Hooked(asked.headers["webhook-id"], json.loads(asked.body))
            self.received.append(one)
            if self.on_store:
                self.on_store(one)
        return Reply((fault.code if fault else None) or 204, {}, fault)
