"""How messages go out: a postbox for each person, which gathers; and a workflow for each message, which sends.

A notice is written by its episode, which then nudges the person's postbox. The
postbox waits a short while for others, gathers what is ready into one message,
and is gone when nothing waits. The message tries the person's ways out, one
after another, until one reaches the person or everybody has answered.
"""

from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError

with workflow.unsafe.imports_passed_through():
    from workflows import names, post_contracts
    from workflows.patience import DOUBT_PAUSE, STORE, WAY_OUT
    from workflows.post_contracts import (
        GatherAsked,
        MessageClosed,
        MessageInput,
        MessageToSend,
        PostboxInput,
        Posted,
        SendAsked,
        WayGivenUp,
    )
    from workflows.search_attributes import AUTHORITY, attributes_of

_LONGEST_GATHERING: Final = 3
"""How many times as long as the first notice the last of a storm may keep a message waiting."""

_FIRST_PAUSE: Final = timedelta(minutes=5)
_LONGEST_PAUSE: Final = timedelta(hours=1)


async def begin_message(message: MessageToSend, start: MessageInput) -> None:
    """Begin the workflow of a message that was gathered, with the same search attributes; it goes on by itself."""
    await workflow.start_child_workflow(
        Message.run,
        start,
        id=names.message_workflow_id(message.message),
        parent_close_policy=workflow.ParentClosePolicy.ABANDON,
        search_attributes=attributes_of(workflow.info().typed_search_attributes.get(AUTHORITY)),
    )


@workflow.defn(name=names.POSTBOX_WORKFLOW)
class Postbox:
    """What waits to go out to one person. Begun by the first notice, gone when nothing waits."""

    @workflow.init
    def __init__(self, start: PostboxInput) -> None:
        self._start = start
        self._news = 0

    @workflow.signal(name=names.SIGNAL_NOTICE_WAITS)
    def notice_waits(self) -> None:
        """One more notice waits."""
        self._news += 1

    @workflow.run
    async def run(self, start: PostboxInput) -> None:
        """Gather and send until nothing waits."""
        while True:
            await self._let_come(start.rules.gather)
            seen = self._news
            gathered = await workflow.execute_local_activity(
                post_contracts.gather_message,
                GatherAsked(
                    message=str(workflow.uuid4()), authority=start.authority, person=start.person, now=workflow.now()
                ),
                start_to_close_timeout=STORE.attempt,
                retry_policy=STORE.retry,
            )
            if gathered.message:
                await begin_message(gathered.message, MessageInput(message=gathered.message, rules=start.rules))
            if gathered.next_at is None and self._news == seen:
                return
            await self._wait(seen, gathered.next_at - workflow.now() if gathered.next_at else timedelta(0))

    async def _let_come(self, gather: timedelta) -> None:
        """Wait a while for what comes together; a storm that goes on is given a little longer, and no more."""
        for _ in range(_LONGEST_GATHERING):
            seen = self._news
            await workflow.sleep(gather, summary="gathering what comes together")
            if self._news == seen:
                return

    async def _wait(self, seen: int, at_most: timedelta) -> None:
        try:
            await workflow.wait_condition(
                lambda: self._news != seen,
                timeout=max(at_most, timedelta(0)),
                timeout_summary="what waits for waking hours",
            )
        except TimeoutError:
            return


@workflow.defn(name=names.MESSAGE_WORKFLOW)
class Message:
    """One message on its way to one person."""

    @workflow.init
    def __init__(self, start: MessageInput) -> None:
        self._message = start.message
        self._rules = start.rules
        self._receipts: dict[str, str] = {}
        self._refused: set[str] = set()
        self._told_unreached = start.told_unreached
        self._asked_to_try = False

    @workflow.signal(name=names.SIGNAL_RECEIPT)
    def receipt(self, way: str, whereabouts: str) -> None:
        """A provider says where a message is: on_its_way, delivered or undeliverable; again is the same.

        They come in any order: a message once delivered stays so, and that it is on its way is no news.
        """
        if whereabouts != "on_its_way" and self._receipts.get(way) != "delivered":
            self._receipts[way] = whereabouts

    @workflow.signal(name=names.SIGNAL_TRY_NOW)
    def try_now(self) -> None:
        """Somebody has mended what was in the way: try every way again without waiting longer."""
        self._asked_to_try = True

    @workflow.run
    async def run(self, _start: MessageInput) -> None:
        """Try every way out in turn, round after round, until one reaches the person or patience ends."""
        give_up_at = workflow.now() + timedelta(hours=self._rules.keep_trying_hours)
        pause = _FIRST_PAUSE
        while True:
            for way in self._message.ways:
                if way not in self._refused and await self._reaches(way):
                    await self._close(reached=True, final=True)
                    return
            final = self._refused >= set(self._message.ways) or workflow.now() + pause > give_up_at
            if final or not self._told_unreached:
                await self._close(reached=False, final=final)
            if final:
                return
            await self._rest(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _rest(self, pause: timedelta) -> None:
        """Let time pass before every way is tried again: less of it when somebody asks, and never too little."""
        began_at = workflow.now()
        try:
            await workflow.wait_condition(
                lambda: self._asked_to_try,
                timeout=pause,
                timeout_summary="nobody reached yet; every way is tried again",
            )
        except TimeoutError:
            return
        self._asked_to_try = False
        if (left := DOUBT_PAUSE - (workflow.now() - began_at)) > timedelta(0):
            await workflow.sleep(left, summary="letting the providers show what they took")

    async def _reaches(self, way: str) -> bool:
        """Try one way out; whether nothing more is to be done."""
        asked = SendAsked(message=self._message.message, way=way)
        try:
            answer = await workflow.execute_activity(
                post_contracts.send_message,
                asked,
                start_to_close_timeout=WAY_OUT.attempt,
                heartbeat_timeout=WAY_OUT.silence,
                schedule_to_close_timeout=timedelta(minutes=self._rules.channel_minutes),
                retry_policy=WAY_OUT.retry,
                summary=way,
            )
        except ActivityError:
            await self._give_up(way, "no_answer")
            return False
        if answer.became == "refused":
            self._refused.add(way)
        if answer.became in ("refused", "used_up"):
            return False
        if answer.became in ("delivered", "not_needed") or not answer.awaits_receipt:
            return True
        return await self._arrives(asked)

    async def _arrives(self, asked: SendAsked) -> bool:
        """Wait for the provider's receipt; ask once when none comes; whether the message arrived."""
        way = asked.way
        try:
            await workflow.wait_condition(
                lambda: self._receipts.get(way, "on_its_way") != "on_its_way",
                timeout=timedelta(minutes=self._rules.silent_minutes),
                timeout_summary=f"{way}: a receipt",
            )
        except TimeoutError:
            await self._ask_after(asked)
        whereabouts = self._receipts.get(way, "on_its_way")
        if whereabouts == "delivered":
            return True
        if whereabouts == "undeliverable":
            self._refused.add(way)
        await self._give_up(way, "undeliverable" if whereabouts == "undeliverable" else "silent")
        return False

    async def _ask_after(self, asked: SendAsked) -> None:
        try:
            whereabouts = await workflow.execute_activity(
                post_contracts.look_up_message,
                asked,
                start_to_close_timeout=WAY_OUT.attempt,
                heartbeat_timeout=WAY_OUT.silence,
                schedule_to_close_timeout=timedelta(minutes=self._rules.channel_minutes),
                retry_policy=WAY_OUT.retry,
                summary=f"{asked.way}: where is it?",
            )
        except ActivityError:
            return
        # A receipt that came meanwhile knows better than an answer from before it.
        self.receipt(asked.way, whereabouts)

    async def _give_up(self, way: str, why: str) -> None:
        given_up = {"message": self._message.message, "way": way, "why": why, "at": workflow.now()}
        await workflow.execute_local_activity(
            post_contracts.give_up_way,
            WayGivenUp.model_validate(given_up),
            start_to_close_timeout=STORE.attempt,
            retry_policy=STORE.retry,
        )

    async def _close(self, *, reached: bool, final: bool) -> None:
        """Write down how the message stands, and let its episodes know when nobody is reached, or is after all."""
        news = await workflow.execute_local_activity(
            post_contracts.close_message,
            MessageClosed(message=self._message.message, reached=reached, final=final, at=workflow.now()),
            start_to_close_timeout=STORE.attempt,
            retry_policy=STORE.retry,
        )
        if reached and not self._told_unreached:
            return
        for posted in news if self._told_unreached is reached else ():
            await _tell_episode(posted)
        self._told_unreached = not reached


async def _tell_episode(posted: Posted) -> None:
    """Tell an episode; one that is closed by now need not hear."""
    episode = names.episode_of_notice(posted.notice)
    handle = workflow.get_external_workflow_handle(names.workflow_id(episode))
    try:
        await handle.signal(names.SIGNAL_NOTICE_POSTED, posted)
    except FailureError:
        workflow.logger.info("an episode that is closed was not told of a message")
