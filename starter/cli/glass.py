"""Commands about restricted records: looking all the same, and who did."""

from datetime import timedelta
from typing import Annotated

import typer

from activities.store.broken_glass import BrokenGlass, all_broken
from starter.access import Permission, needs
from starter.cli.episodes import AsJson, EpisodeId, find_episode
from starter.cli.say import say, say_json, say_table
from starter.cli.wiring import run_async, wired
from starter.glass import Glass, GlassAnswer, NoSuchEpisodeError, read_reason
from starter.post_office import post_through
from starter.post_settings import load_post_settings
from workflows.instants import in_words
from workflows.plain_errors import BadInputError

glass_app = typer.Typer(
    help="Restricted records: looking all the same, and who did.", no_args_is_help=True, rich_markup_mode=None
)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(glass_app, name="glass")


@glass_app.command("break")
@needs(Permission.BREAK_GLASS)
def break_command(
    episode: EpisodeId,
    reason: Annotated[str, typer.Option("--reason", help="why you must see it, in three words or more")],
    as_json: AsJson = False,
) -> None:
    """Open a restricted episode to yourself for a time. The reason goes into the audit; the administrator is told."""
    why = read_reason(reason)

    async def work() -> tuple[str, GlassAnswer]:
        async with wired() as here:
            post = post_through(load_post_settings(), here.engine.client, here.settings.links)
            glass = Glass(timedelta(hours=here.settings.glass_hours), post)
            async with here.store.snapshot() as session:
                whole = await find_episode(session, here.settings.authority, episode)
            here.asked.saw(whole)
            asked = here.asked
            async with here.store.session() as session:
                try:
                    answer = await glass.broken(
                        session, asked.principal, whole, why, asked.now, request=asked.request, way=asked.way
                    )
                except NoSuchEpisodeError:
                    raise BadInputError("episode: there is no such episode here") from None
            await glass.nudge(here.settings.authority, answer)
            return whole, answer

    whole, answer = run_async(work())
    if as_json:
        say_json({"episode_id": whole} | answer.model_dump(mode="json", exclude={"waiting"}))
        return
    until = f" It is open to you until {in_words(answer.until)}." if answer.until else ""
    say(f"{answer.detail}{until}")


@glass_app.command("list")
@needs(Permission.READ_BROKEN_GLASS)
def list_command(as_json: AsJson = False) -> None:
    """List who looked at restricted records all the same, why, and until when they may; the latest first."""

    async def work() -> list[BrokenGlass]:
        async with wired() as here, here.store.snapshot() as session:
            found = await all_broken(session, here.settings.authority)
            here.asked.saw(*(one.episode_id for one in found))
            return found

    found = run_async(work())
    if as_json:
        say_json([one.model_dump(mode="json") for one in found])
        return
    rows = [
        [in_words(one.at), in_words(one.until), f"{one.name} ({one.who})", one.episode_id, one.why] for one in found
    ]
    say_table(["When", "Until", "Who", "Episode", "Why"], rows)
