"""The command that takes a case system's export in."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from starter.access import Permission, needs
from starter.cli.say import EXIT_KEPT, complain, console, say, say_json, say_table
from starter.cli.wiring import run_async, wired
from starter.intake.case_export import RowVerdict, read_export_file


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("intake")(intake)


@needs(Permission.TAKE_IN)
def intake(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a case system's export, in CSV")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would become of each line")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="answer in JSON")] = False,
) -> int:
    """Take past and open episodes in from a case system's export; the same file again adds nothing.

    Rows whose start is known to the minute are taken; every other row is refused with its reason.
    """
    now = datetime.now(UTC)
    verdicts = read_export_file(file, now)
    counts = Counter[str]() if dry_run else run_async(_take_in(verdicts))
    if as_json:
        say_json({"rows": [_as_data(v) for v in verdicts], "episodes": dict(counts)})
    else:
        _say(verdicts, counts)
    if counts["kept"]:
        complain(f"{counts['kept']} rows are kept, and NO CLOCK OF THEIRS IS RUNNING YET: the engine does not answer")
        return EXIT_KEPT
    return 0


async def _take_in(verdicts: list[RowVerdict]) -> "Counter[str]":
    counts = Counter[str]()
    async with wired() as here:
        with Progress(console=console, transient=True) as progress:
            for verdict in progress.track(verdicts, description="Taking in"):
                if verdict.report is None:
                    continue
                outcome = await here.commands.take_in(verdict.report, verdict.facts, datetime.now(UTC))
                counts["there already" if outcome.again else outcome.state] += 1
    return counts


def _as_data(verdict: RowVerdict) -> dict[str, object]:
    return {"line": verdict.line, "verdict": verdict.verdict, "why": verdict.why, "notes": list(verdict.notes)}


def _say(verdicts: list[RowVerdict], counts: "Counter[str]") -> None:
    rows = [[str(v.line), v.verdict.replace("_", " "), v.why or "; ".join(v.notes)] for v in verdicts]
    say_table(["Line", "Verdict", "Why"], rows)
    totals = Counter(verdict.verdict.replace("_", " ") for verdict in verdicts)
    say(", ".join(f"{number} {name}" for name, number in sorted(totals.items())))
    if counts:
        say("Episodes: " + ", ".join(f"{number} {name}" for name, number in sorted(counts.items())))
