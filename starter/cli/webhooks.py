"""Commands about webhooks: which systems are sent events, their secrets, and what they did not take."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from activities.delivery_rules import DeliveryRules
from activities.event_sender import EventSender
from activities.store import subscriptions
from activities.store.subscriptions import Backlog, DeadLetter, Subscription
from starter import webhooks
from starter.cli.episodes import AsJson
from starter.cli.say import moment, say, say_json, say_table
from starter.cli.wiring import Wired, run_async, wired
from starter.webhooks import Wanted
from workflows.instants import in_words, to_rfc3339
from workflows.plain_errors import BadInputError

webhooks_app = typer.Typer(
    help="Webhooks: the systems that are sent events.", no_args_is_help=True, rich_markup_mode=None
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="the webhook's name")]
Answer = TypeVar("Answer")

EXIT_NOT_TAKEN = 1


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(webhooks_app, name="webhooks")


@webhooks_app.command("add")
def add(
    name: Name,
    url: Annotated[str, typer.Argument(metavar="URL", help="where events are posted: https, or http on this machine")],
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--type", metavar="TYPE", help="only these types, or families such as homeward.task; all, if none"
        ),
    ] = None,
    after: Annotated[
        int | None, typer.Option(min=0, help="begin after this number of the feed; from now on, if not given")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have a system be sent events. Its secret is shown now, and never again."""
    wanted = Wanted(name=name, url=url, kinds=kinds or (), after=after)

    async def work(here: Wired, session: AsyncSession, now: datetime) -> tuple[Subscription, str]:
        private = here.settings.sends_inwards
        return await webhooks.add(session, here.settings.authority, wanted, now, private=private)

    subscription, secret = _carry_out(work)
    if as_json:
        say_json({**subscription.model_dump(mode="json"), "secret": secret})
        return
    say(f"Added {name}. Its secret, which is not shown again:")
    say(secret)


@webhooks_app.command("list")
def list_webhooks(as_json: AsJson = False) -> None:
    """List the webhooks, how each stands, and what it has not taken."""

    async def work(here: Wired, session: AsyncSession, _: datetime) -> list[tuple[Subscription, Backlog]]:
        found = await subscriptions.subscriptions_of(session, here.settings.authority)
        return [(one, await subscriptions.backlog_of(session, one)) for one in found]

    found = _carry_out(work)
    if as_json:
        say_json([{**one.model_dump(mode="json"), **backlog.model_dump()} for one, backlog in found])
        return
    rows = [
        [
            one.name,
            one.state,
            one.url,
            ", ".join(one.kinds) or "all",
            str(backlog.behind),
            str(backlog.waiting),
            str(backlog.dead),
            moment(one.last_taken_at),
            one.last_failure or "-",
        ]
        for one, backlog in found
    ]
    say_table(["Name", "State", "URL", "Types", "Behind", "Waiting", "Dead", "Last taken", "Last failure"], rows)


@webhooks_app.command("pause")
def pause(name: Name) -> None:
    """Send a webhook nothing until it is resumed; what happens meanwhile waits for it."""
    _with_webhook(name, lambda session, one, _: webhooks.pause(session, one))
    say(f"Paused {name}")


@webhooks_app.command("resume")
def resume(name: Name) -> None:
    """Send a webhook events again, from where it stood."""
    missed = _with_webhook(name, lambda session, one, _: subscriptions.resume_subscription(session, one))
    gap = f"; {missed} events were dropped meanwhile: have it read the episodes anew" if missed else ""
    say(f"Resumed {name}{gap}")


@webhooks_app.command("rotate")
def rotate(name: Name, as_json: AsJson = False) -> None:
    """Give a webhook a new secret, shown now and never again. For a day events are signed with both."""
    secret, until = _with_webhook(name, lambda session, one, now: webhooks.rotate(session, one, now, DeliveryRules()))
    if as_json:
        say_json({"name": name, "secret": secret, "old_secret_until": to_rfc3339(until)})
        return
    say(f"New secret of {name}, which is not shown again; the one before signs too until {in_words(until)}:")
    say(secret)


@webhooks_app.command("remove")
def remove(
    name: Name, yes: Annotated[bool, typer.Option("--yes", help="yes: its dead letters may be lost")] = False
) -> None:
    """Remove a webhook, with what it has not taken."""
    if not yes:
        raise BadInputError("--yes: must be given, because what the webhook has not taken is forgotten")
    _with_webhook(name, lambda session, one, _: subscriptions.remove_subscription(session, one.id))
    say(f"Removed {name}")


@webhooks_app.command("dead")
def dead(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="of this webhook; of all, if not given")] = None,
    as_json: AsJson = False,
) -> None:
    """List the events that were not taken by the last try, and why."""

    async def work(here: Wired, session: AsyncSession, _: datetime) -> list[tuple[str, DeadLetter]]:
        authority = here.settings.authority
        chosen = [await webhooks.find(session, authority, name)] if name else []
        chosen = chosen or await subscriptions.subscriptions_of(session, authority)
        names = {one.id: one.name for one in chosen}
        return [(names[one.subscription_id], one) for one in await subscriptions.dead_letters(session, list(names))]

    found = _carry_out(work)
    if as_json:
        say_json([{"webhook": webhook, **one.model_dump(mode="json")} for webhook, one in found])
        return
    rows = [
        [webhook, one.event_id, one.kind, str(one.tries), one.reason or "-", moment(one.died_at)]
        for webhook, one in found
    ]
    say_table(["Webhook", "Event", "Type", "Tries", "Why", "Since"], rows)


@webhooks_app.command("resend")
def resend(
    name: Name,
    event: Annotated[str | None, typer.Option("--event", metavar="ID", help="only this dead letter")] = None,
) -> None:
    """Send a webhook's dead letters again, or one of them."""
    count = _with_webhook(name, lambda session, one, now: webhooks.resend(session, one, event, now))
    say(f"Sent again: {count}" if count else "There is no dead letter")


@webhooks_app.command("test")
def try_out(name: Name, as_json: AsJson = False) -> int:
    """Send a webhook an event of type homeward.webhook.test, once; exit 1 when it does not take it."""

    async def work() -> webhooks.Tried:
        async with wired() as here:
            async with here.store.session() as session:
                one = await webhooks.find(session, here.settings.authority, name)
            sender = EventSender(private=here.settings.sends_inwards, timeout=DeliveryRules().attempt_seconds)
            return await webhooks.try_out(sender, one, datetime.now(UTC))

    tried = run_async(work())
    if as_json:
        say_json({"taken": tried.taken, "reason": tried.reason})
    else:
        say(f"{name} took it" if tried.taken else f"{name} did not take it: {tried.reason}")
    return 0 if tried.taken else EXIT_NOT_TAKEN


def _carry_out(work: Callable[[Wired, AsyncSession, datetime], Awaitable[Answer]]) -> Answer:
    async def over_store() -> Answer:
        async with wired() as here, here.store.session() as session:
            return await work(here, session, datetime.now(UTC))

    return run_async(over_store())


def _with_webhook(name: str, work: Callable[[AsyncSession, Subscription, datetime], Awaitable[Answer]]) -> Any:
    async def found(here: Wired, session: AsyncSession, now: datetime) -> Answer:
        return await work(session, await webhooks.find(session, here.settings.authority, name), now)

    return _carry_out(found)
