"""Who one is to Homeward, and what one may do."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from starter.access import AccessRole, Permission
from starter.api.asking import AskedBy, asked_router, needs


class Oneself(BaseModel):
    """Whoever asks, as Homeward knows them."""

    id: str = Field(description="your id, unlike any other's")
    name: str = Field(description="your name")
    kind: Literal["person", "system"] = Field(description="whether you are a person or a system")
    authority: str = Field(description="the authority for which you ask")
    roles: list[AccessRole] = Field(description="what you are to Homeward")
    permissions: list[Permission] = Field(description="what you may do by your roles")
    person: str | None = Field(description="the reference by which the directory knows you, where it does")
    provider: str | None = Field(description="the interview provider whose referrals you may see, where you are one")


def router_of() -> APIRouter:
    """The route about oneself."""
    router = asked_router("who asks")

    @router.get("/me", operation_id="know_oneself")
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
