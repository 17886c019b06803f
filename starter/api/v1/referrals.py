"""Referrals over HTTP: what an interview provider sees of its own, and what it answers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from starter.access import Permission
from starter.api.asking import KEYED, Asked, AskedBy, asked_router, needs
from starter.api.bodies import Became, became, kept_as
from starter.api.once import key_id
from starter.api.paging import Cursor, Limit, Page, cursor_after, page_of, read_cursor
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.referrals import KeyTakenError, NoSuchReferralError, ProviderAnswer, Referral, Referrals, read_answer

ReferralId = Annotated[UUID, Path(description="the referral")]


def router_of(parts: Parts) -> APIRouter:
    """The routes of referrals."""
    router = asked_router("referrals")

    def own(asked: Asked) -> Referrals:
        # Nobody is referred to under an empty name: whoever is no provider has no referrals.
        provider = asked.principal.provider or ""
        return Referrals(parts.store, parts.policies, parts.commands_of(asked), asked.authority, provider)

    @router.get("/referrals", operation_id="list_referrals")
    @needs(Permission.READ_REFERRALS)
    async def index(asked: AskedBy, cursor: Cursor = None, limit: Limit = 50) -> Page[Referral]:
        """One's own referrals, the first owed first."""
        after = read_cursor(cursor, str)
        found = await own(asked).every(asked.now)
        places = [place for place, one in enumerate(found) if after and one.id == after[0]]
        rest = found[places[0] + 1 :] if places else found
        asked.saw(*(one.id for one in rest[:limit]))
        return page_of(rest[: limit + 1], limit, cursor_after(rest[:limit][-1].id) if rest else "")

    @router.get("/referrals/{referral_id}", operation_id="read_referral")
    @needs(Permission.READ_REFERRALS)
    async def one(referral_id: ReferralId, asked: AskedBy) -> Referral:
        """One of one's own referrals, with whom to ask at the authority."""
        try:
            return await own(asked).one(str(referral_id), asked.now)
        except NoSuchReferralError:
            raise ProblemError(Problem.NOT_FOUND) from None

    @router.post(
        "/referrals/{referral_id}/answers",
        operation_id="answer_referral",
        dependencies=KEYED,
        responses=kept_as(Became),
    )
    @needs(Permission.ANSWER_REFERRALS)
    async def answer(referral_id: ReferralId, said: ProviderAnswer, asked: AskedBy, response: Response) -> Became:
        """Say how the interview stands: each answer is recorded once."""
        read = read_answer(said.model_dump(mode="json", exclude_unset=True))
        try:
            outcome = await own(asked).answer(str(referral_id), read, asked.now, key_id(asked))
        except NoSuchReferralError:
            raise ProblemError(Problem.NOT_FOUND) from None
        except KeyTakenError:
            raise ProblemError(Problem.KEY_REUSED) from None
        return became(outcome, response)

    return router
