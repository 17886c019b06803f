"""Commands of people who were told something: what lies in a tray, and saying that it was seen."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from activities.store.answers import InTray, tray_of
from activities.store.directory import person_id
from starter.access import Permission, needs
from starter.answers import Answers
from starter.applying import Outcome
from starter.cli.episodes import SHORTEST_ID, AsJson
from starter.cli.say import EXIT_BAD_INPUT, EXIT_KEPT, complain, moment, say, say_json, say_table
from starter.cli.wiring import Wired, run_async, wired
from workflows.instants import in_words
from workflows.names import BREAK_GLASS, episode_of_notice
from workflows.plain_errors import BadInputError
from workflows.vocabulary import ROLE_WORDS


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("tray")(tray)
    app.command("answer")(answer)


@needs(Permission.READ_TASKS)
def tray(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="a person's reference in the directory")],
    everything: Annotated[bool, typer.Option("--all", help="also what was read and wants no answer any more")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what lies in a person's tray, the latest first. Showing it is not reading it: that is for the person."""

    async def work() -> list[InTray]:
        async with wired() as here:
            found = await _tray_of(here, person, "person", everything=everything)
            # That the glass was broken says nothing of the child.
            of_children = [one.line.episode_id for one in found if one.line.clock != BREAK_GLASS]
            async with here.store.snapshot() as session:
                hidden = await here.hidden(session, of_children)
            return [one for one in found if one.line.clock == BREAK_GLASS or one.line.episode_id not in hidden]

    found = run_async(work())
    if as_json:
        say_json([_as_data(one) for one in found])
        return
    columns = ["Told", "As", "What", "By", "Answer", "Episode", "Notice"]
    say_table(columns, [_row(one) for one in found])


@needs(Permission.ACT_ON_TASKS)
def answer(
    notices: Annotated[
        list[str] | None,
        typer.Argument(metavar="NOTICE...", help="notices as 'homeward tray' shows them, or their beginnings"),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="PERSON", help="who has seen them: a person's reference")
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", metavar="ID", help="all that a message told the person it went to")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Say that notices were seen and are being looked into: nobody else is asked in that person's place."""
    now = datetime.now(UTC)

    async def work() -> list[Outcome]:
        async with wired() as here:
            answers = Answers(here.store, here.commands)
            if message is not None:
                if notices or by:
                    raise BadInputError("--message: a message says whose it is; give no NOTICE and no --by with it")
                return await answers.to_message(message, now)
            if not notices or by is None:
                raise BadInputError("notice: give NOTICE... with --by PERSON, or --message ID")
            everything = await _tray_of(here, by, "--by", everything=True)
            keys = [_whole_key(everything, beginning) for beginning in notices]
            here.asked.saw(*(episode_of_notice(one) for one in keys))
            return await answers.to_notices(await _person(here, by, "--by"), keys, now)

    return _say_outcomes(run_async(work()), as_json=as_json)


async def _person(here: Wired, reference: str, field: str) -> str:
    async with here.store.snapshot() as session:
        person = await person_id(session, here.settings.authority, reference)
    if person is None:
        raise BadInputError(f"{field}: there is no such person in the directory; 'homeward directory show' lists them")
    return person


async def _tray_of(here: Wired, reference: str, field: str, *, everything: bool) -> list[InTray]:
    person = await _person(here, reference, field)
    async with here.store.snapshot() as session:
        return await tray_of(session, person, everything=everything)


def _whole_key(tray: Sequence[InTray], beginning: str) -> str:
    """The notice of that key, or the one whose key begins so. Raises BadInputError unless there is one."""
    if len(beginning) < SHORTEST_ID:
        raise BadInputError(f"notice: '{beginning}' is too short; 'homeward tray' shows them")
    keys = [one.line.notice for one in tray]
    found = [key for key in keys if key.startswith(beginning)]
    if beginning in found:
        return beginning
    if len(found) != 1:
        how_many = "more than one notice in that tray begins" if found else "no notice in that tray begins"
        raise BadInputError(f"notice: {how_many} '{beginning}'")
    return found[0]


def _row(one: InTray) -> list[str]:
    line = one.line
    told = in_words(one.sent_at)
    return [told, ROLE_WORDS[line.role], line.says, moment(line.due), _answer(one), line.episode_id[:8], line.notice]


def _answer(one: InTray) -> str:
    if one.acknowledged_at:
        return f"{in_words(one.acknowledged_at)} by {one.acknowledged_by}"
    if one.line.asks == "answer":
        return "WANTED"
    return "" if one.read_at else "not read"


def _as_data(one: InTray) -> dict[str, Any]:
    whole = one.model_dump(mode="json")
    return whole.pop("line") | whole


def _say_outcomes(outcomes: Sequence[Outcome], *, as_json: bool) -> int:
    """Say what became of each answer; the exit status of the worst."""
    if as_json:
        say_json([outcome.model_dump(mode="json") for outcome in outcomes])
    if refused := next((one for one in outcomes if one.state == "refused"), None):
        complain(refused.reason or "refused")
        return EXIT_BAD_INPUT
    if kept := next((one for one in outcomes if one.state == "kept"), None):
        complain(f"{kept.reason}: it is kept, not yet applied; it is applied when the engine is back")
        return EXIT_KEPT
    if as_json:
        return 0
    new = sum(not one.again for one in outcomes)
    if new:
        say(f"Answered: {'1 clock' if new == 1 else f'{new} clocks'}; nobody else is asked about them now")
    else:
        say("Answered already" if outcomes else "Noted as read; nothing here asks for an answer")
    return 0
