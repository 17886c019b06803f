"""Answering: a person says that they have seen what they were told, and the climb stops."""

from collections.abc import Sequence
from datetime import datetime

from activities.store import Store, inbox
from activities.store.answers import mark_read, person_reference
from activities.store.post import lines_of, message_of, notice_lines
from starter.commands import Commands, Outcome
from workflows.instants import to_rfc3339
from workflows.messages import Line
from workflows.names import derived_id
from workflows.plain_errors import BadInputError


class Answers:
    """The way in for people who were told something, over one store and the commands."""

    def __init__(self, store: Store, commands: Commands) -> None:
        self._store = store
        self._commands = commands

    async def to_message(self, message_id: str, now: datetime) -> list[Outcome]:
        """Answer all that a message asks, as the person it went to. Raises BadInputError for no such message."""
        async with self._store.session() as session:
            message = await message_of(session, message_id)
            lines = await lines_of(session, message_id)
        if message is None:
            raise BadInputError("message: there is no such message")
        return await self._answer(message.person_id, lines, now)

    async def to_notices(self, person: str, notices: Sequence[str], now: datetime) -> list[Outcome]:
        """Answer notices in a person's tray; those that ask for nothing are read. Raises BadInputError for others'."""
        async with self._store.session() as session:
            lines = await notice_lines(session, person, notices)
        if missing := next((key for key in notices if key not in {line.notice for line in lines}), None):
            raise BadInputError(f"notice: '{missing}' is not in that person's tray")
        return await self._answer(person, lines, now)

    async def _answer(self, person: str, lines: Sequence[Line], now: datetime) -> list[Outcome]:
        """Record an acknowledgement for each clock that asks for one, once however often it is said."""
        async with self._store.session() as session:
            await mark_read(session, person, [line.notice for line in lines], now)
            by = await person_reference(session, person)
        outcomes: list[Outcome] = []
        for line in lines:
            if line.asks != "answer":
                continue
            fact_id = derived_id(line.notice, f"answered-{person}")
            async with self._store.session() as session:
                before = await inbox.item(session, fact_id)
            if before is not None:
                outcomes.append(Outcome(state=before.state, episode_id=line.episode_id, id=fact_id, again=True))
                continue
            said = {"kind": "acknowledged", "id": fact_id, "at": to_rfc3339(now), "clock": line.clock}
            said |= {"role": line.role.value, "by": by, "recorded_by": by}
            outcomes.append(await self._commands.record(line.episode_id, said, now))
        return outcomes
