"""The command that shows who knew what of an episode, and when."""

import typer

from activities.store.episodes import EpisodeView
from starter.access import Permission, needs
from starter.cli.episodes import AsJson, EpisodeId, whole_id
from starter.cli.say import moment, say, say_json, say_table
from starter.cli.wiring import run_async, wired
from starter.kin_sight import view_for
from starter.who_knew import Knew, way_in_words, who_knew
from workflows.vocabulary import ROLE_WORDS


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("told")(told)


@needs(Permission.READ_EPISODES)
def told(episode: EpisodeId, as_json: AsJson = False) -> None:
    """Show who was told what of an episode: when, by which way, whether it arrived, who read and who answered."""

    async def work() -> tuple[str, EpisodeView | None]:
        async with wired() as here:
            whole = await whole_id(here, episode)
            async with here.store.snapshot() as session:
                return whole, await view_for(session, here.asked.principal, whole, here.asked.now)

    whole, view = run_async(work())
    rows = who_knew(view) if view else []
    if as_json:
        say_json({"episode_id": whole, "who_knew": [row.model_dump(mode="json") for row in rows]})
    elif rows:
        say_who_knew(rows)
    else:
        say(f"Episode {whole}: nobody has been told anything yet")


def say_who_knew(rows: list[Knew]) -> None:
    """Answer with the table of who knew what, and when."""
    columns = ["Sent", "What", "Rung", "Role", "Who", "How", "How it stands", "Delivered", "Read", "Answer"]
    say_table(columns, [_row(row) for row in rows])


def _row(row: Knew) -> list[str]:
    said = f"{row.title}: {row.says}"
    how = way_in_words(row.way) if row.way else "-"
    moments = [moment(row.delivered), moment(row.read), _answer(row)]
    return [moment(row.sent), said, row.rung, ROLE_WORDS[row.role], _who(row), how, row.standing, *moments]


def _who(row: Knew) -> str:
    if row.person is None:
        return "nobody on record"
    cover = "" if row.cover in (None, "holder") else f", {row.cover.replace('_', ' ')}"
    return f"{row.name} ({row.person}{cover})"


def _answer(row: Knew) -> str:
    if row.acknowledged_at:
        return f"{moment(row.acknowledged_at)} by {row.acknowledged_by}"
    return "asked for" if row.asks else ""
