"""Commands that compare the database's rows with the engine's workflows, and show where they disagreed."""

from typing import Annotated, Any, Final

import typer
from temporalio.client import RPCError

from activities.reconcile.run import Reported
from activities.store import disagreements
from activities.store.disagreements import Found
from starter import local
from starter.cli.episodes import AsJson, whole_id
from starter.cli.say import EXIT_BAD_INPUT, complain, moment, say, say_json, say_table
from starter.cli.wiring import run_async, wired
from starter.client import EngineSilentError, connect
from starter.post_settings import load_post_settings
from starter.upkeep import HandRun, reconcile_by_hand, reconciler_of
from workflows.agreement import AGREEMENTS

reconcile_app = typer.Typer(
    help="Where the database and the engine disagree: find it, mend it, show what was found.", rich_markup_mode=None
)

_NO_WORKER: Final = (
    "no worker asks for work: what only a workflow's own answer tells was not compared, and what needs a worker to be "
    "mended waits for one"
)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(reconcile_app, name="reconcile")


@reconcile_app.callback(invoke_without_command=True)
def reconcile(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what is found; mend and write down nothing")] = False,
    episode: Annotated[
        str | None, typer.Option("--episode", metavar="EPISODE", help="only this episode, looked at whole")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Compare the database's rows with the engine's workflows now; mend or report what disagrees."""
    if context.invoked_subcommand is not None:
        return 0
    post_settings = load_post_settings()

    async def work() -> tuple[HandRun, int]:
        async with wired() as here:
            settings = here.settings
            whole = await whole_id(here, episode) if episode else None
            client = await connect(settings.engine, settings.engine_namespace, settings.engine_patience_seconds)
            workers = await local.pollers(client)
            reconciler = reconciler_of(
                settings, post_settings, here.store, here.policies, client, asks_workers=workers > 0
            )
            return await reconcile_by_hand(reconciler, settings.authority, episode=whole, dry=dry_run), workers

    try:
        done, workers = run_async(work())
    except (EngineSilentError, RPCError) as silence:
        complain(str(silence) if isinstance(silence, EngineSilentError) else "the engine did not answer")
        return EXIT_BAD_INPUT
    if as_json:
        say_json(_as_data(done) | {"workers": workers})
    else:
        _say(done)
    if not workers:
        complain(_NO_WORKER)
    return 0


def _as_data(done: HandRun) -> dict[str, Any]:
    return {
        **done.looked.model_dump(),
        "open_episodes": done.open_episodes,
        "left_over": done.left_over,
        "disagreements": [{"kind": one.kind, "subject": one.subject, "how": _how(one)} for one in done.found],
    }


def _how(one: Reported) -> str | None:
    return one.done.how if one.done else None


def _say(done: HandRun) -> None:
    if done.found:
        rows = [[one.kind, one.subject, AGREEMENTS[one.kind].wrong, _how(one) or "-"] for one in done.found]
        say_table(["Kind", "Subject", "What is wrong", "What was done"], rows)
    looked = done.looked
    say(
        f"{looked.found} found apart, {looked.tried} tried, {looked.agreed} agree again; {looked.in_flight} in flight, "
        f"{looked.unanswered} unanswered; {looked.calls} calls of the engine"
    )
    if done.left_over:
        say(f"{done.left_over} more are for the next run")


@reconcile_app.command("findings")
def findings(
    everything: Annotated[bool, typer.Option("--all", help="those too that agree again")] = False,
    as_json: AsJson = False,
) -> None:
    """Show where the database and the engine disagree, as far as was found, and what was done."""

    async def work() -> list[Found]:
        async with wired() as here, here.store.snapshot() as session:
            authority = here.settings.authority
            if everything:
                return await disagreements.all_disagreements(session, authority)
            return await disagreements.open_disagreements(session, authority)

    found = run_async(work())
    if as_json:
        say_json([one.model_dump(mode="json") for one in found])
        return
    if not found:
        say("Nothing was ever found" if everything else "Nothing disagrees, as far as was found")
        return
    columns = ["Found", "Kind", "Subject", "What is wrong", "Attempts", "How", "Mended"]
    say_table(columns, [_row(one) for one in found])


def _row(one: Found) -> list[str]:
    wrong = AGREEMENTS[one.kind].wrong
    return [
        moment(one.found_at),
        one.kind,
        one.subject,
        wrong,
        str(one.attempts),
        one.how or "-",
        moment(one.mended_at),
    ]
