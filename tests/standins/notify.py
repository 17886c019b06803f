"""GOV.UK Notify's published behaviour, as a server: https://docs.notifications.service.gov.uk/rest-api.html."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast
from uuid import uuid4

import httpx
import jwt

from tests.standins.faults import Fault, Faults
from tests.standins.http_server import Asked, HttpStandIn, Reply

FRESH_SECONDS = 30
ADDRESS_FIELDS: dict[str, str] = {"email": "email_address", "sms": "phone_number"}


@dataclass
class Stored:
    """A message that the stand-in has taken. A test may move its status on."""

    kind: Literal["email", "sms"]
    to: str
    reference: str | None
    template_id: str
    personalisation: dict[str, Any]
    status: str = "created"
    id: str = field(default_factory=lambda: str(uuid4()))
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class NotifyStandIn(HttpStandIn):
    """Notify for one service. A reference is not a key: the same one sent three times is three messages.

    `sends` and `look_ups` hold the faults to come. `on_store` is called when a
    message is stored and not yet answered. Receipts go to `callback_url` with
    the bearer `callback_token`.
    """

    def __init__(self, callback_url: str = "", callback_token: str = "") -> None:
        super().__init__()
        self.service_id = str(uuid4())
        self.secret = str(uuid4())
        self.template_id = str(uuid4())
        self.callback_url = callback_url
        self.callback_token = callback_token
        self.stored: list[Stored] = []
        self.sends = Faults()
        self.look_ups = Faults()
        self.on_store: Callable[[Stored], None] | None = None

    @property
    def api_key(self) -> str:
        """A key as Notify shows it once: name, service, secret."""
        return f"stand_in-{self.service_id}-{self.secret}"

    def answer(self, asked: Asked) -> Reply:
        unknown = self._who_is_wrong(asked.headers.get("authorization", ""))
        faults = self.sends if asked.method == "POST" else self.look_ups
        fault = faults.take()
        if unknown:
            return _error(403, "AuthError", unknown)
        if asked.method == "POST":
            return self._taken(asked, fault)
        if fault and fault.code:
            return _error(fault.code, fault.error, "Said by the stand-in", fault)
        return self._found(asked, fault)

    def receipt(self, message: Stored, status: str, times: int = 1) -> list[int]:
        """Move a message to a status and send the delivery receipt; the statuses the callback answered."""
        message.status = status
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        body = {
            "id": message.id,
            "reference": message.reference,
            "to": message.to,
            "status": status,
            "created_at": _moment(message),
            "completed_at": now,
            "sent_at": now,
            "notification_type": message.kind,
            "template_id": message.template_id,
            "template_version": 1,
        }
        headers = {"Authorization": f"Bearer {self.callback_token}"}
        with httpx.Client(timeout=10) as client:
            return [client.post(self.callback_url, json=body, headers=headers).status_code for _ in range(times)]

    def _who_is_wrong(self, authorization: str) -> str:
        token = authorization.removeprefix("Bearer ")
        try:
            decode: Callable[..., dict[str, Any]] = cast("Any", jwt).decode
            claims = decode(token, self.secret, algorithms=["HS256"], options={"verify_iat": False})
        except jwt.InvalidTokenError:
            return "Invalid token: signature, api token not found"
        if claims.get("iss") != self.service_id:
            return "Invalid token: service not found"
        if abs(time.time() - int(claims.get("iat", 0))) > FRESH_SECONDS:
            return "Error: Your system clock must be accurate to within 30 seconds"
        return ""

    def _taken(self, asked: Asked, fault: Fault | None) -> Reply:
        kind = asked.path.rpartition("/")[2]
        if asked.path not in ("/v2/notifications/email", "/v2/notifications/sms"):
            return _error(404, "NoResultFound", "Not found")
        said = json.loads(asked.body)
        to = said.get(ADDRESS_FIELDS[kind], "")
        wrong = self._what_is_wrong(kind, to, said)
        if wrong:
            return wrong
        message = Stored(
            kind="email" if kind == "email" else "sms",
            to=to,
            reference=said.get("reference"),
            template_id=said["template_id"],
            personalisation=said["personalisation"],
        )
        if fault is None or fault.keeps:
            self.stored.append(message)
            if self.on_store:
                self.on_store(message)
        if fault and fault.code:
            # The real one can quote the recipient, so this one always does.
            return _error(fault.code, fault.error, f"Can't send to {to}", fault)
        return Reply(201, self._receipt_of(message), fault)

    def _what_is_wrong(self, kind: str, to: str, said: dict[str, Any]) -> Reply | None:
        looks_right = "@" in to if kind == "email" else sum(c.isdigit() for c in to) >= 10
        if not looks_right:
            return _error(400, "ValidationError", f"{ADDRESS_FIELDS[kind]} {to} is not valid")
        if said.get("template_id") != self.template_id:
            return _error(400, "BadRequestError", "Template not found")
        missing = {"subject", "message"} - set(said.get("personalisation", {}))
        if missing:
            return _error(400, "BadRequestError", f"Missing personalisation: {', '.join(sorted(missing))}")
        return None

    def _receipt_of(self, message: Stored) -> dict[str, Any]:
        content = {"body": message.personalisation["message"]}
        if message.kind == "email":
            content |= {"subject": message.personalisation["subject"], "from_email": "stand-in@notify.example"}
        return {
            "id": message.id,
            "reference": message.reference,
            "content": content,
            "uri": f"{self.url}/v2/notifications/{message.id}",
            "template": {
                "id": message.template_id,
                "version": 1,
                "uri": f"{self.url}/v2/template/{message.template_id}",
            },
        }

    def _found(self, asked: Asked, fault: Fault | None) -> Reply:
        if asked.path == "/v2/notifications":
            wanted = asked.query.get("reference")
            newest_first = [one for one in reversed(self.stored) if wanted in (None, one.reference)]
            links = {"current": f"{self.url}/v2/notifications"}
            return Reply(200, {"notifications": [_shown(one) for one in newest_first], "links": links}, fault)
        for one in self.stored:
            if asked.path == f"/v2/notifications/{one.id}":
                return Reply(200, _shown(one), fault)
        return _error(404, "NoResultFound", "No result found", fault)


def _shown(message: Stored) -> dict[str, Any]:
    kept = asdict(message)
    return {
        "id": message.id,
        "reference": message.reference,
        "type": message.kind,
        "status": message.status,
        "email_address": kept["to"] if message.kind == "email" else None,
        "phone_number": kept["to"] if message.kind == "sms" else None,
        "template": {"id": message.template_id, "version": 1},
        "body": message.personalisation["message"],
        "subject": message.personalisation["subject"] if message.kind == "email" else None,
        "created_at": _moment(message),
    }


def _moment(message: Stored) -> str:
    return message.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _error(code: int, error: str, message: str, fault: Fault | None = None) -> Reply:
    return Reply(code, {"status_code": code, "errors": [{"error": error, "message": message}]}, fault)
