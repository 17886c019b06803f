"""The command that makes the police pack of an episode."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import inbox
from activities.store.child_records import versions
from activities.store.episodes import episode_view
from activities.store.tables import EpisodeTable
from starter.child_records import show_latest
from starter.cli.episodes import EpisodeId, whole_id
from starter.cli.say import say, say_json
from starter.cli.wiring import Wired, run_async, wired
from starter.police_pack import PolicePack, as_html, as_pdf, pack_of
from starter.reports import Report
from workflows.facts import Known
from workflows.instants import london_day
from workflows.plain_errors import BadInputError


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("police-pack")(police_pack)


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
            return await _gather(here, await whole_id(here, episode), now)

    pack = run_async(work())
    for path, content in ((html, as_html(pack).encode() if html else b""), (pdf, as_pdf(pack) if pdf else b"")):
        if path:
            _write(path, content)
    if as_json:
        say_json(pack.model_dump(mode="json"))
        return
    say(f"{pack.gaps} of 14 not known")
    for item in pack.items:
        say(f"{item.number}. {item.title}: {'; '.join(item.known) or item.ask}")


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be written: {error.strerror}") from None


async def _gather(here: Wired, episode_id: str, now: datetime) -> PolicePack:
    async with here.store.snapshot() as session:
        item = await inbox.report_of(session, here.settings.authority, episode_id)
        if item is None:
            raise BadInputError("episode: no report of it is kept here")
        view = await episode_view(session, here.settings.authority, episode_id)
        child_id = item.body["child_id"]
        records = await versions(session, child_id) if child_id else []
        earlier = await _earlier(session, here.settings.authority, child_id, episode_id, now) if child_id else []
    report = Report.model_validate(item.body["report"])
    facts = view.facts if view else report.facts(item.id, item.received_at)
    kept = show_latest(records, here.policies.pack("homeward"), london_day(now))
    return pack_of(
        episode_id=episode_id,
        child_reference=report.child.reference,
        answers=report.answers,
        reported_by=report.reported_by,
        child=report.circumstances(),
        known=Known(facts, now),
        kept=kept,
        earlier=earlier,
    )


async def _earlier(session: AsyncSession, authority: str, child_id: str, episode_id: str, now: datetime) -> list[Known]:
    others = select(EpisodeTable.id).where(EpisodeTable.child_id == child_id, EpisodeTable.id != episode_id)
    views = [await episode_view(session, authority, other) for other in (await session.scalars(others)).all()]
    return [Known(view.facts, now) for view in views if view]
