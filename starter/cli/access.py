"""The command that shows who may do what."""

from typing import Annotated

import typer

from starter.access import MAY, Permission, needs
from starter.cli.say import say_json, say_table, say_text
from starter.identity.roles_page import roles_table


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("access")(access)


@needs(None)
def access(
    page: Annotated[bool, typer.Option("--page", help="in Markdown, as docs/identity.md has it")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="answer in JSON")] = False,
) -> None:
    """Show the table of permissions, and of the roles that each is given to."""
    if page:
        say_text(roles_table())
        return
    if as_json:
        say_json({role.value: sorted(one.value for one in permissions) for role, permissions in MAY.items()})
        return
    rows = [
        [permission.value, ", ".join(role.value for role, given in MAY.items() if permission in given)]
        for permission in Permission
    ]
    say_table(["Permission", "Roles"], rows)
