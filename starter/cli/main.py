"""The `homeward` command: its groups put together, and every mistake told in one line."""

import os
import sys

import typer

from activities.policies import BadPackError, UnknownPolicyError
from activities.store import StoreUnavailableError
from starter.cli import (
    access,
    accounts,
    audit,
    backup,
    child,
    database,
    directory,
    episode_deeds,
    episodes,
    events,
    gate,
    glass,
    intake,
    police_pack,
    policies,
    reconcile,
    referrals,
    scenarios,
    setting_up,
    show,
    stack,
    stuck,
    tasks,
    told,
    tray,
    webhooks,
)
from starter.cli.say import EXIT_BAD_INPUT, complain
from starter.environment import require_known_names
from workflows.plain_errors import BadInputError

app = typer.Typer(
    name="homeward",
    help="Runs the statutory timelines that begin when a child goes missing from home or care in England.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.callback()(require_known_names)
stack.add_to(app)
episodes.add_to(app)
show.add_to(app)
told.add_to(app)
tasks.add_to(app)
tray.add_to(app)
child.add_to(app)
directory.add_to(app)
database.add_to(app)
setting_up.add_to(app)
backup.add_to(app)
reconcile.add_to(app)
stuck.add_to(app)
episode_deeds.add_to(app)
accounts.add_to(app)
events.add_to(app)
webhooks.add_to(app)
audit.add_to(app)
glass.add_to(app)
access.add_to(app)
police_pack.add_to(app)
intake.add_to(app)
referrals.add_to(app)
policies.add_to(app)
scenarios.add_to(app)
gate.stand_at(app)


def run(arguments: list[str]) -> int:
    """Run the command line given as a list of words; the exit status."""
    try:
        status = app(arguments, prog_name="homeward", standalone_mode=False)
    except typer.TyperException as mistake:
        complain(" ".join(str(mistake).split()) or "unknown words; see 'homeward --help'")
        return EXIT_BAD_INPUT
    except (BadInputError, BadPackError, UnknownPolicyError, StoreUnavailableError) as mistake:
        complain(str(mistake))
        return EXIT_BAD_INPUT
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        # Whoever read our output has read enough; the output is closed, so that leaving does not fail again.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
        return 0
    return int(status or 0)
