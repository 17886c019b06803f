"""The command that makes the police pack of an episode."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from activities.store import inbox
from starter.access import Permission, needs
from starter.cli.episodes import EpisodeId, whole_id
from starter.cli.say import say, say_json
from starter.cli.wiring import run_async, wired
from starter.police_pack import PolicePack, as_html, as_pdf, gather
from workflows.plain_errors import BadInputError


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("police-pack")(police_pack)


@needs(Permission.MAKE_POLICE_PACK)
def police_pack(
    episode: EpisodeId,
    html: Annotated[Path | None, typer.Option(help="write it as a page that prints on A4")] = None,
    pdf: Annotated[Path | None, typer.Option(help="write it as a PDF")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="answer in JSON")] = False,
) -> None:
    """Make the police pack: all fourteen items from what is known, every gap in sight."""
    now = datetime.now(UTC)

    async def work() -> PolicePack:
        async with wired() as here:
            whole = await whole_id(here, episode)
            async with here.store.snapshot() as session:
                item = await inbox.report_of(session, here.settings.authority, whole)
                if item and item.body["child_id"]:
                    # It tells of the child's other episodes and records too.
                    await here.see_child(session, item.body["child_id"])
                made = await gather(session, here.policies, here.asked.principal, whole, now)
        if made is None:
            raise BadInputError("episode: no report of it is kept here")
        return made

    pack = run_async(work())
    for path, content in ((html, as_html(pack).encode() if html else b""), (pdf, as_pdf(pack) if pdf else b"")):
        if path:
            _write(path, content)
    if as_json:
        say_json(pack.model_dump(mode="json"))
        return
    for path in (html, pdf):
        if path:
            say(f"Written to {path}")
    say(f"{pack.gaps} of 14 not known")
    for item in pack.items:
        say(f"{item.number}. {item.title}: {'; '.join(item.known) or item.ask}")


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be written: {error.strerror}") from None
