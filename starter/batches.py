"""One deed for all that stands still in the same way: tried first in words alone, then done one after the other."""

from collections.abc import Collection
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from activities.health.findings import KINDS, Deed, Stuck, StuckKind
from activities.health.look import Standstill
from starter.client import EngineSilentError
from starter.operating import DONE_HERE, Operator
from workflows.plain_errors import BadInputError

ENGINE_AWAY = "not done: the engine does not answer"
WOULD_BE_DONE = "would be done"


class BatchLine(BaseModel):
    """What came of one of them."""

    model_config = ConfigDict(frozen=True)
    subject: str = Field(description="what stands still, as the list of what does calls it")
    done: bool | None = Field(description="whether it was done; null where it was only asked what would be")
    says: str = Field(description="what came of it, in a line")


class BatchDone(BaseModel):
    """What came of all of them, and how many stand still in that way beyond those."""

    deed: Deed = Field(description="what was done")
    kind: StuckKind = Field(description="in which way they stand still")
    dry_run: bool = Field(description="whether it was only asked what would be done")
    lines: list[BatchLine] = Field(description="each of them, the longest first")
    left: int = Field(description="how many more stand still so: more than are done at once")


def require_helps(deed: Deed, kind: StuckKind) -> None:
    """Raise BadInputError unless the deed is one that helps what stands still in this way, and is done by asking."""
    helps = [one for one in KINDS[kind].deeds if one in DONE_HERE]
    if deed not in helps:
        words = " or ".join(helps) if helps else "nothing: none is done for many at once"
        raise BadInputError(f"deed: for '{kind}' it must be {words}")


def chosen(found: Standstill, deed: Deed, kind: StuckKind) -> list[Stuck]:
    """Those of what stands still in this way that the deed is offered for. Raises BadInputError where it helps none."""
    require_helps(deed, kind)
    return [one for one in found.found if one.kind is kind and deed in one.deeds]


async def do_for_all(
    operator: Operator, deed: Deed, fit: Collection[Stuck], now: datetime, *, dry_run: bool
) -> list[BatchLine]:
    """Do a deed for each, one after the other; one that cannot be done keeps no other from it.

    `now` is UTC. Once the engine is silent the rest is not tried: each would
    wait as long in vain.
    """
    if dry_run:
        return [BatchLine(subject=one.subject, done=None, says=WOULD_BE_DONE) for one in fit]
    lines = list[BatchLine]()
    silent = False
    for one in fit:
        if silent:
            lines.append(BatchLine(subject=one.subject, done=False, says=ENGINE_AWAY))
            continue
        try:
            lines.append(BatchLine(subject=one.subject, done=True, says=await operator.do(deed, one.subject, now)))
        except EngineSilentError:
            silent = True
            lines.append(BatchLine(subject=one.subject, done=False, says=ENGINE_AWAY))
        except BadInputError as error:
            words = str(error).removeprefix("subject: ")
            lines.append(BatchLine(subject=one.subject, done=False, says=f"not done: {words}"))
    return lines


def summed_up(lines: Collection[BatchLine]) -> str:
    """What came of all of them in a sentence."""
    would, done = sum(one.done is None for one in lines), sum(one.done is True for one in lines)
    if would:
        return f"{would} would be done; nothing was done."
    failed = len(lines) - done
    return f"{done} done, {failed} not done." if failed else f"{done} done."
