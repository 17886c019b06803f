"""Words for tests of messages: invented people with addresses, notices for them, and what became of them."""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from activities import notify
from activities.posting import Post
from activities.store.directory import PersonEntry, add, person_id, put_person
from activities.store.post import Dispatch, dispatches_of, message_of, messages_to
from activities.store.tables import HoldingTable
from tests.engine.conftest import Theatre
from workflows.contracts import NoticeOrder
from workflows.names import message_workflow_id, notice_key
from workflows.vocabulary import Channel, Haste, Role

_numbers = itertools.count()


class Correspondent:
    """One invented person who holds a role for an authority of its own, and what is sent to that person."""

    def __init__(self, theatre: Theatre, person: str, authority: str, name: str, mobile: str = "") -> None:
        self._theatre = theatre
        self.person = person
        self.authority = authority
        self.name = name
        self.mobile = mobile

    @property
    def email(self) -> str:
        return f"{self.name}@invented.example"

    async def told(self, number: int = 1, haste: Haste = Haste.AT_ONCE, channel: Channel | None = None) -> list[str]:
        """Tell the person of so many clocks, one episode each; the notices' keys."""
        orders = [order(self.authority, haste, channel) for _ in range(number)]
        await self._send(orders, self._theatre.post)
        return [one.key for one in orders]

    async def told_at_a_time(self, number: int) -> None:
        """Tell the person of so many clocks before their postbox hears of any: a busy machine cannot part them."""

        async def hears_nothing(_authority: str, _person: str) -> None:
            return

        *before, last = [order(self.authority, Haste.AT_ONCE, None) for _ in range(number)]
        await self._send(before, replace(self._theatre.post, nudge=hears_nothing))
        await self._send([last], self._theatre.post)

    async def _send(self, orders: Sequence[NoticeOrder], post: Post) -> None:
        await asyncio.gather(*(notify.send_notice(self._theatre.store, one, post) for one in orders))

    async def messages(self) -> list[str]:
        """The ids of the person's messages, in the order in which they were gathered."""
        async with self._theatre.store.session() as session:
            return [message.id for message in await messages_to(session, self.person)]

    async def message(self, number: int = 1) -> WorkflowHandle[Any, Any]:
        """The workflow of the person's message of that number, once it has begun."""
        await until(lambda: self._has(number))
        return self._handle((await self.messages())[number - 1])

    def _handle(self, message: str) -> WorkflowHandle[Any, Any]:
        return self._theatre.environment.client.get_workflow_handle(message_workflow_id(message))

    async def _has(self, number: int) -> bool:
        there = await self.messages()
        if len(there) < number:
            return False
        try:
            await self._handle(there[number - 1]).describe()
        except RPCError:
            return False
        return True

    async def state(self, number: int = 1) -> str:
        """How the person's message of that number stands."""
        async with self._theatre.store.session() as session:
            message = await message_of(session, (await self.messages())[number - 1])
        return message.state if message else "none"

    async def reaches(self, state: str, number: int = 1) -> None:
        """Wait until the person's message of that number stands so."""
        await self.message(number)

        async def is_so() -> bool:
            return await self.state(number) == state

        await until(is_so)

    async def dispatches(self, number: int = 1) -> dict[str, Dispatch]:
        """What became of the person's message of that number, by way out."""
        async with self._theatre.store.session() as session:
            found = await dispatches_of(session, [(await self.messages())[number - 1]])
        return {one.way: one for one in found}

    async def lives(self, until_state: str, at_most: timedelta = timedelta(hours=2), number: int = 1) -> None:
        """Let time pass for a message, a little at a time, until it stands so."""
        step, passed = timedelta(minutes=1), timedelta(0)
        while await self.state(number) != until_state:
            assert passed < at_most, f"still {await self.state(number)}: {await self.dispatches(number)}"
            await self.skip(step, number)
            passed += step
            await asyncio.sleep(0.05)

    async def skip(self, how_far: timedelta, number: int = 1) -> None:
        """Let time pass for the person's message of that number."""
        try:
            await self._theatre.environment.fast_forward(await self.message(number), how_far)
        except RPCError as error:
            # It was done before it could be hurried.
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise


async def somebody(
    theatre: Theatre, channels: str = "email", role: Role = Role.TEAM_MANAGER, authority: str | None = None
) -> Correspondent:
    """An invented person who holds a role; alone in an authority of its own, unless one is given."""
    authority, name = authority or f"town-{uuid4().hex[:8]}", f"invented-{uuid4().hex[:8]}"
    mobile = f"+44770090{next(_numbers):04}"
    entry = PersonEntry(reference=name, name=name, email=f"{name}@invented.example", mobile=mobile, channels=channels)
    async with theatre.store.session() as session:
        await put_person(session, authority, entry)
        person = await person_id(session, authority, name)
        assert person is not None
        held = {"authority": authority, "role": role.value, "scope": "authority", "held_for": "", "person_id": person}
        await add(session, HoldingTable, {**held, "since": None, "until": None})
    return Correspondent(theatre, person, authority, name, mobile)


def order(authority: str, haste: Haste, channel: Channel | None = None) -> NoticeOrder:
    """A notice to a team manager, of an episode that the engine does not run."""
    episode, now = str(uuid4()), datetime.now(UTC)
    return NoticeOrder(
        key=notice_key(episode, "rhi", "escalate", 1, Role.TEAM_MANAGER),
        episode_id=episode,
        authority=authority,
        clock="rhi",
        rung="escalate",
        role=Role.TEAM_MANAGER,
        channel=channel,
        needs_ack=haste is Haste.AT_ONCE,
        escalates=haste is not Haste.IN_DIGEST,
        says="An interview is overdue",
        at=now,
        due=now + timedelta(hours=1),
        ahead=timedelta(0),
        haste=haste,
    )


async def until(is_so: Callable[[], Awaitable[bool]], patience_seconds: float = 20) -> None:
    """Wait until something is so. Raises TimeoutError when it never is."""
    async with asyncio.timeout(patience_seconds):
        while not await is_so():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.05)


def lines(body: str) -> Sequence[str]:
    """The lines of an e-mail that each stand for one notice."""
    return [line for line in body.splitlines() if line.startswith("- ")]


def things(body: str) -> int:
    """For how many notices an e-mail stands: those of one episode that ask alike share a line."""
    alike = (re.search(r"\((\d+) things\)", line) for line in lines(body))
    return sum(int(found[1]) if found else 1 for found in alike)
