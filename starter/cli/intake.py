"""Commands that take a case system's export in, and show what became of it."""

import csv
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from typer.core import TyperGroup

from activities.store.intake import IntakeLine, IntakeRun, RunProgress, lines_of, progress_of, runs
from starter.access import Permission, needs
from starter.cli.episodes import whole_id
from starter.cli.say import EXIT_BAD_INPUT, EXIT_KEPT, complain, say, say_json, say_table, say_text
from starter.cli.wiring import Wired, run_async, wired
from starter.intake.forms.kinds import FORMS, form_of
from starter.intake.forms.taking import FormOutcome, FormsIn
from starter.intake.mapping import REQUIRED, WHAT_IT_IS, Mapping
from starter.intake.mapping_files import DEFAULT, find_mapping, mapping_text
from starter.intake.runs import Export, IntakeRuns, OnProgress, Preview, TakenIn, words_of
from starter.intake.table import RowVerdict, not_in_the_file, read_bytes
from starter.intake.what_would_run import clocks_that_would_run
from starter.scenarios import read_json
from workflows.instants import in_words
from workflows.plain_errors import BadInputError

INTERRUPTED: Final = 130
EXIT_NEEDS_A_PERSON: Final = 4
AsJson = Annotated[bool, typer.Option("--json", help="answer in JSON")]
MappingName = Annotated[
    str,
    typer.Option("--mapping", metavar="NAME", help="how the file is read: a shipped mapping, or a .yaml or .json file"),
]


class _FileOrCommand(TyperGroup):
    """A group whose first word may be a file: 'homeward intake FILE' is short for 'homeward intake file FILE'."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name before words that begin with none."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["file", *args]
        return super().parse_args(ctx, args)


intake_app = typer.Typer(
    cls=_FileOrCommand, help="Taking in what other systems have recorded.", no_args_is_help=True, rich_markup_mode=None
)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(intake_app, name="intake")


@intake_app.command("file")
@needs(Permission.TAKE_IN)
def file_command(  # noqa: PLR0917 - each is an option of the command line
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a case system's export, in CSV")],
    mapping: MappingName = DEFAULT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would become of each line")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE.csv", help="also write each line's verdict to a file")
    ] = None,
    by: Annotated[str | None, typer.Option(help="who takes it in; whoever gives the command, if not said")] = None,
    as_json: AsJson = False,
) -> int:
    """Take past and open episodes in. Broken off, the same command goes on; the same file again adds nothing."""
    export = Export(read_bytes(file), find_mapping(mapping))
    if dry_run:
        return _dry_run(export, report, as_json=as_json)
    with _bar() as on_progress:
        try:
            taken = run_async(_take_in(export, by, on_progress))
        except KeyboardInterrupt:
            complain("stopped; the same command goes on from here, and 'homeward intake runs' says how far it came")
            return INTERRUPTED
    lines = run_async(_lines(taken.progress.run))
    if report:
        _write_report(report, lines)
    if as_json:
        about = _run_data(taken.progress) | {"taken_in_before": taken.whole_before}
        say_json({"run": about, "rows": [line.model_dump(mode="json") for line in lines]})
    else:
        _say_taken(taken, lines, export.mapping)
    return _kept(taken.progress)


async def _take_in(export: Export, by: str | None, on_progress: OnProgress) -> TakenIn:
    async with wired() as here:
        who = by or here.asked.principal.name
        return await _runs(here).take_in(export, who, datetime.now(UTC), on_progress)


async def _lines(run: IntakeRun) -> list[IntakeLine]:
    async with wired() as here, here.store.snapshot() as session:
        return await lines_of(session, run.id)


def _runs(here: Wired) -> IntakeRuns:
    return IntakeRuns(here.store, here.commands, here.settings.authority)


@contextmanager
def _bar() -> Generator[OnProgress]:
    """A bar on the standard error, so that an answer in JSON stays one; nothing where nobody looks at a screen."""
    screen = Console(stderr=True)
    columns = (TextColumn("Taking in"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        bar = progress.add_task("Taking in", total=None)
        yield lambda done, lines: progress.update(bar, completed=done, total=lines)


def _kept(progress: RunProgress) -> int:
    if not progress.kept:
        return 0
    complain(f"{progress.kept} rows are kept, and NO CLOCK OF THEIRS IS RUNNING YET: the engine does not answer")
    return EXIT_KEPT


def _say_taken(taken: TakenIn, lines: list[IntakeLine], mapping: Mapping) -> None:
    progress = taken.progress
    if taken.whole_before:
        run = progress.run
        say(f"This file was taken in before, {in_words(run.begun_at)} by {run.begun_by}: nothing is added")
        say("What became of it then:")
    else:
        say_table(["Line", "Verdict", "Why"], [[str(n.line), _in_words(n.verdict), n.why] for n in lines])
        _say_gaps(mapping)
        if taken.done_before:
            say(
                f"It was broken off before: {taken.done_before} lines were in, {len(lines) - taken.done_before} are new"
            )
    _say_progress(progress)


def _say_gaps(mapping: Mapping) -> None:
    for gap in not_in_the_file(mapping):
        say(f"All rows: {gap}")


def _say_progress(progress: RunProgress) -> None:
    say(", ".join(f"{number} {_in_words(verdict)}" for verdict, number in progress.verdicts.items()))
    waits = f", {progress.kept} of them kept for the engine" if progress.kept else ""
    say(f"Episodes: {progress.added} begun, {progress.there_already} there already{waits}")
    say(f"Run {progress.run.id}: {progress.done} of {progress.run.lines} lines")


def _in_words(verdict: str) -> str:
    return verdict.replace("_", " ")


def _dry_run(export: Export, report: Path | None, *, as_json: bool) -> int:
    now = datetime.now(UTC)

    async def work() -> tuple[Preview, dict[str, int]]:
        async with wired() as here:
            preview = await _runs(here).preview(export, now)
            return preview, clocks_that_would_run(preview.would_begin(), here.policies, now)

    preview, clocks = run_async(work())
    lines = [_previewed(preview, verdict) for verdict in preview.verdicts]
    if report:
        _write_report(report, lines)
    if as_json:
        rows = [line.model_dump(mode="json", exclude={"episode_id"}) for line in lines]
        say_json({"rows": rows, "totals": preview.totals(), "clocks": clocks})
        return 0
    say_table(["Line", "Verdict", "Why"], [[str(n.line), _in_words(n.verdict), n.why] for n in lines])
    _say_gaps(export.mapping)
    say(", ".join(f"{n} {_in_words(v)}" for v, n in sorted(Counter(v.verdict for v in preview.verdicts).items())))
    totals = preview.totals()
    say(
        f"Would begin: {totals['would_begin']} episodes, {totals['would_begin_away']} of a child who is away and "
        f"{totals['would_begin_back']} of one who is back; there already: {totals['there_already']}"
    )
    say(f"Clocks that would run: {clocks['running']}; overdue at once: {clocks['overdue']}")
    return 0


def _previewed(preview: Preview, verdict: RowVerdict) -> IntakeLine:
    added = verdict.report is not None and verdict.line not in preview.there
    return IntakeLine(line=verdict.line, verdict=verdict.verdict, why=words_of(verdict), added=added)


def _write_report(path: Path, lines: list[IntakeLine]) -> None:
    """Write each line's verdict as CSV. Raises BadInputError when the file cannot be written."""
    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["line", "verdict", "why", "episode", "new"])
    for line in lines:
        new = "yes" if line.added else "no"
        writer.writerow([line.line, line.verdict, line.why, line.episode_id or "", new])
    try:
        path.write_text(out.getvalue(), encoding="utf-8", newline="")
    except OSError as error:
        raise BadInputError(f"--report: {path.name}: cannot be written: {error.strerror}") from None


@intake_app.command("columns")
@needs(None)
def columns(mapping: MappingName = DEFAULT, as_json: AsJson = False) -> None:
    """Say what a mapping reads: each column, what it is, and which spellings mean what."""
    read = find_mapping(mapping)
    if as_json:
        say_json(read.model_dump(mode="json"))
        return
    say(f"{read.mapping}: {read.title}")
    say(f"In {read.encoding}, cells between '{read.delimiter}'; days {', '.join(read.days)}")
    if read.times:
        midnight = "00:00 means not known" if read.midnight == "unknown" else "00:00 is a time"
        say(f"Times {', '.join(read.times)}, in London; {midnight}")
    rows: list[list[str]] = []
    for field, column in read.columns.items():
        must = "must be there" if field in REQUIRED else ""
        said = ", ".join(f"{code} = {meaning}" for code, meaning in read.spellings(field).items())
        if field in read.empty:
            said += f", empty = {read.empty[field]}"
        rows.append([column, field, WHAT_IT_IS[field], said, must])
    rows += [[column, "", "passed over", "", ""] for column in read.passed_over]
    rows += [["(every row)", field, WHAT_IT_IS[field], meaning, ""] for field, meaning in read.always.items()]
    say_table(["Column", "Field", "What it is", "Spellings", ""], rows)
    _say_gaps(read)


@intake_app.command("mapping")
@needs(None)
def mapping_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="a shipped mapping")] = DEFAULT,
) -> None:
    """Print a shipped mapping, to start one's own from."""
    say_text(mapping_text(name))


@intake_app.command("form")
@needs(Permission.REPORT)
def form_command(  # noqa: PLR0917 - each is an option of the command line
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"one of {', '.join(FORMS)}")],
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="the form, in JSON")],
    episode: Annotated[
        str | None,
        typer.Option("--episode", metavar="EPISODE", help="the episode it is about, where a person must say"),
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="a person says that it is about a new absence")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would become of it")] = False,
    as_json: AsJson = False,
) -> int:
    """Take a form in: it begins an episode, or adds to the one it is about. Sent again, it adds what is new in it."""
    read = form_of(kind).read(read_json(file))

    async def work() -> FormOutcome:
        async with wired() as here:
            whole = await whole_id(here, episode) if episode else None
            forms = FormsIn(here.store, here.commands, here.settings.authority)
            return await forms.take_in(read, datetime.now(UTC), episode=whole, new=new, dry_run=dry_run)

    outcome = run_async(work())
    if as_json:
        say_json(outcome.model_dump(mode="json"))
    else:
        _say_form(outcome)
    if outcome.state == "needs_a_person":
        complain(f"it needs a person: {outcome.why}; nothing is recorded. Say --episode EPISODE, or --new")
        return EXIT_NEEDS_A_PERSON
    if outcome.kept:
        complain("the engine does not answer: what was told is kept, and applied when the engine is back")
        return EXIT_KEPT
    return EXIT_BAD_INPUT if any(fact.state == "refused" for fact in outcome.facts) else 0


def _say_form(outcome: FormOutcome) -> None:
    if outcome.state == "needs_a_person":
        for candidate in outcome.candidates:
            say(f"It may be about episode {candidate}")
        return
    say(f"{_in_words(outcome.state).capitalize()}: {outcome.why}")
    if outcome.episode_id:
        say(f"Episode {outcome.episode_id}")
    rows = [[fact.field, _in_words(fact.kind), _in_words(fact.state), fact.reason or ""] for fact in outcome.facts]
    say_table(["Field", "What", "State", "Why"], rows)
    if outcome.not_taken_up:
        say(f"Not taken up, since the episode was there already: {', '.join(outcome.not_taken_up)}")


@intake_app.command("schema")
@needs(None)
def schema_command(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"one of {', '.join(FORMS)}")],
) -> None:
    """Print the JSON Schema of a form."""
    say_json(form_of(kind).schema())


@intake_app.command("runs")
@needs(Permission.TAKE_IN)
def runs_command(as_json: AsJson = False) -> None:
    """List the files that were taken in: when, by whom, how far."""

    async def work() -> list[RunProgress]:
        async with wired() as here, here.store.snapshot() as session:
            return [await progress_of(session, run) for run in await runs(session, here.settings.authority)]

    found = run_async(work())
    if as_json:
        say_json([_run_data(one) for one in found])
        return
    rows = [
        [
            one.run.id[:8],
            in_words(one.run.begun_at),
            one.run.begun_by,
            one.run.mapping,
            f"{one.done} of {one.run.lines}",
            str(one.added),
            str(one.kept),
        ]
        for one in found
    ]
    say_table(["Run", "Begun", "By", "Mapping", "Lines", "Episodes", "Kept"], rows)


@intake_app.command("show")
@needs(Permission.TAKE_IN)
def show_command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="a run's id, or its first characters")],
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE.csv", help="also write each line's verdict to a file")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Show what became of each line of a run."""

    async def work() -> tuple[RunProgress, list[IntakeLine]]:
        async with wired() as here, here.store.snapshot() as session:
            found = [one for one in await runs(session, here.settings.authority) if one.id.startswith(run)]
            if len(found) != 1:
                how_many = "more than one run begins" if found else "no run begins"
                raise BadInputError(f"run: {how_many} '{run}'; 'homeward intake runs' lists them")
            return await progress_of(session, found[0]), await lines_of(session, found[0].id)

    progress, lines = run_async(work())
    if report:
        _write_report(report, lines)
    if as_json:
        say_json({"run": _run_data(progress), "rows": [line.model_dump(mode="json") for line in lines]})
        return _kept(progress)
    say_table(
        ["Line", "Verdict", "Episode", "Why"],
        [[str(n.line), _in_words(n.verdict), (n.episode_id or "")[:8], n.why] for n in lines],
    )
    _say_progress(progress)
    if progress.run.finished_at is None:
        say("It was broken off: take the same file in again, and it goes on")
    return _kept(progress)


def _run_data(progress: RunProgress) -> dict[str, Any]:
    whole = progress.model_dump(mode="json")
    return whole.pop("run") | whole
