"""The engine's schedules as the settings want them: the digests, and comparing rows with workflows."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    RPCError,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCStatusCode

from activities.reconcile.parts import Timetable
from starter.post_office import LONDON, schedule_digests, unschedule
from workflows import names
from workflows.messages import PostRules
from workflows.reconcile_contracts import ReconcileInput

KEPT_EVERY_SECONDS: Final = 600.0
"""How often a worker sees to the schedules: an engine that has lost them begins nothing that would find it out."""

log = logging.getLogger("homeward.timetables")

_MISSED_RUN: Final = timedelta(minutes=5)
"""How late a run that was missed while everything was down may still begin: the next one finds the same."""


async def described(client: Client, schedule_id: str) -> Schedule | None:
    """A schedule as the engine has it, or None."""
    try:
        return (await client.get_schedule_handle(schedule_id).describe()).schedule
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def keep_timetables(timetables: Sequence[Timetable], every_seconds: float = KEPT_EVERY_SECONDS) -> None:
    """See to it, until cancelled, that the engine has schedules as the settings want them. A silence is waited out."""
    while True:
        await asyncio.sleep(every_seconds)
        try:
            for timetable in timetables:
                if not await timetable.agrees():
                    await timetable.make()
                    log.warning("schedule %s was not as the settings say, and is made anew", timetable.id)
        except RPCError:
            log.warning("schedules are not seen to: the engine does not answer")


def _begins(schedule: Schedule, kind: str) -> bool:
    return isinstance(schedule.action, ScheduleActionStartWorkflow) and schedule.action.workflow == kind


class DigestTimetable:
    """The schedule of an authority's digests."""

    def __init__(self, client: Client, authority: str, rules: PostRules) -> None:
        self._client = client
        self._authority = authority
        self._rules = rules
        self.id = names.digest_id(authority)

    async def agrees(self) -> bool:
        """Whether digests are begun at the times of the rules, in London, and at no others."""
        schedule = await described(self._client, self.id)
        if schedule is None or not self._rules.digest_at:
            return schedule is None and not self._rules.digest_at
        spec = schedule.spec
        times = {(hour.start, minute.start) for one in spec.calendars for hour in one.hour for minute in one.minute}
        wanted = {(at.hour, at.minute) for at in self._rules.digest_at}
        at_no_other = not spec.intervals and not spec.cron_expressions and spec.time_zone_name == LONDON
        return times == wanted and at_no_other and _begins(schedule, names.DIGEST_WORKFLOW)

    async def make(self) -> None:
        """Make it so."""
        await schedule_digests(self._client, self._authority, self._rules)


class ReconcileTimetable:
    """The schedule by which an authority's rows are compared with its workflows; `minutes` 0: never."""

    def __init__(self, client: Client, authority: str, minutes: int) -> None:
        self._client = client
        self._authority = authority
        self._every = timedelta(minutes=minutes)
        self.id = names.reconcile_id(authority)

    async def agrees(self) -> bool:
        """Whether a run begins as often as it should."""
        schedule = await described(self._client, self.id)
        if schedule is None or not self._every:
            return schedule is None and not self._every
        spec = schedule.spec
        as_often = [one.every for one in spec.intervals] == [self._every]
        return as_often and not spec.calendars and _begins(schedule, names.RECONCILE_WORKFLOW)

    async def make(self) -> None:
        """Make it so. A run that goes on when the next should begin is not doubled."""
        if not self._every:
            await unschedule(self._client, self.id)
            return
        schedule = Schedule(
            action=ScheduleActionStartWorkflow(
                names.RECONCILE_WORKFLOW,
                ReconcileInput(authority=self._authority),
                id=self.id,
                task_queue=names.TASK_QUEUE,
            ),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=self._every)]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_MISSED_RUN),
        )

        def as_now(_: ScheduleUpdateInput) -> ScheduleUpdate:
            return ScheduleUpdate(schedule=schedule)

        try:
            await self._client.create_schedule(self.id, schedule)
        except ScheduleAlreadyRunningError:
            await self._client.get_schedule_handle(self.id).update(as_now)
