"""The MissingEpisode workflow: one durable run for one missing episode.

Handlers only record. The loop does the rest: it plans the clocks, writes what
people read, sends the notices whose time has come, and sleeps until the next
rung or the next fact.
"""

import asyncio
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from workflows import contracts, names
    from workflows.clocks import Clock, plan, still_owed
    from workflows.contracts import (
        NOTICE,
        STORE,
        Carried,
        ClockStanding,
        EpisodeChanges,
        EpisodeInput,
        EpisodeRow,
        EpisodeState,
        NoticeOrder,
        Recorded,
        Rules,
        TaskRow,
        TimelineEntry,
    )
    from workflows.facts import Fact, FactKind, Known, fact_from_outside, impossibility, same_fact
    from workflows.ladders import Aware, Climb, DueRung, Wake, next_wake, rungs_due
    from workflows.plain_errors import one_line
    from workflows.progress import (
        Timeline,
        changed_clocks,
        episode_row,
        notice_order,
        tasks_of_clocks,
        withdrawn,
    )
    from workflows.vocabulary import EpisodeStatus, Role


@workflow.defn(name=names.EPISODE_WORKFLOW)
class MissingEpisode:
    """One occurrence of absence, from first notice to closure."""

    @workflow.init
    def __init__(self, start: EpisodeInput) -> None:
        self._start = start
        self._facts: dict[str, Fact] = {fact.id: fact for fact in start.facts}
        carried = start.carried
        self._rules: Rules | None = carried.rules if carried else None
        self._turn_number = carried.turn if carried else 0
        self._climbs = {(c.clock, c.rung): c for c in carried.climbs} if carried else dict[tuple[str, str], Climb]()
        self._aware: dict[str, Aware] = dict(carried.aware) if carried else {}
        self._clocks: dict[str, Clock] = {c.id: c for c in carried.clocks} if carried else {}
        self._tasks: dict[str, TaskRow] = {t.key: t for t in carried.tasks} if carried else {}
        self._timeline = Timeline(carried.timeline if carried else ())
        self._refusals: list[str] = list(carried.refusals) if carried else []
        self._status: EpisodeStatus | None = carried.status if carried else None
        self._looked_up = carried.looked_up if carried else False
        self._written_entries = carried.written_entries if carried else 0
        self._written_facts = carried.written_facts if carried else 0
        self._written_tasks: dict[str, TaskRow] = dict(self._tasks)
        self._written_row: EpisodeRow | None = None
        self._wake: Wake | None = None
        self._look_again = False
        self._learned_at = self._now()
        self._news = 0
        self._sending: set[asyncio.Task[None]] = set()
        if not carried:
            for fact in start.facts:
                self._timeline.add_fact(fact, self._now())

    # What comes in ---------------------------------------------------------------------------------------------

    @workflow.update(name=names.UPDATE_RECORD)
    async def record(self, fact: Fact) -> Recorded:
        """Record a fact; answers with how things stand now. The update's id is the fact's id."""
        again = fact.id in self._facts
        self._take(fact)
        await workflow.wait_condition(lambda: self._rules is not None)
        return Recorded(
            episode_id=self._start.episode_id,
            fact_id=fact.id,
            again=again,
            status=self._known().status(),
            clocks=tuple(ClockStanding(id=c.id, due=c.due, state=c.state) for c in self._plan()),
        )

    @record.validator
    def _refuse_what_cannot_be_true(self, fact: Fact) -> None:
        if reason := self._why_not(fact):
            raise ApplicationError(reason, type="FactRefused", non_retryable=True)

    @workflow.signal(name=names.SIGNAL_REPORTED)
    def reported(self, data: Any) -> None:
        """The child was reported to the police."""
        self._signalled(data, FactKind.REPORTED)

    @workflow.signal(name=names.SIGNAL_FOUND)
    def found(self, data: Any) -> None:
        """The child was located; being back is a fact of its own."""
        self._signalled(data, FactKind.LOCATED)

    @workflow.signal(name=names.SIGNAL_RHI_DONE)
    def rhi_done(self, data: Any) -> None:
        """The return home interview was completed."""
        self._signalled(data, FactKind.RHI_COMPLETED)

    @workflow.signal(name=names.SIGNAL_FACT)
    def fact(self, data: Any) -> None:
        """Any fact, with its kind, flat as systems send it."""
        self._signalled(data, None)

    @workflow.signal(name=names.SIGNAL_LOOK_AGAIN)
    def look_again(self) -> None:
        """The calendar has grown: ask for it again and plan anew."""
        self._look_again = True
        self._news += 1

    # What can be asked -----------------------------------------------------------------------------------------

    @workflow.query(name=names.QUERY_STATE)
    def state(self) -> EpisodeState:
        """How the episode stands."""
        return EpisodeState(
            episode_id=self._start.episode_id,
            status=self._status or self._known().status(),
            policy=self._rules.pack.policy if self._rules else None,
            policy_version=self._rules.pack.version if self._rules else None,
            facts=len(self._facts),
            open_tasks=sum(task.state == "open" for task in self._tasks.values()),
            refusals=tuple(self._refusals),
            next_wake_at=self._wake.at if self._wake else None,
            next_wake_for=self._wake.label if self._wake else None,
        )

    @workflow.query(name=names.QUERY_CLOCKS)
    def clocks(self, as_of: datetime | None = None) -> tuple[Clock, ...]:
        """Every clock with its reasons, at a moment (UTC); as of the episode's last turn when none is given."""
        if as_of is None or self._rules is None:
            return tuple(self._clocks.values())
        return self._plan(as_of)

    @workflow.query(name=names.QUERY_TIMELINE)
    def timeline(self) -> tuple[TimelineEntry, ...]:
        """Every line of the timeline, in the order in which it became known."""
        return tuple(self._timeline.entries)

    # What happens ----------------------------------------------------------------------------------------------

    @workflow.run
    async def run(self, _start: EpisodeInput) -> None:
        """Live through the episode until nothing is owed and the time for corrections is over."""
        if self._rules is None:
            await self._learn_rules()
        await self._look_up_earlier()
        while True:
            seen = self._news
            await self._turn()
            over = self._is_over()
            if over or self._history_is_long():
                await self._drain(seen)
                if self._news == seen and over and await self._close(seen):
                    return
                if self._news == seen and not over:
                    workflow.continue_as_new(self._carry())
                continue
            await self._sleep(seen)

    async def _learn_rules(self) -> None:
        """Take the policy and calendar in as data; an episode keeps the version it began under."""
        self._look_again = False
        self._learned_at = self._now()
        since = min((fact.at for fact in self._facts.values()), default=self._now())
        version = self._rules.pack.version if self._rules else self._start.policy_version
        asked = contracts.RulesAsked(policy=self._start.policy, version=version, since=since, now=self._now())
        before = self._rules
        self._rules = await workflow.execute_local_activity(
            contracts.resolve_policy, asked, start_to_close_timeout=STORE.attempt, retry_policy=STORE.retry
        )
        if before is None or before.calendar.version != self._rules.calendar.version:
            pack, calendar = self._rules.pack, self._rules.calendar
            text = f"Policy {pack.policy} {pack.version}, calendar {calendar.calendar} {calendar.version}"
            self._timeline.add("rules", self._now(), self._now(), text)

    async def _look_up_earlier(self) -> None:
        if self._looked_up or self._start.child_id is None:
            return
        asked = contracts.EarlierAsked(episode_id=self._start.episode_id, child_id=self._start.child_id)
        earlier = await workflow.execute_local_activity(
            contracts.earlier_episodes, asked, start_to_close_timeout=STORE.attempt, retry_policy=STORE.retry
        )
        self._looked_up = True
        now = self._now()
        for other in earlier:
            owed = ", its interview still owed" if other.interview_owed else ""
            text = f"Another episode of this child: {other.episode_id} ({other.status.value}{owed})"
            self._timeline.add("earlier_episode", now, now, text)
            if other.status not in (EpisodeStatus.RETURNED, EpisodeStatus.CLOSED):
                do = f"Episode {other.episode_id} of the same child has no return recorded: record it"
                self._open_task(f"unreturned-{other.episode_id}", Role.DUTY_MANAGER, do)

    async def _turn(self) -> None:
        """Plan the clocks as of now, write what changed, and send the notices whose time has come."""
        looks = self._looks_again_at()
        if self._look_again or (looks and looks <= self._now()):
            await self._learn_rules()
        now = self._now()
        known, rules = self._known(now), self._settled_rules()
        clocks = self._plan(now)
        self._become_aware(clocks, now)
        due = rungs_due(clocks, rules.pack, known, self._climbs, self._aware)
        for clock in clocks:
            self._timeline.add_clock(self._clocks.get(clock.id), clock, now)
        self._note_status(known, now)
        changed = changed_clocks(self._clocks, clocks)
        dropped = tuple(clock_id for clock_id in self._clocks if clock_id not in {c.id for c in clocks})
        self._clocks = {clock.id: clock for clock in clocks}
        for task in tasks_of_clocks(self._tasks, clocks, rules.pack, known, self._start.episode_id):
            self._tasks[task.key] = task
        orders = [order for one in due if (order := self._climb(one, now))]
        self._wake = self._next_wake(known)
        await self._write(now, changed, dropped)
        for order in orders:
            self._send(order)

    def _climb(self, due: DueRung, now: datetime) -> NoticeOrder | None:
        clock, rung = due.clock, due.rung
        self._climbs[clock.id, rung.rung] = due.climbed(now)
        if due.passed_over:
            text = f"{clock.title}: '{rung.rung}' passed before this was known; a later step speaks for it"
            self._timeline.add("passed_over", due.at, now, text, clock=clock.id, rung=rung.rung, role=rung.role)
            return None
        return notice_order(self._start, due)

    def _send(self, order: NoticeOrder) -> None:
        """Send beside the loop, so that a channel that is away never holds up what else is owed."""
        task = asyncio.create_task(self._deliver(order))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _deliver(self, order: NoticeOrder) -> None:
        """Deliver a notice. The tray is a table of our own: a local activity reaches it at a sixth of the events."""
        await workflow.execute_local_activity(
            contracts.send_notice,
            order,
            start_to_close_timeout=NOTICE.attempt,
            retry_policy=NOTICE.retry,
            summary=f"{order.clock}: {order.rung}",
        )

    async def _write(self, now: datetime, changed: tuple[Clock, ...], dropped: tuple[str, ...]) -> None:
        entries = tuple(self._timeline.entries[self._written_entries :])
        facts = tuple(self._facts.values())[self._written_facts :]
        row = episode_row(self._start, self._settled_rules(), self._known(now), self._status, self._wake)
        tasks = tuple(task for key, task in self._tasks.items() if self._written_tasks.get(key) != task)
        if not (entries or facts or changed or dropped or tasks) and row == self._written_row:
            return
        self._turn_number += 1
        changes = EpisodeChanges(
            turn=self._turn_number,
            written_at=now,
            episode=row,
            facts=facts,
            clocks=changed,
            dropped_clocks=dropped,
            timeline=entries,
            tasks=tasks,
        )
        await workflow.execute_local_activity(
            contracts.write_episode, changes, start_to_close_timeout=STORE.attempt, retry_policy=STORE.retry
        )
        self._written_entries += len(entries)
        self._written_facts += len(facts)
        self._written_tasks |= {task.key: task for task in tasks}
        self._written_row = row

    async def _sleep(self, seen: int) -> None:
        wake = self._wake
        try:
            await workflow.wait_condition(
                lambda: self._news != seen,
                timeout=max((wake.at - self._now()).total_seconds(), 0) if wake else None,
                timeout_summary=wake.label if wake else None,
            )
        except TimeoutError:
            return

    async def _drain(self, seen: int) -> None:
        """Wait until handlers are finished and notices are out, or there is news."""
        await workflow.wait_condition(
            lambda: (workflow.all_handlers_finished() and not self._sending) or self._news != seen
        )

    async def _close(self, seen: int) -> bool:
        """Close the episode; False when a fact came in while it was being written, which leaves it open."""
        now, status = self._now(), self._status
        self._status = EpisodeStatus.CLOSED
        self._wake = None
        self._timeline.add("status", now, now, "Closed: the child is back and nothing is owed")
        for task in withdrawn(self._tasks.values(), now):
            self._tasks[task.key] = task
        await self._write(now, (), ())
        if self._news == seen:
            return True
        self._status = status
        return False

    # Helpers ---------------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return workflow.now() + self._start.ahead

    def _known(self, now: datetime | None = None) -> Known:
        return Known(self._facts.values(), now or self._now())

    def _settled_rules(self) -> Rules:
        if self._rules is None:
            raise RuntimeError("the episode has no rules yet")
        return self._rules

    def _plan(self, now: datetime | None = None) -> tuple[Clock, ...]:
        rules = self._settled_rules()
        return plan(self._facts.values(), self._start.child, rules.pack, rules.calendar, now or self._now())

    def _why_not(self, fact: Fact) -> str | None:
        if (old := self._facts.get(fact.id)) is not None:
            return None if same_fact(old, fact) else f"id: '{fact.id}' is already the id of a different fact"
        return impossibility(fact, self._facts.values(), self._start.child, self._now())

    def _take(self, fact: Fact) -> None:
        if fact.id in self._facts:
            return
        self._facts[fact.id] = fact
        self._timeline.add_fact(fact, self._now())
        self._news += 1

    def _signalled(self, data: Any, kind: FactKind | None) -> None:
        """Record a fact that came as a signal; what cannot be true stays visible and becomes an operator's task."""
        now = self._now()
        try:
            if not isinstance(data, dict):
                raise ValueError("the signal must carry one object")  # noqa: TRY301 - one way out for all refusals
            given: dict[str, object] = {**data, "kind": kind.value} if kind else {**data}
            fact = fact_from_outside(given, id=str(workflow.uuid4()), recorded_at=now, source="signal")
            reason = self._why_not(fact)
        except ValueError as error:
            fact, reason = None, one_line(error)
        if fact is not None and reason is None:
            self._take(fact)
            return
        text = f"Refused, sent as signal '{kind or 'fact'}': {reason}"
        self._refusals.append(text)
        self._timeline.add("refused", now, now, text)
        self._open_task(f"refused-{len(self._refusals)}", Role.OPERATOR, "Look at a fact that was refused")
        self._news += 1

    def _open_task(self, duty: str, role: Role, do: str) -> None:
        key = names.task_key(self._start.episode_id, duty)
        self._tasks[key] = TaskRow(
            key=key, clock=None, role=role, do=do, due=None, state="open", opened_at=self._now(), closed_at=None
        )

    def _become_aware(self, clocks: tuple[Clock, ...], now: datetime) -> None:
        for clock in clocks:
            old = self._aware.get(clock.id)
            if clock.due and (old is None or old.due != clock.due):
                self._aware[clock.id] = Aware(due=clock.due, since=now)

    def _note_status(self, known: Known, now: datetime) -> None:
        status = known.status()
        if status is not self._status:
            self._status = status
            since = known.status_since()
            self._timeline.add("status", since or now, now, f"Episode: {status.value}")

    def _next_wake(self, known: Known) -> Wake | None:
        """The one wake-up the episode holds: the earliest of all it waits for."""
        rules, now = self._settled_rules(), known.as_of
        rung = next_wake(tuple(self._clocks.values()), rules.pack, known, self._climbs)
        taking_effect = min((f.at for f in self._facts.values() if f.at > now), default=None)
        coming = [(rung.at, rung.label)] if rung else []
        coming += [(taking_effect, "a recorded fact takes effect")] if taking_effect else []
        coming += [(max(looks, now), "look at the calendar again")] if (looks := self._looks_again_at()) else []
        coming += [(max(closes, now), "close the episode")] if (closes := self._closes_at()) else []
        at, label = min(coming, default=(None, ""))
        return Wake(at=at, label=label) if at else None

    def _looks_again_at(self) -> datetime | None:
        """When to ask for the calendar again: None unless a clock is provisional."""
        again = self._settled_rules().pack.look_again.elapsed
        if again is None or not any(clock.provisional for clock in self._clocks.values()):
            return None
        return self._learned_at + again

    def _closes_at(self) -> datetime | None:
        """When the time for corrections ends: None while the child is away or anything is owed."""
        pack = self._settled_rules().pack
        if self._status is not EpisodeStatus.RETURNED or still_owed(self._clocks.values()):
            return None
        last = max(fact.recorded_at for fact in self._facts.values())
        return last + pack.close_after.elapsed if pack.close_after.elapsed else None

    def _is_over(self) -> bool:
        closes = self._closes_at()
        return closes is not None and closes <= self._now()

    def _history_is_long(self) -> bool:
        info, longest = workflow.info(), self._start.longest_history
        long = longest is not None and info.get_current_history_length() >= longest
        return long or info.is_continue_as_new_suggested()

    def _carry(self) -> EpisodeInput:
        carried = Carried(
            rules=self._settled_rules(),
            turn=self._turn_number,
            climbs=tuple(self._climbs.values()),
            aware=self._aware,
            clocks=tuple(self._clocks.values()),
            tasks=tuple(self._tasks.values()),
            timeline=tuple(self._timeline.entries),
            refusals=tuple(self._refusals),
            status=self._status,
            looked_up=self._looked_up,
            written_entries=self._written_entries,
            written_facts=self._written_facts,
        )
        return self._start.model_copy(update={"facts": tuple(self._facts.values()), "carried": carried})
