"""Who may do what, as a table for people: written from the table that the code goes by. Pure."""

from starter.access import MAY, AccessRole, Permission


def roles_table() -> str:
    """Each permission and the roles that have it, in Markdown."""
    rows = [(permission, [role for role in AccessRole if permission in MAY[role]]) for permission in Permission]
    lines = [f"| `{permission}` | {_in_words(roles)} |" for permission, roles in rows]
    return "\n".join(("| Permission | Roles that have it |", "|---|---|", *lines)) + "\n"


def _in_words(roles: list[AccessRole]) -> str:
    if len(roles) == len(AccessRole):
        return "all"
    return ", ".join(f"`{role}`" for role in roles)
