"""Commands about what stands still: what it is and why, and doing something about it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from activities.health.findings import KINDS, Deed, Stuck, StuckKind
from activities.health.look import Standstill
from starter.access import Permission, needs
from starter.batches import BatchDone, chosen, do_for_all, require_helps, summed_up
from starter.brief_engine import BriefEngine
from starter.cli.episodes import AsJson, find_episode
from starter.cli.say import moment, say, say_json, say_table
from starter.cli.wiring import Wired, run_async, wired
from starter.client import EngineSilentError
from starter.engine_room import EngineRoom, engine_room
from starter.operating import DONE_HERE, EVERYTHING, OF_WEBHOOKS, Operator
from starter.post_settings import PostSettings, load_post_settings
from workflows.plain_errors import BadInputError

EXIT_STUCK: Final = 1

stuck_app = typer.Typer(
    help="What stands still and why, the worst first; exit 1 when something does.", rich_markup_mode=None
)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(stuck_app, name="stuck")


@stuck_app.callback(invoke_without_command=True)
@needs(Permission.OPERATE)
def stuck(context: typer.Context, as_json: AsJson = False) -> int:
    """Say what stands still and why, the worst first, without a word about a child; exit 1 when something does."""
    if context.invoked_subcommand is not None:
        return 0
    post_settings = load_post_settings()

    async def work() -> tuple[Standstill, EngineRoom]:
        async with wired() as here:
            room = _room(here, post_settings)
            found = await room.standstill(here.store, here.settings.authority, datetime.now(UTC))
            here.asked.saw(*(one.subject for one in found.found if one.about in ("episode", "said")))
            return found, room

    found, room = run_async(work())
    if as_json:
        say_json(_as_data(found, room))
    else:
        _say(found, room)
    return EXIT_STUCK if found.found else 0


@stuck_app.command("do")
@needs(Permission.OPERATE)
def do(
    deed: Annotated[str, typer.Argument(metavar="DEED", help=f"one of {', '.join(sorted(DONE_HERE))}")],
    subject: Annotated[
        str, typer.Argument(metavar="SUBJECT", help=f"as 'homeward stuck' shows it; '{EVERYTHING}' for all")
    ],
    reason: Annotated[str, typer.Option("--reason", help="why: it goes into the audit")],
) -> int:
    """Do something about what stands still. Nothing that a provider may have taken is sent a second time."""
    if deed not in DONE_HERE:
        raise BadInputError(f"DEED: must be one of {', '.join(sorted(DONE_HERE))}")
    say(run_async(done_for(Deed(deed), subject, reason)))
    return 0


@stuck_app.command("all")
@needs(Permission.OPERATE)
def do_all(
    deed: Annotated[str, typer.Argument(metavar="DEED", help=f"one of {', '.join(sorted(DONE_HERE))}")],
    kind: Annotated[str, typer.Argument(metavar="KIND", help="in which way they stand still, as --json shows it")],
    reason: Annotated[str, typer.Option("--reason", help="why: it goes into the audit")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be done")] = False,
    as_json: AsJson = False,
) -> int:
    """Do one deed for all that stands still in one way, as many as are listed; exit 1 when one of them was not done."""
    if deed not in DONE_HERE:
        raise BadInputError(f"DEED: must be one of {', '.join(sorted(DONE_HERE))}")
    if kind not in KINDS:
        raise BadInputError(f"KIND: must be one of {', '.join(KINDS)}")
    require_helps(Deed(deed), StuckKind(kind))
    done = run_async(_done_for_all(Deed(deed), StuckKind(kind), reason, dry_run=dry_run))
    if as_json:
        say_json(done.model_dump(mode="json"))
    else:
        say_table(["Subject", "What came of it"], [[one.subject, one.says] for one in done.lines])
        say(summed_up(done.lines))
        if done.left:
            say(f"{done.left} more stand still so: give it again when these have moved.")
    return EXIT_STUCK if any(one.done is False for one in done.lines) else 0


async def done_for(deed: Deed, subject: str, reason: str, *, by_beginning: bool = False) -> str:
    """Do a deed, written down with why before it is done; what came of it.

    `by_beginning`: the subject is how an episode's id begins. Raises
    BadInputError, also when the engine does not answer.
    """
    require_reason(reason)
    post_settings = load_post_settings()
    async with wired() as here:
        if deed in OF_WEBHOOKS:
            here.asked.require(Permission.MANAGE_WEBHOOKS)
        if by_beginning:
            async with here.store.snapshot() as session:
                subject = await find_episode(session, here.settings.authority, subject)
        here.asked.why = reason.strip()
        here.asked.saw(subject)
        await here.write_down()
        try:
            return await _operator(here, post_settings).do(deed, subject, datetime.now(UTC))
        except EngineSilentError:
            raise BadInputError("the engine does not answer, so nothing was done") from None


def require_reason(reason: str) -> None:
    """Raise BadInputError unless it says why."""
    if not reason.strip():
        raise BadInputError("--reason: must say why")


async def _done_for_all(deed: Deed, kind: StuckKind, reason: str, *, dry_run: bool) -> BatchDone:
    require_reason(reason)
    post_settings = load_post_settings()
    async with wired() as here:
        if deed in OF_WEBHOOKS:
            here.asked.require(Permission.MANAGE_WEBHOOKS)
        now = datetime.now(UTC)
        found = await _room(here, post_settings).standstill(here.store, here.settings.authority, now)
        fit = chosen(found, deed, kind)
        here.asked.why = reason.strip()
        here.asked.saw(*(one.subject for one in fit))
        await here.write_down()
        lines = await do_for_all(_operator(here, post_settings), deed, fit, now, dry_run=dry_run)
        return BatchDone(deed=deed, kind=kind, dry_run=dry_run, lines=lines, left=found.more.get(kind, 0))


def _operator(here: Wired, post_settings: PostSettings) -> Operator:
    return Operator(here.store, _room(here, post_settings), here.commands, here.settings.authority)


def _room(here: Wired, post_settings: PostSettings) -> EngineRoom:
    brief = BriefEngine(here.engine, here.settings.engine_patience_seconds)
    return engine_room(here.settings, post_settings, here.store, here.policies, brief)


def _as_data(found: Standstill, room: EngineRoom) -> dict[str, Any]:
    return {
        "engine_answers": found.engine_answers,
        "stuck": [
            {**one.model_dump(mode="json"), "title": KINDS[one.kind].title, "engine_page": room.page_of(one)}
            for one in found.found
        ],
        "more": found.more,
        "not_asked": found.not_asked,
    }


def _say(found: Standstill, room: EngineRoom) -> None:
    if not found.found:
        say("Nothing stands still")
        return
    for kind in dict.fromkeys(one.kind for one in found.found):
        words, mine = KINDS[kind], [one for one in found.found if one.kind is kind]
        say(f"{words.title} ({len(mine) + found.more.get(kind, 0)})")
        say(f"  {words.means}")
        say(f"  What helps: {words.helps}")
        say_table(["  Subject", "Since", "Tried", "What is known", "Deeds"], [_row(one, room) for one in mine])
        if more := found.more.get(kind):
            say(f"  {more} more are not listed")
        say()
    if found.not_asked:
        say(f"{found.not_asked} more look as if they stood still; the engine was not asked about so many at once")


def _row(one: Stuck, room: EngineRoom) -> list[str]:
    known = "; ".join(_known(one, room))
    deeds = ", ".join(deed.value for deed in one.deeds)
    return [f"  {one.subject}", moment(one.since), str(one.attempts or "-"), known or "-", deeds or "-"]


def _known(one: Stuck, room: EngineRoom) -> Iterator[str]:
    if one.detail:
        yield one.detail
    if one.failure:
        yield ": ".join(filter(None, (one.failure.type, one.failure.says)))
    if one.next_try_at:
        yield f"next try {moment(one.next_try_at)}"
    if page := room.page_of(one):
        yield page
