"""Episodes by how a reference of others begins, whoever wrote it how: found by indexes, however many there are."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Select, and_, literal, null, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from activities.store.tables import ChildTable, EpisodeTable, FactTable, letters_of, plainly

SHORTEST_BEGINNING: Final = 3
"""What has fewer letters and figures is looked for as a whole reference."""

_AFTER_ALL_OTHERS: Final = "\U0010ffff"


class Beginnings(BaseModel):
    """What references begin with; None is no condition. Of the child by the case system, of a report by the police."""

    model_config = ConfigDict(frozen=True)
    child: str | None = None
    police_reference: str | None = None


class FoundByReference(BaseModel):
    """An episode that was found, whether what was looked for is the whole of its reference, and the police's of it."""

    model_config = ConfigDict(frozen=True)
    episode_id: str
    whole: bool
    police_reference: str | None


async def episodes_by_reference(
    session: AsyncSession, authority: str, begins: Beginnings, *, after: int = 0, limit: int
) -> Sequence[FoundByReference]:
    """An authority's episodes whose references begin so, in the order of these; of one the open first, then the latest.

    `after` is how many of that order are passed over. An episode stands there
    as often as it has references that begin so.
    """
    rows = await session.execute(_chosen(authority, begins).offset(after).limit(limit))
    return [FoundByReference(episode_id=id, whole=whole, police_reference=said) for id, whole, said in rows.all()]


def _chosen(authority: str, begins: Beginnings) -> Select[str, bool, Any]:
    of_each = (
        (ChildTable.plain_reference, begins.child),
        (FactTable.plain_police_reference, begins.police_reference),
    )
    sought = [(column, beginning) for column, beginning in of_each if beginning is not None]
    if not sought:
        raise ValueError("what references begin with must be said")
    said: ColumnElement[str] = FactTable.body["details", "police_ref"].as_string()
    police: ColumnElement[Any] = said if begins.police_reference is not None else null()
    whole = and_(*(column == plainly(literal(beginning)) for column, beginning in sought))
    # Not as the column is: by an index of the authority SQLite would look through all that it ever had.
    mine = EpisodeTable.authority.concat("") == authority
    chosen = select(EpisodeTable.id, whole, police).where(mine)
    if begins.child is not None:
        # By the child's authority too, which the index begins with.
        chosen = chosen.join(ChildTable, ChildTable.id == EpisodeTable.child_id).where(
            ChildTable.authority == authority
        )
    if begins.police_reference is not None:
        chosen = chosen.join(FactTable, FactTable.episode_id == EpisodeTable.id)
    chosen = chosen.where(*(_begins(column, beginning) for column, beginning in sought))
    latest = EpisodeTable.missing_since.desc().nulls_last()
    return chosen.order_by(sought[0][0], EpisodeTable.closed_at.is_not(None), latest, EpisodeTable.id)


def _begins(column: InstrumentedAttribute[str | None], beginning: str) -> ColumnElement[bool]:
    plain = plainly(literal(beginning))
    if letters_of(beginning) < SHORTEST_BEGINNING:
        return column == plain
    return and_(column >= plain, column < plain.concat(_AFTER_ALL_OTHERS))
