"""Where somebody begins, and who they are to Homeward."""

from fastapi import APIRouter, Response

from starter.access import Permission
from starter.api.asking import AskedBy, needs
from starter.console.allowed import roles_in_words
from starter.console.asking import console_router, go_to
from starter.console.navigation import ACCOUNT, begins_at
from starter.console.pages import page
from workflows.vocabulary import beginning_a_line


def router_of() -> APIRouter:
    """The first page, and the page of one's account."""
    router = console_router()

    @router.get("/")
    @needs(Permission.KNOW_ONESELF)
    async def begin(asked: AskedBy) -> Response:
        """On to where whoever asks begins."""
        return go_to(begins_at(asked.principal))

    @router.get(ACCOUNT.path)
    @needs(Permission.KNOW_ONESELF)
    async def account(asked: AskedBy) -> Response:
        """Who is signed in, in which roles; signing out."""
        roles = beginning_a_line(roles_in_words(asked.principal.roles))
        return page(asked, "account.html.j2", ACCOUNT.id, roles=roles)

    return router
