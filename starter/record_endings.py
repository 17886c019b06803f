"""Records that end in another or as a mistake: that a child is looked for by one that goes on."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import inbox
from activities.store.statements import take_turns
from workflows.fact_kinds import FactKind
from workflows.facts import Fact
from workflows.plain_errors import BadInputError

INTO_ENDED: Final = "--into: that record has ended itself; choose one that goes on"
"""Why a record is not merged into one that has ended."""

INTO_ITSELF: Final = "--into: an episode cannot be merged into itself"

MERGED_ALREADY: Final = "--into: this record was merged into another already; withdraw that first"
"""Why a record is not merged into two."""

ANOTHER_GOES_ON: Final = (
    "another record was merged into this one, so that nobody would look for the child by either: "
    "this needs a second person, who authorised it"
)
"""Why one person alone does not call a record an error into which another was merged."""


async def check_endings(session: AsyncSession, authority: str, facts: Sequence[tuple[str, Fact]]) -> None:
    """Raise BadInputError where facts that are to be kept would end records so that nobody looks for the child by any.

    Whoever ends a record waits, to the end of the transaction, for whoever ends
    another: else of two who settle one duplicate at once, each in their own
    way, one would merge it into what the other calls a mistake.
    """
    endings = [one for one in facts if one[1].kind in (FactKind.MERGED, FactKind.RECORDED_IN_ERROR)]
    if endings:
        await take_turns(session, "merge", [authority])
    for episode_id, fact in endings:
        if fact.kind is FactKind.MERGED:
            await _check_goes_on(session, authority, episode_id, fact.details["into"])
        elif "authorised_by" not in fact.details and await inbox.another_goes_on_in(session, episode_id):
            raise BadInputError(f"authorised_by: {ANOTHER_GOES_ON}")


async def _check_goes_on(session: AsyncSession, authority: str, episode_id: str, into: str) -> None:
    if not await inbox.is_known(session, authority, into):
        raise BadInputError("--into: there is no such episode here")
    if into == episode_id:
        raise BadInputError(INTO_ITSELF)
    if await inbox.is_said_to_have_ended(session, into):
        raise BadInputError(INTO_ENDED)
