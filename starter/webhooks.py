"""Subscriptions as people and systems ask for them: checked, made, changed, tried out, removed.

Every function is for one authority. What cannot be used raises BadInputError,
one line that names the field.
"""

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from activities.channels.base import Taken
from activities.channels.web import checked_url
from activities.channels.webhook import PREFIX
from activities.cloud_events import written_test
from activities.delivery_rules import DeliveryRules
from activities.event_sender import EventSender, may_be_called
from activities.store import subscriptions
from activities.store.events import feed_of
from activities.store.subscriptions import Subscription
from workflows.event_kinds import kinds_of
from workflows.plain_errors import BadInputError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", re.ASCII)
_KEY_BYTES: Final = 32
_LONGEST_URL: Final = 2000


class NoSuchWebhookError(BadInputError):
    """The authority has no such webhook, or no such dead letter."""


@dataclass(frozen=True)
class Wanted:
    """A webhook as it is asked for. `after` is where in the feed it begins; None: with what happens from now on."""

    name: str
    url: str
    kinds: Sequence[str] = ()
    after: int | None = None


@dataclass(frozen=True)
class Tried:
    """What a receiver answered to the event it was tried out with."""

    taken: bool
    reason: str | None


async def add(
    session: AsyncSession, authority: str, wanted: Wanted, now: datetime, *, private: bool
) -> tuple[Subscription, str]:
    """Add a webhook; the webhook, and its secret, which is never shown again. `now` is UTC.

    `private`: it may lie on this machine or in an inner network.
    """
    feed = await feed_of(session, authority)
    after = feed.last if wanted.after is None else wanted.after
    if not feed.dropped <= after <= feed.last:
        raise BadInputError(f"after: must lie between {feed.dropped} and {feed.last}, where the feed begins and ends")
    secret = _new_secret()
    subscription = Subscription(
        id=str(uuid4()),
        authority=authority,
        name=_checked_name(wanted.name),
        url=checked_receiver(wanted.url, private=private),
        kinds=checked_kinds(wanted.kinds),
        secret=secret,
        position=after,
        created_at=now,
    )
    if not await subscriptions.add_subscription(session, subscription):
        raise BadInputError(f"name: there is a webhook '{wanted.name}' already; choose another name")
    return subscription, secret


async def find(session: AsyncSession, authority: str, name: str) -> Subscription:
    """The webhook of that name or id. Raises NoSuchWebhookError."""
    found = await subscriptions.subscription_of(session, authority, name)
    if found is None:
        raise NoSuchWebhookError(f"name: there is no webhook '{name[:60]}'; see 'homeward webhooks list'")
    return found


async def change(
    session: AsyncSession,
    subscription: Subscription,
    *,
    url: str | None = None,
    kinds: Sequence[str] | None = None,
    private: bool,
) -> None:
    """Send a webhook's events elsewhere, or others of them, from the next one on."""
    values: dict[str, Any] = {}
    if url is not None:
        values |= {"url": checked_receiver(url, private=private)}
    if kinds is not None:
        values |= {"kinds": list(checked_kinds(kinds))}
    if values:
        await subscriptions.change_subscription(session, subscription.id, **values)


async def pause(session: AsyncSession, subscription: Subscription) -> None:
    """Send a webhook nothing until it is resumed. What happens meanwhile waits in the feed."""
    await subscriptions.change_subscription(session, subscription.id, state="paused")


async def rotate(
    session: AsyncSession, subscription: Subscription, now: datetime, rules: DeliveryRules
) -> tuple[str, datetime]:
    """Give a webhook a new secret; the secret, never shown again, and until when the one before signs too (UTC)."""
    secret = _new_secret()
    return secret, await subscriptions.rotate_secret(session, subscription, secret, now, rules.secret_overlap)


async def resend(session: AsyncSession, subscription: Subscription, event_id: str | None, now: datetime) -> int:
    """Send a dead letter again, or all of them; how many. `now` is UTC. Raises NoSuchWebhookError for an unknown id."""
    count = await subscriptions.resend(session, subscription.id, now, event_id)
    if event_id is not None and count == 0:
        raise NoSuchWebhookError(f"event: there is no dead letter '{event_id[:60]}' of this webhook")
    return count


async def try_out(sender: EventSender, subscription: Subscription, now: datetime) -> Tried:
    """Send a webhook an event of its own, signed as all are, once and at once. `now` is UTC."""
    id = str(uuid4())
    body = written_test(id, subscription.authority, now)
    answer = await sender.send(subscription.url, subscription.secrets_at(now), id, body)
    return Tried(taken=True, reason=None) if isinstance(answer, Taken) else Tried(taken=False, reason=answer.reason)


def checked_receiver(url: str, *, private: bool) -> str:
    """The URL, if events may be sent there as far as the URL itself tells. Raises BadInputError."""
    if len(url) > _LONGEST_URL:
        raise BadInputError(f"url: must be at most {_LONGEST_URL} characters")
    try:
        checked_url(url)
    except ValueError as mistake:
        raise BadInputError(f"url: {mistake}") from None
    host = urlsplit(url).hostname or ""
    try:
        inward = not may_be_called(host, private=private)
    except ValueError:
        inward = host == "localhost" and not private
    if inward:
        raise BadInputError("url: must not lie on this machine or in an inner network; see HOMEWARD_PRIVATE_RECEIVERS")
    return url


def checked_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """The types of event that are wanted, as they were written. Raises BadInputError."""
    try:
        kinds_of(kinds)
    except ValueError as mistake:
        raise BadInputError(f"type: {mistake}") from None
    return tuple(dict.fromkeys(kinds))


def _checked_name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise BadInputError("name: must be 1 to 60 letters, digits and '.', '_', '-', and begin with a letter or digit")
    return name


def _new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
