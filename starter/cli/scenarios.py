"""Commands on scenarios, which need no engine running: plans and rehearsals."""

from pathlib import Path
from typing import Annotated

import typer

from starter.access import needs
from starter.cli.policies import policies
from starter.cli.say import moment, say, say_json, say_table
from starter.cli.wiring import run_async
from starter.post_settings import load_post_settings
from starter.rehearsal import Rehearsal, rehearse
from starter.rehearsed_post import RehearsedPost
from starter.scenarios import Planned, Scenario, plan_scenario, read_json, read_scenario
from starter.settings import load_settings
from workflows.clocks import Clock
from workflows.facts import Known
from workflows.instants import in_words
from workflows.plain_errors import BadInputError
from workflows.vocabulary import clock_state_in_words

ScenarioFile = Annotated[Path, typer.Argument(metavar="SCENARIO", help="a scenario in JSON")]
AsJson = Annotated[bool, typer.Option("--json", help="answer in JSON")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("plan")(plan)
    app.command("rehearse")(rehearse_command)


@needs(None)
def plan(
    scenario: ScenarioFile,
    as_json: AsJson = False,
    svg: Annotated[Path | None, typer.Option("--svg", help="draw the timeline into this file")] = None,
) -> None:
    """Say when everything falls due in a scenario, and why."""
    read = read_scenario(read_json(scenario))
    planned = plan_scenario(read, policies())
    if svg:
        _draw(read, planned, svg)
    if as_json:
        say_json(planned.model_dump(mode="json"))
        return
    say(f"{read.title}: policy {planned.policy} {planned.version}, as of {in_words(read.as_of)}")
    for clock in planned.clocks:
        _say_clock(clock)


def _draw(scenario: Scenario, planned: Planned, svg: Path) -> None:
    from starter.picture import draw_timeline  # noqa: PLC0415

    picture = draw_timeline(planned.clocks, Known(scenario.facts, scenario.as_of), scenario.title)
    try:
        svg.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"--svg: {svg} cannot be written: {error.strerror}") from None


def _say_clock(clock: Clock) -> None:
    say()
    say(f"{clock.title} [{clock.id}]: {clock_state_in_words(clock.state).upper()}, due {moment(clock.due)}")
    say(f"  {clock.because}")
    say(f"  Source: {clock.source}")


@needs(None)
def rehearse_command(
    scenario: ScenarioFile,
    as_json: AsJson = False,
    channels: Annotated[
        bool, typer.Option("--channels", help="write the messages themselves, as an invented cast would get them")
    ] = False,
) -> None:
    """Live through a scenario on a real engine with time skipped, and tell all that happens."""
    read = read_scenario(read_json(scenario))
    post = RehearsedPost(load_post_settings().rules, load_settings().links) if channels else None
    rehearsal = run_async(rehearse(read, policies(), post))
    if as_json:
        say_json(rehearsal.model_dump(mode="json"))
        return
    _say_rehearsal(rehearsal)


def _say_rehearsal(rehearsal: Rehearsal) -> None:
    rows = [
        [in_words(e.at.replace(microsecond=0)), e.kind.replace("_", " "), e.role or "", e.rung or "", e.text]
        for e in rehearsal.events
    ]
    say_table(["When", "What", "Who", "Rung", ""], rows)
    for clock in rehearsal.clocks:
        _say_clock(clock)
    for message in rehearsal.messages:
        say()
        say(f"{in_words(message.at)}: {message.way} to {message.who}, {message.to}")
        for line in (f"Subject: {message.subject}", "", *message.body.splitlines()):
            say(f"  | {line}" if line else "  |")
