"""GOV.UK Notify: e-mail and text messages.

Notify does not tell repeats apart: a reference sent three times is three
messages. So what may have been stored is Unknown, and is looked up first.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Literal, cast

import requests
from notifications_python_client.errors import APIError
from notifications_python_client.notifications import NotificationsAPIClient
from urllib3.exceptions import MaxRetryError, NewConnectionError

from activities.channels.base import (
    ATTEMPT_SECONDS,
    Answer,
    Busy,
    Found,
    Letter,
    Refused,
    Taken,
    Unknown,
    UsedUp,
    Whereabouts,
)
from activities.channels.web import CONNECT_SHARE, READ_SHARE, checked_url, never_log, retry_after

UNDELIVERABLE: Final = frozenset(
    {
        "permanent-failure",
        "temporary-failure",
        "technical-failure",
        "validation-failed",
        "virus-scan-failed",
    }
)
"""The statuses after which Notify does nothing more for a message that has not arrived."""

_BEST_FIRST: Final[tuple[Whereabouts, ...]] = ("delivered", "on_its_way", "undeliverable")
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_API_KEY: Final = re.compile(rf".*{_UUID}-{_UUID}")
_CLASS_NAME: Final = re.compile(r"[A-Za-z]{1,60}")

# A failure is logged by the client with Notify's own words, which can hold the address.
never_log("notifications_python_client.base", above=logging.DEBUG)


def whereabouts_of(status: str) -> Whereabouts:
    """What a status of Notify means. One that is not known yet is on its way: it is neither good news nor bad."""
    if status == "delivered":
        return "delivered"
    return "undeliverable" if status in UNDELIVERABLE else "on_its_way"


class NotifyAdapter:
    """One template of one Notify service: by e-mail or by text message.

    The template must have the fields ((subject)) and ((message)); `timeout` is
    in seconds. Raises ValueError for a key or URL that cannot be right.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str,
        template_id: str,
        kind: Literal["email", "sms"],
        timeout: float = ATTEMPT_SECONDS,
    ) -> None:
        if not _API_KEY.fullmatch(api_key):
            raise ValueError("must be a key as Notify shows it: a name, the service's id and the secret")
        self._api_key = api_key
        self._base_url = checked_url(base_url)
        self._template_id = template_id
        self._kind = kind
        self._timeout = timeout

    @property
    def can_look_up(self) -> bool:
        """Notify finds messages by our reference, for seven days."""
        return True

    async def send(self, letter: Letter) -> Answer:
        """Hand a letter over, once."""
        try:
            stored = await self._ask(lambda client: self._post(client, letter))
        except TimeoutError:
            return Unknown("no answer")
        except APIError as error:
            return _failure(error)
        # Whatever else says 201 on the way, only Notify gives an id.
        provider_id = _text(stored, "id")
        return Taken(provider_id=provider_id) if provider_id else Unknown("unreadable answer")

    async def look_up(self, reference: str) -> Found | Busy | None:
        """The best of the messages of that reference. Busy whenever Notify has not clearly said that there is none."""
        try:
            page = await self._ask(lambda client: client.get_all_notifications(reference=reference))
        except TimeoutError:
            return Busy("no answer")
        except APIError as error:
            failure = _failure(error)
            return failure if isinstance(failure, Busy) else Busy(_reason(error))
        listed = cast("dict[str, object]", page).get("notifications") if isinstance(page, dict) else None
        if not isinstance(listed, list):
            return Busy("unreadable answer")
        ours = [one for one in cast("list[object]", listed) if _text(one, "reference") == reference]
        found = [Found(_text(one, "id"), whereabouts_of(_text(one, "status"))) for one in ours]
        return min(found, key=lambda one: _BEST_FIRST.index(one.whereabouts), default=None)

    def _post(self, client: Any, letter: Letter) -> object:
        send = client.send_email_notification if self._kind == "email" else client.send_sms_notification
        fields = {"subject": letter.subject, "message": letter.body}
        return send(letter.to, self._template_id, personalisation=fields, reference=letter.reference)

    async def _ask(self, call: Callable[[Any], object]) -> object:
        async with asyncio.timeout(self._timeout):
            return await asyncio.to_thread(self._ask_now, call)

    def _ask_now(self, call: Callable[[Any], object]) -> object:
        # A client for each question, since one cannot be shared between threads.
        client: Any = NotificationsAPIClient(self._api_key, base_url=self._base_url)
        client.timeout = (self._timeout * CONNECT_SHARE, self._timeout * READ_SHARE)
        # A letter that follows a redirect goes to a place that nobody has chosen.
        client.request_session.max_redirects = 0
        with client.request_session:
            return call(client)


def _failure(error: APIError) -> Answer:
    """What a failure means for the letter. The client calls every silence a 503, so the response is asked first."""
    reason = _reason(error)
    if error.response is None:
        return Busy(reason) if _nothing_was_sent(error) else Unknown(reason)
    code = error.status_code
    if code == 429:
        if _class_name(error) == "TooManyRequestsError":
            return UsedUp(reason)
        return Busy(reason, retry_after(error.response.headers.get("Retry-After"), datetime.now(UTC)))
    # 408 is no refusal: somebody on the way gave up waiting.
    return Refused(reason) if 300 <= code < 500 and code != 408 else Unknown(reason)


def _nothing_was_sent(error: APIError) -> bool:
    cause = error.__cause__
    if isinstance(cause, requests.ConnectTimeout):
        return True
    why = cause.args[0] if isinstance(cause, requests.ConnectionError) and cause.args else None
    return isinstance(why, MaxRetryError) and isinstance(why.reason, NewConnectionError)


def _reason(error: APIError) -> str:
    """The error's class and status: never the message, which can hold the address."""
    if error.response is None:
        return "cannot connect" if _nothing_was_sent(error) else "no answer"
    return f"{_class_name(error) or 'http'} {error.status_code}"


def _class_name(error: APIError) -> str:
    errors: object = cast("Any", error).message
    first = cast("list[object]", errors)[0] if isinstance(errors, list) and errors else None
    name = _text(first, "error")
    return name if _CLASS_NAME.fullmatch(name) else ""


def _text(answer: object, field: str) -> str:
    """A field of an answer if it is there and is text, else nothing."""
    value = cast("dict[str, object]", answer).get(field) if isinstance(answer, dict) else None
    return value if isinstance(value, str) else ""
