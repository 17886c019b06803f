"""Answering: a person says that they have seen what they were told, and the climb stops."""

from collections.abc import Sequence
from datetime import datetime

from activities.store import Store, inbox
from activities.store.answers import (
    InTray,
    Said,
    mark_read,
    message_tray,
    notices_in_tray,
    person_named,
    said_of,
)
from activities.store.post import message_of
from starter.applying import Outcome
from starter.commands import Commands
from workflows.facts import CLOCK_SKEW
from workflows.instants import to_rfc3339
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
            told = await message_tray(session, message_id)
        if message is None:
            raise BadInputError("message: there is no such message")
        return await self._answer(message.person_id, told, now)

    async def to_notices(
        self, person: str, notices: Sequence[str], now: datetime, said_by: str | None = None
    ) -> list[Outcome]:
        """Answer notices in a person's tray; those that ask for nothing are read. Raises BadInputError for others'.

        `said_by` is the principal that says it, where one is known.
        """
        async with self._store.session() as session:
            told = await notices_in_tray(session, person, notices)
        if missing := next((key for key in notices if key not in {one.line.notice for one in told}), None):
            raise BadInputError(f"notice: '{missing}' is not in that person's tray")
        return await self._answer(person, told, now, said_by)

    async def _answer(
        self, person: str, told: Sequence[InTray], now: datetime, said_by: str | None = None
    ) -> list[Outcome]:
        """Record an acknowledgement for each clock that asks for one, once however often it is said."""
        async with self._store.session() as session:
            await mark_read(session, person, [one.line.notice for one in told], now)
            authority, by = await person_named(session, person)
        by_clock: dict[tuple[str, str], list[InTray]] = {}
        for one in told:
            if one.line.asks == "answer":
                by_clock.setdefault((one.line.episode_id, one.line.clock), []).append(one)
        commands = self._commands.of(authority, said_by)
        return [await self._answer_clock(commands, person, by, asked, now) for asked in by_clock.values()]

    async def _answer_clock(
        self, commands: Commands, person: str, by: str, asked: Sequence[InTray], now: datetime
    ) -> Outcome:
        """Answer what a person was asked about one clock, unless it has its answer, from whomever."""
        last = max(asked, key=lambda one: (one.asked_since, one.line.notice))
        line = last.line
        async with self._store.session() as session:
            said = await said_of(session, line.episode_id)
            if answer := said.to(line.clock, last.asked_since):
                return Outcome(state="applied", episode_id=line.episode_id, id=answer.id, again=True)
        fact_id, before = await self._answer_id(line.notice, person, said)
        if before is not None and before.state == "applied":
            return Outcome(state="applied", episode_id=line.episode_id, id=fact_id, again=True)
        # Nobody answers before being asked, however far behind the clock of this machine is.
        at = min(max(now, last.asked_since), now + CLOCK_SKEW)
        fact = {"kind": "acknowledged", "id": fact_id, "at": to_rfc3339(at), "clock": line.clock}
        fact |= {"role": line.role.value, "by": by, "recorded_by": by}
        return await commands.record(line.episode_id, fact, now)

    async def _answer_id(self, notice: str, person: str, said: Said) -> tuple[str, inbox.InboxItem | None]:
        """The id of a person's answer to a notice, and what was said under it before.

        It is the same each time, until that answer is taken back or refused:
        then the person may answer again, and that is another fact.
        """
        number = 1
        while True:
            fact_id = derived_id(notice, f"answered-{person}-{number}")
            async with self._store.session() as session:
                before = await inbox.item(session, fact_id)
            if before is None or (before.state != "refused" and fact_id not in said.taken_back):
                return fact_id, before
            number += 1
