"""What an operator does about one episode: `homeward episode`, the deeds of what stands still by the episode's id."""

from typing import Annotated

import typer

from activities.health.findings import Deed
from starter.access import Permission, needs
from starter.cli.episodes import EpisodeId
from starter.cli.say import say
from starter.cli.stuck import done_for
from starter.cli.wiring import run_async

Reason = Annotated[str, typer.Option("--reason", help="why: it goes into the audit")]

episode_app = typer.Typer(
    help="What an operator does about one episode. Each does no harm when it is done again.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(episode_app, name="episode")


@episode_app.command("retry")
@needs(Permission.OPERATE)
def retry(episode: EpisodeId, reason: Reason) -> int:
    """Have what fails of its messages tried now, instead of when its turn comes."""
    return _do(Deed.RETRY_NOW, episode, reason)


@episode_app.command("resend")
@needs(Permission.OPERATE)
def resend(episode: EpisodeId, reason: Reason) -> int:
    """Send those of its messages again that have reached nobody; nothing that a provider has taken."""
    return _do(Deed.RESEND, episode, reason)


@episode_app.command("reconcile")
@needs(Permission.OPERATE)
def reconcile(episode: EpisodeId, reason: Reason) -> int:
    """Compare its rows with the engine; what can be mended is mended."""
    return _do(Deed.RECONCILE, episode, reason)


@episode_app.command("reset")
@needs(Permission.OPERATE)
def reset(episode: EpisodeId, reason: Reason) -> int:
    """Begin it anew from its records, where its workflow fails at each try and no version can go on with it."""
    return _do(Deed.RESET, episode, reason)


def _do(deed: Deed, episode: str, reason: str) -> int:
    say(run_async(done_for(deed, episode, reason, by_beginning=True)))
    return 0
