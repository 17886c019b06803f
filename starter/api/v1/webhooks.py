"""Webhooks: which systems are sent an authority's events, their secrets, and what they did not take."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from activities.delivery_rules import DeliveryRules
from activities.event_sender import EventSender
from activities.store import subscriptions
from activities.store.subscriptions import Backlog, DeadLetter, Subscription
from starter import webhooks
from starter.access import Permission
from starter.api.asking import Asked, AskedBy, Key, asked_router, needs
from starter.api.once import once
from starter.api.paging import Cursor, Limit, Page, cursor_after, page_of, read_cursor
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.webhooks import Wanted

Name = Annotated[str, Path(max_length=60, description="the webhook's name, or its id")]
Kinds = list[str]


class WebhookSaid(BaseModel):
    """A webhook that is asked for. `after`: where in the feed it begins; with what happens from now on, without."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=60, description="a name of your own for it")
    url: str = Field(max_length=2000, description="https; http only to the machine itself, where that is allowed")
    types: Kinds = Field(default_factory=list[str], max_length=60, description="types or families; all, when empty")
    after: int | None = Field(
        default=None,
        ge=0,
        description="the number in the feed after which it begins; with what happens from now on, without",
    )


class WebhookChange(BaseModel):
    """What is to be otherwise about a webhook; what is not given stays."""

    model_config = ConfigDict(extra="forbid")
    url: str | None = Field(default=None, max_length=2000, description="where events go from now on")
    types: Kinds | None = Field(default=None, max_length=60, description="types or families; all, when empty")
    state: Literal["active", "paused"] | None = Field(
        default=None, description="`paused`: nothing is sent; `active`: it goes on from where it stood"
    )


class WebhookShown(BaseModel):
    """A webhook, and what it has not taken: not tried yet, being tried again, and dead."""

    id: str = Field(description="its id, which stays when the name is given to another")
    name: str = Field(description="its name")
    url: str = Field(description="where events go")
    types: Kinds = Field(description="types or families; all, when empty")
    state: Literal["active", "paused", "gone"] = Field(
        description="`gone`: the receiver answered 410, and is sent nothing any more"
    )
    position: int = Field(description="the number in the feed up to which its events were looked at")
    created_at: datetime = Field(description="when it was added")
    last_taken_at: datetime | None = Field(description="when it last took an event")
    last_failure: str | None = Field(description="why it last took none; null when the last was taken")
    old_secret_until: datetime | None = Field(description="until when the secret before signs too; null when none does")
    behind: int = Field(description="how many events of the feed were not tried yet")
    waiting: int = Field(description="how many are being tried again")
    dead: int = Field(description="how many it did not take by the last try")


class WebhookAdded(WebhookShown):
    """A webhook that was added. `secret` is shown in the first answer only; null in an answer that is given again."""

    secret: str | None = Field(default=None, description="what events are signed with: shown once")


class SecretShown(BaseModel):
    """A webhook's new secret, shown in the first answer only, and until when the one before signs too."""

    secret: str | None = Field(default=None, description="the new secret: shown once")
    old_secret_until: datetime = Field(description="until when the secret before signs too")


class DeadLetterShown(BaseModel):
    """An event that was not taken by the last try, and why."""

    number: int = Field(description="the event's number in the feed")
    event: str = Field(description="the event's id")
    type: str = Field(description="the event's type")
    episode_id: str = Field(description="the episode it is about")
    tries: int = Field(description="how often it was tried")
    reason: str | None = Field(description="what the receiver answered the last time, or that it did not")
    died_at: datetime | None = Field(description="when it was tried the last time")


class Resending(BaseModel):
    """Which dead letter is to be sent again; all of them, when none is named."""

    model_config = ConfigDict(extra="forbid")
    event: UUID | None = Field(default=None, description="the id of the one event; all of them without")


class Resent(BaseModel):
    """How many dead letters are sent again."""

    resent: int = Field(description="how many are sent again")


class TriedOut(BaseModel):
    """What the receiver answered to an event of the type homeward.webhook.test."""

    taken: bool = Field(description="whether it took the event")
    reason: str | None = Field(description="why it did not")


def router_of(parts: Parts) -> APIRouter:
    """The routes of webhooks."""
    router, rules = asked_router("webhooks"), DeliveryRules()

    @router.get("/webhooks", operation_id="list_webhooks")
    @needs(Permission.MANAGE_WEBHOOKS)
    async def index(asked: AskedBy) -> list[WebhookShown]:
        """Every webhook, by name."""
        async with parts.store.snapshot() as session:
            found = await subscriptions.subscriptions_of(session, asked.authority)
            return [_shown(one, await subscriptions.backlog_of(session, one)) for one in found]

    @router.post("/webhooks", operation_id="add_webhook", status_code=201, response_model=WebhookAdded)
    @needs(Permission.MANAGE_WEBHOOKS)
    async def add(said: WebhookSaid, asked: AskedBy, _key: Key) -> JSONResponse:
        """Have a system be sent events, signed as Standard Webhooks asks with the secret of this answer."""
        made: list[str] = []

        async def effect(session: AsyncSession) -> tuple[int, BaseModel]:
            wanted = Wanted(name=said.name, url=said.url, kinds=said.types, after=said.after)
            private = parts.sends_inwards
            one, secret = await webhooks.add(session, asked.authority, wanted, asked.now, private=private)
            made.append(secret)
            backlog = await subscriptions.backlog_of(session, one)
            return 201, WebhookAdded(**_shown(one, backlog).model_dump())

        return _with_secret(await once(parts.store, asked, said, effect, where="webhooks"), made)

    @router.get("/webhooks/{name}", operation_id="show_webhook")
    @needs(Permission.MANAGE_WEBHOOKS)
    async def one(name: Name, asked: AskedBy) -> WebhookShown:
        """One webhook."""
        async with parts.store.snapshot() as session:
            found = await _found(session, asked, name)
            return _shown(found, await subscriptions.backlog_of(session, found))

    @router.patch("/webhooks/{name}", operation_id="change_webhook")
    @needs(Permission.MANAGE_WEBHOOKS)
    async def change(name: Name, said: WebhookChange, asked: AskedBy) -> WebhookShown:
        """Send its events elsewhere, or others of them; pause it, or resume it from where it stood."""
        async with parts.store.session() as session:
            found = await _found(session, asked, name)
            await webhooks.change(session, found, url=said.url, kinds=said.types, private=parts.sends_inwards)
            if said.state == "paused":
                await webhooks.pause(session, found)
            if said.state == "active":
                await subscriptions.resume_subscription(session, found)
            after = await _found(session, asked, name)
            return _shown(after, await subscriptions.backlog_of(session, after))

    @router.delete("/webhooks/{name}", operation_id="remove_webhook", status_code=204)
    @needs(Permission.MANAGE_WEBHOOKS)
    async def remove(name: Name, asked: AskedBy) -> Response:
        """Remove it, with what it has not taken."""
        async with parts.store.session() as session:
            await subscriptions.remove_subscription(session, (await _found(session, asked, name)).id)
        return Response(status_code=204)

    _add_secret_and_trial(router, parts, rules)
    _add_dead_letters(router, parts)
    return router


def _add_secret_and_trial(router: APIRouter, parts: Parts, rules: DeliveryRules) -> None:
    @router.post("/webhooks/{name}/secret", operation_id="give_webhook_new_secret", response_model=SecretShown)
    @needs(Permission.MANAGE_WEBHOOKS)
    async def rotate(name: Name, asked: AskedBy, _key: Key) -> JSONResponse:
        """Give it a new secret. For a day events carry a signature by each of the two."""
        made: list[str] = []

        async def effect(session: AsyncSession) -> tuple[int, BaseModel]:
            found = await _found(session, asked, name)
            secret, until = await webhooks.rotate(session, found, asked.now, rules)
            made.append(secret)
            return 200, SecretShown(old_secret_until=until)

        where = f"webhooks/{name}/secret"
        return _with_secret(await once(parts.store, asked, None, effect, where=where), made)

    @router.post("/webhooks/{name}/test", operation_id="try_webhook")
    @needs(Permission.MANAGE_WEBHOOKS)
    async def try_out(name: Name, asked: AskedBy) -> TriedOut:
        """Send it an event of the type homeward.webhook.test, once, and say what it answered."""
        async with parts.store.snapshot() as session:
            found = await _found(session, asked, name)
        sender = EventSender(private=parts.sends_inwards, timeout=rules.attempt_seconds)
        tried = await webhooks.try_out(sender, found, asked.now)
        return TriedOut(taken=tried.taken, reason=tried.reason)


def _add_dead_letters(router: APIRouter, parts: Parts) -> None:
    @router.get("/webhooks/{name}/dead-letters", operation_id="list_dead_letters")
    @needs(Permission.MANAGE_WEBHOOKS)
    async def dead(name: Name, asked: AskedBy, limit: Limit = 50, cursor: Cursor = None) -> Page[DeadLetterShown]:
        """The events that it did not take by the last try, in the feed's order."""
        after = read_cursor(cursor, int)
        async with parts.store.snapshot() as session:
            found = await _found(session, asked, name)
            letters = await subscriptions.dead_letters(session, [found.id], after[0] if after else 0, limit + 1)
        shown = [_letter(one) for one in letters]
        asked.saw(*{one.episode_id for one in shown[:limit]})
        return page_of(shown, limit, cursor_after(shown[:limit][-1].number) if shown else "")

    @router.post("/webhooks/{name}/dead-letters/resend", operation_id="resend_dead_letters", response_model=Resent)
    @needs(Permission.MANAGE_WEBHOOKS)
    async def resend(name: Name, said: Resending, asked: AskedBy, _key: Key) -> JSONResponse:
        """Send its dead letters again, or one of them."""

        async def effect(session: AsyncSession) -> tuple[int, BaseModel]:
            found = await _found(session, asked, name)
            event = str(said.event) if said.event else None
            count = await subscriptions.resend(session, found.id, asked.now, event)
            if event and not count:
                raise ProblemError(Problem.NOT_FOUND)
            return 200, Resent(resent=count)

        return await once(parts.store, asked, said, effect, where=f"webhooks/{name}/resend")


async def _found(session: AsyncSession, asked: Asked, name: str) -> Subscription:
    found = await subscriptions.subscription_of(session, asked.authority, name)
    if found is None:
        raise ProblemError(Problem.NOT_FOUND)
    return found


def _with_secret(response: JSONResponse, made: list[str]) -> JSONResponse:
    """The answer with its secret, which is nowhere kept among the answers: asked again, it has none."""
    body: dict[str, Any] = json.loads(bytes(response.body))
    return JSONResponse(body | ({"secret": made[0]} if made else {}), response.status_code)


def _shown(one: Subscription, backlog: Backlog) -> WebhookShown:
    about = one.model_dump(include=set(WebhookShown.model_fields))
    return WebhookShown(**about, **backlog.model_dump(), types=list(one.kinds))


def _letter(one: DeadLetter) -> DeadLetterShown:
    about = one.model_dump(include={"number", "episode_id", "tries", "reason", "died_at"})
    return DeadLetterShown(**about, event=one.event_id, type=one.kind)
