"""Who one is to Homeward, and what one may do."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from starter.access import AccessRole, Permission
from starter.api.asking import AskedBy, asked_router, needs


class Oneself(BaseModel):
    """Whoever asks, as Homeward knows them."""

    id: str
    name: str
    kind: Literal["person", "system"]
    authority: str
    roles: list[AccessRole]
    permissions: list[Permission]
    person: str | None
    provider: str | None


def router_of() -> APIRouter:
    """The route about oneself."""
    router = asked_router("who asks")

    @router.get("/me")
    @needs(Permission.KNOW_ONESELF)
    async def me(asked: AskedBy) -> Oneself:
        """Who you are to Homeward, for which authority you ask, and what you may do."""
        who = asked.principal
        return Oneself(
            id=who.id,
            name=who.name,
            kind=who.kind,
            authority=who.authority,
            roles=sorted(who.roles),
            permissions=[one for one in Permission if who.may(one)],
            person=who.person,
            provider=who.provider,
        )

    return router
