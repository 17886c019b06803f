"""Commands about policies: check, show, compare, try on past episodes, and where each obligation has its place."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from activities.policies import Policies, kept_text, read_calendar, read_pack, read_yaml
from activities.store.episode_search import Search, every_episode
from activities.store.episodes import episode_view
from activities.store.inbox import report_of
from starter import policy_page
from starter.access import Permission, needs
from starter.cli.episodes import whole_id
from starter.cli.say import moment, say, say_json, say_table
from starter.cli.wiring import Wired, run_async, wired
from starter.coverage import coverage
from starter.policy_diff import Difference, differences
from starter.policy_trial import Lived, Trial, try_policy
from starter.reports import Report
from starter.settings import load_settings
from workflows.plain_errors import BadInputError
from workflows.policy import as_data
from workflows.vocabulary import clock_state_in_words

policy_app = typer.Typer(help="Read, check, compare and try policy packs.", no_args_is_help=True, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="answer in JSON")]
PackName = Annotated[str, typer.Argument(metavar="NAME", help="a policy's name, or name@version")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(policy_app, name="policy")


def policies() -> Policies:
    """The packs and calendars of the settings."""
    return Policies.load(load_settings().policy_dir)


def _named(name: str) -> Any:
    policy, _, version = name.partition("@")
    return policies().pack(policy, version or None)


@policy_app.command("check")
@needs(None)
def check(file: Annotated[Path, typer.Argument(metavar="FILE", help="a policy pack or a calendar in YAML")]) -> None:
    """Check a policy pack, or a calendar, and say in one line what is wrong."""
    data = read_yaml(file)
    if isinstance(data, dict) and "holidays" in data:
        calendar = read_calendar(file)
        say(f"{file.name}: calendar {calendar.calendar} {calendar.version}, known to {calendar.known_to}: good")
        return
    pack = read_pack(file, load_settings().policy_dir)
    policies().calendar(pack.calendar)
    say(f"{file.name}: policy {pack.policy} {pack.version}, {len(pack.clocks)} clocks: good")


@policy_app.command("show")
@needs(None)
def show(
    name: PackName = "homeward",
    as_page: Annotated[bool, typer.Option("--page", help="in Markdown, to print or publish")] = False,
    as_kept: Annotated[bool, typer.Option("--kept", help="as the file that keeps this version for good")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a policy pack: every clock with its rule, its ladder and its source; prompts and repeats."""
    pack = _named(name)
    if as_kept:
        say(kept_text(pack).rstrip("\n"))
        return
    if as_json:
        say_json(as_data(pack))
        return
    page = policy_page.as_page(pack).rstrip("\n")
    say(page if as_page else page.replace("`", "").replace("*", ""))


@policy_app.command("diff")
@needs(None)
def diff(first: PackName, second: PackName, as_json: AsJson = False) -> None:
    """Say what one policy asks for otherwise than another, clock by clock."""
    found = differences(_named(first), _named(second))
    if as_json:
        say_json([one.model_dump(mode="json") for one in found])
        return
    if not found:
        say(f"{first} and {second} ask for the same")
    for one in found:
        say(_in_words(one, first, second))


def _in_words(one: Difference, first: str, second: str) -> str:
    where = ".".join(part for part in (one.part, one.name, one.field) if part)
    if one.change == "differs":
        return f"{where}:\n  {first}: {_short(one.first)}\n  {second}: {_short(one.second)}"
    return f"{where}: only in {first if one.change == 'only_in_first' else second}"


def _short(value: Any) -> str:
    return "nothing" if value is None else str(value)


@policy_app.command("coverage")
@needs(None)
def coverage_command(as_json: AsJson = False) -> None:
    """Say where each obligation (O01-O54) and each conflict of the sources (B1-B22) has its place."""
    if as_json:
        say_json([one.model_dump(mode="json") for one in coverage()])
        return
    rows = [[one.id, one.about, ", ".join(one.handled_by), one.why or ", ".join(one.where)] for one in coverage()]
    say_table(["Id", "What is asked", "Handled by", "Where"], rows)


@policy_app.command("try")
@needs(Permission.READ_EPISODES)
def try_command(
    name: PackName,
    on: Annotated[list[str] | None, typer.Option("--on", metavar="EPISODE", help="episodes; all, if not given")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what another policy would have done to episodes as they were lived. Changes nothing."""
    pack = _named(name)

    async def work() -> Sequence[Trial]:
        async with wired() as here:
            lived = [await _lived(here, episode_id) for episode_id in await _chosen(here, on)]
            return try_policy(pack, lived, policies(), datetime.now(UTC))

    trials = run_async(work())
    if as_json:
        say_json([trial.model_dump(mode="json") for trial in trials])
        return
    rows = [
        [t.episode_id, c.title, _standing(c.state, c.due), _standing(c.tried_state, c.tried_due)]
        for t in trials
        for c in t.clocks
    ]
    differing = sum(bool(trial.clocks) for trial in trials)
    say(f"{len(trials)} episodes, {differing} of them otherwise under {pack.policy} {pack.version}")
    say_table(["Episode", "Clock", "As it is", "As it would be"], rows)


def _standing(state: Any, due: datetime | None) -> str:
    return f"{clock_state_in_words(state)}, due {moment(due)}" if state else "does not apply"


async def _chosen(here: Wired, on: list[str] | None) -> list[str]:
    if on:
        return [await whole_id(here, beginning) for beginning in on]
    async with here.store.snapshot() as session:
        found = await every_episode(session, here.settings.authority, Search(), datetime.now(UTC))
        hidden = await here.hidden(session, [one.episode_id for one in found])
    return [one.episode_id for one in found if one.episode_id not in hidden]


async def _lived(here: Wired, episode_id: str) -> Lived:
    async with here.store.snapshot() as session:
        view, report = (
            await episode_view(session, here.settings.authority, episode_id),
            await report_of(session, here.settings.authority, episode_id),
        )
    if view is None or report is None:
        raise BadInputError(f"--on: episode {episode_id} waits for the engine, and has not been lived yet")
    return Lived(
        episode_id=episode_id,
        policy=view.episode["policy"],
        policy_version=view.episode["policy_version"],
        child=Report.model_validate(report.body["report"]).circumstances(),
        facts=tuple(view.facts),
    )
