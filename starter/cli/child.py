"""Commands about what is kept for a child across episodes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.child_records import ChildRecord, child_of, versions
from starter.child_records import FORMS, in_forms_order, read_form, record_version, show_latest
from starter.cli.policies import policies
from starter.cli.say import say, say_json
from starter.cli.wiring import run_async, wired
from starter.scenarios import read_json
from workflows.instants import in_words, london_day
from workflows.plain_errors import BadInputError

child_app = typer.Typer(help="What is kept for a child across episodes.", no_args_is_help=True, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="answer in JSON")]
Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="the case system's number for the child")]
Kind = Annotated[str, typer.Argument(metavar="KIND", help=f"one of {', '.join(FORMS)}")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(child_app, name="child")


@child_app.command("record")
def record(
    reference: Reference,
    kind: Kind,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="the record, in JSON")],
    by: Annotated[str, typer.Option(help="who records it")] = "not said",
    as_json: AsJson = False,
) -> None:
    """Record a plan, an assessment, kept information, photographs or a placement: each time a new version."""
    form = read_form(kind, read_json(file))
    now = datetime.now(UTC)

    async def work() -> tuple[ChildRecord, tuple[str, ...]]:
        async with wired() as here, here.store.session() as session:
            kept = await record_version(session, here.settings.authority, reference, form, by=by, now=now)
            return kept, tuple(form.gaps(here.policies.pack("homeward"), london_day(now)))

    kept, gaps = run_async(work())
    if as_json:
        say_json({"kind": kind, "version": kept.version, "gaps": list(gaps)})
        return
    say(f"Kept: {kind} version {kept.version}")
    for gap in gaps:
        say(f"  missing: {gap}")


@child_app.command("show")
def show(reference: Reference, as_json: AsJson = False) -> None:
    """Show the latest of each kind, with what is missing from it."""
    now = datetime.now(UTC)

    async def work() -> list[ChildRecord]:
        async with wired() as here, here.store.snapshot() as session:
            return await versions(session, await _known(session, here.settings.authority, reference))

    records, pack = run_async(work()), policies().pack("homeward")
    latest = show_latest(records, pack, london_day(now))
    if as_json:
        say_json({kind: one.model_dump(mode="json") if one else None for kind, one in latest.items()})
        return
    for kind, one in latest.items():
        if one is None:
            say(f"{kind}: NOT RECORDED")
            continue
        say(f"{kind}, version {one.record.version}, {in_words(one.record.recorded_at)} by {one.record.recorded_by}")
        for name, value in one.record.body.items():
            say(f"  {name}: {value}")
        for gap in one.gaps:
            say(f"  MISSING: {gap}")


@child_app.command("history")
def history(reference: Reference, kind: Kind, as_json: AsJson = False) -> None:
    """Show every version of one kind, oldest first."""
    if kind not in FORMS:
        raise BadInputError(f"kind: '{kind}' is unknown; use one of {', '.join(FORMS)}")

    async def work() -> list[ChildRecord]:
        async with wired() as here, here.store.snapshot() as session:
            return await versions(session, await _known(session, here.settings.authority, reference), kind)

    records = [in_forms_order(one) for one in run_async(work())]
    if as_json:
        say_json([one.model_dump(mode="json") for one in records])
        return
    for one in records:
        say(f"version {one.version}, {in_words(one.recorded_at)} by {one.recorded_by}: {', '.join(one.body)}")


async def _known(session: AsyncSession, authority: str, reference: str) -> str:
    """The child's id. Raises BadInputError when nothing was ever said about such a child."""
    child_id = await child_of(session, authority, reference)
    if child_id is None:
        raise BadInputError("reference: no child of that number is known here")
    return child_id
