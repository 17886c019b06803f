"""Webhooks for other systems, signed as Standard Webhooks asks (https://www.standardwebhooks.com).

The receiver tells repeats apart by webhook-id, which is the letter's reference.
"""

import asyncio
import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Final

import httpx
from standardwebhooks import Webhook

from activities.channels.base import ATTEMPT_SECONDS, Answer, Busy, Letter, Refused, Taken, Unknown
from activities.channels.web import CONNECT_SHARE, READ_SHARE, checked_url, never_log, retry_after

PREFIX: Final = "whsec_"
"""What every secret begins with; the rest is base64."""

_NOT_FINAL: Final = frozenset({408, 409, 425})

# Both write down where they post to; a receiver's URL can hold a token.
never_log("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy")


def checked_secret(secret: str) -> str:
    """The secret, if letters can be signed with it. Raises ValueError that does not repeat it."""
    wrong = ValueError(f"must be {PREFIX} followed by base64")
    if not secret.startswith(PREFIX):
        raise wrong
    try:
        # The signing library leaves out what is not base64, and signs with what is left.
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise wrong from None
    if not key:
        raise wrong
    return secret


class WebhookAdapter:
    """One secret, shared with the system that receives. A letter's `to` is the URL; `timeout` is in seconds.

    Raises ValueError for a secret that cannot be right.
    """

    def __init__(self, secret: str, timeout: float = ATTEMPT_SECONDS) -> None:
        self._signer = Webhook(checked_secret(secret))
        self._timeout = timeout
        self._limits = httpx.Timeout(timeout * READ_SHARE, connect=timeout * CONNECT_SHARE)
        # Reading the certificates takes longer than posting: once is enough.
        self._trusted = httpx.create_ssl_context()

    @property
    def can_look_up(self) -> bool:
        """A receiver cannot be asked, and need not be: it tells repeats apart."""
        return False

    async def send(self, letter: Letter) -> Answer:
        """Post a letter, once. Refused as "address" when `to` is a URL that checked_url does not let through."""
        try:
            url = checked_url(letter.to)
        except ValueError:
            return Refused("address")
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(url, letter)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return Busy("cannot connect")
        except (httpx.HTTPError, TimeoutError):
            return Unknown("no answer")

    async def look_up(self, reference: str) -> None:
        """Nothing, ever: see can_look_up."""
        del reference

    async def _post(self, url: str, letter: Letter) -> Answer:
        body = json.dumps(letter.data, ensure_ascii=False, separators=(",", ":"))
        headers = self._signed(letter.reference, body, datetime.now(UTC))
        async with (
            httpx.AsyncClient(verify=self._trusted, timeout=self._limits, follow_redirects=False) as client,
            # The status is the whole answer: what a receiver writes under it is not read.
            client.stream("POST", url, content=body.encode(), headers=headers) as response,
        ):
            return answer_of(response)

    def _signed(self, reference: str, body: str, at: datetime) -> dict[str, str]:
        return {
            "content-type": "application/json",
            "webhook-id": reference,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signer.sign(reference, at, body),
        }


def answer_of(response: httpx.Response) -> Answer:
    """What a receiver's status says of what was posted to it."""
    code = response.status_code
    reason = f"http {code}"
    if 200 <= code < 300:
        return Taken(delivered=True)
    if code == 429:
        return Busy(reason, retry_after(response.headers.get("Retry-After"), datetime.now(UTC)))
    # After these and a 5xx the receiver may have acted all the same.
    return Refused(reason) if 300 <= code < 500 and code not in _NOT_FINAL else Unknown(reason)
