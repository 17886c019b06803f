"""How the console names another absence of a child, where a line or a task names it by its id. Pure but for reading."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.child_records import EpisodeOfChild, episodes_in_outline
from activities.store.tasks import TaskView
from workflows.instants import in_words
from workflows.names import duty_of, other_episode_of
from workflows.owed import Owed
from workflows.vocabulary import EpisodeStatus, name_in_words, status_in_words

Others = Mapping[str, EpisodeOfChild]
"""Other absences of children, by their episodes' ids."""

_ID: Final = r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_SENTENCES: Final = (
    (
        re.compile(rf"Another episode of this child: {_ID} \((?P<status>\w+)(?P<rest>[^)]*)\)"),
        "Another record of this child: ",
        " ({status}{rest})",
    ),
    (
        re.compile(rf"Episode {_ID} of the same child has no return recorded: record it"),
        "No return is recorded for ",
        " of the same child: record it",
    ),
    (
        re.compile(rf"Episode {_ID} could not be told that the child is missing again"),
        "It could not be noted on ",
        " that the child is missing again",
    ),
    (re.compile(rf"(?i:(the )?episode )?{_ID}"), "", ""),
)
"""What the engine's sentences are in people's words, before and after the other absence; the last is any sentence."""


@dataclass(frozen=True)
class Piece:
    """A piece of a sentence; `episode_id` where it names another absence."""

    text: str
    episode_id: str | None = None


def absence_in_words(one: EpisodeOfChild) -> str:
    """An absence by when it began, at the beginning of a line."""
    return f"The absence from {in_words(one.missing_since)}" if one.missing_since else "An absence of an unknown day"


def _within_a_sentence(one: EpisodeOfChild | None) -> str:
    words = absence_in_words(one) if one else "Another absence"
    return words[:1].lower() + words[1:]


def pieces_of(text: str, others: Others) -> tuple[Piece, ...]:
    """A sentence in which other absences are named as people know them."""
    for sentence, before, after in _SENTENCES:
        if found := sentence.search(text):
            said = {**found.groupdict(), "status": _status_in_words(found.groupdict().get("status"))}
            other = said["id"]
            named = Piece(_within_a_sentence(others.get(other)), other if other in others else None)
            rest = pieces_of(after.format_map(said) + text[found.end() :], others)
            pieces = (Piece(text[: found.start()] + before), named, *rest)
            return tuple(one for one in pieces if one.text)
    return (Piece(text),)


def said_of_others(text: str, others: Others) -> str:
    """The same as words alone."""
    return "".join(one.text for one in pieces_of(text, others))


def tasks_in_words(tasks: Iterable[TaskView], others: Others) -> list[TaskView]:
    """Tasks that name other absences as people know them."""
    return [task.model_copy(update={"do": said_of_others(task.do, others)}) for task in tasks]


def task_in_words(do: str) -> str:
    """What a task asks for, where the absence that it may be about is not known or not to be named."""
    return said_of_others(do, {})


def owed_in_words(owed: Owed) -> str:
    """What is owed."""
    return task_in_words(owed.title) if owed.title else name_in_words(owed.clock or "")


async def others_in_duties(session: AsyncSession, authority: str, task_keys: Collection[str]) -> Others:
    """The other absences of an authority's children that tasks of these keys are about."""
    named = {other for key in task_keys if (other := other_episode_of(duty_of(key)))}
    return await episodes_in_outline(session, authority, named) if named else {}


def _status_in_words(status: str | None) -> str:
    known = status in {one.value for one in EpisodeStatus}
    return status_in_words(EpisodeStatus(status)) if known else str(status)
