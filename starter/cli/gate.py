"""The way in for every command: it says which permission it needs, or that it needs none, and is refused without."""

import functools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import uuid4

import typer

from activities.store import StoreUnavailableError
from starter.access import Permission
from starter.cli.asking import CommandAsked, NotAllowedError, being_asked, who_asks
from starter.cli.wiring import note_refusal, run_async
from starter.settings import load_settings

OPEN_TO_ALL: Final = frozenset(
    {
        *("run", "worker", "serve", "watch", "setup", "doctor", "access"),
        *("plan", "rehearse", "directory columns", "intake columns", "intake mapping", "intake schema"),
        *("policy check", "policy show", "policy diff", "policy coverage"),
        *("database show", "database upgrade", "database downgrade", "database grant"),
    }
)
"""Commands that need no permission: they show and change nothing of any child or worker.

They start the machinery or look whether it runs; read files that whoever asks
can read; or do with the database's schema what its user may do anyway, and with
the engine's schedules what every worker does.
"""


def commands_of(group: typer.Typer, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command of a group and of the groups in it, by its words."""
    for command in group.registered_commands:
        yield f"{before}{command.name}", command
    for deeper in group.registered_groups:
        if deeper.typer_instance is None:
            continue
        itself = deeper.typer_instance.registered_callback
        if itself is not None and itself.invoke_without_command is True:
            yield f"{before}{deeper.name}", itself
        yield from commands_of(deeper.typer_instance, f"{before}{deeper.name} ")


def stand_at(app: typer.Typer) -> None:
    """Let every command in only with its permission. Raises TypeError for one that does not say which."""
    for words, command in commands_of(app):
        said = cast("dict[str, Permission | None]", vars(command.callback))
        if "needed_permission" not in said:
            raise TypeError(f"the command '{words}' does not say which permission it needs")
        if permission := said["needed_permission"]:
            command.callback = _let_in(words, permission, command.callback)


def _let_in(words: str, permission: Permission, callback: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(callback)
    def ask(*arguments: Any, **options: Any) -> Any:
        now = datetime.now(UTC)
        asked = CommandAsked(who_asks(load_settings()), permission, f"homeward {words}", now, str(uuid4()))
        given = being_asked.set(asked)
        try:
            asked.require(permission)
            return callback(*arguments, **options)
        except NotAllowedError:
            _write_down_if_possible()
            raise
        finally:
            being_asked.reset(given)

    return ask


def _write_down_if_possible() -> None:
    try:
        run_async(note_refusal())
    except StoreUnavailableError:
        # Nothing was shown or done; what is in the way of writing it down is another command's to say.
        return
