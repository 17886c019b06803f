"""Commands about the feed of events: read it, follow it, drop what is old."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import typer

from activities.cloud_events import as_object
from activities.store import Store
from activities.store.events import CursorGone, EventPage, NumberedEvent, drop_events, feed_of, last_events, read_events
from starter.access import Permission, needs
from starter.cli.episodes import AsJson
from starter.cli.say import moment, say, say_json, say_table
from starter.cli.wiring import Wired, run_async, wired
from starter.kin_sight import events_for
from starter.webhooks import checked_kinds
from workflows.event_kinds import kinds_of
from workflows.plain_errors import BadInputError

events_app = typer.Typer(
    help="The feed of events: what happened, for other systems.", no_args_is_help=True, rich_markup_mode=None
)

MOST_AT_ONCE: Final = 1000
"""How many events are read at once, at most."""

_LOOK_AGAIN_SECONDS: Final = 1.0

Kinds = Annotated[
    list[str] | None, typer.Option("--type", metavar="TYPE", help="only these types, or families such as homeward.task")
]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(events_app, name="events")


@events_app.command("list")
@needs(Permission.READ_EVENTS)
def list_events(
    after: Annotated[int | None, typer.Option(min=0, help="the cursor: events with higher numbers")] = None,
    last: Annotated[int | None, typer.Option(min=1, max=MOST_AT_ONCE, help="only so many, the latest")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_AT_ONCE, help="at most so many")] = 100,
    kinds: Kinds = None,
    as_json: AsJson = False,
) -> None:
    """List events after a cursor, or the latest (--last), oldest first."""
    wanted = _wanted(kinds)
    if last is not None and after is not None:
        raise BadInputError("--last: not together with --after: the latest come after no cursor")

    async def work(here: Wired) -> EventPage:
        authority = here.settings.authority
        async with here.store.snapshot() as session:
            if last is not None:
                found = await last_events(session, authority, last, wanted)
            else:
                found = _page(await read_events(session, authority, after or 0, limit, wanted))
            return await events_for(session, here.asked.principal, found, here.asked.now)

    page = _over_store(work)
    if as_json:
        say_json({"events": [as_object(event) for event in page.events], "cursor": page.cursor, "more": page.more})
        return
    say_table(["Number", "When", "Type", "Episode", "About"], [_row(event) for event in page.events])
    say(f"Read on with --after {page.cursor}" + ("; there is more" if page.more else ""))


@events_app.command("tail")
@needs(Permission.READ_EVENTS)
def tail(
    after: Annotated[int | None, typer.Option(min=0, help="the cursor to begin at; now, if not given")] = None,
    kinds: Kinds = None,
) -> None:
    """Follow the feed: each event as one line of JSON, until Ctrl-C."""
    wanted = _wanted(kinds)

    async def work(here: Wired) -> None:
        store, authority = here.store, here.settings.authority
        async with store.snapshot() as session:
            cursor = (await feed_of(session, authority)).last if after is None else after
        while True:
            async with store.snapshot() as session:
                page = _page(await read_events(session, authority, cursor, MOST_AT_ONCE, wanted))
                page = await events_for(session, here.asked.principal, page, datetime.now(UTC))
            for event in page.events:
                sys.stdout.write(json.dumps(as_object(event), ensure_ascii=False) + "\n")
            sys.stdout.flush()
            cursor = page.cursor
            await asyncio.sleep(0 if page.more else _LOOK_AGAIN_SECONDS)

    _over_store(work)


@events_app.command("drop")
@needs(Permission.OPERATE)
def drop(
    yes: Annotated[bool, typer.Option("--yes", help="yes: they may be lost")] = False, as_json: AsJson = False
) -> None:
    """Drop events older than HOMEWARD_EVENTS_KEPT_DAYS, but none that an active webhook waits for."""
    if not yes:
        raise BadInputError("--yes: must be given, because the events are lost")

    async def work(store: Store, authority: str, kept_days: int) -> int:
        async with store.session() as session:
            return await drop_events(session, authority, datetime.now(UTC) - timedelta(days=kept_days))

    async def over_store() -> int:
        async with wired() as here:
            return await work(here.store, here.settings.authority, here.settings.events_kept_days)

    count = run_async(over_store())
    if as_json:
        say_json({"dropped": count})
        return
    say(f"Dropped {count}" if count else "Nothing to drop")


def _wanted(kinds: list[str] | None) -> frozenset[str]:
    return frozenset(kinds_of(checked_kinds(kinds))) if kinds else frozenset()


def _page(found: EventPage | CursorGone) -> EventPage:
    if isinstance(found, CursorGone):
        raise BadInputError(
            f"--after: the feed holds what came after {found.dropped}, and ends at {found.cursor}; "
            f"read the episodes anew, and go on with --after {found.cursor}"
        )
    return found


def _row(event: NumberedEvent) -> list[str]:
    about = next(
        (event.data[name] for name in ("clock", "task", "notice", "kind", "status") if event.data.get(name)), ""
    )
    return [str(event.number), moment(event.at), event.kind.value, event.episode_id, str(about)]


def _over_store(work: Callable[[Wired], Awaitable[Any]]) -> Any:
    async def over_store() -> Any:
        async with wired() as here:
            return await work(here)

    return run_async(over_store())
