"""Commands about the audit: whether its chain is whole, what is in it, and its last fingerprint."""

import re
from typing import Annotated, Final

import typer

from activities.store import audit
from activities.store.audit import Chained, ChainState
from starter.access import Permission, needs
from starter.audit import read_written_down
from starter.cli.say import EXIT_BROKEN, complain, say, say_json, say_table
from starter.cli.wiring import run_async, wired
from workflows.instants import in_words

audit_app = typer.Typer(
    help="The audit: who asked for what, and whether the chain of its entries is whole.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="answer in JSON")]
Authority = Annotated[str | None, typer.Option(help="which authority's; that of the settings, if not given")]

_RANDOM: Final = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(audit_app, name="audit")


@audit_app.command("verify")
@needs(Permission.READ_AUDIT)
def verify(
    authority: Authority = None,
    known: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:FINGERPRINT", help="what an earlier 'verify' or 'head' said, kept elsewhere"),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Read the whole chain; exit 0 when it is whole, 4 when it is not. Write the last line down elsewhere."""
    written_down = read_written_down(known, "--known") if known is not None else None

    async def work() -> ChainState:
        async with wired() as here:
            return await audit.verify(here.store, authority or here.settings.authority, written_down)

    state = run_async(work())
    if as_json:
        say_json(state.model_dump(mode="json") | {"whole": state.broken_at is None})
    if state.broken_at is not None:
        complain(f"the audit of {state.authority} is BROKEN at entry {state.broken_at}: {state.how}")
        return EXIT_BROKEN
    if not as_json:
        say(f"The audit of {state.authority} is whole: {state.entries} entries")
        say(f"{state.entries}:{state.head}")
    return 0


@audit_app.command("list")
@needs(Permission.READ_AUDIT)
def list_command(
    about: Annotated[
        str | None, typer.Option(metavar="ID", help="only about this episode, child or other thing")
    ] = None,
    who: Annotated[str | None, typer.Option(metavar="ID", help="only what one person or system asked for")] = None,
    after: Annotated[int, typer.Option(min=0, help="only entries beyond this number")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="how many at most")] = 200,
    as_json: AsJson = False,
) -> None:
    """List entries of the audit, the earliest first. Of random ids the first characters are shown; --json has them."""

    async def work() -> list[Chained]:
        async with wired() as here, here.store.snapshot() as session:
            authority, subject = here.settings.authority, audit.subject_named(about) if about else None
            return await audit.entries(session, authority, after=after, limit=limit, subject=subject, who=who)

    found = run_async(work())
    if as_json:
        say_json([one.model_dump(mode="json") for one in found])
        return
    say_table(["Number", "When", "Who", "Asked for", "By", "Outcome", "About", "Why"], [_row(one) for one in found])


def _row(one: Chained) -> list[str]:
    # Whoever gives a command is known by the name of the operating system's user, and by nothing else.
    who = one.name if one.who == f"os:{one.name}" else f"{one.name} ({_brief(one.who)})"
    subjects = ", ".join(_brief(subject) for subject in one.subjects)
    about = [who, one.permission, one.way, one.outcome.replace("_", " "), subjects, one.why or ""]
    return [str(one.number), in_words(one.at), *about]


def _brief(id: str) -> str:
    """The first characters of a random id, or of each in a key made of several; other ids as they are."""
    return _RANDOM.sub(lambda found: found[1], id)


@audit_app.command("head")
@needs(Permission.READ_AUDIT)
def head(authority: Authority = None, as_json: AsJson = False) -> None:
    """Say the number and fingerprint of the last entry, to be written down where nobody who can mend the audit can."""

    async def work() -> tuple[int, str]:
        async with wired() as here, here.store.snapshot() as session:
            return await audit.head(session, authority or here.settings.authority)

    number, digest = run_async(work())
    if as_json:
        say_json({"number": number, "digest": digest})
        return
    say(f"{number}:{digest}")
