"""What an operator does about what stands still. Each deed does no harm when it is done again, or in vain.

What cannot be done safely is not here: no workflow that can go on is paused or
ended, nothing that a provider may have taken is sent a second time.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import RPCError
from temporalio.service import RPCStatusCode

from activities.health.engine import EngineWatched, Suspect
from activities.health.findings import Deed
from activities.reconcile.engine import EngineAsked
from activities.store import Store, inbox, standstill, subscriptions
from activities.store import post as store_post
from starter import local, webhooks
from starter.client import EngineSilentError
from starter.commands import Commands
from starter.engine_room import EngineRoom
from starter.relay import put_to_engine
from starter.resetting import Reset
from starter.upkeep import reconcile_by_hand
from workflows import names
from workflows.patience import DOUBT_PAUSE
from workflows.plain_errors import BadInputError
from workflows.post_contracts import MessageInput, MessageToSend
from workflows.vocabulary import beginning_a_line

EVERYTHING: Final = "everything"
"""The subject that stands for all that was said and is not applied, or for all records."""

MOST_AT_ONCE: Final = 20
_RELAY_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 1.0

OF_WEBHOOKS: Final = frozenset({Deed.PAUSE_WEBHOOK, Deed.RESUME_WEBHOOK, Deed.RESEND_EVENTS})
DONE_HERE: Final = frozenset(Deed) - {Deed.HAND_OVER}
"""The deeds that are done by asking; handing a task over is for whoever may see the task."""


@dataclass(frozen=True)
class Operator:
    """Whoever operates, for one authority. `commands` put what was said to the engine."""

    store: Store
    room: EngineRoom
    commands: Commands
    authority: str

    async def do(self, deed: Deed, subject: str, now: datetime) -> str:
        """Do it; what came of it, in a sentence. `now` is UTC.

        Raises BadInputError where there is nothing to be done, or
        EngineSilentError.
        """
        match deed:
            case Deed.RETRY_NOW:
                return await self._retry(subject, now)
            case Deed.RESEND:
                return await self._resend(subject, now)
            case Deed.RECONCILE:
                return await self._reconcile(subject)
            case Deed.RESET:
                return await self._reset(subject, now)
            case Deed.PUT_TO_ENGINE:
                return await self._put_to_engine(subject)
            case Deed.HAND_OVER:
                raise BadInputError("deed: a task is handed over at the task itself")
            case _:
                async with self.store.session() as session:
                    return await self._about_webhook(session, deed, subject, now)

    async def _retry(self, subject: str, now: datetime) -> str:
        workflows = await self._workflows_of(subject)
        async with self._asking() as engine:
            count = 0
            for one in workflows:
                count += await engine.try_activities_now(one, now - DOUBT_PAUSE)
        if not count:
            seconds = int(DOUBT_PAUSE.total_seconds())
            raise BadInputError(
                f"subject: nothing of it waits to be tried, or it was tried less than {seconds} seconds ago"
            )
        return "It is tried now. Look again in a moment."

    async def _workflows_of(self, subject: str) -> list[str]:
        own = (names.reconcile_id(self.authority), names.digest_id(self.authority))
        if subject in own or subject.startswith(tuple(f"{one}-" for one in own)):
            return [subject]
        return [names.message_workflow_id(one) for one in await self._messages(subject, ("sending", "unreached"))]

    async def _messages(self, subject: str, states: Collection[str]) -> list[str]:
        """The message that is called so, or those that speak of the episode of that id."""
        async with self.store.snapshot() as session:
            there = await standstill.messages_in(session, self.authority, states)
            found = [one for one in there if names.subject_of_message(one) == subject]
            found = found or await standstill.messages_of_episode(session, self.authority, subject, states)
        if not found:
            raise BadInputError("subject: there is no such message that waits for this, and no episode with one")
        return found

    async def _resend(self, subject: str, now: datetime) -> str:
        answered_by_now: BadInputError | None = None
        done = list[str]()
        for message in await self._messages(subject, ("unreached", "given_up")):
            try:
                done.append(await self._send_again(message, now))
            except BadInputError as error:
                answered_by_now = error
        if not done and answered_by_now:
            raise answered_by_now
        if len(done) == 1:
            return done[0]
        return f"{len(done)} messages are sent again by every way, but for what a provider has taken already."

    async def _send_again(self, message: str, now: datetime) -> str:
        client = await self.room.client()
        if await self._wakes(message):
            return "Every way is tried again now, but for what a provider has taken already."
        async with self.store.session() as session:
            row = await store_post.message_of(session, message)
            lines = await store_post.lines_of(session, message, unanswered_at=now)
            if row is None or not lines:
                raise BadInputError("subject: all that the message asks has its answer by now")
            count = len(await store_post.lines_of(session, message))
            # Should the engine not take it now, the next comparison finds it so and begins it.
            await store_post.close(session, message, "unreached", now)
        to_send = MessageToSend(message=message, person=row.person_id, ways=row.ways, lines=count)
        start = MessageInput(message=to_send, rules=self.room.rules, told_unreached=True)
        async with self._answered():
            await EngineAsked(client, self.room.patience).begin_message(start)
        return "It is sent again by every way, but for what a provider has taken already."

    async def _wakes(self, message: str) -> bool:
        """Whether the workflow that sends a message runs, and has been told to try again."""
        handle = (await self.room.client()).get_workflow_handle(names.message_workflow_id(message))
        async with self._answered():
            try:
                await handle.signal(names.SIGNAL_TRY_NOW, rpc_timeout=self.room.patience)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return False
                raise
        return True

    async def _reconcile(self, episode: str) -> str:
        if episode == EVERYTHING:
            await (await self.commands.engine()).reconcile(self.authority, str(uuid4()))
            return "All records are being compared with the engine. What is found shows here within a minute or two."
        await self._require_mine(episode)
        client = await self.room.client()
        async with self._answered():
            asks_workers = await local.pollers(client) > 0
            reconciler = self.room.reconciler(client, asks_workers)
            done = await reconcile_by_hand(reconciler, self.authority, episode=episode, pause_seconds=_PAUSE_SECONDS)
        if not asks_workers:
            return "Compared as far as can be without a worker: none asks for work now."
        if not done.found:
            return "Compared: its records and the engine agree."
        how = "; ".join(sorted({one.done.how for one in done.found if one.done and one.done.how}))
        return f"Compared: they disagreed. {beginning_a_line(how)}." if how else "Compared: they disagree."

    async def _require_mine(self, episode: str) -> None:
        async with self.store.snapshot() as session:
            mine = await standstill.whose(session, self.authority, [episode], [], [])
        if episode not in mine.episodes:
            raise BadInputError("subject: there is no such episode")

    async def _reset(self, episode: str, now: datetime) -> str:
        await self._require_mine(episode)
        client = await self.room.client()
        async with self._answered():
            failing = Suspect(names.workflow_id(episode), "episode", episode)
            stands = await EngineWatched(client, self.room.patience).look_at([failing], timedelta(0), now)
            run = next((one.run_id for one in stands if Deed.RESET in one.deeds), None)
            if run is None:
                raise BadInputError("subject: its workflow does not fail at each try, so there is nothing to reset")
            reconciler = self.room.reconciler(client, await local.pollers(client) > 0)
            reset = Reset(self.store, client, self.room.patience, self.authority, reconciler)
            return await reset.begin_anew(episode, run, now)

    async def _put_to_engine(self, subject: str) -> str:
        async with self.store.snapshot() as session:
            if subject == EVERYTHING:
                items = await inbox.kept_for(session, self.authority, None, MOST_AT_ONCE)
            else:
                one = await inbox.item(session, subject)
                items = [one] if one and one.authority == self.authority and one.state == "kept" else []
        if not items:
            raise BadInputError("subject: nothing of it waits for the engine")
        episodes = await self.commands.engine()
        try:
            async with asyncio.timeout(_RELAY_SECONDS):
                outcomes = await put_to_engine(self.store, self.commands, episodes, items)
        except TimeoutError:
            raise EngineSilentError("the engine did not answer in time") from None
        counts = {state: sum(one.state == state for one in outcomes) for state in ("applied", "refused")}
        waits = len(items) - sum(counts.values())
        return f"{counts['applied']} applied, {counts['refused']} refused, {waits} still waiting."

    async def _about_webhook(self, session: AsyncSession, deed: Deed, name: str, now: datetime) -> str:
        one = await webhooks.find(session, self.authority, name)
        if deed is Deed.PAUSE_WEBHOOK:
            await webhooks.pause(session, one)
            return f"{one.name} is paused. Events wait for it."
        if deed is Deed.RESUME_WEBHOOK:
            missed = await subscriptions.resume_subscription(session, one)
            gap = f" {missed} events were dropped meanwhile: have it read the episodes anew." if missed else ""
            return f"{one.name} is sent events again.{gap}"
        count = await webhooks.resend(session, one, None, now)
        return f"{count} events are sent to {one.name} again." if count else f"{one.name} has no event to send again."

    @asynccontextmanager
    async def _asking(self) -> AsyncGenerator[EngineWatched]:
        client = await self.room.client()
        async with self._answered():
            yield EngineWatched(client, self.room.patience)

    @asynccontextmanager
    async def _answered(self) -> AsyncGenerator[None]:
        """Turn the engine's silence into EngineSilentError."""
        try:
            yield
        except RPCError as error:
            self.room.note_silence()
            raise EngineSilentError("the engine did not answer") from error
