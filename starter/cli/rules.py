"""Commands that need no engine running: policies, plans and rehearsals."""

from pathlib import Path
from typing import Annotated

import typer

from activities.policies import Policies, read_calendar, read_pack, read_yaml
from starter import policy_page
from starter.cli.say import moment, say, say_json, say_table
from starter.cli.wiring import run_async
from starter.rehearsal import Rehearsal, rehearse
from starter.scenarios import Planned, Scenario, plan_scenario, read_json, read_scenario
from starter.settings import load_settings
from workflows.clocks import Clock
from workflows.explain import duration_in_words, start_in_words
from workflows.facts import Known
from workflows.instants import in_words
from workflows.plain_errors import BadInputError
from workflows.policy import Pack, as_data
from workflows.vocabulary import ROLE_WORDS

policy_app = typer.Typer(help="Read and check policy packs.", no_args_is_help=True, rich_markup_mode=None)

ScenarioFile = Annotated[Path, typer.Argument(metavar="SCENARIO", help="a scenario in JSON")]
AsJson = Annotated[bool, typer.Option("--json", help="answer in JSON")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("plan")(plan)
    app.command("rehearse")(rehearse_command)
    app.add_typer(policy_app, name="policy")


def _policies() -> Policies:
    return Policies.load(load_settings().policy_dir)


def plan(
    scenario: ScenarioFile,
    as_json: AsJson = False,
    svg: Annotated[Path | None, typer.Option("--svg", help="draw the timeline into this file")] = None,
) -> None:
    """Say when everything falls due in a scenario, and why."""
    read = read_scenario(read_json(scenario))
    planned = plan_scenario(read, _policies())
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
    say(f"{clock.title} [{clock.id}]: {clock.state.value.replace('_', ' ').upper()}, due {moment(clock.due)}")
    say(f"  {clock.because}")
    say(f"  Source: {clock.source}")


def rehearse_command(scenario: ScenarioFile, as_json: AsJson = False) -> None:
    """Live through a scenario on a real engine with time skipped, and tell all that happens."""
    rehearsal = run_async(rehearse(read_scenario(read_json(scenario)), _policies()))
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


@policy_app.command("check")
def check(file: Annotated[Path, typer.Argument(metavar="FILE", help="a policy pack or a calendar in YAML")]) -> None:
    """Check a policy pack, or a calendar, and say in one line what is wrong."""
    data = read_yaml(file)
    if isinstance(data, dict) and "holidays" in data:
        calendar = read_calendar(file)
        say(f"{file.name}: calendar {calendar.calendar} {calendar.version}, known to {calendar.known_to}: good")
        return
    pack = read_pack(file, load_settings().policy_dir)
    _policies().calendar(pack.calendar)
    say(f"{file.name}: policy {pack.policy} {pack.version}, {len(pack.clocks)} clocks: good")


@policy_app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME")] = "homeward",
    as_page: Annotated[bool, typer.Option("--page", help="as a page in Markdown, to print or publish")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a policy pack: every clock with its rule, its ladder and its source."""
    pack = _policies().pack(name)
    if as_page:
        say(policy_page.as_page(pack).rstrip("\n"))
        return
    if as_json:
        say_json(as_data(pack))
        return
    say(f"{pack.title} ({pack.policy} {pack.version}), in force from {pack.effective_from}, calendar {pack.calendar}")
    for clock_id in pack.clocks:
        _say_rule(pack, clock_id)


def _say_rule(pack: Pack, clock_id: str) -> None:
    rule = pack.clocks[clock_id]
    say()
    say(f"{rule.title} [{clock_id}], {rule.kind.value}, {rule.strength.replace('_', ' ')}")
    say(f"  Due: {duration_in_words(rule.due)} after {start_in_words(rule.start, pack)}")
    for overlay in rule.start_when:
        circumstances = overlay.when.model_dump(mode="json", exclude_defaults=True)
        said = ", ".join(f"{name} {value}" for name, value in circumstances.items())
        say(f"  When {said}: after {start_in_words(overlay.start, pack)}")
    for rung in rule.ladder:
        hours = f"{abs(rung.at.hours)} h {'before' if rung.at.hours < 0 else 'after'}" if rung.at.hours else "at"
        ack = ", asks for an answer" if rung.needs_ack else ""
        say(f"  {rung.rung}: {hours} {rung.at.of}, {ROLE_WORDS[rung.role]} by {rung.channel}{ack}: {rung.says}")
    say(f"  Source: {pack.cite(rule)}")
    if rule.reading:
        say(f"  Reading: {rule.reading}")
