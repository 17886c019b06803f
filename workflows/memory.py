"""What an episode remembers between two turns, and what follows from it. Pure: time is always passed in.

The workflow asks; nothing here knows an engine.
"""

from collections.abc import Iterable
from datetime import datetime

from workflows.chasing import ChaseStep, OverdueTask, not_taken, overdue, times_of, unanswered
from workflows.clocks import Clock, ages_reached, childhood_ends, holding_open, plan
from workflows.contracts import Carried, EpisodeInput, EpisodeRow, Rules, TaskRow, TimelineEntry, WriteAgain
from workflows.fact_kinds import ABOUT_TASKS, FactKind
from workflows.facts import CLOCK_SKEW, Fact, Known, impossibility, same_fact
from workflows.ladders import Aware, Climb, DueRung, Wake, next_wake, rungs_due
from workflows.names import ROLES_UNHELD, derived_id, duty_of, task_key
from workflows.policy import Pack
from workflows.post_contracts import Posted
from workflows.progress import Timeline
from workflows.rulings import against_policy
from workflows.task_holding import about_tasks, against_tasks, as_people_left_them
from workflows.telling import SentNotice, ToldBack
from workflows.unheld import asks_for
from workflows.vocabulary import ROLE_WORDS, EpisodeStatus, Role, status_in_words


class Memory:
    """An episode's facts, and all that it has said and done so far. All instants are UTC."""

    def __init__(self, start: EpisodeInput, now: datetime) -> None:
        """Remember what the episode begins with, or what an earlier run of it carried over."""
        self.start = start
        self.facts: dict[str, Fact] = {fact.id: fact for fact in start.facts}
        carried = start.carried
        self.rules: Rules | None = carried.rules if carried else None
        self.turn = carried.turn if carried else 0
        self.climbs = {(c.clock, c.rung): c for c in carried.climbs} if carried else dict[tuple[str, str], Climb]()
        self.aware: dict[str, Aware] = dict(carried.aware) if carried else {}
        self.clocks: dict[str, Clock] = {c.id: c for c in carried.clocks} if carried else {}
        self.tasks: dict[str, TaskRow] = {t.key: t for t in carried.tasks} if carried else {}
        self.timeline = Timeline(carried.timeline if carried else ())
        self.refusals: list[str] = list(carried.refusals) if carried else []
        self.status: EpisodeStatus | None = carried.status if carried else None
        self.looked_up = carried.looked_up if carried else False
        self.looked_at_directory = carried.looked_at_directory if carried else False
        self.sent: dict[str, SentNotice] = {s.key: s for s in carried.sent} if carried else {}
        self.told_back: dict[Role, ToldBack] = {t.role: t for t in carried.told_back} if carried else {}
        self.unknown_policies: set[str] = set(carried.unknown_policies) if carried else set()
        self.written_entries = carried.written_entries if carried else 0
        self.written_facts = carried.written_facts if carried else 0
        self.written_tasks: dict[str, TaskRow] = dict(self.tasks)
        self.written_row: EpisodeRow | None = None
        self.wake: Wake | None = None
        self.learned_at = now
        self.overdue_reviews_ask = True
        self.later_climbs_stand = True
        self.unexamined: list[Fact] = []
        told_of = {entry.fact_id for entry in self.timeline.entries}
        for fact in start.facts:
            if fact.id not in told_of:
                self.timeline.add_fact(fact, now)
        if start.perhaps_a_duplicate and carried is None:
            do = "This absence may be known already by another episode: look, and merge this one into that if so"
            self.open_task("perhaps-duplicate", Role.DUTY_MANAGER, do, now)

    # Facts ------------------------------------------------------------------------------------------------------

    def known(self, now: datetime) -> Known:
        """What is known at a moment."""
        return Known(self.facts.values(), now)

    def plan(self, now: datetime) -> tuple[Clock, ...]:
        """Every clock at a moment."""
        rules = self.settled_rules
        return plan(self.facts.values(), self.start.child, rules.pack, rules.calendar, now)

    @property
    def settled_rules(self) -> Rules:
        """The rules the episode lives by. Raises RuntimeError before it has any."""
        if self.rules is None:
            raise RuntimeError("the episode has no rules yet")
        return self.rules

    def why_not(self, fact: Fact, now: datetime) -> str | None:
        """Why a fact is refused, in one line that names the field; None when it can be taken."""
        if (old := self.facts.get(fact.id)) is not None:
            return None if same_fact(old, fact) else f"id: '{fact.id}' is already the id of a different fact"
        if reason := impossibility(fact, self.facts.values(), self.start.child, now):
            return reason
        pack = self.rules.pack if self.rules else None
        if pack and (reason := against_policy(fact, pack)):
            return reason
        return self._why_not_of_a_task(fact, pack, now) if fact.kind in ABOUT_TASKS else None

    def _why_not_of_a_task(self, fact: Fact, pack: Pack | None, now: datetime) -> str | None:
        task = self.tasks.get(task_key(self.start.episode_id, fact.details["task"]))
        # What came from a machine whose clock runs ahead is known already.
        known = Known((f for f in self.facts.values() if f.id != fact.corrects), now + CLOCK_SKEW)
        return against_tasks(fact, task, known, pack)

    def take(self, fact: Fact, now: datetime) -> bool:
        """Take a fact in; False when it was there."""
        if fact.id in self.facts:
            return False
        self.facts[fact.id] = fact
        if not about_tasks(fact, self.facts):
            self.unexamined.append(fact)
        self.timeline.add_fact(fact, now)
        return True

    def refuse(self, what: str, reason: str, now: datetime) -> None:
        """Keep something refused visible on the timeline, and have an operator look at it."""
        text = f"Refused, {what}: {reason}"
        self.refusals.append(text)
        self.timeline.add("refused", now, now, text)
        self.open_task(f"refused-{len(self.refusals)}", Role.OPERATOR, "Look at a fact that was refused", now)

    def take_back(self, notice: SentNotice) -> None:
        """Note that a notice was wrong and is corrected, so that its step can come again when it is right.

        A step that has been climbed again since stays climbed: that time it may have been right.
        """
        self.sent[notice.key] = notice.model_copy(update={"corrected": True})
        climb = self.climbs.get((notice.clock, notice.rung))
        if climb and not (self.later_climbs_stand and climb.times > times_of(notice)):
            self.climbs[notice.clock, notice.rung] = climb.model_copy(update={"corrected": True})

    def climbs_again(self, due: Iterable[DueRung]) -> bool:
        """Whether a step was climbed again, or is to be now, while what an earlier climb told stands uncorrected."""
        times = {key: climb.times for key, climb in self.climbs.items()}
        times |= {(one.clock.id, one.rung.rung): one.times for one in due}
        standing = (one for one in self.sent.values() if not one.corrected)
        return any(times.get((one.clock, one.rung), 0) > times_of(one) for one in standing)

    def note_posted(self, posted: Posted, now: datetime) -> bool:
        """Note that no channel reached anybody with a notice, or that one did after all; False when it is no news.

        Somebody must then be told by hand: a task of the duty manager, done once a channel got through.
        """
        notice = self.sent.get(posted.notice)
        key = task_key(self.start.episode_id, f"unreached-{derived_id(posted.notice, posted.person)}")
        old = self.tasks.get(key)
        words = ROLE_WORDS[posted.role]
        if posted.reached:
            if old is None or old.state != "open":
                return False
            self.tasks[key] = old.model_copy(update={"state": "done", "closed_at": now})
            self.timeline.add("told", now, now, f"The {words} was reached after all", role=posted.role)
        else:
            if old is not None:
                return False
            do = f"No message reached the {words}: tell that person yourself"
            self.open_task(duty_of(key), Role.DUTY_MANAGER, do, now)
            text = f"No channel reached the {words}"
            self.timeline.add("told", now, now, text, role=posted.role)
        if notice and (posted.nobody or posted.reached):
            self.sent[notice.key] = notice.model_copy(update={"undelivered_at": None if posted.reached else now})
        return True

    # Tasks ------------------------------------------------------------------------------------------------------

    def open_task(self, duty: str, role: Role, do: str, now: datetime, due: datetime | None = None) -> None:
        """Open a task that no clock opens."""
        key = task_key(self.start.episode_id, duty)
        self.tasks[key] = TaskRow(
            key=key, clock=None, role=role, do=do, due=due, state="open", opened_at=now, closed_at=None
        )

    def note_unheld(self, roles: Iterable[Role], now: datetime) -> None:
        """Have the duty manager see to the roles that nobody holds; done when somebody holds them all."""
        key = task_key(self.start.episode_id, ROLES_UNHELD)
        named, old = tuple(roles), self.tasks.get(key)
        if named:
            self.open_task(ROLES_UNHELD, Role.DUTY_MANAGER, asks_for(named), now)
            if old and old.state == "open":
                self.tasks[key] = self.tasks[key].model_copy(update={"opened_at": old.opened_at})
        elif old and old.state == "open":
            self.tasks[key] = old.model_copy(update={"state": "done", "closed_at": now})

    def roles_wanted(self, now: datetime) -> tuple[Role, ...]:
        """The roles that the clocks of this episode would tell or ask."""
        rules = [self.settled_rules.pack.clocks[clock.id] for clock in self.plan(now)]
        asked = {rung.role for rule in rules for rung in rule.ladder} | {r.task.role for r in rules if r.task}
        return tuple(sorted(asked))

    def chase(self, known: Known) -> list[ChaseStep]:
        """The steps still to take because nobody answers, or a task is overdue, in order of their times."""
        pack, sent = self.settled_rules.pack, dict[tuple[str, str, int, Role], datetime]()
        for notice in self.sent.values():
            sent[notice.clock, notice.rung, times_of(notice), notice.role] = notice.at
        late = [
            OverdueTask(duty=duty_of(task.key), role=task.role, do=task.do, due=task.due, opened_at=task.opened_at)
            for task in self.tasks.values()
            if task.state == "open" and task.due
        ]
        steps = unanswered(self.sent.values(), tuple(self.clocks.values()), pack, known) + overdue(late, pack)
        return not_taken(steps, sent)

    def replace_tasks(self, tasks: Iterable[TaskRow]) -> None:
        """Bring tasks to how they stand now."""
        for task in tasks:
            self.tasks[task.key] = task

    def bring_tasks_to_people(self, known: Known) -> None:
        """Bring tasks to what people have done with them: who has taken each, and which are called done."""
        called_done = {fact.id for fact in self.facts.values() if fact.kind is FactKind.TASK_DONE}
        learned = {e.fact_id: e.recorded_at for e in self.timeline.entries if e.fact_id and e.fact_id in called_done}
        self.replace_tasks(as_people_left_them(self.tasks.values(), known, self.settled_rules.pack, learned))

    # How it stands ----------------------------------------------------------------------------------------------

    def become_aware(self, clocks: tuple[Clock, ...], now: datetime) -> None:
        """Note since when each clock's due time has been known."""
        for clock in clocks:
            old = self.aware.get(clock.id)
            if clock.due and (old is None or old.due != clock.due):
                self.aware[clock.id] = Aware(due=clock.due, since=now)

    def note_status(self, known: Known, now: datetime) -> None:
        """Note how the episode stands, with a line on the timeline when that is new."""
        status, since = known.status(), known.status_since()
        grown = childhood_ends(known.child(self.start.child), self.settled_rules.pack)
        if grown and grown <= now and status.gone:
            status, since = EpisodeStatus.CLOSED_AT_18, grown
        if status is not self.status:
            self.status = status
            self.timeline.add("status", since or now, now, f"Episode: {status_in_words(status)}")

    def wanted_policy(self) -> Fact | None:
        """The fact that asks for another policy than the one the episode lives by, if one does."""
        asking = [
            fact
            for fact in self.known(max((f.at for f in self.facts.values()), default=self.learned_at)).all(
                FactKind.POLICY_CHANGED
            )
            if fact.id not in self.unknown_policies
        ]
        if not asking or self.rules is None:
            return None
        last = max(asking, key=lambda fact: (fact.recorded_at, fact.at, fact.id))
        pack = self.rules.pack
        same = (last.details["policy"], last.details["version"]) == (pack.policy, pack.version)
        return None if same else last

    def policy_asked_for(self, changed: Fact | None) -> tuple[str, str | None]:
        """The policy and version to live by: those a fact asks for, those the episode has, or those it began with."""
        if changed:
            return changed.details["policy"], changed.details["version"]
        if self.rules:
            return self.rules.pack.policy, self.rules.pack.version
        return self.start.policy, self.start.policy_version

    # When to look again -----------------------------------------------------------------------------------------

    def rungs_due(self, clocks: tuple[Clock, ...], known: Known) -> tuple[DueRung, ...]:
        """The rungs of these clocks to climb as of `known.as_of`."""
        pack, ask = self.settled_rules.pack, self.overdue_reviews_ask
        return rungs_due(clocks, pack, known, self.climbs, self.aware, overdue_reviews_ask=ask)

    def next_wake(self, known: Known) -> Wake | None:
        """The one wake-up the episode holds: the earliest of all it waits for."""
        pack, now = self.settled_rules.pack, known.as_of
        clocks, ask = tuple(self.clocks.values()), self.overdue_reviews_ask
        rung = next_wake(clocks, pack, known, self.climbs, overdue_reviews_ask=ask)
        taking_effect = min((f.at for f in self.facts.values() if f.at > now), default=None)
        older = min((at for at in ages_reached(known.child(self.start.child), pack) if at > now), default=None)
        coming = [(rung.at, rung.label)] if rung else []
        chased = next((step for step in self.chase(known) if step.at > now), None)
        coming += [(chased.at, f"{chased.clock}: {chased.rung}")] if chased else []
        coming += [(taking_effect, "a recorded fact takes effect")] if taking_effect else []
        coming += [(max(looks, now), "look at the calendar again")] if (looks := self.looks_again_at()) else []
        coming += [(max(closes, now), "close the episode")] if (closes := self.closes_at()) else []
        coming += [(older, "an age that the policy names")] if older and not self.settled_for_good() else []
        at, label = min(coming, default=(None, ""))
        return Wake(at=at, label=label) if at else None

    def looks_again_at(self) -> datetime | None:
        """When to ask for the calendar again: None unless a clock is provisional."""
        again = self.settled_rules.pack.look_again.elapsed
        if again is None or not any(clock.provisional for clock in self.clocks.values()):
            return None
        return self.learned_at + again

    def settled_for_good(self) -> bool:
        """Whether the child is back, or the episode over, with nothing owed that keeps it open."""
        if self.status is None or holding_open(self.clocks.values()):
            return False
        return self.status is EpisodeStatus.RETURNED or self.status.over

    def closes_at(self) -> datetime | None:
        """When the time for corrections ends: None while the child is away or anything is owed."""
        if not self.settled_for_good():
            return None
        close_after = self.settled_rules.pack.close_after.elapsed
        last = max(fact.recorded_at for fact in self.facts.values())
        grown = childhood_ends(self.known(last).child(self.start.child), self.settled_rules.pack)
        if self.status is EpisodeStatus.CLOSED_AT_18 and grown:
            last = max(last, grown)
        return last + close_after if close_after else None

    # Beginning anew ---------------------------------------------------------------------------------------------

    def carry(self) -> EpisodeInput:
        """What the episode begins its next run with."""
        carried = Carried(
            rules=self.settled_rules,
            turn=self.turn,
            climbs=tuple(self.climbs.values()),
            aware=self.aware,
            clocks=tuple(self.clocks.values()),
            tasks=tuple(self.tasks.values()),
            timeline=tuple(self.timeline.entries),
            refusals=tuple(self.refusals),
            status=self.status,
            looked_up=self.looked_up,
            looked_at_directory=self.looked_at_directory,
            sent=tuple(self.sent.values()),
            told_back=tuple(self.told_back.values()),
            unknown_policies=tuple(sorted(self.unknown_policies)),
            written_entries=self.written_entries,
            written_facts=self.written_facts,
        )
        return self.start.model_copy(update={"facts": tuple(self.facts.values()), "carried": carried})

    def forget_written(self, there: WriteAgain) -> None:
        """Take it that the store has nothing of what it should have, and that its turn may be beyond this one."""
        self.written_entries, self.written_facts = 0, 0
        self.written_tasks, self.written_row = {}, None
        self.turn = max(self.turn, there.turn)

    def unwritten(self) -> tuple[tuple[TimelineEntry, ...], tuple[Fact, ...], tuple[TaskRow, ...]]:
        """The timeline lines, facts and tasks that the store does not have yet."""
        entries = tuple(self.timeline.entries[self.written_entries :])
        facts = tuple(self.facts.values())[self.written_facts :]
        tasks = tuple(task for key, task in self.tasks.items() if self.written_tasks.get(key) != task)
        return entries, facts, tasks

    def note_written(
        self,
        entries: tuple[TimelineEntry, ...],
        facts: tuple[Fact, ...],
        tasks: tuple[TaskRow, ...],
        row: EpisodeRow,
    ) -> None:
        """Note that the store has these now."""
        self.written_entries += len(entries)
        self.written_facts += len(facts)
        self.written_tasks |= {task.key: task for task in tasks}
        self.written_row = row
