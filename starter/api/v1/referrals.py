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
from starter.applying import Outcome
from starter.referrals import KeyTakenError, NoSuchReferralError, ProviderAnswer, Referral, Referrals, read_answer

ReferralId = Annotated[UUID, Path(description="the referral")]


def router_of(parts: Parts) -> APIRouter:
    """The routes of referrals."""
    router = asked_router("referrals")

    @router.get("/referrals", operation_id="list_referrals")
    @needs(Permission.READ_REFERRALS)
    async def index(asked: AskedBy, cursor: Cursor = None, limit: Limit = 50) -> Page[Referral]:
        """One's own referrals, the first owed first."""
        after = read_cursor(cursor, str)
        found = await own_referrals(parts, asked).every(asked.now)
        places = [place for place, one in enumerate(found) if after and one.id == after[0]]
        rest = found[places[0] + 1 :] if places else found
        asked.saw(*(one.id for one in rest[:limit]))
        return page_of(rest[: limit + 1], limit, cursor_after(rest[:limit][-1].id) if rest else "")

    @router.get("/referrals/{referral_id}", operation_id="read_referral")
    @needs(Permission.READ_REFERRALS)
    async def one(referral_id: ReferralId, asked: AskedBy) -> Referral:
        """One of one's own referrals, with whom to ask at the authority."""
        return await own_referral(parts, asked, referral_id)

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
        return became(await answer_referral(parts, asked, referral_id, read), response)

    return router


def own_referrals(parts: Parts, asked: Asked) -> Referrals:
    """The referrals of whoever asks."""
    # Nobody is referred to under an empty name: whoever is no provider has no referrals.
    provider = asked.principal.provider or ""
    return Referrals(parts.store, parts.policies, parts.commands_of(asked), asked.authority, provider)


async def own_referral(parts: Parts, asked: Asked, referral_id: UUID) -> Referral:
    """One of one's own referrals. Raises ProblemError: not found, for another provider's as for none."""
    try:
        return await own_referrals(parts, asked).one(str(referral_id), asked.now)
    except NoSuchReferralError:
        raise ProblemError(Problem.NOT_FOUND) from None


async def answer_referral(parts: Parts, asked: Asked, referral_id: UUID, said: ProviderAnswer) -> Outcome:
    """Say how the interview stands, once under the request's key.

    Raises ProblemError (not found, key reused), and BadInputError naming the field.
    """
    try:
        return await own_referrals(parts, asked).answer(str(referral_id), said, asked.now, key_id(asked))
    except NoSuchReferralError:
        raise ProblemError(Problem.NOT_FOUND) from None
    except KeyTakenError:
        raise ProblemError(Problem.KEY_REUSED) from None
